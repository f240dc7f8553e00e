#include "relay/auth/vault.hpp"

#include <algorithm>
#include <array>

#include "engine/base/ascii.hpp"
#include "relay/auth/base64.hpp"

namespace redoubt::auth {
namespace {

constexpr std::size_t master_key_bytes = 32;
constexpr std::size_t id_bytes = 8;
constexpr std::size_t fingerprint_bytes = 6;
constexpr std::string_view seal_purpose = "redoubt vault 1: seal";
constexpr std::string_view fingerprint_purpose = "redoubt vault 1: fingerprint";
constexpr std::string_view id_purpose = "redoubt vault 1: master key id";
constexpr std::string_view aad_purpose = "redoubt vault 1: sealed key";

Secret derive(Bytes master, std::string_view purpose) {
  Digest digest = hmac_sha256(master, bytes_of(purpose));
  Secret key{Bytes(digest)};
  cleanse(std::span(reinterpret_cast<char*>(digest.data()), digest.size()));
  return key;
}

void append(std::string& out, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8)
    out += static_cast<char>(number >> shift);
}
void append(std::string& out, std::string_view text) {
  append(out, text.size());
  out += text;
}

// Each field with its length before it, so that no two records have the same bytes.
std::string bound(const SealedKey& record) {
  std::string aad;
  append(aad, aad_purpose);
  append(aad, record.name);
  append(aad, record.provider);
  append(aad, static_cast<std::uint64_t>(record.version));
  append(aad, record.master_key_id);
  append(aad, record.fingerprint);
  append(aad, static_cast<std::uint64_t>(record.created_ms));
  return aad;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool decode_hex(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() != out.size() * 2) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

bool decode_master(std::string_view text, std::span<std::uint8_t> out) {
  if (decode_hex(text, out)) return true;
  if (text.ends_with('=')) text.remove_suffix(1);
  // Both alphabets: `openssl rand -base64 32` writes the other one.
  Secret url{text};
  for (std::uint8_t& c : url.writable()) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return decode_base64url(url.text(), out);
}

bool is_alphanumeric(char c) {
  return is_ascii_alnum(c);
}

}  // namespace

MasterKey::MasterKey(Bytes bytes)
    : id_(to_hex(derive(bytes, id_purpose).bytes().first(id_bytes))),
      seal_key_(derive(bytes, seal_purpose)),
      fingerprint_key_(derive(bytes, fingerprint_purpose)) {}

Result<MasterKey> MasterKey::parse(std::string_view text) {
  Secret bytes = Secret::of_size(master_key_bytes);
  if (!decode_master(text, bytes.writable())) {
    return Error{.code = "bad_master_key",
                 .message =
                     "the master key is not 32 bytes in base64 or hexadecimal (make one "
                     "with: openssl rand -base64 32)",
                 .expected = "32 bytes in base64 or hexadecimal"};
  }
  return MasterKey(bytes.bytes());
}

Secret MasterKey::generate() {
  Secret bytes = Secret::of_size(master_key_bytes);
  fill_random(bytes.writable());
  std::string text = to_base64url(bytes.bytes());
  Secret secret{std::string_view(text)};
  cleanse(text);
  return secret;
}

std::string MasterKey::fingerprint(Bytes provider_key) const {
  const Digest digest = hmac_sha256(fingerprint_key_.bytes(), provider_key);
  return to_hex(Bytes(digest).first(fingerprint_bytes));
}

bool is_key_name(std::string_view text) {
  return !text.empty() && text.size() <= key_name_bytes_max && is_alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

Result<void> check_provider_key(const Secret& key) {
  const auto refuse = [](std::string message) {
    return Error{.code = "bad_key", .message = std::move(message)};
  };
  if (key.empty()) return refuse("the key is empty");
  if (key.size() > provider_key_bytes_max) {
    return refuse("the key is longer than " + std::to_string(provider_key_bytes_max) + " bytes");
  }
  const auto bytes = key.bytes();
  const bool printable =
      std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t c) { return c > 0x20 && c < 0x7f; });
  if (!printable) return refuse("the key holds white space or characters that no key has");
  // As `docker run --env-file` passes on what a file has in quotes.
  const bool quoted =
      bytes.front() == bytes.back() && (bytes.front() == '"' || bytes.front() == '\'');
  if (quoted) return refuse("the key has quotes around it, which are no part of it: take them off");
  return {};
}

SealedKey seal(const MasterKey& master, const KeyIdentity& identity, const Secret& key,
               const Nonce& nonce) {
  SealedKey record{.name = identity.name,
                   .provider = identity.provider,
                   .version = identity.version,
                   .master_key_id = master.id(),
                   .fingerprint = master.fingerprint(key.bytes()),
                   .created_ms = identity.created_ms,
                   .nonce = nonce};
  record.sealed = aes_gcm_seal(master.seal_key(), nonce, bytes_of(bound(record)), key.bytes());
  return record;
}

Result<Secret> open(const MasterKey& master, const SealedKey& record) {
  if (record.master_key_id != master.id()) {
    return Error{.code = "wrong_master_key",
                 .message = "the key " + record.name + " is sealed under the master key " +
                            record.master_key_id + ", not under " + master.id()};
  }
  auto key = aes_gcm_open(master.seal_key(), record.nonce, bytes_of(bound(record)), record.sealed);
  if (!key) {
    return Error{.code = "broken_seal",
                 .message = "the record of the key " + record.name + " was changed or is damaged"};
  }
  return std::move(*key);
}

}  // namespace redoubt::auth
