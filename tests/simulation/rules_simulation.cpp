// Plays scripted sides against each other on generated maps, each pair on both sides, and prints
// who beats whom: how a change of the rules' table is judged.
//
//   redoubt_rules_simulation [maps [rules.json]]     default 10 maps, the compiled-in rules
//
// Every map is played at 40x28 (odd seeds) or 30x24 (even seeds).

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "engine/territory/step.hpp"
#include "tests/simulation/scripted_sides.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using simulation::Side;
using simulation::Style;
using simulation::styles;

namespace {

constexpr int think_interval_ticks = 10;
constexpr std::array<const char*, 5> victory_names{"-", "territory", "elimination", "domination",
                                                   "time limit"};

struct Score {
  int games = 0;
  int half_points = 0;  // a win 2, a draw 1
};

struct Tally {
  std::array<std::array<Score, styles>, styles> pairs;
  std::array<int, 5> ends{};
  std::array<std::int64_t, 5> end_ticks{};
  Score side_0;
};

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "rules_simulation: %s\n", why.c_str());
  std::exit(2);
}

Outcome play(const Board& board, std::uint64_t seed, Style first, Style second, bool swapped) {
  // The lot travels with the player.
  const Lots lots = swapped ? Lots{1, 0, 2, 3} : default_lots;
  auto world = std::make_unique<World>(start(board, seed, lots));
  std::array<Side, 2> sides{Side(board, 0, swapped ? second : first),
                            Side(board, 1, swapped ? first : second)};
  std::array<View, 2> views;
  std::vector<Order> orders;
  while (world->over == 0) {
    orders.clear();
    if (world->tick % think_interval_ticks == 0) {
      for (Team team = 0; team < 2; ++team) {
        observe(board, *world, team, views[team]);
        const std::vector<Order>& more = sides[team].think(views[team]);
        orders.insert(orders.end(), more.begin(), more.end());
      }
    }
    if (auto played = step(board, *world, orders); !played) stop(played.error().message);
  }
  return outcome(board, *world);
}

void add(Score& score, const Outcome& end, Team side) {
  ++score.games;
  score.half_points += end.winner == no_team ? 1 : end.winner == side ? 2 : 0;
}

void play_map(Tally& tally, const Rules& rules, std::uint64_t seed) {
  const bool large = seed % 2 == 1;
  Result<Map> map = generate({.width = large ? 40 : 30, .height = large ? 28 : 24, .seed = seed});
  if (!map) stop(map.error().message);
  Result<Board> board = Board::make(std::move(map).value(), rules);
  if (!board) stop(board.error().message);
  for (std::size_t a = 0; a < styles; ++a) {
    for (std::size_t b = a; b < styles; ++b) {
      for (const bool swapped : {false, true}) {
        if (a == b && swapped) continue;
        const Outcome end =
            play(*board, seed, static_cast<Style>(a), static_cast<Style>(b), swapped);
        add(tally.pairs[a][b], end, swapped ? 1 : 0);
        if (a != b) add(tally.pairs[b][a], end, swapped ? 0 : 1);
        add(tally.side_0, end, 0);
        const auto by = static_cast<std::size_t>(end.by);
        ++tally.ends[by];
        tally.end_ticks[by] += end.tick;
      }
    }
  }
}

double percent(const Score& score) {
  return score.games == 0 ? 0.0 : 50.0 * score.half_points / score.games;
}

void print(const Tally& tally) {
  std::printf("%% of points of the row against the column (a draw is half a point)\n%-12s", "");
  for (std::size_t b = 0; b < styles; ++b) {
    std::printf("%11s", std::string(name(static_cast<Style>(b))).c_str());
  }
  std::printf("%11s\n", "all");
  for (std::size_t a = 0; a < styles; ++a) {
    std::printf("%-12s", std::string(name(static_cast<Style>(a))).c_str());
    Score all;
    for (std::size_t b = 0; b < styles; ++b) {
      std::printf("%10.0f%%", percent(tally.pairs[a][b]));
      if (a == b) continue;
      all.games += tally.pairs[a][b].games;
      all.half_points += tally.pairs[a][b].half_points;
    }
    std::printf("%10.0f%%\n", percent(all));
  }
  std::printf("\n%-12s %6s %14s\n", "ended by", "games", "ticks, mean");
  for (std::size_t k = 1; k < tally.ends.size(); ++k) {
    const int games = std::max(1, tally.ends[k]);
    std::printf("%-12s %6d %14.0f\n", victory_names[k], tally.ends[k],
                static_cast<double>(tally.end_ticks[k]) / games);
  }
  std::printf("\nteam 0's points over all games: %.1f%%\n", percent(tally.side_0));
}

Rules read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) stop(std::string("cannot read ") + path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const Result<Rules> rules = read_rules(text);
  if (!rules) stop(rules.error().message);
  return *rules;
}

}  // namespace

int main(int argc, char** argv) {
  const int maps = argc > 1 ? std::atoi(argv[1]) : 10;
  if (maps < 1 || maps > 1000) stop("expected 1 to 1000 maps");
  const Rules rules = argc > 2 ? read_file(argv[2]) : default_rules();
  Tally tally;
  for (int k = 1; k <= maps; ++k)
    play_map(tally, rules, static_cast<std::uint64_t>(k));
  print(tally);
  return 0;
}
