#include "relay/api/gemini_calls.hpp"

#include <doctest/doctest.h>

#include "relay/api/errors.hpp"

namespace redoubt::api {
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
  CHECK(dialect_of("/v1beta/models/a:generateContent") == Dialect::gemini);
  CHECK(dialect_of("/v1beta/models") == Dialect::gemini);
  CHECK(dialect_of("/v1/models/a:embedContent") == Dialect::gemini);
  CHECK(dialect_of("/v1/models/a/b:streamGenerateContent") == Dialect::gemini);
  for (const char* path : {"/v1/models", "/v1/models/a:8b", "/v1/chat/completions:countTokens"})
    CHECK(dialect_of(path) == Dialect::openai);
  http::Request request;
  request.path = "/v1beta/models";
  const auto response = error_response(
      request, "r1", {.status = 403, .code = "insufficient_scope", .message = "No."});
  CHECK(response.status == 403);
  CHECK(response.body.find(R"("code":403,"message":"No.","status":"PERMISSION_DENIED")") !=
        std::string::npos);
  CHECK(response.body.find(R"("reason":"INSUFFICIENT_SCOPE")") != std::string::npos);
}

TEST_CASE("gemini calls: a refusal at /v1/models has the shape of the SDK that asks") {
  const auto shape = [](std::vector<http::HeaderView> headers, std::string_view query = {}) {
    http::Request request;
    request.path = "/v1/models";
    request.query = query;
    request.headers = std::move(headers);
    const Dialect of_list = dialect_of(request);
    request.path = "/v1/models/strategist";
    CHECK(dialect_of(request) == of_list);
    return of_list;
  };
  CHECK(shape({}) == Dialect::openai);
  CHECK(shape({{"authorization", "Bearer x"}}) == Dialect::openai);
  CHECK(shape({{"anthropic-version", "2023-06-01"}}) == Dialect::anthropic);
  CHECK(shape({{"x-api-key", "x"}}) == Dialect::anthropic);
  CHECK(shape({{"x-goog-api-key", "x"}}) == Dialect::gemini);
  CHECK(shape({}, "key=x") == Dialect::gemini);
}

}  // namespace
}  // namespace redoubt::api
