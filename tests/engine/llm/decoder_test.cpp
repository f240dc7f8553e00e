// What providers really do, one case each, in bytes written for it.
#include "engine/llm/decoder.hpp"

#include <doctest/doctest.h>

#include "engine/llm/encode_answer.hpp"
#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

ChatAnswer answer_of(std::string_view dialect, std::string_view body, int status = 200,
                     std::vector<Header> headers = {}) {
  const ChatEvents whole = decode(dialect, body, 1 << 30, status, headers);
  CHECK(lines_of(decode(dialect, body, 1, status, headers)) == lines_of(whole));
  int ends = 0;
  for (const ChatEvent& event : whole)
    ends += event.kind == EventKind::finished || event.kind == EventKind::failed;
  CHECK(ends == 1);
  return folded(dialect, whole);
}

FailureClass failure_of(const ChatAnswer& answer) {
  REQUIRE(answer.failure);
  return answer.failure->failure_class;
}

}  // namespace

TEST_SUITE("llm decoder") {
  TEST_CASE("OpenAI chat: null usage, obfuscation, a call numbered 1, usage without choices") {
    const ChatAnswer a = answer_of(
        "openai",
        R"(data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null,"obfuscation":"xx"}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"t1","function":{"name":"f","arguments":""}}]}}],"usage":null}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{\"a\""}},{"index":2,"id":"t2","function":{"name":"g","arguments":"{}"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":":1}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":6}}}

data: [DONE]

)");
    REQUIRE(a.parts.size() == 2);
    CHECK(a.parts[0].arguments == "{\"a\":1}");
    CHECK(a.parts[1].name == "g");
    CHECK(a.reason == FinishReason::tool_calls);  // a forced tool ends with "stop"
    CHECK(a.reason_detail == "stop");
    CHECK(a.usage.input == 10);
    CHECK(a.usage.cached_read == 6);
  }

  TEST_CASE("a call that names no tool is no answer, in any format") {
    const auto last = [](const char* dialect, const char* body) {
      return decode(dialect, body).back();
    };
    for (const ChatEvent& end :
         {last("anthropic",
               R"({"id":"a","model":"m","role":"assistant","content":[)"
               R"({"type":"tool_use","id":"t","input":{}}],"stop_reason":"tool_use"})"),
          last("openai-responses", R"({"id":"a","model":"m","status":"completed","output":[)"
                                   R"({"type":"function_call","call_id":"t","arguments":"{}"}]})"),
          last("gemini", R"({"candidates":[{"content":{"parts":[{"functionCall":{"args":{}}}]},)"
                         R"("finishReason":"STOP"}]})")}) {
      REQUIRE(end.kind == EventKind::failed);
      CHECK(end.failure->failure_class == FailureClass::malformed);
      CHECK(end.failure->message == "the model's tool call has no name");
    }
  }

  TEST_CASE("Azure: the first chunk is empty, the answer starts with the second") {
    const ChatEvents events =
        decode("azure", R"(data: {"id":"","model":"","choices":[],"prompt_filter_results":[]}

data: {"id":"c","model":"gpt","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}

data: [DONE]

)");
    REQUIRE(events.size() == 3);
    CHECK(events[0].kind == EventKind::started);
    CHECK(events[0].model == "gpt");
  }

  TEST_CASE("parallel calls that are all numbered 0 stay apart by their ids") {
    const ChatAnswer a = answer_of(
        "ollama",
        R"(data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}

data: [DONE]

)");
    REQUIRE(a.parts.size() == 2);
    CHECK(a.parts[1].id == "b");
  }

  TEST_CASE("xAI counts thoughts beside the completion") {
    const ChatAnswer a = answer_of(
        "xai",
        R"({"id":"c","choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}],
      "usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":17,"completion_tokens_details":{"reasoning_tokens":10}}})");
    CHECK(a.usage.output == 12);
    CHECK(a.usage.reasoning == 10);
  }

  TEST_CASE("DeepSeek: cache hits under its own name; whatever the content type says") {
    const ChatAnswer a = answer_of(
        "deepseek",
        R"({"id":"c","choices":[{"index":0,"message":{"content":"x","reasoning_content":"hm"},"finish_reason":"stop"}],
      "usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_cache_hit_tokens":4}})",
        200, {{"content-type", "application/octet-stream"}});
    CHECK(a.usage.cached_read == 4);
    CHECK(a.parts[0].text == "hm");
  }

  TEST_CASE("OpenRouter: comments are heartbeats, signed thoughts are kept") {
    const ChatEvents events = decode("openrouter", R"(: OPENROUTER PROCESSING

: OPENROUTER PROCESSING

data: {"id":"g","model":"m","choices":[{"index":0,"delta":{"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a","format":"anthropic-claude-v1"}]}}]}

