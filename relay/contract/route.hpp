// What the relay answers, declared once: a route's path, who may call it, in which shape its
// clients read an error, what the API's description has of it, and its handler.
//
// 1. Routes are the one list of them: the router, the gate, the metrics and the API's description
//    (description.hpp) are made of it.
// 2. Who may call a route, its dialect and its operation have no default: a route that does not say
//    them does not compile, and what a router knows but no list declares is refused by the gate.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "relay/auth/scopes.hpp"
#include "relay/contract/dialect.hpp"
#include "relay/http/router.hpp"
#include "relay/net/task.hpp"

namespace redoubt::contract {

/// Who may call a route.
class Access {
 public:
  enum class Kind : std::uint8_t {
    probe,    ///< whoever asks, under whatever name and through whatever proxy: it tells nothing
    anyone,   ///< whoever names the listener rightly; no token is looked for
    caller,   ///< whoever may use the listener
    scoped,   ///< a caller with a scope
    session,  ///< the game's own server with its secret, or an anonymous player
    late,     ///< whoever names the listener rightly; who has the scope is asked by the handler
              ///< (Gate::admit_late), because a token may come after the head
  };

  static constexpr Access probe() { return Access(Kind::probe); }
  static constexpr Access anyone() { return Access(Kind::anyone); }
  static constexpr Access caller() { return Access(Kind::caller); }
  static constexpr Access session() { return Access(Kind::session); }
  static constexpr Access scoped(auth::Scope scope) { return Access(Kind::scoped, scope); }

  constexpr Kind kind() const { return kind_; }
  static constexpr Access late(auth::Scope scope) { return Access(Kind::late, scope); }
  /// What the caller's token must give; nothing where it is not asked.
  constexpr std::optional<auth::Scope> scope() const { return scope_; }
  constexpr bool operator==(const Access&) const = default;

 private:
  constexpr explicit Access(Kind kind, std::optional<auth::Scope> scope = std::nullopt)
      : kind_(kind), scope_(scope) {}

  Kind kind_;
  std::optional<auth::Scope> scope_;
};

/// "probe", "anyone", "caller", "session", "late", or a scope's name: for tests and documents.
std::string_view to_string(const Access& access);

/// What the API's description has of a route.
class Operation {
 public:
  /// The operation of that id is described at the route.
  static Operation named(std::string id) { return {std::move(id), Kind::named}; }
  /// Another address of an operation that is described at its first.
  static Operation also(std::string id) { return {std::move(id), Kind::also}; }
  /// Not of the API: a page for people, or what operators ask for.
  static Operation undescribed() { return {{}, Kind::undescribed}; }

  const std::string& id() const { return id_; }
  bool is_described() const { return kind_ != Kind::undescribed; }
  bool is_described_here() const { return kind_ == Kind::named; }

 private:
  enum class Kind : std::uint8_t { named, also, undescribed };
  Operation(std::string id, Kind kind) : id_(std::move(id)), kind_(kind) {}

  std::string id_;
  Kind kind_;
};

using JsonBody = std::shared_ptr<const nlohmann::json>;
/// Takes a body that fits what the operation declares of application/json; null where none came, or
/// one of another media type that the operation declares.
using JsonHandler = std::function<net::Task<http::Response>(http::Request&, JsonBody body)>;
using RouteHandler =
    std::variant<http::Handler, http::AsyncHandler, http::WebSocketAccept, JsonHandler>;

/// As http::Router has it, with who may call it.
struct Route {
  http::Method method;  ///< get for a WebSocket
  std::string pattern;
  Access access;
  Dialect dialect;
  Operation operation;
  RouteHandler handler;
  http::RouteOptions options = {};
  http::WebSocketOptions websocket = {};
  std::size_t json_bytes_max = 0;  ///< of a JsonHandler's, within options.body_bytes_max; 0: that
};

/// Makes a handler that checks a route's body and then calls its own.
using BodyCheck = std::function<http::AsyncHandler(const Route&, JsonHandler)>;

/// The dialect of what no route answers under a path, "/v1/": 404, 405, a malformed request.
struct Prefix {
  std::string path;
  Dialect dialect;
};

class Routes {
 public:
  /// Two routes of one method and pattern that differ in who may call them or in their dialect
  /// throw std::invalid_argument.
  void add(Route route);
  void add_all(std::vector<Route> routes);
  /// Of prefixes that fit a path the longest counts.
  void add_prefixes(const std::vector<Prefix>& prefixes);

  const std::vector<Route>& all() const { return routes_; }
  /// The route that a request matched (Request::route), with HEAD for GET; null where none is
  /// declared so.
  const Route* find(http::Method method, std::string_view pattern) const;
  /// Of a path that no route matched: that of a route with another method, else its prefix's, else
  /// problem details.
  Dialect dialect_of_unmatched(std::string_view path) const;
  /// REQUIRES: a `check` where a route has a JsonHandler
  void mount(http::Router& router, const BodyCheck& check = {}) const;

 private:
  std::vector<Route> routes_;
  std::vector<Prefix> prefixes_;
};

}  // namespace redoubt::contract
