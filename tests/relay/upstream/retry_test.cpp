#include "relay/upstream/retry.hpp"

#include <doctest/doctest.h>

namespace redoubt::upstream {
namespace {

using llm::FailureClass;

TEST_CASE("what follows a failure is the header's table") {
  struct Row {
    FailureClass failure_class;
    Follow alone;             // one target, one key
    Follow with_another_key;  // one target
    Follow with_target;       // another target, no other key
  };
  const Row rows[] = {
      {FailureClass::bad_request, Follow::give_up, Follow::give_up, Follow::give_up},
      {FailureClass::filtered, Follow::give_up, Follow::give_up, Follow::give_up},
      {FailureClass::too_large, Follow::give_up, Follow::give_up, Follow::next_target},
      {FailureClass::not_found, Follow::give_up, Follow::give_up, Follow::next_target},
      {FailureClass::unauthorized, Follow::give_up, Follow::same_target, Follow::next_target},
      {FailureClass::no_quota, Follow::give_up, Follow::same_target, Follow::next_target},
      {FailureClass::rate_limited, Follow::same_target, Follow::same_target, Follow::next_target},
      {FailureClass::overloaded, Follow::same_target, Follow::same_target, Follow::same_target},
      {FailureClass::server_error, Follow::same_target, Follow::same_target, Follow::same_target},
      {FailureClass::cut, Follow::same_target, Follow::same_target, Follow::same_target},
      {FailureClass::malformed, Follow::same_target, Follow::same_target, Follow::same_target},
      {FailureClass::timeout, Follow::give_up, Follow::give_up, Follow::next_target},
  };
  for (const Row& row : rows) {
    Rng rng(1);
    const Failure failure{.stage = Stage::sent, .failure_class = row.failure_class};
    AttemptCount count{.left_ms = 60'000};
    INFO(llm::failure_name(row.failure_class));
    CHECK(after_failure({}, failure, count, rng).follow == row.alone);
    count.another_key = true;
    CHECK(after_failure({}, failure, count, rng).follow == row.with_another_key);
    count = {.another_target = true, .left_ms = 60'000};
    CHECK(after_failure({}, failure, count, rng).follow == row.with_target);
  }
}

TEST_CASE("what one target has no place for is asked of the next") {
  Rng rng(1);
  const Failure failure{.failure_class = FailureClass::bad_request, .by_target = true};
  AttemptCount count{.another_key = true, .left_ms = 60'000};
  CHECK(after_failure({}, failure, count, rng).follow == Follow::give_up);
  count.another_target = true;
  CHECK(after_failure({}, failure, count, rng).follow == Follow::next_target);
}

TEST_CASE("a wait is jittered backoff or what the provider asks, never past the deadline") {
  Rng rng(3);
  const Failure plain{.failure_class = FailureClass::server_error};
  std::int64_t least = 1'000'000;
  std::int64_t most = 0;
  for (int i = 0; i < 1'000; ++i) {
    const std::int64_t wait_ms = after_failure({}, plain, {.left_ms = 60'000}, rng).wait_ms;
    least = std::min(least, wait_ms);
    most = std::max(most, wait_ms);
  }
  CHECK(least == 100);
  CHECK(most == 200);
  Failure asks = plain;
  asks.retry_after_ms = 3'000;
  CHECK(after_failure({}, asks, {.left_ms = 60'000}, rng).wait_ms == 3'000);
  CHECK(after_failure({}, asks, {.left_ms = 3'000}, rng).follow == Follow::give_up);
  asks.retry_after_ms = 8'001;
  CHECK(after_failure({}, asks, {.left_ms = 60'000}, rng).follow == Follow::give_up);
  CHECK(after_failure({}, plain, {.key_back_ms = 700, .left_ms = 60'000}, rng).wait_ms == 700);
  const RetryOptions many{.attempts_per_target = 100, .attempts_max = 100};
  CHECK(after_failure(many, plain, {.on_target = 50, .left_ms = 60'000}, rng).wait_ms <= 4'000);
}

TEST_CASE("attempts are bounded by target and in all") {
  Rng rng(1);
  const Failure failure{.failure_class = FailureClass::server_error};
  CHECK(after_failure({}, failure, {.on_target = 2, .left_ms = 60'000}, rng).follow ==
        Follow::give_up);
  CHECK(after_failure({}, failure, {.on_target = 2, .another_target = true}, rng).follow ==
        Follow::next_target);
  CHECK(after_failure({}, failure, {.total = 6, .another_target = true}, rng).follow ==
        Follow::give_up);
}

TEST_CASE("retries are at most the burst and a tenth of the calls") {
  RetryBudget budget;
  int retries = 0;
  for (int i = 0; i < 20; ++i)
    retries += budget.take() ? 1 : 0;
  CHECK(retries == 10);
  for (int i = 0; i < 1'000; ++i) {
    budget.call_made();
    retries += budget.take() ? 1 : 0;
  }
  CHECK(retries == 110);
}

}  // namespace
}  // namespace redoubt::upstream
