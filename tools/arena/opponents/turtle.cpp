// Turtle: holds the ground around its base with defenders, and lets its ground grow only as far as
// they can cover it. It never goes out to fight.
#include "tools/arena/opponents/makers.hpp"
#include "tools/arena/opponents/script.hpp"

namespace redoubt::arena {
namespace {

constexpr Setting own_settings[] = {
    {"fighters", 6, 0, 16, "defenders in the end"},
    {"workers", 3, 1, 16, "collectors"},
    {"scouts", 2, 0, 16, "explorers that claim ground"},
    {"reach", 14, 1, 100, "cells from the base that are claimed"},
    {"reach_per_fighter", 1, 0, 20, "cells more for each fighter"},
    {"odds", 90, 0, 300, "percent of the enemy's strength asked for before a fight"},
};
constexpr auto table = with_fighters(own_settings);

class Turtle final : public Script {
 public:
  Turtle(const Place& place, const Settings& s) : Script(place, s, "turtle") {}

 private:
  int claim_reach() const override {
    return settings()["reach"] + settings()["reach_per_fighter"] * fighters();
  }

  void recruit() override {
    const std::array<Wish, 5> wishes{{
        {Role::collector, design::worker, 3},
        {Role::defender, fighter_design(),
         std::max(2, std::min(settings()["fighters"], enemy_fighters() + 1))},
        {Role::collector, design::worker, settings()["workers"]},
        {Role::explorer, design::scout, settings()["scouts"]},
        {Role::defender, fighter_design(), settings()["fighters"]},
    }};
    build(wishes);
  }

  void lead(const ViewAgent& fighter) override {
    if (heal(fighter, settings()["heal_below"], 900)) return;
    const FightStyle style{
        .reach_cells = 14, .odds_percent = settings()["odds"], .home_cells = claim_reach() + 2};
    if (fight(fighter, style)) return;
    // In quiet times the second half of them takes ground.
    const bool quiet = theirs_near(home(), claim_reach() + 4) == 0;
    if (quiet && fighter.id % 2 == 0 && claim(fighter, claim_reach())) return;
    stand_guard(fighter);
  }
};

}  // namespace

std::span<const Setting> turtle_settings() {
  return table;
}

std::unique_ptr<strategy::Player> make_turtle(const Place& place, const Settings& settings) {
  return make_script<Turtle>(place, settings);
}

}  // namespace redoubt::arena
