// Answers as OpenAI chat completions.
#include <utility>

#include "engine/base/message.hpp"
#include "engine/base/plain_text.hpp"
#include "engine/llm/answer_heads.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/context_overflow.hpp"
#include "engine/llm/encode_answer.hpp"
#include "engine/llm/freeform.hpp"
#include "engine/llm/logprobs.hpp"
#include "engine/llm/reported.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::openai_chat;

void write_usage(const ChatAnswer& answer, JsonWriter& out) {
  if (write_reported_usage(answer, own_format, out)) return;
  const Usage& usage = answer.usage;
  out.open_object("usage");
  out.integer("prompt_tokens", usage.input);
  out.integer("completion_tokens", usage.output);
  out.integer("total_tokens", usage.input + usage.output);
  out.open_object("prompt_tokens_details");
  out.integer("cached_tokens", usage.cached_read);
  if (usage.cache_write > 0) out.integer("cache_write_tokens", usage.cache_write);
  out.close_object();
  out.open_object("completion_tokens_details");
  out.integer("reasoning_tokens", usage.reasoning);
  out.close_object();
  out.close_object();
}

std::string text_of_kind(const ChatAnswer& answer, PartKind kind) {
  std::string text;
  for (const ChatPart& part : answer.parts) {
    if (part.kind == kind) text += part.text;
  }
  return text;
}

bool has_kind(const ChatAnswer& answer, PartKind kind) {
  for (const ChatPart& part : answer.parts) {
    if (part.kind == kind) return true;
  }
  return false;
}

void text_or_null(JsonWriter& out, std::string_view name, std::string_view text, bool present) {
  out.key(name);
  if (present) {
    out.text(text);
  } else {
    out.null();
  }
}

void open_detail(std::string_view type, const ChatPart& part, std::int32_t index, JsonWriter& out) {
  out.open_object();
  out.text("type", type);
  out.text_if("format",
              part.name.empty() ? details_form(part.format) : std::string_view(part.name));
  out.integer("index", index);
}

// A thought as OpenRouter tells it. OpenAI's is a summary and, apart from it, what is sealed: two
// details with one id.
void write_details(const ChatPart& part, std::int32_t& index, JsonWriter& out) {
  const bool summary = part.format == WireFormat::openai_responses;
  const bool sealed = part.redacted || (summary && !part.signature.empty());
  if (!part.text.empty() || !sealed) {
    open_detail(summary ? "reasoning.summary" : "reasoning.text", part, index++, out);
    out.text(summary ? "summary" : "text", part.text);
    if (sealed) out.text_if("id", part.id);
    if (!sealed) out.text_if("signature", part.signature);
    out.close_object();
  }
  if (!sealed) return;
  open_detail("reasoning.encrypted", part, index++, out);
  out.text("data", part.signature);
  out.text_if("id", part.id);
  out.close_object();
}

// Formats whose thoughts are not signed have no details: their text says all.
bool has_details(const ChatPart& part) {
  return part.kind == PartKind::reasoning &&
         (!part.name.empty() || !details_form(part.format).empty());
}

bool has_signed_thought(const ChatAnswer& answer) {
  for (const ChatPart& part : answer.parts) {
    if (has_details(part) && !part.signature.empty()) return true;
  }
  return false;
}

void write_google_signature(std::string_view signature, JsonWriter& out) {
  if (signature.empty()) return;
  out.open_object("extra_content");
  out.open_object("google");
  out.text("thought_signature", signature);
  out.close_object();
  out.close_object();
}

void write_all_details(const ChatAnswer& answer, JsonWriter& out) {
  std::int32_t index = 0;
  out.open_array("reasoning_details");
  for (const ChatPart& part : answer.parts) {
    if (part.kind == PartKind::reasoning) write_details(part, index, out);
  }
  out.close_array();
}

void write_signatures(const ChatAnswer& answer, JsonWriter& out) {
  if (has_signed_thought(answer)) write_all_details(answer, out);
  for (auto part = answer.parts.rbegin(); part != answer.parts.rend(); ++part) {
    if (part->kind != PartKind::text || part->signature.empty()) continue;
    write_google_signature(part->signature, out);
    break;
  }
}

