// A client's OpenAI Responses request as a neutral one. Items of one assistant's turn that follow
// one another (reasoning, words, calls) become one message, as other formats have it.
#include <algorithm>
#include <span>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/freeform.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::openai_responses;

ChatPart read_part(const Json& json, const std::string& path, RequestFault& fault) {
  const std::string_view type = text_in(json, "type");
  ChatPart part;
  part.format = own_format;
  if (type == "input_text" || type == "output_text") {
    part.text = read_text(json, "text", path, fault);
    part.extra = rest_of(json, {"type", "text"});
  } else if (type == "refusal") {
    part.kind = PartKind::refusal;
    part.text = read_text(json, "refusal", path, fault);
  } else if (type == "input_image" && member_of(json, "image_url") != nullptr) {
    part.extra = rest_of(json, {"type", "image_url"});
    read_image_url(member_of(json, "image_url"), path + ".image_url", part, fault);
  } else if (type.empty()) {
    fault.set(path, "a part with a type", &json);
  } else {
    return opaque_part(json, own_format);
  }
  return part;
}

void read_parts(const Json* content, const std::string& path, std::vector<ChatPart>& parts,
                RequestFault& fault) {
  if (content == nullptr) {
    fault.set(path, "a text or a list of parts", nullptr);
  } else if (content->is_string()) {
    ChatPart& part = parts.emplace_back();
    part.text = text_of(content);
    part.format = own_format;
  } else if (content->is_array()) {
    for (std::size_t i = 0; i < content->size(); ++i)
      parts.push_back(read_part((*content)[i], indexed(path, i), fault));
  } else {
    fault.set(path, "a text or a list of parts", content);
  }
}

// The assistant's message that is under way, or a new one.
ChatMessage& assistant_turn(ChatRequest& request) {
  if (!request.messages.empty()) {
    ChatMessage& last = request.messages.back();
    if (last.role == Role::assistant && last.extra.empty()) return last;
  }
  ChatMessage& message = request.messages.emplace_back();
  message.role = Role::assistant;
  message.format = own_format;
  return message;
}

void read_message_item(const Json& item, const std::string& path, ChatRequest& request,
                       RequestFault& fault) {
  const std::string role = read_text(item, "role", path, fault);
  std::vector<ChatPart> parts;
  read_parts(member_of(item, "content"), path + ".content", parts, fault);
  std::string extra = rest_of(item, {"role", "content", "type"});
  if (role == "assistant" && extra.empty()) {
    ChatMessage& message = assistant_turn(request);
    for (ChatPart& part : parts)
      message.parts.push_back(std::move(part));
    return;
  }
  ChatMessage& message = request.messages.emplace_back();
  message.format = own_format;
  message.parts = std::move(parts);
  message.extra = std::move(extra);
  message.role = role == "assistant"   ? Role::assistant
                 : role == "system"    ? Role::system
                 : role == "developer" ? Role::developer
                                       : Role::user;
  const bool known = message.role != Role::user || role == "user";
  if (!known) {
    fault.set(path + ".role", "user, assistant, system or developer", member_of(item, "role"));
  }
}

void read_reasoning_item(const Json& item, ChatRequest& request) {
  ChatPart& part = assistant_turn(request).parts.emplace_back();
  part.kind = PartKind::reasoning;
  part.format = own_format;
  part.id = text_in(item, "id");
  read_signature(text_in(item, "encrypted_content"), part);
  const Json* summary = member_of(item, "summary");
  if (summary != nullptr && summary->is_array() && summary->size() <= 1) {
    for (const Json& piece : *summary)
      part.text += text_in(piece, "text");
    part.extra = rest_of(item, {"type", "id", "summary", "encrypted_content"});
  } else {  // several pieces: as they are, for the format that they came in
    part = opaque_part(item, own_format);
  }
}

