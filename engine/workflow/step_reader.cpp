// Pass one of loading: the shape of the steps.
#include <algorithm>

#include "engine/base/ascii.hpp"
#include "engine/base/nearest.hpp"
#include "engine/workflow/reading.hpp"

namespace redoubt::workflow {
namespace {

struct KindRow {
  const char* key;
  StepKind kind;
  EffectClass effect_class;
  std::initializer_list<const char*> keys;  ///< beside the kind's own and the common ones
};

const KindRow kKinds[] = {
    {"model",
     StepKind::model,
     EffectClass::idempotent,
     {"system", "prompt", "messages", "settings", "repair", "unknown", "class"}},
    {"agent", StepKind::agent, EffectClass::idempotent, {"prompt", "messages", "turns", "repair"}},
    {"tool", StepKind::tool, EffectClass::once, {"with", "class", "unknown"}},
    {"builtin", StepKind::builtin, EffectClass::pure, {"with"}},
    {"set", StepKind::set, EffectClass::pure, {}},
    {"sequence", StepKind::sequence, EffectClass::pure, {}},
    {"parallel", StepKind::parallel, EffectClass::pure, {"join", "quorum", "losers"}},
    {"branch", StepKind::branch, EffectClass::pure, {}},
    {"for_each",
     StepKind::for_each,
     EffectClass::pure,
     {"as", "do", "at_once", "max", "join", "quorum", "losers"}},
    {"loop", StepKind::loop, EffectClass::pure, {"do"}},
    {"wait", StepKind::wait, EffectClass::pure, {}},
    {"ask", StepKind::ask, EffectClass::idempotent, {"with"}},
    {"handoff", StepKind::handoff, EffectClass::idempotent, {"with", "prompt", "turns", "repair"}},
    {"child", StepKind::child, EffectClass::idempotent, {"with"}},
    {"emit", StepKind::emit, EffectClass::pure, {"with"}},
};

const std::initializer_list<const char*> kCommonKeys = {
    "id", "note", "when", "guard", "retry", "timeout", "fallback", "compensate", "output"};

struct JoinName {
  const char* name;
  Join join;
};
constexpr JoinName kJoins[] = {{"all", Join::all},
                               {"all_settled", Join::all_settled},
                               {"any", Join::any},
                               {"first", Join::first},
                               {"quorum", Join::quorum}};

bool identifier(std::string_view name) {
  if (name.empty() || name.size() > 64 || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_ascii_alnum(c) || c == '_'; });
}

class StepReader {
 public:
  explicit StepReader(Reading& reading) : r_(reading), d_(reading.definition) {}

  StepId read(const Json& node, const std::string& path, StepId parent, const std::string& name);

 private:
  StepId open(const Json& node, const std::string& path, StepId parent);
  void name(StepId id, const Json& node, const std::string& path, const std::string& fallback);
  const KindRow* kind_of(const Json& node, const std::string& path);
  void common(StepId id, const Json& node, const std::string& path);
  void retry(StepId id, const Json& node, const std::string& path);
  void codes(const Json& node, const char* key, const std::string& path,
             std::vector<std::string>& out);
  void details(StepId id, const KindRow& row, const Json& node, const std::string& path);
  void call(StepId id, const KindRow& row, const Json& node, const std::string& path);
  void for_each(StepId id, const Json& node, const std::string& path);
  void join(StepId id, const Json& node, const std::string& path);
  void loop(StepId id, const Json& node, const std::string& path);
  void wait(StepId id, const Json& value, const std::string& path);
  void handoff(StepId id, const Json& value, const std::string& path);
  void set(StepId id, const Json& value, const std::string& path);
  void branch(StepId id, const Json& value, const std::string& path);
  void list(StepId id, const Json& value, const std::string& path);
  void body(StepId id, const Json& node, const std::string& path);
  void keep(StepId id, const std::vector<StepId>& children);
  std::string below(StepId id, Piece part) { return joined({d_.step_name(id), ".", part}); }
  std::uint32_t number(const Json& node, const char* key, const std::string& path, std::int64_t low,
                       std::int64_t high, std::int64_t fallback) {
    return static_cast<std::uint32_t>(r_.integer_of(node, key, path, low, high, fallback));
  }
  Step& step(StepId id) { return d_.steps[id]; }

