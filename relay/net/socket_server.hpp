// SocketServer: a Socket.IO server (engineio/hub.hpp) on the relay's HTTP and WebSockets. Any route
// can mount it; Socket.IO's clients look for it at /socket.io/.
//
// 1. Thread-safe. Sessions belong to no shard: a client's requests and WebSockets may come to any.
//    The hub is behind one lock; what it wants sent is queued for each shard in order and sent on
//    the shard's own thread without the lock, some at a time.
// 2. A held poll is a waiting coroutine of its connection. It ends with something to say, with its
//    client, or with its session.
// 3. The SocketHandler hears of events in their order, one at a time (socket_handler.hpp).
// 4. It outlives the server, and close() ends its sessions before the server is drained.
// 5. REQUIRES: bounds.session.ping_interval_ms is shorter than the server's deadline of a handler,
//    which a held poll is.
#pragma once

#include <any>
#include <atomic>
#include <boost/asio/basic_waitable_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "relay/http/engineio/socket_handler.hpp"
#include "relay/http/router.hpp"
#include "relay/net/task.hpp"

namespace redoubt::net {

class SocketServer {
 public:
  struct Options {
    http::engineio::HubBounds bounds;
    std::vector<std::string> namespaces{"/"};
  };
  using SocketId = http::engineio::SocketId;

  /// `handler` outlives it.
  SocketServer(Options options, http::engineio::SocketHandler& handler);
  ~SocketServer();
  SocketServer(const SocketServer&) = delete;
  SocketServer& operator=(const SocketServer&) = delete;

  // What a route mounts: GET with poll_options(), POST with post_options(), and the WebSocket.
  Task<http::Response> poll(http::Request& request);
  http::Response post(http::Request& request);
  std::variant<http::Response, std::unique_ptr<http::WebSocketSession>> accept(
      http::Request& request);
  http::RouteOptions poll_options() const { return {.watch_client = true}; }
  http::RouteOptions post_options() const;
  http::WebSocketOptions websocket_options() const;

  // What a service says. False or nothing where the socket is gone or a bound is reached.
  bool emit(SocketId socket, std::string_view event, const nlohmann::json& arguments);
  /// To all of a namespace ("" as the room) or of a room, but `except`. Gives how many.
  std::size_t emit_to(std::string_view name_space, std::string_view room, std::string_view event,
                      const nlohmann::json& arguments, SocketId except = 0);
  /// Gives the acknowledgement's id.
  std::optional<std::uint64_t> ask(SocketId socket, std::string_view event,
                                   const nlohmann::json& arguments);
  bool acknowledge(SocketId socket, std::uint64_t ack, const nlohmann::json& arguments);
  bool join(SocketId socket, std::string_view room);
  bool leave(SocketId socket, std::string_view room);
  bool disconnect(SocketId socket);

  /// Ends all sessions and takes no more.
  void close();
  std::size_t sessions() const;

 private:
  friend class SocketTransport;
  struct HeldPoll;
  struct Delivery;
  struct Lane;
  struct Transport;
  struct Told;
  using Timer = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

  template <class Work>
  auto work(Work work_on_hub);
  void collect(std::int64_t now_ms);
  void queue_step(http::engineio::Step step, std::int64_t now_ms);
  void deliver();
  void drain(Lane& lane);
  bool take_deliveries(Lane& lane);
  void tell();
  void tell_one(Told& told);
  std::size_t lane_of(const Executor& shard);
  void arm();
  void on_timer();

  http::Response open_by_polling(http::Request& request);
  bool attach(http::engineio::SessionId session, const http::Request& request,
              const http::WebSocketPeer& peer, http::engineio::TransportId transport);
  void receive(http::engineio::TransportId transport,
               const http::engineio::Packet* packet);  // null: no packet
  void transport_gone(http::engineio::TransportId transport);

  const Options options_;
  http::engineio::SocketHandler& handler_;
  std::atomic<std::uint64_t> last_id_{0};  ///< of polls and transports

  mutable std::mutex mutex_;
  http::engineio::Hub hub_;
  bool closed_ = false;
  std::vector<std::unique_ptr<Lane>> lanes_;  ///< by shard
  std::unordered_map<http::engineio::PollId, std::pair<std::weak_ptr<HeldPoll>, std::size_t>>
      polls_;
  std::unordered_map<http::engineio::TransportId, Transport> transports_;
  std::unordered_map<http::engineio::SessionId, std::any> callers_;
  std::deque<Told> told_;  ///< what the handler is to hear
  bool telling_ = false;
  std::weak_ptr<Timer> timer_;  ///< held by its own handler, on the first lane
  std::int64_t armed_ms_ = 0;   ///< 0: not at all
};

}  // namespace redoubt::net
