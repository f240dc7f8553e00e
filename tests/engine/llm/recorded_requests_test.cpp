// Recorded requests to OpenAI, Anthropic and Gemini, read as a client's and encoded again: equal as
// JSON, up to these equivalences, which say the same to the provider:
//
// 1. a member that is null and one that is absent; false and absent for stream, is_error and
//    strict; type "custom" and absent for Anthropic's tools,
// 2. a text and a list of one text part, also for `system`,
// 3. max_tokens and max_completion_tokens (OpenAI chat),
// 4. empty `instructions` and none; a first system item of `input` and `instructions` (Responses),
// 5. a response format "text" and none; a tool's empty description and none,
// 6. streams ask for usage (stream_options), whether or not the client did,
// 7. type "message" of an item with a role, and absent (Responses),
// 8. `store: false`, and thoughts asked for sealed, whether or not the client did,
// 9. Gemini: members named as protocol buffers do and as JSON does, contents of one side that
// follow
//    one another, one object for all functions, one tool and a list of it, an empty configuration
//    and none, an empty text and none, the role of the instruction, ids of calls that had none.
#include <doctest/doctest.h>

#include <set>

#include "engine/llm/client_request.hpp"
#include "engine/llm/encode.hpp"
#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

bool drops_false(const std::string& key) {
  return key == "stream" || key == "is_error" || key == "strict";
}

void reduce_parts(Json& parts) {
  if (parts.is_array() && parts.size() == 1 && parts[0].is_object() && parts[0].size() == 2) {
    const std::string type(text_in(parts[0], "type"));
    if (type == "text" || type == "input_text" || type == "output_text") {
      Json text = parts[0]["text"];
      parts = std::move(text);
    }
  }
}

void reduce(Json& json) {
  if (json.is_array()) {
    for (Json& item : json)
      reduce(item);
  }
  if (!json.is_object()) return;
  for (auto it = json.begin(); it != json.end();) {
    const bool is_false = it->is_boolean() && !it->get<bool>() && drops_false(it.key());
    const bool is_empty = it.key() == "description" && *it == "";
    const bool is_custom = it.key() == "type" && *it == "custom";
    const bool is_item = it.key() == "type" && *it == "message" && json.contains("role");
    const bool is_schema = it.key() == "parameters" || it.key() == "input_schema" ||
                           it.key() == "schema" || it.key() == "input" || it.key() == "action";
    if (it->is_null() || is_false || is_empty || is_custom || is_item) {
      it = json.erase(it);
      continue;
    }
    if (!is_schema || it->is_array()) reduce(*it);
    ++it;
  }
  for (const char* key : {"content", "system"}) {
    if (json.contains(key)) reduce_parts(json[key]);
  }
}

void reduce_root(Json& json) {
  reduce(json);
  json.erase("stream_options");
  if (json.contains("store") && json["store"] == false) json.erase("store");
  if (json.contains("include")) {
    Json others = Json::array();
    for (const Json& each : json["include"]) {
      if (each != "reasoning.encrypted_content") others.push_back(each);
    }
    json["include"] = std::move(others);
    if (json["include"].empty()) json.erase("include");
  }
  if (json.contains("instructions") && json["instructions"] == "") json.erase("instructions");
  if (json.contains("max_tokens") && !json.contains("max_completion_tokens") &&
      json.contains("messages") && !json.contains("system")) {
    json["max_completion_tokens"] = json["max_tokens"];
    json.erase("max_tokens");
  }
  if (json.contains("response_format") && json["response_format"]["type"] == "text") {
    json.erase("response_format");
  }
  if (json.contains("text") && json["text"].contains("format") &&
      json["text"]["format"]["type"] == "text") {
    json["text"].erase("format");
    if (json["text"].empty()) json.erase("text");
  }
  if (json.contains("reasoning") && json["reasoning"].empty()) json.erase("reasoning");
  if (json.contains("input") && json["input"].is_array() && !json.contains("instructions") &&
      !json["input"].empty() && json["input"][0].value("role", "") == "system") {
    json["instructions"] = json["input"][0]["content"];
    json["input"].erase(json["input"].begin());
  }
  if (json.contains("input") && json["input"].is_array() && json["input"].size() == 1 &&
      json["input"][0].size() == 2 && json["input"][0].value("role", "") == "user" &&
      json["input"][0]["content"].is_string()) {
    Json text = json["input"][0]["content"];
    json["input"] = std::move(text);
  }
}

std::string camel(const std::string& name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool joint = name[i] == '_' && i > 0 && i + 1 < name.size();
    out += joint ? static_cast<char>(name[++i] - 'a' + 'A') : name[i];
  }
  return out;
}

