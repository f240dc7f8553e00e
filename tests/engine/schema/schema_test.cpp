#include "engine/schema/schema.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/base/json.hpp"

using namespace redoubt::schema;
namespace fs = std::filesystem;

namespace {

const fs::path suite = "../shared/json-schema-test-suite";

Json read(const fs::path& path) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto json = redoubt::parse_json(text);
  REQUIRE_MESSAGE(json.ok(), path.string());
  return json.value();
}

Schema compiled(const char* text) {
  auto schema = Schema::compile(*redoubt::parse_json(text));
  REQUIRE_MESSAGE(schema.ok(), text);
  return *schema;
}

}  // namespace

TEST_SUITE_BEGIN("schema");

TEST_CASE("every required case of the JSON Schema Test Suite") {
  if (!fs::exists(suite)) {
    MESSAGE("skipped: ../shared/json-schema-test-suite is not there");
    return;
  }
  Documents remotes;
  for (const auto& entry : fs::recursive_directory_iterator(suite / "remotes/draft2020-12"))
    if (entry.path().extension() == ".json")
      remotes["http://localhost:1234/" + fs::relative(entry.path(), suite / "remotes").string()] =
          read(entry.path());
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(suite / "tests/draft2020-12")) {
    if (!entry.is_regular_file()) continue;
    for (const Json& group : read(entry.path())) {
      const auto schema = Schema::compile(group["schema"], remotes);
      CAPTURE(entry.path().filename().string());
      CAPTURE(group["description"].get<std::string>());
      CHECK_MESSAGE(schema.ok(), (schema.ok() ? "" : schema.error().message));
      for (const Json& test : group["tests"]) {
        CAPTURE(test["description"].get<std::string>());
        if (schema) CHECK(schema.value().accepts(test["data"]) == test["valid"].get<bool>());
        ++cases;
      }
    }
  }
  CHECK(cases == 1299);
}

TEST_CASE("a fault says where and what") {
  const auto schema = compiled(
      R"({"properties":{"a/b":{"items":{"$ref":"#/$defs/small"}}},"required":["c"],
          "$defs":{"small":{"maximum":3}}})");
  const auto faults = schema.validate(*redoubt::parse_json(R"({"a/b":[1,5]})"), 10);
  REQUIRE(faults.size() == 2);
  CHECK(faults[0].schema_path == "/required");
  CHECK(faults[0].message == "The member \"c\" is missing.");
  CHECK(faults[1].instance_path == "/a~1b/1");
  CHECK(faults[1].schema_path == "/properties/a~1b/items/$ref/maximum");
  CHECK(faults[1].message == "The number 5 must be at most 3.");
}

TEST_CASE("numbers are compared exactly") {
  CHECK_FALSE(compiled(R"({"maximum":9007199254740992})").accepts(9007199254740993));
  CHECK_FALSE(compiled(R"({"const":9007199254740992.0})").accepts(9007199254740993));
  CHECK(compiled(R"({"multipleOf":0.01})").accepts(19.99));
  CHECK_FALSE(compiled(R"({"multipleOf":0.01})").accepts(19.995));
}

TEST_CASE("what cannot be resolved or read is refused when compiling") {
  for (const char* text :
       {R"({"$ref":"#/nowhere"})", R"({"$ref":"http://example.com/x"})", R"({"type":"text"})",
        R"({"items":[{}]})", R"j({"pattern":"(?=a)"})j", R"({"minLength":-1})", "3"}) {
    const auto schema = Schema::compile(*redoubt::parse_json(text));
    REQUIRE_MESSAGE(!schema.ok(), text);
    CHECK(schema.error().code == "bad_schema");
  }
}

TEST_CASE("a reference that leads nowhere is refused with its place") {
  const auto dead = Schema::compile(
      *redoubt::parse_json(R"({"properties":{"a/b":{"items":{"$ref":"#/$defs/no"}}}})"));
  REQUIRE_FALSE(dead.ok());
  CHECK(dead.error().path == "/properties/a~1b/items/$ref");
  const auto dynamic =
      Schema::compile(*redoubt::parse_json(R"({"not":{"$dynamicRef":"#nobody"}})"));
  REQUIRE_FALSE(dynamic.ok());
  CHECK(dynamic.error().path == "/not/$dynamicRef");
}

TEST_CASE("many items are unique or not without each being compared to each") {
  const auto schema = compiled(R"({"uniqueItems":true})");
  Json items = Json::array();
  for (int i = 0; i < 100000; ++i)
    items.push_back(Json{{"n", i}, {"t", "item"}});
  CHECK(schema.accepts(items));
  // The first item that repeats one is told, and the one that it repeats.
  items[70000] = items[12];
  items[50000] = items[90000];
  items[60000] = Json::parse(R"({"t":"item","n":3.0})");
  const auto faults = schema.validate(items, 3);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].message == "The items 3 and 60000 are equal, but items must be unique.");
  // Beyond what a double can tell apart, numbers are still compared as they are.
  CHECK(schema.accepts(*redoubt::parse_json("[9007199254740993, 9007199254740992]")));
  CHECK_FALSE(schema.accepts(*redoubt::parse_json("[1e18, 1000000000000000000]")));
}

TEST_CASE("a pattern is charged by what it can cost") {
  const auto schema = compiled(R"j({"pattern":"(?:(?:a?){100}){40}$"})j");
  CHECK(schema.accepts("aaaa"));
  const auto faults = schema.validate(std::string(200000, 'a'), 1);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].message.find("steps") != std::string::npos);
}

