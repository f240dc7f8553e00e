#include "engine/llm/context_edits.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {
namespace {

constexpr std::int64_t trigger_tokens_usual = 100'000;
constexpr std::int64_t tool_uses_kept_usual = 3;
constexpr std::int64_t thinking_turns_kept_usual = 1;

/// {"type": ..., "value": N}, or `usual`.
std::int64_t value_of(const Json& edit, const char* key, std::int64_t usual) {
  const Json* amount = member_of(edit, key);
  return amount == nullptr ? usual : std::max<std::int64_t>(integer_in(*amount, "value", usual), 0);
}

bool names(const Json* list, std::string_view tool) {
  return list != nullptr && list->is_array() &&
         std::any_of(list->begin(), list->end(),
                     [&](const Json& name) { return text_of(&name) == tool; });
}

template <class Use>
void each_block(Json& body, Use use) {
  Json& messages = body["messages"];
  if (!messages.is_array()) return;
  for (Json& message : messages) {
    if (!message.is_object() || !message.contains("content")) continue;
    Json& content = message["content"];
    if (!content.is_array()) continue;
    for (Json& block : content)
      if (block.is_object()) use(block);
  }
}

bool clear_tool_uses(const Json& edit, Json& body) {
  struct ToolUse {
    std::string id;
    std::string name;
  };
  std::vector<ToolUse> uses;
  each_block(body, [&](const Json& block) {
    if (text_in(block, "type") == "tool_use")
      uses.push_back({std::string(text_in(block, "id")), std::string(text_in(block, "name"))});
  });
  const auto kept = static_cast<std::size_t>(value_of(edit, "keep", tool_uses_kept_usual));
  const Json* excluded = member_of(edit, "exclude_tools");
  std::set<std::string_view> cleared;
  for (std::size_t i = 0; i + kept < uses.size(); ++i)
    if (!names(excluded, uses[i].name)) cleared.insert(uses[i].id);
  const Json* inputs = member_of(edit, "clear_tool_inputs");
  each_block(body, [&](Json& block) {
    const std::string_view type = text_in(block, "type");
    const bool is_use = type == "tool_use";
    if (!is_use && type != "tool_result") return;
    if (cleared.count(text_in(block, is_use ? "id" : "tool_use_id")) == 0) return;
    if (!is_use) block["content"] = "[cleared]";
    const bool all = inputs != nullptr && *inputs == true;
    if (is_use && (all || names(inputs, text_in(block, "name")))) block["input"] = Json::object();
  });
  return !cleared.empty();
}

bool is_triggered(const Json& edit, const Json& body, std::int64_t tokens) {
  const Json* trigger = member_of(edit, "trigger");
  if (trigger == nullptr || text_in(*trigger, "type") != "tool_uses")
    return tokens > value_of(edit, "trigger", trigger_tokens_usual);
  std::int64_t uses = 0;
  Json looked_at = body;
  each_block(looked_at, [&](const Json& block) { uses += text_in(block, "type") == "tool_use"; });
  return uses > value_of(edit, "trigger", 0);
}

bool is_thought(const Json& block) {
  const std::string_view type = text_in(block, "type");
  return type == "thinking" || type == "redacted_thinking";
}

bool clear_thinking(const Json& edit, Json& body) {
  const Json* keep = member_of(edit, "keep");
  Json& messages = body["messages"];
  if (text_of(keep) == "all" || !messages.is_array()) return false;
  std::int64_t left = value_of(edit, "keep", thinking_turns_kept_usual);
  bool any = false;
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    if (!message->is_object() || !message->contains("content")) continue;
    Json& content = (*message)["content"];
    if (!content.is_array() || std::none_of(content.begin(), content.end(), is_thought)) continue;
    if (left-- > 0) continue;
    content.erase(std::remove_if(content.begin(), content.end(), is_thought), content.end());
    any = true;
  }
  return any;
}

}  // namespace

std::string edited_context(std::string_view body,
                           const std::function<std::int64_t(std::string_view)>& tokens) {
  auto parsed = parse_client_body(body);
  if (!parsed.ok() || !parsed->is_object()) return {};
  const Json* edits = member_of(member_of(*parsed, "context_management"), "edits");
  if (edits == nullptr || !edits->is_array()) return {};
  Json edited = *parsed;
  bool any = false;
  for (const Json& edit : *edits) {
    const std::string_view type = text_in(edit, "type");
    if (type.starts_with("clear_thinking_")) {
      any = clear_thinking(edit, edited) || any;
    } else if (type.starts_with("clear_tool_uses_")) {
      const std::int64_t before = tokens(dump(edited));
      if (!is_triggered(edit, edited, before)) continue;
      Json cleared = edited;
      if (!clear_tool_uses(edit, cleared)) continue;
      if (before - tokens(dump(cleared)) < value_of(edit, "clear_at_least", 0)) continue;
      edited = std::move(cleared);
      any = true;
    }
  }
  return any ? dump(edited) : std::string();
}

}  // namespace redoubt::llm
