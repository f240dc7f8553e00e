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

// A choice that names a freeform tool is the same of its function.
void name_choice(ChatRequest& request) {
  const std::string_view choice = member_text(request.extra, "tool_choice");
  if (member_text(choice, "type") != "\"custom\"") return;
  const Json json = read(choice);
  request.tool_choice = ToolChoice::named;
  request.tool_choice_name = text_in(inside(json), "name");
  const Json extra = read(request.extra);
  request.extra = rest_of(extra, {"tool_choice"});
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
  const bool agents =
      has_agent_tools(request) && target.dialect->format != WireFormat::openai_responses;
  if (takes_freeform(request, target)) return std::nullopt;
  const auto calls_freely = [](const ChatMessage& message) {
    return std::any_of(message.parts.begin(), message.parts.end(), is_freeform_call);
  };
  if (!agents && std::none_of(request.tools.begin(), request.tools.end(), is_freeform) &&
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
  name_choice(changed);
  return changed;
}

}  // namespace redoubt::llm
