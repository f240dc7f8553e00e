// Turns of runs: what is stored, and what is done once it is stored.
#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/agents/memory_call.hpp"
#include "engine/base/message.hpp"
#include "engine/play/builtins.hpp"
#include "relay/runs/run_host.hpp"

namespace redoubt::runs {

using workflow::Effect;
using workflow::InputKind;
using workflow::Run;
using workflow::RunStatus;
using workflow::StepKind;

bool is_over(RunStatus status) {
  return status != RunStatus::running && status != RunStatus::parked;
}

RunHost::Open* RunHost::find(const RunKey& key) {
  const auto found = open_.find(key);
  return found == open_.end() ? nullptr : found->second.get();
}

RunHost::Open* RunHost::find(const Ref& ref) {
  Open* open = find(ref.key);
  return open && open->serial == ref.serial ? open : nullptr;
}

RunHost::Open& RunHost::hold(Run run, StoredRun stored) {
  const RunKey key = stored.key;
  let_go(key);
  Open& open =
      *(open_[key] = std::make_unique<Open>(std::move(run), std::move(stored), ++serials_, io_));
  weigh(open);
  keep_within_memory(key.owner, &open);
  return open;
}

std::unique_ptr<RunHost::Open> RunHost::let_go(const RunKey& key) {
  const auto found = open_.find(key);
  if (found == open_.end()) return nullptr;
  std::unique_ptr<Open> open = std::move(found->second);
  open_.erase(found);
  count(key.owner, open->weight, 0);
  return open;
}

/// Something of the owner takes so much now, where it was counted otherwise.
void RunHost::count(const auth::Identity& owner, std::uint64_t& counted, std::uint64_t now) {
  weight_ += now - counted;
  std::uint64_t& own = weights_[owner];
  own += now - counted;
  counted = now;
  if (own == 0) weights_.erase(owner);
}

/// What the run takes in memory, after whatever changed it; its texts only until they are stored.
void RunHost::weigh(Open& open) {
  const std::uint64_t memory =
      open.run.state_bytes() + open.inputs_bytes + open.run.definition()->memory_bytes;
  open.stored.memory_bytes = std::max(open.stored.memory_bytes, memory);
  count(open.stored.key.owner, open.weight,
        memory + open.stored.definition.size() + open.stored.history.size());
}

/// Makes room for the owner's run, which is new or has grown, at the cost of those that rest.
void RunHost::keep_within_memory(const auth::Identity& owner, const Open* open) {
  make_room(owner, open, 0);
  if (weight_ > around_.weight_all_max) cancel_heaviest();
}

/// Over half of the bounds runs that rest leave, and below that until so many bytes fit in.
void RunHost::make_room(const auth::Identity& owner, const Open* open, std::uint64_t bytes) {
  put_out_while(idle_, owner, open, bytes);
  put_out_while(waiting_, owner, open, bytes);
}

void RunHost::put_out_while(std::deque<Ref>& resting, const auth::Identity& owner, const Open* open,
                            std::uint64_t bytes) {
  const auto is_over = [bytes](std::uint64_t weight, std::uint64_t most) {
    return weight > most / 2 || weight + bytes > most;
  };
  const auto all_are_over = [&] { return is_over(weight_, around_.weight_all_max); };
  const auto owner_is_over = [&] {
    const auto found = weights_.find(owner);
    return found != weights_.end() && is_over(found->second, store_.bounds().weight_max);
  };
  for (std::size_t left = std::min(resting.size(), put_out_looked_max);
       left > 0 && (all_are_over() || owner_is_over()); --left) {
    const Ref next = std::move(resting.front());
    resting.pop_front();
    Open* other = find(next);
    if (!other) continue;
    const bool helps = all_are_over() || next.key.owner == owner;
    if (other == open || !helps) {
      resting.push_back(next);
      continue;
    }
    other->is_idle = other->is_waiting = false;
    if (is_needed(next.key, *other)) continue;
    if (other->run.status() == RunStatus::running) wake_at(other->run.next_timer_ms());
    let_go(next.key);
  }
}

/// Whether somebody waits for the run here, or something that the store does not know.
bool RunHost::is_needed(const RunKey& key, const Open& open) const {
  // An import has noted of the run what it needs, or is to find that it was begun meanwhile.
  if (const auto found = importing_.find(key); found != importing_.end() && !found->second.before)
    return true;
  const RunStatus status = open.run.status();
  if (status == RunStatus::running) {
    const std::int64_t due = open.run.next_timer_ms();
    if (!open.stored.waits || !open.run.only_waits() ||
        (due > 0 && due < around_.wall_now_ms() + rest_ms_min))
      return true;
  }
  return open.fresh || open.storing || open.marked || open.exporting || open.removing ||
         open.following || open.run.busy() || !open.inputs.empty() || !open.builtins.empty() ||
         !open.models.empty() || !open.children.empty() || !open.waiters.empty() ||
         !open.viewers.empty() || !open.exports.empty();
}

/// Imports go first: they can be sent again. Runs that are being cancelled count as gone.
void RunHost::cancel_heaviest() {
  std::uint64_t going = 0;
  Open* heaviest = nullptr;
  for (const auto& [key, open] : open_) {
    if (open->over_bytes) {
      going += open->weight;
    } else if (open->run.status() == RunStatus::running &&
               (!heaviest || open->weight > heaviest->weight)) {
      heaviest = open.get();
    }
  }
  const auto is_over = [&] { return weight_ - going > around_.weight_all_max; };
  while (is_over() && end_heaviest_import(nullptr)) {
  }
  if (!heaviest || !is_over()) return;
  heaviest->over_bytes = true;
  heaviest->inputs.push_front(
      {InputKind::cancel,
       joined({"the runs of all owners take more than ", around_.weight_all_max >> 20,
               " MiB of memory, and this one the most: try again later"}),
       {},
       {}});
  schedule(heaviest->stored.key);
}

/// Over the bound a run that may grow much takes its turns slowly, and never stands still.
bool RunHost::waits_for_room(Open& open) {
  if (weight_ <= around_.weight_all_max || open.over_bytes ||
      open.weight <= around_.weight_all_max / light_share)
    return false;
  open.has_waited = !open.has_waited;
  if (!open.has_waited) return false;
  const bool first = crowded_.empty();
  crowded_.insert(open.stored.key);
  if (!first) return true;
  crowded_timer_.expires_after(std::chrono::milliseconds(crowded_ms));
  crowded_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopping_) return;
    for (const RunKey& key : std::exchange(crowded_, {}))
      schedule(key);
  });
  return true;
}

