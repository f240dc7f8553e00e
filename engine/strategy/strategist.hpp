// Strategist: the built-in player. From the cheapest layer up: features of the situation, fields
// over the map, an exact assignment of agents to tasks; above them a strategy for the team, a
// belief about the enemy, and the design of the next agent.
//
// 1. think() is resumable: it works in stages, each of a known number of work units, and may be cut
//    between any two of them; the view must stay the same until it is done.
// 2. It leaves nothing to chance: no draws, and ties fall by index.
// 3. A strategy from outside (direct()) takes the place of its own until it runs out: it weighs the
//    same tactics.
#pragma once

#include <memory>
#include <optional>

#include "engine/strategy/agent_designer.hpp"
#include "engine/strategy/directive.hpp"
#include "engine/strategy/opponent_model.hpp"
#include "engine/strategy/picture.hpp"
#include "engine/strategy/player.hpp"
#include "engine/strategy/tactics.hpp"

namespace redoubt::strategy {

constexpr int strategy_interval_ticks = 20;

class Strategist final : public Player {
 public:
  Strategist(const territory::Board& board, Team team);

  std::string_view name() const override { return "strategist"; }
  ThinkResult think(const territory::View& view, int work) override;
  std::span<const territory::Order> orders() const override { return orders_; }
  nlohmann::json explain() const override;
  bool heat_map(HeatMap which, std::vector<std::int16_t>& out) const override;
  Result<void> direct(const nlohmann::json& team_strategy, std::int32_t until_tick) override;
  void save(ByteWriter& out) const override;
  Result<void> restore(ByteReader& in) override;

 private:
  enum class Stage : std::uint8_t { read, spread, measure, assign, done };

  void observe_rival(const territory::View& view);
  void choose(const territory::View& view);
  void act(const territory::View& view);
  void build(const territory::View& view);
  double fighters_wanted(const DesignInput& input) const;
  bool directed() const { return directive_ && tick_ < directive_until_tick_; }
  const Decision& in_force() const { return directed() ? directive_->decision : decision_; }

  Ground ground_;
  Team team_;
  PictureMaker maker_;
  Picture picture_;
  Stage stage_ = Stage::read;
  std::vector<territory::Order> orders_;

  // What a snapshot carries.
  std::int32_t tick_ = -1;           ///< of the last thought
  std::int32_t strategy_tick_ = -1;  ///< when the strategy was last weighed; -1: never
  Decision decision_;
  OpponentModel opponent_;
  std::optional<Directive> directive_;
  std::int32_t directive_until_tick_ = 0;
  std::vector<Duty> duties_;
};

std::unique_ptr<Player> make_strategist(const territory::Board& board, Team team,
                                        std::uint64_t seed);

}  // namespace redoubt::strategy
