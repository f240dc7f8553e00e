// The strategist as a function from a request to an answer, for callers with a world of their own:
// the relay's game endpoints, the command line and games that import the wasm package.
//
// Shapes: README of the relay's API; TeamStrategy {strategy, focus, priorities, description} and
// AgentSpecification {role, attributes, priority, description}, each plus reasons, confidence and
// source ("engine"). A wrong request is error bad_request whose `details` list every fault.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

namespace redoubt::strategy {

/// One fault of a request, in the terms of FastAPI's 422 detail list.
struct RequestFault {
  std::string type;  ///< missing, string_type, float_type, finite_number, enum, ...
  std::vector<std::string> location;  ///< path inside the body: {"resources", "red", "energy"}
  std::string message;
  nlohmann::json input;  ///< the offending value (the parent object where missing)
};
using Faults = std::vector<RequestFault>;
using Answer = std::variant<nlohmann::json, Faults>;

Answer answer_team_strategy(const nlohmann::json& request);
Answer answer_agent_specification(const nlohmann::json& request);
/// team-strategy's body plus current_strategy and opponent_history: [{tick, territory, agents by
/// role, actions}].
Answer answer_strategy_adaptation(const nlohmann::json& request);

}  // namespace redoubt::strategy
