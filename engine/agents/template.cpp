#include "engine/agents/template.hpp"

#include <algorithm>
#include <utility>

#include "engine/agents/name_list.hpp"
#include "engine/base/ascii.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::data {
extern const std::string_view agent_templates;
}

namespace redoubt::agents {
namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kTextBytesMax = 16 * 1024;

Error bad(const char* code, Pieces message, Pieces path, Pieces expected) {
  return make_error(code, message, path, expected, {});
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax || (name[0] >= '0' && name[0] <= '9'))
    return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_ascii_alnum(c) || c == '_'; });
}

Result<TemplateTask> read_task(const Json& json, const std::string& path) {
  JsonFields fields(json, "bad_template", path);
  TemplateTask task;
  task.name = fields.text("name", kNameBytesMax);
  task.content = fields.text("content", kTextBytesMax);
  const std::string type = fields.text_or("task_type", 16, "sequential");
  if (type != "sequential" && type != "parallel")
    fields.fault("task_type", "sequential or parallel", type);
  task.parallel = type == "parallel";
  task.dependencies = read_names(fields, "dependencies");
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  if (!is_name(task.name))
    return bad("bad_template", {"a task's name is letters, digits and _"}, {path, ".name"}, {});
  return task;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The tasks in waves: what can run once the waves before it have. A task that is not parallel is a
// wave of its own. Empty where they wait for each other.
std::vector<std::vector<const TemplateTask*>> waves_of(const std::vector<TemplateTask>& tasks) {
  std::vector<std::vector<const TemplateTask*>> waves;
  std::vector<std::string> done;
  while (done.size() < tasks.size()) {
    std::vector<const TemplateTask*> ready;
    for (const TemplateTask& task : tasks) {
      bool waits = contains(done, task.name);
      for (const std::string& dependency : task.dependencies)
        waits = waits || !contains(done, dependency);
      if (!waits) ready.push_back(&task);
    }
    if (ready.empty()) return {};
    const auto alone = std::find_if(ready.begin(), ready.end(),
                                    [](const TemplateTask* task) { return !task->parallel; });
    if (alone != ready.end()) ready = {*alone};
    for (const TemplateTask* task : ready)
      done.push_back(task->name);
    waves.push_back(std::move(ready));
  }
  return waves;
}

Json task_step(const AgentTemplate& from, const std::string& agent, const TemplateTask& task) {
  std::string prompt = task.content;
  if (from.builtin.empty()) {
    prompt += "\n\nThe task: {{ input.task }}";
  } else {
    prompt +=
        "\n\nWhat is known:\n{{ steps.known.features }}\nThe rules:\n{{ steps.known.formulas }}";
  }
  for (const std::string& dependency : task.dependencies)
    prompt += joined({"\n\n", dependency, ":\n{{ steps.", dependency, ".text }}"});
  Json step{{"id", task.name}, {"agent", agent}, {"prompt", std::move(prompt)}, {"timeout", "2m"}};
  if (!from.builtin.empty())
    step["fallback"] = {{"builtin", from.builtin}, {"with", "{{ input }}"}};
  return step;
}

}  // namespace

Result<AgentTemplate> read_template(const Json& json) {
  JsonFields fields(json, "bad_template");
  AgentTemplate read;
  read.name = fields.text("name", kNameBytesMax);
  read.description = fields.text_or("description", kTextBytesMax, "");
  read.category = fields.text_or("category", kNameBytesMax, "");
  read.framework = fields.text_or("framework", kNameBytesMax, "openai");
  read.context_window = static_cast<std::uint32_t>(
      fields.integer_or("context_window", 1, 10000000, read.context_window));
  if (const Json* temperature = fields.member_or_null("temperature")) {
    if (temperature->is_number() && *temperature >= 0 && *temperature <= 2) {
      read.temperature = temperature->get<double>();
    } else {
      fields.fault("temperature", "a number from 0 to 2", describe(*temperature));
    }
  }
  read.capabilities = read_names(fields, "capabilities");
  read.tags = read_names(fields, "tags");
  read.role = fields.text_or("role", kTextBytesMax, "");
  read.goal = fields.text_or("goal", kTextBytesMax, "");
  read.builtin = fields.text_or("builtin", kNameBytesMax, "");
  if (const Json* output = fields.member_or_null("output"))
    read.output = std::make_shared<const Json>(*output);
  const Json* tasks = fields.member("tasks");
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  if (!tasks->is_array() || tasks->empty() || tasks->size() > kTasksMax)
    return bad("bad_template", {"a template has tasks"}, {"tasks"}, {"1 to ", kTasksMax});
  for (std::size_t t = 0; t < tasks->size(); ++t) {
    auto task = read_task((*tasks)[t], joined({"tasks[", t, "]"}));
    if (!task) return task.error();
    for (const TemplateTask& other : read.tasks)
      if (other.name == task->name)
        return bad("bad_template", {"two tasks are called \"", task->name, "\""},
                   {"tasks[", t, "].name"}, {"a name of its own"});
    read.tasks.push_back(std::move(*task));
  }
  if (waves_of(read.tasks).empty())
    return bad("bad_template", {"the tasks wait for each other, or for one that is not there"},
               {"tasks"}, {"dependencies without a cycle"});
  return read;
}

