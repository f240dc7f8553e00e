// WebSocket as the application sees it (RFC 6455, server side, no extensions).
//
// 1. A WebSocketSession is the application's side of one socket. It is created by the route's
//    accept function, called only on the socket's shard thread, never re-entered, and destroyed
//    after on_close, which is called exactly once for every session whose on_open was called.
// 2. A WebSocketPeer is a small handle of the socket's other end: copyable, usable on any thread,
//    harmless once the socket is gone.
// 3. A Frame is encoded once and shared: sending it to a thousand sockets copies no bytes.
// 4. Queues are bounded: a reader too slow for WebSocketOptions is dropped with 1013.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "relay/http/message.hpp"
#include "relay/http/websocket_frame.hpp"
#include "relay/net/task.hpp"

namespace redoubt::http {

namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported_data = 1003;
inline constexpr std::uint16_t none_received = 1005;  ///< reported, never sent
inline constexpr std::uint16_t abnormal = 1006;       ///< reported, never sent
inline constexpr std::uint16_t invalid_payload = 1007;
inline constexpr std::uint16_t policy_violation = 1008;
inline constexpr std::uint16_t message_too_big = 1009;
inline constexpr std::uint16_t internal_error = 1011;
inline constexpr std::uint16_t try_again_later = 1013;
}  // namespace close_code

/// The connection behind a WebSocketPeer; implemented by relay/net.
class WebSocketChannel {
 public:
  virtual ~WebSocketChannel() = default;
  virtual void send(FramePtr frame) = 0;
  virtual void send_together(std::vector<FramePtr> frames) = 0;
  virtual void close(std::uint16_t code, std::string reason) = 0;
  virtual bool open() const = 0;
  virtual net::Executor shard() const = 0;
  virtual HoldMemory memory() const = 0;
};

class WebSocketPeer {
 public:
  WebSocketPeer() = default;
  explicit WebSocketPeer(std::weak_ptr<WebSocketChannel> channel) : channel_(std::move(channel)) {}

  /// Queues the frame on the socket's shard. Frames sent from one thread keep their order. The
  /// frame is dropped where the socket is closing or gone.
  void send(FramePtr frame) const {
    if (auto channel = channel_.lock()) channel->send(std::move(frame));
  }
  /// The same of several, which share system calls.
  void send_together(std::vector<FramePtr> frames) const {
    if (auto channel = channel_.lock()) channel->send_together(std::move(frames));
  }
  void send_text(std::string_view payload) const { send(Frame::text(payload)); }
  /// Sends what is queued, then a close frame, and waits a bounded time for the client's.
  void close(std::uint16_t code, std::string reason) const {
    if (auto channel = channel_.lock()) channel->close(code, std::move(reason));
  }
  /// Counts memory that a message needs after it was handed over (a frame that waits for the
  /// pool); given back with the last copy. Null where the server has no room for it.
  std::shared_ptr<const void> hold(std::size_t bytes) const {
    auto channel = channel_.lock();
    return channel ? channel->memory()(bytes) : nullptr;
  }
  /// Counts on the socket also after it has gone. Unset where it is gone by now.
  HoldMemory memory() const {
    auto channel = channel_.lock();
    return channel ? channel->memory() : nullptr;
  }
  bool open() const {
    auto channel = channel_.lock();
    return channel && channel->open();
  }
  /// Where the session's functions are called; nothing where the socket is gone.
  std::optional<net::Executor> shard() const {
    auto channel = channel_.lock();
    return channel ? std::optional(channel->shard()) : std::nullopt;
  }

 private:
  std::weak_ptr<WebSocketChannel> channel_;
};

class WebSocketSession {
 public:
  virtual ~WebSocketSession() = default;
  /// `request` is valid only during the call.
  virtual void on_open(const Request& request, const WebSocketPeer& peer) = 0;
  /// A whole text message, checked as UTF-8. `text` is valid only during the call.
  virtual void on_text(std::string_view text, Moment now) = 0;
  /// A whole binary message; the default closes with 1003.
  virtual void on_binary(std::string_view bytes, const WebSocketPeer& peer, Moment now);
  /// About once a second.
  virtual void on_tick(Moment) {}
  /// `code` is the client's, or 1005/1006, or the one with which the server closed.
  virtual void on_close(std::uint16_t code, std::string_view reason, Moment now) = 0;
};

struct WebSocketOptions {
  std::size_t message_bytes_max = 256 * 1024;
  std::size_t queue_bytes_max = 1024 * 1024;  ///< unsent; over it the client is dropped (1013)
  std::size_t queue_frames_max = 1024;
  std::int64_t ping_ms = 20'000;         ///< a silent client is pinged after this
  std::int64_t silence_ms_max = 60'000;  ///< and dropped after this without any frame
  std::int64_t close_ms_max = 5'000;     ///< wait for the client's close frame
  std::string_view protocol;             ///< chosen where the client offers it; "" for none
};

/// Is the protocol among those of Sec-WebSocket-Protocol? A browser that offered some gives up
/// where none of them is chosen.
bool offers_protocol(const Request& request, std::string_view protocol);

/// Accepts (a session) or refuses (a Response, e.g. 403) an upgrade that passed the handshake
/// check.
using WebSocketAccept =
    std::function<std::variant<Response, std::unique_ptr<WebSocketSession>>(Request&)>;

}  // namespace redoubt::http
