// QuietPlayer: a player that has nothing to show and keeps no state beyond the match: explanations,
// heat maps, directives and snapshots are the engine's and the page's concern, not the arena's.
#pragma once

#include "engine/strategy/player.hpp"

namespace redoubt::arena {

class QuietPlayer : public strategy::Player {
 public:
  /// An empty object.
  nlohmann::json explain() const final;
  bool heat_map(strategy::HeatMap, std::vector<std::int16_t>&) const final { return false; }
  /// Without effect.
  Result<void> direct(const nlohmann::json& team_strategy, std::int32_t until_tick) final;
  void save(ByteWriter&) const final {}
  /// Error bad_snapshot: it has none.
  Result<void> restore(ByteReader& in) final;
};

}  // namespace redoubt::arena
