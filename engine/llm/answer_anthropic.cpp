// Answers as Anthropic messages.
#include <utility>

#include "engine/llm/answer_heads.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/context_overflow.hpp"
#include "engine/llm/encode_answer.hpp"
#include "engine/llm/reported.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::anthropic;

std::string_view reason_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
      return "end_turn";
    case FinishReason::tool_calls:
      return "tool_use";
    case FinishReason::filtered:
      return "refusal";
    case FinishReason::paused:
      return "pause_turn";
    default:  // also where nobody says that it is complete
      return "max_tokens";
  }
}

// input_tokens excludes what the cache read and wrote.
void write_usage(const ChatAnswer& answer, JsonWriter& out) {
  if (write_reported_usage(answer, own_format, out)) return;
  const Usage& usage = answer.usage;
  out.open_object("usage");
  out.integer("input_tokens", usage.input - usage.cached_read - usage.cache_write);
  out.integer("cache_creation_input_tokens", usage.cache_write);
  out.integer("cache_read_input_tokens", usage.cached_read);
  out.integer("output_tokens", usage.output);
  out.close_object();
}

void write_block(const ChatPart& part, JsonWriter& out) {
  if (part.kind == PartKind::opaque) {
    if (part.format == own_format) out.raw(part.extra);
    return;
  }
  out.open_object();
  if (part.kind == PartKind::tool_call) {
    out.text("type", "tool_use");
    out.text("id", part.id);
    out.text("name", part.name);
    out.raw("input", is_object_text(part.arguments) ? std::string_view(part.arguments) : "{}");
    if (part.format == own_format) out.members(joined_reported(part.reported, Joining::grow));
  } else if (part.kind == PartKind::reasoning && part.redacted) {
    out.text("type", "redacted_thinking");
    out.text("data", signature_for(part, own_format));
  } else if (part.kind == PartKind::reasoning) {
    out.text("type", "thinking");
    out.text("thinking", part.text);
    out.text("signature", signature_for(part, own_format));
  } else {
    out.text("type", "text");
    out.text("text", part.text);
    if (part.format == own_format) out.members(joined_reported(part.reported, Joining::grow));
  }
  out.close_object();
}

// The provider's own word where it is of this format. A stop text that ended another's answer is
// not known, so it is null. `told`: what else goes beside them.
void write_reason(const ChatAnswer& answer, bool ended, std::string_view reported_text,
                  JsonWriter& out) {
  out.key("stop_reason");
  if (!ended) {
    out.null();
  } else if (answer.format == own_format && !answer.reason_detail.empty()) {
    out.text(answer.reason_detail);
  } else {
    out.text(reason_word(answer.reason));
  }
  if (member_text(reported_text, "stop_sequence").empty()) {
    out.key("stop_sequence");
    out.null();
  }
  out.members(reported_text);
}

std::string reported_of_answer(const ChatAnswer& answer) {
  return answer.format == own_format ? joined_reported(answer.reported.answer, Joining::replace)
                                     : std::string();
}

void write_message(const ChatAnswer& answer, const AnswerStamp& stamp, bool ended,
                   JsonWriter& out) {
  out.open_object();
  out.text("id", answer_id(stamp, answer));
  out.text("type", "message");
  out.text("role", "assistant");
  out.text("model", answer_model(stamp, answer));
  out.open_array("content");
  for (const ChatPart& part : answer.parts)
    write_block(part, out);
  out.close_array();
  write_reason(answer, ended, reported_of_answer(answer), out);
  write_usage(answer, out);
  out.close_object();
}

void open_event(JsonWriter& json, std::string_view type, std::int32_t block) {
  json.open_object();
  json.text("type", type);
  if (block >= 0) json.integer("index", block);
}

void close_event(JsonWriter& json, std::string_view type, std::string& out) {
  json.close_object();
  append_sse(out, type, json.take());
}

void append_delta(std::int32_t block, std::string_view type, std::string_view member,
                  std::string_view text, std::string& out) {
  JsonWriter json;
  open_event(json, "content_block_delta", block);
  json.open_object("delta");
  json.text("type", type);
  json.text(member, text);
  json.close_object();
  close_event(json, "content_block_delta", out);
}

