// Imagined: the world as a player must think it is, made of its View alone, and what would come of
// it if everybody followed a simple script. What the searches have in common.
//
// 1. Enemies stand where they were last seen; who was not seen for long is left out. What is not in
//    the View (stores and orders of others, chance) is a default; the seed is the player's own.
// 2. Nobody is built in the imagination: rollouts are shorter than a life.
// 3. Work is counted in ticks that were rolled out.
#pragma once

#include <array>

#include "engine/base/rng.hpp"
#include "engine/territory/board.hpp"
#include "engine/territory/world_state.hpp"

namespace redoubt::arena {

/// What one unit does in a rollout.
enum class UnitScript : std::uint8_t {
  follow,     ///< what it was ordered
  strike,     ///< goes for the nearest enemy
  focus,      ///< goes for the weakest enemy at hand, together with the others
  fall_back,  ///< goes home
  hold,       ///< stands, and fights who comes near
};
constexpr int unit_scripts = 5;
using Plan = std::array<UnitScript, territory::agents_max>;  ///< by slot

/// How the rivals are thought to play.
enum class RivalScript : std::uint8_t { bold, careful };
constexpr int rival_scripts = 2;

class Imagination {
 public:
  explicit Imagination(const territory::Board& board) : board_(board) {}

  /// Begins a thought. `orders`: what our units are about to do.
  void begin(const territory::View& view, std::span<const territory::Order> orders,
             std::uint64_t seed);
  /// Slots of ours with an enemy within `cells`, ascending.
  std::vector<int> in_contact(int cells) const;
  /// Whether it is, or is about to be, ordered home.
  bool goes_home(int slot) const;
  const territory::World& now() const { return now_; }

  /// Ours less theirs after `ticks`: what agents are worth by cost and health, stores, loads,
  /// ground.
  double roll_out(const Plan& plan, RivalScript rivals, int ticks);
  /// The order by which a unit follows a script from now on. REQUIRES: not `follow`.
  territory::Order order_for(const territory::World& world, int slot, UnitScript script) const;
  int work() const { return work_; }

 private:
  void place(const territory::ViewAgent& agent, int slot);
  void settle_rivals();
  void lead(territory::World& world, const Plan& plan, RivalScript rivals, bool first);
  double value(const territory::World& world) const;
  int nearest_enemy(const territory::World& world, int slot) const;
  int weakest_enemy(const territory::World& world, int slot) const;
  territory::Order rival_order(const territory::World& world, int slot, RivalScript script) const;

  const territory::Board& board_;
  territory::Team team_ = 0;
  territory::World now_{};
  territory::World rolled_{};
  std::vector<territory::Order> standing_;
  std::vector<territory::Order> orders_;
  int work_ = 0;
};

}  // namespace redoubt::arena
