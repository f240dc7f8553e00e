// Watchers: who reads the events of one run as server-sent events.
//
// 1. A watcher that has seen everything stored is live: a new piece is formatted once and the same
//    text goes to all of them. What an event costs does not grow with those before it.
// 2. Any other catches up: it reads the history once, stretch by stretch from the store and in
//    slices of slice_events_max, each slice a turn of the host's. Both are shared: those who ask
//    for the same at about the same time find it in the caches (WatchCaches), which are bounded for
//    an owner and for all.
// 3. What waits for a reader is bounded: a watcher has at most waiting_bytes_max on the way, which
//    count as its connection's memory, or waiting_bytes_min where that has no room. With so much on
//    the way it waits for its reader: it keeps nothing, nothing is read or formatted for it, and it
//    goes on where it was. So a watcher always gets on, however many others read nothing, and loses
//    nothing. One that takes nothing for the connection's write deadline is cut by the connection
//    (net::StreamedBody).
// 4. A run's end ends a watcher once it has seen everything.
// 5. Live watchers see what models are saying as well (live_texts.hpp): those events have no id,
// and
//    nobody waits for them.
// 6. Nothing of this needs the run itself, only the names of its steps: whoever watches a run that
//    rests does not keep it in memory.
//
// Pure but for the streams. Not thread-safe.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/definition.hpp"
#include "engine/workflow/history.hpp"
#include "relay/http/message.hpp"
#include "relay/services/runs/live_texts.hpp"
#include "relay/services/runs/owned_cache.hpp"

namespace redoubt::runs {

constexpr std::size_t watchers_max = 16;
constexpr std::size_t slice_events_max = 256;
constexpr std::size_t slice_bytes_max = 64 << 10;
constexpr std::size_t waiting_bytes_max = 32 << 10;
constexpr std::size_t waiting_bytes_min = 4 << 10;
/// What a connection takes to hold waiting_bytes_max: its queue grows by an eighth.
constexpr std::size_t waiting_held_bytes = waiting_bytes_max / 8 * 9;

/// The names of a definition's steps.
class StepNames {
 public:
  explicit StepNames(const workflow::Definition& definition);
  std::string_view of(workflow::StepId step) const;
  std::size_t bytes() const { return text_.capacity() + ends_.capacity() * sizeof ends_[0]; }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

/// Where somebody reads a history.
struct HistoryPosition {
  std::int64_t piece = 0;    ///< of the store, with which a stretch begins
  std::size_t at = 0;        ///< bytes from there
  workflow::ChainHead head;  ///< before what was not read; unknown at the very beginning
};
/// Consecutive pieces of a history, as the store has them.
struct HistoryStretch {
  std::string frames;
  std::int64_t next_piece = 0;
};
/// Events as they are sent.
struct HistorySlice {
  std::string text;
  HistoryPosition next;
};
struct StretchKey {
  std::uint64_t run = 0;
  std::int64_t piece = 0;
  auto operator<=>(const StretchKey&) const = default;
};
struct SliceKey {
  StretchKey stretch;
  std::size_t at = 0;
  std::uint64_t from = 0;  ///< the first event in it, where those before it are left out
  auto operator<=>(const SliceKey&) const = default;
};

/// What was read last for the watchers of all runs: together 4 MiB of an owner and 8 MiB of all, or
/// a single event and piece that are longer.
constexpr std::size_t watch_cache_owner_bytes_max = 2u << 20;
constexpr std::size_t watch_cache_bytes_max = 4u << 20;
struct WatchCaches {
  OwnedCache<StretchKey, HistoryStretch> stretches{
      {watch_cache_owner_bytes_max, watch_cache_bytes_max}};
  OwnedCache<SliceKey, HistorySlice> slices{{watch_cache_owner_bytes_max, watch_cache_bytes_max}};
};

class Watchers {
 public:
  /// Of a run of which so many pieces are stored. `caches` outlive this, and know the run by the
  /// number `run`. `wake` is called, on any thread, when step() has something to do again.
  Watchers(WatchCaches& caches, auth::Identity owner, std::uint64_t run, StepNames names,
           std::int64_t pieces, std::function<void()> wake)
      : caches_(caches),
        owner_(std::move(owner)),
        run_(run),
        names_(std::move(names)),
        wake_(std::move(wake)),
        pieces_(pieces) {}
  const auth::Identity& owner() const { return owner_; }
  std::uint64_t run() const { return run_; }
  /// What it takes in memory but for the caches.
  std::size_t bytes() const { return sizeof *this + names_.bytes(); }

  /// From the event with this number on. False where there are too many.
  bool add(http::BodyStreamPtr out, std::uint64_t from);
  bool empty() const { return watchers_.empty(); }
  bool has_room() {
    forget_gone();
    return watchers_.size() < watchers_max;
  }

  /// Piece `number` was stored, which is the last one.
  void stored(std::string_view frames, std::int64_t number);

  /// Sends a part of a slice to the next who is behind and has room for it. False where nobody can
  /// be sent something: they have seen it all, wait for their readers, or for what want() names.
  /// Then what the models are saying now goes to those who have seen it all: `texts`, or null.
  bool step(const LiveTexts* texts);
  /// The piece with which the stretch begins that the store is to be asked for. Nothing while one
  /// was asked for.
  std::optional<std::int64_t> want() const { return asked_ ? std::nullopt : wanted_; }
  /// The store is asked for it. REQUIRES: want() names one.
  std::int64_t ask();
  /// What the store has from that piece on; nothing: the run is gone, and who needs it ends. To be
  /// followed by step(), because what was given may not be kept for long.
  void give(std::int64_t piece, std::vector<std::string> pieces);

  void heartbeat();
  /// The run is over and all of it is stored: whoever has seen it all ends.
  void finish();
  void end_all();

 private:
  struct Watcher {
    http::BodyStreamPtr out;
    std::uint64_t from = 0;  ///< the first event that it wants
    HistoryPosition position;
    std::size_t sent = 0;              ///< bytes of the slice there
    std::shared_ptr<const void> held;  ///< memory of its connection for waiting_bytes_max
    bool wakes = false;                ///< the stream tells when all that was written to it is sent
    LiveTexts::Seen texts;             ///< of what the models are saying
  };
  static std::size_t room(Watcher& watcher, std::size_t wanted);
  static void write(Watcher& watcher, std::string text);
  void wait(Watcher& watcher);
  bool live(const Watcher& watcher) const { return watcher.position.piece >= pieces_; }
  void rest(Watcher& watcher);
  /// False where there is nothing to show, or no room for it now.
  bool show(Watcher& watcher, const LiveTexts& texts);
  std::shared_ptr<const HistorySlice> slice_for(Watcher& watcher);
  static void send(Watcher& watcher, const HistorySlice& slice);
  void forget_gone();

  WatchCaches& caches_;
  const auth::Identity owner_;
  const std::uint64_t run_;
  const StepNames names_;
  const std::function<void()> wake_;
  std::int64_t pieces_;
  bool over_ = false;
  std::vector<Watcher> watchers_;
  std::optional<std::int64_t> wanted_;
  bool asked_ = false;
};

}  // namespace redoubt::runs
