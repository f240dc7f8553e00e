#include "relay/upstream/target_breaker.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "engine/base/rng.hpp"

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
  /// Opened by three callers' failures, and its time is over.
  void become_probed() {
    for (const char* caller : {"a", "b", "c"})
      call(caller, CallResult::failed, 5);
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
  CHECK(t.state() == BreakerState::closed);
  t.call("b", CallResult::failed, 5);  // more than half of what the others called
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

TEST_CASE("three callers' failed probes open it again") {
  Target t;
  t.become_probed();
  CHECK(t.call("x", CallResult::failed));
  CHECK(t.call("y", CallResult::failed));
  CHECK(t.state() == BreakerState::half_open);
  CHECK(t.call("z", CallResult::failed));
  CHECK(t.state() == BreakerState::open);
  t.now_ns += 2 * second_ns;
  CHECK_FALSE(t.admits("z"));  // twice as long
  t.now_ns += 2 * second_ns;
  CHECK(t.admits("z"));
}

TEST_CASE("a success between clears a probe's doubt") {
  Target t;
  t.become_probed();
  CHECK(t.call("w", CallResult::failed));
  CHECK(t.call("x", CallResult::failed));
  CHECK(t.call("y", CallResult::succeeded));
  CHECK(t.call("z", CallResult::failed));
  CHECK(t.state() == BreakerState::half_open);
}

TEST_CASE("results of before it opened say nothing, and leave no probe of a caller's out") {
  Target t;
  const TargetBreakerAdmission old = t.breaker.admit("d", 0);
  t.become_probed();
  t.breaker.result(old.ticket, "d", CallResult::failed, t.now_ns);
  CHECK(t.breaker.state_for("d") == BreakerState::closed);
  CHECK(t.call("d", CallResult::succeeded, 2));
  CHECK(t.state() == BreakerState::closed);
}

TEST_CASE("whatever two callers do, a third who is answered is never refused") {
  // Of a seed: two callers and strangers without a token, who are one purse, do what they like.
  struct Pair {
    const char* first;
    const char* second;
  };
  constexpr CallResult all[] = {CallResult::succeeded, CallResult::failed, CallResult::slow};
  for (const Pair& pair : {Pair{"7:default:x", "7:default:y"}, Pair{"7:default:x", "9:anonymous:"}})
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      CAPTURE(seed);
      Rng rng(seed);
      Target t;
      if (seed % 2 == 1) t.become_probed();
      std::map<std::string, std::vector<TargetTicket>> out;
      for (int step = 0; step < 400; ++step) {
        t.now_ns += static_cast<std::int64_t>(rng.below(1'000)) * 1'000'000;
        std::string who = rng.below(2) == 0 ? pair.first : pair.second;
        if (who == "9:anonymous:") who += "anonymous:192.0.2." + std::to_string(rng.below(9));
        std::vector<TargetTicket>& tickets = out[who];
        if (rng.below(2) == 0) {
          const TargetBreakerAdmission admission = t.breaker.admit(who, t.now_ns);
          if (admission.admitted) tickets.push_back(admission.ticket);
        } else if (!tickets.empty()) {
          if (rng.below(8) == 0) {
            t.breaker.abandon(tickets.back(), who);
          } else {
            t.breaker.result(tickets.back(), who, all[rng.below(3)], t.now_ns);
          }
          tickets.pop_back();
        }
        if (step % 7 == 0) CHECK(t.call("7:default:neighbour", CallResult::succeeded));
      }
    }
}

TEST_CASE("a target that fails everybody is left alone after so many calls of all") {
  struct Row {
    int callers;
    int calls;
  };
  // One caller or two are spared it by their own breakers, after ten calls each.
  for (const Row& row :
       {Row{1, 10}, Row{2, 20}, Row{3, 10}, Row{4, 10}, Row{10, 10}, Row{40, 10}}) {
    CAPTURE(row.callers);
    Target t;
    int calls = 0;
    for (int i = 0; i < 100; ++i)
      if (t.call("p" + std::to_string(i % row.callers), CallResult::failed)) ++calls;
    CHECK(calls == row.calls);
    CHECK((t.state() == BreakerState::open) == (row.callers > 2));
  }
}

TEST_CASE("addresses without a token are one voice, and each has its own breaker") {
  for (const CallResult result : bad) {
    Target t;
    const auto at = [](int i) { return "9:anonymous:anonymous:192.0.2." + std::to_string(i); };
    for (int i = 0; i < 100; ++i)
      CHECK(t.call(at(i), result));
    CHECK(t.state() == BreakerState::closed);
    t.call(at(0), result, 9);
    CHECK_FALSE(t.admits(at(0)));
    CHECK(t.admits(at(1)));
    t.call("a", result, 5);
    CHECK(t.state() == BreakerState::closed);
    t.call("b", result, 5);
    CHECK(t.state() == BreakerState::open);
  }
}

TEST_CASE("whoever lets a probe last holds up no other's") {
  Target t;
  t.become_probed();
  const TargetBreakerAdmission x = t.breaker.admit("x", t.now_ns);
  CHECK(x.admitted);
  CHECK_FALSE(t.admits("x"));
  CHECK(t.breaker.admit("y", t.now_ns).admitted);
  CHECK(t.call("z", CallResult::succeeded, 2));
  CHECK(t.state() == BreakerState::closed);
  t.breaker.result(x.ticket, "x", CallResult::failed, t.now_ns);  // of a state that is over
  CHECK(t.admits("x"));
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
