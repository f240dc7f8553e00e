#include "relay/services/status/status.hpp"

#include "engine/base/json.hpp"
#include "relay/contract/gate.hpp"
#include "relay/observe/version.hpp"

namespace redoubt::services {
namespace {

constexpr std::string_view agentarena_dialect = "agentarena";
constexpr std::string_view agentarena_root =
    R"({"message":"AI Territory Game Backend is running"})";

std::shared_ptr<const http::Prepared> prepared_status(int status, std::string_view body) {
  http::Response response = http::Response::json(status, std::string(body));
  response.add("Cache-Control", "no-store");
  return http::Prepared::make(response);
}

std::string root_text() {
  const Json root{{"status", "ok"},
                  {"message", "Virtual Startup API - AI Territory Game Backend is running"},
                  {"mock_mode", true},
                  {"source", "engine"},
                  {"service", "redoubt-relay"},
                  {"version", observe::relay_version},
                  {"endpoints",
                   {{"team_strategy", "POST /api/team-strategy"},
                    {"agent_specification", "POST /api/agent-specification"},
                    {"strategy_adaptation", "POST /api/strategy-adaptation"},
                    {"push", "GET /ws/{client_id}"},
                    {"health", "GET /health"},
                    {"openapi", "GET /openapi.json"},
                    {"docs", "GET /docs"}}}};
  return root.dump();
}

// What lies before `mark` (or everything); `text` keeps what lies behind it.
std::string_view take_until(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  const std::string_view taken = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return taken;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  while (text.ends_with(' '))
    text.remove_suffix(1);
  return text;
}

// Is the weight among these parameters of a media range 0?
bool refused(std::string_view parameters) {
  const std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return false;
  const std::string_view weight = parameters.substr(at + 2, 5);
  return weight.find_first_of("123456789") == std::string_view::npos;
}

}  // namespace

bool accepts_html(std::string_view accept) {
  while (!accept.empty()) {
    std::string_view parameters = take_until(accept, ',');
    const std::string_view type = trim(take_until(parameters, ';'));
    if (http::equal_ignoring_case(type, "text/html")) return !refused(parameters);
  }
  return false;
}

Status::Status(observe::Metrics& metrics, const contract::Telemetry& telemetry,
               std::int64_t started_wall_ms)
    : metrics_(metrics),
      telemetry_(telemetry),
      started_wall_ms_(started_wall_ms),
      root_json_(root_text()) {
  metrics.computed(
      "redoubt_ready",
      "1 while the relay wants new work, 0 while it drains or cannot write to its store.", "gauge",
      [this] { return is_ready() ? 1.0 : 0.0; });
  metrics
      .gauge("redoubt_build_info", "Always 1; the labels say what runs.",
             {{"version", observe::relay_version}})
      .set(1);
}

std::vector<contract::Route> Status::probes() {
  const auto alive = prepared_status(200, R"({"status":"ok"})");
  return {
      {.method = http::Method::get,
       .pattern = "/healthz",
       .access = contract::Access::probe(),
       .dialect = contract::Dialect::problem(),
       .operation = contract::Operation::named("healthz"),
       .handler = http::Handler([alive](http::Request&) { return http::Response::from(alive); })},
      {.method = http::Method::get,
       .pattern = "/readyz",
       .access = contract::Access::probe(),
       .dialect = contract::Dialect::problem(),
       .operation = contract::Operation::named("readyz"),
       .handler = http::Handler([this](http::Request&) { return ready(); })}};
}

std::vector<contract::Route> Status::routes(http::Fallback page) {
  std::vector<contract::Route> routes = probes();
  routes.push_back(
      {.method = http::Method::get,
       .pattern = "/health",
       .access = contract::Access::caller(),
       .dialect = contract::Dialect::problem(),
       .operation = contract::Operation::named("health"),
       .handler = http::Handler([this](http::Request& request) { return health(request); })});
  routes.push_back(
      {.method = http::Method::get,
       .pattern = "/",
       .access = contract::Access::anyone(),
       .dialect = contract::Dialect::problem(),
       .operation = contract::Operation::named("root"),
       .handler = http::Handler([this, page = std::move(page)](http::Request& request) {
         return root(request, page);
       })});
  return routes;
}

std::vector<contract::Route> Status::admin_routes() {
  std::vector<contract::Route> routes = probes();
  routes.push_back({.method = http::Method::get,
                    .pattern = "/metrics",
                    .access = contract::Access::scoped(auth::Scope::operator_read),
                    .dialect = contract::Dialect::problem(),
                    .operation = contract::Operation::undescribed(),
                    .handler = http::Handler([this](http::Request&) { return metrics(); })});
  return routes;
}

http::Response Status::metrics() const {
  http::Response response = http::Response::text(200, metrics_.render());
  response.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.add("Cache-Control", "no-store");
  return response;
}

http::Response Status::ready() const {
  static const auto ready = prepared_status(200, R"({"status":"ready"})");
  static const auto draining = prepared_status(503, R"({"status":"draining"})");
  if (draining_.load()) return http::Response::from(draining);
  if (is_ready()) return http::Response::from(ready);
  const Json unready{{"status", "unready"}, {"reason", store_fault_()}};
  http::Response response = http::Response::json(503, unready.dump());
  response.add("Cache-Control", "no-store");
  return response;
}

bool Status::is_ready() const {
  return !draining_.load() && store_fault_().empty();
}

http::Response Status::health(const http::Request& request) const {
  const bool draining = draining_.load();
  const std::int64_t now_ms = request.context.now.wall_ms;
  const Json health{
      {"status", draining ? "draining" : "healthy"},
      {"services", {{"engine", "healthy"}, {"models", "not configured"}, {"push", "healthy"}}},
      {"timestamp", static_cast<double>(now_ms) / 1000.0},
      {"service", "redoubt-relay"},
      {"version", observe::relay_version},
      {"source", "engine"},
      {"mock_mode", true},
      {"uptime_s", (now_ms - started_wall_ms_) / 1000},
      {"connections", telemetry_.connections()},
      {"websockets", telemetry_.websockets()}};
  http::Response response = http::Response::json(draining ? 503 : 200, health.dump());
  response.add("Cache-Control", "no-store");
  return response;
}

http::Response Status::root(const http::Request& request, const http::Fallback& page) const {
  if (request.header_or("x-api-dialect", "") == agentarena_dialect) {
    return http::Response::json(200, std::string(agentarena_root));
  }
  if (page && accepts_html(request.header_or("accept", ""))) {
    if (auto html = page(request)) {
      html->add("Vary", "Accept");
      return std::move(*html);
    }
  }
  http::Response response = http::Response::json(200, root_json_);
  response.add("Cache-Control", "no-store");
  response.add("Vary", "Accept");
  return response;
}

}  // namespace redoubt::services
