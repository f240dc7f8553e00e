#include "engine/strategy/tactics.hpp"

#include <doctest/doctest.h>

#include <map>

#include "engine/strategy/match.hpp"
#include "tests/engine/strategy/small_world.hpp"

using namespace redoubt;
using namespace redoubt::strategy;
using territory::Role;

namespace {

constexpr territory::AgentId ours = 10;
constexpr territory::AgentId theirs = 50;

struct Field {
  territory::Board board = small_board();
  Ground ground = make_ground(board);
  territory::View view = empty_view(board);
  PictureMaker maker{ground, 0};
  Picture picture;

  void add(Role role, int column, int row) {
    const auto id = static_cast<territory::AgentId>(ours + view.own.size());
    view.own.push_back(agent_at(board, id, 0, role, small_cell(column, row)));
  }
  void add_enemy(Role role, int column, int row) {
    const auto id = static_cast<territory::AgentId>(theirs + view.enemies.size());
    view.enemies.push_back(agent_at(board, id, 1, role, small_cell(column, row)));
  }
  std::vector<Duty> duties(const TeamStrategy& strategy = {},
                           const std::vector<Duty>& before = {}) {
    maker.read(view, picture);
    maker.spread(picture);
    maker.measure(picture);
    return assign_duties(ground, picture, weights_of(strategy), before);
  }
};

bool backs_off(const Task& task) {
  return task.kind == TaskKind::heal || task.kind == TaskKind::escape;
}

const TeamStrategy raid{Stance::aggressive, Focus::combat, {Priority::attack_enemies}, "Raid."};
const TeamStrategy grow{Stance::economic,
                        Focus::resources,
                        {Priority::collect_energy, Priority::expand_territory},
                        "Grow."};

}  // namespace

TEST_CASE("a collector goes for the nearest stock, an explorer for new ground") {
  Field f;
  f.add(Role::collector, 4, 3);
  f.add(Role::explorer, 4, 6);
  const auto duties = f.duties();
  CHECK(duties[0].task == Task{.kind = TaskKind::collect, .cell = small_cell(6, 2)});
  CHECK(duties[1].task.kind == TaskKind::claim);
  CHECK(f.view.owner[duties[1].task.cell] != 0);
}

TEST_CASE("two collectors do not go for the stock of one") {
  Field f;
  f.add(Role::collector, 5, 2);
  f.add(Role::collector, 5, 3);
  const auto duties = f.duties();
  CHECK(duties[0].task.kind == TaskKind::collect);
  CHECK(duties[1].task.kind == TaskKind::collect);
  CHECK(duties[0].task.cell != duties[1].task.cell);
}

TEST_CASE("no two agents claim the same cell") {
  Field f;
  for (int i = 0; i < 8; ++i)
    f.add(Role::explorer, 4, 2 + i % 7);
  std::map<Cell, int> claimed;
  for (const Duty& duty : f.duties()) {
    if (duty.task.kind == TaskKind::claim) CHECK(++claimed[duty.task.cell] == 1);
  }
  CHECK(claimed.size() >= 6);
}

TEST_CASE("a strategy that wants a resource sends collectors for it") {
  Field f;
  f.add(Role::collector, 5, 5);
  f.view.store = {60, 60, 60};
  TeamStrategy energy = grow;
  energy.priorities = {Priority::collect_energy};
  TeamStrategy materials = grow;
  materials.priorities = {Priority::collect_materials};
  CHECK(f.duties(energy)[0].task.cell == small_cell(6, 2));
  CHECK(f.duties(materials)[0].task.cell == small_cell(6, 8));
}

TEST_CASE("what the store lacks is gathered first") {
  Field f;
  f.add(Role::collector, 5, 5);
  f.view.store = {90, 2, 90};
  CHECK(f.duties()[0].task.cell == small_cell(6, 8));
  f.view.store = {2, 90, 90};
  CHECK(f.duties()[0].task.cell == small_cell(6, 2));
}

TEST_CASE("attackers fall upon a lonely worker, and keep off from a stronger group") {
  Field f;
  f.add(Role::attacker, 14, 5);
  f.add(Role::attacker, 14, 6);
  f.add_enemy(Role::collector, 17, 5);
  int attackers = 0;
  for (const Duty& duty : f.duties(raid)) {
    if (duty.task.kind != TaskKind::attack) continue;
    ++attackers;
    CHECK(duty.task.target == theirs);
  }
  CHECK(attackers >= 1);
  for (int row : {4, 5, 6, 7})
    f.add_enemy(Role::attacker, 18, row);
  for (const Duty& duty : f.duties(raid))
    CHECK(backs_off(duty.task));
}

