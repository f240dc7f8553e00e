#include "relay/upstream/failure_words.hpp"

#include <doctest/doctest.h>

#include <string>

#include "engine/llm/context_overflow.hpp"
#include "engine/llm/failure.hpp"

using namespace redoubt;
using namespace redoubt::upstream;
using enum llm::FailureClass;

namespace {
const std::string key = "sk-proj-Qz7xK2m9_vB4tLw8RfYc1HdJ6nPs3Ga5";
const SecretTexts keys{key};

llm::ChatFailure of(llm::FailureClass failure_class, std::string message, std::string code = "",
                    std::string param = "") {
  llm::ChatFailure failure = llm::local_failure(failure_class, std::move(message));
  failure.code = std::move(code);
  failure.param = std::move(param);
  failure.request_id = "req_secret";
  return failure;
}
}  // namespace

TEST_SUITE("failure words") {
  TEST_CASE("no text of a provider leaves but of a request that is at fault") {
    const std::string text = "a text of the provider's";
    for (int i = 0; i <= static_cast<int>(cut); ++i) {
      const auto failure_class = static_cast<llm::FailureClass>(i);
      CAPTURE(llm::failure_name(failure_class));
      const auto told = failure_for_client(of(failure_class, text, "their_code", "tools"), keys);
      const bool own_fault = failure_class == bad_request || failure_class == too_large;
      CHECK((told.message == text) == own_fault);
      CHECK((told.code == "their_code") == own_fault);
      CHECK((told.param == "tools") == own_fault);
      CHECK_FALSE(told.message.empty());
      CHECK(told.request_id.empty());
    }
    CHECK(failure_for_client(of(unauthorized, text), keys).failure_class == server_error);
    CHECK(failure_for_client(of(no_quota, text), keys).failure_class == server_error);
    CHECK(failure_for_client(of(not_found, text), keys).failure_class == server_error);
  }

  TEST_CASE("what helps who asked is told") {
    for (const std::string text : {
             "Missing required parameter: 'messages[0].content[0].type'.",
             "messages.1.content.0.type: Field required",
             "Unsupported value: 'temperature' does not support 0.2 with this model. Only the "
             "default (1) value is supported.",
             "max_tokens is too large: 300000. This model supports at most 16384 completion "
             "tokens, whereas you provided 300000.",
             "prompt is too long: 210543 tokens > 200000 maximum",
             "* GenerateContentRequest.contents: contents is not specified\n",
             "Invalid schema for function 'move': In context=('properties', 'to'), "
             "'additionalProperties' is required to be supplied and to be false.",
             "Invalid MIME type. Only image/png, image/jpeg and/or image/svg+xml are supported",
             "The model gemini-2.5-flash or claude-3-5-sonnet-20241022 does not take top_k.",
             "No tool output found for function call call_9fK2mX7bQ1zL4tW8rY3n.",
             "tool_use ids were found without tool_result blocks immediately after: "
             "toolu_01A09q90qw90lq917835lq9. Each must have one.",
             "no such tool",
             // Recorded.
             "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got "
             "-1 "
             "instead.",
             "The file type you uploaded is not supported. Please try again with a pdf",
             "Unsupported value: 'messages[0].role' does not support 'developer' with this model.",
             "This model does not support effort level 'xhigh'. Supported levels: high, low, max, "
             "medium.",
             "Tool call validation failed: tool call validation failed: parameters for tool move "
             "did "
             "not match schema: errors: [missing properties: 'name', additionalProperties 'to' not "
             "allowed]",
         }) {
      CAPTURE(text);
      CHECK(is_harmless(text));
      const std::string_view own[] = {"move"};
      CHECK(has_known_words_only(text, own));
    }
    const auto told = failure_for_client(
        of(bad_request, "* a: is\n  wrong\n", "invalid_value", "tools[0].function.name"), keys);
    CHECK(told.message == "* a: is wrong");
    CHECK(told.code == "invalid_value");
    CHECK(told.param == "tools[0].function.name");
    const auto long_one = failure_for_client(of(
                                                 bad_request, std::string("word") +
                                                                  [] {
                                                                    std::string words;
                                                                    for (int i = 0; i < 300; ++i)
                                                                      words += " word";
                                                                    return words;
                                                                  }()),
                                             keys);
    CHECK(long_one.message.ends_with(" word ..."));
    CHECK(long_one.message.size() <= told_bytes_max + 4);
  }

  TEST_CASE("of an overflow of the context only the numbers are the provider's") {
    llm::ChatFailure failure =
        of(too_large, "acme: prompt is too long: 210000 tokens > 200000 maximum",
           std::string(llm::context_overflow_code), "messages");
    const auto told = failure_for_client(failure, keys);
    CHECK(llm::is_context_overflow(told));
    CHECK(told.message == "prompt is too long: 210000 tokens > 200000 maximum");
    CHECK(told.param == "messages");
    CHECK(told.status == 400);
    // With a key of ours about, not even those; clients know it all the same.
    failure.message += " " + key;
    const auto silent = failure_for_client(failure, keys);
    CHECK(llm::is_context_overflow(silent));
    CHECK_FALSE(llm::context_numbers(silent.message));
    CHECK(silent.param.empty());
  }

  TEST_CASE("a refusal by policy keeps the code that clients know, and no other") {
    for (const char* code : {"content_policy_violation", "content_filter", "invalid_prompt"}) {
      const auto told = failure_for_client(of(filtered, "flagged by acme", code), keys);
      CHECK(told.code == code);
      CHECK(told.message == llm::failure_words(filtered));
    }
    CHECK(failure_for_client(of(filtered, "x", "acme_policy"), keys).code ==
          llm::failure_name(filtered));
  }

  TEST_CASE("what does no better a second later is told so, whatever class it is told as") {
    for (int i = 0; i <= static_cast<int>(cut); ++i) {
      const auto failure_class = static_cast<llm::FailureClass>(i);
      CAPTURE(llm::failure_name(failure_class));
      llm::ChatFailure failure = of(failure_class, "x");
      CHECK(failure_for_client(failure, keys).should_retry == llm::class_retries(failure_class));
      failure.should_retry = false;
      CHECK_FALSE(failure_for_client(failure, keys).should_retry);
    }
  }

  TEST_CASE("what is the operator's is not") {
    for (const std::string text : {
             "headers: {'Authorization': 'x'}",
             "Incorrect API key provided: sk-abc***xyz.",
             "key sk-ab...wxyz",
             "your token XXXXXXXXwxyz",
             "its last characters, ending in 3Ga5",
             "for org-9fK2mX7bQ1zL on requests",
             "in proj_9fK2mX7bQ1",
             "user-7f3 may not",
             "number 123456789012 has no access",
             "request 550e8400-e29b-41d4-a716-446655440000",
             "see https://platform.example/account",
             "upstream llm-7.prod said no",
             "upstream vllm.internal said no",
             "api.openai.com said no",
             "10.0.3.4 said no",
             "10.0.3.4:8080 said no",
             "vllm:8000 said no",
             "fe80::1 said no",
             "[2001:db8::7]:443 said no",
             "port 8080 is closed",
             "localhost is closed",
             "open /etc/provider/keys: denied",
             "open ../keys: denied",
             "C:\\keys is closed",
             "models/v1/weights",
             "projects/acme-internal",
             "Traceback (most recent call last)",
             "f\n    at Object.run (main)",
             "server.py: bad",
             "server.go:123: bad",
             "error in line 12, in run",
             "<html>Bad Gateway</html>",
             "write to admin@acme",
             "a\x1b[31mred",
             "turned \xE2\x80\xAE around",
             "un\xE2\x80\x8Bseen",
             "not \xff UTF-8",
             "9fK2mX7bQ1zL4tW8",
             "aHR0cHM6Ly9leGFtcGxl",
         }) {
      CAPTURE(text);
      CHECK_FALSE(is_harmless(text));
      const auto told = failure_for_client(of(bad_request, text, "code", "tools"), keys);
      CHECK(told.message == llm::failure_words(bad_request));
      CHECK(told.param == "tools");
    }
  }

  TEST_CASE("what nobody foresaw is not told, whatever it looks like") {
    for (const std::string text : {
             "Acme has no contract for this model",
             "the tenant globex is over its share",
             "ask Maria about it",
             "replica blue is down",
             "gateway eu west said no",
             "the value hunter2 is not valid",
             "the value is correct horse battery staple",
             "the name is tungsten",
             "internal host said no",
             "function 'move' is not valid",
             "the value is a1b2-c3d4-e5f6",
             "the value is a1b2-c3d4",
             "the number is 123456789",
             "the number is 1234-5678-9012",
             "d\xC3\xA9ploiement",
             "a \xE4\xB8\xAD text",
         }) {
      CAPTURE(text);
      CHECK_FALSE(has_known_words_only(text, {}));
      const auto told = failure_for_client(of(bad_request, text, "acme_code", "acme.name"), keys);
      CHECK(told.message == llm::failure_words(bad_request));
      CHECK(told.code == llm::failure_name(bad_request));
      CHECK(told.param.empty());
    }
    const std::string_view own[] = {"move"};
    CHECK(failure_for_client(of(bad_request, "function 'move' is not valid", "", "move"), keys, own)
              .message == "function 'move' is not valid");
  }

  TEST_CASE("a key that is spread over message, code and param takes them all away") {
    const auto told = failure_for_client(
        of(bad_request, "the first is " + key.substr(9, 6), "invalid_value", key.substr(17, 8)),
        keys);
    CHECK(told.message == llm::failure_words(bad_request));
    CHECK(told.code == llm::failure_name(bad_request));
    CHECK(told.param.empty());
  }
}
