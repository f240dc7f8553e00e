// A quick check that the strategist is stronger than rules of thumb. Deterministic: the seeds are
// fixed, so it fails only when play changes. `redoubt arena` plays the long version.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/strategy/match.hpp"
#include "engine/territory/step.hpp"

using namespace redoubt;
using namespace redoubt::strategy;

namespace {

// 1 where the strategist in `seat` wins alone.
int wins(const territory::Map& map, int seat, const std::string& opponent, std::uint64_t seed) {
  MatchOptions options{.map = map, .seed = seed};
  options.players.assign(static_cast<std::size_t>(map.teams()), opponent);
  options.players[static_cast<std::size_t>(seat)] = "strategist";
  std::swap(options.lots[0], options.lots[static_cast<std::size_t>(seat)]);
  auto match = start_match(options);
  REQUIRE(match.ok());
  const auto played = play(*match, match->board.rules().time_limit_ticks);
  if (!played.ok()) FAIL(played.error().message);
  const auto outcome = territory::outcome(match->board, match->world);
  REQUIRE(outcome.over);
  return outcome.winner == seat ? 1 : 0;
}

}  // namespace

TEST_CASE("the strategist beats random and agentarena on generated maps") {
  for (const char* opponent : {"random", "agentarena"}) {
    int won = 0;
    int games = 0;
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      const auto map = territory::generate({.width = 30, .height = 24, .seed = seed});
      REQUIRE(map.ok());
      for (int seat = 0; seat < 2; ++seat, ++games)
        won += wins(*map, seat, opponent, seed);
    }
    CAPTURE(std::string(opponent));
    CHECK(won * 100 >= games * 95);
  }
}

TEST_CASE("the strategist beats random and agentarena on the real maps") {
  const char* given = std::getenv("REDOUBT_MAPS");
  const std::filesystem::path folder = given != nullptr ? given : "../shared/maps";
  if (!std::filesystem::exists(folder)) {
    MESSAGE("skipped: no maps in " << folder.string());
    return;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".map") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  int won = 0;
  int games = 0;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto map = territory::read_map(text, file.stem().string());
    REQUIRE(map.ok());
    for (const char* opponent : {"random", "agentarena"}) {
      for (int seat = 0; seat < map->teams(); ++seat, ++games) {
        won += wins(*map, seat, opponent, 1);
      }
    }
  }
  MESSAGE("won " << won << " of " << games);
  CHECK(won * 100 >= games * 95);
}
