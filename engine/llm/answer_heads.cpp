#include "engine/llm/answer_heads.hpp"

namespace redoubt::llm {

std::string_view openai_reason_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
      return "stop";
    case FinishReason::tool_calls:
      return "tool_calls";
    case FinishReason::filtered:
      return "content_filter";
    default:  // also where nobody says that it is complete
      return "length";
  }
}

void write_openai_head(const ChatAnswer& answer, const AnswerStamp& stamp, std::string_view object,
                       JsonWriter& out) {
  out.text("id", answer_id(stamp, answer));
  out.text("object", object);
  out.integer("created", stamp.created_s);
  out.text("model", answer_model(stamp, answer));
}

void hear_start(AnswerStream& stream, const ChatEvent& event) {
  stream.answer.id = event.id;
  stream.answer.model = event.model;
  stream.answer.format = stream.origin;
}

}  // namespace redoubt::llm
