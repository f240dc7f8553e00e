#include <doctest/doctest.h>

#include <map>
#include <set>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "relay/app/application.hpp"
#include "relay/auth/token_keys.hpp"
#include "relay/contract/body_terms.hpp"
#include "relay/contract/gate.hpp"
#include "relay/observe/version.hpp"

namespace redoubt::app {
namespace {

using contract::Access;
using contract::Dialect;

/// A relay as it starts without any setting, before it listens.
struct Started {
  observe::Log log{2, observe::Level::off, 16};
  Application application{
      config::Config{}, log, std::nullopt,
      Dependencies{.store = storage::Database::open(std::string(storage::in_memory)).value(),
                   .tokens = {},
                   .keys = std::make_shared<const auth::KeyRing>(),
                   .models = llm::ModelTable()}};
};

std::string named(const contract::Route& route) {
  const bool socket = std::holds_alternative<http::WebSocketAccept>(route.handler);
  return joined({socket ? "WS" : http::to_string(route.method), " ", route.pattern});
}

// Who may call what, in full: a route that is not here, or is here and not there, is a fault.
const std::map<std::string, std::string> expected{
    {"GET /healthz", "probe"},
    {"GET /readyz", "probe"},
    {"GET /", "anyone"},
    {"GET /openapi.json", "anyone"},
    {"GET /api/openapi.json", "anyone"},
    {"GET /docs", "anyone"},
    {"GET /redoc", "anyone"},
    {"GET /api/docs", "anyone"},
    {"GET /docs/explorer.js", "anyone"},
    {"GET /docs/explorer.css", "anyone"},
    {"GET /health", "caller"},
    {"POST /api/session", "session"},
    {"POST /api/team-strategy", "game"},
    {"POST /api/agent-specification", "game"},
    {"POST /api/strategy-adaptation", "game"},
    {"WS /ws/{client_id}", "game"},
    {"POST /v1/chat/completions", "models"},
    {"POST /v1/completions", "models"},
    {"POST /v1/embeddings", "models"},
    {"POST /v1/responses", "models"},
    {"POST /v1/responses/input_tokens", "models"},
    {"POST /v1/messages", "models"},
    {"POST /v1/messages/count_tokens", "models"},
    {"GET /v1/models", "models"},
    {"GET /v1/models/{model}", "models"},
    {"GET /v1/models/{provider}/{model}", "models"},
    {"GET /v1/models/{provider}/{maker}/{model}", "models"},
    {"POST /v1/models/{model}", "models"},
    {"POST /v1/models/{provider}/{model}", "models"},
    {"POST /v1/models/{provider}/{maker}/{model}", "models"},
    {"GET /v1beta/models", "models"},
    {"GET /v1beta/models/{model}", "models"},
    {"GET /v1beta/models/{provider}/{model}", "models"},
    {"GET /v1beta/models/{provider}/{maker}/{model}", "models"},
    {"POST /v1beta/models/{model}", "models"},
    {"POST /v1beta/models/{provider}/{model}", "models"},
    {"POST /v1beta/models/{provider}/{maker}/{model}", "models"},
    {"WS /v1/ws", "models"},
    {"GET /api/usage", "models"},
    {"POST /api/workflows/runs", "workflow:run"},
    {"GET /api/workflows/runs", "workflow:run"},
    {"GET /api/workflows/runs/{id}", "workflow:run"},
    {"DELETE /api/workflows/runs/{id}", "workflow:run"},
    {"GET /api/workflows/runs/{id}/events", "workflow:run"},
    {"POST /api/workflows/runs/{id}/signal", "workflow:run"},
    {"POST /api/workflows/runs/{id}/approve", "workflow:run"},
    {"POST /api/workflows/runs/{id}/cancel", "workflow:run"},
    {"POST /api/workflows/runs/{id}/resume", "workflow:run"},
    {"POST /api/workflows/runs/{id}/export", "workflow:run"},
};

/// The status that a gate gives a request for the route, 0 where it passes.
int knock(const contract::Gate& gate, const contract::Route& route, std::string_view remote,
          std::string_view authorization) {
  http::Request request;
  request.method = route.method;
  request.method_text = http::to_string(route.method);
  request.path = request.target = request.route = route.pattern;
  request.headers = {{"Host", "localhost"}};
  if (!authorization.empty()) request.headers.push_back({"Authorization", authorization});
  request.context.remote_address = remote;
  const auto response = gate.admit(request);
  return response ? response->status : 0;
}

/// A kind of caller, and what he gets of each kind of route: 0 passes.
struct Knocker {
  const char* who;
  const char* remote;
  auth::Anonymous anonymous;
  std::optional<auth::Scopes> token;  ///< nothing: without a token
  std::map<std::string, int> status;
};

std::vector<Knocker> knockers() {
  using auth::Scope;
  constexpr const char* far = "192.0.2.1";
  constexpr auth::Anonymous off = auth::Anonymous::off;
  const auto all = [](int open, int game, int models, int runs, int session) {
    return std::map<std::string, int>{{"probe", 0},          {"anyone", 0},  {"caller", open},
                                      {"session", session},  {"game", game}, {"models", models},
                                      {"workflow:run", runs}};
  };
  return {
      {"a stranger", far, auth::Anonymous::local, {}, all(401, 401, 401, 401, 401)},
      {"a stranger at this machine, where nobody may come",
       "127.0.0.1",
       off,
       {},
       all(401, 401, 401, 401, 401)},
      {"somebody at this machine", "127.0.0.1", auth::Anonymous::local, {}, all(0, 0, 0, 0, 0)},
      {"somebody where anybody may come", far, auth::Anonymous::on, {}, all(0, 0, 0, 403, 0)},
      {"a player", far, off, Scope::game, all(0, 0, 403, 403, 401)},
      {"a program", far, off, Scope::models, all(0, 403, 0, 403, 401)},
      {"a worker", far, off, Scope::workflow_run, all(0, 403, 403, 0, 401)},
      {"a token without rights", far, off, auth::Scopes(), all(0, 403, 403, 403, 401)},
      {"an operator", far, off, Scope::operator_read | Scope::operator_write,
       all(0, 403, 403, 403, 401)},
  };
}

TEST_CASE("every route says who may call it, and no other is there") {
  const Started relay;
  std::map<std::string, std::string> said;
  for (const contract::Route& route : relay.application.routes().all())
    said[named(route)] = contract::to_string(route.access);
  CHECK(said == expected);
  std::map<std::string, std::string> admin;
  for (const contract::Route& route : relay.application.admin_routes().all())
    admin[named(route)] = contract::to_string(route.access);
  CHECK(admin == std::map<std::string, std::string>{{"GET /healthz", "probe"},
                                                    {"GET /readyz", "probe"},
                                                    {"GET /metrics", "operator:read"}});
}

TEST_CASE("every route opens to whom it names, and to nobody else") {
  const Started relay;
  auth::TokenSecrets secrets;
  secrets.keys.push_back(auth::generate_token_key(
      auth::Algorithm::hs256, "k",
      auth::player_scopes_max | auth::Scope::operator_read | auth::Scope::operator_write));
  const auto token_of = [&secrets](auth::Scopes scopes) {
    const auth::Claims claims{.subject = "ada", .scopes = scopes, .expires_s = 600};
    return "Bearer " + auth::mint_token(claims, secrets.keys[0], {}).value();
  };
  std::vector<std::string> tokens;
  const std::vector<Knocker> all = knockers();
  for (const Knocker& knocker : all)
    tokens.push_back(knocker.token ? token_of(*knocker.token) : std::string());
  auth::Authority authority({}, std::move(secrets));
  observe::Metrics metrics;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Knocker& knocker = all[i];
    CAPTURE(knocker.who);
    contract::GatePolicy policy;
    policy.anonymous = knocker.anonymous;
    policy.authority = &authority;
    const contract::Gate gate(policy, relay.application.routes(), metrics);
    for (const contract::Route& route : relay.application.routes().all()) {
      CAPTURE(named(route));
      const std::string access(contract::to_string(route.access));
      CHECK(knock(gate, route, knocker.remote, tokens[i]) == knocker.status.at(access));
    }
  }
}

TEST_CASE("what a router knows and no list declares opens to no player") {
  const contract::Routes none;
  observe::Metrics metrics;
  const contract::Gate gate(contract::GatePolicy{}, none, metrics);
  const contract::Route hidden{
      .method = http::Method::get,
      .pattern = "/api/v1/hidden",
      .access = Access::anyone(),
      .dialect = Dialect::problem(),
      .operation = contract::Operation::undescribed(),
      .handler = http::Handler([](http::Request&) { return http::Response(); })};
  CHECK(knock(gate, hidden, "127.0.0.1", "") == 403);
}

TEST_CASE("two ways to say who may call a route, or how it errs, are refused") {
  contract::Routes routes;
  const auto route = [](http::Method method, Access access, Dialect dialect = Dialect::problem()) {
    return contract::Route{
        .method = method,
        .pattern = "/a",
        .access = access,
        .dialect = dialect,
        .operation = contract::Operation::undescribed(),
        .handler = http::Handler([](http::Request&) { return http::Response(); })};
  };
  routes.add(route(http::Method::get, Access::caller()));
  routes.add(route(http::Method::post, Access::scoped(auth::Scope::game)));
  CHECK_THROWS_AS(routes.add(route(http::Method::get, Access::anyone())), std::invalid_argument);
  CHECK_THROWS_AS(routes.add(route(http::Method::get, Access::caller(), Dialect::openai())),
                  std::invalid_argument);
  CHECK(routes.find(http::Method::head, "/a")->access == Access::caller());
  CHECK(routes.find(http::Method::put, "/a") == nullptr);
}

/// The shape in which a gate refuses a request: told by what its body has.
std::string shape_of(const contract::Gate& gate, http::Method method, std::string_view path,
                     std::string_view route) {
  http::Request request;
  request.method = method;
  request.method_text = http::to_string(method);
  request.path = request.target = path;
  request.route = route;
  request.headers = {{"Host", "elsewhere.example"}};
  request.context.remote_address = "192.0.2.1";
  const auto refused = gate.admit(request);
  REQUIRE(refused);
  const Json body = Json::parse(refused->body);
  if (body.contains("title")) return "problem";
  if (body.contains("detail")) return "fastapi";
  if (body.contains("type")) return "anthropic";
  return body["error"]["code"].is_number() ? "gemini" : "openai";
}

TEST_CASE("a refusal has the shape of its route's dialect, or of its path's") {
  const Started relay;
  observe::Metrics metrics;
  const contract::Gate gate(contract::GatePolicy{}, relay.application.routes(), metrics);
  using http::Method;
  struct Row {
    Method method;
    const char* path;
    const char* route;
    const char* shape;
  };
  const Row rows[] = {
      {Method::post, "/api/team-strategy", "/api/team-strategy", "fastapi"},
      {Method::get, "/api/team-strategy", "", "fastapi"},
      {Method::post, "/api/session", "/api/session", "problem"},
      {Method::get, "/ws/a", "/ws/{client_id}", "problem"},
      {Method::get, "/v1/ws", "/v1/ws", "problem"},
      {Method::post, "/v1/ws", "", "problem"},
      {Method::get, "/api/usage", "/api/usage", "problem"},
      {Method::get, "/nope", "", "problem"},
      {Method::post, "/v1/chat/completions", "/v1/chat/completions", "openai"},
      {Method::get, "/v1/chat/completions", "", "openai"},
      {Method::post, "/v1//embeddings", "/v1/embeddings", "openai"},
      {Method::get, "/v1/assistants", "", "openai"},
      {Method::get, "/v1/models", "/v1/models", "openai"},
      {Method::get, "/v1/models/a:8b", "/v1/models/{model}", "openai"},
      {Method::post, "/v1/messages", "/v1/messages", "anthropic"},
      {Method::get, "/v1/messages", "", "anthropic"},
      {Method::post, "/v1/messages/batches", "", "anthropic"},
      {Method::post, "/v1/v1/messages", "", "anthropic"},
      {Method::get, "/v1beta/models", "/v1beta/models", "gemini"},
      {Method::post, "/v1beta/files", "", "gemini"},
      {Method::post, "/v1/models/a:embedContent", "/v1/models/{model}", "gemini"},
      {Method::post, "/v1/models/a/b:countTokens", "/v1/models/{provider}/{model}", "gemini"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    CHECK(shape_of(gate, row.method, row.path, row.route) == row.shape);
  }
}

TEST_CASE("the description carries the program's version") {
  const Started relay;
  CHECK(Json::parse(relay.application.openapi())["info"]["version"] ==
        std::string(observe::relay_version));
}

TEST_CASE("the schema of every body can be checked, and takes the examples beside it") {
  const Started relay;
  const Json document = Json::parse(relay.application.openapi());
  int examples = 0;
  for (const contract::Route& route : relay.application.routes().all()) {
    if (!route.operation.is_described_here() || route.method != http::Method::post) continue;
    CAPTURE(route.pattern);
    const Json& operation = document["paths"][route.pattern]["post"];
    const Json body = operation.value(Json::json_pointer("/requestBody/content/application~1json"),
                                      Json::object());
    if (body.empty()) continue;
    const contract::BodyTerms terms = contract::body_terms(document, route);
    std::vector<Json> given;
    if (body.contains("example")) given.push_back(body["example"]);
    for (const Json& example : body.value("examples", Json::object()))
      given.push_back(example["value"]);
    for (const Json& example : given) {
      ++examples;
      CHECK(terms.schema.accepts(example));
    }
  }
  CHECK(examples >= 12);
}

TEST_CASE("what is served is described, and what is described is served") {
  const Started relay;
  // The explorer, and second names of what is described.
  const std::set<std::string> undescribed{"GET /api/openapi.json",
                                          "GET /docs",
                                          "GET /redoc",
                                          "GET /api/docs",
                                          "GET /docs/explorer.js",
                                          "GET /docs/explorer.css",
                                          "GET /v1/models/{provider}/{model}",
                                          "GET /v1/models/{provider}/{maker}/{model}",
                                          "GET /v1beta/models/{provider}/{model}",
                                          "GET /v1beta/models/{provider}/{maker}/{model}",
                                          "POST /v1/models/{model}",
                                          "POST /v1/models/{provider}/{model}",
                                          "POST /v1/models/{provider}/{maker}/{model}",
                                          "POST /v1beta/models/{provider}/{model}",
                                          "POST /v1beta/models/{provider}/{maker}/{model}"};
  const Json document = Json::parse(relay.application.openapi());
  std::set<std::string> described;
  for (auto path = document["paths"].begin(); path != document["paths"].end(); ++path) {
    for (auto method = path->begin(); method != path->end(); ++method) {
      std::string verb = method.key();
      // The explorer takes every member of a path for an operation.
      CHECK(method->contains("operationId"));
      for (char& c : verb)
        c = static_cast<char>(c - 'a' + 'A');
      described.insert(verb + " " + path.key());
    }
  }
  std::set<std::string> served;
  for (const contract::Route& route : relay.application.routes().all()) {
    const std::string name = joined({http::to_string(route.method), " ", route.pattern});
    if (undescribed.count(name) == 0) served.insert(name);
  }
  for (const std::string& name : served) {
    CAPTURE(name);
    CHECK(described.count(name) == 1);
  }
  for (const std::string& name : described) {
    CAPTURE(name);
    CHECK(served.count(name) == 1);
  }
}

}  // namespace
}  // namespace redoubt::app
