#include "tools/arena/tournament.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/territory/replay.hpp"
#include "tools/arena/report.hpp"

using namespace redoubt;
using namespace redoubt::arena;

namespace {

TournamentOptions small(const std::vector<std::string>& players, int rounds, int teams = 2) {
  TournamentOptions options{.rounds = rounds};
  for (const std::string& player : players) {
    auto read = read_contestant(player);
    REQUIRE(read.ok());
    options.players.push_back(std::move(*read));
  }
  const int side = teams == 2 ? 20 : 21;
  const GroundOptions wanted{
      .width = side, .height = side - (teams == 2 ? 4 : 0), .generated = rounds, .teams = teams};
  auto grounds = read_grounds(wanted);
  if (!grounds.ok()) FAIL(grounds.error().message);
  options.grounds = std::move(grounds->played);
  options.rules.time_limit_ticks = 1200;
  return options;
}

Tournament run(const TournamentOptions& options, const Told& told = {}) {
  auto result = run_tournament(options, told);
  if (!result.ok()) FAIL(result.error().message);
  return std::move(*result);
}

std::string timeless(const TournamentOptions& options, const Tournament& tournament) {
  auto json = nlohmann::ordered_json::parse(report_json(options, tournament, {}));
  for (auto& player : json["players"])
    player.erase("cpu_ms");
  return json.dump();
}

}  // namespace

TEST_CASE("arena: what is said does not depend on the number of jobs") {
  TournamentOptions options = small({"rush", "agentarena", "random"}, 3);
  const Tournament alone = run(options);
  CHECK(alone.games.size() == 18);
  const std::string said = timeless(options, alone);
  options.jobs = 4;
  std::vector<std::size_t> order;
  const Tournament crowd = run(options, [&](const PlayedGame& g) { order.push_back(g.number); });
  CHECK(timeless(options, crowd) == said);
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(order.size() == 18);
  options.seed = 2;
  CHECK(timeless(options, run(options)) != said);
}

TEST_CASE("arena: a pair swaps the seats on one map and seed, and lots travel") {
  const TournamentOptions options = small({"rush", "random"}, 2);
  const Tournament result = run(options);
  REQUIRE(result.games.size() == 4);
  const PlayedGame& first = result.games[0];
  const PlayedGame& second = result.games[1];
  CHECK(first.players == std::vector<std::size_t>{0, 1});
  CHECK(second.players == std::vector<std::size_t>{1, 0});
  CHECK(first.game.seed == second.game.seed);
  CHECK(first.game.ground == second.game.ground);
  CHECK(first.game.lots[0] == second.game.lots[1]);
  CHECK(result.games[2].game.seed != first.game.seed);
}

TEST_CASE("arena: three and four seats count pairwise") {
  const TournamentOptions three = small({"rush", "agentarena", "random"}, 1, 3);
  const Tournament result = run(three);
  CHECK(result.games.size() == 3);
  REQUIRE(result.duels.size() == 3);
  for (const Duel& duel : result.duels) {
    CHECK(duel.wins + duel.draws + duel.losses == 3);
    CHECK_FALSE(duel.pairs.has_value());
  }
  const TournamentOptions alone = small({"rush", "random"}, 1, 4);
  const Tournament against_three = run(alone);
  CHECK(against_three.games.size() == 4);
  REQUIRE(against_three.duels.size() == 1);
  CHECK(against_three.duels[0].rounds[0].comparisons == 12);
}

TEST_CASE("arena: every choice of players has its table") {
  TournamentOptions options = small({"random", "random", "random", "random", "random"}, 1);
  CHECK(games_of(options) == 20);
  options = small({"random", "random", "random", "random", "random"}, 1, 3);
  CHECK(games_of(options) == 30);
}

TEST_CASE("arena: a sequential test ends at the same pair with any number of jobs") {
  TournamentOptions options = small({"rush", "random"}, 30);
  options.sprt = Sprt{.elo0 = 0, .elo1 = 200};
  const Tournament alone = run(options);
  REQUIRE(alone.sprt.has_value());
  CHECK(alone.sprt->accepted == 1);
  CHECK(alone.games.size() < 60);
  CHECK(alone.games.size() % 2 == 0);
  options.jobs = 3;
  CHECK(timeless(options, run(options)) == timeless(options, alone));
}

TEST_CASE("arena: a game is played again from its line") {
  const TournamentOptions options = small({"rush", "agentarena"}, 1);
  const Tournament result = run(options);
  const PlayedGame& game = result.games[1];
  const std::string line = game_line(game.game, game.record);
  const auto read = read_game_line(line, options.rules);
  if (!read.ok()) FAIL(read.error().message);
  territory::Replay recording;
  const auto again = play_game((*read)->game, &recording);
  REQUIRE(again.ok());
  CHECK(game_line((*read)->game, *again) == line);
  const auto verdict = territory::verify(recording);
  REQUIRE(verdict.ok());
  CHECK(verdict->same);
  CHECK(recording.final_hash == game.record.final_hash);
  CHECK_FALSE(read_game_line(line, territory::default_rules()).ok());  // other rules
  CHECK_FALSE(read_game_line("{}", options.rules).ok());
  CHECK_FALSE(read_game_line("no json", options.rules).ok());
}

TEST_CASE("arena: a folder's unfair maps, and those for other teams, are named and passed over") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / "redoubt_arena_maps_test";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder / name) << text;
  };
  auto fair = generate_ground(20, 16, 2, 3);
  REQUIRE(fair.ok());
  write("fair.json", territory::write_compact(*fair));
  auto lean = *fair;
  lean.symmetry = territory::Symmetry::none;
  lean.bases[1] = static_cast<territory::Cell>(lean.bases[0] + 2);
  write("lean.json", territory::write_compact(lean));
  auto three = generate_ground(21, 21, 3, 3);
  REQUIRE(three.ok());
  write("three.json", territory::write_compact(*three));
  write("broken.map", "no map");
  write("notes.md", "not looked at");
  const auto grounds = read_grounds({.folder = folder.string()});
  if (!grounds.ok()) FAIL(grounds.error().message);
  REQUIRE(grounds->played.size() == 1);
  CHECK(grounds->played[0].label() == "fair.json");
  REQUIRE(grounds->passed_over.size() == 3);
  CHECK(grounds->passed_over[0].file.ends_with("broken.map"));
  CHECK(grounds->passed_over[1].why.find("unfair") != std::string::npos);
  CHECK(grounds->passed_over[2].why == "is for 3 teams, not 2");
  CHECK_FALSE(read_grounds({.folder = folder.string(), .only = {"gone.json"}}).ok());
  CHECK_FALSE(read_grounds({.folder = folder.string(), .teams = 4}).ok());
  CHECK_FALSE(read_grounds({.folder = (folder / "none").string()}).ok());
  fs::remove_all(folder);
}
