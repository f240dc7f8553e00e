// Bus: frames by topic, to whoever has subscribed to it.
//
//   subscribe(topic, receive) -> Subscription, which ends it
//   publish(topic, frame)     -> to all of the topic's subscribers
//
// 1. A topic is what it is about and whose it is ("push:" and Identity::key()): who subscribes to
//    another's has to be given it.
// 2. Nothing is kept: who subscribes later has missed what was published before.
//
// Any thread may use it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "relay/http/websocket.hpp"

namespace redoubt::bus {

/// Ends with its last copy; nothing is received after that.
using Subscription = std::shared_ptr<const void>;
/// On the publisher's thread. Quick, and does not use the bus.
using Receive = std::function<void(const http::FramePtr& frame)>;

class Bus {
 public:
  virtual ~Bus() = default;
  virtual Subscription subscribe(std::string topic, Receive receive) = 0;
  /// How many subscribers of this process it went to.
  virtual std::size_t publish(std::string_view topic, const http::FramePtr& frame) = 0;
};

}  // namespace redoubt::bus
