// Anthropic's Messages: what each generation of models takes, the order of the blocks, strict
// schemas.
#include <set>
#include <utility>

#include "tools/mock-upstream/provider_families.hpp"
#include "tools/mock-upstream/schema_checks.hpp"

namespace redoubt::mock {
namespace {

const SchemaRules anthropic_strict{
    .refused = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
                "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "not",
                "oneOf", "minProperties", "maxProperties", "patternProperties", "$schema"},
    .formats = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6",
                "uuid"},
    .closed = true,
    .alone_ref = true,
    .recursion = false};

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
    std::string found = schema_fault(schema, anthropic_strict, count);
    if (!found.empty()) return found;
  }
  const Json& format = in(in(body, "output_config"), "format");
  if (has(format, "schema")) {
    const Json& schema = in(format, "schema");
    std::string found = schema_fault(schema, anthropic_strict, count);
    if (!found.empty()) return found;
  }
  if (strict > 20) return "too many strict tools";
  if (count.optional > 24) return "too many optional parameters";
  if (count.unions > 16) return "too many unions";
  const std::string named = text_in(in(body, "tool_choice"), "name");
  if (!named.empty() && names.count(named) == 0) return "tool_choice names no tool";
  return "";
}

}  // namespace

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

}  // namespace redoubt::mock
