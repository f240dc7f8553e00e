// What must hold in every game, whoever plays: mirrored sides give mirrored games, nothing leaves
// its bounds, what is derived agrees with what it is derived from, one hash on every platform.
#include "engine/base/hash64.hpp"

#include <map>

#include "tests/engine/territory/playground.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using namespace redoubt::territory::playground;

namespace {

/// The turn of a fair map that brings team `turned`'s place onto team 0's.
class Mirror {
 public:
  Mirror(const Board& board, Team turned) : board_(board), turned_(turned) {
    for (int team = 0; team < board.teams(); ++team) {
      places_[static_cast<std::size_t>(team)] = board.base_at(cell(board.base(team)));
    }
  }
  Cell cell(Cell c) const { return c == no_cell ? no_cell : board_.to_frame(turned_, c); }
  Team team(Team t) const { return t == no_team ? no_team : places_[t]; }

 private:
  const Board& board_;
  Team turned_;
  std::array<Team, teams_max> places_{};
};

using Births = std::map<std::pair<Team, std::int32_t>, AgentId>;

void remember(const World& w, Births& births) {
  for (std::size_t s = 0; s < agents_max; ++s) {
    if (w.id[s] == no_agent) continue;
    births[{static_cast<Team>(slot_team(static_cast<int>(s))), w.birth[s]}] = w.id[s];
  }
}

AgentId mirrored_agent(const Mirror& mirror, const Births& here, const Births& there, AgentId id) {
  for (const auto& [who, known] : here) {
    if (known == id) return there.at({mirror.team(who.first), who.second});
  }
  return id;
}

Order mirrored_order(const Mirror& mirror, const Births& here, const Births& there, Order order) {
  order.team = mirror.team(order.team);
  order.cell = mirror.cell(order.cell);
  order.agent = mirrored_agent(mirror, here, there, order.agent);
  order.target = mirrored_agent(mirror, here, there, order.target);
  return order;
}

void require_mirrored(const Board& board, const Mirror& mirror, const World& a, const World& b) {
  for (int c = 0; c < board.cells(); ++c) {
    const auto cell = static_cast<Cell>(c);
    const Cell image = mirror.cell(cell);
    if (image == no_cell) continue;
    REQUIRE(a.control[cell] == b.control[image]);
    REQUIRE(mirror.team(a.owner[cell]) == b.owner[image]);
  }
  for (std::size_t s = 0; s < agents_max; ++s) {
    if (a.id[s] == no_agent) continue;
    const Team team = mirror.team(static_cast<Team>(slot_team(static_cast<int>(s))));
    std::size_t u = static_cast<std::size_t>(first_slot(team));
    while (u < agents_max && (b.id[u] == no_agent || b.birth[u] != a.birth[s]))
      ++u;
    REQUIRE(u < static_cast<std::size_t>(first_slot(team + 1)));
    REQUIRE(mirror.cell(a.cell[s]) == b.cell[u]);
    REQUIRE(mirror.cell(a.next[s]) == b.next[u]);
    REQUIRE(a.health[s] == b.health[u]);
    REQUIRE(a.load[s] == b.load[u]);
    REQUIRE(a.wake_tick[s] == b.wake_tick[u]);
  }
  for (Team team = 0; team < board.teams(); ++team) {
    REQUIRE(a.store[team] == b.store[mirror.team(team)]);
    REQUIRE(a.held[team] == b.held[mirror.team(team)]);
    REQUIRE(a.deposits[team] == b.deposits[mirror.team(team)]);
  }
  REQUIRE(a.over == b.over);
  REQUIRE(mirror.team(a.winner) == b.winner);
}

void play_mirrored(const Board& board, Team turned, std::uint64_t seed, int limit) {
  const Mirror mirror(board, turned);
  Lots lots = default_lots;
  for (Team team = 0; team < board.teams(); ++team)
    lots[mirror.team(team)] = team;
  World a = start(board, seed);
  World b = start(board, seed, lots);
  Births here;
  Births there;
  Rng rng(seed);
  for (int i = 0; i < limit && a.over == 0; ++i) {
    remember(a, here);
    remember(b, there);
    std::vector<Order> mirrored;
    const std::vector<Order> orders = random_orders(board, a, rng, 3);
    for (const Order& order : orders) {
      mirrored.push_back(mirrored_order(mirror, here, there, order));
    }
    REQUIRE(step(board, a, orders).ok());
    REQUIRE(step(board, b, mirrored).ok());
    if (i % 8 == 0) require_mirrored(board, mirror, a, b);
  }
  require_mirrored(board, mirror, a, b);
}

void require_settled(const Board& board, const World& w) {
  World again = w;
  settle(board, again);
  REQUIRE(again.living == w.living);
  REQUIRE(again.held == w.held);
  REQUIRE(again.capturing == w.capturing);
  REQUIRE(again.damaged == w.damaged);
  REQUIRE(again.occupant == w.occupant);
  REQUIRE(again.q == w.q);
  REQUIRE(again.r == w.r);
  REQUIRE(again.regrow_tick == w.regrow_tick);
}

/// Every bound is in load(): what is saved must be accepted.
void require_in_bounds(const Board& board, const World& w) {
  const Result<World> loaded = load(board, save(board, w));
  REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.error().message));
}

