#include "engine/base/utc_date.hpp"

#include <doctest/doctest.h>

using namespace redoubt;

TEST_CASE("a date is a day's number, and a day that is none is nothing") {
  CHECK(parse_date("1970-01-01") == 0);
  CHECK(parse_date("2026-11-30") == 20'787);
  CHECK(parse_date("2024-02-29").has_value());
  for (const char* text : {"2026-02-29", "2026-13-01", "2026-1-01", "2026-12-32", "2026-12-00", ""})
    CHECK(!parse_date(text).has_value());
  for (std::int64_t day = -200'000; day < 200'000; day += 17)
    CHECK(parse_date(date_text(day)) == day);
}
