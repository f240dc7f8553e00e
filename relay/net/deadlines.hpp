// Which connection has waited too long: a pure table, asked once a second by each shard.
//
// A connection is in one Phase since a moment; the table says until when it may stay there. Nothing
// here reads a clock.
#pragma once

#include <cstdint>
#include <string_view>

namespace redoubt::net {

enum class Phase : std::uint8_t {
  handshake,  ///< TLS
  idle,       ///< between requests (a new connection without a byte too)
  head,       ///< the first byte of a request came, its head is not complete
  body,       ///< the head is complete, the body is not
  handler,    ///< the request is complete, its handler works
  write,      ///< an answer is being written
  stream,     ///< a streamed answer is under way; the stream has a deadline of its own
  linger,     ///< answered and shut down; reading what still comes so that the answer arrives
  websocket,  ///< has deadlines of its own
};
std::string_view to_string(Phase phase);

struct Deadlines {
  std::int64_t handshake_ms = 10'000;
  std::int64_t idle_ms = 75'000;
  std::int64_t head_ms = 10'000;
  std::int64_t body_ms = 30'000;  ///< of a WebSocket message too
  std::int64_t read_grace_ms = 5'000;
  std::int64_t read_rate_min_bytes_s = 1'024;  ///< after the grace, on average
  std::int64_t handler_ms = 60'000;
  std::int64_t write_ms = 20'000;
  std::int64_t write_rate_min_bytes_s = 4'096;  ///< a longer answer gets this much longer
  std::int64_t linger_ms = 2'000;
  /// While others wait for memory, whoever holds some of it goes on at this rate, in each such
  /// time.
  std::int64_t short_window_ms = 3'000;
  std::int64_t short_read_rate_min_bytes_s = 16'384;
  std::int64_t short_write_rate_min_bytes_s = 131'072;
};

/// The moment (same clock as `since_ms`) after which the phase has taken too long; `write_bytes` is
/// the size of the answer being written.
std::int64_t deadline_ms(const Deadlines& deadlines, Phase phase, std::int64_t since_ms,
                         std::size_t write_bytes = 0);

/// A body or message of `bytes` so far, that began at `since_ms`, comes too slowly.
bool too_slow(const Deadlines& deadlines, std::int64_t since_ms, std::int64_t now_ms,
              std::size_t bytes);

/// How a client gets on that holds memory for which others wait. One for each answer or body.
class Pace {
 public:
  /// To be asked from time to time with all that went over so far. `is_short`: others wait for
  /// memory, and this client holds some of it. True where a whole window went by too slowly.
  bool too_slow(bool is_short, std::int64_t window_ms, std::int64_t rate_min_bytes_s,
                std::int64_t now_ms, std::size_t bytes);

 private:
  std::int64_t since_ms_ = 0;  // of the window; 0: none
  std::size_t bytes_ = 0;      // at its begin
};

}  // namespace redoubt::net
