// What a request may cost, read from the bytes that are sent. The last case is a property over
// random requests: whatever the bodies ask for is within the bound, by a reading of its own.
#include "relay/upstream/send_bound.hpp"

#include <doctest/doctest.h>

#include <array>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/base/rng.hpp"
#include "engine/llm/allowed_members.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"
#include "relay/upstream/attempt_request.hpp"

namespace redoubt::upstream {
namespace {

using llm::WireFormat;

constexpr WireFormat chat = WireFormat::openai_chat;
constexpr WireFormat responses = WireFormat::openai_responses;
constexpr WireFormat anthropic = WireFormat::anthropic;
constexpr std::int64_t context = 200'000;
constexpr std::int64_t model_max = 8'000;

llm::PassThrough everything() {
  const std::array<std::string, 4> all{"openai:*", "openai-responses:*", "anthropic:*", "gemini:*"};
  return llm::PassThrough::parse(all).value();
}

/// The body that goes out, "" where nothing does.
std::string sent(WireFormat format, std::string_view dialect, const std::string& body,
                 const llm::PassThrough& passed,
                 llm::ReasoningStyle style = llm::ReasoningStyle::by_default) {
  auto request = llm::decode_client_request(format, body);
  if (!request || !llm::hold_to_allowed(*request, passed)) return "";
  if (format == WireFormat::gemini) request->model = "m";  // from the address
  llm::Target target{.dialect = llm::find_dialect(dialect),
                     .base_url = {},
                     .model = {},
                     .reasoning = style,
                     .output_tokens_default = model_max};
  auto wire = llm::encode_request(*request, target);
  return wire ? wire->body : "";
}

SendBound bound_of(WireFormat format, std::string_view dialect, const std::string& body,
                   llm::ReasoningStyle style = llm::ReasoningStyle::by_default) {
  const std::string wire = sent(format, dialect, body, everything(), style);
  REQUIRE(!wire.empty());
  return send_bound(llm::find_dialect(dialect)->format, wire);
}

TEST_CASE("send bound: a Gemini client's request") {
  constexpr WireFormat gemini = WireFormat::gemini;
  const auto bound = [](const std::string& parts, const std::string& more = "") {
    return bound_of(
        gemini, "gemini",
        R"({"contents":[{"role":"user","parts":[{"text":"hi"},)" + parts + "]}]" + more + "}");
  };
  const std::string picture = R"({"inlineData":{"mimeType":"image/png","data":"QUJD"}})";
  CHECK(bound(picture).prompt.images == 1);
  CHECK_FALSE(bound(picture).refers_outside);
  CHECK(bound(R"({"functionResponse":{"name":"go","response":{},"parts":[)" + picture + "]}}")
            .prompt.images == 1);
  for (const char* outside : {R"({"inlineData":{"mimeType":"application/pdf","data":"QUJD"}})",
                              R"({"fileData":{"mimeType":"image/png","fileUri":"https://a/b"}})",
                              R"({"fileData":{"fileUri":"https://youtu.be/a"}})"})
    CHECK(bound(outside).refers_outside);
  const SendBound known = bound(
      picture,
      R"(,"tools":[{"functionDeclarations":[{"name":"go"},{"name":"stay"}]}],"safetySettings":[],)"
      R"("toolConfig":{"functionCallingConfig":{"mode":"AUTO"}},"generationConfig":{"topK":1,)"
      R"("maxOutputTokens":9,"responseMimeType":"application/json","mediaResolution":"LOW",)"
      R"("thinkingConfig":{"thinkingBudget":100}})");
  CHECK_FALSE(known.refers_outside);
  CHECK(known.prompt.tools == 2);
  CHECK(output_tokens_upper(known, model_max) == 109);
  for (const char* own :
       {R"(,"cachedContent":"cachedContents/1")", R"(,"tools":[{"urlContext":{}}])",
        R"(,"generationConfig":{"brandNew":1})"})
    CHECK(bound(picture, own).refers_outside);
  const SendBound search = bound(picture, R"(,"tools":[{"googleSearch":{}}])");
  CHECK(search.refers_outside);
  CHECK(tool_uses_upper(search).web_searches == uses_assumed);
}

TEST_CASE("send bound: parts in parts and tools in tools count as text where they lie too deep") {
  const auto nested = [](int levels, const std::string& open, const std::string& close) {
    std::string text = R"([{"type":"text","text":"hi"}])";
    for (int i = 0; i < levels; ++i)
      text = open + text + close;
    return text;
  };
  const auto results = [&](int levels) {
    return send_bound(anthropic,
                      R"({"messages":[{"role":"user","content":)" +
                          nested(levels, R"([{"type":"search_result","content":)", "}]") + "}]}");
  };
  CHECK_FALSE(results(3).refers_outside);
  CHECK(results(4).refers_outside);
  CHECK(results(40).prompt.text_tokens > results(4).prompt.text_tokens);
  const auto namespaces = [&](int levels) {
    return send_bound(responses, R"({"input":"x","tools":)" +
                                     nested(levels, R"([{"type":"namespace","tools":)", "}]") +
                                     "}");
  };
  CHECK(namespaces(4).refers_outside);
  CHECK(namespaces(40).prompt.tools == namespaces(4).prompt.tools);
}

TEST_CASE("send bound: what lies elsewhere is the model's whole context") {
  struct Case {
    WireFormat format;
    const char* dialect;
    const char* body;
  };
  // What lies at the provider, or at an address.
  const Case cases[] = {
      {responses, "openai-responses", R"({"model":"m","input":"x","previous_response_id":"r"})"},
      {responses, "openai-responses", R"({"model":"m","input":"x","conversation":"c"})"},
      {responses, "openai-responses", R"({"model":"m","input":"x","prompt":{"id":"p"}})"},
      {responses, "openai-responses",
       R"({"model":"m","input":[{"type":"item_reference","id":"i"}]})"},
      {responses, "openai-responses",
       R"({"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}]})"},
      {responses, "openai-responses",
       R"({"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_url":"u"}]}]})"},
      {responses, "openai-responses",
       R"({"model":"m","input":[{"role":"user","content":)"
       R"([{"type":"input_file","file_data":"data:application/pdf;base64,AA"}]}]})"},
      {responses, "openai-responses",
       R"({"model":"m","input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]})"},
      {responses, "openai-responses",
       R"({"model":"m","input":[{"role":"user","content":)"
       R"([{"type":"input_image","image_url":"https://x/y.png"}]}]})"},
      {responses, "openai-responses",
       R"({"model":"m","input":"x","tools":[{"type":"mcp","server_url":"http://x"}]})"},
      {responses, "openai-responses",
       R"({"model":"m","input":"x","tools":[{"type":"tool_search"}]})"},
      {chat, "openai",
       R"({"model":"m","messages":[{"role":"user","content":)"
       R"([{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}]})"},
      {chat, "openai",
       R"({"model":"m","messages":[{"role":"user","content":)"
       R"([{"type":"file","file":{"file_id":"f"}}]}]})"},
      {chat, "openai",
       R"({"model":"m","messages":[{"role":"assistant","content":"x","audio":{"id":"a"}}]})"},
      {chat, "openai", R"({"model":"m","messages":[{"role":"user","content":"x"}],"new":{"a":1}})"},
      {chat, "mistral",
       R"({"model":"m","messages":[{"role":"user","content":)"
       R"([{"type":"document_url","document_url":"https://x/y.pdf"}]}]})"},
      {chat, "gemini",
       R"({"model":"m","messages":[{"role":"user","content":)"
       R"([{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}]})"},
      {chat, "gemini",
       R"({"model":"m","messages":[{"role":"user","content":)"
       R"([{"type":"image_url","image_url":{"url":"data:application/pdf;base64,AA"}}]}]})"},
      {chat, "anthropic",
       R"({"model":"m","messages":[{"role":"user","content":)"
       R"([{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}]})"},
      {anthropic, "anthropic",
       R"({"model":"m","max_tokens":9,"container":"c","messages":[{"role":"user","content":"x"}]})"},
      {anthropic, "anthropic",
       R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document",)"
       R"("source":{"type":"url","url":"https://x"}}]}]})"},
      {anthropic, "anthropic",
       R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document",)"
       R"("source":{"type":"base64","media_type":"application/pdf","data":"AA"}}]}]})"},
      {anthropic, "anthropic",
       R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"tool_result",)"
       R"("tool_use_id":"t","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}]}]})"},
      {anthropic, "anthropic",
       R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],)"
       R"("tools":[{"type":"web_search_20250305","name":"w"}]})"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.body);
    const SendBound bound = bound_of(one.format, one.dialect, one.body);
    CHECK(bound.refers_outside);
    CHECK(input_tokens_upper(bound, context) == context);
  }
}

