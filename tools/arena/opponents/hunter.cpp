// Hunter: fast defenders that look for the enemy's fighters and kill them in packs; on own ground a
// defender takes less, so the hunt begins there and ends at the enemy's base.
#include "tools/arena/opponents/makers.hpp"
#include "tools/arena/opponents/script.hpp"

namespace redoubt::arena {
namespace {

constexpr Setting own_settings[] = {
    {"first", 2, 0, 16, "defenders before the workers"},
    {"workers", 2, 1, 16, "collectors"},
    {"hunters", 5, 1, 16, "defenders before the scouts"},
    {"scouts", 2, 0, 16, "explorers"},
    {"odds", 113, 0, 300, "percent of the enemy's strength asked for before a fight"},
    {"soft", 4, 0, 50, "cells of way that a worker is worth more than a fighter"},
    {"pack", 8, 1, 100, "cells that a hunter keeps to its pack"},
    {"pack_min", 2, 1, 16, "hunters with which the pack goes out"},
    siege_setting(0),
};
constexpr auto table = with_fighters(own_settings);

class Hunter final : public Script {
 public:
  Hunter(const Place& place, const Settings& s) : Script(place, s, "hunter") {}

 private:
  void recruit() override {
    const std::array<Wish, 5> wishes{{
        {Role::defender, fighter_design(), settings()["first"]},
        {Role::collector, design::worker, settings()["workers"]},
        {Role::defender, fighter_design(), settings()["hunters"]},
        {Role::explorer, design::scout, settings()["scouts"]},
        {Role::defender, fighter_design(), 16},
    }};
    build(wishes);
  }

  void lead(const ViewAgent& fighter) override {
    if (heal(fighter, settings()["heal_below"], 800)) return;
    const FightStyle style{.odds_percent = settings()["odds"], .soft_points = settings()["soft"]};
    if (fight(fighter, style)) return;
    if (theirs_near(fighter.cell, 4) > ours_near(fighter.cell, 4)) {
      return order(fighter, OrderKind::retreat);
    }
    // Packs: a hunter without prey goes where most of them are, and they go on together.
    const ViewAgent* middle = centre();
    const bool astray = ground_.distance(fighter.cell, middle->cell) > settings()["pack"];
    if (astray) return go(fighter, middle->cell);
    if (fighters() >= settings()["pack_min"]) return press(fighter);
    if (!claim(fighter, 15)) stand_guard(fighter);
  }
};

}  // namespace

std::span<const Setting> hunter_settings() {
  return table;
}

std::unique_ptr<strategy::Player> make_hunter(const Place& place, const Settings& settings) {
  return make_script<Hunter>(place, settings);
}

}  // namespace redoubt::arena
