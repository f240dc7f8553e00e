// Freeform tools: offered as functions, and calls of them as the client has them, whole and
// streamed.
#include "engine/llm/freeform.hpp"

#include <doctest/doctest.h>

#include "engine/llm/allowed_members.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/encode_answer.hpp"
#include "tests/engine/llm/client_stream.hpp"
#include "tests/engine/llm/recorded.hpp"
#include "tests/engine/llm/sent.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

const std::string patch = "*** Begin Patch\n@@ \"a\" \\ {é}\n*** End Patch";

ChatRequest request_of(WireFormat format, const Json& body) {
  auto request = decode_client_request(format, body.dump());
  REQUIRE(request.ok());
  REQUIRE(hold_to_allowed(*request, {}).ok());
  return std::move(request).value();
}

Json responses_body() {
  const Json grammar = {{"type", "grammar"}, {"syntax", "lark"}, {"definition", "start: LINE+"}};
  return {{"model", "m"},
          {"input",
           {{{"role", "user"}, {"content", "Go"}},
            {{"type", "custom_tool_call"},
             {"id", "ctc_1"},
             {"status", "completed"},
             {"call_id", "c1"},
             {"name", "apply_patch"},
             {"input", patch}},
            {{"type", "custom_tool_call_output"}, {"call_id", "c1"}, {"output", "done"}}}},
          {"tools",
           {{{"type", "custom"},
             {"name", "apply_patch"},
             {"description", "Edits files."},
             {"format", grammar}}}},
          {"tool_choice", {{"type", "custom"}, {"name", "apply_patch"}}}};
}

Json chat_body() {
  const Json grammar = {{"syntax", "lark"}, {"definition", "start: LINE+"}};
  return {{"model", "m"},
          {"messages",
           {{{"role", "user"}, {"content", "Go"}},
            {{"role", "assistant"},
             {"content", nullptr},
             {"tool_calls",
              {{{"id", "c1"},
                {"type", "custom"},
                {"custom", {{"name", "apply_patch"}, {"input", patch}}}}}}},
            {{"role", "tool"}, {"tool_call_id", "c1"}, {"content", "done"}}}},
          {"tools",
           {{{"type", "custom"},
             {"custom",
              {{"name", "apply_patch"},
               {"description", "Edits files."},
               {"format", {{"type", "grammar"}, {"grammar", grammar}}}}}}}},
          {"tool_choice", {{"type", "custom"}, {"custom", {{"name", "apply_patch"}}}}}};
}

/// What a model behind the dialect says that calls the tool, between other things.
std::string stream_of(const std::string& arguments) {
  const auto chunk = [](const Json& delta) {
    return "data: " + Json{{"id", "c"}, {"choices", {{{"index", 0}, {"delta", delta}}}}}.dump() +
           "\n\n";
  };
  const auto call = [&](int index, const char* name, const std::string& text) {
    const Json function =
        name == nullptr ? Json{{"arguments", text}} : Json{{"name", name}, {"arguments", text}};
    Json piece = {{"index", index}, {"function", function}};
    if (name != nullptr) piece["id"] = "call_" + std::to_string(index);
    return chunk({{"tool_calls", {piece}}});
  };
  std::string body = chunk({{"content", "So"}}) + call(0, "apply_patch", "");
  for (const char c : arguments)
    body += call(0, nullptr, std::string(1, c));
  body += call(1, "go", R"({"a":1})") + call(2, "apply_patch", arguments);
  return body +
         "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";
}

/// The calls as the client hears them, each as one line.
std::vector<std::string> heard(WireFormat format, const Json& answer) {
  std::vector<std::string> lines;
  const bool chat = format == WireFormat::openai_chat;
  for (const Json& item : chat ? answer["choices"][0]["message"]["tool_calls"] : answer["output"]) {
    const std::string type = item["type"];
    const Json& inner = !chat ? item : item[type == "custom" ? "custom" : "function"];
    const bool custom = type.rfind("custom", 0) == 0;
    if (!custom && type.rfind("function", 0) != 0) continue;
    lines.push_back(type + " " + item[chat ? "id" : "call_id"].get<std::string>() + " " +
                    inner["name"].get<std::string>() + " " +
                    inner[custom ? "input" : "arguments"].get<std::string>());
  }
  return lines;
}

std::vector<std::string> told(WireFormat format, const std::string& arguments, bool streamed,
                              const AnswerStamp& stamp) {
  const ChatEvents events = decode("vllm", stream_of(arguments));
  AnswerStream stream;
  stream.format = format;
  stream.origin = WireFormat::openai_chat;
  stream.stamp = stamp;
  if (!streamed)
    return heard(format, Json::parse(encode_answer(format, folded("vllm", events), stream.stamp)));
  std::string bytes;
  for (const ChatEvent& event : events)
    encode_event(stream, event, bytes);
  return heard(format, joined_stream(format, bytes));
}

}  // namespace