  Reading& r_;
  Definition& d_;
  int depth_ = 0;
};

StepId StepReader::open(const Json& node, const std::string& path, StepId parent) {
  const auto id = static_cast<StepId>(d_.steps.size());
  d_.steps.emplace_back();
  step(id).parent = parent;
  const Position place = r_.document.value_at(pointer_of(path));
  step(id).line = place.line;
  step(id).column = place.column;
  r_.drafts.push_back({&node, path, nullptr});
  return id;
}

void StepReader::name(StepId id, const Json& node, const std::string& path,
                      const std::string& fallback) {
  std::string chosen = fallback;
  if (node.is_object() && node.contains("id")) {
    const std::string_view given = r_.text_of(node, "id", path);
    if (identifier(given)) {
      chosen = given;
    } else {
      r_.fault("bad_step", path + ".id", {"a step's id is a name of letters, digits and _"},
               {"at most 64, not beginning with a digit"}, {describe(node["id"])});
    }
  }
  step(id).name = r_.text(chosen);
  if (!r_.steps.emplace(chosen, id).second)
    r_.fault("bad_step", path + ".id", {"two steps are called \"", chosen, "\""},
             {"an id of its own for each step"}, {chosen});
}

const KindRow* StepReader::kind_of(const Json& node, const std::string& path) {
  const KindRow* found = nullptr;
  for (const KindRow& row : kKinds) {
    if (!node.contains(row.key)) continue;
    if (found)
      r_.fault("unknown_kind", path,
               {"the step is both a ", found->key, " and a ", row.key, " step"},
               {"one kind for each step"});
    if (!found) found = &row;
  }
  if (found) return found;
  std::string kinds;
  std::vector<std::string_view> keys;
  for (const KindRow& row : kKinds) {
    kinds.append(kinds.empty() ? "" : ", ").append(row.key);
    keys.emplace_back(row.key);
  }
  std::string meant;
  for (auto item = node.begin(); item != node.end() && meant.empty(); ++item)
    meant = did_you_mean(item.key(), keys);
  r_.fault("unknown_kind", path, {"the step has no kind", meant}, {"one of the keys ", kinds});
  return nullptr;
}

StepId StepReader::read(const Json& node, const std::string& path, StepId parent,
                        const std::string& fallback_name) {
  const StepId id = open(node, path, parent);
  name(id, node, path, fallback_name);
  if (++depth_ > kNestingMax || d_.steps.size() > kStepsMax) {
    r_.fault("bad_step", path, {"the workflow is too large"},
             {"at most ", kStepsMax, " steps, ", kNestingMax, " deep"});
  } else if (node.is_array()) {
    list(id, node, path);
  } else if (!node.is_object()) {
    r_.fault("bad_step", path, {"a step is an object, several are a list"}, {"a step"},
             {describe(node)});
  } else if (const KindRow* row = kind_of(node, path)) {
    step(id).kind = row->kind;
    step(id).effect_class = row->effect_class;
    r_.refuse_unknown(node, path, {kCommonKeys, row->keys, {row->key}});
    details(id, *row, node, path);
    common(id, node, path);
  }
  --depth_;
  step(id).end = static_cast<StepId>(d_.steps.size());
  return id;
}

void StepReader::keep(StepId id, const std::vector<StepId>& children) {
  step(id).children = {static_cast<std::uint32_t>(d_.children.size()),
                       static_cast<std::uint32_t>(children.size())};
  d_.children.insert(d_.children.end(), children.begin(), children.end());
}

void StepReader::common(StepId id, const Json& node, const std::string& path) {
  step(id).timeout_ms = r_.duration_of(node, "timeout", path, 0);
  step(id).output = r_.schema_of(node, "output", path);
  retry(id, node, path);
  if (const Json* other = r_.member(node, "fallback")) {
    const StepId child = read(*other, path + ".fallback", id, below(id, "fallback"));
    step(id).fallback = child;
  }
  if (const Json* undo = r_.member(node, "compensate")) {
    const StepId child = read(*undo, path + ".compensate", id, below(id, "compensate"));
    step(id).compensate = child;
  }
}

void StepReader::codes(const Json& node, const char* key, const std::string& path,
                       std::vector<std::string>& out) {
  const Json* list = r_.member(node, key);
  if (!list) return;
  bool texts = list->is_array();
  for (std::size_t i = 0; texts && i < list->size(); ++i)
    texts = (*list)[i].is_string();
  if (!texts) {
    r_.fault("bad_step", joined({path, ".", key}), {key, " is a list of error codes"},
             {"a list of texts"}, {describe(*list)});
    return;
  }
  for (const Json& code : *list)
    out.push_back(*code.get_ptr<const std::string*>());
}

void StepReader::retry(StepId id, const Json& node, const std::string& path) {
  const Json* policy = r_.member(node, "retry");
  if (!policy) return;
  const std::string at = path + ".retry";
  if (!policy->is_object()) {
    r_.fault("bad_step", at, {"retry is an object"}, {"{attempts: 3, initial: 1s}"},
             {describe(*policy)});
    return;
  }
  r_.refuse_unknown(*policy, at,
                    {{"initial", "multiplier_permille", "max", "attempts", "elapsed",
                      "jitter_permille", "retry_on", "never_on"}});
  Retry retry;
  retry.initial_ms = r_.duration_of(*policy, "initial", at, retry.initial_ms);
  retry.max_ms =
      r_.duration_of(*policy, "max", at, std::max<std::int64_t>(retry.initial_ms, 60000));
  retry.elapsed_ms = r_.duration_of(*policy, "elapsed", at, 0);
  retry.attempts = static_cast<std::uint32_t>(r_.integer_of(*policy, "attempts", at, 1, 1000, 3));
  retry.multiplier_permille = static_cast<std::uint32_t>(
      r_.integer_of(*policy, "multiplier_permille", at, 1000, 100000, 2000));
  retry.jitter_permille =
      static_cast<std::uint32_t>(r_.integer_of(*policy, "jitter_permille", at, 0, 1000, 0));
  codes(*policy, "retry_on", at, retry.retry_on);
  codes(*policy, "never_on", at, retry.never_on);
  step(id).retry = static_cast<std::uint32_t>(d_.retries.size());
  d_.retries.push_back(std::move(retry));
}

}  // namespace

