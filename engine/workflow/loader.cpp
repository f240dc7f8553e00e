#include "engine/workflow/loader.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/nearest.hpp"
#include "engine/base/stable_order.hpp"
#include "engine/base/visible_text.hpp"
#include "engine/workflow/output_schema.hpp"
#include "engine/workflow/reading.hpp"
#include "engine/workflow/toolkit.hpp"

namespace redoubt::workflow {

void Reading::fault(const char* code, const std::string& path, Pieces message, Pieces expected,
                    Pieces got) {
  if (faults.size() >= kFaultsMax) return;
  faults.push_back(make_error(code, message, {path}, expected, got));
  place_from(faults.size() - 1);
}

std::string pointer_of(std::string_view path) {
  std::string pointer;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t end = path.find_first_of(".[]", at);
    const std::size_t stop = end == std::string_view::npos ? path.size() : end;
    if (stop > at) pointer = pointer_to(pointer, path.substr(at, stop - at));
    at = stop + 1;
  }
  return pointer;
}

void Reading::place_from(std::size_t first) {
  if (faults.size() > kFaultsMax) faults.resize(kFaultsMax);
  for (std::size_t i = first; i < faults.size(); ++i) {
    const std::string pointer = pointer_of(faults[i].path);
    const bool named = faults[i].code == "unknown_key";
    const Position place = named ? document.key_at(pointer) : document.value_at(pointer);
    faults[i].line = place.line;
    faults[i].column = place.column;
  }
}

std::uint32_t Reading::text(std::string_view given) {
  definition.texts.emplace_back(given);
  return static_cast<std::uint32_t>(definition.texts.size() - 1);
}

std::uint32_t Reading::channel(const std::string& name) {
  const auto [entry, added] =
      channels.emplace(name, static_cast<std::uint32_t>(definition.channels.size()));
  if (added)
    definition.channels.push_back({name, Reducer::single, std::make_shared<const Json>(nullptr)});
  return entry->second;
}

void Reading::refuse_unknown(const Json& object, const std::string& path,
                             std::initializer_list<std::initializer_list<const char*>> known) {
  for (auto item = object.begin(); item != object.end(); ++item) {
    bool found = false;
    std::vector<std::string_view> all;
    for (const auto& list : known)
      for (const char* key : list) {
        all.emplace_back(key);
        found = found || item.key() == key;
      }
    if (found) continue;
    const std::string_view near = nearest(item.key(), all);
    std::string names;
    for (const std::string_view name : all)
      names.append(names.empty() ? "one of " : ", ").append(name);
    fault("unknown_key", path.empty() ? item.key() : joined({path, ".", item.key()}),
          {"there is no key \"", item.key(), "\" here", did_you_mean(item.key(), all)},
          {near.empty() ? std::string_view(names) : near}, {item.key()});
  }
}

