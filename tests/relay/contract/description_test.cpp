#include "relay/contract/description.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "engine/base/json.hpp"

namespace redoubt::contract {
namespace {

constexpr std::string_view base = R"({
  "openapi": "3.1.0",
  "info": {"title": "A relay", "version": ""},
  "components": {
    "responses": {"Problem": {
      "description": "Refused",
      "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}},
    "schemas": {"Problem": {"type": "object"}}}})";

constexpr std::string_view doors = R"({
  "tag": {"name": "doors", "description": "What opens"},
  "operations": {
    "openDoor": {
      "summary": "Opens one",
      "responses": {
        "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Door"}}}},
        "400": {"description": "Stuck"},
        "404": {"content": {"text/plain": {}}}
      }
    }
  },
  "schemas": {"Door": {"type": "object"}}})";

Route route(std::string pattern, Operation operation) {
  return {.method = http::Method::post,
          .pattern = std::move(pattern),
          .access = Access::anyone(),
          .dialect = Dialect::problem(),
          .operation = std::move(operation),
          .handler = http::Handler([](http::Request&) { return http::Response(); })};
}

Routes routes_of(std::vector<Route> list) {
  Routes routes;
  routes.add_all(std::move(list));
  return routes;
}

/// What describe() says of them, "" where it describes them.
std::string complaint(std::vector<Route> list, std::vector<std::string_view> services) {
  try {
    describe(routes_of(std::move(list)), {base, std::move(services), "1"});
    return {};
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST_CASE("a description has the routes' paths and the services' words") {
  const Routes routes = routes_of({route("/door", Operation::named("openDoor")),
                                   route("/gate", Operation::also("openDoor")),
                                   route("/page", Operation::undescribed())});
  const Json document = Json::parse(describe(routes, {base, {doors}, "1.2.3"}));
  CHECK(document["info"]["version"] == "1.2.3");
  CHECK(document["tags"] == Json::parse(R"([{"name": "doors", "description": "What opens"}])"));
  REQUIRE(document["paths"].size() == 1);
  const Json& operation = document["paths"]["/door"]["post"];
  CHECK(operation["operationId"] == "openDoor");
  CHECK(operation["tags"] == Json::array({"doors"}));
  CHECK(operation["summary"] == "Opens one");
  CHECK(document["components"]["schemas"].size() == 2);
  // Refusals have the dialect's shape where the service says none.
  const Json& responses = operation["responses"];
  CHECK(responses["default"]["$ref"] == "#/components/responses/Problem");
  CHECK(responses["400"]["description"] == "Stuck");
  CHECK(responses["400"]["content"].contains("application/problem+json"));
  CHECK(responses["404"]["content"] == Json::parse(R"({"text/plain": {}})"));
}

TEST_CASE("a route or an operation that the other side does not know stops the start") {
  const auto door = [] { return route("/door", Operation::named("openDoor")); };
  CHECK(complaint({door()}, {doors}) == "");
  CHECK(complaint({door(), route("/wall", Operation::named("openWall"))}, {doors}) ==
        "route /wall: no service describes openWall");
  CHECK(complaint({door(), route("/wall", Operation::also("openWall"))}, {doors}) ==
        "route /wall: no service describes openWall");
  CHECK(complaint({door(), route("/wall", Operation::named(""))}, {doors}) ==
        "route /wall: no service describes ");
  CHECK(complaint({}, {doors}) == "operation openDoor: no route is described by it");
  CHECK(complaint({route("/gate", Operation::also("openDoor"))}, {doors}) ==
        "operation openDoor: no route is described by it");
  CHECK(complaint({door(), route("/gate", Operation::named("openDoor"))}, {doors}) ==
        "operation openDoor: two routes are described by it");
}

TEST_CASE("a name that is given twice, and a reference to nothing, stop the start") {
  const auto door = [] { return route("/door", Operation::named("openDoor")); };
  CHECK(complaint({door()}, {doors, doors}) == "operation openDoor: described twice");
  CHECK(complaint({door()}, {doors, R"({"tag": {}, "operations": {}, "schemas": {"Door": {}}})"}) ==
        "schemas Door: described twice");
  const auto referring = [](std::string_view reference) {
    return R"({"tag": {}, "operations": {}, "schemas": {"Key": {"items": {"$ref": ")" +
           std::string(reference) + R"("}}}})";
  };
  CHECK(complaint({door()}, {doors, referring("#/components/schemas/Door")}) == "");
  for (const char* nowhere :
       {"#/components/schemas/Lock", "https://example.org/a", "#/components/"}) {
    CHECK(complaint({door()}, {doors, referring(nowhere)}) ==
          "$ref " + std::string(nowhere) + ": nothing is there");
  }
}

}  // namespace
}  // namespace redoubt::contract
