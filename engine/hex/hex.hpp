// Hexagonal geometry on a rectangle of odd-r offset coordinates (pointy-top, odd rows shifted half
// a cell to the right), the one layout that the engine computes in.
//
// 1. A cell is named by its dense index row * width + column.
// 2. Directions count counter-clockwise from east: 0 E, 1 NE, 2 NW, 3 W, 4 SW, 5 SE. Row 0 is
// north.
// 3. Other layouts (flat-top, even rows) are brought into this one by the map readers; a map's
//    `Orientation` says how it wants to be drawn.
// Source for the conversions: Red Blob Games, "Hexagonal Grids".
#pragma once

#include <array>
#include <cstdint>

namespace redoubt::hex {

using Cell = std::uint16_t;
constexpr Cell no_cell = 0xffff;
constexpr int directions = 6;

struct Offset {
  int column = 0;
  int row = 0;
  friend constexpr bool operator==(Offset, Offset) = default;
};

/// Axial coordinates: q along a row, r down the rows.
struct Axial {
  int q = 0;
  int r = 0;
  friend constexpr bool operator==(Axial, Axial) = default;
};

constexpr std::array<Axial, directions> axial_steps{
    {{1, 0}, {1, -1}, {0, -1}, {-1, 0}, {-1, 1}, {0, 1}}};

constexpr Axial to_axial(Offset o) {
  return {o.column - (o.row - (o.row & 1)) / 2, o.row};
}
constexpr Offset to_offset(Axial a) {
  return {a.q + (a.r - (a.r & 1)) / 2, a.r};
}

constexpr int distance(Axial a, Axial b) {
  const int dq = a.q - b.q;
  const int dr = a.r - b.r;
  const int ds = dq + dr;
  const int aq = dq < 0 ? -dq : dq;
  const int ar = dr < 0 ? -dr : dr;
  const int as = ds < 0 ? -ds : ds;
  return aq > ar ? (aq > as ? aq : as) : (ar > as ? ar : as);
}
constexpr int distance(Offset a, Offset b) {
  return distance(to_axial(a), to_axial(b));
}

constexpr int opposite(int direction) {
  return (direction + 3) % directions;
}

}  // namespace redoubt::hex
