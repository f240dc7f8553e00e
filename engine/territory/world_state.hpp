// World: the block itself. See world.hpp for what holds of it as a whole.
//
// Agents are a structure of arrays over slots: slot = team * agents_per_team_max + k. A slot is
// free where id[slot] == no_agent. An agent is *in* `cell` until it arrives in `next`; from its
// departure on it keeps both cells, so nobody else can enter `next`.
//
// The part "derived" follows from the rest and is neither hashed nor saved; settle() rebuilds it.
// Whoever writes a World by hand (a rollout's imagined world) calls settle() once afterwards.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "engine/territory/world.hpp"

namespace redoubt::territory {

template <class T>
using ByTeam = std::array<T, teams_max>;
template <class T>
using BySlot = std::array<T, agents_max>;

/// Where a collecting agent is in its round.
enum class Errand : std::uint8_t { outbound, harvesting, homeward };

constexpr std::uint8_t no_slot = 0xff;
constexpr std::int32_t never = 0x7fffffff;
/// Side-steps without coming nearer, before a pause.
constexpr int detours_max = 6;
/// A store never holds more; what would go beyond is lost.
constexpr std::int32_t store_max_units = 1'000'000;

struct World {
  std::uint64_t seed;
  std::int32_t tick;  ///< ticks played
  Lots lots;
  std::uint32_t next_id;
  std::uint32_t dropped_orders;

  // Teams
  ByTeam<std::array<std::int32_t, resources>> store;
  ByTeam<std::int32_t> deposits;  ///< units brought home in all
  ByTeam<std::int32_t> births;    ///< agents so far; the next one's birth ordinal
  ByTeam<std::int32_t> deaths;
  ByTeam<std::int32_t> income_ticks;     ///< held-cell-ticks since the last payment
  ByTeam<std::int32_t> territory_ticks;  ///< ticks of the running territory win
  ByTeam<std::int32_t> broke_ticks;      ///< ticks without agents and without means
  ByTeam<std::int32_t> eliminated_tick;  ///< -1: still in
  ByTeam<std::int32_t> spawn_ready_tick;
  ByTeam<std::int32_t> base_ready_tick;  ///< when the base weapon may fire again

  // How it ended
  std::uint8_t over;  ///< 0 or 1
  Victory victory;
  Team winner;  ///< no_team: a draw or not over
  ByTeam<std::uint8_t> rank;

  // Agents
  BySlot<AgentId> id;
  BySlot<std::int32_t> birth;  ///< ordinal within the team
  BySlot<Role> role;
  BySlot<Attributes> attributes;
  BySlot<Cell> cell;
  BySlot<Cell> next;                 ///< being entered, or no_cell
  BySlot<std::int32_t> wake_tick;    ///< arrival, next unit harvested, or when to look again
  BySlot<std::int32_t> surplus;      ///< progress beyond the last cell, carried into the next
  BySlot<std::int32_t> health;       ///< points x 1000
  BySlot<std::int32_t> hurt_tick;    ///< the last tick it was hit
  BySlot<std::int32_t> strike_tick;  ///< when it may strike again
  BySlot<std::int16_t> load;
  BySlot<Resource> load_type;
  BySlot<OrderKind> order;
  BySlot<Cell> order_cell;
  BySlot<AgentId> order_target;
  BySlot<Errand> errand;
  BySlot<Cell> came_from;         ///< the cell it left last: no side-step leads back there
  BySlot<std::uint16_t> nearest;  ///< least distance to the goal so far, in board units
  BySlot<std::uint8_t> detours;   ///< side-steps since it last came nearer

  std::array<std::uint8_t, sites_max> stock;

  // Derived
  std::uint64_t living;       ///< a bit a slot
  ByTeam<std::int32_t> held;  ///< held cells
  std::int32_t regrow_tick;   ///< the tick that ends with a unit more a site
  std::uint64_t capturing;    ///< slots whose cell is not yet fully theirs
  std::uint64_t damaged;      ///< slots below full health
  BySlot<std::int32_t> health_max;
  BySlot<std::int32_t> rate;  ///< progress a tick
  BySlot<std::int16_t> capacity;
  BySlot<std::int16_t> claim;  ///< control a tick
  BySlot<std::int16_t> q;      ///< axial coordinates; far away where free
  BySlot<std::int16_t> r;
  BySlot<std::int32_t> contact_tick;  ///< no enemy of a higher team can be in reach before
  ByTeam<std::int32_t> base_contact_tick;

  // Cells, last, so that copying the used prefix copies the world (copy_world)
  std::array<std::uint16_t, cells_max> control;  ///< 0..control_max
  std::array<Team, cells_max> owner;             ///< whose strength it is; no_team where control 0
  std::array<std::uint8_t, cells_max> occupant;  ///< derived: slot in or entering, or no_slot
};

static_assert(std::is_trivially_copyable_v<World>);
static_assert(std::is_standard_layout_v<World>);

/// Rebuilds everything derived. REQUIRES: the rest is within its bounds (load() checks them).
void settle(const Board& board, World& world);

/// Copies the used part only: what a rollout does before it begins.
/// REQUIRES: both belong to `board`, or `to` is about to.
void copy_world(const Board& board, const World& from, World& to);

/// The slot of a living agent, or -1.
int slot_of(const World& world, AgentId id);

/// Progress into `next`, permille; 0 when standing.
int step_progress_permille(const Board& board, const World& world, int slot);

/// Whether `team` sees `cell` now.
bool sees(const Board& board, const World& world, int team, Cell cell);

inline constexpr int slot_team(int slot) {
  return slot / agents_per_team_max;
}
inline constexpr int first_slot(int team) {
  return team * agents_per_team_max;
}

}  // namespace redoubt::territory
