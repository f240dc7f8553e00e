// Tiled's hexagonal grid: where in pixels its cells lie.
//
// Lines are rows (stagger axis y) or columns (axis x); "along" is the direction of a line, "across"
// leads from line to line. The middles of the cells are a lattice, so a layer that is moved by some
// pixels moves all its tiles by the same step.
#pragma once

#include <optional>

#include "engine/hex/hex.hpp"

namespace redoubt::territory::tiled {

struct Point {
  double x = 0;
  double y = 0;
};

/// `p` turned about 0, 0 by degrees, clockwise as y grows downwards. Without libm's sine, which
/// differs between platforms.
Point turned(Point p, double degrees);

struct Grid {
  bool columns_staggered = false;
  bool even_shifted = false;  ///< lines 0, 2, ... are the shifted ones
  int tile_width = 1;         ///< pixels
  int tile_height = 1;
  int side = 0;  ///< length of the sides along the stagger axis
};

/// A step from cell to cell: so many lines, and half cells along them.
struct Step {
  int lines = 0;
  int halves = 0;
};
/// The step that comes nearest to a way of `by` pixels.
Step nearest_step(const Grid& grid, Point by);
hex::Offset moved(const Grid& grid, hex::Offset at, Step step);

/// A rectangle of cells.
struct Cut {
  hex::Offset origin;
  int width = 0;
  int height = 0;
};
/// The cell of `cut`, counted from its origin, whose middle is nearest to `p`; nothing where `p`
/// is further from all of them than a hexagon reaches.
std::optional<hex::Offset> nearest_cell(const Grid& grid, const Cut& cut, Point p);

}  // namespace redoubt::territory::tiled
