// What decoders read of a call's usage beside the plain counts: tokens that only the total has,
// audio, searches, and a cost in dollars.
#include "engine/llm/usage.hpp"

#include <doctest/doctest.h>

#include "engine/llm/decoder.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {

Usage whole(const char* dialect, std::string_view body) {
  Decoder decoder(*find_dialect(dialect));
  ChatEvents events;
  decoder.head(200, {}, 0);
  decoder.feed(body, events);
  decoder.end(events);
  ChatAnswer answer;
  for (const ChatEvent& event : events)
    fold(answer, event, decoder.format());
  CHECK_MESSAGE(!answer.failure, (answer.failure ? answer.failure->message : ""));
  return answer.usage;
}

Usage chat(const char* dialect, std::string_view usage) {
  return whole(dialect, R"({"id": "c", "model": "m", "choices": [{"index": 0, "message":
    {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}], "usage": )" +
                            std::string(usage) + "}");
}

}  // namespace

TEST_SUITE("llm usage") {
  TEST_CASE("thoughts that Gemini's OpenAI endpoint leaves out are output") {
    const Usage usage = chat("openai", R"({"prompt_tokens": 10, "completion_tokens": 5,
                                           "total_tokens": 315})");
    CHECK(usage.input == 10);
    CHECK(usage.output == 305);
  }

  TEST_CASE("xAI's thoughts beside the completion are output, once") {
    const Usage usage = chat("xai", R"({"prompt_tokens": 10, "completion_tokens": 5,
      "total_tokens": 115, "completion_tokens_details": {"reasoning_tokens": 100}})");
    CHECK(usage.output == 105);
    CHECK(usage.reasoning == 100);
  }

  TEST_CASE("Mistral's audio, told in seconds, is the prompt's") {
    const Usage usage = chat("mistral", R"({"prompt_audio_seconds": 12, "prompt_tokens": 10,
                                            "completion_tokens": 5, "total_tokens": 390})");
    CHECK(usage.input == 385);
    CHECK(usage.audio_input == 375);
    CHECK(usage.output == 5);
  }

  TEST_CASE("a report without counts, or with what is none, is no report") {
    for (const char* odd :
         {"{}", "null", R"({"prompt_tokens": "10", "completion_tokens": "5"})",
          R"({"prompt_tokens": 10, "completion_tokens": 900.5})",
          R"({"prompt_tokens": 10, "completion_tokens": 1e19})",
          R"({"prompt_tokens": 10, "completion_tokens": -9})", R"({"cost": 0})"}) {
      CAPTURE(odd);
      CHECK_FALSE(chat("openai", odd).reported);
    }
    CHECK(chat("openai", R"({"prompt_tokens": 10, "completion_tokens": null})").reported);
    CHECK(chat("openai", R"({"prompt_tokens": 10.0, "completion_tokens": 5})").reported);
    const auto reported = [](const char* dialect, const char* head, const char* usage) {
      return whole(dialect, std::string(head) + usage + "}").reported;
    };
    constexpr const char* anthropic = R"({"type": "message", "role": "assistant", "content":
      [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "usage": )";
    CHECK(reported("anthropic", anthropic, R"({"input_tokens": 10, "output_tokens": 5})"));
    CHECK_FALSE(reported("anthropic", anthropic, R"({"input_tokens": "10", "output_tokens": 5})"));
    CHECK_FALSE(reported("anthropic", anthropic, "{}"));
    constexpr const char* gemini = R"({"candidates": [{"content": {"parts": [{"text": "hi"}]},
      "finishReason": "STOP"}], "usageMetadata": )";
    CHECK(reported("gemini", gemini, R"({"promptTokenCount": 10, "totalTokenCount": 15})"));
    CHECK_FALSE(reported("gemini", gemini, R"({"promptTokenCount": -1, "totalTokenCount": 15})"));
    CHECK_FALSE(reported("gemini", gemini, "{}"));
    constexpr const char* responses = R"({"object": "response", "status": "completed", "output":
      [{"type": "message", "content": [{"type": "output_text", "text": "hi"}]}], "usage": )";
    CHECK(reported("openai-responses", responses, R"({"input_tokens": 10, "output_tokens": 5})"));
    CHECK_FALSE(
        reported("openai-responses", responses, R"({"input_tokens": 1, "output_tokens": []})"));
  }

  TEST_CASE("a total below its parts takes nothing away") {
    const Usage usage = chat("groq", R"({"prompt_tokens": 10, "completion_tokens": 5,
                                         "total_tokens": 7})");
    CHECK(usage.input == 10);
    CHECK(usage.output == 5);
  }

  TEST_CASE("the same for Responses and Gemini") {
    const Usage responses = whole("openai-responses", R"({"id": "r", "model": "m", "status":
      "completed", "output": [{"type": "web_search_call", "id": "w"},
      {"type": "web_search_call", "id": "v"}, {"type": "file_search_call", "id": "f"}],
      "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 20}})");
    CHECK(responses.output == 10);
    CHECK(responses.web_searches == 2);
    CHECK(responses.file_searches == 1);
    const Usage gemini = whole("gemini", R"({"candidates": [{"content": {"parts": [{"text": "a"}]},
      "finishReason": "STOP", "groundingMetadata": {"webSearchQueries": ["x", "y"]}}],
      "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7,
      "totalTokenCount": 25, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 4},
      {"modality": "AUDIO", "tokenCount": 6}]}})");
    CHECK(gemini.output == 15);
    CHECK(gemini.reasoning == 7);
    CHECK(gemini.audio_input == 6);
    CHECK(gemini.web_searches == 2);
  }

  TEST_CASE("audio tokens of OpenAI's details, and Anthropic's searches") {
    const Usage audio = chat("openai", R"({"prompt_tokens": 10, "completion_tokens": 9,
      "total_tokens": 19, "prompt_tokens_details": {"audio_tokens": 4, "cached_tokens": 0},
      "completion_tokens_details": {"audio_tokens": 6}})");
    CHECK(audio.audio_input == 4);
    CHECK(audio.audio_output == 6);
    const Usage claude = whole("anthropic", R"({"id": "m", "type": "message", "role": "assistant",
      "model": "c", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn",
      "usage": {"input_tokens": 3, "output_tokens": 4,
                "server_tool_use": {"web_search_requests": 2}}})");
    CHECK(claude.web_searches == 2);
  }

  TEST_CASE("OpenRouter tells what the call cost; with one's own key also the provider's part") {
    CHECK(chat("openrouter", R"({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2,
      "cost": 0.00001815, "is_byok": false,
      "cost_details": {"upstream_inference_cost": 0.00001815}})")
              .reported_picodollars == 18'150'000);
    CHECK(chat("openrouter", R"({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2,
      "cost": 0.00000005, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.000001}})")
              .reported_picodollars == 1'050'000);
    CHECK(!chat("openrouter", R"({"prompt_tokens": 1, "completion_tokens": 1, "cost": -4})")
               .reported_picodollars);
    CHECK(!chat("openrouter", R"({"prompt_tokens": 1, "completion_tokens": 1, "cost": "1"})")
               .reported_picodollars);
  }
}
