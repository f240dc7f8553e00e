#include "engine/workflow/toolkit.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/ascii.hpp"
#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/mark_list.hpp"
#include "engine/base/message.hpp"
#include "engine/base/nearest.hpp"
#include "engine/workflow/reading.hpp"

namespace redoubt::workflow {
namespace {

using Names = std::span<const std::string_view>;

/// How a `_type` is rewritten.
enum class Shape : std::uint8_t {
  agent,
  chat,
  plan_and_agent,
  plan_and_function,
  sequence,
  parallel,
  router
};

constexpr std::string_view kAgentKeys[] = {
    "llm_name",  "tool_names",     "nat_tools",     "system_prompt", "additional_instructions",
    "max_turns", "max_iterations", "max_tool_calls"};
constexpr std::string_view kChatKeys[] = {"llm_name", "system_prompt"};
constexpr std::string_view kRewooKeys[] = {"llm_name",
                                           "tool_names",
                                           "additional_instructions",
                                           "additional_planner_instructions",
                                           "additional_solver_instructions",
                                           "max_turns"};
constexpr std::string_view kReasoningKeys[] = {"llm_name", "augmented_fn"};
constexpr std::string_view kSequenceKeys[] = {"tool_list", "sequential_tool_list"};
constexpr std::string_view kParallelKeys[] = {"tool_list"};
constexpr std::string_view kRouterKeys[] = {"llm_name", "branches", "routing_request"};

struct TypeRow {
  std::string_view name;
  Shape shape;
  Names keys;
};
constexpr TypeRow kTypes[] = {
    {"react_agent", Shape::agent, kAgentKeys},
    {"tool_calling_agent", Shape::agent, kAgentKeys},
    {"responses_api_agent", Shape::agent, kAgentKeys},
    {"chat_completion", Shape::chat, kChatKeys},
    {"rewoo_agent", Shape::plan_and_agent, kRewooKeys},
    {"reasoning_agent", Shape::plan_and_function, kReasoningKeys},
    {"sequential_executor", Shape::sequence, kSequenceKeys},
    {"sequential_execution", Shape::sequence, kSequenceKeys},
    {"parallel_executor", Shape::parallel, kParallelKeys},
    {"router_agent", Shape::router, kRouterKeys},
};

/// What any of them may have and nothing here follows: how an agent's text is parsed, logged and
/// asked for again.
constexpr std::string_view kNoEffect[] = {"description",
                                          "verbose",
                                          "workflow_alias",
                                          "use_openai_api",
                                          "max_history",
                                          "max_retries",
                                          "handle_tool_errors",
                                          "handle_parsing_errors",
                                          "retry_parsing_errors",
                                          "retry_agent_response_parsing_errors",
                                          "parse_agent_response_max_retries",
                                          "tool_call_max_retries",
                                          "pass_tool_call_errors_to_agent",
                                          "log_response_max_chars",
                                          "include_tool_input_schema_in_tool_description",
                                          "normalize_tool_input_quotes",
                                          "use_native_tool_calling",
                                          "max_router_retries",
                                          "raise_type_incompatibility",
                                          "check_type_compatibility",
                                          "tool_execution_config",
                                          "raise_tool_call_error"};

/// Sections that functions, evaluation or the toolkit's server read, and no run does.
constexpr std::string_view kOtherSections[] = {
    "eval",       "optimizer",      "embedders",      "retrievers", "memory",    "object_stores",
    "middleware", "authentication", "ttc_strategies", "trainers",   "finetuning"};

constexpr std::string_view kChoose =
    "Choose the one that answers the request best, and give its name as \"branch\".";
constexpr std::string_view kPlan =
    "Make a short plan of numbered steps for answering the request. Do not answer it yourself.";

bool among(Names names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const TypeRow* row_of(const Json& object) {
  const auto type = object.is_object() ? object.find("_type") : object.end();
  if (!object.is_object() || type == object.end()) return nullptr;
  const std::string* name = type->get_ptr<const std::string*>();
  for (const TypeRow& row : kTypes)
    if (name && row.name == *name) return &row;
  return nullptr;
}

/// A function or the workflow itself, while it is rewritten.
struct Part {
  const Json& settings;
  std::string path;  ///< "workflow", "functions.math"
  std::string name;  ///< of the agent that it becomes
};

/// An object of our form that grows, and where it will stand in it.
struct Made {
  Json value = Json::object();
  std::string pointer;
};

class Rewriter {
 public:
  explicit Rewriter(const Document& file) : from_(file), file_(file.value()) {}
  Rewritten rewrite();

 private:
  void fault(const std::string& path, Pieces message, Pieces expected = {});
  void note(const std::string& path, Pieces message);
  Error told(const char* code, const std::string& path, Pieces message, Pieces expected) const;

  /// The marks of `value`, which stands at `to` in our form and at `at` in the file.
  void keep(const std::string& to, const std::string& at, const Json& value);
  /// Something new at `to`, on behalf of `at`.
  void mark(const std::string& to, const std::string& at);
  void set(Made& made, const char* key, const std::string& at, Json value);
  Made made_at(std::string pointer, const std::string& at);

  const Json* function(const std::string& name) const;
  void copy_sections();
  void check_keys(const Part& part, const TypeRow& row);
  const Json* text(const Part& part, const char* key, bool required = false);
  std::string words(const Part& part, const char* key);
  /// The names of a list, and the path of it.
  std::vector<std::string> list(const Part& part, std::initializer_list<const char*> keys,
                                std::string& path);
  std::string unused_id(std::string_view wanted);

  void add_agent(const Part& part, const std::string& instructions);
  /// Each adds a step at the end of `workflow`, but for a function's, which is given.
  void add_model_step(const Part& part, const char* id, const std::string& system,
                      Json output = nullptr);
  void add_agent_step(const Part& part, const char* prompt);
  void add_step(Made step) { steps_.push_back(std::move(step.value)); }
  std::string next_step() const { return pointer_to("/workflow", steps_.size()); }
  /// A step that does what the function `name` says; `gives` names what comes of it.
  Made function_step(const std::string& to, const std::string& path, const std::string& name,
                     const std::string& with, std::string& gives);

  void agent(const Part& part);
  void chat(const Part& part);
  void plan_and_agent(const Part& part);
  void plan_and_function(const Part& part);
  void sequence(const Part& part);
  void parallel(const Part& part);
  void router(const Part& part);
  void rewrite_workflow(const Part& part, const TypeRow& row);

  const Document& from_;
  const Json& file_;
  Json out_ = Json::object();
  Json steps_ = Json::array();
  Json result_;
  MarkList marks_;
  std::map<std::string, int> ids_;
  std::vector<std::string> checked_;
  Rewritten done_;
};

Error Rewriter::told(const char* code, const std::string& path, Pieces message,
                     Pieces expected) const {
  Error error = make_error(code, message, {path}, expected, {});
  const Position place = from_.key_at(pointer_of(path));
  error.line = place.line;
  error.column = place.column;
  return error;
}

void Rewriter::fault(const std::string& path, Pieces message, Pieces expected) {
  if (done_.faults.size() < kFaultsMax)
    done_.faults.push_back(told("toolkit_file", path, message, expected));
}

void Rewriter::note(const std::string& path, Pieces message) {
  if (done_.notes.size() < kFaultsMax) done_.notes.push_back(told("file_note", path, message, {}));
}

void Rewriter::mark(const std::string& to, const std::string& at) {
  marks_.add(to, from_.key_at(at), from_.value_at(at));
}

void Rewriter::keep(const std::string& to, const std::string& at, const Json& value) {
  mark(to, at);
  if (value.is_object())
    for (auto item = value.begin(); item != value.end(); ++item)
      keep(MarkList::below(to, item.key()), MarkList::below(at, item.key()), *item);
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i)
      keep(MarkList::below(to, i), MarkList::below(at, i), value[i]);
}

void Rewriter::set(Made& made, const char* key, const std::string& at, Json value) {
  mark(pointer_to(made.pointer, key), at);
  made.value[key] = std::move(value);
}

Made Rewriter::made_at(std::string pointer, const std::string& at) {
  mark(pointer, at);
  return {Json::object(), std::move(pointer)};
}

const Json* Rewriter::function(const std::string& name) const {
  const auto functions = file_.find("functions");
  if (functions == file_.end() || !functions->is_object()) return nullptr;
  const auto found = functions->find(name);
  return found == functions->end() ? nullptr : &*found;
}

void Rewriter::copy_sections() {
  std::string tools;
  for (auto item = file_.begin(); item != file_.end(); ++item) {
    const std::string at = pointer_to("", item.key());
    if (item.key() == "workflow" || item.key() == "functions") continue;
    if (among(kOtherSections, item.key())) {
      note(item.key(), {"is left out: no run reads it"});
    } else if (item.key() == "function_groups") {
      fault(item.key(), {"groups of functions are not here"},
            {"each function of them below functions, and its name in tool_names"});
    } else {
      out_[item.key()] = *item;
      keep(at, at, *item);
    }
  }
  const auto functions = file_.find("functions");
  if (functions == file_.end()) return;
  out_["functions"] = functions->is_object() ? Json::object() : *functions;
  mark("/functions", "/functions");
  if (!functions->is_object()) return;
  for (auto item = functions->begin(); item != functions->end(); ++item) {
    if (row_of(*item)) continue;  // an agent: where it is used
    out_["functions"][item.key()] = *item;
    keep(pointer_to("/functions", item.key()), pointer_to("/functions", item.key()), *item);
    const auto type = item->is_object() ? item->find("_type") : item->end();
    if (item->is_object() && type != item->end() && *type != "command")
      tools.append(tools.empty() ? "" : ", ").append(item.key());
  }
  if (!tools.empty())
    note("functions",
         {"the toolkit's own code is not here, so whoever runs the workflow does what ", tools,
          " say: on the command line a program, {_type: command, command: "
          "[PROGRAM], parameters: {...}}, in a page `tools`"});
}

void Rewriter::check_keys(const Part& part, const TypeRow& row) {
  std::string idle;
  std::vector<std::string_view> known(row.keys.begin(), row.keys.end());
  known.insert(known.end(), std::begin(kNoEffect), std::end(kNoEffect));
  for (auto item = part.settings.begin(); item != part.settings.end(); ++item) {
    if (item.key() == "_type" || among(row.keys, item.key())) continue;
    if (item.key() != "description" && among(kNoEffect, item.key()))
      idle.append(idle.empty() ? "" : ", ").append(item.key());
    if (!among(kNoEffect, item.key()))
      fault(joined({part.path, ".", item.key()}),
            {"the key \"", item.key(), "\" of a ", row.name, " has no counterpart here",
             did_you_mean(item.key(), known)},
            {"the workflow as steps, docs/workflows.md#files-of-nemo-agent-toolkit"});
  }
  if (!idle.empty()) note(part.path, {"without effect here: ", idle});
}

// A text that may stand in a prompt; null where there is none.
const Json* Rewriter::text(const Part& part, const char* key, bool required) {
  const auto found = part.settings.find(key);
  const std::string path = joined({part.path, ".", key});
  if (found == part.settings.end()) {
    if (required) fault(part.path, {key, " is missing"}, {key, ": NAME"});
    return nullptr;
  }
  const std::string* given = found->get_ptr<const std::string*>();
  if (!given) {
    fault(path, {key, " is a text"}, {"a text"});
    return nullptr;
  }
  for (const std::string_view place : {"{tools}", "{tool_names}", "{branches}"})
    if (given->find(place) != std::string::npos) {
      fault(path, {place, " is not filled in here: a model is told its tools beside the prompt"},
            {"the prompt without ", place});
      return nullptr;
    }
  return &*found;
}

std::string Rewriter::words(const Part& part, const char* key) {
  const Json* given = text(part, key);
  return given ? *given->get_ptr<const std::string*>() : std::string();
}

std::vector<std::string> Rewriter::list(const Part& part, std::initializer_list<const char*> keys,
                                        std::string& path) {
  std::vector<std::string> names;
  for (const char* key : keys) {
    const auto found = part.settings.find(key);
    if (found == part.settings.end()) continue;
    path = joined({part.path, ".", key});
    bool good = found->is_array();
    for (std::size_t i = 0; good && i < found->size(); ++i) {
      const std::string* name = (*found)[i].get_ptr<const std::string*>();
      good = name != nullptr;
      if (name) names.push_back(*name);
    }
    if (!good) fault(path, {key, " is a list of names"}, {"[NAME, NAME]"});
    if (names.size() > kStepsMax) {
      fault(path, {key, " is too long"}, {"at most ", kStepsMax, " names"});
      names.clear();
    }
    return names;
  }
  fault(part.path, {*keys.begin(), " is missing"}, {*keys.begin(), ": [NAME, NAME]"});
  return names;
}

std::string Rewriter::unused_id(std::string_view wanted) {
  std::string base;
  for (const char c : wanted)
    base.push_back(is_ascii_alnum(c) ? c : '_');
  if (base.empty() || (base[0] >= '0' && base[0] <= '9')) base.insert(0, 1, '_');
  base.resize(std::min<std::size_t>(base.size(), 48));
  std::string id = base;
  while (ids_.contains(id))
    id = joined({base, "_", ++ids_[base]});
  ids_[id] = 1;
  return id;
}

void Rewriter::add_agent(const Part& part, const std::string& instructions) {
  const std::string at = pointer_of(part.path);
  Made agent = made_at(pointer_to("/agents", part.name), at);
  if (const Json* llm = text(part, "llm_name", true)) set(agent, "llm", at + "/llm_name", *llm);
  if (part.settings.contains("tool_names") || part.settings.contains("nat_tools")) {
    std::string path;
    const std::vector<std::string> tools = list(part, {"tool_names", "nat_tools"}, path);
    for (const std::string& name : tools)
      if (const Json* tool = function(name); tool && row_of(*tool))
        fault(path, {"an agent cannot be a tool here, as \"", name, "\" is"},
              {"the agents below `agents:`, and handoffs: [", name,
               "] for the one that may hand over"});
    set(agent, "tools", pointer_of(path), tools);
  }
  if (!instructions.empty()) set(agent, "instructions", at, instructions);
  for (const char* key : {"max_turns", "max_iterations", "max_tool_calls"})
    if (const auto found = part.settings.find(key); found != part.settings.end())
      set(agent, "max_turns", pointer_to(at, key), *found);
  if (!out_["agents"].is_object()) out_["agents"] = Json::object();
  out_["agents"][part.name] = std::move(agent.value);
}

void Rewriter::add_model_step(const Part& part, const char* id, const std::string& system,
                              Json output) {
  const std::string at = pointer_of(part.path);
  Made step = made_at(next_step(), at);
  set(step, "id", at, unused_id(id));
  set(step, "prompt", at, "{{ input }}");
  if (const Json* llm = text(part, "llm_name", true)) set(step, "model", at + "/llm_name", *llm);
  if (!system.empty()) set(step, "system", at, system);
  if (!output.is_null()) set(step, "output", at, std::move(output));
  add_step(std::move(step));
}

void Rewriter::add_agent_step(const Part& part, const char* prompt) {
  const std::string at = pointer_of(part.path);
  Made step = made_at(next_step(), at);
  set(step, "id", at, unused_id("answer"));
  set(step, "agent", at, part.name);
  set(step, "prompt", at, prompt);
  add_step(std::move(step));
}

std::string both(const std::string& first, const std::string& second) {
  return first.empty() || second.empty() ? first + second : joined({first, "\n", second});
}

std::string expression(const std::string& name) {
  return "{{ " + name + " }}";
}

Made Rewriter::function_step(const std::string& to, const std::string& path,
                             const std::string& name, const std::string& with, std::string& gives) {
  const std::string at = pointer_of(path);
  Made step = made_at(to, at);
  const std::string id = unused_id(name);
  set(step, "id", at, id);
  gives = "steps." + id;
  const Json* settings = function(name);
  const TypeRow* row = settings ? row_of(*settings) : nullptr;
  if (!row) {
    set(step, "tool", at, name);
    set(step, "with", at, with);
    return step;
  }
  gives += ".text";
  const Part part{*settings, "functions." + name, name};
  if (std::find(checked_.begin(), checked_.end(), name) == checked_.end()) {
    checked_.push_back(name);
    check_keys(part, *row);
  }
  set(step, "prompt", at, with);
  if (row->shape == Shape::agent) {
    if (!out_.contains("agents") || !out_["agents"].contains(name))
      add_agent(part, both(words(part, "system_prompt"), words(part, "additional_instructions")));
    set(step, "agent", at, name);
  } else if (row->shape == Shape::chat) {
    if (const Json* llm = text(part, "llm_name", true)) set(step, "model", at, *llm);
    if (const Json* system = text(part, "system_prompt")) set(step, "system", at, *system);
  } else {
    fault(part.path, {"a ", row->name, " within another workflow is not here"},
          {"a workflow of its own in a file beside this one, and the step {child: ", name, "}"});
  }
  return step;
}

constexpr const char* kPrompt = "{{ input }}";
constexpr const char* kPromptWithPlan = "{{ input }}\n\nA plan for it:\n{{ steps.plan.text }}";
constexpr const char* kAnswer = "{{ steps.answer.text }}";

void Rewriter::agent(const Part& part) {
  add_agent(part, both(words(part, "system_prompt"), words(part, "additional_instructions")));
  add_agent_step(part, kPrompt);
  result_ = kAnswer;
}

void Rewriter::chat(const Part& part) {
  add_model_step(part, "answer", words(part, "system_prompt"));
  result_ = kAnswer;
}

void Rewriter::plan_and_agent(const Part& part) {
  std::string path;
  std::string system = joined({kPlan, "\nWhat can be called:"});
  for (const std::string& name : list(part, {"tool_names"}, path))
    system += "\n- " + name;
  add_model_step(part, "plan", both(system, words(part, "additional_planner_instructions")));
  add_agent(part, both(words(part, "additional_instructions"),
                       words(part, "additional_solver_instructions")));
  add_agent_step(part, kPromptWithPlan);
  result_ = kAnswer;
  note(part.path,
       {"a rewoo_agent runs as a model that plans and an agent that carries the plan out, "
        "and sees what each tool gave"});
}

void Rewriter::plan_and_function(const Part& part) {
  add_model_step(part, "plan", std::string(kPlan));
  const Json* name = text(part, "augmented_fn", true);
  if (!name) return;
  std::string gives;
  add_step(function_step(next_step(), part.path + ".augmented_fn",
                         *name->get_ptr<const std::string*>(), kPromptWithPlan, gives));
  result_ = expression(gives);
}

void Rewriter::sequence(const Part& part) {
  std::string path, before = "input";
  for (const std::string& name : list(part, {"tool_list", "sequential_tool_list"}, path)) {
    const std::string with = expression(before);
    add_step(
        function_step(next_step(), joined({path, "[", steps_.size(), "]"}), name, with, before));
  }
  result_ = expression(before);
}

void Rewriter::parallel(const Part& part) {
  std::string path, gives;
  Made step = made_at(next_step(), "/workflow");
  Json branches = Json::object();
  result_ = Json::object();
  for (const std::string& name : list(part, {"tool_list"}, path)) {
    const std::string to = pointer_to(step.pointer + "/parallel", name);
    const std::string place = joined({path, "[", branches.size(), "]"});
    branches[name] = function_step(to, place, name, kPrompt, gives).value;
    result_[name] = expression(gives);
  }
  set(step, "parallel", pointer_of(path), std::move(branches));
  add_step(std::move(step));
}

void Rewriter::router(const Part& part) {
  std::string path, gives;
  const std::vector<std::string> names = list(part, {"branches"}, path);
  std::string system = both(words(part, "routing_request"), std::string(kChoose));
  for (const std::string& name : names) {
    const Json* settings = function(name);
    const std::string what = settings && settings->is_object()
                                 ? words({*settings, "functions." + name, name}, "description")
                                 : "";
    system += joined({"\n- ", name, what.empty() ? "" : ": ", what});
  }
  Json branch = Json::object();
  branch["enum"] = names;
  Json choice = Json::object();
  choice["type"] = "object";
  choice["required"] = Json::array({"branch"});
  choice["properties"]["branch"] = std::move(branch);
  add_model_step(part, "route", system, std::move(choice));
  Made step = made_at(next_step(), "/workflow");
  Json cases = Json::array();
  for (std::size_t i = 0; i < names.size(); ++i) {
    Made one = made_at(pointer_to(step.pointer + "/branch", i), pointer_of(path));
    set(one, "if", pointer_of(path), "steps.route.json.branch == " + canonical(Json(names[i])));
    one.value["do"] =
        function_step(one.pointer + "/do", joined({path, "[", i, "]"}), names[i], kPrompt, gives)
            .value;
    cases.push_back(std::move(one.value));
  }
  set(step, "id", "/workflow", unused_id("answer"));
  set(step, "branch", pointer_of(path), std::move(cases));
  add_step(std::move(step));
  result_ = "{{ steps.answer }}";
}

void Rewriter::rewrite_workflow(const Part& part, const TypeRow& row) {
  switch (row.shape) {
    case Shape::agent:
      return agent(part);
    case Shape::chat:
      return chat(part);
    case Shape::plan_and_agent:
      return plan_and_agent(part);
    case Shape::plan_and_function:
      return plan_and_function(part);
    case Shape::sequence:
      return sequence(part);
    case Shape::parallel:
      return parallel(part);
    case Shape::router:
      return router(part);
  }
}

Rewritten Rewriter::rewrite() {
  const Json& workflow = *file_.find("workflow");
  copy_sections();
  const TypeRow* row = row_of(workflow);
  if (!row) {
    std::vector<std::string_view> known{"sequence"};
    std::string all;
    for (const TypeRow& one : kTypes) {
      known.push_back(one.name);
      all.append(", ").append(one.name);
    }
    const Json& type = *workflow.find("_type");
    const std::string* text = type.get_ptr<const std::string*>();
    const std::string name = text ? *text : describe(type);
    fault("workflow._type",
          {"there is no workflow of the type \"", name, "\"", did_you_mean(name, known)},
          {"steps, workflow: [{...}], or one of sequence", all});
    done_.faults.back().code = "unknown_kind";
    return std::move(done_);
  }
  const Part part{workflow, "workflow", std::string(row->name)};
  check_keys(part, *row);
  rewrite_workflow(part, *row);
  const auto fill = [&](const char* key, Json value) {
    if (out_.contains(key)) return;
    mark(pointer_to("", key), "/workflow");
    out_[key] = std::move(value);
  };
  mark("/workflow", "/workflow");
  out_["workflow"] = std::move(steps_);
  fill("name", std::string(row->name));
  fill("result", std::move(result_));
  // The toolkit hands a text in; the steps of a list may take anything.
  Json text = Json::object();
  text["type"] = "string";
  if (row->shape != Shape::sequence && row->shape != Shape::parallel)
    fill("input", std::move(text));
  done_.document = Document(std::move(out_), marks_.take());
  return std::move(done_);
}

}  // namespace

bool is_toolkit_file(const Json& file) {
  const auto workflow = file.is_object() ? file.find("workflow") : file.end();
  if (!file.is_object() || workflow == file.end() || !workflow->is_object()) return false;
  const auto type = workflow->find("_type");
  return type != workflow->end() && *type != "sequence";
}

Rewritten rewrite_toolkit_file(const Document& file) {
  return Rewriter(file).rewrite();
}

}  // namespace redoubt::workflow
