// Picture: a View turned into what tactics look at: strengths, fields and distances.
//
// Strength is counted in fighters x 100: 100 is a default attacker in full health. It is the square
// root of (damage it deals x damage it stands), so that the strengths of a group add up and groups
// compare by their sums (Lanchester's square law).
#pragma once

#include <vector>

#include "engine/strategy/ground.hpp"
#include "engine/strategy/situation.hpp"

namespace redoubt::strategy {

/// An enemy is counted where it was last seen for so long.
constexpr int memory_ticks_max = 150;
/// Enemies and friends within so many cells take part in one fight.
constexpr int fight_reach_cells = 4;
constexpr int help_reach_cells = 7;
/// What the weapon of a base is worth to those who fight beside it.
constexpr int base_strength = 110;

struct Foe {
  const territory::ViewAgent* agent = nullptr;
  int strength = 0;       ///< faded with the age of the sight
  bool armed = false;     ///< defender or attacker
  int beside = 0;         ///< strength of the enemies around it, itself and its base included
  int against = 0;        ///< strength that our fighters can bring there soon
  bool intruder = false;  ///< on our ground, or near our base
};

struct Friend {
  const territory::ViewAgent* agent = nullptr;
  int strength = 0;
  bool fighter = false;
  int danger = 0;                 ///< strength of armed enemies that can reach it soon
  hex::Field<hex::Distance> way;  ///< units to each cell, up to way_limit
};
constexpr hex::Distance way_limit = 60;

struct Picture {
  const territory::View* view = nullptr;
  std::vector<Foe> foes;
  std::vector<Friend> friends;           ///< by id, as in the view
  int army = 0;                          ///< strength of our fighters
  int enemy_army = 0;                    ///< strength of the armed enemies that we remember
  int base_danger = 0;                   ///< strength of enemies near our base
  int base_guard = 0;                    ///< strength of ours near our base, its weapon included
  std::vector<std::uint8_t> under_fire;  ///< one entry a cell: living enemy bases that reach it
  hex::Field<std::int32_t> threat;       ///< enemy strength, spread
  hex::Field<std::int32_t> influence;    ///< ours less theirs, spread
  hex::Field<std::int32_t> pull;         ///< stock of the sites, spread
  hex::Field<std::int32_t> room;         ///< ground that is not ours, spread; 1000 = all around
  hex::Field<hex::Distance> from_base;
  hex::Field<hex::Distance> from_rivals;  ///< from the nearest enemy base
};

int strength_of(const territory::Rules& rules, const territory::ViewAgent& agent);

/// Keeps its memory from thought to thought.
class PictureMaker {
 public:
  PictureMaker(const Ground& ground, Team team);
  /// Strengths, foes and friends. `picture` refers to `view` as long as it is used.
  void read(const territory::View& view, Picture& picture);
  /// The spread fields. REQUIRES: read().
  void spread(Picture& picture);
  /// How far each friend is from everywhere. REQUIRES: read().
  void measure(Picture& picture);

 private:
  void judge_foes(const territory::View& view, Picture& picture) const;

  const Ground& ground_;
  Team team_;
  hex::Flood flood_;
  hex::Field<std::int32_t> sources_;
  hex::Field<std::int32_t> scratch_;
};

/// What the picture and the view say about the match as a whole.
Situation situation_of(const Ground& ground, const Picture& picture);

}  // namespace redoubt::strategy
