// Loading agents: their definitions before the steps are read, their inner steps afterwards.
#include <utility>

#include "engine/workflow/output_schema.hpp"
#include "engine/workflow/reading.hpp"

namespace redoubt::workflow {
namespace {

using agents::Agent;
using agents::Guardrail;
using agents::GuardrailKind;

/// What a judging model's answer must look like.
constexpr std::string_view kVerdictSchema =
    R"({"type":"object","required":["pass"],"properties":{"pass":{"type":"boolean"},)"
    R"("reason":{"type":"string"}}})";

// An agent is shared by all steps that name it: it knows the run's input, and what it looks at.
class AgentNames : public Resolver {
 public:
  explicit AgentNames(const char* seen) : seen_(seen) {}
  Result<Reference> resolve(const std::vector<std::string>& parts) override {
    Reference reference;
    reference.name = parts[0];
    reference.path.assign(parts.begin() + 1, parts.end());
    if (parts[0] == "input") {
      reference.root = Root::input;
    } else if (parts[0] == "run") {
      reference.root = Root::run;
    } else if (seen_ && parts[0] == seen_) {
      reference.root = Root::output;
    } else {
      return make_error("unknown_name", {"nothing here is called \"", parts[0], "\""}, {},
                        {"input, run", seen_ ? " or " : "", seen_ ? seen_ : ""}, {parts[0]});
    }
    return reference;
  }

 private:
  const char* seen_;
};

agents::Declarations declarations_of(const Reading& r) {
  agents::Declarations declarations;
  for (const Declared& model : r.definition.models)
    declarations.models.push_back(model.name);
  for (const Declared& tool : r.definition.tools) {
    declarations.functions.push_back(tool.name);
    declarations.function_settings.push_back(tool.settings);
  }
  declarations.builtins = r.context.builtins;
  declarations.pinned = r.context.pinned;
  declarations.budget = r.schemas;
  return declarations;
}

class AgentCompiler {
 public:
  explicit AgentCompiler(Reading& reading) : r_(reading), d_(reading.definition) {}
  void code(const Json& file);
  void use(StepId id);

 private:
  std::vector<std::uint32_t> expressions(const std::vector<Guardrail>& guards, const char* seen,
                                         const std::string& path);
  AgentParts parts_of(StepId above, std::uint32_t agent);
  std::vector<StepId> guards(StepId above, std::uint32_t agent, Inner inner);
  StepId tool(StepId above, std::uint32_t agent, std::uint32_t place);
  StepId builtin(StepId above, std::uint32_t agent, Inner inner, const char* target);
  StepId open(StepId above, std::uint32_t agent, StepKind kind, Inner inner, std::string_view mark,
              std::string_view name);
  std::uint32_t verdict();

