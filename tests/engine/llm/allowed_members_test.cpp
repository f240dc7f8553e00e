// What rides on from a client's request to a provider: what is taken, what is left out, what is
// refused, and that an operator can open each of it.
#include "engine/llm/allowed_members.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"
#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

std::string body_with(WireFormat format, const std::string& members, const std::string& part = "") {
  const std::string more = members.empty() ? "" : "," + members;
  if (format == WireFormat::openai_responses) {
    const std::string item = part.empty() ? "" : "," + part;
    return R"({"model":"m","input":[{"role":"user","content":"hi"})" + item + "]" + more + "}";
  }
  const std::string limit = format == WireFormat::anthropic ? R"(,"max_tokens":9)" : "";
  const std::string content = part.empty() ? R"("hi")" : "[" + part + "]";
  return R"({"model":"m","messages":[{"role":"user","content":)" + content + "}]" + limit + more +
         "}";
}

/// "" where the request passes, else what an operator would have to open.
std::string refused(WireFormat format, const std::string& body, const PassThrough& passed = {}) {
  auto request = decode_client_request(format, body);
  if (!request.ok()) MESSAGE(request.error().message);
  REQUIRE(request.ok());
  auto held = hold_to_allowed(*request, passed);
  if (held.ok()) return "";
  CHECK(held.error().code == "not_allowed");
  const std::string& message = held.error().message;
  const std::size_t from = message.find("[\"") + 2;
  return message.substr(from, message.find("\"]") - from);
}

Json sent(WireFormat format, std::string_view dialect, const std::string& body,
          const PassThrough& passed = {}) {
  auto request = decode_client_request(format, body);
  REQUIRE(request.ok());
  REQUIRE(hold_to_allowed(*request, passed).ok());
  Target target;
  target.dialect = find_dialect(dialect);
  auto wire = encode_request(*request, target);
  REQUIRE(wire.ok());
  return Json::parse(wire->body);
}

PassThrough opened(std::vector<std::string> entries) {
  auto passed = PassThrough::parse(entries);
  REQUIRE(passed.ok());
  return std::move(passed).value();
}

struct Case {
  WireFormat format;
  const char* members;
  const char* part;
  const char* name;  ///< what an operator opens
};
constexpr WireFormat chat = WireFormat::openai_chat;
constexpr WireFormat responses = WireFormat::openai_responses;
constexpr WireFormat anthropic = WireFormat::anthropic;
constexpr WireFormat gemini = WireFormat::gemini;

