// Pass two of loading: follows the order of execution, so that a name is good only where something
// can have given it a value, and finds what would be written twice at once or never be reached.
#include <algorithm>
#include <utility>

#include "engine/base/nearest.hpp"
#include "engine/prompt/expression.hpp"
#include "engine/workflow/reading.hpp"

namespace redoubt::workflow {
namespace {

// The steps that can have run.
using Seen = std::vector<bool>;

void unite(Seen& into, const Seen& other) {
  for (std::size_t i = 0; i < into.size(); ++i)
    into[i] = into[i] || other[i];
}

class Scoping : public Resolver {
 public:
  Scoping(Reading& reading, const Json& file)
      : r_(reading), d_(reading.definition), seen_(d_.steps.size()) {
    const auto input = file.find("input");
    if (input != file.end() && input->is_object() && input->contains("properties"))
      input_properties_ = &(*input)["properties"];
  }

  void visit(StepId id);
  void result(const Json& value);
  Result<Reference> resolve(const std::vector<std::string>& parts) override;

 private:
  std::uint32_t value(const Json& value, const std::string& path);
  std::uint32_t expression(const Json& value, const std::string& path);
  std::uint32_t member_value(const Draft& draft, const char* key);
  std::uint32_t model_request(StepId id, const Draft& draft);
  void targets(StepId id, const Draft& draft);
  void calls(StepId id, const Draft& draft);
  void own_values(StepId id, const Draft& draft);
  void children(StepId id);
  void loop_until(StepId id, const Draft& draft);
  void sides(StepId id);
  void mark(StepId from, StepId to);
  void conflicts(StepId id);
  std::vector<StepId> writers(StepId id, std::uint32_t channel) const;
  Result<Reference> resolve_step(const std::vector<std::string>& parts);
  Result<Reference> resolve_round(const std::vector<std::string>& parts);
  bool inside(StepId id, StepKind a, StepKind b) const;
  Step& step(StepId id) { return d_.steps[id]; }