TEST_CASE("all patterns have one bound, whatever each of them takes") {
  // Each takes some 90 KB compiled; a thousand of them took 1.7 GB with what stands around them.
  Json properties = Json::object();
  for (int i = 0; i < 100; ++i)
    properties["p" + std::to_string(i)] = {{"pattern", "(?:a{90}){80}" + std::to_string(i)}};
  const auto sum = Schema::compile({{"properties", properties}});
  REQUIRE_FALSE(sum.ok());
  CHECK(sum.error().code == "bad_schema");
  CHECK(sum.error().path.find("/properties/p") == 0);
  CHECK(sum.error().message.find("1048576 bytes together") != std::string::npos);
  CHECK_FALSE(Schema::compile({{"pattern", "(?:(?:a{1000}){1000}){1000}"}}).ok());
  CHECK_FALSE(Schema::compile({{"patternProperties", {{"(?:a{1000}){1000}", true}}}}).ok());
  // Classes count as well as instructions.
  Json classes = Json::object();
  for (int i = 0; i < 400; ++i)
    classes["^\\p{L}{3}\\p{Nd}{3}" + std::to_string(i)] = true;
  CHECK_FALSE(Schema::compile({{"patternProperties", classes}}).ok());
  // One pattern is compiled once, however often it stands there.
  for (auto& one : properties)
    one = {{"pattern", "^[a-z]{1,64}$"}};
  CHECK(Schema::compile({{"properties", properties}}).ok());
}

TEST_CASE("schemas that are kept together share a budget") {
  redoubt::schema::Budget budget;
  const Json schema{{"type", "object"}, {"properties", {{"a", {{"pattern", "(?:ab{90}){40}"}}}}}};
  int good = 0;
  while (good < 1000 && Schema::compile(schema, budget).ok())
    ++good;
  CHECK(good > 10);
  CHECK(good < 50);
  CHECK(budget.pattern_bytes == 0);
  redoubt::schema::Budget small{3, 1000};
  CHECK(Schema::compile({{"items", {{"items", true}}}}, small).ok());
  CHECK(small.subschemas == 0);
  CHECK_FALSE(Schema::compile(true, small).ok());
}

TEST_CASE("a metaschema is not kept by each schema that names it") {
  redoubt::schema::Budget budget;
  for (int i = 0; i < 1000; ++i)
    REQUIRE(Schema::compile({{"$schema", "https://json-schema.org/draft/2020-12/schema"}}, budget)
                .ok());
  CHECK(budget.subschemas == redoubt::schema::subschemas_max - 1000);
}

TEST_CASE("the place of a fault is told, but not the whole of a key of half a megabyte") {
  const std::string key(300'000, 'k');
  Json inner = Json::object();
  for (int i = 0; i < 10'000; ++i)
    inner[std::to_string(i)] = true;
  inner["bad"] = 7;
  const auto schema = Schema::compile({{"properties", {{key, {{"properties", inner}}}}}});
  REQUIRE_FALSE(schema.ok());
  CHECK(schema.error().path.size() < 1000);
}

TEST_CASE("what is looked at is charged, whatever looks at it") {
  // A thousand subschemas that say nothing, over a list of a hundred thousand items.
  Json all = Json::array();
  for (int i = 0; i < 10'000; ++i)
    all.push_back(Json::object());
  const auto schema = Schema::compile({{"allOf", all}});
  REQUIRE(schema.ok());
  std::uint64_t steps = 0;
  const Json list(std::vector<int>(100'000, 1));
  const auto faults = schema.value().validate(list, 1, 1'000'000, steps);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].message.find("steps") != std::string::npos);
  CHECK(steps < 1'100'000);
}

TEST_CASE("a bound that is reached is a fault, whatever stands around it") {
  CHECK_FALSE(compiled(R"({"$ref":"#"})").accepts(1));
  CHECK_FALSE(compiled(R"({"not":{"$ref":"#/not"}})").accepts(1));
  // Each level doubles the work: 2^40 steps without the budget.
  Json defs = Json::object();
  for (int i = 0; i < 40; ++i) {
    const Json next = {{"$ref", "#/$defs/" + std::to_string(i + 1)}};
    defs[std::to_string(i)] = {{"allOf", {next, next}}};
  }
  defs["40"] = true;
  const auto bomb = Schema::compile({{"$defs", defs}, {"$ref", "#/$defs/0"}});
  REQUIRE(bomb.ok());
  CHECK(bomb.value().validate(1, 1)[0].message.find("the most steps") != std::string::npos);
}

TEST_SUITE_END();
