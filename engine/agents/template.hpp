// Template: a kind of agent with its tasks, from which a workflow file is made.
//
// 1. What is made is a workflow as JSON, as engine/workflow loads it: one agent, a step for each
//    task in the order of their dependencies, and tasks marked parallel that are ready at the same
//    time as the branches of one step. Its `input` is {task} with anything beside it.
// 2. A task sees the answers of the tasks that it depends on. Templates of the game have a built-in
//    behind their agent and so give an answer without any model.
// 3. Configuration keys that an agent has (name, role, goal, backstory, instructions, model,
//    temperature, max_tokens, context_window, framework, capabilities, memory_enabled) override the
//    template's; all others are kept under the agent's custom_config.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agents/agent.hpp"
#include "engine/base/result.hpp"

namespace redoubt::agents {

inline constexpr std::size_t kTasksMax = 100;

struct TemplateTask {
  std::string name;
  std::string content;
  bool parallel = false;
  std::vector<std::string> dependencies;
};

struct AgentTemplate {
  std::string name;
  std::string description;
  std::string category;
  std::string framework;
  std::uint32_t context_window = 4000;
  double temperature = 0.7;
  std::vector<std::string> capabilities;
  std::vector<std::string> tags;
  std::string role;
  std::string goal;
  std::string builtin;  ///< answers where no model does; "": none
  Value output;         ///< a JSON Schema of the answer; null: a text
  std::vector<TemplateTask> tasks;
};

/// code_generator, documentation_writer, test_engineer, development_team, researcher; strategist,
/// agent_designer and adapter for the game.
const std::vector<AgentTemplate>& agent_templates();
const AgentTemplate* find_template(std::string_view name);

/// Errors: bad_template with the member at fault (a cycle, a dependency that is no task).
Result<AgentTemplate> read_template(const nlohmann::json& json);

/// The workflow of an agent called `agent`. Errors: bad_config with the key at fault.
Result<nlohmann::json> instantiate(const AgentTemplate& from, const std::string& agent,
                                   const nlohmann::json& config);

}  // namespace redoubt::agents
