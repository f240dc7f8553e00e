#include "engine/llm/usage.hpp"

#include <algorithm>
#include <cmath>

namespace redoubt::llm {
namespace {

constexpr std::int64_t picodollars_per_microdollar = 1'000'000;
constexpr double picodollars_per_dollar = 1e12;

std::int64_t held(std::int64_t count, std::int64_t most) {
  return std::clamp<std::int64_t>(count, 0, most);
}

}  // namespace

Price resolved(const Price& price) {
  Price all = price;
  all.cached_read = price.cached_read.value_or(price.input);
  all.cache_write = price.cache_write.value_or(price.input);
  all.cache_write_long = price.cache_write_long.value_or(*all.cache_write);
  all.reasoning = price.reasoning.value_or(price.output);
  all.audio_input = price.audio_input.value_or(price.input);
  all.audio_cached_read = price.audio_cached_read.value_or(*all.cached_read);
  all.audio_output = price.audio_output.value_or(price.output);
  return all;
}

Price dearer(const Price& a, const Price& b) {
  Price high = resolved(a);
  const Price other = resolved(b);
  high.input = std::max(high.input, other.input);
  high.output = std::max(high.output, other.output);
  for (const auto member :
       {&Price::cached_read, &Price::cache_write, &Price::cache_write_long, &Price::reasoning,
        &Price::audio_input, &Price::audio_cached_read, &Price::audio_output}) {
    high.*member = std::max(*(high.*member), *(other.*member));
  }
  return high;
}

std::int64_t cost_picodollars(const Usage& usage, const Price& given) {
  const Price price = resolved(given);
  const std::int64_t input = held(usage.input, tokens_max);
  const std::int64_t cached = held(usage.cached_read, input);
  const std::int64_t written = held(usage.cache_write, input - cached);
  const std::int64_t written_long = held(usage.cache_write_long, written);
  const std::int64_t fresh = input - cached - written;
  const std::int64_t audio = held(usage.audio_input, fresh + cached);
  const std::int64_t audio_fresh = std::min(audio, fresh);
  const std::int64_t audio_cached = audio - audio_fresh;
  const std::int64_t output = held(usage.output, tokens_max);
  const std::int64_t spoken = held(usage.audio_output, output);
  const std::int64_t reasoning = held(usage.reasoning, output - spoken);
  return (fresh - audio_fresh) * price.input + audio_fresh * *price.audio_input +
         (cached - audio_cached) * *price.cached_read + audio_cached * *price.audio_cached_read +
         (written - written_long) * *price.cache_write + written_long * *price.cache_write_long +
         (output - spoken - reasoning) * price.output + reasoning * *price.reasoning +
         spoken * *price.audio_output;
}

std::int64_t fees_picodollars(const Usage& usage, const Fees& fees) {
  return (held(usage.web_searches, tool_uses_max) * fees.web_search +
          held(usage.file_searches, tool_uses_max) * fees.file_search) *
         picodollars_per_microdollar;
}

std::int64_t cost_bound_picodollars(std::int64_t input_tokens, std::int64_t output_tokens,
                                    const Price& given) {
  const Price price = resolved(given);
  const std::int64_t in =
      std::max({price.input, *price.cached_read, *price.cache_write, *price.cache_write_long,
                *price.audio_input, *price.audio_cached_read});
  const std::int64_t out = std::max({price.output, *price.reasoning, *price.audio_output});
  return held(input_tokens, tokens_max) * in + held(output_tokens, tokens_max) * out;
}

std::int64_t fees_bound_picodollars(const ToolUses& uses, const Fees& fees) {
  const std::int64_t dearest = std::max(fees.web_search, fees.file_search);
  const std::int64_t each = held(uses.web_searches, tool_uses_max) * fees.web_search +
                            held(uses.file_searches, tool_uses_max) * fees.file_search +
                            held(uses.others, tool_uses_max) * dearest;
  const std::int64_t all = held(uses.all_max.value_or(3 * tool_uses_max), 3 * tool_uses_max);
  return std::min(each, all * dearest) * picodollars_per_microdollar;
}

void add_hidden_tokens(Usage& usage, std::int64_t total, bool audio_prompt) {
  const std::int64_t named = held(usage.input, tokens_max) + held(usage.output, tokens_max);
  const std::int64_t hidden = held(total, tokens_max) - named;
  if (hidden <= 0) return;
  if (audio_prompt) {
    usage.input += hidden;
    usage.audio_input = std::max(usage.audio_input, hidden);
  } else {
    usage.output += hidden;
  }
}

std::optional<std::int64_t> picodollars_of(double dollars) {
  if (!std::isfinite(dollars) || dollars < 0) return std::nullopt;
  const double most = static_cast<double>(reported_cost_max);
  // A decimal fraction is no binary one: a millionth of a picodollar over is none.
  const double exact = std::min(dollars * picodollars_per_dollar, most);
  const double nearest = std::round(exact);
  const bool whole = std::abs(exact - nearest) <= std::max(1e-6, exact * 1e-12);
  return static_cast<std::int64_t>(whole ? nearest : std::ceil(exact));
}

}  // namespace redoubt::llm