const std::vector<AgentTemplate>& agent_templates() {
  static const std::vector<AgentTemplate> all = [] {
    std::vector<AgentTemplate> read;
    const auto file = parse_json(data::agent_templates);
    if (!file) return read;
    for (const Json& one : (*file)["templates"])
      if (auto good = read_template(one)) read.push_back(std::move(*good));
    return read;
  }();
  return all;
}

const AgentTemplate* find_template(std::string_view name) {
  for (const AgentTemplate& one : agent_templates())
    if (one.name == name) return &one;
  return nullptr;
}

namespace {

// What a configuration says beside the template; what it has no place for is custom.
Result<void> configure(const Json& config, Json& model, Json& declared) {
  Json custom = Json::object();
  for (auto item = config.begin(); item != config.end(); ++item) {
    const std::string& key = item.key();
    if (key == "model") {
      model["model_name"] = *item;
    } else if (key == "temperature" || key == "max_tokens") {
      model[key] = *item;
    } else if (key == "memory_enabled") {
      if (!item->is_boolean())
        return bad("bad_config", {"memory_enabled is true or false"}, {key}, {"true or false"});
      if (*item) declared["memory"] = {{"scope", "agent"}};
    } else if (key == "role" || key == "goal" || key == "backstory" || key == "instructions" ||
               key == "context_window" || key == "framework" || key == "capabilities") {
      declared[key] = *item;
    } else {
      custom[key] = *item;
    }
  }
  if (!custom.empty()) declared["custom_config"] = std::move(custom);
  return {};
}

Json steps_of(const AgentTemplate& from, const std::string& agent) {
  Json steps = Json::array();
  if (!from.builtin.empty())
    steps.push_back({{"id", "known"}, {"builtin", "strategist.features"}, {"with", "{{ input }}"}});
  for (const auto& wave : waves_of(from.tasks)) {
    if (wave.size() == 1) {
      steps.push_back(task_step(from, agent, *wave[0]));
      continue;
    }
    Json branches = Json::object();
    for (const TemplateTask* task : wave)
      branches[task->name] = task_step(from, agent, *task);
    steps.push_back({{"parallel", std::move(branches)}});
  }
  return steps;
}

}  // namespace

Result<Json> instantiate(const AgentTemplate& from, const std::string& agent, const Json& config) {
  if (!is_name(agent))
    return bad("bad_config", {"an agent's name is letters, digits and _"}, {"name"}, {"a name"});
  if (!config.is_object() && !config.is_null())
    return bad("bad_config", {"a configuration is an object"}, {}, {"an object"});
  Json model{{"_type", "openai"}, {"model_name", from.name}, {"temperature", from.temperature}};
  Json declared{{"llm", "model"},
                {"description", from.description},
                {"role", from.role},
                {"goal", from.goal},
                {"framework", from.framework},
                {"category", from.category},
                {"context_window", from.context_window},
                {"capabilities", from.capabilities},
                {"tags", from.tags}};
  if (from.output) declared["output"] = *from.output;
  if (config.is_object()) {
    if (auto taken = configure(config, model, declared); !taken.ok())
      return std::move(taken.error());
  }
  const std::string& last = from.tasks.back().name;
  Json file{{"name", agent},
            {"description", from.description},
            {"version", 1},
            {"llms", {{"model", std::move(model)}}},
            {"agents", {{agent, std::move(declared)}}},
            {"workflow", steps_of(from, agent)}};
  if (from.builtin.empty()) {
    file["input"] = {{"type", "object"},
                     {"required", {"task"}},
                     {"properties", {{"task", {{"type", "string"}}}}}};
    file["result"] = joined({"{{ steps.", last, ".text }}"});
  } else {
    file["result"] = {{"answer", joined({"{{ steps.", last, ".json }}"})},
                      {"source", joined({"{{ steps.", last, ".source }}"})}};
  }
  return file;
}

}  // namespace redoubt::agents
