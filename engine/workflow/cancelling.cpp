// Cancellation follows the tree of steps; compensation runs in the reverse order of completion.
#include <utility>

#include "engine/workflow/state.hpp"

namespace redoubt::workflow {
bool is_below(const State& s, Slot slot, Slot above) {
  for (Slot at = s.instances[slot].parent; at != kNone; at = s.instances[at].parent)
    if (at == above) return true;
  return false;
}

namespace {

void cancel_one(State& s, Slot slot, Slot above) {
  Instance& i = s.instances[slot];
  withdraw(s, slot);
  clear_timers(s, slot);
  if (i.phase < Phase::done) record(s, EventKind::step_cancelled, &i);
  if (i.role == Role::compensation && i.phase < Phase::done) {
    // What was being undone is not undone yet.
    Undo undo{s.definition->steps[i.step].parent, above, i.scope, i.suffix, i.rounds};
    hold_scope(s, undo.scope);
    s.undos.push_back(std::move(undo));
  }
  lift_undos(s, slot, above);
}

}  // namespace

void cancel_below(State& s, Slot slot) {
  if (s.instances[slot].below == 0) return;
  s.meter.spend(s.instances.size() / kScannedAUnit);
  std::vector<Slot> found;
  for (Slot other = 0; other < s.instances.size(); ++other)
    if (s.instances[other].live && other != slot && is_below(s, other, slot))
      found.push_back(other);
  for (const Slot other : found)
    cancel_one(s, other, slot);
  for (const Slot other : found)
    release(s, other);
}

void lift_undos(State& s, Slot from, Slot to) {
  s.meter.spend(s.undos.size() / kScannedAUnit);
  for (Undo& undo : s.undos)
    if (undo.owner == from) undo.owner = to;
}

std::vector<RoundMark> rounds_of(const State& s, const Instance& i) {
  std::vector<RoundMark> rounds;
  const Instance* at = &i;
  for (; at->parent != kNone; at = &s.instances[at->parent]) {
    rounds.insert(rounds.end(), at->rounds.begin(), at->rounds.end());
    const Instance& above = s.instances[at->parent];
    const StepKind kind = s.step(above).kind;
    if (at->role == Role::body && (kind == StepKind::for_each || kind == StepKind::loop))
      rounds.push_back({above.step, at->round, above.items});
  }
  return rounds;
}

void keep_undo(State& s, Slot slot) {
  const Instance& i = s.instances[slot];
  Undo undo{i.step, slot, copy_scope(s, i.scope, false), i.suffix, rounds_of(s, i)};
  hold_scope(s, undo.scope);
  s.meter.make(kUndoBytes);
  s.undos.push_back(std::move(undo));
}

// Begins the youngest compensation that is the step's to run; false where there is none.
bool unwind(State& s, Slot slot, After after) {
  s.meter.spend(s.undos.size() / kScannedAUnit);
  for (std::size_t u = s.undos.size(); u-- > 0;) {
    if (s.undos[u].owner != slot) continue;
    Undo undo = std::move(s.undos[u]);
    s.undos.erase(s.undos.begin() + static_cast<std::ptrdiff_t>(u));
    Instance& i = s.instances[slot];
    i.phase = Phase::unwinding;
    i.after = after;
    const StepId step = s.definition->steps[undo.step].compensate;
    const Slot child = spawn(s, step, slot, 0, undo.scope, Role::compensation);
    drop_scope(s, undo.scope);
    s.instances[child].suffix = std::move(undo.suffix);
    s.instances[child].rounds = std::move(undo.rounds);
    record(s, EventKind::compensating, &s.instances[child]);
    return true;
  }
  return false;
}

void cancel_run(State& s) {
  Instance& root = s.instances[0];
  // A run that is undoing what it did goes on with that.
  if (root.phase == Phase::unwinding) return;
  // Nothing that waited to be done is.
  s.moves.clear();
  s.moved = 0;
  withdraw(s, 0);
  clear_timers(s, 0);
  cancel_below(s, 0);
  if (!unwind(s, 0, After::cancel)) go_on(s, 0, After::cancel);
}

}  // namespace redoubt::workflow
