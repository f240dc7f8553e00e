// Economy: workers and ground first, only as many fighters as it has seen; once its stores outgrow
// what workers are good for, an army out of the full purse.
#include "tools/arena/opponents/makers.hpp"
#include "tools/arena/opponents/script.hpp"

namespace redoubt::arena {
namespace {

constexpr Setting own_settings[] = {
    {"workers", 4, 1, 16, "collectors"},
    {"scouts", 3, 0, 16, "explorers"},
    {"spare", 4, 0, 16, "fighters beyond those of the enemy"},
    {"until_tick", 1500, 0, 6000, "when it may go out at the latest"},
    {"army", 5, 1, 16, "fighters with which it goes out"},
    {"odds", 115, 0, 300, "percent of the enemy's strength asked for before a fight"},
    {"home", 18, 1, 100, "cells from the base that its fighters keep to before"},
    siege_setting(0),
};
constexpr auto table = with_fighters(own_settings);

class Economy final : public Script {
 public:
  Economy(const Place& place, const Settings& s) : Script(place, s, "economy") {}

 private:
  bool harvest_time() const {
    return view().tick >= settings()["until_tick"] ||
           workers() >= settings()["workers"] + settings()["scouts"];
  }
  bool strong() const {
    return fighters() >= settings()["army"] && 100 * army() > settings()["odds"] * enemy_army();
  }

  void recruit() override {
    const int answer = enemy_fighters() + settings()["spare"];
    const std::array<Wish, 6> wishes{{
        {Role::collector, design::worker, 3},
        {Role::explorer, design::scout, 2},
        {Role::attacker, fighter_design(), answer},
        {Role::collector, design::worker, settings()["workers"]},
        {Role::explorer, design::scout, settings()["scouts"]},
        {Role::attacker, fighter_design(), 16},
    }};
    build(wishes);
  }

  void lead(const ViewAgent& fighter) override {
    if (heal(fighter, settings()["heal_below"], 800)) return;
    const bool out = harvest_time() && strong();
    const FightStyle style{.odds_percent = settings()["odds"],
                           .home_cells = out ? 1000 : settings()["home"]};
    if (fight(fighter, style)) return;
    if (out) return press(fighter);
    if (claim(fighter, settings()["home"])) return;
    stand_guard(fighter);
  }
};

}  // namespace

std::span<const Setting> economy_settings() {
  return table;
}

std::unique_ptr<strategy::Player> make_economy(const Place& place, const Settings& settings) {
  return make_script<Economy>(place, settings);
}

}  // namespace redoubt::arena
