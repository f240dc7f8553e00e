// GeminiCalls: what Google's API says in an address and other formats in a body.
//
//   POST /v1beta/models/NAME:METHOD     NAME may have a provider and a slash before it
//   POST /v1/models/NAME:METHOD         the same: Google's Python SDK calls it so since its third
//                                       version
//   ?alt=sse                            the chunks of a stream as events, else as one JSON list
//
// Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/api/embeddings
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "relay/http/message.hpp"

namespace redoubt::services {

enum class GeminiMethod : std::uint8_t { generate, stream, count_tokens, embed, embed_batch };

struct GeminiCall {
  std::string model;
  GeminiMethod method = GeminiMethod::generate;
  bool as_list = false;  ///< of a stream
};

/// The model that a path names with {model}, {provider}/{model} ("google/gemini-3-pro") or
/// {provider}/{maker}/{model} ("openrouter/openai/gpt-5.4").
std::string model_in_path(const http::Request& request);
/// Errors: unknown_method.
Result<GeminiCall> read_gemini_call(const http::Request& request);

/// The request whose tokens are to be counted: the body, or what it has as generateContentRequest.
/// REQUIRES: text that parse_json() accepted.
std::string_view gemini_content(std::string_view body);

}  // namespace redoubt::services
