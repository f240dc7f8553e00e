#include "tools/mock-upstream/provider_checks.hpp"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <vector>

#include "engine/base/json.hpp"

namespace redoubt::mock {
namespace {

using Words = std::initializer_list<std::string_view>;
constexpr std::size_t any_number = 1 << 30;

bool starts(std::string_view text, Words beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view each) { return text.substr(0, each.size()) == each; });
}

bool is_one_of(std::string_view word, Words words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool has(const Json& json, const char* key) {
  const auto found = json.find(key);
  return json.is_object() && found != json.end() && !found->is_null();
}

const Json& in(const Json& json, const char* key) {
  static const Json nothing;
  if (!json.is_object()) return nothing;
  const auto found = json.find(key);
  return found == json.end() ? nothing : *found;
}

std::string text_of(const Json& json) {
  return json.is_string() ? json.get<std::string>() : std::string();
}
std::string text_in(const Json& json, const char* key) {
  return text_of(in(json, key));
}

bool is_word(const std::string& text, std::size_t bytes_max, std::string_view also = "_-") {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && also.find(c) == also.npos) return false;
  }
  return !text.empty() && text.size() <= bytes_max;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

bool between(const Json& body, const char* key, double low, double high) {
  if (!has(body, key)) return true;
  const Json& value = in(body, key);
  return value.is_number() && value.get<double>() >= low && value.get<double>() <= high;
}

// --- schemas
// --------------------------------------------------------------------------------------

std::string root_fault(const Json& schema) {
  if (text_in(schema, "type") != "object") return "schema: the root is no object";
  for (const char* key : {"allOf", "anyOf", "oneOf", "enum", "not", "$ref"}) {
    if (has(schema, key)) return std::string("schema: the root has ") + key;
  }
  return "";
}

struct SchemaRules {
  std::vector<std::string_view> refused;  // keywords
  std::vector<std::string_view> formats;
  bool all_required = false;   // every property
  bool some_required = false;  // one at least in each object
  bool closed = false;         // additionalProperties: false in every object
  bool typed = false;          // no schema without a type
  bool alone_ref = false;      // nothing but definitions beside $ref
  bool recursion = true;
  std::size_t depth_max = any_number;
  std::size_t properties_max = any_number;
};

struct SchemaCount {
  std::size_t properties = 0;
  std::size_t optional = 0;
  std::size_t unions = 0;
};

