#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

namespace {

int hits_on(const std::vector<Event>& events, AgentId id) {
  int count = 0;
  for (const Event& e : events)
    count += e.kind == EventKind::hit && e.agent == id;
  return count;
}

}  // namespace

TEST_CASE("enemies side by side strike each other each 10 ticks, whatever their orders") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t a = put(board, w, 0, Role::attacker, at(board, 11, 4));
  const std::size_t b = put(board, w, 1, Role::collector, at(board, 12, 4));
  const std::int32_t before_a = w.health[a];
  const std::int32_t before_b = w.health[b];
  std::vector<Event> events;
  tick(board, w, {}, &events);
  // attack 23 - armour 9.5 / 2; attack 9 x 0.6 - 4.75
  CHECK(before_b - w.health[b] == 18'250);
  CHECK(before_a - w.health[a] == 1'000);
  for (int i = 0; i < 20; ++i)
    tick(board, w, {}, &events);
  CHECK(hits_on(events, w.id[b]) == 3);
}

TEST_CASE("a defender on an own held cell takes less") {
  const Board board = board_of(field());
  World w = empty_world(board);
  put(board, w, 0, Role::attacker, at(board, 11, 4));
  const std::size_t b = put(board, w, 1, Role::defender, at(board, 12, 4));
  own(board, w, at(board, 12, 4), 1, 2'000);
  World free = w;
  own(board, free, at(board, 12, 4), 1, 1'899);  // not held in the tick of the strike
  const std::int32_t before = w.health[b];
  tick(board, w);
  tick(board, free);
  const int full = 23'000 - (2'000 + 15 * 900) / 2;
  CHECK(before - w.health[b] == full * 7 / 10);
  CHECK(before - free.health[b] == full);
}

TEST_CASE("the weakest in range is struck, the ordered target first") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t a = put(board, w, 0, Role::attacker, at(board, 11, 4));
  const std::size_t strong = put(board, w, 1, Role::collector, at(board, 12, 4));
  const std::size_t weak = put(board, w, 1, Role::collector, at(board, 10, 4));
  w.health[weak] -= 5'000;
  settle(board, w);
  World ordered = w;
  const std::int32_t before = w.health[strong];
  tick(board, w);
  CHECK(w.health[strong] == before);
  tick(board, ordered, {order(ordered, a, OrderKind::attack, no_cell, ordered.id[strong])});
  CHECK(ordered.health[strong] < before);
}

TEST_CASE("damage is summed before anyone dies: two can kill each other") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t a = put(board, w, 0, Role::attacker, at(board, 11, 4));
  const std::size_t b = put(board, w, 1, Role::attacker, at(board, 12, 4));
  w.health[a] = w.health[b] = 1'000;
  settle(board, w);
  std::vector<Event> events;
  tick(board, w, {}, &events);
  CHECK(w.id[a] == no_agent);
  CHECK(w.id[b] == no_agent);
  CHECK(w.deaths[0] == 1);
  CHECK(w.living == 0);
}

TEST_CASE("a base fires at the weakest within 2 cells each 10 ticks") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const Cell base = board.base(0);
  const std::size_t near = put(board, w, 1, Role::collector, at(board, 4, 4));
  REQUIRE(board.distance(base, w.cell[near]) == 2);
  const std::size_t far = put(board, w, 1, Role::collector, at(board, 5, 4));
  const std::int32_t before = w.health[near];
  std::vector<Event> events;
  for (int i = 0; i < 20; ++i)
    tick(board, w, {}, &events);
  CHECK(before - w.health[near] == 30'000);
  CHECK(w.health[far] == before);
  REQUIRE(!events.empty());
  CHECK(events.front().other == no_agent);
  CHECK(events.front().amount == 15'000);
}

TEST_CASE("a guard goes for what comes within 3 cells of its post, and comes back") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const Cell post = at(board, 8, 4);
  const std::size_t g = put(board, w, 0, Role::defender, post);
  const std::size_t e = put(board, w, 1, Role::collector, at(board, 11, 4));
  tick(board, w, {order(w, g, OrderKind::guard, post)});
  CHECK(w.next[g] == at(board, 9, 4));
  w.health[e] = 1'000;
  settle(board, w);
  ticks(board, w, 80);
  CHECK(w.id[e] == no_agent);
  CHECK(w.cell[g] == post);
}

TEST_CASE("idle fighters engage within 3 cells, collectors stay") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t fighter = put(board, w, 0, Role::attacker, at(board, 8, 4));
  const std::size_t worker = put(board, w, 0, Role::collector, at(board, 8, 6));
  const std::size_t e = put(board, w, 1, Role::defender, at(board, 10, 5));
  REQUIRE(board.distance(w.cell[worker], w.cell[e]) == 3);
  tick(board, w, {order(w, e, OrderKind::guard, at(board, 20, 5))});
  CHECK(w.next[fighter] != no_cell);
  CHECK(w.next[worker] == no_cell);
}

TEST_CASE(
    "who attacks follows a target in sight, else goes to the cell, and is done at its death") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t a = put(board, w, 0, Role::attacker, at(board, 8, 4));
  const std::size_t e = put(board, w, 1, Role::collector, at(board, 8, 8));
  tick(board, w, {order(w, a, OrderKind::attack, at(board, 15, 4), w.id[e])});
  ticks(board, w, 40);
  CHECK(board.distance(w.cell[a], at(board, 8, 8)) <= 1);
  const AgentId target = w.id[e];
  w.health[e] = 1;
  settle(board, w);
  ticks(board, w, 30);
  CHECK(slot_of(w, target) == -1);
  CHECK(w.order[a] == OrderKind::idle);
}

TEST_CASE("the load of the dead goes back to a site of its type, at most to the cap") {
  std::vector<std::string> rows = field();
  rows[4][11] = 'e';
  const Board board = board_of(rows);
  for (const Resource type : {Resource::energy, Resource::data}) {
    World w = empty_world(board);
    const std::size_t c = put(board, w, 0, Role::collector, at(board, 11, 4));
    put(board, w, 1, Role::attacker, at(board, 12, 4));
    w.health[c] = 1;
    w.load[c] = 4;
    w.load_type[c] = type;
    settle(board, w);
    tick(board, w);
    REQUIRE(w.id[c] == no_agent);
    CHECK(int{w.stock[0]} == (type == Resource::energy ? 10 : 6));
  }
}
