// Recorded exchanges with providers, read where they exist: the folder that REDOUBT_RECORDINGS
// names, else ../shared/recordings seen from the working directory. Never part of the project.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/llm/chat.hpp"
#include "engine/llm/decoder.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm::testing {

struct Exchange {
  std::string id;
  std::string url;
  Json request;
  std::string request_text;
  int status = 0;
  std::vector<Header> headers;
  std::string body;
};

/// The exchanges of one provider; none where the folder is not there.
inline std::vector<Exchange> recorded(const std::string& provider) {
  const char* folder = std::getenv("REDOUBT_RECORDINGS");
  std::ifstream file(std::string(folder != nullptr ? folder : "../shared/recordings") + "/" +
                     provider + ".jsonl");
  std::vector<Exchange> exchanges;
  std::string line;
  while (std::getline(file, line)) {
    auto json = parse_json(line, {64u << 20, 100});
    if (!json.ok()) continue;
    Exchange& exchange = exchanges.emplace_back();
    exchange.id = text_in(*json, "id");
    exchange.url = text_in(*json, "url");
    exchange.request = (*json)["request"];
    exchange.request_text = std::string(member_text(line, "request"));
    exchange.status = static_cast<int>(integer_in(*json, "status", 0));
    exchange.body = text_in(*json, "body");
    for (const auto& [name, value] : (*json)["headers"].items())
      exchange.headers.push_back({name, std::string(text_of(&value))});
  }
  return exchanges;
}

/// All that an event says, as one line.
inline std::string line_of(const ChatEvent& event) {
  std::string line = std::to_string(static_cast<int>(event.kind)) + "|" +
                     std::to_string(event.index) + "|" + event.text + "|" + event.id + "|" +
                     event.name + "|" + event.model + "|" + event.signature + "|" + event.detail +
                     "|" + std::string(finish_name(event.reason)) + "|" +
                     std::to_string(event.usage.input) + "/" + std::to_string(event.usage.output);
  if (event.failure) {
    line += "|" + std::string(failure_name(event.failure->failure_class)) + "|" +
            event.failure->message;
  }
  return line;
}

inline std::vector<std::string> lines_of(const ChatEvents& events) {
  std::vector<std::string> lines;
  for (const ChatEvent& event : events)
    lines.push_back(line_of(event));
  return lines;
}

/// The events of a body that is fed in pieces of `piece` bytes.
inline ChatEvents decode(std::string_view dialect, std::string_view body,
                         std::size_t piece = 1 << 30, int status = 200,
                         std::vector<Header> headers = {}) {
  Decoder decoder(*find_dialect(dialect));
  decoder.head(status, std::move(headers), 0);
  ChatEvents events;
  for (std::size_t at = 0; at < body.size(); at += piece)
    decoder.feed(body.substr(at, piece), events);
  decoder.end(events);
  return events;
}

inline ChatAnswer folded(std::string_view dialect, const ChatEvents& events) {
  ChatAnswer answer;
  for (const ChatEvent& event : events)
    fold(answer, event, find_dialect(dialect)->format);
  return answer;
}

}  // namespace redoubt::llm::testing