void read_effect(Reading& r, Step& step, const Json& node, const std::string& path) {
  const std::string_view effect_class = r.text_of(node, "class", path);
  for (const EffectClass c : {EffectClass::pure, EffectClass::idempotent, EffectClass::once})
    if (effect_class == name_of(c)) step.effect_class = c;
  if (!effect_class.empty() && effect_class != name_of(step.effect_class))
    r.fault("bad_step", path + ".class", {"there is no class \"", effect_class, "\""},
            {"pure, idempotent or once"}, {effect_class});
  const std::string_view unknown = r.text_of(node, "unknown", path);
  if (unknown == "ask") step.unknown = Unknown::ask;
  if (unknown == "repeat") step.unknown = Unknown::repeat;
  if (!unknown.empty() && unknown != "ask" && unknown != "repeat" && unknown != "fail")
    r.fault("bad_step", path + ".unknown",
            {"what follows an unknown outcome cannot be \"", unknown, "\""},
            {"fail, ask or repeat"}, {unknown});
}

namespace {

void StepReader::details(StepId id, const KindRow& row, const Json& node, const std::string& path) {
  const Json& value = node[row.key];
  const std::string at = joined({path, ".", row.key});
  switch (row.kind) {
    case StepKind::model:
    case StepKind::agent:
    case StepKind::tool:
    case StepKind::builtin:
    case StepKind::child:
    case StepKind::emit:
      call(id, row, node, path);
      return;
    case StepKind::set:
      set(id, value, at);
      return;
    case StepKind::sequence:
      list(id, value, at);
      return;
    case StepKind::parallel:
      list(id, value, at);
      step(id).in_scope_of_own = true;
      join(id, node, path);
      return;
    case StepKind::branch:
      branch(id, value, at);
      return;
    case StepKind::for_each:
      for_each(id, node, path);
      return;
    case StepKind::loop:
      loop(id, node, path);
      return;
    case StepKind::wait:
      wait(id, value, at);
      return;
    case StepKind::ask:
      return;
    case StepKind::handoff:
      step(id).bound = number(node, "turns", path, 1, agents::kTurnsMax, 0);
      step(id).repair = number(node, "repair", path, 0, agents::kRepairsMax, kNone);
      handoff(id, value, at);
      return;
  }
}

void StepReader::call(StepId id, const KindRow& row, const Json& node, const std::string& path) {
  const std::string_view target = r_.text_of(node, row.key, path);
  step(id).target = r_.text(target);
  if (row.kind == StepKind::tool) {
    // A tool says itself what carrying it out twice would mean; a step may know better.
    if (const Declared* tool = find_declared(d_.tools, target))
      if (tool->settings->is_object())
        read_effect(r_, step(id), *tool->settings, "functions." + tool->name);
  }
  read_effect(r_, step(id), node, path);
  // An agent's step that says nothing of it has its agent's bounds.
  const bool agent = row.kind == StepKind::agent;
  if (agent) step(id).bound = number(node, "turns", path, 1, agents::kTurnsMax, 0);
  step(id).repair =
      number(node, "repair", path, 0, agents::kRepairsMax, agent ? std::int64_t{kNone} : 1);
}

void StepReader::for_each(StepId id, const Json& node, const std::string& path) {
  step(id).at_once = static_cast<std::uint32_t>(r_.integer_of(node, "at_once", path, 1, 1000, 1));
  step(id).in_scope_of_own = step(id).at_once > 1;
  step(id).bound =
      static_cast<std::uint32_t>(r_.integer_of(node, "max", path, 1, kRoundsMax, 1000));
  if (const Json* alias = r_.member(node, "as")) {
    const std::string_view given = r_.text_of(node, "as", path);
    if (!identifier(given))
      r_.fault("bad_step", path + ".as", {"an item's name is letters, digits and _"}, {"a name"},
               {describe(*alias)});
    step(id).alias = r_.text(given);
  }
  body(id, node, path);
  join(id, node, path);
}

void StepReader::body(StepId id, const Json& node, const std::string& path) {
  const Json* body = r_.member(node, "do");
  if (!body) {
    r_.fault("bad_step", path, {"nothing is done in the ", name_of(step(id).kind)}, {"do: [...]"});
    return;
  }
  const StepId child = read(*body, path + ".do", id, below(id, "do"));
  keep(id, {child});
}

void StepReader::list(StepId id, const Json& value, const std::string& path) {
  std::vector<StepId> children;
  if (value.is_object() && step(id).kind == StepKind::parallel) {
    for (auto item = value.begin(); item != value.end(); ++item)
      children.push_back(read(*item, joined({path, ".", item.key()}), id, below(id, item.key())));
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i)
      children.push_back(read(value[i], joined({path, "[", i, "]"}), id, below(id, i)));
  } else {
    r_.fault("bad_step", path, {"the steps of a ", name_of(step(id).kind), " are a list"},
             {"a list"}, {describe(value)});
  }
  if (children.empty() && (value.is_array() || value.is_object()))
    r_.fault("bad_step", path, {"the ", name_of(step(id).kind), " has no steps"},
             {"one step or more"});
  keep(id, children);
}

