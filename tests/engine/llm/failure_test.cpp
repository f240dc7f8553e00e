#include "engine/llm/failure.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace redoubt::llm;
using enum redoubt::llm::FailureClass;

namespace {
ChatFailure of(int status, std::string_view body, std::vector<Header> headers = {}) {
  return failure_from_body(status, body, headers, 0);
}
}  // namespace

TEST_SUITE("llm failure") {
  TEST_CASE("OpenAI: code, param and type") {
    const ChatFailure f = of(400, R"({"error":{"message":"too long","type":"invalid_request_error",
                    "param":"messages","code":"context_length_exceeded"}})",
                             {{"x-request-id", "req_1"}});
    CHECK(f.failure_class == too_large);
    CHECK(f.param == "messages");
    CHECK(f.request_id == "req_1");
    CHECK_FALSE(f.should_retry);
  }

  TEST_CASE("a used-up account is no rate limit, and is not tried again") {
    CHECK(of(429, R"({"error":{"message":"x","type":"insufficient_quota",
                      "code":"insufficient_quota"}})")
              .failure_class == no_quota);
    const ChatFailure anthropic =
        of(400, R"({"type":"error","error":{"type":"invalid_request_error",
                    "message":"Your credit balance is too low to access the API"}})");
    CHECK(anthropic.failure_class == no_quota);
    CHECK_FALSE(anthropic.should_retry);
  }

  TEST_CASE("Anthropic: overloaded is 529, as an answer and inside a stream") {
    const std::string body = R"({"type":"error","error":{"type":"overloaded_error",
                                 "message":"Overloaded"},"request_id":"req_2"})";
    CHECK(of(529, body).failure_class == overloaded);
    const ChatFailure inside = of(0, body);
    CHECK(inside.failure_class == overloaded);
    CHECK(inside.status == 529);
    CHECK(inside.request_id == "req_2");
    CHECK(inside.should_retry);
  }

  TEST_CASE("Gemini: the delay is in the body, also where the body is a list") {
    const std::string error =
        R"({"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED",
      "details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.4s"}]}})";
    CHECK(of(429, error).retry_after_ms == 34'400);
    CHECK(of(429, "[" + error + "]").failure_class == rate_limited);
    CHECK(of(400, R"({"error":{"code":400,"message":"API key not valid.","status":
                      "INVALID_ARGUMENT"}})")
              .failure_class == unauthorized);
  }

  TEST_CASE("a status inside the body counts inside a stream only") {
    const std::string groq =
        R"({"error":{"message":"tool","type":"invalid_request_error","status_code":400}})";
    CHECK(of(0, groq).status == 400);
    CHECK(of(0, groq).failure_class == bad_request);
    const std::string router = R"({"error":{"code":429,"message":"up","metadata":{"raw":"why"}}})";
    CHECK(of(0, router).failure_class == rate_limited);
    CHECK(of(0, router).message == "up: why");
    CHECK(of(502, router).status == 502);
  }

  TEST_CASE("Cohere, FastAPI, text, nothing") {
    CHECK(of(404, R"({"message":"model 'x' not found"})").message == "model 'x' not found");
    CHECK(of(422, R"({"detail":[{"msg":"field required","loc":["body"]}]})").message ==
          "field required");
    CHECK(of(502, "<html>Bad Gateway</html>").failure_class == server_error);
    CHECK(of(503, "").message == "the provider answered with status 503");
  }

  TEST_CASE("headers say when and whether") {
    const ChatFailure f = of(429, "{}", {{"retry-after", "7"}, {"x-should-retry", "false"}});
    CHECK(f.retry_after_ms == 7000);
    CHECK_FALSE(f.should_retry);
  }

  TEST_CASE("each class has words of its own that say what to do") {
    for (int i = 0; i <= static_cast<int>(cut); ++i) {
      const auto failure_class = static_cast<FailureClass>(i);
      CAPTURE(failure_name(failure_class));
      const std::string words(failure_words(failure_class));
      CHECK(words.ends_with("."));
      const bool advises =
          words.find("Try again") != words.npos || words.find("operator") != words.npos ||
          words.find("Check it") != words.npos || words.find("Shorten") != words.npos ||
          words.find("Put it") != words.npos;
      CHECK(advises);
    }
    // Of our keys and accounts a stranger learns nothing, not even which of the two it is.
    CHECK(failure_words(unauthorized) == failure_words(no_quota));
  }
}
