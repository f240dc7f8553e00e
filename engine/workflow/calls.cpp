// Effects: what a step asks of the world, how it is called, and what its answer does.
//
// An effect's id is its step's id, the rounds around it and the number of the call: `judge[2]#1`.
// Its key leaves the number out, so that every attempt of one call has the same.
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/message.hpp"
#include "engine/schema/lenient.hpp"
#include "engine/workflow/output_schema.hpp"
#include "engine/workflow/state.hpp"

namespace redoubt::workflow {

std::string effect_id(const State& s, const Instance& i) {
  return joined({s.definition->step_name(i.step), i.suffix, "#", i.calls});
}

Effect effect_of(const State& s, const Instance& i) {
  const Step& step = s.step(i);
  Effect effect;
  effect.id = effect_id(s, i);
  effect.key = i.turn == 0
                   ? joined({s.id, "/", s.definition->step_name(i.step), i.suffix})
                   : joined({s.id, "/", s.definition->step_name(i.step), i.suffix, "+", i.turn});
  effect.kind = i.phase == Phase::deciding ? StepKind::ask : step.kind;
  effect.effect_class = i.phase == Phase::deciding ? EffectClass::idempotent : step.effect_class;
  effect.target = s.definition->text(step.target);
  effect.request = canonical(*i.request);
  effect.attempt = i.attempt;
  effect.deadline_ms = step.timeout_ms > 0 ? i.attempt_ms + step.timeout_ms - s.clock_ms : 0;
  return effect;
}

// What a model is asked, in neutral words.
Json model_request(const State& s, const Step& step, const Json& value) {
  Json request = Json::object();
  Json messages = Json::array();
  if (value.contains("system"))
    messages.push_back({{"role", "system"}, {"content", value["system"]}});
  if (value.contains("prompt"))
    messages.push_back({{"role", "user"}, {"content", value["prompt"]}});
  if (value.contains("messages") && value["messages"].is_array())
    for (const Json& message : value["messages"])
      messages.push_back(message);
  request["messages"] = std::move(messages);
  Json settings = Json::object();
  for (const Declared& one : s.definition->models)
    if (one.name == s.definition->text(step.target) && one.settings->is_object())
      settings = *one.settings;
  if (value.contains("settings") && value["settings"].is_object())
    for (auto item = value["settings"].begin(); item != value["settings"].end(); ++item)
      settings[item.key()] = *item;
  if (!settings.empty()) request["settings"] = std::move(settings);
  if (step.output != kNone) request["output"] = *s.definition->schemas[step.output]->json();
  return request;
}

namespace {

Result<Value> request_of(State& s, Slot slot) {
  const Instance& i = s.instances[slot];
  const Step& step = s.step(i);
  if (step.inner != Inner::none) return part_request(s, slot);
  Value value;
  if (step.value != kNone) {
    ScopeNames names(s, slot);
    auto evaluated = evaluate(s, step.value, names);
    if (!evaluated) return evaluated;
    value = std::move(*evaluated);
  }
  switch (step.kind) {
    case StepKind::model:
      return Value(std::make_shared<const Json>(model_request(s, step, *value)));
    case StepKind::ask: {
      Json request{{"question", value ? *value : Json()}};
      if (step.output != kNone) request["answer"] = *s.definition->schemas[step.output]->json();
      return Value(std::make_shared<const Json>(std::move(request)));
    }
    default:
      if (value) return value;
      return Value(std::make_shared<const Json>(Json::object()));
  }
}

void send(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  ++i.calls;
  s.calling.push_back(slot);
  s.meter.make(2 * weight_of(*i.request));
  std::string payload = "{\"id\":";
  write_canonical_text(effect_id(s, i), payload);
  payload += ",\"request\":";
  write_canonical(*i.request, payload);
  payload.push_back('}');
  record(s, EventKind::scheduled, &i, payload);
  hand_out(s, i);
}

std::uint64_t call_key(const Instance& i) {
  return static_cast<std::uint64_t>(i.serial) << 32 | i.calls;
}

}  // namespace

void hand_out(State& s, const Instance& i) {
  if (s.recorded) return;
  const auto [entry, added] = s.handed.emplace(call_key(i), s.out.effects.size());
  if (added) {
    s.out.effects.push_back(effect_of(s, i));
  } else {
    s.out.effects[entry->second] = effect_of(s, i);
  }
}

void call(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  if (is_denied(s, i.step)) return fail(s, slot, denied(s, i.step));
  auto request = request_of(s, slot);
  if (request && 2 * weight_of(**request) > room_of(s)) request = no_room();
  if (!request) return fail(s, slot, failure_of(request.error(), i.step));
  i.request = std::move(*request);
  i.phase = Phase::calling;
  i.turn = 0;
  send(s, slot);
}

void close_call(State& s, Slot slot) {
  s.meter.spend(s.calling.size() / (8 * kScannedAUnit));
  for (std::size_t c = 0; c < s.calling.size(); ++c)
    if (s.calling[c] == slot) {
      s.calling.erase(s.calling.begin() + static_cast<std::ptrdiff_t>(c));
      return;
    }
}

void withdraw(State& s, Slot slot) {
  Instance& i = s.instances[slot];
  if (i.phase != Phase::calling && i.phase != Phase::deciding) return;
  bool open = false;
  for (const Slot other : s.calling)
    open = open || other == slot;
  if (!open) return;  // it has just been answered
  close_call(s, slot);
  record(s, EventKind::withdrawn, &i);
  if (s.recorded) return;
  const auto waiting = s.handed.find(call_key(i));
  if (waiting == s.handed.end()) {
    s.out.withdrawn.push_back(effect_id(s, i));
    return;
  }
  // Nobody has seen it yet: it is never handed out.
  s.out.effects[waiting->second].id.clear();
  s.handed.erase(waiting);
}

Slot find_call(const State& s, std::string_view id) {
  const std::size_t hash = id.rfind('#');
  if (hash == std::string_view::npos) return kNone;
  const std::string_view path = id.substr(0, hash);
  for (const Slot slot : s.calling) {
    const Instance& i = s.instances[slot];
    const std::string_view name = s.definition->step_name(i.step);
    if (path.size() != name.size() + i.suffix.size() || path.substr(0, name.size()) != name ||
        path.substr(name.size()) != i.suffix)
      continue;
    if (id.substr(hash + 1) == joined({i.calls})) return slot;
  }
  return kNone;
}

Slot find_call(const State& s, std::uint32_t serial) {
  for (const Slot slot : s.calling)
    if (s.instances[slot].serial == serial) return slot;
  return kNone;
}

// Whether a step of the definition can have had this effect.
bool known_effect(const State& s, std::string_view id) {
  const std::size_t end = id.find_first_of("[~#");
  if (end == std::string_view::npos || id.rfind('#') == std::string_view::npos) return false;
  for (StepId step = 0; step < s.definition->steps.size(); ++step)
    if (s.definition->step_name(step) == id.substr(0, end)) return true;
  return false;
}

namespace {

/// A model's answer with `source`, and with `json` where its text is some.
Value marked(const State& s, const Instance& i, Value value) {
  const Step& step = s.step(i);
  if (!value->is_object() || step.inner == Inner::turn) return value;
  Json answer = *value;
  if (!answer.contains("source")) answer["source"] = "model";
  const auto text = answer.find("text");
  if (step.output != kNone && !answer.contains("json") && text != answer.end() &&
      text->is_string()) {
    // What was mended is not recorded: the text is, and reads the same for ever.
    std::uint32_t repairs = 0;
    if (auto json = schema::read_lenient(*text->get_ptr<const std::string*>(), repairs))
      answer["json"] = std::move(*json);
  }
  return std::make_shared<const Json>(std::move(answer));
}

/// What is wrong with the answer by the step's schema; of a model it is its JSON that must fit.
std::vector<std::string> misfits(State& s, const Instance& i, const Json& answer) {
  const Step& step = s.step(i);
  if (step.output == kNone) return {};
  const OutputSchema& schema = *s.definition->schemas[step.output];
  if (step.kind != StepKind::model) return faults_of(s, schema, answer);
  const auto json = answer.is_object() ? answer.find("json") : answer.end();
  if (!answer.is_object() || json == answer.end()) return {"the answer is not JSON"};
  return faults_of(s, schema, *json);
}

/// Asks again, with the answer and what is wrong with it.
void repair(State& s, Slot slot, const Json& answer, const std::vector<std::string>& faults) {
  Instance& i = s.instances[slot];
  ++i.turn;
  record_member(s, EventKind::repairing, &i, "faults", Json(faults));
  Json request = *i.request;
  const Json said = answer.is_object() && answer.contains("text") ? answer["text"] : answer;
  request["messages"].push_back(
      {{"role", "assistant"}, {"content", said.is_string() ? said : Json(canonical(said))}});
  request["messages"].push_back({{"role", "user"}, {"content", agents::mending(faults)}});
  i.request = std::make_shared<const Json>(std::move(request));
  send(s, slot);
}

}  // namespace

void answered(State& s, Slot slot, Value value) {
  Instance& i = s.instances[slot];
  if (i.phase == Phase::deciding) return decided(s, slot, *value);
  close_call(s, slot);
  const Step& step = s.step(i);
  if (step.kind == StepKind::model) value = marked(s, i, std::move(value));
  const std::vector<std::string> faults = misfits(s, i, *value);
  if (faults.empty()) return complete(s, slot, std::move(value));
  if (step.kind == StepKind::model && i.turn < step.repair) return repair(s, slot, *value, faults);
  fail(s, slot,
       {"bad_output", joined({"the answer does not fit its schema: ", faults.front()}), i.step, 0});
}

bool once_open(const State& s, Slot slot) {
  for (const Slot open : s.calling)
    if (s.step(s.instances[open]).effect_class == EffectClass::once &&
        s.step(s.instances[open]).unknown != Unknown::repeat &&
        (open == slot || is_below(s, open, slot)))
      return true;
  return false;
}

// What may be done twice is done again; of the rest nobody knows whether it was done.
void resume_calls(State& s) {
  const std::vector<Slot> open = s.calling;
  for (const Slot slot : open) {
    Instance& i = s.instances[slot];
    if (!i.live || (i.phase != Phase::calling && i.phase != Phase::deciding)) continue;
    const Step& step = s.step(i);
    if (i.phase == Phase::calling && is_denied(s, i.step)) {
      close_call(s, slot);
      fail(s, slot, denied(s, i.step));
      continue;
    }
    const bool unknown = i.phase == Phase::calling && step.effect_class == EffectClass::once;
    if (unknown && step.unknown == Unknown::fail) {
      close_call(s, slot);
      fail(s, slot,
           {"outcome_unknown",
            joined({"nobody knows whether ", effect_id(s, i), " was carried out"}), i.step, 0});
      continue;
    }
    if (unknown && step.unknown == Unknown::ask) {
      i.phase = Phase::deciding;
      i.request = std::make_shared<const Json>(Json{{"question", "outcome_unknown"},
                                                    {"choices", {"repeat", "fail", "done"}},
                                                    {"request", *i.request}});
      record_member(s, EventKind::waiting, &i, "question", "outcome_unknown");
    }
    hand_out(s, i);
  }
}

void decided(State& s, Slot slot, const Json& decision) {
  Instance& i = s.instances[slot];
  const auto choice = decision.is_object() ? decision.find("decision") : decision.end();
  const std::string_view chosen = choice != decision.end() && choice->is_string()
                                      ? std::string_view(*choice->get_ptr<const std::string*>())
                                      : std::string_view("fail");
  close_call(s, slot);
  if (chosen == "repeat") {
    i.phase = Phase::calling;
    return call(s, slot);
  }
  if (chosen == "done") {
    const auto output = decision.find("output");
    return complete(s, slot,
                    std::make_shared<const Json>(output == decision.end() ? Json() : *output));
  }
  fail(s, slot, {"outcome_unknown", "a person has decided that the step fails", i.step, 0});
}

}  // namespace redoubt::workflow
