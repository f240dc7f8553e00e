// What a call costs. Prices are micro-dollars per million tokens, which is picodollars per token;
// a cost is a whole number of picodollars (10^-12 $), so sums never lose anything.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/llm/chat.hpp"

namespace redoubt::llm {

/// Prices of one model, in micro-dollars per million tokens. What a provider does not price apart
/// is absent and costs as the line above it.
struct Price {
  std::int64_t input = 0;
  std::int64_t output = 0;
  std::optional<std::int64_t> cached_read;       ///< else as input
  std::optional<std::int64_t> cache_write;       ///< else as input
  std::optional<std::int64_t> cache_write_long;  ///< else as cache_write
  std::optional<std::int64_t> reasoning;         ///< else as output
};

/// No count of tokens is read as more than this, so that no cost overflows.
constexpr std::int64_t tokens_max = 100'000'000;
/// No price is more than this ($ 10,000 per million tokens).
constexpr std::int64_t price_max = 10'000'000'000;

/// Picodollars. Exact, so the one rounding (to what a ledger keeps) is the caller's, once a call.
/// Counts are held to 0..tokens_max, parts to their whole.
std::int64_t cost_picodollars(const Usage& usage, const Price& price);

/// The most that a call may cost: every input token at its dearest, all of the output.
std::int64_t cost_bound_picodollars(std::int64_t input_tokens, std::int64_t output_tokens,
                                    const Price& price);

}  // namespace redoubt::llm
