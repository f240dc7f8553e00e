// The server: listeners, shards, sessions.
//
// 1. A shard is one thread with one io_context, and its own acceptor for each listener
//    (SO_REUSEPORT). A connection stays on the shard that accepted it.
// 2. Everything has a bound: connections over all and by address, head, headers, body, pipelined
//    bytes, WebSocket messages and queues, the memory of everything unfinished together, and the
//    time a connection may stay in each phase.
// 3. A request that fails the strict check is answered (400, 413, 431, ...) and its connection is
//    closed after the answer was delivered.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/http/message.hpp"
#include "relay/http/router.hpp"
#include "relay/net/deadlines.hpp"

namespace redoubt::net {

struct TlsOptions {
  std::string certificate_file;  ///< PEM, leaf first, then the chain
  std::string key_file;          ///< PEM
};

struct ListenerOptions {
  std::string name;                   ///< appears in Context::listener, logs and metrics
  std::string address = "127.0.0.1";  ///< an IP address, not a name
  std::uint16_t port = 0;             ///< 0: an ephemeral port, see Server::port
  std::optional<TlsOptions> tls;
  const http::Router* router = nullptr;  ///< must outlive the server
  bool admin = false;  ///< kept reachable when connections run out, see ConnectionGate
  /// Is this peer a proxy whose clients are told by the router's filters (Request::payer)?
  std::function<bool(std::string_view address)> trusted_peer;
};

struct ServerOptions {
  std::vector<ListenerOptions> listeners;
  int shards = 1;
  int backlog = 1024;
  std::size_t head_bytes_max = 16 * 1024;
  std::size_t headers_max = 100;
  std::size_t body_bytes_max = 1024 * 1024;
  std::size_t trailer_bytes_max = 1024;    ///< of a chunked body
  std::size_t chunk_line_bytes_max = 256;  ///< size, extensions and CRLF of one chunk
  std::size_t requests_per_connection_max = 1'000'000;
  std::size_t connections_max = 10'000;
  std::size_t connections_per_address_max = 256;
  /// Memory of requests and WebSocket messages that wait for their client or their answer.
  std::size_t unfinished_bytes_max = 64 * 1024 * 1024;
  /// Does somebody wait for memory that answers take (http::Response::memory)? Any thread; empty:
  /// nobody does.
  std::function<bool()> answers_wait;
  Deadlines deadlines;
  std::int64_t drain_ms_max = 10'000;
};

enum class ConnectionEvent : std::uint8_t {
  opened,
  closed,
  refused_total,    ///< connections_max
  refused_address,  ///< connections_per_address_max
  evicted,          ///< the idlest, closed to make room for a new one
  refused_memory,   ///< unfinished_bytes_max: 503, or 1013 on a WebSocket
  tls_failed,
  timed_out,
  websocket_opened,
  websocket_closed,
  websocket_slow,  ///< dropped with 1013
  stream_cut,      ///< the client left, or the producer gave up, before a streamed answer's end
  stream_slow,     ///< a streamed answer cut because its client reads too slowly
};
std::string_view to_string(ConnectionEvent event);

struct ConnectionRecord {
  ConnectionEvent event;
  std::string_view listener;
  std::string_view remote_address;
  Phase phase = Phase::idle;  ///< of timed_out
};

struct RequestRecord {
  const http::Request& request;  ///< for a refused request what was readable
  int status;
  std::size_t request_bytes;   ///< head and body
  std::size_t response_bytes;  ///< head and body
  std::int64_t duration_us;    ///< from the complete request to its answer handed to the kernel
};

/// Told what happens. Called on shard threads, concurrently for several shards: implementations
/// are thread-safe, quick and do not throw. Views are valid only during the call.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_connection(const ConnectionRecord&) {}
  virtual void on_request(const RequestRecord&) {}
  /// Something that should not happen (an exception of a handler, accept failing).
  virtual void on_fault(std::string_view where, std::string_view what);
};

class Server {
 public:
  /// `observer` must outlive the server.
  Server(ServerOptions options, Observer& observer);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Loads certificates and binds every listener on every shard; nothing stays bound on an error.
  Result<void> listen();
  /// The bound port of a listener. REQUIRES: listen() succeeded.
  std::uint16_t port(std::size_t listener) const;

  /// Serves until drained: shard 0 on the calling thread, the others on threads of their own.
  /// REQUIRES: listen() succeeded.
  void run();

  /// Stops accepting, answers what is under way with `Connection: close`, closes WebSockets with
  /// 1001, and ends run() when all are done or drain_ms_max has passed. Any thread; repeatable.
  void drain();
  /// Ends run() without waiting. Any thread.
  void stop();

  /// Reads every listener's certificate and key again; new connections use them. On an error
  /// nothing changes. Any thread.
  Result<void> reload_certificates();

  /// Connections open now, over all shards. Any thread.
  std::size_t connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace redoubt::net
