// Every recorded exchange: what the decoders say equals what the bytes say. The expectation is read
// here a second time, from the documents of a body, without the decoders.
#include <doctest/doctest.h>

#include <map>

#include "tests/engine/llm/recorded.hpp"

using namespace redoubt;
using namespace redoubt::llm;
using namespace redoubt::llm::testing;

namespace {

struct Call {
  std::string name;
  std::string arguments;
  bool operator==(const Call&) const = default;
};

struct Expected {
  std::string text;
  std::string thought;
  std::vector<Call> calls;
  std::int64_t input = 0, output = 0, cached = 0;
  std::string finish;
};

std::string str(const Json& o, const char* key) {
  return std::string(text_in(o, key));
}
std::int64_t num(const Json* o, const char* key) {
  return o == nullptr ? 0 : integer_in(*o, key, 0);
}

/// The JSON documents of a body: the whole, or each `data:` of a stream.
std::vector<Json> documents(const std::string& body) {
  std::vector<Json> all;
  const std::size_t first = body.find_first_not_of(" \r\n");
  if (first != std::string::npos && (body[first] == '{' || body[first] == '[')) {
    all.push_back(Json::parse(body));
    return all;
  }
  std::size_t at = 0;
  while (at < body.size()) {
    const std::size_t end = std::min(body.find('\n', at), body.size());
    std::string line = body.substr(at, end - at);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    at = end + 1;
    if (line.rfind("data:", 0) != 0 || line.find("[DONE]") != std::string::npos) continue;
    all.push_back(Json::parse(line.substr(5)));
  }
  return all;
}

void expect_chat_content(const Json& content, Expected& e) {
  if (content.is_string()) e.text += content.get<std::string>();
  if (!content.is_array()) return;
  for (const Json& part : content) {
    if (part.contains("text")) e.text += str(part, "text");
    if (part.contains("thinking")) {
      for (const Json& piece : part["thinking"])
        e.thought += str(piece, "text");
    }
  }
}

Expected expect_chat(const std::vector<Json>& docs) {
  Expected e;
  std::map<std::int64_t, Call> calls;
  std::int64_t place = 0;
  for (const Json& doc : docs) {
    if (const Json* usage = member_of(doc, "usage")) {
      e.input = num(usage, "prompt_tokens");
      e.output = num(usage, "completion_tokens");
      e.cached = num(member_of(*usage, "prompt_tokens_details"), "cached_tokens");
      if (e.cached == 0) e.cached = num(usage, "num_cached_tokens");
    }
    const Json* choices = member_of(doc, "choices");
    if (choices == nullptr || choices->empty()) continue;
    const Json& choice = (*choices)[0];
    const bool whole = choice.contains("message");
    const Json& message = whole ? choice["message"] : choice["delta"];
    if (message.contains("content")) expect_chat_content(message["content"], e);
    e.thought += str(message, "reasoning_content") + str(message, "reasoning");
    if (const Json* list = member_of(message, "tool_calls")) {
      for (const Json& call : *list) {
        Call& entry = calls[whole ? place++ : call["index"].get<std::int64_t>()];
        entry.name += str(call["function"], "name");
        entry.arguments += str(call["function"], "arguments");
      }
    }
    if (!str(choice, "finish_reason").empty()) e.finish = str(choice, "finish_reason");
  }
  for (const auto& [index, call] : calls)
    e.calls.push_back(call);
  return e;
}

Expected expect_responses(const std::vector<Json>& docs) {
  Json response = docs.back();
  if (response.contains("response")) response = response["response"];
  Expected e;
  for (const Json& item : response["output"]) {
    if (item["type"] == "function_call") {
      e.calls.push_back({str(item, "name"), str(item, "arguments")});
    }
    for (const char* key : {"content", "summary"}) {
      if (!item.contains(key) || !item[key].is_array()) continue;
      for (const Json& part : item[key]) {
        if (part["type"] == "output_text") e.text += str(part, "text");
        if (item["type"] == "reasoning") e.thought += str(part, "text");
      }
    }
  }
  const Json* usage = member_of(response, "usage");
  e.input = num(usage, "input_tokens");
  e.output = num(usage, "output_tokens");
  e.cached = num(member_of(usage, "input_tokens_details"), "cached_tokens");
  e.finish = str(response, "status");
  return e;
}

Expected expect_anthropic(const std::vector<Json>& docs) {
  Expected e;
  std::map<std::int64_t, Call> calls;
  std::map<std::string, std::int64_t> usage;
  const auto merge = [&](const Json& from) {
    if (const Json* u = member_of(from, "usage")) {
      for (const auto& [key, value] : u->items()) {
        if (value.is_number_integer()) usage[key] = value.get<std::int64_t>();
      }
    }
    if (!str(from, "stop_reason").empty()) e.finish = str(from, "stop_reason");
  };
  const auto block = [&](std::int64_t index, const Json& b, bool whole) {
    if (b["type"] == "text") e.text += str(b, "text");
    if (b["type"] == "thinking") e.thought += str(b, "thinking");
    if (b["type"] == "tool_use") {
      calls[index] = {str(b, "name"), whole ? b["input"].dump() : ""};
    }
  };
  for (const Json& doc : docs) {
    const std::string type = str(doc, "type");
    if (type == "message") {
      for (std::size_t i = 0; i < doc["content"].size(); ++i)
        block(static_cast<std::int64_t>(i), doc["content"][i], true);
      merge(doc);
    } else if (type == "message_start") {
      merge(doc["message"]);
    } else if (type == "message_delta") {
      merge(doc);
      merge(doc["delta"]);
    } else if (type == "content_block_start") {
      block(doc["index"].get<std::int64_t>(), doc["content_block"], false);
    } else if (type == "content_block_delta") {
      const Json& delta = doc["delta"];
      e.text += str(delta, "text");
      e.thought += str(delta, "thinking");
      const auto call = calls.find(doc["index"].get<std::int64_t>());
      if (call != calls.end()) call->second.arguments += str(delta, "partial_json");
    }
  }
  for (const auto& [index, call] : calls)
    e.calls.push_back(call);
  e.cached = usage["cache_read_input_tokens"];
  e.input = usage["input_tokens"] + e.cached + usage["cache_creation_input_tokens"];
  e.output = usage["output_tokens"];
  return e;
}

Expected expect_gemini(const std::vector<Json>& docs) {
  Expected e;
  for (const Json& doc : docs) {
    if (const Json* usage = member_of(doc, "usageMetadata")) {
      e.input = num(usage, "promptTokenCount") + num(usage, "toolUsePromptTokenCount");
      e.output = num(usage, "candidatesTokenCount") + num(usage, "thoughtsTokenCount");
      e.cached = num(usage, "cachedContentTokenCount");
    }
    const Json* candidates = member_of(doc, "candidates");
    if (candidates == nullptr || candidates->empty()) continue;
    const Json& candidate = (*candidates)[0];
    if (!str(candidate, "finishReason").empty()) e.finish = str(candidate, "finishReason");
    const Json* content = member_of(candidate, "content");
    const Json* parts = member_of(content, "parts");
    if (parts == nullptr) continue;
    for (const Json& part : *parts) {
      if (const Json* call = member_of(part, "functionCall")) {
        e.calls.push_back(
            {str(*call, "name"), call->contains("args") ? (*call)["args"].dump() : ""});
      } else if (part.contains("text")) {
        (true_in(part, "thought") ? e.thought : e.text) += str(part, "text");
      }
    }
  }
  return e;
}

/// Arguments as JSON says them; text that is none as it is.
std::string canonical(const std::string& arguments) {
  const auto json = parse_json(arguments.empty() ? "{}" : arguments);
  return json.ok() ? json.value().dump() : arguments;
}

void check_answer(const ChatAnswer& answer, const Expected& e) {
  CHECK(answer_text(answer) == e.text);
  std::string thought;
  std::vector<Call> calls;
  for (const ChatPart& part : answer.parts) {
    if (part.kind == PartKind::reasoning) thought += part.text;
    if (part.kind == PartKind::tool_call) calls.push_back({part.name, canonical(part.arguments)});
  }
  CHECK(thought == e.thought);
  REQUIRE(calls.size() == e.calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CHECK(calls[i].name == e.calls[i].name);
    CHECK(calls[i].arguments == canonical(e.calls[i].arguments));
  }
  CHECK(answer.usage.input == e.input);
  CHECK(answer.usage.output == e.output);
  CHECK(answer.usage.cached_read == e.cached);
  CHECK(answer.reason_detail == e.finish);
}

// A copy of the decoder at every byte is fed to the end of the event that the byte is in; it must
// say what the decoder says that goes on byte by byte. Lines over 1 KiB are parsed whole once for
// each copy, so their middle is forked at every few bytes only (and still fed byte by byte).
void check_every_split(std::string_view dialect, const Exchange& exchange) {
  const std::string_view body = exchange.body;
  Decoder decoder(*find_dialect(dialect));
  decoder.head(exchange.status, exchange.headers, 0);
  std::size_t begin = 0;
  int differences = 0;
  while (begin < body.size()) {
    std::size_t end = body.find("\n", begin);  // one line, and the blank line with it
    while (end != std::string_view::npos && end + 1 < body.size() &&
           (body[end + 1] == '\n' || body[end + 1] == '\r'))
      ++end;
    end = end == std::string_view::npos ? body.size() : end + 1;
    ChatEvents at_once;
    Decoder whole = decoder;
    whole.feed(body.substr(begin, end - begin), at_once);
    ChatEvents so_far;
    for (std::size_t i = begin; i < end; ++i) {
      const bool edge = i - begin < 32 || end - i < 32;
      if (edge || (i - begin) % (1 + (end - begin) / 1024 * 4) == 0) {
        Decoder fork = decoder;
        ChatEvents forked = so_far;
        fork.feed(body.substr(i, end - i), forked);
        differences += lines_of(forked) != lines_of(at_once);
      }
      decoder.feed(body.substr(i, 1), so_far);
    }
    differences += lines_of(so_far) != lines_of(at_once);
    begin = end;
  }
  CHECK(differences == 0);
}

struct Provider {
  const char* file;
  const char* path;  // a part of the url
  const char* dialect;
  Expected (*expect)(const std::vector<Json>&);
};

constexpr Provider providers[] = {
    {"openai", "/v1/chat/completions", "openai", expect_chat},
    {"openai", "/v1/responses", "openai-responses", expect_responses},
    {"anthropic", "/v1/messages", "anthropic", expect_anthropic},
    {"google", "enerateContent", "gemini", expect_gemini},
    {"groq", "/chat/completions", "groq", expect_chat},
    {"mistral", "/chat/completions", "mistral", expect_chat},
    {"openrouter", "/chat/completions", "openrouter", expect_chat},
    {"openrouter", "/responses", "openai-responses", expect_responses},
    {"deepseek", "/chat/completions", "deepseek", expect_chat},
    {"deepseek", "/responses", "openai-responses", expect_responses},
    {"huggingface", "/chat/completions", "huggingface", expect_chat},
};

bool is_answer_url(const Exchange& exchange, const Provider& provider) {
  const std::size_t at = exchange.url.find(provider.path);
  if (at == std::string::npos) return false;
  const std::string rest = exchange.url.substr(at + std::string(provider.path).size());
  return rest.empty() || rest[0] == '?' || rest[0] == '#' || rest[0] == ':';
}

bool is_stream(const Exchange& exchange) {
  for (const Header& header : exchange.headers) {
    if (header.value.find("event-stream") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_SUITE("llm recordings") {
  TEST_CASE("every recorded answer says what its bytes say, in any pieces") {
    int answers = 0, failures = 0, streams = 0;
    for (const Provider& provider : providers) {
      for (const Exchange& exchange : recorded(provider.file)) {
        if (!is_answer_url(exchange, provider)) continue;
        CAPTURE(exchange.id);
        const auto events =
            decode(provider.dialect, exchange.body, 1 << 30, exchange.status, exchange.headers);
        const auto bytewise =
            decode(provider.dialect, exchange.body, 1, exchange.status, exchange.headers);
        CHECK(lines_of(bytewise) == lines_of(events));
        REQUIRE(!events.empty());
        const ChatAnswer answer = folded(provider.dialect, events);
        CHECK(answer.finished);
        const bool told_error = exchange.body.find("event: error") != std::string::npos;
        if (exchange.status >= 400 || told_error) {
          ++failures;
          REQUIRE(answer.failure);
          CHECK(!answer.failure->message.empty());
          continue;
        }
        if (answer.failure) MESSAGE(answer.failure->message);
        REQUIRE(!answer.failure);
        ++answers;
        check_answer(answer, provider.expect(documents(exchange.body)));
        if (is_stream(exchange)) {
          ++streams;
          check_every_split(provider.dialect, exchange);
        }
      }
    }
    if (answers == 0) {
      MESSAGE("skipped: no recordings (../shared/recordings, or REDOUBT_RECORDINGS)");
      return;
    }
    MESSAGE(answers, " answers, ", streams, " of them streams, and ", failures, " failures");
    CHECK(answers > 400);
    CHECK(streams > 60);
    CHECK(failures >= 10);
  }
}
