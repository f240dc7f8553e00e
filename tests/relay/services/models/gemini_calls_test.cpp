#include "relay/services/models/gemini_calls.hpp"

#include <doctest/doctest.h>

#include "relay/contract/errors.hpp"
#include "relay/services/models/model_list.hpp"

namespace redoubt::services {
namespace {

http::Request asked(std::string_view model, std::string_view provider = {},
                    std::string_view query = {}) {
  http::Request request;
  request.query = query;
  request.parameters.push_back({"model", std::string(model)});
  if (!provider.empty()) request.parameters.push_back({"provider", std::string(provider)});
  return request;
}

TEST_CASE("gemini calls: the model and the method are in the address") {
  const auto whole = read_gemini_call(asked("gemini-3-pro:generateContent"));
  REQUIRE(whole);
  CHECK(whole->model == "gemini-3-pro");
  CHECK(whole->method == GeminiMethod::generate);
  const auto stream = read_gemini_call(asked("a:8b:streamGenerateContent", "ollama", "alt=sse"));
  REQUIRE(stream);
  CHECK(stream->model == "ollama/a:8b");
  CHECK(stream->method == GeminiMethod::stream);
  CHECK_FALSE(stream->as_list);
  CHECK(read_gemini_call(asked("a:streamGenerateContent"))->as_list);
  CHECK(read_gemini_call(asked("a:countTokens"))->method == GeminiMethod::count_tokens);
  CHECK(read_gemini_call(asked("a:embedContent"))->method == GeminiMethod::embed);
  CHECK(read_gemini_call(asked("a:batchEmbedContents"))->method == GeminiMethod::embed_batch);
  for (const char* bad : {"a", "a:", "a:asyncBatchEmbedContent", "generateContent"})
    CHECK(read_gemini_call(asked(bad)).error().code == "unknown_method");
}

TEST_CASE("gemini calls: what is counted is the body, or the request in it") {
  CHECK(gemini_content(R"({"contents":[]})") == R"({"contents":[]})");
  CHECK(gemini_content(R"({"generateContentRequest":{"model":"m","contents":[1]}})") ==
        R"({"model":"m","contents":[1]})");
  CHECK(gemini_content("[]") == "[]");
}

TEST_CASE("gemini calls: refusals before a handler have Google's shape") {
  const auto response =
      contract::error_response(contract::Dialect::gemini(), "r1",
                               {.status = 403, .code = "insufficient_scope", .message = "No."});
  CHECK(response.status == 403);
  CHECK(response.body.find(R"("code":403,"message":"No.","status":"PERMISSION_DENIED")") !=
        std::string::npos);
  CHECK(response.body.find(R"("reason":"INSUFFICIENT_SCOPE")") != std::string::npos);
}

}  // namespace
}  // namespace redoubt::services
