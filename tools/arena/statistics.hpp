// Statistics: what games played in rounds say about strength.
//
// 1. A round is a map and a seed played once with every arrangement of the seats; with two players
//    it is a pair of games. Rounds are the unit of chance: the games of one round are not
//    independent of each other, nor are the rounds of one map.
// 2. Points are counted in halves, so that sums are exact: a win is 2, a draw 1.
// 3. All is deterministic: the bootstrap draws from base's Rng.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace redoubt::arena {

/// How one player fared against another in a round.
struct RoundScore {
  std::size_t map = 0;  ///< which map; rounds of one map are drawn together by the bootstrap
  int half_points = 0;  ///< of the first player
  int comparisons = 0;  ///< games in which both took part; 2 in a pair
};

/// Pairs by the first player's points: 0, 1/2, 1, 3/2, 2.
using Pentanomial = std::array<std::int64_t, 5>;
/// REQUIRES: every round has two comparisons.
Pentanomial pentanomial_of(std::span<const RoundScore> rounds);

/// The logistic model: a difference of 400 Elo is odds of 10 to 1.
double score_of_elo(double elo);
/// REQUIRES: 0 < score < 1.
double elo_of_score(double score);

struct EloEstimate {
  double score = 0.5;  ///< 0..1
  double elo = 0;
  double low = 0;  ///< 95 % interval
  double high = 0;
};
/// The interval is the bootstrap's over maps (percentiles of `resamples` draws of whole maps, with
/// replacement). A score of nothing or of everything has no finite Elo: for it, half a point of all
/// games is taken as the distance from the end.
constexpr int resamples_usual = 2000;
EloEstimate estimate_elo(std::span<const RoundScore> rounds, std::uint64_t seed,
                         int resamples = resamples_usual);

/// Generalised log-likelihood ratio of "the first player is elo1 stronger" over "elo0 stronger",
/// from the pentanomial counts: the maximum-likelihood distributions over the five results whose
/// means are the two hypotheses' scores (Van den Bergh, "A Practical Introduction to the GSPRT").
/// Counts of 0 are taken as 0.001, as Stockfish's fishtest does.
double log_likelihood_ratio(const Pentanomial& counts, double elo0, double elo1);

struct SprtBounds {
  double lower = 0;
  double upper = 0;
};
/// Wald's bounds for errors of the first and second kind.
SprtBounds sprt_bounds(double alpha, double beta);

/// half_points[i][j]: what player i scored against j; half_points[i][j] + half_points[j][i] is
/// twice their games.
using CrossTable = std::vector<std::vector<std::int64_t>>;
/// Bradley-Terry ratings in Elo, mean 0, by the minorisation of Hunter (2004); a draw is half a
/// win. `prior_draws`: drawn games of each player against one of rating 0, so that whoever won or
/// lost everything has a finite rating.
std::vector<double> bradley_terry(const CrossTable& table, double prior_draws);

}  // namespace redoubt::arena
