// OpenAI chat's `functions`, which tools replaced: asked of every target as tools, and told to
// their client as `function_call`, whole and streamed.
#include <doctest/doctest.h>

#include "engine/llm/allowed_members.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/encode_answer.hpp"
#include "tests/engine/llm/client_stream.hpp"
#include "tests/engine/llm/recorded.hpp"
#include "tests/engine/llm/sent.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

Json body_of(const Json& more = Json::object()) {
  Json body = {
      {"model", "m"},
      {"messages",
       {{{"role", "user"}, {"content", "Go"}},
        {{"role", "assistant"},
         {"content", nullptr},
         {"function_call", {{"name", "go"}, {"arguments", R"({"a":1})"}}}},
        {{"role", "function"}, {"name", "go"}, {"content", "done"}}}},
      {"functions",
       {{{"name", "go"},
         {"description", "Goes."},
         {"parameters", {{"type", "object"}, {"properties", {{"a", {{"type", "integer"}}}}}}}}}},
      {"function_call", {{"name", "go"}}}};
  body.update(more);
  return body;
}

ChatRequest request_of(const Json& body) {
  auto request = decode_client_request(WireFormat::openai_chat, body.dump());
  if (!request.ok()) MESSAGE(request.error().message);
  REQUIRE(request.ok());
  REQUIRE(hold_to_allowed(*request, {}).ok());
  return std::move(request).value();
}

std::string fault_of(const Json& body) {
  const auto request = decode_client_request(WireFormat::openai_chat, body.dump());
  return request.ok() ? "taken" : request.error().path;
}

// Two calls, though one was asked for.
const std::string calls =
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"So\"}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\","
    "\"function\":{\"name\":\"go\",\"arguments\":\"{\\\"a\\\"\"}}]}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,"
    "\"function\":{\"arguments\":\":1}\"}}]}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":1,\"id\":\"c2\","
    "\"function\":{\"name\":\"stop\",\"arguments\":\"{}\"}}]}}]}\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";

}  // namespace

TEST_SUITE("llm functions") {
  TEST_CASE("functions, their calls and results are tools' for every format") {
    const ChatRequest request = request_of(body_of());
    const Json chat = sent(request, "openai");
    CHECK_FALSE(chat.contains("functions"));
    CHECK_FALSE(chat.contains("function_call"));
    CHECK(chat["tools"][0]["function"]["name"] == "go");
    CHECK(chat["tools"][0]["function"]["description"] == "Goes.");
    CHECK(chat["tool_choice"]["function"]["name"] == "go");
    CHECK(chat["parallel_tool_calls"] == false);
    CHECK(chat["messages"][1]["tool_calls"][0]["function"]["arguments"] == R"({"a":1})");
    CHECK_FALSE(chat["messages"][1].contains("function_call"));
    CHECK(chat["messages"][2]["role"] == "tool");
    CHECK(chat["messages"][2]["tool_call_id"] == chat["messages"][1]["tool_calls"][0]["id"]);

    const Json responses = sent(request, "openai-responses");
    CHECK(responses["input"][1]["type"] == "function_call");
    CHECK(responses["input"][2]["type"] == "function_call_output");
    CHECK(responses["input"][2]["output"] == "done");

    const Json anthropic = sent(request, "anthropic");
    CHECK(anthropic["messages"][1]["content"][0]["type"] == "tool_use");
    CHECK(anthropic["messages"][2]["content"][0]["tool_use_id"] ==
          anthropic["messages"][1]["content"][0]["id"]);

    const Json gemini = sent(request, "gemini");
    CHECK(gemini["contents"][1]["parts"][0]["functionCall"]["name"] == "go");
    CHECK(gemini["contents"][2]["parts"][0]["functionResponse"]["name"] == "go");
  }

  TEST_CASE("what is chosen of functions") {
    CHECK(sent(request_of(body_of({{"function_call", "none"}})), "groq")["tool_choice"] == "none");
    CHECK_FALSE(
        sent(request_of(body_of({{"function_call", "auto"}})), "groq").contains("tool_choice"));
    CHECK(fault_of(body_of({{"function_call", "often"}})) == "function_call");
    CHECK(fault_of(body_of({{"functions", nullptr}})) == "function_call");
    CHECK(fault_of(body_of({{"functions", nullptr}, {"function_call", nullptr}})) == "taken");
    CHECK(fault_of(body_of({{"functions", Json::array()}})) == "functions");
    CHECK(fault_of(body_of({{"functions", {{{"description", "x"}}}}})) == "functions[0].name");
    const Json tool = {{"type", "function"}, {"function", {{"name", "stop"}}}};
    CHECK(fault_of(body_of({{"tools", {tool}}})) == "functions");
  }

  TEST_CASE("a function's result is of the call before it") {
    Json body = body_of();
    body["messages"][2]["name"] = "stop";
    CHECK(fault_of(body) == "messages[2].name");
    body["messages"].erase(1);
    CHECK(fault_of(body) == "messages[1].name");
  }

  TEST_CASE("a call is told as function_call, whole and streamed") {
    const ChatEvents events = decode("vllm", calls);
    AnswerStream stream;
    stream.origin = WireFormat::openai_chat;
    stream.stamp = stamp_of(request_of(body_of()), 7);
    const Json expected = {{"name", "go"}, {"arguments", R"({"a":1})"}};
    const Json whole =
        Json::parse(encode_answer(WireFormat::openai_chat, folded("vllm", events), stream.stamp));
    std::string bytes;
    for (const ChatEvent& event : events)
      encode_event(stream, event, bytes);
    const Json streamed = joined_stream(WireFormat::openai_chat, bytes);
    for (const Json* answer : {&whole, &streamed}) {
      const Json& choice = (*answer)["choices"][0];
      CHECK(choice["message"]["function_call"] == expected);
      CHECK(choice["message"]["content"] == "So");
      CHECK_FALSE(choice["message"].contains("tool_calls"));
      CHECK(choice["finish_reason"] == "function_call");
    }
  }

  TEST_CASE("whoever has tools hears of tools") {
    const Json tool = {{"type", "function"}, {"function", {{"name", "go"}}}};
    const Json body =
        body_of({{"functions", nullptr}, {"function_call", nullptr}, {"tools", {tool}}});
    const AnswerStamp stamp = stamp_of(request_of(body), 7);
    const Json answer = Json::parse(
        encode_answer(WireFormat::openai_chat, folded("vllm", decode("vllm", calls)), stamp));
    CHECK(answer["choices"][0]["message"]["tool_calls"].size() == 2);
    CHECK(answer["choices"][0]["finish_reason"] == "tool_calls");
  }
}
