#include "engine/llm/schema_dialect.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {
std::string converted(std::string_view schema, SchemaDialect dialect) {
  auto result = schema_in_dialect(schema, dialect);
  return result.ok() ? result.value() : result.error().code;
}
}  // namespace

TEST_SUITE("llm schema dialect") {
  TEST_CASE("a schema that is in the dialect keeps its author's order, byte for byte") {
    const std::string schema = R"({"type":"object","properties":{"why":{"type":"string"},
      "answer":{"type":"integer"}},"required":["why","answer"],"additionalProperties":false})";
    for (const auto dialect : {SchemaDialect::plain, SchemaDialect::openai_strict,
                               SchemaDialect::anthropic, SchemaDialect::gemini})
      CHECK(converted(schema, dialect) == schema);
  }

  TEST_CASE("OpenAI strict: closed, all required, what was optional may be null") {
    CHECK(converted(R"({"type":"object","properties":{"a":{"type":"string","minLength":2},
                        "b":{"enum":["x"],"type":"string"}},"required":["a"]})",
                    SchemaDialect::openai_strict) ==
          R"x({"additionalProperties":false,"properties":{"a":{"description":"(minLength: 2)",)x"
          R"("type":"string"},"b":{"enum":["x",null],"type":["string","null"]}},)"
          R"("required":["a","b"],"type":"object"})");
  }

  TEST_CASE("OpenAI strict: what it cannot say is told") {
    CHECK(converted(R"({"type":"object","additionalProperties":{"type":"string"}})",
                    SchemaDialect::openai_strict) == "not_strict");
    CHECK(converted(R"({"type":"array"})", SchemaDialect::openai_strict) == "not_strict");
    CHECK(converted("[]", SchemaDialect::plain) == "bad_schema");
    CHECK(converted("{", SchemaDialect::plain) == "bad_json");
  }

  TEST_CASE("Anthropic: bounds go into words, optional stays optional") {
    CHECK(converted(R"({"type":"object","properties":{"n":{"type":"integer","minimum":1,
                        "description":"how many"}}})",
                    SchemaDialect::anthropic) ==
          R"({"additionalProperties":false,"properties":{"n":{"description":)"
          R"x("how many (minimum: 1)","type":"integer"}},"type":"object"})x");
  }

  TEST_CASE("Gemini: const is an enum of one, oneOf is anyOf, the rest is dropped") {
    CHECK(converted(R"({"$schema":"s","oneOf":[{"const":"a"},{"type":"null"}]})",
                    SchemaDialect::gemini) == R"({"anyOf":[{"enum":["a"]},{"type":"null"}]})");
  }

  TEST_CASE("nulls that strictness forced are taken out, others stay") {
    Json value = Json::parse(R"({"a":null,"b":null,"c":[{"d":null}],"e":null})");
    const Json schema = Json::parse(R"({"properties":{"a":{"type":"string"},
      "b":{"type":["string","null"]},"c":{"items":{"properties":{"d":{"type":"string"}}}},
      "e":{"type":"string"}},"required":["e"]})");
    drop_nulls(value, schema);
    CHECK(value.dump() == R"({"b":null,"c":[{}],"e":null})");
  }
}
