#include "relay/bus/in_process_bus.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "relay/auth/identity.hpp"

using namespace redoubt;
using bus::InProcessBus;
using bus::Subscription;

namespace {

const http::FramePtr frame = http::Frame::text("x");

}  // namespace

TEST_CASE("bus: a frame goes to the topic's subscribers, until they are gone") {
  InProcessBus bus;
  std::vector<http::FramePtr> ada;
  std::vector<http::FramePtr> bob;
  const auto keep = [](std::vector<http::FramePtr>& frames) {
    return [&frames](const http::FramePtr& each) { frames.push_back(each); };
  };
  Subscription one = bus.subscribe("push:ada", keep(ada));
  Subscription two = bus.subscribe("push:ada", keep(ada));
  const Subscription other = bus.subscribe("push:bob", keep(bob));
  CHECK(bus.publish("push:ada", frame) == 2);
  CHECK(ada == std::vector{frame, frame});
  one.reset();
  CHECK(bus.publish("push:ada", frame) == 1);
  two.reset();
  CHECK(bus.publish("push:ada", frame) == 0);
  CHECK(bus.publish("push:carl", frame) == 0);
  CHECK(bob.empty());
  CHECK(bus.publish("push:bob", frame) == 1);
}

TEST_CASE("bus: a namesake of another tenant hears nothing") {
  InProcessBus bus;
  const auto topic = [](const char* tenant, const char* subject) {
    return "push:" + auth::Identity{tenant, subject}.key();
  };
  const Subscription valley = bus.subscribe(topic("valley", "1"), [](const auto&) {});
  const Subscription hills = bus.subscribe(topic("hills", "1"), [](const auto&) {});
  CHECK(bus.publish(topic("valley", "1"), frame) == 1);
  CHECK(bus.publish(topic("default", "1"), frame) == 0);
  CHECK(bus.publish(topic("valle", "y1"), frame) == 0);
}

TEST_CASE("bus: who ended hears nothing, while others publish and subscribe") {
  InProcessBus bus;
  constexpr int rounds = 2'000;
  std::atomic<bool> done = false;
  std::thread publisher([&] {
    while (!done)
      bus.publish("t", frame);
  });
  for (int i = 0; i < rounds; ++i) {
    auto heard = std::make_unique<int>(0);
    Subscription one = bus.subscribe("t", [&heard = *heard](const auto&) { ++heard; });
    one.reset();
    heard.reset();
  }
  done = true;
  publisher.join();
  CHECK(bus.publish("t", frame) == 0);
}

TEST_CASE("bus: a subscription may outlive its bus") {
  Subscription one;
  {
    InProcessBus bus;
    one = bus.subscribe("t", [](const auto&) {});
  }
  one.reset();
}
