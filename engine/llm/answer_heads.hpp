// What the answers of more than one format have in common.
#pragma once

#include <string_view>

#include "engine/llm/encode_answer.hpp"

namespace redoubt::llm {

/// OpenAI's word for why a choice ended.
std::string_view openai_reason_word(FinishReason reason);
/// OpenAI's completions of either kind: id, object, created and model, into an object that is open.
void write_openai_head(const ChatAnswer& answer, const AnswerStamp& stamp, std::string_view object,
                       JsonWriter& out);

/// What a stream's beginning tells of all of it.
void hear_start(AnswerStream& stream, const ChatEvent& event);

}  // namespace redoubt::llm
