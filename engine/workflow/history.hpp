// History: the events of one run, as bytes that only grow.
//
// 1. A history is a header and then frames, one for each event, little-endian:
//      header  "RDBTHIST", u32 version, the definition's SHA-256
//      frame   u32 size of what follows up to the link, u8 kind, i64 stamp (ms), u32 step,
//              u32 instance, payload; then the first 8 bytes of the event's link
//    An event's number (its seq) is its place, counted from 0.
// 2. link(-1) = SHA-256(header); link(n) = SHA-256(link(n-1), frame n without its link). So bytes
//    that were changed, dropped, repeated or put into another order are found at the first event
//    that they touch, and the last link stands for the whole history.
// 3. A payload is canonical JSON, or empty. It is read when it is needed, never all at once.
// 4. A history may end anywhere: what was written before the last whole frame holds, the rest is a
//    torn tail, which the reader names.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/base/sha256.hpp"

namespace redoubt::workflow {

/// Inputs come from outside and are given again in a replay; decisions follow from them.
enum class EventKind : std::uint8_t {
  // inputs
  started = 1,       ///< {id, input, seed}
  completed = 2,     ///< an effect's result
  failed = 3,        ///< an effect's failure {code, message, retry_after_ms}
  timer_fired = 4,   ///< "wait", "backoff" or "timeout"
  signalled = 5,     ///< {name, value}
  answered = 6,      ///< a person's answer to an ask
  cancelled_by = 7,  ///< {reason}, and {work}: the run's units then, where it was busy
  resumed = 8,       ///< the host has come back: {}
  moved = 9,         ///< the run was exported: {epoch}; it is parked here
  imported = 10,     ///< the run was taken over: {epoch, offset_ms, denied: [step]}
  ignored = 11,      ///< a completion that came too late or again: {id}
  // decisions
  scheduled = 32,     ///< an effect is to be carried out: {id, request}
  withdrawn = 33,     ///< an effect's result is no longer wanted
  retrying = 35,      ///< {attempt, due}
  waiting = 36,       ///< a wait or an ask began: {due} or {signal} or {question}
  step_done = 37,     ///< its output, unless the event before was given the same
  step_skipped = 38,  ///< its condition did not hold
  step_failed = 39,   ///< {code, message}
  step_cancelled = 40,
  fallback = 41,  ///< the step's other way is tried: {code}
  written = 42,   ///< a channel of the state: {channel, value}
  merged = 43,    ///< branches joined: {channels}
  emitted = 44,   ///< {name, value}
  compensating = 45,
  repairing = 46,      ///< an answer did not fit its schema, the model is asked again: {faults}
  run_done = 47,       ///< the result, unless the last step's output is it
  run_failed = 48,     ///< {code, message, step}
  run_cancelled = 49,  ///< {reason}
  run_continued = 50,  ///< {workflow, input}: a new run goes on
  handed_over = 51,    ///< in an agent's step another agent answers now: {from, to}
};

constexpr bool is_input(EventKind kind) {
  return static_cast<std::uint8_t>(kind) < 32;
}
/// The kind's name as it stands above; null for a number that is no kind.
const char* name_of(EventKind kind);

inline constexpr std::uint32_t kNoStep = 0xffffffffu;
inline constexpr std::size_t kPayloadBytesMax = 4u << 20;

/// What a run made and recorded, whatever it takes in memory. Errors: bad_json.
Result<nlohmann::json> read_payload(std::string_view text);
/// The same, to be shown: null where there is none, a string where it is no JSON.
nlohmann::json payload_json(std::string_view text);

struct Event {
  std::uint64_t seq = 0;
  std::int64_t stamp_ms = 0;
  EventKind kind = EventKind::started;
  std::uint32_t step = kNoStep;
  std::uint32_t instance = kNoStep;
  std::string_view payload;  ///< into the bytes that were read
};

/// One line: `12 completed plan {"text":"..."}`; `step` is how the step is called.
std::string describe(const Event& event, std::string_view step);

std::string history_header(const Digest256& definition);

/// Where a history stands: the next event's number and the last event's link.
struct ChainHead {
  std::uint64_t seq = 0;
  Digest256 link{};
};

ChainHead chain_start(std::string_view header);

/// Appends the event's frame to `out` and moves the head on. `event.seq` is not read.
void append_event(const Event& event, ChainHead& head, std::string& out);

/// Walks a history, or the tail of one.
class HistoryReader {
 public:
  /// Reads the header: errors are "bad_history" (not one, or of a later version).
  static Result<HistoryReader> open(std::string_view history);
  /// Frames that follow `head`, with no header.
  HistoryReader(std::string_view frames, ChainHead head) : bytes_(frames), head_(head) {}

  /// True with the next event, false at the end. Errors: "torn_history" when the last frame is not
  /// whole, "broken_chain" when the bytes are not those that were written; each names the event.
  Result<bool> next(Event& event);

  /// The next event's payload where it is of that kind, else nothing. It is not checked yet.
  std::string_view peek(EventKind kind) const;

  const ChainHead& head() const { return head_; }
  const Digest256& definition() const { return definition_; }
  /// Bytes up to the end of the last event that was read: where a torn tail is to be cut.
  std::size_t position() const { return at_; }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  ChainHead head_;
  Digest256 definition_{};
};

}  // namespace redoubt::workflow
