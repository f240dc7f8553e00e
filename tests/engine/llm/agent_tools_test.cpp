// A coding agent's own tools of the Responses format: offered as functions, and their calls as the
// agent has them, whole and streamed.
#include "engine/llm/agent_tools.hpp"

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

constexpr std::string_view body = R"({"model":"m","input":[
  {"role":"user","content":"Go"},
  {"type":"function_call","namespace":"mcp__hub","name":"list","arguments":"{\"a\":1}","call_id":"c1"},
  {"type":"function_call_output","call_id":"c1","output":"two"},
  {"type":"tool_search_call","call_id":"c2","status":"completed","execution":"client",
   "arguments":{"query":"mail"}},
  {"type":"tool_search_output","call_id":"c2","status":"completed","execution":"client","tools":[
    {"type":"namespace","name":"mail","description":"Mail.","tools":[
      {"type":"function","name":"_send","description":"Sends.","strict":false,"defer_loading":true,
       "parameters":{"type":"object","properties":{"to":{"type":"string"}}}}]}]},
  {"type":"local_shell_call","call_id":"c3","status":"completed",
   "action":{"type":"exec","command":["ls"],"timeout_ms":10,"env":{}}},
  {"type":"function_call_output","call_id":"c3","output":"a.py"}],
 "tools":[
  {"type":"function","name":"plan","parameters":{"type":"object","properties":{}}},
  {"type":"namespace","name":"mcp__hub","description":"A hub.","tools":[
    {"type":"function","name":"list","description":"Lists.","strict":false,
     "parameters":{"type":"object","properties":{"z":{"type":"integer"},"a":{"type":"integer"}}}}]},
  {"type":"tool_search","execution":"client","description":"Finds tools.",
   "parameters":{"type":"object","properties":{"query":{"type":"string"}}}},
  {"type":"local_shell"}]})";

ChatRequest request(std::string_view of = body) {
  auto read = decode_client_request(WireFormat::openai_responses, of);
  REQUIRE_MESSAGE(read.ok(), read.error().message);
  const auto held = hold_to_allowed(*read, {});
  if (!held.ok()) MESSAGE(held.error().message);
  REQUIRE(held.ok());
  return std::move(*read);
}

Json sent(std::string_view dialect, std::string_view of = body) {
  const auto wire = encode_request(request(of), {.dialect = find_dialect(dialect), .model = "t"});
  REQUIRE_MESSAGE(wire.ok(), wire.error().message);
  return Json::parse(wire->body);
}

std::string called(const char* name, const char* arguments, int index) {
  const Json call = {{"index", index},
                     {"id", "k" + std::to_string(index)},
                     {"function", {{"name", name}, {"arguments", arguments}}}};
  return "data: " +
         Json{{"id", "x"},
              {"choices", {{{"index", 0}, {"delta", {{"tool_calls", Json::array({call})}}}}}}}
             .dump() +
         "\n\n";
}

/// A model's answer as the client of the request hears it: whole and streamed.
std::vector<Json> answers(const std::string& bytes, std::string_view of,
                          std::string* told = nullptr) {
  const ChatEvents events = decode("vllm", bytes);
  AnswerStream stream;
  stream.format = WireFormat::openai_responses;
  stream.origin = WireFormat::openai_chat;
  stream.stamp = stamp_of(request(of), 0);
  const std::string whole =
      encode_answer(WireFormat::openai_responses, folded("vllm", events), stream.stamp);
  std::string sse;
  for (const ChatEvent& event : events)
    encode_event(stream, event, sse);
  if (told != nullptr) *told = sse;
  return {Json::parse(whole), joined_stream(WireFormat::openai_responses, sse)};
}

}  // namespace

