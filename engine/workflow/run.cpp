#include "engine/workflow/run.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/output_schema.hpp"
#include "engine/workflow/state.hpp"

// A step's transitions. Whatever is not here cannot happen: an input for it finds no open effect,
// timer or wait, and is recorded as ignored.
//
//   (none)     --(spawned)-------------> ready
//   ready      --(condition false)-----> skipped
//   ready      --(begins children)-----> running
//   ready      --(begins an effect)----> calling
//   ready      --(begins to wait)------> waiting
//   running    --(children give result)> done
//   running    --(a child fails)-------> unwinding | backoff | falling | failed
//   calling    --(completed)-----------> done
//   calling    --(failed, timeout)-----> unwinding | backoff | falling | failed
//   calling    --(resumed, once)-------> deciding | failed
//   deciding   --(answer)--------------> calling | done | failed
//   waiting    --(timer, signal)-------> done
//   waiting    --(timeout)-------------> unwinding | backoff | falling | failed
//   backoff    --(timer)---------------> running | calling | waiting
//   unwinding  --(compensations ended)-> backoff | falling | failed | done | cancelled
//   falling    --(fallback ended)------> done | failed
//   any        --(above is cancelled)--> cancelled
//
// The run's: running --(moved)--> parked --(imported)--> running --(the root has ended)--> an end

