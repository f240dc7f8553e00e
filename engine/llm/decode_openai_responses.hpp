// OpenAI Responses, from a provider's bytes to events. The stream's end is response.completed,
// .incomplete or .failed; response.created may be absent. Items that are no text, reasoning or
// function call (a web search, an MCP call) are opaque.
// Source: OpenAI API reference, "Responses" and "Streaming events" (2026).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/llm/answer_state.hpp"

namespace redoubt::llm {

void decode_openai_responses_event(AnswerState& state, const nlohmann::json& event,
                                   std::string_view text, ChatEvents& out);
void decode_openai_responses_whole(AnswerState& state, const nlohmann::json& response,
                                   std::string_view text, ChatEvents& out);

}  // namespace redoubt::llm