const Json* Reading::member(const Json& object, const char* key) const {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string_view Reading::text_of(const Json& object, const char* key, const std::string& path) {
  const Json* found = member(object, key);
  if (!found) return {};
  if (const std::string* given = found->get_ptr<const std::string*>()) return *given;
  fault("bad_step", joined({path, ".", key}), {key, " is a text"}, {"a text"}, {describe(*found)});
  return {};
}

std::int64_t Reading::integer_of(const Json& object, const char* key, const std::string& path,
                                 std::int64_t low, std::int64_t high, std::int64_t fallback) {
  const Json* found = member(object, key);
  if (!found) return fallback;
  const std::int64_t* number = found->get_ptr<const std::int64_t*>();
  const std::int64_t given = number ? *number
                             : found->is_number_unsigned()
                                 ? static_cast<std::int64_t>(std::min<std::uint64_t>(
                                       *found->get_ptr<const std::uint64_t*>(), INT64_MAX))
                                 : low - 1;
  if (found->is_number_integer() && given >= low && given <= high) return given;
  fault("bad_step", joined({path, ".", key}), {key, " is a whole number from ", low, " to ", high},
        {"a whole number from ", low, " to ", high}, {describe(*found)});
  return fallback;
}

std::int64_t Reading::duration_of(const Json& object, const char* key, const std::string& path,
                                  std::int64_t fallback) {
  const Json* found = member(object, key);
  if (!found) return fallback;
  const std::string* given = found->get_ptr<const std::string*>();
  const auto duration = read_duration(given ? std::string_view(*given) : std::string_view());
  if (duration) return *duration;
  fault("bad_duration", joined({path, ".", key}), {describe(*found), " is no duration"},
        {"a text such as 250ms, 5s or 1h30m"}, {describe(*found)});
  return fallback;
}

bool Reading::flag_of(const Json& object, const char* key, const std::string& path, bool fallback) {
  const Json* found = member(object, key);
  if (!found) return fallback;
  if (const bool* given = found->get_ptr<const bool*>()) return *given;
  fault("bad_step", joined({path, ".", key}), {key, " is true or false"}, {"true or false"},
        {describe(*found)});
  return fallback;
}

std::uint32_t Reading::schema_of(const Json& object, const char* key, const std::string& path) {
  const Json* found = member(object, key);
  if (!found) return kNone;
  auto compiled = schema::Schema::compile(*found, schemas);
  if (!compiled) {
    const std::string at = path.empty() ? std::string(key) : joined({path, ".", key});
    // The fault's own place is a pointer into the schema.
    std::string place = at;
    for (const char c : compiled.error().path)
      place.push_back(c == '/' ? '.' : c);
    fault("bad_schema", place, {compiled.error().message});
    return kNone;
  }
  definition.schemas.push_back(std::make_shared<const OutputSchema>(
      std::make_shared<const Json>(*found), std::move(*compiled)));
  return static_cast<std::uint32_t>(definition.schemas.size() - 1);
}

const Declared* find_declared(const std::vector<Declared>& all, std::string_view name) {
  for (const Declared& one : all)
    if (one.name == name) return &one;
  return nullptr;
}

Result<std::int64_t> read_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t ms;
  };
  // Longer names first: "ms" is not "m" and an s.
  static constexpr Unit kUnits[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
  const Error bad = make_error("bad_duration", {"\"", text, "\" is no duration"}, {},
                               {"a text such as 250ms, 5s or 1h30m"}, {text});
  std::int64_t total = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    std::int64_t number = 0;
    const std::size_t from = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' && number < kDurationMaxMs)
      number = number * 10 + (text[at++] - '0');
    if (at == from) return bad;
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits)
      if (!unit && text.substr(at, candidate.name.size()) == candidate.name) unit = &candidate;
    if (!unit || number > kDurationMaxMs / unit->ms) return bad;
    at += unit->name.size();
    total += number * unit->ms;
    if (total > kDurationMaxMs) return bad;
  }
  if (total == 0) return bad;
  return total;
}

const char* name_of(EffectClass effect_class) {
  static constexpr const char* kNames[] = {"pure", "idempotent", "once"};
  return kNames[static_cast<std::size_t>(effect_class)];
}

namespace {

struct ReducerRow {
  const char* name;
  Reducer reducer;
  const char* initial;
};
constexpr ReducerRow kReducers[] = {
    {"single", Reducer::single, "null"}, {"replace", Reducer::replace, "null"},
    {"append", Reducer::append, "[]"},   {"add", Reducer::add, "0"},
    {"merge", Reducer::merge, "{}"},     {"min", Reducer::min, "null"},
    {"max", Reducer::max, "null"},       {"union", Reducer::unite, "[]"},
};

Json initial_of(const ReducerRow& row) {
  if (row.initial[0] == '[') return Json::array();
  if (row.initial[0] == '{') return Json::object();
  return row.initial[0] == '0' ? Json(0) : Json(nullptr);
}

class FileReader {
 public:
  FileReader(Reading& reading, const Json& file)
      : r_(reading), d_(reading.definition), file_(file) {}
  void read();

 private:
  void declared(const char* key, std::vector<Declared>& out);
  void state();
  void workflow();

