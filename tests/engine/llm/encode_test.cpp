// Requests as each dialect wants them.
#include "engine/llm/encode.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"
#include "engine/llm/client_request.hpp"

using namespace redoubt;
using namespace redoubt::llm;

namespace {

Target target_of(std::string_view dialect) {
  Target target;
  target.dialect = find_dialect(dialect);
  target.model = "m";
  if (dialect == "azure") target.base_url = "https://r.openai.azure.com/openai/v1/";
  return target;
}

ChatRequest tool_request() {
  ChatRequest request;
  request.model = "alias";
  request.messages.push_back(text_message(Role::system, "Be brief."));
  request.messages.push_back(text_message(Role::user, "Go"));
  request.tools.resize(2);
  request.tools[0].name = "f";
  request.tools[0].parameters = R"({"type":"object","properties":{"z":{"type":"string"},"a":{}}})";
  request.tools[1].name = "g";
  request.tool_choice = ToolChoice::named;
  request.tool_choice_name = "g";
  return request;
}

WireRequest wire_of(const ChatRequest& request, std::string_view dialect) {
  auto wire = encode_request(request, target_of(dialect));
  if (!wire.ok()) MESSAGE(wire.error().message);
  REQUIRE(wire.ok());
  return std::move(wire).value();
}

Json body_of(const ChatRequest& request, std::string_view dialect) {
  const WireRequest wire = wire_of(request, dialect);
  auto json = parse_json(wire.body);
  REQUIRE(json.ok());
  return std::move(json).value();
}

/// A turn with a signed thought, a call with an id of `format`, and its result.
ChatRequest signed_request(WireFormat format) {
  ChatRequest request;
  request.model = "m";
  request.messages.push_back(text_message(Role::user, "Go"));
  ChatMessage& turn = request.messages.emplace_back();
  turn.role = Role::assistant;
  ChatPart& thought = turn.parts.emplace_back();
  thought.kind = PartKind::reasoning;
  thought.text = "hm";
  thought.id = "rs_1";
  thought.signature = "sig";
  thought.format = format;
  ChatPart& call = turn.parts.emplace_back();
  call.kind = PartKind::tool_call;
  call.id = "call_1";
  call.name = "f";
  call.arguments = "{\"a\":1}";
  call.signature = "callsig";
  call.format = format;
  ChatMessage& back = request.messages.emplace_back();
  back.role = Role::tool;
  ChatPart& result = back.parts.emplace_back();
  result.kind = PartKind::tool_result;
  result.id = "call_1";
  result.text = "done";
  return request;
}

}  // namespace

