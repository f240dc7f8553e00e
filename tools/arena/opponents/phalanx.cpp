// Phalanx: slow, sturdy defenders that march as one body. Nobody goes ahead of it, nobody fights
// far from it, and the ground that it passes becomes its own.
#include "tools/arena/opponents/makers.hpp"
#include "tools/arena/opponents/script.hpp"

namespace redoubt::arena {
namespace {

constexpr Setting own_settings[] = {
    {"first", 1, 0, 16, "defenders before the workers"},
    {"workers", 2, 1, 16, "collectors"},
    {"men", 6, 1, 16, "defenders before the scouts"},
    {"scouts", 2, 0, 16, "explorers"},
    {"march", 6, 1, 16, "defenders with which it marches"},
    {"body", 2, 1, 100, "cells from the middle that a man keeps to"},
    {"reach", 8, 1, 100, "cells in which it looks for enemies"},
    {"odds", 105, 0, 300, "percent of the enemy's strength asked for before a fight"},
    {"home", 12, 1, 100, "cells from the base that are held before the march"},
    siege_setting(1),
};
constexpr auto table =
    with_fighters(own_settings, {.heal_below = 475, .speed = 250, .health = 1000, .defense = 650});

class Phalanx final : public Script {
 public:
  Phalanx(const Place& place, const Settings& s) : Script(place, s, "phalanx") {}

 private:
  void recruit() override {
    const std::array<Wish, 5> wishes{{
        {Role::defender, fighter_design(), settings()["first"]},
        {Role::collector, design::worker, settings()["workers"]},
        {Role::defender, fighter_design(), settings()["men"]},
        {Role::explorer, design::scout, settings()["scouts"]},
        {Role::defender, fighter_design(), 16},
    }};
    build(wishes);
  }

  void look() override {
    const bool enough = fighters() >= settings()["march"];
    const bool lost = fighters() < settings()["march"] / 2;
    marching_ = enough || (marching_ && !lost);
  }

  void lead(const ViewAgent& fighter) override {
    const bool near_home = distance_to_base(fighter.cell) <= 10;
    if (near_home && heal(fighter, settings()["heal_below"], 900)) return;
    const ViewAgent* middle = centre();
    const int off = ground_.distance(fighter.cell, middle->cell);
    const FightStyle style{.reach_cells = settings()["reach"],
                           .odds_percent = settings()["odds"],
                           .home_cells = marching_ ? 1000 : settings()["home"],
                           .soft_points = 2};
    if (off <= settings()["body"] + 3 && fight(fighter, style)) return;
    if (!marching_) {
      if (!claim(fighter, settings()["home"])) stand_guard(fighter);
      return;
    }
    if (off > settings()["body"]) return go(fighter, middle->cell);
    press(fighter);
  }

  void save_more(ByteWriter& out) const override { out.u8(marching_ ? 1 : 0); }
  bool restore_more(ByteReader& in) override {
    marching_ = in.u8() != 0;
    return !in.failed();
  }

  bool marching_ = false;
};

}  // namespace

std::span<const Setting> phalanx_settings() {
  return table;
}

std::unique_ptr<strategy::Player> make_phalanx(const Place& place, const Settings& settings) {
  return make_script<Phalanx>(place, settings);
}

}  // namespace redoubt::arena
