// Playback: a recorded match at any tick. Plays recorded orders from the nearest keyframe, so that
// a seek costs at most keyframe_interval_ticks steps once the recording was played through.
//
// 1. The recording stays the caller's and may grow; where it is cut, forget() drops what followed.
// 2. world() is the state after tick() ticks, the same as when the match was played.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/territory/replay.hpp"
#include "engine/territory/step.hpp"
#include "engine/territory/world_state.hpp"

namespace redoubt::territory {

constexpr int keyframe_interval_ticks = 256;
constexpr std::size_t keyframes_max = 64;

class Playback {
 public:
  Playback(Board board, std::uint64_t seed, const Lots& lots);

  const Board& board() const { return board_; }
  const World& world() const { return world_; }
  std::int32_t tick() const { return world_.tick; }

  /// Goes to `tick` (or to the end of the match, where that comes first). Error bad_replay where
  /// the rules refuse a recorded order; then it stands before that tick. `events` takes what
  /// happens in the ticks that are played on the way.
  /// REQUIRES: `orders` ascending by tick, the same up to tick() as in the calls before.
  Result<void> seek(std::span<const TimedOrder> orders, std::int32_t tick,
                    std::vector<Event>* events = nullptr);

  /// Drops keyframes after `tick`; a later position moves to the last one kept.
  void forget(std::int32_t tick);

 private:
  void keep();
  void go_near(std::int32_t tick);
  Result<void> play_one(std::span<const TimedOrder> orders, std::vector<Event>* events);

  Board board_;
  World world_;
  std::vector<World> keyframes_;  // ascending by tick; the first is tick 0
  std::int32_t interval_ticks_ = keyframe_interval_ticks;
  std::vector<Order> due_;
};

}  // namespace redoubt::territory
