// Key table: the sealed provider keys in the store (table sealed_keys).
//
// Functions on a Database of relay/store; each is one transaction or one statement. None of them
// sees a key in the clear but reseal_all, which opens and seals again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/auth/vault.hpp"
#include "relay/store/database.hpp"

namespace redoubt::auth {

/// Provider keys that a store holds at most.
constexpr std::size_t provider_keys_max = 256;

/// In the order of their names.
Result<std::vector<SealedKey>> list_keys(store::Database& database);
/// Error unknown_key where there is none of that name.
Result<SealedKey> find_key(store::Database& database, std::string_view name);
/// Error key_exists where there is one of that name, too_many_keys over provider_keys_max.
Result<void> add_key(store::Database& database, const SealedKey& record);
/// A new version of a key, whose weight stays. Error unknown_key, or key_changed where another
/// process was quicker (the stored version is not the one before).
Result<void> replace_key(store::Database& database, const SealedKey& record);
Result<void> remove_key(store::Database& database, std::string_view name);
/// REQUIRES: 1 <= weight <= key_weight_max. Error unknown_key.
Result<void> weigh_key(store::Database& database, std::string_view name, int weight);
Result<void> note_key_use(store::Database& database, std::string_view name, std::int64_t now_ms);

using NonceSource = std::function<Nonce()>;
/// Seals every key again under another master key, all or none; versions and times stay. Returns
/// how many there are. Error as open(): nothing has changed then.
Result<int> reseal_all(store::Database& database, const MasterKey& from, const MasterKey& to,
                       const NonceSource& nonces);

}  // namespace redoubt::auth