  Reading& r_;
  Definition& d_;
  const Json& file_;
};

void FileReader::declared(const char* key, std::vector<Declared>& out) {
  const Json* all = r_.member(file_, key);
  if (!all) return;
  if (!all->is_object()) {
    r_.fault("bad_file", key, {key, " is an object"}, {"{NAME: {...}}"}, {describe(*all)});
    return;
  }
  for (auto item = all->begin(); item != all->end(); ++item) {
    if (!item->is_object())
      r_.fault("bad_file", joined({key, ".", item.key()}), {item.key(), " is an object"},
               {"an object"}, {describe(*item)});
    out.push_back({item.key(), std::make_shared<const Json>(*item)});
  }
}

void FileReader::state() {
  const Json* all = r_.member(file_, "state");
  if (!all) return;
  if (!all->is_object()) {
    r_.fault("bad_file", "state", {"state is an object"}, {"{NAME: {reducer: append}}"},
             {describe(*all)});
    return;
  }
  for (auto item = all->begin(); item != all->end(); ++item) {
    const std::string path = "state." + item.key();
    Channel& channel = d_.channels[r_.channel(item.key())];
    if (!item->is_object()) {
      r_.fault("bad_file", path, {"a channel is an object"}, {"{reducer: append, initial: []}"},
               {describe(*item)});
      continue;
    }
    r_.refuse_unknown(*item, path, {{"reducer", "initial", "note"}});
    const std::string_view name = r_.text_of(*item, "reducer", path);
    const ReducerRow* row = nullptr;
    for (const ReducerRow& candidate : kReducers)
      if (name.empty() ? candidate.reducer == Reducer::single : name == candidate.name)
        row = &candidate;
    if (!row) {
      r_.fault("bad_file", path + ".reducer", {"there is no reducer \"", name, "\""},
               {"replace, append, add, merge, min, max, union or single"}, {name});
      continue;
    }
    channel.reducer = row->reducer;
    const Json* initial = r_.member(*item, "initial");
    channel.initial = std::make_shared<const Json>(initial ? *initial : initial_of(*row));
    const Json natural = initial_of(*row);
    if (initial && !natural.is_null() && initial->is_number() != natural.is_number())
      r_.fault("bad_file", path + ".initial",
               {"the reducer ", row->name, " cannot begin with this"}, {row->initial},
               {describe(*initial)});
  }
}

void FileReader::workflow() {
  const Json* workflow = r_.member(file_, "workflow");
  if (!workflow) {
    r_.fault("bad_file", "workflow", {"the file has no workflow"}, {"workflow: [steps]"});
    return;
  }
  if (workflow->is_object() && workflow->contains("_type")) {
    r_.refuse_unknown(*workflow, "workflow", {{"_type", "steps", "description"}});
    const Json* steps = r_.member(*workflow, "steps");
    if (!steps) {
      r_.fault("bad_file", "workflow", {"a sequence has no steps"}, {"steps: [...]"});
      return;
    }
    read_steps(r_, *steps, "workflow.steps");
    return;
  }
  read_steps(r_, *workflow, "workflow");
}

void FileReader::read() {
  if (!file_.is_object()) {
    r_.fault("bad_file", "", {"a workflow file is an object"}, {"an object"}, {describe(file_)});
    return;
  }
  r_.refuse_unknown(file_, "",
                    {{"name", "description", "version", "general", "llms", "functions", "tools",
                      "agents", "state", "input", "result", "workflow"}});
  d_.name = r_.text_of(file_, "name", "");
  d_.description = r_.text_of(file_, "description", "");
  if (d_.name.empty()) r_.fault("bad_file", "name", {"the workflow has no name"}, {"name: TEXT"});
  // It is listed, logged and printed on terminals.
  if (!is_visible_text(d_.name))
    r_.fault("bad_file", "name", {"the workflow's name has control or other hidden characters"},
             {"visible text"});
  declared("llms", d_.models);
  declared("functions", d_.tools);
  declared("tools", d_.tools);
  d_.input_schema = r_.schema_of(file_, "input", "");
  state();
  read_agents(r_, file_);
  workflow();
  resolve_names(r_, file_);
  compile_agents(r_, file_);
}

// Faults without a place stay where they were found, the others follow the file.
void in_order_of_file(std::vector<Error>& faults) {
  sort_stable(faults, [](const Error& a, const Error& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
}

/// A step with its places in the lists of a definition, an entry of any other list.
constexpr std::uint64_t kStepBytes = 512;
constexpr std::uint64_t kEntryBytes = 512;
static_assert(2 * sizeof(Step) <= kStepBytes);
static_assert(2 * sizeof(agents::Agent) + 2 * sizeof(AgentCode) <= 4 * kEntryBytes);

/// The file's values are held once more at most, where agents, models, tools and channels keep
/// them.
std::uint64_t memory_bytes_of(const Definition& d, const Json& file, const Reading& reading) {
  std::uint64_t bytes = d.bytes.size() + weight_of(file) + d.bindings.bytes() +
                        reading.schemas.compiled_bytes + d.steps.size() * kStepBytes +
                        4 * kEntryBytes * d.agents.size();
  bytes += kEntryBytes * (d.retries.size() + d.channels.size() + d.models.size() + d.tools.size() +
                          d.agent_uses.size() + d.schemas.size());
  for (const std::string& text : d.texts)
    bytes += json_weights::text + json_weights::bytes(text.size());
  for (const AgentUse& use : d.agent_uses)
    bytes += use.size() * kEntryBytes;
  for (const agents::Agent& agent : d.agents)
    bytes += kEntryBytes * (agent.tools.size() + agent.handoffs.size() +
                            agent.input_guardrails.size() + agent.output_guardrails.size());
  return bytes;
}

}  // namespace

Loaded load(const Document& given, const LoadContext& context) {
  Loaded loaded;
  Document document = given;
  if (is_toolkit_file(given.value())) {
    Rewritten rewritten = rewrite_toolkit_file(given);
    loaded.faults = std::move(rewritten.faults);
    loaded.notes = std::move(rewritten.notes);
    in_order_of_file(loaded.faults);
    if (!loaded.faults.empty()) return loaded;
    document = std::move(rewritten.document);
  }
  const Json& file = document.value();
  auto definition = std::make_shared<Definition>();
  write_canonical(file, definition->bytes);
  definition->hash = sha256(definition->bytes);
  Reading reading{*definition, context, document, loaded.faults, {}, {}, {}, {}};
  FileReader(reading, file).read();
  in_order_of_file(loaded.faults);
  if (file.is_object() && file.contains("general")) {
    loaded.notes.push_back(make_error("file_note", {"has no effect here"}, {"general"}, {}, {}));
    const Position place = document.key_at("/general");
    loaded.notes.back().line = place.line;
    loaded.notes.back().column = place.column;
  }
  in_order_of_file(loaded.notes);
  if (!loaded.faults.empty()) return loaded;
  definition->memory_bytes = memory_bytes_of(*definition, file, reading);
  if (definition->memory_bytes > kDefinitionMemoryBytesMax) {
    reading.fault("too_large", "workflow",
                  {"the workflow takes ", (definition->memory_bytes + (1u << 20) - 1) >> 20,
                   " MiB of memory once it is read: fewer or shorter expressions, schemas and "
                   "patterns"},
                  {"at most ", kDefinitionMemoryBytesMax >> 20, " MiB"});
    return loaded;
  }
  loaded.definition = std::move(definition);
  return loaded;
}

std::vector<std::string> calls_of(const Definition& definition) {
  std::vector<std::string> calls;
  for (const Step& step : definition.steps) {
    const bool calling =
        step.kind == StepKind::child || (step.kind == StepKind::handoff && step.to_workflow);
    if (!calling || definition.text(step.target) == "self") continue;
    calls.emplace_back(definition.text(step.target));
  }
  return calls;
}

}  // namespace redoubt::workflow