void write_call(const ChatPart& part, const AnswerStamp& stamp, JsonWriter& out) {
  const bool freeform = stamp.is_freeform(part.name);
  out.open_object();
  out.text("id", part.id);
  out.text("type", freeform ? "custom" : "function");
  out.open_object(freeform ? "custom" : "function");
  out.text("name", part.name);
  if (freeform) {
    out.text("input", freeform_input(part.arguments));
  } else {
    out.text("arguments", part.arguments);
  }
  out.close_object();
  write_google_signature(part.signature, out);
  out.close_object();
}

// As it was before there were tools. Of several calls, which were not asked for, it is the first.
void write_function_call(const ChatAnswer& answer, JsonWriter& out) {
  for (const ChatPart& part : answer.parts) {
    if (part.kind != PartKind::tool_call) continue;
    out.open_object("function_call");
    out.text("name", part.name);
    out.text("arguments", part.arguments);
    out.close_object();
    return;
  }
}

std::string_view reason_word(FinishReason reason, const AnswerStamp& stamp) {
  if (reason == FinishReason::tool_calls && stamp.tells_function_call) return "function_call";
  return openai_reason_word(reason);
}

void write_message(const ChatAnswer& answer, const AnswerStamp& stamp, JsonWriter& out) {
  out.open_object("message");
  out.text("role", "assistant");
  text_or_null(out, "content", answer_text(answer), has_kind(answer, PartKind::text));
  const bool refused = has_kind(answer, PartKind::refusal);
  text_or_null(out, "refusal", text_of_kind(answer, PartKind::refusal), refused);
  out.text_if("reasoning_content", text_of_kind(answer, PartKind::reasoning));
  if (stamp.tells_function_call) {
    write_function_call(answer, out);
  } else if (has_kind(answer, PartKind::tool_call)) {
    out.open_array("tool_calls");
    for (const ChatPart& part : answer.parts) {
      if (part.kind == PartKind::tool_call) write_call(part, stamp, out);
    }
    out.close_array();
  }
  write_signatures(answer, out);
  if (answer.format == own_format)
    out.members(joined_reported(answer.reported.message, Joining::grow));
  out.close_object();
}

// Of another format's answer.
std::string logprobs_member(const std::vector<std::string>& pieces) {
  const std::string tokens = logprobs_tokens(pieces);
  return tokens.empty() ? tokens
                        : joined({R"({"logprobs":{"content":)", tokens, R"(,"refusal":null}})"});
}

// `logprobs` is null where the provider told none: clients look for the member.
void write_choice(const ChatAnswer& answer, std::int64_t index, const AnswerStamp& stamp,
                  JsonWriter& out) {
  out.open_object();
  out.integer("index", index);
  write_message(answer, stamp, out);
  const std::string reported_text = answer.format == own_format
                                        ? joined_reported(answer.reported.choice, Joining::grow)
                                        : logprobs_member(answer.reported.logprobs);
  if (member_text(reported_text, "logprobs").empty()) {
    out.key("logprobs");
    out.null();
  }
  out.text("finish_reason", reason_word(answer.reason, stamp));
  out.members(reported_text);
  out.close_object();
}

void write_head(const AnswerStream& stream, JsonWriter& out) {
  out.open_object();
  write_openai_head(stream.answer, stream.stamp, "chat.completion.chunk", out);
  out.members(stream.reported_answer);
}

// A chunk is open in its delta; this closes it.
void append_chunk(AnswerStream& stream, JsonWriter& delta, std::string_view reason,
                  std::string& out) {
  JsonWriter chunk;
  write_head(stream, chunk);
  chunk.open_array("choices");
  chunk.open_object();
  chunk.integer("index", stream.number);
  chunk.raw("delta", delta.take());
  text_or_null(chunk, "finish_reason", reason, !reason.empty());
  chunk.members(std::exchange(stream.reported_choice, {}));
  chunk.close_object();
  chunk.close_array();
  if (stream.include_usage) {
    chunk.key("usage");
    chunk.null();
  }
  chunk.close_object();
  append_sse(out, {}, chunk.take());
}

void begin(AnswerStream& stream, std::string& out) {
  JsonWriter delta;
  delta.open_object();
  delta.text("role", "assistant");
  delta.text("content", "");
  delta.close_object();
  append_chunk(stream, delta, {}, out);
}

