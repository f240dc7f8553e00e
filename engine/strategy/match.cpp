#include "engine/strategy/match.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/message.hpp"
#include "engine/base/rng.hpp"
#include "engine/base/stable_order.hpp"

namespace redoubt::strategy {
namespace {

using territory::Order;
using territory::Team;
using territory::TimedOrder;

std::uint64_t player_seed(const Match& match, Team team) {
  // Salted: a player never learns the game's own seed.
  constexpr std::uint64_t salt = 0x706c61796572u;
  return mix64(match.replay.seed ^ mix64(salt + match.replay.lots[team]));
}

void refuse(Match& match, Team team, std::int32_t tick, Error error) {
  RefusedOrders& refused = match.refused[team];
  if (refused.count++ > 0) return;
  refused.tick = tick;
  refused.first = std::move(error);
}

// A player may order its own team alone. The rules cannot see who gave an order.
Error foreign_order(Team team, const Order& order) {
  return make_error("bad_order",
                    {"order of team ", team, ": team: expected ", team, ", got ", order.team},
                    {"team"}, {team}, {order.team});
}

// The orders of a finished thought act together; the later of two thoughts comes later in
// `pending`.
void schedule(Match& match, Team team) {
  const Player& player = *match.players[team];
  const std::int32_t planned = match.thoughts[team].tick + order_delay_ticks;
  const std::int32_t tick = std::max(planned, match.world.tick);
  if (tick != planned) match.exact = false;
  TimedOrder timed{.tick = tick};
  auto place = std::find_if(match.pending.begin(), match.pending.end(),
                            [&](const TimedOrder& o) { return o.tick > tick; });
  for (const Order& order : player.orders()) {
    if (order.team != team) {
      refuse(match, team, tick, foreign_order(team, order));
      continue;
    }
    timed.order = order;
    place = match.pending.insert(place, timed) + 1;
  }
}

// Pending orders of this tick, by team and then as thought, so that the order in which thoughts
// ended has no influence.
std::vector<Order> take_due(const Match& match) {
  std::vector<Order> due;
  for (const TimedOrder& timed : match.pending) {
    if (timed.tick <= match.world.tick) due.push_back(timed.order);
  }
  sort_stable(due, [](const Order& a, const Order& b) { return a.team < b.team; });
  return due;
}

void record(Match& match, std::int32_t tick, std::span<const Order> orders) {
  for (const Order& order : orders) {
    match.replay.orders.push_back({.tick = tick, .order = order});
  }
  if (match.world.tick % territory::replay_hash_interval_ticks == 0) {
    match.replay.hashes.push_back(territory::state_hash(match.board, match.world));
  }
}

// The orders of a plan are legal whenever they act (those of the dead are dropped), so a refused
// one is a defect of the player.
void leave_out_refused(Match& match, std::vector<Order>& due) {
  std::erase_if(due, [&](const Order& order) {
    Result<void> allowed = territory::check(match.board, match.world, order);
    if (allowed.ok()) return false;
    refuse(match, order.team, match.world.tick, std::move(allowed.error()));
    return true;
  });
}

// A person's word on what to build comes before the player's.
void give_way(std::vector<Order>& due, std::span<const Order> outside) {
  std::erase_if(due, [&](const Order& planned) {
    return planned.kind == territory::OrderKind::spawn &&
           std::any_of(outside.begin(), outside.end(), [&](const Order& order) {
             return order.kind == territory::OrderKind::spawn && order.team == planned.team;
           });
  });
}

}  // namespace

Result<Match> start_match(const MatchOptions& options) {
  Result<territory::Board> board = territory::Board::make(options.map, options.rules);
  if (!board.ok()) return board.error();
  Match match{.board = std::move(*board)};
  match.world = territory::start(match.board, options.seed, options.lots);
  match.work_per_tick = options.work_per_tick;
  match.replay.map = options.map;
  match.replay.rules = options.rules;
  match.replay.seed = options.seed;
  match.replay.lots = options.lots;
  const auto teams = static_cast<std::size_t>(match.board.teams());
  match.players.resize(teams);
  match.views.resize(teams);
  match.thoughts.resize(teams);
  match.refused.resize(teams);
  match.replay.players.resize(teams);
  match.replay.work_units.resize(teams);
  if (options.players.size() > teams) {
    return Error{.code = "bad_player",
                 .message = "the map has " + std::to_string(teams) + " teams, but " +
                            std::to_string(options.players.size()) + " players are named",
                 .path = "players",
                 .expected = "at most " + std::to_string(teams),
                 .got = std::to_string(options.players.size())};
  }
  for (std::size_t team = 0; team < options.players.size(); ++team) {
    const Result<void> set = set_player(match, static_cast<Team>(team), options.players[team]);
    if (!set.ok()) return set.error();
  }
  return match;
}

Result<void> set_player(Match& match, Team team, std::string_view name) {
  std::unique_ptr<Player> player;
  if (!name.empty()) {
    auto made = make_player(name, match.board, team, player_seed(match, team));
    if (!made.ok()) return made.error();
    player = std::move(*made);
  }
  if (match.world.tick > 0) match.exact = false;
  match.players[team] = std::move(player);
  match.thoughts[team] = {};
  match.replay.players[team] = name;
  std::erase_if(match.pending, [&](const TimedOrder& o) { return o.order.team == team; });
  return {};
}

void begin_thoughts(Match& match) {
  if (match.world.over || match.world.tick % think_interval_ticks != 0) return;
  for (std::size_t team = 0; team < match.players.size(); ++team) {
    Thought& thought = match.thoughts[team];
    if (!match.players[team] || thought.open || thought.tick == match.world.tick) continue;
    territory::observe(match.board, match.world, static_cast<Team>(team), match.views[team]);
    thought = {.open = true, .tick = match.world.tick};
  }
}

Result<bool> think(Match& match, int work) {
  for (std::size_t team = 0; team < match.players.size(); ++team) {
    Thought& thought = match.thoughts[team];
    while (thought.open && work > 0) {
      const ThinkResult result = match.players[team]->think(match.views[team], work);
      const int used = std::max(1, result.work_used);
      work -= used;
      thought.work += used;
      match.replay.work_units[team] += used;
      thought.open = !result.done;
      if (result.done) schedule(match, static_cast<Team>(team));
      if (thought.open && thought.work > thought_work_max) {
        return Error{.code = "internal",
                     .message = "player " + std::string(match.players[team]->name()) +
                                " did not come to an end with its thought"};
      }
    }
  }
  return !thinking(match);
}

bool thinking(const Match& match) {
  return std::any_of(match.thoughts.begin(), match.thoughts.end(),
                     [](const Thought& thought) { return thought.open; });
}

bool thought_is_due(const Match& match) {
  return std::any_of(match.thoughts.begin(), match.thoughts.end(), [&](const Thought& thought) {
    return thought.open && thought.tick + order_delay_ticks <= match.world.tick;
  });
}

Result<void> advance(Match& match, std::span<const Order> outside,
                     std::vector<territory::Event>* events) {
  for (const Order& order : outside) {
    const Result<void> allowed = territory::check(match.board, match.world, order);
    if (!allowed.ok()) return allowed.error();
  }
  std::vector<Order> orders = take_due(match);
  if (!match.world.over) leave_out_refused(match, orders);
  give_way(orders, outside);
  // The last order to an agent counts.
  orders.insert(orders.end(), outside.begin(), outside.end());
  const std::int32_t tick = match.world.tick;
  Result<void> stepped = territory::step(match.board, match.world, orders, events);
  if (!stepped.ok()) return stepped;
  if (!outside.empty()) match.exact = false;
  std::erase_if(match.pending, [&](const TimedOrder& o) { return o.tick <= tick; });
  record(match, tick, orders);
  return {};
}

Result<void> advance_as_recorded(Match& match, std::span<const Order> orders) {
  const std::int32_t tick = match.world.tick;
  Result<void> stepped = territory::step(match.board, match.world, orders);
  if (!stepped.ok()) return stepped;
  std::erase_if(match.pending, [&](const TimedOrder& o) { return o.tick <= tick; });
  record(match, tick, orders);
  return {};
}

Result<void> play(Match& match, std::int32_t until_tick, std::vector<territory::Event>* events) {
  while (match.world.tick < until_tick && !match.world.over) {
    begin_thoughts(match);
    while (thought_is_due(match)) {
      const Result<bool> thought = think(match, match.work_per_tick * think_interval_ticks);
      if (!thought.ok()) return thought.error();
    }
    const Result<void> advanced = advance(match, {}, events);
    if (!advanced.ok()) return advanced.error();
  }
  return {};
}

territory::Replay recorded(const Match& match) {
  territory::Replay replay = match.replay;
  replay.final_tick = match.world.tick;
  replay.final_hash = territory::state_hash(match.board, match.world);
  return replay;
}

}  // namespace redoubt::strategy
