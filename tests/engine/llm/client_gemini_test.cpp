// Clients that speak Gemini's generateContent: what their requests say, what of them is passed on,
// and how answers and errors come back.
#include <doctest/doctest.h>

#include "engine/base/base64.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/allowed_members.hpp"
#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"
#include "engine/llm/encode_answer.hpp"
#include "engine/llm/failure.hpp"
#include "engine/llm/openapi_schema.hpp"
#include "tests/engine/llm/client_stream.hpp"
#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

ChatRequest read(const std::string& body) {
  auto request = decode_client_request(WireFormat::gemini, body);
  if (!request.ok()) MESSAGE(request.error().message);
  REQUIRE(request.ok());
  return std::move(*request);
}

std::string fault_of(const std::string& body) {
  const auto request = decode_client_request(WireFormat::gemini, body);
  return request.ok() ? "" : request.error().message;
}

Json sent_to(const char* dialect, const std::string& body) {
  const ChatRequest request = read(body);
  Target target;
  target.dialect = find_dialect(dialect);
  target.model = "m";
  const auto wire = encode_request(request, target);
  if (!wire.ok()) MESSAGE(wire.error().message);
  REQUIRE(wire.ok());
  return Json::parse(wire->body);
}

std::string with(const std::string& members) {
  return R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}],)" + members + "}";
}

std::string with_part(const std::string& part) {
  return R"({"contents":[{"role":"user","parts":[{"text":"hi"},)" + part + "]}]}";
}

/// The name that is refused; "" where the request is passed on.
std::string refused(const std::string& body, const std::vector<std::string>& opened = {}) {
  ChatRequest request = read(body);
  const auto held = hold_to_allowed(request, *PassThrough::parse(opened));
  if (held.ok()) return "";
  const std::string& message = held.error().message;
  const std::size_t from = message.find("[\"") + 2;
  return message.substr(from, message.find("\"]") - from);
}

const char* const whole_request = R"({
  "systemInstruction":{"parts":[{"text":"Be brief."}]},
  "contents":[
    {"role":"user","parts":[{"text":"Look"},
      {"inlineData":{"mimeType":"image/png","data":"QUJD"},"mediaResolution":{"level":"MEDIA_RESOLUTION_LOW"}},
      {"fileData":{"mimeType":"image/jpeg","fileUri":"https://pictures.example/a.jpg"}},
      {"inlineData":{"mimeType":"application/pdf","data":"JVBERg=="}}]},
    {"role":"model","parts":[{"text":"hm","thought":true},
      {"functionCall":{"id":"fc1","name":"go","args":{"z":1,"a":2}},"thoughtSignature":"c2ln"},
      {"functionCall":{"id":"fc2","name":"look","args":{}}}]},
    {"role":"user","parts":[{"functionResponse":{"id":"fc1","name":"go","response":{"z":1,"a":2}}},
      {"functionResponse":{"id":"fc2","name":"look","response":{"image":{"$ref":"p.png"}},
        "parts":[{"inlineData":{"mimeType":"image/png","data":"QUJD","displayName":"p.png"}}]}}]}],
  "tools":[{"functionDeclarations":[
    {"name":"go","description":"Go there","parameters":{"type":"OBJECT","properties":{"z":{"type":"INTEGER"},"a":{"type":"STRING","nullable":true}},"required":["z"],"propertyOrdering":["z","a"]}},
    {"name":"look","parametersJsonSchema":{"type":"object","properties":{}},"behavior":"BLOCKING"}]}],
  "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["go"]}},
  "safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}],
  "generationConfig":{"temperature":0.5,"topP":0.5,"topK":4,"maxOutputTokens":100,"seed":-1,
    "stopSequences":["END"],"presencePenalty":0.5,"frequencyPenalty":-0.5,
    "responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"ok":{"type":"BOOLEAN"}}},
    "responseLogprobs":true,"logprobs":2,
    "thinkingConfig":{"thinkingLevel":"LOW","includeThoughts":true}}})";

