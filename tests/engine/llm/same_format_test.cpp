// A client of the provider's own format is passed on as it is, and gets back what the provider
// said: a request and an answer with every documented member go through and are compared as JSON.
// What differs is the list beside it.
#include <doctest/doctest.h>

#include <algorithm>
#include <span>

#include "engine/base/json.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/encode_answer.hpp"
#include "tests/engine/llm/client_stream.hpp"
#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

/// The answer as a client of the provider's format has it.
Json through(std::string_view dialect, std::string_view body, bool stream) {
  const WireFormat format = find_dialect(dialect)->format;
  const ChatEvents events = decode(dialect, body);
  if (!stream) return Json::parse(encode_answer(format, folded(dialect, events), {}));
  AnswerStream out;
  out.format = format;
  out.origin = format;
  out.include_usage = true;
  std::string bytes;
  for (const ChatEvent& event : events)
    encode_event(out, event, bytes);
  return joined_stream(format, bytes);
}

std::string difference(const Json& said, const Json& told) {
  return Json::diff(said, told).dump();
}

std::string sse(const std::vector<Json>& events) {
  std::string body;
  for (const Json& event : events) {
    if (event.contains("type")) body += "event: " + event["type"].get<std::string>() + "\n";
    body += "data: " + event.dump() + "\n\n";
  }
  return body;
}

const char* const chat_answer = R"({"id":"c1","object":"chat.completion","created":0,"model":"m",
  "choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null,
    "annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":2,"url":"u","title":"t"}}],
    "audio":{"id":"a1","data":"QUJD","expires_at":1,"transcript":"hi"},
    "images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},
    "logprobs":{"content":[{"token":"hi","logprob":-0.1,"bytes":[104,105],"top_logprobs":[]}],"refusal":null},
    "finish_reason":"stop","native_finish_reason":"STOP"}],
  "usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4,
    "prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0,"cache_write_tokens":0},
    "completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0},
    "cost":0.1,"cost_details":{"upstream_inference_cost":null}},
  "system_fingerprint":"fp_1","service_tier":"default","provider":"x","citations":["u"]})";

const char* const anthropic_answer =
    R"({"id":"m1","type":"message","role":"assistant","model":"c","content":[
  {"type":"thinking","thinking":"hm","signature":"c2ln"},
  {"type":"text","text":"So: "},
  {"type":"text","text":"the sky is blue","citations":[{"type":"char_location","cited_text":"blue","document_index":0,"document_title":"d","start_char_index":0,"end_char_index":4},
    {"type":"char_location","cited_text":"sky","document_index":0,"document_title":"d","start_char_index":5,"end_char_index":8}]},
  {"type":"text","text":" today."},
  {"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}},
  {"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"u","title":"t","encrypted_content":"e","page_age":null}]},
  {"type":"tool_use","id":"toolu_1","name":"go","input":{"z":1,"a":2},"caller":{"type":"direct"}}],
  "stop_reason":"stop_sequence","stop_sequence":"END","container":{"id":"container_1","expires_at":"2026-01-01T00:00:00Z"},
  "context_management":{"applied_edits":[]},
  "usage":{"input_tokens":5,"cache_creation_input_tokens":2,"cache_read_input_tokens":3,
    "cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":0},"output_tokens":7,
    "output_tokens_details":{"thinking_tokens":1},
    "server_tool_use":{"web_search_requests":1,"web_fetch_requests":0},"service_tier":"standard","inference_geo":"eu"}})";

