// What a call's tokens cost. Prices are micro-dollars per million tokens, which is picodollars per
// token; a cost is a whole number of picodollars (10^-12 $), so sums never lose anything.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/llm/chat.hpp"

namespace redoubt::llm {

/// Prices of one model, in micro-dollars per million tokens. What a provider does not price apart
/// is absent and costs as said beside it.
struct Price {
  std::int64_t input = 0;
  std::int64_t output = 0;
  std::optional<std::int64_t> cached_read{};        ///< else as input
  std::optional<std::int64_t> cache_write{};        ///< else as input
  std::optional<std::int64_t> cache_write_long{};   ///< else as cache_write
  std::optional<std::int64_t> reasoning{};          ///< else as output
  std::optional<std::int64_t> audio_input{};        ///< else as input
  std::optional<std::int64_t> audio_cached_read{};  ///< else as cached_read
  std::optional<std::int64_t> audio_output{};       ///< else as output

  bool operator==(const Price&) const = default;
};

/// Prices by the use, of tools that the provider runs itself, in micro-dollars a use.
struct Fees {
  std::int64_t web_search = 0;
  std::int64_t file_search = 0;

  bool operator==(const Fees&) const = default;
};

/// How often a call may use tools of the provider's own at most, as far as uses have a price.
struct ToolUses {
  std::int64_t web_searches = 0;
  std::int64_t file_searches = 0;
  std::int64_t others = 0;  ///< of tools that nobody here knows: priced as the dearest
  std::optional<std::int64_t> all_max{};  ///< of all together, where the request says so

  bool operator==(const ToolUses&) const = default;
};

/// No count of tokens is read as more than this, so that no cost overflows.
constexpr std::int64_t tokens_max = 100'000'000;
/// No price is more than this ($ 10,000 per million tokens).
constexpr std::int64_t price_max = 10'000'000'000;
/// No use of a tool costs more than this ($ 100), and no more uses of one call are read.
constexpr std::int64_t fee_max = 100'000'000;
constexpr std::int64_t tool_uses_max = 10'000;
/// What a provider says that a call cost is read up to this ($ 1,000,000).
constexpr std::int64_t reported_cost_max = 1'000'000'000'000'000'000;

/// Every member present: what was absent has the price that it costs as.
Price resolved(const Price& price);
/// Member by member the higher of two, resolved.
Price dearer(const Price& a, const Price& b);

/// Picodollars. Exact, so the one rounding (to what a ledger keeps) is the caller's, once a call.
/// Counts are held to 0..tokens_max, parts to their whole. Audio counts as read from the cache only
/// as far as the prompt's other tokens leave room for: providers do not say which were.
std::int64_t cost_picodollars(const Usage& usage, const Price& price);
std::int64_t fees_picodollars(const Usage& usage, const Fees& fees);

/// The most that a call may cost: every input token at its dearest, all of the output.
std::int64_t cost_bound_picodollars(std::int64_t input_tokens, std::int64_t output_tokens,
                                    const Price& price);
std::int64_t fees_bound_picodollars(const ToolUses& uses, const Fees& fees);

/// Providers leave tokens out of their parts that they count in the total, and bill (thoughts
/// behind Gemini's OpenAI endpoint, xAI's reasoning, Mistral's audio). What the total has over
/// input and output becomes output; where `audio_prompt`, it is the prompt's audio.
void add_hidden_tokens(Usage& usage, std::int64_t total, bool audio_prompt);

/// Dollars as a provider tells them, as picodollars, rounded up; nothing for what is no price.
std::optional<std::int64_t> picodollars_of(double dollars);

}  // namespace redoubt::llm