TEST_SUITE("llm/agent_tools") {
  TEST_CASE("they are functions for every other format, and so is what was said of them") {
    const Json chat = sent("vllm");
    std::vector<std::string> names;
    for (const Json& tool : chat["tools"]) {
      CHECK(tool["type"] == "function");
      names.push_back(tool["function"]["name"]);
    }
    // What was found is offered, too.
    CHECK(names == std::vector<std::string>{"plan", "mcp__hub__list", "tool_search", "local_shell",
                                            "mail_send"});
    CHECK(chat["tools"][1]["function"]["description"] == "Lists.");
    CHECK(chat["tools"][3]["function"]["parameters"]["required"] == Json{"command"});
    const Json& messages = chat["messages"];
    REQUIRE(messages.size() == 7);
    CHECK(messages[1]["tool_calls"][0]["function"]["name"] == "mcp__hub__list");
    CHECK(messages[3]["tool_calls"][0]["function"]["name"] == "tool_search");
    CHECK(messages[3]["tool_calls"][0]["function"]["arguments"] == R"({"query":"mail"})");
    CHECK(messages[4]["tool_call_id"] == "c2");
    CHECK(messages[4]["content"].get<std::string>().find("_send") != std::string::npos);
    CHECK(messages[5]["tool_calls"][0]["function"]["name"] == "local_shell");
    CHECK(messages[6]["content"] == "a.py");
    CHECK(sent("anthropic")["tools"].size() == 5);
    CHECK(sent("gemini")["tools"][0]["functionDeclarations"].size() == 5);
  }

  TEST_CASE("a target of their own format has them as they are") {
    const Json own = sent("openai-responses");
    CHECK(own["tools"][1]["type"] == "namespace");
    CHECK(own["tools"][3]["type"] == "local_shell");
    CHECK(own["input"][3]["type"] == "tool_search_call");
    CHECK(own["input"][1]["namespace"] == "mcp__hub");
  }

  TEST_CASE("calls are as the agent has them, whole and streamed") {
    const std::string bytes =
        called("mcp__hub__list", R"({"a":2})", 0) + called("mail_send", R"({"to":"b"})", 1) +
        called("tool_search", R"({"query":"x"})", 2) +
        called("local_shell", R"({"command":["ls","-l"],"timeout_ms":5})", 3) +
        called("plan", "{}", 4) +
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";
    std::string sse;
    for (const Json& answer : answers(bytes, body, &sse)) {
      const Json& output = answer["output"];
      REQUIRE(output.size() == 5);
      CHECK(output[0]["type"] == "function_call");
      CHECK(output[0]["namespace"] == "mcp__hub");
      CHECK(output[0]["name"] == "list");
      CHECK(output[0]["arguments"] == R"({"a":2})");
      CHECK(output[1]["namespace"] == "mail");
      CHECK(output[1]["name"] == "_send");
      CHECK(output[2]["type"] == "tool_search_call");
      CHECK(output[2]["execution"] == "client");
      CHECK(output[2]["arguments"] == Json{{"query", "x"}});
      CHECK(output[2]["call_id"] == "k2");
      CHECK(output[3]["type"] == "local_shell_call");
      CHECK(output[3]["action"]["type"] == "exec");
      CHECK(output[3]["action"]["command"] == Json{"ls", "-l"});
      CHECK(output[3]["action"]["timeout_ms"] == 5);
      CHECK(output[4]["type"] == "function_call");
      CHECK(output[4]["name"] == "plan");
      CHECK(!output[4].contains("namespace"));
    }
    // What is no function's has no events of a function's arguments.
    CHECK(sse.find(R"(\"query\")") == std::string::npos);
  }

  constexpr std::string_view brought =
      R"({"model":"m","input":[
  {"type":"additional_tools","role":"developer","tools":[
    {"type":"namespace","name":"functions","description":"What can be done.","tools":[
      {"type":"custom","name":"exec","description":"Runs code.",
       "format":{"type":"grammar","syntax":"lark","definition":"start: LINE+"}},
      {"type":"function","name":"wait","parameters":{"type":"object","properties":{}}}]},
    {"type":"custom","name":"note"},
    {"type":"function","name":"plan","parameters":{"type":"object","properties":{}}}]},
  {"role":"user","content":"Go"},
  {"type":"custom_tool_call","call_id":"c1","namespace":"functions","name":"exec","input":"ls"},
  {"type":"custom_tool_call_output","call_id":"c1","output":"a.py"}],
 "tool_choice":"auto"})";

  TEST_CASE("tools that an item brings are offered as any other") {
    const Json chat = sent("vllm", brought);
    std::vector<std::string> names;
    for (const Json& tool : chat["tools"])
      names.push_back(tool["function"]["name"]);
    CHECK(names == std::vector<std::string>{"functions__exec", "functions__wait", "note", "plan"});
    const Json& exec = chat["tools"][0]["function"];
    CHECK(exec["parameters"]["required"] == Json{"input"});
    CHECK(exec["description"].get<std::string>().find("start: LINE+") != std::string::npos);
    CHECK(chat["tool_choice"] == "auto");
    const Json& messages = chat["messages"];
    REQUIRE(messages.size() == 3);
    CHECK(messages[0]["content"] == "Go");
    CHECK(messages[1]["tool_calls"][0]["function"]["name"] == "functions__exec");
    CHECK(messages[1]["tool_calls"][0]["function"]["arguments"] == R"({"input":"ls"})");
    CHECK(messages[2]["content"] == "a.py");
    CHECK(sent("anthropic", brought)["tools"].size() == 4);
    CHECK(sent("gemini", brought)["tools"][0]["functionDeclarations"].size() == 4);
    CHECK(sent("openai", brought)["tools"].size() == 4);
    const Json own = sent("openai-responses", brought);
    CHECK(own["input"][0]["type"] == "additional_tools");
    CHECK(own["input"][0]["tools"][0]["tools"][0]["name"] == "exec");
    CHECK(!own.contains("tools"));
  }

  TEST_CASE("a call of a freeform tool in a namespace comes back as one") {
    const std::string bytes =
        called("functions__exec", R"({"input":"ls"})", 0) + called("note", R"({"input":"so"})", 1) +
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";
    for (const Json& answer : answers(bytes, brought)) {
      const Json& output = answer["output"];
      REQUIRE(output.size() == 2);
      CHECK(output[0]["type"] == "custom_tool_call");
      CHECK(output[0]["namespace"] == "functions");
      CHECK(output[0]["name"] == "exec");
      CHECK(output[0]["input"] == "ls");
      CHECK(output[1]["type"] == "custom_tool_call");
      CHECK(!output[1].contains("namespace"));
      CHECK(output[1]["name"] == "note");
      CHECK(output[1]["input"] == "so");
    }
  }

  constexpr std::string_view shell = R"({"model":"m","input":[
  {"role":"user","content":"Go"},
  {"type":"shell_call","call_id":"c1","status":"completed",
   "action":{"commands":["ls","pwd"],"timeout_ms":10,"max_output_length":null}},
  {"type":"shell_call_output","call_id":"c1","max_output_length":90,"output":[
    {"stdout":"a.py","stderr":"","outcome":{"type":"exit","exit_code":0}}]}],
 "tools":[{"type":"shell"}],"tool_choice":{"type":"shell"}})";

  TEST_CASE("a shell on the client's machine is a function, and its calls are items again") {
    for (const char* dialect : {"vllm", "openai"}) {
      const Json chat = sent(dialect, shell);
      CHECK(chat["tools"][0]["function"]["name"] == "shell");
      CHECK(chat["tools"][0]["function"]["parameters"]["required"] == Json{"commands"});
      CHECK(chat["tool_choice"]["function"]["name"] == "shell");
      const Json& call = chat["messages"][1]["tool_calls"][0]["function"];
      CHECK(call["name"] == "shell");
      CHECK(Json::parse(call["arguments"].get<std::string>())["commands"] == Json{"ls", "pwd"});
      const Json output = Json::parse(chat["messages"][2]["content"].get<std::string>());
      CHECK(output[0]["stdout"] == "a.py");
      CHECK(output[0]["outcome"]["exit_code"] == 0);
    }
    CHECK(sent("anthropic", shell)["tools"][0]["name"] == "shell");
    CHECK(sent("gemini", shell)["tools"][0]["functionDeclarations"][0]["name"] == "shell");
    const Json own = sent("openai-responses", shell);
    CHECK(own["tools"][0] == Json{{"type", "shell"}, {"environment", {{"type", "local"}}}});
    CHECK(own["input"][1]["type"] == "shell_call");

    const std::string bytes =
        called("shell", R"({"commands":["ls"],"timeout_ms":5})", 0) +
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";
    for (const Json& answer : answers(bytes, shell)) {
      REQUIRE(answer["output"].size() == 1);
      const Json& call = answer["output"][0];
      CHECK(call["type"] == "shell_call");
      CHECK(call["call_id"] == "k0");
      CHECK(call["action"] ==
            Json{{"commands", {"ls"}}, {"timeout_ms", 5}, {"max_output_length", nullptr}});
      CHECK(call["environment"]["type"] == "local");
    }
  }

  constexpr std::string_view patch = R"({"model":"m","input":[
  {"role":"user","content":"Go"},
  {"type":"apply_patch_call","call_id":"c1","status":"completed",
   "operation":{"type":"update_file","path":"a.py","diff":"@@\n-1\n+2"}},
  {"type":"apply_patch_call_output","call_id":"c1","status":"failed","output":"no such file"},
  {"type":"apply_patch_call","call_id":"c2","status":"completed",
   "operation":{"type":"delete_file","path":"b.py"}},
  {"type":"apply_patch_call_output","call_id":"c2","status":"completed"}],
 "tools":[{"type":"apply_patch"}],"tool_choice":{"type":"apply_patch"}})";

  TEST_CASE("apply_patch is a function, and its calls are items again") {
    const Json chat = sent("vllm", patch);
    const Json& function = chat["tools"][0]["function"];
    CHECK(function["name"] == "apply_patch");
    CHECK(function["parameters"]["properties"]["operation"]["properties"]["type"]["enum"] ==
          Json{"create_file", "update_file", "delete_file"});
    CHECK(chat["tool_choice"]["function"]["name"] == "apply_patch");
    const Json& call = chat["messages"][1]["tool_calls"][0]["function"];
    CHECK(call["name"] == "apply_patch");
    CHECK(Json::parse(call["arguments"].get<std::string>()) ==
          Json{{"operation", {{"type", "update_file"}, {"path", "a.py"}, {"diff", "@@\n-1\n+2"}}}});
    CHECK(chat["messages"][2]["content"] == "no such file");
    CHECK(chat["messages"][4]["content"] == "completed");
    const Json claude = sent("anthropic", patch);
    CHECK(claude["tools"][0]["name"] == "apply_patch");
    CHECK(claude["messages"][2]["content"][0]["is_error"] == true);
    CHECK(sent("gemini", patch)["tools"][0]["functionDeclarations"][0]["name"] == "apply_patch");
    const Json own = sent("openai-responses", patch);
    CHECK(own["tools"][0] == Json{{"type", "apply_patch"}});
    CHECK(own["input"][1]["type"] == "apply_patch_call");
    CHECK(own["input"][4]["type"] == "apply_patch_call_output");

    const Json update = {{"type", "update_file"}, {"path", "a.py"}, {"diff", "@@"}};
    const Json removal = {{"type", "delete_file"}, {"path", "b.py"}};
    for (const auto& [arguments, operation] :
         {std::pair(Json{{"operation", update}}, update), std::pair(update, update),
          std::pair(Json{{"operation", removal}}, removal),
          std::pair(Json{{"operation", {{"type", "create_file"}, {"path", "c"}}}},
                    Json{{"type", "create_file"}, {"path", "c"}, {"diff", ""}})}) {
      const std::string bytes =
          called("apply_patch", arguments.dump().c_str(), 0) +
          "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";
      for (const Json& answer : answers(bytes, patch)) {
        REQUIRE(answer["output"].size() == 1);
        const Json& item = answer["output"][0];
        CHECK(item["type"] == "apply_patch_call");
        CHECK(item["call_id"] == "k0");
        CHECK(item["status"] == "completed");
        CHECK(item["operation"] == operation);
      }
    }
  }

  TEST_CASE("a call that the model wrote badly has the format's shape, and can be refused") {
    const auto items = [](const char* tool, const std::string& arguments, std::string_view of) {
      const std::string bytes =
          called(tool, arguments.c_str(), 0) +
          "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n";
      std::vector<Json> all;
      for (const Json& answer : answers(bytes, of))
        all.push_back(answer["output"][0]);
      return all;
    };
    for (const auto& each : {std::pair(R"({"commands":"ls -l"})", "ls -l"),
                             std::pair(R"({"commands":[1]})", R"({"commands":[1]})"),
                             std::pair(R"({"command":"ls"})", R"({"command":"ls"})"),
                             std::pair(R"(["ls"])", R"(["ls"])"), std::pair("{}", "{}")}) {
      CAPTURE(each.first);
      for (const Json& item : items("shell", each.first, shell))
        CHECK(item["action"]["commands"] == Json::array({each.second}));
    }
    for (const Json& item : items("local_shell", R"({"command":"ls"})", body))
      CHECK(item["action"]["command"] == Json{"ls"});

    const std::string no_path = "/dev/null/unreadable-arguments";
    const std::string renames = R"({"operation":{"type":"rename_file","path":"a.py"}})";
    const std::string modifies = R"({"type":"modify","path":"a.py","diff":"@@"})";
    const std::string removes = R"({"type":"delete_file"})";
    for (const auto& each :
         {std::pair(renames, Json{{"type", "update_file"}, {"path", "a.py"}, {"diff", renames}}),
          std::pair(modifies, Json{{"type", "update_file"}, {"path", "a.py"}, {"diff", "@@"}}),
          std::pair(removes, Json{{"type", "delete_file"}, {"path", no_path}}),
          std::pair(std::string("[1]"),
                    Json{{"type", "update_file"}, {"path", no_path}, {"diff", "[1]"}})}) {
      CAPTURE(each.first);
      for (const Json& item : items("apply_patch", each.first, patch))
        CHECK(item["operation"] == each.second);
    }
  }

  TEST_CASE("a shell that the provider runs is refused") {
    auto read = decode_client_request(
        WireFormat::openai_responses,
        R"({"model":"m","input":"Go","tools":[{"type":"shell","environment":{"type":"container_auto"}}]})");
    REQUIRE(read.ok());
    CHECK(!hold_to_allowed(*read, {}).ok());
  }

  TEST_CASE("an output in parts is told whole") {
    const Json chat = sent("vllm", R"({"model":"m","input":[
      {"role":"user","content":"Go"},
      {"type":"local_shell_call","call_id":"c1","action":{"type":"exec","command":["ls"]}},
      {"type":"local_shell_call_output","call_id":"c1","output":[
        {"type":"input_text","text":"a.py"}]}],"tools":[{"type":"local_shell"}]})");
    CHECK(chat["messages"][2]["content"].get<std::string>().find("a.py") != std::string::npos);
  }

  TEST_CASE("a choice names a tool in its namespace, an agent's by its type, or several") {
    const auto chosen = [](const Json& choice, std::string_view dialect = "vllm") {
      Json with = Json::parse(body);
      with["tool_choice"] = choice;
      return sent(dialect, with.dump());
    };
    const auto name = [&](const Json& choice) {
      return chosen(choice)["tool_choice"]["function"]["name"].get<std::string>();
    };
    CHECK(name({{"type", "function"}, {"name", "list"}, {"namespace", "mcp__hub"}}) ==
          "mcp__hub__list");
    CHECK(name({{"type", "function"}, {"name", "list"}}) == "mcp__hub__list");
    CHECK(name({{"type", "function"}, {"name", "plan"}}) == "plan");
    CHECK(name({{"type", "local_shell"}}) == "local_shell");
    CHECK(chosen({{"type", "function"}, {"name", "list"}, {"namespace", "mcp__hub"}},
                 "openai-responses")["tool_choice"]["namespace"] == "mcp__hub");
    const Json several = {
        {"type", "allowed_tools"},
        {"mode", "required"},
        {"tools", {{{"type", "function"}, {"name", "plan"}}, {{"type", "local_shell"}}}}};
    const Json allowed = chosen(several);
    CHECK(allowed["tool_choice"] == "required");
    REQUIRE(allowed["tools"].size() == 2);
    CHECK(allowed["tools"][0]["function"]["name"] == "plan");
    CHECK(allowed["tools"][1]["function"]["name"] == "local_shell");
  }

  TEST_CASE("what an item brings and a target cannot take is refused by its name") {
    // As an operator may let it through.
    const auto read = decode_client_request(WireFormat::openai_responses, R"({"model":"m","input":[
        {"type":"additional_tools","tools":[{"type":"web_search"}]},
        {"role":"user","content":"Go"}]})");
    REQUIRE(read.ok());
    const auto wire =
        encode_request(*read, {.dialect = find_dialect("vllm"), .base_url = {}, .model = "t"});
    REQUIRE(!wire.ok());
    CHECK(wire.error().message.find("the tool \"web_search\"") != std::string::npos);
  }

  TEST_CASE("two tools that come to one name keep apart, in their calls too") {
    auto read = decode_client_request(WireFormat::openai_responses,
                                      R"({"model":"m","input":[
          {"type":"function_call","namespace":"a","name":"b","arguments":"{}","call_id":"c1"},
          {"type":"function_call","name":"a__b","arguments":"{}","call_id":"c2"}],"tools":[
          {"type":"namespace","name":"a","tools":[{"type":"function","name":"b"},
            {"type":"function","name":"b__c"},{"type":"function","name":"b"}]},
          {"type":"function","name":"a__b","parameters":{"type":"object","properties":{}}},
          {"type":"namespace","name":"a__b","tools":[{"type":"function","name":"c"}]}]})");
    REQUIRE(read.ok());
    const std::vector<AgentTool> tools = agent_tools(*read);
    REQUIRE(tools.size() == 3);
    CHECK(tools[0].name == "b");
    CHECK(tools[0].function.starts_with("a__b_"));
    CHECK(tools[1].function == "a__b__c");
    CHECK(tools[2].name == "c");
    CHECK(tools[2].function.starts_with("a__b__c_"));
    make_functions(*read);
    REQUIRE(read->tools.size() == 4);
    CHECK(read->tools[0].name == tools[0].function);
    CHECK(read->tools[2].name == "a__b");
    std::vector<std::string> called_names;
    for (const ChatMessage& message : read->messages)
      for (const ChatPart& part : message.parts)
        if (part.kind == PartKind::tool_call) called_names.push_back(part.name);
    CHECK(called_names == std::vector<std::string>{tools[0].function, "a__b"});
  }
}