bool is_listed(std::string_view word, const std::vector<std::string_view>& list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

class SchemaCheck {
 public:
  SchemaCheck(const Json& root, const SchemaRules& rules, SchemaCount& count)
      : root_(root), rules_(rules), count_(count) {}

  std::string fault(const Json& schema, std::size_t depth = 1) {
    if (!schema.is_object()) return "";
    if (depth > rules_.depth_max) return "schema: too deep";
    for (const auto& [key, value] : schema.items()) {
      if (is_listed(key, rules_.refused)) return "schema: " + key;
    }
    const std::string format = text_in(schema, "format");
    if (!format.empty() && !rules_.formats.empty() && !is_listed(format, rules_.formats))
      return "schema: format " + format;
    if (has(schema, "$ref")) return ref_fault(schema);
    const bool says = has(schema, "type") || has(schema, "anyOf") || has(schema, "allOf") ||
                      has(schema, "enum") || has(schema, "const");
    if (rules_.typed && !says) return "schema: a part without a type";
    count_.unions += has(schema, "anyOf") || in(schema, "type").is_array() ? 1 : 0;
    if (std::string found = object_fault(schema); !found.empty()) return found;
    const bool is_list = text_in(schema, "type") == "array";
    if (rules_.typed && is_list && !has(schema, "items")) return "schema: items without a type";
    return children_fault(schema, depth);
  }

 private:
  std::string ref_fault(const Json& schema) {
    if (rules_.alone_ref) {
      for (const auto& [key, value] : schema.items()) {
        if (!is_one_of(key, {"$ref", "$defs", "definitions"})) return "schema: beside $ref " + key;
      }
    }
    const std::string ref = text_in(schema, "$ref");
    const Json* named = nullptr;
    for (const char* home : {"$defs", "definitions"}) {
      const std::string prefix = std::string("#/") + home + "/";
      if (!starts(ref, {prefix})) continue;
      const Json& all = in(root_, home);
      const auto found = all.find(ref.substr(prefix.size()));
      if (all.is_object() && found != all.end()) named = &*found;
    }
    if (ref == "#") named = &root_;
    if (named == nullptr) return "schema: no such $ref " + ref;
    if (rules_.recursion) return "";
    if (open_.count(ref) != 0) return "schema: recursion";
    open_.insert(ref);
    const SchemaCount before = count_;
    std::string found = fault(*named);
    count_ = before;
    open_.erase(ref);
    return found;
  }

  std::string object_fault(const Json& schema) {
    if (text_in(schema, "type") != "object" && !has(schema, "properties")) return "";
    const Json& properties = in(schema, "properties");
    std::set<std::string> required;
    for (const Json& name : in(schema, "required"))
      required.insert(text_of(name));
    if (rules_.closed && in(schema, "additionalProperties") != Json(false))
      return "schema: additionalProperties";
    if (rules_.some_required && required.empty()) return "schema: an object without required";
    if (rules_.all_required && !properties.is_object()) return "schema: no properties";
    for (const auto& [name, value] : properties.items()) {
      if (++count_.properties > rules_.properties_max) return "schema: too many properties";
      if (required.count(name) != 0) continue;
      ++count_.optional;
      if (rules_.all_required) return "schema: not required: " + name;
    }
    return "";
  }

  std::string children_fault(const Json& schema, std::size_t depth) {
    for (const char* key : {"properties", "$defs", "definitions"}) {
      for (const Json& child : in(schema, key)) {
        if (std::string found = fault(child, depth + 1); !found.empty()) return found;
      }
    }
    for (const char* key : {"anyOf", "allOf", "prefixItems"}) {
      for (const Json& child : in(schema, key)) {
        if (std::string found = fault(child, depth + 1); !found.empty()) return found;
      }
    }
    return fault(in(schema, "items"), depth + 1);
  }

  const Json& root_;
  const SchemaRules& rules_;
  SchemaCount& count_;
  std::set<std::string> open_;
};

const SchemaRules openai_strict{.refused = {"minLength",
                                            "maxLength",
                                            "minProperties",
                                            "maxProperties",
                                            "patternProperties",
                                            "propertyNames",
                                            "uniqueItems",
                                            "contains",
                                            "minContains",
                                            "maxContains",
                                            "unevaluatedItems",
                                            "unevaluatedProperties",
                                            "default",
                                            "oneOf",
                                            "allOf",
                                            "not",
                                            "if",
                                            "then",
                                            "else",
                                            "$schema",
                                            "$id",
                                            "examples"},
                                .formats = {"date-time", "time", "date", "duration", "email",
                                            "hostname", "ipv4", "ipv6", "uuid"},
                                .all_required = true,
                                .closed = true,
                                .typed = true,
                                .alone_ref = true,
                                .depth_max = 10,
                                .properties_max = 5'000};

const SchemaRules anthropic_strict{
    .refused = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
                "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "not",
                "oneOf", "minProperties", "maxProperties", "patternProperties", "$schema"},
    .formats = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6",
                "uuid"},
    .closed = true,
    .alone_ref = true,
    .recursion = false};

const SchemaRules gemini_schema{.refused = {"$schema", "$ref", "const", "discriminator", "examples",
                                            "exclusiveMinimum", "exclusiveMaximum", "allOf",
                                            "oneOf", "not", "patternProperties", "default",
                                            "uniqueItems", "pattern"}};

// What says nothing of a value is passed over in a tool's parameters.
const SchemaRules gemini_parameters = [] {
  SchemaRules rules = gemini_schema;
  std::erase_if(rules.refused,
                [](std::string_view word) { return word == "$schema" || word == "default"; });
  return rules;
}();

const SchemaRules cohere_schema{
    .refused = {"allOf", "oneOf", "not", "minimum", "maximum", "exclusiveMinimum",
                "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "minLength", "maxLength",
                "pattern", "uniqueItems"},
    .formats = {"date-time", "uuid", "date", "time"},
    .some_required = true};

std::string schema_fault(const Json& schema, const SchemaRules& rules) {
  SchemaCount count;
  return SchemaCheck(schema, rules, count).fault(schema);
}

// --- documents and sound inside the request
// -------------------------------------------------------------------------

