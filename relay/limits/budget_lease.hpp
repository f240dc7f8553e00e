// BudgetLease: one subject's money for a UTC day or month, drawn from the store in leases.
//
//   closed  --(hold)-->                      drawing   [draw]
//   drawing --(granted, all that was asked)--> open
//   drawing --(granted, less)-->             dry
//   drawing --(draw failed)-->               failed
//   open    --(hold, fits)-->                open      [draw, where little is left]
//   open    --(hold, does not fit)-->        drawing   [draw]
//   open    --(draw for more)-->             drawing
//   dry     --(hold, fits)-->                dry
//   dry     --(hold, does not fit)-->        dry       (refused: exhausted, or busy)
//   dry     --(the limit was raised)-->      drawing   [draw]
//   failed  --(hold, fits)-->                failed
//   failed  --(hold, a second later)-->      drawing   [draw]
//   any     --(settle)-->                    same      [forced draw, where it cost more than held]
//   any     --(spend)-->                     same, or open   [forced draw, where the rest is less]
//   open, dry, failed --(close, nothing held)--> closed [give back]
//   any     --(the period ends)-->           closed    [give back; what is held stays with its
//   period]
//
// 1. granted - spent - held is what may be held; it is never negative. What the store has drawn for
//    a period is at least what this process was granted, and the store never draws past the limit:
//    so held and spent money never passes the limit, whatever runs in parallel.
// 2. A crash loses `granted - given back`: open holds and the lease's rest count as spent.
// 3. Within the period's last lease the rest stays spendable: nothing else can have drawn it.
// 4. A call is charged to the period in which it was held, also when it ends in the next one.
// 5. One draw is under way at a time. Effects are carried out once and in order; a draw whose
//    result is not known is a failed one (the store may have drawn: it counts too much, not less).
//
// Not thread-safe: the Limiter owns it.
#pragma once

#include <cstdint>
#include <vector>

#include "relay/limits/money.hpp"
#include "relay/limits/utc_period.hpp"

namespace redoubt::limits {

/// What the store is to do, as one transaction on (subject, period, index):
///   draw:      granted = min(amount, max(0, limit - drawn)); drawn += granted; answer granted
///   force:     drawn += amount; no answer
///   give_back: drawn -= amount; no answer
struct LeaseEffect {
  enum class Kind : std::uint8_t { draw, force, give_back };
  Kind kind = Kind::draw;
  Period period = Period::day;
  std::int32_t index = 0;
  Picodollars amount = 0;
  Picodollars limit = 0;  ///< of a draw
};

enum class LeaseState : std::uint8_t { closed, drawing, open, dry, failed };

enum class HoldVerdict : std::uint8_t {
  fits,
  wait,       ///< a draw is under way: try again when it has been answered
  busy,       ///< what open calls hold may come back
  exhausted,  ///< not before the period ends, or the limit is raised
  failed,     ///< the store does not answer
};

class BudgetLease {
 public:
  explicit BudgetLease(Period period) : period_(period) {}

  /// Whether `amount` can be held under `limit`; asks the store where it must. Nothing is held yet.
  /// REQUIRES: 0 <= amount <= call_cost_max, 0 < limit <= budget_max
  HoldVerdict ask(Picodollars amount, Picodollars limit, std::int32_t index, std::int64_t now_ns,
                  std::vector<LeaseEffect>& out);
  /// REQUIRES: ask() said `fits` and nothing happened since
  void hold(Picodollars amount) { current_.held += amount; }
  /// REQUIRES: `amount` is held in the period `index`
  void settle(std::int32_t index, Picodollars amount, Picodollars used,
              std::vector<LeaseEffect>& out);

  /// What a call used under no budget of its own: it was not held, and counts for those who have
  /// one.
  void spend(std::int32_t index, Picodollars used, std::vector<LeaseEffect>& out);

  void granted(std::int32_t index, Picodollars amount, std::vector<LeaseEffect>& out);
  void draw_failed(std::int32_t index, std::int64_t now_ns);
  /// Gives the rest back. False where something is held or a draw is under way.
  bool close(std::vector<LeaseEffect>& out);

  LeaseState state() const;
  Picodollars spent() const { return current_.spent; }
  Picodollars held() const { return current_.held; }
  Picodollars remaining() const { return current_.remaining(); }
  std::int32_t index() const { return current_.index; }

 private:
  struct Account {
    std::int32_t index = -1;
    Picodollars granted = 0;
    Picodollars spent = 0;
    Picodollars held = 0;
    Picodollars remaining() const { return granted - spent - held; }
  };
  bool roll(std::int32_t index, std::vector<LeaseEffect>& out);
  void give_back(Account& account, std::vector<LeaseEffect>& out);
  void draw(Picodollars amount, Picodollars limit, std::vector<LeaseEffect>& out);

  Period period_;
  Account current_;
  Account before_;                ///< the period before, while calls of it are open
  Picodollars asked_ = 0;         ///< 0: no draw is under way
  Picodollars asked_limit_ = 0;   ///< the limit that the last draw named
  std::int32_t asked_index_ = 0;  ///< the period that the draw is for
  bool dry_ = false;              ///< the store has no more under asked_limit_
  std::int64_t failed_until_ns_ = 0;
};

/// A lease is a 128th of the budget, or what the call needs: what a crash may cost.
constexpr Picodollars lease_parts = 128;
/// What is spent without a budget is drawn for so many calls at once.
constexpr std::int64_t spent_calls = 8;
/// After a failed draw calls that need one are refused for so long.
constexpr std::int64_t draw_retry_ns = 1'000'000'000;

}  // namespace redoubt::limits
