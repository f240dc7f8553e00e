// OpponentModel: who are we playing against? A belief over a few styles, from what was observed.
//
// 1. The belief is a probability over Style, updated by Bayes' rule. It starts at the prior of the
//    match's beginning: a rush is an early thing, and by prior_late_seconds hardly one is left.
// 2. Evidence fades: each second the belief moves 2 % of the way to the prior of that time.
// 3. What is seen of a rival lasts, so looking often at the same is not new evidence: an
//    observation counts by the time since the last one, in full after full_trust_seconds.
// 4. A likelihood is a smooth bell around what a style typically shows, of + - x / only. Attackers
//    and raids speak for a rush only while it can be one; later they speak for no style.
#pragma once

#include <optional>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/strategy/situation.hpp"

namespace redoubt::strategy {

constexpr double ticks_per_second = 10;
/// Up to the first a rush is as likely as any style, from the second on it is unlikely.
constexpr double prior_early_seconds = 120;
constexpr double prior_late_seconds = 300;

/// What is believed of a rival of whom nothing was seen, at this time of a match.
StyleBelief style_prior_at(double seconds);

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
  /// Given that the rival plays one of the styles: what is decided by. told() says it to people.
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
  static void end_with_the_phase(StyleBelief& likelihood, double seconds);
  void weigh(const StyleBelief& likelihood, double trust);

  StyleBelief belief_ = style_prior;
  Observation last_{};
  double growth_percent_ = 0;  ///< of the share, in 10 s, between the last two observations
  bool growth_known_ = false;
  int observations_ = 0;
};

}  // namespace redoubt::strategy
