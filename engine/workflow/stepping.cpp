// How steps begin and end. A step's end is told to its parent by a move, never by a call.
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/output_schema.hpp"
#include "engine/workflow/state.hpp"

namespace redoubt::workflow {

Failure failure_of(const Error& error, StepId step) {
  return {error.code, error.message, step, 0};
}

Json failure_json(const State& s, const Failure& failure) {
  Json json{{"code", failure.code}, {"message", failure.message}};
  if (failure.step != kNone) json["step"] = std::string(s.definition->step_name(failure.step));
  return json;
}

std::string path_of(const State& s, const Instance& i) {
  std::string path(s.definition->step_name(i.step));
  return path.append(i.suffix);
}

namespace {

// Whether the step is retried within another that is. Then every attempt of it has its mark, the
// first, too: `a~2` would else be the outer step's second attempt as well as the inner one's.
bool retried_twice(const State& s, StepId step) {
  const auto& steps = s.definition->steps;
  if (steps[step].retry == kNone) return false;
  for (StepId above = steps[step].parent; above != kNone; above = steps[above].parent)
    if (steps[above].retry != kNone) return true;
  return false;
}

}  // namespace

Slot spawn(State& s, StepId step, Slot parent, std::uint32_t round, std::uint32_t scope,
           Role role) {
  Slot slot = 0;
  if (s.free_slots.empty()) {
    slot = static_cast<Slot>(s.instances.size());
    s.instances.emplace_back();
    s.overflow = s.overflow || s.instances.size() > kInstancesMax;
  } else {
    slot = s.free_slots.back();
    s.free_slots.pop_back();
  }
  Instance& i = s.instances[slot];
  i.step = step;
  i.serial = s.next_serial++;
  i.parent = parent;
  i.scope = scope;
  i.phase = Phase::ready;
  i.role = role;
  i.live = true;
  i.round = round;
  hold_scope(s, scope);
  s.meter.make(kInstanceBytes);
  if (parent != kNone) {
    Instance& above = s.instances[parent];
    ++above.below;
    i.suffix = above.suffix;
    const StepKind kind = s.step(above).kind;
    if (role == Role::body && (kind == StepKind::loop || kind == StepKind::for_each ||
                               s.definition->steps[step].inner != Inner::none))
      i.suffix += joined({"[", round, "]"});
    if (role == Role::body && (above.attempt > 1 || retried_twice(s, above.step)))
      i.suffix += joined({"~", above.attempt});
  }
  s.moves.push_back({slot, i.serial, true});
  return slot;
}

void release(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  if (i.parent != kNone && s.instances[i.parent].below > 0) --s.instances[i.parent].below;
  drop_scope(s, i.scope);
  drop_branches(s, i);
  i = Instance{};
  s.free_slots.push_back(slot);
}

void enter(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  const Step& step = s.step(i);
  i.entered_ms = i.attempt_ms = s.now_ms;
  if (step.when != kNone) {
    ScopeNames names(s, slot);
    const auto holds = workflow::holds(s, step.when, names);
    if (!holds) return fail(s, slot, failure_of(holds.error(), i.step));
    if (!*holds) {
      record(s, EventKind::step_skipped, &i);
      return settle(s, slot, Phase::skipped);
    }
  }
  if (step.timeout_ms > 0) set_timer(s, slot, TimerKind::timeout, s.now_ms + step.timeout_ms);
  begin_body(s, slot);
}

namespace {

// All values first, so that a fault leaves the state as it was.
void begin_set(State& s, Slot slot) {
  const Step& step = s.step(s.instances[slot]);
  std::vector<Value> values;
  ScopeNames names(s, slot);
  for (std::uint32_t w = 0; w < step.writes.count; ++w) {
    const Write& write = s.definition->writes[step.writes.begin + w];
    auto value = evaluate(s, write.value, names);
    if (!value) return fail(s, slot, failure_of(value.error(), s.instances[slot].step));
    values.push_back(std::move(*value));
  }
  for (std::uint32_t w = 0; w < step.writes.count; ++w) {
    const std::uint32_t channel = s.definition->writes[step.writes.begin + w].channel;
    const Wrote wrote = write_channel(s, slot, s.instances[slot].scope, channel, values[w]);
    if (wrote == Wrote::done) continue;
    if (wrote == Wrote::no_room)
      return fail(s, slot, failure_of(no_room(), s.instances[slot].step));
    return fail(s, slot,
                {"bad_write",
                 joined({"state.", s.definition->channels[channel].name, " cannot take ",
                         redoubt::describe(*values[w])}),
                 s.instances[slot].step, 0});
  }
  complete(s, slot, nullptr);
}

void begin_branch(State& s, Slot slot) {
  const Step& step = s.step(s.instances[slot]);
  for (std::uint32_t c = 0; c < step.children.count; ++c) {
    const StepId child = s.definition->children[step.children.begin + c];
    const std::uint32_t admit = s.definition->steps[child].admit;
    if (admit != kNone) {
      ScopeNames names(s, slot);
      const auto holds = workflow::holds(s, admit, names);
      if (!holds) return fail(s, slot, failure_of(holds.error(), s.instances[slot].step));
      if (!*holds) continue;
    }
    spawn(s, child, slot, c, s.instances[slot].scope, Role::body);
    return;
  }
  complete(s, slot, nullptr);
}

void begin_emit(State& s, Slot slot) {
  const Step& step = s.step(s.instances[slot]);
  Value value;
  if (step.value != kNone) {
    ScopeNames names(s, slot);
    auto evaluated = evaluate(s, step.value, names);
    if (!evaluated) return fail(s, slot, failure_of(evaluated.error(), s.instances[slot].step));
    value = std::move(*evaluated);
  }
  const std::string_view name = s.definition->text(step.target);
  std::string bytes = value ? canonical(*value) : "null";
  std::string payload = "{\"name\":";
  write_canonical_text(name, payload);
  payload.append(",\"value\":").append(bytes).append("}");
  record(s, EventKind::emitted, &s.instances[slot], payload);
  if (!s.recorded)
    s.out.progress.push_back({path_of(s, s.instances[slot]), std::string(name), std::move(bytes)});
  complete(s, slot, std::move(value));
}

// The run ends here and a new one goes on with the value as its input.
void begin_continue(State& s, Slot slot) {
  const Step& step = s.step(s.instances[slot]);
  Json next{{"input", nullptr}};
  if (s.meter.generation >= kGenerationsMax)
    return fail(s, slot,
                {"too_much_work",
                 joined({"the run goes on for ", kGenerationsMax, " runs, as many as it may"}),
                 s.instances[slot].step, 0});
  if (step.value != kNone) {
    ScopeNames names(s, slot);
    const auto value = evaluate(s, step.value, names);
    if (!value) return fail(s, slot, failure_of(value.error(), s.instances[slot].step));
    if (!has_room(s, *value)) return fail(s, slot, failure_of(no_room(), s.instances[slot].step));
    next["input"] = **value;
  }
  const std::string_view target = s.definition->text(step.target);
  next["workflow"] = target == "self" ? s.definition->name : std::string(target);
  s.outcome = std::make_shared<const Json>(std::move(next));
  s.instances[slot].phase = Phase::done;
  record(s, EventKind::step_done, &s.instances[slot]);
  withdraw_all(s);
  record(s, EventKind::run_continued, nullptr, canonical(*s.outcome));
  s.status = RunStatus::continued;
}

bool begin_round(State& s, Slot slot, std::uint32_t child) {
  Instance& i = s.instances[slot];
  const Step& step = s.step(i);
  if (child >= step.children.count) return false;
  i.next = child + 1;
  spawn(s, s.definition->children[step.children.begin + child], slot, child, i.scope, Role::body);
  return true;
}

}  // namespace

void begin_body(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  i.phase = Phase::running;
  const Step& step = s.step(i);
  switch (step.kind) {
    case StepKind::set:
      return begin_set(s, slot);
    case StepKind::sequence:
      if (!begin_round(s, slot, 0)) complete(s, slot, nullptr);
      return;
    case StepKind::branch:
      return begin_branch(s, slot);
    case StepKind::parallel:
    case StepKind::for_each:
      return begin_branches(s, slot);
    case StepKind::loop:
      i.next = 1;
      i.stalled = 0;
      spawn(s, s.definition->children[step.children.begin], slot, 0, i.scope, Role::body);
      return;
    case StepKind::wait:
      return begin_wait(s, slot);
    case StepKind::emit:
      return begin_emit(s, slot);
    case StepKind::handoff:
      if (step.to_workflow) return begin_continue(s, slot);
      return begin_agent(s, slot);
    case StepKind::agent:
      return begin_agent(s, slot);
    case StepKind::model:
    case StepKind::tool:
    case StepKind::builtin:
    case StepKind::ask:
    case StepKind::child:
      return call(s, slot);
  }
}

namespace {

void round_ended(State& s, Slot slot, Slot child) {
  Instance& i = s.instances[slot];
  const Step& step = s.step(i);
  const Instance& round = s.instances[child];
  i.output = round.output;
  const auto finish = [&](const char* why) {
    if (!has_room(s, i.output)) return fail(s, slot, failure_of(no_room(), i.step));
    Json last = i.output ? *i.output : Json();
    complete(s, slot,
             std::make_shared<const Json>(
                 Json{{"rounds", i.next}, {"stopped", why}, {"output", std::move(last)}}));
  };
  const auto bound = [&](const char* why, const char* code, std::uint32_t count, const char* what) {
    if (step.stop_at_bound) return finish(why);
    fail(s, slot, {code, joined({"the loop has made ", count, what}), i.step, 0});
  };
  if (step.until != kNone) {
    ScopeNames names(s, child);
    const auto holds = workflow::holds(s, step.until, names);
    if (!holds) return fail(s, slot, failure_of(holds.error(), i.step));
    if (*holds) return finish("until");
  }
  if (step.stall > 0) {
    const std::uint64_t now =
        mix64(channels_hash(s.scopes[i.scope]) ^ (i.output ? canonical_hash(*i.output) : 0));
    i.stalled = i.next > 1 && now == i.before ? i.stalled + 1 : 0;
    i.before = now;
    if (i.stalled >= step.stall)
      return bound("stalled", "loop_stalled", i.stalled + 1, " rounds that changed nothing");
  }
  if (i.next >= step.bound)
    return bound("bound", "loop_bound", i.next, " rounds, as many as it may");
  spawn(s, s.definition->children[step.children.begin], slot, i.next++, i.scope, Role::body);
}

void body_ended(State& s, Slot slot, Slot child) {
  Instance& i = s.instances[slot];
  const Instance& below = s.instances[child];
  if (s.step(below).inner != Inner::none) return part_ended(s, slot, child);
  if (s.step(i).kind == StepKind::parallel || s.step(i).kind == StepKind::for_each)
    return branch_ended(s, slot, child);
  if (below.phase == Phase::failed || below.phase == Phase::cancelled)
    return fail(s, slot, below.failure);
  if (s.step(i).kind == StepKind::loop) return round_ended(s, slot, child);
  // What gives nothing (set, wait) leaves the output of the step before.
  if (below.phase == Phase::done && below.output) i.output = below.output;
  if (s.step(i).kind == StepKind::sequence && begin_round(s, slot, i.next)) return;
  complete(s, slot, i.output);
}

// A model's place is taken by something else: the output says by what, and why.
Value substituted(const State& s, const Instance& i, const Instance& other) {
  const StepKind kind = s.step(i).kind;
  if (kind != StepKind::model && kind != StepKind::agent) return other.output;
  const Step& step = s.step(other);
  const bool same = step.kind == StepKind::model || step.kind == StepKind::agent;
  Json output = same && other.output && other.output->is_object() ? *other.output : Json::object();
  if (!same) {
    output["source"] = name_of(step.kind);
    output["json"] = other.output ? *other.output : Json();
    if (step.target != kNone) output["name"] = std::string(s.definition->text(step.target));
  }
  output["reason"] = failure_json(s, i.failure);
  return std::make_shared<const Json>(std::move(output));
}

}  // namespace

void ended(State& s, Slot slot) {
  const Slot parent = s.instances[slot].parent;
  if (parent == kNone) return end_run(s);
  const Instance& i = s.instances[slot];
  if (i.phase == Phase::done) lift_undos(s, slot, parent);
  if (i.detached) {
    release(s, slot);
    if (s.instances[0].phase >= Phase::done) end_run(s);
    return;
  }
  const std::uint32_t serial = s.instances[parent].serial;
  switch (i.role) {
    case Role::body:
      body_ended(s, parent, slot);
      break;
    case Role::fallback:
      if (i.phase == Phase::done && !has_room(s, i.output)) {
        s.instances[parent].failure = failure_of(no_room(), i.step);
        go_on(s, parent, After::fail);
      } else if (i.phase == Phase::done) {
        complete(s, parent, substituted(s, s.instances[parent], i));
      } else if (i.phase == Phase::skipped) {
        go_on(s, parent, After::fail);
      } else {
        s.instances[parent].failure = i.failure;
        go_on(s, parent, After::fail);
      }
      break;
    case Role::compensation:
      if (!unwind(s, parent, s.instances[parent].after))
        go_on(s, parent, s.instances[parent].after);
      break;
  }
  // What the parent did may have cancelled and released this step already.
  if (s.instances[slot].live && s.instances[slot].phase >= Phase::done &&
      s.instances[parent].serial == serial && s.instances[slot].parent == parent)
    release(s, slot);
}

void complete(State& s, Slot slot, Value output) {
  Instance& i = s.instances[slot];
  const Step& step = s.step(i);
  if (output && deeper_than(*output, kValueDepthMax))
    return fail(s, slot, {"too_deep", "the output is nested too deep", i.step, 0});
  i.output = output;
  if (step.guard != kNone) {
    ScopeNames names(s, slot);
    const Json none;
    names.output = output ? output.get() : &none;
    const auto holds = workflow::holds(s, step.guard, names);
    if (!holds) return fail(s, slot, failure_of(holds.error(), i.step));
    if (!*holds)
      return fail(s, slot, {"guard_refused", "the guard does not hold of the output", i.step, 0});
  }
  clear_timers(s, slot);
  // Nothing but its conversation names what an inner step gives.
  if (step.inner == Inner::none) s.scopes[i.scope].outputs[i.step] = output;
  const bool known = is_known(s, EventKind::step_done, output);
  if (!known) s.meter.make(weight_of(*output));
  record(s, EventKind::step_done, &i, known ? std::string() : canonical(*output));
  s.shown = output;
  if (step.compensate != kNone) keep_undo(s, slot);
  settle(s, slot, Phase::done);
}

void fail(State& s, Slot slot, Failure failure) {
  Instance& i = s.instances[slot];
  i.failure = std::move(failure);
  const bool last = i.phase == Phase::falling;
  if (!last && may_retry(s, i) && once_open(s, slot)) {
    // Trying again would repeat what may have been done already.
    i.failure.message =
        joined({"given up (", i.failure.code, ") while an effect's outcome is unknown"});
    i.failure.code = "outcome_unknown";
  }
  withdraw(s, slot);
  clear_timers(s, slot);
  cancel_below(s, slot);
  After after = After::fail;
  if (!last && may_retry(s, i)) {
    after = After::retry;
  } else if (!last && s.step(i).fallback != kNone) {
    after = After::fall_back;
  }
  if (!unwind(s, slot, after)) go_on(s, slot, after);
}

void go_on(State& s, Slot slot, After after) {
  Instance& i = s.instances[slot];
  i.after = After::nothing;
  switch (after) {
    case After::nothing:
      return;
    case After::retry:
      return retry_later(s, slot);
    case After::fall_back:
      i.phase = Phase::falling;
      record_member(s, EventKind::fallback, &i, "code", i.failure.code);
      spawn(s, s.step(i).fallback, slot, 0, i.scope, Role::fallback);
      return;
    case After::fail:
      record(s, EventKind::step_failed, &i, canonical(failure_json(s, i.failure)));
      return settle(s, slot, Phase::failed);
    case After::complete:
      return complete(s, slot, i.output);
    case After::cancel:
      record(s, EventKind::step_cancelled, &i);
      return settle(s, slot, Phase::cancelled);
  }
}

void settle(State& s, Slot slot, Phase phase) {
  Instance& i = s.instances[slot];
  i.phase = phase;
  s.moves.push_back({slot, i.serial, false});
}

}  // namespace redoubt::workflow
