// Streams of tool calls in any order that a server may think of: what comes out is valid for every
// client's format, and says the same.
#include <doctest/doctest.h>

#include "engine/base/rng.hpp"
#include "engine/llm/encode_answer.hpp"
#include "tests/engine/llm/client_stream.hpp"
#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

struct Call {
  std::string id;
  std::string name;
  std::string arguments;
};

/// A stream of chunks: the calls' pieces interleaved, with text and thoughts in between, now and
/// then without an index, with ids or names that come again, or with empty pieces.
std::string odd_stream(const std::vector<Call>& calls, std::string& text, Rng& rng) {
  std::vector<std::size_t> sent(calls.size(), 0);
  std::vector<bool> begun(calls.size(), false);
  std::string body;
  const auto chunk = [&](const Json& delta) {
    body += "data: " + Json{{"id", "c"}, {"choices", {{{"index", 0}, {"delta", delta}}}}}.dump() +
            "\n\n";
  };
  std::size_t begun_calls = 0;
  for (std::size_t left = calls.size(); left > 0;) {
    if (rng.below(6) == 0) {
      chunk({{"content", "x"}});
      text += "x";
    }
    if (rng.below(9) == 0) chunk({{"reasoning_content", "hm"}});
    if (rng.below(9) == 0) chunk({{"tool_calls", Json::array()}, {"content", nullptr}});
    const std::size_t pick = rng.below(static_cast<std::uint32_t>(calls.size()));
    // Calls begin in their order, as an index says it.
    if (begun[pick] ? sent[pick] >= calls[pick].arguments.size() : pick != begun_calls) continue;
    Json call = {{"index", pick}, {"function", Json::object()}};
    if (!begun[pick] || rng.below(4) == 0) {
      call["id"] = calls[pick].id;
      call["type"] = "function";
      call["function"]["name"] = calls[pick].name;
    }
    if (!begun[pick]) {
      begun[pick] = true;
      ++begun_calls;
    }
    const std::size_t bytes = rng.below(5);
    call["function"]["arguments"] = calls[pick].arguments.substr(sent[pick], bytes);
    if (sent[pick] < calls[pick].arguments.size() &&
        sent[pick] + bytes >= calls[pick].arguments.size())
      --left;
    sent[pick] = std::min(sent[pick] + bytes, calls[pick].arguments.size());
    chunk({{"tool_calls", {call}}});
  }
  body += "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";
  if (rng.below(2) == 0) body += "data: [DONE]\n\n";
  return body;
}

std::vector<Call> calls_of(WireFormat format, const Json& answer) {
  std::vector<Call> calls;
  if (format == WireFormat::openai_chat) {
    for (const Json& call : answer["choices"][0]["message"]["tool_calls"])
      calls.push_back({call["id"], call["function"]["name"], call["function"]["arguments"]});
  } else if (format == WireFormat::anthropic) {
    for (const Json& block : answer["content"]) {
      if (block["type"] == "tool_use")
        calls.push_back({block["id"], block["name"], block["input"].dump()});
    }
  } else if (format == WireFormat::gemini) {
    for (const Json& part : answer["candidates"][0]["content"]["parts"]) {
      if (part.contains("functionCall"))
        calls.push_back({part["functionCall"]["id"], part["functionCall"]["name"],
                         part["functionCall"]["args"].dump()});
    }
  } else {
    for (const Json& item : answer["output"]) {
      if (item["type"] == "function_call")
        calls.push_back({item["call_id"], item["name"], item["arguments"]});
    }
  }
  return calls;
}

}  // namespace

