// AgentDesigner: which agent to build next, and with which attributes.
//
// 1. Attributes are permille, 100..1000, in steps of 10; their sum is at most 3000, and in a JSON
//    answer the double sum in the order speed, health, attack, defense, carryCapacity is <= 3.0.
// 2. The cost is the rules' formula; a design is made cheaper where the store needs it.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "engine/strategy/situation.hpp"

namespace redoubt::strategy {

using Counts = std::array<double, territory::roles>;

struct DesignInput {
  TeamStrategy strategy;
  std::array<double, territory::resources> store{};
  Counts own{};
  bool own_known = false;
  Counts enemy{};
  bool enemy_known = false;
  StyleBelief opponent = style_prior;
  double fighters_wanted = 0;  ///< defenders and attackers that safety asks for
  const territory::Rules* rules = &territory::default_rules();
};

struct Design {
  territory::Role role = territory::Role::collector;
  territory::Attributes attributes{};
  territory::Resource priority = territory::Resource::energy;  ///< what it should gather first
  std::array<double, territory::resources> cost{};
  bool affordable = false;
  std::string description;  ///< 5..200 UTF-16 units
  std::vector<Reason> reasons;
  double confidence = 0;
  Counts role_values{};  ///< what each role is worth to the team now; the greatest was chosen
};

Design design_agent(const DesignInput& input);

}  // namespace redoubt::strategy
