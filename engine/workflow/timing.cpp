// Timers, waits, retries. Every timer is an absolute time; what is due fires in the order of time,
// then of the steps' serials.
#include <algorithm>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/state.hpp"

namespace redoubt::workflow {

const char* name_of(TimerKind kind) {
  static constexpr const char* kNames[] = {"timeout", "wait", "backoff"};
  return kNames[static_cast<std::size_t>(kind)];
}

void set_timer(State& s, Slot slot, TimerKind kind, std::int64_t due_ms) {
  const Timer timer{due_ms, s.instances[slot].serial, slot, kind};
  auto at = s.timers.end();
  while (at != s.timers.begin()) {
    const Timer& before = *(at - 1);
    if (before.due_ms < due_ms || (before.due_ms == due_ms && before.serial < timer.serial)) break;
    --at;
  }
  s.timers.insert(at, timer);
  ++s.instances[slot].timers;
}

void clear_timers(State& s, Slot slot) {
  if (std::exchange(s.instances[slot].timers, 0) == 0) return;
  s.meter.spend(s.timers.size() / kScannedAUnit);
  for (std::size_t t = s.timers.size(); t-- > 0;)
    if (s.timers[t].slot == slot) s.timers.erase(s.timers.begin() + static_cast<std::ptrdiff_t>(t));
}

void fire(State& s, Timer timer) {
  Instance& i = s.instances[timer.slot];
  switch (timer.kind) {
    case TimerKind::timeout: {
      const std::int64_t after = s.step(i).timeout_ms;
      return fail(s, timer.slot, {"timeout", joined({"no end after ", after, " ms"}), i.step, 0});
    }
    case TimerKind::wait:
      return complete(s, timer.slot, nullptr);
    case TimerKind::backoff:
      ++i.attempt;
      i.attempt_ms = s.now_ms;
      if (s.step(i).timeout_ms > 0)
        set_timer(s, timer.slot, TimerKind::timeout, s.now_ms + s.step(i).timeout_ms);
      return begin_body(s, timer.slot);
  }
}

namespace {

bool listed(const std::vector<std::string>& codes, const std::string& code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// What is never cured by trying again.
bool hopeless(const std::string& code) {
  for (const char* known : {"outcome_unknown", "undefined_name", "bad_operand", "over_limit",
                            "bad_items", "bad_time", "missing_scope"})
    if (code == known) return true;
  return false;
}

std::int64_t delay_ms(const State& s, const Instance& i, const Retry& retry) {
  std::int64_t delay = retry.initial_ms;
  for (std::uint32_t n = 1; n < i.attempt && delay < retry.max_ms; ++n)
    delay = delay * retry.multiplier_permille / 1000;
  delay = std::min(delay, retry.max_ms);
  if (retry.jitter_permille > 0) {
    // Drawn from what does not depend on the order of events, so that it is the same in any replay.
    Hash64 hash;
    hash.add_bytes(s.definition->step_name(i.step));
    hash.add_bytes(i.suffix);
    hash.add(i.attempt);
    const auto span = static_cast<std::uint32_t>(2 * retry.jitter_permille + 1);
    const auto drawn = static_cast<std::int64_t>(Rng(s.seed).fork(hash.value()).below(span));
    delay = delay * (1000 - retry.jitter_permille + drawn) / 1000;
  }
  return std::max(delay, i.failure.retry_after_ms);
}

}  // namespace

bool may_retry(const State& s, const Instance& i) {
  if (s.step(i).retry == kNone) return false;
  const Retry& retry = s.definition->retries[s.step(i).retry];
  const std::string& code = i.failure.code;
  if (i.attempt >= retry.attempts || listed(retry.never_on, code)) return false;
  if (retry.retry_on.empty() ? hopeless(code) : !listed(retry.retry_on, code)) return false;
  return retry.elapsed_ms == 0 ||
         s.now_ms + delay_ms(s, i, retry) - i.entered_ms <= retry.elapsed_ms;
}

void retry_later(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  const std::int64_t due = s.now_ms + delay_ms(s, i, s.definition->retries[s.step(i).retry]);
  i.phase = Phase::backoff;
  record(s, EventKind::retrying, &i,
         canonical({{"attempt", i.attempt + 1}, {"code", i.failure.code}, {"due", due}}));
  set_timer(s, slot, TimerKind::backoff, due);
}

void begin_wait(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  const Step& step = s.step(i);
  i.phase = Phase::waiting;
  if (step.target != kNone) {
    const std::string_view name = s.definition->text(step.target);
    for (auto signal = s.signals.begin(); signal != s.signals.end(); ++signal) {
      if (signal->name != name) continue;
      Value value = std::move(signal->value);
      s.signals.erase(signal);
      return complete(s, slot, std::move(value));
    }
    return record_member(s, EventKind::waiting, &i, "signal", std::string(name));
  }
  std::int64_t due = s.now_ms + step.duration_ms;
  if (step.until != kNone) {
    ScopeNames names(s, slot);
    const auto value = evaluate(s, step.until, names);
    if (!value) return fail(s, slot, failure_of(value.error(), i.step));
    if (!(*value)->is_number_integer())
      return fail(
          s, slot,
          {"bad_time", joined({"wait until needs a time in ms, not ", redoubt::describe(**value)}),
           i.step, 0});
    due = std::min((*value)->get<std::int64_t>(), kTimeMaxMs);
  }
  if (due <= s.now_ms) return complete(s, slot, nullptr);
  record(s, EventKind::waiting, &i, joined({"{\"due\":", due, "}"}));
  set_timer(s, slot, TimerKind::wait, due);
}

// To the oldest step that waits for it, else kept for one that will.
void deliver(State& s, Signal signal) {
  Slot found = kNone;
  for (Slot slot = 0; slot < s.instances.size(); ++slot) {
    const Instance& i = s.instances[slot];
    if (!i.live || i.phase != Phase::waiting) continue;
    const Step& step = s.step(i);
    if (step.target == kNone || s.definition->text(step.target) != signal.name) continue;
    if (found == kNone || i.serial < s.instances[found].serial) found = slot;
  }
  if (found != kNone) return complete(s, found, std::move(signal.value));
  s.signals.push_back(std::move(signal));
}

}  // namespace redoubt::workflow
