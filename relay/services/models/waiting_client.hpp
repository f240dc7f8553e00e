// A call of the gateway as the connection that waits for it has it: held until it is over, left
// when the client goes.
//
// On the call's shard.
#pragma once

#include <memory>
#include <utility>

#include "relay/net/signal.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::services {

class WaitingClient : public upstream::CallClient {
 public:
  explicit WaitingClient(const net::Executor& shard) : decided(shard) {}

  /// What Gateway::start() gave; not kept where the call was over by then.
  void hold(std::shared_ptr<upstream::GatewayCall> call) {
    if (!over_) call_ = std::move(call);
  }
  /// The client left.
  void leave() {
    if (const auto call = std::exchange(call_, nullptr)) call->leave();
    conclude();
  }

  net::Signal decided;

 protected:
  bool is_over() const { return over_; }
  void conclude() {
    over_ = true;
    call_.reset();  // it holds us
    decided.notify();
  }

 private:
  std::shared_ptr<upstream::GatewayCall> call_;
  bool over_ = false;
};

}  // namespace redoubt::services
