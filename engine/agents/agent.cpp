#include "engine/agents/agent.hpp"

#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/base/nearest.hpp"

namespace redoubt::agents {

const char* name_of(MemoryScope scope) {
  static constexpr const char* kNames[] = {"session", "agent", "user"};
  return kNames[static_cast<std::size_t>(scope)];
}

std::string handoff_name(std::string_view agent) {
  return joined({"transfer_to_", agent});
}

namespace {

// What an agent may have; `role`, `goal` and `backstory` are put before the instructions, the rest
// of the last line is for people and for other programs.
constexpr const char* kKeys[] = {
    "llm",
    "llm_name",
    "tools",
    "tool_names",
    "handoffs",
    "instructions",
    "input_guardrails",
    "output",
    "output_guardrails",
    "memory",
    "tool_choice",
    "max_turns",
    "repair",
    "parallel_tool_calls",
    "timeout",
    "settings",
    "role",
    "goal",
    "backstory",
    "_type",
    "description",
    "note",
    "framework",
    "capabilities",
    "custom_config",
    "category",
    "context_window",
    "tags",
};

class AgentReader {
 public:
  AgentReader(const Json& settings, const Declarations& declarations, std::vector<Error>& faults,
              Agent& agent)
      : settings_(settings),
        declarations_(declarations),
        faults_(faults),
        agent_(agent),
        path_("agents." + agent.name) {}
  void read();

 private:
  void fault(const char* code, const std::string& key, Pieces message, Pieces expected,
             const Json& got);
  const Json* member(const Json& object, const char* key) const;
  std::string text(const Json& object, const char* key, const std::string& path);
  std::uint32_t number(const Json& object, const char* key, const std::string& path,
                       std::uint32_t low, std::uint32_t high, std::uint32_t fallback);
  bool flag(const Json& object, const char* key, const std::string& path, bool fallback);
  std::uint32_t find(const std::vector<std::string>& names, const Json& name, const char* what,
                     const std::string& path);
  void known_keys(const Json& object, const std::string& path, const char* const* keys,
                  std::size_t count);
  void need_builtin(const Json& name, const std::string& path) {
    if (!declarations_.pinned) find(declarations_.builtins, name, "built-in", path);
  }
  void persona();
  void tools();
  void tool(const Json& name, const std::string& path);
  const Parameters* parameters(std::uint32_t function, const Json& given,
                               const std::string& declared);
  void handoffs();
  void handoff(const Json& given, const std::string& path);
  void guardrails(const char* key, std::vector<Guardrail>& out);
  void guardrail(const Json& given, std::uint32_t place, const std::string& path,
                 std::vector<Guardrail>& out);
  void memory();

