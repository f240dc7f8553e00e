// Answers as OpenAI Responses. A stream carries each item's beginning, deltas and end, and last
// the whole response, which is put together from the events on the way.
#include <algorithm>
#include <utility>

#include "engine/base/message.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/context_overflow.hpp"
#include "engine/llm/encode_answer.hpp"
#include "engine/llm/freeform.hpp"
#include "engine/llm/logprobs.hpp"
#include "engine/llm/reported.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::openai_responses;
constexpr std::string_view text_delta = "response.output_text.delta";

std::string item_id(std::string_view prefix, std::string_view response, std::int32_t index) {
  return joined({prefix, "_", response, "_", index});
}

// `logprobs`: of the text's tokens, an array's text or "".
void write_text_part(PartKind kind, std::string_view text, std::string_view logprobs,
                     JsonWriter& out) {
  out.open_object();
  if (kind == PartKind::refusal) {
    out.text("type", "refusal");
    out.text("refusal", text);
  } else {
    out.text("type", "output_text");
    out.text("text", text);
    out.open_array("annotations");
    out.close_array();
    if (!logprobs.empty()) out.raw("logprobs", logprobs);
  }
  out.close_object();
}

void write_reasoning(const ChatPart& part, std::string_view id, bool done, JsonWriter& out) {
  out.text("type", "reasoning");
  out.text("id", part.format == own_format && !part.id.empty() ? std::string_view(part.id) : id);
  out.open_array("summary");
  if (done && !part.text.empty()) {
    out.open_object();
    out.text("type", "summary_text");
    out.text("text", part.text);
    out.close_object();
  }
  out.close_array();
  if (done) out.text_if("encrypted_content", signature_for(part, own_format));
}

bool has_id(std::string_view item) {
  const std::string_view id = member_text(item, "id");
  return id.size() > 2 && id.front() == '"';
}

// The provider's own id where the item is of this format.
std::string id_of_item(const ChatPart& part, std::string_view prefix, std::string_view response,
                       std::int32_t index) {
  if (part.format == own_format && part.kind == PartKind::tool_call) {
    const std::string reported_text = joined_reported(part.reported, Joining::replace);
    const std::string_view id = member_text(reported_text, "id");
    if (id.size() > 2) return std::string(id.substr(1, id.size() - 2));
  } else if (part.format == own_format && !part.id.empty()) {
    return part.id;
  }
  return item_id(prefix, response, index);
}

// The call of a freeform tool that was offered as a function. Where the provider has such tools
// their calls are items of its own.
bool is_freeform(const ChatPart& part, const AnswerStamp& stamp) {
  if (part.kind != PartKind::tool_call || part.format == own_format) return false;
  const AgentTool* tool = stamp.agent_tool(part.name);
  return stamp.is_freeform(part.name) || (tool != nullptr && tool->kind == AgentToolKind::freeform);
}

// The same of an agent's tool.
const AgentTool* agent_tool(const ChatPart& part, const AnswerStamp& stamp) {
  const bool may = part.kind == PartKind::tool_call && part.format != own_format;
  return may ? stamp.agent_tool(part.name) : nullptr;
}

// Whose arguments are told with the whole item alone.
bool is_sent_whole(const ChatPart& part, const AnswerStamp& stamp) {
  const AgentTool* tool = agent_tool(part, stamp);
  return tool != nullptr && tool->kind != AgentToolKind::in_namespace &&
         tool->kind != AgentToolKind::freeform;
}

std::string_view call_prefix(const ChatPart& part, const AnswerStamp& stamp) {
  return is_freeform(part, stamp) ? "ctc" : "fc";
}

void write_freeform_call(const ChatPart& part, std::string_view id, bool done, JsonWriter& out) {
  out.text("type", "custom_tool_call");
  out.text("id", id);
  out.text("call_id", part.id);
  out.text("name", part.name);
  out.text("input", done ? freeform_input(part.arguments) : "");
  out.text("status", done ? "completed" : "in_progress");
}

// The answer's, of its first text; "" of any other part.
std::string logprobs_of(const ChatPart& part, const ChatAnswer& answer) {
  if (part.kind != PartKind::text || answer.reported.logprobs.empty()) return {};
  const auto first = std::find_if(answer.parts.begin(), answer.parts.end(),
                                  [](const ChatPart& one) { return one.kind == PartKind::text; });
  return &*first == &part ? logprobs_tokens(answer.reported.logprobs) : std::string();
}

