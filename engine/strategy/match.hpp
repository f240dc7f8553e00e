// Match: a world, its players and the recording of what they ordered; the loop that the command
// line, the arena, the tests and the page share.
//
// Tactics are thought every think_interval_ticks from the view of that tick; the orders act
// order_delay_ticks later (Mode::arena) or as soon as thought (Mode::page).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/strategy/player.hpp"
#include "engine/territory/replay.hpp"

namespace redoubt::strategy {

constexpr int think_interval_ticks = 10;
constexpr int order_delay_ticks = 5;

struct Match {
  territory::Board board;
  territory::World world;
  std::vector<std::unique_ptr<Player>> players;
  std::vector<territory::View> views;
  std::vector<territory::TimedOrder> pending;
  territory::Replay replay;
  int work_per_tick = 100;
};

struct MatchOptions {
  territory::Map map;
  territory::Rules rules;
  std::uint64_t seed = 1;
  territory::Lots lots = territory::default_lots;
  std::vector<std::string> players;  ///< one name a team
  int work_per_tick = 100;
};

Result<Match> start_match(const MatchOptions& options);
/// Plays until `until_tick` or the end. Errors only where a player gives an order that the rules
/// refuse: a defect, reported with the player's name.
Result<void> play(Match& match, std::int32_t until_tick,
                  std::vector<territory::Event>* events = nullptr);

}  // namespace redoubt::strategy
