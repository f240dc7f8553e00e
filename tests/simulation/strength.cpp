// Who beats whom: pairs of games on each map with the sides swapped.
//
//   redoubt_strength [--seeds N] [--player NAME] [--maps FILTER] OPPONENT...
//
// Plays on the real maps in ../shared/maps (or REDOUBT_MAPS) where they are, and on generated ones
// where not; prints a line a map and a sum. Deterministic: the same arguments print the same table.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/strategy/match.hpp"
#include "engine/territory/step.hpp"

namespace {

using namespace redoubt;
using namespace redoubt::strategy;

struct Options {
  std::string player = "strategist";
  std::string maps;
  std::vector<std::string> opponents;
  int seeds = 1;
  bool verbose = false;
};

std::vector<territory::Map> read_maps(const std::string& filter) {
  const char* given = std::getenv("REDOUBT_MAPS");
  const std::filesystem::path folder = given != nullptr ? given : "../shared/maps";
  std::vector<std::filesystem::path> files;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
    const bool wanted = entry.path().string().find(filter) != std::string::npos;
    if (entry.path().extension() == ".map" && wanted) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<territory::Map> maps;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    auto map = territory::read_map(text, file.stem().string());
    if (map) {
      maps.push_back(std::move(*map));
    } else {
      std::printf("%s: %s\n", file.c_str(), map.error().message.c_str());
    }
  }
  if (!maps.empty()) return maps;
  std::printf("no maps in %s: generated ones instead\n", folder.c_str());
  for (const int teams : {2, 2, 2, 3, 4}) {
    territory::GenerateOptions options{.teams = teams, .seed = 1 + maps.size()};
    if (teams == 3) options.width = options.height = 31;
    if (teams == 4) options.width = 31, options.height = 31;
    auto map = territory::generate(options);
    if (map) {
      map->name = "generated " + std::to_string(maps.size() + 1);
      maps.push_back(std::move(*map));
    } else {
      std::printf("generate: %s\n", map.error().message.c_str());
    }
  }
  return maps;
}

struct Score {
  int wins = 0;
  int draws = 0;
  int losses = 0;
  void add(const Score& other) {
    wins += other.wins;
    draws += other.draws;
    losses += other.losses;
  }
  int games() const { return wins + draws + losses; }
};

// One game with `player` in the place of `seat`, the opponent in all others.
Score play_one(const territory::Map& map, const Options& o, const std::string& opponent, int seat,
               std::uint64_t seed) {
  MatchOptions options{.map = map, .seed = seed};
  options.players.assign(static_cast<std::size_t>(map.teams()), opponent);
  options.players[static_cast<std::size_t>(seat)] = o.player;
  // Lots travel with the players, so that swapping sides swaps nothing else.
  std::swap(options.lots[0], options.lots[static_cast<std::size_t>(seat)]);
  auto match = start_match(options);
  if (!match) {
    std::printf("%s\n", match.error().message.c_str());
    std::exit(1);
  }
  const auto played = play(*match, match->board.rules().time_limit_ticks);
  if (!played) {
    std::printf("%s: %s\n", map.name.c_str(), played.error().message.c_str());
    std::exit(1);
  }
  const auto outcome = territory::outcome(match->board, match->world);
  const std::uint8_t rank = outcome.rank[static_cast<std::size_t>(seat)];
  bool shared = false;
  for (int t = 0; t < map.teams(); ++t) {
    shared = shared || (t != seat && outcome.rank[static_cast<std::size_t>(t)] == rank);
  }
  if (o.verbose) {
    constexpr const char* by[] = {"none", "territory", "elimination", "domination", "time limit"};
    std::printf("    seat %d seed %llu: rank %d by %s at %d, held", seat,
                static_cast<unsigned long long>(seed), rank, by[static_cast<int>(outcome.by)],
                outcome.tick);
    for (int t = 0; t < map.teams(); ++t) {
      std::printf(" %d", match->world.held[static_cast<std::size_t>(t)]);
    }
    std::printf(" of %d, deposits", match->board.reachable_cells());
    for (int t = 0; t < map.teams(); ++t) {
      std::printf(" %d", match->world.deposits[static_cast<std::size_t>(t)]);
    }
    std::printf(", deaths");
    for (int t = 0; t < map.teams(); ++t) {
      std::printf(" %d", match->world.deaths[static_cast<std::size_t>(t)]);
    }
    std::printf("\n");
  }
  if (rank != 1) return {.losses = 1};
  return shared ? Score{.draws = 1} : Score{.wins = 1};
}

void measure(const std::vector<territory::Map>& maps, const Options& o,
             const std::string& opponent) {
  std::printf("%s against %s\n", o.player.c_str(), opponent.c_str());
  Score sum;
  const auto begin = std::chrono::steady_clock::now();
  for (const territory::Map& map : maps) {
    Score score;
    for (int seed = 1; seed <= o.seeds; ++seed) {
      for (int seat = 0; seat < map.teams(); ++seat) {
        score.add(play_one(map, o, opponent, seat, static_cast<std::uint64_t>(seed)));
      }
    }
    std::printf("  %-28s %3d won %3d drawn %3d lost\n", map.name.c_str(), score.wins, score.draws,
                score.losses);
    std::fflush(stdout);
    sum.add(score);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("  %-28s %3d won %3d drawn %3d lost: %.1f %%  (%.2f s a game)\n", "all", sum.wins,
              sum.draws, sum.losses, 100.0 * sum.wins / std::max(1, sum.games()),
              took.count() / std::max(1, sum.games()));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--seeds" && has_value) {
      options.seeds = std::atoi(argv[++i]);
    } else if (word == "--player" && has_value) {
      options.player = argv[++i];
    } else if (word == "--maps" && has_value) {
      options.maps = argv[++i];
    } else if (word == "--verbose") {
      options.verbose = true;
    } else if (word.rfind("--", 0) == 0) {
      std::printf(
          "usage: redoubt_strength [--seeds N] [--player NAME] [--maps FILTER] "
          "[--verbose] OPPONENT...\n");
      return 2;
    } else {
      options.opponents.push_back(word);
    }
  }
  if (options.opponents.empty()) options.opponents = {"random", "agentarena", "rush"};
  const auto maps = read_maps(options.maps);
  for (const std::string& opponent : options.opponents)
    measure(maps, options, opponent);
  return 0;
}
