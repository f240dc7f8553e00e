#include "relay/services/status/status.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"
#include "relay/storage/writer.hpp"

namespace redoubt::services {
namespace {

struct Fixture {
  observe::Metrics metrics;
  observe::Log log{2, observe::Level::off, 16};
  contract::Telemetry telemetry{metrics, log, true};
  Status status{metrics, telemetry, 1'000};
  http::Router router;

  void mount(http::Fallback page) {
    contract::Routes routes;
    routes.add_all(status.routes(std::move(page)));
    routes.mount(router);
  }

  http::Response get(std::string_view path, std::vector<http::HeaderView> headers = {}) {
    http::Request request;
    request.method = http::Method::get;
    request.path = path;
    request.headers = std::move(headers);
    request.context.now.wall_ms = 61'500;
    const auto match = router.match(http::Method::get, path, false, request.parameters);
    if (match.route == nullptr) return http::Response::json(404, "");
    return (*std::get_if<http::Handler>(&match.route->handler))(request);
  }
};

Json body(const http::Response& response) {
  return Json::parse(response.body_view());
}

TEST_CASE("liveness stays, readiness and health turn when the relay drains") {
  Fixture f;
  f.mount({});
  CHECK(f.get("/healthz").body_view() == R"({"status":"ok"})");
  CHECK(f.get("/readyz").status_code() == 200);
  CHECK(body(f.get("/health"))["status"] == "healthy");
  CHECK(body(f.get("/health"))["timestamp"] == 61.5);
  CHECK(body(f.get("/health"))["uptime_s"] == 60);
  f.status.set_draining();
  CHECK(f.get("/healthz").status_code() == 200);
  CHECK(f.get("/readyz").status_code() == 503);
  CHECK(f.get("/health").status_code() == 503);
  CHECK(body(f.get("/health"))["status"] == "draining");
}

TEST_CASE("readiness turns while the store cannot be written to") {
  auto database = storage::Database::open(std::string(storage::in_memory));
  REQUIRE(database.ok());
  storage::Writer writer(std::move(*database), {.probe = std::chrono::hours(1)});
  Fixture f;
  f.status.watch_store([&] {
    const storage::StoreFault fault = writer.fault();
    return fault == storage::StoreFault::none ? std::string_view() : storage::fault_name(fault);
  });
  f.mount({});
  const auto execute = [&](const char* sql) {
    REQUIRE(writer.post({[sql](storage::Database& d) { return d.execute(sql); }, {}}));
    writer.flush();
  };
  execute("CREATE TABLE t (x BLOB); INSERT INTO t VALUES (1)");
  CHECK(f.get("/readyz").status_code() == 200);
  execute("PRAGMA max_page_count = 1");
  execute("INSERT INTO t VALUES (zeroblob(100000))");
  CHECK(f.get("/readyz").status_code() == 503);
  CHECK(f.get("/readyz").body_view() == R"({"reason":"store_full","status":"unready"})");
  CHECK(f.get("/healthz").status_code() == 200);
  execute("PRAGMA max_page_count = 100000");
  execute("INSERT INTO t VALUES (zeroblob(100000))");
  CHECK(f.get("/readyz").status_code() == 200);
}

TEST_CASE("the root is the page for a browser and one JSON for every known client") {
  Fixture f;
  f.mount([](const http::Request&) { return http::Response::text(200, "page"); });
  CHECK(f.get("/", {{"Accept", "text/html,*/*;q=0.8"}}).body_view() == "page");
  const Json root = body(f.get("/", {{"Accept", "application/json"}}));
  CHECK(root["status"] == "ok");
  CHECK(root["mock_mode"] == true);
  CHECK(root["source"] == "engine");
  CHECK(root["message"].get<std::string>().find("Virtual Startup") == 0);
  CHECK(root["message"].get<std::string>().find("AI Territory Game Backend is running") > 0);
  CHECK(f.get("/", {{"X-Api-Dialect", "agentarena"}}).body_view() ==
        R"({"message":"AI Territory Game Backend is running"})");
}

TEST_CASE("without a page a browser gets the JSON too") {
  Fixture f;
  f.mount({});
  CHECK(body(f.get("/", {{"Accept", "text/html"}}))["status"] == "ok");
}

TEST_CASE("who asks for HTML") {
  struct Row {
    const char* accept;
    bool html;
  };
  const Row rows[] = {
      {"text/html", true},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true},
      {"application/json, text/html;q=0.5", true},
      {"Text/HTML ; charset=utf-8", true},
      {"text/html;q=0", false},
      {"text/html;q=0.0, application/json", false},
      {"*/*", false},
      {"text/*", false},
      {"application/json", false},
      {"text/htmlx", false},
      {"", false},
      {",,,", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.accept);
    CHECK(accepts_html(row.accept) == row.html);
  }
}

TEST_CASE("the admin listener has metrics and no API") {
  Fixture f;
  contract::Routes routes;
  routes.add_all(f.status.admin_routes());
  routes.mount(f.router);
  CHECK(f.get("/metrics").body.find("redoubt_build_info{version=\"") != std::string::npos);
  CHECK(f.get("/metrics").body.find("redoubt_ready 1\n") != std::string::npos);
  CHECK(f.get("/").status == 404);
}

}  // namespace
}  // namespace redoubt::services
