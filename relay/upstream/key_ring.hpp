// KeyRing: a provider's keys, taken in turn by weight; a key that was refused rests.
//
// 1. Smooth weighted round robin (nginx, ngx_http_upstream_round_robin.c): over any sum-of-weights
//    picks in a row with every key available each key is taken weight times, and never in a bunch.
// 2. A key that rests is not picked before its time; the others share its part.
// 3. The ring knows names, never secrets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace redoubt::upstream {

struct WeightedKey {
  std::string name;
  int weight = 1;
};

class KeyRing {
 public:
  /// REQUIRES: weights > 0. No key at all is a provider that needs none: pick() gives 0.
  explicit KeyRing(std::vector<WeightedKey> keys);

  std::optional<std::uint32_t> pick(std::int64_t now_ns);
  void rest(std::uint32_t key, std::int64_t until_ns);
  /// When the first resting key is back; 0 where one is available.
  std::int64_t available_at_ns(std::int64_t now_ns) const;
  /// The same of the other keys; nothing where there is none.
  std::optional<std::int64_t> another_at_ns(std::uint32_t key, std::int64_t now_ns) const;
  /// Other keys or weights; a key that keeps its name keeps its rest.
  void replace(std::vector<WeightedKey> keys);
  std::size_t size() const { return keys_.size(); }
  const std::string& name(std::uint32_t key) const { return keys_[key].key.name; }

 private:
  struct Entry {
    WeightedKey key;
    std::int64_t current = 0;
    std::int64_t rests_until_ns = 0;
  };
  std::vector<Entry> keys_;
};

}  // namespace redoubt::upstream
