#include "engine/llm/logprobs.hpp"

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/reported.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {
namespace {

// What OpenAI says of a token that is as good as impossible.
constexpr double least_logprob = -9999.0;

// A protocol buffer's JSON writes what is no finite number as a text.
Json likelihood_of(const Json* said) {
  if (said == nullptr) return 0;
  if (said->is_number()) return *said;
  return text_of(said) == "-Infinity" ? Json(least_logprob) : Json(0);
}

Json token_of(const Json& candidate) {
  const std::string_view token = text_in(candidate, "token");
  Json bytes = Json::array();
  for (const char c : token)
    bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", token},
          {"logprob", likelihood_of(member_of(candidate, "logProbability"))},
          {"bytes", std::move(bytes)}};
}

Json candidate_of(const Json& token) {
  return {{"token", text_in(token, "token")},
          {"logProbability", likelihood_of(member_of(token, "logprob"))}};
}

const Json* list_in(const Json& object, const char* key) {
  const Json* list = member_of(object, key);
  return list != nullptr && list->is_array() ? list : nullptr;
}

}  // namespace

std::string logprobs_piece(std::string_view tokens) {
  if (tokens.size() <= 2 || tokens.front() != '[') return {};
  return joined({R"({"content":)", tokens, "}"});
}

std::string logprobs_of_gemini(const Json& result) {
  const Json* chosen = list_in(result, "chosenCandidates");
  if (chosen == nullptr || chosen->empty()) return {};
  const Json* tops = list_in(result, "topCandidates");
  Json tokens = Json::array();
  for (std::size_t i = 0; i < chosen->size(); ++i) {
    Json token = token_of((*chosen)[i]);
    token["top_logprobs"] = Json::array();
    const Json* others =
        tops != nullptr && i < tops->size() ? list_in((*tops)[i], "candidates") : nullptr;
    if (others != nullptr) {
      for (const Json& other : *others)
        token["top_logprobs"].push_back(token_of(other));
    }
    tokens.push_back(std::move(token));
  }
  return logprobs_piece(dump(tokens));
}

std::string logprobs_tokens(const std::vector<std::string>& pieces) {
  return std::string(member_text(joined_reported(pieces, Joining::grow), "content"));
}

void write_gemini_logprobs(const std::vector<std::string>& pieces, JsonWriter& out) {
  if (pieces.empty()) return;
  const auto tokens = parse_json(logprobs_tokens(pieces), wire_json_limits);
  if (!tokens.ok() || !tokens->is_array()) return;
  Json chosen = Json::array();
  Json tops = Json::array();
  for (const Json& token : *tokens) {
    chosen.push_back(candidate_of(token));
    Json candidates = Json::array();
    if (const Json* others = list_in(token, "top_logprobs")) {
      for (const Json& other : *others)
        candidates.push_back(candidate_of(other));
    }
    tops.push_back({{"candidates", std::move(candidates)}});
  }
  out.raw("logprobsResult",
          dump(Json{{"chosenCandidates", std::move(chosen)}, {"topCandidates", std::move(tops)}}));
}

}  // namespace redoubt::llm
