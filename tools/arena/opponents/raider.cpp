// Raider: fast attackers that live off the enemy's workers. They take no fight with fighters that
// they need not, and are gone before help comes; once the enemy has nobody left, its ground falls.
#include "tools/arena/opponents/makers.hpp"
#include "tools/arena/opponents/script.hpp"

namespace redoubt::arena {
namespace {

constexpr Setting own_settings[] = {
    {"first", 2, 0, 16, "attackers before the workers"},
    {"workers", 2, 1, 16, "collectors"},
    {"raiders", 4, 1, 16, "attackers before the scouts"},
    {"scouts", 2, 0, 16, "explorers"},
    {"odds", 135, 0, 300, "percent of the enemy's strength asked for before a fight"},
    {"soft", 8, 0, 50, "cells of way that a worker is worth more than a fighter"},
    siege_setting(0),
};
constexpr auto table = with_fighters(own_settings);

class Raider final : public Script {
 public:
  Raider(const Place& place, const Settings& s) : Script(place, s, "raider") {}

 private:
  void recruit() override {
    const std::array<Wish, 5> wishes{{
        {Role::attacker, fighter_design(), settings()["first"]},
        {Role::collector, design::worker, settings()["workers"]},
        {Role::attacker, fighter_design(), settings()["raiders"]},
        {Role::explorer, design::scout, settings()["scouts"]},
        {Role::attacker, fighter_design(), 16},
    }};
    build(wishes);
  }

  void lead(const ViewAgent& fighter) override {
    if (heal(fighter, settings()["heal_below"], 800)) return;
    const FightStyle style{
        .odds_percent = settings()["odds"], .soft_points = settings()["soft"], .memory_ticks = 200};
    if (fight(fighter, style)) return;
    // Outmatched where it stands: off to where they are not.
    if (theirs_near(fighter.cell, 4) > ours_near(fighter.cell, 4)) {
      return order(fighter, OrderKind::retreat);
    }
    press(fighter);
  }
};

}  // namespace

std::span<const Setting> raider_settings() {
  return table;
}

std::unique_ptr<strategy::Player> make_raider(const Place& place, const Settings& settings) {
  return make_script<Raider>(place, settings);
}

}  // namespace redoubt::arena
