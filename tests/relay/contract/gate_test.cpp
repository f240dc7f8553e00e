#include "relay/contract/gate.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/base/json.hpp"
#include "relay/auth/token_keys.hpp"

namespace redoubt::contract {
namespace {

struct Asked {
  http::Method method = http::Method::get;
  std::string_view path = "/api/team-strategy";
  std::vector<http::HeaderView> headers;
  std::string_view remote = "127.0.0.1";
  std::int64_t now_ms = 0;
};

/// Routes like the relay's, whose own are in routes_test.cpp.
const Routes& routes() {
  static const Routes declared = [] {
    Routes routes;
    const auto add = [&routes](http::Method method, const char* pattern, Access access) {
      routes.add(
          {.method = method,
           .pattern = pattern,
           .access = access,
           .dialect = Dialect::problem(),
           .operation = Operation::undescribed(),
           .handler = http::Handler([](http::Request&) { return http::Response::empty(204); })});
    };
    for (const char* path : {"/healthz", "/readyz"})
      add(http::Method::get, path, Access::probe());
    for (const char* path : {"/", "/openapi.json"})
      add(http::Method::get, path, Access::anyone());
    add(http::Method::get, "/health", Access::caller());
    add(http::Method::post, "/api/session", Access::session());
    for (const auto method : {http::Method::get, http::Method::post})
      add(method, "/api/team-strategy", Access::scoped(auth::Scope::game));
    add(http::Method::get, "/ws/{client_id}", Access::scoped(auth::Scope::game));
    for (const char* path : {"/v1/models", "/api/usage"})
      add(http::Method::get, path, Access::scoped(auth::Scope::models));
    add(http::Method::get, "/api/workflows/runs", Access::scoped(auth::Scope::workflow_run));
    add(http::Method::get, "/metrics", Access::scoped(auth::Scope::operator_read));
    return routes;
  }();
  return declared;
}

http::Request request_of(const Asked& asked) {
  static const http::Router router = [] {
    http::Router mounted;
    routes().mount(mounted);
    return mounted;
  }();
  http::Request request;
  request.method = asked.method;
  request.method_text = http::to_string(asked.method);
  request.target = asked.path;
  request.path = asked.path;
  request.headers = asked.headers;
  request.context.request_id = "0123456789abcdef";
  request.context.remote_address = asked.remote;
  request.context.now.steady_ms = asked.now_ms;
  const auto match = router.match(asked.method, asked.path, false, request.parameters);
  if (match.route != nullptr) request.route = match.route->pattern;
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
  const Gate gate(policy, routes(), metrics);
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
  const auto status = [&](std::vector<http::HeaderView> headers,
                          std::string_view path = "/v1/models") {
    headers.push_back(host);
    return verdict(behind, {.path = path, .headers = std::move(headers)});
  };
  CHECK(status({{"X-Forwarded-For", "198.51.100.7"}}) == 401);
  // Two headers are one list: the right-most entry is the one that the proxy wrote.
  CHECK(status({{"X-Forwarded-For", "127.0.0.1"}, {"X-Forwarded-For", "198.51.100.7"}}) == 401);
  // What a header says is never this machine, and a proxy that says nothing is nobody's.
  CHECK(status({{"X-Forwarded-For", "127.0.0.1"}}) == 401);
  CHECK(status({{"X-Real-IP", "::1"}}) == 401);
  CHECK(status({}) == 400);
  CHECK(status({{"X-Forwarded-Proto", "https"}}) == 400);
  CHECK(status({{"X-Real-IP", "127.0.0.1"}, {"X-Real-IP", "198.51.100.7"}}) == 400);
  CHECK(status({{"X-Forwarded-For", "127.0.0.1"}, {"X-Real-IP", "198.51.100.7"}}) == 400);
  CHECK(status({}, "/healthz") == 0);
  behind.anonymous = auth::Anonymous::on;
  CHECK(status({{"X-Forwarded-For", "198.51.100.7"}}) == 0);
  CHECK(status({{"X-Forwarded-For", "127.0.0.1"}}, "/api/workflows/runs") == 403);
}

TEST_CASE("a proxy's trace ends \"this machine\", on the admin listener too") {
  const http::HeaderView host{"Host", "localhost"};
  GatePolicy admin = policy();
  admin.admin = true;
  CHECK(verdict(policy(), {.headers = {host}}) == 0);
  CHECK(verdict(admin, {.path = "/metrics", .headers = {host}}) == 0);
  CHECK(verdict(policy(), {.path = "/api/workflows/runs", .headers = {host}}) == 0);
  const http::HeaderView via{"Via", "1.1 caddy"};
  CHECK(verdict(policy(), {.headers = {host, via}}) == 401);
  CHECK(verdict(admin, {.path = "/metrics", .headers = {host, via}}) == 401);
  for (const char* name :
       {"X-Forwarded-Host", "X-Forwarded-Ssl", "Forwarded", "CF-Connecting-IP"}) {
    CAPTURE(name);
    CHECK(verdict(policy(), {.headers = {host, {name, "x"}}}) == 400);
    CHECK(verdict(admin, {.path = "/metrics", .headers = {host, {name, "x"}}}) == 400);
  }
  GatePolicy open = policy();
  open.anonymous = auth::Anonymous::on;
  CHECK(verdict(open, {.headers = {host, via}}) == 0);
  CHECK(verdict(open, {.path = "/api/workflows/runs", .headers = {host, via}}) == 403);
}

TEST_CASE("too many requests get 429 with a true Retry-After") {
  RateGate rate(limits::per_minute(60, 2, 10), 1);
  GatePolicy limited = policy();
  limited.rate = &rate;
  observe::Metrics metrics;
  const Gate gate(limited, routes(), metrics);
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

TEST_CASE("refused requests count, and a neighbour's good token goes on") {
  RateGate refusals(limits::per_minute(60, 3, 10), 1);
  auth::TokenSecrets secrets;
  secrets.keys.push_back(
      auth::generate_token_key(auth::Algorithm::hs256, "k", auth::player_scopes_max));
  const auth::TokenPolicy token_policy;
  const auto token = [&](const char* subject) {
    const auth::Claims claims{.subject = subject, .scopes = auth::Scope::game, .expires_s = 600};
    return "Bearer " + auth::mint_token(claims, secrets.keys[0], token_policy).value();
  };
  const std::string ada = token("ada");
  const std::string eve = token("eve");
  auth::Authority authority(token_policy, std::move(secrets));
  GatePolicy limited = policy();
  limited.anonymous = auth::Anonymous::off;
  limited.refusals = &refusals;
  limited.authority = &authority;
  observe::Metrics metrics;
  const Gate gate(limited, routes(), metrics);
  const auto ask = [&](std::string_view authorization, std::string_view remote = "192.0.2.1",
                       std::string_view host = "localhost", std::int64_t now_ms = 0) {
    http::Request request =
        request_of({.headers = {{"Host", host}, {"Authorization", authorization}},
                    .remote = remote,
                    .now_ms = now_ms});
    auto response = gate.admit(request);
    return response ? std::move(*response) : http::Response::empty(204);
  };
  CHECK(ask(ada).status == 204);
  CHECK(ask("Bearer a.b.c").status == 401);
  CHECK(ask(ada, "192.0.2.1", "evil.example").status == 421);
  CHECK(ask("").status == 401);
  for (const char* bad : {"Bearer a.b.c", "Bearer a.b.d", ""}) {
    const http::Response refused = ask(bad);
    CHECK(refused.status == 429);
    CHECK(value(refused, "Retry-After") == "1");
    CHECK(value(refused, "WWW-Authenticate") == "-");
  }
  CHECK(ask(ada, "192.0.2.1", "evil.example").status == 429);
  // A token that was verified before passes; one that would have to be verified now does not, good
  // or bad.
  CHECK(ask(ada).status == 204);
  CHECK(ask(eve).status == 429);
  CHECK(ask(eve, "192.0.2.2").status == 204);
  CHECK(ask(eve).status == 204);
  // A second later one more refusal is there, and a good token takes none.
  const std::string bob = "Bearer x.y.z";
  CHECK(ask(bob, "192.0.2.1", "localhost", 1'000).status == 401);
  CHECK(ask(bob, "192.0.2.1", "localhost", 1'000).status == 429);
}

TEST_CASE("an empty bucket of refusals stops no caller who needs no token") {
  RateGate refusals(limits::per_minute(60, 1, 10), 1);
  GatePolicy open = policy();
  open.anonymous = auth::Anonymous::on;
  open.refusals = &refusals;
  observe::Metrics metrics;
  const Gate gate(open, routes(), metrics);
  const auto ask = [&](std::vector<http::HeaderView> headers, std::string_view path) {
    headers.push_back({"Host", "localhost"});
    http::Request request =
        request_of({.path = path, .headers = std::move(headers), .remote = "192.0.2.1"});
    const auto response = gate.admit(request);
    return response ? response->status : 0;
  };
  CHECK(ask({{"Authorization", "Bearer a.b.c"}}, "/v1/models") == 401);
  CHECK(ask({{"Authorization", "Bearer a.b.c"}}, "/v1/models") == 429);
  CHECK(ask({}, "/v1/models") == 0);
  CHECK(ask({}, "/index.html") == 0);
  CHECK(ask({}, "/healthz") == 0);
}

TEST_CASE("the gate says whom a connection's memory is counted on") {
  observe::Metrics metrics;
  GatePolicy behind = policy();
  behind.trusted_proxies = {*auth::parse_network("10.0.0.1")};
  const Gate gate(behind, routes(), metrics);
  const auto payer = [&](std::string_view client) {
    http::Request request =
        request_of({.path = "/index.html",
                    .headers = {{"Host", "localhost"}, {"X-Forwarded-For", client}},
                    .remote = "10.0.0.1"});
    CHECK_FALSE(gate.admit(request));
    REQUIRE(request.payer.has_value());
    CHECK(request.payer->identity == "");
    return request.payer->key;
  };
  CHECK(payer("192.0.2.7") == http::ClientKey{0, 0, 0, 0, 192, 0, 2, 7});
  CHECK(payer("2001:db8:1:2:3::4") == http::ClientKey{0x20, 1, 0xd, 0xb8, 0, 1, 0, 2});
}

TEST_CASE("the memory of callers with a token is counted on them, of anonymous ones on nobody") {
  auth::Authority authority({}, {});
  GatePolicy known = policy();
  known.authority = &authority;
  observe::Metrics metrics;
  const Gate gate(known, routes(), metrics);
  const auto identity = [&](const auth::Claims& claims) {
    const std::string authorization = "Bearer " + authority.mint(claims).value();
    http::Request request =
        request_of({.path = "/v1/models",
                    .headers = {{"Host", "localhost"}, {"Authorization", authorization}}});
    CHECK_FALSE(gate.admit(request));
    REQUIRE(request.payer.has_value());
    return request.payer->identity;
  };
  CHECK(identity({.subject = "ada", .tenant = "alpha", .expires_s = 600}) == "5:alpha:ada");
  CHECK(identity({.subject = "ada", .tenant = "beta", .expires_s = 600}) == "4:beta:ada");
  const std::string anonymous = "anonymous:127.0.0.1";
  CHECK(identity({.subject = anonymous, .tenant = "anonymous", .expires_s = 600}) == "");
}

TEST_CASE("the address's limit is told beside those that the answer tells already, in one field") {
  RateGate rate(limits::per_minute(60, 2, 10), 1);
  GatePolicy limited = policy();
  limited.rate = &rate;
  observe::Metrics metrics;
  const Gate gate(limited, routes(), metrics);
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
  const Gate gate(policy(), routes(), metrics);
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
  const Gate gate(policy(), routes(), metrics);
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

TEST_CASE("a page may call this machine's other ports only under a name of this machine") {
  observe::Metrics metrics;
  GatePolicy open = policy();
  open.hosts = {"game.example"};
  const Gate gate(open, routes(), metrics);
  const auto policy_of = [&](std::string_view host, std::string_view remote, bool with_policy) {
    http::Request request =
        request_of({.path = "/", .headers = {{"Host", host}}, .remote = remote});
    REQUIRE_FALSE(gate.admit(request));
    http::Response response = http::Response::text(200, "<html>");
    response.set("Content-Type", "text/html; charset=utf-8");
    // The page's files bring theirs along; the explorer's gets the gate's.
    if (with_policy)
      response.add("Content-Security-Policy", page_policy({"https://api.example.com"}));
    gate.finish(request, response);
    return value(response, "Content-Security-Policy");
  };
  for (const bool with_policy : {false, true}) {
    CAPTURE(with_policy);
    for (const std::string_view host :
         {"localhost:8000", "127.0.0.1:8000", "LOCALHOST", "[::1]:80"}) {
      const std::string local = policy_of(host, "127.0.0.1", with_policy);
      CHECK(local.find("connect-src 'self' http://localhost:*") != local.npos);
    }
    for (const std::string_view remote : {"127.0.0.1", "192.0.2.1"}) {
      const std::string of_public = policy_of("game.example", remote, with_policy);
      CHECK(of_public.find("connect-src 'self'") != of_public.npos);
      CHECK(of_public.find("localhost") == of_public.npos);
      CHECK(of_public.find("127.0.0.1") == of_public.npos);
      CHECK((of_public.find(" https://api.example.com") != of_public.npos) == with_policy);
    }
  }
  CHECK_FALSE(is_local_host("localhost.example.com"));
  CHECK_FALSE(is_local_host("127.0.0.1.example.com"));
  CHECK_FALSE(is_local_host(""));
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
  CHECK(knock({.scopes = Scope::game, .path = "/api/workflows/runs"}) == 403);
  CHECK(knock({.scopes = Scope::workflow_run, .path = "/api/workflows/runs"}) == 0);
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
    const Gate at(gate, routes(), metrics);
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
  const Gate gate(open, routes(), metrics);
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
}  // namespace redoubt::contract