/// A run that grows over what its owner may keep is cancelled: it cannot be refused any more.
void RunHost::hold_within_bounds(Open& open, const OwnerUse& use) {
  const OwnerBounds& bounds = store_.bounds();
  const bool stored = use.bytes > bounds.bytes_max;
  const auto owner_is_over = [&] {
    const auto found = weights_.find(open.stored.key.owner);
    return found != weights_.end() && found->second > bounds.weight_max;
  };
  while (owner_is_over() && end_heaviest_import(&open.stored.key.owner)) {
  }
  if (!stored && !owner_is_over()) return;
  if (open.run.status() != RunStatus::running || std::exchange(open.over_bytes, true)) return;
  const std::uint64_t most =
      stored ? static_cast<std::uint64_t>(bounds.bytes_max) : bounds.weight_max;
  std::string reason = joined({"its owner's runs take more than ", most >> 20,
                               stored ? " MiB here: remove some that are over"
                                      : " MiB of memory: have fewer of them under way"});
  open.inputs.push_front({InputKind::cancel, std::move(reason), {}, {}});
}

RunHost::Open& RunHost::hold_new(const Owner& owner, Run run, std::string root, int depth) {
  const workflow::DefinitionPtr definition = run.definition();
  StoredRun stored;
  stored.key = {owner.identity, run.id()};
  stored.limits = owner.limits;
  stored.workflow = definition->name;
  stored.definition = definition->bytes;
  stored.started_ms = around_.wall_now_ms();
  stored.root = root.empty() ? run.id() : std::move(root);
  stored.depth = depth;
  stored.history = workflow::history_header(definition->hash);
  started_.add();
  Open& open = hold(std::move(run), std::move(stored));
  open.fresh = true;
  return open;
}

