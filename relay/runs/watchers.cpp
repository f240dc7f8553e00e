#include "relay/runs/watchers.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::runs {
namespace {

using workflow::ChainHead;
using workflow::Event;
using workflow::HistoryReader;

void add_event(const workflow::Definition& definition, const Event& event, std::string& text) {
  Json json = {{"seq", event.seq},
               {"at", event.stamp_ms},
               {"kind", workflow::name_of(event.kind)},
               {"payload", workflow::payload_json(event.payload)}};
  if (event.step != workflow::kNoStep) json["step"] = std::string(definition.step_name(event.step));
  if (event.instance != workflow::kNoStep) json["instance"] = event.instance;
  text += joined({"id: ", event.seq, "\nevent: ", workflow::name_of(event.kind),
                  "\ndata: ", canonical(json), "\n\n"});
}

struct Formatted {
  std::string text;
  ChainHead head;  ///< after it
  bool ok = true;
};

/// A whole piece of frames.
Formatted format_all(const workflow::Definition& definition, std::string_view frames,
                     const ChainHead& head) {
  Formatted made;
  HistoryReader reader(frames, head);
  Event event;
  auto more = reader.next(event);
  for (; more && *more; more = reader.next(event))
    add_event(definition, event, made.text);
  made.head = reader.head();
  made.ok = more.ok();
  return made;
}

}  // namespace

bool Watchers::add(http::BodyStreamPtr out, std::uint64_t from) {
  forget_gone();
  if (watchers_.size() >= watchers_max) return false;
  Watcher watcher;
  watcher.id = next_id_++;
  watcher.out = std::move(out);
  watcher.from = from;
  watchers_.push_back(std::move(watcher));
  return true;
}

void Watchers::forget_gone() {
  std::erase_if(watchers_, [](const Watcher& watcher) { return !watcher.out->open(); });
}

void Watchers::stored(const workflow::Definition& definition, std::string_view frames,
                      std::int64_t number) {
  // Of all that are live, head and piece are the same.
  std::optional<Formatted> made;
  for (Watcher& watcher : watchers_) {
    if (number == 0 || watcher.piece != number || watcher.behind() || !watcher.has_room()) continue;
    if (watcher.from > watcher.head.seq) continue;
    if (!made) made = format_all(definition, frames, watcher.head);
    if (!made->ok) return watcher.out->abort();
    if (made->text.size() > waiting_bytes_max) return;
    watcher.out->write(made->text);
    watcher.head = made->head;
    ++watcher.piece;
  }
}

std::vector<Watchers::Want> Watchers::wants(std::int64_t pieces) {
  forget_gone();
  std::vector<Want> wanted;
  for (Watcher& watcher : watchers_) {
    if (watcher.behind() || watcher.piece >= pieces || !watcher.has_room()) continue;
    watcher.asked = true;
    wanted.push_back({watcher.id, watcher.piece});
  }
  return wanted;
}

void Watchers::give(std::uint64_t id, std::vector<std::string> pieces) {
  const auto found = std::find_if(watchers_.begin(), watchers_.end(),
                                  [id](const Watcher& watcher) { return watcher.id == id; });
  if (found == watchers_.end()) return;
  found->asked = false;
  if (pieces.empty()) {
    found->out->end();
    return forget_gone();
  }
  found->read = std::move(pieces);
  found->at = 0;
}

void Watchers::format_slice(const workflow::Definition& definition, Watcher& watcher) {
  const std::string& piece = watcher.read.front();
  if (watcher.piece == 0 && watcher.at == 0) {
    auto header = HistoryReader::open(piece);
    if (!header) return watcher.out->abort();
    watcher.at = header->position();
    watcher.head = header->head();
  }
  HistoryReader reader(std::string_view(piece).substr(watcher.at), watcher.head);
  std::string text;
  Event event;
  bool more = true;
  for (std::size_t events = 0; events < slice_events_max && reader.position() < slice_bytes_max;
       ++events) {
    const auto next = reader.next(event);
    if (!next) return watcher.out->abort();
    if (!*next) {
      more = false;
      break;
    }
    if (event.seq >= watcher.from) add_event(definition, event, text);
  }
  watcher.at += reader.position();
  watcher.head = reader.head();
  watcher.unsent = std::move(text);
  send(watcher);
  if (more && watcher.at < piece.size()) return;
  watcher.read.erase(watcher.read.begin());
  watcher.at = 0;
  ++watcher.piece;
}

void Watchers::send(Watcher& watcher) {
  watcher.out->write(watcher.unsent.substr(0, waiting_bytes_max));
  watcher.unsent.erase(0, waiting_bytes_max);
}

bool Watchers::step(const workflow::Definition& definition) {
  for (auto at = watchers_.begin(); at != watchers_.end(); ++at) {
    if (at->read.empty() && at->unsent.empty()) continue;
    if (!at->has_room() || !at->out->open()) continue;
    if (at->unsent.empty()) {
      format_slice(definition, *at);
    } else {
      send(*at);
    }
    // The next slice is another's.
    std::rotate(at, at + 1, watchers_.end());
    return true;
  }
  return false;
}

bool Watchers::stalled() const {
  return std::any_of(watchers_.begin(), watchers_.end(), [](const Watcher& watcher) {
    return watcher.out->open() && !watcher.asked && !watcher.has_room();
  });
}

void Watchers::heartbeat() {
  forget_gone();
  for (const Watcher& watcher : watchers_)
    if (watcher.has_room()) watcher.out->write(": \n\n");
}

void Watchers::end_finished(std::int64_t pieces) {
  for (const Watcher& watcher : watchers_)
    if (!watcher.behind() && watcher.piece >= pieces) watcher.out->end();
  forget_gone();
}

void Watchers::end_all() {
  for (const Watcher& watcher : std::exchange(watchers_, {}))
    watcher.out->end();
}

}  // namespace redoubt::runs
