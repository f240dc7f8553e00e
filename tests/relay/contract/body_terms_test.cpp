#include "relay/contract/body_terms.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "engine/base/json.hpp"

namespace redoubt::contract {
namespace {

Json document() {
  return Json::parse(R"({
    "paths": {
      "/door": {"post": {"operationId": "openDoor", "requestBody": {"required": true, "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/Door"}},
        "image/png": {"schema": {}}}}}},
      "/wall": {"post": {"operationId": "openWall", "requestBody": {"content": {
        "application/json": {"schema": {"type": "wood"}}}}}},
      "/gate": {"post": {"operationId": "openGate"}}},
    "components": {"schemas": {
      "Door": {"type": "object", "properties": {"key": {"$ref": "#/components/schemas/Key"}}},
      "Key": {"type": "string", "minLength": 1}}}})");
}

Route route(const char* operation) {
  return {.method = http::Method::post,
          .pattern = "/door",
          .access = Access::anyone(),
          .dialect = Dialect::problem(),
          .operation = Operation::named(operation),
          .handler = http::Handler([](http::Request&) { return http::Response(); })};
}

TEST_CASE("what a body must fit is the operation's schema, with all that it refers to") {
  const BodyTerms terms = body_terms(document(), route("openDoor"));
  CHECK(terms.required);
  CHECK(terms.other_types == std::vector<std::string>{"image/png"});
  CHECK(terms.schema.accepts(Json::parse(R"({"key": "k"})")));
  CHECK_FALSE(terms.schema.accepts(Json::parse(R"({"key": ""})")));
  CHECK_FALSE(terms.schema.accepts(Json::parse("[]")));
}

TEST_CASE("a handler of checked bodies without a schema, or with a bad one, stops the start") {
  for (const char* operation : {"openGate", "openWindow", "openWall"}) {
    CAPTURE(operation);
    CHECK_THROWS_AS(body_terms(document(), route(operation)), std::invalid_argument);
  }
}

}  // namespace
}  // namespace redoubt::contract
