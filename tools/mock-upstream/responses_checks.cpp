// OpenAI's Responses: items and their order, and the tools that only this format has.
#include <set>

#include "tools/mock-upstream/openai_checks.hpp"
#include "tools/mock-upstream/provider_families.hpp"

namespace redoubt::mock {
namespace {

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

}  // namespace

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

}  // namespace redoubt::mock