data: {"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.text","signature":"sig","format":"anthropic-claude-v1"}]}}]}

data: {"choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}

data: [DONE]

)");
    CHECK(events[0].kind == EventKind::heartbeat);
    CHECK(events[1].kind == EventKind::heartbeat);
    const ChatAnswer a = folded("openrouter", events);
    REQUIRE(a.parts.size() == 2);
    CHECK(a.parts[0].text == "a");
    CHECK(a.parts[0].signature == "sig");
    CHECK(a.usage.output == 2);
  }

  TEST_CASE("Groq: an error event with its status in the body") {
    const ChatAnswer a =
        answer_of("groq", R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":"may"}}]}

event: error
data: {"error":{"message":"Tool choice is required","code":"tool_use_failed","status_code":400}}

)",
                  200, {{"x-request-id", "req_9"}});
    CHECK(failure_of(a) == FailureClass::bad_request);
    CHECK(a.failure->status == 400);
    CHECK(a.failure->request_id == "req_9");
    CHECK(answer_text(a) == "may");
  }

  TEST_CASE("Anthropic: pings, padding, cumulative usage, signatures, a call without fragments") {
    const ChatAnswer a = answer_of("anthropic", R"(event: message_start
data: {"type":"message_start","message":{"id":"m1","model":"c","usage":{"input_tokens":5,"cache_read_input_tokens":100,"cache_creation_input_tokens":20,"cache_creation":{"ephemeral_1h_input_tokens":20},"output_tokens":1}}     }

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}  }

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"input_tokens":7,"output_tokens":30}}

