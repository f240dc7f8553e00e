#include "tools/arena/game.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/base/hash64.hpp"
#include "tools/arena/metered.hpp"
#include "tools/arena/program_player.hpp"

namespace redoubt::arena {
namespace {

using strategy::Match;
using territory::Team;

std::uint64_t player_seed(std::uint64_t seed, std::uint8_t lot) {
  // Salted: a player never learns the game's own seed.
  constexpr std::uint64_t salt = 0x6172656e61u;
  return mix64(seed ^ mix64(salt + lot));
}

// A match whose players are measured, and whose programs can lose it by a fault.
class Table {
 public:
  explicit Table(const Game& game) : game_(game) {}
  Result<void> sit_down();
  Result<void> play();
  GameRecord finish();
  const Match& match() const { return *match_; }

 private:
  bool faulty(std::size_t team) const {
    return programs_[team] != nullptr && !programs_[team]->fault().empty();
  }
  int in_play() const;
  void dismiss_faulty();
  std::vector<int> ranks(const territory::Outcome& outcome) const;

  const Game& game_;
  std::optional<Match> match_;
  std::vector<std::unique_ptr<strategy::Player>> dismissed_;
  std::vector<const Metered*> meters_;
  std::vector<ProgramPlayer*> programs_;  // a team; null: a built-in player
};

Result<void> Table::sit_down() {
  auto match = strategy::start_match({.map = game_.ground->map,
                                      .rules = *game_.rules,
                                      .seed = game_.seed,
                                      .lots = game_.lots,
                                      .players = {},
                                      .work_per_tick = game_.work_per_tick});
  if (!match) return match.error();
  match_.emplace(std::move(*match));
  for (std::size_t team = 0; team < game_.seats.size(); ++team) {
    const Contestant& contestant = *game_.seats[team];
    const Place place{.board = match_->board,
                      .team = static_cast<Team>(team),
                      .seed = player_seed(game_.seed, game_.lots[team]),
                      .work_per_thought = game_.work_per_tick * strategy::think_interval_ticks,
                      .patience_ms = game_.patience_ms};
    std::unique_ptr<strategy::Player> player = make_player(contestant, place);
    programs_.push_back(contestant.is_program() ? static_cast<ProgramPlayer*>(player.get())
                                                : nullptr);
    auto metered = std::make_unique<Metered>(std::move(player));
    meters_.push_back(metered.get());
    match_->players[team] = std::move(metered);
    match_->replay.players[team] = contestant.text;
  }
  return {};
}

int Table::in_play() const {
  int count = 0;
  for (std::size_t team = 0; team < programs_.size(); ++team)
    count += faulty(team) ? 0 : 1;
  return count;
}

// The others play on; what it had ordered is dropped.
void Table::dismiss_faulty() {
  for (std::size_t team = 0; team < programs_.size(); ++team) {
    if (!faulty(team) || match_->players[team] == nullptr) continue;
    dismissed_.push_back(std::move(match_->players[team]));
    match_->thoughts[team] = {};
    std::erase_if(match_->pending, [&](const auto& timed) { return timed.order.team == team; });
  }
}

Result<void> Table::play() {
  Match& match = *match_;
  const int limit = match.board.rules().time_limit_ticks;
  dismiss_faulty();
  while (match.world.tick < limit && match.world.over == 0 && in_play() > 1) {
    strategy::begin_thoughts(match);
    while (strategy::thought_is_due(match)) {
      const auto thought =
          strategy::think(match, match.work_per_tick * strategy::think_interval_ticks);
      if (!thought) return thought.error();
    }
    dismiss_faulty();
    if (in_play() <= 1) break;
    if (const auto advanced = strategy::advance(match); !advanced) return advanced;
  }
  return {};
}

// Whoever lost by a fault is behind everybody else.
std::vector<int> Table::ranks(const territory::Outcome& outcome) const {
  const auto key = [&](std::size_t team) {
    const int place = outcome.over ? outcome.rank[team] : 1;
    return faulty(team) ? 1 + territory::teams_max : place;
  };
  std::vector<int> ranks;
  for (std::size_t team = 0; team < programs_.size(); ++team) {
    int rank = 1;
    for (std::size_t other = 0; other < programs_.size(); ++other)
      rank += key(other) < key(team);
    ranks.push_back(rank);
  }
  return ranks;
}

GameRecord Table::finish() {
  const Match& match = *match_;
  const territory::Outcome outcome = territory::outcome(match.board, match.world);
  GameRecord record{.by = outcome.over ? outcome.by : territory::Victory::none,
                    .tick = match.world.tick,
                    .final_hash = territory::state_hash(match.board, match.world)};
  const std::vector<int> rank = ranks(outcome);
  for (std::size_t team = 0; team < meters_.size(); ++team) {
    SeatRecord seat{.rank = rank[team],
                    .held = match.world.held[team],
                    .deposits = match.world.deposits[team],
                    .refused_orders = match.refused[team].count,
                    .work = meters_[team]->work(),
                    .cpu_us = meters_[team]->cpu_us()};
    if (ProgramPlayer* program = programs_[team]) {
      program->finish(seat.rank, victory_name(record.by), record.tick);
      seat.cpu_us += program->cpu_us();
      seat.fault = program->fault();
      seat.fault_tick = program->fault_tick();
    }
    record.seats.push_back(std::move(seat));
  }
  return record;
}

}  // namespace

Result<GameRecord> play_game(const Game& game, territory::Replay* replay) {
  Table table(game);
  if (const auto seated = table.sit_down(); !seated) return seated.error();
  if (const auto played = table.play(); !played) return played.error();
  if (replay != nullptr) *replay = strategy::recorded(table.match());
  return table.finish();
}

int half_points(const GameRecord& record, std::size_t a, std::size_t b) {
  const int ours = record.seats[a].rank;
  const int theirs = record.seats[b].rank;
  return ours < theirs ? 2 : ours == theirs ? 1 : 0;
}

std::string_view victory_name(territory::Victory by) {
  constexpr std::array<std::string_view, 5> names{"fault", "territory", "elimination", "domination",
                                                  "time_limit"};
  return names[static_cast<std::size_t>(by)];
}

}  // namespace redoubt::arena
