#include "engine/schema/lenient.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/base/json.hpp"

namespace redoubt::schema {
namespace {

struct Case {
  const char* text;
  const char* value;  ///< canonical; empty: there is none
  std::uint32_t repairs;
};

// Every leaf as text, so that what was invented is seen.
void leaves(const Json& value, std::vector<std::string>& out) {
  if (value.is_structured()) {
    for (auto item = value.begin(); item != value.end(); ++item)
      leaves(*item, out);
  } else {
    out.push_back(value.dump());
  }
}

}  // namespace

TEST_CASE("the JSON of a model's answer, and what had to be mended") {
  const Case cases[] = {
      {R"({"a": 1})", R"({"a":1})", 0},
      {"  [1, 2]\n", "[1,2]", 0},
      {"\xEF\xBB\xBF [1]", "[1]", 0},
      {"Here you are:\n```json\n{\"a\": 1}\n```\nGood luck!", R"({"a":1})", repair_fence},
      {"```\n{\"a\": 1}", R"({"a":1})", repair_fence},
      {"The plan is {\"a\": 1}, as you asked.", R"({"a":1})", repair_prose},
      {"With {x} and {\"a\": 1}", R"({"a":1})", repair_prose},
      {"First [1], then {\"a\": 1}", R"({"a":1})", repair_prose},
      {R"({"a": [1, 2,], "b": 2,})", R"({"a":[1,2],"b":2})", repair_trailing_comma},
      {R"({'a': 'it\'s "so"'})", R"({"a":"it's \"so\""})", repair_single_quotes},
      {"{\"a\": 1, // one\n /* two */ \"b\": 2}", R"({"a":1,"b":2})", repair_comment},
      {R"({"a": True, "b": None, "c": False})", R"({"a":true,"b":null,"c":false})",
       repair_python_literal},
      {R"({a: 1, $b_2: 2})", R"({"$b_2":2,"a":1})", repair_unquoted_key},
      {"{\"a\": \"one\ntwo\"}", R"({"a":"one\ntwo"})", repair_raw_control},
      {R"({"a": 1, "b": [1, {"c": "half)", R"({"a":1,"b":[1,{}]})", repair_cut_off},
      {R"({"a": 1, "b": 12)", R"({"a":1})", repair_cut_off},
      {R"({"a": 1, "b")", R"({"a":1})", repair_cut_off},
      {R"({"a": 1, "b": tr)", R"({"a":1})", repair_cut_off},
      {R"({"a": 1,)", R"({"a":1})", repair_cut_off},
      {R"({"a": "\u00)", R"({})", repair_cut_off},
      {"{\"a\": 1 /* never", R"({"a":1})", repair_cut_off | repair_comment},
      {"I would rather not.", "", 0},
      {"", "", 0},
      {"{", "{}", repair_cut_off},
      {"{\"a\": 01}", "", 0},
      {"{\"a\": 1, \"a\": 2}", "", 0},
      {"{\"a\" 1}", "", 0},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    std::uint32_t repairs = 0;
    const auto read = read_lenient(one.text, repairs);
    if (!*one.value) {
      CHECK(!read);
      continue;
    }
    REQUIRE(read);
    CHECK(read->dump() == one.value);
    CHECK(repairs == one.repairs);
  }
}

TEST_CASE("valid JSON comes back as it is, and no beginning of it gives what it has not") {
  const std::string text =
      R"({"plan": ["go", "stay \"here\""], "n": -12.5e3, "deep": {"x": [true, null, {"y": ""}]}, "z": 7})";
  const auto whole = parse_json(text);
  REQUIRE(whole);
  std::uint32_t repairs = 1;
  const auto same = read_lenient(text, repairs);
  REQUIRE(same);
  CHECK(*same == *whole);
  CHECK(repairs == 0);
  std::vector<std::string> known;
  leaves(*whole, known);
  for (std::size_t length = 1; length < text.size(); ++length) {
    const auto part = read_lenient(std::string_view(text).substr(0, length), repairs);
    REQUIRE(part);
    CHECK((repairs & repair_cut_off) != 0);
    std::vector<std::string> found;
    leaves(*part, found);
    REQUIRE(found.size() <= known.size());
    for (const std::string& leaf : found) {
      CAPTURE(length);
      CHECK(std::find(known.begin(), known.end(), leaf) != known.end());
    }
  }
}

TEST_CASE("nesting and starts are bounded") {
  std::uint32_t repairs = 0;
  CHECK(!read_lenient(std::string(lenient_depth_max + lenient_starts_max, '['), repairs));
  CHECK(read_lenient(std::string(lenient_depth_max, '['), repairs));
  std::string starts;
  for (int i = 0; i < lenient_starts_max; ++i)
    starts += "{x} ";
  CHECK(!read_lenient(starts + R"({"a": 1})", repairs));
}

}  // namespace redoubt::schema