void StepReader::join(StepId id, const Json& node, const std::string& path) {
  const std::string_view name = r_.text_of(node, "join", path);
  bool known = name.empty();
  for (const JoinName& row : kJoins) {
    if (name != row.name) continue;
    step(id).join = row.join;
    known = true;
  }
  if (!known)
    r_.fault("bad_step", path + ".join", {"there is no join \"", name, "\""},
             {"all, all_settled, any, first or quorum"}, {name});
  const bool quorum = step(id).join == Join::quorum;
  if (quorum != node.contains("quorum"))
    r_.fault("bad_step", path, {"join: quorum and its number quorum go together"},
             {"join: quorum, quorum: 2"});
  step(id).quorum =
      static_cast<std::uint32_t>(r_.integer_of(node, "quorum", path, 1, kRoundsMax, 1));
  if (quorum && step(id).kind == StepKind::parallel && step(id).quorum > step(id).children.count)
    r_.fault("unreachable", path + ".quorum",
             {"the join cannot come about: ", step(id).quorum, " of ", step(id).children.count,
              " branches"},
             {"at most ", step(id).children.count}, {step(id).quorum});
  const std::string_view losers = r_.text_of(node, "losers", path);
  step(id).losers_run = losers == "run";
  if (!losers.empty() && losers != "run" && losers != "cancel")
    r_.fault("bad_step", path + ".losers", {"losers are cancelled or they run"}, {"cancel or run"},
             {losers});
}

