#include "relay/services/runs/watchers.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::runs {
namespace {

/// Of a text of a model that is shown at once.
constexpr std::size_t text_event_bytes_max = 8 << 10;

using workflow::ChainHead;
using workflow::Event;
using workflow::HistoryReader;

void add_event(const StepNames& names, const Event& event, std::string& text) {
  Json json = {{"seq", event.seq},
               {"at", event.stamp_ms},
               {"kind", workflow::name_of(event.kind)},
               {"payload", workflow::payload_json(event.payload)}};
  if (event.step != workflow::kNoStep) json["step"] = std::string(names.of(event.step));
  if (event.instance != workflow::kNoStep) json["instance"] = event.instance;
  // A payload may be megabytes, which a text that grows by itself takes twice.
  if (event.payload.size() > slice_bytes_max)
    text.reserve(text.size() + event.payload.size() + slice_bytes_max);
  text += joined({"id: ", event.seq, "\nevent: ", workflow::name_of(event.kind), "\ndata: "});
  write_canonical(json, text);
  text += "\n\n";
}

struct Formatted {
  std::string text;
  ChainHead head;  ///< after it
  bool ok = true;
};

/// A whole piece of frames.
Formatted format_all(const StepNames& names, std::string_view frames, const ChainHead& head) {
  Formatted made;
  HistoryReader reader(frames, head);
  Event event;
  auto more = reader.next(event);
  for (; more && *more; more = reader.next(event))
    add_event(names, event, made.text);
  made.head = reader.head();
  made.ok = more.ok();
  return made;
}

/// The events from `position` on, as many as a turn may read, without those before `from`.
std::optional<HistorySlice> slice_of(const StepNames& names, const HistoryStretch& stretch,
                                     HistoryPosition position, std::uint64_t from) {
  if (position.piece == 0 && position.at == 0) {
    const auto header = HistoryReader::open(stretch.frames);
    if (!header) return std::nullopt;
    position.at = header->position();
    position.head = header->head();
  }
  HistorySlice slice;
  HistoryReader reader(std::string_view(stretch.frames).substr(position.at), position.head);
  Event event;
  for (std::size_t events = 0; events < slice_events_max && reader.position() < slice_bytes_max;
       ++events) {
    const auto next = reader.next(event);
    if (!next) return std::nullopt;
    if (!*next) break;
    if (event.seq >= from) add_event(names, event, slice.text);
  }
  position.at += reader.position();
  position.head = reader.head();
  if (position.at == stretch.frames.size()) {
    position.piece = stretch.next_piece;
    position.at = 0;
  }
  slice.text.shrink_to_fit();
  slice.next = position;
  return slice;
}

}  // namespace

StepNames::StepNames(const workflow::Definition& definition) {
  ends_.reserve(definition.steps.size());
  for (std::size_t step = 0; step < definition.steps.size(); ++step) {
    text_ += definition.step_name(static_cast<workflow::StepId>(step));
    ends_.push_back(text_.size());
  }
  text_.shrink_to_fit();
}

std::string_view StepNames::of(workflow::StepId step) const {
  if (step >= ends_.size()) return {};
  const std::size_t from = step == 0 ? 0 : ends_[step - 1];
  return std::string_view(text_).substr(from, ends_[step] - from);
}

bool Watchers::add(http::BodyStreamPtr out, std::uint64_t from) {
  forget_gone();
  if (watchers_.size() >= watchers_max) return false;
  Watcher watcher;
  watcher.out = std::move(out);
  watcher.from = from;
  watchers_.push_back(std::move(watcher));
  return true;
}

void Watchers::forget_gone() {
  std::erase_if(watchers_, [](const Watcher& watcher) { return !watcher.out->open(); });
}

/// How many bytes of those that are wanted may be written now. What its connection is to hold is
/// counted there before it is written.
std::size_t Watchers::room(Watcher& watcher, std::size_t wanted) {
  const std::size_t waiting = watcher.out->waiting_bytes();
  if (!watcher.held && waiting + wanted > waiting_bytes_min)
    watcher.held = watcher.out->hold(waiting_held_bytes);
  const std::size_t most = watcher.held ? waiting_bytes_max : waiting_bytes_min;
  return waiting < most ? std::min(wanted, most - waiting) : 0;
}

void Watchers::write(Watcher& watcher, std::string text) {
  watcher.out->write(std::move(text));
  watcher.wakes = false;
}

void Watchers::wait(Watcher& watcher) {
  if (!std::exchange(watcher.wakes, true)) watcher.out->on_sent(wake_);
}

