// Several answers to one prompt: OpenAI's n and Gemini's candidateCount.
#include <doctest/doctest.h>

#include "engine/base/json.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/decoder.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/encode_answer.hpp"
#include "engine/llm/text_completion.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {

constexpr std::string_view chat_prompt =
    R"({"model":"m","messages":[{"role":"user","content":"Where to?"}],"n":)";

ChatRequest asked(WireFormat format, const std::string& body) {
  auto request = decode_client_request(format, body);
  REQUIRE_MESSAGE(request.ok(), request.error().message);
  return std::move(*request);
}

ChatRequest asked_for(std::int64_t answers) {
  return asked(WireFormat::openai_chat, std::string(chat_prompt) + std::to_string(answers) + "}");
}

Result<WireRequest> sent(const ChatRequest& request, std::string_view dialect) {
  return encode_request(request, {.dialect = find_dialect(dialect), .model = "target"});
}

struct Heard {
  ChatEvents events;
  ChatAnswer answer;
};

Heard heard(std::string_view dialect, std::int64_t answers, std::string_view bytes,
            std::size_t piece = 4096) {
  Decoder decoder(*find_dialect(dialect));
  decoder.expect(answers);
  decoder.head(200, {}, 0);
  Heard heard;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    decoder.feed(bytes.substr(at, piece), heard.events);
  decoder.end(heard.events);
  for (const ChatEvent& event : heard.events)
    fold(heard.answer, event, decoder.format());
  return heard;
}

std::string streamed(WireFormat format, const Heard& heard, WireFormat origin,
                     bool as_list = false) {
  AnswerStream stream;
  stream.format = format;
  stream.origin = origin;
  stream.stamp.model = "m";
  stream.as_list = as_list;
  std::string out;
  for (const ChatEvent& event : heard.events)
    encode_event(stream, event, out);
  return out;
}

constexpr std::string_view whole_chat = R"({"id":"c1","object":"chat.completion","model":"t",
  "choices":[
    {"index":1,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"k","type":"function",
      "function":{"name":"go","arguments":"{\"to\":7}"}}]},"finish_reason":"tool_calls"},
    {"index":0,"message":{"role":"assistant","content":"North."},"finish_reason":"stop",
      "logprobs":{"content":[{"token":"North"}]}},
    {"index":2,"message":{"role":"assistant","content":"Sou"},"finish_reason":"length"}],
  "usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19}})";

constexpr std::string_view chat_stream =
    "data: {\"id\":\"c1\",\"model\":\"t\",\"choices\":[{\"index\":1,\"delta\":{\"role\":"
    "\"assistant\",\"content\":\"So\"}}]}\n\n"
    "data: {\"id\":\"c1\",\"model\":\"t\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
    "\"North\"}}]}\n\n"
    "data: {\"id\":\"c1\",\"model\":\"t\",\"choices\":[{\"index\":1,\"delta\":{\"content\":"
    "\"uth\"},\"finish_reason\":\"length\"}]}\n\n"
    "data: {\"id\":\"c1\",\"model\":\"t\",\"choices\":[{\"index\":0,\"delta\":{},"
    "\"finish_reason\":\"stop\"}]}\n\n"
    "data: "
    "{\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":6}}\n\n";

constexpr std::string_view gemini_whole = R"({"candidates":[
    {"content":{"role":"model","parts":[{"text":"North."}]},"finishReason":"STOP","index":0},
    {"content":{"role":"model","parts":[{"functionCall":{"name":"go","args":{"to":7}}}]},
     "finishReason":"STOP","index":1}],
  "usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":6,"totalTokenCount":10},
  "modelVersion":"t","responseId":"r"})";

}  // namespace

