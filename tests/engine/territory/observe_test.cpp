#include <algorithm>

#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

namespace {

const ViewAgent* known(const View& view, AgentId id) {
  for (const ViewAgent& agent : view.enemies) {
    if (agent.id == id) return &agent;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a team sees 4 cells around its agents, explorers 7, the base 6, held cells 1") {
  const Board board = generated(2, 4);
  World w = start(board, 1);
  Rng rng(3);
  View view;
  for (int i = 0; i < 300; ++i) {
    REQUIRE(step(board, w, random_orders(board, w, rng, 2)).ok());
    if (i % 20 != 0) continue;
    observe(board, w, 0, view);
    for (int c = 0; c < board.cells(); ++c) {
      const auto cell = static_cast<Cell>(c);
      bool expected = board.distance(cell, board.base(0)) <= 6;
      for (std::size_t s = 0; s < 16; ++s) {
        if (w.id[s] == no_agent) continue;
        const int radius = w.role[s] == Role::explorer ? 7 : 4;
        expected |= board.distance(cell, w.cell[s]) <= radius;
      }
      for (int h = 0; h < board.cells() && !expected; ++h) {
        const auto held = static_cast<Cell>(h);
        if (w.owner[held] != 0 || w.control[held] < 2'000) continue;
        expected |= board.distance(cell, held) <= 1;
      }
      REQUIRE((view.visible[cell] != 0) == expected);
      REQUIRE(sees(board, w, 0, cell) == expected);
      if (!expected) continue;
      REQUIRE(view.owner[cell] == w.owner[cell]);
      REQUIRE(view.control[cell] == w.control[cell]);
      REQUIRE(view.explored[cell] == 1);
    }
  }
}

TEST_CASE("what is out of sight stays as it was last seen") {
  std::vector<std::string> rows = field();
  rows[4][11] = 'e';
  const Board board = board_of(rows);
  World w = empty_world(board);
  const std::size_t scout = put(board, w, 0, Role::collector, at(board, 9, 4));
  const std::size_t enemy = put(board, w, 1, Role::collector, at(board, 13, 4));
  View view;
  observe(board, w, 0, view);
  REQUIRE(known(view, w.id[enemy]) != nullptr);
  CHECK(view.sites[0].stock == 6);
  CHECK(view.sites[0].seen_tick == 0);

  // The scout is elsewhere, the enemy too, the cell it stood on is out of sight.
  w.cell[scout] = at(board, 3, 4);
  w.cell[enemy] = at(board, 17, 4);
  w.stock[0] = 9;
  w.tick = 10;
  settle(board, w);
  observe(board, w, 0, view);
  const ViewAgent* remembered = known(view, w.id[enemy]);
  REQUIRE(remembered != nullptr);
  CHECK(remembered->cell == at(board, 13, 4));
  CHECK(remembered->seen_tick == 0);
  CHECK(view.sites[0].stock == 6);
  CHECK(view.tick == 10);

  // Back again: nobody is there any more.
  w.cell[scout] = at(board, 9, 4);
  w.tick = 20;
  settle(board, w);
  observe(board, w, 0, view);
  CHECK(known(view, w.id[enemy]) == nullptr);
  CHECK(view.sites[0].stock == 9);
  CHECK(view.sites[0].seen_tick == 20);
}

TEST_CASE("own agents are told in full, enemies as they look") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t s = put(board, w, 0, Role::collector, at(board, 9, 4));
  const std::size_t e = put(board, w, 1, Role::attacker, at(board, 12, 4));
  w.load[s] = 2;
  tick(board, w,
       {order(w, s, OrderKind::move, at(board, 5, 4)),
        order(w, e, OrderKind::move, at(board, 20, 4))});
  View view;
  observe(board, w, 0, view);
  REQUIRE(view.own.size() == 1);
  CHECK(view.own[0].next == w.next[s]);
  CHECK(view.own[0].load == 2);
  CHECK(view.own[0].capacity == 8);
  CHECK(view.own[0].order.kind == OrderKind::move);
  CHECK(view.own[0].order.cell == at(board, 5, 4));
  REQUIRE(view.enemies.size() == 1);
  CHECK(view.enemies[0].next == no_cell);
  CHECK(view.enemies[0].order == Order{});
  CHECK(view.enemies[0].health == w.health[e]);
}

TEST_CASE("the score board is public, the store is not") {
  const Board board = generated();
  World w = start(board, 1);
  w.deposits = {5, 7, 0, 0};
  w.store[1] = {1, 2, 3};
  View view;
  observe(board, w, 1, view);
  CHECK(view.held == w.held);
  CHECK(view.deposits == w.deposits);
  CHECK(view.store == w.store[1]);
  CHECK(view.alive == std::array<bool, 4>{true, true, false, false});
  CHECK(view.income_permille[0] == 1000 * w.held[1] / 10'000);
}

TEST_CASE("a view of another team, another map or a later tick starts anew") {
  const Board board = generated(2, 1);
  const Board other = generated(2, 2);
  World w = start(board, 1);
  View view;
  observe(board, w, 0, view);
  const auto explored = [](const View& v) {
    return std::count(v.explored.begin(), v.explored.end(), std::uint8_t{1});
  };
  const auto fresh = explored(view);
  Rng rng(1);
  for (int i = 0; i < 400; ++i)
    REQUIRE(step(board, w, random_orders(board, w, rng, 2)).ok());
  observe(board, w, 0, view);
  CHECK(explored(view) > fresh);
  observe(board, start(board, 1), 0, view);
  CHECK(explored(view) == fresh);
  observe(other, start(other, 1), 0, view);
  CHECK(view.map_hash == other.map_hash());
  observe(other, start(other, 1), 1, view);
  CHECK(view.team == 1);
  CHECK(view.own.size() == 3);
}
