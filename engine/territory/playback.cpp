#include "engine/territory/playback.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::territory {

Playback::Playback(Board board, std::uint64_t seed, const Lots& lots)
    : board_(std::move(board)), world_(start(board_, seed, lots)) {
  keyframes_.push_back(world_);
}

Result<void> Playback::seek(std::span<const TimedOrder> orders, std::int32_t tick,
                            std::vector<Event>* events) {
  go_near(tick);
  while (world_.tick < tick && !world_.over) {
    const Result<void> played = play_one(orders, events);
    if (!played.ok()) return played;
    keep();
  }
  return {};
}

// The nearest of the present position and the keyframes at or before `tick`.
void Playback::go_near(std::int32_t tick) {
  const auto after =
      std::upper_bound(keyframes_.begin(), keyframes_.end(), std::max(tick, 0),
                       [](std::int32_t t, const World& frame) { return t < frame.tick; });
  const World& frame = *(after - 1);
  if (world_.tick > tick || world_.tick < frame.tick) world_ = frame;
}

Result<void> Playback::play_one(std::span<const TimedOrder> orders, std::vector<Event>* events) {
  const std::int32_t tick = world_.tick;
  auto order = std::lower_bound(orders.begin(), orders.end(), tick,
                                [](const TimedOrder& o, std::int32_t t) { return o.tick < t; });
  due_.clear();
  for (; order != orders.end() && order->tick == tick; ++order) {
    due_.push_back(order->order);
  }
  Result<void> stepped = step(board_, world_, due_, events);
  if (stepped.ok()) return stepped;
  Error error = std::move(stepped.error());
  error.code = "bad_replay";
  error.message = "the recording's orders of tick " + std::to_string(tick) +
                  " are refused by the rules: " + error.message;
  error.path = "tick " + std::to_string(tick);
  return error;
}

void Playback::keep() {
  if (world_.tick % interval_ticks_ != 0 || world_.tick <= keyframes_.back().tick) return;
  keyframes_.push_back(world_);
  if (keyframes_.size() <= keyframes_max) return;
  interval_ticks_ *= 2;
  std::erase_if(keyframes_, [&](const World& frame) { return frame.tick % interval_ticks_ != 0; });
}

void Playback::forget(std::int32_t tick) {
  std::erase_if(keyframes_, [&](const World& frame) { return frame.tick > std::max(tick, 0); });
  if (world_.tick > tick) world_ = keyframes_.back();
}

}  // namespace redoubt::territory
