// A client's OpenAI chat completion request as a neutral one.
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/carried.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/freeform.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {
namespace {

constexpr WireFormat own_format = WireFormat::openai_chat;

ChatPart read_part(const Json& json, const std::string& path, RequestFault& fault) {
  ChatPart part;
  const std::string_view type = text_in(json, "type");
  part.format = own_format;
  if (type == "text") {
    part.text = read_text(json, "text", path, fault);
    part.extra = rest_of(json, {"type", "text"});
  } else if (type == "refusal") {
    part.kind = PartKind::refusal;
    part.text = read_text(json, "refusal", path, fault);
  } else if (type == "image_url") {
    const Json* image = member_of(json, "image_url");
    const std::string_view url = image == nullptr     ? ""
                                 : image->is_string() ? text_of(image)
                                                      : text_in(*image, "url");
    if (image == nullptr || url.empty()) {
      fault.set(path + ".image_url", "an object with a url", image);
      return part;
    }
    if (image->is_object()) part.extra = rest_of(*image, {"url"});
    const bool is_text = image->is_string();
    read_image_url(is_text ? image : member_of(*image, "url"),
                   joined({path, ".image_url", is_text ? "" : ".url"}), part, fault);
  } else if (type.empty()) {
    fault.set(path, "a part with a type", &json);
  } else {
    return opaque_part(json, own_format);
  }
  return part;
}

void read_content(const Json& json, const std::string& path, std::vector<ChatPart>& parts,
                  RequestFault& fault) {
  const Json* content = member_of(json, "content");
  if (content == nullptr) return;
  if (content->is_string()) {
    ChatPart& part = parts.emplace_back();
    part.text = text_of(content);
    part.format = own_format;
  } else if (content->is_array()) {
    for (std::size_t i = 0; i < content->size(); ++i)
      parts.push_back(read_part((*content)[i], indexed(path + ".content", i), fault));
  } else {
    fault.set(path + ".content", "a text or a list of parts", content);
  }
}

// Google's: https://ai.google.dev/gemini-api/docs/thought-signatures (OpenAI compatibility).
void read_google_signature(const Json& json, ChatPart& part) {
  const Json* google = member_of(member_of(json, "extra_content"), "google");
  const std::string_view signature = text_of(member_of(google, "thought_signature"));
  if (signature.empty()) return;
  part.signature = signature;
  part.signed_by = WireFormat::gemini;
}

// A call whose argument is a text: what other formats are told of it is an object with that.
void read_custom_call(const Json& custom, const std::string& place, ChatPart& part,
                      RequestFault& fault) {
  part.name = read_text(custom, "name", place + ".custom", fault);
  part.arguments = freeform_arguments(read_text(custom, "input", place + ".custom", fault));
}

void read_calls(const Json& json, const std::string& path, ChatMessage& message,
                RequestFault& fault) {
  const Json* calls = member_of(json, "tool_calls");
  if (calls == nullptr) return;
  if (!calls->is_array()) {
    fault.set(path + ".tool_calls", "a list", calls);
    return;
  }
  for (std::size_t i = 0; i < calls->size(); ++i) {
    const Json& call = (*calls)[i];
    const std::string place = indexed(path + ".tool_calls", i);
    const Json* function = member_of(call, "function");
    const Json* custom = member_of(call, "custom");
    if (function == nullptr && custom == nullptr) {
      fault.set(place + ".function", "an object", nullptr);
      return;
    }
    ChatPart& part = message.parts.emplace_back();
    part.kind = PartKind::tool_call;
    part.format = own_format;
    part.id = read_text(call, "id", place, fault);
    if (function == nullptr) {
      read_custom_call(*custom, place, part, fault);
      part.extra = rest_of(call, {"id", "type", "index"});
      continue;
    }
    part.name = read_text(*function, "name", place, fault);
    part.arguments = read_text(*function, "arguments", place, fault);
    read_google_signature(call, part);
    part.extra = rest_of(call, {"id", "type", "function", "index"});
  }
}

// What tools replaced: one call in a message, without an id. The number of its message is one.
void read_function_call(const Json& json, const std::string& path, std::size_t number,
                        ChatMessage& message, RequestFault& fault) {
  const Json* call = member_of(json, "function_call");
  if (call == nullptr) return;
  const std::string place = path + ".function_call";
  if (!call->is_object()) {
    fault.set(place, "an object with a name and arguments", call);
    return;
  }
  ChatPart& part = message.parts.emplace_back();
  part.kind = PartKind::tool_call;
  part.format = own_format;
  part.id = joined({"call_", number});
  part.name = read_text(*call, "name", place, fault);
  part.arguments = read_text(*call, "arguments", place, fault);
}

// A function's result names it and no call: it is of the message before it.
void read_function_result(const Json& json, const std::string& path, ChatRequest& request,
                          RequestFault& fault) {
  ChatMessage message;
  message.role = Role::tool;
  message.format = own_format;
  ChatPart& part = message.parts.emplace_back();
  part.kind = PartKind::tool_result;
  part.format = own_format;
  part.text = read_text(json, "content", path, fault);
  const std::string name = read_text(json, "name", path, fault);
  if (!request.messages.empty()) {
    for (const ChatPart& call : request.messages.back().parts)
      if (call.kind == PartKind::tool_call && call.name == name) part.id = call.id;
  }
  if (part.id.empty())
    fault.set(path + ".name", "the function that the message before it calls",
              member_of(json, "name"));
  request.messages.push_back(std::move(message));
}

// One thought may be told in several details (a summary, and what is sealed): they have its index,
// or its id.
struct DetailPlace {
  std::int64_t index = -1;
  std::size_t part = 0;
};

ChatPart& part_of_detail(const Json& detail, ChatMessage& message, DetailPlace& place) {
  const std::int64_t index = integer_in(detail, "index", -1);
  const std::string_view form = text_in(detail, "format");
  if (place.part < message.parts.size()) {
    ChatPart& open = message.parts[place.part];
    const bool same = index >= 0 && index == place.index;
    const bool seals = text_in(detail, "type") == "reasoning.encrypted" && !open.text.empty() &&
                       open.id == text_in(detail, "id");
    if ((same || seals) && open.signature.empty() && open.name == form) return open;
  }
  place = {index, message.parts.size()};
  ChatPart& part = message.parts.emplace_back();
  part.kind = PartKind::reasoning;
  part.format = own_format;
  part.signed_by = format_of_details(form);
  part.name = form;
  return part;
}

// What OpenRouter, and this relay, tell of thoughts beside their text (engine/llm/carried.hpp).
void read_details(const Json& json, ChatMessage& message) {
  const Json* details = member_of(json, "reasoning_details");
  if (details == nullptr || !details->is_array()) return;
  DetailPlace place;
  for (const Json& detail : *details) {
    ChatPart& part = part_of_detail(detail, message, place);
    const std::string_view type = text_in(detail, "type");
    part.text += text_in(detail, type == "reasoning.summary" ? "summary" : "text");
    const std::string_view id = text_in(detail, "id");
    if (!id.empty()) part.id = id;
    const bool sealed = type == "reasoning.encrypted";
    const std::string_view signature = text_in(detail, sealed ? "data" : "signature");
    if (!signature.empty()) part.signature = signature;
    part.redacted = part.redacted || (sealed && part.text.empty());
  }
}

// OpenRouter has Gemini's signatures as sealed thoughts with the id of their call.
void settle_google_details(ChatMessage& message) {
  std::erase_if(message.parts, [&](const ChatPart& part) {
    if (part.kind != PartKind::reasoning || part.signed_by != WireFormat::gemini) return false;
    for (ChatPart& call : message.parts) {
      if (call.kind != PartKind::tool_call || (!part.id.empty() && call.id != part.id)) continue;
      if (!call.signature.empty()) continue;
      call.signature = part.signature;
      call.signed_by = WireFormat::gemini;
      return part.text.empty();
    }
    return part.text.empty();
  });
}

// A model that thinks aloud (DeepSeek) gets its own words back through any client.
void read_thoughts(const Json& json, ChatMessage& message) {
  read_details(json, message);
  for (const ChatPart& part : message.parts) {
    if (!part.text.empty()) return;  // the details have the words
  }
  const std::string_view text = text_in(json, "reasoning_content");
  if (text.empty()) return;
  ChatPart& part = message.parts.emplace_back();
  part.kind = PartKind::reasoning;
  part.text = text;
  part.format = own_format;
}

void read_tool_result(const Json& json, const std::string& path, ChatRequest& request,
                      RequestFault& fault) {
  ChatMessage message;
  message.role = Role::tool;
  message.format = own_format;
  message.name = read_text(json, "name", path, fault);
  ChatPart& part = message.parts.emplace_back();
  part.kind = PartKind::tool_result;
  part.format = own_format;
  part.id = read_text(json, "tool_call_id", path, fault);
  // One that is empty is of a call whose id is.
  if (member_of(json, "tool_call_id") == nullptr)
    fault.set(path + ".tool_call_id", "a text", nullptr);
  std::vector<ChatPart> content;
  read_content(json, path, content, fault);
  const bool plain = content.size() == 1 && content.front().kind == PartKind::text &&
                     content.front().extra.empty();
  if (plain) {
    part.text = std::move(content.front().text);
  } else {
    part.content = std::move(content);
  }
  if (const Json* mark = member_of(json, "cache_control"))
    message.extra = dump(Json{{"cache_control", *mark}});
  request.messages.push_back(std::move(message));
}

void read_message(const Json& json, std::size_t number, ChatRequest& request, RequestFault& fault) {
  const std::string path = indexed("messages", number);
  const std::string role = read_text(json, "role", path, fault);
  if (role == "function") {
    read_function_result(json, path, request, fault);
    return;
  }
  if (role == "tool") {
    read_tool_result(json, path, request, fault);
    return;
  }
  ChatMessage message;
  message.format = own_format;
  message.name = read_text(json, "name", path, fault);
  if (role == "assistant") {
    message.role = Role::assistant;
    read_thoughts(json, message);
  } else if (role == "system") {
    message.role = Role::system;
  } else if (role == "developer") {
    message.role = Role::developer;
  } else if (role != "user") {
    fault.set(path + ".role", "system, developer, user, assistant or tool",
              member_of(json, "role"));
  }
  read_content(json, path, message.parts, fault);
  if (message.role == Role::assistant) {
    const std::string refusal = read_text(json, "refusal", path, fault);
    if (!refusal.empty()) {
      ChatPart& part = message.parts.emplace_back();
      part.kind = PartKind::refusal;
      part.text = refusal;
    }
    for (auto part = message.parts.rbegin(); part != message.parts.rend(); ++part) {
      if (part->kind != PartKind::text) continue;
      read_google_signature(json, *part);
      break;
    }
    read_calls(json, path, message, fault);
    read_function_call(json, path, number, message, fault);
    settle_google_details(message);
  }
  message.extra = rest_of(json, {"role", "content", "name", "tool_calls", "function_call",
                                 "refusal", "reasoning_content", "extra_content"});
  request.messages.push_back(std::move(message));
}

void read_function(const Json& function, std::string_view text, const std::string& path,
                   ToolDefinition& definition, RequestFault& fault) {
  definition.name = read_text(function, "name", path, fault);
  if (definition.name.empty()) fault.set(path + ".name", "a text", nullptr);
  definition.description = read_text(function, "description", path, fault);
  definition.strict = read_optional_flag(function, "strict", fault);
  const Json* parameters = member_of(function, "parameters");
  if (parameters == nullptr) return;
  if (!parameters->is_object()) fault.set(path + ".parameters", "an object", parameters);
  definition.parameters = text_or_dump(member_text(text, "parameters"), *parameters);
}

void read_tool(const Json& tool, std::string_view text, const std::string& path,
               ToolDefinition& definition, RequestFault& fault) {
  const Json* function = member_of(tool, "function");
  std::string_view function_text = member_text(text, "function");
  // Tools as /v1/responses has them: some clients (Cursor) send them here, too.
  const bool flat =
      function == nullptr && text_in(tool, "type") == "function" && !text_in(tool, "name").empty();
  if (flat) {
    function = &tool;
    function_text = text;
  }
  // And as Anthropic has them.
  const bool named = function == nullptr && !text_in(tool, "name").empty() &&
                     member_of(tool, "input_schema") != nullptr;
  if (named) {
    definition.name = text_in(tool, "name");
    definition.description = read_text(tool, "description", path, fault);
    definition.parameters = dump(*member_of(tool, "input_schema"));
    return;
  }
  if (function == nullptr) {
    definition.opaque = true;
    definition.extra = dump(tool);
    if (!tool.is_object()) fault.set(path, "an object", &tool);
    return;
  }
  read_function(*function, function_text, path + ".function", definition, fault);
  definition.extra = flat ? rest_of(tool, {"type", "name", "description", "strict", "parameters"})
                          : rest_of(tool, {"type", "function"});
}

// Returns whether the choice has a neutral name.
bool read_tool_choice(const Json& json, ChatRequest& request) {
  const Json* choice = member_of(json, "tool_choice");
  if (choice == nullptr) return true;
  const std::string_view word = text_of(choice);
  const std::string_view name = text_of(member_of(member_of(*choice, "function"), "name"));
  if (word == "auto") {
    request.tool_choice = ToolChoice::automatic;
  } else if (word == "none") {
    request.tool_choice = ToolChoice::none;
  } else if (word == "required" || word == "any") {
    request.tool_choice = ToolChoice::required;
  } else if (!name.empty()) {
    request.tool_choice = ToolChoice::named;
    request.tool_choice_name = name;
  } else {
    return false;
  }
  return true;
}

// What tools replaced: one function may be called at a time.
void read_functions(const Json& json, std::string_view body, ChatRequest& request,
                    RequestFault& fault) {
  const Json* functions = member_of(json, "functions");
  const Json* choice = member_of(json, "function_call");
  if (functions == nullptr) {
    if (choice != nullptr) fault.set("function_call", "functions beside it", choice);
    return;
  }
  if (!functions->is_array() || functions->empty()) {
    fault.set("functions", "a list of one function or more", functions);
    return;
  }
  if (!request.tools.empty()) fault.set("functions", "either functions or tools", functions);
  const auto texts = element_texts(member_text(body, "functions"));
  for (std::size_t i = 0; i < functions->size(); ++i) {
    ToolDefinition& definition = request.tools.emplace_back();
    definition.format = own_format;
    read_function((*functions)[i], nth_text(texts, i), indexed("functions", i), definition, fault);
  }
  request.has_functions = true;
  request.parallel_tools = false;
  const std::string_view word = text_of(choice);
  const std::string_view name = text_of(member_of(choice, "name"));
  if (word == "none") {
    request.tool_choice = ToolChoice::none;
  } else if (!name.empty()) {
    request.tool_choice = ToolChoice::named;
    request.tool_choice_name = name;
  } else if (choice != nullptr && word != "auto") {
    fault.set("function_call", "auto, none or an object with a function's name", choice);
  }
}

void read_output(const Json& json, std::string_view body, ChatRequest& request,
                 RequestFault& fault) {
  const Json* format = member_of(json, "response_format");
  if (format == nullptr) return;
  const std::string_view type = text_in(*format, "type");
  if (type == "text") return;
  if (type == "json_object") {
    request.output.kind = OutputKind::json;
    return;
  }
  const Json* schema = member_of(*format, "json_schema");
  if (type != "json_schema" || schema == nullptr || member_of(*schema, "schema") == nullptr) {
    fault.set("response_format", "text, json_object or json_schema with a schema", format);
    return;
  }
  request.output.kind = OutputKind::json_schema;
  request.output.name = read_text(*schema, "name", "response_format", fault);
  request.output.description = read_text(*schema, "description", "response_format", fault);
  request.output.strict = read_optional_flag(*schema, "strict", fault).value_or(false);
  const std::string_view text =
      member_text(member_text(member_text(body, "response_format"), "json_schema"), "schema");
  request.output.schema = text.empty() ? dump(*member_of(*schema, "schema")) : std::string(text);
}

void read_settings(const Json& json, ChatRequest& request, RequestFault& fault) {
  request.stream = read_flag(json, "stream", fault);
  if (const Json* options = member_of(json, "stream_options")) {
    request.stream_usage = read_flag(*options, "include_usage", fault);
  }
  request.output_tokens_max = read_limit(json, "max_completion_tokens", fault);
  if (!request.output_tokens_max) request.output_tokens_max = read_limit(json, "max_tokens", fault);
  request.sampling.temperature = read_number(json, "temperature", -2, 2, fault);
  request.sampling.top_p = read_number(json, "top_p", 0, 1, fault);
  request.sampling.frequency_penalty = read_number(json, "frequency_penalty", -2, 2, fault);
  request.sampling.presence_penalty = read_number(json, "presence_penalty", -2, 2, fault);
  request.sampling.seed = read_integer(json, "seed", fault);
  read_stops(json, "stop", request.sampling, fault);
  request.reasoning.effort = read_text(json, "reasoning_effort", "", fault);
  if (true_in(json, "logprobs")) request.logprobs = read_logprobs(json, "top_logprobs", fault);
  request.parallel_tools = read_optional_flag(json, "parallel_tool_calls", fault);
  request.user = read_text(json, "user", "", fault);
}

// What of the member is left goes on in `extra`; nothing of it where it is "".
void leave_extra(ChatRequest& request, std::string_view member, const std::string& rest) {
  JsonWriter extra;
  extra.open_object();
  extra.members_but(request.extra, {member});
  if (!rest.empty()) extra.raw(member, rest);
  extra.close_object();
  request.extra = extra.take();
}

// Anthropic's words, which clients of several providers send here, too: the budget has a neutral
// name.
void read_thinking(const Json& json, ChatRequest& request, RequestFault& fault) {
  const Json* thinking = member_of(json, "thinking");
  if (member_of(thinking, "budget_tokens") == nullptr) return;
  const std::string_view type = text_in(*thinking, "type");
  const auto budget = read_count(*thinking, "budget_tokens", fault);
  const bool thinks = type.empty() || type == "enabled";
  if (thinks) request.reasoning.budget_tokens = budget;
  leave_extra(request, "thinking",
              thinks ? rest_of(*thinking, {"type", "budget_tokens"})
                     : rest_of(*thinking, {"budget_tokens"}));
}

// OpenRouter's words: https://openrouter.ai/docs/use-cases/reasoning-tokens
void read_reasoning(const Json& json, ChatRequest& request, RequestFault& fault) {
  const Json* reasoning = member_of(json, "reasoning");
  if (reasoning == nullptr || !reasoning->is_object()) return;
  ReasoningSetting& asked = request.reasoning;
  const std::string effort = read_text(*reasoning, "effort", "reasoning", fault);
  if (asked.effort.empty()) asked.effort = effort;
  if (!asked.budget_tokens) asked.budget_tokens = read_count(*reasoning, "max_tokens", fault);
  const auto enabled = read_optional_flag(*reasoning, "enabled", fault);
  if (enabled == false) asked = {.effort = "none", .budget_tokens = {}, .summary = false};
  if (enabled == true && asked.effort.empty() && !asked.budget_tokens) asked.effort = "medium";
  leave_extra(request, "reasoning", rest_of(*reasoning, {"effort", "max_tokens", "enabled"}));
}

}  // namespace

void read_openai_chat_request(const Json& json, std::string_view body, ChatRequest& request,
                              RequestFault& fault) {
  request.model = read_text(json, "model", "", fault);
  const Json* messages = member_of(json, "messages");
  if (messages == nullptr || !messages->is_array() || messages->empty()) {
    fault.set("messages", "a list of one message or more", messages);
    return;
  }
  for (std::size_t i = 0; i < messages->size(); ++i)
    read_message((*messages)[i], i, request, fault);
  request.answers = read_answers(json, "n", "n", fault);
  read_tools(json, body, own_format, read_tool, request, fault);
  const bool choice_known = read_tool_choice(json, request);
  read_output(json, body, request, fault);
  read_settings(json, request, fault);
  read_functions(json, body, request, fault);
  const bool metadata_known = read_metadata(json, request);
  request.extra = rest_of(json, {"model",
                                 "messages",
                                 request.answers > 1 ? "n" : "model",
                                 "tools",
                                 "functions",
                                 "function_call",
                                 choice_known ? "tool_choice" : "model",
                                 "response_format",
                                 "stream",
                                 "stream_options",
                                 "max_completion_tokens",
                                 "max_tokens",
                                 "temperature",
                                 "top_p",
                                 "frequency_penalty",
                                 "presence_penalty",
                                 "seed",
                                 "stop",
                                 "reasoning_effort",
                                 "parallel_tool_calls",
                                 "user",
                                 metadata_known ? "metadata" : "model"});
  read_thinking(json, request, fault);
  read_reasoning(json, request, fault);
  const Json* options = member_of(json, "stream_options");
  const std::string rest =
      options == nullptr ? std::string() : rest_of(*options, {"include_usage"});
  if (!rest.empty()) leave_extra(request, "stream_options", rest);
}

}  // namespace redoubt::llm
