#include "tools/arena/opponents/opponents.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/strategy/match.hpp"
#include "engine/territory/step.hpp"
#include "tools/arena/game.hpp"
#include "tools/arena/opponents/imagined.hpp"

using namespace redoubt;
using namespace redoubt::arena;

namespace {

Ground ground_of(int width, int height, int teams, std::uint64_t seed) {
  auto map = generate_ground(width, height, teams, seed);
  REQUIRE(map.ok());
  return {.map = std::move(*map), .map_seed = seed};
}

// All seats but the first play `others`.
GameRecord play(const Ground& ground, std::string_view first, std::string_view others, int ticks) {
  const auto a = read_contestant(first);
  const auto b = read_contestant(others);
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  territory::Rules rules = territory::default_rules();
  rules.time_limit_ticks = ticks;
  Game game{.ground = &ground, .rules = &rules, .seed = 11};
  game.seats.assign(static_cast<std::size_t>(ground.map.teams()), &*b);
  game.seats[0] = &*a;
  auto record = play_game(game);
  if (!record.ok()) FAIL(record.error().message);
  return *record;
}

}  // namespace

TEST_CASE("arena: no opponent orders what the rules refuse, for two, three and four teams") {
  const std::vector<Ground> grounds{ground_of(24, 18, 2, 5), ground_of(21, 21, 3, 5),
                                    ground_of(23, 21, 4, 5)};
  for (const Opponent& opponent : opponents()) {
    CAPTURE(std::string(opponent.name));
    for (const Ground& ground : grounds) {
      const GameRecord record = play(ground, opponent.name, "rush", 900);
      CHECK(record.seats[0].refused_orders == 0);
    }
  }
}

TEST_CASE("arena: opponents play the same again") {
  const Ground ground = ground_of(24, 18, 2, 6);
  for (const Opponent& opponent : opponents()) {
    CAPTURE(std::string(opponent.name));
    const GameRecord once = play(ground, opponent.name, "rush", 600);
    CHECK(play(ground, opponent.name, "rush", 600).final_hash == once.final_hash);
  }
}

TEST_CASE("arena: a search spends no more than its purse") {
  const Ground ground = ground_of(24, 18, 2, 7);
  for (const char* name : {"lookahead", "portfolio", "bandits", "rolling"}) {
    CAPTURE(std::string(name));
    const GameRecord record = play(ground, name, "rush", 900);
    CHECK(record.seats[0].work > 1000);
    CHECK(record.seats[0].work <= 100 * (record.tick + strategy::think_interval_ticks));
    const std::string rich = std::string(name) + ":work=300";
    CHECK(play(ground, rich, "rush", 900).seats[0].work > record.seats[0].work);
  }
}

TEST_CASE("arena: a thought that is brought in parts comes to the same orders") {
  const Ground ground = ground_of(24, 18, 2, 8);
  const auto board = territory::Board::make(ground.map, territory::default_rules());
  REQUIRE(board.ok());
  for (const Opponent& opponent : opponents()) {
    CAPTURE(std::string(opponent.name));
    const auto contestant = read_contestant(opponent.name);
    const Place place{.board = *board, .seed = 4, .work_per_thought = 1000};
    const auto whole = make_player(*contestant, place);
    const auto parts = make_player(*contestant, place);
    territory::World world = territory::start(*board, 3);
    territory::View view;
    for (int thought = 0; thought < 30; ++thought) {
      territory::observe(*board, world, 0, view);
      while (!whole->think(view, 1000).done) {
      }
      while (!parts->think(view, 130).done) {
      }
      REQUIRE(std::equal(whole->orders().begin(), whole->orders().end(), parts->orders().begin(),
                         parts->orders().end()));
      REQUIRE(territory::step(*board, world, whole->orders()).ok());
      for (int tick = 1; tick < 10; ++tick)
        REQUIRE(territory::step(*board, world, {}).ok());
    }
  }
}

TEST_CASE("arena: the imagination values what comes of a fight") {
  const Ground ground = ground_of(24, 18, 2, 9);
  const auto board = territory::Board::make(ground.map, territory::default_rules());
  REQUIRE(board.ok());
  const territory::World world = territory::start(*board, 3);
  territory::View view;
  territory::observe(*board, world, 0, view);
  view.tick = 200;
  const auto agent = [&](territory::AgentId id, territory::Team team, territory::Role role,
                         territory::Cell cell, int health_percent) {
    territory::ViewAgent out{.id = id, .team = team, .role = role, .cell = cell, .seen_tick = 200};
    out.attributes = board->rules().defaults[static_cast<std::size_t>(role)];
    out.health_max = territory::health_max_millipoints(board->rules(), out.attributes);
    out.health = out.health_max * health_percent / 100;
    return out;
  };
  // Two cells side by side, far from both bases, the first one nearer to ours.
  territory::Cell here = territory::no_cell;
  territory::Cell there = territory::no_cell;
  for (int c = 0; c < board->cells() && here == territory::no_cell; ++c) {
    const auto cell = static_cast<territory::Cell>(c);
    const auto next = board->neighbours(cell)[0];
    const auto far = [&](territory::Cell at) {
      return at != territory::no_cell && board->reachable(at) &&
             board->distance(at, board->base(0)) > 5 && board->distance(at, board->base(1)) > 5;
    };
    if (!far(cell) || !far(next)) continue;
    if (board->walk_cost(cell, board->base(0)) >= board->walk_cost(next, board->base(0))) continue;
    here = cell;
    there = next;
  }
  REQUIRE(here != territory::no_cell);
  Imagination imagination(*board);
  const auto value_of = [&](UnitScript script) {
    imagination.begin(view, {}, 1);
    REQUIRE(imagination.in_contact(8).size() == 1);
    Plan plan;
    plan.fill(UnitScript::follow);
    plan[static_cast<std::size_t>(imagination.in_contact(8)[0])] = script;
    return imagination.roll_out(plan, RivalScript::careful, 60);
  };
  SUBCASE("a wounded worker is worth a strike") {
    view.own = {agent(1, 0, territory::Role::attacker, here, 100)};
    view.enemies = {agent(2, 1, territory::Role::collector, there, 30)};
    CHECK(value_of(UnitScript::strike) > value_of(UnitScript::fall_back));
    CHECK(imagination.work() == 60);
  }
  SUBCASE("a wounded worker of ours had better run from an attacker") {
    view.own = {agent(1, 0, territory::Role::collector, here, 40)};
    view.enemies = {agent(2, 1, territory::Role::attacker, there, 100)};
    view.enemies[0].attributes.speed = 100;
    CHECK(value_of(UnitScript::fall_back) > value_of(UnitScript::strike));
  }
}
