// What context_management leaves out of an Anthropic prompt, by which its tokens are counted.
#include "engine/llm/context_edits.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {

// Four uses of two tools, by turns, each after a thought.
Json body_with(const Json& edit) {
  Json messages = Json::array({{{"role", "user"}, {"content", "Go"}}});
  for (int i = 0; i < 4; ++i) {
    const std::string id = "t" + std::to_string(i);
    const char* const tool = i % 2 == 0 ? "look" : "note";
    messages.push_back(
        {{"role", "assistant"},
         {"content",
          {{{"type", "thinking"}, {"thinking", "hm"}, {"signature", "s"}},
           {{"type", "tool_use"}, {"id", id}, {"name", tool}, {"input", {{"a", i}}}}}}});
    messages.push_back(
        {{"role", "user"},
         {"content",
          {{{"type", "tool_result"}, {"tool_use_id", id}, {"content", std::string(100, 'x')}}}}});
  }
  return {{"model", "m"},
          {"messages", messages},
          {"context_management", {{"edits", Json::array({edit})}}}};
}

std::int64_t bytes(std::string_view body) {
  return static_cast<std::int64_t>(body.size());
}

std::string edited(const Json& edit) {
  return edited_context(body_with(edit).dump(), bytes);
}

std::vector<std::string> results(const std::string& body) {
  std::vector<std::string> list;
  const Json json = Json::parse(body);
  for (const Json& message : json["messages"]) {
    if (!message["content"].is_array()) continue;
    for (const Json& block : message["content"])
      if (block["type"] == "tool_result") list.push_back(block["content"].get<std::string>());
  }
  return list;
}

int thoughts(const std::string& body) {
  int count = 0;
  for (std::size_t at = body.find(R"("thinking":"hm")"); at != body.npos;
       at = body.find(R"("thinking":"hm")", at + 1))
    ++count;
  return count;
}

const std::string whole(100, 'x');
const std::string gone = "[cleared]";

}  // namespace

TEST_SUITE("llm/context_edits") {
  TEST_CASE("results of tool uses but the last are cleared, beyond the trigger") {
    Json edit = {{"type", "clear_tool_uses_20250919"},
                 {"trigger", {{"type", "tool_uses"}, {"value", 3}}}};
    CHECK(results(edited(edit)) == std::vector<std::string>{gone, whole, whole, whole});
    edit["keep"] = {{"type", "tool_uses"}, {"value", 1}};
    CHECK(results(edited(edit)) == std::vector<std::string>{gone, gone, gone, whole});
    edit["exclude_tools"] = {"note"};
    CHECK(results(edited(edit)) == std::vector<std::string>{gone, whole, gone, whole});
    edit["clear_at_least"] = {{"type", "input_tokens"}, {"value", 100'000}};
    CHECK(edited(edit).empty());
    edit["trigger"]["value"] = 4;
    CHECK(edited(edit).empty());
    edit.erase("trigger");  // 100,000 tokens
    CHECK(edited(edit).empty());
  }

  TEST_CASE("inputs go with their results where the edit says so") {
    const Json edit = {{"type", "clear_tool_uses_20250919"},
                       {"trigger", {{"type", "input_tokens"}, {"value", 10}}},
                       {"clear_tool_inputs", true}};
    const Json json = Json::parse(edited(edit));
    CHECK(json["messages"][1]["content"][1]["input"] == Json::object());
    CHECK(json["messages"][3]["content"][1]["input"] == Json{{"a", 1}});
  }

  TEST_CASE("thoughts of all turns but the last are left out") {
    Json edit = {{"type", "clear_thinking_20251015"}};
    CHECK(thoughts(edited(edit)) == 1);
    edit["keep"] = {{"type", "thinking_turns"}, {"value", 3}};
    CHECK(thoughts(edited(edit)) == 3);
    edit["keep"] = "all";
    CHECK(edited(edit).empty());
  }

  TEST_CASE("what is not known leaves nothing out") {
    CHECK(edited({{"type", "compact_20260112"}}).empty());
    CHECK(edited(7).empty());
    CHECK(edited_context("{", bytes).empty());
    CHECK(edited_context(R"({"context_management":{"edits":[{"type":"clear_thinking_1"}]}})", bytes)
              .empty());
  }
}
