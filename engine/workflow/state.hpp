// State: what a run knows, and the moves that change it. Internal to the run.
//
// The moves are spread over files by concept: run.cpp (inputs, events, the transition table),
// stepping.cpp (how each kind of step begins and ends), joins.cpp (branches and their merging),
// calls.cpp (effects, their ids and answers), timing.cpp (timers, waits, retries), cancelling.cpp
// (cancellation and compensation), talking.cpp (agents), moving.cpp (from host to host),
// snapshot.cpp.
//
// 1. A step that is under way is an Instance in a slot; slots are used again, serials never are.
// 2. Nothing recurses from a step into its parent: what has to go on is put into `moves` and worked
//    off in order, so depth is bounded by nothing but the steps themselves.
// 3. Values are shared and never changed, so a scope is copied by copying pointers.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/agents/conversation.hpp"
#include "engine/base/hash64.hpp"
#include "engine/base/json.hpp"
#include "engine/base/rng.hpp"
#include "engine/workflow/run.hpp"

namespace redoubt::workflow {

inline constexpr std::size_t kInstancesMax = 20000;
inline constexpr std::size_t kSignalsMax = 64;
inline constexpr std::uint64_t kIgnoredMax = 1000;
/// A payload of a decision longer than this is recorded as its hash: replay makes it anew.
inline constexpr std::size_t kDecisionBytesMax = 256;
/// No time of a run lies further from 0 than this: sums of times cannot overflow.
inline constexpr std::int64_t kTimeMaxMs = 1LL << 53;
/// Moves that one input may set off.
inline constexpr std::uint32_t kMovesMax = 1000000;

using Slot = std::uint32_t;

enum class Phase : std::uint8_t {
  ready,      ///< to be entered
  running,    ///< its children are under way
  calling,    ///< its effect is carried out
  waiting,    ///< for a timer, a signal or an answer
  deciding,   ///< a once effect's outcome is unknown: a person is asked
  backoff,    ///< until its next attempt
  unwinding,  ///< its compensations run, then `after`
  falling,    ///< its fallback is under way
  done,
  skipped,
  failed,
  cancelled,
};

/// What an instance goes on with when its compensations have run.
enum class After : std::uint8_t { nothing, retry, fall_back, fail, complete, cancel };

enum class Role : std::uint8_t { body, fallback, compensation };

struct Failure {
  std::string code;
  std::string message;
  StepId step = kNone;
  std::int64_t retry_after_ms = 0;
};

/// What one branch of a join has come to.
struct Branch {
  Phase phase = Phase::ready;
  Value output;
  Failure failure;
  std::uint32_t scope = kNone;
};

/// Which round of which for_each or loop a step belongs to, for when they are gone.
struct RoundMark {
  StepId step = kNone;
  std::uint32_t round = 0;
  Value items;
};

/// What an agent's step is at.
enum class Stage : std::uint8_t {
  guarding_input,
  recalling,
  talking,
  guarding_output,
  remembering,
};

struct AgentTalk {
  agents::Conversation talk;
  Stage stage = Stage::guarding_input;
  std::uint32_t guards_open = 0;
  Value prompt;  ///< what guardrails and memory see of the input: a text
  Value held;    ///< a turn's answer that waits for guardrails, then the final output
};

struct Instance {
  StepId step = kNone;
  std::uint32_t serial = 0;
  Slot parent = kNone;
  std::uint32_t scope = 0;
  Phase phase = Phase::done;
  Role role = Role::body;
  After after = After::nothing;
  bool live = false;
  bool detached = false;    ///< a loser that runs on: its end is nobody's business
  std::uint32_t round = 0;  ///< which child of its parent, or which round
  std::uint32_t attempt = 1;
  std::uint32_t calls = 0;    ///< effects so far: the number of the call
  std::uint32_t turn = 0;     ///< repair turns so far
  std::uint32_t next = 0;     ///< the next child or round to begin
  std::uint32_t settled = 0;  ///< branches that have ended
  std::uint32_t stalled = 0;
  // Counts that follow from the rest and are not saved.
  std::uint32_t below = 0;   ///< live instances whose parent it is
  std::uint32_t good = 0;    ///< branches that have succeeded
  std::uint32_t timers = 0;  ///< that are set for it
  std::int64_t entered_ms = 0;
  std::int64_t attempt_ms = 0;
  std::uint64_t before = 0;  ///< hash of the state at the last round
  std::string suffix;        ///< the rounds around it: "[2]~1"
  Value items;
  Value output;
  Value request;  ///< of the open effect
  Failure failure;
  std::vector<Branch> branches;
  std::vector<RoundMark> rounds;    ///< of a compensation: of the step that it undoes
  std::unique_ptr<AgentTalk> talk;  ///< of an agent's step
};

struct Cell {
  Value value;
  mutable std::uint64_t hash = 0;   ///< of the value; 0: not yet known
  mutable std::uint64_t bytes = 0;  ///< its weight; 0: not yet known
};

struct ScopeWrite {
  std::uint32_t channel = 0;
  Value value;
};

/// What names mean in one place of the run.
struct Scope {
  std::uint32_t users = 0;  ///< instances and compensations that hold it
  std::vector<Cell> channels;
  std::vector<Value> outputs;      ///< by step
  std::vector<ScopeWrite> writes;  ///< since it was split off, to be merged
  bool split = false;
};

enum class TimerKind : std::uint8_t { timeout, wait, backoff };

struct Timer {
  std::int64_t due_ms = 0;
  std::uint32_t serial = 0;  ///< of the instance
  Slot slot = 0;
  TimerKind kind = TimerKind::wait;
};

/// A step that was done and says how to undo it.
struct Undo {
  StepId step = kNone;
  Slot owner = 0;           ///< the instance that undoes it when it fails
  std::uint32_t scope = 0;  ///< a copy of what it saw when it was done
  std::string suffix;
  std::vector<RoundMark> rounds;
};

struct Signal {
  std::string name;
  Value value;
};

/// A value that the state held when it was looked at.
struct Weighed {
  std::weak_ptr<const Json> value;
  std::uint64_t hash = 0;  ///< 0: not yet known
  std::uint64_t bytes = 0;
};

struct Move {
  Slot slot = 0;
  std::uint32_t serial = 0;
  bool enter = false;  ///< else: its parent is told that it has ended
};

struct State {
  DefinitionPtr definition;
  std::string id;
  std::uint64_t seed = 0;
  Value input;
  RunStatus status = RunStatus::running;
  std::int64_t now_ms = 0;
  std::uint32_t epoch = 0;     ///< how often the run was taken over by a host
  std::int64_t clock_ms = 0;   ///< the run's clock minus this host's
  std::vector<StepId> denied;  ///< once steps that this host may not carry out
  Value outcome;
  Failure failure;
  std::uint32_t next_serial = 0;
  std::uint64_t ignored = 0;
  std::deque<Instance> instances;  ///< a deque, so that references stay good while steps begin
  std::vector<Slot> free_slots;
  std::deque<Scope> scopes;
  std::vector<std::uint32_t> free_scopes;
  std::vector<Timer> timers;
  std::vector<Undo> undos;  ///< in the order of completion
  std::deque<Signal> signals;
  std::vector<Slot> calling;  ///< slots with an open effect
  Meter meter;

