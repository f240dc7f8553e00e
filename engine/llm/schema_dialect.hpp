// JSON Schemas in the dialect that a provider takes.
//
// 1. A schema that is in the dialect already goes out as its author wrote it, byte for byte.
// 2. OpenAI strict: every object closed, every property required (what was optional may be null
//    instead), no keyword outside the supported ones. An object that takes any key cannot be said.
// 3. Anthropic (output formats and strict tools): every object closed, no recursion; bounds on
//    numbers, lengths, counts and texts, which it refuses, go into the description in words. What
//    it compiles for one request is bounded (StrictWeight).
// 4. Gemini: its subset of JSON Schema; const becomes enum, oneOf becomes anyOf, and stands alone.
//    Cohere: every object requires something.
// 5. What is dropped makes the provider's check weaker, never the caller's: answers are checked
//    against the schema as it was written, after drop_nulls() for OpenAI strict.
// Sources: OpenAI "Structured outputs: supported schemas", Anthropic "Structured outputs", Gemini
// "Structured output" (all 2026).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt::llm {

enum class SchemaDialect : std::uint8_t { plain, openai_strict, anthropic, gemini, cohere };

/// The schema's text in a dialect. Errors: bad_schema where it is no JSON object, not_strict where
/// the dialect cannot say it.
Result<std::string> schema_in_dialect(std::string_view schema, SchemaDialect dialect);

/// What Anthropic compiles for one request, of all schemas together.
struct StrictWeight {
  std::int64_t tools = 0;
  std::int64_t optional = 0;  ///< properties that are not required
  std::int64_t unions = 0;    ///< parts of several types
};
constexpr StrictWeight anthropic_strict_max{20, 24, 16};

/// Whether a schema can be held to strictly by Anthropic within what is left; what it weighs is
/// then taken off.
bool fits_strictly(std::string_view schema, StrictWeight& left);

/// Takes out of an answer the nulls that OpenAI's strict form forced on optional members, where
/// the schema as it was written does not allow null there.
void drop_nulls(nlohmann::json& value, const nlohmann::json& schema);

}  // namespace redoubt::llm
