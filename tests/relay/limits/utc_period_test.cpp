#include "relay/limits/utc_period.hpp"

#include <doctest/doctest.h>

namespace redoubt::limits {
namespace {

TEST_CASE("days and months begin and end at UTC midnight") {
  CHECK(period_of(Period::day, 0) == 0);
  CHECK(period_of(Period::month, 0) == 0);
  CHECK(period_of(Period::day, 86'399) == 0);
  CHECK(period_of(Period::day, 86'400) == 1);
  CHECK(period_name(Period::day, period_of(Period::day, 951'782'400)) == "2000-02-29");
  CHECK(period_name(Period::month, period_of(Period::month, 1'795'780'800)) == "2026-11");
  CHECK(period_name(Period::day, period_of(Period::day, 4'107'542'399)) == "2100-02-28");
  CHECK(period_name(Period::day, period_of(Period::day, 4'107'542'400)) == "2100-03-01");
}

TEST_CASE("every day lies in the month that its name says, for 200 years") {
  for (std::int32_t day = 0; day < 73'000; ++day) {
    const std::int64_t start_s = period_start_s(Period::day, day);
    REQUIRE(period_of(Period::day, start_s) == day);
    const std::int32_t month = period_of(Period::month, start_s);
    REQUIRE(period_name(Period::month, month) == period_name(Period::day, day).substr(0, 7));
    REQUIRE(period_start_s(Period::month, month) <= start_s);
    REQUIRE(start_s < period_start_s(Period::month, month + 1));
  }
}

}  // namespace
}  // namespace redoubt::limits
