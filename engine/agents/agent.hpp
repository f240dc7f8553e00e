// Agent: a model with a purpose, the tools it may use and the agents it may hand over to.
//
//   agents:
//     desk:
//       llm: small
//       instructions: You answer questions about bills of {{ input.firm }}.
//       tools: [look_up]
//       handoffs: [{agent: technical, filter: without_tools, description: Technical questions.}]
//       input_guardrails:
//         - {name: short, holds: "prompt | length < 4000", message: Please be brief.}
//       output_guardrails:
//         - {name: polite, model: small, prompt: Is this polite? Refuse insults.}
//       output: {type: object, required: [answer]}
//       memory: {scope: user, recall: 5, remember: true}
//
// 1. Reading checks the shape and the names; expressions and schemas of outputs are compiled by who
//    runs the agent. Every fault is gathered with its path below `agents.NAME`.
// 2. Agents, models and tools are known by their place in the file's lists.
// 3. A tool's parameters are a JSON Schema; none given means any object.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/schema/schema.hpp"

namespace redoubt::agents {

using Value = std::shared_ptr<const nlohmann::json>;

inline constexpr std::uint32_t kNowhere = 0xffffffffu;
inline constexpr std::uint32_t kTurnsMax = 100;
inline constexpr std::uint32_t kTurnsDefault = 10;
inline constexpr std::uint32_t kRepairsMax = 8;
inline constexpr std::size_t kToolsMax = 64;  ///< of one agent, handoffs among them
inline constexpr std::size_t kGuardrailsMax = 16;
inline constexpr std::uint32_t kRecallMax = 50;

/// What of the conversation the next agent sees. `last`: its last messages, never beginning with a
/// tool's answer.
enum class HandoffFilter : std::uint8_t { all, without_tools, prompt_only, last };

struct Handoff {
  std::uint32_t agent = 0;
  std::string description;
  HandoffFilter filter = HandoffFilter::all;
  std::uint32_t last = 0;
};

/// A function as the file declares it, for the model.
struct Tool {
  std::uint32_t function = 0;
  std::string name;
  std::string description;
  Value parameters;  ///< null: any object
  std::optional<schema::Schema> schema;
};

/// An expression over `prompt` or `output`; or a built-in or a model that says {pass, reason}.
enum class GuardrailKind : std::uint8_t { expression, builtin, model };

struct Guardrail {
  std::string name;
  GuardrailKind kind = GuardrailKind::expression;
  Value expression;
  std::string target;  ///< the built-in's name
  std::uint32_t model = kNowhere;
  std::string prompt;       ///< what the judging model is told
  std::string message;      ///< for whoever reads why the step failed
  std::uint32_t place = 0;  ///< in the file's list
  bool blocking = true;     ///< false: an input's is looked at while the model is thinking
};

enum class MemoryScope : std::uint8_t { session, agent, user };
const char* name_of(MemoryScope scope);

struct MemoryUse {
  MemoryScope scope = MemoryScope::session;
  std::uint32_t recall = 5;  ///< entries that the prompt brings to mind; 0: none
  bool remember = true;      ///< what was asked and answered is kept
};

enum class ToolChoice : std::uint8_t { automatic, none, required };

struct Agent {
  std::string name;
  std::string description;
  Value instructions;  ///< a text, with expressions
  std::uint32_t model = kNowhere;
  Value settings;  ///< beside the model's own
  std::vector<Tool> tools;
  std::vector<Handoff> handoffs;
  std::vector<Guardrail> input_guardrails;
  std::vector<Guardrail> output_guardrails;
  std::optional<MemoryUse> memory;
  ToolChoice tool_choice = ToolChoice::automatic;
  bool parallel_calls = true;
  std::uint32_t turns = kTurnsDefault;
  std::uint32_t repair = 1;
};

/// A tool's parameters as they were declared, and compiled.
struct Parameters {
  Value document;
  schema::Schema schema;
};

/// What the file declares, and so what its agents may refer to.
struct Declarations {
  std::vector<std::string> models;
  std::vector<std::string> functions;
  std::vector<Value> function_settings;  ///< beside `functions`
  std::vector<std::string> agents;
  std::vector<std::string> builtins;
  bool pinned = false;            ///< built-ins are not looked for: the file was found good before
  mutable schema::Budget budget;  ///< what schemas of the same file may still take
  mutable std::map<std::uint32_t, Parameters> compiled;  ///< by function
};

/// The agent `name`; what is wrong is added to `faults`, and what is wrong is left out of it.
Agent read_agent(const std::string& name, const nlohmann::json& settings,
                 const Declarations& declarations, std::vector<Error>& faults);

/// The name of the tool by which a model hands over to `agent`.
std::string handoff_name(std::string_view agent);

/// The agents that can come to answer for `first`, in the order in which they are reached.
std::vector<std::uint32_t> reachable(const std::vector<Agent>& all, std::uint32_t first);

}  // namespace redoubt::agents
