// The requests of the coding agents that most people have (tests/data/clients): of the shape that
// Claude Code and Codex send, in words of our own, against what each provider takes.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "engine/base/json.hpp"
#include "engine/llm/allowed_members.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/models.hpp"
#include "tools/mock-upstream/provider_checks.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {

struct Shape {
  WireFormat format = WireFormat::none;
  std::vector<std::string> betas;
  Json body;
};

Shape shape_of(const std::string& client) {
  std::ifstream file("tests/data/clients/" + client + ".json");
  std::stringstream text;
  text << file.rdbuf();
  const auto json = parse_json(text.str());
  REQUIRE(json.ok());
  Shape shape;
  for (const WireFormat format : {WireFormat::openai_responses, WireFormat::anthropic})
    if (format_name(format) == json->value("format", "")) shape.format = format;
  REQUIRE(shape.format != WireFormat::none);
  shape.betas = read_betas(json->value("betas", ""));
  shape.body = (*json)["body"];
  return shape;
}

/// As the relay reads it.
ChatRequest request_of(const Shape& shape) {
  auto request = decode_client_request(shape.format, shape.body.dump());
  if (!request.ok()) MESSAGE(request.error().message);
  REQUIRE(request.ok());
  request->betas = shape.betas;
  const auto held = hold_to_allowed(*request, {});
  if (!held.ok()) MESSAGE(held.error().message);
  REQUIRE(held.ok());
  CHECK(request->betas == shape.betas);
  return std::move(request).value();
}

/// A target of each model with a card, and of one without, of every dialect.
std::vector<Target> all_targets(const ChatRequest& request) {
  static const ModelTable models = ModelTable::read(default_models_json()).value();
  std::vector<Target> targets;
  for (const Dialect& dialect : dialects()) {
    Target target;
    target.dialect = &dialect;
    target.model = "m-3";
    if (dialect.name == "azure") target.base_url = "https://r.example/v1";
    targets.push_back(target);
    for (const ModelCard& card : models.cards()) {
      if (!card.is_called(dialect.name, card.model)) continue;
      target.model = card.model;
      target.reasoning = card.reasoning();
      target.takes_sampling = card.takes_sampling(request.reasoning);
      target.efforts = card.efforts;
      targets.push_back(target);
    }
  }
  return targets;
}

/// Also those of an object in a text: a call's arguments are one.
void add_strings(const Json& json, std::vector<std::string>& out) {
  if (json.is_string()) out.push_back(json.get<std::string>());
  if (json.is_string() && out.back().rfind('{', 0) == 0) {
    const auto object = parse_json(out.back());
    if (object.ok()) add_strings(*object, out);
  }
  if (!json.is_structured()) return;
  for (const Json& each : json)
    add_strings(each, out);
}

/// What was said and done: texts, results and calls, but not what a model thought.
std::vector<std::string> said(const Shape& shape) {
  std::vector<std::string> all;
  for (const char* key : {"instructions", "system"})
    if (shape.body.contains(key)) add_strings(shape.body[key], all);
  for (const Json& message : shape.body.value("messages", Json::array())) {
    for (const Json& part : message["content"]) {
      for (const char* key : {"text", "content"}) {
        if (!part.contains(key)) continue;
        add_strings(part[key], all);
      }
    }
  }
  for (const Json& item : shape.body.value("input", Json::array())) {
    if (item["type"] == "reasoning") continue;
    for (const char* key : {"content", "output", "input"})
      if (item.contains(key)) add_strings(item[key], all);
  }
  // Words of the format, not of the conversation.
  std::erase_if(all, [](const std::string& text) {
    return text.find_first_of(" .\n") == text.npos || text.rfind("data:", 0) == 0;
  });
  return all;
}

/// Those that an item brings among them, without the namespaces around them.
std::vector<Json> tools_of(const Shape& shape) {
  std::vector<Json> tools = shape.body["tools"];
  for (const Json& item : shape.body.value("input", Json::array())) {
    if (item["type"] != "additional_tools") continue;
    for (const Json& space : item["tools"])
      for (const Json& tool : space["tools"])
        tools.push_back(tool);
  }
  return tools;
}

