// A client's Anthropic messages request as a neutral one.
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::anthropic;

bool read_image(const Json& json, const std::string& path, ChatPart& part, RequestFault& fault) {
  const Json* source = member_of(json, "source");
  if (source == nullptr) return false;
  const std::string_view type = text_in(*source, "type");
  part.extra = rest_of(json, {"type", "source"});
  if (type == "url") {
    read_image_url(member_of(*source, "url"), path + ".source.url", part, fault);
  } else if (type == "base64") {
    part.kind = PartKind::image;
    part.media_type = text_in(*source, "media_type");
    part.data = text_in(*source, "data");
    settle_image_type(path + ".source.media_type", part, fault);
  }
  return type == "url" || type == "base64";
}

// The newest models refuse a thought whose history has changed: what only passes through keeps its
// author's text, down to the order of members. `text` is the value's own.
void read_content(const Json& json, std::string_view text, const std::string& path,
                  std::vector<ChatPart>& parts, RequestFault& fault);

ChatPart opaque_block(const Json& json, std::string_view text) {
  ChatPart part;
  part.kind = PartKind::opaque;
  part.format = own_format;
  part.extra = text_or_dump(text, json);
  return part;
}

void read_result(const Json& json, std::string_view text, const std::string& path, ChatPart& part,
                 RequestFault& fault) {
  part.kind = PartKind::tool_result;
  part.id = read_text(json, "tool_use_id", path, fault);
  part.is_error = true_in(json, "is_error");
  part.extra = rest_of(json, {"type", "tool_use_id", "is_error", "content"});
  const Json* content = member_of(json, "content");
  if (content == nullptr) return;
  if (content->is_string()) {
    part.text = text_of(content);
    return;
  }
  for (const Json& block : *content) {
    if (text_in(block, "type") == "tool_result")
      return fault.set(path + ".content", "blocks that are no results themselves", &block);
  }
  read_content(json, text, path, part.content, fault);
}

ChatPart read_block(const Json& json, std::string_view text, const std::string& path,
                    RequestFault& fault) {
  const std::string_view type = text_in(json, "type");
  ChatPart part;
  part.format = own_format;
  if (type == "text") {
    part.text = read_text(json, "text", path, fault);
    part.extra = rest_of(json, {"type", "text"});
  } else if (type == "image") {
    if (!read_image(json, path, part, fault)) return opaque_block(json, text);
  } else if (type == "tool_use") {
    part.kind = PartKind::tool_call;
    part.id = read_text(json, "id", path, fault);
    part.name = read_text(json, "name", path, fault);
    const Json* input = member_of(json, "input");
    part.arguments = input == nullptr ? "{}" : text_or_dump(member_text(text, "input"), *input);
    part.extra = rest_of(json, {"type", "id", "name", "input"});
  } else if (type == "tool_result") {
    read_result(json, text, path, part, fault);
  } else if (type == "thinking") {
    part.kind = PartKind::reasoning;
    part.text = read_text(json, "thinking", path, fault);
    read_signature(read_text(json, "signature", path, fault), part);
  } else if (type == "redacted_thinking") {
    part.kind = PartKind::reasoning;
    read_signature(read_text(json, "data", path, fault), part);
    part.redacted = true;
  } else if (type.empty()) {
    fault.set(path, "a block with a type", &json);
  } else {
    return opaque_block(json, text);
  }
  return part;
}

void read_content(const Json& json, std::string_view text, const std::string& path,
                  std::vector<ChatPart>& parts, RequestFault& fault) {
  const Json* content = member_of(json, "content");
  if (content != nullptr && content->is_string()) {
    ChatPart& part = parts.emplace_back();
    part.text = text_of(content);
    part.format = own_format;
  } else if (content != nullptr && content->is_array()) {
    const auto texts = element_texts(member_text(text, "content"));
    for (std::size_t i = 0; i < content->size(); ++i)
      parts.push_back(
          read_block((*content)[i], nth_text(texts, i), indexed(path + ".content", i), fault));
  } else {
    fault.set(path + ".content", "a text or a list of blocks", content);
  }
}

void read_system(const Json& json, std::string_view body, ChatRequest& request,
                 RequestFault& fault) {
  const Json* system = member_of(json, "system");
  if (system == nullptr) return;
  ChatMessage message;
  message.role = Role::system;
  message.format = own_format;
  if (system->is_string()) {
    message.parts.emplace_back().text = text_of(system);
  } else if (system->is_array()) {
    const auto texts = element_texts(member_text(body, "system"));
    for (std::size_t i = 0; i < system->size(); ++i)
      message.parts.push_back(
          read_block((*system)[i], nth_text(texts, i), indexed("system", i), fault));
  } else {
    fault.set("system", "a text or a list of blocks", system);
  }
  request.messages.push_back(std::move(message));
}

// A message that holds results alone is a tool's: other formats keep them apart.
Role role_of(std::string_view word, const ChatMessage& message) {
  if (word == "assistant") return Role::assistant;
  if (word == "system") return Role::system;
  for (const ChatPart& part : message.parts) {
    if (part.kind != PartKind::tool_result) return Role::user;
  }
  return Role::tool;
}

void read_message(const Json& json, std::string_view text, const std::string& path,
                  ChatRequest& request, RequestFault& fault) {
  const std::string role = read_text(json, "role", path, fault);
  if (role != "user" && role != "assistant" && role != "system") {
    fault.set(path + ".role", "user or assistant", member_of(json, "role"));
  }
  ChatMessage message;
  message.format = own_format;
  read_content(json, text, path, message.parts, fault);
  settle_carried({&message, 1});
  message.role = role_of(role, message);
  request.messages.push_back(std::move(message));
}

