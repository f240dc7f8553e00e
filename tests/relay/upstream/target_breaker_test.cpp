#include "relay/upstream/target_breaker.hpp"

#include <doctest/doctest.h>

#include <string>

namespace redoubt::upstream {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

/// A breaker of ten calls, two seconds and one probe, and callers whose attempts come to something.
struct Target {
  TargetBreaker breaker;
  std::int64_t now_ns = 0;

  bool admits(std::string_view caller) {
    const TargetBreakerAdmission admission = breaker.admit(caller, now_ns);
    if (admission.admitted) breaker.abandon(admission.ticket, caller);
    return admission.admitted;
  }
  /// False where the target does not admit the call.
  bool call(std::string_view caller, CallResult result, int count = 1) {
    for (int i = 0; i < count; ++i) {
      const TargetBreakerAdmission admission = breaker.admit(caller, now_ns);
      if (!admission.admitted) return false;
      breaker.result(admission.ticket, caller, result, now_ns);
    }
    return true;
  }
  BreakerState state() const { return breaker.shared().state(); }
  /// Opened by two callers' failures, and its time is over.
  void become_probed() {
    call("a", CallResult::failed, 5);
    call("b", CallResult::failed, 5);
    REQUIRE(state() == BreakerState::open);
    now_ns += 2 * second_ns;
  }
};

constexpr CallResult bad[] = {CallResult::failed, CallResult::slow};

}  // namespace

TEST_CASE("one caller's failures close a target to nobody else") {
  for (const CallResult result : bad) {
    Target t;
    CHECK(t.call("a", result, 10));
    CHECK_FALSE(t.admits("a"));
    CHECK(t.admits("b"));
    CHECK(t.state() == BreakerState::closed);
    CHECK(t.breaker.state_for("a") == BreakerState::open);
    // Nor do they when somebody else fails once, or for as long as the first goes on.
    CHECK(t.call("b", CallResult::failed));
    for (int i = 0; i < 100; ++i) {
      t.now_ns += second_ns;
      (void)t.call("a", result);
      CHECK(t.call("b", CallResult::succeeded));
    }
    CHECK(t.state() == BreakerState::closed);
  }
}

TEST_CASE("a caller whose breaker opened is probed for, and comes back") {
  Target t;
  t.call("a", CallResult::failed, 10);
  t.now_ns += 2 * second_ns;
  CHECK(t.call("a", CallResult::succeeded, 2));
  CHECK(t.breaker.state_for("a") == BreakerState::closed);
}

TEST_CASE("the failures of several callers open it for all") {
  for (const CallResult result : bad) {
    Target t;
    for (int i = 0; i < 9; ++i)
      CHECK(t.call("p" + std::to_string(i), result));
    CHECK(t.state() == BreakerState::closed);
    CHECK(t.call("p9", result));
    CHECK(t.state() == BreakerState::open);
    CHECK_FALSE(t.admits("q"));
  }
}

TEST_CASE("two callers of many open it for nobody else") {
  Target t;
  for (const char* fine : {"a", "b", "c"})
    CHECK(t.call(fine, CallResult::succeeded, 5));
  t.call("x", CallResult::failed, 9);
  t.call("y", CallResult::failed, 9);
  CHECK(t.state() == BreakerState::closed);
  t.call("a", CallResult::failed, 5);  // half of what they called
  CHECK(t.state() == BreakerState::open);
}

TEST_CASE("whoever fails the most does not carry the vote of another who failed once") {
  Target t;
  CHECK(t.call("neighbour", CallResult::succeeded, 5));
  t.call("x", CallResult::failed, 9);
  CHECK(t.call("y", CallResult::failed));
  CHECK(t.state() == BreakerState::closed);
}

TEST_CASE("what cannot be connected is nobody's doing: one caller's calls open it for all") {
  Target t;
  CHECK(t.call("a", CallResult::unreachable, 10));
  CHECK(t.state() == BreakerState::open);
  CHECK_FALSE(t.admits("b"));
  CHECK(t.breaker.state_for("a") == BreakerState::closed);
  t.now_ns += 2 * second_ns;
  CHECK(t.call("b", CallResult::unreachable));
  CHECK(t.state() == BreakerState::open);
}

TEST_CASE("one caller's failed probes do not keep it closed to others") {
  for (const CallResult result : bad) {
    Target t;
    t.become_probed();
    for (int i = 0; i < 10; ++i) {
      (void)t.call("x", result);
      CHECK(t.state() == BreakerState::half_open);
      CHECK_FALSE(t.admits("x"));
      t.now_ns += 60 * second_ns;
    }
    CHECK(t.call("y", CallResult::succeeded, 2));
    CHECK(t.state() == BreakerState::closed);
    CHECK(t.admits("x"));
  }
}

TEST_CASE("two callers' failed probes open it again") {
  Target t;
  t.become_probed();
  CHECK(t.call("x", CallResult::failed));
  CHECK(t.call("y", CallResult::failed));
  CHECK(t.state() == BreakerState::open);
  t.now_ns += 2 * second_ns;
  CHECK_FALSE(t.admits("z"));  // twice as long
  t.now_ns += 2 * second_ns;
  CHECK(t.admits("z"));
}

TEST_CASE("a success between clears a probe's doubt") {
  Target t;
  t.become_probed();
  CHECK(t.call("x", CallResult::failed));
  CHECK(t.call("y", CallResult::succeeded));
  CHECK(t.call("z", CallResult::failed));
  CHECK(t.state() == BreakerState::half_open);
}

TEST_CASE("results of before it opened say nothing, and leave no probe of a caller's out") {
  Target t;
  const TargetBreakerAdmission old = t.breaker.admit("c", 0);
  t.become_probed();
  t.breaker.result(old.ticket, "c", CallResult::failed, t.now_ns);
  CHECK(t.breaker.state_for("c") == BreakerState::closed);
  CHECK(t.call("c", CallResult::succeeded, 2));
  CHECK(t.state() == BreakerState::closed);
}

TEST_CASE("no more callers are known than callers_max") {
  Target t;
  t.call("a", CallResult::failed, 10);
  for (std::size_t i = 0; i < TargetBreaker::callers_max; ++i) {
    t.now_ns += 1;
    t.call("p" + std::to_string(i), CallResult::succeeded);
  }
  CHECK(t.breaker.state_for("a") == BreakerState::closed);  // forgotten
  CHECK(t.state() == BreakerState::closed);
}

}  // namespace redoubt::upstream
