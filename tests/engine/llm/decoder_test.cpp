// What providers really do, one case each, in bytes written for it.
#include "engine/llm/decoder.hpp"

#include <doctest/doctest.h>

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

  TEST_CASE("Gemini: a refused prompt and a broken call are no answers") {
    CHECK(failure_of(answer_of("gemini", R"({"promptFeedback":{"blockReason":"SAFETY"}})")) ==
          FailureClass::filtered);
    CHECK(failure_of(answer_of("gemini",
                               R"({"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]})")) ==
          FailureClass::malformed);
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

  TEST_CASE("a stream without its end failed, whatever came before") {
    const std::string chunk =
        R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]})"
        "\n\n";
    CHECK(failure_of(answer_of("openai", chunk)) == FailureClass::cut);
    CHECK(failure_of(answer_of("openai", chunk + ": beat\n\n: beat\n\n")) == FailureClass::cut);
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
