#include "relay/services/models/prompt_tokens.hpp"

#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/context_edits.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/json_text.hpp"
#include "relay/limits/token_bound.hpp"
#include "relay/services/models/gemini_calls.hpp"
#include "relay/upstream/send_bound.hpp"

namespace redoubt::services {
namespace {

using llm::WireFormat;

/// What is wrong with a body whose tokens are to be counted.
std::optional<Error> no_prompt(const Json& body, WireFormat format) {
  const bool responses = format == WireFormat::openai_responses;
  const char* name = responses ? "input" : "messages";
  const std::string_view expected = responses ? "a text or a list" : "a list";
  const Json* prompt = body.is_object() ? llm::member_of(body, name) : nullptr;
  const bool there =
      prompt != nullptr && (prompt->is_array() || (responses && prompt->is_string()));
  if (there) return std::nullopt;
  return make_error("bad_request", {name, ": expected ", expected}, {name}, {expected}, {});
}

constexpr std::string_view outside_words =
    "This prompt cannot be counted here: what lies elsewhere (a stored response, item, "
    "conversation, "
    "prompt or file, whatever has an address) or has no known length (a document, sound) is part "
    "of "
    "it.";

Result<std::int64_t> count_prompt(WireFormat format, std::string_view body) {
  const upstream::SendBound bound = upstream::send_bound(format, body);
  if (bound.refers_outside)
    return Error{.code = "not_countable", .message = std::string(outside_words)};
  return limits::input_tokens_estimate(bound.prompt);
}

// Of the request as it would go to Gemini.
Result<std::int64_t> count_gemini_tokens(std::string_view body) {
  if (auto parsed = llm::parse_client_body(body); !parsed) return std::move(parsed.error());
  const auto request = llm::decode_client_request(WireFormat::gemini, gemini_content(body));
  if (!request) return request.error();
  const auto wire =
      llm::encode_request(*request, {.dialect = llm::find_dialect("gemini"), .model = "gemini"});
  if (!wire) return wire.error();
  return count_prompt(WireFormat::gemini, wire->body);
}

Result<PromptTokens> count_edited(WireFormat format, std::string_view body, const Json& json) {
  const Result<std::int64_t> all = count_prompt(format, body);
  if (!all) return all.error();
  PromptTokens counted{.tokens = *all, .before_edits = {}, .model = {}};
  if (format != WireFormat::anthropic || llm::member_of(json, "context_management") == nullptr)
    return counted;
  counted.before_edits = *all;
  const auto tokens = [format](std::string_view text) {
    return limits::input_tokens_estimate(upstream::send_bound(format, text).prompt);
  };
  const std::string edited = llm::edited_context(body, tokens);
  if (!edited.empty()) counted.tokens = tokens(edited);
  return counted;
}

}  // namespace

Result<PromptTokens> count_prompt_tokens(WireFormat format, std::string_view body) {
  if (format == WireFormat::gemini) {
    const auto tokens = count_gemini_tokens(body);
    if (!tokens) return tokens.error();
    return PromptTokens{.tokens = *tokens, .before_edits = {}, .model = {}};
  }
  auto parsed = llm::parse_client_body(body);
  if (!parsed) return parsed.error();
  if (auto fault = no_prompt(*parsed, format)) return std::move(*fault);
  auto counted = count_edited(format, body, *parsed);
  const Json* model = llm::member_of(*parsed, "model");
  if (counted && model != nullptr && model->is_string())
    counted->model = model->get_ref<const std::string&>();
  return counted;
}

}  // namespace redoubt::services
