// Targets: what the calls of all clients share about each target (a provider's model): its keys,
// its breaker, how many calls it has open, its retry budget.
//
//   admit(target)  -> a key and a ticket, or why not and when to ask again
//   finish(ticket) -> the attempt went out, and this is how it went
//   abandon(ticket)-> it never went out (a limit refused it), or told nothing of the target
//
// 1. Every admission ends once, by finish or abandon; until then it counts as open.
// 2. At most concurrent_max admissions of a target are open.
// 3. What a failure means: 401, 403 and a used-up account make the key doubted by the caller, and
//    rest it for key_refused_ms where a third caller hears the same before anybody gets an answer,
//    or where the provider names the key by a code (KeyRing); 429 rests it for its retry-after or
//    key_limited_ms. None says anything bad of the target. Connect errors count against the
//    target's breaker; timeouts, 5xx, garbage and cut streams against the caller's own, and against
//    the target's where more callers have them than may collude (TargetBreaker).
// 4. A call leaves out the keys of a target that refused it (`refused_keys`), so that it fails over
//    within itself although they do not rest.
// Not thread-safe: its owner holds one lock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "relay/upstream/key_ring.hpp"
#include "relay/upstream/retry.hpp"
#include "relay/upstream/target_breaker.hpp"

namespace redoubt::upstream {

struct TargetOptions {
  std::string name;  ///< "anthropic/claude-haiku-4-5"
  std::vector<WeightedKey> keys;
  int concurrent_max = 1'000;
  std::int64_t key_refused_ms = 600'000;
  std::int64_t key_limited_ms = 5'000;
  std::int64_t key_rest_ms_max = 3'600'000;
  BreakerOptions breaker;
  RetryBudgetOptions retry_budget;
};

enum class Denial : std::uint8_t { none, breaker_open, at_capacity, no_key, no_retry_budget };
std::string_view denial_name(Denial denial);

struct Admission {
  Denial denial = Denial::none;
  std::int64_t retry_at_ns = 0;     ///< when denied: not before
  std::vector<RestingKey> resting;  ///< when denied for no_key: the soonest back first
  std::uint32_t target = 0;
  std::uint32_t key = 0;
  TargetTicket ticket;
  std::string caller;  ///< whose call it is
};

/// How an attempt ended, as far as the target is concerned.
struct AttemptResult {
  std::optional<Failure> failure;   ///< none: it succeeded
  std::int64_t first_token_ms = 0;  ///< until the first token, or the end
};

/// What the target's keys allow after an attempt failed.
struct KeyOutlook {
  bool refused = false;      ///< the call is to leave out the attempt's key
  bool another = false;      ///< one that has not just failed is available
  std::int64_t back_ms = 0;  ///< until any is; 0 now, or where the target needs none
};

class Targets {
 public:
  explicit Targets(const std::vector<TargetOptions>& options);

  /// `caller` is auth::Identity::key(). REQUIRES: target < size()
  Admission admit(std::uint32_t target, bool is_retry, std::int64_t now_ns, std::string_view caller,
                  std::span<const std::uint32_t> refused_keys = {});
  void finish(const Admission& admission, const AttemptResult& result, std::int64_t now_ns);
  void abandon(const Admission& admission);

  /// Asked before finish() of that attempt.
  KeyOutlook outlook(const Admission& admission, const Failure& failure, std::int64_t now_ns,
                     std::span<const std::uint32_t> refused_keys = {}) const;
  std::optional<std::uint32_t> find(std::string_view name) const;
  std::size_t size() const { return targets_.size(); }
  const std::string& name(std::uint32_t target) const { return targets_[target].options.name; }
  const std::string& key_name(std::uint32_t target, std::uint32_t key) const {
    return targets_[target].keys.name(key);
  }
  std::size_t key_count(std::uint32_t target) const { return targets_[target].keys.size(); }
  int open(std::uint32_t target) const { return targets_[target].open; }
  const TargetBreaker& breaker(std::uint32_t target) const { return targets_[target].breaker; }
  void replace_keys(std::uint32_t target, std::vector<WeightedKey> keys) {
    targets_[target].keys.replace(std::move(keys));
  }

 private:
  struct Target {
    TargetOptions options;
    KeyRing keys;
    TargetBreaker breaker;
    RetryBudget retries;
    int open = 0;
  };
  std::vector<Target> targets_;
};

}  // namespace redoubt::upstream