TEST_SUITE("llm freeform") {
  TEST_CASE("a freeform tool is a function with one text where the target has none") {
    const ChatRequest responses = request_of(WireFormat::openai_responses, responses_body());
    const ChatRequest chat = request_of(WireFormat::openai_chat, chat_body());
    for (const ChatRequest* request : {&responses, &chat}) {
      CHECK(freeform_tools(*request) == std::vector<std::string>{"apply_patch"});
      const Json body = sent(*request, "groq");
      const Json& function = body["tools"][0]["function"];
      CHECK(body["tools"][0]["type"] == "function");
      CHECK(function["name"] == "apply_patch");
      CHECK(function["description"] ==
            "Edits files.\n\nThe input must match this lark grammar:\nstart: LINE+");
      CHECK(function["parameters"]["required"] == Json{"input"});
      CHECK(body["tool_choice"] ==
            Json{{"type", "function"}, {"function", {{"name", "apply_patch"}}}});
      const Json& call = body["messages"][1]["tool_calls"][0];
      CHECK(call["type"] == "function");
      CHECK(!call.contains("custom"));
      CHECK(call["function"]["arguments"] == Json{{"input", patch}}.dump());
      CHECK(body["messages"][2]["content"] == "done");
      const Json claude = sent(*request, "anthropic");
      CHECK(claude["tool_choice"] == Json{{"type", "tool"}, {"name", "apply_patch"}});
      CHECK(claude["messages"][1]["content"][0]["input"] == Json{{"input", patch}});
      CHECK(claude["messages"][2]["content"][0]["tool_use_id"] == "c1");
    }
  }

  TEST_CASE("OpenAI's own clients keep their freeform tools with OpenAI") {
    const Json responses =
        sent(request_of(WireFormat::openai_responses, responses_body()), "openai-responses");
    CHECK(responses["tools"] == responses_body()["tools"]);
    CHECK(responses["tool_choice"] == responses_body()["tool_choice"]);
    CHECK(responses["input"][1] == responses_body()["input"][1]);
    CHECK(responses["input"][2] == responses_body()["input"][2]);
    const Json chat = sent(request_of(WireFormat::openai_chat, chat_body()), "openai");
    CHECK(chat["tools"] == chat_body()["tools"]);
    CHECK(chat["tool_choice"] == chat_body()["tool_choice"]);
    CHECK(chat["messages"][1]["tool_calls"] == chat_body()["messages"][1]["tool_calls"]);
    CHECK(sent(request_of(WireFormat::openai_chat, chat_body()),
               "openai-responses")["tools"][0]["type"] == "function");
  }

  TEST_CASE("calls of a freeform tool come back as its client has them, whole and streamed") {
    const std::string arguments = Json{{"input", patch}}.dump(-1, ' ', true);
    const AnswerStamp responses =
        stamp_of(request_of(WireFormat::openai_responses, responses_body()), 7);
    const AnswerStamp chat = stamp_of(request_of(WireFormat::openai_chat, chat_body()), 7);
    CHECK(responses.model == "m");
    CHECK(responses.created_s == 7);
    for (const bool streamed : {false, true}) {
      CAPTURE(streamed);
      CHECK(told(WireFormat::openai_responses, arguments, streamed, responses) ==
            std::vector<std::string>{"custom_tool_call call_0 apply_patch " + patch,
                                     "function_call call_1 go {\"a\":1}",
                                     "custom_tool_call call_2 apply_patch " + patch});
      CHECK(told(WireFormat::openai_chat, arguments, streamed, chat) ==
            std::vector<std::string>{"custom call_0 apply_patch " + patch,
                                     "function call_1 go {\"a\":1}",
                                     "custom call_2 apply_patch " + patch});
      CHECK(told(WireFormat::openai_responses, arguments, streamed, {}).front() ==
            "function_call call_0 apply_patch " + arguments);
    }
  }

  TEST_CASE("the text of a call whose model does not keep to the form") {
    CHECK(freeform_input(freeform_arguments(patch)) == patch);
    CHECK(freeform_input(R"({"patch":"x"})") == "x");
    CHECK(freeform_input("\"x\"") == "x");
    CHECK(freeform_input(patch) == patch);
    CHECK(freeform_input(R"({"a":"x","b":"y"})") == R"({"a":"x","b":"y"})");
    CHECK(freeform_input("") == "");
  }

  TEST_CASE("what Gemini signed of a freeform call comes back to it") {
    ChatAnswer answer;
    answer.format = WireFormat::gemini;
    answer.finished = true;
    answer.reason = FinishReason::tool_calls;
    ChatPart& call = answer.parts.emplace_back();
    call.kind = PartKind::tool_call;
    call.format = WireFormat::gemini;
    call.id = "g1";
    call.name = "apply_patch";
    call.arguments = freeform_arguments(patch);
    call.signature = "c2lnbmVk";
    AnswerStamp stamp;
    stamp.freeform = {"apply_patch"};
    const Json output =
        Json::parse(encode_answer(WireFormat::openai_responses, answer, stamp))["output"];
    Json body = responses_body();
    body["input"] = Json::array({{{"role", "user"}, {"content", "Go"}}});
    for (const Json& item : output)
      body["input"].push_back(item);
    body["input"].push_back(
        {{"type", "custom_tool_call_output"}, {"call_id", "g1"}, {"output", "done"}});
    const Json contents =
        sent(request_of(WireFormat::openai_responses, body), "gemini")["contents"];
    CHECK(contents[1]["parts"][0]["functionCall"]["args"] == Json{{"input", patch}});
    CHECK(contents[1]["parts"][0]["thoughtSignature"] == "c2lnbmVk");
  }
}
