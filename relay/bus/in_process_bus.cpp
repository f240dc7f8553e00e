#include "relay/bus/in_process_bus.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace redoubt::bus {

struct InProcessBus::Subscribers {
  std::mutex mutex;
  std::multimap<std::string, Receive, std::less<>> by_topic;
};

InProcessBus::InProcessBus() : subscribers_(std::make_shared<Subscribers>()) {}

Subscription InProcessBus::subscribe(std::string topic, Receive receive) {
  const std::lock_guard lock(subscribers_->mutex);
  const auto at = subscribers_->by_topic.emplace(std::move(topic), std::move(receive));
  return {&at->second, [subscribers = subscribers_, at](const Receive*) {
            const std::lock_guard end(subscribers->mutex);
            subscribers->by_topic.erase(at);
          }};
}

std::size_t InProcessBus::publish(std::string_view topic, const http::FramePtr& frame) {
  const std::lock_guard lock(subscribers_->mutex);
  const auto [first, last] = subscribers_->by_topic.equal_range(topic);
  std::size_t received = 0;
  for (auto each = first; each != last; ++each, ++received)
    each->second(frame);
  return received;
}

}  // namespace redoubt::bus
