// Built-ins: what a workflow can call without a model or a tool, the strategist first of all.
//
// 1. This is the one place that knows both the strategist and workflows. `builtins()` goes into a
//    loader's LoadContext, `call()` carries out an effect of kind builtin.
// 2. A built-in is a pure function of its input: the same request always gives the same answer.
// 3. Input and output are JSON texts, as in an Effect's request and an Input's value.
//
//   strategist.team_strategy        a team-strategy request -> TeamStrategy
//   strategist.agent_specification  an agent-specification request -> AgentSpecification
//   strategist.strategy_adaptation  the former with its past -> TeamStrategy, opponent, changed
//   strategist.features             any of the three -> what a model is to know (features.hpp)
//
//   memory.search, memory.store     an agent's memory (engine/agents/memory_call.hpp), which is not
//                                   a function of its input alone: the host calls it, not call()
//
// The first three have reasons, confidence and source "engine" beside what was asked for; the
// requests' shapes are those of engine/strategy/requests.hpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::play {

std::vector<std::string> builtins();

/// Errors: "unknown_builtin"; "bad_json" with line and column; "bad_request" with the first fault's
/// path and every fault in the message.
Result<std::string> call(std::string_view name, std::string_view input);

}  // namespace redoubt::play
