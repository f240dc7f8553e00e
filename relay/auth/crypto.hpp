// Crypto: the five primitives that the relay signs and seals with, on OpenSSL's EVP.
//
// Sizes are in the types, algorithms are fixed: nothing here is chosen by data. A failure of
// OpenSSL itself (no memory, no randomness) is fatal to the caller's operation and shows as an
// empty result; comparing is constant-time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "relay/auth/secret.hpp"

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace redoubt::auth {

using Bytes = std::span<const std::uint8_t>;
inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

using Digest = std::array<std::uint8_t, 32>;
Digest sha256(Bytes bytes);
Digest hmac_sha256(Bytes key, Bytes message);
/// Equal, in a time that depends on the sizes alone.
bool equal(Bytes a, Bytes b);
/// Equal, in a time that does not tell the other one's size either.
bool equal_hidden(Bytes a, Bytes b);
void fill_random(std::span<std::uint8_t> bytes);
std::string to_hex(Bytes bytes);

/// RFC 8032 Ed25519.
using Signature = std::array<std::uint8_t, 64>;
constexpr std::size_t ed25519_key_bytes = 32;
using SigningKey = std::shared_ptr<evp_pkey_st>;
/// Null where the key is not one. The key may sign (from a private key) or only verify.
SigningKey ed25519_public(Bytes key);
SigningKey ed25519_private(Bytes seed);
std::array<std::uint8_t, ed25519_key_bytes> ed25519_public_of(const SigningKey& key);
bool ed25519_verify(const SigningKey& key, Bytes message, Bytes signature);
std::optional<Signature> ed25519_sign(const SigningKey& key, Bytes message);

/// AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce and a 128-bit tag behind the ciphertext.
constexpr std::size_t aes_key_bytes = 32;
constexpr std::size_t tag_bytes = 16;
using Nonce = std::array<std::uint8_t, 12>;
/// REQUIRES: key.size() == aes_key_bytes; a nonce is used once for a key
std::vector<std::uint8_t> aes_gcm_seal(Bytes key, const Nonce& nonce, Bytes aad, Bytes plain);
/// Nothing where the tag does not match: nothing of the plaintext comes out then.
std::optional<Secret> aes_gcm_open(Bytes key, const Nonce& nonce, Bytes aad, Bytes sealed);

}  // namespace redoubt::auth
