// Answers for clients: what is written is read back by the decoder of that format and is the same.
#include "engine/llm/encode_answer.hpp"

#include <doctest/doctest.h>

#include "engine/base/plain_text.hpp"
#include "engine/llm/allowed_members.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/failure.hpp"
#include "tests/engine/llm/client_stream.hpp"
#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

struct Client {
  WireFormat format;
  const char* dialect;
};
constexpr Client clients[] = {{WireFormat::openai_chat, "openai"},
                              {WireFormat::openai_responses, "openai-responses"},
                              {WireFormat::anthropic, "anthropic"}};

ChatEvent event_of(EventKind kind, std::string text = {}, std::int32_t index = 0) {
  ChatEvent event;
  event.kind = kind;
  event.text = std::move(text);
  event.index = index;
  return event;
}

ChatEvent call_of(std::int32_t index, std::string id, std::string name) {
  ChatEvent event = event_of(EventKind::tool_begun, {}, index);
  event.id = std::move(id);
  event.name = std::move(name);
  return event;
}

ChatEvents sample(FinishReason reason) {
  ChatEvents events;
  events.push_back(event_of(EventKind::started));
  events.back().id = "a1";
  events.back().model = "m";
  events.push_back(event_of(EventKind::reasoning, "hm"));
  events.push_back(event_of(EventKind::heartbeat));
  events.push_back(event_of(EventKind::text, "Hel"));
  events.push_back(event_of(EventKind::text, "lo"));
  events.push_back(call_of(0, "t1", "f"));
  events.push_back(event_of(EventKind::tool_arguments, "{\"a\"", 0));
  events.push_back(event_of(EventKind::tool_arguments, ":1}", 0));
  events.push_back(call_of(1, "t2", "g"));
  events.push_back(event_of(EventKind::tool_arguments, "{}", 1));
  events.push_back(event_of(EventKind::usage));
  events.back().usage = {.input = 20,
                         .cached_read = 8,
                         .cache_write = 0,
                         .cache_write_long = 0,
                         .output = 9,
                         .reasoning = 0,
                         .reported = true};
  events.push_back(event_of(EventKind::finished));
  events.back().reason = reason;
  return events;
}

void check_same(const ChatAnswer& a, const ChatAnswer& b) {
  CHECK(answer_text(a) == answer_text(b));
  REQUIRE(a.parts.size() == b.parts.size());
  for (std::size_t i = 0; i < a.parts.size(); ++i) {
    CHECK(a.parts[i].kind == b.parts[i].kind);
    CHECK(a.parts[i].text == b.parts[i].text);
    CHECK(a.parts[i].name == b.parts[i].name);
    CHECK(a.parts[i].arguments == b.parts[i].arguments);
  }
  CHECK(a.usage.input == b.usage.input);
  CHECK(a.usage.cached_read == b.usage.cached_read);
  CHECK(a.usage.output == b.usage.output);
  CHECK(a.reason == b.reason);
}

}  // namespace

