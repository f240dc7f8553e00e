// A stream as a client's SDK puts it together: the whole answer in the client's format. What an SDK
// would stumble over (a delta of a block that is not open, a call without a beginning, no end) is a
// failed check.
#pragma once

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/llm/chat.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/sse.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm::testing {

constexpr WireFormat client_formats[] = {WireFormat::openai_chat, WireFormat::openai_responses,
                                         WireFormat::anthropic, WireFormat::gemini};

/// The data of each event.
inline std::vector<std::string> sse_data(std::string_view bytes) {
  SseParser parser(sse_event_bytes_max);
  std::vector<std::string> all;
  while (!bytes.empty()) {
    const SseStep step = parser.next(bytes);
    if (step == SseStep::event) all.push_back(parser.data());
    if (step == SseStep::more) break;
  }
  return all;
}

/// Texts grow, lists grow by their elements' index (and type), what else there is replaces.
inline void join_delta(Json& whole, const Json& delta);

inline void join_list(Json& whole, const Json& delta) {
  for (const Json& item : delta) {
    Json* found = nullptr;
    for (Json& has : whole) {
      if (item.is_object() && item.contains("index") &&
          has.value("index", Json()) == item["index"] &&
          (!item.contains("type") || !has.contains("type") || has["type"] == item["type"]))
        found = &has;
    }
    if (found == nullptr) {
      whole.push_back(item);
    } else {
      join_delta(*found, item);
    }
  }
}

inline void join_delta(Json& whole, const Json& delta) {
  for (const auto& [key, value] : delta.items()) {
    const bool names = key == "type" || key == "role" || key == "format" || key == "id";
    if (!whole.contains(key) || whole[key].is_null()) {
      whole[key] = value;
    } else if (value.is_string() && whole[key].is_string() && !names) {
      whole[key] = whole[key].get<std::string>() + value.get<std::string>();
    } else if (value.is_array() && whole[key].is_array()) {
      join_list(whole[key], value);
    } else if (value.is_object() && whole[key].is_object()) {
      join_delta(whole[key], value);
    } else if (!value.is_null()) {
      whole[key] = value;
    }
  }
}

inline Json joined_chat(const std::vector<std::string>& events) {
  Json answer = {{"choices", Json::array()}};
  Json choice = {{"index", 0}, {"message", Json::object()}};
  bool done = false;
  for (const std::string& data : events) {
    CHECK(!done);
    done = data == "[DONE]";
    if (done) continue;
    Json chunk = Json::parse(data);
    CHECK(chunk["object"] == "chat.completion.chunk");
    if (!chunk["choices"].empty()) {
      Json part = chunk["choices"][0];
      if (const Json* calls = member_of(part["delta"], "tool_calls")) {
        for (const Json& call : *calls) {
          const std::size_t known =
              choice["message"].contains("tool_calls") ? choice["message"]["tool_calls"].size() : 0;
          const auto index = call["index"].get<std::size_t>();
          CHECK(index <= known);
          if (index == known) CHECK(!text_in(call, "id").empty());
        }
      }
      // Of what an SDK does not know, one keeps the last piece and another joins every text, names
      // and all: it comes in one piece.
      const bool again = part["delta"].contains("reasoning_details") &&
                         choice["message"].contains("reasoning_details");
      CHECK(!again);
      std::set<std::int64_t> places;  // a third SDK joins what has one place within the piece, too
      for (const Json& detail : part["delta"].value("reasoning_details", Json::array()))
        CHECK(places.insert(integer_in(detail, "index", 0)).second);
      join_delta(choice["message"], part["delta"]);
      part.erase("delta");
      join_delta(choice, part);
    }
    chunk.erase("choices");
    for (const auto& [key, value] : chunk.items())
      answer[key] = value;
  }
  CHECK(done);
  CHECK(choice["finish_reason"].is_string());
  answer["choices"].push_back(std::move(choice));
  return answer;
}

inline Json joined_anthropic(const std::vector<std::string>& events) {
  Json message;
  std::vector<std::string> inputs;
  std::size_t open = std::string::npos;
  bool done = false;
  for (const std::string& data : events) {
    const Json event = Json::parse(data);
    const std::string type = event["type"];
    CHECK(!done);
    if (type == "message_start") {
      message = event["message"];
    } else if (type == "content_block_start") {
      CHECK(event["index"] == message["content"].size());
      CHECK(open == std::string::npos);
      open = message["content"].size();
      message["content"].push_back(event["content_block"]);
      inputs.emplace_back();
    } else if (type == "content_block_delta") {
      CHECK(event["index"] == open);
      Json& block = message["content"][event["index"].get<std::size_t>()];
      Json delta = event["delta"];
      const std::string kind = delta["type"];
      delta.erase("type");
      if (kind == "input_json_delta") {
        CHECK(block.contains("input"));
        inputs[open] += delta["partial_json"].get<std::string>();
      } else if (kind == "citations_delta") {
        if (!block["citations"].is_array()) block["citations"] = Json::array();
        block["citations"].push_back(delta["citation"]);
      } else {
        join_delta(block, delta);
      }
    } else if (type == "content_block_stop") {
      CHECK(event["index"] == open);
      if (!inputs[open].empty()) {
        const auto input = parse_json(inputs[open]);
        CHECK(input.ok());
        if (input.ok()) message["content"][open]["input"] = *input;
      }
      open = std::string::npos;
    } else if (type == "message_delta") {
      for (const auto& [key, value] : event["delta"].items())
        message[key] = value;
      for (const auto& [key, value] : event["usage"].items())
        message["usage"][key] = value;
    } else if (type == "message_stop") {
      done = true;
    } else {
      CHECK(type == "ping");
    }
  }
  CHECK(open == std::string::npos);
  CHECK(done);
  return message;
}

/// A thought begins empty, and its summary has parts that are opened and closed.
inline void check_summary(const Json& event, const std::string& type, std::string& open_part) {
  const std::string prefix = "response.reasoning_summary_";
  if (type == "response.output_item.added" && event["item"]["type"] == "reasoning") {
    CHECK(event["item"]["summary"].empty());
    CHECK(!event["item"].contains("encrypted_content"));
  } else if (type == prefix + "part.added") {
    CHECK(open_part.empty());
    CHECK(event["part"] == Json{{"type", "summary_text"}, {"text", ""}});
    open_part = event["item_id"];
  } else if (type == prefix + "text.delta" || type == prefix + "text.done") {
    CHECK(open_part == event["item_id"]);
  } else if (type == prefix + "part.done") {
    CHECK(open_part == event["item_id"]);
    open_part.clear();
  } else if (type == "response.output_item.done") {
    CHECK(open_part.empty());
  }
}

inline Json joined_responses(const std::vector<std::string>& events) {
  Json response;
  std::vector<Json> items;
  std::string open_part;
  std::int64_t sequence = 0;
  for (const std::string& data : events) {
    const Json event = Json::parse(data);
    CHECK(event["sequence_number"] == sequence++);
    const std::string type = event["type"];
    const auto index = static_cast<std::size_t>(integer_in(event, "output_index", 0));
    check_summary(event, type, open_part);
    if (type == "response.output_item.added") {
      CHECK(index == items.size());
      items.emplace_back();
    } else if (type == "response.output_item.done") {
      CHECK(index < items.size());
      if (index >= items.size()) continue;
      CHECK(items[index].is_null());
      items[index] = event["item"];
    } else if (type.ends_with(".delta")) {
      CHECK((index < items.size() && items[index].is_null()));
    } else if (const Json* whole = member_of(event, "response")) {
      response = *whole;
    }
  }
  CHECK(response["status"] != "in_progress");
  CHECK(response["output"] == Json(items));
  return response;
}

/// As Google's SDKs keep a stream in a chat's history: the parts one after another. They drop an
/// answer that has a chunk without parts.
inline Json joined_gemini(const std::vector<std::string>& events) {
  Json answer;
  Json parts = Json::array();
  bool done = false;
  for (const std::string& data : events) {
    CHECK(!done);
    const Json chunk = Json::parse(data);
    const Json& candidate = chunk["candidates"][0];
    CHECK(!candidate["content"]["parts"].empty());
    done = candidate.contains("finishReason");
    for (const Json& part : candidate["content"]["parts"]) {
      CHECK(part.is_object());
      if (part != Json{{"text", ""}}) parts.push_back(part);
    }
    Json known = answer.contains("candidates") ? answer["candidates"][0] : Json::object();
    known.update(candidate);
    answer.update(chunk);
    answer["candidates"] = Json::array({known});
  }
  CHECK(done);
  answer["candidates"][0]["content"]["parts"] = std::move(parts);
  return answer;
}

inline Json joined_stream(WireFormat format, std::string_view bytes) {
  const std::vector<std::string> events = sse_data(bytes);
  if (format == WireFormat::gemini) return joined_gemini(events);
  if (format == WireFormat::anthropic) return joined_anthropic(events);
  if (format == WireFormat::openai_responses) return joined_responses(events);
  return joined_chat(events);
}

}  // namespace redoubt::llm::testing
