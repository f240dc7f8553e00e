// Gemini's generateContent: turns, thoughts' signatures, the settings of each generation.
#include <set>

#include "tools/mock-upstream/provider_families.hpp"
#include "tools/mock-upstream/schema_checks.hpp"

namespace redoubt::mock {
namespace {

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

}  // namespace

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

}  // namespace redoubt::mock