void StepReader::loop(StepId id, const Json& node, const std::string& path) {
  const Json& value = node["loop"];
  const std::string at = path + ".loop";
  if (!value.is_object()) {
    r_.fault("bad_step", at, {"a loop says when it ends"}, {"{max: 5, until: EXPRESSION}"},
             {describe(value)});
  } else {
    r_.refuse_unknown(value, at, {{"max", "until", "stall", "at_bound"}});
    if (!value.contains("max"))
      r_.fault("unbounded_loop", at, {"the loop \"", d_.step_name(id), "\" has no bound"},
               {"max: a number of rounds"});
    step(id).bound = static_cast<std::uint32_t>(r_.integer_of(value, "max", at, 1, kRoundsMax, 1));
    step(id).stall = static_cast<std::uint32_t>(r_.integer_of(value, "stall", at, 1, 1000, 0));
    const std::string_view bound = r_.text_of(value, "at_bound", at);
    step(id).stop_at_bound = bound == "stop" || (bound.empty() && !value.contains("until"));
    if (!bound.empty() && bound != "stop" && bound != "fail")
      r_.fault("bad_step", at + ".at_bound", {"at its bound a loop stops or fails"},
               {"stop or fail"}, {bound});
  }
  body(id, node, path);
}

void StepReader::wait(StepId id, const Json& value, const std::string& path) {
  if (!value.is_object() || value.size() != 1) {
    r_.fault("bad_step", path, {"a wait says for what"},
             {"{for: 5s}, {until: TIME} or {signal: NAME}"}, {describe(value)});
    return;
  }
  r_.refuse_unknown(value, path, {{"for", "until", "signal"}});
  if (value.contains("for")) step(id).duration_ms = r_.duration_of(value, "for", path, 1);
  if (value.contains("signal")) step(id).target = r_.text(r_.text_of(value, "signal", path));
}

void StepReader::handoff(StepId id, const Json& value, const std::string& path) {
  if (!value.is_object() || value.size() != 1 ||
      !(value.contains("agent") || value.contains("workflow"))) {
    r_.fault("bad_step", path, {"a handoff says to whom"}, {"{agent: NAME} or {workflow: NAME}"},
             {describe(value)});
    return;
  }
  step(id).to_workflow = value.contains("workflow");
  step(id).target = r_.text(r_.text_of(value, step(id).to_workflow ? "workflow" : "agent", path));
}

void StepReader::set(StepId id, const Json& value, const std::string& path) {
  if (!value.is_object() || value.empty()) {
    r_.fault("bad_step", path, {"set names channels of the state and their values"},
             {"{name: value}"}, {describe(value)});
    return;
  }
  step(id).writes.begin = static_cast<std::uint32_t>(d_.writes.size());
  step(id).writes.count = static_cast<std::uint32_t>(value.size());
  for (auto item = value.begin(); item != value.end(); ++item)
    d_.writes.push_back({r_.channel(item.key()), kNone});
}

void StepReader::branch(StepId id, const Json& value, const std::string& path) {
  std::vector<StepId> cases;
  if (!value.is_array() || value.empty()) {
    r_.fault("bad_step", path, {"a branch is a list of cases"},
             {"[{if: ..., do: ...}, {else: ...}]"}, {describe(value)});
    return;
  }
  bool decided = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const Json& entry = value[i];
    const std::string at = joined({path, "[", i, "]"});
    const bool other = entry.is_object() && entry.contains("else");
    if (decided)
      r_.fault("unreachable", at, {"no case comes after else"}, {"else as the last case"});
    decided = decided || other;
    if (!entry.is_object() || (!other && !(entry.contains("if") && entry.contains("do")))) {
      r_.fault("bad_step", at, {"a case has a condition and steps"}, {"{if: ..., do: ...}"},
               {describe(entry)});
      continue;
    }
    r_.refuse_unknown(entry, at, {{"if", "do", "else"}});
    const char* key = other ? "else" : "do";
    const StepId child = read(entry[key], joined({at, ".", key}), id, below(id, i));
    if (!other) r_.drafts[child].admit = &entry["if"];
    cases.push_back(child);
  }
  keep(id, cases);
}

}  // namespace

const char* name_of(StepKind kind) {
  for (const KindRow& row : kKinds)
    if (row.kind == kind) return row.key;
  return "?";
}

void read_steps(Reading& reading, const Json& workflow, const std::string& path) {
  StepReader(reading).read(workflow, path, kNone, "workflow");
}

}  // namespace redoubt::workflow
