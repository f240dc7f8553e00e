// Rules: the table of numbers that a match is played by. Data, not code: rules.json is the default
// and is compiled in; another file of the same shape can be given.
//
// One tick is 100 ms of game time. Everything is an integer. Attributes are permille.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt::territory {

constexpr int roles = 4;
constexpr std::size_t rules_bytes_max = 64 * 1024;
/// The larger movement cost over the common divisor of both (keeps distances within 16 bits).
constexpr int move_cost_units_max = 15;
enum class Role : std::uint8_t { collector, explorer, defender, attacker };

/// Permille each, 100..1000, sum <= 3000 (rules.attribute_*).
struct Attributes {
  std::int16_t speed = 500;
  std::int16_t health = 500;
  std::int16_t attack = 500;
  std::int16_t defense = 500;
  std::int16_t carry_capacity = 500;
  constexpr int sum() const { return speed + health + attack + defense + carry_capacity; }
  friend constexpr bool operator==(const Attributes&, const Attributes&) = default;
};

template <class T>
using ByRole = std::array<T, roles>;  // index: Role
/// energy, materials, data.
using Amounts = std::array<int, 3>;

/// Every row of the table. A value "scaled" is multiplied by an attribute / 1000.
/// REQUIRES of whoever fills one by hand: check(rules) is ok.
struct Rules {
  int agents_per_team_max;
  int time_limit_ticks;

  int attribute_min;
  int attribute_max;
  int attribute_sum_max;
  ByRole<Attributes> defaults;  ///< what the starting agents have

  /// progress a tick = move_base + move_scaled x speed; entering a cell takes its cost.
  int move_base;
  int move_scaled;
  int move_cost_open;
  int move_cost_rough;

  int health_base_points;
  int health_scaled_points;

  int attack_base_points;
  int attack_scaled_points;
  int armour_base_points;
  int armour_scaled_points;
  int armour_permille;  ///< how much of the armour is taken off the attack
  int damage_min_points;
  int range_cells;
  int cooldown_ticks;
  int engage_cells;  ///< who may leave his place to fight does so within this distance
  ByRole<int> attack_permille;
  ByRole<int> held_damage_permille;  ///< of the damage taken on an own held cell

  int base_damage_points;
  int base_cooldown_ticks;
  int base_range_cells;

  ByRole<int> vision_cells;
  int vision_base_cells;
  int vision_held_cells;

  int heal_millipoints;  ///< a tick
  int heal_range_cells;  ///< from the base
  int heal_unhurt_ticks;

  int held_min;  ///< control at which a cell counts as held
  int control_max;
  ByRole<int> control_per_tick;
  std::array<int, 3> start_control;  ///< by ring around the base

  int held_cell_ticks_per_unit;  ///< so many pay 1 of each resource

  int stock_start;
  int stock_max;
  int regrow_ticks;
  ByRole<int> harvest_ticks;  ///< a unit
  int load_base_units;
  int load_scaled_units;
  int deposit_range_cells;

  int cost_base_units;
  int cost_attributes_base_permille;
  int cost_attributes_scaled_permille;
  int cost_living_permille;
  int cost_living_free;
  ByRole<Amounts> cost_permille;

  Amounts start_store;
  ByRole<int> start_agents;
  int spawn_rings_max;
  int spawn_interval_ticks;

  std::array<int, 3> territory_share_permille;  ///< of 2, 3 and 4 teams
  int territory_ticks;
  int elimination_ticks;
  int domination_from_tick;
  int domination_deposits_min;
  int domination_factor;

  friend bool operator==(const Rules&, const Rules&) = default;
};

const Rules& default_rules();

/// Reads a rules file. Every member may be left out and then has its default; an unknown member, a
/// wrong type or a value out of range is error bad_rules with its path.
Result<Rules> read_rules(std::string_view json);
std::string write_rules(const Rules& rules);
std::uint64_t hash(const Rules& rules);

/// Error bad_rules where a member is out of its range (path names it) or members contradict.
Result<void> check(const Rules& rules);

/// Points x 1000.
int health_max_millipoints(const Rules& rules, const Attributes& attributes);
/// One strike's damage, points x 1000.
int damage_millipoints(const Rules& rules, Role attacker, const Attributes& attack, Role defender,
                       const Attributes& defense, bool on_own_held_cell);
/// Progress a tick.
int move_rate(const Rules& rules, const Attributes& attributes);
int load_capacity(const Rules& rules, const Attributes& attributes);
/// What an agent costs a team with `living` agents.
Amounts cost(const Rules& rules, Role role, const Attributes& attributes, int living);
/// Error bad_attributes: which one, what was expected.
Result<void> check_attributes(const Rules& rules, const Attributes& attributes);

std::string_view name(Role role);
Result<Role> role_named(std::string_view text);

}  // namespace redoubt::territory