TEST_CASE("defenders turn on whoever comes near home, with the base's help") {
  Field f;
  f.add(Role::defender, 3, 4);
  f.add_enemy(Role::attacker, 5, 5);
  const auto duties = f.duties();
  CHECK(duties[0].task.kind == TaskKind::attack);
  CHECK(duties[0].task.target == theirs);
}

TEST_CASE("a strategy decides whether a far worker is worth a raid") {
  Field f;
  f.add(Role::attacker, 10, 5);
  f.add_enemy(Role::collector, 16, 5);
  CHECK(f.duties(raid)[0].task.kind == TaskKind::attack);
  CHECK(f.duties(grow)[0].task.kind != TaskKind::attack);
}

TEST_CASE("a wounded fighter heals beside the base until it is sound") {
  Field f;
  f.add(Role::attacker, 8, 5);
  f.view.own[0].health = f.view.own[0].health_max / 5;
  auto duties = f.duties();
  CHECK(duties[0].task.kind == TaskKind::heal);
  CHECK(f.ground.distance(duties[0].task.cell, f.ground.bases[0]) == 1);
  f.view.own[0].health = f.view.own[0].health_max * 6 / 10;
  CHECK(f.duties({}, duties)[0].task.kind == TaskKind::heal);
  CHECK(f.duties()[0].task.kind != TaskKind::heal);
  f.view.own[0].health = f.view.own[0].health_max;
  CHECK(f.duties({}, duties)[0].task.kind != TaskKind::heal);
}

TEST_CASE("a worker runs from fighters") {
  Field f;
  f.add(Role::collector, 12, 5);
  f.add_enemy(Role::attacker, 14, 5);
  f.add_enemy(Role::attacker, 14, 6);
  const auto duties = f.duties();
  REQUIRE(backs_off(duties[0].task));
  CHECK(f.ground.distance(duties[0].task.cell, small_cell(14, 5)) > 2);
}

TEST_CASE("nobody claims or gathers under an enemy base's weapon") {
  Field f;
  f.add(Role::explorer, 24, 5);
  f.add(Role::collector, 24, 6);
  for (const Duty& duty : f.duties()) {
    if (duty.task.cell == no_cell) continue;
    CHECK(f.ground.distance(duty.task.cell, f.ground.bases[1]) > f.ground.rules.base_range_cells);
  }
}

TEST_CASE("the same picture gives the same duties, and going on is preferred") {
  Field f;
  for (int i = 0; i < 5; ++i)
    f.add(i < 2 ? Role::collector : Role::explorer, 3 + i, 3 + i);
  const auto first = f.duties();
  const auto again = f.duties({}, first);
  const auto third = f.duties({}, again);
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(again[i].task == first[i].task);
    CHECK(third[i].task == first[i].task);
  }
}

TEST_CASE("agents do not dance: a task lasts") {
  territory::GenerateOptions options{.seed = 4};
  auto match =
      start_match({.map = *territory::generate(options), .players = {"strategist", "random"}});
  REQUIRE(match.ok());
  int changes = 0;
  int thoughts = 0;
  for (int tick = 10; tick <= 1000; tick += 10) {
    REQUIRE(play(*match, tick).ok());
    for (const auto& order : match->replay.orders) {
      if (order.tick > tick - 10 && order.order.team == 0 &&
          order.order.kind != territory::OrderKind::spawn) {
        ++changes;
      }
    }
    thoughts += static_cast<int>(match->views[0].own.size());
  }
  // A claim takes some 25 ticks, a round of gathering 80: far fewer orders than thoughts.
  CHECK(thoughts > 300);
  CHECK(changes * 2 < thoughts);
}

TEST_CASE("every task becomes its order") {
  const auto order = order_for(1, {.agent = 7, .at = 3, .task = {TaskKind::attack, 12, 99}});
  CHECK(order.kind == territory::OrderKind::attack);
  CHECK(order.team == 1);
  CHECK(order.agent == 7);
  CHECK(order.cell == 12);
  CHECK(order.target == 99);
  CHECK(order_for(0, {.task = {TaskKind::collect, 5}}).kind == territory::OrderKind::collect);
  CHECK(order_for(0, {.task = {TaskKind::claim, 5}}).kind == territory::OrderKind::capture);
  CHECK(order_for(0, {.task = {TaskKind::hold, 5}}).kind == territory::OrderKind::guard);
  CHECK(order_for(0, {.task = {TaskKind::escape, 5}}).kind == territory::OrderKind::move);
  CHECK(order_for(0, {}).kind == territory::OrderKind::idle);
}
