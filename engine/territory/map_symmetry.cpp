#include "engine/territory/map_symmetry.hpp"

#include <array>
#include <span>

namespace redoubt::territory {
namespace {

using hex::Axial;
using hex::Offset;

std::span<const Turn> turns_of(Symmetry symmetry) {
  static constexpr std::array<Turn, 1> point{Turn::half};
  static constexpr std::array<Turn, 2> rotation{Turn::third, Turn::two_thirds};
  static constexpr std::array<Turn, 3> mirrors{Turn::left_right, Turn::up_down, Turn::half};
  switch (symmetry) {
    case Symmetry::none:
      return {};
    case Symmetry::point:
      return point;
    case Symmetry::rotation3:
      return rotation;
    case Symmetry::mirrors4:
      return mirrors;
  }
  return {};
}

// A mirror image within a row: odd rows lie half a cell to the right, so that where rows keep
// their parity, the mirror line that fits the even rows leaves the odd ones one cell shorter.
int mirrored_column(const Map& map, int row, int column) {
  return map.width - 1 - (row & 1) - column;
}

Offset rotated(const Map& map, bool once, Offset at) {
  const Axial middle = hex::to_axial({(map.width - 1) / 2, (map.height - 1) / 2});
  const Axial a = hex::to_axial(at);
  const int q = a.q - middle.q;
  const int r = a.r - middle.r;
  const Axial image = once ? Axial{r, -q - r} : Axial{-q - r, q};
  return hex::to_offset({image.q + middle.q, image.r + middle.r});
}

Offset half_turned(const Map& map, Offset at) {
  const int row = map.height - 1 - at.row;
  // With an even number of rows an even row lands on an odd one and both are complete.
  const bool parity_kept = map.height % 2 == 1;
  return {parity_kept ? mirrored_column(map, at.row, at.column) : map.width - 1 - at.column, row};
}

}  // namespace

Cell turned(const Map& map, Turn turn, Cell cell) {
  Offset at = map.offset(cell);
  switch (turn) {
    case Turn::identity:
      return cell;
    case Turn::half:
      at = half_turned(map, at);
      break;
    case Turn::third:
      at = rotated(map, true, at);
      break;
    case Turn::two_thirds:
      at = rotated(map, false, at);
      break;
    case Turn::left_right:
      at.column = mirrored_column(map, at.row, at.column);
      break;
    case Turn::up_down:
      if (map.height % 2 == 0) return no_cell;
      at.row = map.height - 1 - at.row;
      break;
  }
  const bool inside = at.column >= 0 && at.column < map.width && at.row >= 0 && at.row < map.height;
  return inside ? map.at(at) : no_cell;
}

int turned_direction(Turn turn, int direction) {
  switch (turn) {
    case Turn::identity:
      return direction;
    case Turn::half:
      return (direction + 3) % hex::directions;
    case Turn::third:
      return (direction + 2) % hex::directions;
    case Turn::two_thirds:
      return (direction + 4) % hex::directions;
    case Turn::left_right:
      return (9 - direction) % hex::directions;
    case Turn::up_down:
      return (6 - direction) % hex::directions;
  }
  return direction;
}

Turn turn_to_first(const Map& map, int team) {
  if (team <= 0 || team >= map.teams()) return Turn::identity;
  for (Turn turn : turns_of(map.symmetry)) {
    if (turned(map, turn, map.bases[static_cast<std::size_t>(team)]) == map.bases[0]) return turn;
  }
  return Turn::identity;
}

}  // namespace redoubt::territory
