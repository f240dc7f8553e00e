// Tool loops over every pair of a client's format and a target that thinks: two turns, and what the
// provider's manual wants back in the second.
#include <doctest/doctest.h>

#include "engine/base/json.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/encode_answer.hpp"
#include "tests/engine/llm/client_stream.hpp"
#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

/// A provider's answer with a thought and a call, whole and streamed, and what of it must be in the
/// body of the second turn.
struct Thinker {
  const char* name;
  const char* dialect;
  const char* model;
  const char* whole;
  const char* stream;
  std::vector<std::string> back;
};

const Thinker thinkers[] = {
    {"Claude",
     "anthropic",
     "claude-sonnet-4-5",
     R"({"id":"m1","type":"message","role":"assistant","model":"c","content":[
        {"type":"thinking","thinking":"hm","signature":"c2ln"},
        {"type":"redacted_thinking","data":"cmVk"},
        {"type":"tool_use","id":"toolu_1","name":"go","input":{"z":1,"a":2}}],
        "stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}})",
     R"(event: message_start
data: {"type":"message_start","message":{"id":"m1","model":"c","usage":{"input_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"h"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"m"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"cmVk"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"go","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"z\":1,"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"\"a\":2}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}

event: message_stop
data: {"type":"message_stop"}

)",
     {R"("content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},)"
      R"({"type":"redacted_thinking","data":"cmVk"},)"
      R"({"type":"tool_use","id":"toolu_1","name":"go","input":{"z":1,"a":2}}])"}},
    {"Gemini",
     "gemini",
     "gemini-3-pro-preview",
     R"({"responseId":"r1","candidates":[{"content":{"role":"model","parts":[
        {"text":"hm","thought":true},
        {"text":"Let me see.","thoughtSignature":"dHh0"},
        {"functionCall":{"id":"fc1","name":"go","args":{"a":1}},"thoughtSignature":"c2ln"},
        {"functionCall":{"id":"fc2","name":"go","args":{"a":2}}}]},"finishReason":"STOP"}]})",
     R"(data: {"responseId":"r1","candidates":[{"content":{"role":"model","parts":[{"text":"hm","thought":true}]}}]}

data: {"candidates":[{"content":{"role":"model","parts":[{"text":"Let me see."},{"text":"","thoughtSignature":"dHh0"}]}}]}

data: {"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"id":"fc1","name":"go","args":{"a":1}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"fc2","name":"go","args":{"a":2}}}]},"finishReason":"STOP"}]}

)",
     {R"("text":"Let me see.","thoughtSignature":"dHh0")",
      R"({"functionCall":{"id":"fc1","name":"go","args":{"a":1}},"thoughtSignature":"c2ln"},)"
      R"({"functionCall":{"id":"fc2","name":"go","args":{"a":2}}})",
      R"("functionResponse":{"id":"fc1","name":"go")"}},
    {"GPT",
     "openai-responses",
     "gpt-5.6",
     R"({"id":"resp_1","object":"response","status":"completed","model":"m","output":[
        {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],
         "encrypted_content":"ZW5j"},
        {"type":"function_call","id":"fc_1","call_id":"call_1","name":"go","arguments":"{\"a\":1}"}]})",
     R"(event: response.output_item.added
data: {"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}}

event: response.reasoning_summary_text.delta
data: {"type":"response.reasoning_summary_text.delta","output_index":0,"item_id":"rs_1","delta":"hm"}

event: response.output_item.done
data: {"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"ZW5j"}}

event: response.output_item.done
data: {"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"go","arguments":"{\"a\":1}"}}

event: response.completed
data: {"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[]}}

)",
     {R"({"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],)"
      R"("encrypted_content":"ZW5j"})",
      R"("call_id":"call_1","name":"go","arguments":"{\"a\":1}")"}},
    {"Claude behind OpenRouter",
     "openrouter",
     "anthropic/claude",
     R"({"id":"g1","model":"m","choices":[{"index":0,"finish_reason":"tool_calls","message":{
        "role":"assistant","content":null,"reasoning":"hm","reasoning_details":[
        {"type":"reasoning.text","text":"hm","signature":"c2ln","format":"anthropic-claude-v1","index":0}],
        "tool_calls":[{"id":"call_1","type":"function","index":0,
          "function":{"name":"go","arguments":"{\"a\":1}"}}]}}]})",
     R"(data: {"id":"g1","model":"m","choices":[{"index":0,"delta":{"reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm","format":"anthropic-claude-v1","index":0}]}}]}

