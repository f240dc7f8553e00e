#include "engine/strategy/strategist.hpp"

#include <doctest/doctest.h>

#include <string>

#include "engine/base/json.hpp"
#include "engine/strategy/match.hpp"
#include "tests/engine/strategy/small_world.hpp"

using namespace redoubt;
using namespace redoubt::strategy;
using territory::OrderKind;
using territory::Role;

namespace {

const Json defend{{"strategy", "defensive"},
                  {"focus", "combat"},
                  {"priorities", {"defend_base", "defend_territory"}},
                  {"description", "Hold the base."}};

}  // namespace

TEST_CASE("left alone it gathers, claims and builds") {
  const auto board = small_board();
  auto match = start_match({.map = board.map(), .players = {"strategist"}});
  REQUIRE(match.ok());
  const int held = match->world.held[0];
  REQUIRE(play(*match, 600).ok());
  CHECK(match->world.deposits[0] >= 20);
  CHECK(match->world.held[0] >= held + 25);
  CHECK(match->world.births[0] > 5);
}

TEST_CASE("with an empty store it builds nothing it cannot pay") {
  const auto board = small_board();
  Strategist player(board, 0);
  auto view = empty_view(board);
  view.own.push_back(agent_at(board, 1, 0, Role::collector, small_cell(3, 5)));
  view.store = {0, 0, 0};
  REQUIRE(player.think(view, 1000).done);
  for (const auto& order : player.orders())
    CHECK(order.kind != OrderKind::spawn);
  view.store = {200, 200, 200};
  view.tick = 110;
  REQUIRE(player.think(view, 1000).done);
  int spawns = 0;
  for (const auto& order : player.orders()) {
    if (order.kind != OrderKind::spawn) continue;
    ++spawns;
    CHECK(territory::check_attributes(board.rules(), order.attributes).ok());
  }
  CHECK(spawns == 1);
}

TEST_CASE("thinking is cut into slices that keep to the work given") {
  const auto board = small_board();
  Strategist player(board, 0);
  auto view = empty_view(board);
  view.own.push_back(agent_at(board, 1, 0, Role::collector, small_cell(3, 5)));
  Strategist whole(board, 0);
  const int total = whole.think(view, 1 << 20).work_used;
  int used = 0;
  int slices = 0;
  for (bool done = false; !done && slices < 100; ++slices) {
    const auto result = player.think(view, 110);
    CHECK(result.work_used <= 110);
    used += result.work_used;
    done = result.done;
  }
  CHECK(slices > 1);
  CHECK(used == total);
  CHECK(std::vector<territory::Order>(player.orders().begin(), player.orders().end()) ==
        std::vector<territory::Order>(whole.orders().begin(), whole.orders().end()));
}

TEST_CASE("a strategy from outside is in force until it runs out") {
  const auto board = small_board();
  Strategist player(board, 0);
  auto view = empty_view(board);
  view.own.push_back(agent_at(board, 1, 0, Role::collector, small_cell(3, 5)));
  REQUIRE(player.direct(defend, 200).ok());
  REQUIRE(player.think(view, 1000).done);
  CHECK(player.explain().at("source") == "relay");
  CHECK(player.explain().at("strategy") == "defensive");
  CHECK(player.explain().at("description") == "Hold the base.");
  view.tick = 200;
  REQUIRE(player.think(view, 1000).done);
  CHECK(player.explain().at("source") == "engine");
}

TEST_CASE("a model's name, reasons and confidence are shown with its strategy") {
  const auto board = small_board();
  Strategist player(board, 0);
  Json answer = defend;
  answer["source"] = "gpt-4.1-mini";
  answer["confidence"] = 0.75;
  answer["reasons"] = {{{"feature", "base_threat"}, {"text", "Three raiders."}, {"weight", 7}},
                       "not a reason",
                       {{"text", 5}}};
  REQUIRE(player.direct(answer, 200).ok());
  const Json e = player.explain();
  CHECK(e.at("source") == "gpt-4.1-mini");
  CHECK(e.at("confidence") == 0.75);
  REQUIRE(e.at("reasons").size() == 1);
  CHECK(e.at("reasons")[0].at("text") == "Three raiders.");
  CHECK(e.at("reasons")[0].at("weight") == 1);
  ByteWriter out;
  player.save(out);
  const std::string bytes = out.take();
  Strategist copy(board, 0);
  ByteReader in(bytes);
  REQUIRE(copy.restore(in).ok());
  CHECK(copy.explain() == e);
}

TEST_CASE("a strategy of the wrong shape is refused and changes nothing") {
  const auto board = small_board();
  Strategist player(board, 0);
  for (const auto& fault : std::initializer_list<std::pair<const char*, Json>>{
           {"strategy", "fly"},
           {"strategy", 3},
           {"focus", nullptr},
           {"priorities", Json::array()},
           {"priorities", {"dance"}},
           {"priorities", "defend_base"},
           {"description", "x"},
           {"description", std::string(201, 'x')}}) {
    CAPTURE(std::string(fault.first));
    Json wrong = defend;
    wrong[fault.first] = fault.second;
    const auto taken = player.direct(wrong, 500);
    REQUIRE(!taken.ok());
    CHECK(taken.error().code == "bad_answer");
    CHECK(taken.error().path == fault.first);
    CHECK(player.explain().at("source") == "engine");
  }
  CHECK(!player.direct(Json::array(), 500).ok());
}

