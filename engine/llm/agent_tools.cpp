#include "engine/llm/agent_tools.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat here = WireFormat::openai_responses;
constexpr std::string_view search_name = "tool_search";
constexpr std::string_view shell_name = "local_shell";

// Of the items of a request, and of the tools that they found.
constexpr std::size_t tools_max = 4'096;

constexpr std::string_view shell_description =
    "Runs a command on the user's machine and returns its output.";
constexpr std::string_view shell_parameters =
    R"({"type":"object","properties":{"command":{"type":"array","items":{"type":"string"},)"
    R"("description":"The program and its arguments."},"working_directory":{"type":"string"},)"
    R"("timeout_ms":{"type":"integer"}},"required":["command"],"additionalProperties":false})";

Json read(std::string_view text) {
  auto json = parse_json(text, wire_json_limits);
  return json.ok() ? std::move(json).value() : Json();
}

std::string_view unquoted(std::string_view value) {
  return value.size() >= 2 && value.front() == '"' ? value.substr(1, value.size() - 2)
                                                   : std::string_view();
}

std::string_view type_of(std::string_view object) {
  return unquoted(member_text(object, "type"));
}

bool is_of_agent(const ToolDefinition& tool) {
  if (!tool.opaque || tool.format != here) return false;
  const std::string_view type = type_of(tool.extra);
  return type == "namespace" || type == search_name || type == shell_name;
}

bool is_item(const ChatPart& part, std::string_view type) {
  return part.kind == PartKind::opaque && part.format == here && type_of(part.extra) == type;
}

bool has_namespace(const ChatPart& part) {
  return part.kind == PartKind::tool_call && part.format == here &&
         !unquoted(member_text(part.extra, "namespace")).empty();
}

bool is_call_of_agent(const ChatPart& part) {
  return has_namespace(part) || is_item(part, "tool_search_call") ||
         is_item(part, "tool_search_output") || is_item(part, "local_shell_call") ||
         is_item(part, "local_shell_call_output");
}

std::string joined_name(std::string_view name_space, std::string_view name) {
  const bool parted =
      name_space.empty() || name.empty() || name_space.back() == '_' || name.front() == '_';
  return joined({name_space, parted ? "" : "__", name});
}

/// A function, and the tool that it stands for where it is one of an agent's.
struct Offered {
  ToolDefinition function;
  AgentTool tool;
};

ToolDefinition function_of(const Json& tool, std::string_view text) {
  ToolDefinition function;
  function.name = text_in(tool, "name");
  function.description = text_in(tool, "description");
  const Json* parameters = member_of(tool, "parameters");
  if (parameters != nullptr && parameters->is_object())
    function.parameters = text_or_dump(member_text(text, "parameters"), *parameters);
  if (const Json* strict = member_of(tool, "strict"); strict != nullptr && strict->is_boolean())
    function.strict = strict->get<bool>();
  return function;
}

void add_namespace(const Json& json, std::string_view text, std::vector<Offered>& out) {
  const std::string_view name_space = text_in(json, "name");
  const Json* tools = member_of(json, "tools");
  if (tools == nullptr || !tools->is_array()) return;
  const auto texts = element_texts(member_text(text, "tools"));
  for (std::size_t i = 0; i < tools->size(); ++i) {
    if (text_in((*tools)[i], "type") != "function") {  // the encoders judge it as any other
      out.push_back(
          {.function = {.format = here, .extra = dump((*tools)[i]), .opaque = true}, .tool = {}});
      continue;
    }
    Offered& offered = out.emplace_back();
    offered.function = function_of((*tools)[i], nth_text(texts, i));
    offered.tool = {.function = joined_name(name_space, offered.function.name),
                    .name_space = std::string(name_space),
                    .name = offered.function.name};
    offered.function.name = offered.tool.function;
  }
}

// A tool as a client lists it, or as a search found it.
void add_tool(std::string_view text, std::vector<Offered>& out) {
  const Json json = read(text);
  const std::string_view type = text_in(json, "type");
  if (type == "namespace") return add_namespace(json, text, out);
  Offered offered;
  if (type == search_name) {
    offered.function = function_of(json, text);
    offered.function.name = search_name;
    offered.tool = {.function = std::string(search_name), .kind = AgentToolKind::tool_search};
  } else if (type == shell_name) {
    offered.function.name = shell_name;
    offered.function.description = shell_description;
    offered.function.parameters = shell_parameters;
    offered.tool = {.function = std::string(shell_name), .kind = AgentToolKind::local_shell};
  } else if (type == "function") {
    offered.function = function_of(json, text);  // found by a search, and plain
  } else {
    return;
  }
  out.push_back(std::move(offered));
}

// What the searches of the conversation have found.
std::vector<Offered> found_tools(const ChatRequest& request) {
  std::vector<Offered> found;
  for (const ChatMessage& message : request.messages) {
    for (const ChatPart& part : message.parts) {
      if (!is_item(part, "tool_search_output")) continue;
      for (const std::string_view tool : element_texts(member_text(part.extra, "tools")))
        if (found.size() < tools_max) add_tool(tool, found);
    }
  }
  return found;
}

