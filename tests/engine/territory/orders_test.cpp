#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

namespace {

struct Refusal {
  const char* why;
  Order order;
  const char* path;
  const char* code = "bad_order";
};

}  // namespace

TEST_CASE("unknown, foreign and malformed orders are errors and leave the world unchanged") {
  std::vector<std::string> rows = field();
  rows[0][0] = '#';
  rows[1][10] = 'e';
  rows[7][20] = rows[8][20] = rows[8][19] = rows[7][19] = rows[6][19] = rows[6][20] = '#';
  const Board board = board_of(rows);
  World w = empty_world(board);
  const std::size_t own_slot = put(board, w, 0, Role::collector, at(board, 5, 4));
  const std::size_t enemy = put(board, w, 1, Role::collector, at(board, 15, 4));
  const Order good = order(w, own_slot, OrderKind::move, at(board, 8, 4));
  const auto changed = [&](auto&& change) {
    Order bad = good;
    change(bad);
    return bad;
  };
  const std::vector<Refusal> refusals{
      {"no such team", changed([](Order& o) { o.team = 2; }), "team"},
      {"no such kind", changed([](Order& o) { o.kind = static_cast<OrderKind>(8); }), "kind"},
      {"an id never given", changed([](Order& o) { o.agent = 77; }), "agent"},
      {"no agent", changed([](Order& o) { o.agent = no_agent; }), "agent"},
      {"another's agent", changed([&](Order& o) { o.agent = w.id[enemy]; }), "agent"},
      {"no cell", changed([](Order& o) { o.cell = no_cell; }), "cell"},
      {"beyond the map", changed([&](Order& o) { o.cell = static_cast<Cell>(board.cells()); }),
       "cell"},
      {"an obstacle", changed([&](Order& o) { o.cell = at(board, 0, 0); }), "cell"},
      {"not a site", changed([&](Order& o) { o.kind = OrderKind::collect; }), "cell"},
      {"a foreign base to capture", changed([&](Order& o) {
         o.kind = OrderKind::capture;
         o.cell = board.base(1);
       }),
       "cell"},
      {"attack without target and cell", changed([](Order& o) {
         o.kind = OrderKind::attack;
         o.cell = no_cell;
       }),
       "target"},
      {"attack on a friend", changed([&](Order& o) {
         o.kind = OrderKind::attack;
         o.target = w.id[own_slot];
       }),
       "target"},
      {"attack on nobody ever born", changed([](Order& o) {
         o.kind = OrderKind::attack;
         o.target = 55;
       }),
       "target"},
      {"spawn with an agent", changed([](Order& o) { o.kind = OrderKind::spawn; }), "agent"},
      {"spawn of no role", changed([](Order& o) {
         o.kind = OrderKind::spawn;
         o.agent = no_agent;
         o.role = static_cast<Role>(4);
       }),
       "role"},
      {"an attribute out of range", changed([](Order& o) {
         o.kind = OrderKind::spawn;
         o.agent = no_agent;
         o.attributes.speed = 1001;
       }),
       "attributes.speed", "bad_attributes"},
      {"attributes over 3.0", changed([](Order& o) {
         o.kind = OrderKind::spawn;
         o.agent = no_agent;
         o.attributes = {1000, 1000, 1000, 100, 100};
       }),
       "attributes.sum", "bad_attributes"},
  };
  const std::string before = save(board, w);
  for (const Refusal& refusal : refusals) {
    CAPTURE(refusal.why);
    const std::vector<Order> orders{good, refusal.order};
    const Result<void> played = step(board, w, orders);
    REQUIRE(!played.ok());
    CHECK(played.error().code == refusal.code);
    CHECK(played.error().path == refusal.path);
    CHECK(!played.error().expected.empty());
    CHECK(!played.error().got.empty());
    CHECK(save(board, w) == before);
  }
  CHECK(step(board, w, std::vector<Order>{good}).ok());
}

TEST_CASE("an order for an agent that died is dropped and counted") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t s = put(board, w, 0, Role::collector, at(board, 11, 4));
  put(board, w, 1, Role::attacker, at(board, 12, 4));
  w.health[s] = 1;
  settle(board, w);
  const Order late = order(w, s, OrderKind::move, at(board, 5, 4));
  tick(board, w);
  REQUIRE(w.id[s] == no_agent);
  std::vector<Event> events;
  tick(board, w, {late}, &events);
  CHECK(w.dropped_orders == 1);
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == EventKind::order_dropped);
  CHECK(events[0].agent == late.agent);
}

TEST_CASE("ids are never reused, slots are") {
  const Board board = board_of(field());
  World w = empty_world(board);
  const std::size_t s = put(board, w, 0, Role::collector, at(board, 11, 4));
  put(board, w, 1, Role::attacker, at(board, 12, 4));
  w.health[s] = 1;
  settle(board, w);
  tick(board, w);
  Order build{.kind = OrderKind::spawn, .team = 0, .role = Role::explorer};
  tick(board, w, {build});
  CHECK(w.id[s] == 2);
  CHECK(w.birth[s] == 1);
}