TEST_SUITE("llm encode answer") {
  TEST_CASE("streams and wholes are read back the same, in each format") {
    const ChatEvents events = sample(FinishReason::tool_calls);
    for (const Client& client : clients) {
      CAPTURE(client.dialect);
      AnswerStream stream;
      stream.format = client.format;
      stream.include_usage = true;
      std::string bytes;
      ChatAnswer answer;
      for (const ChatEvent& event : events) {
        encode_event(stream, event, bytes);
        fold(answer, event, WireFormat::none);
      }
      check_same(folded(client.dialect, decode(client.dialect, bytes, 7)), answer);
      const std::string whole = encode_answer(client.format, answer, {"x1", "alias", 5});
      const ChatAnswer again = folded(client.dialect, decode(client.dialect, whole));
      check_same(again, answer);
      CHECK(again.id == "x1");
      CHECK(again.model == "alias");
    }
  }

  TEST_CASE("what a provider gives no id, or an empty one, has one for every client") {
    ChatRequest request;
    request.model = "m";
    request.messages.push_back(text_message(Role::user, "Where to?"));
    const std::pair<const char*, const char*> bodies[] = {
        {"openai", R"({"id":"","model":"m","choices":[{"index":0,"finish_reason":"tool_calls",)"
                   R"("message":{"role":"assistant","tool_calls":[{"id":"","type":"function",)"
                   R"("function":{"name":"f","arguments":"{}"}}]}}]})"},
        {"openai-responses",
         R"({"id":"","object":"response","model":"m","status":"completed","output":[)"
         R"({"type":"reasoning","id":"","summary":[{"type":"summary_text","text":"hm"}]},)"
         R"({"type":"message","id":"","role":"assistant","status":"completed","content":[)"
         R"({"type":"output_text","text":"a","annotations":[]}]},)"
         R"({"type":"function_call","id":"","call_id":"","name":"f","arguments":"{}"}]})"},
        {"anthropic", R"({"id":"","type":"message","role":"assistant","model":"m",)"
                      R"("stop_reason":"tool_use","content":[{"type":"tool_use","id":"",)"
                      R"("name":"f","input":{}}],"usage":{"input_tokens":1,"output_tokens":1}})"},
        {"gemini", R"({"responseId":"","candidates":[{"finishReason":"STOP","content":{"parts":[)"
                   R"({"functionCall":{"id":"","name":"f","args":{}}}]}}]})"}};
    for (const auto& each : bodies) {
      const char* const dialect = each.first;
      const std::string_view body = each.second;
      CAPTURE(dialect);
      std::string made[2];
      for (std::string& id : made) {
        Decoder decoder(*find_dialect(dialect));
        decoder.head(200, {}, &id == made ? 1'000 : 2'000);
        ChatEvents events;
        decoder.feed(body, events);
        decoder.end(events);
        const ChatAnswer answer = folded(dialect, events);
        REQUIRE(answer.finished);
        id = answer.parts.back().id;
        for (const WireFormat format : client_formats) {
          request.format = format;
          const AnswerStamp stamp = stamp_of(request, 7);
          AnswerStream stream;
          stream.format = format;
          stream.origin = find_dialect(dialect)->format;
          stream.stamp = stamp;
          std::string streamed;
          for (const ChatEvent& event : events)
            encode_event(stream, event, streamed);
          for (const std::string& out : {encode_answer(format, answer, stamp), streamed}) {
            CAPTURE(out);
            CHECK(out.find(R"(d":"")") == std::string::npos);  // id, call_id, responseId
            CHECK(out.find(stamp.made_id) != std::string::npos);
            CHECK(out.find(id) != std::string::npos);
          }
        }
      }
      // Two turns of a conversation do not give two calls the same.
      CHECK(made[0] != made[1]);
    }
  }

  TEST_CASE("a host's numbers keep the made ids of like answers apart") {
    ChatRequest request;
    request.model = "m";
    request.messages.push_back(text_message(Role::user, "Where to?"));
    const std::string one = stamp_of(request, 7, 1).made_id;
    CHECK(one != stamp_of(request, 7, 2).made_id);
    CHECK(one == stamp_of(request, 7, 1).made_id);
    CHECK(stamp_of(request, 7).made_id == stamp_of(request, 7, 0).made_id);
  }

  TEST_CASE("a usage that nobody reported is not told as zeros") {
    for (const bool reported : {false, true}) {
      AnswerStream stream;
      stream.include_usage = true;
      std::string out;
      ChatEvent usage = event_of(EventKind::usage);
      usage.usage = {.reported = true};
      encode_event(stream, event_of(EventKind::started), out);
      if (reported) encode_event(stream, usage, out);
      encode_event(stream, event_of(EventKind::finished), out);
      CHECK((out.find("prompt_tokens") != std::string::npos) == reported);
      CHECK(out.find("[DONE]") != std::string::npos);
    }
  }

  TEST_CASE("a failure inside a stream is the format's own, and nothing follows it") {
    ChatEvents events{event_of(EventKind::started), event_of(EventKind::text, "Hi"),
                      event_of(EventKind::failed)};
    events.back().failure = local_failure(FailureClass::overloaded, "busy");
    for (const Client& client : clients) {
      CAPTURE(client.dialect);
      AnswerStream stream;
      stream.format = client.format;
      std::string bytes;
      for (const ChatEvent& event : events)
        encode_event(stream, event, bytes);
      CHECK(bytes.find("[DONE]") == std::string::npos);
      CHECK(bytes.find("message_stop") == std::string::npos);
      const ChatAnswer answer = folded(client.dialect, decode(client.dialect, bytes));
      REQUIRE(answer.failure);
      CHECK(answer.failure->message == "busy");
    }
  }

  TEST_CASE("a response that fails amid its stream says by its code what is to be done") {
    const auto code = [](FailureClass failure_class, std::string own = {}) {
      ChatEvent started;
      started.kind = EventKind::started;
      started.id = "r1";
      ChatEvent failed;
      failed.kind = EventKind::failed;
      failed.failure = local_failure(failure_class, "No.");
      if (!own.empty()) failed.failure->code = std::move(own);
      AnswerStream stream;
      stream.format = WireFormat::openai_responses;
      stream.origin = WireFormat::anthropic;
      std::string out;
      encode_event(stream, started, out);
      encode_event(stream, failed, out);
      // The SDKs want a response to have begun before it fails.
      const std::vector<std::string> data = sse_data(out);
      REQUIRE(data.size() == 3);
      CHECK(Json::parse(data[0])["type"] == "response.created");
      const Json last = Json::parse(data[2]);
      CHECK(last["type"] == "response.failed");
      CHECK(!last.contains("error"));
      CHECK(last["response"]["id"] == "r1");
      CHECK(last["response"]["status"] == "failed");
      CHECK(last["response"]["error"]["message"] == "No.");
      return last["response"]["error"]["code"].get<std::string>();
    };
    CHECK(code(FailureClass::rate_limited) == "rate_limit_exceeded");
    CHECK(code(FailureClass::no_quota) == "insufficient_quota");
    CHECK(code(FailureClass::overloaded) == "server_is_overloaded");
    CHECK(code(FailureClass::bad_request) == "invalid_prompt");
    CHECK(code(FailureClass::filtered, "content_policy_violation") == "content_policy_violation");
    CHECK(code(FailureClass::cut) == "server_error");
    CHECK(code(FailureClass::unauthorized) == "server_error");
  }

  TEST_CASE("failures have each format's shape") {
    const ChatFailure failure = local_failure(FailureClass::rate_limited, "slow \"down\"");
    CHECK(encode_failure(WireFormat::openai_chat, failure) ==
          R"({"error":{"message":"slow \"down\"","type":"rate_limit_error","param":null,)"
          R"("code":"rate_limited"}})");
    CHECK(encode_failure(WireFormat::anthropic, failure) ==
          R"({"type":"error","error":{"type":"rate_limit_error","message":"slow \"down\""}})");
  }

  TEST_CASE("Anthropic's SDKs hear in their words that there are no threads") {
    ChatFailure failure = local_failure(FailureClass::bad_request, "No.");
    failure.param = "thread";
    CHECK(
        encode_failure(WireFormat::anthropic, failure)
            .find(
                R"("details":{"error_code":"thread_unsupported_request","unsupported":["thread"]}})") !=
        std::string::npos);
  }

  TEST_CASE("arguments that lie deep are passed on as they are") {
    constexpr std::size_t levels = 200;
    std::string arguments = "1";
    for (std::size_t i = 0; i < levels; ++i)
      arguments = "{\"a\":" + arguments + "}";
    ChatAnswer answer;
    ChatPart& call = answer.parts.emplace_back();
    call.kind = PartKind::tool_call;
    call.id = "c";
    call.name = "draw";
    call.arguments = arguments;
    for (const WireFormat format : {WireFormat::anthropic, WireFormat::gemini}) {
      CAPTURE(format_name(format));
      CHECK(encode_answer(format, answer, {}).find(arguments) != std::string::npos);
    }
  }

  TEST_CASE("a client's text in an error has a bound, in each format") {
    ChatFailure failure =
        local_failure(FailureClass::bad_request, "no model " + std::string(100'000, 'x'));
    failure.param = std::string(100'000, 'y');
    for (const WireFormat format : {WireFormat::openai_chat, WireFormat::openai_responses,
                                    WireFormat::anthropic, WireFormat::gemini}) {
      CAPTURE(format_name(format));
      const std::string body = encode_failure(format, failure);
      CHECK(body.find("no model xxx") != std::string::npos);
      CHECK(body.size() < 3 * error_text_bytes_max + 1'000);
      AnswerStream stream{.format = format};
      ChatEvent event;
      event.kind = EventKind::failed;
      event.failure = failure;
      std::string told;
      encode_event(stream, event, told);
      CHECK(told.size() < 3 * error_text_bytes_max + 1'000);
    }
  }

  TEST_CASE("a client's text that was cut inside of a character is taken all the same") {
    for (const std::string text : {"x \\ud83d", "x \\ude00 y", "x \xC3", "\\uD83Dx"}) {
      CAPTURE(text);
      const auto request = decode_client_request(
          WireFormat::openai_chat,
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"" + text + "\"}]}");
      REQUIRE(request.ok());
      CHECK(request->messages[0].parts[0].text.find("\xEF\xBF\xBD") != std::string::npos);
    }
    const auto broken =
        decode_client_request(WireFormat::openai_chat, "{\"model\":\n \"m\\ud83d\", x}");
    REQUIRE(!broken.ok());
    CHECK(broken.error().line == 2);
  }

  TEST_CASE("a request names so many texts to stop at and no more, in each format") {
    const auto asked = [](WireFormat format, std::size_t stops) {
      const std::vector<std::string> texts(stops, "a");
      const Json turns = Json::array({{{"role", "user"}, {"content", "Hi"}}});
      if (format == WireFormat::openai_chat)
        return Json{{"model", "m"}, {"messages", turns}, {"stop", texts}};
      if (format == WireFormat::anthropic)
        return Json{
            {"model", "m"}, {"max_tokens", 9}, {"messages", turns}, {"stop_sequences", texts}};
      return Json{{"contents", {{{"role", "user"}, {"parts", {{{"text", "Hi"}}}}}}},
                  {"generationConfig", {{"stopSequences", texts}}}};
    };
    for (const WireFormat format :
         {WireFormat::openai_chat, WireFormat::anthropic, WireFormat::gemini}) {
      CAPTURE(format_name(format));
      const auto most = decode_client_request(format, asked(format, client_stops_max).dump());
      REQUIRE_MESSAGE(most.ok(), most.error().message);
      CHECK(most->sampling.stop.size() == client_stops_max);
      const auto over = decode_client_request(format, asked(format, client_stops_max + 1).dump());
      REQUIRE_FALSE(over.ok());
      CHECK(over.error().code == "bad_request");
      CHECK(over.error().message.find("expected 256 texts at most, got an array of 257") !=
            std::string::npos);
    }
    // The fourth has no such member.
    Json response{{"model", "m"}, {"input", "Hi"}, {"stop", {"a"}}};
    auto read = decode_client_request(WireFormat::openai_responses, response.dump());
    CHECK((!read.ok() || !hold_to_allowed(*read, {}).ok()));
  }

  TEST_CASE("clients' requests that cannot be served are refused with their place") {
    const auto path = [](WireFormat format, std::string_view body) {
      const auto request = decode_client_request(format, body);
      return request.ok() ? std::string("accepted") : request.error().path;
    };
    using enum WireFormat;
    const std::string messages = R"("messages":[{"role":"user","content":"x"}])";
    CHECK(path(openai_chat, "{\"model\":\"m\"," + messages + "}") == "accepted");
    CHECK(path(openai_chat, "{" + messages + "}") == "model");
    CHECK(path(openai_chat, "{\"model\":\"m\",\"n\":33," + messages + "}") == "n");
    CHECK(path(openai_chat, "{\"model\":\"m\",\"functions\":[]," + messages + "}") == "functions");
    CHECK(path(openai_chat, "{\"model\":\"m\",\"temperature\":9," + messages + "}") ==
          "temperature");
    CHECK(path(openai_chat, R"({"model":"m","messages":[{"role":"robot","content":"x"}]})") ==
          "messages[0].role");
    CHECK(path(openai_chat, R"({"model":"m","messages":[{"role":"user","content":[7]}]})") ==
          "messages[0].content[0]");
    CHECK(path(anthropic, "{\"model\":\"m\"," + messages + "}") == "max_tokens");
    CHECK(path(openai_responses, R"({"model":"m","input":[{}]})") == "input[0]");
    CHECK(path(openai_responses, "[]") == "body");
    CHECK(path(anthropic,
               R"({"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":)"
               R"("tool_result","tool_use_id":"a","content":[{"type":"tool_result"}]}]}]})") ==
          "messages[0].content[0].content");
    // A list where an object belongs.
    CHECK(path(openai_chat, R"({"model":"m","messages":[[1]]})") == "messages[0].role");
    CHECK(path(anthropic, R"({"model":"m","max_tokens":1,"messages":[[1]]})") ==
          "messages[0].role");
    CHECK(path(openai_responses, R"({"model":"m","input":[[1]]})") == "input[0]");
  }
}
