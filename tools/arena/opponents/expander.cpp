// Expander: ground before all else. Many fast explorers claim from the middle backwards; fighters
// only in answer, and they claim too while nobody is there to be fought.
#include "tools/arena/opponents/makers.hpp"
#include "tools/arena/opponents/script.hpp"

namespace redoubt::arena {
namespace {

constexpr Setting own_settings[] = {
    {"scouts", 4, 0, 16, "explorers"},
    {"workers", 3, 1, 16, "collectors"},
    {"guards", 2, 0, 16, "fighters at the least"},
    {"spare", 3, 0, 16, "fighters beyond those of the enemy"},
    {"fight_reach", 20, 1, 100, "cells in which its fighters look for enemies"},
    {"odds", 110, 0, 300, "percent of the enemy's strength asked for before a fight"},
};
constexpr auto table = with_fighters(own_settings);

class Expander final : public Script {
 public:
  Expander(const Place& place, const Settings& s) : Script(place, s, "expander") {}

 private:
  void recruit() override {
    const int answer = std::max(settings()["guards"], enemy_fighters() + settings()["spare"]);
    const std::array<Wish, 5> wishes{{
        {Role::explorer, design::scout, 2},
        {Role::attacker, fighter_design(), view().tick > 200 ? answer : 0},
        {Role::explorer, design::scout, settings()["scouts"]},
        {Role::collector, design::worker, settings()["workers"]},
        {Role::attacker, fighter_design(), 16},
    }};
    build(wishes);
  }

  void lead(const ViewAgent& fighter) override {
    if (heal(fighter, settings()["heal_below"], 800)) return;
    const FightStyle style{.reach_cells = settings()["fight_reach"],
                           .odds_percent = settings()["odds"]};
    if (fight(fighter, style)) return;
    if (claim(fighter, 1000)) return;
    stand_guard(fighter);
  }
};

}  // namespace

std::span<const Setting> expander_settings() {
  return table;
}

std::unique_ptr<strategy::Player> make_expander(const Place& place, const Settings& settings) {
  return make_script<Expander>(place, settings);
}

}  // namespace redoubt::arena
