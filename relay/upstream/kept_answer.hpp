// A model's answer as bytes: what the exact cache keeps, and what a follower of a stream is given
// of its beginning.
//
// 1. A kept answer is the events that it is told in (events_of): a stream's follower gets these,
// and
//    folding them gives the answer again, so one entry serves both ways to ask.
// 2. Only what is good and complete is kept: worth_keeping.
// 3. Reading checks everything: bytes that were not written here are nothing, never half an answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llm/chat.hpp"

namespace redoubt::upstream {

struct KeptAnswer {
  std::string target;  ///< "openai/gpt-5.4-mini"
  llm::WireFormat origin = llm::WireFormat::none;
  std::vector<llm::ChatEvent> events;
};

/// The events that fold into `answer`: it was folded itself.
std::vector<llm::ChatEvent> events_of(const llm::ChatAnswer& answer);
llm::ChatAnswer folded(const KeptAnswer& kept);

/// It ended by itself, or with tools to call: cut at its length it may only be an accident.
bool worth_keeping(const llm::ChatAnswer& answer);

std::string kept_bytes(const llm::ChatAnswer& answer, llm::WireFormat origin,
                       std::string_view target);
std::optional<KeptAnswer> read_kept(std::string_view bytes);

/// One event of a stream.
struct StreamEvent {
  llm::WireFormat origin = llm::WireFormat::none;
  llm::ChatEvent event;
};
std::string event_bytes(const llm::ChatEvent& event, llm::WireFormat origin);
std::optional<StreamEvent> read_event(std::string_view bytes);

}  // namespace redoubt::upstream
