// How likely tokens were: asked of each format that tells it, and told in the client's, whole and
// streamed.
#include "engine/llm/logprobs.hpp"

#include <doctest/doctest.h>

#include "engine/llm/allowed_members.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/encode_answer.hpp"
#include "tests/engine/llm/client_stream.hpp"
#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

struct Client {
  WireFormat format;
  std::string_view body;
};

constexpr Client clients[] = {
    {WireFormat::openai_chat, R"({"model":"m","messages":[{"role":"user","content":"Go"}],
       "logprobs":true,"top_logprobs":2})"},
    {WireFormat::openai_responses, R"({"model":"m","input":"Go","top_logprobs":2,
       "include":["message.output_text.logprobs"]})"},
    {WireFormat::gemini, R"({"contents":[{"role":"user","parts":[{"text":"Go"}]}],
       "generationConfig":{"responseLogprobs":true,"logprobs":2}})"},
};

ChatRequest request_of(const Client& client) {
  auto request = decode_client_request(client.format, client.body);
  REQUIRE_MESSAGE(request.ok(), request.error().message);
  REQUIRE(hold_to_allowed(*request, {}).ok());
  return std::move(*request);
}

Result<WireRequest> encoded(const Client& client, std::string_view dialect,
                            std::string_view model = "gpt-4.1") {
  Target target;
  target.dialect = find_dialect(dialect);
  target.model = model;
  return encode_request(request_of(client), target);
}

const std::string chat_answer =
    R"(data: {"id":"c","choices":[{"index":0,"delta":{"content":"He"},)"
    R"("logprobs":{"content":[{"token":"He","logprob":-0.5,"bytes":[72,101],)"
    R"("top_logprobs":[{"token":"Ho","logprob":-1.5,"bytes":[72,111]}]}]}}]})"
    "\n\n"
    R"(data: {"choices":[{"index":0,"delta":{"content":"y"},)"
    R"("logprobs":{"content":[{"token":"y","logprob":-0.25,"bytes":[121],)"
    R"("top_logprobs":[]}]}}]})"
    "\n\n"
    R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
    "\n\n";

const std::string gemini_answer =
    R"(data: {"candidates":[{"content":{"parts":[{"text":"Hey"}],"role":"model"},)"
    R"("finishReason":"STOP","logprobsResult":{"chosenCandidates":[)"
    R"({"token":"He","tokenId":1,"logProbability":-0.5},{"token":"y","tokenId":2,)"
    R"("logProbability":-0.25}],"topCandidates":[{"candidates":[)"
    R"({"token":"Ho","logProbability":-1.5}]},{"candidates":[]}]}}]})"
    "\n\n";

const std::string responses_answer =
    R"(data: {"type":"response.created","response":{"id":"r","status":"in_progress","output":[]}})"
    "\n\n"
    R"(data: {"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"m"}})"
    "\n\n"
    R"(data: {"type":"response.output_text.delta","output_index":0,"item_id":"m","delta":"Hey",)"
    R"("logprobs":[{"token":"He","logprob":-0.5,"bytes":[72,101],"top_logprobs":[)"
    R"({"token":"Ho","logprob":-1.5,"bytes":[72,111]}]},)"
    R"({"token":"y","logprob":-0.25,"bytes":[121],"top_logprobs":[]}]})"
    "\n\n"
    R"(data: {"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"m",)"
    R"("role":"assistant","content":[{"type":"output_text","text":"Hey","annotations":[]}]}})"
    "\n\n"
    R"(data: {"type":"response.completed","response":{"id":"r","status":"completed","output":[]}})"
    "\n\n";

struct Provider {
  std::string_view dialect;
  WireFormat format;
  const std::string& body;
};

/// Of the whole answer, or of each chunk of a stream.
std::vector<std::string> gemini_pieces(const std::vector<std::string>& answers) {
  std::vector<std::string> pieces;
  for (const std::string& answer : answers) {
    const Json candidate = Json::parse(answer)["candidates"][0];
    if (candidate.contains("logprobsResult"))
      pieces.push_back(logprobs_of_gemini(candidate["logprobsResult"]));
  }
  return pieces;
}

