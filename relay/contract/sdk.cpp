#include "relay/contract/sdk.hpp"

namespace redoubt::contract {

using llm::WireFormat;

WireFormat format_of_sdk(const http::Request& request) {
  if (request.path.starts_with("/v1beta/")) return WireFormat::gemini;
  if (request.header("anthropic-version") || request.header("x-api-key"))
    return WireFormat::anthropic;
  const bool google = request.header("x-goog-api-key") || request.query_parameter("key");
  return google ? WireFormat::gemini : WireFormat::openai_chat;
}

Dialect dialect_of_sdk(const http::Request& request) {
  switch (format_of_sdk(request)) {
    case WireFormat::anthropic:
      return Dialect::anthropic();
    case WireFormat::gemini:
      return Dialect::gemini();
    default:
      return Dialect::openai();
  }
}

}  // namespace redoubt::contract
