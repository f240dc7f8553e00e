#include "engine/llm/retry_headers.hpp"

#include <algorithm>

#include "engine/base/message.hpp"
#include "engine/base/utc_date.hpp"

namespace redoubt::llm {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes digits from the front; nothing where there is none or where there are over 15.
std::optional<std::int64_t> take_digits(std::string_view& s) {
  std::int64_t value = 0;
  std::size_t count = 0;
  while (count < s.size() && is_digit(s[count])) {
    if (count == 15) return std::nullopt;
    value = value * 10 + (s[count++] - '0');
  }
  if (count == 0) return std::nullopt;
  s.remove_prefix(count);
  return value;
}

bool take(std::string_view& s, std::string_view word) {
  if (s.substr(0, word.size()) != word) return false;
  s.remove_prefix(word.size());
  return true;
}

// ".25" of a unit, in millionths; what is smaller is dropped.
std::int64_t take_fraction(std::string_view& s) {
  std::int64_t millionths = 0;
  std::int64_t place = 100000;
  if (s.size() < 2 || s[0] != '.' || !is_digit(s[1])) return 0;
  s.remove_prefix(1);
  while (!s.empty() && is_digit(s[0])) {
    millionths += place * (s[0] - '0');
    place /= 10;
    s.remove_prefix(1);
  }
  return millionths;
}

struct Clock {
  std::int64_t hour, minute, second;
};

std::optional<Clock> take_clock(std::string_view& s) {
  const auto hour = take_digits(s);
  if (!hour || !take(s, ":")) return std::nullopt;
  const auto minute = take_digits(s);
  if (!minute || !take(s, ":")) return std::nullopt;
  const auto second = take_digits(s);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return Clock{*hour, *minute, *second};
}

std::optional<std::int64_t> unix_ms(std::int64_t year, std::int64_t month, std::int64_t day,
                                    Clock clock) {
  if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) {
    return std::nullopt;
  }
  const std::int64_t seconds = days_from_civil(year, month, day) * 86400 + clock.hour * 3600 +
                               clock.minute * 60 + clock.second;
  return seconds * 1000;
}

std::int64_t wait_until(std::int64_t then_unix_ms, std::int64_t now_unix_ms) {
  return std::clamp<std::int64_t>(then_unix_ms - now_unix_ms, 0, wait_ms_max);
}

// A plain count of seconds, with a fraction where there is one.
std::optional<std::int64_t> seconds_ms(std::string_view text) {
  const auto whole = take_digits(text);
  if (!whole || *whole > wait_ms_max / 1000) return std::nullopt;
  const std::int64_t millionths = take_fraction(text);
  if (!text.empty()) return std::nullopt;
  return std::min(*whole * 1000 + millionths / 1000, wait_ms_max);
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  const auto value = take_digits(text);
  return text.empty() ? value : std::nullopt;
}

std::optional<std::int64_t> reset_ms(std::string_view text, std::int64_t now_unix_ms) {
  if (const auto plain = seconds_ms(text)) return plain;
  if (const auto duration = duration_ms(text)) return duration;
  if (const auto time = rfc3339_unix_ms(text)) return wait_until(*time, now_unix_ms);
  return std::nullopt;
}

RateWindow read_window(const std::vector<Header>& headers, std::string_view what,
                       std::int64_t now_unix_ms) {
  RateWindow window;
  for (const std::string_view family : {"x-ratelimit-", "anthropic-ratelimit-"}) {
    // OpenAI: x-ratelimit-limit-requests; Anthropic: anthropic-ratelimit-requests-limit.
    const bool word_last = family[0] == 'x';
    const auto value = [&](std::string_view word) {
      const std::string name =
          word_last ? joined({family, word, "-", what}) : joined({family, what, "-", word});
      return header_value(headers, name);
    };
    if (!window.limit) window.limit = whole_number(value("limit"));
    if (!window.remaining) window.remaining = whole_number(value("remaining"));
    if (!window.reset_ms) window.reset_ms = reset_ms(value("reset"), now_unix_ms);
  }
  return window;
}

}  // namespace

