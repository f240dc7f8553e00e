// Match: a world, its players and the recording of what they ordered; the loop that the command
// line, the arena, the tests and the page share.
//
// 1. Every think_interval_ticks each player starts a thought about the view of that tick. Its
// orders
//    act order_delay_ticks later; the world may go on meanwhile.
// 2. play() waits for a thought whose orders are due, so a match depends on its options alone. A
//    host that must not wait (the page) uses think() and advance() and may go on: then a late plan
//    acts in the first tick after it is done, and `exact` says that timing had a part in the match.
// 3. Orders from outside (a person, a bot of the host's own) come in with advance(). One that the
//    rules refuse is told to its caller, and the world is unchanged.
// 4. An order of a player that the rules refuse costs that order and nothing else: it is left out
//    before the step and counted in `refused`. The recording holds only what acted, so it plays the
//    same anywhere.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/strategy/player.hpp"
#include "engine/territory/replay.hpp"
#include "engine/territory/world_state.hpp"

namespace redoubt::strategy {

constexpr int think_interval_ticks = 10;
constexpr int order_delay_ticks = 5;
/// A thought that is not done after so many units is a defect of the player.
constexpr int thought_work_max = 100'000'000;

/// One team's thought about the view of `tick`.
struct Thought {
  bool open = false;
  std::int32_t tick = -1;  ///< of the last thought, open or done
  int work = 0;            ///< spent on it so far
};

/// A player's orders that the rules refused, since the match was started or loaded here: a defect
/// of the player. Neither recordings nor snapshots hold it.
struct RefusedOrders {
  int count = 0;
  std::int32_t tick = 0;  ///< in which the first one would have acted
  Error first;            ///< which order, what was expected and what it said
};

struct Match {
  territory::Board board;
  territory::World world;
  std::vector<std::unique_ptr<Player>> players;  ///< one a team; null: orders from outside
  std::vector<territory::View> views;            ///< one a team: what it saw when it last thought
  std::vector<Thought> thoughts;                 ///< one a team
  std::vector<territory::TimedOrder> pending;    ///< thought of, acting later; ascending by tick
  std::vector<RefusedOrders> refused;            ///< one a team
  territory::Replay replay;
  int work_per_tick = 100;
  bool exact = true;
};

struct MatchOptions {
  territory::Map map;
  territory::Rules rules = territory::default_rules();
  std::uint64_t seed = 1;
  territory::Lots lots = territory::default_lots;
  std::vector<std::string> players;  ///< one name a team; "" (or a missing one): from outside
  int work_per_tick = 100;
};

/// Errors: bad_map, bad_rules, bad_player.
Result<Match> start_match(const MatchOptions& options);

/// Puts another player in a team's place; "" takes the player away. Error bad_player.
Result<void> set_player(Match& match, territory::Team team, std::string_view name);

/// Starts the thoughts that are due in this tick. Idempotent.
void begin_thoughts(Match& match);
/// Works on open thoughts for at most `work` units, team by team; true once none is open. Error
/// internal where a player does not come to an end.
Result<bool> think(Match& match, int work);
bool thinking(const Match& match);
/// An open thought's orders should act in this tick: advancing now makes them late.
bool thought_is_due(const Match& match);

/// Plays one tick with the pending orders that are due and `outside`. On an error (bad_order,
/// bad_attributes from `outside`, match_over) nothing changed.
Result<void> advance(Match& match, std::span<const territory::Order> outside = {},
                     std::vector<territory::Event>* events = nullptr);

/// Plays one tick with `orders` as they were recorded; pending ones of this tick are dropped. For
/// going through a recorded past again with players that think along.
Result<void> advance_as_recorded(Match& match, std::span<const territory::Order> orders);

/// Plays until `until_tick` or the end. Error internal where a player's thought has no end.
Result<void> play(Match& match, std::int32_t until_tick,
                  std::vector<territory::Event>* events = nullptr);

/// The recording so far, with the present tick as its end.
territory::Replay recorded(const Match& match);

}  // namespace redoubt::strategy