// The call of a freeform tool begins; its text is told when its arguments are complete.
void begin_freeform(AnswerStream& stream, const ChatEvent& event, JsonWriter& delta) {
  stream.call.name = event.name;
  stream.block = event.index;
  delta.open_array("tool_calls");
  delta.open_object();
  delta.integer("index", event.index);
  delta.text("id", event.id);
  delta.text("type", "custom");
  delta.open_object("custom");
  delta.text("name", event.name);
  delta.text("input", "");
  delta.close_object();
  write_google_signature(event.signature, delta);
  delta.close_object();
  delta.close_array();
}

void end_freeform(AnswerStream& stream, std::string& out) {
  if (stream.call.name.empty()) return;
  JsonWriter delta;
  delta.open_object();
  delta.open_array("tool_calls");
  delta.open_object();
  delta.integer("index", stream.block);
  delta.open_object("custom");
  delta.text("input", freeform_input(stream.call.arguments));
  delta.close_object();
  delta.close_object();
  delta.close_array();
  delta.close_object();
  stream.call = {};
  append_chunk(stream, delta, {}, out);
}

// False: there is nothing to tell.
bool write_function_call(AnswerStream& stream, const ChatEvent& event, JsonWriter& delta) {
  const bool begun = event.kind == EventKind::tool_begun;
  if (begun && stream.block < 0) {
    stream.block = event.index;
  } else if (begun || event.index != stream.block) {
    return false;
  }
  delta.open_object("function_call");
  if (begun) delta.text("name", event.name);
  delta.text("arguments", begun ? std::string_view() : std::string_view(event.text));
  delta.close_object();
  return true;
}

// False: there is nothing to tell.
bool write_call(AnswerStream& stream, const ChatEvent& event, JsonWriter& delta) {
  if (stream.stamp.tells_function_call) return write_function_call(stream, event, delta);
  const bool begun = event.kind == EventKind::tool_begun;
  if (begun && stream.stamp.is_freeform(event.name)) {
    begin_freeform(stream, event, delta);
    return true;
  }
  if (!stream.call.name.empty()) {
    stream.call.arguments += event.text;
    return false;
  }
  delta.open_array("tool_calls");
  delta.open_object();
  delta.integer("index", event.index);
  if (begun) {
    delta.text("id", event.id);
    delta.text("type", "function");
  }
  delta.open_object("function");
  if (begun) delta.text("name", event.name);
  delta.text("arguments", begun ? std::string_view() : std::string_view(event.text));
  delta.close_object();
  if (begun) write_google_signature(event.signature, delta);
  delta.close_object();
  delta.close_array();
  return true;
}

// False: there is nothing to tell.
bool write_text(const ChatEvent& event, JsonWriter& delta) {
  if (event.text.empty() && event.signature.empty()) return false;
  delta.text(event.kind == EventKind::text ? "content" : "refusal", event.text);
  write_google_signature(event.signature, delta);
  return true;
}

// A piece of a thought; the whole one, with what signs it, is told at the end. False: there is
// nothing to tell.
bool write_thought(AnswerStream& stream, const ChatEvent& event, JsonWriter& delta) {
  if (event.text.empty() && event.signature.empty()) return false;
  fold(stream.answer, event, stream.origin);
  delta.text_if("reasoning_content", event.text);
  return !event.text.empty();
}

void append_details(AnswerStream& stream, std::string& out) {
  if (stream.answer.parts.empty()) return;
  JsonWriter delta;
  delta.open_object();
  write_all_details(stream.answer, delta);
  delta.close_object();
  append_chunk(stream, delta, {}, out);
}

void hold_choice(AnswerStream& stream, std::string reported_text) {
  std::vector<std::string> pieces;
  if (!stream.reported_choice.empty()) pieces.push_back(std::move(stream.reported_choice));
  pieces.push_back(std::move(reported_text));
  stream.reported_choice = joined_reported(pieces, Joining::grow);
}

// What was told of the choice goes with the next chunk. True: the delta has something to tell.
bool hear(AnswerStream& stream, const ChatEvent& event, JsonWriter& delta) {
  if (stream.origin != own_format) {
    if (event.name == "logprobs") hold_choice(stream, logprobs_member({event.text}));
    return false;
  }
  stream.answer.format = own_format;
  if (event.name == "answer") {
    stream.reported_answer = event.text;
  } else if (event.name == "choice") {
    hold_choice(stream, event.text);
  } else if (event.name == "usage") {
    stream.answer.reported.usage.push_back(event.text);
  } else if (event.name == "message") {
    delta.members(event.text);
    return true;
  }
  return false;
}