void close_block(AnswerStream& stream, std::string& out) {
  if (stream.open == PartKind::opaque) return;
  if (!stream.closing_signature.empty()) {
    append_delta(stream.block, "signature_delta", "signature", stream.closing_signature, out);
    stream.closing_signature.clear();
  }
  JsonWriter json;
  open_event(json, "content_block_stop", stream.block);
  close_event(json, "content_block_stop", out);
  stream.open = PartKind::opaque;
}

// `begun`: the block as its beginning has it.
void open_block(AnswerStream& stream, const ChatPart& begun, std::string& out) {
  close_block(stream, out);
  ++stream.block;
  JsonWriter json;
  open_event(json, "content_block_start", stream.block);
  json.key("content_block");
  write_block(begun, json);
  close_event(json, "content_block_start", out);
  stream.open = begun.kind;
}

void show_text(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  if (event.text.empty()) return;
  ChatPart part;
  if (stream.open != PartKind::text) open_block(stream, part, out);
  append_delta(stream.block, "text_delta", "text", event.text, out);
}

// The event as the part that it is of.
ChatPart thought_of(const AnswerStream& stream, const ChatEvent& event) {
  ChatPart part;
  part.kind = PartKind::reasoning;
  part.format = stream.origin;
  part.id = event.id;
  part.name = event.name;
  part.redacted = event.redacted;
  part.signature = event.signature;
  return part;
}

// A thought of another format ends with what says so, signed or not: clients drop a block without a
// signature, and DeepSeek wants its thoughts back.
void show_reasoning(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  const ChatPart thought = thought_of(stream, event);
  if (event.redacted) {
    open_block(stream, thought, out);
    close_block(stream, out);
    return;
  }
  const bool foreign = stream.origin != own_format;
  if (foreign && event.text.empty() && event.signature.empty()) return;
  if (stream.open != PartKind::reasoning) {
    ChatPart begun;
    begun.kind = PartKind::reasoning;
    open_block(stream, begun, out);
  }
  if (!event.text.empty()) {
    append_delta(stream.block, "thinking_delta", "thinking", event.text, out);
  }
  if (foreign || !event.signature.empty())
    stream.closing_signature = signature_for(thought, own_format);
  if (!event.signature.empty()) close_block(stream, out);
}

void begin_call(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  ChatPart part;
  part.kind = PartKind::tool_call;
  part.id = event.id;
  part.name = event.name;
  part.format = stream.origin;
  if (!event.detail.empty()) part.reported.push_back(event.detail);
  open_block(stream, part, out);
  stream.call_blocks.push_back(stream.block);
}

// Fragments name their block, so calls that come interleaved stay apart.
void show_arguments(const AnswerStream& stream, const ChatEvent& event, std::string& out) {
  const auto call = static_cast<std::size_t>(event.index);
  if (event.index < 0 || call >= stream.call_blocks.size()) return;
  append_delta(stream.call_blocks[call], "input_json_delta", "partial_json", event.text, out);
}

// A block of Anthropic's own goes on whole; another provider's says nothing here.
void show_opaque(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  if (stream.origin != own_format) return;
  ChatPart part;
  part.kind = PartKind::opaque;
  part.format = own_format;
  part.extra = event.text;
  close_block(stream, out);
  open_block(stream, part, out);
  stream.open = PartKind::text;  // so that it is closed
  close_block(stream, out);
}

// The beginning has the prompt's tokens in it, so it waits for them: they come right after it.
void begin_message(AnswerStream& stream, std::string& out) {
  if (!std::exchange(stream.start_waits, false)) return;
  JsonWriter json;
  open_event(json, "message_start", -1);
  json.key("message");
  write_message(stream.answer, stream.stamp, false, json);
  close_event(json, "message_start", out);
  stream.answer.reported.answer.clear();
}

