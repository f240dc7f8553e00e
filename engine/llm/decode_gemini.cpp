#include "engine/llm/decode_gemini.hpp"

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

// The tokens of one modality in a list of details.
std::int64_t tokens_of(const Json& usage, const char* details, std::string_view modality) {
  const Json* list = member_of(usage, details);
  if (list == nullptr || !list->is_array()) return 0;
  std::int64_t tokens = 0;
  for (const Json& detail : *list) {
    if (text_in(detail, "modality") == modality) tokens += integer_in(detail, "tokenCount", 0);
  }
  return tokens;
}

// candidatesTokenCount excludes the thoughts; the prompt's count includes what was cached, but not
// what the provider's own tools put in.
void read_usage(AnswerState& state, const Json& answer, std::string_view text, ChatEvents& out) {
  const Json* json = member_of(answer, "usageMetadata");
  if (json == nullptr ||
      !counts_in(*json, {"promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount",
                         "toolUsePromptTokenCount", "totalTokenCount"}))
    return;
  const std::int64_t searches = state.usage.web_searches;
  state.usage = {.reported = true};
  state.usage.web_searches = searches;
  state.usage.input =
      integer_in(*json, "promptTokenCount", 0) + integer_in(*json, "toolUsePromptTokenCount", 0);
  state.usage.cached_read = integer_in(*json, "cachedContentTokenCount", 0);
  state.usage.reasoning = integer_in(*json, "thoughtsTokenCount", 0);
  state.usage.output = integer_in(*json, "candidatesTokenCount", 0) + state.usage.reasoning;
  state.usage.audio_input = tokens_of(*json, "promptTokensDetails", "AUDIO");
  state.usage.audio_output = tokens_of(*json, "candidatesTokensDetails", "AUDIO");
  add_hidden_tokens(state.usage, integer_in(*json, "totalTokenCount", 0), false);
  for (const AnswerState& other : state.others)
    state.usage.web_searches += other.usage.web_searches;
  state.tell_usage(out);
  state.usage.web_searches = searches;
  state.tell(out, "usage", reported_members(member_text(text, "usageMetadata"), {}));
}

void read_part(AnswerState& state, const Json& part, std::string_view part_text, ChatEvents& out) {
  const std::string_view signature = text_in(part, "thoughtSignature");
  const Json* call = member_of(part, "functionCall");
  const Json* text = member_of(part, "text");
  if (call != nullptr) {
    const std::string_view call_text = member_text(part_text, "functionCall");
    const std::int32_t number =
        state.begin_call(out, text_in(*call, "id"), text_in(*call, "name"), signature,
                         reported_members(call_text, {"id", "name", "args"}));
    const Json* args = member_of(*call, "args");
    state.arguments(out, number,
                    args == nullptr ? "{}" : text_or_dump(member_text(call_text, "args"), *args));
  } else if (text != nullptr && text->is_string()) {
    if (true_in(part, "thought")) {
      state.think(out, text_of(text), {}, signature);
    } else {
      state.say(out, EventKind::text, text_of(text), signature);
    }
  } else if (part.is_object() && !part.empty()) {
    state.opaque(out, text_or_dump(part_text, part));
  }
}

constexpr std::string_view filters[] = {
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
};

FinishReason finish_reason(std::string_view word) {
  if (word == "STOP") return FinishReason::stop;
  if (word == "MAX_TOKENS") return FinishReason::length;
  if (word == "CONTINUATION") return FinishReason::paused;
  for (const std::string_view filter : filters) {
    if (word == filter) return FinishReason::filtered;
  }
  return FinishReason::unknown;
}