const char* const gemini_answer = R"({"candidates":[{"content":{"parts":[
    {"text":"hm","thought":true},
    {"text":"Blue.","thoughtSignature":"dHh0"},
    {"executableCode":{"language":"PYTHON","code":"1"}},
    {"functionCall":{"id":"fc1","name":"go","args":{"z":1,"a":2},"willContinue":false},"thoughtSignature":"c2ln"}],
    "role":"model"},"finishReason":"STOP","index":0,"finishMessage":"done",
    "safetyRatings":[{"category":"HARM_CATEGORY_HARASSMENT","probability":"NEGLIGIBLE"}],
    "citationMetadata":{"citationSources":[{"startIndex":0,"endIndex":5,"uri":"u"}]},
    "groundingMetadata":{"webSearchQueries":["q"],"groundingChunks":[{"web":{"uri":"u","title":"t"}}]},
    "avgLogprobs":-0.5,"logprobsResult":{"chosenCandidates":[]}}],
  "modelStatus":{"modelStage":"STABLE"},
  "usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":7,"thoughtsTokenCount":2,
    "cachedContentTokenCount":3,"totalTokenCount":14,"toolUsePromptTokenCount":0,
    "promptTokensDetails":[{"modality":"TEXT","tokenCount":5}],"serviceTier":"standard"},
  "modelVersion":"gemini-3-pro","responseId":"r1"})";

std::string streamed(std::string_view dialect, std::string_view body, WireFormat format,
                     bool as_list = false) {
  AnswerStream stream;
  stream.format = format;
  stream.origin = find_dialect(dialect)->format;
  stream.as_list = as_list;
  std::string bytes;
  for (const ChatEvent& event : decode(dialect, body))
    encode_event(stream, event, bytes);
  return bytes;
}

}  // namespace

