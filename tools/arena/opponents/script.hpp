// Script: what the scripted opponents share: eyes, workers, claims and fights. An opponent says
// what to build and what its fighters are about; the rest is here.
//
// 1. A script decides from its View alone and keeps next to no state: what an agent is at is read
//    from the order that it follows.
// 2. Strength is the strategist's measure (picture.hpp): 100 is a default attacker in full health,
//    and the strengths of a group add up.
#pragma once

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

#include "engine/strategy/bot.hpp"
#include "tools/arena/opponents/opponents.hpp"
#include "tools/arena/opponents/ways.hpp"

namespace redoubt::arena {

using territory::AgentId;
using territory::Attributes;
using territory::Cell;
using territory::no_cell;
using territory::OrderKind;
using territory::Role;
using territory::View;
using territory::ViewAgent;

/// Designs that proved good: speed, health, attack, defense, load.
namespace design {
constexpr Attributes worker{600, 300, 100, 200, 1000};
constexpr Attributes scout{1000, 300, 100, 200, 100};
}  // namespace design

bool is_fighter(Role role);

/// What the settings about its fighters are, where a script is given none.
struct FighterSettings {
  int heal_below = 575;
  int speed = 1000;
  int health = 700;
  int attack = 1000;
  int defense = 200;
};

/// A script's table: its own settings, then those about its fighters.
template <std::size_t N>
constexpr std::array<Setting, N + 5> with_fighters(const Setting (&own)[N],
                                                   FighterSettings values = {}) {
  std::array<Setting, N + 5> table{};
  std::copy(std::begin(own), std::end(own), table.begin());
  table[N] = {"heal_below", values.heal_below, 0, 1000,
              "permille of health at which a fighter goes home"};
  table[N + 1] = {"speed", values.speed, 100, 1000, "permille, of its fighters"};
  table[N + 2] = {"health", values.health, 100, 1000, "permille, of its fighters"};
  table[N + 3] = {"attack", values.attack, 100, 1000, "permille, of its fighters"};
  table[N + 4] = {"defense", values.defense, 100, 1000, "permille, of its fighters"};
  return table;
}

/// Of those who press(): what they do without prey.
constexpr Setting siege_setting(int value) {
  return {"siege", value, 0, 1,
          "1: without prey they surround the base, 0: they look at the sites"};
}

/// How an opponent's fighters pick their fights.
struct FightStyle {
  int reach_cells = 100;   ///< they look for enemies so far
  int odds_percent = 100;  ///< strength at hand over the enemy's that they ask for
  int home_cells = 1000;   ///< only enemies that are so near to their base
  int soft_points = 6;     ///< cells of way that a worker is worth more than a fighter
  int memory_ticks = 150;  ///< older sightings are not followed
};

class Script : public strategy::Bot {
 public:
  Script(const Place& place, const Settings& settings, std::string_view name);
  std::string_view name() const final { return name_; }

 protected:
  /// Orders what to build.
  virtual void recruit() = 0;
  /// Leads a defender or attacker.
  virtual void lead(const ViewAgent& fighter) = 0;
  /// Once a thought, before anybody is led.
  virtual void look() {}
  /// How far from home workers and scouts claim ground.
  virtual int claim_reach() const { return 1000; }

  // What there is.
  int own(Role role) const { return own_[static_cast<std::size_t>(role)]; }
  int fighters() const { return own(Role::defender) + own(Role::attacker); }
  int workers() const { return own(Role::collector) + own(Role::explorer); }
  /// Armed enemies seen within the last minute.
  int enemy_fighters() const { return enemy_fighters_; }
  int army() const { return army_; }              ///< strength of our fighters
  int enemy_army() const { return enemy_army_; }  ///< of those seen within the last minute
  int strength(const ViewAgent& agent) const;
  Cell home() const { return ground_.bases[team_]; }
  int units(Cell from, Cell to) { return ways_.units(from, to); }

  // What to do; true where the agent has its order.
  bool heal(const ViewAgent& agent, int below_permille, int until_permille);
  bool flee(const ViewAgent& agent);
  bool collect(const ViewAgent& agent);
  bool claim(const ViewAgent& agent, int reach_from_home);
  bool fight(const ViewAgent& agent, const FightStyle& style);
  /// Goes for where enemies must be: their sites and their ground around the base.
  void search(const ViewAgent& agent);
  /// Stands around the enemy's base, just out of its weapon's reach.
  void besiege(const ViewAgent& agent);
  /// One of the two, as the setting "siege" says.
  void press(const ViewAgent& agent);
  /// Stands on ground of its own between home and the enemy, near home.
  void stand_guard(const ViewAgent& agent);
  void go(const ViewAgent& agent, Cell cell);
  void work(const ViewAgent& agent);

  /// Builds the first of the list that is missing; what is too dear is saved for.
  struct Wish {
    Role role;
    Attributes attributes;
    int count;
  };
  void build(std::span<const Wish> wishes);
  /// Of the settings speed, health, attack and defense; armour gives way where the sum is too
  /// large.
  Attributes fighter_design() const;

  /// Our strength that can be there soon, and theirs beside it, bases included.
  int ours_near(Cell cell, int cells) const;
  int theirs_near(Cell cell, int cells) const;
  bool under_fire(Cell cell) const;
  /// The fighter in the middle of ours; nullptr where there is none.
  const ViewAgent* centre() const;
  const Settings& settings() const { return settings_; }
  const View& view() const { return *view_; }

 private:
  void decide(const View& view) final;
  strategy::TeamStrategy strategy() const final;
  void count();
  int danger(const ViewAgent& agent, int cells) const;
  int claim_price(const ViewAgent& agent, Cell cell);

  std::string_view name_;
  Settings settings_;
  Ways ways_;
  const View* view_ = nullptr;
  std::array<int, territory::roles> own_{};
  int enemy_fighters_ = 0;
  int army_ = 0;
  int enemy_army_ = 0;
  Cell enemy_home_ = no_cell;         // the nearest base of a team that is still in
  std::vector<std::uint8_t> taken_;   // a cell: somebody is sent there
  std::vector<std::uint8_t> danger_;  // a cell: armed enemies or an enemy base reach it soon
};

/// For the table of opponents.
template <class T>
std::unique_ptr<strategy::Player> make_script(const Place& place, const Settings& settings) {
  return std::make_unique<T>(place, settings);
}

}  // namespace redoubt::arena
