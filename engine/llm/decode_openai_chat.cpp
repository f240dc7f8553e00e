#include "engine/llm/decode_openai_chat.hpp"

#include <algorithm>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/failure.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/logprobs.hpp"
#include "engine/llm/reported.hpp"
#include "engine/llm/usage.hpp"

namespace redoubt::llm {
namespace {

// The first of the members that is there, as a count.
std::int64_t first_count(std::initializer_list<const Json*> counts) {
  for (const Json* count : counts) {
    if (count != nullptr) return integer_of(count, 0);
  }
  return 0;
}

// Mistral: content is an array of text and thinking parts, where the model thinks.
void read_content(AnswerState& state, const Json& content, ChatEvents& out) {
  if (content.is_string()) {
    state.say(out, EventKind::text, text_of(&content));
    return;
  }
  if (!content.is_array()) return;
  for (const Json& part : content) {
    const std::string_view type = text_in(part, "type");
    if (type == "text") {
      state.say(out, EventKind::text, text_in(part, "text"));
    } else if (type == "refusal") {
      state.say(out, EventKind::refusal, text_in(part, "refusal"));
    } else if (type == "thinking") {
      const Json* thinking = member_of(part, "thinking");
      if (thinking == nullptr) continue;
      if (thinking->is_string()) state.think(out, text_of(thinking), {}, {});
      if (!thinking->is_array()) continue;
      for (const Json& piece : *thinking)
        state.think(out, text_in(piece, "text"), {}, {});
    }
  }
}

// OpenRouter: what must go back to the model, with its signature, beside the plain text. A relay
// tells it after the text, whose words it has again.
bool read_reasoning_details(AnswerState& state, const Json& delta, bool again, ChatEvents& out) {
  const Json* details = member_of(delta, "reasoning_details");
  if (details == nullptr || !details->is_array() || details->empty()) return false;
  for (const Json& detail : *details) {
    const std::string_view type = text_in(detail, "type");
    const std::string_view form = text_in(detail, "format");
    const std::string_view id = text_in(detail, "id");
    if (type == "reasoning.encrypted") {
      state.think(out, {}, id, text_in(detail, "data"), form, true);
      continue;
    }
    const std::string_view text = text_in(detail, type == "reasoning.summary" ? "summary" : "text");
    const std::string_view signature = text_in(detail, "signature");
    if (again && signature.empty()) continue;
    state.think(out, again ? std::string_view() : text, id, signature, form);
  }
  return true;
}

void read_reasoning(AnswerState& state, const Json& delta, ChatEvents& out) {
  std::string_view words = text_in(delta, "reasoning_content");
  if (words.empty()) words = text_in(delta, "reasoning");
  const bool again = words.empty() && state.thought_in_words;
  if (read_reasoning_details(state, delta, again, out) || words.empty()) return;
  state.thought_in_words = true;
  state.think(out, words, {}, {});
}

// Which call a fragment is for. A new one where the index is new, or where an id comes again with a
// name but differs: some servers number all parallel calls 0.
Slot* slot_for(AnswerState& state, const Json& call, std::string_view name, ChatEvents& out) {
  const std::string_view id = text_in(call, "id");
  const std::int64_t index = integer_in(call, "index", -1);
  Slot* slot = nullptr;
  if (index >= 0) {
    slot = state.slot(index);
  } else if (name.empty() && !state.slots.empty()) {
    slot = &state.slots.back();
  }
  const bool another = slot != nullptr && slot->call >= 0 && !name.empty() && !id.empty() &&
                       !slot->id.empty() && slot->id != id;
  if (slot == nullptr || another) slot = state.add_slot(out, index, PartKind::tool_call);
  if (slot != nullptr && slot->id.empty()) slot->id = id;
  return slot;
}

void read_call(AnswerState& state, const Json& call, ChatEvents& out) {
  const Json* function = member_of(call, "function");
  if (function == nullptr) return;
  const std::string_view name = text_in(*function, "name");
  Slot* slot = slot_for(state, call, name, out);
  if (slot == nullptr) return;
  const Json* arguments = member_of(*function, "arguments");
  std::string fragment(text_of(arguments));
  if (arguments != nullptr && arguments->is_object()) fragment = dump(*arguments);
  if (slot->call < 0 && !name.empty()) {
    const Json* google = member_of(member_of(call, "extra_content"), "google");
    slot->call =
        state.begin_call(out, slot->id, name, text_of(member_of(google, "thought_signature")));
    fragment = slot->fragments + fragment;
    slot->fragments.clear();
  }
  if (slot->call < 0) {
    state.keep(slot->fragments, fragment);  // arguments before the name
  } else {
    state.arguments(out, slot->call, fragment);
  }
}

void read_message(AnswerState& state, const Json& message, ChatEvents& out) {
  read_reasoning(state, message, out);
  if (const Json* content = member_of(message, "content")) read_content(state, *content, out);
  state.say(out, EventKind::refusal, text_in(message, "refusal"));
  const Json* calls = member_of(message, "tool_calls");
  if (calls == nullptr || !calls->is_array()) return;
  for (const Json& call : *calls)
    read_call(state, call, out);
}

void read_finish(AnswerState& state, const Json& choice, ChatEvents& out) {
  const std::string_view word = text_in(choice, "finish_reason");
  if (word.empty()) return;
  if (word == "error" || word == "insufficient_system_resource" || word == "aborted" ||
      word == "abort") {  // Mistral; DeepSeek; vLLM
    state.fail(out, local_failure(FailureClass::overloaded, "the provider broke the answer off"));
    return;
  }
  state.finish_seen = true;
  state.reason = openai_finish_reason(word);
  state.detail = word;
}

// What is said of the whole answer is said with the first.
const Json* first_choice(const Json& chunk) {
  const Json* choices = member_of(chunk, "choices");
  if (choices == nullptr || !choices->is_array()) return nullptr;
  for (const Json& choice : *choices) {
    if (integer_in(choice, "index", 0) == 0) return &choice;
  }
  return nullptr;
}

void read_usage(AnswerState& state, const Json& chunk, ChatEvents& out) {
  const Json* usage = member_of(chunk, "usage");
  if (usage == nullptr) usage = member_of(member_of(chunk, "x_groq"), "usage");
  if (usage == nullptr || !usage->is_object()) return;
  const Usage read = read_openai_usage(*usage);
  if (!read.reported) return;
  state.usage = read;
  state.tell_usage(out);
}

// OpenRouter: dollars; with a key of one's own at the model's provider (byok) `cost` is only its
// fee.
std::optional<std::int64_t> reported_cost(const Json& json) {
  const Json* cost = member_of(json, "cost");
  if (cost == nullptr || !cost->is_number()) return std::nullopt;
  double dollars = cost->get<double>();
  const Json* upstream = member_of(member_of(json, "cost_details"), "upstream_inference_cost");
  if (true_in(json, "is_byok") && upstream != nullptr && upstream->is_number())
    dollars += upstream->get<double>();
  return picodollars_of(dollars);
}

}  // namespace

FinishReason openai_finish_reason(std::string_view word) {
  for (const std::string_view end :
       {"stop", "eos", "eos_token", "end_turn", "stop_sequence", "COMPLETE", "STOP_SEQUENCE"}) {
    if (word == end) return FinishReason::stop;
  }
  if (word == "length" || word == "model_length") return FinishReason::length;
  if (word == "tool_calls" || word == "function_call") return FinishReason::tool_calls;
  if (word == "content_filter") return FinishReason::filtered;
  return FinishReason::unknown;
}

Usage read_openai_usage(const Json& json) {
  const Json* in = member_of(json, "prompt_tokens_details");
  const Json* details = member_of(json, "completion_tokens_details");
  Usage usage;
  usage.reported = counts_in(json, {"prompt_tokens", "completion_tokens", "total_tokens"});
  if (!usage.reported) return usage;
  usage.input = integer_in(json, "prompt_tokens", 0);
  usage.output = integer_in(json, "completion_tokens", 0);
  usage.cached_read =
      first_count({member_of(in, "cached_tokens"), member_of(json, "prompt_cache_hit_tokens"),
                   member_of(json, "num_cached_tokens")});
  usage.cache_write = first_count({member_of(in, "cache_write_tokens")});
  usage.reasoning = first_count({member_of(details, "reasoning_tokens")});
  usage.audio_input = first_count({member_of(in, "audio_tokens")});
  usage.audio_output = first_count({member_of(details, "audio_tokens")});
  // xAI counts thoughts beside the completion, Gemini behind this format not at all, and Mistral
  // its prompt's audio in seconds; the total tells.
  const bool audio_prompt = integer_of(member_of(json, "prompt_audio_seconds"), 0) > 0;
  add_hidden_tokens(usage, integer_in(json, "total_tokens", 0), audio_prompt);
  usage.reported_picodollars = reported_cost(json);
  return usage;
}

namespace {

bool has_nameless_call(const AnswerState& state) {
  return std::any_of(state.slots.begin(), state.slots.end(),
                     [](const Slot& slot) { return slot.call < 0 && !slot.fragments.empty(); });
}

}  // namespace

void finish_openai_chat(AnswerState& state, ChatEvents& out) {
  if (has_nameless_call(state) ||
      std::any_of(state.others.begin(), state.others.end(), has_nameless_call)) {
    state.fail(out, local_failure(FailureClass::malformed, "the model's tool call has no name"));
    return;
  }
  state.finish(out);
}

namespace {

// Told before what the choice says: a client's chunk of a token has that token's logprobs.
void tell_choice(AnswerState& state, std::string_view choice, ChatEvents& out) {
  if (choice.empty()) return;
  state.tell(out, "choice",
             reported_members(choice, {"index", "message", "delta", "finish_reason", "error"}));
  state.tell(out, "logprobs",
             logprobs_piece(member_text(member_text(choice, "logprobs"), "content")));
}

void tell_message(AnswerState& state, std::string_view choice, const char* message,
                  ChatEvents& out) {
  if (choice.empty()) return;
  state.tell(out, "message",
             reported_members(member_text(choice, message),
                              {"role", "content", "refusal", "reasoning_content", "reasoning",
                               "reasoning_details", "tool_calls"}));
}

std::string_view first_choice_text(std::string_view text) {
  for (const std::string_view choice : element_texts(member_text(text, "choices"))) {
    const std::string_view index = member_text(choice, "index");
    if (index.empty() || index == "0") return choice;
  }
  return {};
}

// What of the answer and its message has no neutral name.
void tell_rest(AnswerState& state, const Json& answer, std::string_view text, const char* message,
               ChatEvents& out) {
  state.tell(out, "answer",
             reported_members(text, {"id", "object", "created", "model", "choices", "usage",
                                     "obfuscation", "error"}));
  if (state.usage.reported && member_of(answer, "usage") != nullptr)
    state.tell(out, "usage", std::string(member_text(text, "usage")));
  tell_message(state, first_choice_text(text), message, out);
}

// Calls of custom tools are for clients of this format: others' tools are functions here
// (freeform.hpp).
void tell_custom_calls(AnswerState& state, std::string_view choice, const char* message,
                       ChatEvents& out) {
  const auto calls = element_texts(member_text(member_text(choice, message), "tool_calls"));
  for (const std::string_view call : calls) {
    if (member_text(call, "custom").empty()) continue;
    state.tell(out, "message", joined({"{\"tool_calls\":[", call, "]}"}));
  }
}

void read_other_choice(AnswerState& state, const Json& choice, std::string_view text,
                       const char* message, ChatEvents& out) {
  if (member_of(choice, "error") != nullptr) return state.fail(out, failure_from_json(choice, 0));
  tell_choice(state, text, out);
  tell_custom_calls(state, text, message, out);
  if (const Json* said = member_of(choice, message)) read_message(state, *said, out);
  read_finish(state, choice, out);
  tell_message(state, text, message, out);
}

// The answers but the first, where several were asked for.
void read_other_choices(AnswerState& state, const Json& answer, std::string_view text,
                        const char* message, ChatEvents& out) {
  const Json* choices = member_of(answer, "choices");
  if (state.answers == 1 || choices == nullptr || !choices->is_array()) return;
  const auto texts = element_texts(member_text(text, "choices"));
  for (std::size_t i = 0; i < choices->size(); ++i) {
    const Json& choice = (*choices)[i];
    state.read_other(integer_in(choice, "index", 0), out,
                     [&](AnswerState& other, ChatEvents& events) {
                       read_other_choice(other, choice, nth_text(texts, i), message, events);
                     });
  }
}

}  // namespace

void decode_openai_chat_event(AnswerState& state, const Json& chunk, std::string_view text,
                              ChatEvents& out) {
  const std::string_view id = text_in(chunk, "id");
  const Json* choice = first_choice(chunk);
  const Json* choices = member_of(chunk, "choices");
  const bool says = choice != nullptr || (state.answers > 1 && choices && !choices->empty());
  // Azure's first chunk is empty: it comes before the model is known.
  if (says || !id.empty()) state.start(out, id, text_in(chunk, "model"));
  if (choice != nullptr) {
    const Json* error = member_of(*choice, "error");
    if (error != nullptr) {
      state.fail(out, failure_from_json(*choice, 0));
      return;
    }
    tell_choice(state, first_choice_text(text), out);
    tell_custom_calls(state, first_choice_text(text), "delta", out);
    if (const Json* delta = member_of(*choice, "delta")) read_message(state, *delta, out);
    read_finish(state, *choice, out);
  }
  read_other_choices(state, chunk, text, "delta", out);
  read_usage(state, chunk, out);
  if (state.started) tell_rest(state, chunk, text, "delta", out);
}

void decode_openai_chat_whole(AnswerState& state, const Json& answer, std::string_view text,
                              ChatEvents& out) {
  const Json* choice = first_choice(answer);
  const Json* message = choice == nullptr ? nullptr : member_of(*choice, "message");
  if (message == nullptr) {
    state.fail(out, no_answer_failure("the answer has no choices[0].message"));
    return;
  }
  state.start(out, text_in(answer, "id"), text_in(answer, "model"));
  tell_choice(state, first_choice_text(text), out);
  tell_custom_calls(state, first_choice_text(text), "message", out);
  read_message(state, *message, out);
  read_finish(state, *choice, out);
  read_other_choices(state, answer, text, "message", out);
  read_usage(state, answer, out);
  tell_rest(state, answer, text, "message", out);
  finish_openai_chat(state, out);
}

}  // namespace redoubt::llm
