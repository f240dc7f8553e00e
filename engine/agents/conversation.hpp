// Conversation: an agent's turns with its model, as a state machine without a clock or a socket.
//
//   asking --(an answer without calls)--------------> a final answer
//   asking --(calls)--------------------------------> calling: the valid ones are carried out
//   calling --(all calls have their results)--------> asking, the next turn
//   calling --(all have, a handoff was among them)--> asking as another agent
//   asking --(its output does not fit, may mend)----> asking, with what is wrong
//
// 1. A message is {role, content}; a model's has `tool_calls: [{id, name, arguments}]`, a tool's
//    `tool_call_id` and `name`, and `is_error` where the tool failed. Messages never change, so
//    that a conversation is kept by keeping pointers.
// 2. Every call gets one result, in the order of the calls. What cannot be carried out (a tool that
//    is not there, arguments that do not fit, a second handoff in one turn, too many calls) is told
//    to the model as that call's result and never thrown.
// 3. One handoff a turn, after that turn's tools. The next agent sees what its handoff's filter
//    leaves, and speaks with its own instructions.
// 4. Calls are counted through the whole conversation: a call's number is never used twice.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/agents/agent.hpp"

namespace redoubt::agents {

inline constexpr std::size_t kCallsPerTurnMax = 32;
inline constexpr std::size_t kMessagesMax = 4096;
/// Of a tool's result, as the model sees it; the cut is marked.
inline constexpr std::size_t kResultBytesMax = 64 * 1024;
/// Of all messages; a longer conversation has come to its end.
inline constexpr std::size_t kConversationBytesMax = 2u << 20;

/// A call that a model asked for.
struct ToolCall {
  std::string id;
  std::string name;
  std::uint32_t tool =
      kNowhere;              ///< of the agent's tools; kNowhere: answered already, or a handoff
  std::uint32_t number = 0;  ///< through the whole conversation
  Value arguments;
  Value result;  ///< null: not there yet
  bool failed = false;
};

struct Conversation {
  std::uint32_t agent = 0;
  std::uint32_t turn = 0;     ///< turns that were begun
  std::uint32_t calls = 0;    ///< tool calls so far
  std::uint32_t repairs = 0;  ///< of this agent's answer
  std::uint32_t handoffs = 0;
  std::uint32_t bytes = 0;        ///< of all messages
  std::uint32_t next = kNowhere;  ///< among the agent's handoffs: where this turn leads
  std::int64_t input_tokens = 0;  ///< as the models reported them
  std::int64_t output_tokens = 0;
  std::int64_t cost_microusd = 0;
  std::uint32_t prompt_size = 0;  ///< messages that the step began with
  std::string memories;           ///< what was brought to mind, for the instructions
  std::vector<Value> messages;    ///< without the instructions
  std::vector<ToolCall> open;     ///< of this turn, in the order of the answer
};

/// Puts a message behind the others. False where the conversation is full.
bool say(Conversation& talk, nlohmann::json message);

/// The next turn's request: {messages, settings, tools, tool_choice, parallel_tool_calls, output}.
/// `settings` are the model's, which the agent's own override; `output`: a schema or null.
nlohmann::json turn_request(const Conversation& talk, const std::vector<Agent>& agents,
                            const std::string& instructions, const nlohmann::json& settings,
                            const nlohmann::json* output);

enum class Answered : std::uint8_t { final, calls, full };

/// Takes a model's {text, tool_calls, usage}. After `calls`, those in `open` with a `tool` and
/// without a result are to be carried out.
Answered take_answer(Conversation& talk, const std::vector<Agent>& agents,
                     const nlohmann::json& answer);

/// A carried out call's result; a failure is {code, message}.
void take_result(ToolCall& call, const nlohmann::json& result, bool failed);

bool all_answered(const Conversation& talk);

/// Tells the results and follows the handoff. False where the conversation is full.
/// REQUIRES: all_answered(talk)
bool close_calls(Conversation& talk, const std::vector<Agent>& agents);

/// What a model is told whose answer does not fit.
std::string mending(const std::vector<std::string>& faults);

/// A value as text: a text as it is, everything else as canonical JSON.
std::string as_text(const nlohmann::json& value);

}  // namespace redoubt::agents
