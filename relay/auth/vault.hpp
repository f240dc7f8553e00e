// Vault: provider keys sealed under a master key.
//
//   sealed = AES-256-GCM(seal key, nonce, key; AAD = every other field of the record)
//   seal key, fingerprint key = HMAC-SHA256(master key, its purpose)
//
// 1. Pure: time and randomness come in as arguments; relay/auth/key_table keeps the records.
// 2. A record is bound whole: its name, provider, version, fingerprint, time and the master key's
//    id are authenticated, so that no record can be renamed, given to another provider, replaced
//    by its older version under a new number, or changed by a bit.
// 3. A nonce is random (96 bits); a master key seals far fewer than 2^32 records in its life.
// 4. The fingerprint tells equal keys and lets an operator recognise one; without the master key it
//    tells nothing about the key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/auth/crypto.hpp"
#include "relay/auth/secret.hpp"

namespace redoubt::auth {

constexpr std::size_t key_name_bytes_max = 64;
constexpr std::size_t provider_key_bytes_max = 4'096;

/// 32 random bytes and what is derived from them.
class MasterKey {
 public:
  /// From text: 32 bytes in base64, base64url (44 or 43 characters) or hexadecimal (64 digits).
  static Result<MasterKey> parse(std::string_view text);
  /// As parse() reads it: base64url.
  static Secret generate();

  /// 16 hexadecimal digits that name the key and tell nothing about it.
  const std::string& id() const { return id_; }
  Bytes seal_key() const { return seal_key_.bytes(); }
  std::string fingerprint(Bytes provider_key) const;

 private:
  explicit MasterKey(Bytes bytes);
  std::string id_;
  Secret seal_key_;
  Secret fingerprint_key_;
};

/// A record as it lies in the store.
/// A key of weight 3 gets three times the calls of one of weight 1 of the same provider.
constexpr int key_weight_max = 100;

struct SealedKey {
  std::string name;
  std::string provider;
  std::int64_t version = 1;
  std::string master_key_id;
  std::string fingerprint;
  std::int64_t created_ms = 0;  ///< of this version
  Nonce nonce{};
  std::vector<std::uint8_t> sealed;
  std::optional<std::int64_t> last_used_ms;  ///< not bound
  int weight = 1;                            ///< 1 to key_weight_max; not bound
};

/// Name and provider: 1 to 64 of [A-Za-z0-9._-], beginning with a letter or digit.
bool is_key_name(std::string_view text);
/// What a provider's key may be: 1 to 4,096 printable ASCII characters without white space, as a
/// header can carry them. Error bad_key says which rule is broken and shows nothing of the key.
Result<void> check_provider_key(const Secret& key);

struct KeyIdentity {
  std::string name;
  std::string provider;
  std::int64_t version = 1;
  std::int64_t created_ms = 0;
};
SealedKey seal(const MasterKey& master, const KeyIdentity& identity, const Secret& key,
               const Nonce& nonce);
/// Error wrong_master_key (sealed under another one) or broken_seal (changed since).
Result<Secret> open(const MasterKey& master, const SealedKey& record);

}  // namespace redoubt::auth
