// World: the whole state of a match as one flat, trivially copyable block. step() is the only
// function that changes it.
//
// 1. A World is meaningless without the Board it was started on (map + rules + what is derived).
// 2. Copying a World is one memcpy; state_hash() covers fields, never padding.
// 3. step() with bad orders returns the error and leaves the World unchanged.
// 4. Agent slots: team * agents_per_team_max + k. Agent ids count up from 0 over the match and are
//    never reused; a slot is reused after its agent's death.
// Thread safety: a Board is immutable and may be shared, except that its lazily filled path table
// makes it belong to one thread; copy the Board (or make one) for each thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/territory/map.hpp"
#include "engine/territory/rules.hpp"

namespace redoubt::territory {

constexpr int agents_per_team_max = 16;
constexpr int agents_max = teams_max * agents_per_team_max;

using Team = std::uint8_t;
constexpr Team no_team = 0xff;
/// A player's lot breaks ties between agents; it travels with the player when sides are swapped.
using Lots = std::array<std::uint8_t, teams_max>;
constexpr Lots default_lots{0, 1, 2, 3};

using AgentId = std::uint32_t;
constexpr AgentId no_agent = 0xffffffffu;

/// A standing order: it holds until the next one for the agent, or until it is done (then idle).
///
/// A step into the next cell, once begun, is finished before a new order is followed. Everybody
/// strikes what comes within range; who also *leaves* his way for enemies within engage_cells is
/// said below. A foreign base cannot be entered: sent there, an agent stops beside it.
enum class OrderKind : std::uint8_t {
  idle,     ///< stand, make way for allies; defenders and attackers go for enemies
  move,     ///< go to `cell`, then idle
  collect,  ///< go to the site on `cell`, harvest until full or it is empty, deposit, and again
  retreat,  ///< "return": go to base, deposit, stay until healed
  capture,  ///< go to `cell` and stay until it is held at the maximum
  attack,   ///< go after agent `target`, done when it is dead; out of sight, or without a target,
            ///< go to `cell`; goes for other enemies on the way
  guard,    ///< hold `cell`, go for enemies that come within reach of it, come back
  spawn,    ///< not for an agent: build one of `role` with `attributes`; dropped and counted where
            ///< it cannot be built now (too early, too dear, too many, no free cell)
};

struct Order {
  OrderKind kind = OrderKind::idle;
  Team team = 0;
  AgentId agent = no_agent;   ///< who is ordered; no_agent for spawn
  Cell cell = no_cell;        ///< move, collect, capture, attack (fallback), guard
  AgentId target = no_agent;  ///< attack
  Role role = Role::collector;
  Attributes attributes{};
  friend bool operator==(const Order&, const Order&) = default;
};

enum class EventKind : std::uint8_t {
  spawned,
  died,
  hit,
  captured,
  lost,
  collected,
  deposited,
  order_dropped,
  won
};

/// What happened in a step, for hosts to show; never read by the rules.
struct Event {
  EventKind kind{};
  Team team = no_team;  ///< whose agent or cell
  std::int32_t tick = 0;
  AgentId agent = no_agent;
  AgentId other = no_agent;  ///< hit, died: the attacker (no_agent: a base)
  Cell cell = no_cell;
  std::int32_t amount = 0;  ///< hit: damage x1000; deposited, collected: units
};

enum class Victory : std::uint8_t { none, territory, elimination, domination, time_limit };

struct Outcome {
  bool over = false;
  Victory by = Victory::none;
  Team winner = no_team;  ///< no_team: a draw or not over
  std::int32_t tick = 0;
  std::array<std::uint8_t, teams_max> rank{};  ///< 1 is best; equal ranks are draws
};

struct World;  // world_state.hpp: the block itself
class Board;   // board.hpp: map + rules + neighbours, reachability, path table

/// The state hash: canonical, the same natively and in WebAssembly.
std::uint64_t state_hash(const Board& board, const World& world);

/// What one player may know. Every player, built-in or outside, decides from this alone.
///
/// A View is also the player's memory: observe() refreshes what is visible now and leaves the rest
/// as it was last seen, so a host keeps one View a team and passes the same one each time. What
/// happens unseen between two observations is not remembered.
struct ViewAgent {
  AgentId id = no_agent;
  Team team = 0;
  Role role = Role::collector;
  Cell cell = no_cell;
  std::int32_t seen_tick = 0;  ///< equals the view's tick where it is visible now
  std::int32_t health = 0;     ///< points x 1000
  std::int32_t health_max = 0;
  Attributes attributes{};
  // Own agents only (defaults for others):
  Cell next = no_cell;  ///< the cell being entered, or no_cell
  Resource load_type = Resource::energy;
  std::int16_t load = 0;
  std::int16_t capacity = 0;
  Order order{};
};

struct ViewSite {
  Cell cell = no_cell;
  Resource type = Resource::energy;
  std::int16_t stock = 0;       ///< as last seen (the start stock where never seen)
  std::int32_t seen_tick = -1;  ///< -1: never seen
};

struct View {
  std::int32_t tick = 0;
  Team team = 0;
  std::uint8_t teams = 0;
  std::uint64_t map_hash = 0;
  std::array<std::int32_t, resources> store{};            ///< own
  std::array<std::int32_t, resources> income_permille{};  ///< own territory income per tick x 1000
  // The score board is public: it decides victory, so everyone may count on it.
  std::array<std::int32_t, teams_max> held{};  ///< held cells
  std::array<std::int32_t, teams_max> deposits{};
  std::array<std::int32_t, teams_max> territory_ticks{};  ///< ticks of the running territory win
  std::array<bool, teams_max> alive{};
  std::int32_t spawn_ready_tick = 0;  ///< earliest tick of the next own spawn
  Outcome outcome{};
  std::vector<ViewAgent> own;      ///< by id
  std::vector<ViewAgent> enemies;  ///< by id; seen now or remembered (seen_tick < tick)
  std::vector<ViewSite> sites;     ///< by cell; only those that can be reached from a base
  // One entry a cell, as last seen:
  std::vector<std::uint8_t> owner;     ///< team whose strength it is, no_team for none
  std::vector<std::uint16_t> control;  ///< 0..10000
  std::vector<std::uint8_t> visible;   ///< 1: seen in this tick
  std::vector<std::uint8_t> explored;  ///< 1: seen at least once
};

/// Brings `view` up to date, reusing its memory; a View of another team, map or a later tick is
/// started anew.
void observe(const Board& board, const World& world, Team team, View& view);

}  // namespace redoubt::territory
