#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

TEST_CASE(
    "a neutral cell is held after 20 ticks, a full enemy cell after 120, with an explorer 80") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const Cell neutral = at(board, 11, 1);
  const Cell foreign = at(board, 11, 4);
  const Cell scouted = at(board, 11, 7);
  own(board, w, foreign, 1, 10'000);
  own(board, w, scouted, 1, 10'000);
  put(board, w, 0, Role::collector, neutral);
  put(board, w, 0, Role::collector, foreign);
  put(board, w, 0, Role::explorer, scouted);
  const std::int32_t held = w.held[0];
  const std::int32_t lost = w.held[1];
  ticks(board, w, 19);
  CHECK(w.held[0] == held);
  tick(board, w);
  CHECK(w.held[0] == held + 1);
  CHECK(w.control[neutral] == 2'000);
  ticks(board, w, 61);  // 81: the explorer took 10,000 / 150 = 67 ticks down and 14 up
  CHECK(w.owner[scouted] == 0);
  CHECK(w.held[1] == lost - 1 - (w.control[foreign] < 2'000));
  ticks(board, w, 38);
  CHECK(w.control[foreign] < 2'000);
  tick(board, w);
  CHECK(w.owner[foreign] == 0);
  CHECK(w.control[foreign] == 2'000);
  ticks(board, w, 200);
  CHECK(w.control[foreign] == 10'000);
  CHECK(w.held[0] == held + 3);
}

TEST_CASE("capture stays until the cell is held at the maximum, then idles") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t s = put(board, w, 0, Role::collector, at(board, 10, 4));
  tick(board, w, {order(w, s, OrderKind::capture, at(board, 11, 4))});
  ticks(board, w, 100);
  CHECK(w.order[s] == OrderKind::capture);
  CHECK(w.cell[s] == at(board, 11, 4));
  ticks(board, w, 10);
  CHECK(w.order[s] == OrderKind::idle);
  CHECK(w.control[at(board, 11, 4)] == 10'000);
}

TEST_CASE("held cells pay 1 of each resource per 10,000 held-cell-ticks, and that is no deposit") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::int32_t held = w.held[0];
  REQUIRE(held > 0);
  const int due = (10'000 + held - 1) / held;
  ticks(board, w, due - 1);
  CHECK(w.store[0][0] == 40);
  tick(board, w);
  CHECK(w.store[0] == std::array<std::int32_t, 3>{41, 41, 41});
  CHECK(w.deposits[0] == 0);
}

TEST_CASE("a collector harvests 1 a 2 ticks up to its capacity, brings it home and goes again") {
  std::vector<std::string> rows = field();
  rows[4][6] = 'm';
  const Board board = board_of(rows);
  World w = empty_world(board);
  const std::size_t s = put(board, w, 0, Role::collector, at(board, 6, 4));
  w.stock[0] = 12;
  tick(board, w, {order(w, s, OrderKind::collect, at(board, 6, 4))});
  CHECK(w.load[s] == 0);
  ticks(board, w, 2);
  CHECK(w.load[s] == 1);
  CHECK(int{w.stock[0]} == 11);
  ticks(board, w, 14);
  CHECK(w.load[s] == 8);  // 2 + 8 x 0.8, rounded down
  CHECK(w.next[s] != no_cell);
  std::vector<Event> events;
  for (int i = 0; i < 40 && w.deposits[0] == 0; ++i)
    tick(board, w, {}, &events);
  CHECK(w.deposits[0] == 8);
  CHECK(w.store[0][1] == 48);
  CHECK(board.distance(w.cell[s], board.base(0)) == 1);
  CHECK(w.load[s] == 0);
  ticks(board, w, 20);
  CHECK(w.cell[s] == at(board, 6, 4));
}

TEST_CASE("another role takes 4 ticks a unit") {
  std::vector<std::string> rows = field();
  rows[4][6] = 'e';
  const Board board = board_of(rows);
  World w = empty_world(board);
  const std::size_t s = put(board, w, 0, Role::explorer, at(board, 6, 4));
  tick(board, w, {order(w, s, OrderKind::collect, at(board, 6, 4))});
  ticks(board, w, 3);
  CHECK(w.load[s] == 0);
  tick(board, w);
  CHECK(w.load[s] == 1);
}

TEST_CASE("an emptied site sends home what is loaded; one without a load waits for it to grow") {
  std::vector<std::string> rows = field();
  rows[4][7] = 'e';
  const Board board = board_of(rows);
  World w = empty_world(board);
  const std::size_t s = put(board, w, 0, Role::collector, at(board, 7, 4));
  w.stock[0] = 1;
  tick(board, w, {order(w, s, OrderKind::collect, at(board, 7, 4))});
  ticks(board, w, 2);
  CHECK(w.load[s] == 1);
  CHECK(w.next[s] != no_cell);

  World v = empty_world(board);
  const std::size_t u = put(board, v, 0, Role::collector, at(board, 7, 4));
  v.stock[0] = 0;
  tick(board, v, {order(v, u, OrderKind::collect, at(board, 7, 4))});
  ticks(board, v, 38);
  CHECK(v.load[u] == 0);
  CHECK(int{v.stock[0]} == 0);
  ticks(board, v, 4);
  CHECK(v.load[u] == 1);
  CHECK(int{v.stock[0]} == 0);
}

TEST_CASE("one type at a time: another load is brought home first") {
  std::vector<std::string> rows = field();
  rows[4][6] = 'm';
  const Board board = board_of(rows);
  World w = empty_world(board);
  const std::size_t s = put(board, w, 0, Role::collector, at(board, 8, 4));
  w.load[s] = 2;
  w.load_type[s] = Resource::data;
  tick(board, w, {order(w, s, OrderKind::collect, at(board, 6, 4))});
  ticks(board, w, 70);
  CHECK(w.store[0][2] == 42);
}

TEST_CASE("sites start at 6 and grow 1 each 40 ticks to 12") {
  std::vector<std::string> rows = field();
  rows[1][11] = 'd';
  const Board board = board_of(rows);
  World w = empty_world(board);
  CHECK(int{w.stock[0]} == 6);
  ticks(board, w, 39);
  CHECK(int{w.stock[0]} == 6);
  tick(board, w);
  CHECK(int{w.stock[0]} == 7);
  ticks(board, w, 400);
  CHECK(int{w.stock[0]} == 12);
}

TEST_CASE("healing: half a point a tick within 1 of the base, after 30 ticks unhurt") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t near = put(board, w, 0, Role::collector, at(board, 3, 4));
  const std::size_t far = put(board, w, 0, Role::collector, at(board, 6, 4));
  w.health[near] -= 1'200;
  w.health[far] -= 1'200;
  w.hurt_tick[near] = w.hurt_tick[far] = 0;
  settle(board, w);
  ticks(board, w, 30);
  CHECK(w.health_max[near] - w.health[near] == 1'200);
  ticks(board, w, 2);
  CHECK(w.health_max[near] - w.health[near] == 200);
  tick(board, w);
  CHECK(w.health[near] == w.health_max[near]);
  CHECK(w.health_max[far] - w.health[far] == 1'200);
}

TEST_CASE("return brings the load home and stays until healed") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t s = put(board, w, 0, Role::collector, at(board, 7, 4));
  w.load[s] = 3;
  w.load_type[s] = Resource::energy;
  w.health[s] -= 10'000;
  settle(board, w);
  tick(board, w, {order(w, s, OrderKind::retreat)});
  ticks(board, w, 24);
  CHECK(w.deposits[0] == 3);
  CHECK(w.order[s] == OrderKind::retreat);
  ticks(board, w, 25);
  CHECK(w.health[s] == w.health_max[s]);
  CHECK(w.order[s] == OrderKind::idle);
}

TEST_CASE("spawning costs, takes the nearest free cell, and waits 30 ticks") {
  const Board board = board_of(field());
  World w = empty_world(board);
  Order build{.kind = OrderKind::spawn, .team = 0, .role = Role::collector};
  build.attributes = {500, 500, 500, 500, 500};
  tick(board, w, {build});
  CHECK(w.living == 1);
  CHECK(w.cell[0] == board.base(0));
  CHECK(w.store[0] == std::array<std::int32_t, 3>{30, 27, 25});
  CHECK(w.spawn_ready_tick[0] == 30);
  std::vector<Event> events;
  tick(board, w, {build}, &events);
  CHECK(w.living == 1);
  CHECK(w.dropped_orders == 1);
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == EventKind::order_dropped);
  ticks(board, w, 28);
  tick(board, w, {build});
  CHECK(__builtin_popcountll(w.living) == 2);
  CHECK(board.distance(w.cell[1], board.base(0)) == 1);
}

TEST_CASE("what cannot be paid, or is one too many, is dropped and counted") {
  const Board board = board_of(field());
  World w = empty_world(board);
  w.store[0] = {9, 100, 100};
  Order build{.kind = OrderKind::spawn, .team = 0, .role = Role::collector};
  build.attributes = {500, 500, 500, 500, 500};
  tick(board, w, {build});
  CHECK(w.living == 0);
  CHECK(w.dropped_orders == 1);
  w.store[0] = {1000, 1000, 1000};
  for (int k = 0; k < 16; ++k)
    put(board, w, 0, Role::collector, at(board, 3 + k, 1));
  tick(board, w, {build});
  CHECK(__builtin_popcountll(w.living) == 16);
  CHECK(w.dropped_orders == 2);
  CHECK(w.store[0][0] == 1000);
}
