#include "relay/upstream/answer_redaction.hpp"

#include <algorithm>
#include <utility>

#include "relay/upstream/redaction.hpp"

namespace redoubt::upstream {
namespace {

using llm::ChatEvent;
using llm::EventKind;

bool is_text(EventKind kind) {
  return kind == EventKind::text || kind == EventKind::refusal || kind == EventKind::reasoning ||
         kind == EventKind::tool_arguments;
}

/// They stand between the events of a text without ending it.
bool is_aside(EventKind kind) {
  return kind == EventKind::heartbeat || kind == EventKind::usage || kind == EventKind::started;
}

bool goes_on(const ChatEvent& open, const ChatEvent& next) {
  return open.kind == next.kind && open.index == next.index && open.id == next.id &&
         open.redacted == next.redacted;
}

}  // namespace

AnswerRedaction::AnswerRedaction(auth::KeyRingPtr ring, std::string_view key) {
  if (key.size() < answer_key_bytes_min) return;
  ring_ = std::move(ring);
  key_ = key;
}

void AnswerRedaction::pass(ChatEvent event, std::vector<ChatEvent>& out) {
  if (!active()) {
    out.push_back(std::move(event));
    return;
  }
  for (std::string* text : {&event.id, &event.name, &event.model, &event.signature, &event.detail})
    clean(*text);
  if (is_text(event.kind)) return pass_text(std::move(event), out);
  if (!is_aside(event.kind)) flush(out);
  clean(event.text);
  out.push_back(std::move(event));
}

void AnswerRedaction::pass_text(ChatEvent event, std::vector<ChatEvent>& out) {
  if (open_ && !goes_on(*open_, event)) flush(out);
  // What went on before is looked at again, as it may be where a key begins.
  std::string text = std::string(key_.substr(0, gone_)) + waiting_ + event.text;
  std::string cleaned;
  std::size_t at = gone_;
  std::size_t from = 0;
  for (std::size_t found = text.find(key_); found != text.npos; found = text.find(key_, from)) {
    cleaned.append(text, at, std::max(found, at) - at).append(redacted_mark);
    from = at = found + key_.size();
  }
  const std::size_t beginning = beginning_at_end(std::string_view(text).substr(from));
  // A signature closes the text: nothing more can come.
  const bool waits = beginning >= held_bytes_min && event.signature.empty();
  const std::size_t end = waits ? std::max(text.size() - beginning, at) : text.size();
  cleaned.append(text, at, end - at);
  waiting_ = text.substr(end);
  gone_ = beginning - waiting_.size();

  const bool empty = event.text.empty();
  event.text.clear();
  open_ = event;
  if (!event.signature.empty()) {
    open_.reset();
    gone_ = 0;
  }
  event.text = std::move(cleaned);
  if (!event.text.empty() || empty || !event.signature.empty()) out.push_back(std::move(event));
}

void AnswerRedaction::flush(std::vector<ChatEvent>& out) {
  if (open_ && !waiting_.empty()) {
    open_->text = std::move(waiting_);
    out.push_back(std::move(*open_));
  }
  open_.reset();
  waiting_.clear();
  gone_ = 0;
}

void AnswerRedaction::clean(std::string& text) const {
  for (std::size_t at = text.find(key_); at != text.npos; at = text.find(key_, at))
    text.replace(at, key_.size(), redacted_mark);
}

/// How many of the last bytes are the first of the key; less than all of it.
std::size_t AnswerRedaction::beginning_at_end(std::string_view text) const {
  std::size_t at = text.size() - std::min(text.size(), key_.size() - 1);
  for (at = text.find(key_.front(), at); at != text.npos; at = text.find(key_.front(), at + 1)) {
    if (key_.starts_with(text.substr(at))) return text.size() - at;
  }
  return 0;
}

}  // namespace redoubt::upstream
