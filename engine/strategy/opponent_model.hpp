// OpponentModel: who are we playing against? A belief over a few styles, from what was observed.
//
// 1. The belief is a probability over Style; it starts even and is updated by Bayes' rule.
// 2. Evidence fades: each second the belief moves 2 % of the way back to even, so that a change of
//    style is noticed.
// 3. A likelihood is a smooth bell around what a style typically shows, of + - x / only.
#pragma once

#include <optional>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/strategy/situation.hpp"

namespace redoubt::strategy {

constexpr double ticks_per_second = 10;

/// What was seen of an enemy at one time. Negative values: not seen.
struct Observation {
  double tick = 0;
  double share_percent = -1;  ///< of the ground
  std::array<double, territory::roles> agents{-1, -1, -1, -1};
  std::array<double, styles> actions{};  ///< acts that speak for each style, counted
};

/// Which style an action's name speaks for ("attack", "build_collector", "expand", ...), if any.
std::optional<Style> style_of_action(std::string_view action);

class OpponentModel {
 public:
  /// Takes observations in the order of their ticks.
  void observe(const Observation& seen);
  const StyleBelief& belief() const { return belief_; }
  Style likeliest() const;
  int observations() const { return observations_; }
  /// Why the belief is what it is: one reason for each kind of evidence seen last.
  std::vector<Reason> reasons() const;

  void save(ByteWriter& out) const;
  /// False where the bytes are no belief (not finite, or not a distribution).
  bool restore(ByteReader& in);

 private:
  void fade(double seconds);
  void weigh(const StyleBelief& likelihood, double trust);

  StyleBelief belief_ = style_prior;
  Observation last_{};
  double growth_percent_ = 0;  ///< of the share, in 10 s, between the last two observations
  bool growth_known_ = false;
  int observations_ = 0;
};

}  // namespace redoubt::strategy
