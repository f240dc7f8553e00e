// One Engine.IO 4 session: which transport carries its packets, what waits for it, when it ends.
//
//   polling   --(a poll, something waits)-----------> polling    the poll is answered
//   polling   --(a second poll while one is held)---> ended      as the reference server does
//   polling   --(a WebSocket with its sid)----------> probing
//   probing   --("2probe")--------------------------> probing    "3probe"; polls are answered at
//                                                                once, so that the client can stop
//   probing   --("5")-------------------------------> websocket  what waited goes out there
//   probing   --(its WebSocket goes, upgrade_ms_max)> polling
//   websocket --(its WebSocket goes)----------------> ended
//   polling   --(a held poll's client goes)---------> ended
//   any       --("1", no pong in time, a fault)-----> ended
//   any       --(over queued_*_max)-----------------> ended      a slow reader is dropped
//   any       --(close())---------------------------> ended, or
//   polling   --(close(), no poll is held)----------> closing    what waits is left for one poll
//   closing   --(a poll, closing_ms_max)------------> ended
//
// A value without I/O, clock or randomness: the moment and all ids are arguments, what the world
// has to do is appended to `steps` in its order. Memory is bounded by SessionPolicy's queue.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "relay/http/engineio/packet.hpp"
#include "relay/http/websocket_frame.hpp"

namespace redoubt::http::engineio {

/// Of a GET that is held until there is something to say; 0 is none.
using PollId = std::uint64_t;
/// Of a WebSocket; 0 is none, and in receive() HTTP.
using TransportId = std::uint64_t;

struct AnswerPoll {
  PollId poll;
  int status;
  std::string body;
};
struct SendFrame {
  TransportId transport;
  FramePtr frame;
};
struct CloseTransport {
  TransportId transport;
  std::uint16_t code;
  std::string_view reason;  ///< a constant
};
using Step = std::variant<AnswerPoll, SendFrame, CloseTransport>;
using Steps = std::vector<Step>;

struct SessionPolicy {
  std::int64_t ping_interval_ms = 25'000;
  std::int64_t ping_timeout_ms = 20'000;
  std::int64_t upgrade_ms_max = 10'000;
  std::int64_t closing_ms_max = 5'000;
  std::size_t payload_bytes_max = 100'000;      ///< of a client's packet or payload; it is told so
  std::size_t queued_packets_max = 1'024;       ///< that wait for a poll
  std::size_t queued_bytes_max = 256u * 1'024;  ///< the same
};

/// Why a session ended; the protocol's words where it has some.
namespace end_reason {
inline constexpr std::string_view transport_close = "transport close";
inline constexpr std::string_view ping_timeout = "ping timeout";
inline constexpr std::string_view upgrade_timeout = "upgrade timeout";
inline constexpr std::string_view parse_error = "parse error";
inline constexpr std::string_view two_polls = "two polls at once";
inline constexpr std::string_view poll_left = "poll closed by the client";
inline constexpr std::string_view too_slow = "the client reads too slowly";
inline constexpr std::string_view no_namespace = "no namespace was joined in time";
inline constexpr std::string_view forced = "forced close";
inline constexpr std::string_view going_down = "the server is going down";
}  // namespace end_reason

class Session {
 public:
  enum class State : std::uint8_t { polling, probing, websocket, closing, ended };

  /// `transport` 0: by polling, and handshake() is the answer; else it is sent there. `policy`
  /// outlives it.
  Session(const SessionPolicy& policy, std::string sid, TransportId transport, std::int64_t now_ms,
          Steps& steps);

  /// The open packet's text.
  std::string handshake() const;

  void poll(PollId poll, Steps& steps);
  void poll_gone(PollId poll, Steps& steps);
  /// A POST is of this session's transport.
  bool is_polling() const { return state_ == State::polling || state_ == State::probing; }
  /// A WebSocket that wants to take over; false where it may not.
  bool probe(TransportId transport, std::int64_t now_ms);
  /// A packet; true where it is a message, for whoever stands above. `data` is what a ping, pong,
  /// close or upgrade carries.
  bool receive(PacketType type, std::string_view data, TransportId from, std::int64_t now_ms,
               Steps& steps);
  void transport_gone(TransportId transport, Steps& steps);

  /// A packet's text in a frame.
  void send(const FramePtr& frame, Steps& steps);
  /// Ends it after what waits was sent.
  void close(std::string_view reason, std::int64_t now_ms, Steps& steps);
  /// Ends it at once; `reason` is a constant.
  void end(std::string_view reason, Steps& steps);

  void tick(std::int64_t now_ms, Steps& steps);
  /// tick() has something to do then.
  std::int64_t deadline_ms() const;

  State state() const { return state_; }
  /// Nothing is to be sent or received any more.
  bool is_over() const { return state_ == State::closing || state_ == State::ended; }
  std::string_view reason() const { return reason_; }  ///< once it is over
  std::size_t queued_bytes() const { return queued_bytes_; }
  const std::string& sid() const { return sid_; }

 private:
  bool receive_probe(PacketType type, std::string_view data, Steps& steps);
  void upgrade(Steps& steps);
  void drop_probe(std::string_view reason, Steps& steps);
  void flush(Steps& steps);
  std::string take_queue();

  const SessionPolicy* policy_;
  std::string sid_;
  State state_;
  bool probed_ = false;       // "2probe" came
  bool awaits_pong_ = false;  // since the last ping
  TransportId transport_;     // of websocket
  TransportId probe_ = 0;     // of probing
  PollId poll_ = 0;           // held
  std::vector<FramePtr> queue_;
  std::size_t queued_bytes_ = 0;
  std::int64_t heartbeat_ms_;  // the next ping, or until when its pong must come
  std::int64_t until_ms_ = 0;  // of probing and closing
  std::string_view reason_;
};

}  // namespace redoubt::http::engineio
