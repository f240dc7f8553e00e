// Budget: what a run may cost, in one turn and in all, so that no workflow holds up the others at
// its host, however its bounds multiply.
//
// 1. Work is counted in units: a node of an expression, an element that is looked at, some bytes
// that
//    are made, copied, hashed or checked. A unit is some 20 to 50 ns. The count follows from the
//    inputs alone: it is the same live, replayed, restored, natively and in WebAssembly.
// 2. A turn ends when its units are spent; what is left waits (Run::busy) and is gone on with by
//    Run::go_on. Turns are in no history and change none: whatever their size, the same inputs give
//    the same bytes.
// 3. All that a run does is bounded by kWorkMax units, kEventsMax events, kHistoryBytesMax bytes of
//    history and kStateBytesMax bytes of state. Over a bound it fails with "too_much_work", which
//    is recorded as any failure: its compensations run first, within a bounded extra, then it ends.
// 4. State is counted in bytes of memory, by json_weights (engine/base/json.hpp). What a step makes
//    has to fit into what is left, or the step fails with "too_much_work": it is weighed before it
//    is made. What was made counts as kept until the state is weighed again. Equal values are held
//    once after that, live as in a run that was restored.
// 5. The units and the bytes are part of the format: a run that came to a bound must come to it
//    again when it is replayed. Kept histories (tests/data/histories) show that a change has not
//    moved them.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>

#include "engine/base/result.hpp"

namespace redoubt::workflow {

/// Units of one turn: 2 to 5 ms.
inline constexpr std::uint64_t kTurnWorkMax = 100'000;
/// Units of a run and of all that it was continued from: one to two seconds of one core.
inline constexpr std::uint64_t kWorkMax = 50'000'000;
inline constexpr std::uint64_t kEventsMax = 1'000'000;
/// A whole run fits into a bundle.
inline constexpr std::uint64_t kHistoryBytesMax = 28u << 20;
/// Of all values, steps, branches and scopes that a run holds at once, in memory.
inline constexpr std::uint64_t kStateBytesMax = 32u << 20;
/// How often a run may end in a handoff to a workflow that goes on.
inline constexpr std::uint32_t kGenerationsMax = 10'000;

/// What compensations of a run that came to a bound may cost beyond it.
inline constexpr std::uint64_t kUndoWorkMax = 5'000'000;
inline constexpr std::uint64_t kUndoEventsMax = 20'000;
inline constexpr std::uint64_t kUndoHistoryBytesMax = 3u << 20;
inline constexpr std::uint64_t kUndoStateBytesMax = 8u << 20;

/// Compensations that wait.
inline constexpr std::size_t kUndosMax = 20'000;

inline constexpr std::uint64_t kBytesAUnit = 32;
/// "too_much_work", for a value that does not fit into what is left of the state.
Error no_room();

/// How deep a value that a run makes may be nested, which is how deep one may be that comes in.
/// Everything that looks through a value (hashing, canonical JSON, weighing) calls itself by level.
inline constexpr int kValueDepthMax = 64;
/// O(value), and looks no deeper than `most`.
bool deeper_than(const nlohmann::json& value, int most);

/// A host that does all at once.
inline constexpr std::uint64_t kUnboundedTurn = std::numeric_limits<std::uint64_t>::max();

/// How far a run has come over its bounds.
enum class Spent : std::uint8_t {
  no,
  undoing,  ///< one was reached: what was done is being undone
  ended,    ///< the extra is gone, too, or nothing had to be undone
};

/// What a run has cost so far.
struct Meter {
  std::uint64_t work = 0;           ///< units, with those of the runs that this one goes on for
  std::uint64_t history_bytes = 0;  ///< frames of all events
  std::uint64_t made_bytes = 0;     ///< made since the state was weighed, kept or not
  std::uint64_t kept_bytes = 0;     ///< the state, when it was weighed
  std::uint32_t generation = 0;     ///< how many runs this one goes on for
  Spent spent = Spent::no;
  // Not part of the state.
  std::uint64_t turn = 0;  ///< units of this turn
  std::uint64_t turn_max = kTurnWorkMax;
  std::uint64_t held_bytes = 0;      ///< the state, when it was looked at for its host
  std::uint64_t unlooked_bytes = 0;  ///< made since then

  void spend(std::uint64_t units) {
    work += units;
    turn += units;
  }
  void make(std::uint64_t bytes) {
    made_bytes += bytes;
    unlooked_bytes += bytes;
  }
};

}  // namespace redoubt::workflow