void read_item(const Json& item, const std::string& path, ChatRequest& request,
               RequestFault& fault) {
  const std::string_view type = text_in(item, "type");
  const bool has_role = member_of(item, "role") != nullptr;
  if (type == "message" || (type.empty() && has_role)) {
    read_message_item(item, path, request, fault);
  } else if (type == "function_call" || type == "custom_tool_call") {
    ChatPart& part = assistant_turn(request).parts.emplace_back();
    part.kind = PartKind::tool_call;
    part.format = own_format;
    part.id = read_text(item, "call_id", path, fault);
    part.name = read_text(item, "name", path, fault);
    if (type == "function_call") {
      part.arguments = read_text(item, "arguments", path, fault);
      part.extra = rest_of(item, {"type", "call_id", "name", "arguments"});
    } else {
      part.arguments = freeform_arguments(read_text(item, "input", path, fault));
      part.extra = rest_of(item, {"call_id", "name"});
    }
  } else if (type == "function_call_output" || type == "custom_tool_call_output") {
    ChatMessage& message = request.messages.emplace_back();
    message.role = Role::tool;
    message.format = own_format;
    ChatPart& part = message.parts.emplace_back();
    part.kind = PartKind::tool_result;
    part.format = own_format;
    part.id = read_text(item, "call_id", path, fault);
    const Json* output = member_of(item, "output");
    if (output != nullptr && output->is_string()) {
      part.text = text_of(output);
    } else {
      read_parts(output, path + ".output", part.content, fault);
    }
    part.extra = type == "function_call_output" ? rest_of(item, {"type", "call_id", "output"})
                                                : rest_of(item, {"call_id", "output"});
  } else if (type == "reasoning") {
    read_reasoning_item(item, request);
  } else if (!type.empty()) {
    // An item of OpenAI's own. What the client brought may not be dropped, so it is a tool's.
    const bool of_assistant = type.size() > 5 && type.substr(type.size() - 5) == "_call";
    if (of_assistant) {
      assistant_turn(request).parts.push_back(opaque_part(item, own_format));
      return;
    }
    ChatMessage& message = request.messages.emplace_back();
    message.role = Role::tool;
    message.format = own_format;
    message.parts.push_back(opaque_part(item, own_format));
  } else {
    fault.set(path, "an item with a type or a role", &item);
  }
}

// A turn of the assistant may be several messages here: one that has members of its own is no part
// of another.
void settle_turns(std::vector<ChatMessage>& messages) {
  for (std::size_t begin = 0; begin < messages.size();) {
    std::size_t end = begin;
    while (end < messages.size() && messages[end].role == Role::assistant)
      ++end;
    settle_carried(std::span(messages).subspan(begin, end - begin));
    begin = std::max(end, begin + 1);
  }
}

void read_input(const Json& json, ChatRequest& request, RequestFault& fault) {
  const std::string instructions = read_text(json, "instructions", "", fault);
  if (!instructions.empty()) {
    request.messages.push_back(text_message(Role::system, instructions));
  }
  const Json* input = member_of(json, "input");
  if (input != nullptr && input->is_string()) {
    request.messages.push_back(text_message(Role::user, std::string(text_of(input))));
  } else if (input != nullptr && input->is_array()) {
    for (std::size_t i = 0; i < input->size(); ++i)
      read_item((*input)[i], indexed("input", i), request, fault);
  } else {
    fault.set("input", "a text or a list of items", input);
  }
  settle_turns(request.messages);
}

// A shell of which nothing else is said is the client's own.
Json own_environment(const Json& tool) {
  Json local = tool;
  if (text_in(tool, "type") == "shell" && member_of(tool, "environment") == nullptr)
    local["environment"] = {{"type", "local"}};
  return local;
}

void read_tool(const Json& tool, std::string_view text, const std::string& path,
               ToolDefinition& definition, RequestFault& fault) {
  if (text_in(tool, "type") != "function") {
    if (!tool.is_object()) fault.set(path, "an object", &tool);
    definition.opaque = true;
    definition.extra = dump(own_environment(tool));
    return;
  }
  definition.name = read_text(tool, "name", path, fault);
  if (definition.name.empty()) fault.set(path + ".name", "a text", nullptr);
  definition.description = read_text(tool, "description", path, fault);
  definition.strict = read_optional_flag(tool, "strict", fault);
  if (const Json* parameters = member_of(tool, "parameters")) {
    if (!parameters->is_object()) fault.set(path + ".parameters", "an object", parameters);
    definition.parameters = text_or_dump(member_text(text, "parameters"), *parameters);
  }
  definition.extra = rest_of(tool, {"type", "name", "description", "strict", "parameters"});
}