TEST_SUITE("llm encode") {
  TEST_CASE("where requests go, and where the key belongs") {
    ChatRequest request = tool_request();
    CHECK(wire_of(request, "openai").url == "https://api.openai.com/v1/chat/completions");
    CHECK(wire_of(request, "azure").url == "https://r.openai.azure.com/openai/v1/chat/completions");
    CHECK(wire_of(request, "azure").auth == AuthKind::api_key);
    CHECK(wire_of(request, "anthropic").auth == AuthKind::x_api_key);
    CHECK(header_value(wire_of(request, "anthropic").headers, "anthropic-version") == "2023-06-01");
    CHECK(wire_of(request, "gemini").url ==
          "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent");
    request.stream = true;
    CHECK(wire_of(request, "gemini").url ==
          "https://generativelanguage.googleapis.com/v1beta/models/"
          "m:streamGenerateContent?alt=sse");
  }

  TEST_CASE("a forced tool, in each dialect's way") {
    const ChatRequest request = tool_request();
    CHECK(body_of(request, "openai")["tool_choice"].dump() ==
          R"({"function":{"name":"g"},"type":"function"})");
    CHECK(body_of(request, "anthropic")["tool_choice"].dump() == R"({"name":"g","type":"tool"})");
    CHECK(body_of(request, "gemini")["toolConfig"].dump() ==
          R"({"functionCallingConfig":{"allowedFunctionNames":["g"],"mode":"ANY"}})");
    const Json cohere = body_of(request, "cohere");  // cannot name one: it is offered alone
    CHECK(cohere["tool_choice"] == "required");
    CHECK(cohere["tools"].size() == 1);
    auto refused = encode_request(request, target_of("ollama"));
    REQUIRE(!refused.ok());
    CHECK(refused.error().code == "unsupported");
    ChatRequest any = request;
    any.tool_choice = ToolChoice::required;
    CHECK(body_of(any, "mistral")["tool_choice"] == "any");
    any.tool_choice = ToolChoice::none;
    CHECK_FALSE(body_of(any, "ollama").contains("tools"));
  }

  TEST_CASE("a schema keeps its author's order") {
    CHECK(wire_of(tool_request(), "openai").body.find(R"("properties":{"z")") != std::string::npos);
  }

  TEST_CASE("an output schema goes natively, or in words with a note to check") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Go"));
    request.output.kind = OutputKind::json_schema;
    request.output.schema = R"({"type":"object","properties":{"a":{"type":"string"}},)"
                            R"("required":["a"],"additionalProperties":false})";
    CHECK(body_of(request, "openai")["response_format"]["json_schema"]["strict"] == true);
    CHECK(body_of(request, "anthropic")["output_config"]["format"]["type"] == "json_schema");
    CHECK(body_of(request, "gemini")["generationConfig"].contains("responseJsonSchema"));
    CHECK(body_of(request, "openai-responses")["text"]["format"]["name"] == "answer");
    const WireRequest words = wire_of(request, "deepseek");
    CHECK(words.schema_by_prompt);
    const Json body = Json::parse(words.body);
    CHECK(body["response_format"]["type"] == "json_object");
    CHECK(body["messages"][0]["role"] == "system");
    CHECK(body["messages"][0]["content"].get<std::string>().find("\"required\":[\"a\"]") !=
          std::string::npos);
  }

  TEST_CASE("signed thoughts go back to their own format and to no other") {
    const std::string gemini = wire_of(signed_request(WireFormat::gemini), "gemini").body;
    CHECK(gemini.find("\"thoughtSignature\":\"callsig\"") != std::string::npos);
    CHECK(gemini.find("\"functionResponse\":{\"id\":\"call_1\",\"name\":\"f\"") !=
          std::string::npos);
    const std::string anthropic = wire_of(signed_request(WireFormat::anthropic), "anthropic").body;
    CHECK(anthropic.find("\"signature\":\"sig\"") != std::string::npos);
    const std::string responses =
        wire_of(signed_request(WireFormat::openai_responses), "openai-responses").body;
    CHECK(responses.find("\"encrypted_content\":\"sig\"") != std::string::npos);
    CHECK(responses.find("\"store\":false") != std::string::npos);
    for (const char* other : {"openai", "gemini", "openai-responses"})
      CHECK(wire_of(signed_request(WireFormat::anthropic), other).body.find("sig\"") ==
            std::string::npos);
    const std::string deepseek = wire_of(signed_request(WireFormat::openai_chat), "deepseek").body;
    CHECK(deepseek.find("\"reasoning_content\":\"hm\"") != std::string::npos);
  }

  TEST_CASE("Mistral takes ids of nine letters or digits, the same for call and result") {
    const Json body = body_of(signed_request(WireFormat::none), "mistral");
    const std::string id = body["messages"][1]["tool_calls"][0]["id"].get<std::string>();
    CHECK(id.size() == 9);
    CHECK(body["messages"][2]["tool_call_id"] == id);
  }

  TEST_CASE("images: as parts, as blocks, as data; beside a tool's result in a user's message") {
    ChatRequest request = signed_request(WireFormat::none);
    ChatPart image;
    image.kind = PartKind::image;
    image.media_type = "image/png";
    image.data = "AAAA";
    request.messages[0].parts.push_back(image);
    ChatPart& result = request.messages[2].parts[0];
    result.content.emplace_back().text = "seen";
    result.content.push_back(image);
    const Json chat = body_of(request, "openai");
    CHECK(chat["messages"][0]["content"][1]["image_url"]["url"] == "data:image/png;base64,AAAA");
    CHECK(chat["messages"][2]["content"] == "seen");
    CHECK(chat["messages"][3]["role"] == "user");
    const Json anthropic = body_of(request, "anthropic");
    CHECK(anthropic["messages"][2]["content"][0]["content"][1]["source"]["data"] == "AAAA");
    CHECK(body_of(request, "gemini")["contents"][0]["parts"][1]["inlineData"]["data"] == "AAAA");
  }

  TEST_CASE("thinking by a word or by a budget, and room for the answer") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Go"));
    request.reasoning.effort = "low";
    request.output_tokens_max = 1000;
    CHECK(body_of(request, "openai")["reasoning_effort"] == "low");
    CHECK(body_of(request, "openrouter")["reasoning"]["effort"] == "low");
    // Thoughts count within the client's cap, which is never raised.
    request.output_tokens_max = 8000;
    CHECK(body_of(request, "anthropic")["thinking"]["budget_tokens"] == 2048);
    CHECK(body_of(request, "anthropic")["max_tokens"] == 8000);
    request.reasoning.effort = "high";
    CHECK(body_of(request, "anthropic")["thinking"]["budget_tokens"] == 4000);
    request.output_tokens_max = 1000;
    CHECK(!body_of(request, "anthropic").contains("thinking"));
    CHECK(body_of(request, "anthropic")["max_tokens"] == 1000);
    request.reasoning.effort = "low";
    Target target = target_of("anthropic");
    target.reasoning = ReasoningStyle::effort;
    CHECK(Json::parse(encode_request(request, target)->body)["output_config"]["effort"] == "low");
  }

  TEST_CASE(
      "models that refuse a budget are told whether to think, in their client's words if any") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Go"));
    request.output_tokens_max = 9000;
    Target target = target_of("anthropic");
    const auto body = [&] { return Json::parse(encode_request(request, target)->body); };
    target.reasoning = ReasoningStyle::adaptive;
    CHECK(!body().contains("thinking"));
    request.reasoning.budget_tokens = 8'000;
    CHECK(body()["thinking"] == Json{{"type", "adaptive"}});
    CHECK(body()["max_tokens"] == 9000);
    request.reasoning.effort = "low";
    CHECK(body()["output_config"]["effort"] == "low");
    request.reasoning = {.effort = "none", .budget_tokens = {}};
    CHECK(body()["thinking"] == Json{{"type", "disabled"}});
    target.reasoning = ReasoningStyle::adaptive_always;
    CHECK(!body().contains("thinking"));
  }

  TEST_CASE("an Anthropic client's thinking goes to Anthropic as the client said it") {
    constexpr std::string_view thinkings[] = {
        R"({"type":"adaptive"})",
        R"({"type":"adaptive","display":"summarized"})",
        R"({"type":"between_tools"})",
        R"({"type":"disabled"})",
        R"({"type":"enabled","budget_tokens":2048})",
        R"({"type":"enabled","budget_tokens":2048,"display":"omitted"})",
    };
    for (const std::string_view thinking : thinkings) {
      for (const std::string_view effort : {"", "low", "xhigh"}) {
        std::string text = R"({"model":"m","max_tokens":4096,"messages":[{"role":"user",)"
                           R"("content":"Go"}],"thinking":)";
        text += thinking;
        if (!effort.empty())
          text += R"(,"output_config":{"effort":")" + std::string(effort) + R"("})";
        text += "}";
        auto request = decode_client_request(WireFormat::anthropic, text);
        REQUIRE(request.ok());
        for (const ReasoningStyle style :
             {ReasoningStyle::by_default, ReasoningStyle::budget_or_adaptive,
              ReasoningStyle::effort, ReasoningStyle::adaptive}) {
          CAPTURE(text);
          CAPTURE(static_cast<int>(style));
          Target target = target_of("anthropic");
          target.reasoning = style;
          const auto wire = encode_request(*request, target);
          REQUIRE(wire.ok());
          const auto body = parse_json(wire->body);  // which takes no key twice
          REQUIRE(body.ok());
          const Json sent = Json::parse(text);
          CHECK((*body)["max_tokens"] == sent["max_tokens"]);
          const bool refused =
              style == ReasoningStyle::adaptive && sent["thinking"]["type"] == "enabled";
          if (refused) CHECK((*body)["thinking"]["type"] == "adaptive");
          if (!refused) CHECK((*body)["thinking"] == sent["thinking"]);
          // Who is told no budget hears a word instead.
          Json config = sent.value("output_config", Json());
          if (refused && config.is_null()) config = {{"effort", "low"}};
          CHECK((*body).value("output_config", Json()) == config);
        }
      }
    }
    // A model that always thinks, and one that never does, are not told what they refuse.
    auto request = decode_client_request(
        WireFormat::anthropic,
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Go"}],)"
        R"("thinking":{"type":"disabled"},"output_config":{"effort":"low"}})");
    REQUIRE(request.ok());
    CHECK(request->reasoning.effort == "none");  // for other formats
    Target target = target_of("anthropic");
    target.reasoning = ReasoningStyle::adaptive_always;
    CHECK(!Json::parse(encode_request(*request, target)->body).contains("thinking"));
    CHECK(Json::parse(encode_request(*request, target)->body)["output_config"]["effort"] == "low");
  }

  TEST_CASE("adaptive thinking is a budget for Claude models that are told one alone") {
    std::string limit = "32000";
    std::string history = R"({"role":"user","content":"Go"})";
    std::string members = R"("thinking":{"type":"adaptive","display":"omitted"})";
    Target target = target_of("anthropic");
    target.reasoning = ReasoningStyle::budget;
    std::string betas;
    const auto body = [&] {
      const auto request = decode_client_request(
          WireFormat::anthropic, R"({"model":"m","max_tokens":)" + limit + R"(,"messages":[)" +
                                     history + "]," + members + "}");
      REQUIRE(request.ok());
      const auto wire = encode_request(*request, target);
      REQUIRE(wire.ok());
      betas = header_value(wire->headers, "anthropic-beta");
      return Json::parse(wire->body);
    };
    const auto budget = [&] {
      return body().value("thinking", Json::object()).value("budget_tokens", 0);
    };
    CHECK(body()["thinking"] ==
          Json{{"type", "enabled"}, {"budget_tokens", 16'000}, {"display", "omitted"}});
    limit = "2048";
    CHECK(budget() == 1'024);
    limit = "2047";
    CHECK(!body().contains("thinking"));
    limit = "64000";
    members += R"(,"output_config":{"effort":"xhigh"},"temperature":1)";
    CHECK(budget() == 16'384);
    CHECK(!body().contains("temperature"));
    CHECK(!body().contains("output_config"));
    CHECK(betas.empty());
    // Opus 4.5: a word beside the budget, as a beta.
    const std::vector<std::string> efforts = {"low", "medium", "high"};
    target.efforts = efforts;
    CHECK(body()["output_config"] == Json{{"effort", "high"}});
    CHECK(betas == "effort-2025-11-24");
    target.efforts = {};
    members = R"("thinking":{"type":"adaptive"},"output_config":{"effort":"low"})";
    CHECK(budget() == 2'048);
    // Where a model that is told a budget may not think, it does not.
    history += R"(,{"role":"assistant","content":"{"})";
    CHECK(budget() == 0);
    history =
        R"({"role":"user","content":"Go"},{"role":"assistant","content":[{"type":"tool_use",)"
        R"("id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result",)"
        R"("tool_use_id":"t","content":"r"}]})";
    CHECK(budget() == 0);
    history = R"({"role":"user","content":"Go"})";
    members +=
        R"(,"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"})";
    CHECK(!body().contains("thinking"));
    members = R"("thinking":{"type":"between_tools"})";
    CHECK(!body().contains("thinking"));
  }

  TEST_CASE("what steers the sampling is left out for models that refuse it, stops are not") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Go"));
    request.sampling.temperature = 0.2;
    request.sampling.top_p = 0.9;
    request.sampling.presence_penalty = 1;
    request.sampling.stop = {"END"};
    for (const char* dialect : {"openai", "openai-responses", "anthropic"}) {
      Target target = target_of(dialect);
      CHECK(Json::parse(encode_request(request, target)->body)["temperature"] == 0.2);
      target.takes_sampling = false;
      const Json body = Json::parse(encode_request(request, target)->body);
      for (const char* member : {"temperature", "top_p", "presence_penalty"})
        CHECK(!body.contains(member));
    }
    Target target = target_of("anthropic");
    target.takes_sampling = false;
    CHECK(Json::parse(encode_request(request, target)->body)["stop_sequences"][0] == "END");
  }

  TEST_CASE("an Anthropic client's betas go to Anthropic in its header") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Go"));
    request.format = WireFormat::anthropic;
    request.betas = {"a-1", "b-2"};
    CHECK(header_value(wire_of(request, "anthropic").headers, "anthropic-beta") == "a-1,b-2");
    CHECK(header_value(wire_of(request, "openai").headers, "anthropic-beta").empty());
    request.betas.clear();
    CHECK(header_value(wire_of(request, "anthropic").headers, "anthropic-beta").empty());
  }

  TEST_CASE("marks for the prompt cache go on to whoever takes them") {
    const Json mark = {{"type", "ephemeral"}};
    auto chat = decode_client_request(
        WireFormat::openai_chat,
        R"({"model":"m","messages":[{"role":"system","content":[{"type":"text","text":"long",)"
        R"("cache_control":{"type":"ephemeral"}}]},{"role":"user","content":"hi",)"
        R"("cache_control":{"type":"ephemeral"}},{"role":"assistant","content":null,"tool_calls":[)"
        R"({"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},)"
        R"({"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"x",)"
        R"("cache_control":{"type":"ephemeral"}}]}],"tools":[{"type":"function","function":)"
        R"({"name":"f"},"cache_control":{"type":"ephemeral"}}]})");
    REQUIRE(chat.ok());
    const Json body = body_of(*chat, "anthropic");
    CHECK(body["system"][0]["cache_control"] == mark);
    CHECK(body["messages"][0]["content"][0]["cache_control"] == mark);
    CHECK(body["messages"][2]["content"][0]["content"][0]["cache_control"] == mark);
    CHECK(body["tools"][0]["cache_control"] == mark);
    auto anthropic = decode_client_request(
        WireFormat::anthropic,
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text",)"
        R"("text":"hi","cache_control":{"type":"ephemeral"}}]}]})");
    REQUIRE(anthropic.ok());
    CHECK(body_of(*anthropic, "openrouter")["messages"][0]["content"][0]["cache_control"] == mark);
    CHECK(body_of(*anthropic, "openai")["messages"][0]["content"] == "hi");
  }

  TEST_CASE("clients' other ways to say the same: flat tools, an image as a text") {
    auto chat = decode_client_request(
        WireFormat::openai_chat,
        R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url",)"
        R"("image_url":"data:image/png;base64,AAAA"}]}],"tools":[{"type":"function",)"
        R"("name":"grep","description":"d","parameters":{"type":"object","properties":{}}}]})");
    REQUIRE(chat.ok());
    CHECK(body_of(*chat, "openai")["tools"][0]["function"]["name"] == "grep");
    CHECK(body_of(*chat, "anthropic")["tools"][0]["name"] == "grep");
    CHECK(body_of(*chat, "gemini")["contents"][0]["parts"][0]["inlineData"]["data"] == "AAAA");
    auto named = decode_client_request(
        WireFormat::openai_chat,
        R"({"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"name":"grep",)"
        R"("description":"d","input_schema":{"type":"object","properties":{"a":{}}}}]})");
    REQUIRE(named.ok());
    CHECK(body_of(*named, "openai")["tools"][0]["function"]["parameters"]["properties"].contains(
        "a"));
  }

  TEST_CASE("a tool that the target cannot take is refused by its name") {
    auto request = decode_client_request(
        WireFormat::anthropic,
        R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],)"
        R"("tools":[{"type":"web_search_20250305","name":"web_search"}]})");
    REQUIRE(request.ok());
    for (const char* dialect : {"openai", "gemini", "openai-responses"}) {
      const auto refused = encode_request(*request, target_of(dialect));
      REQUIRE(!refused.ok());
      CHECK(refused.error().message.find("\"web_search\"") != std::string::npos);
    }
  }

  TEST_CASE("DeepSeek is told in its three words how much to think") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "Go"));
    struct Row {
      const char* effort;
      const char* word;
    };
    for (const Row& row : {Row{"minimal", "low"}, Row{"low", "low"}, Row{"medium", "high"},
                           Row{"high", "high"}, Row{"xhigh", "max"}, Row{"max", "max"}}) {
      request.reasoning.effort = row.effort;
      const Json body = body_of(request, "deepseek");
      CHECK(body["thinking"]["type"] == "enabled");
      CHECK(body["reasoning_effort"] == row.word);
    }
    request.reasoning.effort = "none";
    CHECK(body_of(request, "deepseek")["thinking"]["type"] == "disabled");
    CHECK(!body_of(request, "deepseek").contains("reasoning_effort"));
    ChatRequest forced = tool_request();
    forced.reasoning.effort = "high";
    CHECK(body_of(forced, "deepseek")["thinking"]["type"] == "disabled");
  }

  TEST_CASE("what cannot be said is refused with a reason") {
    ChatRequest request;
    CHECK(encode_request(request, target_of("openai")).error().code == "bad_chat_request");
    request.messages.push_back(text_message(Role::user, "Go"));
    Target target = target_of("openai");
    target.model = "../../x?y";
    CHECK(encode_request(request, target).error().path == "model");
    ChatPart file;
    file.kind = PartKind::opaque;
    file.format = WireFormat::anthropic;
    file.extra = "{\"type\":\"document\"}";
    request.messages[0].parts.push_back(file);
    CHECK(encode_request(request, target_of("openai")).error().code == "unsupported");
    CHECK(encode_request(request, target_of("anthropic")).ok());
    request.messages[0].parts[1].extra = R"({"type":"brand_new"})";
    for (const char* dialect : {"openai", "openai-responses", "gemini"}) {
      const auto refused = encode_request(request, target_of(dialect));
      REQUIRE(!refused.ok());
      CHECK(refused.error().message.find("content of type \"brand_new\"") != std::string::npos);
    }
  }

  TEST_CASE("Anthropic's output_format is the format of its output_config") {
    for (const char* members :
         {R"("output_format":FORMAT)", R"("output_config":{"format":FORMAT})"}) {
      std::string body =
          R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],)";
      body += std::string(members) + "}";
      body.replace(
          body.find("FORMAT"), 6,
          R"({"type":"json_schema","schema":{"type":"object","properties":{"z":{},"a":{}}}})");
      auto request = decode_client_request(WireFormat::anthropic, body);
      REQUIRE(request.ok());
      CHECK(request->output.kind == OutputKind::json_schema);
      CHECK(request->output.schema == R"({"type":"object","properties":{"z":{},"a":{}}})");
      CHECK(request->extra.empty());
      CHECK(body_of(*request, "openai")["response_format"]["type"] == "json_schema");
    }
  }

  TEST_CASE("a thinking budget of a chat completion is told to whoever takes one") {
    const auto asking = [](const char* thinking) {
      auto request = decode_client_request(
          WireFormat::openai_chat,
          std::string(
              R"({"model":"m","max_tokens":9000,"messages":[{"role":"user","content":"x"}],)"
              R"("thinking":)") +
              thinking + "}");
      REQUIRE(request.ok());
      return std::move(request).value();
    };
    const ChatRequest request = asking(R"({"type":"enabled","budget_tokens":5000})");
    CHECK(request.reasoning.budget_tokens == 5000);
    Target claude = target_of("anthropic");
    claude.reasoning = ReasoningStyle::budget;
    const Json thinking = Json::parse(encode_request(request, claude)->body)["thinking"];
    CHECK(thinking == Json{{"type", "enabled"}, {"budget_tokens", 5000}});
    Target router = target_of("openrouter");
    router.reasoning = ReasoningStyle::budget;
    CHECK(Json::parse(encode_request(request, router)->body)["reasoning"] ==
          Json{{"max_tokens", 5000}});
    Target words = target_of("openai");
    words.reasoning = ReasoningStyle::effort;
    const Json own = Json::parse(encode_request(request, words)->body);
    CHECK(own["reasoning_effort"] == "medium");
    CHECK(!own.contains("thinking"));
    const ChatRequest off = asking(R"({"type":"disabled","budget_tokens":5000})");
    CHECK(!off.reasoning.budget_tokens);
    CHECK(off.extra == R"({"thinking":{"type":"disabled"}})");
    CHECK(asking(R"({"type":"enabled"})").extra == R"({"thinking":{"type":"enabled"}})");
  }

  TEST_CASE("OpenRouter's words for thinking are told to whoever has others") {
    const auto sent = [](const char* reasoning, const char* dialect, ReasoningStyle style) {
      auto request = decode_client_request(
          WireFormat::openai_chat,
          std::string(
              R"({"model":"m","max_tokens":9000,"messages":[{"role":"user","content":"x"}],)"
              R"("reasoning":)") +
              reasoning + "}");
      REQUIRE(request.ok());
      Target target = target_of(dialect);
      target.reasoning = style;
      const auto wire = encode_request(*request, target);
      REQUIRE(wire.ok());
      return Json::parse(wire->body);
    };
    const auto budget = ReasoningStyle::budget;
    const auto effort = ReasoningStyle::effort;
    const Json thinks = {{"type", "enabled"}, {"budget_tokens", 4000}};
    CHECK(sent(R"({"max_tokens":4000})", "anthropic", budget)["thinking"] == thinks);
    CHECK(sent(R"({"effort":"low"})", "anthropic", budget)["thinking"]["budget_tokens"] == 2048);
    CHECK(sent(R"({"enabled":true})", "anthropic", budget).contains("thinking"));
    CHECK(sent(R"({"enabled":false})", "anthropic", budget)["thinking"]["type"] == "disabled");
    const auto google = [&](const char* reasoning, ReasoningStyle style) {
      return sent(reasoning, "gemini", style)["generationConfig"]["thinkingConfig"];
    };
    CHECK(google(R"({"max_tokens":4000})", budget)["thinkingBudget"] == 4000);
    CHECK(google(R"({"effort":"high"})", effort)["thinkingLevel"] == "high");
    const Json words = sent(R"({"effort":"low","exclude":true})", "openai", effort);
    CHECK(words["reasoning_effort"] == "low");
    // Its own target has them as they were.
    CHECK(sent(R"({"effort":"low","exclude":true})", "openrouter", effort)["reasoning"] ==
          Json{{"effort", "low"}, {"exclude", true}});
    CHECK(sent(R"({"max_tokens":4000})", "openrouter", budget)["reasoning"] ==
          Json{{"max_tokens", 4000}});
  }

  TEST_CASE("an image's url: an address, or the image itself in any spelling of RFC 2397") {
    const auto asked = [](WireFormat format, const std::string& url) {
      const Json part = format == WireFormat::openai_chat
                            ? Json{{"type", "image_url"}, {"image_url", {{"url", url}}}}
                        : format == WireFormat::anthropic
                            ? Json{{"type", "image"}, {"source", {{"type", "url"}, {"url", url}}}}
                            : Json{{"type", "input_image"}, {"image_url", url}};
      const Json message = {{"role", "user"}, {"content", Json::array({part})}};
      const bool responses = format == WireFormat::openai_responses;
      return decode_client_request(
          format,
          Json{{"model", "m"}, {"max_tokens", 9}, {responses ? "input" : "messages", {message}}}
              .dump());
    };
    const std::string png = "iVBORw0KGgoAAAAN";
    struct Case {
      std::string url;
      PartKind kind;
      const char* type;
    };
    const Case cases[] = {
        {"data:image/png;base64," + png, PartKind::image, "image/png"},
        {"DATA:image/png;BASE64," + png, PartKind::image, "image/png"},
        {"data:image/png; base64," + png, PartKind::image, "image/png"},
        {"data:image/png;name=a.png;base64," + png, PartKind::image, "image/png"},
        {"data:;base64," + png, PartKind::image, "image/png"},
        {"data:application/octet-stream;base64," + png, PartKind::image, "image/png"},
        {"data:;base64,/9j/4AAQSkZJRgAB", PartKind::image, "image/jpeg"},
        {"data:;base64,R0lGODlhAQABAIAA", PartKind::image, "image/gif"},
        {"data:;base64,UklGRiQAAABXRUJQVlA4", PartKind::image, "image/webp"},
        {"data:;base64,JVBERi0xLjQK", PartKind::document, "application/pdf"},
        {"data:application/pdf;base64,JVBERi0xLjQK", PartKind::document, "application/pdf"},
        {"https://a.example/b.png", PartKind::image, ""},
    };
    for (const WireFormat format :
         {WireFormat::openai_chat, WireFormat::openai_responses, WireFormat::anthropic}) {
      for (const Case& each : cases) {
        CAPTURE(each.url);
        const auto request = asked(format, each.url);
        REQUIRE(request.ok());
        const ChatPart& part = request->messages[0].parts[0];
        CHECK(part.kind == each.kind);
        CHECK(part.media_type == each.type);
        CHECK(part.url == (part.media_type.empty() ? each.url : std::string()));
      }
      for (const std::string& url :
           {png, std::string(), std::string("data:,abc"), std::string("data:image/png,abc"),
            std::string("data:image/png;base64,"), std::string("data:;base64,QUJDREVGR0hJSktM")}) {
        CAPTURE(url);
        const auto request = asked(format, url);
        REQUIRE(!request.ok());
        CHECK(request.error().code == "bad_request");
        CHECK(request.error().path.find("url") != std::string::npos);
      }
    }
    const auto pdf = asked(WireFormat::openai_chat, cases[10].url);
    CHECK(body_of(*pdf, "openai")["messages"][0]["content"][0]["type"] == "file");
    CHECK(body_of(*pdf, "anthropic")["messages"][0]["content"][0]["type"] == "document");
    CHECK(body_of(*pdf, "gemini")["contents"][0]["parts"].dump().find("application/pdf") !=
          std::string::npos);
    const auto plain = asked(WireFormat::openai_responses, cases[4].url);
    CHECK(body_of(*plain, "openai")["messages"][0]["content"][0]["image_url"]["url"] ==
          "data:image/png;base64," + png);
  }

  TEST_CASE("the schemas of a request grow together by so much and no more") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "x"));
    ToolDefinition tool;
    tool.parameters = R"({"$ref":"#/$defs/d","$defs":{"d":{"type":"object","description":")" +
                      std::string(50'000, 'x') + R"("}}})";
    for (int i = 0; i < 32; ++i) {
      tool.name = "tool_" + std::to_string(i);
      request.tools.push_back(tool);
    }
    CHECK(encode_request(request, target_of("gemini")).ok());
    tool.name = "one_more";
    request.tools.push_back(tool);
    for (const char* dialect : {"gemini", "openai", "anthropic", "cohere", "openai-responses"}) {
      const auto refused = encode_request(request, target_of(dialect));
      REQUIRE_FALSE(refused.ok());
      CHECK(refused.error().path == "tools");
    }
  }

  TEST_CASE("bytes that are not UTF-8 do not break the body") {
    ChatRequest request;
    request.messages.push_back(text_message(Role::user, "a\xFF\xC3\"\x01z\xE2\x82\xAC"));
    CHECK(body_of(request, "openai")["messages"][0]["content"] ==
          "a\xEF\xBF\xBD\xEF\xBF\xBD\"\x01z\xE2\x82\xAC");
  }
}
