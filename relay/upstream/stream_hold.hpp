// StreamHold: a WebSocket stream that its client can take up again after a broken connection.
//
//   attached --(push)-->                                 attached  the frame goes out
//   attached --(connection lost)-->                      detached  the hold's time begins
//   detached --(push)-->                                 detached  the frame is kept
//   detached --(push, a frame that never went out must go)--> lost
//   detached --(resume, all after `last` is kept)-->     attached  those frames go out
//   detached --(resume, some are gone)-->                detached  refused, the client may not go
//   on detached --(hold_ms over)-->                         lost attached --(resume)--> attached
//   the old connection is dead, same
//
// 1. Frames are numbered from 1 without gaps. What follows `last` is sent once on the connection
//    that resumed, in order: no gap, no repeat.
// 2. The last bytes_max of frames are kept, or fewer where there is no memory for them (Room), sent
//    or not: what was sent may not have arrived. The client's acknowledgement frees them sooner.
// 3. A stream that is lost is over: its upstream call is to be cancelled. A stream whose last frame
//    was pushed is kept for hold_ms just the same, so that its end can be fetched.
// Not thread-safe: it belongs to its connection's shard.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "relay/upstream/single_flight.hpp"

namespace redoubt::upstream {

struct StreamHoldOptions {
  std::int64_t hold_ms = 15'000;
  std::size_t bytes_max = 256 << 10;
};

enum class HoldState : std::uint8_t { attached, detached, lost };

struct NumberedFrame {
  std::uint64_t sequence = 0;
  Frame frame;
};

struct Resumed {
  bool ok = false;
  std::vector<NumberedFrame> frames;
};

class StreamHold {
 public:
  /// Counts from now on so many bytes, which it keeps. False where there is no room for more than
  /// before. Empty: there always is.
  using Room = std::function<bool(std::size_t bytes)>;

  explicit StreamHold(StreamHoldOptions options = {}, Room room = nullptr)
      : options_(options), room_(std::move(room)) {}

  /// The frame's number. It goes out at once where the state is attached.
  std::uint64_t push(Frame frame);
  void detach(std::int64_t now_ns);
  /// `last` is the number of the last frame that the client has, 0 for none.
  Resumed resume(std::uint64_t last, std::int64_t now_ns);
  void acknowledge(std::uint64_t last);
  /// To be called at expires_at_ns(): detached for hold_ms becomes lost.
  void time(std::int64_t now_ns);

  HoldState state() const { return state_; }
  /// 0 where nothing expires.
  std::int64_t expires_at_ns() const { return state_ == HoldState::detached ? expires_ns_ : 0; }
  std::uint64_t last_sequence() const { return next_ - 1; }
  std::size_t kept_bytes() const { return bytes_; }

 private:
  void drop_front();
  void lose();
  bool fits() const;

  StreamHoldOptions options_;
  Room room_;
  HoldState state_ = HoldState::attached;
  std::deque<NumberedFrame> kept_;
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 1;
  std::uint64_t sent_ = 0;  // the last number that went out on some connection
  std::int64_t expires_ns_ = 0;
};

}  // namespace redoubt::upstream
