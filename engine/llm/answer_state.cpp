#include "engine/llm/answer_state.hpp"

#include "engine/base/message.hpp"
#include "engine/llm/failure.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {

ChatEvent& AnswerState::tell(ChatEvents& out, EventKind kind) {
  if (!started && kind != EventKind::failed && kind != EventKind::started) start(out, {}, {});
  ChatEvent& event = out.emplace_back();
  event.kind = kind;
  return event;
}

void AnswerState::start(ChatEvents& out, std::string_view answer_id, std::string_view model) {
  if (started) return;
  started = true;
  id = answer_id;
  ChatEvent& event = tell(out, EventKind::started);
  event.id = answer_id;
  event.model = model;
}

void AnswerState::say(ChatEvents& out, EventKind kind, std::string_view text,
                      std::string_view signature) {
  if (over || (text.empty() && signature.empty())) return;
  shown = true;
  ChatEvent& event = tell(out, kind);
  event.text = text;
  event.signature = signature;
}

void AnswerState::think(ChatEvents& out, std::string_view text, std::string_view item_id,
                        std::string_view signature, std::string_view name, bool redacted) {
  if (over || (text.empty() && signature.empty() && item_id.empty())) return;
  shown = true;
  ChatEvent& event = tell(out, EventKind::reasoning);
  event.text = text;
  event.id = item_id;
  event.signature = signature;
  event.name = name;
  event.redacted = redacted;
}

std::int32_t AnswerState::begin_call(ChatEvents& out, std::string_view call_id,
                                     std::string_view name, std::string_view signature) {
  if (over) return -1;
  if (calls >= static_cast<std::int32_t>(calls_max)) {
    fail(out, local_failure(FailureClass::malformed,
                            joined({"the answer has more than ", calls_max, " tool calls"})));
    return -1;
  }
  shown = true;
  ChatEvent& event = tell(out, EventKind::tool_begun);
  event.index = calls;
  // Some servers give calls no id; results must name one all the same.
  event.id =
      call_id.empty() ? joined({"call_", id, id.empty() ? "" : "_", calls}) : std::string(call_id);
  event.name = name;
  event.signature = signature;
  return calls++;
}

void AnswerState::arguments(ChatEvents& out, std::int32_t call, std::string_view fragment) {
  if (over || call < 0 || fragment.empty()) return;
  ChatEvent& event = tell(out, EventKind::tool_arguments);
  event.index = call;
  event.text = fragment;
}

void AnswerState::opaque(ChatEvents& out, std::string json) {
  if (over) return;
  shown = true;
  tell(out, EventKind::opaque).text = std::move(json);
}

void AnswerState::tell_usage(ChatEvents& out) {
  if (over) return;
  tell(out, EventKind::usage).usage = usage;
}

void AnswerState::finish(ChatEvents& out) {
  if (over) return;
  if (calls > 0 && reason == FinishReason::stop) reason = FinishReason::tool_calls;
  ChatEvent& event = tell(out, EventKind::finished);
  event.reason = reason;
  event.detail = detail;
  over = true;
}

void AnswerState::fail(ChatEvents& out, ChatFailure failure) {
  if (over) return;
  tell(out, EventKind::failed).failure = std::move(failure);
  over = true;
}

Slot* AnswerState::slot(std::int64_t key) {
  for (std::size_t i = slots.size(); i-- > 0;) {
    if (slots[i].key == key) return &slots[i];
  }
  return nullptr;
}

Slot* AnswerState::add_slot(ChatEvents& out, std::int64_t key, PartKind kind) {
  if (slots.size() >= blocks_max) {
    fail(out, local_failure(FailureClass::malformed,
                            joined({"the answer has more than ", blocks_max, " blocks"})));
    return nullptr;
  }
  Slot& slot = slots.emplace_back();
  slot.key = key;
  slot.kind = kind;
  return &slot;
}

}  // namespace redoubt::llm
