// Requests as each provider's own rules for values want them. The validators below are written from
// the providers' manuals a second time, without the table of fit.cpp.
#include "engine/llm/fit.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <set>

#include "engine/base/json.hpp"
#include "engine/base/rng.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {

/// The first fault that the provider would find, "" for none.
using Validator = std::function<std::string(const Json& body)>;

bool of(const std::string& text, std::size_t most, std::string_view also = "") {
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    if (!plain && also.find(c) == also.npos) return false;
  }
  return !text.empty() && text.size() <= most;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == text.npos;
}

bool between(const Json& body, const char* key, double low, double high) {
  const Json* value = member_of(body, key);
  return value == nullptr || (value->get<double>() >= low && value->get<double>() <= high);
}

std::string root_fault(const Json& schema) {
  if (schema.value("type", "") != "object") return "schema root is no object";
  if (!schema.contains("properties")) return "schema root has no properties";
  for (const char* key : {"allOf", "anyOf", "oneOf", "$ref"}) {
    if (schema.contains(key)) return std::string("schema root has ") + key;
  }
  return "";
}

struct ChatRules {
  double temperature_max = 2;
  double penalty_min = -2;
  double penalty_max = 2;
  std::size_t stops_max = 100;
  std::size_t id_max = 40;
  std::size_t id_min = 1;
  bool penalties = true;
};

std::string chat_fault(const Json& body, const ChatRules& rules) {
  if (!between(body, "temperature", 0, rules.temperature_max)) return "temperature";
  if (!between(body, "top_p", 0, 1)) return "top_p";
  for (const char* key : {"frequency_penalty", "presence_penalty"}) {
    if (!between(body, key, rules.penalty_min, rules.penalty_max)) return key;
    if (!rules.penalties && body.contains(key)) return key;
  }
  if (body.contains("stop") && body["stop"].size() > rules.stops_max) return "stop";
  if (body.value("user", "").size() > 64) return "user";
  std::set<std::string> calls;
  for (const Json& message : body["messages"]) {
    const bool has_calls = message.contains("tool_calls");
    if (message["role"] == "assistant" && message["content"].is_null() && !has_calls &&
        !message.contains("refusal"))
      return "assistant says nothing";
    if (has_calls) {
      for (const Json& call : message["tool_calls"]) {
        const std::string id = call["id"];
        if (!of(id, rules.id_max) || id.size() < rules.id_min) return "call id " + id;
        if (!of(call["function"]["name"], 64)) return "name in history";
        calls.insert(id);
      }
    }
    if (message["role"] == "tool" && calls.count(message["tool_call_id"]) == 0)
      return "result of no call";
  }
  for (const Json& tool : body.value("tools", Json::array())) {
    if (!of(tool["function"]["name"], 64)) return "tool name";
    if (const std::string fault = root_fault(tool["function"]["parameters"]); !fault.empty())
      return fault;
  }
  return "";
}

std::string responses_fault(const Json& body) {
  if (!between(body, "temperature", 0, 2)) return "temperature";
  if (body.value("max_output_tokens", 16) < 16) return "max_output_tokens";
  if (body.value("user", "").size() > 64) return "user";
  for (const Json& item : body["input"]) {
    if (item.contains("call_id") && !of(item["call_id"], 64)) return "call_id";
    if (item.value("type", "") == "function_call" && !of(item["name"], 128)) return "name";
  }
  for (const Json& tool : body.value("tools", Json::array())) {
    if (!of(tool["name"], 128)) return "tool name";
    if (const std::string fault = root_fault(tool["parameters"]); !fault.empty()) return fault;
  }
  return "";
}

std::string anthropic_fault(const Json& body) {
  if (!between(body, "temperature", 0, 1)) return "temperature";
  if (body.contains("temperature") && body.contains("top_p")) return "temperature and top_p";
  const bool thinks = body.contains("thinking") && body["thinking"]["type"] == "enabled";
  if (thinks) {
    if (body["thinking"]["budget_tokens"] >= body["max_tokens"]) return "budget over max_tokens";
    if (body["thinking"]["budget_tokens"] < 1024) return "budget too small";
    if (body.contains("temperature") || body.contains("top_k")) return "sampling beside thinking";
    const std::string choice =
        body.contains("tool_choice") ? body["tool_choice"]["type"] : Json("");
    if (choice == "any" || choice == "tool") return "forced tool beside thinking";
  }
  std::string last;
  std::set<std::string> calls;
  for (const Json& message : body["messages"]) {
    if (message["role"] == last) return "two messages of one side";
    if (last.empty() && message["role"] != "user") return "the first message is not the user's";
    last = message["role"];
    if (message["content"].is_array() && message["content"].empty()) return "empty content";
    for (const Json& block : message["content"]) {
      if (block["type"] == "text" && is_blank(block["text"])) return "blank text";
      if (block["type"] == "tool_use") {
        if (!of(block["id"], 64)) return "tool_use id";
        if (!of(block["name"], 128)) return "tool_use name";
        calls.insert(block["id"]);
      }
      if (block["type"] == "tool_result" && calls.count(block["tool_use_id"]) == 0)
        return "result of no call";
    }
  }
  const Json& end = body["messages"].back();
  if (thinks && end["role"] == "assistant") return "prefill beside thinking";
  for (const Json& tool : body.value("tools", Json::array())) {
    if (!of(tool["name"], 128)) return "tool name";
    if (const std::string fault = root_fault(tool["input_schema"]); !fault.empty()) return fault;
  }
  return "";
}

