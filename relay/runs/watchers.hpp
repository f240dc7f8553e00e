// Watchers: who reads the events of one run as server-sent events.
//
// 1. A watcher that has seen everything stored is live: a new piece is formatted once and the same
//    text goes to all of them. What an event costs does not grow with those before it.
// 2. Any other catches up: it reads the history once, piece by piece from the store and in slices
// of
//    slice_events_max, each slice a turn of the host's.
// 3. What waits for a reader is bounded: with more than waiting_bytes_max on the way a watcher gets
//    nothing more until its reader has taken them, and catches up then. One that takes nothing for
//    the connection's write deadline is cut by the connection (net::StreamedBody).
// 4. A run's end ends a watcher once it has seen everything.
//
// Pure but for the streams. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/definition.hpp"
#include "engine/workflow/history.hpp"
#include "relay/http/message.hpp"

namespace redoubt::runs {

constexpr std::size_t watchers_max = 16;
constexpr std::size_t slice_events_max = 256;
constexpr std::size_t slice_bytes_max = 64 << 10;
constexpr std::size_t waiting_bytes_max = 256 << 10;

class Watchers {
 public:
  /// From the event with this number on. False where there are too many.
  bool add(http::BodyStreamPtr out, std::uint64_t from);
  bool empty() const { return watchers_.empty(); }
  bool has_room() {
    forget_gone();
    return watchers_.size() < watchers_max;
  }

  /// Piece `number` was stored, which is the last one.
  void stored(const workflow::Definition& definition, std::string_view frames, std::int64_t number);

  /// A piece that the store is to be asked for.
  struct Want {
    std::uint64_t watcher = 0;
    std::int64_t piece = 0;
  };
  /// Those who have room and are behind `pieces`; each is named once until it is given something.
  std::vector<Want> wants(std::int64_t pieces);
  /// What the store has from that piece on; nothing: the run is gone, and the watcher ends.
  void give(std::uint64_t watcher, std::vector<std::string> pieces);
  /// Formats one slice for the next who has something to format and room for it. False where nobody
  /// has.
  bool step(const workflow::Definition& definition);
  /// Somebody has something to get and waits for the reader to take what is on its way.
  bool stalled() const;

  void heartbeat();
  /// The run is over and has so many pieces: ends those who have seen them all.
  void end_finished(std::int64_t pieces);
  void end_all();

 private:
  struct Watcher {
    std::uint64_t id = 0;
    http::BodyStreamPtr out;
    std::uint64_t from = 0;         ///< the first event that it wants
    std::int64_t piece = 0;         ///< the next one of the store that it needs
    workflow::ChainHead head;       ///< before what it has not read
    bool asked = false;             ///< the store was asked
    std::vector<std::string> read;  ///< pieces to be formatted, the first from `at` on
    std::size_t at = 0;
    std::string unsent;  ///< of an event that is longer than what may wait

    bool behind() const { return asked || !read.empty() || !unsent.empty(); }
    bool has_room() const { return out->waiting_bytes() <= waiting_bytes_max; }
  };
  void format_slice(const workflow::Definition& definition, Watcher& watcher);
  void send(Watcher& watcher);
  void forget_gone();

  std::vector<Watcher> watchers_;
  std::uint64_t next_id_ = 1;
};

}  // namespace redoubt::runs
