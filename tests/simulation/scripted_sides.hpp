// Scripted sides: simple, different ways to play, each from its View alone. They are the yardstick
// for the rules' table: no single way may beat all the others.
//
//   reactive   works and claims; builds fighters in answer to what it sees and fights near home,
//              and goes out once it is clearly stronger
//   rush       attackers only, at the enemy's base, from the first unit on
//   turtle     defenders around the base, collectors within; claims only what lies near
//   expansion  explorers only, claiming the nearest cells; never fights
//   boom       collectors until tick 1,500, then attackers with everything that was saved
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/rng.hpp"
#include "engine/territory/board.hpp"
#include "engine/territory/world.hpp"

namespace redoubt::simulation {

enum class Style : std::uint8_t { reactive, rush, turtle, expansion, boom };
constexpr int styles = 5;
std::string_view name(Style style);

/// One side of one match.
class Side {
 public:
  Side(const territory::Board& board, territory::Team team, Style style);
  /// REQUIRES: views of this board and team, by rising tick.
  const std::vector<territory::Order>& think(const territory::View& view);

 private:
  void count();
  void build();
  territory::Role wanted_role() const;
  territory::Role wanted_in_answer() const;
  bool enemy_fighter_within(territory::Cell cell, int cells) const;
  bool answer(const territory::ViewAgent& agent);
  void lead(const territory::ViewAgent& agent);
  bool collect(const territory::ViewAgent& agent);
  bool claim(const territory::ViewAgent& agent, int reach);
  bool fight(const territory::ViewAgent& agent, int reach);
  void attack_base(const territory::ViewAgent& agent);
  void guard_home(const territory::ViewAgent& agent);
  void order(const territory::ViewAgent& agent, territory::OrderKind kind,
             territory::Cell cell = territory::no_cell,
             territory::AgentId target = territory::no_agent);
  int own_of(territory::Role role) const;

  const territory::Board& board_;
  territory::Team team_;
  Style style_;
  territory::Cell home_;
  territory::Cell enemy_home_;
  const territory::View* view_ = nullptr;
  std::vector<std::uint8_t> taken_;  // a cell: somebody is sent there already
  int fighters_ = 0;
  int enemy_fighters_ = 0;  // seen within the last 600 ticks
  int threats_ = 0;         // enemies in sight near home
  std::vector<territory::Order> orders_;
};

}  // namespace redoubt::simulation
