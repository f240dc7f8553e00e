// Requests as each provider's own rules for values want them: those of the mock upstream, which are
// written from the providers' manuals apart from the table of fit.cpp.
#include "engine/llm/fit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "engine/base/json.hpp"
#include "engine/base/rng.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/decoder.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/models.hpp"
#include "tools/mock-upstream/provider_checks.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {

Target target_of(const char* dialect) {
  Target target;
  target.dialect = find_dialect(dialect);
  target.model = "m-3";
  if (std::string_view(dialect) == "azure") target.base_url = "https://r.example/v1";
  return target;
}

/// As the gateway has it: of a model that has a card, with what the card says.
Target target_of(const char* dialect, const ModelCard& card, const ChatRequest& request) {
  Target target = target_of(dialect);
  target.model = card.model;
  target.reasoning = card.reasoning();
  target.takes_sampling = card.takes_sampling(request.reasoning);
  target.efforts = card.efforts;
  return target;
}

const ModelTable& models() {
  static const ModelTable table = ModelTable::read(default_models_json()).value();
  return table;
}

const char* const pdf_url = "data:application/pdf;base64,JVBERi0xLjQK";
const char* const texts[] = {"", "  \n", "hi", "hi ", "\t", "So."};
const char* const ids[] = {"call_1",         "a",    "call_aBcDeFgHiJkLmNoPqRsTuVwXyZ0",
                           "functions.go:0", "fc|1", "123456789"};
const char* const tool_names[] = {"go", "1st", "-dash", "move_to", "A-b_9"};
const char* const schemas[] = {
    R"({"type":"object"})",
    R"({"type":"object","properties":{"a":{"type":"string"}}})",
    R"({"type":"object","properties":{"a":{"type":"string","minLength":1,"pattern":"^(?=a)b$","format":"uri"},"b":{"type":"array","items":{"type":"integer","minimum":0,"multipleOf":2},"minItems":1,"uniqueItems":true}},"required":["a"],"additionalProperties":false})",
    R"({"type":"object","properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}],"description":"d","default":null},"b":{"oneOf":[{"const":1},{"const":"x"}]}}})",
    R"({"type":"object","properties":{"t":{"$ref":"#/$defs/T","description":"a tree"}},"$defs":{"T":{"type":"object","properties":{"n":{"type":"string"},"kids":{"type":"array","items":{"$ref":"#/$defs/T"}}}}}})",
    R"({"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"p":{"$ref":"#/definitions/P"}},"definitions":{"P":{"type":"object","properties":{"x":{"type":"number","exclusiveMinimum":0}},"title":"P","examples":[{"x":1}]}}})",
    R"({"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"string"}},"l":{"type":"array"},"any":{}}})",
    R"({"type":"object","properties":{"u":{"type":["string","integer","null"]},"e":{"enum":["a",null]},"d":{"type":"string","format":"date-time"}},"required":["u","e","d"],"additionalProperties":false})",
    R"({"type":"object","properties":{"c":{"allOf":[{"type":"object","properties":{"a":{"type":"string"}}},{"properties":{"b":{"type":"integer"}},"required":["b"]}]}}})"};
const char* const rootless[] = {
    "{}",
    R"({"anyOf":[{"type":"object","properties":{"a":{}}},{"type":"object","properties":{"b":{}}}]})",
    R"({"$ref":"#/definitions/T","definitions":{"T":{"type":"object","properties":{"a":{"$ref":"#/definitions/T"}}}}})",
    R"({"type":"object","allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]})"};

template <std::size_t N>
const char* any_of_these(const char* const (&list)[N], Rng& rng) {
  return list[rng.below(static_cast<std::uint32_t>(N))];
}

bool once_in(std::uint32_t times, Rng& rng) {
  return rng.below(times) == 0;
}

Json schema_of(Rng& rng) {
  return Json::parse(once_in(5, rng) ? any_of_these(rootless, rng) : any_of_these(schemas, rng));
}

Json chat_content(Rng& rng) {
  if (!once_in(3, rng)) return any_of_these(texts, rng);
  Json parts = Json::array({{{"type", "text"}, {"text", any_of_these(texts, rng)}}});
  if (once_in(2, rng)) parts.push_back({{"type", "text"}, {"text", any_of_these(texts, rng)}});
  if (once_in(3, rng))
    parts.push_back(
        {{"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64,QUJD"}}}});
  if (once_in(6, rng))
    parts.push_back({{"type", "file"}, {"file", {{"file_data", pdf_url}, {"filename", "a.pdf"}}}});
  return parts;
}

void add_chat_calls(Json& messages, std::uint32_t turn, Rng& rng) {
  Json calls = Json::array();
  Json results = Json::array();
  for (std::uint32_t k = 0; k <= rng.below(3); ++k) {
    const std::string id =
        std::string(any_of_these(ids, rng)) + std::to_string(turn) + std::to_string(k);
    calls.push_back({{"id", id},
                     {"type", "function"},
                     {"function", {{"name", any_of_these(tool_names, rng)}, {"arguments", "{}"}}}});
    const Json result = {
        {"role", "tool"}, {"tool_call_id", id}, {"content", any_of_these(texts, rng)}};
    results.insert(results.begin(), result);
  }
  messages.push_back({{"role", "assistant"},
                      {"content", once_in(2, rng) ? Json() : Json(any_of_these(texts, rng))},
                      {"tool_calls", calls}});
  for (Json& result : results)
    messages.push_back(std::move(result));
}

