// Tools of OpenAI's Responses format that a coding agent runs itself and for which other formats
// have no word: as functions on the way to a target, and as they were on the way back.
//
//   the agent's tool                    function                its call, and its result
//   namespace {name, tools: [...]}      each of its functions,  function_call {namespace, name}
//                                       under both names
//   custom, in a namespace              as freeform.hpp has it  custom_tool_call {namespace, name}
//   or brought by an item
//   tool_search {execution: client}     tool_search             tool_search_call,
//                                                               tool_search_output
//   local_shell                         local_shell             local_shell_call,
//                                                               local_shell_call_output
//   shell {environment: local}          shell                   shell_call, shell_call_output
//   apply_patch                         apply_patch             apply_patch_call,
//                                                               apply_patch_call_output
//
// 1. Codex has the tools of its MCP servers in namespaces, looks for those that it does not show at
//    first by tool_search, and knows older models' shell as local_shell.
// 2. What a tool_search_output has found, or an item additional_tools brings, is offered as if it
//    stood among the request's tools.
// 3. A function's name is that of the namespace and its own, with "__" between them where neither
//    has an underscore there. Where two tools come to one name, the one without a namespace has it,
//    or the first; the other's is told apart by a hash of its namespace.
// 4. A choice of such a tool, and of several (`allowed_tools`), is one of the functions.
// 5. Targets of the Responses format are asked as the client asks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llm/chat.hpp"

namespace redoubt::llm {

enum class AgentToolKind : std::uint8_t {
  in_namespace,
  freeform,
  tool_search,
  local_shell,
  shell,
  apply_patch,
};

/// A tool that is offered as a function.
struct AgentTool {
  std::string function;  ///< what the function is called
  AgentToolKind kind = AgentToolKind::in_namespace;
  std::string name_space;  ///< "" where a freeform tool has none
  std::string name;        ///< within the namespace
};

/// The request's, in their order. O(bytes of its tools)
std::vector<AgentTool> agent_tools(const ChatRequest& request);

/// Whether the request has such a tool, or a call of one.
bool has_agent_tools(const ChatRequest& request);
/// Puts functions, and calls and results of them, in the place of those.
void make_functions(ChatRequest& request);

/// The item that a call is for the agent; `done`: with its arguments.
struct AgentCall {
  const AgentTool* tool = nullptr;
  std::string_view id;  ///< the item's
  std::string_view call_id;
  std::string_view arguments;
  bool done = false;
};
class JsonWriter;
/// Into an object that is open.
void write_agent_call(const AgentCall& call, JsonWriter& out);

}  // namespace redoubt::llm
