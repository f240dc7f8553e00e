#include "relay/services/models/gemini_calls.hpp"

#include <algorithm>
#include <iterator>

#include "engine/base/message.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::services {
namespace {

struct Method {
  std::string_view name;
  GeminiMethod method;
};
constexpr Method methods[] = {{"generateContent", GeminiMethod::generate},
                              {"streamGenerateContent", GeminiMethod::stream},
                              {"countTokens", GeminiMethod::count_tokens},
                              {"embedContent", GeminiMethod::embed},
                              {"batchEmbedContents", GeminiMethod::embed_batch}};

}  // namespace

std::string model_in_path(const http::Request& request) {
  std::string name;
  for (const char* before : {"provider", "maker"}) {
    const std::string_view part = request.parameter(before);
    if (!part.empty()) name += joined({part, "/"});
  }
  return name += request.parameter("model");
}

Result<GeminiCall> read_gemini_call(const http::Request& request) {
  GeminiCall call{.model = model_in_path(request)};
  const std::size_t colon = call.model.rfind(':');
  const std::string name = colon == call.model.npos ? std::string() : call.model.substr(colon + 1);
  for (const Method& each : methods) {
    if (each.name != name) continue;
    call.model.resize(colon);
    call.method = each.method;
    call.as_list = request.query_parameter("alt") != "sse";
    return call;
  }
  return make_error(
      "unknown_method",
      {"There is no such method of a model here; there are generateContent, "
       "streamGenerateContent, countTokens, embedContent and batchEmbedContents, after "
       "the model's name and a colon."},
      {},
      {"generateContent, streamGenerateContent, countTokens, embedContent or "
       "batchEmbedContents"},
      {name});
}

std::string_view gemini_content(std::string_view body) {
  for (const char* name : {"generateContentRequest", "generate_content_request"}) {
    const std::string_view inner = llm::member_text(body, name);
    if (!inner.empty()) return inner;
  }
  return body;
}

}  // namespace redoubt::services