  const Json& settings_;
  const Declarations& declarations_;
  std::vector<Error>& faults_;
  Agent& agent_;
  std::string path_;
};

void AgentReader::fault(const char* code, const std::string& path, Pieces message, Pieces expected,
                        const Json& got) {
  Error error = make_error(code, message, {path}, expected, {});
  error.got = describe(got);
  faults_.push_back(std::move(error));
}

const Json* AgentReader::member(const Json& object, const char* key) const {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string AgentReader::text(const Json& object, const char* key, const std::string& path) {
  const Json* found = member(object, key);
  if (!found) return {};
  if (const std::string* given = found->get_ptr<const std::string*>()) return *given;
  fault("bad_agent", joined({path, ".", key}), {key, " is a text"}, {"a text"}, *found);
  return {};
}

std::uint32_t AgentReader::number(const Json& object, const char* key, const std::string& path,
                                  std::uint32_t low, std::uint32_t high, std::uint32_t fallback) {
  const Json* found = member(object, key);
  if (!found) return fallback;
  if (found->is_number_integer() && *found >= low && *found <= high)
    return found->get<std::uint32_t>();
  fault("bad_agent", joined({path, ".", key}), {key, " is a whole number from ", low, " to ", high},
        {"a whole number from ", low, " to ", high}, *found);
  return fallback;
}

bool AgentReader::flag(const Json& object, const char* key, const std::string& path,
                       bool fallback) {
  const Json* found = member(object, key);
  if (!found) return fallback;
  if (const bool* given = found->get_ptr<const bool*>()) return *given;
  fault("bad_agent", joined({path, ".", key}), {key, " is true or false"}, {"true or false"},
        *found);
  return fallback;
}

std::uint32_t AgentReader::find(const std::vector<std::string>& names, const Json& name,
                                const char* what, const std::string& path) {
  const std::string* given = name.get_ptr<const std::string*>();
  for (std::uint32_t i = 0; given && i < names.size(); ++i)
    if (names[i] == *given) return i;
  const std::vector<std::string_view> known(names.begin(), names.end());
  fault("unknown_target", path,
        {"there is no ", what, " ", describe(name), given ? did_you_mean(*given, known) : ""},
        {"one that is declared"}, name);
  return kNowhere;
}

void AgentReader::known_keys(const Json& object, const std::string& path, const char* const* keys,
                             std::size_t count) {
  for (auto item = object.begin(); item != object.end(); ++item) {
    bool known = false;
    for (std::size_t k = 0; k < count; ++k)
      known = known || item.key() == keys[k];
    if (!known)
      fault("unknown_key", joined({path, ".", item.key()}),
            {"there is no key \"", item.key(), "\" here",
             did_you_mean(item.key(), std::vector<std::string_view>(keys, keys + count))},
            {"another key"}, Json(item.key()));
  }
}

// `role`, `goal` and `backstory` are another way to write instructions; both may be given.
void AgentReader::persona() {
  std::string persona;
  if (const std::string role = text(settings_, "role", path_); !role.empty())
    persona += joined({"You are ", role, ".\n"});
  if (const std::string goal = text(settings_, "goal", path_); !goal.empty())
    persona += joined({"Your goal: ", goal, "\n"});
  if (const std::string story = text(settings_, "backstory", path_); !story.empty())
    persona += story + "\n";
  persona += text(settings_, "instructions", path_);
  if (!persona.empty() && persona.back() == '\n') persona.pop_back();
  agent_.instructions = std::make_shared<const Json>(std::move(persona));
}

Json list_of(const Json& given) {
  return given.is_array() ? given : Json::array({given});
}

void AgentReader::tools() {
  for (const char* key : {"tools", "tool_names"})
    if (const Json* given = member(settings_, key))
      for (const Json& name : list_of(*given))
        tool(name, joined({path_, ".", key}));
}

// Compiled once, whichever agents have the tool; null (and a fault) where it is no schema.
const Parameters* AgentReader::parameters(std::uint32_t function, const Json& given,
                                          const std::string& declared) {
  if (const auto known = declarations_.compiled.find(function);
      known != declarations_.compiled.end())
    return &known->second;
  auto compiled = schema::Schema::compile(given, declarations_.budget);
  if (compiled)
    return &declarations_.compiled
                .emplace(function,
                         Parameters{std::make_shared<const Json>(given), std::move(*compiled)})
                .first->second;
  std::string place = declared + ".parameters";
  for (const char c : compiled.error().path)
    place.push_back(c == '/' ? '.' : c);
  fault("bad_schema", place, {compiled.error().message}, {}, Json());
  return nullptr;
}

void AgentReader::tool(const Json& name, const std::string& path) {
  const std::uint32_t function = find(declarations_.functions, name, "tool", path);
  if (function == kNowhere) return;
  Tool tool;
  tool.function = function;
  tool.name = declarations_.functions[function];
  for (const Tool& other : agent_.tools)
    if (other.name == tool.name)
      return fault("bad_agent", path, {"the tool \"", tool.name, "\" is named twice"},
                   {"each tool once"}, name);
  const Json& settings = *declarations_.function_settings[function];
  const std::string declared = "functions." + tool.name;
  if (settings.is_object()) {
    tool.description = text(settings, "description", declared);
    if (const Json* given = member(settings, "parameters"))
      if (const Parameters* known = parameters(function, *given, declared)) {
        tool.parameters = known->document;
        tool.schema = known->schema;
      }
  }
  agent_.tools.push_back(std::move(tool));
}

void AgentReader::handoffs() {
  const Json* given = member(settings_, "handoffs");
  if (!given) return;
  const Json list = list_of(*given);
  for (std::size_t i = 0; i < list.size(); ++i)
    handoff(list[i], list[i].is_object() ? joined({path_, ".handoffs[", i, "]"})
                                         : joined({path_, ".handoffs"}));
}

void AgentReader::handoff(const Json& given, const std::string& path) {
  static constexpr const char* kHandoffKeys[] = {"agent", "description", "filter"};
  const bool whole = given.is_object();
  if (whole) known_keys(given, path, kHandoffKeys, 3);
  const Json none;
  const Json* name = whole ? member(given, "agent") : &given;
  Handoff handoff;
  handoff.agent = find(declarations_.agents, name ? *name : none, "agent", path);
  if (handoff.agent == kNowhere) return;
  if (declarations_.agents[handoff.agent] == agent_.name)
    return fault("cycle", path, {"the agent \"", agent_.name, "\" hands off to itself"},
                 {"another agent"}, *name);
  if (whole) handoff.description = text(given, "description", path);
  if (const Json* filter = whole ? member(given, "filter") : nullptr) {
    const std::string* named = filter->get_ptr<const std::string*>();
    const Json* last = filter->is_object() ? member(*filter, "last") : nullptr;
    if (named && *named == "without_tools") {
      handoff.filter = HandoffFilter::without_tools;
    } else if (named && *named == "prompt_only") {
      handoff.filter = HandoffFilter::prompt_only;
    } else if (last && filter->size() == 1) {
      handoff.filter = HandoffFilter::last;
      handoff.last = number(*filter, "last", path + ".filter", 1, 1000, 1);
    } else if (!named || *named != "all") {
      fault("bad_agent", path + ".filter", {"there is no such filter"},
            {"all, without_tools, prompt_only or {last: N}"}, *filter);
    }
  }
  agent_.handoffs.push_back(std::move(handoff));
}

void AgentReader::guardrails(const char* key, std::vector<Guardrail>& out) {
  const Json* given = member(settings_, key);
  if (!given) return;
  const std::string path = joined({path_, ".", key});
  if (!given->is_array() || given->size() > kGuardrailsMax)
    return fault("bad_agent", path, {key, " is a list"},
                 {"a list of at most ", kGuardrailsMax, " guardrails"}, *given);
  for (std::uint32_t i = 0; i < given->size(); ++i)
    guardrail((*given)[i], i, joined({path, "[", i, "]"}), out);
}

void AgentReader::guardrail(const Json& given, std::uint32_t place, const std::string& path,
                            std::vector<Guardrail>& out) {
  static constexpr const char* kGuardKeys[] = {"name",   "holds",   "builtin", "model",
                                               "prompt", "message", "blocking"};
  if (!given.is_object())
    return fault("bad_agent", path, {"a guardrail is an object"}, {"{name, holds}"}, given);
  known_keys(given, path, kGuardKeys, 7);
  Guardrail guard;
  guard.place = place;
  guard.name = text(given, "name", path);
  guard.message = text(given, "message", path);
  guard.prompt = text(given, "prompt", path);
  guard.blocking = flag(given, "blocking", path, true);
  const Json* holds = member(given, "holds");
  const Json* builtin = member(given, "builtin");
  const Json* model = member(given, "model");
  if ((holds != nullptr) + (builtin != nullptr) + (model != nullptr) != 1)
    return fault("bad_agent", path, {"a guardrail is an expression, a built-in or a model"},
                 {"one of holds, builtin and model"}, given);
  bool unique = !guard.name.empty();
  for (const auto* list : {&agent_.input_guardrails, &agent_.output_guardrails})
    for (const Guardrail& other : *list)
      unique = unique && other.name != guard.name;
  if (!unique)
    return fault("bad_agent", path + ".name", {"a guardrail has a name of its own"}, {"a name"},
                 Json(guard.name));
  if (holds) {
    guard.expression = std::make_shared<const Json>(*holds);
  } else if (builtin) {
    guard.kind = GuardrailKind::builtin;
    guard.target = text(given, "builtin", path);
    need_builtin(*builtin, path + ".builtin");
  } else {
    guard.kind = GuardrailKind::model;
    guard.model = find(declarations_.models, *model, "model", path + ".model");
    if (guard.prompt.empty())
      fault("bad_agent", path, {"a judging model is told what to judge"}, {"prompt: TEXT"}, given);
  }
  out.push_back(std::move(guard));
}

void AgentReader::memory() {
  static constexpr const char* kMemoryKeys[] = {"scope", "recall", "remember"};
  const Json* given = member(settings_, "memory");
  if (!given) return;
  const std::string path = path_ + ".memory";
  if (!given->is_object())
    return fault("bad_agent", path, {"memory is an object"}, {"{scope: user, recall: 5}"}, *given);
  known_keys(*given, path, kMemoryKeys, 3);
  MemoryUse use;
  const std::string scope = text(*given, "scope", path);
  bool known = scope.empty();
  for (const MemoryScope one : {MemoryScope::session, MemoryScope::agent, MemoryScope::user})
    if (scope == name_of(one)) {
      use.scope = one;
      known = true;
    }
  if (!known)
    fault("bad_agent", path + ".scope", {"there is no scope \"", scope, "\""},
          {"session, agent or user"}, Json(scope));
  use.recall = number(*given, "recall", path, 0, kRecallMax, use.recall);
  use.remember = flag(*given, "remember", path, true);
  if (use.recall > 0) need_builtin("memory.search", path);
  if (use.remember) need_builtin("memory.store", path);
  agent_.memory = use;
}

void AgentReader::read() {
  known_keys(settings_, path_, kKeys, sizeof(kKeys) / sizeof(kKeys[0]));
  agent_.description = text(settings_, "description", path_);
  persona();
  for (const char* key : {"llm", "llm_name"})
    if (const Json* given = member(settings_, key))
      agent_.model = find(declarations_.models, *given, "model", joined({path_, ".", key}));
  if (const Json* given = member(settings_, "settings")) {
    if (given->is_object()) {
      agent_.settings = std::make_shared<const Json>(*given);
    } else {
      fault("bad_agent", path_ + ".settings", {"settings are an object"}, {"{temperature: 0.2}"},
            *given);
    }
  }
  tools();
  handoffs();
  if (agent_.tools.size() + agent_.handoffs.size() > kToolsMax)
    fault("bad_agent", path_ + ".tools", {"an agent has at most ", kToolsMax, " tools"},
          {"fewer tools and handoffs"}, Json());
  guardrails("input_guardrails", agent_.input_guardrails);
  guardrails("output_guardrails", agent_.output_guardrails);
  memory();
  const std::string choice = text(settings_, "tool_choice", path_);
  if (choice == "none") agent_.tool_choice = ToolChoice::none;
  if (choice == "required") agent_.tool_choice = ToolChoice::required;
  if (!choice.empty() && choice != "none" && choice != "required" && choice != "auto")
    fault("bad_agent", path_ + ".tool_choice", {"there is no choice \"", choice, "\""},
          {"auto, none or required"}, Json(choice));
  agent_.parallel_calls = flag(settings_, "parallel_tool_calls", path_, true);
  agent_.turns = number(settings_, "max_turns", path_, 1, kTurnsMax, kTurnsDefault);
  agent_.repair = number(settings_, "repair", path_, 0, kRepairsMax, 1);
}

}  // namespace

Agent read_agent(const std::string& name, const Json& settings, const Declarations& declarations,
                 std::vector<Error>& faults) {
  Agent agent;
  agent.name = name;
  agent.instructions = std::make_shared<const Json>("");
  if (settings.is_object()) AgentReader(settings, declarations, faults, agent).read();
  return agent;
}

std::vector<std::uint32_t> reachable(const std::vector<Agent>& all, std::uint32_t first) {
  std::vector<std::uint32_t> found{first};
  for (std::size_t i = 0; i < found.size(); ++i)
    for (const Handoff& handoff : all[found[i]].handoffs) {
      bool known = false;
      for (const std::uint32_t other : found)
        known = known || other == handoff.agent;
      if (!known) found.push_back(handoff.agent);
    }
  return found;
}

}  // namespace redoubt::agents
