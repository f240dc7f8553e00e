#include "engine/llm/agent_tools.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "engine/base/hash64.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/freeform.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::openai_responses;
constexpr std::string_view search_name = "tool_search";
constexpr std::string_view local_shell_name = "local_shell";
constexpr std::string_view shell_name = "shell";
constexpr std::string_view patch_name = "apply_patch";
constexpr std::string_view added_tools = "additional_tools";

// Of the tools that a request's items bring.
constexpr std::size_t tools_max = 4'096;

constexpr std::string_view shell_description =
    "Runs a command on the user's machine and returns its output.";
constexpr std::string_view local_shell_parameters =
    R"({"type":"object","properties":{"command":{"type":"array","items":{"type":"string"},)"
    R"("description":"The program and its arguments."},"working_directory":{"type":"string"},)"
    R"("timeout_ms":{"type":"integer"}},"required":["command"],"additionalProperties":false})";
constexpr std::string_view shell_parameters =
    R"({"type":"object","properties":{"commands":{"type":"array","items":{"type":"string"},)"
    R"("description":"Lines for the shell."},"timeout_ms":{"type":"integer"},)"
    R"("max_output_length":{"type":"integer","description":"In characters."}},)"
    R"("required":["commands"],"additionalProperties":false})";

// https://developers.openai.com/api/docs/guides/tools-apply-patch
constexpr std::string_view patch_description =
    "Creates, updates or deletes one file in the user's workspace. The diff is a V4A diff without "
    "its *** lines: every line of a new file begins with +; of a file that is updated, hunks begin "
    "with @@ and have lines that begin with a space (kept), - (removed) or + (added).";
constexpr std::string_view patch_parameters =
    R"({"type":"object","properties":{"operation":{"type":"object","properties":{)"
    R"("type":{"type":"string","enum":["create_file","update_file","delete_file"]},)"
    R"("path":{"type":"string","description":"Relative to the workspace."},)"
    R"("diff":{"type":"string","description":"Of a file that is created or updated."}},)"
    R"("required":["type","path"],"additionalProperties":false}},)"
    R"("required":["operation"],"additionalProperties":false})";

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
  if (!tool.opaque || tool.format != own_format) return false;
  const std::string_view type = type_of(tool.extra);
  return type == "namespace" || type == search_name || type == local_shell_name ||
         type == shell_name || type == patch_name;
}

bool is_item(const ChatPart& part, std::string_view type) {
  return part.kind == PartKind::opaque && part.format == own_format && type_of(part.extra) == type;
}

bool has_namespace(const ChatPart& part) {
  return part.kind == PartKind::tool_call && part.format == own_format &&
         !unquoted(member_text(part.extra, "namespace")).empty();
}

