// A run's turns: what is stored, what follows once it is stored, and what is told of it.
#include <algorithm>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/host/parts.hpp"

namespace redoubt::workflow {
namespace {

/// A view that is kept, so that telling it again costs no more than its bytes.
constexpr std::size_t view_kept_bytes_max = 64u << 10;

}  // namespace

// --- in memory ---

Fleet::Parts::Open* Fleet::Parts::find(const RunKey& key) {
  const auto found = open_runs.find(key);
  return found == open_runs.end() ? nullptr : found->second.get();
}

Fleet::Parts::Open* Fleet::Parts::find(const RunRef& ref) {
  Open* open = find(ref.key);
  return open && open->ref.serial == ref.serial ? open : nullptr;
}

Fleet::Parts::Open& Fleet::Parts::hold(Run run, RunKey key, RunRecord record) {
  run.set_turn_work(bounds().turn_work_max);
  auto made = std::make_unique<Open>(std::move(run), RunRef{key, ++serials});
  made->record = std::move(record);
  made->has_ended = made->record.ended_ms > 0;
  Open& open = *(open_runs[key] = std::move(made));
  weigh(open);
  keep_within_memory(key.owner, &open);
  return open;
}

/// A run that the store does not know: its first Store begins it.
Fleet::Parts::Open& Fleet::Parts::hold_new(const RunKey& key, Run run, RunRecord record) {
  const DefinitionPtr definition = run.definition();
  record.workflow = definition->name;
  record.started_ms = now_ms;
  if (record.root.empty()) record.root = key.id;
  Open& open = hold(std::move(run), key, std::move(record));
  open.first.emplace();
  open.first->how = action::Store::How::create;
  open.first->record.definition = definition->bytes;
  open.first->frames = history_header(definition->hash);
  weigh(open);
  return open;
}

std::unique_ptr<Fleet::Parts::Open> Fleet::Parts::let_go(const RunKey& key) {
  const auto found = open_runs.find(key);
  if (found == open_runs.end()) return nullptr;
  std::unique_ptr<Open> open = std::move(found->second);
  set_timer(*open, 0);
  open_runs.erase(found);
  count(key.owner, open->weight, 0);
  return open;
}

/// Everybody who waits for the run is told why it will not come.
void Fleet::Parts::leave(const RunKey& key, const Error& why) {
  const std::unique_ptr<Open> open = let_go(key);
  if (!open) return;
  drop_effects(*open);
  tell_callers(*open, why);
  for (const Waiter& waiter : std::exchange(open->waiters, {}))
    tell_parent(key.owner, waiter, true, failure_of(key, why));
  tell_followers(*open, why);
  actions.push_back(action::Left{open->ref, 0, why});
}

/// Whoever asked from outside; what they wanted to give and was not given yet is not.
void Fleet::Parts::tell_callers(Open& open, const Error& why) {
  std::deque<Waiting> own;
  for (Waiting& input : std::exchange(open.inputs, {})) {
    if (input.from_outside)
      tell(input.call, why);
    else
      own.push_back(std::move(input));
  }
  open.inputs = std::move(own);
  open.inputs_bytes = 0;
  for (const Viewer& viewer : std::exchange(open.viewers, {}))
    tell(viewer.call, why);
  fail_exports(open, why);
}

// --- turns ---

void Fleet::Parts::turn(const RunKey& key) {
  const bool is_coming = coming.count(key) > 0;
  if (loading.count(key) > 0) {
    replay_on(key);
    if (!is_coming) return;  // what was read has turns of its own
  }
  // Also while somebody looks at the run in whose place it comes, which may be read back for that.
  if (is_coming && coming.count(key) > 0) import_on(key);
  Open* open = find(key);
  if (open && !open->erasing) work(*open);
}

void Fleet::Parts::work(Open& open) {
  if (open.storing) return;  // what is stored gives the next turn
  if (open.first) return keep(open);
  if (open.run.busy()) {
    // A cancellation does not wait for what it cancels.
    if (!open.inputs.empty() && open.inputs.front().kind == InputKind::cancel)
      give_one(open);
    else if (waits_for_room(open))
      return;
    else
      open.run.go_on();
    return keep(open);
  }
  if (!open.builtins.empty()) {
    begin_builtin(open);
    return schedule(open.ref.key);
  }
  if (!open.inputs.empty()) {
    give_one(open);
    return keep(open);
  }
  rest(open);
}

void Fleet::Parts::give_one(Open& open) {
  const Waiting next = std::move(open.inputs.front());
  open.inputs.pop_front();
  if (next.from_outside) open.inputs_bytes -= next.value.size();
  const auto given = open.run.give({next.kind, now_ms, next.name, next.value});
  const bool is_effect = next.kind == InputKind::completed || next.kind == InputKind::failed;
  // What its run cannot read is a failure, too: nobody will say it again.
  if (!given && is_effect)
    (void)open.run.give({InputKind::failed, now_ms, next.name, failure_value(given.error())});
  if (!next.from_outside) return;
  if (!given) return tell(next.call, given.error());
  add_viewer(open, next.call);
}

// --- storing ---

void Fleet::Parts::keep(Open& open) {
  // Before what its history does not hold is begun: of an effect of the class once that was not, it
  // says that nobody knows.
  if (open.resuming && !open.run.busy()) {
    open.resuming = false;
    // Refused by one that was cancelled meanwhile.
    (void)open.run.give({InputKind::resumed, now_ms, {}, {}});
  }
  Taken taken = open.run.take();
  weigh(open);
  keep_within_memory(open.ref.key.owner, &open);
  if (taken.count == 0 && !open.first) {
    carry_out(open, std::move(taken));
    if (!open.run.busy()) release(open);
    answer_viewers(open, false);
    return schedule(open.ref.key);
  }
  const RunStatus status = open.run.status();
  // One that goes on in another run is over when that one is stored.
  if (is_over(status) && status != RunStatus::continued && open.record.ended_ms == 0)
    open.record.ended_ms = now_ms;
  action::Store order = open.first ? std::move(*open.first) : action::Store{};
  open.first.reset();
  order.frames += taken.events;
  const std::uint64_t seq = open.run.head().seq;
  if (!open.run.busy() && seq - open.snapshot_seq >= bounds().snapshot_events &&
      open.run.state_bytes() <= bounds().snapshot_memory_bytes_max) {
    order.snapshot = open.run.snapshot();
    order.snapshot_seq = open.snapshot_seq = seq;
  }
  open.changed = true;
  open.taken = std::move(taken);
  store(open, std::move(order));
}

/// What stands in the record of the run as it is now, and the events of the order.
void Fleet::Parts::store(Open& open, action::Store order) {
  RunRecord& record = open.record;
  record.status = open.run.status();
  record.only_waits = open.run.only_waits();
  record.wake_ms = record.only_waits ? open.run.next_timer_ms() : 0;
  order.run = open.ref;
  set_timer(open, 0);
  std::string definition = std::move(order.record.definition);
  order.record = record;
  order.record.definition = std::move(definition);
  order.rests = !open.run.busy();
  order.ends = record.ended_ms > 0 && !std::exchange(open.has_ended, record.ended_ms > 0);
  open.storing = std::move(order);
  actions.push_back(*open.storing);
}

void Fleet::Parts::stored(Open& open) {
  if (open.storing->rests) open.marked = false;
  ++open.record.stores;
  open.storing.reset();
  open.stores_failed = 0;
  weigh(open);
  carry_out(open, std::exchange(open.taken, {}));
  tell_followers(open, {});
  if (open.run.busy() && !std::exchange(open.shown_at_work, true)) tell_changed(open, {});
  answer_viewers(open, false);
  schedule(open.ref.key);
}

void Fleet::Parts::not_stored(Open& open, const Error& error) {
  // Nothing of a new run was begun: its owner may try again. One that is gone does not come back.
  const bool is_new = open.storing->how != action::Store::How::append;
  if (is_new || error.code == "unknown_run" || bounds().store_retry_ms < 0)
    return leave(RunKey(open.ref.key), error);
  const int failed = ++open.stores_failed;
  if (failed >= bounds().stores_failed_max) tell_callers(open, error);
  if (failed == bounds().stores_failed_max) tell_changed(open, error);
  set_timer(open, now_ms + bounds().store_retry_ms);
}

// --- what follows from what is stored ---

void Fleet::Parts::carry_out(Open& open, Taken taken) {
  for (const std::string& id : taken.withdrawn)
    drop_effect(open, id);
  for (Progress& shown : taken.progress)
    actions.push_back(action::Show{open.ref.key, std::move(shown)});
  for (Effect& effect : taken.effects)
    begin(open, std::move(effect));
}

void Fleet::Parts::begin(Open& open, Effect effect) {
  switch (effect.kind) {
    case StepKind::builtin:
      open.builtins.push_back(std::move(effect));
      return;
    case StepKind::child:
      return begin_child(open, effect);
    case StepKind::ask:
      actions.push_back(action::Begin{open.ref, std::move(effect)});
      return;
    default:
      open.begun.insert(effect.id);
      actions.push_back(action::Begin{open.ref, std::move(effect)});
  }
}

/// One, because a built-in may take as long as a turn.
void Fleet::Parts::begin_builtin(Open& open) {
  Effect effect = std::move(open.builtins.front());
  open.builtins.pop_front();
  open.begun.insert(effect.id);
  actions.push_back(action::Begin{open.ref, std::move(effect)});
}

void Fleet::Parts::finish(Open& open, const std::string& effect, bool failed, std::string value) {
  open.inputs.push_back({.kind = failed ? InputKind::failed : InputKind::completed,
                         .name = effect,
                         .value = std::move(value)});
}

void Fleet::Parts::drop_effect(Open& open, const std::string& effect) {
  if (const auto child = open.children.find(effect); child != open.children.end()) {
    const RunKey key{open.ref.key.owner, child->second};
    open.children.erase(child);
    return cancel_child(key, {open.ref.key.id, effect});
  }
  const auto is_it = [&effect](const Effect& one) { return one.id == effect; };
  if (std::erase_if(open.builtins, is_it) > 0) return;
  open.begun.erase(effect);
  actions.push_back(action::Withdraw{open.ref, effect});
}

void Fleet::Parts::drop_effects(Open& open) {
  for (const auto& [effect, child] : std::exchange(open.children, {}))
    cancel_child({open.ref.key.owner, child}, {open.ref.key.id, effect});
  open.builtins.clear();
  for (const std::string& effect : std::exchange(open.begun, {}))
    actions.push_back(action::Withdraw{open.ref, effect});
}

// --- at rest ---

/// Nothing is to be given, worked on or stored: whoever waits for that is told, and the clock is
/// set.
void Fleet::Parts::rest(Open& open) {
  if (!open.exports.empty() && open.run.status() == RunStatus::running) {
    const auto parked = open.run.park(now_ms);
    if (parked) return keep(open);
    fail_exports(open, parked.error());
  }
  tell_followers(open, {});
  answer_viewers(open, true);
  open.shown_at_work = false;
  if (std::exchange(open.changed, false)) tell_changed(open, {});
  read_for_bundle(open);
  if (open.run.status() == RunStatus::running) {
    set_timer(open, open.run.next_timer_ms());
    return keep_waiting(open);
  }
  if (!open.following) set_timer(open, 0);
  drop_effects(open);
  if (open.run.status() == RunStatus::continued)
    follow(open);
  else
    tell_waiters(open);
  keep_idle(open);
}

/// The store has the run as being read, and nothing that would say that it was.
void Fleet::Parts::release(Open& open) {
  if (std::exchange(open.marked, false))
    actions.push_back(action::Release{open.ref.key, open.record.memory_bytes});
}

// --- what is told of it ---

void Fleet::Parts::tell_changed(Open& open, std::optional<Error> fault) {
  actions.push_back(action::Changed{open.ref.key, std::move(fault)});
}

Text Fleet::Parts::view(Open& open) {
  const Run& run = open.run;
  if (open.view && open.view_seq == run.head().seq && !run.busy()) return open.view;
  Json questions = Json::array();
  for (const Effect& effect : run.open_effects()) {
    if (effect.kind != StepKind::ask) continue;
    Json asked = payload_json(effect.request);
    const bool has_text = asked.is_object() && asked.contains("question");
    questions.push_back({{"id", effect.id}, {"question", has_text ? asked["question"] : asked}});
  }
  auto made = std::make_shared<const std::string>(
      canonical(Json{{"id", open.ref.key.id},
                     {"workflow", open.record.workflow},
                     {"sha256", hex64(run.definition()->hash)},
                     {"status", name_of(run.status())},
                     {"started_ms", open.record.started_ms},
                     {"ended_ms", open.record.ended_ms},
                     {"events", run.head().seq},
                     {"epoch", run.epoch()},
                     {"outcome", payload_json(run.outcome())},
                     {"questions", std::move(questions)},
                     {"state_hash", std::to_string(run.state_hash())}}));
  const bool is_kept = made->size() <= view_kept_bytes_max && !run.busy();
  open.view_seq = run.head().seq;
  open.view = is_kept ? made : nullptr;
  return made;
}

/// What was taken is stored. A run that does not come to rest is shown as it stands after a few
/// turns.
void Fleet::Parts::answer_viewers(Open& open, bool rests) {
  if (open.viewers.empty()) return;
  Text shown;
  for (Viewer& viewer : std::exchange(open.viewers, {})) {
    if (!rests && ++viewer.turns <= bounds().view_turns_max) {
      open.viewers.push_back(viewer);
      continue;
    }
    if (!shown) shown = view(open);
    tell(viewer.call, shown);
  }
}

/// Told the run's view when it rests.
void Fleet::Parts::add_viewer(Open& open, Call call) {
  if (call != 0) open.viewers.push_back({call});
}

// --- bundles ---

/// One bundle is made at a time: a bundle and the history in it are as long as everything that the
/// run was given.
void Fleet::Parts::read_for_bundle(Open& open) {
  if (open.exports.empty() || open.run.status() == RunStatus::running) return;
  if (reading_for_bundle) {
    bundles_due.push_back(open.ref);
    return;
  }
  reading_for_bundle = open.ref;
  actions.push_back(action::ReadHistory{open.ref});
}

void Fleet::Parts::history_read(const RunRef& ref, Result<std::string> history) {
  if (reading_for_bundle != ref) return;
  reading_for_bundle.reset();
  if (Open* open = find(ref)) give_bundle(*open, std::move(history));
  // A run may have been removed, or have gone on, since its bundle was due.
  while (!reading_for_bundle && !bundles_due.empty()) {
    const RunRef next = std::move(bundles_due.front());
    bundles_due.pop_front();
    if (Open* open = find(next)) read_for_bundle(*open);
  }
}

void Fleet::Parts::give_bundle(Open& open, Result<std::string> history) {
  if (!history) return fail_exports(open, history.error());
  const SigningKey& key = options.key;
  // One that is exported again has its signature already.
  const bool is_signed =
      !open.checkpoints.empty() && open.checkpoints.back().head.seq == open.run.head().seq;
  if (!key.id.empty() && !is_signed && open.checkpoints.size() < kCheckpointsMax)
    open.checkpoints.push_back(sign_checkpoint(open.run, open.ref.key.owner, {}, key));
  const auto bundle = workflow::export_run(open.run, std::move(*history), open.checkpoints);
  if (!bundle) return fail_exports(open, bundle.error());
  const auto bytes = std::make_shared<const std::string>(write_bundle(*bundle));
  for (const Call call : std::exchange(open.exports, {}))
    tell(call, bytes);
}

void Fleet::Parts::fail_exports(Open& open, const Error& error) {
  for (const Call call : std::exchange(open.exports, {}))
    tell(call, error);
}

}  // namespace redoubt::workflow
