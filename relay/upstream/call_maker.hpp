// CallMaker: makes the calls that answers are shared of, and counts who shares one.
#pragma once

#include <memory>
#include <optional>

#include "relay/upstream/gateway.hpp"

namespace redoubt::upstream {

/// What is needed of the gateway.
class CallMaker {
 public:
  virtual ~CallMaker() = default;
  /// A call of its own, as Gateway::start of an order that is not shared.
  virtual Result<std::shared_ptr<GatewayCall>> call(const net::Executor& shard, Order order,
                                                    Delivery delivery,
                                                    std::shared_ptr<CallClient> client) = 0;
  /// Counts one request on the caller's limits and nothing else; the refusal where it is one too
  /// many.
  struct Counted {
    std::optional<CallRefusal> refusal;
    limits::Quotas quotas;
  };
  virtual Counted count_request(const Order& order) = 0;
  /// The refusal where a limit of the caller's is 0: no call of theirs would pass.
  virtual std::optional<CallRefusal> refused_by_zero(const Order& order) = 0;
};

}  // namespace redoubt::upstream