const char* const responses_answer =
    R"({"id":"resp_1","object":"response","created_at":0,"status":"completed","error":null,"incomplete_details":null,
  "instructions":"Be brief.","max_output_tokens":9,"model":"m","output":[
  {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"one"},{"type":"summary_text","text":"two"}],"content":[],"encrypted_content":"ZW5j","status":"completed"},
  {"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"q"}},
  {"type":"message","id":"msg_1","role":"assistant","phase":"final_answer","status":"completed","content":[
    {"type":"output_text","text":"hi","annotations":[{"type":"url_citation","start_index":0,"end_index":2,"url":"u","title":"t"}],"logprobs":[{"token":"hi","logprob":-0.1}]},
    {"type":"output_text","text":" there","annotations":[],"logprobs":[]}]},
  {"type":"function_call","id":"fc_1","call_id":"call_1","name":"go","arguments":"{\"z\":1,\"a\":2}","namespace":"n","status":"completed"}],
  "parallel_tool_calls":false,"previous_response_id":null,"reasoning":{"effort":"low","summary":"auto"},
  "service_tier":"default","store":false,"temperature":1.0,"text":{"format":{"type":"text"},"verbosity":"low"},
  "tool_choice":"required","tools":[{"type":"function","name":"go","parameters":{},"strict":false}],"top_logprobs":0,
  "top_p":1.0,"truncation":"disabled","background":false,"max_tool_calls":null,"prompt_cache_key":"k",
  "usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":1,"cache_write_tokens":2},"output_tokens":4,
    "output_tokens_details":{"reasoning_tokens":1},"total_tokens":7}})";

