// Run: one workflow under way, as a state machine over its history.
//
// 1. What comes in is an Input with the host's time; what is to happen comes out of take(). A run
//    does nothing by itself: no clock, no chance beyond its seed.
// 2. The host stores the events that take() gives *before* it carries out the effects beside them.
//    That is the whole contract: whatever it had stored when it died, replay() goes on from there.
// 3. An effect has an id made of its step's id, the rounds around it and the number of the call
//    (`judge[2]#1`); giving the same inputs always gives the same ids. The first completion of an
//    effect wins; later ones are recorded and ignored.
// 4. Time is the stamp of the last input; an input's stamp is never earlier than the one before.
// 5. Replay gives the recorded inputs again and compares every decision with what was recorded. A
//    difference is an error with the event's number, what was expected and what came.
// 6. A run is under way at one host at a time. park() ends it here and lets it be taken over by
//    another host, take_over() goes on there (bundle.hpp carries it between). The run keeps the
//    clock that it began with; `now_ms` that come in and times that go out are the host's.
// 7. An input may lead to more than one turn's work (budget.hpp). The run is then busy(): until
//    go_on() has done the rest, give, park, take_over and snapshot are refused; only a cancellation
//    is taken, and recorded with the work that was done before it. What was decided so far may be
//    taken and stored between the turns; effects come out when the last one is done, so that what
//    is withdrawn before is never carried out. Turns are recorded nowhere.
// 8. What a run may cost in all is bounded, too: over it the run fails with "too_much_work".
//
// Not thread-safe; a run moves between threads as a value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/budget.hpp"
#include "engine/workflow/definition.hpp"
#include "engine/workflow/history.hpp"

namespace redoubt::workflow {

struct RunOptions {
  std::string id;
  std::uint64_t seed = 0;
  std::int64_t now_ms = 0;
  /// Of a run that goes on for another one (RunStatus::continued): that one's generation() + 1 and
  /// work_units(). Both are recorded, so that a chain of runs has the bounds of one.
  std::uint32_t generation = 0;
  std::uint64_t work = 0;
  std::uint64_t turn_work_max = kTurnWorkMax;  ///< units that one turn may take; not recorded
};

enum class RunStatus : std::uint8_t { running, done, failed, cancelled, continued, parked };
const char* name_of(RunStatus status);

/// Something that the host is to do.
struct Effect {
  std::string id;
  std::string key;  ///< idempotency key: the same for every attempt of one call
  StepKind kind = StepKind::tool;
  EffectClass effect_class = EffectClass::pure;
  std::string target;   ///< the model, tool, built-in or workflow
  std::string request;  ///< canonical JSON
  std::uint32_t attempt = 1;
  std::int64_t deadline_ms = 0;  ///< when the run stops waiting; 0: never
};

/// What a watcher is shown at once; everything else is in the events.
struct Progress {
  std::string step;
  std::string name;
  std::string value;  ///< canonical JSON
};

struct Taken {
  std::string events;  ///< frames to append to the history, in one piece
  std::uint64_t first_seq = 0;
  std::uint32_t count = 0;
  std::vector<Effect> effects;
  /// Ids of effects handed out earlier that nobody waits for any more. Read these first: the same
  /// call may be asked for again in `effects`.
  std::vector<std::string> withdrawn;
  std::vector<Progress> progress;
};

enum class InputKind : std::uint8_t { completed, failed, tick, signal, answer, cancel, resumed };

struct Input {
  InputKind kind = InputKind::tick;
  std::int64_t now_ms = 0;
  /// The effect's or ask's id, or the name of the step that asks where only one such question is
  /// open; the signal's name, who cancels.
  std::string_view name;
  std::string_view value;  ///< JSON: result, {code, message, retry_after_ms}, answer; may be empty
};

/// An error as the value of InputKind::failed: {code, message}, canonical JSON.
std::string failure_value(const Error& error);

/// What an input did.
enum class Given : std::uint8_t {
  taken,    ///< it changed the run
  ignored,  ///< too late or again: recorded, nothing changed
  nothing,  ///< a tick with nothing due
};

/// What a host says when it goes on with a parked run.
struct TakeOver {
  std::int64_t now_ms = 0;
  /// This host's clock minus that of the host before, where that is known.
  std::int64_t clock_offset_ms = 0;
  std::uint32_t epoch = 0;          ///< one more than the run's
  std::vector<std::string> denied;  ///< once steps that this host may not carry out
};

struct State;

/// How often a host keeps a snapshot.
inline constexpr std::uint64_t kSnapshotEvents = 256;

class Run {
 public:
  /// Begins a run and does its first turn. Errors: "bad_input" where the input does not fit the
  /// definition's schema, "too_much_work" for a generation over kGenerationsMax.
  static Result<Run> start(DefinitionPtr definition, std::string_view input, RunOptions options);
  /// The run as its history leaves it; what the history does not hold of the last decisions comes
  /// out of take(). A torn tail is for the caller to cut (HistoryReader::position). All in one go:
  /// a host that has others to serve uses Replay.
  /// Errors: those of the reader, "other_definition", "diverged".
  static Result<Run> replay(DefinitionPtr definition, std::string_view history);
  /// The run as a snapshot holds it, and the events that came after it.
  static Result<Run> restore(DefinitionPtr definition, std::string_view snapshot,
                             std::string_view tail);