TEST_CASE("a directive moves the army: raiders raid, defenders stay") {
  const Json attack{{"strategy", "aggressive"},
                    {"focus", "combat"},
                    {"priorities", {"attack_enemies"}},
                    {"description", "Raid their workers."}};
  const Json gather{{"strategy", "economic"},
                    {"focus", "resources"},
                    {"priorities", {"collect_energy", "expand_territory"}},
                    {"description", "Leave them alone."}};
  const auto board = small_board();
  auto view = empty_view(board);
  view.own.push_back(agent_at(board, 1, 0, Role::attacker, small_cell(10, 5)));
  view.enemies.push_back(agent_at(board, 9, 1, Role::collector, small_cell(16, 5)));
  const auto ordered = [&](const Json& strategy) {
    Strategist player(board, 0);
    REQUIRE(player.direct(strategy, 1000).ok());
    REQUIRE(player.think(view, 1000).done);
    for (const auto& order : player.orders()) {
      if (order.agent == 1) return order.kind;
    }
    return OrderKind::idle;
  };
  CHECK(ordered(attack) == OrderKind::attack);
  CHECK(ordered(gather) != OrderKind::attack);
}

TEST_CASE("heat maps show where the enemy is, where we are, and where stock lies") {
  const auto board = small_board();
  Strategist player(board, 0);
  std::vector<std::int16_t> map;
  CHECK(!player.heat_map(HeatMap::threat, map));
  auto view = empty_view(board);
  view.own.push_back(agent_at(board, 1, 0, Role::defender, small_cell(4, 5)));
  view.enemies.push_back(agent_at(board, 9, 1, Role::attacker, small_cell(20, 5)));
  REQUIRE(player.think(view, 1000).done);
  REQUIRE(player.heat_map(HeatMap::threat, map));
  REQUIRE(map.size() == static_cast<std::size_t>(board.cells()));
  CHECK(map[small_cell(20, 5)] > 900);
  CHECK(map[small_cell(20, 5)] > map[small_cell(18, 5)]);
  CHECK(map[small_cell(18, 5)] > map[small_cell(10, 5)]);
  REQUIRE(player.heat_map(HeatMap::influence, map));
  CHECK(map[small_cell(4, 5)] > 0);
  CHECK(map[small_cell(20, 5)] < 0);
  REQUIRE(player.heat_map(HeatMap::resource_pull, map));
  CHECK(map[small_cell(6, 2)] > map[small_cell(12, 5)]);
}

TEST_CASE("a plan shows at most three arrows with what they stand for") {
  const auto board = small_board();
  Strategist player(board, 0);
  auto view = empty_view(board);
  view.own.push_back(agent_at(board, 1, 0, Role::collector, small_cell(4, 3)));
  view.own.push_back(agent_at(board, 2, 0, Role::explorer, small_cell(5, 6)));
  view.own.push_back(agent_at(board, 3, 0, Role::attacker, small_cell(14, 5)));
  view.own.push_back(agent_at(board, 4, 0, Role::attacker, small_cell(14, 6)));
  view.enemies.push_back(agent_at(board, 9, 1, Role::collector, small_cell(16, 5)));
  REQUIRE(player.think(view, 1000).done);
  const Json e = player.explain();
  REQUIRE(e.at("plan").size() == 3);
  CHECK(e.at("plan")[0].at("kind") == "raid");
  CHECK(e.at("plan")[0].at("to") == small_cell(16, 5));
  CHECK(!e.at("plan")[0].at("agents").empty());
  CHECK(e.at("tasks").size() == 4);
}

TEST_CASE("through a level match every card has three reasons and arrows that can be told apart") {
  const auto board = small_board();
  auto match = start_match({.map = board.map(), .players = {"strategist", "strategist"}});
  REQUIRE(match.ok());
  int arrows = 0;
  int seen = 0;
  for (int tick = 20; tick <= 600; tick += 20) {
    REQUIRE(play(*match, tick).ok());
    for (Team team = 0; team < 2; ++team) {
      const Json e = match->players[team]->explain();
      CHECK(e.at("reasons").size() >= 3);
      for (const Json& reason : e.at("reasons"))
        CHECK(!reason.at("text").get<std::string>().empty());
      CHECK(e.at("description").get<std::string>().find("usual") == std::string::npos);
      const Json& plan = e.at("plan");
      for (std::size_t i = 0; i < plan.size(); ++i) {
        CHECK(plan[i].at("from") != plan[i].at("to"));
        for (std::size_t k = 0; k < i; ++k) {
          const bool same =
              plan[i].at("from") == plan[k].at("from") && plan[i].at("to") == plan[k].at("to");
          CHECK(!same);
        }
        const auto from = plan[i].at("from").get<territory::Cell>();
        const auto to = plan[i].at("to").get<territory::Cell>();
        seen += make_ground(board).distance(from, to) >= 3 ? 1 : 0;
        ++arrows;
      }
    }
  }
  CHECK(arrows > 60);
  CHECK(seen * 10 >= arrows * 9);
}
