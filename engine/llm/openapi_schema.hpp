// Gemini's Schema as JSON Schema.
//
// Gemini describes tools and answers in a part of OpenAPI's schema objects: types are written in
// capitals, null is `nullable`, counts may be texts, as protocol buffers write 64-bit numbers.
// Source: https://ai.google.dev/api/caching#Schema
#pragma once

#include <string>
#include <string_view>

namespace redoubt::llm {

/// REQUIRES: the text of a JSON value that parse_json() accepted. What only Gemini knows (the order
/// of properties, examples) is left out; what is JSON Schema already stays as it is. O(bytes)
std::string json_schema_of_openapi(std::string_view schema);

}  // namespace redoubt::llm
