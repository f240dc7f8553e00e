// OpenAI chat completions, and everything like it, from a provider's bytes to events.
// Source: OpenAI API reference, "Chat" (2026); the accents of others as in docs/providers.md.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/llm/answer_state.hpp"

namespace redoubt::llm {

/// One chunk of a stream.
void decode_openai_chat_event(AnswerState& state, const nlohmann::json& chunk,
                              std::string_view text, ChatEvents& out);
/// A whole answer; ends with finished or failed.
void decode_openai_chat_whole(AnswerState& state, const nlohmann::json& answer,
                              std::string_view text, ChatEvents& out);
/// The usage object of the format, in whichever accent.
/// The end of an answer: a call that never got a name is none that can be run.
void finish_openai_chat(AnswerState& state, ChatEvents& out);
Usage read_openai_usage(const nlohmann::json& usage);
FinishReason openai_finish_reason(std::string_view word);

}  // namespace redoubt::llm
