#include "engine/play/features.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/strategy/agent_designer.hpp"
#include "engine/strategy/opponent_model.hpp"
#include "engine/strategy/playbook.hpp"
#include "engine/strategy/request_reader.hpp"
#include "engine/strategy/situation.hpp"
#include "engine/territory/rules.hpp"

namespace redoubt::play {
namespace {

using strategy::Situation;

Json amounts_json(const std::array<double, territory::resources>& amounts) {
  Json out = Json::object();
  for (std::size_t r = 0; r < amounts.size(); ++r)
    out[std::string(strategy::resource_names[r])] = amounts[r];
  return out;
}

Json counts_json(const strategy::Side& side) {
  if (!side.agents_known) return Json();
  Json out = Json::object();
  for (std::size_t r = 0; r < strategy::role_names.size(); ++r)
    out[std::string(strategy::role_names[r])] = side.count[r];
  return out;
}

Json costs_json(const strategy::Side& us, const territory::Rules& rules) {
  const double known = us.agents_known ? us.agents() : 0;
  const int living = static_cast<int>(std::min<double>(known, rules.agents_per_team_max));
  Json out = Json::object();
  for (std::size_t r = 0; r < strategy::role_names.size(); ++r) {
    const territory::Amounts cost =
        territory::cost(rules, static_cast<territory::Role>(r), rules.defaults[r], living);
    Json one = Json::object();
    bool affordable = us.store_known;
    for (std::size_t i = 0; i < cost.size(); ++i) {
      one[std::string(strategy::resource_names[i])] = cost[i];
      affordable = affordable && us.store[i] >= cost[i];
    }
    one["affordable"] = us.store_known ? Json(affordable) : Json();
    out[std::string(strategy::role_names[r])] = std::move(one);
  }
  return out;
}

// Permille as a decimal number, without what rounding would add.
std::string decimal(int permille) {
  std::string out = std::to_string(permille / 1000);
  std::string rest = std::to_string(1000 + permille % 1000).substr(1);
  while (!rest.empty() && rest.back() == '0')
    rest.pop_back();
  return rest.empty() ? out : joined({out, ".", rest});
}

std::string cost_formula(const territory::Rules& r) {
  std::string out =
      joined({"cost of an agent, per resource = round(", r.cost_base_units, " x multiplier x (",
              decimal(r.cost_attributes_base_permille), " + ",
              decimal(r.cost_attributes_scaled_permille), " x sum of attributes) x (1 + ",
              decimal(r.cost_living_permille), " x max(0, living agents - ", r.cost_living_free,
              "))); multipliers energy/materials/data:"});
  for (std::size_t role = 0; role < strategy::role_names.size(); ++role) {
    const territory::Amounts& m = r.cost_permille[role];
    out += joined({role == 0 ? " " : ", ", strategy::role_names[role], " ", decimal(m[0]), "/",
                   decimal(m[1]), "/", decimal(m[2])});
  }
  return out;
}

Json formulas_json(const territory::Rules& r) {
  Json out = Json::array();
  out.push_back(cost_formula(r));
  out.push_back(joined({"attributes are ", decimal(r.attribute_min), "..", decimal(r.attribute_max),
                        " each, their sum at most ", decimal(r.attribute_sum_max)}));
  out.push_back(joined(
      {"health points = ", r.health_base_points, " + ", r.health_scaled_points, " x health"}));
  out.push_back(joined(
      {"damage = max(", r.damage_min_points, ", attack points - ", decimal(r.armour_permille),
       " x armour), attack points = (", r.attack_base_points, " + ", r.attack_scaled_points,
       " x attack) x role factor, armour = ", r.armour_base_points, " + ", r.armour_scaled_points,
       " x defense, one hit each ", r.cooldown_ticks, " ticks"}));
  out.push_back(joined({"progress a tick = ", r.move_base, " + ", r.move_scaled,
                        " x speed; an open cell takes ", r.move_cost_open, ", a rough one ",
                        r.move_cost_rough}));
  return out;
}

Json shares_json(const Situation& situation) {
  Json out = Json::object();
  for (std::size_t team = 0; team < situation.sides.size(); ++team)
    if (situation.present[team] && situation.sides[team].territory_known)
      out[std::string(strategy::team_names[team])] = situation.sides[team].share_percent;
  return out;
}

Json threats_json(const Situation& situation) {
  Json style = Json();
  if (situation.opponent_known) {
    style = Json::object();
    for (std::size_t s = 0; s < situation.opponent.size(); ++s)
      style[std::string(strategy::style_names[s])] = situation.opponent[s];
  }
  const bool placed = situation.positions_known;
  return {{"base_threat", placed ? Json(situation.base_threat) : Json()},
          {"opening", placed ? Json(situation.opening) : Json()},
          {"enemy_style", std::move(style)}};
}

Json features_json(const Situation& situation) {
  const strategy::Features features = strategy::features_of(situation);
  Json out = Json::array();
  for (std::size_t f = 0; f < features.size(); ++f) {
    const strategy::FeatureValue& value = features[f];
    if (!value.known) continue;
    const auto feature = static_cast<strategy::Feature>(f);
    out.push_back({{"name", strategy::name(feature)},
                   {"level", value.level},
                   {"value", value.value},
                   {"unit", value.unit},
                   {"text", strategy::describe(feature, value, situation)}});
  }
  return out;
}

template <std::size_t N>
Json values_json(const std::array<std::string_view, N>& names,
                 const std::array<double, N>& values) {
  Json out = Json::object();
  for (std::size_t i = 0; i < N; ++i)
    out[std::string(names[i])] = strategy::round_to(values[i], 100);
  return out;
}

Json strategies_json(const Situation& situation, std::optional<strategy::Stance> current) {
  const strategy::Decision decision = strategy::choose_strategy(situation, current);
  return {{"strategy", values_json(strategy::stance_names, decision.stance_values)},
          {"focus", values_json(strategy::focus_names, decision.focus_values)}};
}

Json roles_json(const Situation& situation, strategy::TeamStrategy strategy) {
  const strategy::Side& us = situation.us();
  strategy::DesignInput input;
  input.strategy = std::move(strategy);
  input.store = us.store;
  input.own_known = us.agents_known;
  std::copy_n(us.count.begin(), input.own.size(), input.own.begin());
  return {{"role", values_json(strategy::role_names, strategy::design_agent(input).role_values)}};
}

// An agent-specification request knows the own side alone.
Situation own_side(strategy::RequestReader& reader) {
  Situation situation;
  situation.own = reader.team_id();
  const auto own = static_cast<std::size_t>(situation.own);
  situation.present[own] = true;
  strategy::Side& us = situation.sides[own];
  us.store = reader.own_store();
  us.store_known = true;
  if (const auto counts = reader.current_agents()) {
    us.count = *counts;
    us.agents_known = true;
  }
  return situation;
}

}  // namespace

strategy::Answer features(const Json& request) {
  strategy::RequestReader reader(request);
  const auto has = [&](const char* name) { return request.is_object() && request.contains(name); };
  const bool whole = has("territory_control");
  Situation situation = whole ? reader.situation() : own_side(reader);
  std::optional<strategy::Stance> current;
  if (has("current_strategy")) current = reader.strategy("current_strategy").stance;
  std::optional<strategy::TeamStrategy> ordered;
  if (!whole && has("strategy")) ordered = reader.strategy("strategy");
  if (has("opponent_history")) {
    strategy::OpponentModel model;
    for (const strategy::Observation& seen : reader.history())
      model.observe(seen);
    situation.opponent = model.belief();
    situation.opponent_known = model.observations() > 0;
  }
  if (!reader.faults().empty()) return reader.take();
  const territory::Rules& rules = territory::default_rules();
  const strategy::Side& us = situation.us();
  const int rival = situation.rival();
  Json out = Json::object();
  out["team"] = strategy::team_names[static_cast<std::size_t>(situation.own)];
  out["shares_percent"] = shares_json(situation);
  out["store"] = us.store_known ? amounts_json(us.store) : Json();
  out["agents"] = counts_json(us);
  out["enemy_agents"] =
      rival < 0 ? Json() : counts_json(situation.sides[static_cast<std::size_t>(rival)]);
  out["costs"] = costs_json(us, rules);
  out["formulas"] = formulas_json(rules);
  out["threats"] = threats_json(situation);
  out["alternatives"] = whole     ? strategies_json(situation, current)
                        : ordered ? roles_json(situation, std::move(*ordered))
                                  : Json();
  out["win_share_percent"] = situation.win_share_percent;
  out["features"] = features_json(situation);
  return out;
}

}  // namespace redoubt::play
