// What an operator should know of a model that an alias leads to: that nothing is known of it, that
// its provider switches it off soon, or did, that there is no key for it, that no call fits into
// the budget. Pure: the day comes in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/llm/models.hpp"
#include "relay/limits/limiter.hpp"

namespace redoubt::upstream {

/// A shut-off is told from so many days before.
constexpr std::int64_t shut_off_notice_days = 60;

enum class ModelNoteKind : std::uint8_t { unknown, shut_off_near, shut_off_past, no_key, too_dear };
/// As a line of the log names it: "model_unknown", "model_shut_off_near", "model_shut_off",
/// "model_without_key", "model_over_limits".
std::string_view note_name(ModelNoteKind kind);

struct ModelNote {
  ModelNoteKind kind = ModelNoteKind::unknown;
  std::string target;  ///< "openai/gpt-5.4-mini"
  std::string text;    ///< whole sentences
};

/// `needs_bound`: the target's format has no request without a limit of tokens, and nobody set one
/// for models that are not known. `card` is null where there is none; `price_known` also without
/// one, where its provider is free.
std::optional<ModelNote> note_of(const std::string& target, std::span<const std::string> aliases,
                                 const llm::ModelCard* card, bool price_known, bool needs_bound,
                                 std::int64_t today);

/// Of a target that is not called, because its provider wants a key and the relay has none.
ModelNote note_without_key(const std::string& target, std::span<const std::string> aliases,
                           const std::string& provider);

/// What the operator allows somebody, as its settings are called: models.WHOSE_day_microusd.
struct NamedRules {
  std::string_view whose;  ///< "all", "anonymous", "player"
  limits::Rules rules;
};

/// What a call holds that names no limit of tokens.
struct LongestAnswer {
  std::int64_t output_tokens = 0;
  limits::Picodollars cost = 0;
};

/// Of a target that no such call can be made of, because a limit is less than it holds. A limit of
/// 0 is told elsewhere.
std::optional<ModelNote> note_of_limits(const std::string& target,
                                        std::span<const std::string> aliases,
                                        const LongestAnswer& longest,
                                        std::span<const NamedRules> rules);

}  // namespace redoubt::upstream
