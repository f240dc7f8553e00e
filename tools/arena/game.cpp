#include "tools/arena/game.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/base/hash64.hpp"
#include "tools/arena/metered.hpp"

namespace redoubt::arena {
namespace {

using nlohmann::ordered_json;
using strategy::Match;
using territory::Team;

std::uint64_t player_seed(std::uint64_t seed, std::uint8_t lot) {
  // Salted: a player never learns the game's own seed.
  constexpr std::uint64_t salt = 0x6172656e61u;
  return mix64(seed ^ mix64(salt + lot));
}

Result<Match> prepare(const Game& game, std::vector<const Metered*>& meters) {
  auto match = strategy::start_match({.map = game.ground->map,
                                      .rules = *game.rules,
                                      .seed = game.seed,
                                      .lots = game.lots,
                                      .players = {},
                                      .work_per_tick = game.work_per_tick});
  if (!match) return match.error();
  for (std::size_t team = 0; team < game.seats.size(); ++team) {
    const Place place{.board = match->board,
                      .team = static_cast<Team>(team),
                      .seed = player_seed(game.seed, game.lots[team]),
                      .work_per_thought = game.work_per_tick * strategy::think_interval_ticks};
    auto player = std::make_unique<Metered>(make_player(*game.seats[team], place));
    meters.push_back(player.get());
    match->players[team] = std::move(player);
    match->replay.players[team] = game.seats[team]->text;
  }
  return match;
}

void read_seats(const Match& match, const std::vector<const Metered*>& meters, GameRecord& record) {
  const territory::Outcome outcome = territory::outcome(match.board, match.world);
  for (std::size_t team = 0; team < meters.size(); ++team) {
    record.seats.push_back({.rank = outcome.rank[team],
                            .held = match.world.held[team],
                            .deposits = match.world.deposits[team],
                            .refused_orders = match.refused[team].count,
                            .work = meters[team]->work(),
                            .cpu_us = meters[team]->cpu_us()});
  }
  record.by = outcome.by;
}

}  // namespace

Result<GameRecord> play_game(const Game& game, territory::Replay* replay) {
  std::vector<const Metered*> meters;
  auto match = prepare(game, meters);
  if (!match) return match.error();
  const auto played = strategy::play(*match, match->board.rules().time_limit_ticks);
  if (!played) return played.error();
  GameRecord record;
  record.tick = match->world.tick;
  record.final_hash = territory::state_hash(match->board, match->world);
  read_seats(*match, meters, record);
  if (replay != nullptr) *replay = strategy::recorded(*match);
  return record;
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

ordered_json game_line(const Game& game, const GameRecord& record) {
  ordered_json line;
  const Ground& ground = *game.ground;
  if (ground.file.empty()) {
    line["generated"] = {{"width", ground.map.width},
                         {"height", ground.map.height},
                         {"teams", ground.map.teams()},
                         {"seed", std::to_string(ground.map_seed)}};
  } else {
    line["file"] = ground.file;
  }
  line["map_hash"] = hex16(ground.map.hash());
  line["rules_hash"] = hex16(territory::hash(*game.rules));
  line["seed"] = std::to_string(game.seed);
  line["work"] = game.work_per_tick;
  line["seats"] = ordered_json::array();
  for (std::size_t team = 0; team < game.seats.size(); ++team) {
    const SeatRecord& seat = record.seats[team];
    ordered_json one = {{"player", game.seats[team]->text},
                        {"lot", game.lots[team]},
                        {"rank", seat.rank},
                        {"held", seat.held},
                        {"deposits", seat.deposits},
                        {"work", seat.work}};
    if (seat.refused_orders > 0) one["refused_orders"] = seat.refused_orders;
    if (!seat.fault.empty()) one["fault"] = {{"tick", seat.fault_tick}, {"what", seat.fault}};
    line["seats"].push_back(std::move(one));
  }
  line["by"] = victory_name(record.by);
  line["tick"] = record.tick;
  line["hash"] = hex16(record.final_hash);
  return line;
}

}  // namespace redoubt::arena