namespace redoubt::workflow {

std::string failure_value(const Error& error) {
  std::string out = "{\"code\":";
  write_canonical_text(error.code, out);
  out += ",\"message\":";
  write_canonical_text(error.message, out);
  out.push_back('}');
  return out;
}

const char* name_of(RunStatus status) {
  static constexpr const char* kNames[] = {"running",   "done",      "failed",
                                           "cancelled", "continued", "parked"};
  return kNames[static_cast<std::size_t>(status)];
}

namespace {

// How a decision's long payload is recorded: replay makes it anew and compares the hash.
std::string digest_of(std::string_view payload) {
  Hash64 hash;
  hash.add_bytes(payload);
  return joined({"{\"bytes\":", payload.size(), ",\"hash\":\"", hex16(hash.value()), "\"}"});
}

std::string shown(const State& s, const Event& event) {
  return describe(event, s.definition->step_name(event.step));
}

// A cancellation does not wait until the run rests: its record says when it came.
void look_ahead(State& s) {
  s.interrupt_at.reset();
  const std::string_view payload = s.recorded->peek(EventKind::cancelled_by);
  if (payload.empty()) return;
  const auto cancel = read_payload(payload);
  if (!cancel || !cancel->is_object()) return;
  const auto work = cancel->find("work");
  if (work != cancel->end() && work->is_number_unsigned())
    s.interrupt_at = work->get<std::uint64_t>();
}

// Compares a decision with the recorded one. False where the record is at its end.
bool compare(State& s, Event& event) {
  Event was;
  const auto more = s.recorded->next(was);
  if (!more) {
    s.divergence = more.error();
    return true;
  }
  if (!*more) {
    s.recorded = nullptr;
    return false;
  }
  s.head = s.recorded->head();
  look_ahead(s);
  if (was.kind != event.kind || was.stamp_ms != event.stamp_ms || was.step != event.step ||
      was.instance != event.instance || was.payload != event.payload) {
    event.seq = was.seq;
    const std::string expected = shown(s, was), got = shown(s, event);
    s.divergence = make_error("diverged",
                              {"event ", was.seq, " comes out differently: the history has \"",
                               expected, "\", the run gives \"", got, "\""},
                              {"event ", was.seq}, {expected}, {got});
  }
  return true;
}

void append(State& s, const Event& event) {
  if (s.out.count == 0) s.out.first_seq = s.head.seq;
  append_event(event, s.head, s.out.events);
  ++s.out.count;
}

}  // namespace

void record(State& s, EventKind kind, const Instance* at, std::string_view payload) {
  if (s.divergence) return;
  std::string digest;
  const std::size_t bytes = payload.size();
  if (!is_input(kind) && bytes > kDecisionBytesMax) payload = digest = digest_of(payload);
  spend_event(s, bytes, payload.size());
  Event event{s.head.seq, s.now_ms, kind, at ? at->step : kNoStep, at ? at->serial : kNoStep,
              payload};
  if (s.recorded && compare(s, event)) return;
  append(s, event);
}

bool is_known(const State& s, EventKind kind, const Value& value) {
  if (!value) return true;
  if (s.recorded == nullptr) return value == s.shown;
  return s.shown && *value == *s.shown && s.recorded->peek(kind).empty();
}

void record_member(State& s, EventKind kind, const Instance* at, const char* key,
                   const Json& value) {
  std::string payload = "{";
  write_canonical_text(key, payload);
  payload.push_back(':');
  write_canonical(value, payload);
  payload.push_back('}');
  record(s, kind, at, payload);
}

void withdraw_all(State& s) {
  cancel_below(s, 0);
  withdraw(s, 0);
  s.timers.clear();
  s.moves.clear();
  s.moved = 0;
}

namespace {

bool has_moves(const State& s) {
  return s.moved < s.moves.size() && s.status == RunStatus::running && !s.divergence;
}

bool turn_over(const State& s) {
  return s.meter.turn >= s.meter.turn_max;
}

// Whether the next recorded input came here, before what waits was done.
bool interrupted(const State& s) {
  return s.recorded && s.interrupt_at == s.meter.work;
}

}  // namespace

void work(State& s) {
  while (has_moves(s)) {
    if (turn_over(s) || interrupted(s)) return;
    s.meter.spend(kMoveUnits);
    if (!keep_within_bounds(s)) continue;
    const Move move = s.moves[s.moved++];
    const Instance& i = s.instances[move.slot];
    if (!i.live || i.serial != move.serial) continue;
    const bool runaway = ++s.moves_made > kMovesMax;
    if (s.overflow || runaway) {
      s.overflow = false;
      s.moves_made = 0;
      s.instances[0].failure = {"too_many_steps",
                                runaway ? "one input sets off more steps than a run may make"
                                        : "more steps at once than a run may hold",
                                0, 0};
      withdraw_all(s);
      s.undos.clear();
      go_on(s, 0, After::fail);
      continue;
    }
    if (move.enter) {
      enter(s, move.slot);
    } else if (i.phase >= Phase::done) {
      ended(s, move.slot);
    }
  }
  s.moves.clear();
  s.moved = 0;
}

void end_run(State& s) {
  Instance& root = s.instances[0];
  s.meter.spend(s.instances.size() / kScannedAUnit);
  for (const Instance& other : s.instances)
    if (other.live && other.detached) return;
  if (root.phase == Phase::failed) {
    s.outcome = std::make_shared<const Json>(failure_json(s, root.failure));
    s.status = RunStatus::failed;
    return record(s, EventKind::run_failed, nullptr, canonical(*s.outcome));
  }
  if (root.phase == Phase::cancelled) {
    s.outcome = std::make_shared<const Json>(Json{{"reason", s.failure.message}});
    s.status = RunStatus::cancelled;
    return record(s, EventKind::run_cancelled, nullptr, canonical(*s.outcome));
  }
  s.outcome = root.output;
  if (s.definition->result != kNone) {
    ScopeNames names(s, 0);
    auto result = evaluate(s, s.definition->result, names);
    if (!result) {
      s.outcome = std::make_shared<const Json>(failure_json(s, failure_of(result.error(), 0)));
      s.status = RunStatus::failed;
      return record(s, EventKind::run_failed, nullptr, canonical(*s.outcome));
    }
    s.outcome = std::move(*result);
  }
  s.status = RunStatus::done;
  // A step's own result is in the history already.
  const bool known = is_known(s, EventKind::run_done, s.outcome);
  record(s, EventKind::run_done, nullptr, known ? std::string() : canonical(*s.outcome));
}

namespace {

constexpr JsonLimits kValueLimits{kPayloadBytesMax, kValueDepthMax};

Result<Json> read_value(std::string_view text) {
  if (text.empty()) return Json();
  return parse_json(text, kValueLimits);
}

Value shared(Json value) {
  return std::make_shared<const Json>(std::move(value));
}

std::string text_of(const Json& value, const char* key, const char* fallback) {
  const auto found = value.is_object() ? value.find(key) : value.end();
  if (found == value.end() || !found->is_string()) return fallback;
  return *found->get_ptr<const std::string*>();
}

Value member_of(const Json& value, const char* key) {
  const auto found = value.is_object() ? value.find(key) : value.end();
  return std::make_shared<const Json>(found == value.end() ? Json() : *found);
}

std::int64_t number_of(const Json& value, const char* key) {
  const auto found = value.is_object() ? value.find(key) : value.end();
  if (found == value.end() || !found->is_number_integer()) return 0;
  return std::clamp<std::int64_t>(found->get<std::int64_t>(), 0, kDurationMaxMs);
}

Failure reported(const Json& value, StepId step) {
  return {text_of(value, "code", "failed"), text_of(value, "message", "the effect has failed"),
          step, number_of(value, "retry_after_ms")};
}

// An input that has been recorded, or is read from a record.
struct Applied {
  EventKind kind = EventKind::resumed;
  Slot slot = kNone;
  Value value;
  TimerKind timer = TimerKind::wait;
};

void apply(State& s, const Applied& input) {
  s.shown = input.value;
  s.moves_made = 0;
  const bool kept = input.kind == EventKind::completed || input.kind == EventKind::answered ||
                    input.kind == EventKind::signalled;
  if (kept) s.meter.make(weight_of(*input.value));
  switch (input.kind) {
    case EventKind::completed:
    case EventKind::answered:
      answered(s, input.slot, input.value);
      break;
    case EventKind::failed: {
      close_call(s, input.slot);
      fail(s, input.slot, reported(*input.value, s.instances[input.slot].step));
      break;
    }
    case EventKind::timer_fired: {
      for (std::size_t t = 0; t < s.timers.size(); ++t) {
        if (s.timers[t].slot != input.slot || s.timers[t].kind != input.timer) continue;
        const Timer timer = s.timers[t];
        s.timers.erase(s.timers.begin() + static_cast<std::ptrdiff_t>(t));
        --s.instances[timer.slot].timers;
        fire(s, timer);
        break;
      }
      break;
    }
    case EventKind::signalled:
      deliver(s, {text_of(*input.value, "name", ""), member_of(*input.value, "value")});
      break;
    case EventKind::cancelled_by:
      s.failure.message = text_of(*input.value, "reason", "");
      cancel_run(s);
      break;
    case EventKind::resumed:
      resume_calls(s);
      break;
    case EventKind::ignored:
      ++s.ignored;
      break;
    case EventKind::moved:
    case EventKind::imported:
      apply_move(s, input.kind, *input.value);
      break;
    default:
      break;
  }
  // A signal that nobody waits for leads to no move, and is kept.
  if (s.status == RunStatus::running) keep_within_bounds(s);
  work(s);
}

std::unique_ptr<State> fresh(DefinitionPtr definition) {
  auto s = std::make_unique<State>();
  s->definition = std::move(definition);
  s->scopes.emplace_back();
  Scope& scope = s->scopes[0];
  scope.users = 1;
  for (const Channel& channel : s->definition->channels)
    scope.channels.push_back({channel.initial, 0});
  scope.outputs.resize(s->definition->steps.size());
  s->head = chain_start(history_header(s->definition->hash));
  return s;
}

Error diverged(const State& s, const Event& event, const char* why) {
  const std::string line = shown(s, event);
  return make_error("diverged", {"event ", event.seq, " ", why, ": \"", line, "\""},
                    {"event ", event.seq}, {line}, {why});
}

void begin(State& s, Json started) {
  s.id = text_of(started, "id", "");
  s.seed = 0;
  for (const char c : text_of(started, "seed", "0"))
    s.seed = s.seed * 10 + static_cast<std::uint64_t>(c - '0');
  s.meter.generation = static_cast<std::uint32_t>(
      std::min<std::int64_t>(number_of(started, "generation"), kGenerationsMax));
  s.meter.work += static_cast<std::uint64_t>(number_of(started, "work"));
  const auto input = started.is_object() ? started.find("input") : started.end();
  s.input = shared(input == started.end() ? Json() : std::move(*input));
  s.meter.make(weight_of(*s.input));
  spawn(s, 0, kNone, 0, 0, Role::body);
}

Slot find_serial(State& s, std::uint32_t serial) {
  // Only a replay has to search: its turn pays, the run does not.
  s.meter.turn += s.instances.size() / kScannedAUnit;
  for (Slot slot = 0; slot < s.instances.size(); ++slot)
    if (s.instances[slot].live && s.instances[slot].serial == serial) return slot;
  return kNone;
}

bool is_asked(const State& s, Slot slot) {
  const Instance& i = s.instances[slot];
  return i.phase == Phase::deciding || s.step(i).kind == StepKind::ask;
}

Result<Applied> recorded_input(State& s, const Event& event) {
  Applied input;
  input.kind = event.kind;
  if (s.status == RunStatus::parked && event.kind != EventKind::imported)
    return diverged(s, event, "comes while the run is parked");
  if (event.kind == EventKind::completed || event.kind == EventKind::failed ||
      event.kind == EventKind::answered) {
    input.slot = find_call(s, event.instance);
    if (input.slot == kNone) return diverged(s, event, "is for an effect that is not open");
    // What a person decides is never a program's result, whoever wrote the history.
    const bool asked = is_asked(s, input.slot);
    if (event.kind == (asked ? EventKind::completed : EventKind::answered))
      return diverged(s, event, asked ? "answers a question for a person" : "answers no question");
  }
  if (event.kind == EventKind::timer_fired) {
    input.slot = find_serial(s, event.instance);
    for (const TimerKind kind : {TimerKind::timeout, TimerKind::wait, TimerKind::backoff})
      if (event.payload == joined({"\"", name_of(kind), "\""})) input.timer = kind;
    bool set = false;
    for (const Timer& timer : s.timers)
      set = set || (timer.slot == input.slot && timer.kind == input.timer &&
                    timer.due_ms <= event.stamp_ms);
    if (!set) return diverged(s, event, "is for a timer that is not due");
    return input;
  }
  auto value = read_value(event.payload);
  if (!value) return value.error();
  input.value = shared(std::move(*value));
  const bool move = event.kind == EventKind::moved || event.kind == EventKind::imported;
  if (move && !fits_move(s, event.kind, *input.value))
    return diverged(s, event, "is no move that the run can make");
  return input;
}

// The next recorded input, which is applied as far as the turn goes.
Result<void> replay_input(State& s, const Event& event) {
  if (!is_input(event.kind))
    return diverged(s, event, "is recorded, but nothing in the run leads to it");
  if (event.stamp_ms > kTimeMaxMs || event.stamp_ms < -kTimeMaxMs)
    return diverged(s, event, "has an impossible time");
  if (event.stamp_ms < s.now_ms && event.seq > 0) return diverged(s, event, "goes back in time");
  s.now_ms = event.stamp_ms;
  if ((event.kind == EventKind::started) != (event.seq == 0))
    return diverged(s, event, "is not how a history begins");
  spend_event(s, event.payload.size(), event.payload.size());
  if (event.kind == EventKind::started) {
    auto started = read_value(event.payload);
    if (!started) return started.error();
    begin(s, std::move(*started));
    work(s);
    return {};
  }
  auto input = recorded_input(s, event);
  if (!input) return input.error();
  apply(s, *input);
  return {};
}

// A turn of a replay; true when the record is at its end and all that follows from it is done.
Result<bool> replay_turn(State& s, HistoryReader& reader) {
  s.meter.turn = 0;
  work(s);
  Event event;
  while (s.recorded && (!has_moves(s) || interrupted(s))) {
    if (s.divergence) return *s.divergence;
    if (turn_over(s)) return false;
    const auto more = reader.next(event);
    if (!more) return more.error();
    if (!*more) {
      s.recorded = nullptr;
      break;
    }
    s.head = reader.head();
    look_ahead(s);
    if (auto replayed = replay_input(s, event); !replayed) return replayed.error();
  }
  if (s.divergence) return *s.divergence;
  return !has_moves(s);
}

// What waits of a tick: each timer that is due fires when all that the one before led to is done.
void fire_due(State& s) {
  while (s.ticking && !has_moves(s)) {
    if (s.status != RunStatus::running || s.timers.empty() || s.timers[0].due_ms > s.now_ms) {
      s.ticking = false;
      return;
    }
    if (turn_over(s)) return;
    const Timer timer = s.timers[0];
    record(s, EventKind::timer_fired, &s.instances[timer.slot],
           joined({"\"", name_of(timer.kind), "\""}));
    apply(s, {EventKind::timer_fired, timer.slot, nullptr, timer.kind});
  }
}

}  // namespace

Run::Run(std::unique_ptr<State> state) : state_(std::move(state)) {}
Run::Run(Run&&) noexcept = default;
Run& Run::operator=(Run&&) noexcept = default;
Run::~Run() = default;

Result<Run> Run::start(DefinitionPtr definition, std::string_view input, RunOptions options) {
  auto value = read_value(input);
  if (!value) return value.error();
  std::uint64_t checking = 0;
  if (definition->input_schema != kNone)
    if (const auto faults = definition->schemas[definition->input_schema]->faults(*value, checking);
        !faults.empty())
      return make_error("bad_input", {"the input does not fit: ", faults.front()}, {"input"},
                        {"an input that fits the workflow's schema"}, {});
  if (options.generation > kGenerationsMax)
    return make_error("too_much_work",
                      {"the run goes on for more than ", kGenerationsMax, " runs before it"}, {},
                      {"a run that is begun anew"}, {});
  auto state = fresh(std::move(definition));
  State& s = *state;
  s.now_ms = options.now_ms;
  s.meter.turn_max = std::max<std::uint64_t>(options.turn_work_max, 1);
  char seed[24];
  int digits = 0;
  std::string seed_text;
  for (std::uint64_t rest = options.seed; digits == 0 || rest > 0; rest /= 10)
    seed[digits++] = static_cast<char>('0' + rest % 10);
  while (digits > 0)
    seed_text.push_back(seed[--digits]);
  Json started{{"id", options.id}, {"seed", seed_text}, {"input", std::move(*value)}};
  if (options.generation > 0) {
    started["generation"] = options.generation;
    started["work"] = options.work;
  }
  record(s, EventKind::started, nullptr, canonical(started));
  begin(s, std::move(started));
  work(s);
  return Run(std::move(state));
}

struct Replay::Parts {
  std::unique_ptr<State> state;
  HistoryReader reader;
};

Replay::Replay(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {
  parts_->state->recorded = &parts_->reader;
}
Replay::Replay(Replay&&) noexcept = default;
Replay& Replay::operator=(Replay&&) noexcept = default;
Replay::~Replay() = default;

Result<Replay> Replay::begin(DefinitionPtr definition, std::string_view history) {
  auto reader = HistoryReader::open(history);
  if (!reader) return reader.error();
  if (reader->definition() != definition->hash)
    return make_error("other_definition", {"the history is of another definition"}, {},
                      {hex64(definition->hash)}, {hex64(reader->definition())});
  return Replay(std::make_unique<Parts>(Parts{fresh(std::move(definition)), std::move(*reader)}));
}

Result<Replay> Replay::begin(DefinitionPtr definition, std::string_view snapshot,
                             std::string_view tail) {
  auto state = fresh(std::move(definition));
  if (auto read = read_snapshot(snapshot, *state); !read) return read.error();
  const ChainHead head = state->head;
  return Replay(std::make_unique<Parts>(Parts{std::move(state), HistoryReader(tail, head)}));
}

void Replay::set_turn_work(std::uint64_t units_max) {
  parts_->state->meter.turn_max = std::max<std::uint64_t>(units_max, 1);
}

Result<bool> Replay::go_on() {
  State& s = *parts_->state;
  auto done = replay_turn(s, parts_->reader);
  if (done && *done && s.instances.empty())
    return make_error("bad_history", {"the history has no events"}, {}, {"started"}, {});
  return done;
}

std::uint64_t Replay::state_bytes() {
  return held_bytes(*parts_->state);
}

Run Replay::run() && {
  parts_->state->recorded = nullptr;
  parts_->state->meter.turn_max = kTurnWorkMax;
  return Run(std::move(parts_->state));
}

namespace {

template <class Replaying>
Result<Replaying> all_of(Result<Replaying> replay) {
  if (!replay) return replay;
  replay->set_turn_work(kUnboundedTurn);
  for (;;) {
    const auto done = replay->go_on();
    if (!done) return done.error();
    if (*done) return replay;
  }
}

}  // namespace

Result<Run> Run::replay(DefinitionPtr definition, std::string_view history) {
  auto replay = all_of(Replay::begin(std::move(definition), history));
  if (!replay) return replay.error();
  return std::move(*replay).run();
}

Result<std::string> Run::migrate(DefinitionPtr definition, std::string_view history) {
  auto reader = HistoryReader::open(history);
  if (!reader) return reader.error();
  std::string moved = history_header(definition->hash);
  ChainHead head = chain_start(moved);
  Event event;
  for (;;) {
    const auto more = reader->next(event);
    if (!more) return more.error();
    if (!*more) break;
    append_event(event, head, moved);
  }
  const auto replayed = replay(std::move(definition), moved);
  if (!replayed) return replayed.error();
  return moved;
}

Result<Run> Run::restore(DefinitionPtr definition, std::string_view snapshot,
                         std::string_view tail) {
  auto replay = all_of(Replay::begin(std::move(definition), snapshot, tail));
  if (!replay) return replay.error();
  return std::move(*replay).run();
}

namespace {

Given ignore(State& s, std::string_view id) {
  if (s.ignored >= kIgnoredMax) return Given::ignored;
  std::string payload = "{\"id\":";
  write_canonical_text(id, payload);
  payload.push_back('}');
  record(s, EventKind::ignored, nullptr, payload);
  ++s.ignored;
  return Given::ignored;
}

Error refused(const char* code, Pieces message, std::string_view expected, std::string_view got) {
  return make_error(code, message, {}, {expected}, {got});
}

constexpr std::size_t kQuestionsToldMax = 10;

// The open question of the step of this name. kNone where there is none, and an error that tells
// their ids where several are open: of a step's branches, rounds at once or items.
Result<Slot> question_of_step(const State& s, std::string_view name) {
  Slot found = kNone;
  std::size_t count = 0;
  std::string ids;
  for (const Slot slot : s.calling) {
    const Instance& i = s.instances[slot];
    if (!is_asked(s, slot) || s.definition->step_name(i.step) != name) continue;
    found = slot;
    if (++count <= kQuestionsToldMax) ids += (count == 1 ? "" : ", ") + effect_id(s, i);
  }
  if (count <= 1) return found;
  if (count > kQuestionsToldMax) ids += joined({" and ", count - kQuestionsToldMax, " more"});
  return refused("ambiguous_question",
                 {"the step \"", name, "\" asks ", count, " questions: name one of ", ids}, ids,
                 name);
}

// For an effect or a person's answer: to the step that waits for it. A person may name the step.
Result<Given> give_answer(State& s, const Input& input, Value value) {
  Slot slot = find_call(s, input.name);
  if (slot == kNone && input.kind == InputKind::answer) {
    const auto named = question_of_step(s, input.name);
    if (!named) return named.error();
    slot = *named;
  }
  if (slot == kNone) {
    if (known_effect(s, input.name)) return ignore(s, input.name);
    return refused("unknown_effect", {"no step has an effect \"", input.name, "\""},
                   "the id of an effect", input.name);
  }
  Instance& i = s.instances[slot];
  const bool asked = is_asked(s, slot);
  if (asked && input.kind == InputKind::completed)
    return refused("bad_answer", {"\"", input.name, "\" waits for a person's answer"}, "an answer",
                   "a completion");
  if (!asked && input.kind == InputKind::answer)
    return refused("bad_answer", {"\"", input.name, "\" is no question"}, "the id of an ask",
                   input.name);
  // A person can be told at once, and asked again.
  if (const std::uint32_t schema = s.step(i).output;
      asked && schema != kNone && i.phase != Phase::deciding)
    // What is refused leaves no trace: the turn pays for the look, the run does not.
    if (const auto faults = s.definition->schemas[schema]->faults(*value, s.meter.turn);
        !faults.empty())
      return refused("bad_answer", {"the answer does not fit: ", faults.front()},
                     "an answer that fits the step's schema", canonical(*value));
  Applied applied{EventKind::completed, slot, std::move(value), TimerKind::wait};
  if (input.kind == InputKind::failed) applied.kind = EventKind::failed;
  if (input.kind == InputKind::answer) applied.kind = EventKind::answered;
  record(s, applied.kind, &i, canonical(*applied.value));
  apply(s, applied);
  return Given::taken;
}

Given give_tick(State& s) {
  if (s.status != RunStatus::running || s.timers.empty() || s.timers[0].due_ms > s.now_ms)
    return Given::nothing;
  s.ticking = true;
  fire_due(s);
  return Given::taken;
}

Error busy_error(const State& s) {
  return refused("run_busy", {"the run still works off what came in before"},
                 "a run that has nothing left to do", s.id);
}

bool is_busy(const State& s) {
  return has_moves(s) || s.ticking;
}

// Whoever cancels does not wait for what is to be cancelled.
Given interrupt(State& s, const Input& input) {
  s.meter.turn = 0;
  s.now_ms = std::max(s.now_ms, input.now_ms + s.clock_ms);
  const Applied cancel{
      .kind = EventKind::cancelled_by,
      .value = shared({{"reason", std::string(input.name)}, {"work", s.meter.work}})};
  record(s, cancel.kind, nullptr, canonical(*cancel.value));
  apply(s, cancel);
  return Given::taken;
}

}  // namespace

Result<Given> Run::give(const Input& input) {
  State& s = *state_;
  if (s.status == RunStatus::parked)
    return refused("run_parked", {"the run is parked: it was moved to another host"},
                   "a run that is taken over, or a fork of it", s.id);
  if (is_busy(s) && input.kind == InputKind::cancel) return interrupt(s, input);
  if (is_busy(s)) return busy_error(s);
  s.meter.turn = 0;
  auto value = read_value(input.value);
  if (!value) return value.error();
  if (input.kind == InputKind::signal && s.signals.size() >= kSignalsMax)
    return refused("too_many_signals", {"too many signals wait to be taken"},
                   "a signal that is waited for", input.name);
  const std::int64_t before = s.now_ms;
  s.now_ms = std::max(s.now_ms, input.now_ms + s.clock_ms);
  if (input.kind == InputKind::completed || input.kind == InputKind::failed ||
      input.kind == InputKind::answer) {
    auto given = give_answer(s, input, shared(std::move(*value)));
    if (!given) s.now_ms = before;
    return given;
  }
  if (s.status != RunStatus::running) {
    s.now_ms = before;
    if (input.kind == InputKind::tick) return Given::nothing;
    return refused("run_over", {"the run is ", name_of(s.status)}, "a run that is running", s.id);
  }
  if (input.kind == InputKind::tick) {
    const Given given = give_tick(s);
    if (given == Given::nothing) s.now_ms = before;
    return given;
  }
  Applied applied;
  if (input.kind == InputKind::signal) {
    applied.kind = EventKind::signalled;
    applied.value = shared({{"name", std::string(input.name)}, {"value", std::move(*value)}});
  } else if (input.kind == InputKind::cancel) {
    applied.kind = EventKind::cancelled_by;
    applied.value = shared({{"reason", std::string(input.name)}});
  }
  record(s, applied.kind, nullptr, applied.value ? canonical(*applied.value) : std::string());
  apply(s, applied);
  return Given::taken;
}

Result<void> Run::park(std::int64_t now_ms) {
  State& s = *state_;
  if (s.status == RunStatus::parked)
    return refused("run_parked", {"the run is parked already"}, "a run that is running", s.id);
  if (is_busy(s)) return busy_error(s);
  if (s.status != RunStatus::running)
    return refused("run_over", {"the run is ", name_of(s.status)}, "a run that is running", s.id);
  if (const Slot slot = once_at_stake(s); slot != kNone)
    return refused("once_under_way",
                   {"the outcome of ", effect_id(s, s.instances[slot]), " would be lost"},
                   "no effect of the class once under way", effect_id(s, s.instances[slot]));
  s.now_ms = std::max(s.now_ms, now_ms + s.clock_ms);
  const Json payload{{"epoch", s.epoch}};
  record(s, EventKind::moved, nullptr, canonical(payload));
  apply_move(s, EventKind::moved, payload);
  for (const Slot slot : s.calling)
    s.out.withdrawn.push_back(effect_id(s, s.instances[slot]));
  return {};
}

Result<void> Run::take_over(const TakeOver& by) {
  State& s = *state_;
  if (s.status != RunStatus::parked)
    return refused("not_parked", {"the run is ", name_of(s.status), ", not parked"},
                   "a run that its host has parked", s.id);
  Json payload{{"epoch", by.epoch}, {"offset_ms", by.clock_offset_ms}};
  if (!by.denied.empty()) payload["denied"] = by.denied;
  if (!fits_move(s, EventKind::imported, payload))
    return refused("bad_move", {"the run cannot be taken over so: ", canonical(payload)},
                   joined({"epoch ", s.epoch + 1}), s.id);
  s.meter.turn = 0;
  s.moves_made = 0;
  s.now_ms = std::max(s.now_ms, by.now_ms + s.clock_ms - by.clock_offset_ms);
  record(s, EventKind::imported, nullptr, canonical(payload));
  apply_move(s, EventKind::imported, payload);
  work(s);
  return {};
}

Taken Run::take() {
  State& s = *state_;
  Taken taken = std::exchange(s.out, Taken{});
  if (is_busy(s)) {
    // What a later turn withdraws is not carried out.
    s.out.effects = std::exchange(taken.effects, {});
    s.out.withdrawn = std::exchange(taken.withdrawn, {});
    return taken;
  }
  s.handed.clear();
  taken.effects.erase(std::remove_if(taken.effects.begin(), taken.effects.end(),
                                     [](const Effect& effect) { return effect.id.empty(); }),
                      taken.effects.end());
  return taken;
}

bool Run::busy() const {
  return is_busy(*state_);
}

void Run::go_on() {
  State& s = *state_;
  s.meter.turn = 0;
  work(s);
  fire_due(s);
}

void Run::set_turn_work(std::uint64_t units_max) {
  state_->meter.turn_max = std::max<std::uint64_t>(units_max, 1);
}

std::uint64_t Run::work_units() const {
  return state_->meter.work;
}

std::uint64_t Run::state_bytes() {
  return held_bytes(*state_);
}
std::uint32_t Run::generation() const {
  return state_->meter.generation;
}

RunStatus Run::status() const {
  return state_->status;
}
std::uint32_t Run::epoch() const {
  return state_->epoch;
}
bool Run::only_waits() const {
  const State& s = *state_;
  if (s.status != RunStatus::running || is_busy(s)) return false;
  return std::all_of(s.calling.begin(), s.calling.end(),
                     [&s](const Slot slot) { return is_asked(s, slot); });
}
std::int64_t Run::next_timer_ms() const {
  const State& s = *state_;
  if (s.timers.empty() || s.status == RunStatus::parked) return 0;
  return std::max<std::int64_t>(s.timers.front().due_ms - s.clock_ms, 1);
}
std::int64_t Run::now_ms() const {
  return state_->now_ms;
}
const std::string& Run::id() const {
  return state_->id;
}
const DefinitionPtr& Run::definition() const {
  return state_->definition;
}
const ChainHead& Run::head() const {
  return state_->head;
}

std::string Run::outcome() const {
  if (state_->status == RunStatus::running || state_->status == RunStatus::parked) return {};
  return state_->outcome ? canonical(*state_->outcome) : "null";
}

std::string Run::snapshot() const {
  return write_snapshot(*state_);
}
std::uint64_t Run::state_hash() const {
  return state_hash_of(*state_);
}

std::uint64_t Run::result_hash() const {
  Hash64 hash;
  hash.add(static_cast<std::uint64_t>(state_->status));
  hash.add_bytes(outcome());
  hash.add(channels_hash(state_->scopes[0]));
  for (const Value& output : state_->scopes[0].outputs)
    hash.add(output ? canonical_hash(*output) : 0);
  return hash.value();
}

std::string Run::channel(std::string_view name) const {
  const auto& channels = state_->definition->channels;
  for (std::size_t c = 0; c < channels.size(); ++c)
    if (channels[c].name == name) return canonical(*state_->scopes[0].channels[c].value);
  return {};
}

std::vector<Effect> Run::open_effects() const {
  std::vector<Effect> open;
  for (const Slot slot : state_->calling)
    open.push_back(effect_of(*state_, state_->instances[slot]));
  return open;
}

}  // namespace redoubt::workflow
