// What names mean at an instance: the run's input, its scope's state and outputs, the rounds
// around.
#include "engine/workflow/state.hpp"

namespace redoubt::workflow {

const Json* ScopeNames::made(Json value) {
  made_.push_back(std::move(value));
  return &made_.back();
}

// The round of the for_each or loop `step` that the instance is in.
bool ScopeNames::round_of(StepId step, std::uint32_t& round, Value& items) const {
  const Instance* at = at_;
  for (;;) {
    for (const RoundMark& mark : at->rounds) {
      if (mark.step != step) continue;
      round = mark.round;
      items = mark.items;
      return true;
    }
    if (at->parent == kNone) return false;
    const Instance& above = s_.instances[at->parent];
    if (above.step == step && at->role == Role::body) {
      round = at->round;
      items = above.items;
      return true;
    }
    at = &above;
  }
}

const Json* ScopeNames::find(const Reference& reference) {
  const Scope& scope = s_.scopes[at_->scope];
  std::uint32_t round = 0;
  Value items;
  switch (reference.root) {
    case Root::input:
      return s_.input.get();
    case Root::state:
      return scope.channels[reference.id].value.get();
    case Root::step:
      return scope.outputs[reference.id].get();
    case Root::output:
      return output;
    case Root::item:
      if (!round_of(reference.id, round, items) || !items || round >= items->size()) return nullptr;
      return &(*items)[round];
    case Root::index:
    case Root::round:
      return round_of(reference.id, round, items) ? made(round) : nullptr;
    case Root::run:
      return made({{"id", s_.id}, {"now_ms", s_.now_ms}, {"attempt", at_->attempt}});
    case Root::error:
      // The failure is kept by the step whose fallback this is.
      for (const Instance* at = at_; at->parent != kNone; at = &s_.instances[at->parent])
        if (at->role == Role::fallback)
          return made(failure_json(s_, s_.instances[at->parent].failure));
      return nullptr;
  }
  return nullptr;
}

Result<Value> evaluate(State& s, std::uint32_t binding, ScopeNames& names) {
  Cost cost{.bytes_max = room_of(s)};
  auto value = s.definition->bindings.evaluate(binding, names, cost);
  s.meter.spend(cost.work);
  if (value) s.meter.make(cost.bytes);
  return value;
}

Result<bool> holds(State& s, std::uint32_t expression, ScopeNames& names) {
  Cost cost{.bytes_max = room_of(s)};
  auto truth = s.definition->bindings.holds(expression, names, cost);
  s.meter.spend(cost.work);
  return truth;
}

}  // namespace redoubt::workflow
