// What a service gives for its Socket.IO namespaces: who may join, and what to do with events.
#pragma once

#include <any>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "relay/http/engineio/hub.hpp"

namespace redoubt::http::engineio {

/// A client that wants to join a namespace.
struct Knock {
  SocketId socket;
  std::string_view name_space;
  JsonPtr auth;     ///< an object; null where the client sent none
  std::any caller;  ///< Request::attachment of the request that opened its session
};

/// May it? Where not, `message` is what the client's connect_error says.
struct Decision {
  bool allowed = false;
  std::string message = {};
  JsonPtr data = {};            ///< the error's `data`; may be null
  std::int64_t expires_ms = 0;  ///< on the wall's clock: it is disconnected then; 0: never
};
using Decide = std::function<void(Decision)>;

/// Called by one thread at a time, in the order in which things happened, without a lock held: it
/// may call the server back. It does not wait: whoever needs longer hands the work on.
class SocketHandler {
 public:
  virtual ~SocketHandler() = default;
  /// `decide` is called once, now or later, on any thread. After it allowed, the socket is there:
  /// what is emitted to it arrives behind the answer to its CONNECT.
  virtual void connect(const Knock& knock, const Decide& decide) = 0;
  /// `arguments` are a list. `ack`: the client waits for SocketServer::acknowledge().
  virtual void event(SocketId socket, const std::string& name, const JsonPtr& arguments,
                     std::optional<std::uint64_t> ack) = 0;
  /// The client's answer to SocketServer::ask().
  virtual void acknowledged(SocketId, std::uint64_t /*ack*/, const JsonPtr& /*arguments*/) {}
  /// Once for each socket that was allowed; it has left its rooms.
  virtual void disconnected(SocketId socket, std::string_view reason) = 0;
};

}  // namespace redoubt::http::engineio