TEST_CASE("send bound: a tool that a message adds counts as one, a reference as its words") {
  const auto bound = [](const std::string& tool) {
    return bound_of(anthropic, "anthropic",
                    R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},)"
                    R"({"role":"system","content":[{"type":"tool_addition","tool":)" +
                        tool + R"(}]},{"role":"user","content":"y"}]})");
  };
  const SendBound reference = bound(R"({"type":"tool_reference","name":"t"})");
  CHECK_FALSE(reference.refers_outside);
  CHECK(reference.prompt.tools == 0);
  for (const char* tool : {R"({"name":"t","input_schema":{"type":"object"}})",
                           R"({"type":"tool_definition","definition":{"name":"t",)"
                           R"("input_schema":{"type":"object"}}})"}) {
    const SendBound whole = bound(tool);
    CHECK_FALSE(whole.refers_outside);
    CHECK(whole.prompt.tools == 1);
  }
  CHECK(bound(R"({"type":"mcp_toolset","mcp_server_name":"s"})").refers_outside);
}

TEST_CASE("send bound: a document and sound inside are the whole context at every target") {
  const std::pair<WireFormat, const char*> bodies[] = {
      {chat, R"({"model":"m","messages":[{"role":"user","content":[{"type":"file","file":)"
             R"({"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0xLjQK"}}]}]})"},
      {chat, R"({"model":"m","messages":[{"role":"user","content":[{"type":"input_audio",)"
             R"("input_audio":{"data":"QUJD","format":"mp3"}}]}]})"},
      {anthropic,
       R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document",)"
       R"("source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjQK"}}]}]})"},
      {anthropic,
       R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text",)"
       R"("text":"x"},{"type":"tool_result","tool_use_id":"t","content":[{"type":"document",)"
       R"("source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjQK"}}]}]}]})"}};
  int sent_to = 0;
  for (const auto& each : bodies) {
    for (const llm::Dialect& dialect : llm::dialects()) {
      if (dialect.name == "azure") continue;  // it has no address of its own
      const std::string wire = sent(each.first, dialect.name, each.second, {});
      if (wire.empty()) continue;
      ++sent_to;
      CAPTURE(wire);
      const SendBound bound = send_bound(dialect.format, wire);
      CHECK(bound.refers_outside);
      const llm::ToolUses uses = tool_uses_upper(bound);
      CHECK(uses.web_searches + uses.file_searches + uses.others == 0);
    }
  }
  CHECK(sent_to >= 19);
}

