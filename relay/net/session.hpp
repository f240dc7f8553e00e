// One connection: HTTP/1.1 until it ends or becomes a WebSocket. Internal to relay/net.
//
// advance() does everything that needs no waiting and says what to wait for; serve() is the
// coroutine that waits. So one idle connection is one small coroutine frame and this object, and
// the order of things can be read in advance() alone.
//
//   advance: [write output] -> [close] -> [read] -> [parse] -> [dispatch] -> again
//
// Deadlines are set with each Phase and checked once a second by tick().
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "relay/net/channel.hpp"
#include "relay/net/deadlines.hpp"
#include "relay/net/shard.hpp"

namespace redoubt::net {

class StreamedBody;
class WebSocketConnection;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Shard& shard, const Listener& listener, Socket socket, std::string remote_address,
          std::uint16_t remote_port, const ConnectionGate::Key& gate_key);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The whole life of a connection. Takes its owner by value: the coroutine keeps it alive.
  static Task<void> serve(std::shared_ptr<Session> session);

  // From the shard.
  void tick(http::Moment now);
  void drain();
  void set_index(std::size_t index) { index_ = index; }
  std::size_t index() const { return index_; }

  // For the WebSocket that this connection became, and for a streamed body.
  Shard& shard() { return shard_; }
  Socket& socket() { return socket_; }
  Channel& channel() { return channel_; }
  /// Wakes whatever waits and ends the connection.
  void abort();

 private:
  enum class Need : std::uint8_t { readable, writable, handler, stream, websocket, linger, done };

  Task<void> run();
  Task<void> wait(Socket::wait_type direction);
  Task<bool> handshake();
  Task<void> run_handler();
  Task<void> run_stream();
  Task<void> run_websocket();
  Task<void> linger();

  Need advance();
  bool flush(Need& need);
  bool read(Need& need);
  bool parse(Need& need);
  bool dispatch(Need& need);
  bool dispatch_route(http::Request& request, Need& need);
  void answer_unmatched(http::Request& request);
  bool accept_websocket(http::Request& request, Need& need);
  void refuse(const http::Refusal& refusal);
  void fault(const char* what);
  void respond(http::Response response);
  void queue_body(http::Response& response, std::string_view body);
  void start_stream(http::Response& response);
  enum class Framing : std::uint8_t { length, chunked, to_the_end };
  void write_head(const http::Request& request, const http::Response& response,
                  std::size_t body_bytes, Framing framing);
  void record_request(int status, std::size_t response_bytes, std::int64_t now_us);
  void fill_context(http::Request& request);
  void keep_input();
  void watch_client();
  enum class Ahead : std::uint8_t { nothing, writable, full, gone };
  void start_reading_ahead();
  Ahead read_ahead();
  void rest();
  void set_phase(Phase phase, std::int64_t now_ms, std::size_t write_bytes = 0);
  void record(ConnectionEvent event);

  Shard& shard_;
  const Listener& listener_;
  Socket socket_;
  Tls::Context tls_;
  Channel channel_;
  std::string remote_address_;
  ConnectionGate::Key gate_key_;
  std::uint16_t remote_port_;
  Phase phase_ = Phase::idle;
  bool expired_ = false;   // the deadline of phase_ passed
  bool aborted_ = false;   // end as soon as possible, write nothing
  bool closing_ = false;   // close after the output is written
  bool read_dry_ = false;  // the last read emptied the socket: wait before the next
  std::size_t index_ = 0;  // in the shard's list
  std::size_t requests_ = 0;
  std::int64_t phase_since_ms_ = 0;
  std::int64_t deadline_ms_ = 0;
  std::string_view input_;  // not yet parsed: in the shard's scratch or in exchange_->input
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<http::WebSocketSession> accepted_;  // between the handshake and run_websocket
  std::shared_ptr<WebSocketConnection> websocket_;
  std::shared_ptr<StreamedBody> body_;
  // Between the head of a streamed answer and run_stream.
  struct PendingStream {
    std::function<void(http::BodyStreamPtr)> start;
    int status;
    bool chunked;
  };
  std::unique_ptr<PendingStream> pending_stream_;
};

}  // namespace redoubt::net
