#include "engine/llm/decode_openai_responses.hpp"

#include "engine/base/json.hpp"
#include "engine/llm/failure.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/logprobs.hpp"
#include "engine/llm/reported.hpp"
#include "engine/llm/usage.hpp"

namespace redoubt::llm {
namespace {

// `text` is the response's own.
void start(AnswerState& state, const Json& response, std::string_view text, ChatEvents& out) {
  state.start(out, text_in(response, "id"), text_in(response, "model"));
  state.tell(out, "answer",
             reported_members(text, {"id", "object", "created_at", "completed_at", "status",
                                     "error", "incomplete_details", "model", "output", "usage"}));
}

// What the provider's own tools did in it is paid by the use.
void count_searches(Usage& usage, const Json& response) {
  const Json* output = member_of(response, "output");
  if (output == nullptr || !output->is_array()) return;
  for (const Json& item : *output) {
    const std::string_view type = text_in(item, "type");
    if (type == "web_search_call") ++usage.web_searches;
    if (type == "file_search_call") ++usage.file_searches;
  }
}

void read_usage(AnswerState& state, const Json& response, std::string_view text, ChatEvents& out) {
  const Json* usage = member_of(response, "usage");
  if (usage == nullptr || !counts_in(*usage, {"input_tokens", "output_tokens", "total_tokens"}))
    return;
  const Json* in = member_of(*usage, "input_tokens_details");
  state.usage = {.reported = true};
  state.usage.input = integer_in(*usage, "input_tokens", 0);
  state.usage.output = integer_in(*usage, "output_tokens", 0);
  state.usage.cached_read = integer_of(member_of(in, "cached_tokens"), 0);
  state.usage.cache_write = integer_of(member_of(in, "cache_write_tokens"), 0);
  state.usage.reasoning =
      integer_of(member_of(member_of(*usage, "output_tokens_details"), "reasoning_tokens"), 0);
  add_hidden_tokens(state.usage, integer_in(*usage, "total_tokens", 0), false);
  count_searches(state.usage, response);
  state.tell_usage(out);
  state.tell(out, "usage", reported_members(member_text(text, "usage"), {}));
}

void read_item(AnswerState& state, const Json& item, std::string_view text, ChatEvents& out);

// Items that came in no event of their own, and arguments that came in none.
void read_missing(AnswerState& state, const Json& response, std::string_view text,
                  ChatEvents& out) {
  const auto texts = element_texts(member_text(text, "output"));
  const Json* output = member_of(response, "output");
  if (output == nullptr || !output->is_array()) return;
  const bool nothing_came = !state.shown;
  for (std::size_t i = 0; i < output->size(); ++i) {
    const Json& item = (*output)[i];
    Slot* slot = state.slot(static_cast<std::int64_t>(i));
    if (slot == nullptr) {
      if (nothing_came) read_item(state, item, nth_text(texts, i), out);
    } else if (slot->call >= 0 && !slot->has_arguments && !slot->has_pieces) {
      state.arguments(out, slot->call, text_in(item, "arguments"));
    }
  }
}

// The response's own end: completed, incomplete, failed; queued and in_progress where it was asked
// for in the background.
void conclude(AnswerState& state, const Json& response, std::string_view text, ChatEvents& out) {
  start(state, response, text, out);
  read_missing(state, response, text, out);
  read_usage(state, response, text, out);
  const std::string_view status = text_in(response, "status");
  const Json* error = member_of(response, "error");
  if (status == "failed" || error != nullptr) {
    state.fail(out, error != nullptr
                        ? failure_from_json(response, 0)
                        : local_failure(FailureClass::server_error, "the response failed"));
    return;
  }
  state.detail = status;
  state.reason = FinishReason::stop;
  if (status == "incomplete") {
    const std::string_view why =
        text_of(member_of(member_of(response, "incomplete_details"), "reason"));
    state.detail = why;
    state.reason = why == "max_output_tokens" ? FinishReason::length
                   : why == "content_filter"  ? FinishReason::filtered
                                              : FinishReason::unknown;
  } else if (status == "queued" || status == "in_progress") {
    state.reason = FinishReason::paused;
  } else if (status == "cancelled") {
    state.reason = FinishReason::unknown;
  }
  state.finish(out);
}

// Told before the text that it is of.
void tell_logprobs(AnswerState& state, const Json& text, ChatEvents& out) {
  const Json* tokens = member_of(text, "logprobs");
  if (tokens != nullptr && tokens->is_array())
    state.tell(out, "logprobs", logprobs_piece(dump(*tokens)));
}

void read_content_part(AnswerState& state, const Json& part, std::string_view item_id,
                       ChatEvents& out) {
  const std::string_view type = text_in(part, "type");
  tell_logprobs(state, part, out);
  if (type == "output_text") state.say(out, EventKind::text, text_in(part, "text"), {}, item_id);
  if (type == "refusal") state.say(out, EventKind::refusal, text_in(part, "refusal"), {}, item_id);
}

// A finished item as its client of this format gets it.
void tell_item(AnswerState& state, std::string_view text, ChatEvents& out) {
  if (!text.empty()) state.tell(out, "part", std::string(text));
}

std::int32_t begin_call(AnswerState& state, const Json& item, std::string_view text,
                        ChatEvents& out) {
  return state.begin_call(
      out, text_in(item, "call_id"), text_in(item, "name"), {},
      reported_members(text, {"type", "call_id", "name", "arguments", "status"}));
}

void read_reasoning_texts(AnswerState& state, const Json& item, ChatEvents& out) {
  for (const char* key : {"summary", "content"}) {
    const Json* parts = member_of(item, key);
    if (parts == nullptr || !parts->is_array()) continue;
    for (const Json& part : *parts)
      state.think(out, text_in(part, "text"), text_in(item, "id"), {});
  }
}

// A whole item: of a response that was not streamed, or of one whose deltas did not come.
void read_item(AnswerState& state, const Json& item, std::string_view text, ChatEvents& out) {
  const std::string_view type = text_in(item, "type");
  if (type == "message") {
    const Json* content = member_of(item, "content");
    if (content == nullptr || !content->is_array()) return;
    for (const Json& part : *content)
      read_content_part(state, part, text_in(item, "id"), out);
    tell_item(state, text, out);
  } else if (type == "reasoning") {
    read_reasoning_texts(state, item, out);
    state.think(out, {}, text_in(item, "id"), text_in(item, "encrypted_content"));
    tell_item(state, text, out);
  } else if (type == "function_call") {
    const std::int32_t call = begin_call(state, item, text, out);
    state.arguments(out, call, text_in(item, "arguments"));
  } else {
    state.opaque(out, text_or_dump(text, item));
  }
}

void item_added(AnswerState& state, const Json& event, std::string_view text, ChatEvents& out) {
  const Json* item = member_of(event, "item");
  if (item == nullptr) return;
  const std::string_view type = text_in(*item, "type");
  const PartKind kind = type == "message"         ? PartKind::text
                        : type == "reasoning"     ? PartKind::reasoning
                        : type == "function_call" ? PartKind::tool_call
                                                  : PartKind::opaque;
  Slot* slot = state.add_slot(out, integer_in(event, "output_index", 0), kind);
  if (slot == nullptr) return;
  slot->id = text_in(*item, "id");
  if (kind == PartKind::tool_call) {
    slot->call = begin_call(state, *item, member_text(text, "item"), out);
  }
}

// What the deltas did not tell comes with the finished item.
void item_done(AnswerState& state, const Json& event, std::string_view text, ChatEvents& out) {
  const Json* item = member_of(event, "item");
  if (item == nullptr) return;
  const std::string_view item_text = member_text(text, "item");
  Slot* slot = state.slot(integer_in(event, "output_index", 0));
  if (slot == nullptr || slot->kind == PartKind::opaque) {
    read_item(state, *item, item_text, out);
    return;
  }
  if (slot->kind == PartKind::reasoning) {
    if (!slot->has_arguments && !slot->has_pieces) read_reasoning_texts(state, *item, out);
    state.think(out, {}, text_in(*item, "id"), text_in(*item, "encrypted_content"));
  } else if (!slot->has_arguments && !slot->has_pieces) {
    if (slot->kind == PartKind::text) {
      read_item(state, *item, item_text, out);
      return;
    }
    if (slot->kind == PartKind::tool_call) {
      state.arguments(out, slot->call, text_in(*item, "arguments"));
    }
  }
  if (slot->kind != PartKind::tool_call) tell_item(state, item_text, out);
}

void delta(AnswerState& state, const Json& event, std::string_view type, ChatEvents& out) {
  const std::string_view text = text_in(event, "delta");
  Slot* slot = state.slot(integer_in(event, "output_index", 0));
  if (slot == nullptr) {  // the item's beginning did not come
    if (type == "response.function_call_arguments.delta") return;  // it comes whole with its end
    slot = state.add_slot(out, integer_in(event, "output_index", 0), PartKind::text);
    if (slot == nullptr) return;
  }
  if (type == "response.output_text.delta") {
    tell_logprobs(state, event, out);
    state.say(out, EventKind::text, text, {}, slot->id);
  } else if (type == "response.refusal.delta") {
    state.say(out, EventKind::refusal, text, {}, slot->id);
  } else if (type == "response.function_call_arguments.delta") {
    state.arguments(out, slot->call, text);
  } else if (type == "response.reasoning_summary_text.delta" ||
             type == "response.reasoning_text.delta") {
    state.think(out, text, text_in(event, "item_id"), {});
  } else {
    return;  // progress of a provider's own tool: its item comes whole
  }
  slot->has_arguments = true;
}

// The whole of a piece whose deltas did not come.
void piece_done(AnswerState& state, const Json& event, std::string_view type, ChatEvents& out) {
  Slot* slot = state.slot(integer_in(event, "output_index", 0));
  if (slot == nullptr || slot->has_arguments) return;
  std::string_view text;
  if (type == "response.function_call_arguments.done") {
    text = text_in(event, "arguments");
    state.arguments(out, slot->call, text);
  } else if (type == "response.output_text.done") {
    tell_logprobs(state, event, out);
    text = text_in(event, "text");
    state.say(out, EventKind::text, text, {}, slot->id);
  } else if (type == "response.refusal.done") {
    text = text_in(event, "refusal");
    state.say(out, EventKind::refusal, text, {}, slot->id);
  } else if (type == "response.reasoning_summary_text.done" ||
             type == "response.reasoning_text.done") {
    text = text_in(event, "text");
    state.think(out, text, text_in(event, "item_id"), {});
  }
  // Later parts of the same item may come in deltas, or in pieces of their own.
  slot->has_pieces = slot->has_pieces || !text.empty();
}

bool ends_with(std::string_view text, std::string_view tail) {
  return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

}  // namespace

void decode_openai_responses_event(AnswerState& state, const Json& event, std::string_view text,
                                   ChatEvents& out) {
  const std::string_view response_text = member_text(text, "response");
  const std::string_view type = text_in(event, "type");
  const Json* response = member_of(event, "response");
  if (type == "response.output_item.added") {
    item_added(state, event, text, out);
  } else if (type == "response.output_item.done") {
    item_done(state, event, text, out);
  } else if (ends_with(type, ".delta")) {
    delta(state, event, type, out);
  } else if (ends_with(type, ".done") && response == nullptr) {
    piece_done(state, event, type, out);
  } else if (response == nullptr) {
    return;
  } else if (type == "response.completed" || type == "response.incomplete" ||
             type == "response.failed" || type == "response.done") {
    conclude(state, *response, response_text, out);
  } else {
    start(state, *response, response_text, out);
  }
}

void decode_openai_responses_whole(AnswerState& state, const Json& response, std::string_view text,
                                   ChatEvents& out) {
  const Json* output = member_of(response, "output");
  if (output == nullptr || !output->is_array()) {
    state.fail(out, no_answer_failure("the response has no output"));
    return;
  }
  start(state, response, text, out);
  const auto texts = element_texts(member_text(text, "output"));
  for (std::size_t i = 0; i < output->size(); ++i)
    read_item(state, (*output)[i], nth_text(texts, i), out);
  conclude(state, response, text, out);
}

}  // namespace redoubt::llm
