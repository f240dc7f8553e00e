// Money: whole picodollars (10^-12 $). A price in micro-dollars per million tokens is picodollars
// per token, so a call's cost is exact and a sum loses nothing.
//
// 1. The cost of one call is at most 10^8 tokens x 10^10 (engine/llm/usage.hpp) = 10^18.
// 2. A budget is at most budget_max = 4 x 10^18 ($ 4 million): a budget and one call more fit into
//    64 bits. Sums that can grow past a budget (a call that cost more than its bound) saturate.
#pragma once

#include <cstdint>
#include <limits>

namespace redoubt::limits {

using Picodollars = std::int64_t;

constexpr Picodollars picodollars_per_dollar = 1'000'000'000'000;
constexpr Picodollars picodollars_per_microdollar = 1'000'000;
constexpr Picodollars call_cost_max = 1'000'000 * picodollars_per_dollar;
constexpr Picodollars budget_max = 4'000'000 * picodollars_per_dollar;

/// REQUIRES: both >= 0
constexpr Picodollars add_saturated(Picodollars a, Picodollars b) {
  constexpr Picodollars top = std::numeric_limits<Picodollars>::max();
  return a > top - b ? top : a + b;
}

/// Micro-dollars for people and for JSON, rounded up once.
constexpr std::int64_t microdollars_up(Picodollars amount) {
  return amount / picodollars_per_microdollar + (amount % picodollars_per_microdollar > 0 ? 1 : 0);
}

}  // namespace redoubt::limits
