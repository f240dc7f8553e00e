#include "engine/strategy/player.hpp"

#include <doctest/doctest.h>

#include <string>

#include "engine/base/json.hpp"
#include "engine/strategy/match.hpp"
#include "engine/strategy/team_strategy.hpp"
#include "engine/territory/step.hpp"

using namespace redoubt;
using namespace redoubt::strategy;

namespace {

territory::Map map_for(int teams, std::uint64_t seed) {
  territory::GenerateOptions options{.teams = teams, .seed = seed};
  if (teams == 2) options.width = 30, options.height = 24;
  if (teams == 3) options.width = options.height = 31;
  if (teams == 4) options.width = options.height = 31;
  auto map = territory::generate(options);
  REQUIRE(map.ok());
  return *map;
}

Match match_of(std::vector<std::string> players, std::uint64_t seed) {
  auto match = start_match({.map = map_for(static_cast<int>(players.size()), seed),
                            .seed = seed,
                            .players = std::move(players)});
  REQUIRE(match.ok());
  return std::move(*match);
}

void play_to(Match& match, std::int32_t tick) {
  const auto played = play(match, tick);
  if (!played.ok()) FAIL(played.error().message);
}

std::string saved(const Player& player) {
  ByteWriter out;
  player.save(out);
  return out.take();
}

}  // namespace

TEST_CASE("an unknown player's name is an error that lists the known ones") {
  const auto map = map_for(2, 1);
  const auto board = territory::Board::make(map, territory::default_rules());
  REQUIRE(board.ok());
  const auto made = make_player("stockfish", *board, 0, 1);
  REQUIRE(!made.ok());
  CHECK(made.error().code == "bad_player");
  CHECK(made.error().message.find("agentarena") != std::string::npos);
  for (std::string_view name : player_names()) {
    const auto player = make_player(name, *board, 0, 1);
    REQUIRE(player.ok());
    CHECK((*player)->name() == name);
  }
}

TEST_CASE("every player gives legal orders to the end, among two, three and four teams") {
  const auto names = player_names();
  for (int teams = 2; teams <= 4; ++teams) {
    for (std::size_t first = 0; first < names.size(); ++first) {
      std::vector<std::string> players;
      for (int t = 0; t < teams; ++t) {
        players.emplace_back(names[(first + static_cast<std::size_t>(t)) % names.size()]);
      }
      CAPTURE(teams);
      CAPTURE(players[0]);
      Match match = match_of(players, first + 1);
      play_to(match, 2500);
      CHECK(match.exact);
      CHECK(match.world.tick > 500);
    }
  }
}

TEST_CASE("the same match is played the same way twice") {
  for (std::string_view name : player_names()) {
    CAPTURE(std::string(name));
    Match a = match_of({std::string(name), "rush"}, 5);
    Match b = match_of({std::string(name), "rush"}, 5);
    play_to(a, 900);
    play_to(b, 900);
    CHECK(a.replay.hashes == b.replay.hashes);
    CHECK(territory::state_hash(a.board, a.world) == territory::state_hash(b.board, b.world));
  }
}

TEST_CASE("a saved player goes on identically") {
  for (std::string_view name : player_names()) {
    CAPTURE(std::string(name));
    Match a = match_of({std::string(name), "agentarena"}, 9);
    play_to(a, 613);
    Match b = match_of({std::string(name), "agentarena"}, 9);
    b.world = a.world;
    b.views = a.views;
    b.thoughts = a.thoughts;
    b.pending = a.pending;
    for (std::size_t t = 0; t < 2; ++t) {
      const std::string bytes = saved(*a.players[t]);
      ByteReader in(bytes);
      REQUIRE(b.players[t]->restore(in).ok());
      CHECK(in.remaining() == 0);
      CHECK(saved(*b.players[t]) == bytes);
    }
    play_to(a, 1400);
    play_to(b, 1400);
    CHECK(a.world.tick == b.world.tick);
    CHECK(territory::state_hash(a.board, a.world) == territory::state_hash(b.board, b.world));
  }
}

TEST_CASE("a thought that is cut by a snapshot starts over and comes to the same end") {
  Match match = match_of({"strategist", "rush"}, 3);
  play_to(match, 700);
  territory::View& view = match.views[0];
  territory::observe(match.board, match.world, 0, view);
  Player& player = *match.players[0];
  const std::string before = saved(player);
  const ThinkResult first = player.think(view, 40);
  CHECK(!first.done);
  CHECK(first.work_used <= 40);
  CHECK(saved(player) == before);
  auto copy = make_player("strategist", match.board, 0, 1);
  REQUIRE(copy.ok());
  ByteReader in(before);
  REQUIRE((*copy)->restore(in).ok());
  while (!player.think(view, 110).done) {
  }
  CHECK((*copy)->think(view, 1000).done);
  CHECK(saved(player) == saved(**copy));
}

TEST_CASE("a damaged state is refused and leaves the player as it was") {
  for (std::string_view name : player_names()) {
    CAPTURE(std::string(name));
    Match match = match_of({std::string(name), "random"}, 4);
    play_to(match, 400);
    Player& player = *match.players[0];
    const std::string bytes = saved(player);
    for (std::size_t cut = 0; cut < bytes.size(); cut += 3) {
      ByteReader in(std::string_view(bytes).substr(0, cut));
      const auto restored = player.restore(in);
      REQUIRE(!restored.ok());
      CHECK(restored.error().code == "bad_snapshot");
    }
    CHECK(saved(player) == bytes);
  }
}

TEST_CASE("explain has the shape of an Explanation for every player") {
  for (std::string_view name : player_names()) {
    CAPTURE(std::string(name));
    Match match = match_of({std::string(name), "rush"}, 6);
    for (int tick : {5, 300, 900}) {
      play_to(match, tick);
      const Json e = match.players[0]->explain();
      CHECK(index_of(stance_names, e.at("strategy").get<std::string>()));
      CHECK(index_of(focus_names, e.at("focus").get<std::string>()));
      CHECK(e.at("priorities").size() >= 1);
      CHECK(utf16_units(e.at("description").get<std::string>()) >= 5);
      CHECK(e.at("team") == 0);
      CHECK(e.at("tick").get<int>() <= tick);
      CHECK(e.at("confidence").get<double>() <= 1);
      CHECK(e.at("plan").size() <= 3);
      for (const Json& arrow : e.at("plan")) {
        CHECK(arrow.at("from").get<int>() < match.board.cells());
        CHECK(arrow.at("to").get<int>() < match.board.cells());
        CHECK(!arrow.at("agents").empty());
        CHECK(!arrow.at("label").get<std::string>().empty());
      }
      for (const Json& task : e.at("tasks"))
        CHECK(task.at("task").is_string());
      for (const Json& reason : e.at("reasons"))
        CHECK(reason.at("cells").is_array());
    }
  }
}
