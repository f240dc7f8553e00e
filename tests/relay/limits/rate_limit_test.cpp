#include "relay/limits/rate_limit.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "engine/base/rng.hpp"

namespace redoubt::limits {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

AddressKey key(std::uint32_t n) {
  AddressKey key{};
  for (int i = 0; i < 4; ++i)
    key[12 + i] = static_cast<std::uint8_t>(n >> (8 * i));
  return key;
}

TEST_CASE("a rested address has its burst, then one request an interval") {
  RateLimiter limiter(per_minute(60, 3, 100), 1);
  for (int left = 2; left >= 0; --left) {
    const RateDecision decision = limiter.take(key(1), 0);
    CHECK(decision.allowed);
    CHECK(decision.remaining == left);
  }
  const RateDecision refused = limiter.take(key(1), 0);
  CHECK_FALSE(refused.allowed);
  CHECK(refused.retry_after_ns == second_ns);
  CHECK(retry_after_header(refused) == "1");
  CHECK(limiter.take(key(2), 0).allowed);
}

TEST_CASE("a look decides like a take and takes nothing") {
  RateLimiter limiter(per_minute(60, 2, 1), 1);
  for (int i = 0; i < 5; ++i)
    CHECK(limiter.look(key(1), 0).remaining == 1);
  CHECK(limiter.addresses() == 0);
  limiter.take(key(1), 0);
  limiter.take(key(1), 0);
  CHECK_FALSE(limiter.look(key(1), 0).allowed);
  CHECK(limiter.look(key(1), 0).retry_after_ns == second_ns);
  CHECK(limiter.look(key(1), second_ns).allowed);
  // The table is full: newcomers share a bucket.
  CHECK(limiter.look(key(2), 0).allowed);
  limiter.take(key(2), 0);
  limiter.take(key(3), 0);
  CHECK_FALSE(limiter.look(key(4), 0).allowed);
}

TEST_CASE("Retry-After is true: one nanosecond earlier is refused, then it passes") {
  Rng rng(7);
  RateLimiter limiter({.interval_ns = 7'000'003, .burst = 4, .addresses_max = 10}, 1);
  std::int64_t now = 0;
  int refusals = 0;
  for (int i = 0; i < 2'000; ++i) {
    now += rng.below(9'000'000);
    const RateDecision decision = limiter.take(key(1), now);
    if (decision.allowed) continue;
    ++refusals;
    CHECK_FALSE(limiter.take(key(1), now + decision.retry_after_ns - 1).allowed);
    now += decision.retry_after_ns;
    CHECK(limiter.take(key(1), now).allowed);
  }
  CHECK(refusals > 100);
}

TEST_CASE("no window lets through more than the burst and the refill") {
  Rng rng(11);
  const RatePolicy policy{.interval_ns = 1'000, .burst = 5, .addresses_max = 10};
  RateLimiter limiter(policy, 1);
  std::vector<std::int64_t> passed;
  std::int64_t now = 0;
  for (int i = 0; i < 3'000; ++i) {
    now += rng.below(900);
    if (limiter.take(key(1), now).allowed) passed.push_back(now);
  }
  for (std::size_t from = 0; from < passed.size(); from += 7) {
    for (std::size_t to = from; to < passed.size(); to += 13) {
      const std::int64_t refill = (passed[to] - passed[from]) / policy.interval_ns;
      CHECK(static_cast<std::int64_t>(to - from + 1) <= policy.burst + refill + 1);
    }
  }
}

TEST_CASE("the table is bounded and a flood of addresses buys no room") {
  RateLimiter limiter(per_minute(60, 2, 50), 99);
  int passed = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i)
    passed += limiter.take(key(i), 0).allowed ? 1 : 0;
  CHECK(limiter.addresses() == 50);
  CHECK(passed == 50 + 2);  // one each, and the common bucket's burst
}

TEST_CASE("rested addresses are forgotten") {
  RateLimiter limiter(per_minute(60, 2, 1'000), 5);
  for (std::uint32_t i = 0; i < 1'000; ++i)
    limiter.take(key(i), 0);
  CHECK(limiter.addresses() == 1'000);
  for (int i = 0; i < 5'000; ++i)
    limiter.take(key(1), 10 * second_ns + i * second_ns);
  CHECK(limiter.addresses() <= 2);
}

TEST_CASE("headers follow the ratelimit draft") {
  CHECK(rate_policy_header(per_minute(1'200, 200, 10)) == "\"address\";q=200;w=10");
  CHECK(rate_header({.remaining = 12, .reset_ns = 2'500'000'000}) == "\"address\";r=12;t=3");
  CHECK(retry_after_header({.allowed = false, .retry_after_ns = 1}) == "1");
  CHECK(retry_after_header({.allowed = false, .retry_after_ns = second_ns + 1}) == "2");
}

}  // namespace
}  // namespace redoubt::limits
