// How likely the tokens of an answer were, across the formats.
//
// 1. The neutral form is OpenAI's, which its two formats share: an object {"content": [{token,
//    logprob, bytes, top_logprobs: [...]}]}, in pieces as they came (Reported::logprobs).
// 2. Gemini has lists side by side: of the tokens chosen, and of those that might have been.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace redoubt::llm {

class JsonWriter;

/// A piece with these tokens, an array's text; "" where there are none.
std::string logprobs_piece(std::string_view tokens);
/// A piece of what Gemini tells of a candidate (logprobsResult); "" where it is nothing.
std::string logprobs_of_gemini(const nlohmann::json& result);

/// The tokens of all pieces as an array's text; "" where there are none.
std::string logprobs_tokens(const std::vector<std::string>& pieces);
/// Into a candidate that is open.
void write_gemini_logprobs(const std::vector<std::string>& pieces, JsonWriter& out);

}  // namespace redoubt::llm