// Every member that the providers' references document for a request, as a client may send it.
const char* const chat_request = R"({"model":"m","messages":[
  {"role":"developer","content":[{"type":"text","text":"Be brief.","prompt_cache_breakpoint":{"mode":"explicit"}}],"name":"ops"},
  {"role":"user","name":"anna","content":[{"type":"text","text":"Look"},
    {"type":"image_url","image_url":{"url":"https://a.example/b.png","detail":"low"}},
    {"type":"input_audio","input_audio":{"data":"QUJD","format":"wav"}},
    {"type":"file","file":{"file_data":"data:application/pdf;base64,QUJD","filename":"a.pdf"}}]},
  {"role":"assistant","content":null,"refusal":null,"audio":{"id":"audio_1"},"tool_calls":[
    {"id":"c1","type":"function","function":{"name":"go","arguments":"{\"z\":1,\"a\":2}"}},
    {"id":"c2","type":"custom","custom":{"name":"sh","input":"ls"}}]},
  {"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]},
  {"role":"tool","tool_call_id":"c2","content":"done"},
  {"role":"assistant","content":[{"type":"text","text":"So"},{"type":"refusal","refusal":"no"}],"name":"bot"},
  {"role":"user","content":"And?"}],
  "tools":[{"type":"function","function":{"name":"go","description":"d","parameters":{"type":"object","properties":{"z":{"type":"integer"}},"required":["z"],"additionalProperties":false},"strict":true}},
    {"type":"custom","custom":{"name":"sh","description":"d","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}}}],
  "tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"go"}}]}},
  "parallel_tool_calls":true,"audio":{"voice":"alloy","format":"mp3"},"frequency_penalty":0.5,"logit_bias":{"1":-1},"logprobs":true,
  "max_completion_tokens":99,"metadata":{"k":"v"},"modalities":["text"],"moderation":{"model":"m"},"n":1,"prediction":{"type":"content","content":"x"},
  "presence_penalty":0.25,"prompt_cache_key":"k","prompt_cache_options":{"mode":"explicit","ttl":"30m"},"prompt_cache_retention":"24h","reasoning_effort":"low",
  "response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false},"strict":true}},
  "safety_identifier":"s","seed":7,"service_tier":"auto","stop":["x"],"store":true,"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},
  "temperature":0.5,"top_logprobs":2,"top_p":0.5,"user":"u","verbosity":"low","web_search_options":{"search_context_size":"low"}})";

const char* const responses_request =
    R"({"model":"m","background":false,"context_management":[{"type":"compaction","compact_threshold":1000}],
  "conversation":{"id":"conv_1"},"include":["reasoning.encrypted_content","message.output_text.logprobs"],
  "instructions":"Be brief.","input":[
  {"role":"developer","content":"Now."},
  {"type":"message","role":"user","status":"completed","content":[{"type":"input_text","text":"Look","prompt_cache_breakpoint":{"mode":"explicit"}},
    {"type":"input_image","image_url":"https://a.example/b.png","detail":"low"},{"type":"input_image","file_id":"file_1","detail":"auto"},
    {"type":"input_file","file_data":"data:application/pdf;base64,QUJD","filename":"a.pdf"}]},
  {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"one"},{"type":"summary_text","text":"two"}],"content":[{"type":"reasoning_text","text":"t"}],"encrypted_content":"ZW5j","status":"completed"},
  {"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"ZW5j"},
  {"type":"message","id":"msg_1","role":"assistant","status":"completed","phase":"commentary","content":[
    {"type":"output_text","text":"I go.","annotations":[{"type":"url_citation","start_index":0,"end_index":1,"url":"u","title":"t"}],"logprobs":[]},
    {"type":"refusal","refusal":"no"}]},
  {"type":"function_call","id":"fc_1","call_id":"c1","name":"go","arguments":"{\"z\":1,\"a\":2}","namespace":"n","status":"completed"},
  {"type":"custom_tool_call","id":"ctc_1","call_id":"c2","name":"sh","input":"ls"},
  {"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"q"}},
  {"type":"function_call_output","id":"fco_1","call_id":"c1","output":[{"type":"input_text","text":"one"},{"type":"input_image","image_url":"data:image/png;base64,QUJD"}],"status":"completed"},
  {"type":"custom_tool_call_output","call_id":"c2","output":"done"},
  {"type":"item_reference","id":"msg_2"},
  {"type":"compaction","id":"cmp_1","encrypted_content":"ZW5j"}],
  "max_output_tokens":99,"max_tool_calls":3,"metadata":{"k":"v"},"moderation":{"model":"m"},"parallel_tool_calls":false,"previous_response_id":"resp_1",
  "prompt":{"id":"pmpt_1","version":"2","variables":{"a":"b"}},"prompt_cache_key":"k","prompt_cache_options":{"mode":"explicit"},"prompt_cache_retention":"24h",
  "reasoning":{"effort":"low","summary":"detailed","context":"all","mode":"standard"},"safety_identifier":"s","service_tier":"auto","store":true,
  "stream":true,"stream_options":{"include_obfuscation":false},"temperature":0.5,
  "text":{"format":{"type":"json_schema","name":"n","description":"d","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false},"strict":true},"verbosity":"low"},
  "tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"go"}]},
  "tools":[{"type":"function","name":"go","description":"d","parameters":{"type":"object","properties":{"z":{"type":"integer"}},"required":["z"],"additionalProperties":false},"strict":true,"defer_loading":true},
    {"type":"custom","name":"sh","format":{"type":"text"}},{"type":"web_search","search_context_size":"low"},{"type":"mcp","server_label":"s","server_url":"u"}],
  "top_logprobs":2,"top_p":0.5,"truncation":"auto","user":"u"})";

const char* const anthropic_request =
    R"({"model":"m","max_tokens":4096,"cache_control":{"type":"ephemeral"},"container":{"id":"c","skills":[{"type":"anthropic","skill_id":"pdf","version":"latest"}]},
  "context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]},"fallbacks":[{"model":"x"}],"inference_geo":"us",
  "mcp_servers":[{"type":"url","url":"u","name":"s"}],"metadata":{"user_id":"u"},
  "output_config":{"effort":"high","task_budget":{"type":"tokens","total":9},"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}},
  "service_tier":"auto","speed":"fast","stop_sequences":["END"],"stream":true,
  "system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"Now.","citations":null}],
  "temperature":0.5,"top_k":5,"thinking":{"type":"adaptive","display":"summarized"},
  "tool_choice":{"type":"tool","name":"go","disable_parallel_tool_use":true},
  "tools":[{"name":"go","type":"custom","description":"d","input_schema":{"type":"object","properties":{"z":{"type":"integer"}},"required":["z"],"additionalProperties":false},"strict":true,"cache_control":{"type":"ephemeral"},"defer_loading":false,"allowed_callers":["direct"],"input_examples":[{"z":1}],"eager_input_streaming":true},
    {"type":"bash_20250124","name":"bash"},{"type":"web_search_20250305","name":"web_search","max_uses":2}],
  "messages":[
  {"role":"user","content":[{"type":"text","text":"Look","cache_control":{"type":"ephemeral"}},
    {"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"},"cache_control":{"type":"ephemeral"}},
    {"type":"image","source":{"type":"url","url":"https://a.example/b.png"}},{"type":"image","source":{"type":"file","file_id":"f"}},
    {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"QUJD"},"title":"t","context":"c","citations":{"enabled":true}},
    {"type":"search_result","source":"u","title":"t","content":[{"type":"text","text":"x"}]}]},
  {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"redacted_thinking","data":"cmVk"},
    {"type":"text","text":"Well","citations":[{"type":"char_location","cited_text":"x","document_index":0,"document_title":null,"start_char_index":0,"end_char_index":1}]},
    {"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}},
    {"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"u","title":"t","encrypted_content":"e"}]},
    {"type":"tool_use","id":"toolu_1","name":"go","input":{"z":1,"a":2},"cache_control":{"type":"ephemeral"},"caller":{"type":"direct"}},
    {"type":"tool_use","id":"toolu_2","name":"go","input":{}},{"type":"tool_use","id":"toolu_3","name":"go","input":{}}]},
  {"role":"user","content":[
    {"type":"tool_result","tool_use_id":"toolu_1","content":"done","is_error":true,"cache_control":{"type":"ephemeral"}},
    {"type":"tool_result","tool_use_id":"toolu_2","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"}}],"is_error":false},
    {"type":"tool_result","tool_use_id":"toolu_3"},
    {"type":"text","text":"And?"}]},
  {"role":"assistant","content":"Yes."},
  {"role":"user","content":"Go on."}]})";