Json camel_cased(const Json& json) {
  if (json.is_array()) {
    Json list = Json::array();
    for (const Json& item : json)
      list.push_back(camel_cased(item));
    return list;
  }
  if (!json.is_object()) return json;
  Json object = Json::object();
  for (const auto& [key, value] : json.items()) {
    const std::string name = camel(key);
    const bool is_free = name == "args" || name == "response" || name.starts_with("parameters") ||
                         name.ends_with("Schema");
    object[name] = is_free ? value : camel_cased(value);
  }
  return object;
}

void reduce_gemini(Json& json) {
  json = camel_cased(json);
  if (json.contains("systemInstruction")) json["systemInstruction"].erase("role");
  if (json.contains("generationConfig") && json["generationConfig"].empty())
    json.erase("generationConfig");
  Json contents = Json::array();
  for (Json& content : json["contents"]) {
    Json parts = Json::array();
    for (Json& part : content["parts"]) {
      for (const char* call : {"functionCall", "functionResponse"}) {
        if (part.contains(call) && text_in(part[call], "id").substr(0, 6) == "call_n")
          part[call].erase("id");
      }
      if (part != Json{{"text", ""}}) parts.push_back(part);
    }
    if (parts.empty()) continue;
    if (!contents.empty() && contents.back()["role"] == content["role"]) {
      for (const Json& part : parts)
        contents.back()["parts"].push_back(part);
    } else {
      contents.push_back({{"role", content["role"]}, {"parts", parts}});
    }
  }
  json["contents"] = std::move(contents);
  if (json.contains("tools") && json["tools"].is_object())
    json["tools"] = Json::array({json["tools"]});
  Json tools = Json::object();
  for (const Json& tool : json.contains("tools") ? json["tools"] : Json::array()) {
    for (const auto& [key, value] : tool.items()) {
      if (!value.is_array()) tools[key] = value;
      for (Json function : value.is_array() ? value : Json::array()) {
        if (text_in(function, "description").empty()) function.erase("description");
        tools[key].push_back(function);
      }
    }
  }
  json["tools"] = std::move(tools);
}

bool repeats_call_id(const Json& request) {
  std::set<Json> ids;
  for (const Json& message : request.value("messages", Json::array())) {
    const Json& content = message.value("content", Json());
    for (const Json& block : content.is_array() ? content : Json::array()) {
      if (block.value("type", "") == "tool_use" && !ids.insert(block["id"]).second) return true;
    }
  }
  return false;
}

int check_requests(const char* provider, const char* path, const char* dialect) {
  int equal = 0;
  for (const Exchange& exchange : recorded(provider)) {
    const bool here = exchange.url.size() >= std::string(path).size() &&
                      exchange.url.find(path) != std::string::npos &&
                      exchange.url.find(std::string(path) + "/") == std::string::npos;
    if (!here || !exchange.request.is_object()) continue;
    const bool gemini = std::string_view(dialect) == "gemini";
    CAPTURE(exchange.id);
    Target target;
    target.dialect = find_dialect(dialect);
    if (gemini) target.model = "gemini-2.5-flash";  // which needs no signatures
    auto request = decode_client_request(target.dialect->format, exchange.request_text);
    if (!request.ok()) MESSAGE(request.error().message);
    REQUIRE(request.ok());
    auto wire = encode_request(*request, target);
    if (!wire.ok()) MESSAGE(wire.error().message);
    REQUIRE(wire.ok());
    auto made = parse_json(wire->body, {64u << 20, 100});
    if (!made.ok()) MESSAGE(made.error().message);
    REQUIRE(made.ok());
    Json sent = exchange.request;
    for (Json* json : {&sent, &*made})
      gemini ? reduce_gemini(*json) : reduce_root(*json);
    // A call of an id that came before has one of its own (fit.cpp).
    if (repeats_call_id(sent)) continue;
    const Json difference = Json::diff(sent, *made);
    CHECK(difference.dump() == "[]");
    ++equal;
  }
  return equal;
}

}  // namespace

TEST_SUITE("llm recordings") {
  TEST_CASE("recorded requests go through the neutral form and come out the same") {
    if (recorded("openai").empty()) {
      MESSAGE("skipped: no recordings (../shared/recordings, or REDOUBT_RECORDINGS)");
      return;
    }
    CHECK(check_requests("openai", "/v1/chat/completions", "openai") > 100);
    CHECK(check_requests("openai", "/v1/responses", "openai-responses") > 150);
    CHECK(check_requests("anthropic", "/v1/messages", "anthropic") > 170);
    CHECK(check_requests("google", "enerateContent", "gemini") > 150);
  }
}