// `done`: with what it holds; else its beginning.
void write_item(const ChatPart& part, const ChatAnswer& answer, const AnswerStamp& stamp,
                std::int32_t index, bool done, JsonWriter& out) {
  const std::string_view response = answer_id(stamp, answer);
  if (part.kind == PartKind::opaque) {
    out.raw(part.extra);
    return;
  }
  const bool own_call = part.format == own_format && part.kind == PartKind::tool_call;
  if (done && part.format == own_format && !own_call && !part.reported.empty()) {
    const std::string& item = part.reported.back();  // as the provider told it
    if (has_id(item)) return out.raw(item);
    out.open_object();
    out.text("id", item_id(part.kind == PartKind::reasoning ? "rs" : "msg", response, index));
    out.members_but(item, {"id"});
    return out.close_object();
  }
  out.open_object();
  if (part.kind == PartKind::reasoning) {
    write_reasoning(part, item_id("rs", response, index), done, out);
  } else if (const AgentTool* tool = agent_tool(part, stamp)) {
    const std::string id = item_id(call_prefix(part, stamp), response, index);
    write_agent_call({tool, id, part.id, part.arguments, done}, out);
  } else if (is_freeform(part, stamp)) {
    write_freeform_call(part, item_id(call_prefix(part, stamp), response, index), done, out);
  } else if (part.kind == PartKind::tool_call) {
    out.text("type", "function_call");
    if (own_call && !part.reported.empty()) {
      const std::string reported_text = joined_reported(part.reported, Joining::replace);
      if (has_id(reported_text)) {
        out.members(reported_text);
      } else {
        out.text("id", item_id("fc", response, index));
        out.members_but(reported_text, {"id"});
      }
    } else {
      out.text("id", item_id("fc", response, index));
    }
    out.text("call_id", part.id);
    out.text("name", part.name);
    out.text("arguments", done ? std::string_view(part.arguments) : "");
    out.text("status", done ? "completed" : "in_progress");
  } else {
    out.text("type", "message");
    out.text("id", id_of_item(part, "msg", response, index));
    out.text("role", "assistant");
    out.text("status", done ? "completed" : "in_progress");
    out.open_array("content");
    if (done) write_text_part(part.kind, part.text, logprobs_of(part, answer), out);
    out.close_array();
  }
  out.close_object();
}

void write_usage(const ChatAnswer& answer, JsonWriter& out) {
  if (write_reported_usage(answer, own_format, out)) return;
  const Usage& usage = answer.usage;
  out.open_object("usage");
  out.integer("input_tokens", usage.input);
  out.open_object("input_tokens_details");
  out.integer("cached_tokens", usage.cached_read);
  if (usage.cache_write > 0) out.integer("cache_write_tokens", usage.cache_write);
  out.close_object();
  out.integer("output_tokens", usage.output);
  out.open_object("output_tokens_details");
  out.integer("reasoning_tokens", usage.reasoning);
  out.close_object();
  out.integer("total_tokens", usage.input + usage.output);
  out.close_object();
}

std::string_view status_word(const ChatAnswer& answer) {
  if (answer.failure) return "failed";
  if (!answer.finished) return "in_progress";
  const bool complete =
      answer.reason == FinishReason::stop || answer.reason == FinishReason::tool_calls;
  return complete ? "completed" : "incomplete";  // also where nobody says that it is complete
}

// By these agents know what to do next: to shorten what they send, to word it anew, to wait, or to
// give up. Codex knows no others (codex-rs/codex-api/src/sse/responses.rs).
std::string_view error_code(const ChatFailure& failure) {
  const bool known =
      is_context_overflow(failure) || failure.failure_class == FailureClass::filtered;
  if (known && !failure.code.empty()) return failure.code;
  switch (failure.failure_class) {
    case FailureClass::rate_limited:
      return "rate_limit_exceeded";
    case FailureClass::no_quota:
      return "insufficient_quota";
    case FailureClass::overloaded:
      return "server_is_overloaded";
    case FailureClass::bad_request:
    case FailureClass::too_large:
    case FailureClass::filtered:
      return "invalid_prompt";
    default:
      return "server_error";
  }
}

void write_end(const ChatAnswer& answer, JsonWriter& out) {
  out.key("error");
  if (answer.failure) {
    out.open_object();
    out.text("code", error_code(*answer.failure));
    out.text("message", client_message(own_format, *answer.failure));
    out.close_object();
  } else {
    out.null();
  }
  out.key("incomplete_details");
  if (status_word(answer) == "incomplete") {
    out.open_object();
    out.text("reason",
             answer.reason == FinishReason::filtered ? "content_filter" : "max_output_tokens");
    out.close_object();
  } else {
    out.null();
  }
}

