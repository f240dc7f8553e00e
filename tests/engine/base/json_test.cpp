#include "engine/base/json.hpp"

#include <doctest/doctest.h>

using namespace redoubt;

namespace {

Error refused(std::string_view text, JsonLimits limits = {}) {
  const Result<Json> json = parse_json(text, limits);
  REQUIRE(!json.ok());
  CHECK(json.error().code == "bad_json");
  return json.error();
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("a JSON text is read") {
  const Result<Json> json = parse_json(R"( {"a": [1, -2.5, true, null, "é\u00e9"], "b": {}} )");
  REQUIRE(json.ok());
  CHECK((*json)["a"].size() == 5);
  CHECK((*json)["a"][1] == -2.5);
  CHECK((*json)["a"][4] == "\xc3\xa9\xc3\xa9");
  CHECK(parse_json("7").ok());
  CHECK(parse_json("18446744073709551615")->get<std::uint64_t>() == UINT64_MAX);
}

TEST_CASE("what is not JSON is refused with line and column") {
  const Error error = refused("{\n  \"a\": 1,\n  b\n}");
  CHECK(error.line == 3);
  CHECK(error.column == 3);
  refused("");
  refused("{} {}");
  refused("[1,]");
  refused("// no\n1");
  refused("\"\x80\"");
  refused("nul");
}

TEST_CASE("depth is bounded before it costs memory") {
  CHECK(parse_json(nested(32)).ok());
  CHECK(refused(nested(33)).message.find("32") != std::string::npos);
  CHECK(refused(std::string(1'000'000, '[')).message.find("deeper") != std::string::npos);
  CHECK(refused(nested(5), {.bytes_max = 100, .depth_max = 4}).message.find("4 levels") !=
        std::string::npos);
}

TEST_CASE("size is bounded") {
  CHECK(refused("[1,2,3,4]", {.bytes_max = 8}).message.find("9 bytes") != std::string::npos);
}

TEST_CASE("a key that appears twice in one object is refused") {
  CHECK(refused(R"({"a": 1, "a": 2})").message.find("\"a\"") != std::string::npos);
  CHECK(parse_json(R"([{"a": 1}, {"a": 2}])").ok());
  CHECK(parse_json(R"({"a": {"a": 1}})").ok());
}

TEST_CASE("fields gather the first fault with its path") {
  const Json json = Json::parse(R"({"n": 5, "s": "text", "big": 18446744073709551615})");
  JsonFields fields(json, "bad_thing", "root");
  CHECK(fields.integer("n", 0, 10) == 5);
  CHECK(fields.text("s", 4) == "text");
  CHECK(fields.integer_or("missing", 0, 10, 3) == 3);
  CHECK(fields.text_or("missing", 9, "x") == "x");
  CHECK(fields.ok());
  CHECK(fields.integer("big", 0, INT64_MAX) == 0);
  REQUIRE(!fields.ok());
  CHECK(fields.error().path == "root.big");
  // Later faults do not hide the first.
  fields.text("n", 10);
  CHECK(fields.error().path == "root.big");
}

TEST_CASE("a missing, mistyped or out of range member is a fault") {
  const Json json = Json::parse(R"({"n": 11, "f": 1.0, "s": "long"})");
  const auto fault = [&](auto&& read) {
    JsonFields fields(json, "bad_thing");
    read(fields);
    REQUIRE(!fields.ok());
    CHECK(fields.error().code == "bad_thing");
    return fields.error();
  };
  CHECK(fault([](JsonFields& f) { f.integer("n", 0, 10); }).got == "11");
  CHECK(fault([](JsonFields& f) { f.integer("f", 0, 10); }).path == "f");
  CHECK(fault([](JsonFields& f) { f.text("s", 3); }).expected == "a text of at most 3 bytes");
  CHECK(fault([](JsonFields& f) { f.member("none"); }).got == "nothing");
  CHECK(fault([](JsonFields& f) { f.refuse_unknown(); }).path == "f");
}

TEST_CASE("only an object has fields") {
  const Json json = Json::array();
  JsonFields fields(json, "bad_thing", "here");
  REQUIRE(!fields.ok());
  CHECK(fields.error().path == "here");
  CHECK(fields.integer_or("n", 0, 1, 1) == 1);
}

TEST_CASE("values are described shortly and without throwing") {
  CHECK(describe(Json(3)) == "3");
  CHECK(describe(Json::object()) == "an object");
  CHECK(describe(Json::array({1, 2})) == "an array of 2");
  CHECK(describe(Json(std::string(100, 'x'))) == "a long string");
  CHECK(describe(Json("\xff")).size() > 0);
}

TEST_CASE("nothing hides behind a NUL byte") {
  for (const std::string_view text : {std::string_view("{}\0x", 4), std::string_view("{}\0", 3),
                                      std::string_view("[1,\0 2]", 7)}) {
    const auto read = parse_json(text);
    REQUIRE(!read);
    CHECK(read.error().column == static_cast<int>(text.find('\0')) + 1);
  }
}