std::optional<std::int64_t> duration_ms(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t microseconds;
  };
  // "ms" before "m": the longer name wins.
  constexpr Unit units[] = {{"ms", 1000},    {"us", 1},      {"h", 3600000000},
                            {"m", 60000000}, {"s", 1000000}, {"d", 86400000000}};
  if (text.empty()) return std::nullopt;
  std::int64_t total_us = 0;
  while (!text.empty()) {
    const auto whole = take_digits(text);
    if (!whole || *whole > wait_ms_max) return std::nullopt;
    const std::int64_t millionths = take_fraction(text);
    const Unit* found = nullptr;
    for (const Unit& unit : units) {
      if (found == nullptr && take(text, unit.name)) found = &unit;
    }
    if (found == nullptr || *whole > wait_ms_max * 1000 / found->microseconds) return std::nullopt;
    total_us += *whole * found->microseconds + millionths * found->microseconds / 1000000;
    if (total_us > wait_ms_max * 1000) return std::nullopt;
  }
  return (total_us + 999) / 1000;
}

std::optional<std::int64_t> rfc3339_unix_ms(std::string_view s) {
  const auto year = take_digits(s);
  if (!year || !take(s, "-")) return std::nullopt;
  const auto month = take_digits(s);
  if (!month || !take(s, "-")) return std::nullopt;
  const auto day = take_digits(s);
  if (!day || !(take(s, "T") || take(s, "t") || take(s, " "))) return std::nullopt;
  const auto clock = take_clock(s);
  if (!clock) return std::nullopt;
  const std::int64_t millionths = take_fraction(s);
  const auto local = unix_ms(*year, *month, *day, *clock);
  if (!local) return std::nullopt;
  std::int64_t offset_minutes = 0;
  if (!take(s, "Z") && !take(s, "z")) {
    const bool east = take(s, "+");
    if (!east && !take(s, "-")) return std::nullopt;
    const auto hours = take_digits(s);
    if (!hours || *hours > 23 || !take(s, ":")) return std::nullopt;
    const auto minutes = take_digits(s);
    if (!minutes || *minutes > 59) return std::nullopt;
    offset_minutes = (*hours * 60 + *minutes) * (east ? 1 : -1);
  }
  if (!s.empty()) return std::nullopt;
  return *local + millionths / 1000 - offset_minutes * 60000;
}

std::optional<std::int64_t> http_date_unix_ms(std::string_view s) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::size_t comma = s.find(", ");
  if (comma != 3) return std::nullopt;
  s.remove_prefix(5);
  const auto day = take_digits(s);
  if (!day || !take(s, " ") || s.size() < 4) return std::nullopt;
  const std::size_t month = months.find(s.substr(0, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  s.remove_prefix(3);
  if (!take(s, " ")) return std::nullopt;
  const auto year = take_digits(s);
  if (!year || !take(s, " ")) return std::nullopt;
  const auto clock = take_clock(s);
  if (!clock || s != " GMT") return std::nullopt;
  return unix_ms(*year, static_cast<std::int64_t>(month) / 3 + 1, *day, *clock);
}

RetryAdvice retry_advice(const std::vector<Header>& headers, std::int64_t now_unix_ms) {
  RetryAdvice advice;
  const std::string_view word = header_value(headers, "x-should-retry");
  if (word == "true") advice.should_retry = true;
  if (word == "false") advice.should_retry = false;
  if (const auto ms = whole_number(header_value(headers, "retry-after-ms"))) {
    advice.retry_after_ms = std::min(*ms, wait_ms_max);
    return advice;
  }
  const std::string_view after = header_value(headers, "retry-after");
  if (const auto ms = reset_ms(after, now_unix_ms)) {
    advice.retry_after_ms = ms;
  } else if (const auto date = http_date_unix_ms(after)) {
    advice.retry_after_ms = wait_until(*date, now_unix_ms);
  }
  return advice;
}

RateLimits rate_limits(const std::vector<Header>& headers, std::int64_t now_unix_ms) {
  return {read_window(headers, "requests", now_unix_ms),
          read_window(headers, "tokens", now_unix_ms)};
}

}  // namespace redoubt::llm
