// SlidingWindow: how much passed within the last minute, never less than the truth.
//
// 1. Time is cut into slots of 4 s; the window holds the running slot and the 15 before it, which
//    cover the last 60 s whatever the instant. So what keeps `used` within a limit keeps every
//    60 s within it: a token bucket would let twice the limit pass in its first minute.
// 2. The price is that an amount may be counted for up to 4 s more than a minute.
// 3. What was added can be given back to its slot as long as the window holds it; later there is
//    nothing left to give back.
// 4. Time never goes back: an earlier instant counts as the latest seen.
#pragma once

#include <array>
#include <cstdint>

namespace redoubt::limits {

class SlidingWindow {
 public:
  static constexpr int slots = 16;
  static constexpr std::int64_t slot_ns = 4'000'000'000;
  /// Never: the amount is more than the limit itself.
  static constexpr std::int64_t never = -1;

  std::int64_t used(std::int64_t now_ns) {
    advance(now_ns);
    return sum_;
  }
  /// Returns the slot, which give_back asks for. REQUIRES: 0 <= amount
  std::int64_t add(std::int64_t amount, std::int64_t now_ns);
  /// REQUIRES: `amount` of what add() put into `slot`
  void give_back(std::int64_t slot, std::int64_t amount);
  /// How long until `amount` fits under `limit` if nothing else comes: 0 now, or never.
  std::int64_t wait_ns(std::int64_t amount, std::int64_t limit, std::int64_t now_ns);
  /// How long until the window is empty.
  std::int64_t empty_ns(std::int64_t now_ns);

 private:
  void advance(std::int64_t now_ns);

  std::array<std::int64_t, slots> amounts_{};
  std::int64_t newest_ = 0;
  std::int64_t sum_ = 0;
};

}  // namespace redoubt::limits
