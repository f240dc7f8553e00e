#include "engine/base/json_parser.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <string>

#include "engine/base/json.hpp"
#include "engine/base/rng.hpp"

using namespace redoubt;

namespace {

constexpr int depth_max = 32;
constexpr std::size_t memory_max = 1 << 20;

/// nlohmann's own parser is the reference; it takes repeated keys and any depth.
void check_beside_reference(const std::string& text) {
  CAPTURE(text);
  Json json;
  JsonParser parser(text, depth_max, memory_max);
  const bool good = parser.read(json);
  const Json reference = Json::parse(text, nullptr, false);
  if (!good && (parser.fault().find("twice") != std::string::npos ||
                parser.fault().find("deeper") != std::string::npos))
    return;
  REQUIRE(good == !reference.is_discarded());
  if (!good) return;
  // Byte for byte, so that 1 and 1.0 are told apart.
  CHECK(json.dump(-1, ' ', true) == reference.dump(-1, ' ', true));
  CHECK(json.type() == reference.type());
}

const std::array<std::string, 18> texts{
    R"({"model":"gpt-5-mini","messages":[{"role":"user","content":"Where to?\n\"there\""}],"n":1})",
    R"([0,-0,1,-1,10,1.0,1.5e3,1E-7,2e+2,-2.25,0.1,9007199254740993,123456789012345678])",
    R"([18446744073709551615,18446744073709551616,-9223372036854775808,-9223372036854775809])",
    R"([1.7976931348623157e308,5e-324,1e-400,2.2250738585072014e-308,1e308])",
    R"(["\u0000\u001f\u007f\u0080\u07ff\u0800\uffff\ud83d\ude00\uDBFF\uDFFF","\/\b\f\n\r\t\\\""])",
    "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"]",
    "\"eight by eight, and then a tail of a few bytes more\"",
    "\"1234567\\n12345678\\n123456789\\n\"",
    " \t\r\n{ \"a\" : [ ] , \"b\" : { } , \"\" : null } \n",
    R"([[[[]]],{"a":{"b":{"c":[true,false,null]}}}])",
    "true",
    "null",
    "-12",
    "\"\"",
    "{}",
    "[]",
    "\xEF\xBB\xBF[1]",
    R"({"a":1,"b":2,"c":{"a":1}})",
};

}  // namespace

TEST_CASE("a good text gives what the reference gives") {
  for (const std::string& text : texts)
    check_beside_reference(text);
}

TEST_CASE("so does a text with one byte changed, left out or put in") {
  Rng rng(20'260'101);
  constexpr std::string_view bytes =
      "{}[]\",:\\/ue+-.019a \n\x01\x1f\x7f\x80\xbf\xc0\xc3\xed\xf4\xff";
  const auto byte = [&] { return bytes[rng.below(static_cast<std::uint32_t>(bytes.size()))]; };
  for (const std::string& text : texts) {
    for (std::size_t at = 0; at <= text.size(); ++at) {
      std::string inserted = text;
      inserted.insert(at, 1, byte());
      check_beside_reference(inserted);
      if (at == text.size()) continue;
      std::string changed = text;
      changed[at] = byte();
      check_beside_reference(changed);
      check_beside_reference(text.substr(0, at) + text.substr(at + 1));
      check_beside_reference(text.substr(0, at));
    }
  }
}

TEST_CASE("every byte is looked at, wherever it lies in a string") {
  const std::string plain(40, 'x');
  for (int byte = 1; byte < 256; ++byte) {
    for (std::size_t at = 0; at < plain.size(); ++at) {
      std::string text = plain;
      text[at] = static_cast<char>(byte);
      check_beside_reference("\"" + text + "\"");
    }
  }
}

TEST_CASE("numbers keep their kind") {
  CHECK(parse_json("7")->is_number_unsigned());
  CHECK(parse_json("-7")->type() == Json::value_t::number_integer);
  CHECK(parse_json("-0")->type() == Json::value_t::number_integer);
  CHECK(parse_json("7.0")->is_number_float());
  CHECK(parse_json("18446744073709551616")->is_number_float());
  CHECK(parse_json("-9223372036854775808")->get<std::int64_t>() == INT64_MIN);
  CHECK(parse_json("-9223372036854775809")->is_number_float());
  CHECK(std::signbit(parse_json("-0.0")->get<double>()));
}

TEST_CASE("a fault says where it is and what was expected") {
  const auto fault = [](std::string_view text) {
    const auto json = parse_json(text);
    REQUIRE(!json.ok());
    return std::to_string(json.error().column) + " " + json.error().message;
  };
  CHECK(fault("") == "1 not valid JSON: expected a value, got the end of the text");
  CHECK(fault("[1,]") == "4 not valid JSON: expected a value");
  CHECK(fault("[1 2]") == "4 not valid JSON: expected a comma or ]");
  CHECK(fault("{\"a\" 1}") == "6 not valid JSON: expected a colon");
  CHECK(fault("{a: 1}") == "2 not valid JSON: expected a key in quotes");
  CHECK(fault("{\"a\": 1, \"a\": 2}") == "10 the key \"a\" appears twice in one object");
  CHECK(fault("[1e999]") == "2 a number that is too large");
  CHECK(fault("{} {}") == "4 not valid JSON: expected nothing after the value");
  CHECK(fault(R"(["\ud800x"])") ==
        "9 not valid JSON: expected the second half of a surrogate pair");
}

TEST_CASE("a value is refused before it takes more memory than it may") {
  // Bytes by json_weights.
  const auto taken = [](const std::string& text, std::size_t most) {
    return parse_json(text, {.bytes_max = text.size(), .memory_max = most}).ok();
  };
  const auto takes = [&](const std::string& text, std::size_t bytes) {
    CAPTURE(text);
    CHECK(taken(text, bytes));
    if (bytes > 0) CHECK(!taken(text, bytes - 1));
    CHECK(weight_of(parse_json(text).value()) == bytes);
  };
  takes("17", 0);
  takes("[]", 64);
  takes("[1,2]", 64 + 2 * 32);
  takes("[[],[]]", 64 + 2 * (32 + 64));
  takes(R"({"a":true})", 64 + 96);
  takes(R"(["short","sixteen letters."])", 64 + 2 * (32 + 48) + 16 + 16);
  takes(R"({"sixteen letters.":{}})", 64 + 96 + 16 + 16 + 64);

  std::string many = "[";
  for (int i = 0; i < 300'000; ++i)
    many += "[],";
  many.back() = ']';
  const auto refused = parse_json(many);
  REQUIRE(!refused.ok());
  CHECK(refused.error().message ==
        "a value of so many parts that it takes more than 16777216 bytes of memory");
  CHECK(refused.error().column > 500'000);
}

TEST_CASE("no value takes more memory than its parts are said to take") {
  // What the allocator hands out for each part on this platform, at the least favourable sizes.
  CHECK(sizeof(Json) * 2 <= json_weights::item);
  CHECK(sizeof(std::pair<const std::string, Json>) + 4 * sizeof(void*) + 2 * sizeof(void*) <=
        json_weights::member);
  CHECK(sizeof(Json::object_t) + 2 * sizeof(void*) <= json_weights::container);
  CHECK(sizeof(std::string) + 2 * sizeof(void*) <= json_weights::text);
}
