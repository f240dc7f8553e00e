// Retry: what follows a failed attempt before anything has reached the client.
//
//   class of the failure                       then
//   bad_request, filtered                      give up: no other attempt does better
//   bad_request by_target                      next target
//   too_large, not_found                       next target
//   unauthorized, no_quota                     same target with another key, where there is one
//   rate_limited                               another key at once; else next target; else wait
//   overloaded, server_error, cut, malformed   same target after a backoff, then next target
//   timeout (of ours, before an answer)        next target: this one has had its time
//
// 1. x-should-retry: false (ChatFailure::should_retry) sends the server's failures to the next
//    target at once; so does an answer that came whole and is none: it was paid for, and asking for
//    it again would most likely pay twice for the same.
// 2. retry-after is honoured where it came with a failure (engine/llm reads it nowhere else). A
//    wait over wait_ms_max, or past the call's deadline, is no wait but the next target.
// 3. Backoff is exponential with jitter: uniform in [step / 2, step], step = base * 2^n, capped.
// 4. RetryBudget: retries on one target are at most `burst` plus `ratio_permille` of its calls, so
//    that a target that is down is not called more than (1 + ratio) as often as one that is up.
//    Going to the next target is not a retry: the list bounds it.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/rng.hpp"
#include "engine/llm/chat.hpp"

namespace redoubt::upstream {

/// How far an attempt came before it failed: what may have been charged follows from it.
enum class Stage : std::uint8_t {
  connect,  ///< nothing was sent
  sent,     ///< the request was sent, no answer came
  refused,  ///< an answer other than 2xx
  stream,   ///< the answer had begun
};

struct Failure {
  Stage stage = Stage::connect;
  llm::FailureClass failure_class = llm::FailureClass::server_error;
  int status = 0;  ///< the provider's, 0 where there is none
  std::optional<std::int64_t> retry_after_ms;
  bool should_retry = true;
  bool too_long = false;       ///< malformed: over what is read of an answer
  bool names_bad_key = false;  ///< llm::ChatFailure
  bool by_target = false;      ///< bad_request: this target has no place for it, another may
  bool by_provider = false;  ///< it said so itself: it has stopped, and knows that nobody gets more
};

struct RetryOptions {
  int attempts_per_target = 2;
  int attempts_max = 6;  ///< over all targets
  std::int64_t backoff_ms = 200;
  std::int64_t backoff_ms_max = 4'000;
  std::int64_t wait_ms_max = 8'000;  ///< the longest retry-after that is waited for
};

enum class Follow : std::uint8_t { give_up, same_target, next_target };

struct Decision {
  Follow follow = Follow::give_up;
  std::int64_t wait_ms = 0;  ///< of same_target
};

/// What the decision depends on besides the failure.
struct AttemptCount {
  int on_target = 1;  ///< attempts made at this target, the failed one included
  int total = 1;
  bool another_target = false;
  bool another_key = false;      ///< a key of this target is available that has not just failed
  std::int64_t key_back_ms = 0;  ///< until a key of this target is available again
  std::int64_t left_ms = 0;      ///< until the call's deadline
};

Decision after_failure(const RetryOptions& options, const Failure& failure,
                       const AttemptCount& count, Rng& rng);

struct RetryBudgetOptions {
  int ratio_permille = 100;
  int burst = 10;
};

class RetryBudget {
 public:
  explicit RetryBudget(RetryBudgetOptions options = {})
      : options_(options), permille_(options.burst * 1'000) {}
  void call_made();
  /// False: no retry now.
  bool take();

 private:
  RetryBudgetOptions options_;
  int permille_;  // of a retry; at most burst * 1000
};

}  // namespace redoubt::upstream