bool is_shown(const ChatPart& part) {
  return part.kind != PartKind::opaque || part.format == own_format;
}

// Pieces of one message that came apart (its words, a refusal) are told in its last piece.
bool goes_on(const std::vector<ChatPart>& parts, std::size_t i) {
  const auto is_message = [](const ChatPart& part) {
    return part.kind == PartKind::text || part.kind == PartKind::refusal;
  };
  return i + 1 < parts.size() && is_message(parts[i]) && is_message(parts[i + 1]) &&
         !parts[i].id.empty() && parts[i].id == parts[i + 1].id && parts[i].reported.empty() &&
         !parts[i + 1].reported.empty();
}

void write_response(const ChatAnswer& answer, const AnswerStamp& stamp, JsonWriter& out) {
  out.open_object();
  out.text("id", answer_id(stamp, answer));
  out.text("object", "response");
  out.integer("created_at", stamp.created_s);
  out.text("status", status_word(answer));
  write_end(answer, out);
  out.text("model", answer_model(stamp, answer));
  out.open_array("output");
  std::int32_t index = 0;
  for (std::size_t i = 0; i < answer.parts.size(); ++i) {
    if (!is_shown(answer.parts[i]) || !answer.finished || goes_on(answer.parts, i)) continue;
    write_item(answer.parts[i], answer, stamp, index++, true, out);
  }
  out.close_array();
  const std::string reported_text = answer.format == own_format
                                        ? joined_reported(answer.reported.answer, Joining::replace)
                                        : std::string();
  out.members(reported_text);
  out.members_beside(R"({"instructions":null,"parallel_tool_calls":true,"tool_choice":"auto",)"
                     R"("tools":[]})",
                     reported_text);
  if (answer.usage.reported) write_usage(answer, out);
  out.close_object();
}

void open_event(AnswerStream& stream, std::string_view type, JsonWriter& json) {
  json.open_object();
  json.text("type", type);
  json.integer("sequence_number", stream.sequence++);
}

void append_response(AnswerStream& stream, std::string_view type, std::string& out) {
  JsonWriter json;
  open_event(stream, type, json);
  json.key("response");
  write_response(stream.answer, stream.stamp, json);
  json.close_object();
  append_sse(out, type, json.take());
}

void append_item(AnswerStream& stream, const ChatPart& part, bool done, std::string& out) {
  const std::string_view type = done ? "response.output_item.done" : "response.output_item.added";
  JsonWriter json;
  open_event(stream, type, json);
  json.integer("output_index", stream.block);
  json.key("item");
  write_item(part, stream.answer, stream.stamp, stream.block, done, json);
  json.close_object();
  append_sse(out, type, json.take());
}

// Of the item that is open, or of a call that was.
std::string item_id_at(const AnswerStream& stream, std::int32_t index, std::string_view prefix) {
  const std::string_view response = answer_id(stream.stamp, stream.answer);
  if (index == stream.block && stream.open_part < stream.answer.parts.size())
    return id_of_item(stream.answer.parts[stream.open_part], prefix, response, index);
  return item_id(prefix, response, index);
}

// What names the place of a delta, or of a part.
void write_place(const AnswerStream& stream, std::int32_t index, std::string_view prefix,
                 JsonWriter& json) {
  json.text("item_id", item_id_at(stream, index, prefix));
  json.integer("output_index", index);
  if (prefix == "msg") json.integer("content_index", 0);
  if (prefix == "rs") json.integer("summary_index", 0);
}

void append_delta(AnswerStream& stream, std::string_view type, std::int32_t index,
                  std::string_view prefix, std::string_view text, std::string& out) {
  JsonWriter json;
  open_event(stream, type, json);
  write_place(stream, index, prefix, json);
  json.text("delta", text);
  if (type == text_delta) {
    const std::string tokens = logprobs_tokens({std::exchange(stream.reported_choice, {})});
    if (!tokens.empty()) json.raw("logprobs", tokens);
  }
  json.close_object();
  append_sse(out, type, json.take());
}

