#include "engine/llm/encode_answer.hpp"

namespace redoubt::llm {

std::string encode_answer(WireFormat format, const ChatAnswer& answer, const AnswerStamp& stamp) {
  JsonWriter out;
  if (format == WireFormat::anthropic) {
    write_anthropic_answer(answer, stamp, out);
  } else if (format == WireFormat::openai_responses) {
    write_openai_responses_answer(answer, stamp, out);
  } else {
    write_openai_chat_answer(answer, stamp, out);
  }
  return out.take();
}

std::string encode_failure(WireFormat format, const ChatFailure& failure) {
  JsonWriter out;
  if (format == WireFormat::anthropic) {
    write_anthropic_error(failure, out);
  } else {
    write_openai_error(failure, out);
  }
  return out.take();
}

void encode_event(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  if (event.kind == EventKind::heartbeat && stream.format != WireFormat::anthropic) {
    out += ": waiting\n\n";
  } else if (stream.format == WireFormat::anthropic) {
    encode_anthropic_event(stream, event, out);
  } else if (stream.format == WireFormat::openai_responses) {
    encode_openai_responses_event(stream, event, out);
  } else {
    encode_openai_chat_event(stream, event, out);
  }
}

void append_sse(std::string& out, std::string_view name, std::string_view data) {
  if (!name.empty()) {
    out += "event: ";
    out += name;
    out += '\n';
  }
  out += "data: ";
  out += data;
  out += "\n\n";
}

std::string_view answer_id(const AnswerStamp& stamp, const ChatAnswer& answer) {
  return stamp.id.empty() ? answer.id : stamp.id;
}

std::string_view answer_model(const AnswerStamp& stamp, const ChatAnswer& answer) {
  return stamp.model.empty() ? answer.model : stamp.model;
}

}  // namespace redoubt::llm
