// Small worlds drawn by hand, for tests of single rules.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "engine/base/rng.hpp"
#include "engine/territory/step.hpp"

namespace redoubt::territory::playground {

/// '.' open, '~' rough, '#' obstacle, 'A'..'D' bases, 'e' 'm' 'd' sites. Rows from the north.
inline Map draw(const std::vector<std::string>& rows, Symmetry symmetry = Symmetry::none) {
  Map map;
  map.name = "drawn";
  map.height = static_cast<int>(rows.size());
  map.width = static_cast<int>(rows.front().size());
  map.symmetry = symmetry;
  for (char base = 'A'; base <= 'D'; ++base) {
    for (std::size_t i = 0; i < rows.size() * rows.front().size(); ++i) {
      if (rows[i / rows.front().size()][i % rows.front().size()] == base) {
        map.bases.push_back(static_cast<Cell>(i));
      }
    }
  }
  for (const std::string& row : rows) {
    for (char c : row) {
      const auto cell = static_cast<Cell>(map.terrain.size());
      map.terrain.push_back(c == '#'   ? Terrain::obstacle
                            : c == '~' ? Terrain::rough
                                       : Terrain::open);
      if (c == 'e') map.sites.push_back({cell, Resource::energy});
      if (c == 'm') map.sites.push_back({cell, Resource::materials});
      if (c == 'd') map.sites.push_back({cell, Resource::data});
    }
  }
  return map;
}

/// An open field, 24 x 9, the bases in the middle of its short sides.
inline std::vector<std::string> field() {
  std::vector<std::string> rows(9, std::string(24, '.'));
  rows[4][2] = 'A';
  rows[4][21] = 'B';
  return rows;
}

inline Board board_of(const std::vector<std::string>& rows, const Rules& rules = default_rules(),
                      Symmetry symmetry = Symmetry::none) {
  Result<Board> board = Board::make(draw(rows, symmetry), rules);
  REQUIRE_MESSAGE(board.ok(), (board.ok() ? "" : board.error().message));
  return std::move(board).value();
}

inline Board generated(int teams = 2, std::uint64_t seed = 1, int width = 40, int height = 28) {
  Result<Map> map = generate({.width = width, .height = height, .teams = teams, .seed = seed});
  REQUIRE_MESSAGE(map.ok(), (map.ok() ? "" : map.error().message));
  Result<Board> board = Board::make(std::move(map).value(), default_rules());
  REQUIRE_MESSAGE(board.ok(), (board.ok() ? "" : board.error().message));
  return std::move(board).value();
}

/// A world without agents: put() adds the ones that a test is about.
inline World empty_world(const Board& board, std::uint64_t seed = 1) {
  World world = start(board, seed);
  world.id.fill(no_agent);
  world.births.fill(0);
  world.next_id = 0;
  settle(board, world);
  return world;
}

/// Puts an agent down and returns its slot.
inline std::size_t put(const Board& board, World& w, int team, Role role, Cell cell) {
  auto s = static_cast<std::size_t>(first_slot(team));
  while (w.id[s] != no_agent)
    ++s;
  REQUIRE(slot_team(static_cast<int>(s)) == team);
  w.id[s] = w.next_id++;
  w.birth[s] = w.births[static_cast<std::size_t>(team)]++;
  w.role[s] = role;
  w.attributes[s] = board.rules().defaults[static_cast<std::size_t>(role)];
  w.cell[s] = cell;
  w.came_from[s] = cell;
  w.health[s] = health_max_millipoints(board.rules(), w.attributes[s]);
  w.hurt_tick[s] = w.tick - board.rules().heal_unhurt_ticks;
  settle(board, w);
  return s;
}

inline void own(const Board& board, World& w, Cell cell, int team, int control) {
  w.owner[cell] = static_cast<Team>(team);
  w.control[cell] = static_cast<std::uint16_t>(control);
  settle(board, w);
}

inline void tick(const Board& board, World& w, std::initializer_list<Order> orders = {},
                 std::vector<Event>* events = nullptr) {
  const std::vector<Order> list(orders);
  const Result<void> result = step(board, w, list, events);
  REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().message));
}

inline void ticks(const Board& board, World& w, int count) {
  for (int i = 0; i < count; ++i)
    tick(board, w);
}

inline Order order(const World& w, std::size_t slot, OrderKind kind, Cell cell = no_cell,
                   AgentId target = no_agent) {
  return {.kind = kind,
          .team = static_cast<Team>(slot_team(static_cast<int>(slot))),
          .agent = w.id[slot],
          .cell = cell,
          .target = target};
}

inline Cell at(const Board& board, int column, int row) {
  return board.map().at({column, row});
}

/// Orders as a careless player would give them: any kind, any reachable cell or site, any target.
inline std::vector<Order> random_orders(const Board& board, const World& w, Rng& rng, int count) {
  std::vector<Order> orders;
  const auto cells = static_cast<std::uint32_t>(board.cells());
  for (int i = 0; i < count; ++i) {
    Order order;
    order.kind = static_cast<OrderKind>(rng.below(8));
    order.team = static_cast<Team>(rng.below(static_cast<std::uint32_t>(board.teams())));
    order.cell = static_cast<Cell>(rng.below(cells));
    if (order.kind == OrderKind::collect && !board.map().sites.empty()) {
      const auto sites = static_cast<std::uint32_t>(board.map().sites.size());
      order.cell = board.map().sites[rng.below(sites)].cell;
    }
    if (order.kind == OrderKind::spawn) {
      order.role = static_cast<Role>(rng.below(roles));
      order.attributes = board.rules().defaults[static_cast<std::size_t>(order.role)];
    } else {
      order.agent = rng.below(w.next_id + 1);
    }
    if (order.kind == OrderKind::attack) order.target = rng.below(w.next_id + 1);
    if (check(board, w, order).ok()) orders.push_back(order);
  }
  return orders;
}

}  // namespace redoubt::territory::playground
