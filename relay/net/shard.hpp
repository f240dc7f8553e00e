// A shard: one thread, its io_context, acceptors and sessions. Internal to relay/net.
//
// Everything here runs on the shard's thread unless it says "any thread".
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "relay/http/request_parser.hpp"
#include "relay/net/connection_gate.hpp"
#include "relay/net/memory_budget.hpp"
#include "relay/net/server.hpp"
#include "relay/net/tls.hpp"

namespace redoubt::net {

class Session;

using Tcp = boost::asio::ip::tcp;
using Socket = boost::asio::basic_stream_socket<Tcp, Executor>;
using Acceptor = boost::asio::basic_socket_acceptor<Tcp, Executor>;
using Timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

/// A listener as the sessions see it; one for the whole server, immutable but for its certificate.
struct Listener {
  ListenerOptions options;
  std::unique_ptr<Tls> tls;
};

/// What one request needs from its first byte to its answer's last. Idle connections have none:
/// a shard keeps a few and lends them.
struct Exchange {
  explicit Exchange(const http::ParserLimits& limits) : parser(limits) {}

  http::RequestParser parser;
  http::Router::Match match;
  std::optional<http::Response> early;  // answered at the head; its body is being skipped
  std::array<char, 16> request_id{};
  std::int64_t complete_us = 0;  // when the request was complete
  std::string input;             // read but not parsed when the session had to wait
  std::string output;
  std::size_t written = 0;                  // of output, then of tail
  std::shared_ptr<const std::string> tail;  // a large or shared body, after output
  std::shared_ptr<const void> tail_memory;  // counts tail until the client has read it

  bool has_output() const { return !output.empty() || tail; }
};

/// What all shards share.
struct SharedLimits {
  ConnectionGate gate;
  std::shared_ptr<MemoryBudget> memory;
};

class Shard {
 public:
  static constexpr std::size_t read_bytes_max = 64 * 1024;

  Shard(const ServerOptions& options, std::vector<Listener>& listeners, SharedLimits& limits,
        Observer& observer, std::uint64_t id_seed);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// Binds and listens; `shared` sets SO_REUSEPORT. Before run(), any thread.
  Result<std::uint16_t> bind(std::size_t listener, std::uint16_t port, bool shared);
  /// Serves until drained or stopped.
  void run();
  /// Any thread.
  void drain();
  void stop();

  // For sessions.
  const ServerOptions& options() const { return options_; }
  Observer& observer() { return observer_; }
  ConnectionGate& gate() { return limits_.gate; }
  const std::shared_ptr<MemoryBudget>& memory() const { return limits_.memory; }
  /// Others wait for memory, of requests or of answers.
  bool memory_is_short() const {
    return limits_.memory->is_short() || (options_.answers_wait && options_.answers_wait());
  }
  Executor executor() { return io_->get_executor(); }
  std::span<char> scratch() { return scratch_; }
  bool draining() const { return draining_; }
  http::Moment now() const;
  /// The Date header's value now.
  std::string_view date(std::int64_t wall_ms);
  void write_request_id(std::array<char, 16>& id);
  std::unique_ptr<Exchange> lend_exchange();
  void give_back(std::unique_ptr<Exchange> exchange);
  /// Closes the connection whose head or handshake has been under way for the longest time, to free
  /// its memory: one of the asker's own address, or of all; false where there is none but `asker`.
  bool drop_oldest_arriving(const Session& asker, bool own_address);
  void enter(Session& session);
  void leave(Session& session);

 private:
  Task<void> accept(std::size_t index);
  void take(Socket socket, const Tcp::endpoint& remote, std::size_t listener);
  void take_waiting(Acceptor& acceptor, std::size_t listener);
  void admit(Socket socket, const Tcp::endpoint& remote, std::size_t listener);
  template <class Fits>
  Session* oldest(Fits fits);
  ConnectionGate::Verdict make_room(const ConnectionGate::Key& key, ConnectionGate::Kind kind,
                                    ConnectionGate::Verdict verdict);
  void wait_for_tick();
  void tick();
  void start_drain();
  void finish_when_empty();

  const ServerOptions& options_;
  std::vector<Listener>& listeners_;
  SharedLimits& limits_;
  Observer& observer_;
  http::ParserLimits parser_limits_;
  std::uint64_t id_state_;
  std::vector<char> scratch_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::vector<Session*> sessions_;
  std::string date_;
  std::int64_t date_second_ = -1;
  std::size_t eviction_looks_ = 0;  // since the last tick
  bool draining_ = false;

  // Destroyed first (reset in the destructor, in this order's reverse): what hangs on io_ uses the
  // members above.
  std::unique_ptr<boost::asio::io_context> io_;
  std::optional<boost::asio::executor_work_guard<Executor>> work_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<std::size_t> acceptor_listeners_;
  std::unique_ptr<Timer> timer_;
  std::unique_ptr<Timer> drain_timer_;
};

}  // namespace redoubt::net
