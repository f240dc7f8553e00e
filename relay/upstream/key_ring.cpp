#include "relay/upstream/key_ring.hpp"

#include <algorithm>
#include <cassert>

namespace redoubt::upstream {
namespace {

bool has(std::span<const std::uint32_t> keys, std::uint32_t key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

KeyRing::KeyRing(std::vector<WeightedKey> keys) {
  replace(std::move(keys));
}

void KeyRing::replace(std::vector<WeightedKey> keys) {
  std::vector<Entry> entries;
  for (WeightedKey& key : keys) {
    assert(key.weight > 0);
    Entry entry{.key = std::move(key)};
    for (const Entry& old : keys_) {
      if (old.key.name != entry.key.name) continue;
      entry.rests_until_ns = old.rests_until_ns;
      entry.rests_for = old.rests_for;
      entry.doubt = old.doubt;
    }
    entries.push_back(std::move(entry));
  }
  keys_ = std::move(entries);
}

std::optional<std::uint32_t> KeyRing::pick(std::int64_t now_ns,
                                           std::span<const std::uint32_t> except) {
  if (keys_.empty()) return 0;
  Entry* best = nullptr;
  std::int64_t total = 0;
  for (std::uint32_t key = 0; key < keys_.size(); ++key) {
    Entry& entry = keys_[key];
    if (entry.rests_until_ns > now_ns || has(except, key)) continue;
    entry.current += entry.key.weight;
    total += entry.key.weight;
    if (best == nullptr || entry.current > best->current) best = &entry;
  }
  if (best == nullptr) return std::nullopt;
  best->current -= total;
  return static_cast<std::uint32_t>(best - keys_.data());
}

void KeyRing::rest(std::uint32_t key, std::int64_t until_ns, llm::FailureClass why) {
  if (key >= keys_.size()) return;  // the keys were replaced meanwhile
  Entry& entry = keys_[key];
  if (until_ns > entry.rests_until_ns) {
    entry.rests_until_ns = until_ns;
    entry.rests_for = why;
  }
  entry.current = 0;  // it comes back as any other, not with what it missed
}

void KeyRing::refused(std::uint32_t key, std::string_view caller, std::int64_t until_ns,
                      llm::FailureClass why) {
  if (key >= keys_.size()) return;
  if (keys_[key].doubt.is_proved_by(caller)) rest(key, until_ns, why);
}

void KeyRing::answered(std::uint32_t key) {
  if (key < keys_.size()) keys_[key].doubt.clear();
}

std::optional<std::int64_t> KeyRing::available_at_ns(std::int64_t now_ns,
                                                     std::span<const std::uint32_t> except) const {
  if (keys_.empty()) return 0;
  std::optional<std::int64_t> first;
  for (std::uint32_t key = 0; key < keys_.size(); ++key) {
    if (has(except, key)) continue;
    const std::int64_t until_ns = keys_[key].rests_until_ns;
    const std::int64_t at_ns = until_ns <= now_ns ? 0 : until_ns;
    first = first ? std::min(*first, at_ns) : at_ns;
  }
  return first;
}

std::vector<RestingKey> KeyRing::resting(std::int64_t now_ns) const {
  std::vector<RestingKey> resting;
  for (const Entry& entry : keys_)
    if (entry.rests_until_ns > now_ns)
      resting.push_back({entry.key.name, entry.rests_for, entry.rests_until_ns});
  std::stable_sort(resting.begin(), resting.end(), [](const RestingKey& a, const RestingKey& b) {
    return a.until_ns < b.until_ns;
  });
  return resting;
}

}  // namespace redoubt::upstream
