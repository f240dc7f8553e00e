// A small open field for tests of tactics: two bases far apart, a few sites, and a View to write
// agents into by hand.
#pragma once

#include "engine/strategy/picture.hpp"
#include "engine/territory/step.hpp"
#include "engine/territory/world_state.hpp"

namespace redoubt::strategy {

constexpr int small_width = 30;
constexpr int small_height = 11;

inline Cell small_cell(int column, int row) {
  return static_cast<Cell>(row * small_width + column);
}

inline territory::Board small_board() {
  territory::Map map;
  map.name = "small";
  map.width = small_width;
  map.height = small_height;
  map.terrain.assign(small_width * small_height, territory::Terrain::open);
  map.bases = {small_cell(2, 5), small_cell(27, 5)};
  map.sites = {{small_cell(6, 2), territory::Resource::energy},
               {small_cell(23, 2), territory::Resource::energy},
               {small_cell(6, 8), territory::Resource::materials},
               {small_cell(23, 8), territory::Resource::data}};
  return *territory::Board::make(map, territory::default_rules());
}

/// What team 0 sees at the start, without anybody in it.
inline territory::View empty_view(const territory::Board& board) {
  const territory::World world = territory::start(board, 1);
  territory::View view;
  territory::observe(board, world, 0, view);
  view.own.clear();
  view.enemies.clear();
  view.tick = 100;
  for (auto& site : view.sites)
    site.seen_tick = 100;
  return view;
}

inline territory::ViewAgent agent_at(const territory::Board& board, territory::AgentId id,
                                     territory::Team team, territory::Role role, Cell cell) {
  const auto& rules = board.rules();
  territory::ViewAgent agent{.id = id, .team = team, .role = role, .cell = cell, .seen_tick = 100};
  agent.attributes = rules.defaults[static_cast<std::size_t>(role)];
  agent.health = agent.health_max = territory::health_max_millipoints(rules, agent.attributes);
  agent.capacity = static_cast<std::int16_t>(territory::load_capacity(rules, agent.attributes));
  return agent;
}

}  // namespace redoubt::strategy
