#include "relay/contract/sdk.hpp"

#include <doctest/doctest.h>

namespace redoubt::contract {
namespace {

using llm::WireFormat;

http::Request asked(std::string_view path, std::string_view header = {},
                    std::string_view query = {}) {
  http::Request request;
  request.path = path;
  request.query = query;
  if (!header.empty()) request.headers.push_back({header, "x"});
  return request;
}

TEST_CASE("which SDK asks: the path or its own headers say it") {
  CHECK(format_of_sdk(asked("/v1/models")) == WireFormat::openai_chat);
  CHECK(format_of_sdk(asked("/v1/models/nope", "authorization")) == WireFormat::openai_chat);
  CHECK(format_of_sdk(asked("/v1/models/nope", "anthropic-version")) == WireFormat::anthropic);
  CHECK(format_of_sdk(asked("/v1/models", "x-api-key")) == WireFormat::anthropic);
  CHECK(format_of_sdk(asked("/v1/models", "x-goog-api-key")) == WireFormat::gemini);
  CHECK(format_of_sdk(asked("/v1/models", {}, "key=x")) == WireFormat::gemini);
  CHECK(format_of_sdk(asked("/v1beta/models")) == WireFormat::gemini);
  CHECK(format_of_sdk(asked("/v1beta/models/nope", "x-api-key")) == WireFormat::gemini);
}

TEST_CASE("which SDK asks: refusals take its format's shape") {
  CHECK(dialect_of_sdk(asked("/v1/models", "authorization")) == Dialect::openai());
  CHECK(dialect_of_sdk(asked("/v1/models", "anthropic-version")) == Dialect::anthropic());
  CHECK(dialect_of_sdk(asked("/v1/models", "x-goog-api-key")) == Dialect::gemini());
}

}  // namespace
}  // namespace redoubt::contract