// --- leaving ---

/// Everybody who waits for the run is told why it will not come.
void RunHost::tell_all(Open& open, const Error& why) {
  tell_callers(open, why);
  for (const Waiter& waiter : std::exchange(open.waiters, {}))
    tell_parent(open.stored.key.owner, waiter, true, failure_of(&open.stored.key, why));
}

/// Whoever asked from outside; what they wanted to give and was not given yet is not.
void RunHost::tell_callers(Open& open, const Error& why) {
  std::deque<Waiting> own;
  for (Waiting& input : std::exchange(open.inputs, {})) {
    if (!input.callback) {
      own.push_back(std::move(input));
      continue;
    }
    open.inputs_bytes -= input.value.size();
    input.callback(why);
  }
  open.inputs = std::move(own);
  for (Viewer& viewer : std::exchange(open.viewers, {}))
    viewer.callback(why);
  fail_exports(open, why);
}

void RunHost::leave(const RunKey& key, const Error& why) {
  if (Watchers* watchers = watchers_of(key)) {
    watchers->end_all();
    forget_watchers(key);
  }
  const std::unique_ptr<Open> open = let_go(key);
  if (!open) return;
  drop_effects(*open);
  tell_all(*open, why);
}

/// What is over or parked stays for a while, and is read again from the store after that.
void RunHost::keep_idle(Open& open) {
  if (open.is_idle) return;
  open.is_idle = true;
  idle_.push_back(open.ref());
  while (idle_.size() > idle_max) {
    const Ref oldest = idle_.front();
    idle_.pop_front();
    Open* other = find(oldest);
    if (!other) continue;
    other->is_idle = false;
    const bool used = other->run.status() == RunStatus::running || is_needed(oldest.key, *other);
    if (!used) let_go(oldest.key);
  }
}

void RunHost::keep_waiting(Open& open) {
  if (open.is_waiting || !open.run.only_waits()) return;
  open.is_waiting = true;
  waiting_.push_back(open.ref());
}

// --- turns ---

void RunHost::schedule(const RunKey& key) {
  queue_.push(key.owner, key);
  pump();
}

/// Schedules the run on our thread. Any thread may call it, and after our end, too.
std::function<void()> RunHost::schedules(const RunKey& key) {
  return [weak = weak_from_this(), key] {
    const auto self = weak.lock();
    if (self) self->post([host = self.get(), key] { host->schedule(key); });
  };
}

// One turn, and then whatever else was asked of the thread meanwhile.
void RunHost::pump() {
  if (pumping_ || queue_.empty()) return;
  pumping_ = true;
  post([this] {
    pumping_ = false;
    if (const auto key = queue_.pop()) turn(*key);
    pump();
  });
}

void RunHost::turn(const RunKey& key) {
  const bool imports = importing_.count(key) > 0;
  if (loading_.count(key) > 0) {
    replay_on(key);
    if (!imports) return;  // what was read has turns of its own
  }
  // Also while somebody looks at the run in whose place it comes, which may be read back for that.
  if (imports && importing_.count(key) > 0) import_on(key);
  if (watch_on(key)) schedule(key);
  Open* open = find(key);
  if (open && !open->removing) work(*open);
}

void RunHost::work(Open& open) {
  if (open.storing) return;  // what is stored gives the next turn
  if (open.fresh) return keep(open);
  if (open.run.busy()) {
    // A cancellation does not wait for what it cancels.
    if (!open.inputs.empty() && open.inputs.front().kind == InputKind::cancel) {
      give_one(open);
    } else if (waits_for_room(open)) {
      return;
    } else {
      open.run.go_on();
    }
    return keep(open);
  }
  if (!open.builtins.empty()) {
    carry_out_builtin(open);
    return schedule(open.stored.key);
  }
  if (!open.inputs.empty()) {
    give_one(open);
    return keep(open);
  }
  rest(open);
}