/// What a target of the client's own format is sent.
Json sent(std::string_view dialect, const char* request) {
  Target target;
  target.dialect = find_dialect(dialect);
  target.model = "m";
  const auto read = decode_client_request(target.dialect->format, request);
  if (!read.ok()) return read.error().message;
  const auto wire = encode_request(*read, target);
  return wire.ok() ? Json::parse(wire->body) : Json(wire.error().message);
}

/// A member that does not go through as it is, and why that is right.
struct Exception {
  const char* pointer;
  const char* why;
};

/// The differences that no exception names.
std::string unexplained(const Json& said, const Json& went, std::span<const Exception> exceptions) {
  Json left = Json::array();
  for (const Json& change : Json::diff(said, went)) {
    const std::string path = change["path"];
    const bool known =
        std::any_of(exceptions.begin(), exceptions.end(), [&](const Exception& each) {
          return path == each.pointer || path.rfind(std::string(each.pointer) + "/", 0) == 0;
        });
    if (!known) left.push_back(change);
  }
  return left.dump();
}

}  // namespace

TEST_SUITE("llm same format") {
  TEST_CASE("OpenAI chat: all that a request says goes through") {
    constexpr Exception exceptions[] = {
        {"/messages/2/refusal", "null is none"},
        {"/messages/5/content", "a refusal in a list and beside it is the same"},
        {"/messages/5/refusal", "the same"},
    };
    CHECK(unexplained(Json::parse(chat_request), sent("openai", chat_request), exceptions) == "[]");
  }

  TEST_CASE("Responses: all that a request says goes through") {
    constexpr Exception exceptions[] = {
        {"/input/1/type", "what has a role is a message"},
        {"/input/4/type", "the same"},
    };
    CHECK(unexplained(Json::parse(responses_request), sent("openai-responses", responses_request),
                      exceptions) == "[]");
  }

  TEST_CASE("Anthropic: all that a request says goes through") {
    constexpr Exception exceptions[] = {
        {"/messages/2/content/1/is_error", "false is the default"},
        {"/messages/2/content/2/content", "none is an empty one"},
        {"/messages/3/content", "a text is a block of text"},
        {"/messages/4/content", "the same"},
    };
    CHECK(unexplained(Json::parse(anthropic_request), sent("anthropic", anthropic_request),
                      exceptions) == "[]");
  }

  TEST_CASE("OpenAI chat: all that an answer says comes through, whole and streamed") {
    const Json said = Json::parse(chat_answer);
    CHECK(difference(said, through("openrouter", chat_answer, false)) == "[]");
    std::vector<Json> chunks;
    Json chunk = said;
    chunk["object"] = "chat.completion.chunk";
    chunk.erase("usage");
    const Json message = said["choices"][0]["message"];
    const auto with = [&](const Json& delta, const Json& more) {
      chunk["choices"][0] = {{"index", 0}, {"delta", delta}, {"finish_reason", nullptr}};
      chunk["choices"][0].update(more);
      chunks.push_back(chunk);
    };
    with({{"role", "assistant"}, {"content", ""}}, Json::object());
    with({{"content", "h"}}, {{"logprobs", said["choices"][0]["logprobs"]}});
    with({{"content", "i"}}, {{"logprobs", nullptr}});
    with({{"annotations", message["annotations"]}, {"images", message["images"]}}, Json::object());
    with({{"audio", {{"id", "a1"}, {"data", "QU"}, {"transcript", "h"}}}}, Json::object());
    with({{"audio", {{"data", "JD"}, {"transcript", "i"}, {"expires_at", 1}}}}, Json::object());
    with(Json::object(), {{"finish_reason", "stop"}, {"native_finish_reason", "STOP"}});
    chunk["choices"] = Json::array();
    chunk["usage"] = said["usage"];
    chunks.push_back(chunk);
    Json told = through("openrouter", sse(chunks) + "data: [DONE]\n\n", true);
    told["object"] = "chat.completion";
    Json expected = said;
    expected["choices"][0]["message"].erase("refusal");  // null, which a delta leaves out
    expected["choices"][0]["logprobs"].erase("refusal");
    told["choices"][0]["logprobs"].erase("refusal");
    CHECK(difference(expected, told) == "[]");
  }

  TEST_CASE("OpenAI chat: each token's logprobs come in the chunk of the token") {
    std::vector<Json> chunks;
    for (const char* token : {"A", "B", "C"}) {
      chunks.push_back({{"id", "c1"},
                        {"object", "chat.completion.chunk"},
                        {"choices",
                         {{{"index", 0},
                           {"delta", {{"content", token}}},
                           {"logprobs", {{"content", {{{"token", token}}}}}},
                           {"finish_reason", nullptr}}}}});
    }
    chunks.push_back(Json::parse(
        R"({"id":"c1","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]})"));
    std::string bytes;
    AnswerStream out;
    out.format = out.origin = WireFormat::openai_chat;
    for (const ChatEvent& event : decode("openai", sse(chunks) + "data: [DONE]\n\n"))
      encode_event(out, event, bytes);
    std::string seen;
    for (const std::string& data : sse_data(bytes)) {
      if (data == "[DONE]") continue;
      const Json choice = Json::parse(data)["choices"][0];
      const std::string said = choice["delta"].value("content", "");
      seen += said;
      CHECK(choice.contains("logprobs") == !said.empty());
      if (!said.empty()) CHECK(choice["logprobs"] == Json{{"content", {{{"token", said}}}}});
    }
    CHECK(seen == "ABC");
  }

  TEST_CASE("Anthropic: all that an answer says comes through, whole and streamed") {
    const Json said = Json::parse(anthropic_answer);
    CHECK(difference(said, through("anthropic", anthropic_answer, false)) == "[]");
    std::vector<Json> events;
    Json begun = said;
    begun["content"] = Json::array();
    begun["stop_reason"] = nullptr;
    begun["stop_sequence"] = nullptr;
    begun.erase("context_management");
    begun["usage"]["output_tokens"] = 1;
    events.push_back({{"type", "message_start"}, {"message", begun}});
    int index = 0;
    for (Json block : said["content"]) {
      std::vector<Json> deltas;
      const std::string type = block["type"];
      if (type == "text") {
        deltas.push_back({{"type", "text_delta"}, {"text", block["text"]}});
        block["text"] = "";
        if (block.contains("citations")) {
          for (const Json& citation : block["citations"])
            deltas.push_back({{"type", "citations_delta"}, {"citation", citation}});
          block["citations"] = Json::array();
        }
      } else if (type == "thinking") {
        deltas.push_back({{"type", "thinking_delta"}, {"thinking", block["thinking"]}});
        deltas.push_back({{"type", "signature_delta"}, {"signature", block["signature"]}});
        block["thinking"] = block["signature"] = "";
      } else if (block.contains("input")) {
        deltas.push_back({{"type", "input_json_delta"}, {"partial_json", block["input"].dump()}});
        block["input"] = Json::object();
      }
      events.push_back(
          {{"type", "content_block_start"}, {"index", index}, {"content_block", block}});
      for (const Json& delta : deltas)
        events.push_back({{"type", "content_block_delta"}, {"index", index}, {"delta", delta}});
      events.push_back({{"type", "content_block_stop"}, {"index", index++}});
    }
    events.push_back({{"type", "message_delta"},
                      {"delta",
                       {{"stop_reason", "stop_sequence"},
                        {"stop_sequence", "END"},
                        {"container", said["container"]}}},
                      {"context_management", said["context_management"]},
                      {"usage", {{"output_tokens", 7}}}});
    events.push_back({{"type", "message_stop"}});
    Json told = through("anthropic", sse(events), true);
    told["context_management"] = said["context_management"];  // beside the delta, not in it
    CHECK(difference(said, told) == "[]");
  }

  TEST_CASE("Responses: all that an answer says comes through, whole and streamed") {
    const Json said = Json::parse(responses_answer);
    const auto without_nulls = [](Json json) {
      for (const char* key : {"previous_response_id", "max_tool_calls"})
        if (json.contains(key) && json[key].is_null()) json.erase(key);
      return json;
    };
    CHECK(difference(without_nulls(said), through("openai-responses", responses_answer, false)) ==
          "[]");
    std::vector<Json> events;
    Json begun = said;
    begun["output"] = Json::array();
    begun["status"] = "in_progress";
    begun["usage"] = nullptr;
    events.push_back({{"type", "response.created"}, {"response", begun}});
    int index = 0;
    for (const Json& item : said["output"]) {
      const std::string type = item["type"];
      Json added = item;
      if (type == "message") added["content"] = Json::array();
      if (type == "reasoning") added["summary"] = Json::array();
      if (type == "function_call") added["arguments"] = "";
      events.push_back(
          {{"type", "response.output_item.added"}, {"output_index", index}, {"item", added}});
      if (type == "message") {
        for (int part = 0; part < 2; ++part)
          events.push_back({{"type", "response.output_text.delta"},
                            {"output_index", index},
                            {"content_index", part},
                            {"delta", item["content"][static_cast<std::size_t>(part)]["text"]}});
      }
      if (type == "function_call")
        events.push_back({{"type", "response.function_call_arguments.delta"},
                          {"output_index", index},
                          {"delta", item["arguments"]}});
      events.push_back(
          {{"type", "response.output_item.done"}, {"output_index", index++}, {"item", item}});
    }
    events.push_back({{"type", "response.completed"}, {"response", said}});
    const std::string body = sse(events);
    CHECK(difference(without_nulls(said), through("openai-responses", body, true)) == "[]");
    // Ids of deltas are those of their items.
    AnswerStream out;
    out.format = out.origin = WireFormat::openai_responses;
    std::string bytes;
    for (const ChatEvent& event : decode("openai-responses", body))
      encode_event(out, event, bytes);
    CHECK(bytes.find(R"("item_id":"msg_1")") != std::string::npos);
    CHECK(bytes.find(R"("item_id":"fc_1")") != std::string::npos);
    CHECK(bytes.find("msg_resp_1") == std::string::npos);
    // What stands beside a text, and each part of a thought's summary, is told in events, too.
    std::vector<std::string> types;
    for (std::size_t at = bytes.find("event: "); at != bytes.npos;
         at = bytes.find("event: ", at + 1))
      types.push_back(bytes.substr(at + 7, bytes.find('\n', at) - at - 7));
    const auto count = [&](const char* type) {
      return std::count(types.begin(), types.end(), std::string("response.") + type);
    };
    CHECK(count("output_text.annotation.added") == 1);
    CHECK(count("reasoning_summary_part.added") == 1);
    CHECK(count("reasoning_summary_text.done") == 1);
    CHECK(count("reasoning_summary_part.done") == 1);
  }

  TEST_CASE("what was told in one format is not said in another") {
    for (const WireFormat format : {WireFormat::openai_chat, WireFormat::openai_responses}) {
      const std::string told =
          encode_answer(format, folded("anthropic", decode("anthropic", anthropic_answer)), {});
      CHECK(parse_json(told).ok());
      for (const char* member : {"container", "citations", "server_tool_use", "caller"})
        CHECK(told.find(member) == std::string::npos);
    }
    // Nor does it go back in a request.
    const ChatAnswer answer =
        folded("openai-responses", decode("openai-responses", responses_answer));
    ChatRequest request;
    request.messages = {text_message(Role::user, "Go"), as_message(answer)};
    Target target;
    target.dialect = find_dialect("openai-responses");
    target.model = "m";
    const auto wire = encode_request(request, target);
    REQUIRE(wire.ok());
    CHECK(parse_json(wire->body).ok());
    CHECK(wire->body.find("annotations") == std::string::npos);
  }
}
