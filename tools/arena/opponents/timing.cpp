// Timing: an economy that is turned into an army all at once, and an attack with everybody in the
// moment when that army should be the stronger; beaten back, it gathers for the next one.
#include "tools/arena/opponents/makers.hpp"
#include "tools/arena/opponents/script.hpp"

namespace redoubt::arena {
namespace {

constexpr Setting own_settings[] = {
    {"workers", 3, 1, 16, "collectors"},
    {"scouts", 3, 0, 16, "explorers"},
    {"guards", 2, 0, 16, "fighters at the least before it arms"},
    {"arm_tick", 300, 0, 6000, "when the economy is turned into an army"},
    {"army", 6, 1, 16, "fighters with which it attacks"},
    {"odds", 115, 20, 300, "percent of the enemy's strength asked for before the attack"},
    {"body", 9, 1, 100, "cells from the middle that an attacker keeps to"},
    {"home", 15, 1, 100, "cells from the base that are held before the attack"},
    siege_setting(0),
};
constexpr auto table = with_fighters(own_settings);

class Timing final : public Script {
 public:
  Timing(const Place& place, const Settings& s) : Script(place, s, "timing") {}

 private:
  void recruit() override {
    const int guards = std::max(settings()["guards"], enemy_fighters());
    const bool arming = view().tick >= settings()["arm_tick"];
    const std::array<Wish, 5> wishes{{
        {Role::collector, design::worker, 3},
        {Role::attacker, fighter_design(), arming ? settings()["army"] : guards},
        {Role::collector, design::worker, settings()["workers"]},
        {Role::explorer, design::scout, settings()["scouts"]},
        {Role::attacker, fighter_design(), 16},
    }};
    build(wishes);
  }

  void look() override {
    const bool ready =
        fighters() >= settings()["army"] && 100 * army() > settings()["odds"] * enemy_army();
    const bool beaten = fighters() < settings()["army"] / 2 || army() < enemy_army();
    attacking_ = ready || (attacking_ && !beaten);
  }

  void lead(const ViewAgent& fighter) override {
    if (heal(fighter, settings()["heal_below"], 800)) return;
    const FightStyle style{
        .odds_percent = attacking_ ? settings()["odds"] - 20 : settings()["odds"],
        .home_cells = attacking_ ? 1000 : settings()["home"]};
    if (fight(fighter, style)) return;
    if (attacking_) {
      const ViewAgent* middle = centre();
      const bool far = ground_.distance(fighter.cell, middle->cell) > settings()["body"];
      return far ? go(fighter, middle->cell) : press(fighter);
    }
    if (!claim(fighter, settings()["home"])) stand_guard(fighter);
  }

  void save_more(ByteWriter& out) const override { out.u8(attacking_ ? 1 : 0); }
  bool restore_more(ByteReader& in) override {
    attacking_ = in.u8() != 0;
    return !in.failed();
  }

  bool attacking_ = false;
};

}  // namespace

std::span<const Setting> timing_settings() {
  return table;
}

std::unique_ptr<strategy::Player> make_timing(const Place& place, const Settings& settings) {
  return make_script<Timing>(place, settings);
}

}  // namespace redoubt::arena
