// Breaker: whether a target is worth calling, as its calls were answered. target_breaker.hpp tells
// one caller's calls from everybody's.
//
//   closed    --(admit)-->                          closed     admitted
//   closed    --(failure rate reached)-->           open
//   closed    --(slow-call rate reached)-->         open
//   open      --(admit, too early)-->               open       refused
//   open      --(admit, open time over)-->          half_open  admitted as a probe
//   half_open --(admit, probes all out)-->          half_open  refused
//   half_open --(admit, a probe is left)-->         half_open  admitted as a probe
//   half_open --(probe succeeded, not enough)-->    half_open
//   half_open --(probe succeeded, enough)-->        closed     with an empty window
//   half_open --(probe failed or was slow)-->       open       for twice as long
//   half_open --(probe abandoned)-->                half_open  the probe may be sent again
//   any       --(result of an earlier state)-->     same       ignored
//
// 1. Rates are over a sliding window of window_buckets buckets of bucket_ms, and count only from
//    calls_min calls on: one failure of one call is not a rate of 100 %.
// 2. At most probes_max probes are out at a time. Every ticket ends once: result or abandon.
// 3. The open time doubles with each failed probe up to open_ms_max, and is open_ms again once
//    closed.
// Not thread-safe; time is any monotonic clock in nanoseconds.
#pragma once

#include <array>
#include <cstdint>

namespace redoubt::upstream {

struct BreakerOptions {
  std::int64_t bucket_ms = 1'000;
  int calls_min = 10;
  int failures_permille = 500;
  int slow_permille = 800;
  std::int64_t slow_ms = 10'000;  ///< a call whose first token takes this long is slow
  std::int64_t open_ms = 2'000;
  std::int64_t open_ms_max = 60'000;
  int probes_max = 1;
  int probes_needed = 2;
};

enum class BreakerState : std::uint8_t { closed, open, half_open };
const char* breaker_state_name(BreakerState state);

/// What an admitted call holds until it tells how it went.
struct BreakerTicket {
  std::uint32_t generation = 0;
  bool probe = false;
};

struct BreakerAdmission {
  bool admitted = false;
  BreakerTicket ticket;
  std::int64_t retry_at_ns = 0;  ///< when refused: not before
};

enum class CallResult : std::uint8_t {
  succeeded,
  failed,
  slow,
  unreachable,  ///< failed before it was connected
};

struct CallCounts {
  int calls = 0;
  int failed = 0;
  int slow = 0;
};
/// Is `count` so large a part of `of`?
bool is_share(int count, int of, int permille);

class Breaker {
 public:
  static constexpr int window_buckets = 10;

  explicit Breaker(BreakerOptions options = {});

  BreakerAdmission admit(std::int64_t now_ns);
  void result(BreakerTicket ticket, CallResult result, std::int64_t now_ns);
  /// The call told nothing about the target (its client left, a limit refused it).
  void abandon(BreakerTicket ticket);

  BreakerState state() const { return state_; }
  int probes_out() const { return probes_out_; }
  /// A result of the state that is now; others are ignored.
  bool is_current(BreakerTicket ticket) const { return ticket.generation == generation_; }
  /// Whatever its own window says. REQUIRES: closed
  void open(std::int64_t now_ns);
  /// The calls of the window.
  CallCounts counts(std::int64_t now_ns);

 private:
  void advance(std::int64_t now_ns);
  void enter(BreakerState state, std::int64_t now_ns);
  void open_if_bad(std::int64_t now_ns);
  void probe_result(CallResult result, std::int64_t now_ns);

  BreakerOptions options_;
  BreakerState state_ = BreakerState::closed;
  std::uint32_t generation_ = 1;
  std::array<CallCounts, window_buckets> buckets_{};
  std::int64_t newest_ = 0;
  std::int64_t open_ms_;
  std::int64_t open_until_ns_ = 0;
  int probes_out_ = 0;
  int probes_good_ = 0;
};

}  // namespace redoubt::upstream
