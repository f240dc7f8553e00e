#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

namespace {

void own_share(const Board& board, World& w, int team, int permille) {
  int count =
      (permille * board.reachable_cells() + 999) / 1000 - w.held[static_cast<std::size_t>(team)];
  for (int c = 0; c < board.cells() && count > 0; ++c) {
    const auto cell = static_cast<Cell>(c);
    if (!board.reachable(cell) || w.control[cell] > 0) continue;
    w.owner[cell] = static_cast<Team>(team);
    w.control[cell] = 2'000;
    --count;
  }
  settle(board, w);
}

}  // namespace

TEST_CASE("75 % of the reachable cells for 150 ticks win, and not before") {
  const Board board = board_of(field());
  World w = empty_world(board);
  put(board, w, 0, Role::collector, board.base(0));
  put(board, w, 1, Role::collector, board.base(1));
  own_share(board, w, 0, 750);
  ticks(board, w, 149);
  CHECK(w.over == 0);
  CHECK(w.territory_ticks[0] == 149);
  std::vector<Event> events;
  tick(board, w, {}, &events);
  const Outcome end = outcome(board, w);
  CHECK(end.over);
  CHECK(end.by == Victory::territory);
  CHECK(end.winner == 0);
  CHECK(end.tick == 150);
  CHECK(end.rank[0] == 1);
  CHECK(end.rank[1] == 2);
  CHECK(events.back().kind == EventKind::won);
  const World before = w;
  const Result<void> more = step(board, w, {});
  REQUIRE(!more.ok());
  CHECK(more.error().code == "match_over");
  CHECK(state_hash(board, w) == state_hash(board, before));
}

TEST_CASE("one cell less than the share does not count") {
  const Board board = board_of(field());
  World w = empty_world(board);
  own_share(board, w, 0, 750);
  for (std::size_t c = 0; c < w.control.size(); ++c) {
    if (w.owner[c] == 0 && w.control[c] == 2'000) {
      w.control[c] = 1'999;
      break;
    }
  }
  settle(board, w);
  tick(board, w);
  CHECK(w.territory_ticks[0] == 0);
}

TEST_CASE("a team without agents that cannot build any is out after 100 ticks") {
  const Board board = board_of(field());
  World w = empty_world(board);
  put(board, w, 0, Role::collector, board.base(0));
  w.store[1] = {0, 0, 0};
  w.control.fill(0);
  w.owner.fill(no_team);
  settle(board, w);
  ticks(board, w, 99);
  CHECK(w.over == 0);
  tick(board, w);
  const Outcome end = outcome(board, w);
  CHECK(end.by == Victory::elimination);
  CHECK(end.winner == 0);
  CHECK(w.eliminated_tick[1] == 99);
}

TEST_CASE("who can still pay for the cheapest agent is not out") {
  const Board board = board_of(field());
  World w = empty_world(board);
  put(board, w, 0, Role::collector, board.base(0));
  const Amounts cheapest = board.cheapest()[0];
  w.store[1] = {cheapest[0], cheapest[1], cheapest[2]};
  ticks(board, w, 120);
  CHECK(w.over == 0);
  CHECK(w.broke_ticks[1] == 0);
}

TEST_CASE("domination: from tick 1,800, 300 deposits and ten times every other's") {
  const Board board = board_of(field());
  World w = empty_world(board);
  put(board, w, 0, Role::collector, board.base(0));
  put(board, w, 1, Role::collector, board.base(1));
  w.deposits = {300, 30, 0, 0};
  w.tick = 1'700;
  settle(board, w);
  ticks(board, w, 99);
  CHECK(w.over == 0);
  World beaten = w;
  beaten.deposits[1] = 31;
  tick(board, w);
  CHECK(w.victory == Victory::domination);
  CHECK(w.winner == 0);
  ticks(board, beaten, 5);
  CHECK(beaten.over == 0);
}

TEST_CASE("at the limit most held cells win, and equal is a draw") {
  const Board board = board_of(field());
  for (const bool equal : {true, false}) {
    World w = empty_world(board);
    put(board, w, 0, Role::collector, board.base(0));
    put(board, w, 1, Role::collector, board.base(1));
    if (!equal) own(board, w, at(board, 11, 4), 1, 5'000);
    w.tick = 5'999;
    settle(board, w);
    tick(board, w);
    const Outcome end = outcome(board, w);
    CHECK(end.over);
    CHECK(end.by == Victory::time_limit);
    CHECK(end.tick == 6'000);
    CHECK(end.winner == (equal ? no_team : Team{1}));
    CHECK(end.rank[0] == (equal ? 1 : 2));
    CHECK(end.rank[1] == 1);
  }
}

TEST_CASE("several teams are ranked by time of elimination, then by held cells") {
  const Board board =
      board_of({"....................", ".A................B.", "....................",
                "....................", ".C................D.", "...................."});
  World w = empty_world(board);
  put(board, w, 0, Role::collector, board.base(0));
  put(board, w, 1, Role::collector, board.base(1));
  for (int column = 7; column <= 12; ++column)
    own(board, w, at(board, column, 2), 1, 5'000);
  w.eliminated_tick[2] = 500;
  w.eliminated_tick[3] = 700;
  w.tick = 5'999;
  settle(board, w);
  tick(board, w);
  const Outcome end = outcome(board, w);
  CHECK(end.winner == 1);
  CHECK(end.rank == std::array<std::uint8_t, 4>{2, 1, 4, 3});
}
