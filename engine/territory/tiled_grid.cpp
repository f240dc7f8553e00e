#include "engine/territory/tiled_grid.hpp"

#include <cmath>

namespace redoubt::territory::tiled {
namespace {

constexpr double pi = 3.14159265358979323846;
constexpr double row_pitch = 0.8660254037844386;  // of regular hexagons that are 1 apart

/// A way in the grid's own directions, pixels.
struct Way {
  double along = 0;
  double across = 0;
};

Way way_of(const Grid& grid, Point p) {
  return grid.columns_staggered ? Way{p.y, p.x} : Way{p.x, p.y};
}

double along_pixels(const Grid& grid) {
  return grid.columns_staggered ? grid.tile_height : grid.tile_width;
}

double across_pixels(const Grid& grid) {
  return grid.columns_staggered ? grid.tile_width : grid.tile_height;
}

double line_pitch(const Grid& grid) {
  return (across_pixels(grid) + grid.side) / 2;
}

/// Half cells by which a line is shifted.
int shift_of(const Grid& grid, int line) {
  return (line & 1) == (grid.even_shifted ? 0 : 1) ? 1 : 0;
}

/// Of a way in units in which the hexagons are regular.
double square(double along, double across) {
  return along * along + across * across * row_pitch * row_pitch;
}

/// Taylor's series; exact to the last places of a double for at most 45 degrees.
Point sine_and_cosine(double radians) {
  constexpr int terms = 10;
  Point out{0, 0};
  double term = 1;
  for (int i = 0; i < 2 * terms; ++i) {
    const double sign = i / 2 % 2 == 0 ? 1 : -1;
    (i % 2 == 0 ? out.y : out.x) += sign * term;
    term = term * radians / (i + 1);
  }
  return out;
}

}  // namespace

Point turned(Point p, double degrees) {
  const double angle = std::fmod(degrees, 360.0);
  const double quarters = std::floor(angle / 90 + 0.5);
  const Point turn = sine_and_cosine((angle - 90 * quarters) * pi / 180);
  const auto times = (static_cast<int>(quarters) + 8) % 4;
  for (int i = 0; i < times; ++i)
    p = {-p.y, p.x};
  return {p.x * turn.y - p.y * turn.x, p.x * turn.x + p.y * turn.y};
}

Step nearest_step(const Grid& grid, Point by) {
  const Way way = way_of(grid, by);
  const double lines = way.across / line_pitch(grid);
  const double halves = 2 * way.along / along_pixels(grid);
  const int line = static_cast<int>(std::floor(lines));
  const int half = static_cast<int>(std::floor(halves));
  Step best;
  double best_square = -1;
  for (const int n : {line, line + 1}) {
    for (int m = half - 1; m <= half + 2; ++m) {
      if (((n ^ m) & 1) != 0) continue;  // the next line lies half a cell on
      const double here = square((halves - m) / 2, lines - n);
      if (best_square >= 0 && here >= best_square) continue;
      best = {n, m};
      best_square = here;
    }
  }
  return best;
}

hex::Offset moved(const Grid& grid, hex::Offset at, Step step) {
  int& line = grid.columns_staggered ? at.column : at.row;
  int& place = grid.columns_staggered ? at.row : at.column;
  const int halves = 2 * place + shift_of(grid, line) + step.halves;
  line += step.lines;
  place = (halves - shift_of(grid, line)) / 2;
  return at;
}

std::optional<hex::Offset> nearest_cell(const Grid& grid, const Cut& cut, Point p) {
  const Way way = way_of(grid, p);
  const bool flat = grid.columns_staggered;
  const int first_line = flat ? cut.origin.column : cut.origin.row;
  const int first = flat ? cut.origin.row : cut.origin.column;
  const double lines = (way.across - across_pixels(grid) / 2) / line_pitch(grid);
  double best = 1;  // further than any point of a regular hexagon from its middle
  std::optional<hex::Offset> found;
  for (int line = 0; line < (flat ? cut.width : cut.height); ++line) {
    const double across = lines - (first_line + line);
    if (square(0, across) >= best) continue;
    const double shift = 0.5 + 0.5 * shift_of(grid, first_line + line);
    for (int i = 0; i < (flat ? cut.height : cut.width); ++i) {
      const double along = way.along / along_pixels(grid) - (first + i) - shift;
      if (square(along, across) >= best) continue;
      best = square(along, across);
      found = flat ? hex::Offset{line, i} : hex::Offset{i, line};
    }
  }
  return found;
}

}  // namespace redoubt::territory::tiled