constexpr Case refused_cases[] = {
    {chat, R"("service_tier":"priority")", "", "openai:service_tier"},
    {chat, R"("store":true)", "", "openai:store"},
    {chat, R"("best_of":20)", "", "openai:best_of"},
    {chat, R"("prediction":{"type":"content","content":"x"})", "", "openai:prediction"},
    {chat, R"("web_search_options":{"search_context_size":"high"})", "",
     "openai:web_search_options"},
    {chat, R"("models":["a/b","c/d"])", "", "openai:models"},
    {chat, R"("route":"fallback")", "", "openai:route"},
    {chat, R"("provider":{"only":["x"]})", "", "openai:provider"},
    {chat, R"("plugins":[{"id":"web"}])", "", "openai:plugins"},
    {chat, R"("transforms":["middle-out"])", "", "openai:transforms"},
    {chat, R"("preset":"@preset/x")", "", "openai:preset"},
    {chat, R"("search_parameters":{"mode":"on"})", "", "openai:search_parameters"},
    {chat, R"("modalities":["text","audio"])", "", "openai:modalities"},
    {chat, R"("prompt_cache_options":{"ttl":"12h"})", "", "openai:prompt_cache_options.ttl"},
    {chat, R"("webhook":"https://x.example")", "", "openai:webhook"},
    {chat, R"("truncate_prompt_tokens":1)", "", "openai:truncate_prompt_tokens"},
    {chat, R"("tools":[{"type":"mcp","server_url":"http://10.0.0.1/"}])", "", "openai:tool:mcp"},
    {chat, R"("tools":[{"type":"web_search"}])", "", "openai:tool:web_search"},
    {chat, R"("tools":[{"type":"function","function":{"name":"f"},"server_url":"http://x"}])", "",
     "openai:tool:function.server_url"},
    {chat, "", R"({"type":"file","file":{"file_id":"file-1"}})", "openai:part:file.file.file_id"},
    {chat, "", R"({"type":"input_audio","input_audio":{"data":"QUJD","format":"flac"}})",
     "openai:part:input_audio.input_audio.format"},
    {chat, "", R"({"type":"input_audio","input_audio":"QUJD"})",
     "openai:part:input_audio.input_audio"},
    {responses, R"("previous_response_id":"resp_1")", "", "openai-responses:previous_response_id"},
    {responses, R"("conversation":"conv_1")", "", "openai-responses:conversation"},
    {responses, R"("conversation":{"id":"conv_1"})", "", "openai-responses:conversation"},
    {responses, R"("prompt":{"id":"pmpt_1"})", "", "openai-responses:prompt"},
    {responses, R"("background":true)", "", "openai-responses:background"},
    {responses, R"("store":true)", "", "openai-responses:store"},
    {responses, R"("service_tier":"flex")", "", "openai-responses:service_tier"},
    {responses, R"("reasoning":{"mode":"pro"})", "", "openai-responses:reasoning.mode"},
    {responses, R"("tools":[{"type":"mcp","server_label":"l","server_url":"http://x"}])", "",
     "openai-responses:tool:mcp"},
    {responses, R"("tools":[{"type":"web_search"}])", "", "openai-responses:tool:web_search"},
    {responses, R"("tools":[{"type":"web_search_preview"}])", "",
     "openai-responses:tool:web_search_preview"},
    {responses, R"("tools":[{"type":"file_search","vector_store_ids":["vs_1"]}])", "",
     "openai-responses:tool:file_search"},
    {responses, R"("tools":[{"type":"code_interpreter","container":"c"}])", "",
     "openai-responses:tool:code_interpreter"},
    {responses, R"("tools":[{"type":"image_generation"}])", "",
     "openai-responses:tool:image_generation"},
    {responses, R"("tools":[{"type":"computer_use_preview"}])", "",
     "openai-responses:tool:computer_use_preview"},
    {responses, R"("tools":[{"type":"tool_search"}])", "", "openai-responses:tool:tool_search"},
    {responses, R"("tools":[{"type":"shell","environment":{"type":"container_auto"}}])", "",
     "openai-responses:tool:shell.environment.type"},
    {responses,
     R"("tools":[{"type":"namespace","name":"n","tools":[{"type":"mcp","server_url":"http://x"}]}])",
     "", "openai-responses:tool:mcp"},
    {responses, R"("tools":[{"type":"brand_new"}])", "", "openai-responses:tool:brand_new"},
    {responses, "", R"({"type":"item_reference","id":"msg_1"})",
     "openai-responses:part:item_reference"},
    {responses, "", R"({"role":"user","content":[{"type":"input_file","file_id":"file-1"}]})",
     "openai-responses:part:input_file.file_id"},
    {responses, "", R"({"role":"user","content":[{"type":"input_image","file_id":"file-1"}]})",
     "openai-responses:part:input_image.file_id"},
    {responses, "", R"({"type":"image_generation_call","id":"ig_1"})",
     "openai-responses:part:image_generation_call"},
    {responses, "",
     R"({"type":"function_call_output","call_id":"c","output":[)"
     R"({"type":"input_file","file_id":"file-1"}]})",
     "openai-responses:part:input_file.file_id"},
    {responses, "", R"({"type":"additional_tools","role":"developer","tools":[{"type":"mcp"}]})",
     "openai-responses:tool:mcp"},
    {responses, "",
     R"({"type":"shell_call","call_id":"c","action":{"commands":["ls"]},)"
     R"("environment":{"type":"container_reference"}})",
     "openai-responses:part:shell_call.environment.type"},
    {responses, "",
     R"({"type":"shell_call","call_id":"c","action":{"commands":["ls"]},)"
     R"("environment":{"type":"local","container_id":"cntr_1"}})",
     "openai-responses:part:shell_call.environment.container_id"},
    {responses, "",
     R"({"type":"local_shell_call","call_id":"c","action":{},"container_id":"cntr_1"})",
     "openai-responses:part:local_shell_call.container_id"},
    {responses, "",
     R"({"type":"tool_search_call","call_id":"c","execution":"server","arguments":{}})",
     "openai-responses:part:tool_search_call.execution"},
    {responses, "", R"({"type":"tool_search_call","call_id":"c","arguments":{}})",
     "openai-responses:part:tool_search_call"},
    {responses, "", R"({"type":"tool_search_output","execution":"server","tools":[]})",
     "openai-responses:part:tool_search_output.execution"},
    {responses, "", R"({"type":"custom_tool_call","call_id":"c","name":"n","container":"x"})",
     "openai-responses:part:custom_tool_call.container"},
    {responses, "",
     R"({"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x","container":"y"})",
     "openai-responses:part:reasoning.container"},
    {responses, R"("tools":[{"type":"local_shell","container":"cntr_1"}])", "",
     "openai-responses:tool:local_shell.container"},
    {responses, R"("tools":[{"type":"apply_patch","environment":{"type":"x"}}])", "",
     "openai-responses:tool:apply_patch.environment"},
    {responses, R"("tool_choice":{"type":"web_search_preview"})", "",
     "openai-responses:tool:web_search_preview"},
    {responses, R"("tool_choice":{"type":"mcp","server_label":"l"})", "",
     "openai-responses:tool:mcp"},
    {responses, R"("tool_choice":{"type":"allowed_tools","container":"x","tools":[]})", "",
     "openai-responses:tool_choice.container"},
    {responses,
     R"("tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"file_search"}]})", "",
     "openai-responses:tool:file_search"},
    {chat, R"("tool_choice":{"type":"web_search_preview"})", "", "openai:tool:web_search_preview"},
    {chat, R"("tools":[{"type":"custom","custom":{"name":"c","server_url":"http://x"}}])", "",
     "openai:tool:custom.custom.server_url"},
    {chat, "", R"({"type":"document_url","document_url":"https://x","file_id":"f"})",
     "openai:part:document_url.file_id"},
    {chat, "", R"({"type":"thinking","thinking":[{"type":"mcp"}]})", "openai:part:mcp"},
    {anthropic,
     R"("tools":[{"type":"bash_20250124","name":"bash","allowed_callers":["code_execution"]}])", "",
     "anthropic:tool:bash_20250124.allowed_callers"},
    {anthropic, R"("tools":[{"type":"memory_20250818","name":"memory","mcp_servers":[1]}])", "",
     "anthropic:tool:memory_20250818.mcp_servers"},
    {anthropic, "",
     R"({"type":"tool_use","id":"t","name":"n","input":{},"caller":{"type":"code_execution"}})",
     "anthropic:part:tool_use.caller.type"},
    {responses, "", R"({"type":"compaction_trigger"})", "openai-responses:part:compaction_trigger"},
    {anthropic, "", R"({"type":"tool_addition","tool":{"type":"mcp_toolset","name":"x"}})",
     "anthropic:tool:mcp_toolset"},
    {anthropic, "",
     R"({"type":"tool_addition","tool":{"name":"t","input_schema":{},"server":"x"}})",
     "anthropic:tool:custom.server"},
    {anthropic, R"("container":"container_1")", "", "anthropic:container"},
    {anthropic, R"("mcp_servers":[{"type":"url","url":"http://x"}])", "", "anthropic:mcp_servers"},
    {anthropic, R"("speed":"fast")", "", "anthropic:speed"},
    {anthropic, R"("inference_geo":"us")", "", "anthropic:inference_geo"},
    {anthropic, R"("service_tier":"priority")", "", "anthropic:service_tier"},
    {anthropic, R"("fallbacks":[{"model":"x"}])", "", "anthropic:fallbacks"},
    {anthropic, R"("tools":[{"type":"web_search_20250305","name":"web_search"}])", "",
     "anthropic:tool:web_search_20250305"},
    {anthropic, R"("tools":[{"type":"code_execution_20260120","name":"c"}])", "",
     "anthropic:tool:code_execution_20260120"},
    {anthropic, R"("tools":[{"type":"computer_20250124","name":"computer"}])", "",
     "anthropic:tool:computer_20250124"},
    {anthropic,
     R"("tools":[{"name":"f","input_schema":{},"allowed_callers":["code_execution_20260120"]}])",
     "", "anthropic:tool:custom.allowed_callers"},
    {anthropic, "", R"({"type":"container_upload","file_id":"file_1"})",
     "anthropic:part:container_upload"},
    {anthropic, "", R"({"type":"document","source":{"type":"file","file_id":"file_1"}})",
     "anthropic:part:document.source.file_id"},
    {anthropic, "", R"({"type":"image","source":{"type":"file","file_id":"file_1"}})",
     "anthropic:part:image.source.file_id"},
    {anthropic, "",
     R"({"type":"tool_result","tool_use_id":"t","content":[{"type":"document","source":)"
     R"({"type":"file","file_id":"f"}}]})",
     "anthropic:part:document.source.file_id"},
    {anthropic, "",
     R"({"type":"document","source":{"type":"content","content":[{"type":"image","source":)"
     R"({"type":"file","file_id":"f"}}]}})",
     "anthropic:part:image.source.file_id"},
};

