// Answers as Gemini's generateContent and streamGenerateContent give them.
#include <algorithm>
#include <utility>

#include "engine/base/message.hpp"
#include "engine/base/plain_text.hpp"
#include "engine/llm/answer_heads.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/context_overflow.hpp"
#include "engine/llm/encode_answer.hpp"
#include "engine/llm/failure.hpp"
#include "engine/llm/logprobs.hpp"
#include "engine/llm/reported.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::gemini;

// Gemini says STOP for calls, too.
std::string_view reason_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
    case FinishReason::tool_calls:
      return "STOP";
    case FinishReason::length:
      return "MAX_TOKENS";
    case FinishReason::filtered:
      return "SAFETY";
    default:  // paused: no word says that there is more
      return "OTHER";
  }
}

// candidatesTokenCount excludes the thoughts.
void write_usage(const ChatAnswer& answer, JsonWriter& out) {
  if (write_reported_usage(answer, own_format, out, "usageMetadata")) return;
  const Usage& usage = answer.usage;
  if (!usage.reported) return;
  out.open_object("usageMetadata");
  out.integer("promptTokenCount", usage.input);
  if (usage.cached_read > 0) out.integer("cachedContentTokenCount", usage.cached_read);
  out.integer("candidatesTokenCount", usage.output - usage.reasoning);
  if (usage.reasoning > 0) out.integer("thoughtsTokenCount", usage.reasoning);
  out.integer("totalTokenCount", usage.input + usage.output);
  out.close_object();
}

// A thought of another format says whose it is, signed or not (carried.hpp).
bool has_signature(const ChatPart& part) {
  return !part.signature.empty() ||
         (part.kind == PartKind::reasoning && origin_of(part) != own_format);
}

void write_part(const ChatPart& part, JsonWriter& out) {
  if (part.kind == PartKind::opaque) {
    if (part.format == own_format) out.raw(part.extra);
    return;
  }
  out.open_object();
  if (part.kind == PartKind::tool_call) {
    out.open_object("functionCall");
    out.text_if("id", part.id);
    out.text("name", part.name);
    out.raw("args", is_object_text(part.arguments) ? std::string_view(part.arguments) : "{}");
    if (part.format == own_format) out.members(joined_reported(part.reported, Joining::replace));
    out.close_object();
  } else {
    const bool silent = part.redacted && part.text.empty();
    out.text("text", silent ? silent_thought : std::string_view(part.text));
    if (part.kind == PartKind::reasoning) out.boolean("thought", true);
  }
  if (has_signature(part)) out.text("thoughtSignature", signature_for(part, own_format));
  out.close_object();
}

void open_candidates(JsonWriter& out) {
  out.open_object();
  out.open_array("candidates");
}

void open_candidate(JsonWriter& out) {
  out.open_object();
  out.open_object("content");
  out.open_array("parts");
}

void close_content(JsonWriter& out) {
  out.close_array();
  out.text("role", "model");
  out.close_object();
}

// The provider's own word where it is of this format.
void write_reason(const ChatAnswer& answer, JsonWriter& out) {
  const bool own = answer.format == own_format && !answer.reason_detail.empty();
  out.text("finishReason",
           own ? std::string_view(answer.reason_detail) : reason_word(answer.reason));
}

// Of the candidate, what was told and is not said yet.
void close_candidate(const ChatAnswer& answer, std::int64_t index, JsonWriter& out) {
  out.integer("index", index);
  if (answer.format == own_format) {
    out.members(joined_reported(answer.reported.choice, Joining::replace));
  } else {
    write_gemini_logprobs(answer.reported.logprobs, out);
  }
  out.close_object();
}

// A prompt that was refused has no candidates: what was told of the answer says why.
bool is_blocked(const ChatAnswer& answer) {
  if (answer.format != own_format || !answer.parts.empty()) return false;
  const std::string reported_text = joined_reported(answer.reported.answer, Joining::replace);
  return !member_text(member_text(reported_text, "promptFeedback"), "blockReason").empty();
}

void close_answer(const ChatAnswer& answer, const AnswerStamp& stamp, JsonWriter& out) {
  out.text("modelVersion", answer_model(stamp, answer));
  out.text("responseId", answer_id(stamp, answer));
  if (answer.format == own_format)
    out.members(joined_reported(answer.reported.answer, Joining::replace));
  out.close_object();
}

void append_chunk(AnswerStream& stream, std::string_view chunk, std::string& out) {
  if (!stream.as_list) {
    append_sse(out, {}, chunk);
    return;
  }
  out += stream.sequence++ == 0 ? "[" : ",\n";
  out += chunk;
}

