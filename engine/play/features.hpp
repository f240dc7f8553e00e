// What a model is told about a match: the features that the strategist itself decides by, and the
// rules as formulas with their numbers, not as adjectives.
//
//   {team, shares_percent: {team: n}, store, agents: {role: n}, enemy_agents: {role: n},
//    costs: {role: {energy, materials, data, affordable}}, formulas: [text],
//    threats: {base_threat, opening, enemy_style}, win_share_percent,
//    alternatives: {strategy: {name: value}, focus: {name: value}} or {role: {name: value}},
//    features: [{name, level, value, unit, text}]}
//
// Alternatives are what the strategist has to choose among, with what each is worth to it: the
// greatest is its own choice. What the request does not tell is null, and an unknown feature is
// left out. Costs are those of a
// role's default attributes for the team as it stands.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/strategy/requests.hpp"

namespace redoubt::play {

/// A team-strategy, strategy-adaptation or agent-specification request: which of them is seen by
/// its members.
strategy::Answer features(const nlohmann::json& request);

}  // namespace redoubt::play
