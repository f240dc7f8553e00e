#include "engine/llm/context_overflow.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/llm/encode_answer.hpp"
#include "engine/llm/failure.hpp"

using namespace redoubt::llm;
using nlohmann::json;

namespace {

struct Said {
  const char* text;
  std::optional<ContextNumbers> numbers;
};

const Said sayings[] = {
    {"prompt is too long: 215350 tokens > 200000 maximum",
     ContextNumbers{.prompt = 215350, .output = {}, .limit = 200000}},
    {"input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000, decrease input "
     "length or `max_tokens` and try again",
     ContextNumbers{.prompt = 190000, .output = 32000, .limit = 200000}},
    {"input length and `max_tokens` exceed context limit: 210000 + 32000 > 200000, decrease input",
     ContextNumbers{.prompt = 210000, .output = {}, .limit = 200000}},
    {"This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (8000 "
     "in the messages, 1000 in the completion).",
     ContextNumbers{.prompt = 8000, .output = 1000, .limit = 8192}},
    {"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 "
     "tokens.",
     ContextNumbers{.prompt = 9000, .output = {}, .limit = 8192}},
    {"The input token count (1196265) exceeds the maximum number of tokens allowed (1048576).",
     ContextNumbers{.prompt = 1196265, .output = {}, .limit = 1048576}},
    {"request (9000 tokens) exceeds the available context size (4096 tokens)",
     ContextNumbers{.prompt = 9000, .output = {}, .limit = 4096}},
    {"gpt-4 and 4o: the input (150 tokens) is longer than the model's context length (100 tokens).",
     ContextNumbers{.prompt = 150, .output = {}, .limit = 100}},
    // What a number means is not clear, or it is none of tokens.
    {"prompt too long; exceeded max context length by 4 tokens", std::nullopt},
    {"Your input exceeds the context window of this model.", std::nullopt},
    {"account 123456789012 of 200000 has too many tokens in its prompt", std::nullopt},
    {"the input has 1.5 times 3000 tokens", std::nullopt},
    {"1 2 3 4 5 6 7 8 9", std::nullopt},
    {"", std::nullopt},
};

ChatFailure overflow(std::string_view text) {
  return failure_from_json({{"error", {{"message", text}}}}, 400);
}

}  // namespace

TEST_SUITE("context overflow") {
  TEST_CASE("the numbers of each provider's sentence are found, and read back from ours") {
    for (const Said& said : sayings) {
      CAPTURE(said.text);
      const auto numbers = context_numbers(said.text);
      CHECK(numbers == said.numbers);
      for (const WireFormat format : {WireFormat::openai_chat, WireFormat::openai_responses,
                                      WireFormat::anthropic, WireFormat::gemini}) {
        const std::string words = context_words(format, numbers);
        CAPTURE(words);
        CHECK(context_numbers(words) == numbers);
        CHECK(is_context_overflow(overflow(words)));
      }
    }
  }

  TEST_CASE("each client hears the sentence by which its SDKs know an overflow") {
    const ChatFailure failure = overflow("prompt is too long: 210000 tokens > 200000 maximum");
    REQUIRE(is_context_overflow(failure));
    for (const WireFormat format : {WireFormat::openai_chat, WireFormat::openai_responses}) {
      const json openai = json::parse(encode_failure(format, failure))["error"];
      CHECK(openai["type"] == "invalid_request_error");
      CHECK(openai["code"] == "context_length_exceeded");
      CHECK(openai["message"] ==
            "This model's maximum context length is 200000 tokens. However, your messages resulted "
            "in 210000 tokens. Please reduce the length of the messages.");
    }
    const json claude = json::parse(encode_failure(WireFormat::anthropic, failure))["error"];
    CHECK(claude["type"] == "invalid_request_error");
    CHECK(claude["message"] == "prompt is too long: 210000 tokens > 200000 maximum");
    const json gemini = json::parse(encode_failure(WireFormat::gemini, failure))["error"];
    CHECK(gemini["code"] == 400);
    CHECK(gemini["status"] == "INVALID_ARGUMENT");
    CHECK(gemini["message"] ==
          "The input token count (210000) exceeds the maximum number of tokens allowed (200000).");
  }

  TEST_CASE("a prompt that fits without its answer: Claude's sentence, and its numbers elsewhere") {
    const ChatFailure failure = overflow(
        "This model's maximum context length is 200000 tokens. However, you requested 222000 "
        "tokens (190000 in the messages, 32000 in the completion).");
    CHECK(client_message(WireFormat::anthropic, failure) ==
          "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000, decrease "
          "input length or `max_tokens` and try again");
    CHECK(client_message(WireFormat::openai_chat, failure) ==
          "This model's maximum context length is 200000 tokens. However, you requested 222000 "
          "tokens (190000 in the messages, 32000 in the completion). Please reduce the length of "
          "the messages or completion.");
    CHECK(client_message(WireFormat::gemini, failure) ==
          "The input token count plus maxOutputTokens exceeds the maximum number of tokens "
          "allowed: 190000 + 32000 > 200000.");
  }

  TEST_CASE("an overflow without numbers is known by its beginning") {
    const ChatFailure failure = overflow("Your input exceeds the context window of this model.");
    CHECK(client_message(WireFormat::anthropic, failure).starts_with("prompt is too long: "));
    CHECK(client_message(WireFormat::openai_chat, failure)
              .starts_with("This model's maximum context length is "));
    CHECK(client_message(WireFormat::gemini, failure)
              .find("exceeds the maximum number of tokens allowed") != std::string::npos);
  }

  TEST_CASE("whatever the status and the code: an overflow inside a stream is a 400") {
    for (const char* body :
         {R"({"error":{"message":"x","code":"context_length_exceeded"}})",
          R"({"error":{"message":"x","type":"exceed_context_size_error","code":400}})",
          R"({"error":{"message":"x","code":"model_max_prompt_tokens_exceeded"}})"}) {
      CAPTURE(body);
      const ChatFailure failure = failure_from_json(json::parse(body), 0);
      CHECK(is_context_overflow(failure));
      CHECK(failure.status == 400);
      CHECK_FALSE(failure.should_retry);
    }
  }

  TEST_CASE("other bounds stay what they are") {
    for (const char* message : {"Request exceeds the maximum size",
                                "Request too large for model x on tokens per minute"}) {
      CAPTURE(message);
      const ChatFailure failure = failure_from_json({{"error", {{"message", message}}}}, 413);
      CHECK(failure.failure_class == FailureClass::too_large);
      CHECK_FALSE(is_context_overflow(failure));
      CHECK(client_message(WireFormat::anthropic, failure) == message);
    }
  }
}