/// A request that OpenAI's format allows: a loop of tools, with whatever clients leave in it.
Json chat_request(Rng& rng) {
  Json request = {{"model", "m"}, {"messages", Json::array()}};
  Json& messages = request["messages"];
  if (once_in(2, rng))
    messages.push_back({{"role", once_in(3, rng) ? "developer" : "system"},
                        {"content", any_of_these(texts, rng)}});
  const std::uint32_t turns = 1 + rng.below(4);
  for (std::uint32_t i = 0; i < turns; ++i) {
    if (!once_in(4, rng)) messages.push_back({{"role", "user"}, {"content", chat_content(rng)}});
    if (once_in(5, rng) && !messages.empty() && messages.back()["role"] == "user")
      messages.back()["name"] = "anna";
    if (once_in(6, rng)) messages.push_back({{"role", "system"}, {"content", "Be brief."}});
    if (once_in(3, rng))
      messages.push_back({{"role", "assistant"}, {"content", any_of_these(texts, rng)}});
    if (once_in(2, rng)) add_chat_calls(messages, i, rng);
  }
  if (messages.empty()) messages.push_back({{"role", "user"}, {"content", ""}});
  if (!once_in(4, rng)) {
    request["tools"] = Json::array();
    for (const char* name : tool_names) {
      Json function = {{"name", name}, {"parameters", schema_of(rng)}};
      if (once_in(2, rng)) function["strict"] = once_in(2, rng);
      request["tools"].push_back({{"type", "function"}, {"function", function}});
    }
    if (once_in(3, rng))
      request["tools"].push_back({{"type", "custom"}, {"custom", {{"name", "patch"}}}});
    if (once_in(3, rng)) request["tool_choice"] = once_in(2, rng) ? "required" : "auto";
    if (once_in(5, rng))
      request["tool_choice"] = {{"type", "function"}, {"function", {{"name", "go"}}}};
    if (once_in(4, rng)) request["parallel_tool_calls"] = once_in(2, rng);
  }
  if (once_in(3, rng))
    request["response_format"] = {
        {"type", "json_schema"},
        {"json_schema",
         {{"name", "out"}, {"schema", schema_of(rng)}, {"strict", once_in(2, rng)}}}};
  if (once_in(6, rng)) request["response_format"] = {{"type", "json_object"}};
  if (once_in(2, rng)) request["temperature"] = rng.between(0, 20) / 10.0;
  if (once_in(2, rng)) request["top_p"] = rng.between(0, 10) / 10.0;
  if (once_in(3, rng)) request["frequency_penalty"] = rng.between(-20, 20) / 10.0;
  if (once_in(3, rng)) request["presence_penalty"] = rng.between(-20, 20) / 10.0;
  if (once_in(5, rng)) request["logit_bias"] = {{"50256", -100}};
  if (once_in(5, rng)) request["logprobs"] = true;
  if (once_in(5, rng)) request["seed"] = 7;
  if (once_in(5, rng)) request["store"] = false;
  if (once_in(5, rng)) request["metadata"] = {{"a", "b"}};
  if (once_in(3, rng)) request["stream"] = true;
  for (const char* effort : {"none", "minimal", "low", "medium", "high", "xhigh", "max"})
    if (once_in(10, rng)) request["reasoning_effort"] = effort;
  if (once_in(2, rng)) request["max_completion_tokens"] = rng.between(1, 9'000);
  if (once_in(2, rng))
    request["user"] = std::string(static_cast<std::size_t>(rng.between(1, 64)), 'u');
  if (once_in(2, rng)) request["stop"] = {"a", "b", "c", "\n"};
  return request;
}

Json anthropic_block(Rng& rng) {
  if (once_in(8, rng))
    return {{"type", "document"},
            {"source",
             {{"type", "base64"}, {"media_type", "application/pdf"}, {"data", "JVBERi0xLjQK"}}}};
  if (once_in(8, rng))
    return {{"type", "document"},
            {"source", {{"type", "text"}, {"media_type", "text/plain"}, {"data", "a"}}},
            {"title", "t"},
            {"context", "c"}};
  if (once_in(4, rng))
    return {{"type", "image"},
            {"source", {{"type", "base64"}, {"media_type", "image/png"}, {"data", "QUJD"}}}};
  return {{"type", "text"}, {"text", once_in(2, rng) ? "hi" : "So "}};
}

void add_anthropic_calls(Json& messages, std::uint32_t turn, Rng& rng) {
  Json calls = Json::array();
  Json results = Json::array();
  if (once_in(2, rng))
    calls.push_back({{"type", "thinking"}, {"thinking", "hm"}, {"signature", "c2ln"}});
  for (std::uint32_t k = 0; k <= rng.below(3); ++k) {
    const std::string id =
        "toolu_" + std::to_string(turn) + std::to_string(k) + std::string(rng.below(60), 'x');
    calls.push_back({{"type", "tool_use"},
                     {"id", id},
                     {"name", once_in(4, rng) ? std::string(100, 'n') : "go"},
                     {"input", Json::object()}});
    Json result = {{"type", "tool_result"}, {"tool_use_id", id}};
    if (once_in(2, rng)) result["content"] = Json::array({anthropic_block(rng)});
    if (once_in(4, rng)) result["is_error"] = true;
    results.push_back(result);
  }
  messages.push_back({{"role", "assistant"}, {"content", calls}});
  if (once_in(3, rng)) results.push_back(anthropic_block(rng));
  messages.push_back({{"role", "user"}, {"content", results}});
}

Json anthropic_request(Rng& rng) {
  Json request = {{"model", "m"}, {"max_tokens", rng.between(1, 9'000)}};
  Json& messages = request["messages"] = Json::array();
  const std::uint32_t turns = 1 + rng.below(3);
  for (std::uint32_t i = 0; i < turns; ++i) {
    if (messages.empty() || messages.back()["role"] == "assistant")
      messages.push_back({{"role", "user"}, {"content", Json::array({anthropic_block(rng)})}});
    if (once_in(2, rng)) {
      add_anthropic_calls(messages, i, rng);
    } else {
      if (once_in(4, rng)) messages.push_back({{"role", "system"}, {"content", "Be briefer."}});
      messages.push_back({{"role", "assistant"}, {"content", "Well."}});
    }
  }
  if (once_in(3, rng)) request["system"] = "Be brief.";
  if (!once_in(4, rng)) {
    request["tools"] = Json::array();
    for (const std::string& name : {std::string("go"), std::string("-x"), std::string(100, 'n')}) {
      Json tool = {{"name", name}, {"input_schema", schema_of(rng)}};
      if (once_in(3, rng)) tool["strict"] = true;
      request["tools"].push_back(tool);
    }
    if (once_in(4, rng)) request["tool_choice"] = {{"type", "any"}};
    if (once_in(4, rng))
      request["tool_choice"] = {{"type", "tool"}, {"name", std::string(100, 'n')}};
  }
  if (once_in(3, rng))
    request["output_config"]["format"] = {{"type", "json_schema"}, {"schema", schema_of(rng)}};
  if (once_in(4, rng)) request["thinking"] = {{"type", "enabled"}, {"budget_tokens", 1024}};
  if (once_in(4, rng)) request["thinking"] = {{"type", "adaptive"}};
  if (once_in(6, rng)) request["thinking"] = {{"type", "disabled"}};
  for (const char* effort : {"low", "high", "xhigh", "max"})
    if (once_in(8, rng)) request["output_config"]["effort"] = effort;
  if (once_in(3, rng)) request["temperature"] = rng.between(0, 10) / 10.0;
  if (once_in(4, rng)) request["top_p"] = rng.between(0, 10) / 10.0;
  if (once_in(4, rng)) request["top_k"] = 40;
  if (once_in(3, rng)) request["stream"] = true;
  if (once_in(2, rng)) request["stop_sequences"] = {"a", "b", "c", "d", "e", "f"};
  if (once_in(2, rng))
    request["metadata"]["user_id"] =
        std::string(static_cast<std::size_t>(rng.between(1, 250)), 'u');
  return request;
}

void add_response_calls(Json& input, std::uint32_t turn, Rng& rng) {
  Json results = Json::array();
  if (once_in(3, rng))
    input.push_back({{"type", "reasoning"},
                     {"id", "rs_1"},
                     {"summary", Json::array()},
                     {"encrypted_content", "ZW5j"}});
  for (std::uint32_t k = 0; k <= rng.below(3); ++k) {
    const std::string id =
        std::string(any_of_these(ids, rng)) + std::to_string(turn) + std::to_string(k);
    input.push_back({{"type", "function_call"},
                     {"call_id", id},
                     {"name", once_in(4, rng) ? std::string(100, 'n') : "go"},
                     {"arguments", "{}"}});
    Json output = any_of_these(texts, rng);
    if (once_in(4, rng))
      output =
          Json::array({{{"type", "input_text"}, {"text", any_of_these(texts, rng)}},
                       {{"type", "input_image"}, {"image_url", "data:image/png;base64,QUJD"}}});
    if (once_in(8, rng))
      output =
          Json::array({{{"type", "input_file"}, {"file_data", pdf_url}, {"filename", "b.pdf"}}});
    const bool freeform = once_in(4, rng);
    if (freeform)
      input.back() = {{"type", "custom_tool_call"},
                      {"call_id", id},
                      {"name", "patch"},
                      {"input", any_of_these(texts, rng)}};
    const Json result = {{"type", freeform ? "custom_tool_call_output" : "function_call_output"},
                         {"call_id", id},
                         {"output", output}};
    if (once_in(3, rng)) {
      input.push_back(result);  // before the next call of the turn
    } else {
      results.push_back(result);
    }
    if (once_in(4, rng)) input.push_back({{"role", "user"}, {"content", "Wait."}});
  }
  for (Json& result : results)
    input.push_back(std::move(result));
}

Json responses_request(Rng& rng) {
  Json request = {{"model", "m"}, {"input", Json::array()}};
  Json& input = request["input"];
  if (once_in(3, rng)) request["instructions"] = any_of_these(texts, rng);
  if (once_in(4, rng)) input.push_back({{"role", "developer"}, {"content", "Be brief."}});
  const std::uint32_t turns = 1 + rng.below(3);
  for (std::uint32_t i = 0; i < turns; ++i) {
    if (!once_in(4, rng))
      input.push_back({{"role", "user"}, {"content", any_of_these(texts, rng)}});
    if (once_in(3, rng))
      input.push_back(
          {{"type", "message"},
           {"role", "assistant"},
           {"content", {{{"type", "output_text"}, {"text", any_of_these(texts, rng)}}}}});
    if (once_in(2, rng)) add_response_calls(input, i, rng);
  }
  if (input.empty()) request["input"] = any_of_these(texts, rng);
  if (!once_in(4, rng)) {
    request["tools"] = Json::array();
    for (const std::string& name : {std::string("go"), std::string("2nd"), std::string(100, 'n')}) {
      Json tool = {{"type", "function"}, {"name", name}, {"parameters", schema_of(rng)}};
      tool["strict"] = once_in(2, rng);
      request["tools"].push_back(tool);
    }
    if (once_in(3, rng)) request["tools"].push_back({{"type", "custom"}, {"name", "patch"}});
    if (once_in(4, rng)) request["tool_choice"] = "required";
    if (once_in(4, rng))
      request["tool_choice"] = {{"type", "function"}, {"name", std::string(100, 'n')}};
  }
  if (once_in(3, rng))
    request["text"]["format"] = {
        {"type", "json_schema"}, {"name", "out"}, {"schema", schema_of(rng)}, {"strict", false}};
  for (const char* effort : {"none", "minimal", "low", "high", "xhigh", "max"})
    if (once_in(8, rng)) request["reasoning"]["effort"] = effort;
  if (once_in(4, rng)) request["reasoning"]["summary"] = "auto";
  if (once_in(3, rng)) request["temperature"] = rng.between(0, 20) / 10.0;
  if (once_in(3, rng)) request["top_p"] = rng.between(0, 10) / 10.0;
  if (once_in(3, rng)) request["stream"] = true;
  if (once_in(2, rng)) request["max_output_tokens"] = rng.between(16, 9'000);
  return request;
}

/// What a client asks to be held to strictly is a wish: a provider that cannot is told without.
Json without_strict(Json request) {
  for (Json& tool : request["tools"]) {
    tool["strict"] = false;
    if (tool.contains("function")) tool["function"]["strict"] = false;
  }
  if (request["tools"].is_null()) request.erase("tools");
  if (request.contains("response_format")) request.erase("response_format");
  for (const char* holder : {"output_config", "text"})
    if (request.contains(holder)) request[holder].erase("format");
  return request;
}

struct Client {
  WireFormat format;
  const char* provider;  // whose format it is
  Json (*request)(Rng& rng);
};

constexpr Client clients[] = {{WireFormat::openai_chat, "openai", chat_request},
                              {WireFormat::openai_responses, "openai-responses", responses_request},
                              {WireFormat::anthropic, "anthropic", anthropic_request}};

/// A fault that the client can mend. What Claude models of one age take and those of another refuse
/// is none: who asks for an alias cannot know. The provider names one fault of several.
bool has_own_fault(const std::string& provider, const std::string& model, Json request) {
  const std::string fault = mock::fault_of(provider, model, request);
  const bool of_age = fault == "effort" || fault == "thinking adaptive" ||
                      fault == "thinking enabled" || fault == "thinking disabled" ||
                      fault == "system inside";
  if (!of_age) return !fault.empty();
  request.erase("thinking");
  request.erase("output_config");
  Json messages = Json::array();
  for (const Json& message : request["messages"])
    if (message["role"] != "system") messages.push_back(message);
  request["messages"] = messages;
  return !mock::fault_of(provider, model, request).empty();
}

/// One of the dialect's models, or one that nobody has heard of (null).
const ModelCard* any_card(std::string_view dialect, Rng& rng) {
  std::vector<const ModelCard*> cards{nullptr};
  for (const ModelCard& card : models().cards())
    if (card.is_called(dialect, card.model)) cards.push_back(&card);
  return cards[rng.below(static_cast<std::uint32_t>(cards.size()))];
}

/// A loop of tools whose calls all have one id: two in one turn, and one in the next.
Json repeated_id_history(WireFormat format, const std::string& id) {
  const auto block = [&](const char* name, int n) {
    return Json{{"type", "tool_use"}, {"id", id}, {"name", name}, {"input", {{"n", n}}}};
  };
  const auto result = [&](const char* text) {
    return Json{{"type", "tool_result"}, {"tool_use_id", id}, {"content", text}};
  };
  const auto call = [&](const char* name, int n) {
    return Json{{"id", id},
                {"type", "function"},
                {"function", {{"name", name}, {"arguments", Json{{"n", n}}.dump()}}}};
  };
  const auto tool = [&](const char* text) {
    return Json{{"role", "tool"}, {"tool_call_id", id}, {"content", text}};
  };
  const auto item = [&](const char* name, int n) {
    return Json{{"type", "function_call"},
                {"call_id", id},
                {"name", name},
                {"arguments", Json{{"n", n}}.dump()}};
  };
  const auto output = [&](const char* text) {
    return Json{{"type", "function_call_output"}, {"call_id", id}, {"output", text}};
  };
  const Json asked = {{"role", "user"}, {"content", "Look."}};
  if (format == WireFormat::anthropic)
    return {{"model", "m"},
            {"max_tokens", 9},
            {"messages",
             {asked,
              {{"role", "assistant"}, {"content", {block("go", 1), block("stay", 2)}}},
              {{"role", "user"}, {"content", {result("r1"), result("r2")}}},
              {{"role", "assistant"}, {"content", {block("turn", 3)}}},
              {{"role", "user"}, {"content", {result("r3")}}}}}};
  if (format == WireFormat::openai_responses)
    return {{"model", "m"},
            {"input",
             {asked, item("go", 1), item("stay", 2), output("r1"), output("r2"), item("turn", 3),
              output("r3")}}};
  return {{"model", "m"},
          {"messages",
           {asked,
            {{"role", "assistant"}, {"tool_calls", {call("go", 1), call("stay", 2)}}},
            tool("r1"),
            tool("r2"),
            {{"role", "assistant"}, {"tool_calls", {call("turn", 3)}}},
            tool("r3")}}};
}

/// "name arguments result" of each call of a request, the two found by their id. Two calls of one
/// id are a failed check.
std::vector<std::string> answered_calls(WireFormat format, const std::string& body) {
  const auto request = decode_client_request(format, body);
  REQUIRE(request.ok());
  std::map<std::string, std::string> calls;
  std::vector<std::string> lines;
  for (const ChatMessage& message : request->messages) {
    for (const ChatPart& part : message.parts) {
      if (part.kind == PartKind::tool_call)
        CHECK(calls.emplace(part.id, part.name + " " + part.arguments).second);
      if (part.kind != PartKind::tool_result) continue;
      const bool is_text = part.content.empty();
      lines.push_back(calls[part.id] + " " + (is_text ? part.text : part.content.front().text));
    }
  }
  return lines;
}

}  // namespace

TEST_SUITE("llm fit") {
  TEST_CASE("what a client's format allows is what every target takes") {
    Rng rng(7);
    std::map<std::string, int> faults;
    std::map<std::string, int> passed;
    std::map<std::string, std::string> examples;
    for (int round = 0; round < 3'600; ++round) {
      const Client& client = clients[round % 3];
      const Json asked = client.request(rng);
      const std::string text = asked.dump();
      const Json unheld = without_strict(asked);
      if (!mock::fault_of(client.provider, "m", unheld).empty()) continue;  // its own fault
      const auto request = decode_client_request(client.format, text);
      CAPTURE(text);
      REQUIRE(request.ok());
      for (const Dialect& dialect : dialects()) {
        const std::string name(dialect.name);
        const ModelCard* card = any_card(name, rng);
        const Target target =
            card == nullptr ? target_of(name.c_str()) : target_of(name.c_str(), *card, *request);
        // A client of the model's own format hears of its own faults.
        const bool own =
            name == client.provider || (name == "azure" && client.format == dialect.format);
        if (own && has_own_fault(name, target.model, unheld)) continue;
        const auto wire = encode_request(*request, target);
        const bool cannot_force = name == "ollama" && request->tool_choice != ToolChoice::unset;
        const bool cannot_read =
            text.find("application/pdf") != text.npos && (dialect.takes & takes_files) == 0;
        const bool cannot_tell = request->logprobs.has_value();
        if (!wire.ok() && (cannot_force || cannot_read || cannot_tell) &&
            wire.error().code == "unsupported")
          continue;
        const std::string fault = wire.ok()
                                      ? mock::fault_of(name, target.model, Json::parse(wire->body))
                                      : wire.error().message;
        const std::string what = std::string(client.provider) + " to " + name + ": " + fault;
        if (fault.empty()) {
          ++passed[name];
        } else if (++faults[what] == 1) {
          examples[what] = target.model + "\n" + text + "\n" + (wire.ok() ? wire->body : "");
        }
      }
    }
    for (const auto& [what, times] : faults)
      FAIL_CHECK(what, " (", times, " times), of the model ", examples[what]);
    for (const Dialect& dialect : dialects())
      CHECK(passed[std::string(dialect.name)] >= 1'000);
  }

  TEST_CASE("what a workflow asks is what every model takes, with room to answer") {
    for (const Dialect& dialect : dialects()) {
      const std::string name(dialect.name);
      std::vector<const ModelCard*> cards{nullptr};
      for (const ModelCard& card : models().cards())
        if (card.is_called(name, card.model)) cards.push_back(&card);
      for (const ModelCard* card : cards) {
        for (const char* schema : schemas) {
          ChatRequest request;  // as team_strategy, agent_creation and strategy_adaptation ask
          request.messages = {text_message(Role::system, "Advise."),
                              text_message(Role::user, "Go")};
          request.sampling.temperature = 0.2;
          request.output_tokens_max = 500;
          request.output.kind = OutputKind::json_schema;
          request.output.name = "advice";
          request.output.schema = schema;
          const Target target =
              card == nullptr ? target_of(name.c_str()) : target_of(name.c_str(), *card, request);
          const auto wire = encode_request(request, target);
          REQUIRE(wire.ok());
          CAPTURE(name);
          CAPTURE(target.model);
          CAPTURE(wire->body);
          CHECK(mock::fault_of(name, target.model, Json::parse(wire->body)) == "");
        }
      }
    }
  }

  TEST_CASE("a request that fits is not copied") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Go"));
    for (const Dialect& dialect : dialects()) {
      const auto fit = fitted(request, target_of(std::string(dialect.name).c_str()));
      REQUIRE(fit.ok());
      CHECK(!fit->request);
    }
  }

  TEST_CASE("a tool's name that the target cannot take is another one there, and back") {
    const std::string asked = "files.read/" + std::string(90, 'n');
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Go"));
    ChatPart& call = request.messages.emplace_back().parts.emplace_back();
    request.messages.back().role = Role::assistant;
    call.kind = PartKind::tool_call;
    call.id = "c1";
    call.name = asked;
    ChatPart& result = request.messages.emplace_back().parts.emplace_back();
    request.messages.back().role = Role::tool;
    result.kind = PartKind::tool_result;
    result.id = "c1";
    request.tools.resize(2);
    request.tools[0].name = asked;
    request.tools[1].name = "stays";
    request.tool_choice = ToolChoice::named;
    request.tool_choice_name = asked;
    const auto wire = encode_request(request, target_of("openai"));
    REQUIRE(wire.ok());
    const Json body = Json::parse(wire->body);
    CHECK(mock::fault_of("openai", "m-3", body) == "");
    REQUIRE(wire->tool_names.size() == 1);
    const std::string sent = body["tools"][0]["function"]["name"];
    CHECK(sent.size() <= 64);
    CHECK(wire->tool_names[0].sent == sent);
    CHECK(body["tools"][1]["function"]["name"] == "stays");
    CHECK(body["tool_choice"]["function"]["name"] == sent);
    CHECK(body["messages"][1]["tool_calls"][0]["function"]["name"] == sent);
    // Another name with the same beginning is another name.
    request.tools[1].name = asked + "x";
    const auto both = encode_request(request, target_of("openai"));
    REQUIRE(both.ok());
    CHECK(both->tool_names[0].sent == sent);
    CHECK(both->tool_names[1].sent != sent);
    // What the model calls is what the client offered.
    const std::string said =
        R"({"id":"a","object":"chat.completion","model":"m","choices":[{"index":0,"message":{)"
        R"("role":"assistant","content":null,"tool_calls":[{"id":"c2","type":"function",)"
        R"("function":{"name":")" +
        sent + R"(","arguments":"{}"}}]},"finish_reason":"tool_calls"}]})";
    Decoder decoder(*find_dialect("openai"));
    decoder.rename(wire->tool_names);
    decoder.head(200, {}, 0);
    ChatEvents events;
    decoder.feed(said, events);
    decoder.end(events);
    const auto begun = std::find_if(events.begin(), events.end(), [](const ChatEvent& event) {
      return event.kind == EventKind::tool_begun;
    });
    REQUIRE(begun != events.end());
    CHECK(begun->name == asked);
  }

  TEST_CASE("results stand behind their calls, however many and however far") {
    ChatRequest request;
    request.messages.resize(4);
    request.messages[0] = text_message(Role::user, "Go");
    request.messages[1].role = Role::assistant;
    request.messages[2] = text_message(Role::user, "Wait");
    request.messages[3].role = Role::tool;
    constexpr int calls = 5'000;
    for (int i = 0; i < calls; ++i) {
      ChatPart part;
      part.id = "c" + std::to_string(i);
      part.kind = PartKind::tool_call;
      part.name = "go";
      request.messages[1].parts.push_back(part);
      part.kind = PartKind::tool_result;
      request.messages[3].parts.push_back(part);
    }
    const auto wire = encode_request(request, target_of("openai"));
    REQUIRE(wire.ok());
    const Json body = Json::parse(wire->body);
    CHECK(body["messages"].size() == calls + 3);
    CHECK(body["messages"].back()["content"] == "Wait");
    CHECK(mock::fault_of("openai", "m-3", body) == "");
  }

  TEST_CASE("a call's id that comes again, or is none, becomes one of its own, with its result") {
    const std::vector<std::string> paired = {R"(go {"n":1} r1)", R"(stay {"n":2} r2)",
                                             R"(turn {"n":3} r3)"};
    const Json repeated = repeated_id_history(WireFormat::anthropic, "dup");
    CHECK(mock::fault_of("anthropic", "m", repeated) == "`tool_use` ids must be unique");
    for (const Client& client : clients) {
      for (const char* id : {"list_dir:0", "dup", "123456789", ""}) {
        const auto request =
            decode_client_request(client.format, repeated_id_history(client.format, id).dump());
        CAPTURE(client.provider);
        CAPTURE(id);
        REQUIRE(request.ok());
        for (const Dialect& dialect : dialects()) {
          const std::string name(dialect.name);
          CAPTURE(name);
          const auto wire = encode_request(*request, target_of(name.c_str()));
          REQUIRE(wire.ok());
          CHECK(mock::fault_of(name, "m-3", Json::parse(wire->body)) == "");
          CHECK(answered_calls(dialect.format, wire->body) == paired);
          const auto again = encode_request(*request, target_of(name.c_str()));
          CHECK(again->body == wire->body);
        }
      }
    }
  }

  TEST_CASE("a result is of the nearest call of its id that has none") {
    const auto request = decode_client_request(
        WireFormat::openai_chat,
        R"({"model":"m","messages":[{"role":"user","content":"a"},)"
        R"({"role":"assistant","tool_calls":[{"id":"dup","type":"function",)"
        R"("function":{"name":"go","arguments":"{}"}}]},{"role":"user","content":"b"},)"
        R"({"role":"assistant","tool_calls":[{"id":"dup","type":"function",)"
        R"("function":{"name":"stay","arguments":"{}"}},{"id":"own","type":"function",)"
        R"("function":{"name":"turn","arguments":"{}"}}]},)"
        R"({"role":"tool","tool_call_id":"own","content":"r3"},)"
        R"({"role":"tool","tool_call_id":"dup","content":"r2"}]})");
    REQUIRE(request.ok());
    const auto wire = encode_request(*request, target_of("openai"));
    REQUIRE(wire.ok());
    CHECK(answered_calls(WireFormat::openai_chat, wire->body) ==
          std::vector<std::string>{"turn {} r3", "stay {} r2"});
    // What is the only one of its id stays as it is, and so does the first of several.
    CHECK(wire->body.find(R"("id":"own")") != std::string::npos);
    CHECK(wire->body.find(R"("id":"dup")") != std::string::npos);
  }

  TEST_CASE("what has no other form is refused in a sentence") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Look"));
    ChatPart& image = request.messages[0].parts.emplace_back();
    image.kind = PartKind::image;
    image.url = "https://a.example/b.png";
    CHECK(encode_request(request, target_of("openai")).ok());
    const auto far = encode_request(request, target_of("ollama"));
    REQUIRE(!far.ok());
    CHECK(far.error().message.find("as a data: URL") != std::string::npos);
    request.tools.resize(129);
    for (std::size_t i = 0; i < request.tools.size(); ++i)
      request.tools[i].name = "t" + std::to_string(i);
    CHECK(encode_request(request, target_of("anthropic")).ok());
    const auto many = encode_request(request, target_of("openai"));
    REQUIRE(!many.ok());
    CHECK(many.error().message.find("more than 128 tools") != std::string::npos);
  }

  TEST_CASE("an image's type is the word that providers know, if it is one they take") {
    struct Case {
      const char* given;
      const char* dialect;
      const char* sent;  // "" is refused
    };
    constexpr Case cases[] = {
        {"image/png", "anthropic", "image/png"},
        {"image/png;name=a.png", "anthropic", "image/png"},
        {"IMAGE/JPG", "anthropic", "image/jpeg"},
        {"image/jpg ; q=1", "gemini", "image/jpeg"},
        {"image/gif", "gemini", ""},
        {"image/heic", "gemini", "image/heic"},
        {"image/heic", "anthropic", ""},
        {"image/svg+xml", "openai-responses", ""},
        {"image/svg+xml", "vllm", "image/svg+xml"},
        {"image/svg+xml", "openai", "image/svg+xml"}};  // the client's own format
    for (const Case& one : cases) {
      CAPTURE(one.given);
      CAPTURE(one.dialect);
      const std::string body =
          R"({"model":"m","max_tokens":99,"messages":[{"role":"user","content":[{"type":"image_url",)"
          R"("image_url":{"url":"DATA:)" +
          std::string(one.given) + R"(;base64,QUJD"}}]}]})";
      const auto request = decode_client_request(WireFormat::openai_chat, body);
      REQUIRE(request.ok());
      const auto encoded = encode_request(request.value(), target_of(one.dialect));
      CHECK(encoded.ok() == (*one.sent != 0));
      if (encoded.ok())
        CHECK(encoded.value().body.find(std::string(one.sent)) != std::string::npos);
      if (encoded.ok() && std::string_view(one.given) != one.sent)
        CHECK(encoded.value().body.find(one.given) == std::string::npos);
    }
  }

  TEST_CASE("a seed is any whole number, and one that the target takes") {
    const auto seed_of = [](const char* seed, const char* dialect, const char* member) {
      const std::string body =
          R"({"model":"m","messages":[{"role":"user","content":"x"}],"seed":)" + std::string(seed) +
          R"(,"max_tokens":-1})";
      const auto request = decode_client_request(WireFormat::openai_chat, body);
      if (!request.ok()) return std::string("refused");
      CHECK_FALSE(request.value().output_tokens_max);
      const auto encoded = encode_request(request.value(), target_of(dialect));
      REQUIRE(encoded.ok());
      const Json sent = Json::parse(encoded.value().body);
      return (std::string(dialect) == "gemini" ? sent["generationConfig"] : sent)[member].dump();
    };
    CHECK(seed_of("-1", "openai", "seed") == "-1");
    CHECK(seed_of("9223372036854775807", "openai", "seed") == "9223372036854775807");
    CHECK(seed_of("-1", "gemini", "seed") == "-1");
    CHECK(seed_of("4294967297", "gemini", "seed") == "1");
    CHECK(seed_of("-1", "mistral", "random_seed") == "2147483647");
    CHECK(seed_of("7", "mistral", "random_seed") == "7");
    CHECK(seed_of("18446744073709551615", "openai", "seed") == "refused");
    CHECK(seed_of("1.5", "openai", "seed") == "refused");
    CHECK(seed_of("\"1\"", "openai", "seed") == "refused");
  }

  TEST_CASE("an effort is the nearest word that the model takes, rather less than more") {
    const std::vector<std::string> three{"low", "medium", "high"};
    const std::vector<std::string> with_none{"none", "low", "medium", "high", "xhigh"};
    struct Row {
      const char* asked;
      const char* of_three;
      const char* of_five;
    };
    for (const Row& row : {Row{"none", "low", "none"}, Row{"minimal", "low", "none"},
                           Row{"low", "low", "low"}, Row{"xhigh", "high", "xhigh"},
                           Row{"max", "high", "xhigh"}, Row{"own word", "own word", "own word"}}) {
      ChatRequest request;
      request.messages.push_back(text_message(Role::user, "Go"));
      request.reasoning.effort = row.asked;
      Target target = target_of("openai");
      target.efforts = three;
      CHECK(Json::parse(encode_request(request, target)->body)["reasoning_effort"] == row.of_three);
      target.efforts = with_none;
      CHECK(Json::parse(encode_request(request, target)->body)["reasoning_effort"] == row.of_five);
    }
  }

  TEST_CASE("a small answer of our own asking is not thought away") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Go"));
    request.output_tokens_max = 500;
    const std::vector<std::string> words{"minimal", "low", "medium"};
    Target target = target_of("openai");
    target.reasoning = ReasoningStyle::effort;
    target.efforts = words;
    const auto body = [&] { return Json::parse(encode_request(request, target)->body); };
    CHECK(body()["reasoning_effort"] == "minimal");
    request.output_tokens_max = 8'000;
    CHECK(!body().contains("reasoning_effort"));
    request.output_tokens_max = 500;
    request.format = WireFormat::openai_chat;  // a client's own choice
    CHECK(!body().contains("reasoning_effort"));
    request.format = WireFormat::none;
    target = target_of("anthropic");
    target.reasoning = ReasoningStyle::adaptive;
    CHECK(body()["thinking"]["type"] == "disabled");
    target.reasoning = ReasoningStyle::adaptive_always;
    CHECK(body()["output_config"]["effort"] == "low");
  }

  TEST_CASE("blank texts that a model wrote do not go back to it; all else stays") {
    const auto request = decode_client_request(
        WireFormat::anthropic,
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text",)"
        R"("text":"a"},{"type":"text","text":""}]},{"role":"assistant","content":[{"type":"text",)"
        R"("text":"\n\n"},{"type":"tool_use","id":"t1","name":"go","input":{"z":1,"a":2}}]},)"
        R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[)"
        R"({"type":"text","text":""}]}]}]})");
    REQUIRE(request.ok());
    const auto wire = encode_request(*request, target_of("anthropic"));
    REQUIRE(wire.ok());
    CHECK(wire->body.find(
              R"("content":[{"type":"tool_use","id":"t1","name":"go","input":{"z":1,"a":2}}])") !=
          std::string::npos);
    const Json messages = Json::parse(wire->body)["messages"];
    CHECK(messages[0]["content"].size() == 1);
    CHECK(messages[2]["content"][0]["content"].empty());
    const auto nothing = decode_client_request(
        WireFormat::anthropic,
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":" "}]})");
    REQUIRE(nothing.ok());
    CHECK(encode_request(*nothing, target_of("anthropic")).ok());
  }

  TEST_CASE("a system message further down joins the user's turn for models that take none there") {
    const auto request = decode_client_request(
        WireFormat::anthropic,
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},)"
        R"({"role":"system","content":"be brief"},{"role":"user","content":"b"}]})");
    REQUIRE(request.ok());
    Target target = target_of("anthropic");
    CHECK(Json::parse(encode_request(*request, target)->body)["messages"].size() == 3);
    target.reasoning = ReasoningStyle::budget;
    const auto turns = [&] {
      const Json body = Json::parse(encode_request(*request, target)->body);
      CHECK(!body.contains("system"));
      return body["messages"].dump();
    };
    const std::string joined =
        R"([{"content":[{"text":"a","type":"text"},{"text":"be brief","type":"text"},)"
        R"({"text":"b","type":"text"}],"role":"user"}])";
    CHECK(turns() == joined);
    target.reasoning = ReasoningStyle::adaptive;
    for (const char* model : {"claude-opus-4-7", "claude-sonnet-5", "claude-3-7-sonnet"}) {
      target.model = model;
      CHECK(turns() == joined);
    }
    for (const char* model : {"claude-opus-4-8", "claude-sonnet-5-5", "claude-haiku-5-5"}) {
      target.model = model;
      CHECK(turns() != joined);
    }
  }

  TEST_CASE("what a system message says stands behind the results of its turn") {
    const auto request = decode_client_request(
        WireFormat::anthropic,
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},)"
        R"({"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},)"
        R"({"role":"system","content":"be brief"},)"
        R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"r"}]},)"
        R"({"role":"assistant","content":"b"},{"role":"system","content":"be briefer"}]})");
    REQUIRE(request.ok());
    Target target = target_of("anthropic");
    target.reasoning = ReasoningStyle::budget;
    const Json turns = Json::parse(encode_request(*request, target)->body)["messages"];
    REQUIRE(turns.size() == 5);
    CHECK(turns[2]["content"][0]["type"] == "tool_result");
    CHECK(turns[2]["content"][1]["text"] == "be brief");
    CHECK(turns[4].dump() == R"({"content":[{"text":"be briefer","type":"text"}],"role":"user"})");
  }

  TEST_CASE("the case of the reports: empty turns, a long user, long ids") {
    const auto request = decode_client_request(
        WireFormat::openai_chat,
        R"({"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":""},)"
        R"({"role":"user","content":"   "},{"role":"assistant","content":null},)"
        R"({"role":"user","content":"b"}]})");
    REQUIRE(request.ok());
    const auto wire = encode_request(*request, target_of("anthropic"));
    REQUIRE(wire.ok());
    CHECK(Json::parse(wire->body)["messages"].dump() ==
          R"([{"content":[{"text":"a","type":"text"},{"text":"b","type":"text"}],"role":"user"}])");
  }
}