bool is_call_of_agent(const ChatPart& part) {
  return has_namespace(part) || is_item(part, "tool_search_call") ||
         is_item(part, "tool_search_output") || is_item(part, "local_shell_call") ||
         is_item(part, "local_shell_call_output") || is_item(part, "shell_call") ||
         is_item(part, "shell_call_output") || is_item(part, "apply_patch_call") ||
         is_item(part, "apply_patch_call_output") || is_item(part, added_tools);
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

/// A tool that says no more of itself than its type.
struct BuiltIn {
  std::string_view type;
  AgentToolKind kind;
  std::string_view description;
  std::string_view parameters;
};
constexpr BuiltIn built_ins[] = {
    {local_shell_name, AgentToolKind::local_shell, shell_description, local_shell_parameters},
    {shell_name, AgentToolKind::shell, shell_description, shell_parameters},
    {patch_name, AgentToolKind::apply_patch, patch_description, patch_parameters},
};

const BuiltIn* built_in(std::string_view type) {
  const auto* found = std::find_if(std::begin(built_ins), std::end(built_ins),
                                   [&](const BuiltIn& tool) { return tool.type == type; });
  return found == std::end(built_ins) ? nullptr : found;
}

/// The tool as a function; `text` is its own. What is no tool of an agent's is left to the
/// encoders, which judge it as any other.
Offered offered_as(const Json& json, std::string_view text, std::string_view name_space) {
  const std::string_view type = text_in(json, "type");
  ToolDefinition as_is{.format = own_format, .extra = std::string(text), .opaque = true};
  Offered offered;
  if (type == "function" || type == "custom") {
    const bool freeform = type == "custom";
    offered.function = freeform ? freeform_function(as_is) : function_of(json, text);
    if (name_space.empty() && !freeform) return offered;
    offered.tool = {.function = joined_name(name_space, offered.function.name),
                    .kind = freeform ? AgentToolKind::freeform : AgentToolKind::in_namespace,
                    .name_space = std::string(name_space),
                    .name = offered.function.name};
  } else if (type == search_name && name_space.empty()) {
    offered.function = function_of(json, text);
    offered.tool = {.function = std::string(search_name), .kind = AgentToolKind::tool_search};
  } else if (const BuiltIn* tool = built_in(type); tool != nullptr && name_space.empty()) {
    offered.function.description = tool->description;
    offered.function.parameters = tool->parameters;
    offered.tool = {.function = std::string(type), .kind = tool->kind};
  } else {
    offered.function = std::move(as_is);
    return offered;
  }
  offered.function.name = offered.tool.function;
  return offered;
}

// A tool as a client lists it, or as an item has it.
void add_tool(std::string_view text, std::vector<Offered>& out) {
  const Json json = read(text);
  const Json* tools = member_of(json, "tools");
  if (text_in(json, "type") != "namespace") {
    out.push_back(offered_as(json, text, ""));
  } else if (tools != nullptr && tools->is_array()) {
    const auto texts = element_texts(member_text(text, "tools"));
    for (std::size_t i = 0; i < tools->size(); ++i)
      out.push_back(offered_as((*tools)[i], nth_text(texts, i), text_in(json, "name")));
  }
}

// What items of the conversation bring: those that a search has found, and the client's own.
std::vector<Offered> brought_tools(const ChatRequest& request) {
  std::vector<Offered> brought;
  for (const ChatMessage& message : request.messages) {
    for (const ChatPart& part : message.parts) {
      if (!is_item(part, "tool_search_output") && !is_item(part, added_tools)) continue;
      for (const std::string_view tool : element_texts(member_text(part.extra, "tools")))
        if (brought.size() < tools_max) add_tool(tool, brought);
    }
  }
  return brought;
}

std::string_view name_of(const ToolDefinition& tool) {
  return tool.opaque ? unquoted(member_text(tool.extra, "name")) : std::string_view(tool.name);
}

/// The function's name where another tool has that of joined_name().
std::string own_name(const AgentTool& tool) {
  constexpr std::size_t hash_digits = 8;
  Hash64 hash;
  hash.add_bytes(tool.name_space);
  return joined({tool.function, "_", hex16(hash.value()).substr(0, hash_digits)});
}

// A function of a namespace leaves its name to a tool that has it without one, and to an earlier.
void keep_apart(std::vector<Offered>& tools) {
  std::set<std::string> taken;
  for (const Offered& each : tools)
    if (each.tool.name_space.empty()) taken.emplace(name_of(each.function));
  for (Offered& each : tools) {
    AgentTool& tool = each.tool;
    if (tool.name_space.empty() || taken.insert(tool.function).second) continue;
    tool.function = own_name(tool);
    each.function.name = tool.function;
  }
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
  std::vector<Offered> brought = brought_tools(request);
  std::move(brought.begin(), brought.end(), std::back_inserter(all));
  std::set<std::pair<std::string, std::string>> names;
  std::vector<Offered> once;
  for (Offered& each : all) {
    const std::string_view name = name_of(each.function);
    if (name.empty() || names.emplace(name, each.tool.name_space).second)
      once.push_back(std::move(each));
  }
  keep_apart(once);
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

/// Functions by namespace and name.
using OfAgent = std::map<std::pair<std::string, std::string>, std::string>;

std::string function_name(std::string_view name_space, std::string_view name,
                          const OfAgent& offered) {
  const auto found = offered.find({std::string(name_space), std::string(name)});
  return found == offered.end() ? joined_name(name_space, name) : found->second;
}

void settle(ChatPart& part, const OfAgent& offered) {
  if (!is_call_of_agent(part)) return;
  const Json item = read(part.extra);
  if (has_namespace(part)) {
    part.name = function_name(text_in(item, "namespace"), part.name, offered);
    part.extra.clear();
  } else if (is_item(part, "tool_search_call")) {
    become_call(part, item, search_name, member_of(item, "arguments"));
  } else if (is_item(part, "local_shell_call") || is_item(part, "shell_call")) {
    Json action = item.value("action", Json::object());
    if (action.is_object()) action.erase("type");
    become_call(part, item, is_item(part, "shell_call") ? shell_name : local_shell_name, &action);
  } else if (is_item(part, "apply_patch_call")) {
    const Json arguments{{"operation", item.value("operation", Json::object())}};
    become_call(part, item, patch_name, &arguments);
  } else if (is_item(part, "tool_search_output")) {
    become_result(part, item, std::string(member_text(part.extra, "tools")));
  } else {  // what came out, a text or a list with an element for each command
    const Json* output = member_of(item, "output");
    const bool is_text = output != nullptr && output->is_string();
    std::string text(is_text ? text_of(output) : member_text(part.extra, "output"));
    const bool is_patch = is_item(part, "apply_patch_call_output");
    if (is_patch && text.empty()) text = text_in(item, "status");
    become_result(part, item, std::move(text));
    part.is_error = is_patch && text_in(item, "status") == "failed";
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
  if (request.format != own_format) return false;
  return std::any_of(request.tools.begin(), request.tools.end(), is_of_agent) ||
         std::any_of(
             request.messages.begin(), request.messages.end(), [](const ChatMessage& message) {
               return std::any_of(message.parts.begin(), message.parts.end(), is_call_of_agent);
             });
}

void make_functions(ChatRequest& request) {
  std::vector<ToolDefinition> tools;
  OfAgent of_agent;
  for (Offered& each : offered_tools(request)) {
    tools.push_back(std::move(each.function));
    if (!each.tool.function.empty())
      of_agent.emplace(std::pair(each.tool.name_space, each.tool.name), each.tool.function);
  }
  request.tools = std::move(tools);
  const auto only_adds_tools = [](const ChatMessage& message) {
    return message.parts.size() == 1 && is_item(message.parts.front(), added_tools);
  };
  std::erase_if(request.messages, only_adds_tools);
  // There is no request without a message.
  if (request.messages.empty()) request.messages.push_back(text_message(Role::user, "."));
  for (ChatMessage& message : request.messages) {
    for (ChatPart& part : message.parts)
      settle(part, of_agent);
  }
}

namespace {

std::string_view call_type(AgentToolKind kind) {
  switch (kind) {
    case AgentToolKind::in_namespace:
      return "function_call";
    case AgentToolKind::freeform:
      return "custom_tool_call";
    case AgentToolKind::tool_search:
      return "tool_search_call";
    case AgentToolKind::local_shell:
      return "local_shell_call";
    case AgentToolKind::shell:
      return "shell_call";
    case AgentToolKind::apply_patch:
      return "apply_patch_call";
  }
  return "";
}

bool is_text(std::string_view json) {
  return !json.empty() && json.front() == '"';
}

bool is_list_of_texts(std::string_view json) {
  if (json.empty() || json.front() != '[') return false;
  const auto elements = element_texts(json);
  return std::all_of(elements.begin(), elements.end(), is_text);
}

// A list of texts, as the client's SDK reads it, whatever the model wrote: a lone text is a list of
// one. Where nothing can be read, the arguments stand as they are: a shell knows no command that
// looks like JSON, and the model hears so; a line without JSON around it is what it meant.
void write_lines(const char* key, const AgentCall& call, JsonWriter& out) {
  const std::string_view lines = call.done && is_object_text(call.arguments)
                                     ? member_text(call.arguments, key)
                                     : std::string_view();
  out.open_array(key);
  if (is_list_of_texts(lines)) {
    for (const std::string_view line : element_texts(lines))
      out.raw(line);
  } else if (is_text(lines)) {
    out.raw(lines);
  } else if (call.done) {
    out.text(call.arguments);
  }
  out.close_array();
}

// Models also leave the object out that is all there is. The format has a type and a path always,
// and a diff but of a file that goes. What cannot be read becomes an update that a client refuses,
// so that the model hears of it: of a path that no file can have, with a diff that is none. An
// empty path may be the workspace itself, and an empty diff changes nothing and succeeds.
void write_operation(const AgentCall& call, JsonWriter& out) {
  constexpr std::string_view no_path = R"("/dev/null/unreadable-arguments")";
  const std::string_view given =
      call.done && is_object_text(call.arguments) ? std::string_view(call.arguments) : "{}";
  const std::string_view inner = member_text(given, "operation");
  const std::string_view operation = is_object_text(inner) ? inner : given;
  const std::string_view type = member_text(operation, "type");
  const std::string_view path = member_text(operation, "path");
  const std::string_view diff = member_text(operation, "diff");
  const bool goes = type == R"("delete_file")";
  const bool known = goes || type == R"("create_file")" || type == R"("update_file")";
  const bool has_path = is_text(path) && path != R"("")";
  out.open_object("operation");
  out.members_but(operation, {"type", "path", "diff"});
  out.raw("type", known ? type : R"("update_file")");
  out.raw("path", has_path ? path : call.done ? no_path : R"("")");
  if (!goes && is_text(diff)) {
    out.raw("diff", diff);
  } else if (!goes) {
    const bool is_empty = !call.done || (known && has_path && diff.empty());
    out.text("diff", is_empty ? std::string_view() : call.arguments);
  }
  out.close_object();
}

}  // namespace

void write_agent_call(const AgentCall& call, JsonWriter& out) {
  const AgentToolKind kind = call.tool->kind;
  out.text("type", call_type(kind));
  out.text("id", call.id);
  out.text("call_id", call.call_id);
  if (kind == AgentToolKind::in_namespace || kind == AgentToolKind::freeform) {
    out.text_if("namespace", call.tool->name_space);
    out.text("name", call.tool->name);
  }
  const bool has_arguments = call.done && is_object_text(call.arguments);
  const std::string_view arguments = has_arguments ? call.arguments : "{}";
  switch (kind) {
    case AgentToolKind::in_namespace:
      out.text("arguments", call.done ? call.arguments : std::string_view());
      break;
    case AgentToolKind::freeform:
      out.text("input", call.done ? freeform_input(call.arguments) : "");
      break;
    case AgentToolKind::tool_search:
      out.text("execution", "client");
      out.raw("arguments", arguments);
      break;
    case AgentToolKind::local_shell:
      out.open_object("action");
      out.text("type", "exec");
      out.members_but(arguments, {"type", "command"});
      write_lines("command", call, out);
      // The format has it always.
      if (member_text(arguments, "env").empty()) out.raw("env", "{}");
      out.close_object();
      break;
    case AgentToolKind::shell:
      out.open_object("action");
      out.members_but(arguments, {"commands"});
      write_lines("commands", call, out);
      out.members_beside(R"({"timeout_ms":null,"max_output_length":null})", arguments);
      out.close_object();
      out.raw("environment", R"({"type":"local"})");
      break;
    case AgentToolKind::apply_patch:
      write_operation(call, out);
      break;
  }
  out.text("status", call.done ? "completed" : "in_progress");
}

}  // namespace redoubt::llm
