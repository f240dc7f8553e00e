#include "engine/llm/usage.hpp"

#include <algorithm>

namespace redoubt::llm {
namespace {

std::int64_t held(std::int64_t count, std::int64_t most) {
  return std::clamp<std::int64_t>(count, 0, most);
}

}  // namespace

std::int64_t cost_picodollars(const Usage& usage, const Price& price) {
  const std::int64_t input = held(usage.input, tokens_max);
  const std::int64_t cached = held(usage.cached_read, input);
  const std::int64_t written = held(usage.cache_write, input - cached);
  const std::int64_t written_long = held(usage.cache_write_long, written);
  const std::int64_t output = held(usage.output, tokens_max);
  const std::int64_t reasoning = held(usage.reasoning, output);
  const std::int64_t write_price = price.cache_write.value_or(price.input);
  return (input - cached - written) * price.input +
         cached * price.cached_read.value_or(price.input) + (written - written_long) * write_price +
         written_long * price.cache_write_long.value_or(write_price) +
         (output - reasoning) * price.output + reasoning * price.reasoning.value_or(price.output);
}

std::int64_t cost_bound_picodollars(std::int64_t input_tokens, std::int64_t output_tokens,
                                    const Price& price) {
  const std::int64_t write_price = price.cache_write.value_or(price.input);
  const std::int64_t in = std::max({price.input, price.cached_read.value_or(0), write_price,
                                    price.cache_write_long.value_or(0)});
  const std::int64_t out = std::max(price.output, price.reasoning.value_or(0));
  return held(input_tokens, tokens_max) * in + held(output_tokens, tokens_max) * out;
}

}  // namespace redoubt::llm