TEST_SUITE("llm gemini client") {
  TEST_CASE("a request is read, and goes to Gemini as it came") {
    const ChatRequest request = read(whole_request);
    CHECK(request.messages.size() == 4);
    CHECK(request.messages[0].role == Role::system);
    CHECK(request.messages[1].parts[1].kind == PartKind::image);
    CHECK(request.messages[2].parts[1].arguments == R"({"z":1,"a":2})");
    CHECK(request.messages[3].role == Role::tool);
    CHECK(request.tools[0].parameters == R"({"type":"object","properties":{"z":{"type":"integer"},)"
                                         R"("a":{"type":["string","null"]}},"required":["z"]})");
    CHECK(request.tool_choice == ToolChoice::named);
    CHECK(request.tool_choice_name == "go");
    CHECK(request.output.kind == OutputKind::json_schema);
    CHECK(request.output.schema == R"({"type":"object","properties":{"ok":{"type":"boolean"}}})");
    CHECK(request.reasoning.effort == "low");
    CHECK(request.reasoning.summary);
    CHECK(request.sampling.seed == -1);
    CHECK(request.output_tokens_max == 100);
    CHECK(refused(whole_request) == "");
    CHECK(Json::diff(Json::parse(whole_request), sent_to("gemini", whole_request)).dump() == "[]");
  }

  TEST_CASE("a request goes to other formats with what they have a name for") {
    std::string body = whole_request;
    const std::string probabilities = R"("responseLogprobs":true,)";
    body.erase(body.find(probabilities), probabilities.size());
    const std::string pdf =
        R"(,
      {"inlineData":{"mimeType":"application/pdf","data":"JVBERg=="}})";
    body.erase(body.find(pdf), pdf.size());
    const Json chat = sent_to("openai", body);
    CHECK(chat["messages"][0] == Json{{"role", "system"}, {"content", "Be brief."}});
    CHECK(chat["messages"][2]["tool_calls"][0]["id"] == "fc1");
    CHECK(chat["messages"][3]["tool_call_id"] == "fc1");
    CHECK(chat["messages"][3]["content"] == R"({"z":1,"a":2})");
    CHECK(chat["tool_choice"]["function"]["name"] == "go");
    CHECK(chat["response_format"]["json_schema"]["schema"].dump().find("boolean") !=
          std::string::npos);
    CHECK(chat["max_completion_tokens"] == 100);
    for (const char* own : {"safetySettings", "generationConfig", "thoughtSignature"})
      CHECK(chat.dump().find(own) == std::string::npos);
    // A picture of a result is not lost.
    CHECK(sent_to("anthropic", body).dump().find("QUJD") != std::string::npos);
  }

  TEST_CASE("members may be named as protocol buffers do; not in both ways at once") {
    const Json one = sent_to(
        "gemini", R"({"system_instruction":{"parts":{"text":"Be brief."}},"contents":{"parts":[)"
                  R"({"inline_data":{"mime_type":"image/png","data":"QUJD"}}]},"tools":[)"
                  R"({"function_declarations":[{"name":"go","parameters":{"type":"OBJECT",)"
                  R"("properties":{"a_b":{"type":"STRING"}}}}]}],)"
                  R"("tool_config":{"function_calling_config":{"mode":"NONE"}},)"
                  R"("generation_config":{"max_output_tokens":5}})");
    CHECK(one["systemInstruction"]["parts"][0]["text"] == "Be brief.");
    CHECK(one["contents"][0]["parts"][0]["inlineData"]["mimeType"] == "image/png");
    CHECK(one["tools"][0]["functionDeclarations"][0]["parameters"]["properties"].contains("a_b"));
    CHECK(one["toolConfig"]["functionCallingConfig"]["mode"] == "NONE");
    CHECK(one["generationConfig"]["maxOutputTokens"] == 5);
    const Json escaped = sent_to(
        "gemini", with(R"("generation\u0043onfig":{"top\u005fk":1,"\u0074emperature":0.5})"));
    CHECK(escaped["generationConfig"] == Json{{"temperature", 0.5}, {"topK", 1}});
    CHECK(fault_of(with(R"("generationConfig":{"topK":1},"generation_config":{"topK":2})"))
              .find("twice") != std::string::npos);
  }

  TEST_CASE("results without an id are of the first open call with their name") {
    const Json chat =
        sent_to("openai",
                R"({"contents":[{"parts":[{"text":"Go"}]},{"role":"model","parts":[)"
                R"({"functionCall":{"name":"go","args":{"n":1}}},{"functionCall":{"name":"stay"}},)"
                R"({"functionCall":{"name":"go","args":{"n":2}}}]},{"role":"function","parts":[)"
                R"({"functionResponse":{"name":"go","response":{"output":"first"}}},)"
                R"({"functionResponse":{"name":"go","response":{"error":"second"}}},)"
                R"({"functionResponse":{"name":"stay","response":{"output":"{}"}}}]}]})");
    const Json& messages = chat["messages"];
    const Json& calls = messages[1]["tool_calls"];
    CHECK(messages[2]["tool_call_id"] == calls[0]["id"]);
    CHECK(messages[2]["content"] == "first");
    CHECK(messages[3]["tool_call_id"] == calls[2]["id"]);
    CHECK(messages[4]["tool_call_id"] == calls[1]["id"]);
    CHECK(calls[0]["id"] != calls[2]["id"]);
  }

  TEST_CASE("the pieces of a streamed answer come back as one") {
    const Json chat = sent_to("openai", R"({"contents":[{"parts":[{"text":"Go"}]},)"
                                        R"({"role":"model","parts":[{"text":"Wel"}]},)"
                                        R"({"role":"model","parts":[{"text":"come"}]},)"
                                        R"({"role":"model","parts":[{"text":""}]},)"
                                        R"({"role":"user","parts":[{"text":"a"},{"text":"b"}]}]})");
    CHECK(chat["messages"].size() == 3);
    CHECK(chat["messages"][1]["content"] == "Welcome");
  }

  TEST_CASE("what is wrong with a request is said with its place") {
    CHECK(fault_of("{}").find("contents: expected") == 0);
    CHECK(fault_of(with(R"("generationConfig":{"candidateCount":33})"))
              .find("candidateCount: expected 1 to 32 answers") != std::string::npos);
    CHECK(fault_of(R"({"contents":[{"role":"assistant","parts":[{"text":"x"}]}]})")
              .find("contents[0].role: expected user or model") == 0);
    CHECK(fault_of(with_part("{}")).find("contents[0].parts[1]: expected a part") == 0);
    CHECK(fault_of(with_part(R"({"functionCall":{}})")).find("functionCall.name") !=
          std::string::npos);
    CHECK(fault_of(with_part(R"({"functionResponse":{"name":"go","response":"x"}})"))
              .find("functionResponse.response: expected an object") != std::string::npos);
    CHECK(fault_of(with(R"("tools":[3])")).find("tools[0]: expected an object") == 0);
    CHECK(fault_of(with(R"("systemInstruction":"x")")).find("systemInstruction: expected") == 0);
    CHECK(fault_of(with(R"("toolConfig":{"functionCallingConfig":{"mode":"SOME"}})"))
              .find("mode: expected AUTO") != std::string::npos);
  }

  TEST_CASE("a thought without words has a text, so that its signature is its own") {
    ChatAnswer answer;
    answer.format = WireFormat::anthropic;
    answer.finished = true;
    ChatPart& thought = answer.parts.emplace_back();
    thought.kind = PartKind::reasoning;
    thought.format = WireFormat::anthropic;
    thought.redacted = true;
    thought.signature = "c2VhbGVk";
    const Json told = Json::parse(encode_answer(WireFormat::gemini, answer, {}));
    const Json& part = told["candidates"][0]["content"]["parts"][0];
    CHECK(part["text"] == " ");
    CHECK(part["thought"] == true);
    const Json body = {{"contents",
                        {{{"role", "user"}, {"parts", {{{"text", "Go"}}}}},
                         {{"role", "model"}, {"parts", Json::array({part})}},
                         {{"role", "user"}, {"parts", {{{"text", "On"}}}}}}}};
    const ChatRequest back = read(body.dump());
    REQUIRE(back.messages.size() == 3);
    const ChatPart& same = back.messages[1].parts[0];
    CHECK(same.redacted);
    CHECK(same.text.empty());
    CHECK(same.signature == thought.signature);
  }

  TEST_CASE("what the provider runs, stores or prices apart is refused by its name") {
    const std::pair<std::string, const char*> cases[] = {
        {with(R"("tools":[{"googleSearch":{}}])"), "gemini:tool:googleSearch"},
        {with(R"("tools":[{"functionDeclarations":[],"codeExecution":{}}])"),
         "gemini:tool:codeExecution"},
        {with(R"("tools":[{"google_search":{}}])"), "gemini:tool:googleSearch"},
        {with(R"("tools":[{"brandNew":{}}])"), "gemini:tool:brandNew"},
        {with(R"("cachedContent":"cachedContents/1")"), "gemini:cachedContent"},
        {with(R"("cached_content":"cachedContents/1")"), "gemini:cachedContent"},
        {with(R"("serviceTier":"flex")"), "gemini:serviceTier"},
        {with(R"("toolConfig":{"includeServerSideToolInvocations":true})"),
         "gemini:toolConfig.includeServerSideToolInvocations"},
        {with(R"("generationConfig":{"speechConfig":{"languageCode":"de"}})"),
         "gemini:generationConfig.speechConfig"},
        {with(R"("generationConfig":{"responseModalities":["IMAGE"]})"),
         "gemini:generationConfig.responseModalities"},
        {with(R"("generationConfig":{"brandNew":1})"), "gemini:generationConfig.brandNew"},
        {with_part(R"({"inlineData":{"mimeType":"application/zip","data":"AA"}})"),
         "gemini:part:inlineData.mimeType"},
        {with_part(R"({"executableCode":{"code":"1"}})"), "gemini:part:executableCode"},
        {with_part(R"({"brandNew":{"x":1}})"), "gemini:part:brandNew"}};
    for (const auto& one : cases) {
      const std::string& body = one.first;
      const std::string name = one.second;
      CAPTURE(body);
      CHECK(refused(body) == name);
      CHECK(refused(body, {name}) == "");
      CHECK(refused(body, {"gemini:*"}) == "");
      CHECK(refused(body, {"openai:*", "anthropic:*"}) == name);
    }
    CHECK(refused(with(R"("\u0063achedContent":"x")")) == "gemini:cachedContent");
    ChatRequest labelled = read(with(R"("labels":{"player":"anna"},"store":false)"));
    REQUIRE(hold_to_allowed(labelled, {}).ok());
    CHECK(labelled.extra.find("anna") == std::string::npos);
    // Its history is a tool's own.
    const std::string history = with_part(R"({"executableCode":{"code":"1"}})");
    CHECK(refused(history, {"gemini:tool:codeExecution"}) == "");
  }

  TEST_CASE("a file that is stored at the provider is refused by its address") {
    const char* const name = "gemini:part:fileData.fileUri";
    for (const char* type : {"image/png", "application/pdf"}) {
      for (const char* uri : {"https://generativelanguage.googleapis.com/v1beta/files/abc",
                              "https://GenerativeLanguage.googleapis.com:443/v1beta/files/abc",
                              "gs://bucket/a.png", "files/abc"}) {
        const std::string body = with_part(
            joined({R"({"fileData":{"mimeType":")", type, R"(","fileUri":")", uri, R"("}})"}));
        CAPTURE(body);
        CHECK(refused(body) == name);
        CHECK(refused(body, {name}) == "");
      }
      CHECK(refused(with_part(joined({R"({"fileData":{"mimeType":")", type,
                                      R"(","fileUri":"https://pictures.example/a"}})"}))) == "");
    }
    CHECK(refused(with_part(
              R"({"fileData":{"mimeType":"video/mp4","fileUri":"\u0067s://b/a"}})")) == name);
    CHECK(refused(with_part(
              R"({"fileData":{"mimeType":"video/mp4","fileUri":"https:\/\/b\/a"}})")) == "");
    // Clients of other formats reach the same provider.
    const std::string url = R"("https://generativelanguage.googleapis.com/v1beta/files/abc")";
    const std::pair<WireFormat, std::string> others[] = {
        {WireFormat::openai_chat, R"({"model":"m","messages":[{"role":"user","content":[)"
                                  R"({"type":"image_url","image_url":{"url":)" +
                                      url + "}}]}]}"},
        {WireFormat::openai_responses, R"({"model":"m","input":[{"role":"user","content":[)"
                                       R"({"type":"input_image","image_url":)" +
                                           url + "}]}]}"},
        {WireFormat::anthropic,
         R"({"model":"m","max_tokens":9,"messages":[{"role":"user","content":[)"
         R"({"type":"image","source":{"type":"url","url":)" +
             url + "}}]}]}"}};
    for (const auto& [format, body] : others) {
      auto request = decode_client_request(format, body);
      REQUIRE(request.ok());
      const auto held = hold_to_allowed(*request, {});
      REQUIRE(!held.ok());
      CHECK(held.error().message.find("stored at the provider") != std::string::npos);
    }
  }

  TEST_CASE("what no other format can say is refused for it") {
    const auto refusal = [](const std::string& body, const char* dialect) {
      Target target;
      target.dialect = find_dialect(dialect);
      target.model = "m";
      const auto wire = encode_request(read(body), target);
      return wire.ok() ? std::string() : wire.error().code;
    };
    const std::string word = with(
        R"("generationConfig":{"responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","enum":["a"]}})");
    const std::string search = with(R"("tools":[{"googleSearch":{}}])");
    const std::string video = with_part(R"({"inlineData":{"mimeType":"video/mp4","data":"AA"}})");
    for (const std::string& body : {word, search, video}) {
      CHECK(refusal(body, "anthropic") == "unsupported");
      CHECK(refusal(body, "gemini") == "");
    }
    // A choice among some of the tools is those alone.
    const std::string tools =
        R"("tools":[{"functionDeclarations":[{"name":"a"},{"name":"b"},{"name":"c"}]}],)"
        R"("toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":)";
    const std::string several = with(tools + R"(["a","\u0062"]}})");
    const Json claude = sent_to("anthropic", several);
    CHECK(claude["tools"].size() == 2);
    CHECK(claude["tools"][1]["name"] == "b");
    CHECK(claude["tool_choice"]["type"] == "any");
    CHECK(sent_to("gemini", several)["tools"][0]["functionDeclarations"].size() == 3);
    CHECK(sent_to("openai", with(tools + "[]}}"))["tools"].size() == 3);
    CHECK(refusal(with(tools + R"(["x","y"]}})"), "openai") == "bad_chat_request");
  }

  TEST_CASE("Gemini's schemas are JSON Schema") {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"type":"STRING","format":"enum","enum":["a"],"nullable":true,"example":"a"})",
         R"({"type":["string","null"],"enum":["a",null]})"},
        {R"({"type":"ARRAY","items":{"type":"NUMBER"},"minItems":"1","max_items":3})",
         R"({"type":"array","items":{"type":"number"},"minItems":1,"maxItems":3})"},
        {R"({"anyOf":[{"type":"STRING"}],"nullable":true})",
         R"({"anyOf":[{"type":"string"},{"type":"null"}]})"},
        {R"({"type":"OBJECT","properties":{"type":{"type":"STRING"},"nullable":{"ref":"#/defs/N"}},"defs":{"N":{"type":"TYPE_UNSPECIFIED"}}})",
         R"({"type":"object","properties":{"type":{"type":"string"},"nullable":{"$ref":"#/$defs/N"}},"$defs":{"N":{}}})"},
        {R"({"type":["string","null"],"minLength":"01"})",
         R"({"type":["string","null"],"minLength":"01"})"},
        {"true", "true"}};
    for (const auto& [own, schema] : cases)
      CHECK(json_schema_of_openapi(own) == schema);
  }

  TEST_CASE("schemas in schemas are converted as deep as they are read, and go on") {
    constexpr int levels = 40;
    std::string own = R"({"type":"STRING"})";
    for (int i = 0; i < levels; ++i)
      own = R"({"type":"OBJECT","properties":{"p":)" + own + "}}";
    const Json converted = Json::parse(json_schema_of_openapi(own));
    const Json* at = &converted;
    int read = 0;
    for (; at->at("type") == "object"; ++read)
      at = &at->at("properties").at("p");
    CHECK(read == 24);
    CHECK(at->at("type") == "OBJECT");
    CHECK(Json::parse(own).dump().size() == converted.dump().size());
  }

  TEST_CASE("what a Gemini target said goes back to its client, whole and streamed") {
    const Json said = Json::parse(gemini_answer);
    const ChatEvents events = decode("gemini", gemini_answer);
    const Json told = Json::parse(encode_answer(WireFormat::gemini, folded("gemini", events), {}));
    CHECK(Json::diff(said, told).dump() == "[]");
    std::string chunks;
    const Json& candidate = said["candidates"][0];
    for (std::size_t i = 0; i < candidate["content"]["parts"].size(); ++i) {
      Json chunk = said;
      Json& part = chunk["candidates"][0];
      if (i + 1 < candidate["content"]["parts"].size())
        part = {{"index", 0}, {"content", candidate["content"]}};
      part["content"]["parts"] = Json::array({candidate["content"]["parts"][i]});
      chunks += "data: " + chunk.dump() + "\n\n";
    }
    const std::string bytes = streamed("gemini", chunks, WireFormat::gemini);
    CHECK(Json::diff(said, joined_gemini(sse_data(bytes))).dump() == "[]");
    for (const WireFormat other : {WireFormat::openai_chat, WireFormat::anthropic}) {
      const std::string foreign = encode_answer(other, folded("gemini", events), {});
      CHECK(foreign.find("groundingMetadata") == std::string::npos);
    }
  }

  TEST_CASE("other providers' answers have Gemini's words and counts") {
    const char* const claude =
        R"({"id":"m1","type":"message","role":"assistant","model":"c","content":[)"
        R"({"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"text","text":"Hi"}],)"
        R"("stop_reason":"max_tokens","usage":{"input_tokens":5,"cache_read_input_tokens":3,)"
        R"("output_tokens":7,"output_tokens_details":{"thinking_tokens":2}}})";
    AnswerStamp stamp;
    stamp.model = "anthropic/claude";
    const Json told = Json::parse(
        encode_answer(WireFormat::gemini, folded("anthropic", decode("anthropic", claude)), stamp));
    CHECK(told["modelVersion"] == "anthropic/claude");
    CHECK(told["responseId"] == "m1");
    const Json& candidate = told["candidates"][0];
    CHECK(candidate["finishReason"] == "MAX_TOKENS");
    CHECK(candidate["content"]["role"] == "model");
    CHECK(candidate["content"]["parts"][1] == Json{{"text", "Hi"}});
    const Json& thought = candidate["content"]["parts"][0];
    CHECK(thought["thought"] == true);
    CHECK(from_base64(thought["thoughtSignature"].get<std::string>()) ==
          "redoubt:anthropic::::c2ln");
    CHECK(told["usageMetadata"] == Json{{"promptTokenCount", 8},
                                        {"cachedContentTokenCount", 3},
                                        {"candidatesTokenCount", 5},
                                        {"thoughtsTokenCount", 2},
                                        {"totalTokenCount", 15}});
    const Json empty = Json::parse(encode_answer(WireFormat::gemini, {}, {}));
    CHECK(empty["candidates"][0]["content"]["parts"].size() == 1);
  }

  TEST_CASE("without alt=sse a stream is one JSON list, whether it ends well or not") {
    const char* const chat =
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n: wait\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"}}]}\n\n";
    const std::string end =
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    const Json list = Json::parse(streamed("openai", chat + end, WireFormat::gemini, true));
    REQUIRE(list.size() == 3);
    CHECK(list[0]["candidates"][0]["content"]["parts"][0]["text"] == "a");
    CHECK(list[2]["candidates"][0]["finishReason"] == "STOP");
    const Json cut = Json::parse(streamed("openai", chat, WireFormat::gemini, true));
    CHECK(cut.back()["error"]["status"] == "INTERNAL");
    const Json none = Json::parse(streamed("openai", "", WireFormat::gemini, true));
    CHECK(none.size() == 1);
  }

  TEST_CASE("errors have Google's shape") {
    ChatFailure failure = local_failure(FailureClass::rate_limited, "Too many.");
    failure.status = 429;
    failure.code = "quota_spent";
    failure.param = "contents";
    failure.request_id = "r1";
    failure.retry_after_ms = 1'500;
    const Json error = Json::parse(encode_failure(WireFormat::gemini, failure))["error"];
    CHECK(error["code"] == 429);
    CHECK(error["status"] == "RESOURCE_EXHAUSTED");
    CHECK(error["message"] == "Too many.");
    CHECK(error["details"][0]["reason"] == "QUOTA_SPENT");
    CHECK(error["details"][1]["fieldViolations"][0]["field"] == "contents");
    CHECK(error["details"][2]["retryDelay"] == "2s");
    CHECK(error["details"][3]["requestId"] == "r1");
    // Our own decoder reads it as what it was.
    for (int i = 0; i <= static_cast<int>(FailureClass::cut); ++i) {
      const auto failure_class = static_cast<FailureClass>(i);
      CAPTURE(failure_name(failure_class));
      const Json body =
          Json::parse(encode_failure(WireFormat::gemini, local_failure(failure_class, "x")));
      CHECK(body["error"]["code"].get<int>() >= 400);
      CHECK(body["error"]["status"].is_string());
    }
  }
}

TEST_SUITE("base64") {
  TEST_CASE("either alphabet is read, padded or not") {
    CHECK(to_base64("") == "");
    CHECK(to_base64("f") == "Zg==");
    CHECK(to_base64("fo") == "Zm8=");
    CHECK(to_base64("foo") == "Zm9v");
    CHECK(to_base64("\xFB\xFF") == "+/8=");
    for (const char* text : {"+/8=", "+/8", "-_8=", "-_8"})
      CHECK(from_base64(text) == "\xFB\xFF");
    for (const char* text : {"Z", "Zg=a", "Z g=", "Zg===="})
      CHECK(!from_base64(text));
  }
}
