// TargetBreaker: whether a target is worth calling, for everybody and for one caller.
//
//   what an attempt of a caller came to        their own breaker      everybody's breaker
//   not connected (nobody's input does that)   nothing                a failure of its window
//   failed or slow, after it was connected     a failure, or slow     their vote
//   answered                                   good                   good
//
//   everybody's:
//   closed    --(rate of unreachable calls reached)-->           open
//   closed    --(enough purses vote against it)-->               open
//   half_open --(probes of two purses failed or were slow)-->    half_open  in doubt by them
//   half_open --(so did one of a third)-->                       open
//   half_open --(a probe could not connect)-->                   open
//   half_open --(enough probes succeeded)-->                     closed     all callers' begin anew
//   and as in breaker.hpp for all else
//
// 1. Only what colluders_max purses (doubt.hpp) cannot bring about by what they ask for closes it
//    to others. A purse is a player's, or that of all anonymous callers.
// 2. A purse's vote is what its calls of the window came to: against the target where its own rate
//    of failures, or of slow calls, is as high as a breaker's. It has the weight of its calls, at
//    most half of calls_min.
// 3. It opens for all where calls_min calls were made, and the votes against it reach the rate, and
//    a third of calls_min, also without the colluders_max heaviest of them.
// 4. A caller's own breaker (breaker.hpp) opens by their own calls alone, and so does that of a
//    caller whose probe put the target in doubt: the next probe is another's.
// 5. Half open, each purse has probes_max probes, and there is one purse's more than may collude:
//    whoever lets them last holds up nobody else's.
// 6. At most callers_max callers are known; the one who was heard of longest ago gives way.
// Not thread-safe; time is any monotonic clock in nanoseconds.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "relay/upstream/breaker.hpp"
#include "relay/upstream/doubt.hpp"

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

  explicit TargetBreaker(BreakerOptions options = {});

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
  int probes_out_of(std::string_view caller) const;
  void probe_ended(BreakerTicket ticket, std::string_view caller);

  BreakerOptions options_;
  Breaker shared_;
  std::map<std::string, Caller, std::less<>> callers_;
  Doubt doubt_;                      // half open: whose probes failed
  std::vector<std::string> probes_;  // half open: whose are out, by purse
};

}  // namespace redoubt::upstream
