#include "relay/http/router.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace redoubt::http;

namespace {

Response answer(Request&) {
  return Response::empty(200);
}

/// The pattern that matches, or what kind of miss it was.
std::string matched(const Router& router, Method method, std::string_view path,
                    bool upgrade = false) {
  std::vector<PathParameter> parameters;
  const Router::Match match = router.match(method, path, upgrade, parameters);
  if (!match.route) return match.path_known ? "405 " + match.allow : "404";
  std::string text = match.route->pattern;
  for (const auto& parameter : parameters) {
    text += " " + std::string(parameter.name) + "=" + parameter.value;
  }
  return text;
}

Router example() {
  Router router;
  router.add(Method::get, "/api/agents/{id}", answer);
  router.add(Method::del, "/api/agents/{id}", answer);
  router.add(Method::get, "/api/agents/stats", answer);
  router.add(Method::get, "/api/agents", answer);
  router.add(Method::get, "/api/agents/", answer);
  router.add(Method::get, "/api/{group}/stats/all", answer);
  router.add(Method::get, "/", answer);
  router.add(Method::head, "/own-head", answer);
  router.add(Method::get, "/own-head", answer);
  const auto accept = [](Request&) -> std::variant<Response, std::unique_ptr<WebSocketSession>> {
    return Response::empty(403);
  };
  router.add_websocket("/ws/{client_id}", accept);
  router.add_websocket("/ws/chat", accept);
  return router;
}

}  // namespace

TEST_CASE("literals win over parameters, with backtracking") {
  const Router router = example();
  CHECK(matched(router, Method::get, "/api/agents/stats") == "/api/agents/stats");
  CHECK(matched(router, Method::get, "/api/agents/7") == "/api/agents/{id} id=7");
  CHECK(matched(router, Method::get, "/api/agents") == "/api/agents");
  CHECK(matched(router, Method::get, "/api/agents/") == "/api/agents/");
  CHECK(matched(router, Method::get, "/") == "/");
  // "agents" as a literal leads nowhere here, so the parameter is tried.
  CHECK(matched(router, Method::get, "/api/agents/stats/all") ==
        "/api/{group}/stats/all group=agents");
  CHECK(matched(router, Method::get, "/api") == "404");
  CHECK(matched(router, Method::get, "//") == "404");
  CHECK(matched(router, Method::get, "/api/agents//") == "404");
  CHECK(matched(router, Method::get, "*") == "404");
  std::string deep;
  for (int i = 0; i < 100; ++i)
    deep += "/a";
  CHECK(matched(router, Method::get, deep) == "404");
}

TEST_CASE("parameters are decoded after the path was cut") {
  const Router router = example();
  CHECK(matched(router, Method::get, "/api/agents/a%2Fb%20c") == "/api/agents/{id} id=a/b c");
}

TEST_CASE("HEAD falls back to GET, other methods are named by Allow") {
  const Router router = example();
  CHECK(matched(router, Method::head, "/api/agents/7") == "/api/agents/{id} id=7");
  CHECK(matched(router, Method::post, "/api/agents/7") == "405 GET, HEAD, DELETE, OPTIONS");
  CHECK(matched(router, Method::other, "/") == "405 GET, HEAD, OPTIONS");
  CHECK(matched(router, Method::post, "/own-head") == "405 HEAD, GET, OPTIONS");
}

TEST_CASE("a WebSocket route needs an upgrade") {
  const Router router = example();
  CHECK(matched(router, Method::get, "/ws/client_1", true) == "/ws/{client_id} client_id=client_1");
  CHECK(matched(router, Method::get, "/ws/chat", true) == "/ws/chat");
  std::vector<PathParameter> parameters;
  const Router::Match plain = router.match(Method::get, "/ws/chat", false, parameters);
  CHECK(plain.route == nullptr);
  CHECK(plain.upgrade_only);
  const Router::Match post = router.match(Method::post, "/ws/chat", true, parameters);
  CHECK_FALSE(post.upgrade_only);
  CHECK(post.path_known);
}

TEST_CASE("mistakes of the program are found when routes are added") {
  Router router = example();
  const auto adds = [&](const char* pattern) { router.add(Method::get, pattern, answer); };
  CHECK_THROWS_AS(adds("/api/agents"), std::invalid_argument);
  CHECK_THROWS_AS(adds("/api/agents/{other}"), std::invalid_argument);
  CHECK_THROWS_AS(adds("api"), std::invalid_argument);
  CHECK_THROWS_AS(adds("/a{b}"), std::invalid_argument);
  CHECK_THROWS_AS(adds("/{b"), std::invalid_argument);
  CHECK_THROWS_AS(adds("/{}"), std::invalid_argument);
}

TEST_CASE("filters run in order until one answers, finishers run all") {
  Router router;
  std::string trace;
  router.before([&](Request&) {
    trace += "1";
    return std::optional<Response>();
  });
  router.before([&](Request& request) {
    trace += "2";
    request.attachment = 7;
    return std::optional<Response>(Response::empty(403));
  });
  router.before([&](Request&) {
    trace += "3";
    return std::optional<Response>();
  });
  router.after([&](const Request& request, Response& response) {
    trace += "a" + std::to_string(std::any_cast<int>(request.attachment));
    response.status = 418;
  });
  Request request;
  auto response = router.run_filters(request);
  REQUIRE(response);
  CHECK(response->status == 403);
  router.finish(request, *response);
  CHECK(response->status == 418);
  CHECK(trace == "12a7");
}

TEST_CASE("a refusal's default body is JSON whatever the message holds") {
  const Router router;
  const Request request;
  const Response response = router.refuse(request, {405, "bad", "say \"no\"\\\n"});
  CHECK(response.status == 405);
  CHECK(response.body == "{\"error\":\"bad\",\"message\":\"say \\\"no\\\"\\\\ \"}");
}
