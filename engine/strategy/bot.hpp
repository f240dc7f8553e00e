// Bot: what the scripted players have in common: ground, team, a stream of chance, and the part of
// the Player interface that a script has little to say to.
#pragma once

#include <string>
#include <vector>

#include "engine/base/rng.hpp"
#include "engine/strategy/ground.hpp"
#include "engine/strategy/player.hpp"
#include "engine/strategy/team_strategy.hpp"

namespace redoubt::strategy {

class Bot : public Player {
 public:
  Bot(const territory::Board& board, territory::Team team, std::uint64_t seed)
      : ground_(make_ground(board)), team_(team), rng_(seed) {}

  ThinkResult think(const territory::View& view, int work) final;
  std::span<const territory::Order> orders() const final { return orders_; }
  nlohmann::json explain() const final;
  /// Scripts have no fields to show.
  bool heat_map(HeatMap, std::vector<std::int16_t>&) const final { return false; }
  /// Checked, and without effect: a script does not listen.
  Result<void> direct(const nlohmann::json& team_strategy, std::int32_t until_tick) final;
  void save(ByteWriter& out) const final;
  Result<void> restore(ByteReader& in) final;

 protected:
  /// Fills orders_ from the view.
  virtual void decide(const territory::View& view) = 0;
  /// What the script as a whole goes for.
  virtual TeamStrategy strategy() const = 0;
  virtual void save_more(ByteWriter&) const {}
  /// False where the bytes make no sense.
  virtual bool restore_more(ByteReader&) { return true; }

  void order(const territory::ViewAgent& agent, territory::OrderKind kind, Cell cell = no_cell,
             territory::AgentId target = territory::no_agent);
  /// Orders an agent to be built where time, cap and store allow it.
  bool spawn(const territory::View& view, territory::Role role,
             const territory::Attributes& attributes);
  int distance_to_base(Cell cell) const { return ground_.distance(cell, ground_.bases[team_]); }

  Ground ground_;
  territory::Team team_;
  Rng rng_;
  std::vector<territory::Order> orders_;
  std::int32_t tick_ = 0;
};

/// Whether a player's store and cap allow `role` with `attributes` in this view.
bool can_spawn(const Ground& ground, const territory::View& view, territory::Role role,
               const territory::Attributes& attributes);

}  // namespace redoubt::strategy
