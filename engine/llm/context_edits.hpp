// What an Anthropic request's `context_management` has its provider leave out of the prompt before
// the model reads it (https://docs.anthropic.com/en/docs/build-with-claude/context-editing).
//
//   clear_tool_uses_*   results, and inputs where the edit says so, of all tool uses but the last
//   clear_thinking_*    thoughts of all turns that thought but the last
//
// Edits are done in their order. One that is not known here leaves nothing out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace redoubt::llm {

/// The body with what its edits leave out left out; "" where they leave nothing out. `tokens`: how
/// long a body is. O(bytes) for each edit, besides two counts.
std::string edited_context(std::string_view body,
                           const std::function<std::int64_t(std::string_view)>& tokens);

}  // namespace redoubt::llm
