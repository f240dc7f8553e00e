#include "engine/llm/encode_answer.hpp"

#include <algorithm>

#include "engine/base/hash64.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/freeform.hpp"

namespace redoubt::llm {
namespace {

void encode_one(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  const bool has_one =
      stream.format == WireFormat::anthropic || stream.format == WireFormat::openai_responses;
  if (event.answer > 0 && has_one) return;
  if (event.kind == EventKind::heartbeat && stream.format != WireFormat::anthropic) {
    out += stream.as_list ? "\n" : ": waiting\n\n";
  } else if (stream.format == WireFormat::anthropic) {
    encode_anthropic_event(stream, event, out);
  } else if (stream.format == WireFormat::openai_responses) {
    encode_openai_responses_event(stream, event, out);
  } else if (stream.format == WireFormat::gemini) {
    encode_gemini_event(stream, event, out);
  } else {
    encode_openai_chat_event(stream, event, out);
  }
}

}  // namespace

std::size_t AnswerStream::kept_bytes() const {
  std::size_t bytes = answer.kept_bytes + call.arguments.size();
  for (const AnswerStream& other : others)
    bytes += other.kept_bytes();
  return bytes;
}

AnswerStream* stream_of(AnswerStream& stream, const ChatEvent& event) {
  if (event.answer == 0) return &stream;
  const auto number = static_cast<std::size_t>(event.answer);
  if (number >= answers_max) return nullptr;
  while (stream.others.size() < number) {
    AnswerStream& other = stream.others.emplace_back();
    other.format = stream.format;
    other.origin = stream.origin;
    other.stamp = stream.stamp;
    other.include_usage = stream.include_usage;
    other.answer.id = stream.answer.id;
    other.answer.model = stream.answer.model;
    other.answer.format = stream.origin;
    other.start_waits = true;
    other.number = static_cast<std::int32_t>(stream.others.size());
  }
  return &stream.others[number - 1];
}

namespace {

std::string_view id_prefix(WireFormat format) {
  switch (format) {
    case WireFormat::anthropic:
      return "msg_";
    case WireFormat::openai_responses:
      return "resp_";
    case WireFormat::gemini:
      return "";
    default:
      return "chatcmpl-";
  }
}

// What a conversation has last tells its turns apart.
std::string made_answer_id(const ChatRequest& request, std::int64_t created_s,
                           std::uint64_t unique) {
  Hash64 hash;
  if (unique != 0) hash.add(unique);
  hash.add(static_cast<std::uint64_t>(created_s));
  hash.add_bytes(request.model);
  hash.add(request.messages.size());
  if (!request.messages.empty()) {
    for (const ChatPart& part : request.messages.back().parts)
      for (const std::string* text : {&part.text, &part.id, &part.arguments})
        hash.add_bytes(*text);
  }
  return joined({id_prefix(request.format), hex16(hash.value())});
}

}  // namespace

AnswerStamp stamp_of(const ChatRequest& request, std::int64_t created_s, std::uint64_t unique) {
  return {.id = {},
          .model = request.model,
          .created_s = created_s,
          .freeform = freeform_tools(request),
          .made_id = made_answer_id(request, created_s, unique),
          .agent_tools = agent_tools(request),
          .tells_function_call = request.has_functions};
}

std::string encode_answer(WireFormat format, const ChatAnswer& answer, const AnswerStamp& stamp) {
  const bool carries =
      std::any_of(answer.parts.begin(), answer.parts.end(),
                  [&](const ChatPart& part) { return needs_carrier(part, format); });
  if (carries) {
    ChatAnswer carried = answer;
    carried.parts = with_carriers(answer.parts, format);
    return encode_answer(format, carried, stamp);
  }
  JsonWriter out;
  if (format == WireFormat::anthropic) {
    write_anthropic_answer(answer, stamp, out);
  } else if (format == WireFormat::openai_responses) {
    write_openai_responses_answer(answer, stamp, out);
  } else if (format == WireFormat::gemini) {
    write_gemini_answer(answer, stamp, out);
  } else {
    write_openai_chat_answer(answer, stamp, out);
  }
  return out.take();
}

std::string encode_failure(WireFormat format, const ChatFailure& failure) {
  JsonWriter out;
  if (format == WireFormat::anthropic) {
    write_anthropic_error(failure, out);
  } else if (format == WireFormat::gemini) {
    write_gemini_error(failure, out);
  } else {
    write_openai_error(failure, out);
  }
  return out.take();
}

bool has_error_events(WireFormat format) {
  return format != WireFormat::gemini;
}

void encode_event(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  if (!needs_carrier(event, stream.origin, stream.format)) {
    encode_one(stream, event, out);
    return;
  }
  const ChatEvent carrier = carrier_event(event.kind, event.signature);
  ChatEvent unsigned_event = event;
  unsigned_event.signature.clear();
  if (event.kind == EventKind::tool_begun) encode_one(stream, carrier, out);
  encode_one(stream, unsigned_event, out);
  if (event.kind == EventKind::text) encode_one(stream, carrier, out);
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
  if (!stamp.id.empty()) return stamp.id;
  return answer.id.empty() ? stamp.made_id : answer.id;
}

std::string_view answer_model(const AnswerStamp& stamp, const ChatAnswer& answer) {
  return stamp.model.empty() ? answer.model : stamp.model;
}

}  // namespace redoubt::llm
