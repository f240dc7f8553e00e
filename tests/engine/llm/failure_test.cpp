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

  TEST_CASE("Gemini: a minute's limit and a day's have the same words, the quota's name tells") {
    const auto limited = [](std::string_view quota, std::string_view more, int status = 429) {
      std::string body =
          R"({"error":{"code":429,"message":"You exceeded your current quota, please )"
          R"(check your plan and billing details. For more information on this )"
          R"(error, head to the docs.","status":"RESOURCE_EXHAUSTED","details":[)";
      if (!quota.empty()) {
        body += R"({"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[)"
                R"({"quotaMetric":"generate_content_free_tier_requests","quotaId":")";
        body += quota;
        body += R"("}]},)";
      }
      body += R"({"@type":"type.googleapis.com/google.rpc.Help"})";
      body += more;
      body += "]}}";
      return of(status, body);
    };
    constexpr std::string_view soon =
        R"(,{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17s"})";
    const ChatFailure minute =
        limited("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", soon);
    CHECK(minute.failure_class == rate_limited);
    CHECK(minute.retry_after_ms == 17'000);
    CHECK(minute.should_retry);
    CHECK(limited("GenerateContentInputTokensPerModelPerMinute-FreeTier", "").failure_class ==
          rate_limited);
    CHECK(limited("", soon).failure_class == rate_limited);
    CHECK(limited("", "").failure_class == rate_limited);
    CHECK(limited("", soon, 0).failure_class == rate_limited);  // inside a stream
    const ChatFailure day = limited("GenerateRequestsPerDayPerProjectPerModel-FreeTier", soon);
    CHECK(day.failure_class == no_quota);
    CHECK_FALSE(day.should_retry);
    CHECK(of(429, R"([{"error":{"code":429,"message":"You exceeded your current quota, please check
              your plan and billing details.","status":"RESOURCE_EXHAUSTED"}}])")
              .failure_class == rate_limited);
  }

  TEST_CASE("no money is told as 402, by a code, or in words that no rate limit has") {
    CHECK(of(402, R"({"error":{"message":"Your prepayment credits are depleted.","code":402,
                      "status":"RESOURCE_EXHAUSTED"}})")
              .failure_class == no_quota);
    CHECK(of(402,
             R"({"error":{"message":"This request requires more credits, or fewer max_tokens. )"
             R"(The prompt tokens exceed the limit: 8000 > 12","code":402}})")
              .failure_class == no_quota);
    // Fewer tokens might do, but what is short is the account's credit, not the model's context.
    for (const int status : {402, 0}) {
      const ChatFailure failure = of(
          status, R"({"error":{"code":402,"message":"This request requires more credits, or fewer )"
                  R"(max_tokens. You requested up to 64000 tokens, but can only afford 1234."}})");
      CHECK(failure.failure_class == no_quota);
      CHECK(failure.status == 402);
      CHECK_FALSE(failure.should_retry);
      CHECK_FALSE(failure.names_bad_key);
    }
    CHECK(of(429, R"({"error":{"message":"x","type":"insufficient_quota","code":null}})")
              .failure_class == no_quota);
    CHECK(of(429, R"({"error":{"message":"x","code":"project_spend_limit_exceeded"}})")
              .failure_class == no_quota);
    CHECK(of(429, R"({"code":"Some resource has been exhausted","error":"Your team 1 has either )"
                  R"(used all available credits or reached its monthly spending limit."})")
              .failure_class == no_quota);
    CHECK(of(429, R"({"type":"error","error":{"type":"rate_limit_error","message":"Limit reached",
                      "details":{"error_code":"enforced_spend_limit_reached"}}})")
              .failure_class == no_quota);
    CHECK(of(400, R"({"error":{"code":400,"message":"Please enable billing on your project.",
                      "status":"FAILED_PRECONDITION"}})")
              .failure_class == no_quota);
    CHECK(of(429,
             R"({"error":{"message":"Rate limit reached for tokens per min (TPM): the request )"
             R"(exceeds it","type":"tokens","code":"rate_limit_exceeded"}})")
              .failure_class == rate_limited);
  }

  TEST_CASE("a bad key is a key's fault, whatever the status") {
    CHECK(of(400, R"({"code":"Client specified an invalid argument","error":"Incorrect API key )"
                  R"(provided: xa***z. You can obtain an API key from the console."})")
              .failure_class == unauthorized);
    CHECK(of(400, R"({"error":{"code":400,"message":"API key expired. Please renew the API key.",
                      "status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}})")
              .failure_class == unauthorized);
    CHECK(of(498, R"({"message":"invalid api token"})").failure_class == unauthorized);
  }

  TEST_CASE("a code of a 401 names the key, words do not") {
    struct Row {
      int status;
      const char* error;
      bool names;
    };
    for (const Row& row : {
             Row{401, R"({"message":"x","type":"invalid_request_error","code":"invalid_api_key"})",
                 true},
             Row{401, R"({"message":"x","type":"authentication_error"})", true},
             Row{401, R"({"message":"Incorrect API key: sk-1"})", false},
             Row{403, R"({"message":"x","code":"invalid_api_key"})", false},
             Row{400, R"({"message":"x","details":[{"reason":"API_KEY_INVALID"}]})", true},
             Row{400, R"({"message":"Incorrect API key provided: x"})", false},
             Row{0, R"({"message":"x","type":"authentication_error"})", false},
         }) {
      CAPTURE(row.error);
      const ChatFailure f = of(row.status, "{\"error\":" + std::string(row.error) + "}");
      CHECK(f.failure_class == unauthorized);
      CHECK(f.names_bad_key == row.names);
    }
  }

  TEST_CASE("words of the request that a provider repeats say nothing of our key or account") {
    for (const char* word : {"incorrect api key", "invalid api key", "API key not valid",
                             "api key expired", "invalid api token", "insufficient balance",
                             "insufficient credits", "your credit balance is too low",
                             "you exceeded your current quota", "monthly spending limit"}) {
      CAPTURE(word);
      for (const std::string& words : {
               "Invalid value: '" + std::string(word) + "'. Supported values are: 'auto'.",
               "'" + std::string(word) + "' is not valid under any of the given schemas",
               "[{'type': 'missing', 'loc': ('body',), 'input': '" + std::string(word) + "'}]",
           }) {
        for (const int status : {400, 403, 404, 422}) {
          const FailureClass expected = status == 404 ? not_found : bad_request;
          const std::string message = "\"message\":\"" + words + "\"";
          CHECK(of(status, "{\"error\":{" + message + "}}").failure_class != no_quota);
          if (status != 403) {
            CHECK(of(status, "{\"error\":{" + message + "}}").failure_class == expected);
            CHECK(of(status, "{" + message + ",\"code\":400}").failure_class == expected);
          }
          CHECK_FALSE(of(status, "{" + message + "}").names_bad_key);
        }
        CHECK(of(413, "{\"message\":\"" + words + "\"}").failure_class == too_large);
        // As events of a stream.
        for (const char* code : {"invalid_prompt", "tool_use_failed", "invalid_request_error"}) {
          CAPTURE(code);
          CHECK(of(0, "{\"error\":{\"message\":\"" + words + "\",\"type\":\"" + code + "\"}}")
                    .failure_class == bad_request);
        }
        CHECK(of(0, "{\"error\":{\"message\":\"" + words + "\",\"code\":\"content_filter\"}}")
                  .failure_class == filtered);
        CHECK(of(0, "{\"error\":{\"message\":\"" + words + "\",\"type\":\"server_error\"}}")
                  .failure_class == server_error);
      }
      // A specific code goes before how a message begins.
      CHECK(of(400, "{\"error\":{\"message\":\"" + std::string(word) +
                        "\",\"code\":\"tool_use_failed\"}}")
                .failure_class == bad_request);
    }
    CHECK(of(400, R"({"error":{"message":"incorrect api key is not a valid model ID"}})")
              .failure_class == not_found);
  }

  TEST_CASE("what a request can bring about is not the key's or the account's fault") {
    struct Row {
      int status;
      const char* error;
      FailureClass failure_class;
    };
    for (const Row& row : {
             Row{403,
                 R"({"code":403,"message":"openai/x requires moderation on OpenAI. Your input )"
                 R"(was flagged for \"violence\". No credits were charged."})",
                 filtered},
             Row{0,
                 R"({"code":403,"message":"openai/x requires moderation. Your input was flagged"})",
                 filtered},
             Row{403,
                 R"({"message":"The file 'file-abc' is not accessible.",)"
                 R"("type":"invalid_request_error"})",
                 bad_request},
             Row{429,
                 R"({"message":"Request too large for gpt-5 in organization org-x on tokens )"
                 R"(per min (TPM): Limit 30000, Requested 50000.","type":"tokens",)"
                 R"("code":"rate_limit_exceeded"})",
                 too_large},
             Row{0,
                 R"({"message":"Request too large for gpt-5 on tokens per min (TPM): Limit 30000,)"
                 R"( Requested 50000.","code":"rate_limit_exceeded"})",
                 too_large},
             Row{429,
                 R"({"message":"Rate limit reached for gpt-5 on tokens per min (TPM): Limit )"
                 R"(30000, Used 29000, Requested 5000. Please try again in 8s.",)"
                 R"("type":"tokens","code":"rate_limit_exceeded"})",
                 rate_limited},
             Row{429,
                 R"({"type":"rate_limit_error","message":"Extra usage is required for long )"
                 R"(context requests."})",
                 too_large},
             // Ours to mend.
             Row{403, R"({"type":"permission_error","message":"no"})", unauthorized},
             Row{403, R"({"message":"Country, region, or territory not supported"})", unauthorized},
             Row{403, R"({"message":"Your API key lacks this"})", unauthorized},
             Row{403, R"({"message":"Forbidden"})", unauthorized},
             Row{400, R"({"message":"Insufficient Balance"})", no_quota},
         }) {
      CAPTURE(row.error);
      const ChatFailure f = of(row.status, "{\"error\":" + std::string(row.error) + "}");
      CHECK(f.failure_class == row.failure_class);
      CHECK(f.should_retry == (row.failure_class == rate_limited));
    }
    CHECK(of(403, "<html>Forbidden</html>").failure_class == unauthorized);
    CHECK(of(403, "").failure_class == unauthorized);
  }

  TEST_CASE("a prompt over what the model takes, in every server's words") {
    for (const char* words : {
             "prompt is too long: 215350 tokens > 200000 maximum",
             "prompt too long; exceeded max context length by 4 tokens",
             "input length exceeds the context length",
             "the request exceeds the available context size, try increasing it",
             "request (9000 tokens) exceeds the available context size (4096 tokens)",
             "This model's maximum context length is 8192 tokens. However, you requested 9000.",
             "Your input exceeds the context window of this model.",
             "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
             "The input token count (1196265) exceeds the maximum number of tokens allowed (9).",
             "Prompt contains 150000 tokens, too large for model with 128000 maximum context "
             "length",
             "The input (150 tokens) is longer than the model's context length (100 tokens).",
             "tokens to keep from the initial prompt is greater than the context length",
             "Please reduce the length of the messages or completion.",
             "Your request exceeded model token limit: 262144 (requested: 300000)",
             "Input tokens exceed the maximum for this model, reduce your messages",
         }) {
      CAPTURE(words);
      const std::string quoted = "\"" + std::string(words) + "\"";
      CHECK(of(400, "{\"error\":" + quoted + "}").failure_class == too_large);
      CHECK(of(400, "{\"error\":{\"message\":" + quoted + ",\"code\":400}}").failure_class ==
            too_large);
    }
    CHECK(of(413, R"({"error":{"message":"Request too large for model x on tokens per minute",
                      "code":"rate_limit_exceeded"}})")
              .failure_class == too_large);
    // What is too large in these is a setting.
    for (const char* words :
         {"max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens",
          "max_tokens is too large: 50000. This model supports at most 16384 completion tokens.",
          "Invalid 'user': string too long. Expected a string with maximum length 64."}) {
      CAPTURE(words);
      CHECK(of(400, "{\"error\":{\"message\":\"" + std::string(words) + "\"}}").failure_class ==
            bad_request);
    }
  }

  TEST_CASE(
      "a refusal by a provider's policy is one of the filter, with a code that clients know") {
    struct Row {
      int status;
      const char* body;
      const char* code;
    };
    const Row refusals[] = {
        {400,
         R"({"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our
usage policy. Please try again with a different prompt.","type":"invalid_request_error",
"param":null,"code":"invalid_prompt"}})",
         "invalid_prompt"},
        {0,
         R"({"error":{"message":"flagged as potentially violating our usage policy","code":"invalid_prompt"}})",
         "invalid_prompt"},
        {400,
         R"({"error":{"message":"Your request was rejected as a result of our safety system.","code":"content_policy_violation"}})",
         "content_policy_violation"},
        {400,
         R"({"error":{"message":"Your request was rejected by our safety system.","code":"moderation_blocked"}})",
         "content_policy_violation"},
        {400,
         R"({"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
         "content_filter"},
        {400,
         R"({"type":"error","error":{"type":"invalid_request_error","message":"Output blocked by content filtering policy"}})",
         "content_policy_violation"},
        {403, R"({"error":{"code":403,"message":"x requires moderation. Your input was flagged"}})",
         "content_policy_violation"},
    };
    for (const Row& row : refusals) {
      CAPTURE(row.body);
      std::string body(row.body);
      for (char& c : body)
        if (c == '\n') c = ' ';
      const ChatFailure failure = of(row.status, body);
      CHECK(failure.failure_class == filtered);
      CHECK(failure.code == row.code);
      CHECK_FALSE(failure.should_retry);
    }
    CHECK(failure_words(filtered).find("policy") != std::string_view::npos);
    // Another invalid prompt, and a policy that is held against the operator.
    CHECK(of(400, R"({"error":{"message":"The prompt is empty","code":"invalid_prompt"}})")
              .failure_class == bad_request);
    CHECK(of(403, R"({"error":{"message":"Your account violates our usage policies"}})")
              .failure_class == unauthorized);
    CHECK(
        of(401, R"({"error":{"message":"Access ended under our usage policies"}})").failure_class ==
        unauthorized);
  }

  TEST_CASE("a model that is not served is not found, whatever the status") {
    for (
        const char* body : {
            R"({"error":{"message":"The model `x` has been decommissioned","code":"model_decommissioned"}})",
            R"({"error":{"message":"The requested model 'x' does not exist.","param":"model","code":"model_not_found"}})",
            R"({"error":{"message":"Model Not Exist","type":"invalid_request_error"}})",
            R"({"error":{"message":"x/y is not a valid model ID","code":400}})",
            R"({"error":{"message":"The requested model 'x' is not supported by any provider you have enabled.","code":"model_not_supported"}})",
            R"({"error":"model 'x' not found, try pulling it first"})",
            R"({"type":"invalid_model","message":"Invalid model: x"})",
        }) {
      CAPTURE(body);
      CHECK(of(400, body).failure_class == not_found);
      CHECK(of(404, body).failure_class == not_found);
    }
    CHECK(of(404, R"({"type":"error","error":{"type":"not_found_error","message":"model: x"}})")
              .failure_class == not_found);
    CHECK(failure_words(not_found).find("does not serve this model") != std::string_view::npos);
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
