// The phases of a tick, one function each; step.cpp runs them in order. Internal to the rules.
//
// Each phase reads the state that the one before left, and within a phase nothing depends on the
// order of teams or slots: conflicts go by tie_key().
#pragma once

#include <cstring>
#include <vector>

#include "engine/base/hash64.hpp"
#include "engine/territory/board.hpp"
#include "engine/territory/step.hpp"
#include "engine/territory/world_state.hpp"

namespace redoubt::territory {

/// What the phases of one tick share.
struct Tick {
  const Board& board;
  World& world;
  std::vector<Event>* events;  ///< null where nobody listens
  std::int32_t now;            ///< world.tick during the whole tick
  std::uint64_t contact = 0;   ///< slots with an enemy near enough to go for, before anyone moved
  std::uint64_t in_range = 0;  ///< slots with an enemy near enough to strike
  ByTeam<const Order*> spawns{};

  void tell(const Event& event) const {
    if (events != nullptr) events->push_back(event);
  }
};

void apply_orders(Tick& t, std::span<const Order> orders);
/// Drops and counts the spawn order of `team`.
void drop_spawn(Tick& t, int team);
void fight(Tick& t);
void move_agents(Tick& t);
void capture(Tick& t);
void heal(Tick& t);
void pay_income(Tick& t);
void regrow(Tick& t);
void spawn(Tick& t);
void judge(Tick& t);

/// Sets every field of a slot to what a free slot holds.
void clear_slot(World& world, std::size_t slot);

/// Puts a new agent into the world. REQUIRES: a free slot, a free cell.
void place_agent(Tick& t, int team, Role role, const Attributes& attributes, Cell cell);

inline std::uint64_t bit(int slot) {
  return std::uint64_t{1} << slot;
}

/// Breaks ties between agents: by the player's lot and the agent's birth, never by slot or id.
inline std::uint64_t tie_key(const World& world, int slot) {
  Hash64 hash;
  hash.add(world.seed);
  hash.add(world.lots[static_cast<std::size_t>(slot_team(slot))]);
  hash.add(static_cast<std::uint64_t>(world.birth[static_cast<std::size_t>(slot)]));
  hash.add(static_cast<std::uint64_t>(world.tick));
  return hash.value();
}

inline int cells_apart(const World& world, std::size_t slot, int q, int r) {
  return hex::distance(hex::Axial{world.q[slot], world.r[slot]}, hex::Axial{q, r});
}

/// Sixteen flags (0 or 1) as bits, gathered by one multiplication for eight.
inline std::uint64_t gathered(const std::array<std::uint8_t, agents_per_team_max>& flags) {
  std::array<std::uint64_t, 2> words;
  static_assert(sizeof(words) == sizeof(flags));
  std::memcpy(words.data(), flags.data(), sizeof(words));
  constexpr std::uint64_t gather = 0x0102040810204080u;
  return words[0] * gather >> 56 | (words[1] * gather >> 56) << 8;
}

/// The slots below `count` whose tick has come, as bits. REQUIRES: count is a multiple of 16.
inline std::uint64_t slots_due(const BySlot<std::int32_t>& ticks, int count, std::int32_t now) {
  std::uint64_t bits = 0;
  for (int base = 0; base < count; base += agents_per_team_max) {
    std::array<std::uint8_t, agents_per_team_max> due;
    for (std::size_t k = 0; k < due.size(); ++k) {
      due[k] = ticks[static_cast<std::size_t>(base) + k] <= now ? 1 : 0;
    }
    bits |= gathered(due) << base;
  }
  return bits;
}

/// Calls f(slot) for each set bit, ascending.
template <class F>
void each_slot(std::uint64_t bits, F&& f) {
  for (; bits != 0; bits &= bits - 1)
    f(__builtin_ctzll(bits));
}

constexpr std::uint64_t team_bits(int team) {
  return std::uint64_t{0xffff} << first_slot(team);
}
inline int living_of(const World& world, int team) {
  return __builtin_popcountll(world.living & team_bits(team));
}

}  // namespace redoubt::territory
