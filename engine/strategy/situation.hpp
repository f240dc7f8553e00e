// Situation: a match as numbers, made from a request or from a player's View, and the features that
// decisions are made of.
//
// 1. Whatever is not known is marked so and has no influence; it lowers the confidence.
// 2. Features are normalised to -1..1 (or 0..1 where they have one side) and carry their raw value,
//    unit and a sentence, so that a decision can say what drove it.
// 3. All quantities are finite and at most quantity_max.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/strategy/team_strategy.hpp"

namespace redoubt::strategy {

constexpr double quantity_max = 1e9;

/// How an enemy plays; see opponent_model.hpp.
enum class Style : std::uint8_t { rush, boom, turtle, expansion };
constexpr int styles = 4;
constexpr std::array<std::string_view, styles> style_names{"rush", "boom", "turtle", "expansion"};
using StyleBelief = std::array<double, styles>;  ///< sums to 1
constexpr StyleBelief style_prior{0.25, 0.25, 0.25, 0.25};
/// The chance that a rival plays none of these styles. It belongs to no evidence, so nobody is told
/// to be surer of one than the rest allows.
constexpr double other_share = 0.15;
/// A belief in one style as it is said to people.
constexpr double told(double belief) {
  return (1 - other_share) * belief + other_share / styles;
}

/// What one agent is worth in a fight, attackers being 1.
constexpr std::array<double, territory::roles + 1> role_strength{0.2, 0.35, 0.9, 1.0, 0.4};
constexpr int unknown_role = territory::roles;

struct Side {
  bool territory_known = false;
  bool store_known = false;
  bool agents_known = false;
  double share_percent = 0;
  std::array<double, territory::resources> store{};
  std::array<double, territory::roles + 1> count{};  ///< by role, the last: unknown
  double strength = 0;                               ///< sum of role_strength x health
  double health = 1;                                 ///< mean, 0..1
  double agents() const;
  double fighters() const;
};

struct Situation {
  int own = 0;  ///< index of the team that asks
  std::array<Side, territory::teams_max> sides{};
  std::array<bool, territory::teams_max> present{};
  bool on_map_known = false;
  std::array<double, territory::resources> on_map{};
  bool positions_known = false;
  double base_threat = 0;  ///< 0..1: enemy fighters near home against what stands there
  double opening = 0;      ///< 0..1: own fighters near an enemy home against what stands there
  double win_share_percent = 75;  ///< share that wins by territory
  StyleBelief opponent = style_prior;
  bool opponent_known = false;
  std::vector<territory::Cell> threatened_cells;

  const Side& us() const { return sides[static_cast<std::size_t>(own)]; }
  /// The enemy with the largest share (the first of equals), or -1 where nobody else is known.
  int rival() const;
};

enum class Feature : std::uint8_t {
  territory_gap,
  army_balance,
  economy_gap,
  scarcity,
  base_threat,
  opening,
  hurt,
  tempo,
  workforce_gap,
  closing,
  enemy_closing,
  enemy_rush,
  enemy_boom,
  enemy_turtle,
  enemy_expansion,
  free_ground,
  contact,
  scarcest_store,
  fighters,
};
constexpr int features_count = 19;

struct FeatureValue {
  double level = 0;  ///< -1..1, 0 where unknown
  double value = 0;  ///< raw, in `unit`
  std::string_view unit;
  bool known = false;
};
using Features = std::array<FeatureValue, features_count>;

std::string_view name(Feature feature);
Features features_of(const Situation& situation);
/// One sentence with the feature's number; it reads on after a colon once its first letter is
/// small.
std::string describe(Feature feature, const FeatureValue& value, const Situation& situation);

/// An agent with a place, for threat_between().
struct Placed {
  double x = 0;
  double y = 0;
  int role = unknown_role;
  double health = 1;  ///< 0..1
};
/// How much `raiders` threaten the home of `holders`, 0..1: their strength, weighed by closeness to
/// the home (the middle of the holders' collectors, or of all), against the strength that is as
/// close. Distances are relative to the distance between the two sides' homes, so any unit will do.
double threat_between(const std::vector<Placed>& raiders, const std::vector<Placed>& holders);

}  // namespace redoubt::strategy