event: message_stop
data: {"type":"message_stop"}

)");
    REQUIRE(a.parts.size() == 2);
    CHECK(a.parts[0].signature == "sig");
    CHECK(a.parts[1].arguments == "{}");
    CHECK(a.usage.input == 127);
    CHECK(a.usage.cached_read == 100);
    CHECK(a.usage.cache_write_long == 20);
    CHECK(a.usage.output == 30);
    CHECK(a.reason == FinishReason::tool_calls);
  }

  TEST_CASE("Anthropic: overloaded after a 200") {
    const ChatAnswer a = answer_of("anthropic", R"(event: message_start
data: {"type":"message_start","message":{"id":"m1","model":"c","usage":{"input_tokens":5}}}

event: error
data: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}

)");
    CHECK(failure_of(a) == FailureClass::overloaded);
    CHECK(a.failure->status == 529);
    CHECK(a.failure->should_retry);
  }

  TEST_CASE("Gemini: CRLF, no terminator, the last usage counts, signatures on parts") {
    const ChatAnswer a = answer_of(
        "gemini",
        "data: {\"responseId\":\"r\",\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm\","
        "\"thought\":true}]}}],\"usageMetadata\":{\"promptTokenCount\":4,\"thoughtsTokenCount\":3}}"
        "\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\","
        "\"args\":{\"a\":1}},\"thoughtSignature\":\"sig\"}]},\"finishReason\":\"STOP\"}],"
        "\"usageMetadata\":{\"promptTokenCount\":4,\"thoughtsTokenCount\":6,"
        "\"candidatesTokenCount\":2,\"cachedContentTokenCount\":1}}\r\n\r\n");
    REQUIRE(a.parts.size() == 2);
    CHECK(a.parts[0].kind == PartKind::reasoning);
    CHECK(a.parts[1].signature == "sig");
    CHECK(a.parts[1].id == "call_r_0");  // it gave none
    CHECK(a.usage.output == 8);
    CHECK(a.usage.reasoning == 6);
    CHECK(a.reason == FinishReason::tool_calls);
  }

  TEST_CASE("Gemini: a list in the stead of events is read element by element") {
    const std::string list =
        "[{\n  \"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Hold ]}\\\"\"}]}}],"
        "\"responseId\": \"r\"\n}\n,\r\n"
        R"({"candidates":[{"content":{"parts":[{"text":" on"}]},"finishReason":"STOP"}],)"
        R"("usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}}])"
        "\n";
    const ChatAnswer a = answer_of("gemini", list);
    REQUIRE(a.finished);
    CHECK(a.id == "r");
    REQUIRE(a.parts.size() == 1);
    CHECK(a.parts[0].text == "Hold ]}\" on");
    CHECK(a.usage.output == 2);
    // What is complete is told before the rest has come.
    Decoder decoder(*find_dialect("gemini"));
    decoder.head(200, {}, 0);
    ChatEvents events;
    decoder.feed(std::string_view(list).substr(0, list.find(",\r\n")), events);
    CHECK(decoder.is_stream());
    CHECK(decoder.shown());
    // Without its last bracket it is whole where it said why it ends, inside of an element it is
    // cut.
    CHECK(answer_of("gemini", list.substr(0, list.rfind(']'))).finished);
    CHECK(failure_of(answer_of("gemini", list.substr(0, list.rfind('}')))) == FailureClass::cut);
    CHECK(failure_of(answer_of("gemini", "[")) == FailureClass::cut);
    CHECK(failure_of(answer_of("gemini", "[5]")) == FailureClass::malformed);
    CHECK(failure_of(answer_of("gemini", R"([{"error":{"code":503,"message":"busy",)"
                                         R"("status":"UNAVAILABLE"}}])")) ==
          FailureClass::overloaded);
  }

  TEST_CASE("an end that nobody gave a reason for is no good stop") {
    const std::string done =
        R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":"x"}}]}

data: [DONE]

)";
    const ChatAnswer a = answer_of("openai", done);
    CHECK(!a.failure);
    CHECK(a.reason == FinishReason::unknown);
    CHECK(answer_of("openai", R"({"choices":[{"message":{"content":"x"},"finish_reason":null}]})")
              .reason == FinishReason::unknown);
    // Calls are there to be run.
    CHECK(answer_of(
              "openai",
              R"({"choices":[{"message":{"tool_calls":[{"id":"a","function":{"name":"f"}}]}}]})")
              .reason == FinishReason::tool_calls);
    for (const WireFormat format :
         {WireFormat::openai_chat, WireFormat::anthropic, WireFormat::openai_responses}) {
      const Json told = Json::parse(encode_answer(format, a, {}));
      CAPTURE(told.dump());
      if (format == WireFormat::openai_chat) CHECK(told["choices"][0]["finish_reason"] == "length");
      if (format == WireFormat::anthropic) CHECK(told["stop_reason"] == "max_tokens");
      if (format == WireFormat::openai_responses) CHECK(told["status"] == "incomplete");
    }
    CHECK(failure_of(answer_of(
              "deepseek",
              R"({"choices":[{"message":{"content":"x"},"finish_reason":"aborted"}]})")) ==
          FailureClass::overloaded);
  }

  TEST_CASE("Gemini: a call that was not expected is a call all the same") {
    for (const char* word : {"UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"}) {
      const std::string with_call =
          R"({"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":1}}}]},)"
          R"("finishReason":")" +
          std::string(word) + R"("}]})";
      const ChatAnswer a = answer_of("gemini", with_call);
      REQUIRE(!a.failure);
      CHECK(a.reason == FinishReason::tool_calls);
      CHECK(a.parts.at(0).arguments == "{\"a\":1}");
      CHECK(failure_of(answer_of(
                "gemini", R"({"candidates":[{"finishReason":")" + std::string(word) + R"("}]})")) ==
            FailureClass::malformed);
    }
  }

  TEST_CASE("text that is nearly UTF-8: halves are joined, what is none is replaced") {
    const auto streamed = [](const std::vector<std::string>& pieces, const char* member) {
      std::string body;
      for (const std::string& piece : pieces)
        body += "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"" +
                std::string(member) + "\":\"" + piece + "\"}}]}\n\n";
      body += "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
      const ChatAnswer a = answer_of("openai", body + "data: [DONE]\n\n");
      REQUIRE(!a.failure);
      std::string text;
      for (const ChatPart& part : a.parts)
        text += part.text;
      return text;
    };
    for (const char* member : {"content", "refusal", "reasoning_content"}) {
      CAPTURE(member);
      CHECK(streamed({"A", "\\ud83d", "\\ude00", "B"}, member) ==
            "A\xF0\x9F\x98\x80"
            "B");
      CHECK(streamed({"A\\ud83d",
                      "\\ude00"
                      "B"},
                     member) ==
            "A\xF0\x9F\x98\x80"
            "B");
      CHECK(streamed({"caf\xC3", "\xA9 ok"}, member) == "caf\xC3\xA9 ok");
      CHECK(streamed({"a\xF0\x9F", "\x98", "\x80"}, member) == "a\xF0\x9F\x98\x80");
      CHECK(streamed({"a\\ud83d", "b"}, member) ==
            "a\xEF\xBF\xBD"
            "b");
      CHECK(streamed({"a\\ude00"
                      "b\xFF"
                      "c"},
                     member) ==
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD"
            "c");
      CHECK(streamed({"end \\ud83d"}, member) == "end \xEF\xBF\xBD");
      CHECK(streamed({"end \xE2\x82"}, member) == "end \xEF\xBF\xBD");
    }
    const ChatAnswer whole = answer_of(
        "openai", R"({"choices":[{"message":{"content":"cut \ud83d"},"finish_reason":"length"}]})");
    CHECK(answer_text(whole) == "cut \xEF\xBF\xBD");
    CHECK(answer_text(answer_of("anthropic",
                                "{\"content\":[{\"type\":\"text\",\"text\":\"a\xC3\"}],"
                                "\"stop_reason\":\"end_turn\"}")) == "a\xEF\xBF\xBD");
    // What belongs to two texts is no pair.
    const ChatAnswer apart =
        answer_of("openai", R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":"\ud83d"}}]}

data: {"choices":[{"index":0,"delta":{"reasoning_content":"\ude00"},"finish_reason":"stop"}]}

data: [DONE]

)");
    REQUIRE(apart.parts.size() == 2);
    CHECK(apart.parts[0].text == "\xEF\xBF\xBD");
    CHECK(apart.parts[1].text == "\xEF\xBF\xBD");
  }

  TEST_CASE("calls come one after another, whatever the wire does") {
    const auto call_lines = [](std::string_view body) {
      std::vector<std::string> lines;
      for (const ChatEvent& event : decode("openai", body)) {
        if (event.kind == EventKind::tool_begun) lines.push_back("begun " + event.name);
        if (event.kind == EventKind::tool_arguments)
          lines.push_back(std::to_string(event.index) + " " + event.text);
        if (event.kind == EventKind::text) lines.push_back("text " + event.text);
      }
      return lines;
    };
    const auto chunk = [](std::string_view delta) {
      return R"(data: {"id":"c","choices":[{"index":0,"delta":)" + std::string(delta) + "}]}\n\n";
    };
    const auto piece = [&](int index, std::string_view name, std::string_view arguments) {
      std::string call = R"({"tool_calls":[{"index":)" + std::to_string(index);
      if (!name.empty()) call += R"(,"id":")" + std::string(name) + R"(")";
      call += R"(,"function":{"arguments":)" + Json(arguments).dump();
      if (!name.empty()) call += R"(,"name":")" + std::string(name) + R"(")";
      return chunk(call + "}}]}");
    };
    const std::string end =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
        "data: [DONE]\n\n";
    using Lines = std::vector<std::string>;
    CHECK(call_lines(piece(0, "f", "{\"a\"") + piece(1, "g", "{\"b\":") + piece(0, "", ":1}") +
                     piece(1, "", "2}") + end) ==
          Lines{"begun f", "0 {\"a\"", "0 :1}", "begun g", "1 {\"b\":", "1 2}"});
    // Text in the middle of the arguments waits; a call without arguments has none.
    CHECK(call_lines(piece(0, "f", "{\"a\"") + chunk(R"({"content":"so"})") + piece(0, "", ":1}") +
                     piece(1, "g", "") + end) ==
          Lines{"begun f", "0 {\"a\"", "0 :1}", "text so", "begun g", "1 {}"});
    // Arguments that come again after their end say nothing new.
    CHECK(call_lines(piece(0, "f", "{}") + piece(0, "f", "{}") + piece(0, "", " ") + end) ==
          Lines{"begun f", "0 {}"});
    CHECK(failure_of(answer_of("openai", piece(0, "", "{}") + end)) == FailureClass::malformed);
  }

  TEST_CASE("a document that came whole and is no answer is not worth asking for again") {
    for (const char* dialect : {"openai", "openai-responses", "anthropic", "gemini"}) {
      CAPTURE(dialect);
      const ChatAnswer none = answer_of(dialect, "{}");
      CHECK(failure_of(none) == FailureClass::malformed);
      CHECK_FALSE(none.failure->should_retry);
      // It was cut short: another attempt may come whole.
      CHECK(answer_of(dialect, "{\"id\":").failure->should_retry);
    }
  }

  TEST_CASE("Responses: arguments and texts that come only when they are done") {
    const std::string created =
        R"(data: {"type":"response.created","response":{"id":"r","status":"in_progress"}}

data: {"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"c","name":"f","arguments":""}}

)";
    const std::string done =
        R"(data: {"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"a\":1}"}

)";
    const std::string item =
        R"(data: {"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"ARGS"}}

)";
    const auto completed = [](std::string_view output) {
      return R"(data: {"type":"response.completed","response":{"id":"r","status":"completed","output":)" +
             std::string(output) + "}}\n\n";
    };
    std::string item_empty = item, item_full = item;
    item_empty.replace(item_empty.find("ARGS"), 4, "");
    item_full.replace(item_full.find("ARGS"), 4, R"({\"a\":1})");
    const std::string call =
        R"({"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"})";
    for (const std::string& body :
         {created + done + item_empty + completed("[]"), created + done + completed("[]"),
          created + item_full + completed("[]"), created + done + item_full + completed("[]"),
          created + item_empty + completed("[" + call + "]"), completed("[" + call + "]")}) {
      const ChatAnswer a = answer_of("openai-responses", body);
      CAPTURE(body);
      REQUIRE(a.parts.size() == 1);
      CHECK(a.parts[0].arguments == "{\"a\":1}");
    }
    const ChatAnswer text = answer_of(
        "openai-responses",
        R"(data: {"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"m"}}

