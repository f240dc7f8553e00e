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
