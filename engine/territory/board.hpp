// Board: a checked Map and Rules with everything that can be derived from them once.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/territory/map.hpp"
#include "engine/territory/rules.hpp"

namespace redoubt::territory {

class Board {
 public:
  /// Errors: bad_map, bad_rules.
  static Result<Board> make(Map map, const Rules& rules);

  const Map& map() const;
  const Rules& rules() const;
  std::uint64_t map_hash() const;
  std::uint64_t rules_hash() const;
  int cells() const;
  int teams() const;
  /// Six neighbours by direction, no_cell beyond the edge.
  const std::array<Cell, 6>& neighbours(Cell cell) const;
  bool passable(Cell cell) const;
  /// Passable cells that can be reached from a base: what shares are counted over.
  int reachable_cells() const;
  bool reachable(Cell cell) const;
  /// Walking cost between cells in progress units (rules' move costs), or unreachable.
  int walk_cost(Cell from, Cell to) const;
  static constexpr int unreachable = 1 << 29;
  /// Geometric distance in cells.
  int distance(Cell a, Cell b) const;
  /// Index into map().sites, or -1.
  int site_at(Cell cell) const;
  /// The team whose base lies there, or 0xff.
  std::uint8_t base_at(Cell cell) const;
  /// The image of a cell or direction when team `team`'s place is turned into team 0's: ties
  /// between directions are broken in this frame, so that swapping sides mirrors the game.
  Cell to_frame(std::uint8_t team, Cell cell) const;
  int direction_in_frame(std::uint8_t team, int direction) const;

 private:
  struct Data;
  std::shared_ptr<Data> data_;
};

}  // namespace redoubt::territory
