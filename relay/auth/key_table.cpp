#include "relay/auth/key_table.hpp"

#include <algorithm>

namespace redoubt::auth {

Error unknown_key(std::string_view name) {
  return {.code = "unknown_key", .message = "there is no key called " + std::string(name)};
}

Error key_exists(std::string_view name) {
  return {.code = "key_exists",
          .message = "there is a key called " + std::string(name) +
                     " already; rotate it, or remove it first"};
}

Error too_many_keys(std::size_t held) {
  return {.code = "too_many_keys",
          .message = "the store holds " + std::to_string(held) + " keys, the most there can be"};
}

Error key_changed(std::string_view name) {
  return {.code = "key_changed",
          .message = "the key " + std::string(name) + " was changed meanwhile; look again"};
}

Result<SealedKey> find_key(KeyTable& table, std::string_view name) {
  auto keys = table.list();
  if (!keys) return keys.error();
  const auto found = std::find_if(keys->begin(), keys->end(),
                                  [&](const SealedKey& key) { return key.name == name; });
  if (found == keys->end()) return unknown_key(name);
  return std::move(*found);
}

Result<int> reseal_all(KeyTable& table, const MasterKey& from, const MasterKey& to,
                       const NonceSource& nonces) {
  return table.change_all([&](const SealedKey& record) -> Result<SealedKey> {
    const auto key = open(from, record);
    if (!key) return key.error();
    const KeyIdentity identity{.name = record.name,
                               .provider = record.provider,
                               .version = record.version,
                               .created_ms = record.created_ms};
    return seal(to, identity, *key, nonces());
  });
}

}  // namespace redoubt::auth