void append_part(AnswerStream& all, AnswerStream& stream, const ChatPart& part, std::string& out) {
  JsonWriter chunk;
  open_candidates(chunk);
  open_candidate(chunk);
  write_part(part, chunk);
  close_content(chunk);
  close_candidate(stream.answer, stream.number, chunk);
  chunk.close_array();
  close_answer(stream.answer, stream.stamp, chunk);
  stream.answer.reported.choice.clear();
  stream.answer.reported.logprobs.clear();
  append_chunk(all, chunk.take(), out);
}

// A call is told whole: the next thing that is told in order says that it is.
void end_call(AnswerStream& all, AnswerStream& stream, std::string& out) {
  if (stream.open != PartKind::tool_call) return;
  stream.open = PartKind::opaque;
  append_part(all, stream, std::exchange(stream.call, {}), out);
}

void begin_call(AnswerStream& stream, const ChatEvent& event) {
  stream.open = PartKind::tool_call;
  stream.call.kind = PartKind::tool_call;
  stream.call.format = stream.origin;
  stream.call.id = event.id;
  stream.call.name = event.name;
  stream.call.signature = event.signature;
  if (!event.detail.empty()) stream.call.reported.push_back(event.detail);
}

void show_text(AnswerStream& all, AnswerStream& stream, const ChatEvent& event, std::string& out) {
  ChatPart part;
  part.format = stream.origin;
  part.text = event.text;
  part.signature = event.signature;
  if (!part.text.empty() || !part.signature.empty()) append_part(all, stream, part, out);
}

// The pieces of another format's thought each say whose they are; the last one is signed.
void show_reasoning(AnswerStream& all, AnswerStream& stream, const ChatEvent& event,
                    std::string& out) {
  ChatPart part;
  part.kind = PartKind::reasoning;
  part.format = stream.origin;
  part.text = event.text;
  part.id = event.id;
  part.name = event.name;
  part.redacted = event.redacted;
  part.signature = event.signature;
  if (!part.text.empty() || !part.signature.empty()) append_part(all, stream, part, out);
}

void show_opaque(AnswerStream& all, AnswerStream& stream, const ChatEvent& event,
                 std::string& out) {
  if (stream.origin != own_format) return;
  ChatPart part;
  part.kind = PartKind::opaque;
  part.format = own_format;
  part.extra = event.text;
  append_part(all, stream, part, out);
}

void write_candidate(const ChatAnswer& answer, std::int64_t index, JsonWriter& out) {
  open_candidate(out);
  for (const ChatPart& part : answer.parts)
    write_part(part, out);
  // Google's SDKs take an answer for broken whose last chunk has no part.
  if (answer.parts.empty()) write_part(ChatPart{}, out);
  close_content(out);
  write_reason(answer, out);
  close_candidate(answer, index, out);
}

void end_answer(AnswerStream& all, AnswerStream& stream, const ChatEvent& event, std::string& out) {
  stream.answer.reason = event.reason;
  stream.answer.reason_detail = event.detail;
  JsonWriter chunk;
  if (is_blocked(stream.answer)) {
    chunk.open_object();
  } else {
    open_candidates(chunk);
    write_candidate(stream.answer, stream.number, chunk);
    chunk.close_array();
  }
  if (event.kind == EventKind::finished) write_usage(stream.answer, chunk);
  close_answer(stream.answer, stream.stamp, chunk);
  append_chunk(all, chunk.take(), out);
  if (all.as_list && event.kind == EventKind::finished) out += "]";
}

struct Status {
  int code;
  std::string_view word;
};

// https://cloud.google.com/apis/design/errors; the HTTP status is the caller's where it has one.
Status status_word(const ChatFailure& failure) {
  switch (failure.failure_class) {
    case FailureClass::bad_request:
    case FailureClass::too_large:
    case FailureClass::filtered:
      return {400, "INVALID_ARGUMENT"};
    case FailureClass::unauthorized:
      return failure.status == 403 ? Status{403, "PERMISSION_DENIED"}
                                   : Status{401, "UNAUTHENTICATED"};
    case FailureClass::not_found:
      return {404, "NOT_FOUND"};
    case FailureClass::rate_limited:
    case FailureClass::no_quota:
      return {429, "RESOURCE_EXHAUSTED"};
    case FailureClass::overloaded:
      return {503, "UNAVAILABLE"};
    case FailureClass::timeout:
      return {504, "DEADLINE_EXCEEDED"};
    default:
      return {500, "INTERNAL"};
  }
}

