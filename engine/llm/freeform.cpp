#include "engine/llm/freeform.hpp"

#include <algorithm>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/agent_tools.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {
namespace {

constexpr const char* argument = "input";
constexpr std::string_view parameters =
    R"({"type":"object","properties":{"input":{"type":"string","description":)"
    R"("The whole input of the tool, as it is. Whatever the tool says of its input is said of )"
    R"(this text."}},"required":["input"],"additionalProperties":false})";

bool is_freeform(const ToolDefinition& tool) {
  return tool.opaque && member_text(tool.extra, "type") == "\"custom\"" &&
         (tool.format == WireFormat::openai_chat || tool.format == WireFormat::openai_responses);
}

/// What /v1/chat/completions says of a tool, a call or a choice in a member of its own.
const Json& inside(const Json& json) {
  const Json* custom = member_of(json, "custom");
  return custom == nullptr ? json : *custom;
}

Json read(std::string_view text) {
  auto json = parse_json(text, wire_json_limits);
  return json.ok() ? std::move(json).value() : Json();
}

std::string name_of(const ToolDefinition& tool) {
  const Json json = read(tool.extra);
  return std::string(text_in(inside(json), "name"));
}

bool takes_freeform(const ChatRequest& request, const Target& target) {
  return request.format == target.dialect->format &&
         (target.dialect->takes & takes_custom_tools) != 0;
}

bool is_freeform_call(const ChatPart& part) {
  return part.kind == PartKind::tool_call && part.format == WireFormat::openai_chat &&
         !member_text(part.extra, "custom").empty();
}

bool offers(const ChatRequest& request, std::string_view function) {
  return std::any_of(request.tools.begin(), request.tools.end(), [&](const ToolDefinition& tool) {
    return !tool.opaque && tool.name == function;
  });
}

// The function that a choice means: by the name of a function or freeform tool, in its namespace,
// or by the type of an agent's tool that has no name.
std::string function_chosen(const Json& choice, const ChatRequest& request,
                            const std::vector<AgentTool>& agents) {
  const Json* function = member_of(choice, "function");
  const std::string_view name = text_in(function == nullptr ? inside(choice) : *function, "name");
  const std::string_view name_space = text_in(choice, "namespace");
  const std::string_view wanted = name.empty() ? text_in(choice, "type") : name;
  if (name_space.empty() && offers(request, wanted)) return std::string(wanted);
  const auto found = std::find_if(agents.begin(), agents.end(), [&](const AgentTool& tool) {
    return tool.name == wanted && (name_space.empty() || tool.name_space == name_space);
  });
  return found == agents.end() ? std::string(wanted) : found->function;
}

// One of several tools: the others are not offered.
void choose_among(const Json& allowed, ChatRequest& request, const std::vector<AgentTool>& agents) {
  const Json* tools = member_of(allowed, "tools");
  if (tools == nullptr || !tools->is_array()) return;
  std::vector<std::string> names;
  for (const Json& tool : *tools)
    names.push_back(function_chosen(tool, request, agents));
  std::erase_if(request.tools, [&](const ToolDefinition& tool) {
    return std::find(names.begin(), names.end(), tool.opaque ? name_of(tool) : tool.name) ==
           names.end();
  });
  request.tool_choice =
      text_in(allowed, "mode") == "required" ? ToolChoice::required : ToolChoice::automatic;
}

// What OpenAI's formats say of a choice beside auto, none, required and a function's name. All
// tools are functions by now.
void settle_choice(ChatRequest& request, const std::vector<AgentTool>& agents) {
  if (request.tool_choice == ToolChoice::named) {
    const Json named{{"name", request.tool_choice_name}};
    request.tool_choice_name = function_chosen(named, request, agents);
  }
  const std::string_view text = member_text(request.extra, "tool_choice");
  if (text.empty() || text.front() != '{') return;
  const Json choice = read(text);
  if (text_in(choice, "type") == "allowed_tools") {
    const Json* allowed = member_of(choice, "allowed_tools");
    choose_among(allowed == nullptr ? choice : *allowed, request, agents);
  } else {
    request.tool_choice = ToolChoice::named;
    request.tool_choice_name = function_chosen(choice, request, agents);
  }
  request.extra = rest_of(read(request.extra), {"tool_choice"});
}

}  // namespace

ToolDefinition freeform_function(const ToolDefinition& tool) {
  const Json json = read(tool.extra);
  const Json& custom = inside(json);
  ToolDefinition function;
  function.name = text_in(custom, "name");
  function.description = text_in(custom, "description");
  function.parameters = parameters;
  const Json* format = member_of(custom, "format");
  const Json* grammar = format == nullptr ? nullptr : member_of(*format, "grammar");
  if (grammar == nullptr) grammar = format;
  const std::string_view definition = text_of(member_of(grammar, "definition"));
  if (definition.empty()) return function;
  if (!function.description.empty()) function.description += "\n\n";
  function.description +=
      joined({"The input must match this ", text_of(member_of(grammar, "syntax")), " grammar:\n",
              definition});
  return function;
}

std::string freeform_arguments(std::string_view input) {
  JsonWriter out;
  out.open_object();
  out.text(argument, input);
  out.close_object();
  return out.take();
}

std::string freeform_input(std::string_view arguments) {
  const Json json = read(arguments);
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_object()) return std::string(arguments);
  const Json* input = member_of(json, argument);
  if (input == nullptr && json.size() == 1) input = &json.front();
  return input != nullptr && input->is_string() ? input->get<std::string>()
                                                : std::string(arguments);
}

std::vector<std::string> freeform_tools(const ChatRequest& request) {
  std::vector<std::string> names;
  for (const ToolDefinition& tool : request.tools)
    if (is_freeform(tool)) names.push_back(name_of(tool));
  return names;
}

std::optional<ChatRequest> with_functions(const ChatRequest& request, const Target& target) {
  if (takes_freeform(request, target)) return std::nullopt;
  const bool own_format = request.format == target.dialect->format;
  const bool agents =
      has_agent_tools(request) && target.dialect->format != WireFormat::openai_responses;
  const bool of_openai =
      request.format == WireFormat::openai_chat || request.format == WireFormat::openai_responses;
  const std::string_view choice = member_text(request.extra, "tool_choice");
  const bool chooses = of_openai && !choice.empty() && choice.front() == '{' &&
                       (!own_format || member_text(choice, "type") == "\"custom\"");
  const auto calls_freely = [](const ChatMessage& message) {
    return std::any_of(message.parts.begin(), message.parts.end(), is_freeform_call);
  };
  if (!agents && !chooses &&
      std::none_of(request.tools.begin(), request.tools.end(), is_freeform) &&
      std::none_of(request.messages.begin(), request.messages.end(), calls_freely))
    return std::nullopt;
  ChatRequest changed = request;
  if (agents) make_functions(changed);
  for (ToolDefinition& tool : changed.tools)
    if (is_freeform(tool)) tool = freeform_function(tool);
  for (ChatMessage& message : changed.messages) {
    for (ChatPart& part : message.parts)
      if (is_freeform_call(part)) part.extra.clear();
  }
  if (chooses || agents)
    settle_choice(changed, agents ? agent_tools(request) : std::vector<AgentTool>());
  return changed;
}

}  // namespace redoubt::llm
