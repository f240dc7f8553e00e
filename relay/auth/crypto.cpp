#include "relay/auth/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cassert>
#include <cstdlib>

namespace redoubt::auth {
namespace {

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;
struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

// SHA-256 and HMAC over memory fail only without memory, randomness only without a system: no
// answer that the caller could give would be right.
void must(bool succeeded) {
  if (!succeeded) std::abort();
}

int size_of(Bytes bytes) {
  return static_cast<int>(bytes.size());
}

bool start(EVP_CIPHER_CTX* context, Bytes key, const Nonce& nonce, Bytes aad, bool seal) {
  assert(key.size() == aes_key_bytes);
  int written = 0;
  return context != nullptr &&
         EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nullptr, key.data(), nonce.data(),
                           seal ? 1 : 0) == 1 &&
         (aad.empty() ||
          EVP_CipherUpdate(context, nullptr, &written, aad.data(), size_of(aad)) == 1);
}

SigningKey own(EVP_PKEY* key) {
  ERR_clear_error();
  return {key, [](EVP_PKEY* k) { EVP_PKEY_free(k); }};
}

}  // namespace

Digest sha256(Bytes bytes) {
  // EVP_sha256() has OpenSSL look for an implementation at each use, which takes longer than a
  // token's digest.
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Digest digest;
  must(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, method, nullptr) == 1);
  return digest;
}

Digest hmac_sha256(Bytes key, Bytes message) {
  Digest digest;
  static constexpr std::uint8_t none = 0;  // OpenSSL takes a null key for "the one before"
  const std::uint8_t* key_data = key.empty() ? &none : key.data();
  unsigned size = 0;
  must(HMAC(EVP_sha256(), key_data, size_of(key), message.data(), message.size(), digest.data(),
            &size) != nullptr);
  return digest;
}

bool equal(Bytes a, Bytes b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool equal_hidden(Bytes a, Bytes b) {
  return equal(sha256(a), sha256(b));
}

void fill_random(std::span<std::uint8_t> bytes) {
  must(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
}

std::string to_hex(Bytes bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

SigningKey ed25519_public(Bytes key) {
  return own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
}

SigningKey ed25519_private(Bytes seed) {
  return own(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
}

std::array<std::uint8_t, ed25519_key_bytes> ed25519_public_of(const SigningKey& key) {
  std::array<std::uint8_t, ed25519_key_bytes> bytes{};
  std::size_t size = bytes.size();
  must(EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) == 1);
  return bytes;
}

bool ed25519_verify(const SigningKey& key, Bytes message, Bytes signature) {
  const DigestContext context(EVP_MD_CTX_new());
  const bool good =
      context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                       message.size()) == 1;
  ERR_clear_error();
  return good;
}

std::optional<Signature> ed25519_sign(const SigningKey& key, Bytes message) {
  const DigestContext context(EVP_MD_CTX_new());
  Signature signature;
  std::size_t size = signature.size();
  const bool good =
      context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1 &&
      size == signature.size();
  ERR_clear_error();
  if (!good) return std::nullopt;
  return signature;
}

std::vector<std::uint8_t> aes_gcm_seal(Bytes key, const Nonce& nonce, Bytes aad, Bytes plain) {
  const Cipher context(EVP_CIPHER_CTX_new());
  must(start(context.get(), key, nonce, aad, true));
  std::vector<std::uint8_t> sealed(plain.size() + tag_bytes);
  int written = 0;
  if (!plain.empty()) {
    must(EVP_CipherUpdate(context.get(), sealed.data(), &written, plain.data(), size_of(plain)) ==
         1);
  }
  int rest = 0;
  must(EVP_CipherFinal_ex(context.get(), sealed.data() + written, &rest) == 1);
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_bytes),
                           sealed.data() + plain.size()) == 1);
  return sealed;
}

std::optional<Secret> aes_gcm_open(Bytes key, const Nonce& nonce, Bytes aad, Bytes sealed) {
  if (sealed.size() < tag_bytes) return std::nullopt;
  const Bytes body = sealed.first(sealed.size() - tag_bytes);
  std::array<std::uint8_t, tag_bytes> tag{};
  std::copy(sealed.end() - tag_bytes, sealed.end(), tag.begin());
  const Cipher context(EVP_CIPHER_CTX_new());
  must(start(context.get(), key, nonce, aad, false));
  Secret plain = Secret::of_size(body.size());
  int written = 0;
  if (!body.empty()) {
    must(EVP_CipherUpdate(context.get(), plain.writable().data(), &written, body.data(),
                          size_of(body)) == 1);
  }
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag_bytes),
                           tag.data()) == 1);
  std::array<std::uint8_t, tag_bytes> rest{};
  int rest_size = 0;
  const bool genuine = EVP_CipherFinal_ex(context.get(), rest.data(), &rest_size) == 1;
  ERR_clear_error();
  if (!genuine) return std::nullopt;
  return plain;
}

}  // namespace redoubt::auth