void Watchers::stored(std::string_view frames, std::int64_t number) {
  pieces_ = number + 1;
  // Of all that are live, head and piece are the same.
  std::optional<Formatted> made;
  for (Watcher& watcher : watchers_) {
    if (number == 0 || watcher.position.piece != number || watcher.position.at > 0 ||
        watcher.sent > 0 || watcher.from > watcher.position.head.seq)
      continue;
    if (!made) made = format_all(names_, frames, watcher.position.head);
    if (!made->ok) return watcher.out->abort();
    if (made->text.size() > waiting_bytes_max) return;
    if (room(watcher, made->text.size()) < made->text.size()) continue;
    write(watcher, made->text);
    watcher.position = {.piece = number + 1, .at = 0, .head = made->head};
  }
}

/// Null where a stretch is wanted first, or the history is broken.
std::shared_ptr<const HistorySlice> Watchers::slice_for(Watcher& watcher) {
  const HistoryPosition& position = watcher.position;
  const StretchKey stretch_key{run_, position.piece};
  const SliceKey key{stretch_key, position.at, watcher.from > position.head.seq ? watcher.from : 0};
  if (auto kept = caches_.slices.find(key)) return kept;
  const auto stretch = caches_.stretches.find(stretch_key);
  if (!stretch) {
    if (!wanted_) wanted_ = position.piece;
    return nullptr;
  }
  auto made = slice_of(names_, *stretch, position, watcher.from);
  if (!made) {
    watcher.out->abort();
    return nullptr;
  }
  auto slice = std::make_shared<const HistorySlice>(std::move(*made));
  if (!slice->text.empty()) caches_.slices.put(key, owner_, slice, slice->text.capacity());
  // Whoever comes here later finds the slice.
  if (key.at == 0 && slice->next.at == 0) caches_.stretches.drop(stretch_key);
  return slice;
}

void Watchers::send(Watcher& watcher, const HistorySlice& slice) {
  const std::size_t bytes = room(watcher, slice.text.size() - watcher.sent);
  if (bytes > 0) write(watcher, slice.text.substr(watcher.sent, bytes));
  watcher.sent += bytes;
  if (watcher.sent < slice.text.size()) return;
  watcher.sent = 0;
  watcher.position = slice.next;
}

/// It has seen everything; what was held for it counts until it is sent.
void Watchers::rest(Watcher& watcher) {
  if (watcher.held && watcher.out->waiting_bytes() == 0) watcher.held.reset();
  if (watcher.held) return wait(watcher);
  if (over_) watcher.out->end();
}

bool Watchers::show(Watcher& watcher, const LiveTexts& texts) {
  if (!texts.has_news(watcher.texts)) return false;
  auto event = texts.next(watcher.texts, room(watcher, text_event_bytes_max));
  if (!event) {
    wait(watcher);
    return false;
  }
  write(watcher, std::move(*event));
  return true;
}

bool Watchers::step(const LiveTexts* texts) {
  forget_gone();
  wanted_.reset();
  for (auto at = watchers_.begin(); at != watchers_.end(); ++at) {
    if (live(*at)) {
      if (texts && show(*at, *texts)) {
        std::rotate(at, at + 1, watchers_.end());
        return true;
      }
      rest(*at);
      continue;
    }
    if (room(*at, 1) == 0) {
      wait(*at);
      continue;
    }
    const auto slice = slice_for(*at);
    if (!slice) continue;
    send(*at, *slice);
    // The next part is another's.
    std::rotate(at, at + 1, watchers_.end());
    return true;
  }
  return false;
}

std::int64_t Watchers::ask() {
  asked_ = true;
  return *wanted_;
}

void Watchers::give(std::int64_t piece, std::vector<std::string> pieces) {
  asked_ = false;
  wanted_.reset();
  if (pieces.empty()) {
    for (const Watcher& watcher : watchers_)
      if (watcher.position.piece == piece) watcher.out->end();
    return forget_gone();
  }
  HistoryStretch stretch;
  stretch.next_piece = piece + static_cast<std::int64_t>(pieces.size());
  stretch.frames = std::move(pieces.front());
  for (std::size_t i = 1; i < pieces.size(); ++i)
    stretch.frames += pieces[i];
  const std::size_t bytes = stretch.frames.capacity();
  caches_.stretches.put({run_, piece}, owner_,
                        std::make_shared<const HistoryStretch>(std::move(stretch)), bytes);
}

void Watchers::heartbeat() {
  forget_gone();
  for (Watcher& watcher : watchers_)
    if (watcher.out->waiting_bytes() == 0) write(watcher, ": \n\n");
}

void Watchers::finish() {
  over_ = true;
  for (Watcher& watcher : watchers_)
    if (live(watcher)) rest(watcher);
  forget_gone();
}

void Watchers::end_all() {
  for (const Watcher& watcher : std::exchange(watchers_, {}))
    watcher.out->end();
}

}  // namespace redoubt::runs
