#include "tools/arena/tournament.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "engine/base/hash64.hpp"

namespace redoubt::arena {
namespace {

using Table = std::vector<std::size_t>;

constexpr double rating_prior_draws = 1;

// Every choice of `seats` players, in ascending order.
std::vector<Table> tables_of(std::size_t players, std::size_t seats) {
  if (players < seats) {
    Table table;
    for (std::size_t seat = 0; seat < seats; ++seat)
      table.push_back(std::min(seat, players - 1));
    return {table};
  }
  std::vector<Table> tables;
  Table table(seats);
  for (std::size_t i = 0; i < seats; ++i)
    table[i] = i;
  for (;;) {
    tables.push_back(table);
    std::size_t place = seats;
    while (place > 0 && table[place - 1] == players - seats + place - 1)
      --place;
    if (place == 0) return tables;
    ++table[place - 1];
    for (std::size_t i = place; i < seats; ++i)
      table[i] = table[i - 1] + 1;
  }
}

// Tables take turns, so that a measurement that is cut off has seen all of them.
std::vector<PlayedGame> list_games(const TournamentOptions& options) {
  const auto seats = static_cast<std::size_t>(options.grounds.front().map.teams());
  const std::vector<Table> tables = tables_of(options.players.size(), seats);
  std::vector<PlayedGame> games;
  for (std::size_t round = 0; round < static_cast<std::size_t>(options.rounds); ++round) {
    const std::size_t ground = round % options.grounds.size();
    for (std::size_t t = 0; t < tables.size(); ++t) {
      for (std::size_t shift = 0; shift < seats; ++shift) {
        PlayedGame one{.number = games.size(), .table = t, .round = round, .ground = ground};
        one.game.ground = &options.grounds[ground];
        one.game.rules = &options.rules;
        one.game.seed = mix64(mix64(options.seed) + round);
        one.game.work_per_tick = options.work_per_tick;
        one.game.patience_ms = options.patience_ms;
        for (std::size_t seat = 0; seat < seats; ++seat) {
          const std::size_t place = (seat + shift) % seats;
          one.players.push_back(tables[t][place]);
          one.game.seats.push_back(&options.players[tables[t][place]]);
          // Lots travel with the players, so that swapping seats swaps nothing else.
          one.game.lots[seat] = static_cast<std::uint8_t>(place);
        }
        games.push_back(std::move(one));
      }
    }
  }
  return games;
}

// Hands out games in the order of the list, takes the results in the same order.
class Runner {
 public:
  Runner(std::vector<PlayedGame>& games, const Told& told) : games_(games), told_(told) {
    done_.resize(games.size());
  }

  void work() {
    for (;;) {
      const std::size_t number = next_++;
      if (number >= games_.size() || stopped_) return;
      auto record = play_game(games_[number].game);
      const std::lock_guard lock(mutex_);
      take(number, std::move(record));
    }
  }

  /// Called under the lock with each game in the order of the list; true: no further ones.
  std::function<bool(const PlayedGame&)> is_last;
  std::size_t told() const { return told_count_; }
  const std::optional<Error>& error() const { return error_; }

 private:
  void take(std::size_t number, Result<GameRecord> record) {
    if (!record) {
      // The first one of the list, whoever came upon it first.
      if (!error_ || number < error_number_) error_ = record.error(), error_number_ = number;
      stopped_ = true;
      return;
    }
    games_[number].record = std::move(*record);
    done_[number] = 1;
    while (told_count_ < games_.size() && done_[told_count_] != 0 && !ended_) {
      const PlayedGame& game = games_[told_count_++];
      if (told_) told_(game);
      if (is_last && is_last(game)) stopped_ = ended_ = true;
    }
  }

