// Ways: how far it is to a cell from everywhere, kept once it was asked for.
#pragma once

#include <vector>

#include "engine/strategy/ground.hpp"

namespace redoubt::arena {

class Ways {
 public:
  /// REQUIRES: `ground` outlives it.
  explicit Ways(const strategy::Ground& ground)
      : ground_(ground), to_(static_cast<std::size_t>(ground.cells())) {}

  /// In units of the ground; `far` where no way leads.
  static constexpr int far = hex::unreached;
  int units(hex::Cell from, hex::Cell to) {
    if (from == to) return 0;
    hex::Field<hex::Distance>& field = to_[to];
    if (field.size() == 0) {
      field = hex::Field<hex::Distance>(ground_.layout);
      const std::vector<hex::Source> source{{to, 0}};
      flood_.run(ground_.layout, ground_.costs, source, field);
    }
    return least(field, from);
  }

 private:
  // Bases cost 0 in the fields, so whoever stands on one is a step from its best neighbour.
  int least(const hex::Field<hex::Distance>& field, hex::Cell from) const {
    const int own = field[ground_.layout.at(from)];
    if (own != far) return own;
    int best = far;
    for (int d = 0; d < hex::directions; ++d) {
      const hex::Cell next = ground_.neighbour(from, d);
      if (next == hex::no_cell) continue;
      const int units = field[ground_.layout.at(next)];
      if (units + 1 < best) best = units + 1;
    }
    return best;
  }

  const strategy::Ground& ground_;
  hex::Flood flood_;
  std::vector<hex::Field<hex::Distance>> to_;
};

}  // namespace redoubt::arena
