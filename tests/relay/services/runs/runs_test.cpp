#include "relay/services/runs/runs.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <future>
#include <string>

#include "engine/base/json.hpp"
#include "relay/contract/body_work.hpp"
#include "relay/contract/checked_bodies.hpp"
#include "relay/contract/description.hpp"
#include "tests/relay/net/loopback.hpp"
#include "tests/relay/services/runs/runs_fixture.hpp"

namespace redoubt::data {
extern const std::string_view openapi_base_json;
extern const std::string_view runs_contract_json;
}  // namespace redoubt::data

namespace redoubt::services {
namespace {

using net::test::Client;

constexpr const char* runs_path = "/api/workflows/runs";
constexpr int depth_max = 32;

std::string post(const std::string& path, const std::string& body,
                 const std::string& type = "application/json") {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A body of so many values that it is not read on the shard.
std::string many_values(const char* before, const char* after) {
  std::string body = before;
  for (std::size_t i = 0; i < contract::inline_body_bytes_max; ++i)
    body += "0,";
  return body + "0" + after;
}

/// Runs over HTTP, whose pool takes one piece of work at a time and none behind it.
struct Fixture {
  Fixture() {
    contract::Routes routes;
    routes.add_all(runs.routes());
    const std::string document = contract::describe(
        routes, {.base = data::openapi_base_json, .services = {data::runs_contract_json}});
    routes.mount(router, contract::CheckedBodies(pool, depth_max, document));
    running.emplace(router);
  }
  ~Fixture() { release(); }

  std::uint16_t port() const { return running->port(); }
  /// The pool is busy until release().
  void hold() {
    REQUIRE(pool.post("a caller", [&gate = gate] { gate.get_future().wait(); }));
    held = true;
  }
  void release() {
    if (std::exchange(held, false)) gate.set_value();
  }

  runs::RunsFixture fixture;
  net::ComputePool pool{1, 1};
  std::promise<void> gate;
  bool held = false;
  observe::Log log{2, observe::Level::error, 100};
  Runs runs{fixture.service(), pool, log};
  http::Router router = net::test::make_router();
  std::optional<net::test::Running> running;
};

TEST_CASE("runs: a large body is read in the pool, and a full pool says so at once") {
  Fixture f;
  Client client(f.port());
  const std::string start = post(runs_path, many_values(R"({"workflow":"none","input":[)", "]}"));
  const std::string bundle = post(runs_path, many_values("", ""), std::string(bundle_media_type));
  const std::string signal =
      post("/api/workflows/runs/r/signal", many_values(R"({"name":"n","value":[)", "]}"));
  const std::string approve =
      post("/api/workflows/runs/r/approve", many_values(R"({"question":"q","value":[)", "]}"));

  f.hold();
  for (const std::string& large : {start, bundle, signal, approve}) {
    const net::test::Answer refused = client.ask(large);
    CHECK(refused.status == 503);
    CHECK(refused.body.find("overloaded") != std::string::npos);
    CHECK(refused.header("Retry-After") == "1");
  }
  // A small one needs no pool.
  CHECK(client.ask(post(runs_path, R"({"workflow":"none"})")).status == 404);
  CHECK(client.ask(net::test::ping).status == 200);

  f.release();
  // The pool's thread may still be letting go of its work.
  const auto end = std::chrono::steady_clock::now() + net::test::patience;
  int status = client.ask(signal).status;
  while (status == 503 && std::chrono::steady_clock::now() < end)
    status = client.ask(signal).status;
  CHECK(status == 404);
}

TEST_CASE("runs: a body that does not fit its schema is refused with the place of each fault") {
  Fixture f;
  Client client(f.port());
  struct Row {
    const char* path;
    const char* body;
    const char* pointer;  ///< of the first fault, null where it is none of the schema's
    const char* says;
  };
  const std::string runs(runs_path);
  const Row rows[] = {
      {"", "{}", "#", "workflow"},
      {"", R"({"workflow":""})", "#/workflow", "at least 1"},
      {"", R"({"workflow":5})", "#/workflow", "must be of type"},
      {"", R"({"workflow":"none","seed":5})", "#/seed", "must be of type"},
      {"", R"({"workflow":"none","seed":"-1"})", nullptr, "2^64-1"},
      {"", "[]", "#", "must be of type"},
      {"", "", nullptr, "expected a body"},
      {"", "{", nullptr, "not JSON"},
      {"/r/signal", R"({"name":""})", "#/name", "at least 1"},
      {"/r/approve", R"({"value":1})", "#", "question"},
      {"/r/cancel", R"({"reason":7})", "#/reason", "must be of type"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const net::test::Answer refused = client.ask(post(runs + row.path, row.body));
    CHECK(refused.status == 400);
    CHECK(refused.header("Content-Type") == "application/problem+json");
    const Json problem = Json::parse(refused.body);
    CHECK(problem["code"] == "bad_request");
    CHECK(problem["detail"].get<std::string>().find(row.says) != std::string::npos);
    CHECK(problem.contains("errors") == (row.pointer != nullptr));
    if (row.pointer != nullptr) CHECK(problem["errors"][0]["pointer"] == row.pointer);
  }
  for (const char* good : {"", "{}", R"({"reason":null})", R"({"reason":"enough"})"})
    CHECK(client.ask(post(runs + "/r/cancel", good)).status == 404);
}

TEST_CASE("runs: a body that is over its parts' bounds is refused unread") {
  Fixture f;
  Client client(f.port());
  const std::string start = post(runs_path, std::string(order_body_bytes_max + 1, '['));
  const net::test::Answer refused = client.ask(start);
  CHECK(refused.status == 413);
  CHECK(refused.body.find("body_too_large") != std::string::npos);
}

TEST_CASE("which bodies are read on the shard") {
  const std::string prompt(contract::inline_body_bytes_max * 4, 'x');
  CHECK(contract::is_quick(""));
  CHECK(contract::is_quick(std::string(contract::inline_body_bytes_max, ',')));
  CHECK(contract::is_quick(R"({"prompt":")" + prompt + R"("})"));
  CHECK(!contract::is_quick(many_values("[", "]")));
  CHECK(!contract::is_quick(std::string(1 << 20, 'x')));
}

}  // namespace
}  // namespace redoubt::services
