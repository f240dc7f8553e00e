// Key table: where the sealed provider keys are kept.
//
// The port of relay/storage's adapters: each method is one transaction, on the caller's thread.
// None of them sees a key in the clear; reseal_all opens and seals on its way through change_all.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/auth/vault.hpp"

namespace redoubt::auth {

/// Provider keys that a table holds at most.
constexpr std::size_t provider_keys_max = 256;

Error unknown_key(std::string_view name);
Error key_exists(std::string_view name);
Error too_many_keys(std::size_t held);
Error key_changed(std::string_view name);

class KeyTable {
 public:
  virtual ~KeyTable() = default;
  /// For messages: where the keys are kept.
  virtual std::string place() const = 0;
  /// In the order of their names.
  virtual Result<std::vector<SealedKey>> list() = 0;
  /// Error key_exists where there is one of that name, too_many_keys over provider_keys_max.
  virtual Result<void> add(const SealedKey& record) = 0;
  /// A new version of a key, whose weight stays. Error unknown_key, or key_changed where another
  /// process was quicker (the stored version is not the one before).
  virtual Result<void> replace(const SealedKey& record) = 0;
  virtual Result<void> remove(std::string_view name) = 0;
  /// REQUIRES: 1 <= weight <= key_weight_max. Error unknown_key.
  virtual Result<void> weigh(std::string_view name, int weight) = 0;
  /// An earlier use than the one that is noted, and a key that is not there, change nothing.
  virtual Result<void> note_use(std::string_view name, std::int64_t now_ms) = 0;
  /// Each key as `change` makes it, all or none; name, weight and last use stay. Returns how many
  /// there are.
  virtual Result<int> change_all(
      const std::function<Result<SealedKey>(const SealedKey&)>& change) = 0;
};

/// Error unknown_key where there is none of that name.
Result<SealedKey> find_key(KeyTable& table, std::string_view name);

using NonceSource = std::function<Nonce()>;
/// Seals every key again under another master key, all or none; versions and times stay. Returns
/// how many there are. Error as open(): nothing has changed then.
Result<int> reseal_all(KeyTable& table, const MasterKey& from, const MasterKey& to,
                       const NonceSource& nonces);

}  // namespace redoubt::auth
