// Tournament: which games are played, and what they say together.
//
// 1. A table is a set of players, one for each seat. With as many players as seats there is one
//    table; with more there is one for each choice; two players at a table of three or four seats:
//    the second one sits in all the others. A table plays `rounds` rounds; each round is a map and
//    a seed, played with the players moved on by one seat until everybody had each.
// 2. The list of games follows from the options alone. So does everything that is said about them
//    but CPU time, whatever the number of jobs: results are taken in the order of the list, and a
//    test that ends early ends at the same round.
#pragma once

#include <functional>
#include <optional>

#include "tools/arena/game.hpp"
#include "tools/arena/statistics.hpp"

namespace redoubt::arena {

struct Sprt {
  double elo0 = 0;
  double elo1 = 0;
  double alpha = 0.05;
  double beta = 0.05;
};

struct TournamentOptions {
  std::vector<Contestant> players;
  std::vector<Ground> grounds;
  territory::Rules rules = territory::default_rules();
  int rounds = 1;  ///< for each table
  std::uint64_t seed = 1;
  int work_per_tick = 100;
  int patience_ms = patience_ms_usual;  ///< with programs
  int jobs = 1;
  std::optional<Sprt> sprt;  ///< of the first player against the second; with two players only
};

/// A game of the list and who sat where, by index into the options' players.
struct PlayedGame {
  std::size_t number = 0;
  std::size_t table = 0;
  std::size_t round = 0;
  std::size_t ground = 0;
  std::vector<std::size_t> players;  ///< by team
  Game game;
  GameRecord record;
};

/// One player against another, over all tables where both sat.
struct Duel {
  std::size_t a = 0;
  std::size_t b = 0;
  int wins = 0;  ///< of a
  int draws = 0;
  int losses = 0;
  std::vector<RoundScore> rounds;
  EloEstimate elo;
  std::optional<Pentanomial> pairs;  ///< of games for two teams
};

struct Verdict {
  double ratio = 0;
  SprtBounds bounds;
  int accepted = -1;  ///< 0 or 1: that hypothesis; -1: not decided within the games
};

struct Tournament {
  std::vector<PlayedGame> games;
  std::vector<Duel> duels;
  std::vector<double> ratings;  ///< Bradley-Terry in Elo, mean 0, by player
  std::optional<Verdict> sprt;
};

/// Called once a game in the order of the list, from one thread at a time.
using Told = std::function<void(const PlayedGame&)>;

/// REQUIRES: at least two players and a ground; grounds of one number of teams; `options` outlives
/// the result. Error: what play_game() says, with the game's line.
Result<Tournament> run_tournament(const TournamentOptions& options, const Told& told = {});

/// How many games that is, at most.
std::size_t games_of(const TournamentOptions& options);

}  // namespace redoubt::arena
