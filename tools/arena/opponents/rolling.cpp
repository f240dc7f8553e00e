// Rolling horizon evolution: one joint plan is varied and kept where it does not get worse; the
// next thought begins with what the last one ended with, moved on to those who are still in
// contact.
#include "tools/arena/opponents/makers.hpp"
#include "tools/arena/opponents/search_player.hpp"

namespace redoubt::arena {
namespace {

constexpr Setting own[] = {
    {"margin", 2, 0, 1000, "units that a plan must be better"},
    {"both", 1, 0, 1, "1: against the worse of two answers"},
};
constexpr auto table = search_table(own);

class RollingHorizon final : public SearchPlayer {
 public:
  RollingHorizon(const Place& place, const Settings& s) : SearchPlayer(place, s, "rolling") {}

 private:
  void search(Plan& best) override {
    const bool both = settings()["both"] != 0;
    const int price = both ? 2 : 1;
    if (!affordable(price)) return;
    double most = judge(best, both);
    Plan kept = all_follow();
    for (std::size_t unit = 0; unit < units().size(); ++unit)
      of(kept, unit) = of(last_, unit);
    if (kept != best && affordable(price)) consider(kept, judge(kept, both), best, most);
    while (affordable(price)) {
      Plan child = best;
      // One unit always, each other one with a probability of one in their number.
      const auto count = static_cast<std::uint32_t>(units().size());
      const std::size_t sure = rng().below(count);
      for (std::size_t unit = 0; unit < count; ++unit) {
        if (unit != sure && rng().below(count) != 0) continue;
        of(child, unit) = static_cast<UnitScript>(rng().below(unit_scripts));
      }
      if (child != best) consider(child, judge(child, both), best, most);
    }
    last_ = best;
  }

  void consider(const Plan& plan, double value, Plan& best, double& most) const {
    if (value <= most + settings()["margin"]) return;
    most = value;
    best = plan;
  }

  Plan last_ = all_follow();
};

}  // namespace

std::span<const Setting> rolling_settings() {
  return table;
}

std::unique_ptr<strategy::Player> make_rolling(const Place& place, const Settings& settings) {
  return make_search<RollingHorizon>(place, settings);
}

}  // namespace redoubt::arena