// What is no list where one belongs is not passed by: a provider may be lax.
constexpr Case shape_cases[] = {
    {responses, R"("tools":[{"type":"namespace","name":"n","tools":{"type":"web_search"}}])", "",
     "openai-responses:tool:web_search"},
    {responses, R"("tools":[{"type":"namespace","name":"n","tools":"web_search"}])", "",
     "openai-responses:tool:namespace.tools"},
    {responses,
     R"("tool_choice":{"type":"allowed_tools","mode":"auto","tools":{"type":"web_search"}})", "",
     "openai-responses:tool_choice.tools"},
    {anthropic, R"("context_management":{"edits":{"type":"compact_20260112"}})", "",
     "anthropic:edit:compact_20260112"},
    {anthropic, R"("context_management":{"edits":"compact_20260112"})", "",
     "anthropic:context_management.edits"},
    {anthropic, "",
     R"({"type":"document","source":{"type":"content","content":{"type":"image","source":)"
     R"({"type":"file","file_id":"f"}}}})",
     "anthropic:part:image.source.file_id"},
    {responses, "",
     R"({"type":"local_shell_call_output","call_id":"c","output":[{"type":"input_file",)"
     R"("file_id":"f"}]})",
     "openai-responses:part:input_file.file_id"},
    {responses, "",
     R"({"type":"apply_patch_call_output","call_id":"c","output":[{"type":"input_image",)"
     R"("file_id":"f"}]})",
     "openai-responses:part:input_image.file_id"},
    {responses, "",
     R"({"type":"shell_call_output","call_id":"c","output":[{"stdout":"a","file_id":"f"}]})",
     "openai-responses:part:shell_call_output.output"},
    {responses, "",
     R"({"type":"shell_call_output","call_id":"c","output":[{"stdout":"a","outcome":{"type":)"
     R"("exit","file\u005fid":"f"}}]})",
     "openai-responses:part:shell_call_output.output"},
};