Rules odd_rules() {
  Rules r = default_rules();
  r.range_cells = 3;
  r.engage_cells = 2;
  r.cooldown_ticks = 1;
  r.base_range_cells = 5;
  r.heal_range_cells = 3;
  r.deposit_range_cells = 2;
  r.control_per_tick = {3000, 1, 0, 9999};
  r.harvest_ticks = {1, 1, 1, 1};
  r.regrow_ticks = 1;
  r.stock_max = 200;
  r.stock_start = 200;
  r.spawn_interval_ticks = 1;
  r.cost_base_units = 1;
  r.held_cell_ticks_per_unit = 100;
  r.move_cost_rough = 5200;
  r.move_scaled = 9000;
  r.elimination_ticks = 1'000'000;
  r.territory_ticks = 1'000'000;
  r.domination_deposits_min = 1'000'000;
  r.vision_held_cells = 0;
  return r;
}

std::int64_t play_random(const Board& board, std::uint64_t seed, std::int64_t ticks_left) {
  World w = start(board, seed);
  Rng rng(seed);
  View view;
  std::int64_t played = 0;
  for (; played < ticks_left && w.over == 0; ++played) {
    // Busy and quiet stretches take turns.
    const int count = (w.tick / 300) % 2 == 0 ? 2 : static_cast<int>(rng.below(20) == 0);
    REQUIRE(step(board, w, random_orders(board, w, rng, count)).ok());
    if (w.tick % 50 == 0) {
      observe(board, w, static_cast<Team>(rng.below(static_cast<std::uint32_t>(board.teams()))),
              view);
    }
    if (w.tick % 250 != 0) continue;
    require_settled(board, w);
    require_in_bounds(board, w);
  }
  require_in_bounds(board, w);
  return played;
}

}  // namespace

TEST_CASE("mirrored sides give mirrored games: two teams") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    play_mirrored(generated(2, seed), 1, seed, 2'500);
  }
}

TEST_CASE("mirrored sides give mirrored games: three teams") {
  for (const Team turned : {Team{1}, Team{2}}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      play_mirrored(generated(3, seed, 29, 29), turned, seed, 2'000);
    }
  }
}

TEST_CASE("mirrored sides give mirrored games: four teams") {
  for (const Team turned : {Team{1}, Team{2}, Team{3}}) {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      play_mirrored(generated(4, seed, 40, 29), turned, seed, 2'000);
    }
  }
}

TEST_CASE("no rule lets control, health, stores or loads leave their bounds") {
  constexpr std::int64_t ticks_wanted = 1'000'000;
  std::vector<Board> boards;
  boards.push_back(generated(2, 1));
  boards.push_back(generated(2, 2, 30, 24));
  boards.push_back(generated(3, 3, 29, 29));
  boards.push_back(generated(4, 4, 40, 29));
  boards.push_back(board_of(field()));
  boards.push_back(board_of({"####################", "#A..#..........#..B#", "#.e.............e..#",
                             "#...#....m.....#...#", "####################"}));
  boards.push_back(board_of(field(), odd_rules()));
  const Result<Board> odd = Board::make(boards[0].map(), odd_rules());
  REQUIRE(odd.ok());
  boards.push_back(*odd);
  std::int64_t played = 0;
  for (std::uint64_t seed = 1; played < ticks_wanted; ++seed) {
    const Board& board = boards[static_cast<std::size_t>(seed) % boards.size()];
    played += play_random(board, seed, std::min<std::int64_t>(3'000, ticks_wanted - played));
  }
  CHECK(played == ticks_wanted);
}

TEST_CASE("one scripted game ends in one hash, natively and in WebAssembly") {
  const Board board =
      board_of({"####################", "#A..#....~~....#..B#", "#.e......~~.....e..#",
                "#...#....m.....#...#", "####################"});
  World w = start(board, 42);
  Rng rng(42);
  while (w.tick < 1'500 && w.over == 0) {
    REQUIRE(step(board, w, random_orders(board, w, rng, 1)).ok());
  }
  // Pinned: changes exactly when the rules, their table or the order of hashing change.
  CHECK(w.tick == 1'500);
  CHECK(hex16(state_hash(board, w)) == "9b64ca62ed74cde9");
}