TEST_SUITE("llm tool stream") {
  TEST_CASE("calls in any order and pieces are the same calls for every client") {
    const std::vector<Call> all = {{"call_a", "go", R"({"a":[1,{"b":"}\"]"}]})"},
                                   {"call_b", "stay", "{}"},
                                   {"call_c", "go", R"({"text":"x{y"})"}};
    Rng rng(9);
    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      const std::vector<Call> calls(all.begin(), all.begin() + 1 + round % 3);
      std::string text;
      const std::string body = odd_stream(calls, text, rng);
      const ChatEvents events = decode("vllm", body);
      CHECK(lines_of(decode("vllm", body, 7)) == lines_of(events));
      for (const WireFormat format : client_formats) {
        CAPTURE(format_name(format));
        AnswerStream stream;
        stream.format = format;
        stream.origin = WireFormat::openai_chat;
        std::string bytes;
        for (const ChatEvent& event : events)
          encode_event(stream, event, bytes);
        const std::vector<Call> told = calls_of(format, joined_stream(format, bytes));
        REQUIRE(told.size() == calls.size());
        for (std::size_t i = 0; i < calls.size(); ++i) {
          CHECK(told[i].id == calls[i].id);
          CHECK(told[i].name == calls[i].name);
          CHECK(told[i].arguments == calls[i].arguments);
        }
      }
      CHECK(answer_text(folded("vllm", events)) == text);
    }
  }

  TEST_CASE("two calls of one id are calls of two for every client, streamed and whole") {
    const std::pair<const char*, const char*> bodies[] = {
        {"vllm", R"({"id":"c","choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[)"
                 R"({"id":"dup","function":{"name":"go","arguments":"{}"}},)"
                 R"({"id":"dup","function":{"name":"stay","arguments":"{}"}}]}}]})"},
        {"vllm",
         "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":["
         "{\"index\":0,\"id\":\"dup\",\"function\":{\"name\":\"go\",\"arguments\":\"{}\"}}]}}]}\n\n"
         "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":["
         "{\"index\":1,\"id\":\"dup\",\"function\":{\"name\":\"stay\",\"arguments\":\"{\"}}]}}]}"
         "\n\n"
         "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":["
         "{\"index\":1,\"id\":\"dup\",\"function\":{\"arguments\":\"}\"}}]},"
         "\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n"},
        {"openai-responses",
         R"({"id":"c","object":"response","status":"completed","output":[)"
         R"({"type":"function_call","call_id":"dup","name":"go","arguments":"{}"},)"
         R"({"type":"function_call","call_id":"dup","name":"stay","arguments":"{}"}]})"},
        {"anthropic", R"({"id":"c","type":"message","role":"assistant","stop_reason":"tool_use",)"
                      R"("content":[{"type":"tool_use","id":"dup","name":"go","input":{}},)"
                      R"({"type":"tool_use","id":"dup","name":"stay","input":{}}],)"
                      R"("usage":{"input_tokens":1,"output_tokens":1}})"},
        {"gemini", R"({"responseId":"c","candidates":[{"finishReason":"STOP","content":{"parts":[)"
                   R"({"functionCall":{"id":"dup","name":"go","args":{}}},)"
                   R"({"functionCall":{"id":"dup","name":"stay","args":{}}}]}}]})"}};
    for (const auto& each : bodies) {
      const char* const dialect = each.first;
      CAPTURE(dialect);
      const ChatEvents events = decode(dialect, each.second);
      const ChatAnswer answer = folded(dialect, events);
      REQUIRE(answer.finished);
      for (const WireFormat format : client_formats) {
        CAPTURE(format_name(format));
        AnswerStream stream;
        stream.format = format;
        stream.origin = find_dialect(dialect)->format;
        std::string streamed;
        for (const ChatEvent& event : events)
          encode_event(stream, event, streamed);
        for (const Json& said :
             {Json::parse(encode_answer(format, answer, {})), joined_stream(format, streamed)}) {
          const std::vector<Call> calls = calls_of(format, said);
          REQUIRE(calls.size() == 2);
          CHECK(calls[0].id == "dup");
          CHECK(calls[1].id == "call_c_1");
          CHECK(calls[1].name == "stay");
          CHECK(calls[1].arguments == "{}");
        }
      }
    }
  }
}
