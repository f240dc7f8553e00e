// A server's WebSocket frame (RFC 6455), encoded once and shared: sending it to a thousand sockets
// copies no bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace redoubt::http {

/// One encoded server frame, ready for the wire.
class Frame {
 public:
  static std::shared_ptr<const Frame> text(std::string_view payload);
  static std::shared_ptr<const Frame> binary(std::string_view payload);
  static std::shared_ptr<const Frame> ping(std::string_view payload);
  static std::shared_ptr<const Frame> pong(std::string_view payload);
  /// `reason` is cut at 123 bytes, between characters.
  static std::shared_ptr<const Frame> close(std::uint16_t code, std::string_view reason);

  std::string_view bytes() const { return bytes_; }
  /// What it carries, without the frame's head.
  std::string_view payload() const { return std::string_view(bytes_).substr(head_bytes_); }

 private:
  friend struct FrameMaker;
  std::string bytes_;
  std::size_t head_bytes_ = 0;
};
using FramePtr = std::shared_ptr<const Frame>;

}  // namespace redoubt::http
