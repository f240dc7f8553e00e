// How the cells of a fair map turn onto each other, exactly: what checks, generator and board
// share.
//
// 1. A turn is a symmetry of the hexagonal lattice: it keeps distances and neighbourhood.
// 2. A cell whose image falls outside the rectangle has none (no_cell); on a map that declares the
//    symmetry such a cell is an obstacle.
// 3. `half` and `left_right` exist for every rectangle, `up_down` for an odd number of rows only,
//    `third` and `two_thirds` turn about the cell in the middle (column (width - 1) / 2, row
//    (height - 1) / 2).
#pragma once

#include "engine/territory/map.hpp"

namespace redoubt::territory {

enum class Turn : std::uint8_t { identity, half, third, two_thirds, left_right, up_down };

/// The turn of `map`'s symmetry that brings team `team`'s base onto team 0's. `identity` for team
/// 0, for Symmetry::none, and where no turn of the symmetry does so (check() refuses such a map).
Turn turn_to_first(const Map& map, int team);

/// The image of `cell`, or no_cell. Thirds turn counter-clockwise.
Cell turned(const Map& map, Turn turn, Cell cell);

/// The image of one of the six directions.
int turned_direction(Turn turn, int direction);

}  // namespace redoubt::territory