void read_candidate(AnswerState& state, const Json& candidate, std::string_view text,
                    ChatEvents& out) {
  state.tell(out, "choice", reported_members(text, {"content", "finishReason", "index"}));
  if (const Json* tokens = member_of(candidate, "logprobsResult"))
    state.tell(out, "logprobs", logprobs_of_gemini(*tokens));
  const Json* parts = member_of(member_of(candidate, "content"), "parts");
  if (parts != nullptr && parts->is_array()) {
    const auto texts = element_texts(member_text(member_text(text, "content"), "parts"));
    for (std::size_t i = 0; i < parts->size(); ++i)
      read_part(state, (*parts)[i], nth_text(texts, i), out);
  }
  const Json* queries = member_of(member_of(candidate, "groundingMetadata"), "webSearchQueries");
  if (queries != nullptr && queries->is_array())
    state.usage.web_searches =
        std::max(state.usage.web_searches, static_cast<std::int64_t>(queries->size()));
  const std::string_view word = text_in(candidate, "finishReason");
  if (word.empty() || word == "FINISH_REASON_UNSPECIFIED") return;
  state.finish_seen = true;
  state.detail = word;
  state.reason = finish_reason(word);
}

// The model wrote a call that cannot be read. If it said something beside it, that is its answer;
// else there is none, and another attempt may do. A call that only was not expected, or one of too
// many, is there to be read.
void check_broken_call(AnswerState& state, ChatEvents& out) {
  const bool readable =
      state.detail == "UNEXPECTED_TOOL_CALL" || state.detail == "TOO_MANY_TOOL_CALLS";
  if (!readable && state.detail != "MALFORMED_FUNCTION_CALL" &&
      state.detail != "MALFORMED_RESPONSE")
    return;
  if (state.spoke || (readable && state.calls > 0)) {
    state.reason = FinishReason::stop;
    return;
  }
  ChatFailure failure = local_failure(FailureClass::malformed, "the model's tool call is broken");
  failure.code = state.detail;
  state.fail(out, std::move(failure));
}

void read_candidates(AnswerState& state, const Json& candidates,
                     const std::vector<std::string_view>& texts, ChatEvents& out) {
  if (state.answers == 1) return read_candidate(state, candidates.front(), nth_text(texts, 0), out);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::int64_t index = integer_in(candidates[i], "index", 0);
    if (index == 0) read_candidate(state, candidates[i], nth_text(texts, i), out);
    state.read_other(index, out, [&](AnswerState& other, ChatEvents& events) {
      read_candidate(other, candidates[i], nth_text(texts, i), events);
      check_broken_call(other, events);
    });
  }
}

// A prompt that was refused has no candidate: it is an answer that a filter ended before its first
// word. Each format has a word for that, and none takes it for the client's fault.
void check_blocked(AnswerState& state, const Json& answer) {
  const std::string_view why =
      text_of(member_of(member_of(answer, "promptFeedback"), "blockReason"));
  if (why.empty() || why == "BLOCK_REASON_UNSPECIFIED") return;
  state.finish_seen = true;
  state.detail = why;
  state.reason = FinishReason::filtered;
}

}  // namespace

void decode_gemini_event(AnswerState& state, const Json& chunk, std::string_view text,
                         ChatEvents& out) {
  state.start(out, text_in(chunk, "responseId"), text_in(chunk, "modelVersion"));
  const Json* candidates = member_of(chunk, "candidates");
  if (candidates != nullptr && candidates->is_array() && !candidates->empty()) {
    read_candidates(state, *candidates, element_texts(member_text(text, "candidates")), out);
  }
  read_usage(state, chunk, text, out);
  state.tell(out, "answer",
             reported_members(text, {"candidates", "usageMetadata", "responseId", "modelVersion",
                                     "error", "type"}));
  check_blocked(state, chunk);
  check_broken_call(state, out);
}

void decode_gemini_whole(AnswerState& state, const Json& answer, std::string_view text,
                         ChatEvents& out) {
  decode_gemini_event(state, answer, text, out);
  if (!state.over && !state.finish_seen) {
    state.fail(out, no_answer_failure("the answer has no finished candidate"));
  }
  state.finish(out);
}

}  // namespace redoubt::llm