bool is_base64(const std::string& text) {
  const std::size_t end = text.find_last_not_of('=') + 1;
  return !text.empty() && text.size() % 4 == 0 && is_word(text.substr(0, end), any_number, "+/");
}

// A file's data is a data: URL, and its name is known by its ending.
std::string file_fault(const Json& file, bool pdf_only) {
  const std::string url = text_in(file, "file_data");
  const std::string name = text_in(file, "filename");
  const std::size_t mark = url.find(";base64,");
  if (name.empty()) return "a file without a name";
  if (!starts(url, {"data:"}) || mark == url.npos || !is_base64(url.substr(mark + 8)))
    return "file_data";
  const bool pdf = starts(url, {"data:application/pdf;"});
  const bool named = name.size() > 4 && name.substr(name.size() - 4) == ".pdf";
  return (pdf_only && !pdf) || pdf != named ? "the kind of a file" : "";
}

// --- chat completions
// -----------------------------------------------------------------------------

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

// The words of effort that a model takes; none where nothing is known.
std::vector<std::string_view> openai_efforts(std::string_view model) {
  if (starts(model, {"gpt-6-astra", "gpt-6.1-sol"}))
    return {"low", "medium", "high", "xhigh", "max"};
  if (starts(model, {"gpt-6"})) return {"none", "low", "medium", "high", "xhigh", "max"};
  if (starts(model, {"gpt-5.2-pro", "gpt-5.4-pro", "gpt-5.5-pro"}))
    return {"medium", "high", "xhigh"};
  if (starts(model, {"gpt-5-pro"})) return {"high"};
  if (starts(model, {"gpt-5.1"})) return {"none", "low", "medium", "high"};
  if (starts(model, {"gpt-5."})) return {"none", "low", "medium", "high", "xhigh"};
  if (starts(model, {"gpt-5"})) return {"minimal", "low", "medium", "high"};
  if (starts(model, {"o1", "o3", "o4"})) return {"low", "medium", "high"};
  return {};
}