constexpr Case taken_cases[] = {
    {responses, R"("access_programs":["x"],"client_metadata":{"a":"b"})", "", ""},
    {responses, "", R"({"type":"internal_chat_message_metadata_passthrough","a":{"b":1}})", ""},
    {responses, "",
     R"({"type":"message","role":"user","content":"x",)"
     R"("internal_chat_message_metadata_passthrough":{"a":1}})",
     ""},
    {responses, "",
     R"({"type":"custom_tool_call","call_id":"c","name":"n","input":"x",)"
     R"("internal_chat_message_metadata_passthrough":{"a":1}})",
     ""},
    // Sent as the client's own.
    {responses, R"("tools":[{"type":"shell"}])", "", ""},
    {responses, "", R"({"type":"agent_message","author":"/root","content":[]})", ""},
    {responses, "", R"({"type":"ghost_snapshot","ghost_commit":{"id":"a"}})", ""},
    {anthropic, R"("diagnostics":{"previous_message_id":"m"})", "", ""},
    {anthropic, "", R"({"type":"tool_addition","tool":{"type":"tool_reference","name":"t"}})", ""},
    {anthropic, "",
     R"({"type":"tool_addition","tool":{"name":"t","description":"d","input_schema":{"a":1}}})",
     ""},
    {anthropic, "",
     R"({"type":"tool_addition","tool":{"type":"tool_definition","definition":{"name":"t",)"
     R"("input_schema":{"a":1}}}})",
     ""},
    {anthropic, "", R"({"type":"tool_removal","tool":{"type":"tool_reference","name":"t"}})", ""},
    {chat, R"("logit_bias":{"5":-1},"logprobs":true,"top_logprobs":2,"seed":4,"verbosity":"low")",
     "", ""},
    {chat, R"("n":1,"store":false,"service_tier":"auto","modalities":["text"])", "", ""},
    {chat, R"("web_search_options":null,"background":false,"models":[],"provider":{},"preset":"")",
     "", ""},
    {chat, R"("reasoning":{"effort":"high","exclude":true},"usage":{"include":true})", "", ""},
    {chat, R"("prompt_cache_key":"k","prompt_cache_options":{"mode":"explicit","ttl":"30m"})", "",
     ""},
    {chat, R"("tools":[{"type":"custom","custom":{"name":"c"}}])", "", ""},
    {chat, "",
     R"({"type":"file","file":{"file_data":"data:application/pdf;base64,AA","filename":"a"}})", ""},
    {chat, "", R"({"type":"text","text":"x","cache_control":{"type":"ephemeral"}})", ""},
    {responses, R"("include":["reasoning.encrypted_content"],"truncation":"auto","store":false)",
     "", ""},
    {responses,
     R"("previous_response_id":null,"conversation":null,"prompt":null,"background":false)", "", ""},
    {responses,
     R"("tools":[{"type":"custom","name":"apply_patch","format":{"type":"grammar"}},)"
     R"({"type":"local_shell"},{"type":"tool_search","execution":"client"}])",
     "", ""},
    {responses, R"("text":{"verbosity":"low"},"reasoning":{"effort":"low","summary":"detailed"})",
     "", ""},
    {responses, "", R"({"type":"custom_tool_call_output","call_id":"c","output":"done"})", ""},
    {responses, "",
     R"({"type":"shell_call","id":"s","call_id":"c","status":"completed","created_by":"x",)"
     R"("action":{"commands":["ls"],"timeout_ms":5},"environment":{"type":"local"}})",
     ""},
    {responses, "",
     R"({"type":"tool_search_call","call_id":"c","execution":"client","arguments":{"q":"x"}})", ""},
    // What OpenAI's SDK for Node adds to the items of a stream, and sends back with them.
    {responses, "",
     R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}","parsed_arguments":{}})",
     ""},
    {responses, "",
     R"({"type":"function_call","call_id":"c","name":"f","arguments":"{}",)"
     R"("parsed_arguments":{"a":1}},{"role":"assistant","content":[)"
     R"({"type":"output_text","text":"{}","annotations":[],"parsed":{"a":1}}]})",
     ""},
    {responses,
     R"("tool_choice":{"type":"allowed_tools","mode":"required","tools":[)"
     R"({"type":"function","name":"f"},{"type":"custom","name":"c"},{"type":"local_shell"}]})",
     "", ""},
    {responses, R"("tool_choice":{"type":"apply_patch"})", "", ""},
    {chat,
     R"("tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[)"
     R"({"type":"function","function":{"name":"f"}}]}})",
     "", ""},
    {chat, R"("tool_choice":{"type":"custom","custom":{"name":"c"}})", "", ""},
    {chat, "", R"({"type":"thinking","thinking":[{"type":"text","text":"x"}],"closed":true})", ""},
    {responses, "", R"({"role":"user","content":[{"type":"input_file","file_url":"https://x/y"}]})",
     ""},
    {anthropic, R"("cache_control":{"type":"ephemeral"},"thinking":{"type":"adaptive"})", "", ""},
    {anthropic,
     R"("tools":[{"type":"custom","name":"f","input_schema":{},)"
     R"("cache_control":{"type":"ephemeral"}},)"
     R"({"type":"bash_20250124","name":"bash","cache_control":{"type":"ephemeral"}},)"
     R"({"type":"text_editor_20250728","name":"str_replace_based_edit_tool","max_characters":9}])",
     "", ""},
    {anthropic, "",
     R"({"type":"document","source":{"type":"text","media_type":"text/plain",)"
     R"("data":"x"},"title":"t","citations":{"enabled":true}})",
     ""},
    {anthropic, "",
     R"({"type":"search_result","source":"s","title":"t","content":)"
     R"([{"type":"text","text":"x"}]})",
     ""},
};

}  // namespace