/// The first of what the client said, or a tool that it has, that the target does not hear of.
std::string missing(const Shape& shape, const WireRequest& wire) {
  std::vector<std::string> heard;
  add_strings(Json::parse(wire.body), heard);
  const auto hears = [&](const std::string& text) {
    return std::any_of(heard.begin(), heard.end(),
                       [&](const std::string& each) { return each.find(text) != each.npos; });
  };
  for (const std::string& text : said(shape))
    if (!hears(text)) return text;
  for (const Json& tool : tools_of(shape)) {
    std::string name = tool.value("name", tool.value("type", std::string()));
    for (const ToolAlias& alias : wire.tool_names)
      if (alias.asked == name) name = alias.sent;
    if (!hears(name)) return name;
    const Json grammar = tool.value("format", Json::object()).value("definition", Json(""));
    if (!hears(grammar)) return "the grammar of " + name;
  }
  return "";
}

void check_everywhere(const Shape& shape) {
  CHECK(said(shape).size() >= 6);
  const ChatRequest request = request_of(shape);
  for (const Target& target : all_targets(request)) {
    CAPTURE(target.dialect->name);
    CAPTURE(target.model);
    const auto wire = encode_request(request, target);
    if (!wire.ok()) MESSAGE(wire.error().message);
    CHECK(wire.ok());
    if (!wire.ok()) continue;
    CAPTURE(wire->body);
    CHECK(mock::fault_of(target.dialect->name, target.model, Json::parse(wire->body)) == "");
    CHECK(missing(shape, *wire) == "");
  }
}

}  // namespace

TEST_SUITE("llm client shapes") {
  TEST_CASE("the stand-in for OpenAI reads a shell's results as OpenAI does") {
    const auto fault = [](const Json& call, const Json& result) {
      const Json body = {{"input", {{{"role", "user"}, {"content", "Go"}}, call, result}}};
      return mock::fault_of("openai-responses", "m", body);
    };
    const Json local = {
        {"type", "local_shell_call"},
        {"call_id", "c1"},
        {"action", {{"type", "exec"}, {"command", {"ls"}}, {"env", Json::object()}}}};
    const Json named = {{"type", "local_shell_call_output"}, {"id", "c1"}, {"output", "a.py"}};
    CHECK(fault(local, named) == "");
    const Json shell = {
        {"type", "shell_call"}, {"call_id", "c1"}, {"action", {{"commands", {"ls"}}}}};
    Json output = {{"type", "shell_call_output"},
                   {"call_id", "c1"},
                   {"output",
                    {{{"stdout", "a.py"},
                      {"stderr", ""},
                      {"outcome", {{"type", "exit"}, {"exit_code", 0}}}}}}};
    CHECK(fault(shell, output) == "");
    output["output"][0]["outcome"] = {{"type", "timeout"}};
    CHECK(fault(shell, output) == "");
    output["output"] = "a.py";
    CHECK(fault(shell, output) == "output of a shell");
    const Json patch = {{"type", "apply_patch_call"},
                        {"call_id", "c1"},
                        {"operation", {{"type", "delete_file"}, {"path", "a"}}}};
    CHECK(fault(patch, {{"type", "apply_patch_call_output"},
                        {"call_id", "c1"},
                        {"status", "completed"}}) == "");
  }

  TEST_CASE("the stand-in for Gemini passes over what says nothing of a tool's parameters") {
    const auto fault = [](const char* member, const Json& schema) {
      const Json body = {
          {"contents", {{{"role", "user"}, {"parts", {{{"text", "Go"}}}}}}},
          {"tools", {{{"functionDeclarations", {{{"name", "f"}, {member, schema}}}}}}}};
      return mock::fault_of("gemini", "gemini-3-flash", body);
    };
    const Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                         {"type", "object"},
                         {"properties", {{"to", {{"type", "integer"}, {"default", 1}}}}}};
    CHECK(fault("parametersJsonSchema", schema) == "");
    CHECK(fault("parametersJsonSchema", {{"type", "object"}, {"not", Json::object()}}) != "");
  }

  TEST_CASE("Claude Code's requests are what every target takes") {
    check_everywhere(shape_of("claude_code"));
  }

  TEST_CASE("Codex's requests are what every target takes, its tools with a grammar among them") {
    check_everywhere(shape_of("codex"));
  }
}