  Reading& r_;
  Definition& d_;
  std::uint32_t verdict_ = kNone;
};

std::vector<std::uint32_t> AgentCompiler::expressions(const std::vector<Guardrail>& guards,
                                                      const char* seen, const std::string& path) {
  std::vector<std::uint32_t> code;
  AgentNames names(seen);
  for (std::size_t g = 0; g < guards.size(); ++g)
    code.push_back(guards[g].kind == GuardrailKind::expression
                       ? d_.bindings.add_expression(*guards[g].expression,
                                                    joined({path, "[", guards[g].place, "].holds"}),
                                                    names, r_.faults)
                       : kNone);
  return code;
}

void AgentCompiler::code(const Json& file) {
  const Json& declared = file["agents"];
  const std::size_t before = r_.faults.size();
  AgentNames names(nullptr);
  for (const Agent& agent : d_.agents) {
    const std::string path = "agents." + agent.name;
    AgentCode code;
    code.instructions =
        d_.bindings.add_value(*agent.instructions, path + ".instructions", names, r_.faults);
    code.input_guardrails =
        expressions(agent.input_guardrails, "prompt", path + ".input_guardrails");
    code.output_guardrails =
        expressions(agent.output_guardrails, "output", path + ".output_guardrails");
    if (const Json& settings = declared[agent.name]; settings.is_object()) {
      code.output = r_.schema_of(settings, "output", path);
      code.timeout_ms = r_.duration_of(settings, "timeout", path, 0);
    }
    d_.agent_code.push_back(std::move(code));
  }
  for (const Declared& tool : d_.tools)
    if (tool.settings->is_object())
      r_.duration_of(*tool.settings, "timeout", "functions." + tool.name, 0);
  r_.place_from(before);
}

StepId AgentCompiler::open(StepId above, std::uint32_t agent, StepKind kind, Inner inner,
                           std::string_view mark, std::string_view name) {
  const auto id = static_cast<StepId>(d_.steps.size());
  d_.steps.emplace_back();
  Step& step = d_.steps.back();
  step.kind = kind;
  step.inner = inner;
  step.agent = agent;
  step.parent = above;
  step.end = id + 1;
  step.line = d_.steps[above].line;
  step.column = d_.steps[above].column;
  step.name = r_.text(joined({d_.step_name(above), "/", d_.agents[agent].name, mark, name}));
  step.effect_class = kind == StepKind::builtin ? EffectClass::pure : EffectClass::idempotent;
  return id;
}

StepId AgentCompiler::tool(StepId above, std::uint32_t agent, std::uint32_t place) {
  const agents::Tool& tool = d_.agents[agent].tools[place];
  const StepId id = open(above, agent, StepKind::tool, Inner::tool, "/", tool.name);
  Step& step = d_.steps[id];
  step.part = place;
  step.target = r_.text(tool.name);
  step.effect_class = EffectClass::once;
  const Json& settings = *d_.tools[tool.function].settings;
  if (!settings.is_object()) return id;
  const std::string path = "functions." + tool.name;
  read_effect(r_, step, settings, path);
  step.timeout_ms = r_.duration_of(settings, "timeout", path, 0);
  return id;
}

StepId AgentCompiler::builtin(StepId above, std::uint32_t agent, Inner inner, const char* target) {
  const char* name = inner == Inner::recall ? "recall" : "remember";
  const StepId id = open(above, agent, StepKind::builtin, inner, ":", name);
  d_.steps[id].target = r_.text(target);
  if (inner == Inner::remember) d_.steps[id].effect_class = EffectClass::idempotent;
  return id;
}

std::uint32_t AgentCompiler::verdict() {
  if (verdict_ != kNone) return verdict_;
  const auto json = parse_json(kVerdictSchema);
  if (json) verdict_ = r_.schema_of(Json{{"output", *json}}, "output", "");
  return verdict_;
}

std::vector<StepId> AgentCompiler::guards(StepId above, std::uint32_t agent, Inner inner) {
  const bool input = inner == Inner::input_guardrail;
  const auto& guards =
      input ? d_.agents[agent].input_guardrails : d_.agents[agent].output_guardrails;
  std::vector<StepId> steps;
  for (std::uint32_t g = 0; g < guards.size(); ++g) {
    const Guardrail& guard = guards[g];
    if (guard.kind == GuardrailKind::expression) {
      steps.push_back(kNone);
      continue;
    }
    const bool model = guard.kind == GuardrailKind::model;
    const StepId id =
        open(above, agent, model ? StepKind::model : StepKind::builtin, inner, ":", guard.name);
    d_.steps[id].part = g;
    d_.steps[id].target =
        r_.text(model ? std::string_view(d_.models[guard.model].name) : guard.target);
    if (model) {
      d_.steps[id].output = verdict();
      d_.steps[id].repair = 1;
    }
    steps.push_back(id);
  }
  return steps;
}

AgentParts AgentCompiler::parts_of(StepId above, std::uint32_t agent) {
  const Agent& spec = d_.agents[agent];
  AgentParts parts;
  parts.agent = agent;
  parts.turn = open(above, agent, StepKind::model, Inner::turn, "", "");
  d_.steps[parts.turn].target = r_.text(d_.models[spec.model].name);
  d_.steps[parts.turn].retry = d_.steps[above].retry;
  d_.steps[parts.turn].timeout_ms = d_.agent_code[agent].timeout_ms;
  for (std::uint32_t t = 0; t < spec.tools.size(); ++t)
    parts.tools.push_back(tool(above, agent, t));
  parts.input_guardrails = guards(above, agent, Inner::input_guardrail);
  parts.output_guardrails = guards(above, agent, Inner::output_guardrail);
  if (spec.memory && spec.memory->recall > 0)
    parts.recall = builtin(above, agent, Inner::recall, "memory.search");
  if (spec.memory && spec.memory->remember)
    parts.remember = builtin(above, agent, Inner::remember, "memory.store");
  return parts;
}

void AgentCompiler::use(StepId id) {
  std::uint32_t first = 0;
  while (d_.agents[first].name != d_.text(d_.steps[id].target))
    ++first;
  AgentUse use;
  for (const std::uint32_t agent : agents::reachable(d_.agents, first)) {
    // Each agent has its few steps in each step that uses it: the bound holds for all of them.
    if (d_.steps.size() > kStepsMax) break;
    use.push_back(parts_of(id, agent));
  }
  // Trying again is for a turn: a conversation from its beginning would call its tools again.
  d_.steps[id].retry = kNone;
  d_.steps[id].agent = static_cast<std::uint32_t>(d_.agent_uses.size());
  d_.agent_uses.push_back(std::move(use));
}

}  // namespace

void read_agents(Reading& r, const Json& file) {
  const Json* all = r.member(file, "agents");
  if (!all) return;
  if (!all->is_object()) {
    r.fault("bad_file", "agents", {"agents is an object"}, {"{NAME: {...}}"}, {describe(*all)});
    return;
  }
  agents::Declarations declarations = declarations_of(r);
  for (auto item = all->begin(); item != all->end(); ++item)
    declarations.agents.push_back(item.key());
  const std::size_t before = r.faults.size();
  for (auto item = all->begin(); item != all->end(); ++item) {
    const std::string path = "agents." + item.key();
    if (!item->is_object())
      r.fault("bad_file", path, {item.key(), " is an object"}, {"an object"}, {describe(*item)});
    Agent agent = agents::read_agent(item.key(), *item, declarations, r.faults);
    if (item->is_object() && !item->contains("llm") && !item->contains("llm_name")) {
      // One model that is declared needs no name.
      if (declarations.models.size() == 1) agent.model = 0;
      if (agent.model == agents::kNowhere)
        r.fault("bad_agent", path, {"the agent \"", item.key(), "\" has no model"}, {"llm: NAME"});
    }
    r.definition.agents.push_back(std::move(agent));
  }
  r.schemas = declarations.budget;
  r.place_from(before);
}

void compile_agents(Reading& r, const Json& file) {
  if (r.definition.agents.empty()) return;
  AgentCompiler compiler(r);
  compiler.code(file);
  // Inner steps name models, tools and guardrails by their places: all must be good.
  if (!r.faults.empty()) return;
  const auto steps = static_cast<StepId>(r.definition.steps.size());
  for (StepId id = 0; id < steps; ++id) {
    const Step& step = r.definition.steps[id];
    if (step.kind == StepKind::agent || (step.kind == StepKind::handoff && !step.to_workflow))
      compiler.use(id);
  }
  if (r.definition.steps.size() > kStepsMax)
    r.fault(
        "bad_step", "agents", {"the steps and their agents are too many"},
        {"at most ", kStepsMax, " steps, those of agents' turns, tools and guardrails among them"});
}

}  // namespace redoubt::workflow