  Reading& r_;
  Definition& d_;
  Seen seen_;
  StepId at_ = 0;
  bool output_ = false;  ///< whether `output` has a value here
  bool error_ = false;
  const Json* input_properties_ = nullptr;
};

Error unresolved(const char* code, Pieces message, Pieces expected, std::string_view got) {
  return make_error(code, message, {}, expected, {got});
}

std::string written(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts)
    text.append(text.empty() ? "" : ".").append(part);
  return text;
}

Result<Reference> Scoping::resolve(const std::vector<std::string>& parts) {
  Reference reference;
  reference.name = parts[0];
  std::size_t used = 1;
  if (parts[0] == "input") {
    reference.root = Root::input;
    if (input_properties_ && parts.size() > 1 && !input_properties_->contains(parts[1]))
      return unresolved("missing_input", {"the input has no \"", parts[1], "\""},
                        {"a property of the input's schema"}, written(parts));
  } else if (parts[0] == "state") {
    if (parts.size() < 2)
      return unresolved("bad_expression", {"state is named by its channel"}, {"state.NAME"},
                        "state");
    const auto channel = r_.channels.find(parts[1]);
    if (channel == r_.channels.end())
      return unresolved("missing_input", {"nothing sets the channel \"", parts[1], "\""},
                        {"a channel that is declared or set"}, written(parts));
    reference.root = Root::state;
    reference.id = channel->second;
    reference.name = written({parts[0], parts[1]});
    used = 2;
  } else if (parts[0] == "steps") {
    auto resolved = resolve_step(parts);
    if (!resolved) return resolved;
    reference = std::move(*resolved);
    used = 2;
  } else if (parts[0] == "output" && output_) {
    reference.root = Root::output;
  } else if (parts[0] == "error" && error_) {
    reference.root = Root::error;
  } else if (parts[0] == "run") {
    reference.root = Root::run;
  } else {
    auto resolved = resolve_round(parts);
    if (!resolved) return resolved;
    reference = std::move(*resolved);
  }
  reference.path.assign(parts.begin() + static_cast<std::ptrdiff_t>(used), parts.end());
  return reference;
}

Result<Reference> Scoping::resolve_step(const std::vector<std::string>& parts) {
  if (parts.size() < 2)
    return unresolved("bad_expression", {"a step's output is named by its id"}, {"steps.ID"},
                      "steps");
  const auto found = r_.steps.find(parts[1]);
  if (found == r_.steps.end()) {
    std::vector<std::string_view> known;
    for (const auto& entry : r_.steps)
      known.push_back(entry.first);
    const std::string_view near = nearest(parts[1], known);
    return unresolved("unknown_step",
                      {"there is no step \"", parts[1], "\"", did_you_mean(parts[1], known)},
                      {near.empty() ? std::string_view("a step's id") : near}, written(parts));
  }
  if (!seen_[found->second])
    return unresolved(
        "missing_input",
        {"the step \"", parts[1], "\" cannot have run before \"", d_.step_name(at_), "\""},
        {"a step that comes before"}, written(parts));
  Reference reference;
  reference.root = Root::step;
  reference.id = found->second;
  reference.name = written({parts[0], parts[1]});
  return reference;
}

// `item`, `index`, `round` and the names that for_each gives its items: the innermost that counts.
Result<Reference> Scoping::resolve_round(const std::vector<std::string>& parts) {
  Reference reference;
  reference.name = parts[0];
  for (StepId above = at_; above != kNone; above = step(above).parent) {
    // A for_each's own items are named outside of it.
    if (above == at_) continue;
    const bool each = step(above).kind == StepKind::for_each;
    const bool loop = step(above).kind == StepKind::loop;
    reference.id = above;
    if (each && (parts[0] == "item" ||
                 (step(above).alias != kNone && parts[0] == d_.text(step(above).alias)))) {
      reference.root = Root::item;
      return reference;
    }
    if (each && parts[0] == "index") {
      reference.root = Root::index;
      return reference;
    }
    if (loop && parts[0] == "round") {
      reference.root = Root::round;
      return reference;
    }
  }
  return unresolved("unknown_name", {"nothing here is called \"", parts[0], "\""},
                    {"input, state.NAME, steps.ID, item, index, round or run"}, written(parts));
}

std::uint32_t Scoping::value(const Json& given, const std::string& path) {
  const std::size_t before = r_.faults.size();
  const std::uint32_t id = d_.bindings.add_value(given, path, *this, r_.faults);
  r_.place_from(before);
  return id;
}

std::uint32_t Scoping::expression(const Json& given, const std::string& path) {
  const std::size_t before = r_.faults.size();
  const std::uint32_t id = d_.bindings.add_expression(given, path, *this, r_.faults);
  r_.place_from(before);
  return id;
}

std::uint32_t Scoping::member_value(const Draft& draft, const char* key) {
  const Json* given = draft.node->is_object() ? r_.member(*draft.node, key) : nullptr;
  return given ? value(*given, joined({draft.path, ".", key})) : kNone;
}

void Scoping::mark(StepId from, StepId to) {
  for (StepId id = from; id < to; ++id)
    seen_[id] = true;
}

void Scoping::visit(StepId id) {
  const Draft draft = r_.drafts[id];
  const StepId outer = std::exchange(at_, id);
  if (draft.admit) {
    step(id).admit = expression(*draft.admit, draft.path);
    const Json* fixed = d_.bindings.constant(step(id).admit);
    if (fixed && !prompt::truthy(*fixed))
      r_.fault("unreachable", draft.path, {"the case can never be taken"},
               {"a condition that can hold"});
  }
  if (draft.node->is_object()) {
    if (const Json* when = r_.member(*draft.node, "when")) {
      step(id).when = expression(*when, draft.path + ".when");
      const Json* fixed = d_.bindings.constant(step(id).when);
      if (fixed && !prompt::truthy(*fixed))
        r_.fault("unreachable", draft.path + ".when",
                 {"the step \"", d_.step_name(id), "\" is never reached"},
                 {"a condition that can hold"});
    }
    targets(id, draft);
    own_values(id, draft);
    children(id);
    loop_until(id, draft);
    if (const Json* guard = r_.member(*draft.node, "guard")) {
      const bool outside = std::exchange(output_, true);
      step(id).guard = expression(*guard, draft.path + ".guard");
      output_ = outside;
    }
  } else {
    children(id);
  }
  conflicts(id);
  sides(id);
  seen_[id] = true;
  at_ = outer;
}

// A fallback sees what its step had begun, and why it failed; a compensation what it had done.
void Scoping::sides(StepId id) {
  if (step(id).fallback != kNone) {
    const bool outside = std::exchange(error_, true);
    visit(step(id).fallback);
    error_ = outside;
  }
  if (step(id).compensate != kNone) {
    const Seen before = seen_;
    seen_[id] = true;
    visit(step(id).compensate);
    // Nobody but another compensation can tell whether it has run.
    seen_ = before;
  }
}

void Scoping::children(StepId id) {
  const Step at = step(id);
  const bool apart = at.kind == StepKind::parallel || at.kind == StepKind::branch;
  const Seen before = seen_;
  Seen after = seen_;
  // A round sees what the rounds before it gave.
  const bool rounds =
      at.kind == StepKind::loop || (at.kind == StepKind::for_each && !at.in_scope_of_own);
  if (rounds && at.children.count > 0)
    mark(d_.children[at.children.begin], step(d_.children[at.children.begin]).end);
  bool handed = false;
  for (std::uint32_t i = 0; i < at.children.count; ++i) {
    const StepId child = d_.children[at.children.begin + i];
    if (handed)
      r_.fault(
          "unreachable", r_.drafts[child].path,
          {"the step \"", d_.step_name(child), "\" is never reached: a handoff does not come back"},
          {"the handoff as the last step"});
    if (apart) seen_ = before;
    visit(child);
    if (apart) unite(after, seen_);
    handed = at.kind == StepKind::sequence && step(child).kind == StepKind::handoff &&
             step(child).when == kNone;
  }
  if (apart) seen_ = std::move(after);
  // What each item gave is in the step's own output.
  if (at.kind == StepKind::for_each && at.in_scope_of_own) seen_ = before;
}

void Scoping::loop_until(StepId id, const Draft& draft) {
  if (step(id).kind != StepKind::loop) return;
  const Json& loop = (*draft.node)["loop"];
  if (!loop.is_object() || !loop.contains("until")) return;
  // The condition counts rounds, too: it is read from inside.
  if (step(id).children.count == 0) return;
  const StepId outer = std::exchange(at_, d_.children[step(id).children.begin]);
  step(id).until = expression(loop["until"], draft.path + ".loop.until");
  at_ = outer;
}

// {system, prompt} or {messages}, and the settings of this call.
std::uint32_t Scoping::model_request(StepId id, const Draft& draft) {
  Json request = Json::object();
  for (const char* key : {"system", "prompt", "messages", "settings"})
    if (const Json* given = r_.member(*draft.node, key)) request[key] = *given;
  if (request.contains("prompt") == request.contains("messages"))
    r_.fault("bad_step", draft.path,
             {"the step \"", d_.step_name(id), "\" needs either a prompt or messages"},
             {"prompt: TEXT"});
  return value(request, draft.path);
}

void Scoping::own_values(StepId id, const Draft& draft) {
  const Json& node = *draft.node;
  switch (step(id).kind) {
    case StepKind::model:
    case StepKind::agent:
      step(id).value = model_request(id, draft);
      return;
    case StepKind::handoff:
      if (step(id).target == kNone) return;
      step(id).value =
          step(id).to_workflow ? member_value(draft, "with") : model_request(id, draft);
      return;
    case StepKind::tool:
    case StepKind::builtin:
    case StepKind::child:
    case StepKind::emit:
      step(id).value = member_value(draft, "with");
      return;
    case StepKind::ask: {
      step(id).value = value(node["ask"], draft.path + ".ask");
      return;
    }
    case StepKind::for_each:
      step(id).value = expression(node["for_each"], draft.path + ".for_each");
      return;
    case StepKind::wait:
      if (node["wait"].is_object() && node["wait"].contains("until"))
        step(id).until = value(node["wait"]["until"], draft.path + ".wait.until");
      return;
    case StepKind::set: {
      std::uint32_t write = step(id).writes.begin;
      if (step(id).writes.count == 0) return;
      for (auto item = node["set"].begin(); item != node["set"].end(); ++item) {
        const std::uint32_t bound = value(*item, joined({draft.path, ".set.", item.key()}));
        d_.writes[write++].value = bound;
      }
      return;
    }
    default:
      return;
  }
}

bool Scoping::inside(StepId id, StepKind a, StepKind b) const {
  for (StepId above = d_.steps[id].parent; above != kNone; above = d_.steps[above].parent)
    if (d_.steps[above].kind == a || d_.steps[above].kind == b) return true;
  return false;
}

void Scoping::targets(StepId id, const Draft& draft) {
  const StepKind kind = step(id).kind;
  if (kind == StepKind::handoff && step(id).target == kNone) return;  // told already
  const std::string_view target = d_.text(step(id).target);
  std::vector<std::string_view> known;
  const char* what = nullptr;
  const auto gather = [&](const char* called, const auto& all) {
    what = called;
    for (const auto& one : all)
      known.push_back(one.name);
  };
  if (kind == StepKind::model) gather("model", d_.models);
  if (kind == StepKind::tool) gather("tool", d_.tools);
  if (kind == StepKind::agent || (kind == StepKind::handoff && !step(id).to_workflow))
    gather("agent", d_.agents);
  if (kind == StepKind::builtin) {
    what = "built-in";
    for (const std::string& name : r_.context.builtins)
      known.push_back(name);
  }
  if (kind == StepKind::builtin && r_.context.pinned) return;
  if (what) {
    for (const std::string_view name : known)
      if (name == target) return;
    const std::string_view near = nearest(target, known);
    r_.fault("unknown_target", joined({draft.path, ".", name_of(kind)}),
             {"there is no ", what, " \"", target, "\"", did_you_mean(target, known)},
             {near.empty() ? std::string_view("one that is declared") : near}, {target});
  } else if (kind == StepKind::child || kind == StepKind::handoff) {
    calls(id, draft);
  } else if (kind == StepKind::emit && target.empty()) {
    r_.fault("bad_step", draft.path + ".emit", {"an event has a name"}, {"emit: NAME"});
  }
}

// Whether `from` calls `name`, at once or through others.
bool leads_to(const LoadContext& context, std::string_view from, std::string_view name) {
  std::vector<std::string_view> open{from};
  for (std::size_t i = 0; i < open.size(); ++i) {
    if (open[i] == name) return true;
    for (const Callable& workflow : context.workflows) {
      if (workflow.name != open[i]) continue;
      for (const std::string& call : workflow.calls) {
        bool known = false;
        for (const std::string_view other : open)
          known = known || other == call;
        if (!known) open.push_back(call);
      }
    }
  }
  return false;
}

void Scoping::calls(StepId id, const Draft& draft) {
  const std::string_view target = d_.text(step(id).target);
  const std::string path = joined({draft.path, ".", name_of(step(id).kind)});
  const bool handoff = step(id).kind == StepKind::handoff;
  if (handoff && inside(id, StepKind::parallel, StepKind::for_each))
    r_.fault("bad_step", path, {"a branch cannot hand the whole run to a workflow"},
             {"the handoff outside of parallel and for_each"});
  if (handoff && (target == "self" || target == d_.name)) return;  // continue as new
  if (r_.context.pinned) return;
  std::vector<std::string_view> known{d_.name};
  for (const Callable& workflow : r_.context.workflows)
    known.push_back(workflow.name);
  if (std::find(known.begin(), known.end(), target) == known.end()) {
    r_.fault("unknown_target", path,
             {"there is no workflow \"", target, "\"", did_you_mean(target, known)},
             {"a workflow of the catalogue"}, {target});
  } else if (leads_to(r_.context, target, d_.name)) {
    r_.fault("cycle", path, {"the workflow \"", target, "\" leads back to \"", d_.name, "\""},
             {"calls without a cycle"}, {target});
  }
}

std::vector<StepId> Scoping::writers(StepId id, std::uint32_t channel) const {
  std::vector<StepId> found;
  for (StepId at = id; at < d_.steps[id].end; ++at)
    for (std::uint32_t w = 0; w < d_.steps[at].writes.count; ++w)
      if (d_.writes[d_.steps[at].writes.begin + w].channel == channel) found.push_back(at);
  return found;
}

// What two branches would write at once needs a reducer that says what comes of it.
void Scoping::conflicts(StepId id) {
  const Step at = step(id);
  if (!at.in_scope_of_own) return;
  for (std::uint32_t channel = 0; channel < d_.channels.size(); ++channel) {
    if (d_.channels[channel].reducer != Reducer::single) continue;
    StepId first = kNone;
    for (std::uint32_t i = 0; i < at.children.count; ++i) {
      const auto found = writers(d_.children[at.children.begin + i], channel);
      if (found.empty()) continue;
      const bool repeated = at.kind == StepKind::for_each;
      if (first != kNone || repeated) {
        const StepId other = repeated ? found[0] : first;
        r_.fault("conflict", joined({r_.drafts[found[0]].path, ".set.", d_.channels[channel].name}),
                 {"\"", d_.step_name(other), "\" and \"", d_.step_name(found[0]),
                  "\" would set state.", d_.channels[channel].name, " at the same time"},
                 {"a reducer for it under state"}, {d_.channels[channel].name});
      }
      first = found[0];
    }
  }
}

void Scoping::result(const Json& given) {
  at_ = 0;
  d_.result = value(given, "result");
}

}  // namespace

void resolve_names(Reading& reading, const Json& file) {
  if (reading.drafts.empty()) return;
  Scoping scoping(reading, file);
  scoping.visit(0);
  if (file.contains("result")) scoping.result(file["result"]);
}

}  // namespace redoubt::workflow