data: {"type":"response.output_text.done","output_index":0,"text":"hi"}

data: {"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"m","content":[{"type":"output_text","text":"hi"}]}}

)" + completed("[]"));
    CHECK(answer_text(text) == "hi");
  }

  TEST_CASE("Gemini: a refused prompt is an answer that a filter ended, in every client's words") {
    constexpr std::string_view body =
        R"({"promptFeedback":{"blockReason":"PROHIBITED_CONTENT","safetyRatings":[]},)"
        R"("usageMetadata":{"promptTokenCount":8,"totalTokenCount":8},"modelVersion":"g"})";
    for (const std::string& bytes : {std::string(body), "data: " + std::string(body) + "\n\n"}) {
      const ChatAnswer blocked = answer_of("gemini", bytes);
      REQUIRE(!blocked.failure);
      CHECK(blocked.finished);
      CHECK(blocked.reason == FinishReason::filtered);
      CHECK(blocked.usage.input == 8);
      const auto told = [&](WireFormat format) {
        return Json::parse(encode_answer(format, blocked, {.id = "i", .model = "m"}));
      };
      const Json chat = told(WireFormat::openai_chat);
      CHECK(chat["choices"][0]["finish_reason"] == "content_filter");
      CHECK(chat["choices"][0]["message"]["content"].is_null());
      CHECK(told(WireFormat::anthropic)["stop_reason"] == "refusal");
      const Json responses = told(WireFormat::openai_responses);
      CHECK(responses["status"] == "incomplete");
      CHECK(responses["incomplete_details"]["reason"] == "content_filter");
      const Json gemini = told(WireFormat::gemini);
      CHECK(gemini["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT");
      CHECK(!gemini.contains("candidates"));
      CHECK(gemini["usageMetadata"]["promptTokenCount"] == 8);
    }
  }

  TEST_CASE("Gemini: a stream to a client of its own of a refused prompt has no candidate") {
    Decoder decoder(*find_dialect("gemini"));
    decoder.head(200, {}, 0);
    ChatEvents events;
    decoder.feed("data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n", events);
    decoder.end(events);
    AnswerStream stream;
    stream.format = stream.origin = WireFormat::gemini;
    std::string out;
    for (const ChatEvent& event : events)
      encode_event(stream, event, out);
    CHECK(out.find(R"("promptFeedback":{"blockReason":"SAFETY"})") != std::string::npos);
    CHECK(out.find("candidates") == std::string::npos);
  }

  TEST_CASE("Gemini: a broken call is no answer") {
    CHECK(failure_of(answer_of("gemini",
                               R"({"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]})")) ==
          FailureClass::malformed);
  }

  TEST_CASE("Gemini: words beside a broken call are an answer, thoughts alone are none") {
    for (const char* word : {"UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS",
                             "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE"}) {
      CAPTURE(word);
      const auto chunk = [&](const char* part, bool ends) {
        Json candidate = {{"content", {{"parts", {Json::parse(part)}}}}};
        if (ends) candidate["finishReason"] = word;
        return Json{{"candidates", {candidate}}}.dump();
      };
      const char* const text = R"({"text":"So."})";
      const std::string end = Json{{"candidates", {{{"finishReason", word}}}}}.dump();
      for (const std::string& bytes :
           {chunk(text, true), "data: " + chunk(text, false) + "\n\ndata: " + end + "\n\n"}) {
        const ChatAnswer a = answer_of("gemini", bytes);
        REQUIRE(!a.failure);
        CHECK(answer_text(a) == "So.");
        CHECK(a.reason == FinishReason::stop);
        const std::string google = encode_answer(WireFormat::gemini, a, {});
        CHECK(Json::parse(google)["candidates"][0]["finishReason"] == word);
        const std::string chat = encode_answer(WireFormat::openai_chat, a, {});
        CHECK(Json::parse(chat)["choices"][0]["finish_reason"] == "stop");
      }
      CHECK(failure_of(answer_of("gemini", chunk(R"({"text":"hm","thought":true})", true))) ==
            FailureClass::malformed);
    }
  }

  TEST_CASE("Responses: response.created may be absent, an item may come without deltas") {
    const ChatAnswer a = answer_of("openai-responses", R"(event: response.output_item.done
data: {"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"enc"}}

event: response.output_item.added
data: {"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","call_id":"c","name":"f","arguments":""}}

event: response.output_item.done
data: {"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}}

event: response.incomplete
data: {"type":"response.incomplete","response":{"id":"r","model":"m","status":"incomplete","error":null,"incomplete_details":{"reason":"max_output_tokens"},"output":[],"usage":{"input_tokens":3,"output_tokens":2}}}

)");
    REQUIRE(a.parts.size() == 2);
    CHECK(a.parts[0].signature == "enc");
    CHECK(a.parts[1].arguments == "{}");
    CHECK(a.reason == FinishReason::length);
    CHECK(a.usage.input == 3);
  }

  TEST_CASE("a stream is over with its terminator, or with its reason and its body") {
    const std::string chunk =
        R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]})"
        "\n\n";
    const std::string no_reason =
        R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":"x"}}]})"
        "\n\n";
    CHECK(answer_of("openai", chunk).reason == FinishReason::stop);
    CHECK(answer_of("openai", chunk + ": beat\n\n: beat\n\n").reason == FinishReason::stop);
    CHECK(answer_of("anthropic", R"(data: {"type":"message_start","message":{"id":"m"}}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}

)")
              .reason == FinishReason::stop);
    CHECK(failure_of(answer_of("openai", no_reason)) == FailureClass::cut);
    CHECK(failure_of(answer_of("openai", chunk + "data: {\"choi")) == FailureClass::cut);
    CHECK(failure_of(answer_of("openai", "")) == FailureClass::cut);
    CHECK(!answer_of("openai", chunk + "data: [DONE]").failure);  // the last line has no end
    Decoder decoder(*find_dialect("openai"));
    ChatEvents events;
    decoder.feed(chunk, events);
    CHECK(decoder.finish_seen());
    CHECK_FALSE(decoder.over());
  }

  TEST_CASE("what is no answer is a failure: garbage, HTML, truncated or endless JSON") {
    CHECK(failure_of(answer_of("openai", "data: nonsense\n\n")) == FailureClass::malformed);
    CHECK(failure_of(answer_of("openai", "<html></html>")) == FailureClass::malformed);
    CHECK(failure_of(answer_of("anthropic", "{\"content\":[")) == FailureClass::malformed);
    CHECK(failure_of(answer_of("openai", "{\"choices\":[]}")) == FailureClass::malformed);
    CHECK(failure_of(answer_of("openai", "{\"error\":{\"message\":\"x\",\"code\":503}}")) ==
          FailureClass::overloaded);
    Decoder decoder(*find_dialect("openai"));
    ChatEvents events;
    const std::string megabyte(1 << 20, ' ');
    decoder.feed("{", events);
    for (int i = 0; i < 40 && !decoder.over(); ++i)
      decoder.feed(megabyte, events);
    REQUIRE(decoder.over());
    CHECK(events.back().failure->failure_class == FailureClass::malformed);
  }

  TEST_CASE("retry-after means something on failures only") {
    const std::vector<Header> headers{{"retry-after", "5"}};
    CHECK(answer_of("openai", "{\"error\":{\"message\":\"slow\"}}", 429, headers)
              .failure->retry_after_ms == 5000);
    CHECK_FALSE(answer_of("openai", "data: x\n\n", 200, headers).failure->retry_after_ms);
  }
}
