// One connection: HTTP/1.1 until it ends or becomes a WebSocket. Internal to relay/net.
//
// advance() does everything that needs no waiting and says what to wait for; serve() is the
// coroutine that waits. So one idle connection is one small coroutine frame and this object, and
// the order of things can be read in advance() alone.
//
//   advance: [write output] -> [close] -> [read] -> [parse] -> [judge the head] -> [dispatch] ->
//   again
//
// A head is judged before its body is kept: who is refused (401, 403, 404, 413, 429 ...) holds no
// memory. A short body is then skipped, with a longer one the connection closes.
//
// A connection that always has something to do (pipelined requests, a long body) works in turns;
// between two of them the shard looks after the others.
//
// Deadlines are set with each Phase and checked once a second by tick().
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <optional>
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
  /// How the connection was counted when it came in.
  struct Place {
    ConnectionGate::Key key;
    ConnectionGate::Kind kind;
  };

  Session(Shard& shard, const Listener& listener, Socket socket, std::string remote_address,
          std::uint16_t remote_port, const Place& place);
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
  const Place& place() const { return place_; }
  /// No request is under way: it may be closed to make room.
  bool idle() const;
  std::int64_t since_ms() const { return phase_since_ms_; }
  /// Its request has no owner yet: a head or a TLS handshake is under way.
  bool arriving() const;
  /// Closes it and frees its place, or its memory, at once for somebody else.
  void evict();
  void evict_memory();

  // For the WebSocket that this connection became, and for a streamed body.
  Shard& shard() { return shard_; }
  Socket& socket() { return socket_; }
  Channel& channel() { return channel_; }
  HeldMemory& held() { return held_; }
  void record(ConnectionEvent event);
  /// Counts a step of this connection; true where the others' turn has come.
  bool turn_over() { return turn_.over(); }
  /// Wakes whatever waits and ends the connection.
  void abort();

 private:
  enum class Need : std::uint8_t {
    readable,
    writable,
    turn,
    handler,
    stream,
    websocket,
    linger,
    done
  };
  /// How long a connection has worked without a wait. One step is not timed.
  class Turn {
   public:
    void begin() { *this = {}; }
    /// Counts a step; true where the others' turn has come.
    bool over();

   private:
    int steps_ = 0;
    std::int64_t since_us_ = 0;
  };

  Task<void> run();
  Task<void> wait(Socket::wait_type direction);
  Task<void> wait_for_turn();
  Task<bool> handshake();
  Task<void> run_handler();
  Task<void> run_stream();
  Task<void> run_websocket();
  Task<void> linger();

  bool holds_up(http::Moment now);
  Need advance();
  bool flush(Need& need);
  bool read(Need& need);
  bool parse(Need& need);
  http::RequestParser::Step judge_head();
  std::optional<http::Response> answer_at_head(http::Request& request);
  http::Response answer_unmatched(http::Request& request);
  bool yield_turn(Need& need);
  bool dispatch(Need& need);
  bool dispatch_route(http::Request& request, Need& need);
  bool accept_websocket(http::Request& request, Need& need);
  void refuse(const http::Refusal& refusal);
  void refuse_rest(const http::Refusal& refusal);
  http::Response fault(const char* what);
  void respond(http::Response response);
  bool hold_answer(http::Response& response);
  http::Response refuse_answer();
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
  bool hold();
  bool hold(std::size_t bytes);
  void let_go();
  /// On whom a connection counts what has no caller yet.
  static MemoryBudget::Account account_of(const Place& place);
  MemoryBudget::Account account_of(const http::Request& request) const;
  void refuse_memory();
  bool take_client_slot(const http::Request& request);
  void leave_gate();
  bool note_partial_record();

  Shard& shard_;
  const Listener& listener_;
  Socket socket_;
  Tls::Context tls_;
  Channel channel_;
  std::string remote_address_;
  Place place_;
  HeldMemory held_;  // of what is unfinished; arriving until the head was judged
  std::optional<ConnectionGate::Key> client_slot_;  // of the proxy's client whose request this is
  std::uint16_t remote_port_;
  Phase phase_ = Phase::idle;
  bool expired_ = false;  // the deadline of phase_ passed
  bool evicted_ = false;  // its place is somebody else's already
  bool aborted_ = false;  // end as soon as possible, write nothing
  bool closing_ = false;  // close after the output is written
  Turn turn_;
  bool read_dry_ = false;  // the last read emptied the socket: wait before the next
  std::size_t index_ = 0;  // in the shard's list
  std::size_t requests_ = 0;
  Pace pace_;  // of a body or an answer that holds memory
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