bool read_tool_choice(const Json& json, ChatRequest& request) {
  const Json* choice = member_of(json, "tool_choice");
  if (choice == nullptr) return true;
  const std::string_view word = text_of(choice);
  if (word == "auto") {
    request.tool_choice = ToolChoice::automatic;
  } else if (word == "none") {
    request.tool_choice = ToolChoice::none;
  } else if (word == "required") {
    request.tool_choice = ToolChoice::required;
  } else if (text_in(*choice, "type") == "function" && !text_in(*choice, "name").empty() &&
             member_of(*choice, "namespace") == nullptr) {
    request.tool_choice = ToolChoice::named;
    request.tool_choice_name = text_in(*choice, "name");
  } else {
    return false;
  }
  return true;
}

void read_output(const Json& json, std::string_view body, ChatRequest& request, Json& extra,
                 RequestFault& fault) {
  const Json* text = member_of(json, "text");
  if (text == nullptr || !text->is_object()) return;
  Json rest = *text;
  const Json* format = member_of(*text, "format");
  const std::string_view type = format == nullptr ? "" : text_in(*format, "type");
  const Json* schema = member_of(format, "schema");
  if (type == "json_object") request.output.kind = OutputKind::json;
  if (type == "json_schema") {
    if (schema == nullptr) fault.set("text.format.schema", "an object", nullptr);
    request.output.kind = OutputKind::json_schema;
    request.output.name = read_text(*format, "name", "text.format", fault);
    request.output.description = read_text(*format, "description", "text.format", fault);
    request.output.strict = read_optional_flag(*format, "strict", fault).value_or(false);
    const std::string_view raw =
        member_text(member_text(member_text(body, "text"), "format"), "schema");
    request.output.schema = raw;
  }
  rest.erase("format");
  if (!rest.empty()) extra["text"] = std::move(rest);
}

void read_reasoning(const Json& json, ChatRequest& request, Json& extra, RequestFault& fault) {
  const Json* reasoning = member_of(json, "reasoning");
  if (reasoning == nullptr || !reasoning->is_object()) return;
  Json rest = *reasoning;
  request.reasoning.effort = read_text(*reasoning, "effort", "reasoning", fault);
  rest.erase("effort");
  if (text_in(*reasoning, "summary") == "auto") {
    request.reasoning.summary = true;
    rest.erase("summary");
  }
  if (!rest.empty()) extra["reasoning"] = std::move(rest);
}

void read_include(const Json& json, ChatRequest& request, RequestFault& fault) {
  const Json* include = member_of(json, "include");
  if (include == nullptr || !include->is_array()) return;
  for (const Json& each : *include)
    if (text_of(&each) == "message.output_text.logprobs")
      request.logprobs = read_logprobs(json, "top_logprobs", fault);
}

}  // namespace

void read_openai_responses_request(const Json& json, std::string_view body, ChatRequest& request,
                                   RequestFault& fault) {
  request.model = read_text(json, "model", "", fault);
  read_input(json, request, fault);
  read_tools(json, body, own_format, read_tool, request, fault);
  const bool choice_known = read_tool_choice(json, request);
  request.parallel_tools = read_optional_flag(json, "parallel_tool_calls", fault);
  request.stream = read_flag(json, "stream", fault);
  request.stream_usage = request.stream;
  request.output_tokens_max = read_count(json, "max_output_tokens", fault);
  request.sampling.temperature = read_number(json, "temperature", -2, 2, fault);
  request.sampling.top_p = read_number(json, "top_p", 0, 1, fault);
  request.user = read_text(json, "user", "", fault);
  read_include(json, request, fault);
  Json extra = json;
  if (read_metadata(json, request)) extra.erase("metadata");
  if (choice_known) extra.erase("tool_choice");
  for (const char* key :
       {"model", "input", "instructions", "tools", "parallel_tool_calls", "stream",
        "max_output_tokens", "temperature", "top_p", "user", "text", "reasoning"})
    extra.erase(key);
  read_output(json, body, request, extra, fault);
  read_reasoning(json, request, extra, fault);
  if (!extra.empty()) request.extra = dump(extra);
}

}  // namespace redoubt::llm