std::string gemini_fault(const Json& body) {
  const Json config = body.value("generationConfig", Json::object());
  if (!between(config, "temperature", 0, 2)) return "temperature";
  if (config.contains("stopSequences") && config["stopSequences"].size() > 5) return "stop";
  std::string last;
  for (const Json& turn : body["contents"]) {
    if (turn["role"] == last) return "two turns of one side";
    if (last.empty() && turn["role"] != "user") return "the first turn is the model's";
    last = turn["role"];
    if (turn["parts"].empty()) return "a turn without parts";
    bool first_call = true;
    for (const Json& part : turn["parts"]) {
      if (part.contains("text") && part["text"] == "" && !part.contains("thoughtSignature"))
        return "an empty text";
      if (!part.contains("functionCall")) continue;
      if (!of(part["functionCall"]["name"], 128, ".:")) return "call name";
      if (first_call && !part.contains("thoughtSignature")) return "a call without signature";
      first_call = false;
    }
  }
  if (body.dump().find("$ref") != std::string::npos) return "a reference";
  for (const Json& tools : body.value("tools", Json::array())) {
    for (const Json& tool : tools["functionDeclarations"]) {
      if (!of(tool["name"], 128, ".:")) return "tool name";
    }
  }
  return "";
}

struct Kind {
  const char* dialect;
  Validator fault;
};

std::vector<Kind> kinds() {
  const auto chat = [](ChatRules rules) {
    return [rules](const Json& body) { return chat_fault(body, rules); };
  };
  return {{"openai", chat({.stops_max = 4})},
          {"azure", chat({.stops_max = 4})},
          {"openrouter", chat({.stops_max = 4})},
          {"mistral", chat({.temperature_max = 1.5, .id_max = 9, .id_min = 9})},
          {"groq", chat({.stops_max = 4, .penalties = false})},
          {"cohere", chat({.penalty_min = 0, .penalty_max = 1, .stops_max = 5})},
          {"openai-responses", responses_fault},
          {"anthropic", anthropic_fault},
          {"gemini", gemini_fault}};
}

Target target_of(const char* dialect) {
  Target target;
  target.dialect = find_dialect(dialect);
  target.model = "m-3";
  if (std::string_view(dialect) == "azure") target.base_url = "https://r.example/v1";
  return target;
}

const char* const texts[] = {"", "  \n", "hi", "hi ", "\t"};
const char* const ids[] = {
    "call_1",         "a",    "call_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789-aBcDeF_0",
    "functions.go:0", "fc|1", "123456789"};
const char* const schemas[] = {
    R"({"type":"object"})",
    "{}",
    R"({"type":"object","properties":{"a":{"type":"string"}}})",
    R"({"anyOf":[{"type":"object","properties":{"a":{}}},{"type":"object","properties":{"b":{}}}]})",
    R"({"$ref":"#/definitions/T","definitions":{"T":{"type":"object","properties":{"a":{"$ref":"#/definitions/T"}}}}})",
    R"({"type":"object","allOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]})"};

template <std::size_t N>
const char* any_of_these(const char* const (&list)[N], Rng& rng) {
  return list[rng.below(static_cast<std::uint32_t>(N))];
}

