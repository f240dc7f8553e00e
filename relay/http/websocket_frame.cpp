#include "relay/http/websocket_frame.hpp"

namespace redoubt::http {

namespace {

constexpr std::size_t control_payload_bytes_max = 125;  // RFC 6455 5.5

enum class Opcode : std::uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// The longest prefix of at most `bytes_max` bytes that ends between two UTF-8 characters.
std::string_view prefix(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

}  // namespace

struct FrameMaker {
  static FramePtr make(Opcode opcode, std::string_view payload) {
    auto frame = std::make_shared<Frame>();
    std::string& out = frame->bytes_;
    out.reserve(payload.size() + 10);
    out.push_back(static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode)));
    const std::size_t size = payload.size();
    int length_bytes = 0;
    if (size < 126) {
      out.push_back(static_cast<char>(size));
    } else if (size <= 0xffff) {
      out.push_back(126);
      length_bytes = 2;
    } else {
      out.push_back(127);
      length_bytes = 8;
    }
    for (int i = length_bytes - 1; i >= 0; --i)
      out.push_back(static_cast<char>(size >> (8 * i)));
    frame->head_bytes_ = out.size();
    out.append(payload);
    return frame;
  }
};

FramePtr Frame::text(std::string_view payload) {
  return FrameMaker::make(Opcode::text, payload);
}
FramePtr Frame::binary(std::string_view payload) {
  return FrameMaker::make(Opcode::binary, payload);
}
FramePtr Frame::ping(std::string_view payload) {
  return FrameMaker::make(Opcode::ping, payload.substr(0, control_payload_bytes_max));
}
FramePtr Frame::pong(std::string_view payload) {
  return FrameMaker::make(Opcode::pong, payload.substr(0, control_payload_bytes_max));
}
FramePtr Frame::close(std::uint16_t code, std::string_view reason) {
  std::string payload;
  payload.push_back(static_cast<char>(code >> 8));
  payload.push_back(static_cast<char>(code));
  payload.append(prefix(reason, control_payload_bytes_max - 2));
  return FrameMaker::make(Opcode::close, payload);
}

}  // namespace redoubt::http
