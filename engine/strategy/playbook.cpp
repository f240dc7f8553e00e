#include "engine/strategy/playbook.hpp"

#include <algorithm>
#include <cmath>

namespace redoubt::strategy {
namespace {

using territory::resources;

struct StanceRow {
  std::array<double, stances> weight;  // balanced, aggressive, economic, defensive
};
constexpr StanceRow stance_bias{{0.30, 0.10, 0.18, 0.05}};
// Rows in the order of Feature. Positive territory_gap means that we are ahead.
constexpr std::array<StanceRow, features_count> stance_weights{{
    {{0.00, -0.50, -0.10, 0.55}},   // territory_gap
    {{0.05, 0.55, 0.00, -0.35}},    // army_balance
    {{0.00, 0.15, -0.40, 0.05}},    // economy_gap
    {{0.00, 0.10, -0.10, 0.00}},    // scarcity
    {{-0.20, -0.35, -0.40, 0.90}},  // base_threat
    {{0.00, 0.50, 0.00, -0.20}},    // opening
    {{0.00, -0.40, 0.10, 0.35}},    // hurt
    {{0.00, 0.15, -0.10, -0.05}},   // tempo
    {{0.00, -0.15, 0.55, 0.00}},    // workforce_gap
    {{0.00, 0.25, -0.30, 0.20}},    // closing
    {{0.00, 0.70, -0.40, -0.10}},   // enemy_closing
    {{-0.10, -0.20, -0.20, 0.60}},  // enemy_rush
    {{0.00, 0.60, -0.10, -0.30}},   // enemy_boom
    {{0.00, -0.40, 0.50, -0.10}},   // enemy_turtle
    {{0.10, 0.40, 0.00, -0.10}},    // enemy_expansion
    {{0.06, 0.00, -0.02, 0.00}},    // free_ground
    {{0.02, -0.03, 0.00, 0.00}},    // contact (positive: nobody is in sight)
    {{0.00, 0.00, 0.06, 0.00}},     // scarcest_store (positive: thin)
    {{0.00, 0.04, -0.04, 0.00}},    // fighters (positive: many)
}};

struct FocusRow {
  std::array<double, focuses> weight;  // resources, territory, combat
};
constexpr FocusRow focus_bias{{0.15, 0.20, 0.00}};
constexpr std::array<FocusRow, stances> focus_by_stance{{
    {{0.05, 0.10, 0.00}},
    {{-0.20, 0.20, 0.25}},
    {{0.50, 0.05, -0.30}},
    {{0.15, 0.15, 0.10}},
}};
constexpr std::array<FocusRow, features_count> focus_weights{{
    {{0.15, -0.35, 0.00}},  // territory_gap
    {{0.00, 0.00, 0.25}},   // army_balance
    {{-0.30, 0.05, 0.05}},  // economy_gap
    {{-0.15, 0.25, 0.00}},  // scarcity
    {{-0.20, 0.00, 0.55}},  // base_threat
    {{0.00, 0.00, 0.45}},   // opening
    {{0.05, 0.00, -0.25}},  // hurt
    {{0.00, 0.05, 0.05}},   // tempo
    {{0.40, 0.00, -0.15}},  // workforce_gap
    {{-0.30, 0.25, 0.00}},  // closing
    {{-0.20, 0.35, 0.25}},  // enemy_closing
    {{-0.10, 0.00, 0.30}},  // enemy_rush
    {{0.00, 0.05, 0.25}},   // enemy_boom
    {{0.20, 0.20, -0.40}},  // enemy_turtle
    {{-0.05, 0.20, 0.10}},  // enemy_expansion
    {{0.00, 0.10, 0.00}},   // free_ground
    {{0.00, 0.00, -0.05}},  // contact
    {{0.03, 0.00, 0.00}},   // scarcest_store
    {{0.00, 0.00, 0.05}},   // fighters
}};

// What a stance and a focus want, by priority: collect x 3, expand, attack, defend ground, base.
constexpr double priority_by_stance[stances][priorities_max] = {
    {0.30, 0.25, 0.20, 0.35, 0.15, 0.15, 0.10},
    {0.15, 0.10, 0.05, 0.35, 0.60, 0.05, 0.00},
    {0.50, 0.45, 0.40, 0.25, 0.00, 0.10, 0.10},
    {0.15, 0.20, 0.10, 0.15, 0.05, 0.50, 0.40},
};
constexpr double priority_by_focus[focuses][priorities_max] = {
    {0.25, 0.25, 0.25, 0.00, 0.00, 0.00, 0.00},
    {0.00, 0.00, 0.00, 0.40, 0.05, 0.20, 0.00},
    {0.00, 0.00, 0.00, 0.00, 0.35, 0.10, 0.15},
};
constexpr double priority_score_min = 0.28;
constexpr int priorities_min = 3;
constexpr int priorities_wanted_max = 5;

constexpr double stay_bonus = 0.06;
// A margin of this much over the runner-up is worth half of the confidence that a choice can have.
constexpr double margin_half = 0.15;
constexpr double reason_weight_min = 0.005;
// Below this many, a reason that weighs next to nothing is told too.
constexpr std::size_t reasons_min = 3;
constexpr int clauses_max = 2;

template <std::size_t N>
std::size_t best_of(const std::array<double, N>& scores, std::size_t skip = N) {
  std::size_t best = skip == 0 ? 1 : 0;
  for (std::size_t i = 0; i < N; ++i) {
    if (i != skip && scores[i] > scores[best]) best = i;
  }
  return best;
}

std::array<double, stances> score_stances(const Features& features, std::optional<Stance> current) {
  std::array<double, stances> scores = stance_bias.weight;
  for (std::size_t f = 0; f < features.size(); ++f) {
    for (std::size_t s = 0; s < stances; ++s) {
      scores[s] += stance_weights[f].weight[s] * features[f].level;
    }
  }
  if (current) scores[static_cast<std::size_t>(*current)] += stay_bonus;
  return scores;
}

std::array<double, focuses> score_focuses(const Features& features, std::size_t stance) {
  std::array<double, focuses> scores = focus_bias.weight;
  for (std::size_t i = 0; i < focuses; ++i)
    scores[i] += focus_by_stance[stance].weight[i];
  for (std::size_t f = 0; f < features.size(); ++f) {
    for (std::size_t i = 0; i < focuses; ++i) {
      scores[i] += focus_weights[f].weight[i] * features[f].level;
    }
  }
  return scores;
}

// How much a resource is wanted: the scarcer in the own store against the others, the more; what
// the map does not offer cannot be collected.
double need_of(const Situation& s, std::size_t resource) {
  const Side& us = s.us();
  double need = 0;
  if (us.store_known) {
    const double mean = (us.store[0] + us.store[1] + us.store[2]) / 3;
    need += 0.3 * (mean - us.store[resource]) / (mean + 10);
  }
  if (s.on_map_known) {
    const double offered = s.on_map[0] + s.on_map[1] + s.on_map[2];
    if (offered > 0) need += 0.2 * (s.on_map[resource] / offered - 1.0 / 3);
    if (s.on_map[resource] <= 0) need -= 0.3;
  }
  return need;
}

std::vector<Priority> choose_priorities(const Situation& s, const Features& features,
                                        std::size_t stance, Focus focus) {
  std::array<double, priorities_max> scores{};
  for (std::size_t p = 0; p < priorities_max; ++p) {
    scores[p] =
        priority_by_stance[stance][p] + priority_by_focus[static_cast<std::size_t>(focus)][p];
  }
  const auto level = [&](Feature f) { return features[static_cast<std::size_t>(f)].level; };
  for (std::size_t r = 0; r < resources; ++r)
    scores[r] += need_of(s, r);
  scores[3] += -0.25 * level(Feature::territory_gap) + 0.2 * level(Feature::closing);
  scores[4] += 0.2 * level(Feature::army_balance) + 0.3 * level(Feature::opening) +
               0.4 * level(Feature::enemy_closing) - 0.3 * level(Feature::hurt);
  scores[5] += 0.15 * level(Feature::territory_gap) + 0.15 * level(Feature::enemy_expansion);
  scores[6] += 0.6 * level(Feature::base_threat) + 0.25 * level(Feature::enemy_rush);

  std::vector<Priority> chosen;
  for (int k = 0; k < priorities_wanted_max; ++k) {
    const std::size_t best = best_of(scores);
    if (k >= priorities_min && scores[best] < priority_score_min) break;
    chosen.push_back(static_cast<Priority>(best));
    scores[best] = -1e9;
  }
  return chosen;
}

std::vector<Reason> reasons_for(const Situation& s, const Features& features, std::size_t chosen,
                                std::size_t other) {
  std::vector<Reason> reasons;
  for (std::size_t f = 0; f < features.size(); ++f) {
    if (!features[f].known) continue;
    const auto& row = stance_weights[f].weight;
    const double weight = (row[chosen] - row[other]) * features[f].level;
    const auto feature = static_cast<Feature>(f);
    Reason reason{
        std::string(name(feature)),    describe(feature, features[f], s),     features[f].value,
        std::string(features[f].unit), std::min(1.0, std::max(-1.0, weight)), {}};
    if (feature == Feature::base_threat) reason.cells = s.threatened_cells;
    // By falling weight; the first of equals stays first.
    std::size_t place = reasons.size();
    while (place > 0 && std::abs(reasons[place - 1].weight) < std::abs(reason.weight))
      --place;
    reasons.insert(reasons.begin() + static_cast<std::ptrdiff_t>(place), std::move(reason));
  }
  while (reasons.size() > reasons_max ||
         (reasons.size() > reasons_min && std::abs(reasons.back().weight) < reason_weight_min)) {
    reasons.pop_back();
  }
  if (reasons.empty()) {
    reasons.push_back({"habit",
                       "Nothing that is known speaks for one way over another, so the usual one.",
                       stance_bias.weight[chosen] - stance_bias.weight[other],
                       "score",
                       stance_bias.weight[chosen] - stance_bias.weight[other],
                       {}});
  }
  return reasons;
}

// Share of the main features that could be measured, 0..1.
double completeness(const Features& features) {
  int known = 0;
  for (std::size_t f = 0; f <= static_cast<std::size_t>(Feature::tempo); ++f) {
    known += features[f].known ? 1 : 0;
  }
  return known / 8.0;
}

// A reason's sentence as it goes on inside another one.
std::string clause_of(const Reason& reason) {
  std::string text = reason.text;
  if (text.back() == '.') text.pop_back();
  if (text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

// What the team goes for, and the strongest of what speaks for it; where nothing does, what it is
// done in spite of.
std::string describe_choice(const TeamStrategy& strategy, const std::vector<Reason>& reasons) {
  constexpr std::array<std::string_view, stances> stance_words{
      "Grow on all sides", "Take the fight to the enemy", "Build the economy", "Hold what we have"};
  constexpr std::array<std::string_view, focuses> focus_words{", resources first", ", ground first",
                                                              ", fighters first"};
  std::string text{stance_words[static_cast<std::size_t>(strategy.stance)]};
  text += focus_words[static_cast<std::size_t>(strategy.focus)];
  int clauses = 0;
  for (const Reason& reason : reasons) {
    if (reason.weight < reason_weight_min || clauses == clauses_max) continue;
    std::string more = (clauses == 0 ? ": " : ", and ") + clause_of(reason);
    if (utf16_units(text) + utf16_units(more) >= description_units_max) continue;
    text += more;
    ++clauses;
  }
  if (clauses == 0) text += ", although " + clause_of(reasons.front());
  return cut_utf16(text + ".", description_units_max);
}

}  // namespace

Decision choose_strategy(const Situation& situation, std::optional<Stance> current) {
  const Features features = features_of(situation);
  const auto scores = score_stances(features, current);
  const std::size_t chosen = best_of(scores);
  const std::size_t other = best_of(scores, chosen);

  Decision decision;
  decision.strategy.stance = static_cast<Stance>(chosen);
  decision.stance_values = scores;
  decision.focus_values = score_focuses(features, chosen);
  decision.strategy.focus = static_cast<Focus>(best_of(decision.focus_values));
  decision.strategy.priorities =
      choose_priorities(situation, features, chosen, decision.strategy.focus);
  decision.reasons = reasons_for(situation, features, chosen, other);
  decision.strategy.description = describe_choice(decision.strategy, decision.reasons);
  const double margin = scores[chosen] - scores[other];
  decision.confidence = round_to(
      (0.35 + 0.6 * margin / (margin + margin_half)) * (0.4 + 0.6 * completeness(features)), 100);
  return decision;
}

}  // namespace redoubt::strategy
