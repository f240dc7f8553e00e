// Reads a client's WebSocket frames from bytes that arrive in any pieces (RFC 6455, server side).
//
// 1. Frames must be masked; reserved bits, reserved opcodes, fragmented or long control frames,
//    a length not in its shortest form, and fragments out of order are protocol errors (1002).
// 2. Text is checked as UTF-8 while it arrives, so that a bad byte is refused at once (1007).
// 3. A message over the bound is refused when its length is announced, before its bytes (1009).
// 4. After a failure or a close frame nothing more is read.
//
// No I/O, no clock. Also the handshake (RFC 6455 4.2) and the UTF-8 check as pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/http/message.hpp"
#include "relay/http/websocket.hpp"

namespace redoubt::http {

/// Checks UTF-8 over any pieces: no overlong forms, no surrogates, nothing over U+10FFFF.
class Utf8Check {
 public:
  /// False once the bytes so far cannot be the start of valid UTF-8.
  bool feed(std::string_view bytes);
  /// The bytes so far end between two characters.
  bool complete() const { return need_ == 0; }

 private:
  int need_ = 0;              // continuation bytes that must follow
  unsigned char low_ = 0x80;  // bounds of the next one
  unsigned char high_ = 0xbf;
};

class WebSocketReader {
 public:
  enum class Event : std::uint8_t {
    need_more,
    text,    ///< payload(): a whole message
    binary,  ///< payload(): a whole message
    ping,    ///< payload(): to be sent back
    pong,
    close,   ///< close_code() (1005 where there was none) and payload(): the reason
    failed,  ///< close_code() and payload(): why, to be sent to the client
  };

  explicit WebSocketReader(std::size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

  /// Consumes from the front of `input` up to the next event. payload() is valid until the next
  /// call. After close or failed it consumes nothing and repeats itself.
  Event feed(std::string_view& input);
  std::string_view payload() const { return payload_; }
  std::uint16_t close_code() const { return close_code_; }
  /// Gives memory back; call it between messages.
  void trim();
  /// Some of a message or frame came, its end did not.
  bool in_message() const {
    return message_opcode_ != 0 || header_size_ > 0 || state_ == State::payload;
  }
  /// Bytes of the message under way so far.
  std::size_t message_bytes() const { return message_done_ ? 0 : message_.size(); }
  /// Control frames and fragments of less than small_fragment_bytes so far: they cost work and
  /// bring nothing.
  std::uint64_t small_frames() const { return small_frames_; }
  /// Memory that it holds now.
  std::size_t held_bytes() const { return message_.capacity() + control_.capacity(); }

 private:
  enum class State : std::uint8_t { header, payload, ended };

  Event fail(std::uint16_t code, std::string_view why);
  std::optional<Event> read_header(std::string_view& input);
  std::optional<Event> begin_frame(std::uint64_t length);
  Event read_payload(std::string_view& input);
  Event finish_frame();
  Event finish_close();

  std::size_t message_bytes_max_;
  State state_ = State::header;
  Event last_ = Event::need_more;
  unsigned char header_[14] = {};
  std::size_t header_size_ = 0;
  std::uint8_t opcode_ = 0;
  bool final_ = false;
  std::uint64_t left_ = 0;  // payload bytes of the frame still to come
  std::uint64_t mask_at_ = 0;
  std::uint64_t small_frames_ = 0;
  std::uint8_t message_opcode_ = 0;  // of the message under way, 0 where there is none
  bool message_done_ = false;        // message_ was handed out and is cleared at the next call
  Utf8Check utf8_;
  std::vector<char> message_;  // a string would take more than it is asked to reserve
  std::vector<char> control_;
  std::string_view payload_;
  std::uint16_t close_code_ = 0;
};

/// A close code that a client may send (RFC 6455 7.4).
bool valid_close_code(std::uint16_t code);

/// The value of Sec-WebSocket-Accept for a key.
std::string websocket_accept_key(std::string_view key);

/// Nothing where the upgrade request is sound, else why it is not (400 or 426).
std::optional<Refusal> check_websocket_handshake(const Request& request);

}  // namespace redoubt::http
