// SharedAnswers: the rim around the exact cache and single flight. Who asks what was asked before
// is answered from the cache; who asks what is being asked follows the call that is under way.
//
//   start -> a limit is 0    -> refused
//         -> in the cache    -> counted as a request, told the kept answer
//         -> under way       -> counted as a request, follows: a stream from its beginning
//         -> neither         -> opens a flight: the call is its own, and it pays
//         -> cannot follow   -> a call of its own, shared with nobody
//
// 1. Tenants never share: the tenant is in every key. Streams follow streams and whole answers
//    whole ones; both are answered from one entry of the cache.
// 2. The upstream call belongs to the flight and not to its opener: it is cancelled when the last
//    follower has left, and only then.
// 3. A game's follower is sent to the engine when its own time is up, whenever it joined; the
//    flight's answer is late for it then.
// 4. Where the opener's own limits refuse the call, the others are not refused with it: the next of
//    them opens a flight.
// 5. A good answer is in the cache before its flight ends, so that nobody falls between; a late one
//    of a game's call too.
// 6. With a store answers outlive the process: they are written behind, and read once at the start.
//    Until then what is not in memory is asked anew.
// 7. Whose limit of tokens or money is 0 may have nothing, another's answer included; where it is
//    more, another's answer takes none of it.
// 8. Followers do not wait for what their opener keeps: an answer's memory is counted on whoever of
//    them keeps less (answer_budget.hpp), and where the opener's own memory or place is what lacks,
//    the next of them opens a flight as in 4.
// 9. Everybody is told on his own shard; what is shared lies behind one lock, under which nobody is
//    told anything.
#pragma once

#include <memory>
#include <optional>

#include "relay/upstream/call_maker.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::upstream {

struct SharedAnswersOptions {
  AnswerStore* store = nullptr;  ///< that keeps answers too; null: memory alone
  ExactCacheOptions cache;
  SingleFlightOptions flights;
  std::int64_t answer_by_ms = 2'500;  ///< a game's
};

class SharedAnswers {
 public:
  /// All outlive it; and it outlives every call. A store has called back before it goes.
  static std::unique_ptr<SharedAnswers> make(SharedAnswersOptions options, CallMaker& maker,
                                             observe::Metrics& metrics);
  virtual ~SharedAnswers() = default;

  /// As Gateway::start, of a shared order.
  virtual Result<std::shared_ptr<GatewayCall>> start(const net::Executor& shard, Order order,
                                                     Delivery delivery,
                                                     std::shared_ptr<CallClient> client) = 0;
};

}  // namespace redoubt::upstream
