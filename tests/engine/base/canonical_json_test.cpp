#include "engine/base/canonical_json.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "engine/base/json.hpp"

using namespace redoubt;

namespace {
std::string rewritten(std::string_view text) {
  const auto value = parse_json(text);
  return value ? canonical(*value) : "refused";
}
}  // namespace

TEST_SUITE("base/canonical_json") {
  TEST_CASE("keys are sorted by their bytes, white space is gone") {
    CHECK(rewritten("{ \"b\": [1, {}, []], \"a\": {\"z\": null, \"Z\": true}, \"\\u00e9\": 0 }") ==
          "{\"a\":{\"Z\":true,\"z\":null},\"b\":[1,{},[]],\"\xc3\xa9\":0}");
  }

  TEST_CASE("a whole number has no fraction, whatever type held it") {
    CHECK(rewritten("[1.0, -0.0, 1e3, -2.5, 0.1, 9007199254740991.0]") ==
          "[1,0,1000,-2.5,0.1,9007199254740991]");
    CHECK(rewritten("[18446744073709551615, -9223372036854775808]") ==
          "[18446744073709551615,-9223372036854775808]");
    CHECK(canonical(Json(std::numeric_limits<double>::infinity())) == "null");
    CHECK(canonical(Json(std::numeric_limits<double>::quiet_NaN())) == "null");
  }

  TEST_CASE("strings escape what they must and nothing else") {
    CHECK(rewritten(R"("a\"\\\/\b\f\n\r\t\u0001\u20ac")") ==
          "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\xe2\x82\xac\"");
  }

  TEST_CASE("what is no UTF-8 can be shown all the same") {
    CHECK(canonical_utf8(Json("a\xff\xe2\x82z")) == "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
    CHECK(canonical_utf8(Json({{"\xc3\xa9", "\xe2\x82\xac"}})) ==
          "{\"\xc3\xa9\":\"\xe2\x82\xac\"}");
    CHECK(canonical_utf8(Json()) == "null");
  }

  TEST_CASE("canonical bytes read back to themselves") {
    for (const char* text : {"{}", "[]", "null", "1e+22", "[0.30000000000000004,1e-07]", "\"\""}) {
      const std::string once = rewritten(text);
      CHECK(rewritten(once) == once);
    }
    CHECK(canonical_hash(Json{{"a", 1}, {"b", 2.0}}) == canonical_hash(Json{{"b", 2}, {"a", 1.0}}));
    CHECK(canonical_hash(Json(1)) != canonical_hash(Json("1")));
  }
}
