#include "engine/llm/tariff.hpp"

#include <algorithm>
#include <cassert>

#include "engine/base/utc_date.hpp"

namespace redoubt::llm {
namespace {

constexpr std::int64_t days_per_week = 7;

std::int64_t day_of(std::int64_t at_s) {
  return at_s >= 0 ? at_s / seconds_per_day : (at_s + 1) / seconds_per_day - 1;
}

// 0 is Monday; 1970-01-01 was a Thursday.
std::int64_t weekday(std::int64_t day) {
  return ((day + 3) % days_per_week + days_per_week) % days_per_week;
}

bool is_within(const WeekHours& hours, std::int64_t at_s) {
  const std::int64_t day = day_of(at_s);
  if ((hours.days >> weekday(day) & 1) == 0) return false;
  const std::int64_t minute = (at_s - day * seconds_per_day) / 60;
  return std::any_of(hours.spans.begin(), hours.spans.end(), [minute](const auto& span) {
    return span.from_minute <= minute && minute < span.until_minute;
  });
}

bool holds(const Rate& rate, std::int64_t at_s, std::int64_t prompt_tokens) {
  return rate.from_s <= at_s && at_s < rate.until_s && prompt_tokens > rate.above_tokens &&
         (!rate.hours || is_within(*rate.hours, at_s));
}

// The call's beginning, and each moment in it at which a rate begins or ends.
std::vector<std::int64_t> moments(const Tariff& tariff, CallTime when) {
  std::vector<std::int64_t> at{when.from_s};
  const auto add = [&](std::int64_t moment) {
    if (when.from_s < moment && moment <= when.until_s) at.push_back(moment);
  };
  const std::int64_t first_day = day_of(when.from_s);
  const std::int64_t last_day = std::min(day_of(when.until_s), first_day + days_per_week);
  for (const Rate& rate : tariff.rates) {
    add(rate.from_s);
    add(rate.until_s);
    if (!rate.hours) continue;
    for (std::int64_t day = first_day; day <= last_day; ++day) {
      add(day * seconds_per_day);
      for (const WeekHours::Span& span : rate.hours->spans) {
        add(day * seconds_per_day + span.from_minute * 60);
        add(day * seconds_per_day + span.until_minute * 60);
      }
    }
  }
  return at;
}

// The shortest prompt, and the shortest ones above each step.
std::vector<std::int64_t> lengths(const Tariff& tariff, std::int64_t low, std::int64_t high) {
  std::vector<std::int64_t> tokens{low};
  for (const Rate& rate : tariff.rates) {
    if (rate.above_tokens >= low && rate.above_tokens < high)
      tokens.push_back(rate.above_tokens + 1);
  }
  return tokens;
}

}  // namespace

Price price_at(const Tariff& tariff, std::int64_t at_s, std::int64_t prompt_tokens) {
  assert(!tariff.rates.empty());
  const auto found = std::find_if(
      tariff.rates.rbegin(), tariff.rates.rend(),
      [at_s, prompt_tokens](const Rate& rate) { return holds(rate, at_s, prompt_tokens); });
  return found == tariff.rates.rend() ? tariff.rates.front().price : found->price;
}

Price dearest_price(const Tariff& tariff, CallTime when, std::int64_t prompt_min,
                    std::int64_t prompt_max) {
  Price dearest;
  for (const std::int64_t at_s : moments(tariff, when)) {
    for (const std::int64_t tokens : lengths(tariff, prompt_min, prompt_max))
      dearest = dearer(dearest, price_at(tariff, at_s, tokens));
  }
  return dearest;
}

std::int64_t cost_picodollars(const Usage& usage, const Tariff& tariff, CallTime when) {
  return cost_picodollars(usage, dearest_price(tariff, when, usage.input, usage.input)) +
         fees_picodollars(usage, tariff.fees);
}

std::int64_t cost_bound_picodollars(std::int64_t input_tokens, std::int64_t output_tokens,
                                    const ToolUses& uses, const Tariff& tariff, CallTime when) {
  const Price price = dearest_price(tariff, when, 0, input_tokens);
  return cost_bound_picodollars(input_tokens, output_tokens, price) +
         fees_bound_picodollars(uses, tariff.fees);
}

}  // namespace redoubt::llm