  // Not part of the state that is saved: what waits to be worked off or taken.
  std::vector<Move> moves;
  std::size_t moved = 0;
  std::uint32_t moves_made = 0;
  ChainHead head;
  bool ticking = false;  ///< timers may be due that have not fired
  Taken out;
  /// Effects in `out` by serial and call. One that is withdrawn there loses its id.
  std::unordered_map<std::uint64_t, std::size_t> handed;
  std::unordered_map<const Json*, Weighed> weighed;
  HistoryReader* recorded = nullptr;  ///< while replaying
  /// Units of work at which the next recorded input came, where it did not wait for the run to
  /// rest.
  std::optional<std::uint64_t> interrupt_at;
  std::optional<Error> divergence;
  Value shown;            ///< the value that the history has just been given, not written again
  bool overflow = false;  ///< more steps at once than a run may hold

  const Step& step(const Instance& i) const { return definition->steps[i.step]; }
};

// budget.cpp
inline constexpr std::uint64_t kMoveUnits = 20;
inline constexpr std::uint64_t kInstanceBytes = 512;
inline constexpr std::uint64_t kSlotBytes = 16;
inline constexpr std::uint64_t kScopeBytes = 128;
inline constexpr std::uint64_t kCellBytes = 32;
inline constexpr std::uint64_t kWriteBytes = 48;
inline constexpr std::uint64_t kBranchBytes = 128;
inline constexpr std::uint64_t kUndoBytes = 128;
inline constexpr std::uint64_t kScannedAUnit = 8;
void spend_event(State& s, std::size_t payload_bytes, std::size_t recorded_bytes);
/// What is wrong with the value by the schema.
std::vector<std::string> faults_of(State& s, const OutputSchema& schema, const Json& value);
/// For bytes that are made and may be kept.
void spend_bytes(State& s, std::uint64_t bytes);
/// Bytes that may be made before the state is over its bound.
std::uint64_t room_of(const State& s);
/// Whether a copy of the value may be made.
bool has_room(const State& s, const Value& value);
/// The state is weighed before the next move: what it takes is not known.
void weigh_soon(State& s);
/// What the state takes in memory, for its host: nothing of the run follows from it.
std::uint64_t held_bytes(State& s);
/// False where the run was over a bound: it then undoes what it did, or has ended.
bool keep_within_bounds(State& s);

// run.cpp
void record(State& s, EventKind kind, const Instance* at, std::string_view payload = {});
/// Is the value what the history has just been given, so that a decision of that kind leaves it
/// out? By identity, which is quickly seen; but a snapshot keeps equal values once, so that a run
/// that was read from one may leave out what it would have written else. A replay therefore does as
/// its record did, where the values are equal.
bool is_known(const State& s, EventKind kind, const Value& value);
/// The payload {key: value}.
void record_member(State& s, EventKind kind, const Instance* at, const char* key,
                   const Json& value);
/// Works off what waits, as far as the turn goes.
void work(State& s);
void end_run(State& s);
void withdraw_all(State& s);
std::string path_of(const State& s, const Instance& i);

// stepping.cpp
Slot spawn(State& s, StepId step, Slot parent, std::uint32_t round, std::uint32_t scope, Role role);
void enter(State& s, Slot slot);
void begin_body(State& s, Slot slot);
void ended(State& s, Slot slot);
void complete(State& s, Slot slot, Value output);
void fail(State& s, Slot slot, Failure failure);
void go_on(State& s, Slot slot, After after);
void settle(State& s, Slot slot, Phase phase);
void release(State& s, Slot slot);
Failure failure_of(const Error& error, StepId step);
Json failure_json(const State& s, const Failure& failure);

// joins.cpp
std::uint32_t copy_scope(State& s, std::uint32_t from, bool split);
void hold_scope(State& s, std::uint32_t scope);
void drop_scope(State& s, std::uint32_t scope);
void drop_branches(State& s, Instance& i);
bool succeeded(const Branch& branch);
enum class Wrote : std::uint8_t {
  done,
  unfit,    ///< the reducer cannot take the value
  no_room,  ///< what would come of it does not fit into what is left
};
Wrote write_channel(State& s, Slot at, std::uint32_t scope, std::uint32_t channel,
                    const Value& value);
std::uint64_t channels_hash(const Scope& scope);
void begin_branches(State& s, Slot slot);
void branch_ended(State& s, Slot parent, Slot child);

// talking.cpp
void begin_agent(State& s, Slot slot);
/// The request of an inner step, from its agent's conversation.
Result<Value> part_request(State& s, Slot part);
void part_ended(State& s, Slot slot, Slot part);

// calls.cpp
/// {messages, settings, output} of what a model's or an agent's step asks.
Json model_request(const State& s, const Step& step, const Json& value);
void call(State& s, Slot slot);
void withdraw(State& s, Slot slot);
void close_call(State& s, Slot slot);
Slot find_call(const State& s, std::string_view id);
Slot find_call(const State& s, std::uint32_t serial);
bool known_effect(const State& s, std::string_view id);
void answered(State& s, Slot slot, Value value);
Effect effect_of(const State& s, const Instance& i);
/// Gives the effect out, unless it is withdrawn before it is taken.
void hand_out(State& s, const Instance& i);
std::string effect_id(const State& s, const Instance& i);
/// Whether a once effect of the step, or of one below it, is under way.
bool once_open(const State& s, Slot slot);
void resume_calls(State& s);
void decided(State& s, Slot slot, const Json& decision);

// moving.cpp
/// A step whose effect must not be lost, for a run that is to be parked; kNone where there is none.
Slot once_at_stake(const State& s);
bool fits_move(const State& s, EventKind kind, const Json& payload);
void apply_move(State& s, EventKind kind, const Json& payload);
bool is_denied(const State& s, StepId step);
/// The failure of a step that the host may not carry out.
Failure denied(const State& s, StepId step);

// timing.cpp
void set_timer(State& s, Slot slot, TimerKind kind, std::int64_t due_ms);
void clear_timers(State& s, Slot slot);
const char* name_of(TimerKind kind);
void fire(State& s, Timer timer);
bool may_retry(const State& s, const Instance& i);
void retry_later(State& s, Slot slot);
void begin_wait(State& s, Slot slot);
void deliver(State& s, Signal signal);

// cancelling.cpp
bool is_below(const State& s, Slot slot, Slot above);
void cancel_below(State& s, Slot slot);
void cancel_run(State& s);
bool unwind(State& s, Slot slot, After after);
void keep_undo(State& s, Slot slot);
/// The rounds that the step is in, for when the steps around it are gone.
std::vector<RoundMark> rounds_of(const State& s, const Instance& i);
void lift_undos(State& s, Slot from, Slot to);

// snapshot.cpp
std::string write_snapshot(const State& s);
Result<void> read_snapshot(std::string_view bytes, State& s);
std::uint64_t state_hash_of(const State& s);
/// The counts that are not saved.
void derive_counts(State& s);

// scope_names.cpp
class ScopeNames : public Names {
 public:
  ScopeNames(const State& s, Slot at) : s_(s), at_(&s.instances[at]) {}
  const Json* find(const Reference& reference) override;
  const Json* output = nullptr;

 private:
  bool round_of(StepId step, std::uint32_t& round, Value& items) const;
  const Json* made(Json value);
  const State& s_;
  const Instance* at_;
  std::deque<Json> made_;  ///< numbers and objects that live as long as one evaluation
};
/// The binding's value, and what it costs.
Result<Value> evaluate(State& s, std::uint32_t binding, ScopeNames& names);
Result<bool> holds(State& s, std::uint32_t expression, ScopeNames& names);

}  // namespace redoubt::workflow
