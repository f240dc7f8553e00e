// The door of a service's Socket.IO namespaces: what the gate is to a route.
//
//   SocketDoor door(handler, scope);
//   net::SocketServer server(options, door);
//   routes.add_all(socket_routes("/socket.io/", server, scope, dialect));
//
// 1. A browser's Socket.IO client has no place for a token in its head: it comes as `auth.token` of
//    each CONNECT. So the routes are Access::late(), and no namespace is joined before the gate was
//    asked: handler.connect() is called for those alone whom it let in.
// 2. An auth.token is believed before a token of the head, and has to be good. Whoever shows none
// is
//    who the head said: the holder of its token, or nobody where the listener answers those.
// 3. A socket whose token ends is disconnected then.
// 4. Origin and CORS are the gate's, as on every route.
#pragma once

#include <string>
#include <vector>

#include "relay/contract/gate.hpp"
#include "relay/contract/route.hpp"
#include "relay/net/socket_server.hpp"

namespace redoubt::contract {

/// Who knocks, in a handler behind a SocketDoor.
const Caller& caller_of(const http::engineio::Knock& knock);

class SocketDoor final : public http::engineio::SocketHandler {
 public:
  using SocketId = http::engineio::SocketId;
  using JsonPtr = http::engineio::JsonPtr;

  /// `handler` outlives it.
  SocketDoor(http::engineio::SocketHandler& handler, auth::Scope scope)
      : handler_(handler), scope_(scope) {}

  void connect(const http::engineio::Knock& knock, const http::engineio::Decide& decide) override;
  void event(SocketId socket, const std::string& name, const JsonPtr& arguments,
             std::optional<std::uint64_t> ack) override {
    handler_.event(socket, name, arguments, ack);
  }
  void acknowledged(SocketId socket, std::uint64_t ack, const JsonPtr& arguments) override {
    handler_.acknowledged(socket, ack, arguments);
  }
  void disconnected(SocketId socket, std::string_view reason) override {
    handler_.disconnected(socket, reason);
  }

 private:
  http::engineio::SocketHandler& handler_;
  const auth::Scope scope_;
};

/// A SocketServer at a pattern ("/socket.io/"), whose handler is a SocketDoor of that scope.
/// `server` outlives them.
std::vector<Route> socket_routes(const std::string& pattern, net::SocketServer& server,
                                 auth::Scope scope, Dialect dialect);

}  // namespace redoubt::contract
