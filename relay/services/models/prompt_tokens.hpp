// How long a prompt is, by estimate, as its format's clients ask for it. Pure; O(bytes).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::services {

struct PromptTokens {
  std::int64_t tokens = 0;
  std::optional<std::int64_t> before_edits;  ///< where a context_management edits the prompt
  std::string model;                         ///< that the body names; empty: none
};

/// Errors: bad_request with the member's name, not_countable where a part of the prompt lies
/// elsewhere or has no known length.
Result<PromptTokens> count_prompt_tokens(llm::WireFormat format, std::string_view body);

}  // namespace redoubt::services