void RunHost::give_one(Open& open) {
  const Waiting next = std::move(open.inputs.front());
  open.inputs.pop_front();
  if (next.callback) open.inputs_bytes -= next.value.size();
  const auto given = open.run.give({next.kind, around_.wall_now_ms(), next.name, next.value});
  if (!next.callback) return;
  if (!given) return next.callback(given.error());
  open.viewers.push_back({copying(next.callback)});
}

// --- storing ---

void RunHost::keep(Open& open) {
  workflow::Taken taken = open.run.take();
  weigh(open);
  keep_within_memory(open.stored.key.owner, &open);
  if (taken.count == 0 && !open.fresh) {
    for (const std::string& id : taken.withdrawn)
      drop_effect(open, id);
    for (const Effect& effect : taken.effects)
      begin_effect(open, effect);
    // The last turn may have decided nothing that the store would hear of.
    if (!open.run.busy() && std::exchange(open.marked, false))
      store_.release(open.stored.key, open.stored.memory_bytes, {});
    answer_viewers(open, false);
    return schedule(open.stored.key);
  }
  open.storing = true;
  // One that goes on in another run is over when that one is stored.
  if (is_over(open.run.status()) && open.run.status() != RunStatus::continued &&
      open.stored.ended_ms == 0) {
    open.stored.ended_ms = around_.wall_now_ms();
    ended_.add();
  }
  open.stored.status = workflow::name_of(open.run.status());
  open.stored.waits = open.run.only_waits();
  open.stored.wake_ms = open.stored.waits ? open.run.next_timer_ms() : 0;
  write(open.ref(), std::make_shared<workflow::Taken>(std::move(taken)));
}

void RunHost::write(const Ref& ref, std::shared_ptr<workflow::Taken> taken) {
  Open* open = find(ref);
  if (!open) return;
  Callback<OwnerUse> callback = on_thread<OwnerUse>(
      [this, ref, taken](const Result<OwnerUse>& stored) { written(ref, taken, stored); });
  if (!open->fresh)
    return store_.append({.key = ref.key,
                          .number = open->stored.pieces,
                          .frames = taken->events,
                          .status = open->stored.status,
                          .ended_ms = open->stored.ended_ms,
                          .waits = open->stored.waits,
                          .wake_ms = open->stored.wake_ms,
                          .memory_bytes = open->stored.memory_bytes,
                          .rests = !open->run.busy()},
                         std::move(callback));
  StoredRun whole = open->stored;
  whole.history += taken->events;
  store_.put(std::move(whole), open->epoch, std::move(callback));
}

void RunHost::not_written(Open& open, std::shared_ptr<workflow::Taken> taken, const Error& error) {
  store_faults_.add();
  complain("run_store", &open.stored.key, error);
  // Nothing of a new run was begun: its owner may try again. One that is gone does not come back.
  if (open.fresh || error.code == "unknown_run") return leave(RunKey(open.stored.key), error);
  if (++open.writes_failed >= writes_failed_max) tell_callers(open, error);
  open.timer.expires_after(std::chrono::milliseconds(store_retry_ms));
  const std::uint64_t serial = ++open.timer_serial;
  open.timer.async_wait(
      [this, ref = open.ref(), taken, serial](const boost::system::error_code& cancelled) {
        const Open* again = find(ref);
        if (!cancelled && !stopping_ && again && again->timer_serial == serial) write(ref, taken);
      });
}

void RunHost::written(const Ref& ref, std::shared_ptr<workflow::Taken> taken,
                      const Result<OwnerUse>& stored) {
  Open* open = find(ref);
  if (!open) return;
  if (!stored) return not_written(*open, taken, stored.error());
  open->storing = false;
  open->writes_failed = 0;
  if (!open->run.busy()) open->marked = false;
  open->epoch = -1;
  if (std::exchange(open->fresh, false)) {
    open->stored.history = std::string();
    open->stored.definition = std::string();
    weigh(*open);
  }
  const std::int64_t number = open->stored.pieces++;
  if (Watchers* watchers = watchers_of(ref.key)) watchers->stored(taken->events, number);
  hold_within_bounds(*open, *stored);
  for (const std::string& id : taken->withdrawn)
    drop_effect(*open, id);
  for (const Effect& effect : taken->effects)
    begin_effect(*open, effect);
  answer_viewers(*open, false);
  schedule(ref.key);
}

