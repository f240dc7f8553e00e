// A connection that became a WebSocket: the frames' way in and out. Internal to relay/net.
//
// 1. send() and close() may be called on any thread; everything else on the shard's.
// 2. Reading is driven by the Session's coroutine; writing happens at once and goes on by itself
//    where the socket is full.
// 3. Frames are handled in the connection's turns on its shard. Of pings in a row the newest
//    is answered (RFC 6455 5.5.3); over frames_burst and frames_per_second of control frames and
//    small fragments the socket is closed with 1008.
// 4. What waits to be sent is counted as the connection's memory beyond a small part; a frame that
//    several wait for counts for each. Where there is no room for it, as over queue_bytes_max, the
//    client is dropped as a slow one.
// 5. After detach() the Session is gone and every call is harmless.
//
//   open --close()--> closing --client's close frame--> finished
//   open --client's close frame, echoed--> finished
//   open | closing --failure, silence, slow reader, deadline--> finished
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/http/websocket.hpp"
#include "relay/http/websocket_reader.hpp"
#include "relay/net/shard.hpp"

namespace redoubt::net {

class Session;

class WebSocketConnection final : public http::WebSocketChannel,
                                  public std::enable_shared_from_this<WebSocketConnection> {
 public:
  enum class Need : std::uint8_t { readable, writable, none };

  WebSocketConnection(Session& session, const http::WebSocketOptions& options,
                      std::unique_ptr<http::WebSocketSession> application);

  // WebSocketChannel, any thread.
  void send(http::FramePtr frame) override;
  void send_together(std::vector<http::FramePtr> frames) override;
  void close(std::uint16_t code, std::string reason) override;
  bool open() const override { return open_; }
  Executor shard() const override { return executor_; }
  http::HoldMemory memory() const override;

  void open(const http::Request& request);
  /// Handles bytes that came behind the handshake, for a turn; read() goes on with the rest.
  void take(std::string_view input);
  /// Reads and handles what is there, for a turn; says what to wait for.
  Need read();
  void tick(http::Moment now);
  bool finished() const { return state_ == State::finished; }
  /// Ended with a close frame in each direction or a protocol error that the client was told.
  bool orderly() const { return orderly_; }
  bool slow() const { return slow_; }
  /// Tells the application that it is over and forgets the Session.
  void detach();

 private:
  enum class State : std::uint8_t { open, closing, finished };

  /// Calls the application; an exception of its own closes the socket with 1011.
  template <class Call>
  void guarded(Call call);
  void queue(http::FramePtr frame);
  void queue_together(std::vector<http::FramePtr> frames);
  void start_close(std::uint16_t code, std::string reason);
  void finish(std::uint16_t code, std::string reason, bool orderly);
  void drop_slow();
  bool count();
  void handle(http::WebSocketReader::Event event);
  bool within_frame_rate();
  void answer_ping();
  void keep(std::string_view rest);
  void note_message();
  void break_off(std::uint16_t code, std::string reason);
  void flush();
  void wait_to_write();
  std::size_t gather(std::vector<std::string_view>& pieces) const;
  void written(std::size_t bytes);

  Session* session_;  // null after detach
  Executor executor_;
  http::WebSocketOptions options_;
  std::unique_ptr<http::WebSocketSession> application_;
  http::WebSocketReader reader_;
  State state_ = State::open;
  std::atomic<bool> open_{true};
  bool orderly_ = false;
  bool slow_ = false;
  bool waiting_to_write_ = false;
  bool ping_sent_ = false;
  bool taking_ = false;  // what is queued goes out together
  std::string unread_;   // came, and waits for a turn from unread_at_
  std::size_t unread_at_ = 0;
  std::optional<std::string> ping_;  // the newest that is not answered
  std::uint64_t small_frames_ = 0;   // of reader_, paid for
  std::int64_t frame_credit_ = 0;    // in thousandths of a frame
  std::int64_t frame_credit_ms_ = 0;
  std::vector<http::FramePtr> frames_;  // unsent, from first_
  std::size_t first_ = 0;
  std::size_t offset_ = 0;  // written bytes of frames_[first_]
  std::size_t queued_bytes_ = 0;
  std::shared_ptr<MemoryBudget> memory_;
  MemoryBudget::Account account_;
  HeldMemory queue_memory_;
  std::int64_t message_since_ms_ = 0;  // a message is under way since
  std::int64_t heard_ms_ = 0;          // the client's last frame
  std::int64_t blocked_since_ms_ = 0;  // the socket took nothing since
  std::size_t bytes_written_ = 0;
  Pace pace_;  // while frames that wait are counted
  std::int64_t close_since_ms_ = 0;
  std::uint16_t close_code_ = http::close_code::abnormal;
  std::string close_reason_;
};

}  // namespace redoubt::net
