#include "tools/arena/statistics.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace redoubt::arena;

namespace {

// A round of a pair on a map of its own.
std::vector<RoundScore> rounds_of(const std::vector<int>& half_points) {
  std::vector<RoundScore> rounds;
  for (int points : half_points)
    rounds.push_back({.map = rounds.size(), .half_points = points, .comparisons = 2});
  return rounds;
}

}  // namespace

TEST_CASE("arena: Elo is the logistic model's") {
  CHECK(elo_of_score(0.5) == doctest::Approx(0));
  CHECK(elo_of_score(0.75) == doctest::Approx(190.8485));
  CHECK(score_of_elo(400) == doctest::Approx(10.0 / 11));
  CHECK(elo_of_score(score_of_elo(-37)) == doctest::Approx(-37));
}

TEST_CASE("arena: pairs are counted by their points") {
  CHECK(pentanomial_of(rounds_of({4, 4, 3, 2, 2, 2, 0})) == Pentanomial{1, 0, 3, 1, 2});
}

TEST_CASE("arena: the Elo of a sweep is finite, and a map alone has no interval") {
  const EloEstimate sweep = estimate_elo(rounds_of(std::vector<int>(16, 4)), 1);
  CHECK(sweep.score == 1);
  CHECK(sweep.elo == doctest::Approx(elo_of_score(1 - 0.5 / 32)));
  CHECK(sweep.low == sweep.high);
  const std::vector<RoundScore> one_map(8, {.map = 3, .half_points = 3, .comparisons = 2});
  const EloEstimate narrow = estimate_elo(one_map, 1);
  CHECK(narrow.elo == doctest::Approx(190.8485));
  CHECK(narrow.low == narrow.high);
}

TEST_CASE("arena: the bootstrap draws whole maps and is deterministic") {
  std::vector<RoundScore> spread;
  std::vector<RoundScore> clustered;
  for (std::size_t i = 0; i < 64; ++i) {
    const RoundScore round{.map = i, .half_points = i % 2 == 0 ? 4 : 0, .comparisons = 2};
    spread.push_back(round);
    clustered.push_back(round);
    clustered.back().map = i % 4;  // each map always ends the same way
  }
  const EloEstimate a = estimate_elo(spread, 7);
  const EloEstimate b = estimate_elo(spread, 7);
  CHECK(a.low == b.low);
  CHECK(a.high == b.high);
  CHECK(a.elo == doctest::Approx(0));
  // The standard error of the mean of 64 coin flips: 0.0625; 1.96 of them are 0.1225.
  CHECK(score_of_elo(a.high) - 0.5 == doctest::Approx(0.1225).epsilon(0.15));
  CHECK(a.low + a.high == doctest::Approx(0).epsilon(0.02));
  // Four maps are four observations, however often they are played.
  CHECK(estimate_elo(clustered, 7).high > 2 * a.high);
}

TEST_CASE("arena: the likelihood ratio of pairs that only win or lose is the binomial's") {
  const double s1 = score_of_elo(100);
  const double expected = 75 * std::log(s1 / 0.5) + 25 * std::log((1 - s1) / 0.5);
  // Empty results count as a thousandth of a pair.
  CHECK(log_likelihood_ratio({25, 0, 0, 0, 75}, 0, 100) == doctest::Approx(expected).epsilon(1e-4));
}

TEST_CASE("arena: the likelihood ratio of pairs, against the normal approximation") {
  const Pentanomial counts{10, 150, 300, 180, 12};
  CHECK(log_likelihood_ratio(counts, 0, 5) == doctest::Approx(1.1051016).epsilon(1e-6));
  CHECK(log_likelihood_ratio(counts, -3, 1) == doctest::Approx(1.3518171).epsilon(1e-6));
  // N (s1 - s0) (2 mean - s0 - s1) / (2 variance) is close while the hypotheses are.
  CHECK(log_likelihood_ratio(counts, 0, 5) == doctest::Approx(1.1098365).epsilon(0.01));
  CHECK(log_likelihood_ratio(counts, 5, 0) == doctest::Approx(-1.1051016).epsilon(1e-6));
}

TEST_CASE("arena: Wald's bounds") {
  const SprtBounds bounds = sprt_bounds(0.05, 0.05);
  CHECK(bounds.upper == doctest::Approx(2.944439));
  CHECK(bounds.lower == doctest::Approx(-2.944439));
  CHECK(sprt_bounds(0.05, 0.1).lower == doctest::Approx(std::log(0.1 / 0.95)));
}

TEST_CASE("arena: Bradley-Terry on cases computed by hand") {
  SUBCASE("three wins to one are odds of 3") {
    const auto elo = bradley_terry({{0, 6}, {2, 0}}, 0);
    CHECK(elo[0] - elo[1] == doctest::Approx(400 * std::log10(3.0)));
    CHECK(elo[0] + elo[1] == doctest::Approx(0));
  }
  SUBCASE("strengths of 4, 2 and 1 give back the scores they expect") {
    // A-B 4:2, B-C 4:2, A-C 4:1, in half points.
    const auto elo = bradley_terry({{0, 8, 8}, {4, 0, 8}, {2, 4, 0}}, 0);
    CHECK(elo[0] - elo[1] == doctest::Approx(120.412));
    CHECK(elo[1] - elo[2] == doctest::Approx(120.412));
  }
  SUBCASE("a draw is half a win each") {
    const auto elo = bradley_terry({{0, 3}, {1, 0}}, 0);  // a win and a draw
    CHECK(elo[0] - elo[1] == doctest::Approx(400 * std::log10(3.0)));
  }
  SUBCASE("a drawn game against rating 0 keeps a sweep finite") {
    // Two wins to none: with strengths s and 1/s, s solves (2 + 1/2) = 2 s^2/(1 + s^2) + s/(1 + s).
    const auto elo = bradley_terry({{0, 4}, {0, 0}}, 1);
    const double s = std::pow(10.0, elo[0] / 400);
    CHECK(2 * s * s / (1 + s * s) + s / (1 + s) == doctest::Approx(2.5));
    CHECK(elo[0] == doctest::Approx(-elo[1]));
  }
}
