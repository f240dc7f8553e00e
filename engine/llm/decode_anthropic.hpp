// Anthropic messages, from a provider's bytes to events. Named events, no [DONE]; a ping may stand
// anywhere; usage is cumulative and replaces what was said; message_stop is the end.
// Source: Anthropic API reference, "Messages" and "Streaming messages" (2026).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/llm/answer_state.hpp"

namespace redoubt::llm {

void decode_anthropic_event(AnswerState& state, const nlohmann::json& event, std::string_view text,
                            ChatEvents& out);
void decode_anthropic_whole(AnswerState& state, const nlohmann::json& message,
                            std::string_view text, ChatEvents& out);
FinishReason anthropic_finish_reason(std::string_view word);

}  // namespace redoubt::llm