TEST_CASE("send bound: what travels inside is counted by its bytes, in each dialect") {
  const char* body =
      R"({"model":"m","max_tokens":50,"messages":[{"role":"system","content":"Be brief."},)"
      R"({"role":"user","content":[{"type":"text","text":"Look"},{"type":"image_url",)"
      R"("image_url":{"url":"data:image/png;base64,iVBORw0KGgo=","detail":"low"}}]},)"
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"abcdefghi","type":"function",)"
      R"("function":{"name":"f","arguments":"{\"a\":1}"}}]},)"
      R"({"role":"tool","tool_call_id":"abcdefghi","content":"ok"}],"tools":[{"type":"function",)"
      R"("function":{"name":"f","parameters":{"type":"object","properties":{}}}}],)"
      R"("tool_choice":"auto","reasoning_effort":"low","temperature":0.5,"top_p":0.5,"seed":1,)"
      R"("stop":["x"],"stream":true,"parallel_tool_calls":false,"user":"u","metadata":{"a":"b"},)"
      R"("response_format":{"type":"json_object"}})";
  for (const llm::Dialect& dialect : llm::dialects()) {
    CAPTURE(dialect.name);
    auto request = llm::decode_client_request(chat, body);
    REQUIRE(request.ok());
    auto wire =
        llm::encode_request(*request, {.dialect = &dialect, .base_url = "http://x", .model = {}});
    if (!wire) continue;  // a forced tool, or the like
    const SendBound bound = send_bound(dialect.format, wire->body);
    CHECK_FALSE(bound.refers_outside);
    CHECK(bound.prompt.images == 1);
    CHECK(bound.prompt.tools == 1);
    CHECK(input_tokens_upper(bound, context) <
          2'000 + limits::image_tokens + 2 * static_cast<std::int64_t>(wire->body.size()));
  }
}

