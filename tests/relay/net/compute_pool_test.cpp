#include "relay/net/compute_pool.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <string>

namespace redoubt::net {
namespace {

/// A pool of one thread, busy until released, and the order in which it does what waits.
struct Busy {
  explicit Busy(int queue_max) : pool(1, queue_max) {
    REQUIRE(pool.post("nobody", [opened = gate.get_future().share(), this] {
      started.set_value();
      opened.wait();
    }));
    started.get_future().wait();
  }
  bool ask(const std::string& caller) {
    return pool.post(caller, [this, caller] { order += caller; });
  }
  /// What was done when everybody had had a turn.
  std::string first_turns() {
    std::promise<std::string> told;
    pool.post_begun("whoever came last", [this, &told] { told.set_value(order); });
    gate.set_value();
    return told.get_future().get();
  }

  std::promise<void> gate;
  std::promise<void> started;
  std::string order;
  ComputePool pool;
};

}  // namespace

TEST_CASE("callers take turns in the pool, whatever the number of what they ask for") {
  Busy busy(64);
  for (int i = 0; i < 4; ++i)
    CHECK(busy.ask("a"));
  CHECK(busy.ask("b"));
  CHECK(busy.ask("c"));
  CHECK(busy.first_turns() == "abc");
}

TEST_CASE("no caller fills the pool's queue alone, and one who finds no place hears so") {
  Busy busy(16);
  int found = 0;
  for (int i = 0; i < 100; ++i)
    found += busy.ask("a") ? 1 : 0;
  CHECK(found == 16 / ComputePool::callers_min);
  CHECK(busy.ask("b"));
  for (const char* caller : {"b", "c", "d", "e", "f"})
    for (int i = 0; i < 100; ++i)
      (void)busy.ask(caller);
  CHECK_FALSE(busy.ask("g"));  // full
  CHECK(busy.first_turns() == "abcd");
}

TEST_CASE("a pool that is to end tells whether its work has ended, and begins nothing more") {
  Busy busy(16);
  CHECK(busy.ask("a"));
  CHECK_FALSE(busy.pool.end_within(std::chrono::milliseconds(0)));
  busy.gate.set_value();
  CHECK(busy.pool.end_within(std::chrono::minutes(1)));
  CHECK(busy.order.empty());
}

}  // namespace redoubt::net