TEST_SUITE("llm allowed members") {
  TEST_CASE("anthropic-beta: what costs nothing goes on, the rest where an operator lets it") {
    ChatRequest request;
    request.format = WireFormat::anthropic;
    request.betas = read_betas(
        "claude-code-20250219, interleaved-thinking-2025-05-14,,claude-code-evil,output-128k-x,"
        "pdfs-2024-09-25-x,effort-2025-11-2x,"
        "context-1m-2025-08-07,x\r\ny,files-api-2025-04-14");
    CHECK(request.betas.size() == 8);
    ChatRequest closed = request;
    REQUIRE(hold_to_allowed(closed, {}).ok());
    CHECK(closed.betas ==
          std::vector<std::string>{"claude-code-20250219", "interleaved-thinking-2025-05-14"});
    const std::vector<std::string> entries{"anthropic:beta:context-1m-*"};
    const auto passed = PassThrough::parse(entries);
    REQUIRE(passed.ok());
    REQUIRE(hold_to_allowed(request, *passed).ok());
    CHECK(request.betas.size() == 3);
    for (const char* free :
         {"output-128k-2025-02-19", "effort", "prompt-caching-scope-2026-01-05",
          "mid-conversation-tool-changes-2026-07-01", "inline-tools-2026-09-15"}) {
      ChatRequest one;
      one.format = WireFormat::anthropic;
      one.betas = {free};
      REQUIRE(hold_to_allowed(one, {}).ok());
      CHECK(one.betas.size() == 1);
    }
  }

  TEST_CASE("what a provider runs, keeps or prices apart is refused by name, and can be opened") {
    for (const Case& one : refused_cases) {
      CAPTURE(one.name);
      const std::string body = body_with(one.format, one.members, one.part);
      CHECK(refused(one.format, body) == one.name);
      CHECK(refused(one.format, body, opened({one.name})) == "");
    }
  }

  TEST_CASE("what a coding agent keeps for itself is not sent to a provider") {
    const std::string body =
        body_with(responses, R"("access_programs":["x"])",
                  R"({"type":"ghost_snapshot","ghost_commit":{"id":"a"}},)"
                  R"({"type":"agent_message","author":"/root","content":[]},)"
                  R"({"type":"internal_chat_message_metadata_passthrough","a":1},)"
                  R"({"type":"custom_tool_call","call_id":"c","name":"n","input":"x",)"
                  R"("internal_chat_message_metadata_passthrough":{"a":1}},)"
                  R"({"type":"custom_tool_call_output","call_id":"c","output":"done",)"
                  R"("internal_chat_message_metadata_passthrough":{"a":1}})");
    const Json own = sent(responses, "openai-responses", body);
    CHECK(own["input"].size() == 3);
    CHECK(own["input"][1]["type"] == "custom_tool_call");
    CHECK(own.dump().find("passthrough") == std::string::npos);
    CHECK(!own.contains("access_programs"));
    CHECK(sent(responses, "vllm", body)["messages"].size() == 3);
    CHECK(!sent(anthropic, "anthropic",
                body_with(anthropic, R"("diagnostics":{"previous_message_id":"m"})"))
               .contains("diagnostics"));
  }

  TEST_CASE("a summary that the provider would make is refused with the reason") {
    auto request = decode_client_request(
        responses, body_with(responses, "", R"({"type":"compaction_trigger"})"));
    REQUIRE(request.ok());
    const auto held = hold_to_allowed(*request, {});
    REQUIRE(!held.ok());
    CHECK(held.error().message.find("\"compaction_trigger\" has the provider sum the "
                                    "conversation up at its price") != std::string::npos);
  }

  TEST_CASE("what an SDK reads out of an answer for itself is not sent to a provider") {
    const std::string body =
        body_with(responses, "",
                  R"({"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}",)"
                  R"("parsed_arguments":{"a":1}},{"role":"assistant","content":[)"
                  R"({"type":"output_text","text":"{}","annotations":[],"parsed":{"a":1}}]})");
    const Json items = sent(responses, "openai-responses", body)["input"];
    CHECK(items[1]["arguments"] == "{\"a\":1}");
    CHECK(items.dump().find("parsed") == std::string::npos);
  }

  TEST_CASE("what costs tokens alone, or means nothing, is taken") {
    for (const Case& one : taken_cases) {
      CAPTURE(one.members);
      CAPTURE(one.part);
      CHECK(refused(one.format, body_with(one.format, one.members, one.part)) == "");
    }
  }

  TEST_CASE("a thread at the provider is refused by its name") {
    auto request =
        decode_client_request(anthropic, body_with(anthropic, R"("thread":{"type":"create"})"));
    REQUIRE(request.ok());
    const auto held = hold_to_allowed(*request, {});
    REQUIRE(!held.ok());
    CHECK(held.error().path == "thread");
  }

  TEST_CASE("a refusal says what, why and how an operator allows it") {
    auto request = decode_client_request(
        responses, body_with(responses, R"("tools":[{"type":"web_search"}])"));
    REQUIRE(request.ok());
    auto held = hold_to_allowed(*request, {});
    REQUIRE(!held.ok());
    CHECK(held.error().path == "tools[0]");
    CHECK(held.error().message ==
          "A tool of type \"web_search\" is run by the provider on the operator's account, so it "
          "is not passed on. An operator allows it with models.pass_through: "
          "[\"openai-responses:tool:web_search\"].");
  }

  TEST_CASE("end users' names and metadata are left out, unless the operator wants them") {
    const std::string members =
        R"("user":"somebody else","metadata":{"a":"b"},"safety_identifier":"x","session_id":"y")";
    const Json left = sent(chat, "openai", body_with(chat, members));
    for (const char* name : {"user", "metadata", "safety_identifier", "session_id"})
      CHECK_FALSE(left.contains(name));
    const Json kept = sent(chat, "openai", body_with(chat, members), opened({"openai:user"}));
    CHECK(kept["user"] == "somebody else");
    CHECK_FALSE(kept.contains("metadata"));
    const std::string named = R"("metadata":{"user_id":"other"})";
    const Json claude = sent(anthropic, "anthropic", body_with(anthropic, named));
    CHECK_FALSE(claude.contains("metadata"));
  }

  TEST_CASE("what is no list where one belongs is refused, and files in what tools gave") {
    for (const Case& one : shape_cases) {
      const std::string body = body_with(one.format, one.members, one.part);
      CAPTURE(body);
      CHECK(refused(one.format, body) == one.name);
    }
  }

  TEST_CASE("what leaves something out of the context goes on, what has it summed up does not") {
    const std::string cleared =
        R"("context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"},)"
        R"({"type":"clear_tool_uses_20250919","trigger":{"type":"input_tokens","value":9},)"
        R"("keep":{"type":"tool_uses","value":3},"clear_at_least":null,"exclude_tools":["a"],)"
        R"("clear_tool_inputs":true}]})";
    const Json claude = sent(anthropic, "anthropic", body_with(anthropic, cleared));
    CHECK(claude["context_management"] == Json::parse("{" + cleared + "}")["context_management"]);
    CHECK_FALSE(
        sent(anthropic, "openai", body_with(anthropic, cleared)).contains("context_management"));
    const auto refusal_of = [](WireFormat format, const char* value) {
      return refused(format, body_with(format, joined({R"("context_management":)", value})));
    };
    CHECK(refusal_of(anthropic, R"({"edits":[{"type":"compact_20260112"}]})") ==
          "anthropic:edit:compact_20260112");
    CHECK(refusal_of(anthropic, R"({"edits":[{"type":"clear_tool_uses_20250919","model":"x"}]})") !=
          "");
    CHECK(refusal_of(anthropic, R"({"edits":[{"type":"newer_20270101"}]})") != "");
    CHECK(refusal_of(anthropic, R"({"edits":["x"]})") != "");
    CHECK(refusal_of(anthropic, R"({"other":1})") != "");
    CHECK(refusal_of(anthropic, R"("all")") != "");
    CHECK(refusal_of(responses, R"([{"type":"compaction","compact_threshold":1000}])") ==
          "openai-responses:context_management");
  }

  TEST_CASE("nothing is stored unless the operator lets clients store") {
    for (const char* members : {"", R"("store":false)", R"("store":null)"}) {
      CHECK(sent(responses, "openai-responses", body_with(responses, members))["store"] == false);
      CHECK(sent(chat, "openai", body_with(chat, members))["store"] == false);
      CHECK(sent(chat, "openai-responses", body_with(chat, members))["store"] == false);
    }
    const PassThrough store = opened({"openai-responses:store"});
    const Json stored =
        sent(responses, "openai-responses", body_with(responses, R"("store":true)"), store);
    CHECK(stored["store"] == true);
    // What is not stored comes back sealed, so that the next request can carry it.
    CHECK_FALSE(stored.contains("include"));
    CHECK(sent(responses, "openai-responses", body_with(responses, ""))["include"].dump() ==
          R"(["reasoning.encrypted_content"])");
  }

  TEST_CASE("a thought or a history that only names what a provider keeps does not go out") {
    const std::string named = R"({"type":"reasoning","id":"rs_1","summary":[]})";
    const std::string sealed =
        R"({"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"abc"})";
    const std::string both = R"({"type":"reasoning","id":"rs_3","summary":[{"type":"summary_text",)"
                             R"("text":"a"},{"type":"summary_text","text":"b"}]})";
    const Json body = sent(responses, "openai-responses",
                           body_with(responses, "", named + "," + sealed + "," + both));
    CHECK(body["input"].size() == 2);
    CHECK(body["input"][1]["id"] == "rs_2");
    const std::string compacted =
        R"({"type":"compaction","id":"cmp_1"},{"type":"compaction_summary","id":"cmp_2"},)"
        R"({"type":"compaction","id":"cmp_3","encrypted_content":"abc"})";
    const Json kept = sent(responses, "openai-responses", body_with(responses, "", compacted));
    REQUIRE(kept["input"].size() == 2);
    CHECK(kept["input"][1]["id"] == "cmp_3");
  }

  TEST_CASE("a tool that is passed on brings the history of its calls") {
    const std::string call = R"({"type":"web_search_call","id":"ws_1","status":"completed"})";
    CHECK(refused(responses, body_with(responses, "", call)) ==
          "openai-responses:part:web_search_call");
    CHECK(refused(responses, body_with(responses, "", call),
                  opened({"openai-responses:tool:web_search"})) == "");
    CHECK(refused(anthropic, body_with(anthropic, "", R"({"type":"server_tool_use","id":"s"})"),
                  opened({"anthropic:tool:web_search_*"})) == "");
  }

  TEST_CASE("what only looks like a name that is taken is refused") {
    constexpr Case look_alikes[] = {
        // Types that are a type and a member of it.
        {chat, R"("tools":[{"type":"custom.name"}])", "", "type custom.name"},
        {chat, R"("tools":[{"type":"function.cache_control"}])", "", "type function.cache_control"},
        {chat, "", R"({"type":"text.cache_control","file_id":"f"})", "type text.cache_control"},
        {chat, "", R"({"type":"file.file.filename"})", "type file.file.filename"},
        {responses, R"("tools":[{"type":"function.parameters"}])", "", "type function.parameters"},
        {responses, R"("tools":[{"type":"namespace.tools","tools":[{"type":"mcp"}]}])", "",
         "type namespace.tools"},
        {responses, "", R"({"type":"input_file.file_url","file_id":"f"})",
         "type input_file.file_url"},
        {responses, "", R"({"role":"user","content":[{"type":"input_text.text"}]})",
         "type input_text.text"},
        {anthropic, R"("tools":[{"type":"custom.cache_control","name":"c"}])", "",
         "type custom.cache_control"},
        {anthropic, "", R"({"type":"text.citations"})", "type text.citations"},
        {anthropic, "", R"({"type":"image.source.url","source":{"type":"file"}})",
         "type image.source.url"},
        // Members that are written like a path, or like another kind's.
        {chat, R"("reasoning.effort":"high")", "", "member reasoning.effort"},
        {chat, R"("message.prefix":true)", "", "member message.prefix"},
        {chat, R"("part:thinking":{"a":1})", "", "member part:thinking"},
        {chat, R"("tool:custom":{"a":1})", "", "member tool:custom"},
        {responses, R"("tool:local_shell":1)", "", "member tool:local_shell"},
        {responses, R"("text.verbosity":"low")", "", "member text.verbosity"},
        {anthropic, R"("thinking.type":"adaptive")", "", "member thinking.type"},
        {anthropic, R"("tool:bash_20250124":1)", "", "member tool:bash_20250124"},
        // Types around a type that is known.
        {chat, R"("tools":[{"type":"custom_x"}])", "", "openai:tool:custom_x"},
        {chat, R"("tools":[{"type":"Custom"}])", "", "openai:tool:Custom"},
        {chat, "", R"({"type":"texts","text":"x"})", "openai:part:texts"},
        {responses, R"("tools":[{"type":"local_shell_2"}])", "",
         "openai-responses:tool:local_shell_2"},
        {responses, R"("tools":[{"type":"mcp_web_search"}])", "",
         "openai-responses:tool:mcp_web_search"},
        {responses, "", R"({"type":"reasoning_x","id":"r"})", "openai-responses:part:reasoning_x"},
        {anthropic, R"("tools":[{"type":"bash_code_execution_20250825","name":"b"}])", "",
         "anthropic:tool:bash_code_execution_20250825"},
        {anthropic, R"("tools":[{"type":"bash_2025","name":"b"}])", "", "anthropic:tool:bash_2025"},
        {anthropic, R"("tools":[{"type":"bash_2025012x","name":"b"}])", "",
         "anthropic:tool:bash_2025012x"},
        {anthropic, R"("tools":[{"type":"bash_20250124_x","name":"b"}])", "",
         "anthropic:tool:bash_20250124_x"},
        {anthropic, R"("tools":[{"type":"bash_","name":"b"}])", "", "anthropic:tool:bash_"},
        {anthropic, R"("tools":[{"type":"memory_store_20250818","name":"m"}])", "",
         "anthropic:tool:memory_store_20250818"},
        {anthropic, R"("tools":[{"type":"my_text_editor_20250728","name":"t"}])", "",
         "anthropic:tool:my_text_editor_20250728"},
        {anthropic, "", R"({"type":"tool_reference_x"})", "anthropic:part:tool_reference_x"},
    };
    const PassThrough all = opened({"openai:*", "openai-responses:*", "anthropic:*"});
    for (const Case& one : look_alikes) {
      CAPTURE(std::string(one.name));
      const std::string body = body_with(one.format, one.members, one.part);
      const std::string_view name = one.name;
      if (name.find(' ') == name.npos) {
        CHECK(refused(one.format, body) == one.name);
        continue;
      }
      // What has no name cannot be opened either.
      const std::string quoted =
          joined({name.substr(0, name.find(' ')), " \"", name.substr(name.find(' ') + 1), "\""});
      for (const PassThrough& passed : {PassThrough(), all}) {
        auto request = decode_client_request(one.format, body);
        REQUIRE(request.ok());
        const auto held = hold_to_allowed(*request, passed);
        REQUIRE(!held.ok());
        CHECK(held.error().code == "not_allowed");
        CHECK(held.error().message.find("The " + quoted + " is no name") == 0);
      }
    }
  }

  TEST_CASE("a tool that is passed on brings its own history and no other's") {
    struct Brought {
      WireFormat format;
      const char* entry;
      const char* part;
      bool passes;
    };
    constexpr Brought cases[] = {
        {responses, "openai-responses:tool:web_search", "web_search_call", true},
        {responses, "openai-responses:tool:web_search_preview", "web_search_call", true},
        {responses, "openai-responses:tool:web_search_preview_2025_03_11", "web_search_call", true},
        {responses, "openai-responses:tool:web_search*", "web_search_call", true},
        {responses, "openai-responses:tool:mcp", "mcp_approval_request", true},
        {responses, "openai-responses:tool:computer_use_preview", "computer_call_output", true},
        {responses, "openai-responses:tool:code_interpreter", "code_interpreter_call", true},
        {responses, "openai-responses:tool:*", "image_generation_call", true},
        {anthropic, "anthropic:tool:web_search_20250305", "web_search_tool_result", true},
        {anthropic, "anthropic:tool:web_search_*", "web_search_tool_result", true},
        {anthropic, "anthropic:tool:web_search_2025*", "web_search_tool_result", true},
        {anthropic, "anthropic:tool:code_execution_20250825", "bash_code_execution_tool_result",
         true},
        {anthropic, "anthropic:tool:web_search_20250305", "server_tool_use", true},
        {responses, "openai-responses:tool:web_search", "mcp_web_search_call", false},
        {responses, "openai-responses:tool:web_search", "image_web_search_call", false},
        {responses, "openai-responses:tool:web_search", "web_search", false},
        {responses, "openai-responses:tool:web_search", "web_search_call_x", false},
        {responses, "openai-responses:tool:web_search*", "mcp_web_search_call", false},
        {responses, "openai-responses:tool:web_search*", "mcp_web_search", false},
        {responses, "openai-responses:tool:file_search", "web_search_call", false},
        {responses, "openai-responses:tool:search", "web_search_call", false},
        {responses, "openai-responses:tool:mcp", "mcp_call_output_x", false},
        {responses, "openai-responses:web_search", "web_search_call", false},
        {responses, "anthropic:tool:web_search", "web_search_call", false},
        {anthropic, "anthropic:tool:web_search_20250305", "web_fetch_tool_result", false},
        {anthropic, "anthropic:tool:web_search_20250305", "mcp_web_search_tool_result", false},
        {anthropic, "anthropic:tool:web_search_*", "web_search_x_tool_result_y", false},
        {anthropic, "anthropic:tool:code_execution_20250825", "container_upload", false},
    };
    for (const Brought& one : cases) {
      CAPTURE(one.entry);
      CAPTURE(one.part);
      const std::string part = joined({R"({"type":")", one.part, R"(","id":"x"})"});
      CHECK((refused(one.format, body_with(one.format, "", part), opened({one.entry})) == "") ==
            one.passes);
    }
  }

  TEST_CASE("a request of nothing but members is refused") {
    std::string members = R"("a":null)";
    for (int i = 0; i < 600; ++i)
      members += joined({",\"a", i, "\":null"});
    auto request = decode_client_request(chat, body_with(chat, members));
    REQUIRE(request.ok());
    CHECK_FALSE(hold_to_allowed(*request, {}).ok());
  }

  TEST_CASE("entries of pass_through") {
    for (const char* good :
         {"openai:service_tier", "openai-responses:tool:web_search", "anthropic:tool:web_search_*",
          "openai:*", "anthropic:thinking.x", "gemini:tool:googleSearch"})
      CHECK(PassThrough::parse(std::vector<std::string>{good}).ok());
    for (const char* bad :
         {"", "service_tier", "openai:", "google:x", "openai: x", "*", ":x", "openai:a*b"}) {
      const auto parsed = PassThrough::parse(std::vector<std::string>{bad});
      REQUIRE(!parsed.ok());
      CHECK(parsed.error().code == "bad_config");
    }
    const PassThrough all = opened({"openai:*", "openai-responses:*", "anthropic:*"});
    for (const Case& one : refused_cases)
      CHECK(refused(one.format, body_with(one.format, one.members, one.part), all) == "");
    CHECK(refused(chat, body_with(chat, R"("service_tier":"flex")"), opened({"anthropic:*"})) ==
          "openai:service_tier");
    CHECK(refused(chat, body_with(chat, R"("service_tier_x":"flex")"),
                  opened({"openai:service_tier"})) == "openai:service_tier_x");
  }

  TEST_CASE("coding agents' requests pass") {
    const std::string codex =
        R"({"model":"m","instructions":"You code.","input":[{"type":"message","role":"user",)"
        R"("content":[{"type":"input_text","text":"hi"}]},{"type":"reasoning","summary":[],)"
        R"("content":null,"encrypted_content":"gAAA"},{"type":"function_call","name":"shell",)"
        R"("arguments":"{}","call_id":"call_1"},{"type":"function_call_output","call_id":"call_1",)"
        R"("output":"ok"},{"type":"custom_tool_call","status":"completed","call_id":"c2","name":)"
        R"("apply_patch","input":"x"},{"type":"custom_tool_call_output","call_id":"c2","output":"y"}],)"
        R"("tools":[{"type":"function","name":"shell","description":"d","strict":false,)"
        R"("parameters":{"type":"object","properties":{}}},{"type":"custom","name":"apply_patch",)"
        R"("description":"d","format":{"type":"grammar","syntax":"lark","definition":"x"}}],)"
        R"("tool_choice":"auto","parallel_tool_calls":false,"reasoning":{"effort":"high",)"
        R"("summary":"auto"},"store":false,"stream":true,"include":["reasoning.encrypted_content"],)"
        R"("prompt_cache_key":"k","text":{"verbosity":"medium"},"client_metadata":{"x":"y"}})";
    CHECK(refused(responses, codex) == "");
    const std::string claude =
        R"({"model":"m","max_tokens":32000,"system":[{"type":"text","text":"You code.",)"
        R"("cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":)"
        R"([{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]},{"role":"assistant",)"
        R"("content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"tool_use","id":)"
        R"("t1","name":"Bash","input":{}}]},{"role":"user","content":[{"type":"tool_result",)"
        R"("tool_use_id":"t1","content":"ok","is_error":false,"cache_control":{"type":"ephemeral"}}]}],)"
        R"("tools":[{"name":"Bash","description":"d","input_schema":{"type":"object"}}],)"
        R"("metadata":{"user_id":"user_1"},"thinking":{"type":"enabled","budget_tokens":31999},)"
        R"("context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},)"
        R"("stream":true})";
    CHECK(refused(anthropic, claude) == "");
  }

  TEST_CASE("recorded requests: all pass but those that ask for what is refused") {
    const std::pair<const char*, std::pair<const char*, WireFormat>> sources[] = {
        {"openai", {"/chat/completions", chat}},       {"groq", {"/chat/completions", chat}},
        {"mistral", {"/chat/completions", chat}},      {"deepseek", {"/chat/completions", chat}},
        {"openrouter", {"/chat/completions", chat}},   {"huggingface", {"/chat/completions", chat}},
        {"openai", {"/v1/responses", responses}},      {"deepseek", {"/responses", responses}},
        {"anthropic", {"/v1/messages", anthropic}},    {"google", {":generateContent", gemini}},
        {"google", {":streamGenerateContent", gemini}}};
    if (recorded("openai").empty()) {
      MESSAGE("skipped: no recordings (../shared/recordings, or REDOUBT_RECORDINGS)");
      return;
    }
    std::map<std::string, int> reasons;
    int passed = 0;
    for (const auto& [provider, where] : sources) {
      for (const Exchange& exchange : recorded(provider)) {
        const std::string& url = exchange.url;
        const std::string path = where.first;
        const bool ends =
            url.size() >= path.size() && url.substr(0, url.find('?')).rfind(path) ==
                                             url.substr(0, url.find('?')).size() - path.size();
        if (!ends || !exchange.request.is_object()) continue;
        auto request = decode_client_request(where.second, exchange.request_text);
        if (!request.ok()) continue;
        auto held = hold_to_allowed(*request, {});
        if (held.ok()) {
          ++passed;
          continue;
        }
        const std::string& message = held.error().message;
        const std::size_t from = message.find("[\"") + 2;
        ++reasons[message.substr(from, message.find("\"]") - from)];
      }
    }
    std::string list;
    int refused_count = 0;
    for (const auto& [name, count] : reasons) {
      list += joined({"\n  ", count, " ", name});
      refused_count += count;
    }
    MESSAGE(joined({passed, " pass, ", refused_count, " are refused:", list}));
    // Looked through one by one: each is run by the provider, kept there or priced apart.
    const std::set<std::string> expected{"anthropic:container",
                                         "anthropic:edit:compact_20260112",
                                         "anthropic:mcp_servers",
                                         "anthropic:part:container_upload",
                                         "anthropic:part:image.source.file_id",
                                         "anthropic:part:server_tool_use",
                                         "anthropic:tool:advisor_20260301",
                                         "anthropic:tool:code_execution_20260120",
                                         "anthropic:tool:tool_search_tool_bm25_20251119",
                                         "anthropic:tool:web_fetch_20250910",
                                         "anthropic:tool:web_search_20250305",
                                         "anthropic:tool:web_search_20260209",
                                         "openai-responses:background",
                                         "openai-responses:context_management",
                                         "openai-responses:conversation",
                                         "openai-responses:moderation",
                                         "openai-responses:part:code_interpreter_call",
                                         "openai-responses:part:input_file.file_id",
                                         "openai-responses:part:input_image.file_id",
                                         "openai-responses:part:mcp_list_tools",
                                         "openai-responses:part:tool_search_call.execution",
                                         "openai-responses:part:web_search_call",
                                         "openai-responses:previous_response_id",
                                         "openai-responses:reasoning.mode",
                                         "openai-responses:service_tier",
                                         "openai-responses:tool:code_interpreter",
                                         "openai-responses:tool:file_search",
                                         "openai-responses:tool:image_generation",
                                         "openai-responses:tool:mcp",
                                         "openai-responses:tool:tool_search",
                                         "openai-responses:tool:web_search",
                                         "gemini:generationConfig.responseModalities",
                                         "gemini:part:executableCode",
                                         "gemini:part:fileData.fileUri",
                                         "gemini:part:inlineData.mimeType",
                                         "gemini:part:toolCall",
                                         "gemini:tool:codeExecution",
                                         "gemini:tool:fileSearch",
                                         "gemini:tool:googleSearch",
                                         "gemini:tool:urlContext",
                                         "gemini:toolConfig.includeServerSideToolInvocations",
                                         "openai:models",
                                         "openai:moderation",
                                         "openai:part:file.file.file_id",
                                         "openai:preset",
                                         "openai:provider",
                                         "openai:tool:openrouter:advisor",
                                         "openai:web_search_options"};
    for (const auto& reason : reasons) {
      CAPTURE(reason.first);
      CHECK(expected.count(reason.first) == 1);
    }
    CHECK(passed > 430);
  }
}
