// What a model's provider asks for: prices that depend on the day, the hour and the length of the
// prompt, and fees by the use. Pure: the time and the length come in.
//
// 1. A tariff is a list of rates. The last one whose conditions hold is the one that counts, for
// the
//    whole request. The first has no conditions, so that there always is one.
// 2. When a provider looks at its clock (as the request comes, or as it ends) is not known: what
//    lies between two prices costs the dearer, member by member.
// 3. Times are seconds since 1970, UTC.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "engine/llm/usage.hpp"

namespace redoubt::llm {

/// Hours of some days of the week.
struct WeekHours {
  struct Span {
    std::int32_t from_minute = 0;   ///< of the UTC day
    std::int32_t until_minute = 0;  ///< exclusive
    bool operator==(const Span&) const = default;
  };
  std::uint8_t days = 0;  ///< bit 0 is Monday
  std::vector<Span> spans;
  bool operator==(const WeekHours&) const = default;
};

struct Rate {
  std::int64_t from_s = std::numeric_limits<std::int64_t>::min();
  std::int64_t until_s = std::numeric_limits<std::int64_t>::max();  ///< exclusive
  std::int64_t above_tokens = -1;  ///< prompts of more input tokens than this
  std::optional<WeekHours> hours{};
  Price price{};
};

struct Tariff {
  std::vector<Rate> rates;  ///< invariant 1
  Fees fees;
};

/// From when to when a call lasts, or may last.
struct CallTime {
  std::int64_t from_s = 0;
  std::int64_t until_s = 0;
};

/// The price of a prompt of so many tokens at a time. REQUIRES: invariant 1
Price price_at(const Tariff& tariff, std::int64_t at_s, std::int64_t prompt_tokens);
/// Member by member the dearest that may come to count during the call, for a prompt of at least
/// `prompt_min` and at most `prompt_max` tokens. Of hours it looks at a week at most.
Price dearest_price(const Tariff& tariff, CallTime when, std::int64_t prompt_min,
                    std::int64_t prompt_max);

/// What a call cost, in picodollars, with its fees.
std::int64_t cost_picodollars(const Usage& usage, const Tariff& tariff, CallTime when);
/// The most that a call may cost: the longest prompt, the dearest time and kind of token, all of
/// the output, so many uses of the provider's own tools.
std::int64_t cost_bound_picodollars(std::int64_t input_tokens, std::int64_t output_tokens,
                                    const ToolUses& uses, const Tariff& tariff, CallTime when);

}  // namespace redoubt::llm
