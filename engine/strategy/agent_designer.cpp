#include "engine/strategy/agent_designer.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/stable_order.hpp"

namespace redoubt::strategy {
namespace {

using territory::Attributes;
using territory::resources;
using territory::Role;
using territory::roles;

// Shares of collector, explorer, defender, attacker that each stance aims at.
constexpr std::array<Counts, stances> wanted_mix{{
    {0.38, 0.24, 0.14, 0.24},
    {0.30, 0.12, 0.08, 0.50},
    {0.52, 0.28, 0.08, 0.12},
    {0.36, 0.14, 0.38, 0.12},
}};
constexpr std::array<Counts, focuses> focus_shift{{
    {0.08, 0.00, 0.00, -0.04},
    {-0.02, 0.10, 0.00, 0.00},
    {-0.06, -0.04, 0.02, 0.10},
}};
// What answers each enemy style best.
constexpr std::array<Counts, styles> counter_shift{{
    {0.00, -0.06, 0.20, 0.06},
    {-0.04, 0.00, -0.06, 0.18},
    {0.06, 0.16, -0.08, -0.10},
    {0.00, 0.08, -0.04, 0.14},
}};
// A team without these has no economy to build anything else with.
constexpr double collectors_min = 2;
// Up to this many a collector pays for itself sooner than anything else.
constexpr double collectors_usual = 4;
constexpr double growth_weight = 0.25;
// Weights of the causes in a role's score.
constexpr double mix_weight = 1.0;
constexpr double price_weight = 0.25;
constexpr double bootstrap_weight = 0.6;
constexpr double safety_weight = 0.8;
// Fighters are worth their price when they are good ones: no blend under this step.
constexpr int fighter_step_min = 4;

// Attributes for a full purse and for a thin one.
constexpr std::array<Attributes, roles> rich_tables{{
    {.speed = 700, .health = 500, .attack = 200, .defense = 500, .carry_capacity = 1000},
    {.speed = 1000, .health = 600, .attack = 400, .defense = 500, .carry_capacity = 200},
    {.speed = 500, .health = 800, .attack = 900, .defense = 700, .carry_capacity = 100},
    {.speed = 700, .health = 700, .attack = 1000, .defense = 500, .carry_capacity = 100},
}};
constexpr std::array<Attributes, roles> thin_tables{{
    {.speed = 600, .health = 200, .attack = 100, .defense = 200, .carry_capacity = 800},
    {.speed = 900, .health = 200, .attack = 100, .defense = 200, .carry_capacity = 100},
    {.speed = 300, .health = 500, .attack = 800, .defense = 400, .carry_capacity = 100},
    {.speed = 500, .health = 500, .attack = 800, .defense = 300, .carry_capacity = 100},
}};
// For a team that has nearly nobody left and cannot afford anything else.
constexpr Attributes bare{
    .speed = 100, .health = 100, .attack = 100, .defense = 100, .carry_capacity = 100};
constexpr double poor_team_agents = 3;
constexpr int attribute_min = 100;
constexpr int attribute_max = 1000;
constexpr int attribute_step = 10;
constexpr int blend_steps = 10;
// A request may count more agents than any game allows.
constexpr double living_max = 1000;

double sum_of(const Counts& counts) {
  return counts[0] + counts[1] + counts[2] + counts[3];
}

std::array<double, resources> cost_of(const DesignInput& in, std::size_t role,
                                      const Attributes& attributes) {
  const double living = in.own_known ? std::min(sum_of(in.own), living_max) : 0;
  const territory::Amounts exact =
      territory::cost(*in.rules, static_cast<Role>(role), attributes, static_cast<int>(living));
  return {static_cast<double>(exact[0]), static_cast<double>(exact[1]),
          static_cast<double>(exact[2])};
}

bool affords(const DesignInput& in, const std::array<double, resources>& cost) {
  for (std::size_t r = 0; r < resources; ++r) {
    if (in.store[r] < cost[r]) return false;
  }
  return true;
}

std::int16_t blended(int thin, int rich, int step) {
  const int exact = thin + (rich - thin) * step / blend_steps;
  const int rounded = (exact + attribute_step / 2) / attribute_step * attribute_step;
  return static_cast<std::int16_t>(std::min(attribute_max, std::max(attribute_min, rounded)));
}

Attributes blend(std::size_t role, int step) {
  const Attributes& a = thin_tables[role];
  const Attributes& b = rich_tables[role];
  return {.speed = blended(a.speed, b.speed, step),
          .health = blended(a.health, b.health, step),
          .attack = blended(a.attack, b.attack, step),
          .defense = blended(a.defense, b.defense, step),
          .carry_capacity = blended(a.carry_capacity, b.carry_capacity, step)};
}

// Shifts points towards what the enemy's mix asks for, keeping the sum.
void counter(const DesignInput& in, std::size_t role, Attributes& a) {
  if (!in.enemy_known) return;
  const double total = sum_of(in.enemy);
  if (total <= 0) return;
  const double armed = (in.enemy[2] + in.enemy[3]) / total;
  constexpr std::int16_t shift = 100;
  const bool fighter = role >= static_cast<std::size_t>(Role::defender);
  if (fighter && armed < 0.25 && a.defense >= 300 && a.speed <= 800) {
    // Against workers legs are worth more than armour.
    a.defense = static_cast<std::int16_t>(a.defense - shift);
    a.speed = static_cast<std::int16_t>(a.speed + shift);
  } else if (!fighter && armed > 0.5 && a.attack >= 200 && a.health <= 900) {
    a.attack = static_cast<std::int16_t>(a.attack - shift);
    a.health = static_cast<std::int16_t>(a.health + shift);
  }
}

struct RoleScore {
  Counts wanted{};
  Counts mix{};        ///< contribution of the missing share
  Counts price{};      ///< contribution of what it costs against the store
  Counts bootstrap{};  ///< contribution of a missing economy
  Counts safety{};     ///< contribution of missing fighters
  double total(std::size_t role) const {
    return mix[role] + price[role] + bootstrap[role] + safety[role];
  }
};

RoleScore score_roles(const DesignInput& in) {
  RoleScore score;
  const auto stance = static_cast<std::size_t>(in.strategy.stance);
  const auto focus = static_cast<std::size_t>(in.strategy.focus);
  Counts wanted = wanted_mix[stance];
  for (std::size_t r = 0; r < roles; ++r) {
    wanted[r] += focus_shift[focus][r];
    for (std::size_t s = 0; s < styles; ++s) {
      wanted[r] += counter_shift[s][r] * std::max(0.0, in.opponent[s] - style_prior[s]);
    }
    wanted[r] = std::max(0.02, wanted[r]);
  }
  const double wanted_sum = sum_of(wanted);
  const double living = in.own_known ? sum_of(in.own) : 0;
  for (std::size_t r = 0; r < roles; ++r) {
    score.wanted[r] = wanted[r] / wanted_sum;
    const double have = in.own_known ? in.own[r] : 0;
    // The agent that brings the team closest to the wanted mix once it stands.
    score.mix[r] = mix_weight * (score.wanted[r] - have / (living + 1));
    const auto cost = cost_of(in, r, thin_tables[r]);
    double strain = 0;
    for (std::size_t k = 0; k < resources; ++k) {
      strain = std::max(strain, cost[k] / (cost[k] + in.store[k]));
    }
    score.price[r] = -price_weight * strain;
  }
  if (in.own_known && in.own[0] < collectors_min)
    score.bootstrap[0] = in.own[0] < 1 ? 2 * bootstrap_weight : bootstrap_weight;
  if (in.own_known && in.own[0] >= collectors_min && in.own[0] < collectors_usual) {
    score.bootstrap[0] = growth_weight;
  }
  if (in.own_known && in.own[2] + in.own[3] < in.fighters_wanted) {
    score.safety[2] = score.safety[3] = safety_weight;
  }
  return score;
}

// What the agent should gather: what the team has least of, measured in what it will cost.
territory::Resource needed(const DesignInput& in) {
  constexpr std::array<double, resources> usual{1.1, 1.1, 1.0};
  std::size_t best = 0;
  for (std::size_t r = 1; r < resources; ++r) {
    if (in.store[r] / usual[r] < in.store[best] / usual[best]) best = r;
  }
  return static_cast<territory::Resource>(best);
}

std::string percent(double share) {
  return fixed(100 * share, 0) + " %";
}

void explain(const DesignInput& in, const RoleScore& score, std::size_t role, Design& design) {
  const double living = in.own_known ? sum_of(in.own) : 0;
  const double have = in.own_known && living > 0 ? in.own[role] / living : 0;
  const std::string plural = std::string(role_names[role]) + "s";
  design.reasons.push_back(
      {"mix_gap",
       "The strategy wants " + percent(score.wanted[role]) + " " + plural +
           (in.own_known ? "; the team has " + percent(have) + "." : "; the team is not known."),
       100 * (score.wanted[role] - have),
       "points",
       score.mix[role],
       {}});
  const double price = design.cost[0] + design.cost[1] + design.cost[2];
  const double store = in.store[0] + in.store[1] + in.store[2];
  design.reasons.push_back(
      {"price",
       "It costs " + fixed(design.cost[0], 0) + "/" + fixed(design.cost[1], 0) + "/" +
           fixed(design.cost[2], 0) +
           (design.affordable ? ", which the store has." : ", more than the store has now."),
       price,
       "units",
       score.price[role] * (price > store ? 1.0 : 0.5),
       {}});
  if (score.bootstrap[role] > 0) {
    design.reasons.push_back(
        {"bootstrap",
         "Only " + fixed(in.own[0], 0) + " collectors: nothing else pays before there are two.",
         in.own[0],
         "collectors",
         score.bootstrap[role],
         {}});
  }
  for (std::size_t s = 0; s < styles; ++s) {
    const double weight = counter_shift[s][role] * std::max(0.0, in.opponent[s] - style_prior[s]);
    if (std::abs(weight) < 0.01) continue;
    design.reasons.push_back({"enemy_" + std::string(style_names[s]),
                              "The rival looks like " + std::string(style_names[s]) +
                                  " with probability " + percent(told(in.opponent[s])) + ".",
                              100 * told(in.opponent[s]),
                              "percent",
                              weight,
                              {}});
  }
  if (in.enemy_known && sum_of(in.enemy) > 0) {
    const double armed = (in.enemy[2] + in.enemy[3]) / sum_of(in.enemy);
    design.reasons.push_back({"enemy_arms",
                              percent(armed) + " of the rival's agents are fighters.",
                              100 * armed,
                              "percent",
                              0.1 * (armed - 0.35),
                              {}});
  }
  sort_stable(design.reasons, [](const Reason& a, const Reason& b) {
    return std::abs(a.weight) > std::abs(b.weight);
  });
  for (Reason& reason : design.reasons)
    reason.weight = std::min(1.0, std::max(-1.0, reason.weight));
}

std::string describe_design(const Design& design, const DesignInput& in) {
  constexpr std::array<std::string_view, roles> jobs{
      "Collector: walks to the sites and brings resources home",
      "Explorer: fast, reveals and claims new ground", "Defender: sturdy, holds what is threatened",
      "Attacker: goes where it wins and breaks the enemy's economy"};
  return cut_utf16(
      std::string(jobs[static_cast<std::size_t>(design.role)]) + ", for a team that is " +
          std::string(stance_names[static_cast<std::size_t>(in.strategy.stance)]) + ".",
      description_units_max);
}

}  // namespace

Design design_agent(const DesignInput& in) {
  const RoleScore score = score_roles(in);
  std::size_t best = 0;
  for (std::size_t r = 1; r < roles; ++r) {
    if (score.total(r) > score.total(best)) best = r;
  }
  Design design;
  design.role = static_cast<Role>(best);
  for (std::size_t r = 0; r < roles; ++r)
    design.role_values[r] = score.total(r);
  // The best agent that the store affords; the cheapest where it affords none.
  const bool fighter = design.role == Role::defender || design.role == Role::attacker;
  const bool picky = fighter && in.own_known;
  for (int step = blend_steps; step >= (picky ? fighter_step_min : 0) && !design.affordable;
       --step) {
    design.attributes = blend(best, step);
    design.cost = cost_of(in, best, design.attributes);
    design.affordable = affords(in, design.cost);
  }
  if (!design.affordable && in.own_known && sum_of(in.own) < poor_team_agents) {
    design.attributes = bare;
    design.cost = cost_of(in, best, bare);
    design.affordable = affords(in, design.cost);
  }
  counter(in, best, design.attributes);
  design.priority = needed(in);
  design.description = describe_design(design, in);
  explain(in, score, best, design);
  double second = -1e9;
  for (std::size_t r = 0; r < roles; ++r) {
    if (r != best) second = std::max(second, score.total(r));
  }
  const double margin = score.total(best) - second;
  design.confidence =
      round_to((in.own_known ? 1.0 : 0.6) * (0.4 + 0.55 * margin / (margin + 0.15)), 100);
  return design;
}

}  // namespace redoubt::strategy
