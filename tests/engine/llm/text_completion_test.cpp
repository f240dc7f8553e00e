#include "engine/llm/text_completion.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {

ChatEvent piece(EventKind kind, std::string text) {
  ChatEvent event;
  event.kind = kind;
  event.text = std::move(text);
  return event;
}

std::vector<std::string> data_of(std::string_view sse) {
  std::vector<std::string> lines;
  while (!sse.empty()) {
    const std::size_t end = sse.find("\n\n");
    REQUIRE(end != sse.npos);
    REQUIRE(sse.starts_with("data: "));
    lines.emplace_back(sse.substr(6, end - 6));
    sse.remove_prefix(end + 2);
  }
  return lines;
}

}  // namespace

TEST_SUITE("llm/text_completion") {
  TEST_CASE("a prompt is a user's message, with what a chat request knows too") {
    for (const char* prompt : {R"("Say hi")", R"(["Say hi"])"}) {
      auto completion = decode_text_completion_request(
          std::string(
              R"({"model":"m","temperature":0,"stop":["\n"],"stream":true,"n":1,"echo":false,
                          "suffix":null,"best_of":1,"stream_options":{"include_usage":true},
                          "prompt":)") +
          prompt + "}");
      REQUIRE_MESSAGE(completion.ok(), completion.error().message);
      REQUIRE(completion->prompts.size() == 1);
      ChatRequest* const request = &completion->common;
      put_prompt(*request, completion->prompts.front());
      REQUIRE(request->messages.size() == 1);
      CHECK(request->messages[0].role == Role::user);
      CHECK(request->messages[0].parts[0].text == "Say hi");
      CHECK(request->output_tokens_max == 16);
      CHECK(request->sampling.temperature == 0.0);
      CHECK(request->sampling.stop == std::vector<std::string>{"\n"});
      CHECK(request->stream);
      CHECK(request->stream_usage);
      CHECK(request->extra.find("echo") == std::string::npos);
    }
    CHECK(decode_text_completion_request(R"({"model":"m","prompt":"x","max_tokens":70})")
              ->common.output_tokens_max == 70);
    CHECK(decode_text_completion_request("{\"model\":\"m\",\"prompt\":\"\\ud83d\"}").ok());
  }

  TEST_CASE("each prompt of a list is a request, and all ask for so many answers at most") {
    const auto completion =
        decode_text_completion_request(R"({"model":"m","prompt":["a","b"],"n":16,"seed":3})");
    REQUIRE_MESSAGE(completion.ok(), completion.error().message);
    CHECK(completion->prompts == std::vector<std::string>{"a", "b"});
    CHECK(completion->common.answers == 16);
    CHECK(completion->common.sampling.seed == 3);
    ChatRequest second = completion->common;
    put_prompt(second, "b");
    REQUIRE(second.messages.size() == 1);
    REQUIRE(second.messages[0].parts.size() == 1);
    CHECK(second.messages[0].parts[0].text == "b");
    const auto list_of = [](int prompts) {
      const Json body{{"model", "m"}, {"prompt", std::vector<std::string>(prompts, "x")}};
      return decode_text_completion_request(body.dump());
    };
    CHECK(list_of(32).ok());
    REQUIRE_FALSE(list_of(33).ok());
    CHECK(list_of(33).error().message ==
          "prompt: expected prompts for 32 answers together (n of each), got an array of 33");
  }

  TEST_CASE("what the prompts of a list share is kept once, and no prompt twice") {
    const std::string large(1'000'000, 'p');
    Json body{{"model", "m"}, {"prompt", Json::array({large, "a", "b", "c"})}};
    const auto completion = decode_text_completion_request(body.dump());
    REQUIRE(completion);
    std::size_t bytes = completion->common.messages.front().parts.front().text.capacity();
    for (const std::string& prompt : completion->prompts)
      bytes += prompt.capacity();
    CHECK((completion->prompts.front() == large));
    CHECK(bytes < 1'100'000);
    // What they share has a bound where there are several.
    body["user"] = std::string(100'000, 'u');
    const auto refused = decode_text_completion_request(body.dump());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("prompt: ") != std::string::npos);
    body["prompt"] = "a";
    CHECK(decode_text_completion_request(body.dump()));
  }

  TEST_CASE("what a chat model cannot do is refused with its place") {
    const std::pair<const char*, const char*> bad[] = {
        {R"("prompt":["a",7])", "prompt"},
        {R"("prompt":[])", "prompt"},
        {R"("prompt":[[1,2],[3]])", "prompt"},
        {R"("prompt":["a","b"],"n":17)", "prompt"},
        {R"("prompt":"x","functions":[{"name":"f"}])", "functions"},
        {R"("prompt":[1,2])", "prompt"},
        {R"("stream":false)", "prompt"},
        {R"("prompt":"x","suffix":"y")", "suffix"},
        {R"("prompt":"x","echo":true)", "echo"},
        {R"("prompt":"x","logprobs":5)", "logprobs"},
        {R"("prompt":"x","best_of":3)", "best_of"},
        {R"("prompt":"x","n":33)", "n"},
        {R"("prompt":"x","messages":[])", "messages"}};
    for (const auto& one : bad) {
      const char* const members = one.first;
      const char* const path = one.second;
      const auto request =
          decode_text_completion_request(R"({"model":"m",)" + std::string(members) + "}");
      REQUIRE_MESSAGE(!request.ok(), members);
      CHECK(request.error().path == path);
    }
    CHECK(decode_text_completion_request("[]").error().code == "bad_request");
    CHECK(decode_text_completion_request("{").error().code == "bad_json");
  }

  TEST_CASE("an answer is a text completion, whole") {
    ChatAnswer answer;
    answer.id = "c1";
    answer.model = "gpt";
    answer.reason = FinishReason::stop;
    answer.usage = {.input = 5, .output = 2, .reported = true};
    ChatPart thought;
    thought.kind = PartKind::reasoning;
    thought.text = "hm";
    ChatPart said;
    said.kind = PartKind::text;
    said.text = "hi";
    answer.parts = {thought, said};
    AnswerStamp stamp;
    stamp.model = "fast";
    stamp.created_s = 9;
    CHECK(Json::parse(encode_text_completion(answer, stamp)) == Json::parse(R"(
        {"id":"c1","object":"text_completion","created":9,"model":"fast",
         "choices":[{"index":0,"text":"hi","logprobs":null,"finish_reason":"stop"}],
         "usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}})"));
  }

  TEST_CASE("an answer is a text completion, event by event") {
    AnswerStream stream;
    stream.include_usage = true;
    std::string out;
    ChatEvent started;
    started.kind = EventKind::started;
    started.id = "c1";
    started.model = "gpt";
    ChatEvent usage;
    usage.kind = EventKind::usage;
    usage.usage = {.input = 5, .output = 2, .reported = true};
    ChatEvent finished;
    finished.kind = EventKind::finished;
    finished.reason = FinishReason::length;
    for (const ChatEvent& event :
         {started, piece(EventKind::reasoning, "hm"), piece(EventKind::text, "h"),
          piece(EventKind::text, "i"), usage, finished})
      encode_text_completion_event(stream, event, out);
    const std::vector<std::string> lines = data_of(out);
    REQUIRE(lines.size() == 5);
    CHECK(Json::parse(lines[0])["choices"][0]["text"] == "h");
    CHECK(Json::parse(lines[1])["choices"][0]["finish_reason"].is_null());
    CHECK(Json::parse(lines[2])["choices"][0]["finish_reason"] == "length");
    CHECK(Json::parse(lines[3])["choices"].empty());
    CHECK(Json::parse(lines[3])["usage"]["total_tokens"] == 7);
    CHECK(lines[4] == "[DONE]");
  }

  TEST_CASE("a failure inside a stream is an error without a terminator") {
    AnswerStream stream;
    std::string out;
    ChatEvent failed;
    failed.kind = EventKind::failed;
    failed.failure = ChatFailure{.failure_class = FailureClass::overloaded, .message = "busy"};
    encode_text_completion_event(stream, failed, out);
    const std::vector<std::string> lines = data_of(out);
    REQUIRE(lines.size() == 1);
    CHECK(Json::parse(lines[0])["error"]["message"] == "busy");
  }
}