/// The tokens as the client hears them, in OpenAI's form.
std::vector<Json> told(const Provider& provider, WireFormat format) {
  const ChatEvents events = decode(provider.dialect, provider.body);
  AnswerStream stream;
  stream.format = format;
  stream.origin = provider.format;
  const ChatAnswer answer = folded(provider.dialect, events);
  const std::string whole = encode_answer(format, answer, stream.stamp);
  std::string bytes;
  for (const ChatEvent& event : events)
    encode_event(stream, event, bytes);
  if (format == WireFormat::gemini)
    return {Json::parse(logprobs_tokens(gemini_pieces({whole}))),
            Json::parse(logprobs_tokens(gemini_pieces(sse_data(bytes))))};
  std::vector<Json> all;
  for (const Json& each : {Json::parse(whole), joined_stream(format, bytes)}) {
    const Json& said = format == WireFormat::openai_chat ? each["choices"][0]["logprobs"]
                                                         : each["output"][0]["content"][0];
    all.push_back(said.value(format == WireFormat::openai_chat ? "content" : "logprobs", Json()));
  }
  return all;
}

}  // namespace

TEST_SUITE("llm/logprobs") {
  TEST_CASE("each format that tells them is asked in its own words") {
    for (const Client& client : clients) {
      const auto chat = encoded(client, "openai");
      REQUIRE_MESSAGE(chat.ok(), chat.error().message);
      CHECK(Json::parse(chat->body)["logprobs"] == true);
      CHECK(Json::parse(chat->body)["top_logprobs"] == 2);
      const auto responses = encoded(client, "openai-responses");
      REQUIRE(responses.ok());
      CHECK(Json::parse(responses->body)["include"] == Json{"message.output_text.logprobs"});
      CHECK(Json::parse(responses->body)["top_logprobs"] == 2);
      const auto gemini = encoded(client, "gemini", "gemini-2.5-flash");
      REQUIRE(gemini.ok());
      CHECK(Json::parse(gemini->body)["generationConfig"]["responseLogprobs"] == true);
      CHECK(Json::parse(gemini->body)["generationConfig"]["logprobs"] == 2);
    }
  }

  TEST_CASE("who tells none refuses with a sentence") {
    for (const Client& client : clients) {
      for (const char* dialect : {"anthropic", "groq", "mistral", "ollama"}) {
        const auto wire = encoded(client, dialect, "m");
        REQUIRE(!wire.ok());
        CHECK(wire.error().code == "unsupported");
        CHECK(wire.error().message.find("log probabilities") != std::string::npos);
      }
      CHECK(!encoded(client, "openai", "gpt-5-mini").ok());
    }
  }

  TEST_CASE("they come back in the client's form, whole and streamed") {
    const Provider providers[] = {
        {"vllm", WireFormat::openai_chat, chat_answer},
        {"openai-responses", WireFormat::openai_responses, responses_answer},
        {"gemini", WireFormat::gemini, gemini_answer}};
    for (const Provider& provider : providers) {
      for (const WireFormat format :
           {WireFormat::openai_chat, WireFormat::openai_responses, WireFormat::gemini}) {
        const bool own_item = provider.format == format && format == WireFormat::openai_responses;
        for (const Json& tokens : told(provider, format)) {
          if (own_item) continue;  // the provider's own item goes on as it is
          REQUIRE_MESSAGE(tokens.size() == 2, provider.dialect);
          CHECK(tokens[0]["token"] == "He");
          CHECK(tokens[0]["logprob"] == -0.5);
          CHECK(tokens[0]["bytes"] == Json{72, 101});
          CHECK(tokens[0]["top_logprobs"][0]["token"] == "Ho");
          CHECK(tokens[1]["token"] == "y");
          CHECK(tokens[1]["logprob"] == -0.25);
          CHECK(tokens[1]["top_logprobs"].empty());
        }
      }
    }
  }

  TEST_CASE("a token that is impossible is not told as a certain one") {
    const Json result = Json::parse(
        R"({"chosenCandidates":[{"token":"a","logProbability":"-Infinity"},{"token":"b"}]})");
    const Json tokens = Json::parse(logprobs_of_gemini(result));
    CHECK(tokens["content"][0]["logprob"] == -9999.0);
    CHECK(tokens["content"][1]["logprob"] == 0);
  }

  TEST_CASE("how many are told is bounded") {
    const auto path = [](WireFormat format, std::string_view body) {
      const auto request = decode_client_request(format, body);
      return request.ok() ? std::string("taken") : request.error().path;
    };
    CHECK(path(WireFormat::openai_chat,
               R"({"model":"m","messages":[{"role":"user","content":"x"}],"logprobs":true,)"
               R"("top_logprobs":21})") == "top_logprobs");
    CHECK(path(WireFormat::openai_chat,
               R"({"model":"m","messages":[{"role":"user","content":"x"}],"logprobs":false})") ==
          "taken");
  }
}