  std::vector<PlayedGame>& games_;
  const Told& told_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  bool ended_ = false;
  std::vector<std::uint8_t> done_;
  std::size_t told_count_ = 0;
  std::optional<Error> error_;
  std::size_t error_number_ = 0;
};

// What a game says about two players who sat at its table; nothing where they are one and the same.
void count(const PlayedGame& game, std::vector<Duel>& duels) {
  for (std::size_t i = 0; i < game.players.size(); ++i) {
    for (std::size_t j = 0; j < game.players.size(); ++j) {
      const std::size_t a = game.players[i];
      const std::size_t b = game.players[j];
      if (a >= b) continue;
      const auto found = std::find_if(duels.begin(), duels.end(),
                                      [&](const Duel& d) { return d.a == a && d.b == b; });
      Duel& duel = found != duels.end() ? *found : duels.emplace_back(Duel{.a = a, .b = b});
      const int points = half_points(game.record, i, j);
      ++(points == 2 ? duel.wins : points == 1 ? duel.draws : duel.losses);
      if (duel.rounds.size() <= game.round) duel.rounds.resize(game.round + 1);
      RoundScore& round = duel.rounds[game.round];
      round.map = game.ground;
      round.half_points += points;
      ++round.comparisons;
    }
  }
}

class SequentialTest {
 public:
  explicit SequentialTest(const Sprt& sprt) : sprt_(sprt) {
    verdict_.bounds = sprt_bounds(sprt.alpha, sprt.beta);
  }
  /// Looks at the test after each whole pair; true once it is decided.
  bool add(const PlayedGame& game) {
    const std::size_t first = game.players[0] == 0 ? 0 : 1;
    half_points_ += half_points(game.record, first, 1 - first);
    if (++games_ % 2 != 0) return false;
    ++pairs_[static_cast<std::size_t>(half_points_)];
    half_points_ = 0;
    verdict_.ratio = log_likelihood_ratio(pairs_, sprt_.elo0, sprt_.elo1);
    if (verdict_.ratio >= verdict_.bounds.upper) verdict_.accepted = 1;
    if (verdict_.ratio <= verdict_.bounds.lower) verdict_.accepted = 0;
    return verdict_.accepted >= 0;
  }
  const Verdict& verdict() const { return verdict_; }

 private:
  Sprt sprt_;
  Verdict verdict_;
  Pentanomial pairs_{};
  int half_points_ = 0;
  int games_ = 0;
};

void judge(const TournamentOptions& options, Tournament& result) {
  CrossTable table(options.players.size(), std::vector<std::int64_t>(options.players.size()));
  const bool two_teams = options.grounds.front().map.teams() == 2;
  for (const PlayedGame& game : result.games)
    count(game, result.duels);
  std::sort(result.duels.begin(), result.duels.end(),
            [](const Duel& x, const Duel& y) { return std::pair(x.a, x.b) < std::pair(y.a, y.b); });
  for (Duel& duel : result.duels) {
    duel.elo = estimate_elo(duel.rounds, options.seed);
    table[duel.a][duel.b] = 2 * duel.wins + duel.draws;
    table[duel.b][duel.a] = 2 * duel.losses + duel.draws;
    if (two_teams) duel.pairs = pentanomial_of(duel.rounds);
  }
  result.ratings = bradley_terry(table, rating_prior_draws);
}

}  // namespace

std::size_t games_of(const TournamentOptions& options) {
  const auto seats = static_cast<std::size_t>(options.grounds.front().map.teams());
  return tables_of(options.players.size(), seats).size() * seats *
         static_cast<std::size_t>(options.rounds);
}

Result<Tournament> run_tournament(const TournamentOptions& options, const Told& told) {
  Tournament result;
  result.games = list_games(options);
  std::optional<SequentialTest> test;
  Runner runner(result.games, told);
  if (options.sprt) {
    test.emplace(*options.sprt);
    runner.is_last = [&](const PlayedGame& game) { return test->add(game); };
  }
  std::vector<std::thread> threads;
  for (int job = 1; job < options.jobs; ++job)
    threads.emplace_back([&runner] { runner.work(); });
  runner.work();
  for (std::thread& thread : threads)
    thread.join();
  if (runner.error()) return *runner.error();
  result.games.resize(runner.told());
  judge(options, result);
  if (test) result.sprt = test->verdict();
  return result;
}

}  // namespace redoubt::arena
