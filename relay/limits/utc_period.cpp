#include "relay/limits/utc_period.hpp"

#include <cassert>

namespace redoubt::limits {
namespace {

constexpr std::int64_t day_s = 86'400;

struct Date {
  std::int32_t year;
  std::int32_t month;  // 1..12
  std::int32_t day;    // 1..31
};

// Both from Hinnant, "chrono-Compatible Low-Level Date Algorithms"; years count from March.
Date date_of(std::int32_t days) {
  const std::int32_t z = days + 719'468;
  const std::int32_t era = z / 146'097;
  const std::int32_t day_of_era = z - era * 146'097;
  const std::int32_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int32_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int32_t shifted = (5 * day_of_year + 2) / 153;
  const std::int32_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
          day_of_year - (153 * shifted + 2) / 5 + 1};
}

std::int32_t days_of(Date date) {
  const std::int32_t year = date.year - (date.month <= 2 ? 1 : 0);
  const std::int32_t era = year / 400;
  const std::int32_t year_of_era = year - era * 400;
  const std::int32_t shifted = date.month > 2 ? date.month - 3 : date.month + 9;
  const std::int32_t day_of_year = (153 * shifted + 2) / 5 + date.day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719'468;
}

std::string two_digits(std::int32_t number) {
  return {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
}

}  // namespace

std::int32_t period_of(Period period, std::int64_t unix_s) {
  assert(unix_s >= 0);
  const auto days = static_cast<std::int32_t>(unix_s / day_s);
  if (period == Period::day) return days;
  const Date date = date_of(days);
  return (date.year - 1970) * 12 + date.month - 1;
}

std::int64_t period_start_s(Period period, std::int32_t index) {
  if (period == Period::day) return index * day_s;
  return days_of({1970 + index / 12, index % 12 + 1, 1}) * day_s;
}

std::string period_name(Period period, std::int32_t index) {
  const Date date = date_of(static_cast<std::int32_t>(period_start_s(period, index) / day_s));
  std::string name = std::to_string(date.year) + "-" + two_digits(date.month);
  if (period == Period::day) name += "-" + two_digits(date.day);
  return name;
}

}  // namespace redoubt::limits