void append_content_part(AnswerStream& stream, const ChatPart& part, bool done, std::string& out) {
  const std::string_view type = done ? "response.content_part.done" : "response.content_part.added";
  JsonWriter json;
  open_event(stream, type, json);
  write_place(stream, stream.block, "msg", json);
  json.key("part");
  write_text_part(part.kind, done ? std::string_view(part.text) : "",
                  done ? logprobs_of(part, stream.answer) : std::string(), json);
  json.close_object();
  append_sse(out, type, json.take());
}

// A thought's text is one part of its summary.
void append_summary_part(AnswerStream& stream, std::string_view text, bool done, std::string& out) {
  const std::string_view type =
      done ? "response.reasoning_summary_part.done" : "response.reasoning_summary_part.added";
  JsonWriter json;
  open_event(stream, type, json);
  write_place(stream, stream.block, "rs", json);
  json.open_object("part");
  json.text("type", "summary_text");
  json.text("text", text);
  json.close_object();
  json.close_object();
  append_sse(out, type, json.take());
}

void append_summary_done(AnswerStream& stream, const ChatPart& part, std::string& out) {
  constexpr std::string_view type = "response.reasoning_summary_text.done";
  JsonWriter json;
  open_event(stream, type, json);
  write_place(stream, stream.block, "rs", json);
  json.text("text", part.text);
  json.close_object();
  append_sse(out, type, json.take());
  append_summary_part(stream, part.text, true, out);
}

// What the provider told of a text beside it: it comes with the finished item.
void append_annotations(AnswerStream& stream, const ChatPart& part, std::string& out) {
  if (part.format != own_format || part.reported.empty()) return;
  constexpr std::string_view type = "response.output_text.annotation.added";
  for (const std::string_view content :
       element_texts(member_text(part.reported.back(), "content"))) {
    std::int64_t index = 0;
    for (const std::string_view annotation : element_texts(member_text(content, "annotations"))) {
      JsonWriter json;
      open_event(stream, type, json);
      write_place(stream, stream.block, "msg", json);
      json.integer("annotation_index", index++);
      json.raw("annotation", annotation);
      json.close_object();
      append_sse(out, type, json.take());
    }
  }
}

void append_text_done(AnswerStream& stream, const ChatPart& part, std::string& out) {
  const bool refusal = part.kind == PartKind::refusal;
  const std::string_view type = refusal ? "response.refusal.done" : "response.output_text.done";
  JsonWriter json;
  open_event(stream, type, json);
  write_place(stream, stream.block, "msg", json);
  json.text(refusal ? "refusal" : "text", part.text);
  const std::string tokens = logprobs_of(part, stream.answer);
  if (!tokens.empty()) json.raw("logprobs", tokens);
  json.close_object();
  append_sse(out, type, json.take());
}

// The text of a freeform call is known when its arguments are complete.
void append_freeform_input(AnswerStream& stream, const ChatPart& part, std::string& out) {
  const std::string input = freeform_input(part.arguments);
  append_delta(stream, "response.custom_tool_call_input.delta", stream.block, "ctc", input, out);
  constexpr std::string_view type = "response.custom_tool_call_input.done";
  JsonWriter json;
  open_event(stream, type, json);
  write_place(stream, stream.block, "ctc", json);
  json.text("input", input);
  json.close_object();
  append_sse(out, type, json.take());
}

void close_item(AnswerStream& stream, std::string& out) {
  if (stream.open == PartKind::opaque) return;
  const ChatPart& part = stream.answer.parts[stream.open_part];
  if (stream.open == PartKind::text || stream.open == PartKind::refusal) {
    append_annotations(stream, part, out);
    append_text_done(stream, part, out);
    append_content_part(stream, part, true, out);
  } else if (stream.open == PartKind::reasoning && !part.text.empty()) {
    append_summary_done(stream, part, out);
  } else if (is_freeform(part, stream.stamp)) {
    append_freeform_input(stream, part, out);
  } else if (stream.open == PartKind::tool_call && !is_sent_whole(part, stream.stamp)) {
    JsonWriter json;
    open_event(stream, "response.function_call_arguments.done", json);
    write_place(stream, stream.block, "fc", json);
    json.text("arguments", part.arguments);
    json.close_object();
    append_sse(out, "response.function_call_arguments.done", json.take());
  }
  append_item(stream, part, true, out);
  stream.open = PartKind::opaque;
}

PartKind kind_of(EventKind kind) {
  switch (kind) {
    case EventKind::text:
      return PartKind::text;
    case EventKind::refusal:
      return PartKind::refusal;
    case EventKind::reasoning:
      return PartKind::reasoning;
    case EventKind::tool_begun:
      return PartKind::tool_call;
    default:
      return PartKind::opaque;
  }
}

