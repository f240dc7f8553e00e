#include "engine/strategy/ground.hpp"

#include <numeric>

namespace redoubt::strategy {

Ground make_ground(const territory::Board& board) {
  const territory::Map& map = board.map();
  Ground ground;
  ground.layout = hex::Layout(map.width, map.height);
  ground.costs = hex::Costs(ground.layout);
  ground.rules = board.rules();
  ground.teams = board.teams();
  ground.bases = map.bases;
  ground.sites = board.reachable_sites();
  ground.reachable_cells = board.reachable_cells();
  const territory::Rules& rules = ground.rules;
  ground.cost_unit = std::gcd(rules.move_cost_open, rules.move_cost_rough);
  for (int c = 0; c < board.cells(); ++c) {
    const Cell cell = static_cast<Cell>(c);
    const hex::Axial a = hex::to_axial(map.offset(cell));
    ground.q.push_back(static_cast<std::int16_t>(a.q));
    ground.r.push_back(static_cast<std::int16_t>(a.r));
    ground.reachable.push_back(board.reachable(cell) ? 1 : 0);
    const bool base = board.base_at(cell) != territory::no_team;
    if (!board.reachable(cell) || base) continue;
    ground.open.push_back(cell);
    const int cost = map.terrain[cell] == territory::Terrain::rough ? rules.move_cost_rough
                                                                    : rules.move_cost_open;
    ground.costs[ground.layout.at(cell)] = static_cast<std::uint8_t>(cost / ground.cost_unit);
  }
  return ground;
}

}  // namespace redoubt::strategy
