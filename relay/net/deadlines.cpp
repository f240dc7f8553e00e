#include "relay/net/deadlines.hpp"

#include <limits>

namespace redoubt::net {

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::handshake:
      return "handshake";
    case Phase::idle:
      return "idle";
    case Phase::head:
      return "head";
    case Phase::body:
      return "body";
    case Phase::handler:
      return "handler";
    case Phase::write:
      return "write";
    case Phase::stream:
      return "stream";
    case Phase::linger:
      return "linger";
    case Phase::websocket:
      return "websocket";
  }
  return "";
}

std::int64_t deadline_ms(const Deadlines& deadlines, Phase phase, std::int64_t since_ms,
                         std::size_t write_bytes) {
  switch (phase) {
    case Phase::handshake:
      return since_ms + deadlines.handshake_ms;
    case Phase::idle:
      return since_ms + deadlines.idle_ms;
    case Phase::head:
      return since_ms + deadlines.head_ms;
    case Phase::body:
      return since_ms + deadlines.body_ms;
    case Phase::handler:
      return since_ms + deadlines.handler_ms;
    case Phase::write:
      return since_ms + deadlines.write_ms +
             static_cast<std::int64_t>(write_bytes) * 1000 / deadlines.write_rate_min_bytes_s;
    case Phase::linger:
      return since_ms + deadlines.linger_ms;
    case Phase::stream:
    case Phase::websocket:
      break;
  }
  return std::numeric_limits<std::int64_t>::max();
}

bool too_slow(const Deadlines& deadlines, std::int64_t since_ms, std::int64_t now_ms,
              std::size_t bytes) {
  const std::int64_t counted_ms = now_ms - since_ms - deadlines.read_grace_ms;
  if (now_ms - since_ms > deadlines.body_ms) return true;
  return counted_ms > 0 &&
         static_cast<std::int64_t>(bytes) * 1000 < counted_ms * deadlines.read_rate_min_bytes_s;
}

bool Pace::too_slow(bool is_short, std::int64_t window_ms, std::int64_t rate_min_bytes_s,
                    std::int64_t now_ms, std::size_t bytes) {
  if (!is_short) {
    since_ms_ = 0;
    return false;
  }
  const bool begins = since_ms_ == 0 || bytes < bytes_;  // less: it is another answer
  const std::int64_t passed_ms = now_ms - since_ms_;
  if (!begins && passed_ms < window_ms) return false;
  const bool slow =
      !begins && static_cast<std::int64_t>(bytes - bytes_) * 1000 < passed_ms * rate_min_bytes_s;
  since_ms_ = now_ms;
  bytes_ = bytes;
  return slow;
}

}  // namespace redoubt::net