// The request's tools with functions in the place of an agent's: each name once.
std::vector<Offered> offered_tools(const ChatRequest& request) {
  std::vector<Offered> all;
  for (const ToolDefinition& tool : request.tools) {
    if (is_of_agent(tool)) {
      add_tool(tool.extra, all);
    } else {
      all.push_back({.function = tool, .tool = {}});
    }
  }
  std::vector<Offered> found = found_tools(request);
  std::move(found.begin(), found.end(), std::back_inserter(all));
  std::vector<Offered> once;
  for (Offered& each : all) {
    const bool known =
        !each.function.opaque && std::any_of(once.begin(), once.end(), [&](const Offered& other) {
          return other.function.name == each.function.name;
        });
    if (!known) once.push_back(std::move(each));
  }
  return once;
}

std::string call_id_of(const Json& item) {
  const std::string_view call_id = text_in(item, "call_id");
  return std::string(call_id.empty() ? text_in(item, "id") : call_id);
}

void become_call(ChatPart& part, const Json& item, std::string_view name, const Json* arguments) {
  ChatPart call;
  call.kind = PartKind::tool_call;
  call.id = call_id_of(item);
  call.name = name;
  call.arguments = arguments != nullptr && arguments->is_object() ? dump(*arguments) : "{}";
  part = std::move(call);
}

void become_result(ChatPart& part, const Json& item, std::string text) {
  ChatPart result;
  result.kind = PartKind::tool_result;
  result.id = call_id_of(item);
  result.text = std::move(text);
  part = std::move(result);
}

void settle(ChatPart& part) {
  if (!is_call_of_agent(part)) return;
  const Json item = read(part.extra);
  if (has_namespace(part)) {
    part.name = joined_name(text_in(item, "namespace"), part.name);
    part.extra.clear();
  } else if (is_item(part, "tool_search_call")) {
    become_call(part, item, search_name, member_of(item, "arguments"));
  } else if (is_item(part, "local_shell_call")) {
    Json action = item.value("action", Json::object());
    if (action.is_object()) action.erase("type");
    become_call(part, item, shell_name, &action);
  } else if (is_item(part, "tool_search_output")) {
    become_result(part, item, std::string(member_text(part.extra, "tools")));
  } else {
    become_result(part, item, std::string(text_in(item, "output")));
  }
}

}  // namespace

std::vector<AgentTool> agent_tools(const ChatRequest& request) {
  std::vector<AgentTool> tools;
  if (!has_agent_tools(request)) return tools;
  for (Offered& each : offered_tools(request))
    if (!each.tool.function.empty()) tools.push_back(std::move(each.tool));
  return tools;
}

bool has_agent_tools(const ChatRequest& request) {
  if (request.format != here) return false;
  return std::any_of(request.tools.begin(), request.tools.end(), is_of_agent) ||
         std::any_of(
             request.messages.begin(), request.messages.end(), [](const ChatMessage& message) {
               return std::any_of(message.parts.begin(), message.parts.end(), is_call_of_agent);
             });
}

void make_functions(ChatRequest& request) {
  std::vector<ToolDefinition> tools;
  for (Offered& each : offered_tools(request))
    tools.push_back(std::move(each.function));
  request.tools = std::move(tools);
  for (ChatMessage& message : request.messages) {
    for (ChatPart& part : message.parts)
      settle(part);
  }
}

void write_agent_call(const AgentCall& call, JsonWriter& out) {
  const std::string_view status = call.done ? "completed" : "in_progress";
  const bool has_arguments = call.done && is_object_text(call.arguments);
  const std::string_view arguments = has_arguments ? call.arguments : "{}";
  switch (call.tool->kind) {
    case AgentToolKind::in_namespace:
      out.text("type", "function_call");
      out.text("id", call.id);
      out.text("call_id", call.call_id);
      out.text("namespace", call.tool->name_space);
      out.text("name", call.tool->name);
      out.text("arguments", call.done ? call.arguments : std::string_view());
      break;
    case AgentToolKind::tool_search:
      out.text("type", "tool_search_call");
      out.text("id", call.id);
      out.text("call_id", call.call_id);
      out.text("execution", "client");
      out.raw("arguments", arguments);
      break;
    case AgentToolKind::local_shell:
      out.text("type", "local_shell_call");
      out.text("id", call.id);
      out.text("call_id", call.call_id);
      out.open_object("action");
      out.text("type", "exec");
      out.members_but(arguments, {"type"});
      // The format has them always.
      if (member_text(arguments, "command").empty()) out.raw("command", "[]");
      if (member_text(arguments, "env").empty()) out.raw("env", "{}");
      out.close_object();
      break;
  }
  out.text("status", status);
}

}  // namespace redoubt::llm
