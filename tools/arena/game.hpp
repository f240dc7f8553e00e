// Game: one game of a measurement, from what it is played with to what came of it, and the line
// that it can be played again from.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/strategy/match.hpp"
#include "tools/arena/contestant.hpp"
#include "tools/arena/grounds.hpp"

namespace redoubt::arena {

constexpr int work_per_tick_max = 1'000'000;

struct Game {
  const Ground* ground = nullptr;
  const territory::Rules* rules = nullptr;
  std::uint64_t seed = 0;
  std::vector<const Contestant*> seats;  ///< by team
  territory::Lots lots = territory::default_lots;
  int work_per_tick = 100;
  int patience_ms = patience_ms_usual;
};

/// How one seat fared.
struct SeatRecord {
  int rank = 0;  ///< 1 is best; equal ranks are draws
  int held = 0;
  int deposits = 0;
  int refused_orders = 0;
  std::int64_t work = 0;    ///< units, over the whole game
  std::int64_t cpu_us = 0;  ///< of its thinking; differs from run to run
  std::string fault;        ///< of a program that lost the game by it; empty: none
  std::int32_t fault_tick = 0;
};

struct GameRecord {
  territory::Victory by = territory::Victory::none;  ///< none: a program lost by its fault
  std::int32_t tick = 0;
  std::uint64_t final_hash = 0;
  std::vector<SeatRecord> seats;
};

/// Plays it. Error: a match that cannot be started, or a built-in player that does not end.
/// `replay`: takes the recording where it is not null.
Result<GameRecord> play_game(const Game& game, territory::Replay* replay = nullptr);

/// 2 where seat `a` did better than `b`, 1 for a draw, 0.
int half_points(const GameRecord& record, std::size_t a, std::size_t b);

std::string_view victory_name(territory::Victory by);

/// All that is needed to play the game again and to see whether it is the same; one line of JSON.
nlohmann::ordered_json game_json(const Game& game, const GameRecord& record);
std::string game_line(const Game& game, const GameRecord& record);

/// A game read back from its line; it owns what Game points to.
struct ReadGame {
  Ground ground;
  std::vector<Contestant> contestants;  ///< by team
  Game game;
  std::uint64_t final_hash = 0;
};
/// Errors: bad_use (no such line), bad_file, bad_map, bad_player. The map's and the rules' hashes
/// must be those of the line. REQUIRES: the result is not copied or moved from its place.
Result<std::unique_ptr<ReadGame>> read_game_line(std::string_view line,
                                                 const territory::Rules& rules);

}  // namespace redoubt::arena