data: {"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.text","signature":"c2ln","format":"anthropic-claude-v1","index":0}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"go","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}]}

data: [DONE]

)",
     {R"("text":"hm")", R"("signature":"c2ln")", R"("format":"anthropic-claude-v1")"}},
    {"DeepSeek",
     "deepseek",
     "deepseek-v4-pro",
     R"({"id":"d1","model":"m","choices":[{"index":0,"finish_reason":"tool_calls","message":{
        "role":"assistant","content":"","reasoning_content":"hm",
        "tool_calls":[{"id":"call_1","type":"function","function":{"name":"go","arguments":"{\"a\":1}"}}]}}]})",
     R"(data: {"id":"d1","model":"m","choices":[{"index":0,"delta":{"reasoning_content":"hm"}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"go","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}]}

data: [DONE]

)",
     {R"("reasoning_content":"hm")"}},
};

/// The answer as a client of the format has it, put together from a stream where it is one.
Json client_answer(WireFormat format, std::string_view dialect, std::string_view body,
                   bool stream) {
  const ChatEvents events = decode(dialect, body);
  const WireFormat origin = find_dialect(dialect)->format;
  if (!stream) return Json::parse(encode_answer(format, folded(dialect, events), {}));
  AnswerStream out;
  out.format = format;
  out.origin = origin;
  std::string bytes;
  for (const ChatEvent& event : events)
    encode_event(out, event, bytes);
  Json answer = joined_stream(format, bytes);
  // OpenAI's SDK for Node keeps the last piece of a member that it does not know.
  if (format == WireFormat::openai_chat) {
    Json& message = answer["choices"][0]["message"];
    if (message.contains("reasoning_content")) message["reasoning_content"] = "m";
  }
  return answer;
}

/// The next turn, as a client that keeps all that it was given says it.
std::string next_turn(WireFormat format, const Json& answer) {
  Json request = {{"model", "m"}};
  if (format == WireFormat::openai_chat) {
    const Json& message = answer["choices"][0]["message"];
    request["messages"] = {{{"role", "user"}, {"content", "Go"}}, message};
    for (const Json& call : message["tool_calls"])
      request["messages"].push_back(
          {{"role", "tool"}, {"tool_call_id", call["id"]}, {"content", "done"}});
    request["tools"] = {{{"type", "function"}, {"function", {{"name", "go"}}}}};
  } else if (format == WireFormat::anthropic) {
    Json results = Json::array();
    for (const Json& block : answer["content"]) {
      if (block["type"] == "tool_use")
        results.push_back(
            {{"type", "tool_result"}, {"tool_use_id", block["id"]}, {"content", "done"}});
    }
    request["max_tokens"] = 8000;
    request["messages"] = {{{"role", "user"}, {"content", "Go"}},
                           {{"role", "assistant"}, {"content", answer["content"]}},
                           {{"role", "user"}, {"content", results}}};
    request["tools"] = {{{"name", "go"}, {"input_schema", {{"type", "object"}}}}};
  } else if (format == WireFormat::gemini) {
    const Json& content = answer["candidates"][0]["content"];
    Json results = Json::array();
    for (const Json& part : content["parts"]) {
      if (part.contains("functionCall"))
        results.push_back({{"functionResponse",
                            {{"id", part["functionCall"]["id"]},
                             {"name", part["functionCall"]["name"]},
                             {"response", {{"output", "done"}}}}}});
    }
    request = {{"contents",
                {{{"role", "user"}, {"parts", {{{"text", "Go"}}}}},
                 content,
                 {{"role", "user"}, {"parts", results}}}},
               {"tools", {{{"functionDeclarations", {{{"name", "go"}}}}}}}};
  } else {
    request["input"] = {{{"role", "user"}, {"content", "Go"}}};
    for (const Json& item : answer["output"])
      request["input"].push_back(item);
    for (const Json& item : answer["output"]) {
      if (item["type"] == "function_call")
        request["input"].push_back(
            {{"type", "function_call_output"}, {"call_id", item["call_id"]}, {"output", "done"}});
    }
    request["tools"] = {{{"type", "function"}, {"name", "go"}}};
  }
  return request.dump();
}

