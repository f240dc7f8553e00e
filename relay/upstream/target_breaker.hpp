// TargetBreaker: whether a target is worth calling, for everybody and for one caller.
//
//   what an attempt of a caller came to        their own breaker      everybody's breaker
//   not connected (nobody's input does that)   nothing                a failure of its window
//   failed or slow, after it was connected     a failure, or slow     their vote
//   answered                                   good                   good
//
//   everybody's:
//   closed    --(rate of unreachable calls reached)-->           open
//   closed    --(enough callers vote against it)-->              open
//   half_open --(a caller's probe failed or was slow)-->         half_open  in doubt by them
//   half_open --(another caller's probe failed or was slow)-->   open
//   half_open --(a probe could not connect)-->                   open
//   half_open --(enough probes succeeded)-->                     closed     all callers' begin anew
//   and as in breaker.hpp for all else
//
// 1. A caller's vote is what their own calls of the window came to: against the target where their
//    own rate of failures, or of slow calls, is as high as a breaker's. It has the weight of their
//    calls, at most half of calls_min.
// 2. It opens for all where calls_min calls were made, and the votes against it reach the rate also
//    without those of the caller who has the most of them: one caller, whose own requests may be
//    the cause, decides nothing.
// 3. A caller's own breaker (breaker.hpp) opens by their own calls alone, and so does that of a
//    caller whose probe put the target in doubt: the next probe is another's.
// 4. At most callers_max callers are known; the one who was heard of longest ago gives way.
// Not thread-safe; time is any monotonic clock in nanoseconds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "relay/upstream/breaker.hpp"

namespace redoubt::upstream {

struct TargetTicket {
  BreakerTicket shared;
  BreakerTicket own;
};

struct TargetBreakerAdmission {
  bool admitted = false;
  TargetTicket ticket;
  std::int64_t retry_at_ns = 0;  ///< when refused: not before
};

class TargetBreaker {
 public:
  static constexpr std::size_t callers_max = 256;

  explicit TargetBreaker(BreakerOptions options = {}) : options_(options), shared_(options) {}

  /// `caller` is auth::Identity::key(). Every ticket ends once: result or abandon.
  TargetBreakerAdmission admit(std::string_view caller, std::int64_t now_ns);
  void result(const TargetTicket& ticket, std::string_view caller, CallResult result,
              std::int64_t now_ns);
  void abandon(const TargetTicket& ticket, std::string_view caller);

  const Breaker& shared() const { return shared_; }
  /// Of one caller; closed where nothing is known of them.
  BreakerState state_for(std::string_view caller) const;

 private:
  struct Caller {
    Breaker breaker;
    std::int64_t heard_ns = 0;
  };
  Breaker& own(std::string_view caller, std::int64_t now_ns);
  void abandon_own(BreakerTicket ticket, std::string_view caller);
  void succeeded(BreakerTicket ticket, std::int64_t now_ns);
  void probe_failed(BreakerTicket ticket, std::string_view caller, CallResult result,
                    std::int64_t now_ns);
  bool callers_are_against(std::int64_t now_ns);

  BreakerOptions options_;
  Breaker shared_;
  std::map<std::string, Caller, std::less<>> callers_;
  std::optional<std::string> doubted_by_;  // half open: whose probe failed
};

}  // namespace redoubt::upstream