// --- at rest ---

/// Nothing is to be given, worked on or stored: whoever waits for that is told, and the clock is
/// set.
void RunHost::rest(Open& open) {
  if (!open.exports.empty() && open.run.status() == RunStatus::running) {
    const auto parked = open.run.park(around_.wall_now_ms());
    if (parked) return keep(open);
    fail_exports(open, parked.error());
  }
  answer_viewers(open, true);
  give_bundles(open);
  if (open.run.status() == RunStatus::running) {
    set_timer(open);
    return keep_waiting(open);
  }
  drop_effects(open);
  Watchers* watchers = watchers_of(open.stored.key);
  if (watchers && is_over(open.run.status())) watchers->finish();
  if (open.run.status() == RunStatus::continued) {
    follow(open);
  } else {
    tell_waiters(open);
  }
  keep_idle(open);
}

void RunHost::set_timer(Open& open) {
  const std::int64_t due = open.run.next_timer_ms();
  const std::uint64_t serial = ++open.timer_serial;
  if (due == 0) return;
  const std::int64_t wait = std::clamp<std::int64_t>(due - around_.wall_now_ms(), 0, timer_ms_max);
  open.timer.expires_after(std::chrono::milliseconds(wait));
  open.timer.async_wait([this, ref = open.ref(), serial](const boost::system::error_code& error) {
    Open* again = find(ref);
    if (error || stopping_ || !again || again->timer_serial != serial) return;
    again->inputs.push_back({InputKind::tick, {}, {}, {}});
    schedule(ref.key);
  });
}

// --- watchers ---

Watchers* RunHost::watchers_of(const RunKey& key) {
  const auto found = watchers_.find(key);
  return found == watchers_.end() ? nullptr : found->second.get();
}

void RunHost::hold_watchers(const Open& open) {
  const RunKey& key = open.stored.key;
  if (watchers_of(key)) return;
  auto made = std::make_unique<Watchers>(watch_caches_, key.owner, ++serials_,
                                         StepNames(*open.run.definition()), open.stored.pieces,
                                         schedules(key));
  std::uint64_t counted = 0;
  count(key.owner, counted, made->bytes());
  // Otherwise it comes to rest yet.
  if (is_over(open.run.status()) && !open.storing && !open.fresh) made->finish();
  watchers_[key] = std::move(made);
}

void RunHost::forget_watchers(const RunKey& key) {
  const auto found = watchers_.find(key);
  std::uint64_t counted = found->second->bytes();
  count(key.owner, counted, 0);
  watchers_.erase(found);
}

/// A part of a slice for a watcher that is behind; true where there is more to do at once.
bool RunHost::watch_on(const RunKey& key) {
  Watchers* watchers = watchers_of(key);
  if (!watchers) return false;
  const bool sent = watchers->step();
  if (watchers->empty()) {
    forget_watchers(key);
    return false;
  }
  if (watchers->want()) read_for_watchers(key, *watchers);
  return sent;
}

/// REQUIRES: they want something.
void RunHost::read_for_watchers(const RunKey& key, Watchers& watchers) {
  if (watch_reads_ >= watch_reads_max) {
    to_read_.push(key.owner, key);
    return;
  }
  ++watch_reads_;
  const std::int64_t piece = watchers.ask();
  store_.pieces(key, piece, slice_bytes_max,
                on_thread<std::vector<std::string>>([this, key, run = watchers.run(), piece](
                                                        Result<std::vector<std::string>> pieces) {
                  --watch_reads_;
                  Watchers* again = watchers_of(key);
                  if (again && again->run() == run) {
                    again->give(piece, pieces ? std::move(*pieces) : std::vector<std::string>());
                    // At once, because what was read may have to give way to another's.
                    again->step();
                    schedule(key);
                  }
                  read_next();
                }));
}

/// The watchers that waited may have left, or their run.
void RunHost::read_next() {
  while (watch_reads_ < watch_reads_max) {
    const auto next = to_read_.pop();
    if (!next) return;
    Watchers* watchers = watchers_of(*next);
    if (watchers && watchers->want()) read_for_watchers(*next, *watchers);
  }
}

