// Ground: what a player needs of the board, in the form that its fields are computed in.
//
// 1. Immutable after make_ground(); a copy of the facts, so that a player keeps no Board (whose
// path
//    table belongs to one thread and is large).
// 2. Steps are counted in units: the movement costs over their common divisor (open ground is 1
//    under the default rules). Bases cost 0: no way leads through them.
#pragma once

#include <vector>

#include "engine/hex/field.hpp"
#include "engine/territory/board.hpp"
#include "engine/territory/world.hpp"

namespace redoubt::strategy {

using territory::Cell;
using territory::no_cell;
using territory::Team;

struct Ground {
  hex::Layout layout{1, 1};
  hex::Costs costs;
  territory::Rules rules{};
  int teams = 2;
  std::vector<Cell> bases;
  std::vector<territory::Site> sites;   ///< those that can be reached, ascending by cell
  std::vector<std::uint8_t> reachable;  ///< one entry a cell; what shares are counted over
  std::vector<Cell> open;               ///< reachable cells that are no base, ascending
  int reachable_cells = 0;
  int cost_unit = 1;  ///< progress for one unit of cost
  std::vector<std::int16_t> q;
  std::vector<std::int16_t> r;

  int cells() const { return static_cast<int>(reachable.size()); }
  /// Geometric distance in cells.
  int distance(Cell a, Cell b) const {
    return hex::distance(hex::Axial{q[a], r[a]}, hex::Axial{q[b], r[b]});
  }
  /// Neighbour in a direction, no_cell beyond the edge.
  Cell neighbour(Cell cell, int direction) const {
    const auto index = static_cast<std::ptrdiff_t>(layout.at(cell)) +
                       layout.offsets()[static_cast<std::size_t>(direction)];
    return layout.cell(static_cast<std::size_t>(index));
  }
  /// Ticks that `units` of way take an agent with these attributes.
  int ticks(int units, const territory::Attributes& attributes) const {
    return units * cost_unit / territory::move_rate(rules, attributes);
  }
};

Ground make_ground(const territory::Board& board);

}  // namespace redoubt::strategy