// Zeros would be told as what the answer cost, so a usage that nobody reported is left out.
void append_end(const AnswerStream& stream, std::string& out) {
  if (stream.include_usage && stream.answer.usage.reported) {
    JsonWriter chunk;
    write_head(stream, chunk);
    chunk.open_array("choices");
    chunk.close_array();
    write_usage(stream.answer, chunk);
    chunk.close_object();
    append_sse(out, {}, chunk.take());
  }
  append_sse(out, {}, "[DONE]");
}

std::string_view error_type(FailureClass failure_class) {
  switch (failure_class) {
    case FailureClass::unauthorized:
      return "authentication_error";
    case FailureClass::rate_limited:
      return "rate_limit_error";
    case FailureClass::no_quota:
      return "insufficient_quota";
    case FailureClass::bad_request:
    case FailureClass::not_found:
    case FailureClass::too_large:
    case FailureClass::filtered:
      return "invalid_request_error";
    default:
      return "server_error";
  }
}

}  // namespace

void write_openai_chat_answer(const ChatAnswer& answer, const AnswerStamp& stamp, JsonWriter& out) {
  out.open_object();
  write_openai_head(answer, stamp, "chat.completion", out);
  out.open_array("choices");
  write_choice(answer, 0, stamp, out);
  for (std::size_t i = 0; i < answer.others.size(); ++i)
    write_choice(answer.others[i], static_cast<std::int64_t>(i) + 1, stamp, out);
  out.close_array();
  if (answer.usage.reported) write_usage(answer, out);
  if (answer.format == own_format)
    out.members(joined_reported(answer.reported.answer, Joining::replace));
  out.close_object();
}

void encode_openai_chat_event(AnswerStream& all, const ChatEvent& event, std::string& out) {
  AnswerStream* const its = stream_of(all, event);
  if (its == nullptr) return;
  AnswerStream& stream = *its;
  if (its != &all) stream.reported_answer = all.reported_answer;
  if (std::exchange(stream.start_waits, false)) begin(stream, out);
  const bool goes_on = event.kind == EventKind::tool_arguments ||
                       event.kind == EventKind::reported || event.kind == EventKind::usage ||
                       event.kind == EventKind::failed;
  if (!goes_on) end_freeform(stream, out);
  JsonWriter delta;
  delta.open_object();
  std::string_view reason;
  switch (event.kind) {
    case EventKind::started:
      hear_start(stream, event);
      begin(stream, out);
      return;
    case EventKind::text:
    case EventKind::refusal:
      if (!write_text(event, delta)) return;
      break;
    case EventKind::reasoning:
      if (!write_thought(stream, event, delta)) return;
      break;
    case EventKind::tool_begun:
    case EventKind::tool_arguments:
      if (!write_call(stream, event, delta)) return;
      break;
    case EventKind::answer_finished:
    case EventKind::finished:
      append_details(stream, out);
      reason = reason_word(event.reason, stream.stamp);
      break;
    case EventKind::reported:
      if (!hear(stream, event, delta)) return;
      break;
    case EventKind::usage:
      stream.answer.usage = event.usage;
      return;
    case EventKind::failed: {
      JsonWriter error;
      if (event.failure) write_openai_error(*event.failure, error);
      append_sse(out, {}, error.take());
      return;
    }
    default:
      return;
  }
  delta.close_object();
  append_chunk(stream, delta, reason, out);
  if (event.kind == EventKind::finished) append_end(stream, out);
}

void write_openai_error(const ChatFailure& failure, JsonWriter& out) {
  out.open_object();
  out.open_object("error");
  out.text("message", client_message(own_format, failure));
  out.text("type", error_type(failure.failure_class));
  text_or_null(out, "param", bounded_text(failure.param), !failure.param.empty());
  const bool known = !failure.code.empty();
  text_or_null(out, "code",
               known ? std::string_view(failure.code) : failure_name(failure.failure_class), true);
  out.close_object();
  out.close_object();
}

}  // namespace redoubt::llm
