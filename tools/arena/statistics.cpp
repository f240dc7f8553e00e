#include "tools/arena/statistics.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/rng.hpp"

namespace redoubt::arena {
namespace {

constexpr double points_of_pair[5] = {0, 0.25, 0.5, 0.75, 1};  // as a share of both games
constexpr double count_min = 1e-3;
constexpr double tail_share = 0.025;  // on either side of a 95 % interval

struct MapSum {
  std::int64_t half_points = 0;
  std::int64_t comparisons = 0;
};

double share(const MapSum& sum) {
  return sum.comparisons == 0
             ? 0.5
             : static_cast<double>(sum.half_points) / (2.0 * static_cast<double>(sum.comparisons));
}

double bounded_elo(double score, std::int64_t comparisons) {
  const double edge = 0.5 / static_cast<double>(std::max<std::int64_t>(1, comparisons));
  return elo_of_score(std::clamp(score, std::min(edge, 0.5), std::max(1 - edge, 0.5)));
}

std::vector<MapSum> sums_by_map(std::span<const RoundScore> rounds) {
  std::vector<MapSum> maps;
  for (const RoundScore& round : rounds) {
    if (round.map >= maps.size()) maps.resize(round.map + 1);
    maps[round.map].half_points += round.half_points;
    maps[round.map].comparisons += round.comparisons;
  }
  std::erase_if(maps, [](const MapSum& m) { return m.comparisons == 0; });
  return maps;
}

using Distribution = std::array<double, 5>;

// The distribution of maximum likelihood with a given mean: p_i / (1 + x (a_i - mean)), where x is
// the root of a falling function; found by bisection.
Distribution with_mean(const Distribution& seen, double mean) {
  const double low_end = -1 / (1 - mean);
  const double high_end = 1 / mean;
  double low = low_end;
  double high = high_end;
  for (int i = 0; i < 200; ++i) {
    const double x = (low + high) / 2;
    double sum = 0;
    for (std::size_t k = 0; k < seen.size(); ++k) {
      const double a = points_of_pair[k] - mean;
      sum += seen[k] * a / (1 + x * a);
    }
    (sum > 0 ? low : high) = x;
  }
  const double x = (low + high) / 2;
  Distribution out{};
  for (std::size_t k = 0; k < seen.size(); ++k) {
    out[k] = seen[k] / (1 + x * (points_of_pair[k] - mean));
  }
  return out;
}

}  // namespace

Pentanomial pentanomial_of(std::span<const RoundScore> rounds) {
  Pentanomial counts{};
  for (const RoundScore& round : rounds) {
    ++counts[static_cast<std::size_t>(round.half_points)];
  }
  return counts;
}

double score_of_elo(double elo) {
  return 1 / (1 + std::pow(10.0, -elo / 400));
}

double elo_of_score(double score) {
  return -400 * std::log10(1 / score - 1);
}

EloEstimate estimate_elo(std::span<const RoundScore> rounds, std::uint64_t seed, int resamples) {
  const std::vector<MapSum> maps = sums_by_map(rounds);
  EloEstimate estimate;
  if (maps.empty()) return estimate;
  MapSum all;
  for (const MapSum& map : maps) {
    all.half_points += map.half_points;
    all.comparisons += map.comparisons;
  }
  estimate.score = share(all);
  estimate.elo = bounded_elo(estimate.score, all.comparisons);
  Rng rng(mix64(seed ^ 0x626f6f7473747261u));
  std::vector<double> scores;
  for (int i = 0; i < resamples; ++i) {
    MapSum drawn;
    for (std::size_t k = 0; k < maps.size(); ++k) {
      const MapSum& map = maps[rng.below(static_cast<std::uint32_t>(maps.size()))];
      drawn.half_points += map.half_points;
      drawn.comparisons += map.comparisons;
    }
    scores.push_back(share(drawn));
  }
  std::sort(scores.begin(), scores.end());
  const auto cut = static_cast<std::size_t>(tail_share * resamples);
  estimate.low = bounded_elo(scores[cut], all.comparisons);
  estimate.high = bounded_elo(scores[scores.size() - 1 - cut], all.comparisons);
  return estimate;
}

double log_likelihood_ratio(const Pentanomial& counts, double elo0, double elo1) {
  Distribution seen{};
  double pairs = 0;
  for (std::size_t k = 0; k < seen.size(); ++k) {
    seen[k] = std::max(count_min, static_cast<double>(counts[k]));
    pairs += seen[k];
  }
  for (double& p : seen)
    p /= pairs;
  const Distribution p0 = with_mean(seen, score_of_elo(elo0));
  const Distribution p1 = with_mean(seen, score_of_elo(elo1));
  double ratio = 0;
  for (std::size_t k = 0; k < seen.size(); ++k) {
    ratio += pairs * seen[k] * std::log(p1[k] / p0[k]);
  }
  return ratio;
}

SprtBounds sprt_bounds(double alpha, double beta) {
  return {.lower = std::log(beta / (1 - alpha)), .upper = std::log((1 - beta) / alpha)};
}

std::vector<double> bradley_terry(const CrossTable& table, double prior_draws) {
  constexpr int rounds_max = 10'000;
  constexpr double close_enough = 1e-12;
  const std::size_t players = table.size();
  std::vector<double> strength(players, 1);
  for (int round = 0; round < rounds_max; ++round) {
    double change = 0;
    for (std::size_t i = 0; i < players; ++i) {
      double wins = prior_draws / 2;
      double weight = prior_draws / (strength[i] + 1);
      for (std::size_t j = 0; j < players; ++j) {
        const auto games = static_cast<double>(table[i][j] + table[j][i]) / 2;
        if (i == j || games == 0) continue;
        wins += static_cast<double>(table[i][j]) / 2;
        weight += games / (strength[i] + strength[j]);
      }
      if (weight == 0) continue;  // played nobody
      const double next = std::max(1e-9, wins / weight);
      change = std::max(change, std::abs(next - strength[i]) / strength[i]);
      strength[i] = next;
    }
    if (change < close_enough) break;
  }
  std::vector<double> elo;
  double mean = 0;
  for (const double s : strength) {
    elo.push_back(400 * std::log10(s));
    mean += elo.back() / static_cast<double>(players);
  }
  for (double& e : elo)
    e -= mean;
  return elo;
}

}  // namespace redoubt::arena