// What was told of the answer, or of the block that is open.
void hear(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  if (stream.origin != own_format) return;
  if (std::vector<std::string>* list = reported_list(stream.answer.reported, event.name)) {
    list->push_back(event.text);
    return;
  }
  begin_message(stream, out);
  const auto citations = element_texts(member_text(event.text, "citations"));
  if (citations.empty() && stream.open == PartKind::text) close_block(stream, out);
  for (const std::string_view citation : citations) {
    if (stream.open != PartKind::text) {
      ChatPart part;
      open_block(stream, part, out);
    }
    JsonWriter json;
    open_event(json, "content_block_delta", stream.block);
    json.open_object("delta");
    json.text("type", "citations_delta");
    json.raw("citation", citation);
    json.close_object();
    close_event(json, "content_block_delta", out);
  }
}

void end_message(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  close_block(stream, out);
  JsonWriter json;
  open_event(json, "message_delta", -1);
  json.open_object("delta");
  stream.answer.reason = event.reason;
  stream.answer.reason_detail = event.detail;
  const std::string reported_text = reported_of_answer(stream.answer);
  JsonWriter delta;
  delta.open_object();
  delta.members_but(reported_text, {"context_management"});
  delta.close_object();
  write_reason(stream.answer, true, delta.take(), json);
  json.close_object();
  const std::string_view context = member_text(reported_text, "context_management");
  if (!context.empty()) json.raw("context_management", context);
  write_usage(stream.answer, json);
  close_event(json, "message_delta", out);
  append_sse(out, "message_stop", "{\"type\":\"message_stop\"}");
}

std::string_view error_type(const ChatFailure& failure) {
  if (is_context_overflow(failure)) return "invalid_request_error";
  switch (failure.failure_class) {
    case FailureClass::bad_request:
    case FailureClass::filtered:
      return "invalid_request_error";
    case FailureClass::unauthorized:
      return "authentication_error";
    case FailureClass::not_found:
      return "not_found_error";
    case FailureClass::too_large:
      return "request_too_large";
    case FailureClass::rate_limited:
      return "rate_limit_error";
    case FailureClass::no_quota:
      return "billing_error";
    case FailureClass::overloaded:
      return "overloaded_error";
    case FailureClass::timeout:
      return "timeout_error";
    default:
      return "api_error";
  }
}

}  // namespace

void write_anthropic_answer(const ChatAnswer& answer, const AnswerStamp& stamp, JsonWriter& out) {
  write_message(answer, stamp, true, out);
}

void encode_anthropic_event(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  const bool goes_into_start =
      event.kind == EventKind::usage || event.kind == EventKind::reported ||
      event.kind == EventKind::started || event.kind == EventKind::heartbeat;
  if (!goes_into_start) begin_message(stream, out);
  switch (event.kind) {
    case EventKind::started:
      hear_start(stream, event);
      stream.start_waits = true;
      break;
    case EventKind::reported:
      hear(stream, event, out);
      break;
    case EventKind::text:
    case EventKind::refusal:
      show_text(stream, event, out);
      break;
    case EventKind::reasoning:
      show_reasoning(stream, event, out);
      break;
    case EventKind::tool_begun:
      begin_call(stream, event, out);
      break;
    case EventKind::tool_arguments:
      show_arguments(stream, event, out);
      break;
    case EventKind::usage:
      stream.answer.usage = event.usage;
      break;
    case EventKind::heartbeat:
      append_sse(out, "ping", "{\"type\":\"ping\"}");
      break;
    case EventKind::finished:
      end_message(stream, event, out);
      break;
    case EventKind::failed: {
      JsonWriter json;
      if (event.failure) write_anthropic_error(*event.failure, json);
      append_sse(out, "error", json.take());
      break;
    }
    case EventKind::opaque:
      show_opaque(stream, event, out);
      break;
    case EventKind::answer_finished:  // one answer is all that a client of this format asks for
      break;
  }
}

void write_anthropic_error(const ChatFailure& failure, JsonWriter& out) {
  out.open_object();
  out.text("type", "error");
  out.open_object("error");
  out.text("type", error_type(failure));
  out.text("message", client_message(own_format, failure));
  // By which Anthropic's SDKs go on without what they asked for by themselves.
  if (failure.param == "thread")
    out.raw("details", R"({"error_code":"thread_unsupported_request","unsupported":["thread"]})");
  out.close_object();
  out.text_if("request_id", failure.request_id);
  out.close_object();
}

}  // namespace redoubt::llm