std::string body_for(const std::string& client_body, WireFormat format, const char* dialect,
                     const char* model) {
  auto request = decode_client_request(format, client_body);
  if (!request.ok()) MESSAGE(request.error().message);
  REQUIRE(request.ok());
  Target target;
  target.dialect = find_dialect(dialect);
  target.model = model;
  auto wire = encode_request(*request, target);
  if (!wire.ok()) MESSAGE(wire.error().message);
  REQUIRE(wire.ok());
  REQUIRE(parse_json(wire->body).ok());
  return wire->body;
}

}  // namespace

TEST_SUITE("llm tool loop") {
  TEST_CASE("what a model signed comes back to it through clients of every format") {
    for (const Thinker& thinker : thinkers) {
      for (const WireFormat format : client_formats) {
        for (const bool stream : {false, true}) {
          CAPTURE(thinker.name);
          CAPTURE(format_name(format));
          CAPTURE(stream);
          const Json answer = client_answer(format, thinker.dialect,
                                            stream ? thinker.stream : thinker.whole, stream);
          const std::string next = next_turn(format, answer);
          const std::string body = body_for(next, format, thinker.dialect, thinker.model);
          // A client that sorts what it keeps sorts the arguments of a call, too.
          const bool sorted = format == WireFormat::anthropic || format == WireFormat::gemini;
          for (std::string back : thinker.back) {
            const std::size_t at = back.find(R"({"z":1,"a":2})");
            if (sorted && at != back.npos) back.replace(at, 13, R"({"a":2,"z":1})");
            // A Gemini client has the parts of a stream as they came.
            const std::size_t text = back.find(R"("Let me see.",)");
            if (stream && format == WireFormat::gemini && text != back.npos)
              back.insert(text + 13, R"(},{"text":"")");
            CAPTURE(body);
            CAPTURE(back);
            CHECK(body.find(back) != std::string::npos);
          }
          // No other provider sees it.
          for (const Thinker& other : thinkers) {
            if (std::string_view(other.dialect) == thinker.dialect) continue;
            const std::string foreign = body_for(next, format, other.dialect, other.model);
            CAPTURE(foreign);
            // OpenRouter's details say whose signature they have: Claude's is good with either.
            const bool known = std::string_view(other.dialect) == "openrouter" ||
                               (format == WireFormat::openai_chat &&
                                std::string_view(thinker.dialect) == "openrouter" &&
                                std::string_view(other.dialect) == "anthropic");
            for (const char* signature : {"c2ln", "cmVk", "ZW5j", "dHh0"})
              CHECK((known || foreign.find(signature) == std::string::npos));
            CHECK(foreign.find("redoubt:") == std::string::npos);
            CHECK(foreign.find("cmVkb3VidD") == std::string::npos);  // the same in base64
          }
        }
      }
    }
  }

  TEST_CASE("Gemini: a lost signature has the stand-in that the provider names") {
    const std::string chat =
        R"({"model":"m","messages":[{"role":"user","content":"Go"},{"role":"assistant",)"
        R"("content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"go",)"
        R"("arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"go",)"
        R"("arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"x"},)"
        R"({"role":"tool","tool_call_id":"c2","content":"y"}]})";
    const Json body =
        Json::parse(body_for(chat, WireFormat::openai_chat, "gemini", "gemini-3-pro-preview"));
    const Json& parts = body["contents"][1]["parts"];
    CHECK(parts[0]["thoughtSignature"] == "skip_thought_signature_validator");
    CHECK(!parts[1].contains("thoughtSignature"));
    const Json old =
        Json::parse(body_for(chat, WireFormat::openai_chat, "gemini", "gemini-2.5-flash"));
    CHECK(!old["contents"][1]["parts"][0].contains("thoughtSignature"));
  }

  TEST_CASE("an Anthropic client's history goes to Anthropic byte for byte") {
    const std::string turn =
        R"([{"type":"thinking","thinking":"","signature":"c2ln"},)"
        R"({"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"q":1,"a":2}},)"
        R"({"type":"tool_use","id":"toolu_1","name":"go","input":{"z":[1.0,2e3],"a":"\u00e9"}}])";
    const std::string request =
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Go"},)"
        R"({"role":"assistant","content":)" +
        turn +
        R"(},{"role":"user","content":[)"
        R"({"type":"tool_result","tool_use_id":"toolu_1","content":"x"}]}]})";
    CHECK(body_for(request, WireFormat::anthropic, "anthropic", "m").find(turn) !=
          std::string::npos);
    // The keys of what is read may be written with escapes.
    const std::string escaped =
        R"({"model":"m","max_tokens":9,"\u006dessages":[{"role":"user","\u0063ontent":[)"
        R"({"type":"document","source":{"type":"text"}}]}]})";
    CHECK(body_for(escaped, WireFormat::anthropic, "anthropic", "m").find("\"document\"") !=
          std::string::npos);
  }

  TEST_CASE("a whole answer's arguments keep the order in which the model wrote them") {
    const ChatAnswer answer = folded("anthropic", decode("anthropic", thinkers[0].whole));
    CHECK(answer.parts.back().arguments == R"({"z":1,"a":2})");
  }

  TEST_CASE("Claude does not think where it may not: forced tools, turns that began without") {
    const auto chat = [](std::string_view more, bool loop) {
      std::string body = R"({"model":"m","reasoning_effort":"low","temperature":1.6,"top_p":0.9,)"
                         R"("max_tokens":8000,"messages":[{"role":"user","content":"Go"})";
      if (loop)
        body += R"(,{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",)"
                R"("function":{"name":"go","arguments":"{}"}}]},)"
                R"({"role":"tool","tool_call_id":"c1","content":"x"})";
      body += R"(],"tools":[{"type":"function","function":{"name":"go"}},)"
              R"({"type":"function","function":{"name":"stay"}}])";
      return body + std::string(more) + "}";
    };
    const auto body = [&](std::string_view more, bool loop, ReasoningStyle style) {
      auto request = decode_client_request(WireFormat::openai_chat, chat(more, loop));
      REQUIRE(request.ok());
      Target target;
      target.dialect = find_dialect("anthropic");
      target.reasoning = style;
      auto wire = encode_request(*request, target);
      REQUIRE(wire.ok());
      auto json = parse_json(wire->body);
      REQUIRE(json.ok());
      return *json;
    };
    using enum ReasoningStyle;
    constexpr std::string_view any = R"(,"tool_choice":"required")";
    constexpr std::string_view named =
        R"(,"tool_choice":{"type":"function","function":{"name":"go"}})";
    const Json thinks = body("", false, by_default);
    CHECK(thinks["thinking"]["type"] == "enabled");
    CHECK(!thinks.contains("temperature"));
    CHECK(!thinks.contains("top_p"));
    for (const Json& not_now : {body("", true, budget), body(any, false, budget)}) {
      CHECK(!not_now.contains("thinking"));
      CHECK(not_now["temperature"] == 1.0);  // the most that Anthropic takes
      CHECK(!not_now.contains("top_p"));     // one of the two
    }
    CHECK(body("", true, adaptive)["thinking"]["type"] == "adaptive");
    const Json forced = body(named, false, adaptive);
    CHECK(forced["thinking"]["type"] == "disabled");
    CHECK(forced["tool_choice"]["name"] == "go");
    const Json always = body(named, false, adaptive_always);
    CHECK(always["tool_choice"]["type"] == "auto");
    CHECK(always["tools"].size() == 1);
    CHECK(always["system"].get<std::string>().find("\"go\"") != std::string::npos);
    CHECK(body(any, false, adaptive_always)["tools"].size() == 2);
  }
}
