#include "relay/storage/memory_key_table.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::storage {

using auth::SealedKey;

namespace {

/// What a record's new version or seal does not change.
void take_over(SealedKey& record, SealedKey from) {
  from.weight = record.weight;
  from.last_used_ms = record.last_used_ms;
  record = std::move(from);
}

}  // namespace

Result<std::vector<SealedKey>> MemoryKeyTable::list() {
  std::vector<SealedKey> all;
  for (const auto& [name, record] : keys_)
    all.push_back(record);
  return all;
}

Result<void> MemoryKeyTable::add(const SealedKey& record) {
  if (keys_.size() >= auth::provider_keys_max) return auth::too_many_keys(keys_.size());
  if (!keys_.emplace(record.name, record).second) return auth::key_exists(record.name);
  return {};
}

Result<void> MemoryKeyTable::replace(const SealedKey& record) {
  const auto found = keys_.find(record.name);
  if (found == keys_.end()) return auth::unknown_key(record.name);
  if (found->second.version != record.version - 1) return auth::key_changed(record.name);
  take_over(found->second, record);
  return {};
}

Result<void> MemoryKeyTable::remove(std::string_view name) {
  const auto found = keys_.find(name);
  if (found == keys_.end()) return auth::unknown_key(name);
  keys_.erase(found);
  return {};
}

Result<void> MemoryKeyTable::weigh(std::string_view name, int weight) {
  const auto found = keys_.find(name);
  if (found == keys_.end()) return auth::unknown_key(name);
  found->second.weight = weight;
  return {};
}

Result<void> MemoryKeyTable::note_use(std::string_view name, std::int64_t now_ms) {
  const auto found = keys_.find(name);
  if (found == keys_.end()) return {};
  auto& last = found->second.last_used_ms;
  last = std::max(last.value_or(0), now_ms);
  return {};
}

Result<int> MemoryKeyTable::change_all(
    const std::function<Result<SealedKey>(const SealedKey&)>& change) {
  auto changed = keys_;
  for (auto& [name, record] : changed) {
    auto next = change(record);
    if (!next) return next.error();
    take_over(record, std::move(*next));
  }
  keys_ = std::move(changed);
  return static_cast<int>(keys_.size());
}

}  // namespace redoubt::storage