  /// The history as one of `definition`, for a run that moves to a new file: only where every
  /// recorded decision comes out the same there. Errors: those of replay.
  static Result<std::string> migrate(DefinitionPtr definition, std::string_view history);

  Run(Run&&) noexcept;
  Run& operator=(Run&&) noexcept;
  ~Run();

  /// Takes the input and does at most one turn. Errors leave the run as it was: "bad_json",
  /// "unknown_effect", "ambiguous_question", "bad_answer", "run_over", "run_parked", "run_busy".
  Result<Given> give(const Input& input);
  /// The run is under way here no more: all that it takes from now on is take_over(). Errors:
  /// "run_over", "run_parked", and "once_under_way" while an effect of the class once has no
  /// outcome, which would be lost.
  Result<void> park(std::int64_t now_ms);
  /// A parked run goes on: what was under way is begun again, but for effects of the class once,
  /// and a denied step fails with "missing_scope" when it is come to. Errors: "not_parked",
  /// "bad_move".
  Result<void> take_over(const TakeOver& by);
  Taken take();

  /// Whether work is left of what came in.
  bool busy() const;
  /// Does one more turn of it.
  void go_on();
  /// How much a turn of this run may take; kTurnWorkMax where nobody says.
  void set_turn_work(std::uint64_t units_max);
  /// Units that the run has taken so far, with those of the runs that it goes on for.
  std::uint64_t work_units() const;
  /// How many runs it goes on for.
  std::uint32_t generation() const;
  /// What its values and steps take in memory, for the host: at most a quarter and 64 KiB too much.
  /// O(1), and O(state) after so much was made.
  std::uint64_t state_bytes();

  RunStatus status() const;
  /// How often it was taken over.
  std::uint32_t epoch() const;
  /// Whether nothing is under way but timers, and what its owner may give: a host may put such a
  /// run out of memory, and give it no `resumed` when it comes back.
  bool only_waits() const;
  /// When the next timer is due; 0 where there is none, or the run is parked.
  std::int64_t next_timer_ms() const;
  std::int64_t now_ms() const;  ///< by the clock that it began with, which may not be the host's
  const std::string& id() const;
  const DefinitionPtr& definition() const;
  const ChainHead& head() const;
  /// Canonical JSON: the result, or {code, message, step}; empty while running.
  std::string outcome() const;
  /// A hash of everything that decides what comes next: replayed or restored, it is the same.
  std::uint64_t state_hash() const;
  /// A hash of what the run has come to (status, outcome, state, outputs of steps), whenever and in
  /// whatever order its inputs came where the workflow does not depend on that.
  std::uint64_t result_hash() const;
  /// The whole state in some hundred bytes: what a parked run is kept as.
  /// REQUIRES: nothing waits to be taken, !busy()
  std::string snapshot() const;
  /// A channel of the state as canonical JSON; for people and tests.
  std::string channel(std::string_view name) const;
  /// Effects that were handed out and have no outcome, with their requests.
  std::vector<Effect> open_effects() const;

 private:
  friend class Replay;
  explicit Run(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Run::replay and Run::restore, a turn at a time:
///     auto replay = Replay::begin(definition, history);
///     while (replay) { auto done = replay->go_on(); if (!done) ...; if (*done) break; }
///     Run run = std::move(*replay).run();
/// The bytes must stay where they are until it is done.
class Replay {
 public:
  /// Errors: "bad_history", "other_definition".
  static Result<Replay> begin(DefinitionPtr definition, std::string_view history);
  /// Errors: "bad_snapshot", "other_definition".
  static Result<Replay> begin(DefinitionPtr definition, std::string_view snapshot,
                              std::string_view tail);

  Replay(Replay&&) noexcept;
  Replay& operator=(Replay&&) noexcept;
  ~Replay();

  void set_turn_work(std::uint64_t units_max);
  /// True when all is done. Errors: those of the reader, "diverged"; the replay is then over.
  Result<bool> go_on();
  /// Of the run as it stands: Run::state_bytes.
  std::uint64_t state_bytes();
  /// REQUIRES: go_on() has given true.
  Run run() &&;

 private:
  struct Parts;
  explicit Replay(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace redoubt::workflow
