#include "relay/api/gate.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/base/json.hpp"
#include "relay/auth/token_keys.hpp"

namespace redoubt::api {
namespace {

struct Asked {
  http::Method method = http::Method::get;
  std::string_view path = "/api/team-strategy";
  std::vector<http::HeaderView> headers;
  std::string_view remote = "127.0.0.1";
  std::int64_t now_ms = 0;
};

http::Request request_of(const Asked& asked) {
  http::Request request;
  request.method = asked.method;
  request.method_text = http::to_string(asked.method);
  request.target = asked.path;
  request.path = asked.path;
  request.headers = asked.headers;
  request.context.request_id = "0123456789abcdef";
  request.context.remote_address = asked.remote;
  request.context.now.steady_ms = asked.now_ms;
  return request;
}

GatePolicy policy() {
  GatePolicy policy;
  const std::vector<std::string> origins{"http://localhost:*"};
  policy.origins = auth::parse_origins(origins).value();
  return policy;
}

// The status that the gate gives, 0 where the request passes.
int verdict(const GatePolicy& policy, const Asked& asked) {
  observe::Metrics metrics;
  const Gate gate(policy, metrics);
  http::Request request = request_of(asked);
  const auto response = gate.admit(request);
  return response ? response->status : 0;
}

std::string value(const http::Response& response, std::string_view name) {
  for (const http::Header& header : response.headers) {
    if (http::equal_ignoring_case(header.name, name)) return header.value;
  }
  return "-";
}

using http::Method;

TEST_CASE("who passes the gate") {
  struct Row {
    const char* why;
    Asked asked;
    int status;
  };
  const http::HeaderView host{"Host", "localhost:8000"};
  const Row rows[] = {
      {"a local caller", {.headers = {host}}, 0},
      {"another machine", {.headers = {host}, .remote = "192.0.2.1"}, 401},
      {"another machine may see the page",
       {.path = "/index.html", .headers = {host}, .remote = "192.0.2.1"},
       0},
      {"and the API's description",
       {.path = "/openapi.json", .headers = {host}, .remote = "192.0.2.1"},
       0},
      {"but not health", {.path = "/health", .headers = {host}, .remote = "192.0.2.1"}, 401},
      {"nor the socket", {.path = "/ws/client_a", .headers = {host}, .remote = "192.0.2.1"}, 401},
      {"a rebound name", {.path = "/", .headers = {{"Host", "evil.example"}}}, 421},
      {"no host at all", {.path = "/", .headers = {}}, 421},
      {"a probe by any name", {.path = "/healthz", .headers = {{"Host", "10.0.0.7"}}}, 0},
      {"a probe from anywhere",
       {.path = "/readyz",
        .headers = {{"Host", "x"}, {"X-Forwarded-For", "1.1.1.1"}},
        .remote = "192.0.2.1"},
       0},
      {"a page of ours posts",
       {.method = Method::post, .headers = {host, {"Origin", "http://localhost:3000"}}},
       0},
      {"a foreign page posts",
       {.method = Method::post, .headers = {host, {"Origin", "http://evil.example"}}},
       403},
      {"a foreign page reads", {.headers = {host, {"Origin", "http://evil.example"}}}, 0},
      {"a foreign page opens a socket",
       {.path = "/ws/client_a",
        .headers = {host, {"Origin", "http://evil.example"}, {"Upgrade", "websocket"}}},
       403},
      {"a page of ours opens a socket",
       {.path = "/ws/client_a",
        .headers = {host, {"Origin", "http://localhost:3000"}, {"Upgrade", "websocket"}}},
       0},
      {"the relay's own page on an unlisted scheme posts",
       {.method = Method::post, .headers = {host, {"Origin", "https://localhost:8000"}}},
       0},
      {"a sandboxed frame posts",
       {.method = Method::post, .headers = {host, {"Origin", "null"}}},
       403},
      {"a program posts", {.method = Method::post, .headers = {host}}, 0},
      {"a proxy that nobody told about",
       {.headers = {host, {"X-Forwarded-For", "198.51.100.7"}}},
       400},
      {"a preflight needs no right",
       {.method = Method::options,
        .headers = {host, {"Origin", "http://localhost:3000"}},
        .remote = "192.0.2.1"},
       0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(verdict(policy(), row.asked) == row.status);
  }
}

TEST_CASE("anonymous: on opens the listener, off closes it") {
  GatePolicy open = policy();
  open.anonymous = auth::Anonymous::on;
  const Asked far{.headers = {{"Host", "localhost"}}, .remote = "192.0.2.1"};
  CHECK(verdict(open, far) == 0);
  GatePolicy closed = policy();
  closed.anonymous = auth::Anonymous::off;
  CHECK(verdict(closed, {.headers = {{"Host", "localhost"}}}) == 401);
}

TEST_CASE("the admin listener shows its metrics to local callers only") {
  GatePolicy admin = policy();
  admin.admin = true;
  const Asked near{.path = "/metrics", .headers = {{"Host", "localhost"}}};
  CHECK(verdict(admin, near) == 0);
  Asked far = near;
  far.remote = "192.0.2.1";
  CHECK(verdict(admin, far) == 401);
  far.path = "/healthz";
  CHECK(verdict(admin, far) == 0);
}

TEST_CASE("behind a trusted proxy the client's own address counts") {
  GatePolicy behind = policy();
  behind.trusted_proxies = {*auth::parse_network("127.0.0.1")};
  const http::HeaderView host{"Host", "localhost"};
  CHECK(verdict(behind, {.headers = {host, {"X-Forwarded-For", "198.51.100.7"}}}) == 401);
  CHECK(verdict(behind, {.headers = {host, {"X-Forwarded-For", "127.0.0.1"}}}) == 0);
  // Two headers are one list: the right-most entry is the one that the proxy wrote.
  CHECK(verdict(behind, {.headers = {host,
                                     {"X-Forwarded-For", "127.0.0.1"},
                                     {"X-Forwarded-For", "198.51.100.7"}}}) == 401);
}

TEST_CASE("too many requests get 429 with a true Retry-After") {
  RateGate rate(limits::per_minute(60, 2, 10), 1);
  GatePolicy limited = policy();
  limited.rate = &rate;
  observe::Metrics metrics;
  const Gate gate(limited, metrics);
  const auto ask = [&](std::string_view path, std::int64_t now_ms) {
    http::Request request =
        request_of({.path = path, .headers = {{"Host", "localhost"}}, .now_ms = now_ms});
    auto response = gate.admit(request);
    http::Response answer = response ? std::move(*response) : http::Response::json(200, "{}");
    gate.finish(request, answer);
    return answer;
  };
  CHECK(value(ask("/", 0), "RateLimit") == "\"address\";r=1;t=1");
  CHECK(ask("/api/team-strategy", 0).status == 200);
  const http::Response refused = ask("/api/team-strategy", 10);
  CHECK(refused.status == 429);
  CHECK(value(refused, "Retry-After") == "1");
  CHECK(value(refused, "RateLimit-Policy") == "\"address\";q=2;w=2");
  CHECK(Json::parse(refused.body)["detail"].get<std::string>().find("try again in 1 s") !=
        std::string::npos);
  CHECK(Json::parse(ask("/nope", 20).body)["code"] == "rate_limited");
  CHECK(ask("/healthz", 30).status == 200);  // probes are not counted
  CHECK(ask("/", 1'010).status == 200);
}

TEST_CASE("the address's limit is told beside those that the answer tells already, in one field") {
  RateGate rate(limits::per_minute(60, 2, 10), 1);
  GatePolicy limited = policy();
  limited.rate = &rate;
  observe::Metrics metrics;
  const Gate gate(limited, metrics);
  http::Request request = request_of({.path = "/v1/models", .headers = {{"Host", "localhost"}}});
  REQUIRE_FALSE(gate.admit(request));
  http::Response answer = http::Response::json(200, "{}");
  answer.add("RateLimit-Policy", "\"player-requests\";q=3;w=60");
  answer.add("RateLimit", "\"player-requests\";r=2;t=64");
  gate.finish(request, answer);
  CHECK(value(answer, "RateLimit") == "\"player-requests\";r=2;t=64, \"address\";r=1;t=1");
  CHECK(value(answer, "RateLimit-Policy") == "\"player-requests\";q=3;w=60, \"address\";q=2;w=2");
  const auto fields =
      std::count_if(answer.headers.begin(), answer.headers.end(), [](const http::Header& header) {
        return http::equal_ignoring_case(header.name, "ratelimit") ||
               http::equal_ignoring_case(header.name, "ratelimit-policy");
      });
  CHECK(fields == 2);
}

TEST_CASE("answers carry the request's id, CORS and Vary") {
  observe::Metrics metrics;
  const Gate gate(policy(), metrics);
  const auto answer = [&](std::vector<http::HeaderView> headers) {
    headers.push_back({"Host", "localhost"});
    http::Request request = request_of({.path = "/", .headers = std::move(headers)});
    gate.admit(request);
    http::Response response = http::Response::json(200, "{}");
    response.add("Vary", "Accept");
    gate.finish(request, response);
    return response;
  };
  CHECK(value(answer({}), "X-Request-Id") == "0123456789abcdef");
  CHECK(value(answer({{"X-Request-Id", "mine-1.2_3"}}), "X-Request-Id") == "mine-1.2_3");
  CHECK(value(answer({{"X-Request-Id", "not sane"}}), "X-Request-Id") == "0123456789abcdef");
  CHECK(value(answer({}), "Vary") == "Accept, Origin");
  CHECK(value(answer({}), "Access-Control-Allow-Origin") == "-");
  const http::Response ours = answer({{"Origin", "http://localhost:3000"}});
  CHECK(value(ours, "Access-Control-Allow-Origin") == "http://localhost:3000");
  CHECK(value(ours, "Access-Control-Allow-Credentials") == "true");
  CHECK(value(answer({{"Origin", "http://evil.example"}}), "Access-Control-Allow-Origin") == "-");
}

TEST_CASE("a preflight of a listed page is answered, of a foreign one refused") {
  observe::Metrics metrics;
  const Gate gate(policy(), metrics);
  const auto preflight = [&](std::string_view origin) {
    http::Request request =
        request_of({.method = Method::options,
                    .headers = {{"Host", "localhost"},
                                {"Origin", origin},
                                {"Access-Control-Request-Method", "POST"},
                                {"Access-Control-Request-Headers", "content-type"}}});
    CHECK_FALSE(gate.admit(request).has_value());
    return gate.preflight(request, "POST, OPTIONS");
  };
  const http::Response allowed = preflight("http://localhost:3000");
  CHECK(allowed.status == 204);
  CHECK(value(allowed, "Access-Control-Allow-Methods") == "POST, OPTIONS");
  CHECK(value(allowed, "Access-Control-Allow-Headers") == "content-type");
  CHECK(preflight("http://evil.example").status == 403);
}

TEST_CASE("which request ids are sane") {
  for (const char* good : {"a", "A-b_c.1", "0123456789abcdef0123456789abcdef"}) {
    CHECK(is_sane_request_id(good));
  }
  CHECK_FALSE(is_sane_request_id(""));
  CHECK_FALSE(is_sane_request_id("a b"));
  CHECK_FALSE(is_sane_request_id("a\"b"));
  CHECK_FALSE(is_sane_request_id("a\nb"));
  CHECK_FALSE(is_sane_request_id(std::string(65, 'a')));
}

// What a caller with this token may do: the status, 0 where he passes.
struct Knock {
  auth::Scopes scopes;
  std::string_view path;
  Method method = Method::get;
  bool admin = false;
};

int knock(const Knock& asked) {
  auth::TokenSecrets secrets;
  const auth::Scopes every =
      auth::player_scopes_max | auth::Scope::operator_read | auth::Scope::operator_write;
  secrets.keys.push_back(auth::generate_token_key(auth::Algorithm::hs256, "k", every));
  auth::Claims claims{.subject = "ada", .scopes = asked.scopes, .expires_s = 600};
  const auth::TokenPolicy token_policy;
  const std::string authorization =
      "Bearer " + auth::mint_token(claims, secrets.keys[0], token_policy).value();
  auth::Authority authority(token_policy, std::move(secrets));
  GatePolicy closed = policy();
  closed.anonymous = auth::Anonymous::off;
  closed.admin = asked.admin;
  closed.authority = &authority;
  return verdict(closed, {.method = asked.method,
                          .path = asked.path,
                          .headers = {{"Host", "localhost"}, {"Authorization", authorization}}});
}

TEST_CASE("a token opens what its scopes say, and nothing else") {
  using auth::Scope;
  CHECK(knock({.scopes = Scope::game, .path = "/api/team-strategy"}) == 0);
  CHECK(knock({.scopes = Scope::game, .path = "/ws/client_a"}) == 0);
  CHECK(knock({.scopes = Scope::game, .path = "/v1/models"}) == 403);
  CHECK(knock({.scopes = Scope::models, .path = "/v1/models"}) == 0);
  CHECK(knock({.scopes = Scope::models, .path = "/api/usage"}) == 0);
  CHECK(knock({.scopes = Scope::models, .path = "/api/team-strategy"}) == 403);
  CHECK(knock({.scopes = Scope::game, .path = "/api/runs/7"}) == 403);
  CHECK(knock({.scopes = Scope::workflow_run, .path = "/api/runs/7"}) == 0);
  CHECK(knock({.scopes = {}, .path = "/health"}) == 0);
  // Nobody's token begins sessions.
  CHECK(knock({.scopes = Scope::game, .path = "/api/session", .method = Method::post}) == 401);
  // Operators' rights count on the admin listener, players' do not.
  CHECK(knock({.scopes = Scope::operator_read, .path = "/metrics", .admin = true}) == 0);
  CHECK(knock({.scopes = Scope::game, .path = "/metrics", .admin = true}) == 403);
  CHECK(
      knock(
          {.scopes = Scope::operator_read, .path = "/x", .method = Method::post, .admin = true}) ==
      403);
  CHECK(
      knock(
          {.scopes = Scope::operator_write, .path = "/x", .method = Method::post, .admin = true}) ==
      0);
  CHECK(knock({.scopes = Scope::operator_read, .path = "/api/team-strategy"}) == 403);
}

TEST_CASE("a token of an anonymous session opens no listener that its holder may not use") {
  auth::Authority authority({}, {});
  const std::string token =
      authority.mint({.subject = "anonymous:127.0.0.1", .tenant = "anonymous", .expires_s = 600})
          .value();
  const std::string authorization = "Bearer " + token;
  const http::HeaderView host{"Host", "localhost"};
  const auto status = [&](auth::Anonymous anonymous, std::string_view remote, bool admin = false) {
    GatePolicy gate = policy();
    gate.anonymous = anonymous;
    gate.authority = &authority;
    gate.admin = admin;
    return verdict(gate, {.path = admin ? "/metrics" : "/v1/models",
                          .headers = {host, {"Authorization", authorization}},
                          .remote = remote});
  };
  CHECK(status(auth::Anonymous::on, "192.0.2.1") == 0);
  CHECK(status(auth::Anonymous::local, "127.0.0.1") == 0);
  CHECK(status(auth::Anonymous::local, "192.0.2.1") == 401);
  CHECK(status(auth::Anonymous::off, "127.0.0.1") == 401);
  CHECK(status(auth::Anonymous::on, "127.0.0.1", true) == 403);
}

TEST_CASE("who holds a token of an anonymous session stays anonymous, and a player is not") {
  auth::Authority authority({}, {});
  const auto identity = [&](auth::Claims claims) {
    claims.expires_s = 600;
    const std::string authorization = "Bearer " + authority.mint(claims).value();
    GatePolicy gate = policy();
    gate.authority = &authority;
    observe::Metrics metrics;
    const Gate at(gate, metrics);
    http::Request request =
        request_of({.path = "/v1/models",
                    .headers = {{"Host", "localhost"}, {"Authorization", authorization}}});
    REQUIRE_FALSE(at.admit(request));
    return caller_of(request)->identity;
  };
  CHECK(identity({.subject = "anonymous:127.0.0.1", .tenant = "anonymous"}).is_anonymous());
  const auth::Identity player = identity({.subject = "1", .tenant = "valley"});
  CHECK(player == auth::Identity{"valley", "1"});
  CHECK_FALSE(player.is_anonymous());
}

TEST_CASE("a token that nobody believes is refused even where anonymous callers may call") {
  GatePolicy open = policy();
  open.anonymous = auth::Anonymous::on;
  const auto status = [&](const char* authorization) {
    return verdict(open, {.headers = {{"Host", "localhost"}, {"Authorization", authorization}}});
  };
  CHECK(status("Bearer a.b.c") == 401);
  CHECK(status("Bearer ") == 401);
  CHECK(status("Bearer anonymous") == 0);
  CHECK(status("Basic x") == 0);
  // The page does not look at tokens.
  CHECK(verdict(open, {.path = "/index.html",
                       .headers = {{"Host", "localhost"}, {"Authorization", "Bearer a"}}}) == 0);
}

TEST_CASE("an anonymous caller is his address, under one tenant, and only reads as an operator") {
  observe::Metrics metrics;
  const http::HeaderView host{"Host", "localhost"};
  http::Request request = request_of({.headers = {host}, .remote = "2001:db8:1:2:3::4"});
  GatePolicy open = policy();
  open.anonymous = auth::Anonymous::on;
  const Gate gate(open, metrics);
  REQUIRE_FALSE(gate.admit(request));
  const Caller* caller = caller_of(request);
  REQUIRE(caller != nullptr);
  CHECK(caller->identity == auth::Identity{"anonymous", "anonymous:2001:db8:1:2::"});
  CHECK(caller->identity.is_anonymous());
  CHECK(caller->scopes == auth::player_scopes);
  GatePolicy admin = policy();
  admin.admin = true;
  CHECK(verdict(admin, {.path = "/metrics", .headers = {host}}) == 0);
  CHECK(verdict(admin, {.method = Method::post, .path = "/metrics", .headers = {host}}) == 403);
}

}  // namespace
}  // namespace redoubt::api
