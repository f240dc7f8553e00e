// Chat completions: OpenAI's format, with the limits of each provider that speaks it.
#include <set>

#include "tools/mock-upstream/openai_checks.hpp"
#include "tools/mock-upstream/provider_families.hpp"

namespace redoubt::mock {
namespace {

const SchemaRules cohere_schema{
    .refused = {"allOf", "oneOf", "not", "minimum", "maximum", "exclusiveMinimum",
                "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "minLength", "maxLength",
                "pattern", "uniqueItems"},
    .formats = {"date-time", "uuid", "date", "time"},
    .some_required = true};

struct ChatRules {
  double temperature_max = 2;
  double penalty_min = -2;
  double penalty_max = 2;
  double top_p_min = 0;
  double top_p_max = 1;
  std::size_t stops_max = any_number;
  std::size_t id_min = 1;
  std::size_t id_max = any_number;
  std::size_t tools_max = any_number;
  std::size_t user_max = any_number;
  double answers_max = 128;
  bool strict_tools = false;  // checks strict schemas as OpenAI does
  std::vector<std::string_view> refused = {};
};

ChatRules rules_of(std::string_view provider) {
  if (provider == "openai" || provider == "azure")
    return {.stops_max = 4, .id_max = 40, .tools_max = 128, .user_max = 64, .strict_tools = true};
  if (provider == "mistral")
    return {.temperature_max = 1.5,
            .id_min = 9,
            .id_max = 9,
            .tools_max = 128,
            .refused = {"logit_bias", "logprobs", "top_logprobs", "user", "seed", "store",
                        "stream_options", "max_completion_tokens", "service_tier", "verbosity"}};
  if (provider == "groq")
    return {.stops_max = 4,
            .tools_max = 128,
            .answers_max = 1,
            .refused = {"frequency_penalty", "presence_penalty", "logit_bias", "logprobs",
                        "top_logprobs", "metadata", "store"}};
  if (provider == "deepseek")
    // Not refused, but ignored: the cap would be lost.
    return {.refused = {"max_completion_tokens"}};
  if (provider == "xai") return {.refused = {"top_k"}};
  if (provider == "huggingface")
    return {.stops_max = 4, .refused = {"user", "n", "parallel_tool_calls"}};
  if (provider == "openrouter") return {.stops_max = 4};
  if (provider == "cohere")
    return {
        .penalty_min = 0, .penalty_max = 1, .top_p_min = 0.01, .top_p_max = 0.99, .stops_max = 5};
  if (provider == "ollama")
    return {.refused = {"tool_choice", "logit_bias", "user", "n", "logprobs", "top_logprobs"}};
  return {};
}

std::string numbers_fault(const Json& body, const ChatRules& rules) {
  if (!between(body, "temperature", 0, rules.temperature_max)) return "temperature";
  if (!between(body, "top_p", rules.top_p_min, rules.top_p_max)) return "top_p";
  for (const char* key : {"frequency_penalty", "presence_penalty"}) {
    if (!between(body, key, rules.penalty_min, rules.penalty_max)) return key;
  }
  if (!between(body, "n", 1, rules.answers_max)) return "n";
  if (!between(body, "top_logprobs", 0, 20)) return "top_logprobs";
  if (has(body, "top_logprobs") && in(body, "logprobs") != Json(true))
    return "top_logprobs without logprobs";
  for (const Json& bias : in(body, "logit_bias")) {
    if (!bias.is_number() || bias.get<double>() < -100 || bias.get<double>() > 100)
      return "logit_bias";
  }
  const Json& stop = in(body, "stop");
  if ((stop.is_array() ? stop.size() : stop.is_null() ? 0u : 1u) > rules.stops_max) return "stop";
  for (const char* key : {"max_tokens", "max_completion_tokens"}) {
    if (has(body, key) && !between(body, key, 1, 1e15)) return key;
  }
  if (text_in(body, "user").size() > rules.user_max) return "user";
  for (const std::string_view key : rules.refused) {
    if (has(body, std::string(key).c_str())) return std::string(key);
  }
  const Json& metadata = in(body, "metadata");
  if (metadata.size() > 16) return "metadata";
  for (const auto& [key, value] : metadata.items()) {
    if (key.size() > 64 || text_of(value).size() > 512) return "metadata";
  }
  return "";
}

std::string content_fault(std::string_view provider, const Json& part) {
  const std::string type = text_in(part, "type");
  if (type == "file") {
    if (!is_one_of(provider, {"openai", "openrouter"})) return "content of type file";
    return file_fault(in(part, "file"), provider == "openai");
  }
  if (type != "input_audio") return "";
  if (!is_one_of(provider, {"openai", "azure", "openrouter", "vllm"}))
    return "content of type audio";
  const Json& audio = in(part, "input_audio");
  const bool known = is_one_of(text_in(audio, "format"), {"wav", "mp3"});
  return known && is_base64(text_in(audio, "data")) ? "" : "input_audio";
}

bool is_empty_content(const Json& message) {
  const Json& content = in(message, "content");
  return content.is_null() || content == Json("") || (content.is_array() && content.empty());
}

// Every call is answered by tool messages directly after it, and no other tool message stands.
std::string order_fault(std::string_view provider, const Json& body, const ChatRules& rules) {
  std::set<std::string> open;
  std::string last;
  for (const Json& message : in(body, "messages")) {
    const std::string role = text_in(message, "role");
    if (!is_one_of(role, {"system", "developer", "user", "assistant", "tool"})) return "role";
    if (role == "tool") {
      if (open.erase(text_in(message, "tool_call_id")) == 0) return "a result of no call before it";
    } else if (!open.empty()) {
      return "a call without its result";
    }
    const std::string name = text_in(message, "name");
    if (!name.empty() && !is_word(name, 64)) return "name of a participant";
    if (!name.empty() && provider == "mistral" && role != "tool") return "name of a participant";
    if (provider == "mistral" && role == "user" && last == "tool")
      return "Unexpected role 'user' after role 'tool'";
    const bool calls = has(message, "tool_calls");
    if (role == "assistant" && !calls && !has(message, "refusal")) {
      if (in(message, "content").is_null()) return "an assistant that says nothing";
      if (provider == "mistral" && is_empty_content(message)) return "an empty assistant";
    }
    if (role != "assistant" && in(message, "content").is_null()) return "no content";
    if (calls && in(message, "tool_calls").empty()) return "no calls in tool_calls";
    for (const Json& call : in(message, "tool_calls")) {
      const std::string id = text_in(call, "id");
      if (id.empty() || id.size() > rules.id_max || id.size() < rules.id_min) return "call id";
      if (rules.id_min == 9 && !is_word(id, 9, "")) return "call id";
      const std::string type = text_in(call, "type");
      if (type != "custom" && !is_word(text_in(in(call, "function"), "name"), 64))
        return "name of a call";
      open.insert(id);
    }
    for (const Json& part : in(message, "content").is_array() ? in(message, "content") : Json()) {
      if (rules.strict_tools && text_in(part, "text").size() > 1'048'576)
        return "string_above_max_length";
      const std::string url = text_in(in(part, "image_url"), "url");
      if (provider == "ollama" && !url.empty() && !starts(url, {"data:"})) return "image url";
      if (std::string found = content_fault(provider, part); !found.empty()) return found;
      if (role == "tool" && text_in(part, "type") != "text") return "no text in a result";
    }
    if (rules.strict_tools && text_in(message, "content").size() > 1'048'576)
      return "string_above_max_length";
    last = role;
  }
  if (last.empty()) return "no messages";
  if (!open.empty()) return "a call without its result";
  const bool goes_on = in(in(body, "messages").back(), "prefix") == Json(true);
  if (provider == "mistral" && last != "user" && last != "tool" &&
      !(last == "assistant" && goes_on))
    return "invalid_request_message_order";
  return "";
}

// OpenAI alone has tools of type "custom", whose calls have a text.
std::string custom_fault(const Json& body, const ChatRules& rules) {
  if (rules.strict_tools) return "";
  for (const Json& tool : in(body, "tools")) {
    if (text_in(tool, "type") != "function") return "type of a tool";
  }
  for (const Json& message : in(body, "messages")) {
    for (const Json& call : in(message, "tool_calls")) {
      if (text_in(call, "type") != "function") return "type of a call";
    }
  }
  return "";
}

std::string chat_tools_fault(const Json& body, const ChatRules& rules) {
  if (std::string found = custom_fault(body, rules); !found.empty()) return found;
  const Json& tools = in(body, "tools");
  if (tools.is_array() && tools.empty()) return "no tools in tools";
  if (tools.size() > rules.tools_max) return "too many tools";
  std::set<std::string> names;
  for (const Json& tool : tools) {
    if (text_in(tool, "type") != "function") continue;
    const Json& function = in(tool, "function");
    const std::string name = text_in(function, "name");
    if (!is_word(name, 64)) return "name of a tool";
    if (!names.insert(name).second) return "two tools of one name";
    if (!has(function, "parameters")) continue;
    const Json& schema = in(function, "parameters");
    if (std::string found = root_fault(schema); !found.empty()) return found;
    if (!rules.strict_tools || in(function, "strict") != Json(true)) continue;
    if (std::string found = schema_fault(schema, openai_strict); !found.empty()) return found;
  }
  const Json& choice = in(body, "tool_choice");
  if (choice.is_null()) return "";
  if (tools.empty()) return "tool_choice without tools";
  const std::string named = text_in(in(choice, "function"), "name");
  if (!named.empty() && names.count(named) == 0) return "tool_choice names no tool";
  return "";
}

std::string chat_output_fault(std::string_view provider, const Json& body, const ChatRules& rules) {
  const Json& format = in(body, "response_format");
  const std::string type = text_in(format, "type");
  if (type != "json_schema" && provider != "groq") return "";
  const bool alone = !has(body, "tools") && in(body, "stream") != Json(true);
  if (provider == "groq" && is_one_of(type, {"json_schema", "json_object"}) && !alone)
    return "response_format beside tools or a stream";
  if (provider == "deepseek") return "This response_format type is unavailable now";
  const Json& output = in(format, "json_schema");
  if (type == "json_schema" && !is_word(text_in(output, "name"), 64)) return "name of a schema";
  if (provider == "cohere" && type == "json_schema")
    return schema_fault(in(output, "schema"), cohere_schema);
  if (!rules.strict_tools || in(output, "strict") != Json(true)) return "";
  if (std::string found = root_fault(in(output, "schema")); !found.empty()) return found;
  return schema_fault(in(output, "schema"), openai_strict);
}

std::string deepseek_fault(const Json& body) {
  const bool thinks = text_in(in(body, "thinking"), "type") != "disabled";
  const std::string effort = text_in(body, "reasoning_effort");
  if (!effort.empty() && !is_one_of(effort, {"low", "high", "max"})) return "reasoning_effort";
  const Json& choice = in(body, "tool_choice");
  const bool forced = choice == Json("required") || choice.is_object();
  if (thinks && forced) return "Thinking mode does not support this tool_choice";
  if (!thinks || !has(body, "tools")) return "";
  for (const Json& message : in(body, "messages")) {
    if (text_in(message, "role") == "assistant" && !in(message, "reasoning_content").is_string())
      return "reasoning_content is missing";
  }
  return "";
}

std::string xai_fault(std::string_view model, const Json& body) {
  if (!starts(model, {"grok-4", "grok-code-fast"})) return "";
  for (const char* key : {"stop", "frequency_penalty", "presence_penalty"})
    if (has(body, key)) return key;
  return "";
}

std::string efforts_fault(std::string_view provider, std::string_view model,
                          const std::string& effort) {
  if (effort.empty()) return "";
  const auto takes = [&](Words words) {
    return is_one_of(effort, words) ? "" : "reasoning_effort " + effort;
  };
  if (provider == "mistral" && starts(model, {"mistral", "devstral"}))
    return takes({"none", "high"});
  if (provider == "groq" && starts(model, {"openai/gpt-oss"}))
    return takes({"low", "medium", "high"});
  if (provider == "xai") {
    if (starts(model, {"grok-3-mini"})) return takes({"none", "low", "high"});
    if (starts(model, {"grok-4.3"})) return takes({"none", "low", "medium", "high"});
    if (starts(model, {"grok-4.5", "grok-4.6"})) return takes({"low", "medium", "high"});
    if (starts(model, {"grok-4.7"})) return takes({"low", "medium", "high", "xhigh"});
  }
  if (provider == "ollama") return takes({"none", "low", "medium", "high", "max"});
  return "";
}

}  // namespace

std::string chat_fault(std::string_view provider, std::string_view model, const Json& body) {
  const ChatRules rules = rules_of(provider);
  if (std::string found = numbers_fault(body, rules); !found.empty()) return found;
  if (std::string found = order_fault(provider, body, rules); !found.empty()) return found;
  if (std::string found = chat_tools_fault(body, rules); !found.empty()) return found;
  if (std::string found = chat_output_fault(provider, body, rules); !found.empty()) return found;
  const std::string effort = text_in(body, "reasoning_effort");
  if (std::string found = efforts_fault(provider, model, effort); !found.empty()) return found;
  if (provider == "deepseek") return deepseek_fault(body);
  if (provider == "xai") return xai_fault(model, body);
  if (provider == "groq" && has(body, "reasoning_format") && has(body, "include_reasoning"))
    return "include_reasoning beside reasoning_format";
  if (provider == "openai" || provider == "azure") return openai_model_fault(model, effort, body);
  return "";
}

}  // namespace redoubt::mock
