// KeyRing: a provider's keys, taken in turn by weight; a key that was refused rests.
//
//   a key, as everybody finds it
//   trusted --(refused to a caller)-->                     doubted by them
//   doubted --(refused to no more than may collude)-->     doubted by them all
//   doubted --(refused to one more)-->                     rests, then trusted
//   any     --(refused by a code that only a key gets)-->  rests, then trusted
//   any     --(an answer)-->                               trusted
//
// 1. Smooth weighted round robin (nginx, ngx_http_upstream_round_robin.c): over any sum-of-weights
//    picks in a row with every key available each key is taken weight times, and never in a bunch.
// 2. A key that rests is not picked before its time; the others share its part.
// 3. The refusals of one caller rest no key, nor do those of two (Doubt): what they asked for may
//    be the cause, told in words that read like a key's fault. A doubted key is picked like any
//    other, so they pay one quick refusal a call; a call itself leaves out the keys that it was
//    refused with (`except`).
// 4. The ring knows names, never secrets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llm/chat.hpp"
#include "relay/upstream/doubt.hpp"

namespace redoubt::upstream {

struct WeightedKey {
  std::string name;
  int weight = 1;
};

struct RestingKey {
  std::string name;
  llm::FailureClass why = llm::FailureClass::rate_limited;  ///< what it was refused with
  std::int64_t until_ns = 0;
};

class KeyRing {
 public:
  /// REQUIRES: weights > 0. No key at all is a provider that needs none: pick() gives 0.
  explicit KeyRing(std::vector<WeightedKey> keys);

  std::optional<std::uint32_t> pick(std::int64_t now_ns,
                                    std::span<const std::uint32_t> except = {});
  void rest(std::uint32_t key, std::int64_t until_ns, llm::FailureClass why);
  /// A caller (auth::Identity::key()) was refused with the key: it rests until then if more were
  /// since it last worked than may collude.
  void refused(std::uint32_t key, std::string_view caller, std::int64_t until_ns,
               llm::FailureClass why);
  /// A call with the key was answered.
  void answered(std::uint32_t key);
  /// When the first resting key is back, 0 where one is available; nothing where none is left.
  std::optional<std::int64_t> available_at_ns(std::int64_t now_ns,
                                              std::span<const std::uint32_t> except = {}) const;
  /// The keys that rest, the one that is back first before the others.
  std::vector<RestingKey> resting(std::int64_t now_ns) const;
  /// Other keys or weights; a key that keeps its name keeps its rest and its doubt.
  void replace(std::vector<WeightedKey> keys);
  std::size_t size() const { return keys_.size(); }
  const std::string& name(std::uint32_t key) const { return keys_[key].key.name; }

 private:
  struct Entry {
    WeightedKey key;
    std::int64_t current = 0;
    std::int64_t rests_until_ns = 0;
    llm::FailureClass rests_for = llm::FailureClass::rate_limited;
    Doubt doubt;
  };
  std::vector<Entry> keys_;
};

}  // namespace redoubt::upstream