void open_detail(std::string_view type, JsonWriter& out) {
  out.open_object();
  out.text("@type", joined({"type.googleapis.com/google.rpc.", type}));
}

std::string upper(std::string_view code) {
  std::string word(code);
  for (char& c : word)
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return word;
}

// What the other formats say beside their messages.
void write_details(const ChatFailure& failure, JsonWriter& out) {
  constexpr std::int64_t second_ms = 1'000;
  if (!failure.code.empty()) {
    open_detail("ErrorInfo", out);
    out.text("reason", upper(failure.code));
    out.text("domain", "redoubt");
    out.close_object();
  }
  if (!failure.param.empty()) {
    open_detail("BadRequest", out);
    out.open_array("fieldViolations");
    out.open_object();
    out.text("field", bounded_text(failure.param));
    out.text("description", client_message(own_format, failure));
    out.close_object();
    out.close_array();
    out.close_object();
  }
  if (failure.retry_after_ms) {
    open_detail("RetryInfo", out);
    out.text("retryDelay", joined({(*failure.retry_after_ms + second_ms - 1) / second_ms, "s"}));
    out.close_object();
  }
  if (!failure.request_id.empty()) {
    open_detail("RequestInfo", out);
    out.text("requestId", failure.request_id);
    out.close_object();
  }
}

void fail(AnswerStream& stream, const ChatFailure& failure, std::string& out) {
  JsonWriter json;
  write_gemini_error(failure, json);
  append_chunk(stream, json.take(), out);
  if (stream.as_list) out += "]";
}

// What was told of a part came too late for its chunk.
void hear(AnswerStream& stream, const ChatEvent& event) {
  if (stream.origin != own_format && event.name != "logprobs") return;
  if (event.name == "answer") stream.answer.reported.answer.clear();
  if (std::vector<std::string>* list = reported_list(stream.answer.reported, event.name))
    list->push_back(event.text);
}

}  // namespace

void write_gemini_answer(const ChatAnswer& answer, const AnswerStamp& stamp, JsonWriter& out) {
  if (is_blocked(answer)) {
    out.open_object();
  } else {
    open_candidates(out);
    write_candidate(answer, 0, out);
    for (std::size_t i = 0; i < answer.others.size(); ++i)
      write_candidate(answer.others[i], static_cast<std::int64_t>(i) + 1, out);
    out.close_array();
  }
  write_usage(answer, out);
  close_answer(answer, stamp, out);
}

void encode_gemini_event(AnswerStream& all, const ChatEvent& event, std::string& out) {
  AnswerStream* const its = stream_of(all, event);
  if (its == nullptr) return;
  AnswerStream& stream = *its;
  switch (event.kind) {
    case EventKind::text:
    case EventKind::refusal:
    case EventKind::reasoning:
    case EventKind::tool_begun:
    case EventKind::opaque:
    case EventKind::answer_finished:
    case EventKind::finished:
      end_call(all, stream, out);
      break;
    default:
      break;
  }
  switch (event.kind) {
    case EventKind::started:
      hear_start(stream, event);
      break;
    case EventKind::reported:
      hear(stream, event);
      break;
    case EventKind::text:
    case EventKind::refusal:
      show_text(all, stream, event, out);
      break;
    case EventKind::reasoning:
      show_reasoning(all, stream, event, out);
      break;
    case EventKind::tool_begun:
      begin_call(stream, event);
      break;
    case EventKind::tool_arguments:
      stream.call.arguments += event.text;
      break;
    case EventKind::usage:
      stream.answer.usage = event.usage;
      break;
    case EventKind::heartbeat:
      break;
    case EventKind::answer_finished:
    case EventKind::finished:
      end_answer(all, stream, event, out);
      break;
    case EventKind::failed:
      if (event.failure) fail(stream, *event.failure, out);
      break;
    case EventKind::opaque:
      show_opaque(all, stream, event, out);
      break;
  }
}

void write_gemini_error(const ChatFailure& failure, JsonWriter& out) {
  const Status status = status_word(failure);
  out.open_object();
  out.open_object("error");
  out.integer("code", failure.status >= 400 ? failure.status : status.code);
  out.text("message", client_message(own_format, failure));
  out.text("status", status.word);
  JsonWriter details;
  details.open_array();
  write_details(failure, details);
  details.close_array();
  if (const std::string list = details.take(); list != "[]") out.raw("details", list);
  out.close_object();
  out.close_object();
}

}  // namespace redoubt::llm