std::string_view delta_type(PartKind kind) {
  return kind == PartKind::text      ? text_delta
         : kind == PartKind::refusal ? "response.refusal.delta"
                                     : "response.reasoning_summary_text.delta";
}

// The answer's beginning has the client's settings in it, which are told right after it.
void begin_response(AnswerStream& stream, std::string& out) {
  if (!std::exchange(stream.start_waits, false)) return;
  append_response(stream, "response.created", out);
  append_response(stream, "response.in_progress", out);
}

// An item that was told as a whole ends.
void hear(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  fold(stream.answer, event, stream.origin);
  if (event.name == "logprobs") stream.reported_choice = event.text;
  if (event.name == "part" && stream.origin == own_format) close_item(stream, out);
}

// An event that begins a part begins an item; the next one goes on with it.
void show(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  const PartKind kind = kind_of(event.kind);
  const std::size_t before = stream.answer.parts.size();
  fold(stream.answer, event, stream.origin);
  if (stream.answer.parts.size() > before) {
    close_item(stream, out);
    ++stream.block;
    stream.open = kind;
    stream.open_part = before;
    const ChatPart& begun = stream.answer.parts.back();
    append_item(stream, begun, false, out);
    if (kind == PartKind::tool_call) stream.call_blocks.push_back(stream.block);
    const bool message = kind == PartKind::text || kind == PartKind::refusal;
    if (message) append_content_part(stream, begun, false, out);
  }
  if (kind == PartKind::tool_call || event.text.empty()) return;
  const ChatPart& part = stream.answer.parts[stream.open_part];
  const bool first = part.text.size() == event.text.size();
  if (kind == PartKind::reasoning && first) append_summary_part(stream, "", false, out);
  append_delta(stream, delta_type(kind), stream.block, kind == PartKind::reasoning ? "rs" : "msg",
               event.text, out);
}

// An item of OpenAI's own goes on whole.
void show_opaque(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  if (stream.origin != own_format) return;
  fold(stream.answer, event, stream.origin);
  close_item(stream, out);
  ++stream.block;
  append_item(stream, stream.answer.parts.back(), false, out);
  append_item(stream, stream.answer.parts.back(), true, out);
}

void show_arguments(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  fold(stream.answer, event, stream.origin);
  const auto call = static_cast<std::size_t>(event.index);
  if (event.index < 0 || call >= stream.call_blocks.size()) return;
  const bool is_open = stream.call_blocks[call] == stream.block;
  const ChatPart& part = stream.answer.parts[stream.open_part];
  if (is_open && (is_freeform(part, stream.stamp) || is_sent_whole(part, stream.stamp))) return;
  append_delta(stream, "response.function_call_arguments.delta", stream.call_blocks[call], "fc",
               event.text, out);
}

}  // namespace

void write_openai_responses_answer(const ChatAnswer& answer, const AnswerStamp& stamp,
                                   JsonWriter& out) {
  write_response(answer, stamp, out);
}

void encode_openai_responses_event(AnswerStream& stream, const ChatEvent& event, std::string& out) {
  const bool goes_into_start = event.kind == EventKind::started || event.kind == EventKind::usage ||
                               (event.kind == EventKind::reported && event.name != "part") ||
                               event.kind == EventKind::heartbeat;
  if (!goes_into_start) begin_response(stream, out);
  switch (event.kind) {
    case EventKind::started:
      fold(stream.answer, event, stream.origin);
      stream.start_waits = true;
      break;
    case EventKind::reported:
      hear(stream, event, out);
      break;
    case EventKind::text:
    case EventKind::refusal:
    case EventKind::reasoning:
    case EventKind::tool_begun:
      show(stream, event, out);
      break;
    case EventKind::tool_arguments:
      show_arguments(stream, event, out);
      break;
    case EventKind::usage:
      fold(stream.answer, event, stream.origin);
      break;
    case EventKind::finished:
    case EventKind::failed:
      close_item(stream, out);
      fold(stream.answer, event, stream.origin);
      append_response(stream, "response." + std::string(status_word(stream.answer)), out);
      break;
    case EventKind::opaque:
      show_opaque(stream, event, out);
      break;
    case EventKind::heartbeat:
    case EventKind::answer_finished:  // one answer is all that a client of this format asks for
      break;
  }
}

}  // namespace redoubt::llm
