#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

namespace {

int ticks_until(const Board& board, World& w, std::size_t s, Cell cell, int limit) {
  for (int n = 1; n <= limit; ++n) {
    tick(board, w);
    if (w.cell[s] == cell) return n;
  }
  return -1;
}

/// A corridor one cell wide between two chambers.
std::vector<std::string> corridor() {
  return {"####################", "#A..#..........#..B#", "#...............e..#",
          "#...#..........#...#", "####################"};
}

}  // namespace

TEST_CASE("progress is 600 + speed a tick; open costs 5,200 and rough 10,400") {
  std::vector<std::string> rows = field();
  const Board open = board_of(rows);
  World w = empty_world(open);
  const std::size_t s = put(open, w, 0, Role::explorer, at(open, 5, 4));  // speed 800: 1,400 a tick
  tick(open, w, {order(w, s, OrderKind::move, at(open, 10, 4))});
  CHECK(w.next[s] == at(open, 6, 4));
  // Cells are entered after 5,200, 10,400, ... 26,000 in all: 19 ticks at 1,400.
  CHECK(ticks_until(open, w, s, at(open, 10, 4), 30) == 19);
  CHECK(w.order[s] == OrderKind::idle);
  CHECK(w.surplus[s] == 0);

  for (int column = 5; column <= 10; ++column)
    rows[4][static_cast<std::size_t>(column)] = '~';
  const Board rough = board_of(rows);
  CHECK(rough.walk_cost(at(rough, 5, 4), at(rough, 6, 4)) == 10'400);
  World v = empty_world(rough);
  const std::size_t u = put(rough, v, 0, Role::explorer, at(rough, 5, 4));
  tick(rough, v, {order(v, u, OrderKind::move, at(rough, 6, 4))});
  CHECK(ticks_until(rough, v, u, at(rough, 6, 4), 30) == 8);  // 10,400 / 1,400 = 7.4
}

TEST_CASE("ways are shortest by cost and never lead through a base") {
  const Board board = board_of({"........", "..AB....", "........"});
  CHECK(board.walk_cost(at(board, 1, 1), at(board, 2, 1)) == 5'200);
  CHECK(board.walk_cost(at(board, 1, 1), at(board, 4, 1)) > 3 * 5'200);
  CHECK(board.walk_cost(at(board, 0, 0), at(board, 0, 0)) == 0);
}

TEST_CASE("every distance agrees with its neighbours'") {
  const Board board = generated(2, 3, 30, 24);
  Rng rng(1);
  for (int k = 0; k < 40; ++k) {
    const auto to = static_cast<Cell>(rng.below(static_cast<std::uint32_t>(board.cells())));
    if (!board.reachable(to)) continue;
    for (int c = 0; c < board.cells(); ++c) {
      const auto cell = static_cast<Cell>(c);
      if (!board.reachable(cell) || cell == to) continue;
      int best = Board::unreachable;
      for (Cell n : board.neighbours(cell)) {
        if (n == no_cell || !board.passable(n)) continue;
        if (n != to && board.base_at(n) != 0xff) continue;
        best = std::min(best, board.enter_cost(n) + board.walk_cost(n, to));
      }
      REQUIRE(board.walk_cost(cell, to) == best);
    }
  }
}

TEST_CASE("an obstacle, an unreachable cell and a foreign base are not entered") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t s = put(board, w, 0, Role::attacker, at(board, 17, 4));
  tick(board, w, {order(w, s, OrderKind::move, board.base(1))});
  ticks(board, w, 60);
  CHECK(w.id[s] != no_agent);
  CHECK(board.distance(w.cell[s], board.base(1)) == 1);
  CHECK(w.order[s] == OrderKind::idle);
}

TEST_CASE("one agent a cell: of two that want it at once the lot takes one") {
  const Board board = board_of(field());
  for (std::uint64_t seed = 1; seed < 9; ++seed) {
    World w = empty_world(board, seed);
    const std::size_t a = put(board, w, 0, Role::collector, at(board, 8, 4));
    const std::size_t b = put(board, w, 0, Role::collector, at(board, 10, 4));
    tick(board, w,
         {order(w, a, OrderKind::move, at(board, 9, 4)),
          order(w, b, OrderKind::move, at(board, 9, 4))});
    CHECK((w.next[a] == at(board, 9, 4)) != (w.next[b] == at(board, 9, 4)));
    ticks(board, w, 40);
    CHECK(w.cell[a] != w.cell[b]);
  }
}

TEST_CASE("allies that meet head-on in a corridor change places") {
  const Board board = board_of(corridor());
  World w = empty_world(board);
  const std::size_t a = put(board, w, 0, Role::collector, at(board, 5, 2));
  const std::size_t b = put(board, w, 0, Role::explorer, at(board, 12, 2));
  tick(board, w,
       {order(w, a, OrderKind::move, at(board, 17, 2)),
        order(w, b, OrderKind::move, at(board, 2, 2))});
  ticks(board, w, 120);
  CHECK(w.cell[a] == at(board, 17, 2));
  CHECK(w.cell[b] == at(board, 2, 2));
}

TEST_CASE("an idle ally in a corridor makes way") {
  const Board board = board_of(corridor());
  World w = empty_world(board);
  const std::size_t a = put(board, w, 0, Role::collector, at(board, 5, 2));
  const std::size_t b = put(board, w, 0, Role::collector, at(board, 9, 2));
  tick(board, w, {order(w, a, OrderKind::move, at(board, 17, 2))});
  ticks(board, w, 120);
  CHECK(w.cell[a] == at(board, 17, 2));
  CHECK(w.cell[b] == at(board, 8, 2));
}

TEST_CASE("a swap whose partner dies leaves a whole world") {
  const Board board = board_of(corridor());
  World w = empty_world(board);
  const std::size_t a = put(board, w, 0, Role::collector, at(board, 8, 2));
  const std::size_t b = put(board, w, 0, Role::collector, at(board, 9, 2));
  const std::size_t e = put(board, w, 1, Role::attacker, at(board, 10, 2));
  w.health[b] = 100;
  settle(board, w);
  w.strike_tick[e] = 2;
  tick(board, w,
       {order(w, a, OrderKind::move, at(board, 14, 2)),
        order(w, b, OrderKind::move, at(board, 2, 2))});
  REQUIRE(w.next[a] == at(board, 9, 2));
  REQUIRE(w.next[b] == at(board, 8, 2));
  ticks(board, w, 2);
  REQUIRE(w.id[b] == no_agent);
  CHECK(w.occupant[at(board, 8, 2)] == a);
  CHECK(w.occupant[at(board, 9, 2)] == a);
  ticks(board, w, 6);
  CHECK(w.cell[a] == at(board, 9, 2));
  CHECK(w.occupant[at(board, 8, 2)] == no_slot);
}

TEST_CASE("who stands in the way is walked around") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t a = put(board, w, 0, Role::explorer, at(board, 5, 4));
  const std::size_t wall = put(board, w, 0, Role::defender, at(board, 8, 4));
  tick(board, w,
       {order(w, wall, OrderKind::guard, at(board, 8, 4)),
        order(w, a, OrderKind::move, at(board, 12, 4))});
  ticks(board, w, 60);
  CHECK(w.cell[a] == at(board, 12, 4));
  CHECK(w.cell[wall] == at(board, 8, 4));
}

TEST_CASE("a crowd sent to one cell comes to rest") {
  const Board board = board_of(field());
  World w = empty_world(board);
  std::vector<std::size_t> crowd;
  for (int k = 0; k < 8; ++k)
    crowd.push_back(put(board, w, 0, Role::collector, at(board, k + 3, 1)));
  for (std::size_t s : crowd)
    tick(board, w, {order(w, s, OrderKind::guard, at(board, 12, 5))});
  ticks(board, w, 200);
  std::vector<Cell> places;
  for (std::size_t s : crowd)
    places.push_back(w.cell[s]);
  ticks(board, w, 25);
  int moved = 0;
  for (std::size_t k = 0; k < crowd.size(); ++k) {
    moved += w.cell[crowd[k]] != places[k];
    CHECK(board.distance(w.cell[crowd[k]], at(board, 12, 5)) <= 4);
  }
  CHECK(moved <= 4);
}

TEST_CASE("a step once begun is finished before a new order is followed") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t s = put(board, w, 0, Role::collector, at(board, 8, 4));
  tick(board, w, {order(w, s, OrderKind::move, at(board, 12, 4))});
  tick(board, w, {order(w, s, OrderKind::move, at(board, 4, 4))});
  CHECK(w.next[s] == at(board, 9, 4));
  ticks(board, w, 80);
  CHECK(w.cell[s] == at(board, 4, 4));
}
