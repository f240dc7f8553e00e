#include "relay/http/websocket_reader.hpp"

#include "engine/base/ascii.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace redoubt::http {

namespace {

constexpr std::uint8_t op_continuation = 0;
constexpr std::uint8_t op_text = 1;
constexpr std::uint8_t op_binary = 2;
constexpr std::uint8_t op_close = 8;
constexpr std::uint8_t op_ping = 9;
constexpr std::uint8_t op_pong = 10;
constexpr std::size_t control_payload_bytes_max = 125;
constexpr std::uint64_t small_fragment_bytes = 64;
constexpr std::size_t mask_bytes = 4;
constexpr std::size_t kept_bytes_max = 4096;  // more is given back between messages

bool is_control(std::uint8_t opcode) {
  return (opcode & 8) != 0;
}

std::string_view view(const std::vector<char>& bytes) {
  return {bytes.data(), bytes.size()};
}

/// Bytes of the header, known from its first two.
std::size_t header_bytes(std::uint8_t second) {
  const int length = second & 0x7f;
  const std::size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
  return 2 + extended + mask_bytes;
}

}  // namespace

bool Utf8Check::feed(std::string_view bytes) {
  for (char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (need_ > 0) {
      if (byte < low_ || byte > high_) return false;
      low_ = 0x80;
      high_ = 0xbf;
      --need_;
    } else if (byte >= 0x80) {
      // Table 3-7 of the Unicode Standard: the second byte's bounds keep out overlong forms,
      // surrogates and what lies beyond U+10FFFF.
      if (byte < 0xc2 || byte > 0xf4) return false;
      need_ = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
      if (byte == 0xe0) low_ = 0xa0;
      if (byte == 0xed) high_ = 0x9f;
      if (byte == 0xf0) low_ = 0x90;
      if (byte == 0xf4) high_ = 0x8f;
    }
  }
  return true;
}

WebSocketReader::Event WebSocketReader::fail(std::uint16_t code, std::string_view why) {
  state_ = State::ended;
  close_code_ = code;
  payload_ = why;
  return last_ = Event::failed;
}

WebSocketReader::Event WebSocketReader::feed(std::string_view& input) {
  if (state_ == State::ended) return last_;
  if (message_done_) {
    message_.clear();
    message_done_ = false;
  }
  while (true) {
    if (state_ == State::header) {
      if (auto event = read_header(input)) return *event;
    }
    if (left_ > 0 && input.empty()) return Event::need_more;
    const Event event = read_payload(input);
    if (event != Event::need_more || input.empty()) return event;
  }
}

// Nothing when the header is complete and sound.
std::optional<WebSocketReader::Event> WebSocketReader::read_header(std::string_view& input) {
  while (header_size_ < 2 || header_size_ < header_bytes(header_[1])) {
    if (input.empty()) return Event::need_more;
    header_[header_size_++] = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    if (header_size_ == 1 && (header_[0] & 0x70) != 0) {
      return fail(close_code::protocol_error, "reserved bits are set");
    }
    if (header_size_ == 2 && (header_[1] & 0x80) == 0) {
      return fail(close_code::protocol_error, "a client's frame must be masked");
    }
  }
  std::uint64_t length = header_[1] & 0x7f;
  if (length >= 126) {
    const std::size_t bytes = length == 127 ? 8 : 2;
    length = 0;
    for (std::size_t i = 0; i < bytes; ++i)
      length = length << 8 | header_[2 + i];
    if (length < (bytes == 8 ? 0x10000u : 126u) || (length >> 63) != 0) {
      return fail(close_code::protocol_error, "a length is not in its shortest form");
    }
  }
  return begin_frame(length);
}

std::optional<WebSocketReader::Event> WebSocketReader::begin_frame(std::uint64_t length) {
  opcode_ = header_[0] & 0x0f;
  final_ = (header_[0] & 0x80) != 0;
  const bool fragment = !final_ || opcode_ == op_continuation;
  if (is_control(opcode_) || (fragment && length < small_fragment_bytes)) ++small_frames_;
  if (is_control(opcode_)) {
    if (opcode_ > op_pong) return fail(close_code::protocol_error, "reserved opcode");
    if (!final_) return fail(close_code::protocol_error, "a control frame is fragmented");
    if (length > control_payload_bytes_max) {
      return fail(close_code::protocol_error, "a control frame is over 125 bytes");
    }
    control_.clear();
  } else {
    if (opcode_ > op_binary) return fail(close_code::protocol_error, "reserved opcode");
    if ((opcode_ == op_continuation) != (message_opcode_ != 0)) {
      return fail(close_code::protocol_error, "a fragment is out of order");
    }
    if (length > message_bytes_max_ - std::min(message_bytes_max_, message_.size())) {
      return fail(close_code::message_too_big, "the message is too long");
    }
    if (opcode_ != op_continuation) {
      message_opcode_ = opcode_;
      utf8_ = {};
    }
  }
  left_ = length;
  mask_at_ = 0;
  state_ = State::payload;
  return std::nullopt;
}

