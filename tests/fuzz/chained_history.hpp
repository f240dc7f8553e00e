// A fuzzer cannot find SHA-256 preimages: its bytes are taken as events, and chained here into a
// history of one small workflow that has a bit of everything.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/bytes.hpp"
#include "engine/base/json.hpp"
#include "engine/workflow/history.hpp"
#include "engine/workflow/loader.hpp"

namespace redoubt::fuzz {

inline const workflow::DefinitionPtr& definition() {
  static const workflow::DefinitionPtr loaded = [] {
    const auto file = parse_json(R"({"name": "fuzz", "tools": {"t": {"class": "once"}},
      "llms": {"m": {}}, "agents": {
        "g": {"tools": ["t"], "handoffs": [{"agent": "h", "filter": {"last": 1}}], "max_turns": 5,
              "input_guardrails": [{"name": "j", "model": "m", "prompt": "?", "blocking": false}]},
        "h": {"output": {"type": "object"}, "output_guardrails": [{"name": "k", "holds": "output.json"}]}},
      "state": {"log": {"reducer": "append"}}, "workflow": [
      {"id": "both", "join": "any", "parallel": [[{"id": "a", "tool": "t", "compensate": {"id": "u", "tool": "t"}},
        {"set": {"log": "{{ steps.a }}"}}, {"wait": {"signal": "go"}, "timeout": "1s"}],
        {"id": "b", "tool": "t", "retry": {"attempts": 3}}]},
      {"loop": {"max": 3, "until": "steps.c.ok"}, "do": {"id": "c", "tool": "t"}},
      {"id": "d", "agent": "g", "prompt": "x", "fallback": {"set": {"log": "d"}}},
      {"id": "ok", "ask": "fine?", "fallback": {"set": {"log": "no"}}}]})");
    return workflow::load(Document(*file), {}).definition;
  }();
  return loaded;
}

inline std::string chained(std::string_view bytes) {
  using namespace workflow;
  std::string history = history_header(definition()->hash);
  ChainHead head = chain_start(history);
  ByteReader reader(bytes);
  while (reader.remaining() > 0) {
    Event event;
    event.kind = static_cast<EventKind>(reader.u8());
    event.stamp_ms = reader.u16();
    event.step = reader.u8();
    event.instance = reader.u8();
    if (event.step == 255) event.step = kNoStep;
    if (event.instance == 255) event.instance = kNoStep;
    event.payload = reader.text(4096);
    if (reader.failed() || !name_of(event.kind)) break;
    append_event(event, head, history);
  }
  return history;
}

}  // namespace redoubt::fuzz