TEST_SUITE("llm/several_answers") {
  TEST_CASE("who can give several is asked for them, and who cannot is not asked") {
    for (const char* dialect : {"openai", "mistral", "xai", "vllm"})
      CHECK(sent(asked_for(3), dialect)->body.find(R"("n":3)") != std::string::npos);
    CHECK(sent(asked_for(3), "gemini")->body.find(R"("candidateCount":3)") != std::string::npos);
    for (const char* dialect : {"gemini", "anthropic", "groq"})
      CHECK(sent(asked_for(1), dialect).ok());
    const ChatRequest gemini =
        asked(WireFormat::gemini, R"({"contents":[{"role":"user","parts":[{"text":"a"}]}],
                                      "generationConfig":{"candidateCount":2}})");
    CHECK(sent(gemini, "gemini")->body.find(R"("candidateCount":2)") != std::string::npos);
    CHECK(sent(gemini, "openai")->body.find(R"("n":2)") != std::string::npos);
    for (const char* dialect :
         {"anthropic", "openai-responses", "groq", "ollama", "deepseek", "openrouter"}) {
      const auto wire = sent(asked_for(3), dialect);
      REQUIRE(!wire.ok());
      CHECK(wire.error().code == "unsupported");
      CHECK(wire.error().message ==
            std::string(dialect) +
                " cannot take 3 answers to one prompt (n); ask for one, or another model");
    }
    CHECK(sent(asked_for(9), "gemini").error().message ==
          "gemini cannot take 9 answers to one prompt (n); ask for fewer, or another model");
    const auto many =
        decode_client_request(WireFormat::openai_chat, std::string(chat_prompt) + "33}");
    REQUIRE(!many.ok());
    CHECK(many.error().path == "n");
    CHECK(many.error().message.find("1 to 32 answers") != std::string::npos);
    CHECK(!decode_client_request(WireFormat::openai_chat, std::string(chat_prompt) + "0}").ok());
  }

  TEST_CASE("a whole answer has all of them, each with what was told of it") {
    const Heard all = heard("openai", 3, whole_chat);
    REQUIRE(!all.answer.failure);
    REQUIRE(all.answer.others.size() == 2);
    CHECK(answer_text(all.answer) == "North.");
    CHECK(all.answer.reason == FinishReason::stop);
    CHECK(all.answer.others[0].parts[0].arguments == R"({"to":7})");
    CHECK(all.answer.others[0].reason == FinishReason::tool_calls);
    CHECK(answer_text(all.answer.others[1]) == "Sou");
    CHECK(all.answer.usage.output == 9);
    CHECK(encode_answer(WireFormat::openai_chat, all.answer, {.model = "m"}) ==
          R"({"id":"c1","object":"chat.completion","created":0,"model":"m","choices":[)"
          R"({"index":0,"message":{"role":"assistant","content":"North.","refusal":null},)"
          R"("finish_reason":"stop","logprobs":{"content":[{"token":"North"}]}},)"
          R"({"index":1,"message":{"role":"assistant","content":null,"refusal":null,)"
          R"("tool_calls":[{"id":"k","type":"function","function":{"name":"go",)"
          R"("arguments":"{\"to\":7}"}}]},"logprobs":null,"finish_reason":"tool_calls"},)"
          R"({"index":2,"message":{"role":"assistant","content":"Sou","refusal":null},)"
          R"("logprobs":null,"finish_reason":"length"}],"usage":{"prompt_tokens":10,)"
          R"("completion_tokens":9,"total_tokens":19}})");
    const Json gemini = Json::parse(encode_answer(WireFormat::gemini, all.answer, {}));
    REQUIRE(gemini["candidates"].size() == 3);
    CHECK(gemini["candidates"][1]["content"]["parts"][0]["functionCall"]["name"] == "go");
    CHECK(gemini["candidates"][2]["finishReason"] == "MAX_TOKENS");
    const Json texts = Json::parse(encode_text_completion(all.answer, {}));
    REQUIRE(texts["choices"].size() == 3);
    CHECK(texts["choices"][2]["index"] == 2);
    CHECK(texts["choices"][2]["text"] == "Sou");
  }

  TEST_CASE("a stream's pieces keep their answer's number, however they are split") {
    for (const std::size_t piece : {1, 7, 4096}) {
      const Heard all = heard("openai", 2, chat_stream, piece);
      REQUIRE(!all.answer.failure);
      CHECK(answer_text(all.answer) == "North");
      REQUIRE(all.answer.others.size() == 1);
      CHECK(answer_text(all.answer.others[0]) == "South");
      CHECK(all.answer.others[0].reason == FinishReason::length);
      CHECK(all.answer.others[0].finished);
      CHECK(all.events.back().kind == EventKind::finished);
      // What is told again is heard again as it was.
      const std::string chat = streamed(WireFormat::openai_chat, all, WireFormat::openai_chat);
      const Heard again = heard("openai", 2, chat);
      CHECK(answer_text(again.answer) == "North");
      REQUIRE(again.answer.others.size() == 1);
      CHECK(answer_text(again.answer.others[0]) == "South");
      CHECK(again.answer.others[0].reason == FinishReason::length);
      // SDKs take an answer without a role for broken.
      CHECK(chat.find(R"("index":1,"delta":{"role":"assistant")") != std::string::npos);
      CHECK(chat.find("[DONE]") == chat.rfind("[DONE]"));
      const Heard by_gemini =
          heard("gemini", 2, streamed(WireFormat::gemini, all, WireFormat::openai_chat));
      CHECK(answer_text(by_gemini.answer.others.at(0)) == "South");
      CHECK(
          Json::parse(streamed(WireFormat::gemini, all, WireFormat::openai_chat, true)).is_array());
    }
  }

  TEST_CASE("Gemini's candidates are several answers") {
    const Heard all = heard("gemini", 2, gemini_whole);
    REQUIRE(!all.answer.failure);
    CHECK(answer_text(all.answer) == "North.");
    REQUIRE(all.answer.others.size() == 1);
    CHECK(all.answer.others[0].reason == FinishReason::tool_calls);
    const Json chat = Json::parse(encode_answer(WireFormat::openai_chat, all.answer, {}));
    CHECK(chat["choices"][1]["finish_reason"] == "tool_calls");
    const Json again = Json::parse(encode_answer(WireFormat::gemini, all.answer, {}));
    CHECK(again["candidates"][1]["content"]["parts"][0]["functionCall"]["args"]["to"] == 7);
  }

  TEST_CASE("what was not asked for is not told") {
    const Heard one = heard("openai", 1, whole_chat);
    CHECK(one.answer.others.empty());
    CHECK(answer_text(one.answer) == "North.");
    CHECK(heard("openai", 2, whole_chat).answer.others.size() == 1);
    CHECK(heard("gemini", 1, gemini_whole).answer.others.empty());
  }

  TEST_CASE("a stream that ends before all of them have ended is cut") {
    const std::string_view half = chat_stream.substr(0, chat_stream.find("uth"));
    const std::string cut = std::string(half.substr(0, half.rfind("data:"))) +
                            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
                            "\"stop\"}]}\n\n";
    const Heard all = heard("openai", 2, cut);
    REQUIRE(all.answer.failure);
    CHECK(all.answer.failure->failure_class == FailureClass::cut);
  }

  TEST_CASE("a fault of one of them is the end of all") {
    const Heard all =
        heard("openai", 2,
              R"({"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"},
                       {"index":1,"message":{"content":"b"},"finish_reason":"error"}]})");
    REQUIRE(all.answer.failure);
    CHECK(all.answer.failure->failure_class == FailureClass::overloaded);
  }
}
