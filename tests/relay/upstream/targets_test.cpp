#include "relay/upstream/targets.hpp"

#include <doctest/doctest.h>

#include "relay/upstream/resting_words.hpp"

#include <vector>

namespace redoubt::upstream {
namespace {

using llm::FailureClass;
constexpr std::int64_t ms_ns = 1'000'000;

Targets one_target(int concurrent_max = 100) {
  TargetOptions options{
      .name = "p/m", .keys = {{"a", 1}, {"b", 1}}, .concurrent_max = concurrent_max};
  options.breaker.calls_min = 4;
  return Targets({options});
}

void fail(Targets& targets, const Failure& failure, std::string_view caller = "A") {
  const Admission admission = targets.admit(0, false, 0, caller);
  REQUIRE(admission.denial == Denial::none);
  targets.finish(admission, {.failure = failure}, 0);
}

TEST_CASE("open calls of a target are bounded, and every end frees a place") {
  Targets targets = one_target(2);
  const Admission first = targets.admit(0, false, 0, "A");
  const Admission second = targets.admit(0, false, 0, "A");
  CHECK(targets.admit(0, false, 0, "A").denial == Denial::at_capacity);
  targets.finish(first, {}, 0);
  CHECK(targets.admit(0, false, 0, "A").denial == Denial::none);
  targets.abandon(second);
  CHECK(targets.open(0) == 1);
}

TEST_CASE("what one caller is refused takes a key from nobody, what three are takes it from all") {
  for (const FailureClass doubtful : {FailureClass::unauthorized, FailureClass::no_quota}) {
    const Failure refused{.failure_class = doubtful};
    TargetOptions options{.name = "p/m", .keys = {{"a", 1}}};
    Targets targets({options});
    for (int i = 0; i < 50; ++i)
      fail(targets, refused, "A");
    CHECK(targets.breaker(0).shared().state() == BreakerState::closed);
    targets.finish(targets.admit(0, false, 0, "B"), {}, 0);
    fail(targets, refused, "B");
    fail(targets, refused, "C");
    CHECK(targets.admit(0, false, 0, "D").denial == Denial::none);
    fail(targets, refused, "D");
    const Admission denied = targets.admit(0, false, 0, "A");
    CHECK(denied.denial == Denial::no_key);
    CHECK(denied.retry_at_ns == options.key_refused_ms * ms_ns);
  }
}

TEST_CASE("a call that a key refused goes on to the next one, and the key stays for others") {
  Targets targets = one_target();
  const Failure refused{.failure_class = FailureClass::unauthorized};
  const Admission first = targets.admit(0, false, 0, "A");
  const KeyOutlook outlook = targets.outlook(first, refused, 0);
  CHECK(outlook.refused);
  CHECK(outlook.another);
  targets.finish(first, {.failure = refused}, 0);
  const std::vector<std::uint32_t> tried = {first.key};
  for (int i = 0; i < 4; ++i)
    CHECK(targets.admit(0, true, 0, "A", tried).key != first.key);
  CHECK_FALSE(targets.outlook(targets.admit(0, true, 0, "A", tried), refused, 0, tried).another);
  const std::vector<std::uint32_t> all = {0, 1};
  CHECK(targets.admit(0, true, 0, "A", all).denial == Denial::no_key);
  bool picked = false;
  for (int i = 0; i < 2; ++i)
    picked = targets.admit(0, false, 0, "A").key == first.key || picked;
  CHECK(picked);
}

TEST_CASE("a key that a code names rests at once, and says nothing of the target") {
  Targets targets = one_target();
  fail(targets, {.failure_class = FailureClass::unauthorized, .names_bad_key = true});
  const Admission admission = targets.admit(0, false, 0, "A");
  CHECK(targets.key_name(0, admission.key) == "b");
  targets.finish(
      admission,
      {.failure = Failure{.failure_class = FailureClass::rate_limited, .retry_after_ms = 700}}, 0);
  const Admission denied = targets.admit(0, false, 0, "A");
  CHECK(denied.denial == Denial::no_key);
  CHECK(denied.retry_at_ns == 700 * ms_ns);
  REQUIRE(denied.resting.size() == 2);
  CHECK(denied.resting[0].name == "b");
  CHECK(is_soon_back(denied.resting));
  CHECK(resting_text(denied.resting, 0, 1'790'000'000'000) ==
        "the key b rests until 2026-09-21T14:13:20.700Z: the provider refused it (rate_limited); "
        "the key a rests until 2026-09-21T14:23:20.000Z: the provider refused it (unauthorized)");
  CHECK(resting_failure(denied.resting[0], 0).message ==
        "The model's provider takes no more requests for now. Try again in a little while. "
        "It is asked again in 1 s.");
  CHECK_FALSE(is_soon_back({&denied.resting[1], 1}));
  CHECK(resting_failure(denied.resting[1], 0).failure_class == FailureClass::server_error);
  CHECK(targets.admit(0, false, 700 * ms_ns, "A").denial == Denial::none);
  CHECK(targets.breaker(0).shared().state() == BreakerState::closed);
}

TEST_CASE("after a failure another key is one that has not just failed") {
  Targets targets = one_target();
  const Failure limited{.failure_class = FailureClass::rate_limited, .retry_after_ms = 700};
  const Admission first = targets.admit(0, false, 0, "A");
  CHECK(targets.outlook(first, limited, 0).another);
  targets.finish(first, {.failure = limited}, 0);

  const Admission second = targets.admit(0, false, 0, "A");
  const Failure refused{.failure_class = FailureClass::unauthorized, .names_bad_key = true};
  const KeyOutlook outlook = targets.outlook(second, refused, 100 * ms_ns);
  CHECK_FALSE(outlook.another);
  // The first one's rest is the shorter. Who waits so long finds it.
  CHECK(outlook.back_ms >= 600);
  CHECK(outlook.back_ms < 700);
  targets.finish(second, {.failure = refused}, 100 * ms_ns);
  CHECK(targets.admit(0, false, (100 + outlook.back_ms) * ms_ns, "A").denial == Denial::none);
}

TEST_CASE("a target without keys, or with one, has no other to try") {
  const Failure refused{.failure_class = FailureClass::unauthorized};
  const Failure down{.failure_class = FailureClass::server_error};
  for (const bool has_key : {false, true}) {
    TargetOptions options{.name = "p/m"};
    if (has_key) options.keys = {{"a", 1}};
    Targets targets({options});
    const Admission admission = targets.admit(0, false, 0, "A");
    CHECK_FALSE(targets.outlook(admission, refused, 0).another);
    CHECK((targets.outlook(admission, refused, 0).back_ms > 0) == has_key);
    CHECK(targets.outlook(admission, down, 0).back_ms == 0);
    targets.abandon(admission);
  }
}

TEST_CASE("what the target is to blame for opens its breaker, what the client did does not") {
  for (const FailureClass mild : {FailureClass::bad_request, FailureClass::too_large,
                                  FailureClass::not_found, FailureClass::filtered}) {
    Targets targets = one_target();
    for (int i = 0; i < 8; ++i)
      fail(targets, {.stage = Stage::refused, .failure_class = mild});
    CHECK(targets.breaker(0).shared().state() == BreakerState::closed);
  }
  Targets asked_for_much = one_target();
  for (const char* caller : {"A", "B", "C", "D"})
    fail(asked_for_much,
         {.stage = Stage::sent, .failure_class = FailureClass::malformed, .too_long = true},
         caller);
  CHECK(asked_for_much.breaker(0).shared().state() == BreakerState::closed);
  for (const FailureClass grave :
       {FailureClass::overloaded, FailureClass::server_error, FailureClass::timeout,
        FailureClass::malformed, FailureClass::cut}) {
    Targets targets = one_target();
    for (const char* caller : {"A", "B", "C", "D"})
      fail(targets, {.stage = Stage::sent, .failure_class = grave}, caller);
    CHECK(targets.breaker(0).shared().state() == BreakerState::open);
    CHECK(targets.admit(0, false, 0, "C").denial == Denial::breaker_open);
  }
}

TEST_CASE("what one caller's requests fail of takes the target from them alone") {
  for (const Stage connected : {Stage::sent, Stage::refused, Stage::stream}) {
    Targets targets = one_target();
    for (int i = 0; i < 4; ++i)
      fail(targets, {.stage = connected, .failure_class = FailureClass::server_error});
    CHECK(targets.admit(0, false, 0, "A").denial == Denial::breaker_open);
    CHECK(targets.admit(0, false, 0, "B").denial == Denial::none);
  }
  // That it cannot be reached is nobody's doing.
  Targets targets = one_target();
  for (int i = 0; i < 4; ++i)
    fail(targets, {.stage = Stage::connect, .failure_class = FailureClass::timeout});
  CHECK(targets.admit(0, false, 0, "B").denial == Denial::breaker_open);
}

TEST_CASE("a request that was never sent says nothing of its target") {
  TargetOptions options{.name = "p/m"};
  options.breaker = {.calls_min = 1, .open_ms = 10, .probes_needed = 1};
  Targets targets({options});
  fail(targets, {.stage = Stage::connect, .failure_class = FailureClass::timeout});
  REQUIRE(targets.breaker(0).shared().state() == BreakerState::open);
  const Admission probe = targets.admit(0, false, 10 * ms_ns, "A");
  targets.finish(probe, {.failure = Failure{.failure_class = FailureClass::bad_request}},
                 10 * ms_ns);
  CHECK(targets.breaker(0).shared().state() == BreakerState::half_open);
}

TEST_CASE("a slow success counts as slow") {
  Targets targets = one_target();
  for (const char* caller : {"A", "B", "C", "D"})
    targets.finish(targets.admit(0, false, 0, caller), {.first_token_ms = 10'000}, 0);
  CHECK(targets.breaker(0).shared().state() == BreakerState::open);
}

TEST_CASE("a retry without budget is denied and leaves no probe out") {
  TargetOptions options{.name = "p/m", .retry_budget = {.ratio_permille = 0, .burst = 1}};
  options.breaker = {.calls_min = 1, .open_ms = 10};
  Targets targets({options});
  targets.finish(targets.admit(0, true, 0, "A"), {.failure = Failure{}}, 0);
  CHECK(targets.breaker(0).shared().state() == BreakerState::open);
  CHECK(targets.admit(0, true, 10 * ms_ns, "A").denial == Denial::no_retry_budget);
  CHECK(targets.breaker(0).shared().probes_out() == 0);
  CHECK(targets.admit(0, false, 10 * ms_ns, "A").denial == Denial::none);
}

}  // namespace
}  // namespace redoubt::upstream