WebSocketReader::Event WebSocketReader::read_payload(std::string_view& input) {
  std::vector<char>& target = is_control(opcode_) ? control_ : message_;
  const std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  const std::size_t start = target.size();
  const unsigned char* mask = header_ + header_bytes(header_[1]) - mask_bytes;
  if (start + taken > target.capacity()) {
    // With what came, never beyond the frame's end.
    const auto whole = start + static_cast<std::size_t>(left_);
    target.reserve(std::min(whole, std::max(start + taken, 2 * target.capacity())));
  }
  target.insert(target.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(taken));
  for (std::size_t i = 0; i < taken; ++i) {
    const auto byte = static_cast<unsigned char>(target[start + i]);
    target[start + i] = static_cast<char>(byte ^ mask[(mask_at_ + i) % mask_bytes]);
  }
  mask_at_ += taken;
  left_ -= taken;
  input.remove_prefix(taken);
  if (!is_control(opcode_) && message_opcode_ == op_text &&
      !utf8_.feed(view(message_).substr(start))) {
    return fail(close_code::invalid_payload, "a text message is not UTF-8");
  }
  return left_ > 0 ? Event::need_more : finish_frame();
}

WebSocketReader::Event WebSocketReader::finish_frame() {
  state_ = State::header;
  header_size_ = 0;
  if (opcode_ == op_close) return finish_close();
  if (is_control(opcode_)) {
    payload_ = view(control_);
    return opcode_ == op_ping ? Event::ping : Event::pong;
  }
  if (!final_) return Event::need_more;
  const bool text = message_opcode_ == op_text;
  if (text && !utf8_.complete()) {
    return fail(close_code::invalid_payload, "a text message is not UTF-8");
  }
  message_opcode_ = 0;
  message_done_ = true;
  payload_ = view(message_);
  return text ? Event::text : Event::binary;
}

WebSocketReader::Event WebSocketReader::finish_close() {
  close_code_ = close_code::none_received;
  payload_ = {};
  if (control_.size() == 1) return fail(close_code::protocol_error, "a close code is cut");
  if (control_.size() >= 2) {
    close_code_ = static_cast<std::uint16_t>(static_cast<unsigned char>(control_[0]) << 8 |
                                             static_cast<unsigned char>(control_[1]));
    payload_ = view(control_).substr(2);
    Utf8Check check;
    if (!valid_close_code(close_code_)) {
      return fail(close_code::protocol_error, "the close code is not allowed");
    }
    if (!check.feed(payload_) || !check.complete()) {
      return fail(close_code::invalid_payload, "the close reason is not UTF-8");
    }
  }
  state_ = State::ended;
  return last_ = Event::close;
}

void WebSocketReader::trim() {
  if (message_done_) {
    message_.clear();
    message_done_ = false;
  }
  // = {} would keep the memory.
  if (message_.empty() && message_.capacity() > kept_bytes_max) message_ = std::vector<char>();
}

bool valid_close_code(std::uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

std::string websocket_accept_key(std::string_view key) {
  std::string input(key);
  input.append("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data());
  std::array<unsigned char, 4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1> text{};
  const int length = EVP_EncodeBlock(text.data(), digest.data(), SHA_DIGEST_LENGTH);
  return std::string(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(length));
}

std::optional<Refusal> check_websocket_handshake(const Request& request) {
  constexpr std::size_t key_characters = 24;  // 16 bytes in base64
  const std::string_view key = request.header_or("sec-websocket-key", "");
  const std::size_t keys = request.header_count("sec-websocket-key");
  if (request.version_minor == 0) {
    return Refusal{400, "bad_request", "A WebSocket handshake needs HTTP/1.1."};
  }
  if (request.header_or("sec-websocket-version", "") != "13") {
    return Refusal{426, "upgrade_required", "Sec-WebSocket-Version must be 13."};
  }
  const bool base64 = std::all_of(key.begin(), key.end(), [](char c) {
    return is_ascii_alnum(c) || c == '+' || c == '/' || c == '=';
  });
  if (keys != 1 || key.size() != key_characters || !base64 || !key.ends_with("==")) {
    return Refusal{400, "bad_request", "Sec-WebSocket-Key must be 16 bytes in base64."};
  }
  return std::nullopt;
}

}  // namespace redoubt::http
