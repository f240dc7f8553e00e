// InProcessBus: the Bus of one process. Subscriptions may outlive it.
#pragma once

#include "relay/bus/bus.hpp"

namespace redoubt::bus {

class InProcessBus final : public Bus {
 public:
  InProcessBus();
  Subscription subscribe(std::string topic, Receive receive) override;
  std::size_t publish(std::string_view topic, const http::FramePtr& frame) override;

 private:
  struct Subscribers;
  std::shared_ptr<Subscribers> subscribers_;
};

}  // namespace redoubt::bus
