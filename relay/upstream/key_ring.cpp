#include "relay/upstream/key_ring.hpp"

#include <algorithm>
#include <cassert>

namespace redoubt::upstream {

KeyRing::KeyRing(std::vector<WeightedKey> keys) {
  replace(std::move(keys));
}

void KeyRing::replace(std::vector<WeightedKey> keys) {
  std::vector<Entry> entries;
  for (WeightedKey& key : keys) {
    assert(key.weight > 0);
    Entry entry{.key = std::move(key)};
    for (const Entry& old : keys_)
      if (old.key.name == entry.key.name) entry.rests_until_ns = old.rests_until_ns;
    entries.push_back(std::move(entry));
  }
  keys_ = std::move(entries);
}

std::optional<std::uint32_t> KeyRing::pick(std::int64_t now_ns) {
  if (keys_.empty()) return 0;
  Entry* best = nullptr;
  std::int64_t total = 0;
  for (Entry& entry : keys_) {
    if (entry.rests_until_ns > now_ns) continue;
    entry.current += entry.key.weight;
    total += entry.key.weight;
    if (best == nullptr || entry.current > best->current) best = &entry;
  }
  if (best == nullptr) return std::nullopt;
  best->current -= total;
  return static_cast<std::uint32_t>(best - keys_.data());
}

void KeyRing::rest(std::uint32_t key, std::int64_t until_ns) {
  if (key >= keys_.size()) return;  // the keys were replaced meanwhile
  keys_[key].rests_until_ns = std::max(keys_[key].rests_until_ns, until_ns);
  keys_[key].current = 0;  // it comes back as any other, not with what it missed
}

std::int64_t KeyRing::available_at_ns(std::int64_t now_ns) const {
  std::int64_t first = 0;
  for (const Entry& entry : keys_) {
    if (entry.rests_until_ns <= now_ns) return 0;
    if (first == 0 || entry.rests_until_ns < first) first = entry.rests_until_ns;
  }
  return first;
}

std::optional<std::int64_t> KeyRing::another_at_ns(std::uint32_t key, std::int64_t now_ns) const {
  std::optional<std::int64_t> first;
  for (std::uint32_t other = 0; other < keys_.size(); ++other) {
    if (other == key) continue;
    const std::int64_t until_ns = keys_[other].rests_until_ns;
    const std::int64_t at_ns = until_ns <= now_ns ? 0 : until_ns;
    first = first ? std::min(*first, at_ns) : at_ns;
  }
  return first;
}

}  // namespace redoubt::upstream