void read_tool(const Json& tool, std::string_view text, const std::string& path,
               ToolDefinition& definition, RequestFault& fault) {
  const std::string_view type = text_in(tool, "type");
  const Json* schema = member_of(tool, "input_schema");
  if (!type.empty() && type != "custom") {
    definition.opaque = true;
    definition.extra = dump(tool);
    return;
  }
  definition.name = read_text(tool, "name", path, fault);
  if (definition.name.empty()) fault.set(path + ".name", "a text", nullptr);
  definition.description = read_text(tool, "description", path, fault);
  definition.strict = read_optional_flag(tool, "strict", fault);
  if (schema == nullptr || !schema->is_object()) {
    fault.set(path + ".input_schema", "an object", schema);
    return;
  }
  definition.parameters = text_or_dump(member_text(text, "input_schema"), *schema);
  definition.extra = rest_of(tool, {"name", "description", "strict", "input_schema"});
}

void read_tool_choice(const Json& json, ChatRequest& request, RequestFault& fault) {
  const Json* choice = member_of(json, "tool_choice");
  if (choice == nullptr) return;
  const std::string_view type = text_in(*choice, "type");
  if (type == "auto") {
    request.tool_choice = ToolChoice::automatic;
  } else if (type == "any") {
    request.tool_choice = ToolChoice::required;
  } else if (type == "none") {
    request.tool_choice = ToolChoice::none;
  } else if (type == "tool") {
    request.tool_choice = ToolChoice::named;
    request.tool_choice_name = read_text(*choice, "name", "tool_choice", fault);
  } else {
    fault.set("tool_choice.type", "auto, any, tool or none", member_of(*choice, "type"));
  }
  if (true_in(*choice, "disable_parallel_tool_use")) request.parallel_tools = false;
}

// What of `thinking` and `output_config` has no neutral name stays in `extra` under their own, and
// so does the effort's word: beside "disabled" it is another wish.
void read_reasoning(const Json& json, ChatRequest& request, Json& extra, RequestFault& fault) {
  bool disabled = false;
  if (const Json* thinking = member_of(json, "thinking")) {
    const std::string_view type = text_in(*thinking, "type");
    Json rest = *thinking;
    disabled = type == "disabled";
    if (type == "enabled") {
      request.reasoning.budget_tokens = read_count(*thinking, "budget_tokens", fault);
      rest.erase("type");
      rest.erase("budget_tokens");
    }
    if (rest.is_object() && !rest.empty()) extra["thinking"] = std::move(rest);
  }
  if (disabled) request.reasoning.effort = "none";
  const Json* config = member_of(json, "output_config");
  if (config == nullptr || !config->is_object()) return;
  const std::string effort = read_text(*config, "effort", "output_config", fault);
  if (!effort.empty() && !disabled) request.reasoning.effort = effort;
  extra["output_config"] = *config;
}

/// Is it a schema for the answer? `text` is the format's own.
bool read_format(const Json* format, std::string_view text, ChatRequest& request) {
  const Json* schema = member_of(format, "schema");
  if (schema == nullptr || text_in(*format, "type") != "json_schema") return false;
  request.output.kind = OutputKind::json_schema;
  request.output.schema = text_or_dump(member_text(text, "schema"), *schema);
  return true;
}

// As a beta (structured-outputs-2025-11-13) the format stood at the top; SDKs of that time send it.
void read_output(const Json& json, std::string_view body, ChatRequest& request, Json& extra) {
  if (read_format(member_of(json, "output_format"), member_text(body, "output_format"), request))
    extra.erase("output_format");
  const std::string_view text = member_text(member_text(body, "output_config"), "format");
  if (!extra.contains("output_config")) return;
  Json& config = extra["output_config"];
  if (read_format(member_of(json["output_config"], "format"), text, request))
    config.erase("format");
  if (config.empty()) extra.erase("output_config");
}

}  // namespace

void read_anthropic_request(const Json& json, std::string_view body, ChatRequest& request,
                            RequestFault& fault) {
  request.model = read_text(json, "model", "", fault);
  read_system(json, body, request, fault);
  const Json* messages = member_of(json, "messages");
  if (messages == nullptr || !messages->is_array() || messages->empty()) {
    fault.set("messages", "a list of one message or more", messages);
    return;
  }
  const auto texts = element_texts(member_text(body, "messages"));
  for (std::size_t i = 0; i < messages->size(); ++i)
    read_message((*messages)[i], nth_text(texts, i), indexed("messages", i), request, fault);
  read_tools(json, body, own_format, read_tool, request, fault);
  read_tool_choice(json, request, fault);
  request.output_tokens_max = read_count(json, "max_tokens", fault);
  if (!request.output_tokens_max) fault.set("max_tokens", "a whole number", nullptr);
  request.stream = read_flag(json, "stream", fault);
  request.sampling.temperature = read_number(json, "temperature", 0, 1, fault);
  request.sampling.top_p = read_number(json, "top_p", 0, 1, fault);
  request.sampling.top_k = read_count(json, "top_k", fault);
  read_stops(json, "stop_sequences", request.sampling, fault);
  if (const Json* metadata = member_of(json, "metadata")) {
    request.user = read_text(*metadata, "user_id", "metadata", fault);
  }
  Json extra = json;
  for (const char* key :
       {"model", "system", "messages", "tools", "tool_choice", "max_tokens", "stream",
        "temperature", "top_p", "top_k", "stop_sequences", "metadata", "thinking", "output_config"})
    extra.erase(key);
  read_reasoning(json, request, extra, fault);
  read_output(json, body, request, extra);
  if (!extra.empty()) request.extra = dump(extra);
}

}  // namespace redoubt::llm
