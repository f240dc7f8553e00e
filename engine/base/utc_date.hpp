// Days of the proleptic Gregorian calendar, counted from 1970-01-01, as UTC has them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace redoubt {

constexpr std::int64_t seconds_per_day = 86'400;

/// Howard Hinnant's algorithm (http://howardhinnant.github.io/date_algorithms.html).
std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day);

/// The day of "2026-12-11"; nothing for a text that is no date.
std::optional<std::int64_t> parse_date(std::string_view text);
/// "2026-12-11". REQUIRES: a day of the years 0 to 9999
std::string date_text(std::int64_t day);

}  // namespace redoubt