// --- effects ---

void RunHost::begin_effect(Open& open, const Effect& effect) {
  switch (effect.kind) {
    case StepKind::builtin:
      if (agents::is_memory_call(effect.target)) return begin_memory(open, effect);
      open.builtins.push_back(effect);
      return;
    case StepKind::model:
      return begin_model(open, effect);
    case StepKind::ask:
      return;  // its owner answers
    case StepKind::child:
      return begin_child(open, effect);
    case StepKind::tool:
      return fail(open, effect.id,
                  {.code = "no_tool", .message = "the relay has no tools of its own"});
    default:
      return fail(open, effect.id,
                  {.code = "not_here", .message = "the relay does not carry out such a step"});
  }
}

/// One, because a built-in may take as long as a turn.
void RunHost::carry_out_builtin(Open& open) {
  const Effect effect = std::move(open.builtins.front());
  open.builtins.pop_front();
  const auto answer = play::call(effect.target, effect.request);
  finish(open, effect.id, !answer, answer ? *answer : workflow::failure_value(answer.error()));
}

void RunHost::begin_memory(Open& open, const Effect& effect) {
  memories_.call({.owner = open.stored.key.owner,
                  .name = effect.target,
                  .request = effect.request,
                  .key = effect.key,
                  .now_ms = around_.wall_now_ms()},
                 [this, ref = open.ref(), id = effect.id](const Result<std::string>& answer) {
                   finish_later(ref, id, !answer,
                                answer ? *answer : failure_of(&ref.key, answer.error()));
                 });
}

void RunHost::begin_model(Open& open, const Effect& effect) {
  if (!around_.gateway)
    return fail(open, effect.id, {.code = "no_model", .message = "the relay has no models"});
  const ModelStepOrder order{.effect = effect,
                             .identity = open.stored.key.owner,
                             .limits = open.stored.limits,
                             .request_id = open.stored.key.id};
  auto callback = [weak = weak_from_this(), ref = open.ref(), id = effect.id](bool failed,
                                                                              std::string value) {
    if (const auto self = weak.lock()) self->finish_later(ref, id, failed, std::move(value));
  };
  auto step = begin_model_step(*around_.gateway, io_.get_executor(), order, std::move(callback));
  if (!step) return finish(open, effect.id, true, failure_of(&open.stored.key, step.error()));
  open.models[effect.id] = std::move(*step);
}

void RunHost::finish(Open& open, const std::string& effect, bool failed, std::string value) {
  open.inputs.push_back(
      {failed ? InputKind::failed : InputKind::completed, effect, std::move(value), {}});
}

/// Any thread: an effect's outcome, told from outside the run's own turn.
void RunHost::finish_later(const Ref& ref, const std::string& effect, bool failed,
                           std::string value) {
  post([this, ref, effect, failed, value = std::move(value)]() mutable {
    Open* open = find(ref);
    if (!open) return;
    open->models.erase(effect);
    finish(*open, effect, failed, std::move(value));
    schedule(ref.key);
  });
}

void RunHost::fail(Open& open, const std::string& effect, const Error& error) {
  finish(open, effect, true, workflow::failure_value(error));
}

void RunHost::drop_effect(Open& open, const std::string& id) {
  if (const auto child = open.children.find(id); child != open.children.end()) {
    cancel_child({open.stored.key.owner, child->second}, {open.stored.key.id, id});
    open.children.erase(child);
  }
  std::erase_if(open.builtins, [&id](const Effect& effect) { return effect.id == id; });
  const auto found = open.models.find(id);
  if (found == open.models.end()) return;
  found->second->leave();
  open.models.erase(found);
}

void RunHost::drop_effects(Open& open) {
  for (const auto& [effect, child] : std::exchange(open.children, {}))
    cancel_child({open.stored.key.owner, child}, {open.stored.key.id, effect});
  open.builtins.clear();
  for (const auto& [id, step] : std::exchange(open.models, {}))
    step->leave();
}

}  // namespace redoubt::runs
