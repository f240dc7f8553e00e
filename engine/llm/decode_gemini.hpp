// Google Gemini (generateContent, and streamGenerateContent with alt=sse), from a provider's bytes
// to events. A chunk of a stream has the shape of a whole answer; there is no terminator: a stream
// that saw its finishReason ends with the bytes. Usage is cumulative, and the last one counts.
// Source: Gemini API reference, "GenerateContentResponse" (v1beta, 2026).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/llm/answer_state.hpp"

namespace redoubt::llm {

void decode_gemini_event(AnswerState& state, const nlohmann::json& chunk, std::string_view text,
                         ChatEvents& out);
void decode_gemini_whole(AnswerState& state, const nlohmann::json& answer, std::string_view text,
                         ChatEvents& out);

}  // namespace redoubt::llm
