#include "engine/base/document.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"

using namespace redoubt;

namespace {

std::string at(Position place) {
  return std::to_string(place.line) + ":" + std::to_string(place.column);
}

}  // namespace

TEST_CASE("a JSON document knows where each part stands") {
  const auto document =
      read_json_document("{\n  \"a\": [1, {\"b/c~\\n\": true}],\n  \"s\" :\n\"x\\\"\"}");
  REQUIRE(document.ok());
  CHECK(document->value()["s"] == "x\"");
  CHECK(at(document->value_at("")) == "1:1");
  CHECK(at(document->key_at("/a")) == "2:3");
  CHECK(at(document->value_at("/a")) == "2:8");
  CHECK(at(document->value_at("/a/1")) == "2:12");
  CHECK(at(document->key_at("/a/1/b~1c~0\n")) == "2:13");
  CHECK(at(document->value_at("/a/1/b~1c~0\n")) == "2:23");
  CHECK(at(document->value_at("/s")) == "4:1");
}

TEST_CASE("what is missing stands where its nearest enclosing part does") {
  const auto document = read_json_document("{\"a\":\n{}}");
  CHECK(at(document->value_at("/a/b/0")) == "2:1");
  CHECK(at(document->value_at("/x")) == "1:1");
  CHECK(at(Document(Json(1)).value_at("")) == "0:0");
}

TEST_CASE("what is not JSON is refused as parse_json refuses it") {
  const auto document = read_json_document("{\"a\":1,\"a\":2}");
  REQUIRE(!document.ok());
  CHECK(document.error().code == "bad_json");
  CHECK(!read_json_document("[[1]]", JsonLimits{.depth_max = 1}).ok());
}

TEST_CASE("a long key is not in the place of everything below it") {
  std::string text = "{\"" + std::string(300'000, 'k') + "\":[1";
  for (int i = 0; i < 100'000; ++i)
    text += ",1";
  text += "],\"b\":[2]}";
  const auto document = read_json_document(text);
  REQUIRE(document);
  CHECK(at(document->value_at("/" + std::string(300'000, 'k') + "/5")) == "1:1");
  CHECK(document->value_at("/b/0").column > 300'000);
}

TEST_CASE("pointers escape what RFC 6901 asks") {
  CHECK(pointer_to("/a", "b/~") == "/a/b~1~0");
  CHECK(pointer_to("", std::size_t{3}) == "/3");
}
