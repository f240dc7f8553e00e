// OwnedCache: what can be read or made again, kept for whoever asks next.
//
// 1. What is kept is bounded for each owner and for all together. Over its own bound an owner gives
//    up what it used longest ago; over that of all, whoever has the most does.
// 2. One value that is longer than a bound stands alone: so whoever has just put it finds it.
// 3. A value lives on with those who hold it; only what is kept counts.
//
// Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "relay/auth/identity.hpp"

namespace redoubt::runs {

template <class Key, class Value>
class OwnedCache {
 public:
  struct Bounds {
    std::size_t owner_bytes_max;
    std::size_t all_bytes_max;
  };
  using ValuePtr = std::shared_ptr<const Value>;

  explicit OwnedCache(const Bounds& bounds) : bounds_(bounds) {}

  /// Null where it is not kept.
  ValuePtr find(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    auto& entries = found->second.owner->second.entries;
    entries.splice(entries.end(), entries, found->second.entry);
    return found->second.entry->value;
  }

  /// Keeps a value of so many bytes, and gives up others for it.
  void put(const Key& key, const auth::Identity& owner, ValuePtr value, std::size_t bytes) {
    drop(key);
    bytes += entry_bytes;
    const auto own = owners_.try_emplace(owner).first;
    own->second.entries.push_back({key, std::move(value), bytes});
    own->second.bytes += bytes;
    bytes_ += bytes;
    by_key_[key] = {own, std::prev(own->second.entries.end())};
    while (own->second.bytes > bounds_.owner_bytes_max && own->second.entries.size() > 1)
      drop(own->second.entries.front().key);
    while (bytes_ > bounds_.all_bytes_max && by_key_.size() > 1)
      drop(oldest_of_richest(own));
  }

  void drop(Key key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    const auto [owner, entry] = found->second;
    bytes_ -= entry->bytes;
    owner->second.bytes -= entry->bytes;
    owner->second.entries.erase(entry);
    if (owner->second.entries.empty()) owners_.erase(owner);
    by_key_.erase(found);
  }

  std::size_t bytes() const { return bytes_; }

 private:
  /// What a value takes beyond its own bytes.
  static constexpr std::size_t entry_bytes = 256;

  struct Entry {
    Key key;
    ValuePtr value;
    std::size_t bytes;
  };
  struct Owned {
    std::list<Entry> entries;  ///< what was used longest ago first; never empty
    std::size_t bytes = 0;
  };
  using Owners = std::map<auth::Identity, Owned>;
  struct Place {
    typename Owners::iterator owner;
    typename std::list<Entry>::iterator entry;
  };

  /// Never the newest of `putting`. REQUIRES: there is another.
  Key oldest_of_richest(typename Owners::iterator putting) const {
    const Owned* richest = nullptr;
    for (auto at = owners_.begin(); at != owners_.end(); ++at) {
      if (&at->second == &putting->second && at->second.entries.size() == 1) continue;
      if (!richest || at->second.bytes > richest->bytes) richest = &at->second;
    }
    return richest->entries.front().key;
  }

  const Bounds bounds_;
  std::size_t bytes_ = 0;
  Owners owners_;  ///< those who have something here
  std::map<Key, Place> by_key_;
};

}  // namespace redoubt::runs
