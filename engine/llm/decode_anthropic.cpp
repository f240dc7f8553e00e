#include "engine/llm/decode_anthropic.hpp"

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/failure.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/reported.hpp"

namespace redoubt::llm {
namespace {

// input_tokens excludes what was read from and written to the cache; both are told apart. A member
// that is absent says nothing new.
void read_usage(AnswerState& state, const Json& from, std::string_view text, ChatEvents& out) {
  const Json* json = member_of(from, "usage");
  if (json == nullptr ||
      !counts_in(*json, {"input_tokens", "output_tokens", "cache_read_input_tokens",
                         "cache_creation_input_tokens"}))
    return;
  Usage& usage = state.usage;
  usage.reported = true;
  state.fresh_input = integer_in(*json, "input_tokens", state.fresh_input);
  usage.cached_read = integer_in(*json, "cache_read_input_tokens", usage.cached_read);
  usage.cache_write = integer_in(*json, "cache_creation_input_tokens", usage.cache_write);
  usage.cache_write_long =
      integer_of(member_of(member_of(*json, "cache_creation"), "ephemeral_1h_input_tokens"),
                 usage.cache_write_long);
  usage.output = integer_in(*json, "output_tokens", usage.output);
  usage.reasoning = integer_of(
      member_of(member_of(*json, "output_tokens_details"), "thinking_tokens"), usage.reasoning);
  usage.web_searches = integer_of(
      member_of(member_of(*json, "server_tool_use"), "web_search_requests"), usage.web_searches);
  usage.input = state.fresh_input + usage.cached_read + usage.cache_write;
  state.tell_usage(out);
  state.tell(out, "usage", reported_members(member_text(text, "usage"), {}));
}

// What of a message, or of its end, has no neutral name: container, stop_sequence.
void tell_message(AnswerState& state, std::string_view text, ChatEvents& out) {
  state.tell(out, "answer",
             reported_members(text, {"id", "type", "role", "model", "content", "stop_reason",
                                     "usage", "delta", "error"}));
}

// A block whose text is cited stands apart from the text around it.
void begin_text(AnswerState& state, const Json& block, ChatEvents& out) {
  state.cites = state.cites || member_of(block, "citations") != nullptr;
  if (state.cites && state.shown) state.tell(out, "part", "{}");
}

void read_stop(AnswerState& state, const Json& from) {
  const std::string_view word = text_in(from, "stop_reason");
  if (word.empty()) return;
  state.finish_seen = true;
  state.detail = word;
  state.reason = anthropic_finish_reason(word);
}

void block_start(AnswerState& state, const Json& event, std::string_view text, ChatEvents& out) {
  const Json* block = member_of(event, "content_block");
  if (block == nullptr) return;
  const std::string_view type = text_in(*block, "type");
  const PartKind kind = type == "text"                                      ? PartKind::text
                        : type == "thinking" || type == "redacted_thinking" ? PartKind::reasoning
                        : type == "tool_use"                                ? PartKind::tool_call
                                                                            : PartKind::opaque;
  Slot* slot = state.add_slot(out, integer_in(event, "index", 0), kind);
  if (slot == nullptr) return;
  const std::string_view block_text = member_text(text, "content_block");
  if (kind == PartKind::text) {
    begin_text(state, *block, out);
    state.say(out, EventKind::text, text_in(*block, "text"));
  } else if (type == "redacted_thinking") {
    state.think(out, {}, {}, text_in(*block, "data"), {}, true);
  } else if (kind == PartKind::reasoning) {
    state.think(out, text_in(*block, "thinking"), {}, text_in(*block, "signature"));
  } else if (kind == PartKind::tool_call) {
    slot->call = state.begin_call(out, text_in(*block, "id"), text_in(*block, "name"), {},
                                  reported_members(block_text, {"type", "id", "name", "input"}));
    const Json* input = member_of(*block, "input");
    if (input != nullptr && input->is_object() && !input->empty())
      state.keep(slot->text, text_or_dump(member_text(block_text, "input"), *input));
  } else {
    state.keep(slot->text, text_or_dump(block_text, *block));
  }
}

void block_delta(AnswerState& state, const Json& event, std::string_view text, ChatEvents& out) {
  const Json* delta = member_of(event, "delta");
  Slot* slot = state.slot(integer_in(event, "index", 0));
  if (delta == nullptr || slot == nullptr) return;
  const std::string_view type = text_in(*delta, "type");
  if (type == "text_delta") {
    state.say(out, EventKind::text, text_in(*delta, "text"));
  } else if (type == "thinking_delta") {
    state.think(out, text_in(*delta, "thinking"), {}, {});
  } else if (type == "signature_delta") {
    state.think(out, {}, {}, text_in(*delta, "signature"));
  } else if (type == "citations_delta") {
    const std::string_view citation = member_text(member_text(text, "delta"), "citation");
    if (!citation.empty()) state.tell(out, "part", joined({"{\"citations\":[", citation, "]}"}));
  } else if (type == "input_json_delta") {
    const std::string_view fragment = text_in(*delta, "partial_json");
    if (fragment.empty()) return;
    slot->has_arguments = true;
    if (slot->kind == PartKind::tool_call) {
      state.arguments(out, slot->call, fragment);
    } else {
      state.keep(slot->fragments, fragment);
    }
  }
}

// A block of the provider's own, with the input that its fragments are.
std::string with_input(const std::string& block, const std::string& fragments) {
  if (fragments.empty() || !is_object_text(fragments)) return block;
  JsonWriter whole;
  whole.open_object();
  whole.members_but(block, {"input"});
  whole.raw("input", fragments);
  whole.close_object();
  return whole.take();
}

void block_stop(AnswerState& state, const Json& event, ChatEvents& out) {
  Slot* slot = state.slot(integer_in(event, "index", 0));
  if (slot == nullptr) return;
  if (slot->kind == PartKind::tool_call && !slot->has_arguments) {
    state.arguments(out, slot->call, slot->text.empty() ? "{}" : slot->text);
  }
  if (slot->kind != PartKind::opaque) return;
  state.opaque(out, with_input(slot->text, slot->fragments));
}

void read_block(AnswerState& state, const Json& block, std::string_view text, ChatEvents& out) {
  const std::string_view type = text_in(block, "type");
  if (type == "text") {
    begin_text(state, block, out);
    state.say(out, EventKind::text, text_in(block, "text"));
    state.tell(out, "part", reported_members(text, {"type", "text"}));
  } else if (type == "thinking") {
    state.think(out, text_in(block, "thinking"), {}, text_in(block, "signature"));
  } else if (type == "redacted_thinking") {
    state.think(out, {}, {}, text_in(block, "data"), {}, true);
  } else if (type == "tool_use") {
    const std::int32_t call =
        state.begin_call(out, text_in(block, "id"), text_in(block, "name"), {},
                         reported_members(text, {"type", "id", "name", "input"}));
    const Json* input = member_of(block, "input");
    state.arguments(out, call,
                    input == nullptr ? "{}" : text_or_dump(member_text(text, "input"), *input));
  } else {
    state.opaque(out, text_or_dump(text, block));
  }
}

}  // namespace

FinishReason anthropic_finish_reason(std::string_view word) {
  if (word == "end_turn" || word == "stop_sequence") return FinishReason::stop;
  if (word == "max_tokens" || word == "model_context_window_exceeded") return FinishReason::length;
  if (word == "tool_use") return FinishReason::tool_calls;
  if (word == "refusal") return FinishReason::filtered;
  if (word == "pause_turn" || word == "compaction") return FinishReason::paused;
  return FinishReason::unknown;
}

void decode_anthropic_event(AnswerState& state, const Json& event, std::string_view text,
                            ChatEvents& out) {
  const std::string_view type = text_in(event, "type");
  if (type == "content_block_delta") {
    block_delta(state, event, text, out);
  } else if (type == "content_block_start") {
    block_start(state, event, text, out);
  } else if (type == "content_block_stop") {
    block_stop(state, event, out);
  } else if (type == "message_start") {
    const Json* message = member_of(event, "message");
    if (message == nullptr) return;
    state.start(out, text_in(*message, "id"), text_in(*message, "model"));
    const std::string_view message_text = member_text(text, "message");
    read_usage(state, *message, message_text, out);
    tell_message(state, message_text, out);
  } else if (type == "message_delta") {
    if (const Json* delta = member_of(event, "delta")) read_stop(state, *delta);
    read_usage(state, event, text, out);
    tell_message(state, text, out);
    tell_message(state, member_text(text, "delta"), out);
  } else if (type == "message_stop") {
    state.finish(out);
  }
}

void decode_anthropic_whole(AnswerState& state, const Json& message, std::string_view text,
                            ChatEvents& out) {
  const Json* content = member_of(message, "content");
  if (content == nullptr || !content->is_array()) {
    state.fail(out, no_answer_failure("the message has no content"));
    return;
  }
  state.start(out, text_in(message, "id"), text_in(message, "model"));
  const auto texts = element_texts(member_text(text, "content"));
  for (std::size_t i = 0; i < content->size(); ++i)
    read_block(state, (*content)[i], nth_text(texts, i), out);
  read_stop(state, message);
  read_usage(state, message, text, out);
  tell_message(state, text, out);
  state.finish(out);
}

}  // namespace redoubt::llm
