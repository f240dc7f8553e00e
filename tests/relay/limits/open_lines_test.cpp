#include "relay/limits/open_lines.hpp"

#include <doctest/doctest.h>

using namespace redoubt::limits;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

OpenLine line_of(const char* who, std::int64_t opened_ms) {
  OpenLine open{.opened_ms = opened_ms};
  open.line.identity = {"default", who};
  open.line.usage = {.input = 60, .output = 40};
  open.line.cost = 500;
  return open;
}

/// Reserves for `who`, open for a second at most.
ReservationId reserve(Limiter& limiter, const char* who, std::int64_t now_ns) {
  const Share share{Scope::player, who, {.tokens_per_minute = 1'000}};
  const Outcome outcome = limiter.reserve({.shares = std::span(&share, 1),
                                           .tokens_upper = 100,
                                           .picodollars_upper = 500,
                                           .open_ns_max = second_ns},
                                          {now_ns, 0});
  REQUIRE(outcome.verdict == Verdict::reserved);
  return outcome.id;
}

}  // namespace

TEST_CASE("a reservation that nobody settles in time is written down in full, as an estimate") {
  Limiter limiter({}, 1);
  OpenLines lines;
  const ReservationId lost = reserve(limiter, "ada", 0);
  const ReservationId kept = reserve(limiter, "bob", 0);
  lines.add(lost, line_of("ada", 1'000));
  lines.add(kept, line_of("bob", 1'000));
  CHECK(lines.take(kept));
  REQUIRE(limiter.settle(kept, {}, {0, 0}).ok());

  std::vector<Expired> expired;
  limiter.expire({2 * second_ns, 2}, expired);
  const auto written = lines.expire(expired, 3'500);
  REQUIRE(written.size() == 1);
  CHECK(written[0].identity.subject == "ada");
  CHECK(written[0].outcome == "expired");
  CHECK(written[0].estimated);
  CHECK(written[0].cost == 500);
  CHECK(written[0].usage.input == 60);
  CHECK(written[0].usage.output == 40);
  CHECK(written[0].ended_ms == 3'500);
  CHECK(written[0].duration_ms == 2'500);

  // Its call comes back too late: nothing is written twice.
  CHECK_FALSE(lines.take(lost));
  CHECK_FALSE(limiter.settle(lost, {}, {2 * second_ns, 2}).ok());
  CHECK(lines.expire(expired, 4'000).empty());
  CHECK(lines.size() == 0);
}

TEST_CASE("what is open when the relay ends is written down, the oldest first") {
  OpenLines lines;
  lines.add(7, line_of("second", 20));
  lines.add(9, line_of("first", 10));
  lines.add(8, line_of("settled", 5));
  CHECK(lines.take(8));
  const auto written = lines.close(100);
  REQUIRE(written.size() == 2);
  CHECK(written[0].identity.subject == "first");
  CHECK(written[0].outcome == "unsettled");
  CHECK(written[0].estimated);
  CHECK(written[0].duration_ms == 90);
  CHECK(written[1].identity.subject == "second");
  CHECK(lines.close(100).empty());
}
