#include "engine/llm/schema_dialect.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"
#include "engine/llm/schema_shape.hpp"

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

  TEST_CASE("Gemini: references are followed, parts of allOf are one, nothing is lost") {
    const char* place = R"({"type":"object","properties":{"p":{"$ref":"#/DEFS/P"},"q":{)"
                        R"("$ref":"#/DEFS/P","description":"where"}},"DEFS":{"P":{"type":"object",)"
                        R"("properties":{"x":{"type":"integer"},"n":{"$ref":"#/DEFS/P"}}}}})";
    for (const char* defs : {"$defs", "definitions"}) {
      std::string schema = place;
      for (std::size_t at = schema.find("DEFS"); at != schema.npos; at = schema.find("DEFS"))
        schema.replace(at, 4, defs);
      const Json made = Json::parse(converted(schema, SchemaDialect::gemini));
      CAPTURE(made.dump());
      CHECK(!made.contains(defs));
      CHECK(made.dump().find("$ref") == std::string::npos);
      CHECK(made["properties"]["p"]["properties"]["x"]["type"] == "integer");
      CHECK(made["properties"]["q"]["description"] == "where");
      CHECK(made["properties"]["q"]["properties"].contains("x"));
      CHECK(made["properties"]["p"]["properties"]["n"]["type"] == "object");  // it is in itself
    }
    const Json merged = Json::parse(converted(
        R"({"type":"object","allOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},)"
        R"({"properties":{"b":{"type":"string"},"a":{"minLength":2}},"required":["b"]},)"
        R"({"allOf":[{"properties":{"c":{"type":"string"}}}]}]})",
        SchemaDialect::gemini));
    CHECK(merged["properties"].size() == 3);
    CHECK(merged["required"] == Json{"a", "b"});
    CHECK(merged["properties"]["a"]["description"] == "(minLength: 2)");
    // References that lead into one another twofold at each step end.
    std::string wide = R"({"$ref":"#/$defs/a0","$defs":{)";
    for (int i = 0; i < 60; ++i) {
      const std::string next = R"({"$ref":"#/$defs/a)" + std::to_string(i + 1) + R"("})";
      wide += (i > 0 ? "," : "") + std::string("\"a") + std::to_string(i) +
              R"(":{"properties":{"l":)" + next + R"(,"r":)" + next + "}}";
    }
    CHECK(converted(wide + "}}", SchemaDialect::gemini).size() < 20'000'000);
  }

  TEST_CASE("Gemini: choices stand alone, as far as that is short") {
    CHECK(converted(R"({"anyOf":[{"type":"string"},{"type":"null"}],"description":"d"})",
                    SchemaDialect::gemini) ==
          R"({"anyOf":[{"description":"d","type":"string"},{"description":"d","type":"null"}]})");
    std::string wide = R"({"description":")" + std::string(100'000, 'd') + R"(","anyOf":[{})";
    for (int i = 0; i < 1'000; ++i)
      wide += ",{}";
    CHECK(converted(wide + "]}", SchemaDialect::gemini).size() < 200'000);
  }

  TEST_CASE(
      "Anthropic: what it cannot compile is told, and what one request may weigh is bounded") {
    for (
        const char* schema :
        {R"({"type":"object","properties":{"m":{"type":"object"}}})",
         R"({"type":"object","properties":{"t":{"$ref":"#/$defs/T"}},"$defs":{"T":{"type":"object","properties":{"t":{"$ref":"#/$defs/T"}}}}})"})
      CHECK(converted(schema, SchemaDialect::anthropic) == "not_strict");
    CHECK(converted(R"({"type":"object","properties":{"a":{"type":"string","pattern":"x"},)"
                    R"("d":{"type":"string","format":"uri-template"}}})",
                    SchemaDialect::anthropic)
              .find("\"pattern\"") == std::string::npos);
    StrictWeight left = anthropic_strict_max;
    const char* ten = R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"},
      "c":{"type":"string"},"d":{"type":"string"},"e":{"type":"string"},"f":{"type":"string"},
      "g":{"type":"string"},"h":{"type":"string"},"i":{"type":"string"},"j":{"type":"string"}}})";
    CHECK(fits_strictly(ten, left));
    CHECK(fits_strictly(ten, left));
    CHECK(!fits_strictly(ten, left));
    CHECK(left.optional == 4);
  }

  TEST_CASE("OpenAI strict: limits of depth and of what is said, and no part without a type") {
    for (
        const char* schema :
        {R"({"type":"object","properties":{"a":{}}})",
         R"({"type":"object","properties":{"a":{"type":"array"}}})",
         R"({"type":"object","properties":{"a":{"$ref":"#/properties/b"},"b":{"type":"string"}}})"})
      CHECK(converted(schema, SchemaDialect::openai_strict) == "not_strict");
    std::string deep = R"({"type":"string"})";
    for (int i = 0; i < 10; ++i)
      deep = R"({"type":"object","properties":{"a":)" + deep + "}}";
    CHECK(converted(deep, SchemaDialect::openai_strict) == "not_strict");
    CHECK(converted(
              R"({"type":"object","properties":{"a":{"$ref":"#/$defs/A","description":"d"}},)"
              R"("required":["a"],"$defs":{"A":{"type":"string"}},"additionalProperties":false})",
              SchemaDialect::openai_strict)
              .find(R"("anyOf":[{"$ref":"#/$defs/A"}])") != std::string::npos);
  }

  TEST_CASE("a tool's root is an object with properties and no combination") {
    CHECK(rooted_schema(R"({"type":"object","properties":{"z":{},"a":{}}})") ==
          R"({"type":"object","properties":{"z":{},"a":{}}})");
    CHECK(rooted_schema("{}") == R"({"type":"object","properties":{}})");
    CHECK(rooted_schema(R"({"type":"object","description":"d"})") ==
          R"({"type":"object","description":"d","properties":{}})");
    const Json one = Json::parse(rooted_schema(
        R"({"anyOf":[{"type":"object","properties":{"a":{},"k":{}},"required":["a","k"]},)"
        R"({"type":"object","properties":{"b":{},"k":{}},"required":["b","k"]}]})"));
    CHECK(one["type"] == "object");
    CHECK(one["properties"].size() == 3);
    CHECK(one["required"] == Json{"k"});
    CHECK(one["description"] == "(one of: a, k | b, k)");
    const Json named = Json::parse(rooted_schema(
        R"({"$ref":"#/definitions/T","definitions":{"T":{"type":"object","properties":{"a":{}}}}})"));
    CHECK(named["properties"].contains("a"));
    CHECK(!named.contains("$ref"));
  }

  // 30 references on each of three levels to a leaf of so many bytes: 27,000 leaves written out.
  std::string fanned(std::size_t leaf_bytes) {
    Json defs = Json::object();
    defs["d3"] = Json{{"type", "string"}, {"description", std::string(leaf_bytes, 'x')}};
    for (int level = 2; level >= 0; --level) {
      Json properties = Json::object();
      for (int i = 0; i < 30; ++i)
        properties["p" + std::to_string(i)] = {{"$ref", "#/$defs/d" + std::to_string(level + 1)}};
      defs["d" + std::to_string(level)] = {{"type", "object"}, {"properties", properties}};
    }
    return Json{{"$ref", "#/$defs/d0"}, {"$defs", defs}}.dump();
  }

  TEST_CASE("references and choices are written out as far as a schema may grow") {
    for (const std::size_t leaf : {10u, 800u, 20'000u, 300'000u}) {
      const std::string schema = fanned(leaf);
      const std::size_t most = schema.size() + growth_max(schema);
      CHECK(growth_max(schema) <= 256 * 1024);
      for (const std::string& said :
           {*schema_in_dialect(schema, SchemaDialect::gemini), rooted_schema(schema)}) {
        // What is left of references has a type and a name each.
        CHECK(said.size() <= 3 * most);
        CHECK(Json::parse(said)["properties"].size() == 30);
        CHECK(said.find("$ref") == std::string::npos);
      }
    }
    Json choices{{"description", std::string(5'000, 'x')}, {"anyOf", Json::array()}};
    for (int i = 0; i < 20'000; ++i)
      choices["anyOf"].push_back({{"type", "string"}});
    const std::string wide = choices.dump();
    CHECK(schema_in_dialect(wide, SchemaDialect::gemini)->size() <= wide.size() + growth_max(wide));
  }

  TEST_CASE("many parts with words of their own are joined in one go") {
    Json all{{"type", "object"}, {"allOf", Json::array()}};
    for (int i = 0; i < 30'000; ++i)
      all["allOf"].push_back({{"description", "part " + std::to_string(i)}});
    const Json joined = Json::parse(rooted_schema(all.dump()));
    CHECK(joined["description"].get<std::string>().ends_with("(part 29999)"));
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
