#include "relay/contract/socket_door.hpp"

#include <chrono>
#include <utility>

#include "engine/base/json.hpp"

namespace redoubt::contract {

using http::engineio::Decide;
using http::engineio::Decision;
using http::engineio::Knock;

namespace {

constexpr std::int64_t second_ms = 1'000;

http::Moment now() {
  using namespace std::chrono;
  return {duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count(),
          duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

Decision refused(const auth::Refusal& refusal) {
  Json data{{"code", refusal.code}, {"status", refusal.status}};
  return {.allowed = false,
          .message = refusal.message,
          .data = std::make_shared<const Json>(std::move(data))};
}

/// auth.token; "" where there is none. Nothing where it is no text.
std::optional<std::string> token_of(const Knock& knock) {
  if (!knock.auth || !knock.auth->contains("token")) return "";
  const Json& token = knock.auth->at("token");
  if (token.is_null()) return "";
  if (!token.is_string()) return std::nullopt;
  return token.get<std::string>();
}

}  // namespace

const Caller& caller_of(const Knock& knock) {
  return *std::any_cast<const std::shared_ptr<Caller>&>(knock.caller);
}

void SocketDoor::connect(const Knock& knock, const Decide& decide) {
  const auto* head = std::any_cast<std::shared_ptr<Caller>>(&knock.caller);
  const auto token = token_of(knock);
  if (head == nullptr || (*head)->gate == nullptr || !token) {
    decide(refused(
        {.status = 401, .code = "invalid_token", .message = "auth.token is no token's text"}));
    return;
  }
  auto verdict = (*head)->gate->admit_late(**head, *token, scope_, now());
  if (const auto* refusal = std::get_if<auth::Refusal>(&verdict)) {
    decide(refused(*refusal));
    return;
  }
  const auto caller = std::make_shared<Caller>(std::get<Caller>(std::move(verdict)));
  const std::int64_t expires_ms = caller->claims ? caller->claims->expires_s * second_ms : 0;
  Knock admitted = knock;
  admitted.caller = caller;
  const auto within_token = [decide, expires_ms](Decision decision) {
    const bool sooner = decision.expires_ms == 0 || expires_ms < decision.expires_ms;
    if (expires_ms != 0 && sooner) decision.expires_ms = expires_ms;
    decide(std::move(decision));
  };
  handler_.connect(admitted, within_token);
}

std::vector<Route> socket_routes(const std::string& pattern, net::SocketServer& server,
                                 auth::Scope scope, Dialect dialect) {
  const auto route = [&](http::Method method, RouteHandler handler) {
    return Route{.method = method,
                 .pattern = pattern,
                 .access = Access::late(scope),
                 .dialect = dialect,
                 .operation = Operation::undescribed(),
                 .handler = std::move(handler)};
  };
  std::vector<Route> routes;
  routes.push_back(route(http::Method::get, http::AsyncHandler([&server](http::Request& request) {
                           return server.poll(request);
                         })));
  routes.back().options = server.poll_options();
  routes.push_back(route(http::Method::post, http::Handler([&server](http::Request& request) {
                           return server.post(request);
                         })));
  routes.back().options = server.post_options();
  routes.push_back(route(
      http::Method::get,
      http::WebSocketAccept([&server](http::Request& request) { return server.accept(request); })));
  routes.back().websocket = server.websocket_options();
  return routes;
}

}  // namespace redoubt::contract