// What a model that thinks does not take.
std::string openai_model_fault(std::string_view model, std::string_view effort, const Json& body) {
  const std::vector<std::string_view> taken = openai_efforts(model);
  if (taken.empty()) {
    const bool silent = starts(model, {"gpt-4", "gpt-3"});
    return silent && !effort.empty() ? "reasoning effort for a model without" : "";
  }
  if (!effort.empty() && !is_listed(effort, taken)) return "reasoning effort";
  if (has(body, "max_tokens")) return "max_tokens: use max_completion_tokens";
  if (starts(model, {"o3", "o4"}) && has(body, "stop")) return "stop";
  const bool off_by_default = starts(model, {"gpt-5.1", "gpt-5.2", "gpt-5.3", "gpt-5.4"}) &&
                              model.find("-pro") == model.npos;
  if (effort == "none" || (effort.empty() && off_by_default)) return "";
  for (const char* key : {"temperature", "top_p", "frequency_penalty", "presence_penalty",
                          "logit_bias", "logprobs", "top_logprobs"}) {
    if (has(body, key)) return std::string(key) + " beside thinking";
  }
  return "";
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

// --- Responses
// ------------------------------------------------------------------------------------

std::string responses_content_fault(const Json& content) {
  for (const Json& part : content.is_array() ? content : Json()) {
    const std::string type = text_in(part, "type");
    if (!is_one_of(type, {"input_text", "input_image", "input_file", "output_text", "refusal"}))
      return "content of type " + type;
    if (type != "input_file") continue;
    if (std::string found = file_fault(part, false); !found.empty()) return found;
  }
  return "";
}

// What the commands of a shell have come to, one by one.
std::string shell_output_fault(const Json& output) {
  if (!output.is_array()) return "output of a shell";
  for (const Json& command : output) {
    if (!in(command, "stdout").is_string() || !in(command, "stderr").is_string())
      return "stdout and stderr of a shell";
    const Json& outcome = in(command, "outcome");
    const std::string type = text_in(outcome, "type");
    const bool exited = type == "exit" && in(outcome, "exit_code").is_number_integer();
    if (!exited && type != "timeout") return "outcome of a shell";
  }
  return "";
}

// A local shell's result names the call by `id`: it has no call_id.
std::string call_named_by(const Json& result) {
  return text_in(result, text_in(result, "type") == "local_shell_call_output" ? "id" : "call_id");
}

std::string responses_items_fault(const Json& input) {
  std::set<std::string> calls;
  std::set<std::string> answered;
  if (input.is_array() && input.empty()) return "no input";
  for (const Json& item : input.is_array() ? input : Json()) {
    const std::string type = text_in(item, "type");
    const std::string id = text_in(item, "call_id");
    for (const char* key : {"content", "output"}) {
      if (type == "reasoning" || type == "shell_call_output") continue;
      if (std::string found = responses_content_fault(in(item, key)); !found.empty()) return found;
    }
    if (has(item, "call_id") && (id.empty() || id.size() > 64)) return "call_id";
    if (text_in(item, "id").size() > 64) return "id of an item";
    if (is_one_of(type, {"function_call", "custom_tool_call"})) {
      if (!is_word(text_in(item, "name"), 128)) return "name of a call";
      calls.insert(id);
    }
    if (is_one_of(type, {"local_shell_call", "shell_call", "apply_patch_call"})) calls.insert(id);
    if (is_one_of(type,
                  {"function_call_output", "custom_tool_call_output", "local_shell_call_output",
                   "shell_call_output", "apply_patch_call_output"})) {
      if (text_in(item, "output").size() > 10'485'760) return "string_above_max_length";
      const std::string call = call_named_by(item);
      if (calls.count(call) == 0) return "a result of no call before it";
      if (type == "shell_call_output") {
        if (std::string found = shell_output_fault(in(item, "output")); !found.empty())
          return found;
      } else if (type == "apply_patch_call_output") {
        if (!is_one_of(text_in(item, "status"), {"completed", "failed"}))
          return "status of a patch";
      } else if (in(item, "output").is_null()) {
        return "no output";
      }
      answered.insert(call);
    }
    if (type.empty() || type == "message") {
      if (in(item, "content").is_null()) return "no content";
      if (in(item, "content").is_array() && in(item, "content").empty()) return "empty content";
    }
    if (type == "reasoning" && !has(item, "encrypted_content") && !has(item, "id"))
      return "a thought of nobody";
  }
  return calls == answered ? "" : "a call without its result";
}

std::string responses_fault(std::string_view model, const Json& body) {
  if (!between(body, "temperature", 0, 2)) return "temperature";
  if (!between(body, "top_p", 0, 1)) return "top_p";
  if (has(body, "max_output_tokens") && !between(body, "max_output_tokens", 16, 1e15))
    return "max_output_tokens";
  for (const char* unknown :
       {"stop", "seed", "frequency_penalty", "presence_penalty", "max_tokens"}) {
    if (has(body, unknown)) return std::string("unknown: ") + unknown;
  }
  if (text_in(body, "user").size() > 64) return "user";
  if (!has(body, "input")) return "no input";
  if (std::string found = responses_items_fault(in(body, "input")); !found.empty()) return found;
  std::set<std::string> names;
  for (const Json& tool : in(body, "tools")) {
    const std::string type = text_in(tool, "type");
    if (type == "custom") names.insert(text_in(tool, "name"));
    if (type == "namespace") {
      if (!is_word(text_in(tool, "name"), 64)) return "name of a namespace";
      for (const Json& inner : in(tool, "tools"))
        names.insert(text_in(inner, "name"));
    }
    if (type != "function") continue;
    if (!is_word(text_in(tool, "name"), 128)) return "name of a tool";
    names.insert(text_in(tool, "name"));
    const Json& schema = in(tool, "parameters");
    if (schema.is_null()) continue;
    if (std::string found = root_fault(schema); !found.empty()) return found;
    // Strict by default.
    if (in(tool, "strict") == Json(false)) continue;
    if (std::string found = schema_fault(schema, openai_strict); !found.empty()) return found;
  }
  const std::string named = text_in(in(body, "tool_choice"), "name");
  if (!named.empty() && names.count(named) == 0) return "tool_choice names no tool";
  const Json& format = in(in(body, "text"), "format");
  if (text_in(format, "type") == "json_schema") {
    if (!is_word(text_in(format, "name"), 64)) return "name of a schema";
    if (in(format, "strict") == Json(true)) {
      const Json& schema = in(format, "schema");
      if (std::string found = root_fault(schema); !found.empty()) return found;
      if (std::string found = schema_fault(schema, openai_strict); !found.empty()) return found;
    }
  }
  return openai_model_fault(model, text_in(in(body, "reasoning"), "effort"), body);
}

// --- Anthropic
// ------------------------------------------------------------------------------------

enum class ClaudeThinking { budget, either, adaptive, always };

struct Claude {
  ClaudeThinking thinking = ClaudeThinking::budget;
  bool sampling = true;
  bool prefill = true;
  bool system_inside = false;
  bool forced_tools = true;
  bool off_up_to_high = false;  // thinking may be disabled beside an effort up to high
  bool any = true;              // a model that is not known
  std::vector<std::string_view> efforts = {"low", "medium", "high", "xhigh", "max"};
};

Claude claude_of(std::string_view model) {
  if (!starts(model, {"claude-"})) return {};
  using T = ClaudeThinking;
  if (starts(model, {"claude-opus-4-5"}))
    return {.any = false, .efforts = {"low", "medium", "high"}};
  if (starts(model, {"claude-sonnet-4-5", "claude-haiku-4-5"}))
    return {.any = false, .efforts = {}};
  if (starts(model, {"claude-opus-4-6", "claude-sonnet-4-6"}))
    return {.thinking = T::either,
            .prefill = false,
            .any = false,
            .efforts = {"low", "medium", "high", "max"}};
  Claude newer{.thinking = T::adaptive, .sampling = false, .prefill = false, .any = false};
  newer.system_inside = !starts(model, {"claude-opus-4-7", "claude-sonnet-5"}) ||
                        starts(model, {"claude-sonnet-5-5"});
  newer.off_up_to_high = starts(model, {"claude-opus-5", "claude-haiku-5-5"});
  if (starts(model, {"claude-fable", "claude-mythos", "claude-opus-5-5", "claude-sonnet-5-5"})) {
    newer.thinking = T::always;
    newer.forced_tools = starts(model, {"claude-mythos"});
  }
  return newer;
}

std::string thinking_fault(const Claude& claude, const Json& body, bool thinks) {
  const Json& thinking = in(body, "thinking");
  const std::string type = text_in(thinking, "type");
  const std::string effort = text_in(in(body, "output_config"), "effort");
  const std::string choice = text_in(in(body, "tool_choice"), "type");
  const bool forced = choice == "any" || choice == "tool";
  if (!claude.forced_tools && forced) return "a forced tool";
  if (!effort.empty() && !is_listed(effort, claude.efforts)) return "effort";
  if (claude.thinking == ClaudeThinking::always && type == "disabled") return "thinking disabled";
  const bool by_budget =
      claude.thinking == ClaudeThinking::budget || claude.thinking == ClaudeThinking::either;
  if (!by_budget && type == "enabled") return "thinking enabled";
  if (claude.thinking == ClaudeThinking::budget && !claude.any && type == "adaptive")
    return "thinking adaptive";
  if (claude.off_up_to_high && type == "disabled" && is_one_of(effort, {"xhigh", "max"}))
    return "effort beside disabled";
  if (type != "enabled") return "";
  if (!has(thinking, "budget_tokens")) return "no budget";
  if (in(thinking, "budget_tokens") >= in(body, "max_tokens")) return "budget over max_tokens";
  if (in(thinking, "budget_tokens") < 1024) return "budget too small";
  if (thinks && (has(body, "temperature") || has(body, "top_k"))) return "sampling beside thinking";
  return forced ? "a forced tool beside thinking" : "";
}

std::string anthropic_document_fault(const Json& block) {
  const Json& source = in(block, "source");
  const std::string type = text_in(source, "type");
  const std::string media_type = text_in(source, "media_type");
  const std::string data = text_in(source, "data");
  if (text_in(block, "title").size() > 500) return "title";
  if (type == "base64")
    return media_type == "application/pdf" && is_base64(data) ? "" : "source.base64";
  if (type == "text") return media_type == "text/plain" && !data.empty() ? "" : "source.text";
  return is_one_of(type, {"url", "content", "file"}) ? "" : "source.type";
}

std::string anthropic_image_fault(const Json& block) {
  constexpr std::size_t base64_max = 5'242'880;
  const Json& source = in(block, "source");
  if (text_in(source, "type") != "base64") return "";
  return text_in(source, "data").size() > base64_max ? "image exceeds 5 MB maximum" : "";
}

std::size_t cache_marks(const Json& json) {
  std::size_t marks = 0;
  for (const auto& [key, value] : json.items()) {
    if (json.is_object() && key == "cache_control" && !value.is_null()) {
      ++marks;
    } else if (value.is_structured() && key != "input" && key != "input_schema") {
      marks += cache_marks(value);
    }
  }
  return marks;
}

std::string anthropic_block_fault(const Json& block, std::set<std::string>& calls,
                                  std::set<std::string>& results) {
  const std::string type = text_in(block, "type");
  if (type == "text" && is_blank(text_in(block, "text"))) return "blank text";
  if (type == "thinking" && text_in(block, "signature").empty()) return "a thought unsigned";
  if (type == "tool_use") {
    if (!is_word(text_in(block, "id"), any_number)) return "tool_use id";
    if (!is_word(text_in(block, "name"), 128)) return "tool_use name";
    if (!in(block, "input").is_object()) return "tool_use input";
    // In one message: a recorded request that repeats one in a later turn was answered.
    if (!calls.insert(text_in(block, "id")).second) return "`tool_use` ids must be unique";
  }
  if (type == "document") return anthropic_document_fault(block);
  if (type == "image") return anthropic_image_fault(block);
  if (type != "tool_result") return "";
  results.insert(text_in(block, "tool_use_id"));
  const Json& content = in(block, "content");
  for (const Json& piece : content.is_array() ? content : Json()) {
    const std::string kind = text_in(piece, "type");
    if (!is_one_of(kind, {"text", "image", "document", "search_result", "tool_reference"}))
      return "a result's content of type " + kind;
    if (kind == "image") {
      if (std::string found = anthropic_image_fault(piece); !found.empty()) return found;
    }
    if (kind != "document") continue;
    if (std::string found = anthropic_document_fault(piece); !found.empty()) return found;
  }
  return "";
}

std::string anthropic_messages_fault(const Claude& claude, const Json& body) {
  std::string last;
  std::set<std::string> open;
  for (const Json& message : in(body, "messages")) {
    const std::string role = text_in(message, "role");
    if (!is_one_of(role, {"user", "assistant", "system"})) return "role";
    if (role == "system" && (!claude.system_inside && !claude.any)) return "system inside";
    if (role == "system" && last != "user") return "system not after a user";
    if (role == last) return "two messages of one side";
    if (last.empty() && role != "user") return "the first message is not the user's";
    const Json& content = in(message, "content");
    if (content.is_string() && is_blank(text_of(content))) return "blank text";
    if (content.is_array() && content.empty()) return "empty content";
    std::set<std::string> calls;
    std::set<std::string> results;
    bool others = false;
    for (const Json& block : content.is_array() ? content : Json()) {
      if (std::string found = anthropic_block_fault(block, calls, results); !found.empty())
        return found;
      const bool is_result = text_in(block, "type") == "tool_result";
      if (is_result && others) return "results are not first";
      others = others || !is_result;
    }
    if (role != "system") {
      if (results != open) return "tool_use without its tool_result, or the other way about";
      open = std::move(calls);
    }
    last = role;
  }
  if (last.empty()) return "no messages";
  if (!open.empty()) return "tool_use without tool_result";
  const Json& end = in(body, "messages").back();
  if (last != "assistant") return "";
  if (!claude.prefill) return "must end with a user message";
  const Json& content = in(end, "content");
  const std::string words =
      content.is_string() ? text_of(content) : text_in(content.back(), "text");
  return !words.empty() && is_blank(words.substr(words.size() - 1)) ? "white space at the end" : "";
}

std::string anthropic_schemas_fault(const Json& body) {
  SchemaCount count;
  std::size_t strict = 0;
  std::set<std::string> names;
  for (const Json& tool : in(body, "tools")) {
    const Json& schema = in(tool, "input_schema");
    const std::string type = text_in(tool, "type");
    if (!type.empty() && type != "custom") continue;
    if (!is_word(text_in(tool, "name"), 128)) return "name of a tool";
    if (!names.insert(text_in(tool, "name")).second) return "two tools of one name";
    if (std::string found = root_fault(schema); !found.empty()) return found;
    if (in(tool, "strict") != Json(true)) continue;
    ++strict;
    std::string found = SchemaCheck(schema, anthropic_strict, count).fault(schema);
    if (!found.empty()) return found;
  }
  const Json& format = in(in(body, "output_config"), "format");
  if (has(format, "schema")) {
    const Json& schema = in(format, "schema");
    std::string found = SchemaCheck(schema, anthropic_strict, count).fault(schema);
    if (!found.empty()) return found;
  }
  if (strict > 20) return "too many strict tools";
  if (count.optional > 24) return "too many optional parameters";
  if (count.unions > 16) return "too many unions";
  const std::string named = text_in(in(body, "tool_choice"), "name");
  if (!named.empty() && names.count(named) == 0) return "tool_choice names no tool";
  return "";
}

std::string anthropic_fault(std::string_view model, const Json& body) {
  const Claude claude = claude_of(model);
  if (!between(body, "max_tokens", 0, 1e15) || !has(body, "max_tokens")) return "max_tokens";
  if (!between(body, "temperature", 0, 1)) return "temperature";
  if (!between(body, "top_p", 0, 1)) return "top_p";
  if (has(body, "temperature") && has(body, "top_p")) return "temperature and top_p";
  for (const char* key : {"temperature", "top_p", "top_k"}) {
    // The default is taken.
    const bool usual = key == std::string_view("temperature") && in(body, key) == Json(1);
    if (!claude.sampling && has(body, key) && !usual) return std::string(key) + " is not taken";
  }
  const Json& system = in(body, "system");
  if (system.is_string() && is_blank(text_of(system))) return "blank system";
  for (const Json& block : system.is_array() ? system : Json()) {
    if (is_blank(text_in(block, "text"))) return "blank system";
  }
  for (const Json& stop : in(body, "stop_sequences")) {
    if (is_blank(text_of(stop))) return "blank stop sequence";
  }
  if (cache_marks(body) > 4) return "more than 4 cache_control";
  const bool thinks = text_in(in(body, "thinking"), "type") == "enabled";
  if (std::string found = thinking_fault(claude, body, thinks); !found.empty()) return found;
  if (std::string found = anthropic_messages_fault(claude, body); !found.empty()) return found;
  const Json& end = in(body, "messages").back();
  if (thinks && text_in(end, "role") == "assistant") return "prefill beside thinking";
  return anthropic_schemas_fault(body);
}

// --- Gemini
// ---------------------------------------------------------------------------------------

std::string lower(std::string text) {
  for (char& c : text)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool is_gemini_name(const std::string& name) {
  const char first = name.empty() ? '0' : name.front();
  const bool letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
  return (letter || first == '_') && is_word(name, 128, "_-.:");
}

std::string inline_fault(const Json& data) {
  if (data.is_null()) return "";
  if (has(data, "displayName")) return "displayName outside of a result";
  const std::string type = text_in(data, "mimeType");
  if (!starts(type, {"image/", "audio/", "video/", "text/"}) && type != "application/pdf")
    return "mimeType " + type;
  return text_in(data, "data").empty() ? "no data" : "";
}

std::string gemini_turns_fault(std::string_view model, const Json& body) {
  std::string last;
  bool old = starts(model, {"gemini-1", "gemini-2", "gemma"});
  std::size_t open = 0;  // calls that wait for their responses
  for (const Json& turn : in(body, "contents")) {
    const std::string role = text_in(turn, "role");
    if (role != "user" && role != "model") return "role";
    if (role == last) return "two turns of one side";
    if (last.empty() && role != "user") return "the first turn is the model's";
    last = role;
    if (in(turn, "parts").empty()) return "a turn without parts";
    std::size_t calls = 0;
    std::size_t responses = 0;
    for (const Json& part : in(turn, "parts")) {
      if (part.empty()) return "a part of nothing";
      if (std::string found = inline_fault(in(part, "inlineData")); !found.empty()) return found;
      if (has(part, "text") && text_in(part, "text").empty() && !has(part, "thoughtSignature"))
        return "an empty text";
      if (has(part, "functionResponse")) {
        ++responses;
        if (!is_gemini_name(text_in(in(part, "functionResponse"), "name"))) return "response name";
        if (!in(in(part, "functionResponse"), "response").is_object()) return "response";
      }
      if (!has(part, "functionCall")) continue;
      if (!is_gemini_name(text_in(in(part, "functionCall"), "name"))) return "call name";
      if (calls == 0 && !old && !has(part, "thoughtSignature"))
        return "is missing a `thought_signature`";
      ++calls;
    }
    if (role == "user" && responses != open) return "calls and responses differ in number";
    if (role == "model") open = calls;
  }
  if (last.empty()) return "no contents";
  return open == 0 || last == "user" ? "" : "calls without responses";
}

std::string gemini_config_fault(std::string_view model, const Json& config) {
  if (!between(config, "temperature", 0, 2)) return "temperature";
  if (!between(config, "topP", 0, 1)) return "topP";
  if (has(config, "maxOutputTokens") && !between(config, "maxOutputTokens", 1, 1e15))
    return "maxOutputTokens";
  if (in(config, "stopSequences").size() > 5) return "stopSequences";
  for (const char* key : {"presencePenalty", "frequencyPenalty"}) {
    if (!between(config, key, -2, 2)) return key;
    if (has(config, key) && starts(model, {"gemini-2.5"})) return key;
  }
  const Json& thinking = in(config, "thinkingConfig");
  const bool by_level = starts(model, {"gemini-3", "gemini-4"});
  const std::string level = lower(text_in(thinking, "thinkingLevel"));
  if (has(thinking, "thinkingBudget")) {
    if (by_level) return "thinkingBudget";
    const Json& budget = in(thinking, "thinkingBudget");
    if (starts(model, {"gemini-2.5-pro"}) && budget == Json(0)) return "Budget 0 is invalid";
    if (!budget.is_number_integer() || budget < -1 || budget > 32'768) return "thinkingBudget";
  }
  if (!level.empty()) {
    if (starts(model, {"gemini-2"})) return "thinkingLevel";
    if (!is_one_of(level, {"minimal", "low", "medium", "high", "xhigh"})) return "thinkingLevel";
    const bool no_minimal =
        starts(model, {"gemini-3.1-pro", "gemini-3.7-flash", "gemini-3.8-flash", "gemini-4-argon"});
    if (no_minimal && level == "minimal") return "thinkingLevel minimal";
  }
  if (has(config, "responseJsonSchema"))
    return schema_fault(in(config, "responseJsonSchema"), gemini_schema);
  return "";
}

std::string gemini_fault(std::string_view model, const Json& body) {
  if (has(body, "systemInstruction")) {
    if (in(in(body, "systemInstruction"), "parts").empty()) return "empty systemInstruction";
    for (const Json& part : in(in(body, "systemInstruction"), "parts")) {
      if (text_in(part, "text").empty()) return "empty systemInstruction";
    }
  }
  if (std::string found = gemini_turns_fault(model, body); !found.empty()) return found;
  const Json& tools = in(body, "tools");
  if (tools.is_array() && tools.empty()) return "no tools in tools";
  std::set<std::string> names;
  for (const Json& group : tools) {
    for (const Json& tool : in(group, "functionDeclarations")) {
      if (!is_gemini_name(text_in(tool, "name"))) return "name of a tool";
      names.insert(text_in(tool, "name"));
      const Json& schema = in(tool, "parametersJsonSchema");
      if (std::string found = schema_fault(schema, gemini_parameters); !found.empty()) return found;
    }
  }
  for (const Json& name :
       in(in(in(body, "toolConfig"), "functionCallingConfig"), "allowedFunctionNames")) {
    if (names.count(text_of(name)) == 0) return "allowedFunctionNames names no tool";
  }
  const Json& config = in(body, "generationConfig");
  const bool schema = has(config, "responseSchema") || has(config, "responseJsonSchema");
  if (schema && has(body, "tools") && starts(model, {"gemini-1", "gemini-2"}))
    return "a schema of the answer beside tools";
  return gemini_config_fault(model, config);
}

}  // namespace

std::string fault_of(std::string_view provider, std::string_view model, const Json& body) {
  if (!body.is_object()) return "no object";
  if (provider == "anthropic") return anthropic_fault(model, body);
  if (provider == "gemini") return gemini_fault(model, body);
  if (provider == "openai-responses") return responses_fault(model, body);
  return chat_fault(provider, model, body);
}

}  // namespace redoubt::mock
