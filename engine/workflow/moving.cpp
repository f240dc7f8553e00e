// Moving from host to host: parked with `moved`, gone on with by `imported`.
//
// The run keeps the clock that it began with, so that its stamps never go back and what it has
// measured stays true. A host's clock is `clock_ms` behind that; an import with the offset o
// between two hosts' clocks (the new one's minus the old one's) takes o from it, by which every
// timer is re-based as the host sees it.
#include "engine/base/canonical_json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/state.hpp"

namespace redoubt::workflow {
namespace {

StepId step_called(const State& s, const Json& name) {
  if (!name.is_string()) return kNone;
  for (StepId step = 0; step < s.definition->steps.size(); ++step)
    if (s.definition->step_name(step) == *name.get_ptr<const std::string*>()) return step;
  return kNone;
}

// A whole number as canonical JSON writes it, whichever way the value came to be.
bool whole(const Json& payload, const char* key, std::int64_t low, std::int64_t high) {
  const auto found = payload.find(key);
  if (found == payload.end() || !found->is_number_integer()) return false;
  if (found->is_number_unsigned() && found->get<std::uint64_t>() > INT64_MAX) return false;
  const auto number = found->get<std::int64_t>();
  return number >= low && number <= high;
}

}  // namespace

// While a person decides on it, nothing is under way: the next host asks again.
Slot once_at_stake(const State& s) {
  for (const Slot slot : s.calling) {
    const Step& step = s.step(s.instances[slot]);
    if (s.instances[slot].phase == Phase::calling && step.effect_class == EffectClass::once &&
        step.unknown != Unknown::repeat)
      return slot;
  }
  return kNone;
}

bool is_denied(const State& s, StepId step) {
  for (const StepId other : s.denied)
    if (other == step) return true;
  return false;
}

Failure denied(const State& s, StepId step) {
  return {"missing_scope",
          joined({"the run was taken over by a host that may not carry out ",
                  s.definition->step_name(step)}),
          step, 0};
}

bool fits_move(const State& s, EventKind kind, const Json& payload) {
  if (!payload.is_object()) return false;
  if (kind == EventKind::moved)
    return s.status == RunStatus::running && payload.size() == 1 &&
           whole(payload, "epoch", s.epoch, s.epoch);
  const auto next = static_cast<std::int64_t>(s.epoch) + 1;
  if (s.status != RunStatus::parked || next > UINT32_MAX || !whole(payload, "epoch", next, next) ||
      !whole(payload, "offset_ms", -kDurationMaxMs, kDurationMaxMs))
    return false;
  const auto list = payload.find("denied");
  if (payload.size() != (list == payload.end() ? 2u : 3u)) return false;
  if (list == payload.end()) return true;
  if (!list->is_array() || list->empty() || list->size() > s.definition->steps.size()) return false;
  for (const Json& name : *list)
    if (step_called(s, name) == kNone) return false;
  return true;
}

// REQUIRES: fits_move()
void apply_move(State& s, EventKind kind, const Json& payload) {
  if (kind == EventKind::moved) {
    s.status = RunStatus::parked;
    return;
  }
  s.status = RunStatus::running;
  ++s.epoch;
  s.clock_ms -= payload["offset_ms"].get<std::int64_t>();
  s.denied.clear();
  if (const auto list = payload.find("denied"); list != payload.end())
    for (const Json& name : *list)
      s.denied.push_back(step_called(s, name));
  resume_calls(s);
}

}  // namespace redoubt::workflow