TEST_CASE("send bound: thinking is part of the output that is reserved") {
  const std::string body =
      R"({"model":"m","max_tokens":1000,"messages":[{"role":"user","content":"x"}],)"
      R"("thinking":{"type":"enabled","budget_tokens":134000}})";
  // Anthropic's counts within the limit; one that is over it is not sent.
  CHECK(output_tokens_upper(bound_of(anthropic, "anthropic", body), model_max) == 1'000);
  CHECK(output_tokens_upper(bound_of(anthropic, "gemini", body), model_max) == 135'000);
  const std::string router =
      R"({"model":"m","max_tokens":1000,"messages":[{"role":"user","content":"x"}],)"
      R"("reasoning":{"max_tokens":50000}})";
  CHECK(output_tokens_upper(bound_of(chat, "openrouter", router), model_max) == 51'000);
  const std::string effort =
      R"({"model":"m","max_tokens":10,"messages":[{"role":"user","content":"x"}],)"
      R"("reasoning_effort":"high"})";
  const SendBound by_budget = bound_of(chat, "anthropic", effort, llm::ReasoningStyle::budget);
  CHECK(output_tokens_upper(by_budget, model_max) == 10);
  // What stands for adaptive thinking counts within the limit, and is thinking that is asked for.
  const std::string adaptive =
      R"({"model":"m","max_tokens":9000,"messages":[{"role":"user","content":"x"}],)"
      R"("thinking":{"type":"adaptive"}})";
  const SendBound adapted = bound_of(anthropic, "anthropic", adaptive, llm::ReasoningStyle::budget);
  CHECK(output_tokens_upper(adapted, model_max) == 9'000);
  CHECK(adapted.thinking_asked);
  const std::string roomy =
      R"({"model":"m","max_tokens":20000,"messages":[{"role":"user","content":"x"}],)"
      R"("thinking":{"type":"enabled","budget_tokens":16000}})";
  CHECK(output_tokens_upper(bound_of(anthropic, "anthropic", roomy), model_max) >= 20'000);
  CHECK(output_tokens_upper(bound_of(chat, "gemini", effort, llm::ReasoningStyle::budget),
                            model_max) == 16'394);
}

TEST_CASE("send bound: a number in another form counts, and what is none counts as the most") {
  const auto thinking = [](const char* budget) {
    return send_bound(chat,
                      std::string(R"({"model":"m","max_tokens":10,"messages":[],"reasoning":{)") +
                          R"("max_tokens":)" + budget + "}}")
        .thinking_tokens;
  };
  CHECK(thinking("null") == 0);
  CHECK(thinking("-1") == 0);
  CHECK(thinking("8000") == 8'000);
  CHECK(thinking("8000.0") == 8'000);
  CHECK(thinking("8e3") == 8'000);
  CHECK(thinking("7999.5") == 8'000);
  for (const char* odd : {R"("8000")", "[8000]", "{}", "true", "1e400"}) {
    CAPTURE(odd);
    CHECK(thinking(odd) == limits::tokens_max);
  }
}

TEST_CASE("send bound: without a limit in the body it is the model's, for each answer") {
  const std::string body = R"({"model":"m","messages":[{"role":"user","content":"x"}]})";
  CHECK(output_tokens_upper(bound_of(chat, "openai", body), model_max) == model_max);
  CHECK(output_tokens_upper(send_bound(chat, R"({"n":4,"max_tokens":10})"), model_max) == 40);
  CHECK(output_tokens_upper(
            send_bound(WireFormat::gemini, R"({"generationConfig":{"candidateCount":3}})"),
            model_max) == 3 * model_max);
  CHECK(output_tokens_upper(send_bound(chat, R"({"max_tokens":99999999999999999999})"),
                            model_max) == limits::tokens_max);
}

TEST_CASE("send bound: an image counts as the card has it, whatever the body calls the model") {
  const auto table = llm::ModelTable::read(llm::default_models_json());
  REQUIRE(table.ok());
  const auto image = [&](std::string_view card, const char* called, const char* detail) {
    const auto body = [&](const std::string& url) {
      return std::string(R"({"model":")") + called +
             R"(","messages":[{"role":"user","content":[{"type":"image_url",)" +
             R"("image_url":{"url":")" + url + R"(","detail":")" + detail + R"("}}]}]})";
    };
    const std::int64_t each = table->find("openai", card)->image_tokens_max;
    const SendBound one = bound_of(chat, "openai", body("data:image/png;base64,AA"));
    CHECK(one.prompt.images > 0);
    SendBound none = one;
    none.prompt.images = 0;
    return input_tokens_upper(one, 1'000'000, each) - input_tokens_upper(none, 1'000'000, each);
  };
  CHECK(image("gpt-4o-mini-2024-07-18", "small", "high") == 48'169);
  CHECK(image("gpt-5.4-mini", "gpt-4o-mini", "original") >= 16'200);
  CHECK(image("gpt-4o", "gpt-4o-mini", "high") == limits::image_tokens);
}

TEST_CASE(
    "send bound: a container of the provider's is seen, and refused where there is a budget") {
  struct Case {
    WireFormat format;
    const char* members;
    bool asks;
  };
  const Case cases[] = {
      {responses, R"("tools":[{"type":"code_interpreter","container":{"type":"auto"}}])", true},
      {responses, R"("tools":[{"type":"shell","environment":{"type":"container_auto"}}])", true},
      {responses, R"("tools":[{"type":"shell","environment":{"type":"local"}}])", false},
      {responses, R"("kit":{"tools":[{"type":"code_interpreter"}]})", true},
      {responses, R"("tools":[{"type":"web_search"}])", false},
      {anthropic, R"("tools":[{"type":"code_execution_20250825","name":"c"}])", true},
      {anthropic, R"("container":{"skills":[]})", true},
      {anthropic, R"("tools":[{"type":"bash_20250124","name":"b"}])", false},
  };
  for (const Case& one : cases) {
    CAPTURE(one.members);
    const std::string body =
        one.format == responses
            ? R"({"model":"m","input":"x",)" + std::string(one.members) + "}"
            : R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],)" +
                  std::string(one.members) + "}";
    const char* dialect = one.format == responses ? "openai-responses" : "anthropic";
    CHECK(bound_of(one.format, dialect, body).asks_container == one.asks);
    for (const bool budgeted : {false, true}) {
      auto request = llm::decode_client_request(one.format, body);
      REQUIRE(request.ok());
      REQUIRE(llm::hold_to_allowed(*request, everything()).ok());
      const AttemptRequest attempt = attempt_request(
          *request, {.dialect = llm::find_dialect(dialect), .model = "m", .budgeted = budgeted});
      CHECK(attempt.wire.ok() == (!budgeted || !one.asks));
      if (!attempt.wire.ok()) CHECK(attempt.wire.error().code == "unsupported");
    }
  }
}

TEST_CASE("send bound: uses of the provider's tools, by tool, place and what the request says") {
  using Uses = llm::ToolUses;
  struct Case {
    WireFormat format;
    const char* members;
    Uses uses;
  };
  const Case cases[] = {
      // What the client runs.
      {chat, R"("tools":[{"type":"custom","custom":{"name":"c"}}])", {}},
      {responses,
       R"("tools":[{"type":"custom","name":"c"},{"type":"local_shell"},{"type":"apply_patch"},)"
       R"({"type":"shell","environment":{"type":"local"}}])",
       {}},
      {anthropic,
       R"("tools":[{"type":"bash_20250124","name":"b"},{"type":"memory_20250818","name":"m"}])",
       {}},
      // What has no price by the use.
      {responses, R"("tools":[{"type":"mcp","server_url":"u"},{"type":"code_interpreter"}])", {}},
      {anthropic, R"("tools":[{"type":"web_fetch_20250910","name":"w","max_uses":9}])", {}},
      // What has one.
      {responses, R"("tools":[{"type":"web_search"}])", {.web_searches = uses_assumed}},
      {responses,
       R"("tools":[{"type":"web_search_preview_2025_03_11"}])",
       {.web_searches = uses_assumed}},
      {responses,
       R"("tools":[{"type":"file_search","vector_store_ids":["v"]}])",
       {.file_searches = uses_assumed}},
      {responses,
       R"("tools":[{"type":"web_search"},{"type":"file_search"}],"max_tool_calls":3)",
       {.web_searches = uses_assumed, .file_searches = uses_assumed, .all_max = 3}},
      // A member of another format bounds nothing.
      {responses,
       R"("tools":[{"type":"web_search","max_uses":1}])",
       {.web_searches = uses_assumed}},
      {anthropic,
       R"("tools":[{"type":"web_search_20250305","name":"w","max_uses":1}])",
       {.web_searches = 1}},
      {anthropic,
       R"("tools":[{"type":"web_search_20250305","name":"w","max_uses":90}])",
       {.web_searches = 90}},
      {anthropic,
       R"("tools":[{"type":"web_search_20250305","name":"w","max_uses":"90"}])",
       {.web_searches = llm::tool_uses_max}},
      {anthropic,
       R"("tools":[{"type":"web_search_20250305","name":"w"}])",
       {.web_searches = uses_assumed}},
      {anthropic,
       R"("tools":[{"type":"web_search_20250305","name":"a","max_uses":2},)"
       R"({"type":"web_search_20260209","name":"b","max_uses":3}])",
       {.web_searches = 5}},
      // Wherever a tool stands.
      {responses,
       R"("tools":[{"type":"namespace","name":"n","tools":[{"type":"web_search"}]}])",
       {.web_searches = uses_assumed}},
      {responses,
       R"("input":[{"role":"user","content":"x"},{"type":"additional_tools","role":"developer",)"
       R"("tools":[{"type":"web_search"},{"type":"file_search"}]}])",
       {.web_searches = uses_assumed, .file_searches = uses_assumed}},
      {responses,
       R"("input":[{"role":"user","content":"x"},{"type":"tool_search_output","call_id":"c",)"
       R"("tools":[{"type":"web_search"}]}])",
       {.web_searches = uses_assumed}},
      {responses,
       R"("input":[{"role":"user","content":"x"},{"type":"new_item","kit":{"tools":)"
       R"([{"type":"web_search"}]}}])",
       {.web_searches = uses_assumed}},
      {anthropic,
       R"("kit":{"tools":[{"type":"web_search_20250305","max_uses":40}]})",
       {.web_searches = 40}},
      // What nobody here knows.
      {responses, R"("tools":[{"type":"deep_search"}])", {.others = uses_assumed}},
      {responses, R"("tools":[{"type":"mcp_web_search"}])", {.others = uses_assumed}},
      {responses,
       R"("tools":[{"type":"kit","tools":[{"type":"web_search"}]}])",
       {.web_searches = uses_assumed, .others = uses_assumed}},
      {chat, R"("web_search_options":{"search_context_size":"high"})", {.web_searches = 1}},
      {chat, R"("plugins":[{"id":"web"}])", {.others = uses_assumed}},
  };
  for (const Case& one : cases) {
    CAPTURE(one.members);
    const std::string members = one.members;
    const std::string body =
        one.format == responses
            ? R"({"model":"m",)" + members +
                  (members.find(R"("input")") == 0 ? "}" : R"(,"input":"x"})")
            : R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],)" +
                  members + "}";
    const char* dialect = one.format == chat        ? "openai"
                          : one.format == responses ? "openai-responses"
                                                    : "anthropic";
    const Uses uses = tool_uses_upper(bound_of(one.format, dialect, body));
    CHECK(uses.web_searches == one.uses.web_searches);
    CHECK(uses.file_searches == one.uses.file_searches);
    CHECK(uses.others == one.uses.others);
    CHECK(uses.all_max == one.uses.all_max);
  }
}

TEST_CASE("send bound: an escape counts as the widest character") {
  const SendBound plain = send_bound(chat, R"({"messages":[{"role":"user","content":"aaaaaa"}]})");
  const SendBound escaped =
      send_bound(chat, R"({"messages":[{"role":"user","content":"\ufdfa"}]})");
  CHECK(escaped.prompt.text_tokens >= plain.prompt.text_tokens + 33);
}

// --- the property -------------------------------------------------------------------------------

std::string picked(Rng& rng, std::span<const char* const> from) {
  return from[rng.below(static_cast<std::uint32_t>(from.size()))];
}

constexpr const char* chat_members[] = {R"("max_tokens":700)",
                                        R"("max_completion_tokens":900)",
                                        R"("reasoning_effort":"high")",
                                        R"("reasoning":{"max_tokens":5000})",
                                        R"("n":1)",
                                        R"("store":true)",
                                        R"("best_of":7)",
                                        R"("service_tier":"flex")",
                                        R"("web_search_options":{})",
                                        R"("user":"u")",
                                        R"("tools":[{"type":"mcp","server_url":"u"}])",
                                        R"("prediction":{"content":"x"})",
                                        R"("tools":[{"type":"function","function":{"name":"f"}}])",
                                        R"("stream":true)",
                                        R"("models":["a","b"])",
                                        R"("web_search_options":{})",
                                        R"("unheard_of":{"file_id":"f"})"};
constexpr const char* chat_parts[] = {
    R"({"type":"text","text":"x"})",
    R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}})",
    R"({"type":"image_url","image_url":{"url":"https://x/y"}})",
    R"({"type":"file","file":{"file_id":"f"}})",
    R"({"type":"file","file":{"file_data":"AA","filename":"x"}})",
    R"({"type":"input_audio","input_audio":{"data":"AA"}})",
    R"({"type":"unheard_of","file_id":"f"})"};
constexpr const char* responses_members[] = {
    R"("max_output_tokens":700)",
    R"("previous_response_id":"r")",
    R"("conversation":"c")",
    R"("prompt":{"id":"p"})",
    R"("reasoning":{"effort":"high"})",
    R"("background":true)",
    R"("tools":[{"type":"file_search","vector_store_ids":["v"]}])",
    R"("store":true)",
    R"("tools":[{"type":"mcp","server_url":"u"}])",
    R"("tools":[{"type":"web_search"}])",
    R"("tools":[{"type":"web_search"},{"type":"file_search"}],"max_tool_calls":2)",
    R"("kit":[{"type":"web_search_2025_08_26"}])",
    R"("tools":[{"type":"code_interpreter","container":"c"}])",
    R"("max_output_tokens":null)",
    R"("tools":[{"type":"function","name":"f","parameters":{}}])",
    R"("stream":true)"};
constexpr const char* responses_parts[] = {
    R"({"role":"user","content":"x"})",
    R"({"type":"item_reference","id":"i"})",
    R"({"type":"reasoning","id":"r","summary":[]})",
    R"({"type":"image_generation_call","id":"g"})",
    R"({"type":"additional_tools","role":"developer","tools":[{"type":"web_search"}]})",
    R"({"type":"new_item","tool":{"type":"file_search"}})",
    R"({"role":"user","content":[{"type":"input_file","file_id":"f"}]})",
    R"({"role":"user","content":[{"type":"input_file","file_url":"u"}]})",
    R"({"role":"user","content":[{"type":"input_image","image_url":"https://x"}]})",
    R"({"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,AA"}]})",
    R"({"type":"function_call_output","call_id":"c","output":[{"type":"input_file","file_id":"f"}]})"};
constexpr const char* anthropic_members[] = {
    R"("thinking":{"type":"enabled","budget_tokens":5000})",
    R"("container":"c")",
    R"("thinking":{"type":"enabled","budget_tokens":50})",
    R"("output_config":{"effort":"max"})",
    R"("mcp_servers":[{"url":"u"}])",
    R"("tools":[{"type":"code_execution_20260120","name":"c"}])",
    R"("tools":[{"name":"f","input_schema":{}}])",
    R"("tools":[{"type":"web_search_20250305","name":"w","max_uses":20}])",
    R"("tools":[{"type":"web_search_20260209","name":"w"},{"type":"web_fetch_20260209","name":"f"}])",
    R"("stream":true)",
    R"("speed":"fast")"};
constexpr const char* anthropic_parts[] = {
    R"({"type":"text","text":"x"})",
    R"({"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA"}})",
    R"({"type":"image","source":{"type":"url","url":"u"}})",
    R"({"type":"image","source":{"type":"file","file_id":"f"}})",
    R"({"type":"document","source":{"type":"url","url":"u"}})",
    R"({"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AA"}})",
    R"({"type":"document","source":{"type":"text","media_type":"text/plain","data":"x"}})",
    R"({"type":"container_upload","file_id":"f"})"};

std::string random_body(WireFormat format, Rng& rng) {
  std::string members;
  std::string parts;
  for (std::uint32_t i = rng.below(4); i > 0; --i) {
    members += ",";
    members += format == chat        ? picked(rng, chat_members)
               : format == responses ? picked(rng, responses_members)
                                     : picked(rng, anthropic_members);
  }
  for (std::uint32_t i = 1 + rng.below(3); i > 0; --i) {
    parts += parts.empty() ? "" : ",";
    parts += format == chat        ? picked(rng, chat_parts)
             : format == responses ? picked(rng, responses_parts)
                                   : picked(rng, anthropic_parts);
  }
  if (format == responses) return R"({"model":"m","input":[)" + parts + "]" + members + "}";
  const std::string limit =
      format == anthropic ? joined({R"(,"max_tokens":)", 1 + rng.below(3'000)}) : "";
  return R"({"model":"m","messages":[{"role":"user","content":[)" + parts + "]}]" + limit +
         members + "}";
}

/// Everything in a body that allows output, by a reading that knows no formats.
struct Allowed {
  std::int64_t limit = 0;
  std::int64_t budget = 0;
  std::int64_t answers = 1;
  bool reference = false;
  std::int64_t searches = 0;  ///< a provider's, at uses_assumed where nothing says how many
  std::int64_t searches_max = llm::tool_uses_max;
};

void read_allowed(const Json& json, Allowed& allowed, const std::string& key = "") {
  if (json.is_array() || json.is_object()) {
    for (auto it = json.begin(); it != json.end(); ++it)
      read_allowed(*it, allowed, json.is_object() ? it.key() : key);
  }
  if (json.is_object() && json.contains("type") && json["type"].is_string()) {
    const auto type = json["type"].get<std::string>();
    allowed.reference = allowed.reference || type == "item_reference";
    if (type.rfind("web_search", 0) == 0 || type == "file_search")
      allowed.searches += json.value("max_uses", uses_assumed);
  }
  if (key == "web_search_options") ++allowed.searches;
  if (json.is_number_integer()) {
    const auto number = json.get<std::int64_t>();
    if (key == "max_tool_calls") allowed.searches_max = number;
    if (key == "max_tokens" || key == "max_completion_tokens" || key == "max_output_tokens" ||
        key == "maxOutputTokens")
      allowed.limit = std::max(allowed.limit, number);
    if (key == "budget_tokens" || key == "thinkingBudget")
      allowed.budget = std::max(allowed.budget, number);
    if (key == "n" || key == "candidateCount" || key == "best_of")
      allowed.answers = std::max(allowed.answers, number);
  }
  if (!json.is_string()) return;
  const auto text = json.get<std::string>();
  const bool data = text.rfind("data:image/", 0) == 0;
  for (const char* name : {"previous_response_id", "conversation", "file_id", "file_url", "fileUri",
                           "image_url", "url", "container", "vector_store_ids", "server_url"})
    allowed.reference = allowed.reference || (key == name && !data);
}

TEST_CASE("send bound: no random request asks for more than is reserved") {
  constexpr WireFormat formats[] = {chat, responses, anthropic};
  const llm::PassThrough open = everything();
  const llm::PassThrough closed;
  int with_reference = 0;
  int with_searches = 0;
  int refused = 0;
  for (std::uint64_t seed = 1; seed <= 6'000; ++seed) {
    Rng rng(seed);
    const WireFormat format = formats[rng.below(3)];
    const auto& dialects = llm::dialects();
    const llm::Dialect& dialect = dialects[rng.below(static_cast<std::uint32_t>(dialects.size()))];
    const bool let_all = rng.below(2) == 0;
    const auto style = static_cast<llm::ReasoningStyle>(rng.below(4));
    const std::string body = random_body(format, rng);
    const std::string wire = sent(format, dialect.name, body, let_all ? open : closed, style);
    if (wire.empty()) {
      ++refused;
      continue;
    }
    CAPTURE(body);
    CAPTURE(wire);
    Allowed allowed;
    read_allowed(Json::parse(wire), allowed);
    const SendBound bound = send_bound(dialect.format, wire);
    const std::int64_t each =
        std::max(allowed.limit > 0 ? allowed.limit : model_max, allowed.budget);
    REQUIRE(output_tokens_upper(bound, model_max) >= each * allowed.answers);
    if (dialect.format == WireFormat::gemini)
      REQUIRE(output_tokens_upper(bound, model_max) >=
              (allowed.limit > 0 ? allowed.limit : model_max) + allowed.budget);
    if (allowed.reference) REQUIRE(bound.refers_outside);
    const llm::Fees fees{.web_search = 1, .file_search = 1};
    const std::int64_t searches = std::min(allowed.searches, allowed.searches_max);
    REQUIRE(llm::fees_bound_picodollars(tool_uses_upper(bound), fees) ==
            searches * allowed.answers * 1'000'000);
    with_searches += searches > 0 ? 1 : 0;
    with_reference += allowed.reference ? 1 : 0;
  }
  CHECK(with_reference > 300);
  CHECK(with_searches > 100);
  CHECK(refused > 300);
}

TEST_CASE("send bound: a model may think unless its card and the body say that it does not") {
  using llm::Thinking;
  const auto thinks = [](Thinking how, WireFormat format, std::string_view body) {
    llm::ModelCard card;
    card.thinking = how;
    card.tells_thinking = true;
    return may_think(format, send_bound(format, body), &card);
  };
  CHECK(may_think(chat, send_bound(chat, "{}"), nullptr));
  const llm::ModelCard silent;
  CHECK(may_think(chat, send_bound(chat, "{}"), &silent));

  CHECK_FALSE(thinks(Thinking::none, chat, R"({"max_tokens":9})"));
  CHECK(thinks(Thinking::none, chat, R"({"reasoning":{"enabled":true}})"));
  CHECK(thinks(Thinking::none, chat, R"({"chat_template_kwargs":{"enable_thinking":true}})"));
  for (const Thinking never_off :
       {Thinking::always, Thinking::budget_always, Thinking::adaptive_always})
    CHECK(thinks(never_off, anthropic, R"({"thinking":{"type":"disabled"}})"));

  CHECK(thinks(Thinking::effort, chat, "{}"));
  CHECK(thinks(Thinking::effort, chat, R"({"reasoning_effort":"low"})"));
  CHECK_FALSE(thinks(Thinking::effort, chat, R"({"reasoning_effort":"none"})"));
  CHECK_FALSE(thinks(Thinking::effort, responses, R"({"reasoning":{"effort":"none"}})"));
  CHECK(thinks(Thinking::effort, chat, R"({"reasoning":{"effort":"none","max_tokens":80}})"));
  CHECK(thinks(Thinking::effort, chat,
               R"({"reasoning_effort":"none","reasoning":{"effort":"high"}})"));
  CHECK(thinks(Thinking::toggle, chat, "{}"));
  CHECK_FALSE(thinks(Thinking::toggle, chat, R"({"thinking":{"type":"disabled"}})"));

  CHECK_FALSE(thinks(Thinking::budget, anthropic, "{}"));
  CHECK_FALSE(thinks(Thinking::budget, anthropic, R"({"thinking":{"type":"disabled"}})"));
  CHECK(thinks(Thinking::budget, anthropic,
               R"({"thinking":{"type":"enabled","budget_tokens":7999,"display":"omitted"}})"));
  CHECK_FALSE(thinks(Thinking::budget_or_adaptive, anthropic, "{}"));
  CHECK(thinks(Thinking::budget_or_adaptive, anthropic, R"({"thinking":{"type":"adaptive"}})"));
  CHECK_FALSE(thinks(Thinking::adaptive_off, anthropic, "{}"));
  CHECK(thinks(Thinking::adaptive_off, anthropic, R"({"thinking":{"type":"adaptive"}})"));
  CHECK(thinks(Thinking::adaptive, anthropic, "{}"));
  CHECK_FALSE(thinks(Thinking::adaptive, anthropic, R"({"thinking":{"type":"disabled"}})"));

  constexpr WireFormat gemini = WireFormat::gemini;
  CHECK(thinks(Thinking::budget, gemini, "{}"));
  CHECK_FALSE(thinks(Thinking::budget, gemini,
                     R"({"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}})"));
  CHECK(thinks(Thinking::budget, gemini,
               R"({"generationConfig":{"thinkingConfig":{"thinkingBudget":-1}}})"));
}

}  // namespace
}  // namespace redoubt::upstream