/// A request that OpenAI's format allows: a loop of tools, with whatever clients leave in it.
std::string chat_request(Rng& rng) {
  Json request = {{"model", "m"}, {"messages", Json::array()}};
  Json& messages = request["messages"];
  if (rng.below(2) == 0)
    messages.push_back({{"role", "system"}, {"content", any_of_these(texts, rng)}});
  const std::uint32_t turns = 1 + rng.below(4);
  for (std::uint32_t i = 0; i < turns; ++i) {
    if (rng.below(4) != 0)
      messages.push_back({{"role", "user"}, {"content", any_of_these(texts, rng)}});
    if (rng.below(3) == 0)
      messages.push_back({{"role", "assistant"}, {"content", any_of_these(texts, rng)}});
    if (rng.below(2) == 0) {
      const std::string id = std::string(any_of_these(ids, rng)) + std::to_string(i);
      messages.push_back(
          {{"role", "assistant"},
           {"content", rng.below(2) == 0 ? Json() : Json(any_of_these(texts, rng))},
           {"tool_calls",
            {{{"id", id},
              {"type", "function"},
              {"function",
               {{"name", rng.below(4) == 0 ? "old.tool/1" : "go"}, {"arguments", "{}"}}}}}}});
      messages.push_back(
          {{"role", "tool"}, {"tool_call_id", id}, {"content", any_of_these(texts, rng)}});
    }
  }
  if (messages.empty()) messages.push_back({{"role", "user"}, {"content", ""}});
  request["tools"] = Json::array();
  for (const char* name : {"go", "stay"})
    request["tools"].push_back(
        {{"type", "function"},
         {"function", {{"name", name}, {"parameters", Json::parse(any_of_these(schemas, rng))}}}});
  if (rng.below(3) == 0) request["tool_choice"] = "required";
  if (rng.below(2) == 0) request["temperature"] = rng.between(0, 20) / 10.0;
  if (rng.below(2) == 0) request["top_p"] = rng.between(0, 10) / 10.0;
  if (rng.below(2) == 0) request["frequency_penalty"] = rng.between(-20, 20) / 10.0;
  if (rng.below(2) == 0) request["reasoning_effort"] = rng.below(2) == 0 ? "low" : "high";
  if (rng.below(2) == 0) request["max_tokens"] = rng.between(1, 9'000);
  if (rng.below(2) == 0)
    request["user"] = std::string(static_cast<std::size_t>(rng.between(1, 300)), 'u');
  if (rng.below(2) == 0) request["stop"] = {"a", "b", "c", "d"};
  return request.dump();
}

std::string anthropic_request(Rng& rng) {
  const std::string id = std::string("toolu_") + std::string(rng.below(60), 'x');
  Json request = {{"model", "m"}, {"max_tokens", rng.between(1, 9'000)}};
  request["messages"] = {
      {{"role", "user"}, {"content", "hi"}},
      {{"role", "assistant"},
       {"content",
        {{{"type", "tool_use"}, {"id", id}, {"name", "go"}, {"input", Json::object()}}}}},
      {{"role", "user"},
       {"content",
        {{{"type", "tool_result"}, {"tool_use_id", id}}, {{"type", "text"}, {"text", "so"}}}}}};
  request["tools"] = {{{"name", "go"}, {"input_schema", {{"type", "object"}}}}};
  if (rng.below(2) == 0) request["temperature"] = rng.between(0, 10) / 10.0;
  if (rng.below(2) == 0) request["stop_sequences"] = {"a", "b", "c", "d", "e", "f"};
  if (rng.below(2) == 0)
    request["metadata"]["user_id"] =
        std::string(static_cast<std::size_t>(rng.between(1, 250)), 'u');
  return request.dump();
}

}  // namespace

TEST_SUITE("llm fit") {
  TEST_CASE("what a client's format allows is what every target takes") {
    Rng rng(7);
    std::map<std::string, int> passed;
    for (int round = 0; round < 400; ++round) {
      const bool chat = round % 4 != 0;
      const WireFormat format = chat ? WireFormat::openai_chat : WireFormat::anthropic;
      const std::string text = chat ? chat_request(rng) : anthropic_request(rng);
      const auto request = decode_client_request(format, text);
      CAPTURE(text);
      REQUIRE(request.ok());
      for (const Kind& kind : kinds()) {
        if (find_dialect(kind.dialect)->format == format && !chat) continue;  // byte for byte
        const auto wire = encode_request(*request, target_of(kind.dialect));
        CAPTURE(kind.dialect);
        if (!wire.ok()) MESSAGE(wire.error().message);
        REQUIRE(wire.ok());
        const auto body = parse_json(wire->body);
        REQUIRE(body.ok());
        CAPTURE(wire->body);
        CHECK(kind.fault(*body) == "");
        ++passed[kind.dialect];
      }
    }
    CHECK(passed["anthropic"] == 300);
    CHECK(passed["gemini"] == 400);
  }

  TEST_CASE("a request that fits is not copied") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Go"));
    for (const Kind& kind : kinds()) {
      const auto fit = fitted(request, target_of(kind.dialect));
      REQUIRE(fit.ok());
      CHECK(!fit->has_value());
    }
  }

  TEST_CASE("a tool's name that the target cannot take is refused in a sentence") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Go"));
    request.tools.resize(1);
    request.tools[0].name = std::string(65, 'n');
    CHECK(fitted(request, target_of("anthropic")).ok());
    const auto refused = fitted(request, target_of("openai"));
    REQUIRE(!refused.ok());
    CHECK(refused.error().message.find("1 to 64 letters") != std::string::npos);
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

  TEST_CASE("a system message further down goes to the top for models that take none there") {
    const auto request = decode_client_request(
        WireFormat::anthropic,
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},)"
        R"({"role":"system","content":"be brief"},{"role":"user","content":"b"}]})");
    REQUIRE(request.ok());
    Target target = target_of("anthropic");
    CHECK(Json::parse(encode_request(*request, target)->body)["messages"].size() == 3);
    target.reasoning = ReasoningStyle::budget;
    const Json body = Json::parse(encode_request(*request, target)->body);
    CHECK(body["system"] == "be brief");
    CHECK(body["messages"].size() == 2);
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
