// The face of workflows to JavaScript: definitions and runs as handles; src/workflow_core.ts
// declares it as `WorkflowFace`. A module of its own, so that a page that only plays never loads
// it.
//
// 1. Texts are UTF-8, structured values JSON texts; bytes go in as a string of bytes and come out
//    as a view of the core's memory that the next call may move.
// 2. 64-bit numbers (seeds, hashes, stamps' offsets) are decimal strings or doubles of whole
//    milliseconds; nothing is rounded.
// 3. What goes wrong is thrown as a JavaScript Error (guard.hpp).
#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/agents/memory_call.hpp"
#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/bundle.hpp"
#include "engine/workflow/kin.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"
#include "wasm/guard.hpp"

namespace redoubt::wasm {
namespace {

using emscripten::val;
using workflow::DefinitionPtr;
using workflow::Run;

constexpr std::size_t handles_max = 4096;
constexpr double stamp_ms_max = 9007199254740991.0;  // 2^53 - 1
constexpr std::size_t file_bytes_max = 1 << 20;
constexpr std::size_t described_events_max = 20'000;

std::map<int, DefinitionPtr>& definitions() {
  static std::map<int, DefinitionPtr> open;
  return open;
}
std::map<int, std::unique_ptr<Run>>& runs() {
  static std::map<int, std::unique_ptr<Run>> open;
  return open;
}
/// A replay or an import that is done a turn at a time; what it reads stays where it is.
struct Work {
  DefinitionPtr definition;
  std::string history;
  std::optional<workflow::Replay> replay;
  std::optional<workflow::Import> import;
};
std::map<int, std::unique_ptr<Work>>& works() {
  static std::map<int, std::unique_ptr<Work>> open;
  return open;
}
std::string& out() {
  static std::string bytes;
  return bytes;
}

int next_handle() {
  static int next = 1;
  if (definitions().size() + runs().size() + works().size() >= handles_max)
    throw Fault{{.code = "out_of_memory",
                 .message = "too many runs and definitions are open: close those no longer used",
                 .expected = joined({"at most ", handles_max})}};
  return next++;
}

const DefinitionPtr& definition_of(int handle) {
  const auto found = definitions().find(handle);
  if (found == definitions().end())
    throw Fault{{.code = "disposed", .message = "no workflow has this handle"}};
  return found->second;
}
Run& run_of(int handle) {
  const auto found = runs().find(handle);
  if (found == runs().end()) throw Fault{{.code = "disposed", .message = "no run has this handle"}};
  return *found->second;
}

Work& work_of(int handle) {
  const auto found = works().find(handle);
  if (found == works().end())
    throw Fault{{.code = "disposed", .message = "no replay or import has this handle"}};
  return *found->second;
}

std::int64_t stamp(double ms) {
  if (ms >= 0 && ms <= stamp_ms_max && std::floor(ms) == ms) return static_cast<std::int64_t>(ms);
  throw Fault{{.code = "bad_argument",
               .message = "a time is a whole number of milliseconds",
               .path = "now",
               .expected = "0..2^53-1"}};
}

val view(std::string bytes) {
  out() = std::move(bytes);
  return val(emscripten::typed_memory_view(out().size(),
                                           reinterpret_cast<const std::uint8_t*>(out().data())));
}

int hold(Run run) {
  const int handle = next_handle();
  runs()[handle] = std::make_unique<Run>(std::move(run));
  return handle;
}

Json json_of(const Error& error) {
  Json json = {{"code", error.code}, {"message", error.message}};
  if (!error.path.empty()) json["path"] = error.path;
  if (error.line > 0) {
    json["line"] = error.line;
    json["column"] = error.column;
  }
  return json;
}

Json json_of(const workflow::Effect& effect) {
  return {{"id", effect.id},
          {"key", effect.key},
          {"kind", workflow::name_of(effect.kind)},
          {"class", workflow::name_of(effect.effect_class)},
          {"target", effect.target},
          {"request", workflow::payload_json(effect.request)},
          {"attempt", effect.attempt},
          {"deadline", effect.deadline_ms}};
}

/// `around`: {builtins: [name], workflows: [name], pinned}; a pinned definition is a run's own.
workflow::Surroundings around_of(const std::string& around) {
  workflow::Surroundings all;
  const Json json = unwrap(parse_json(around));
  const auto names = [&json](const char* key, auto add) {
    const auto list = json.find(key);
    if (list == json.end()) return;
    for (const Json& name : *list)
      if (name.is_string()) add(*name.get_ptr<const std::string*>());
  };
  if (!json.is_object()) throw Fault{{.code = "bad_argument", .message = "around is an object"}};
  names("builtins", [&](const std::string& name) { all.builtins.push_back(name); });
  names("workflows", [&](const std::string& name) { all.workflows.push_back({name, {}}); });
  all.pinned = json.value("pinned", Json(false)) == Json(true);
  return all;
}

workflow::Loaded loaded(const std::string& file, const std::string& around) {
  const Document document = unwrap(read_json_document(file, {file_bytes_max, 64}));
  return workflow::load(document, around_of(around));
}

// --- definitions ---

/// Raised when this face changes, so that a stale .wasm beside new JavaScript is found.
constexpr int workflow_face_version = 5;

std::string versions() {
  return joined({"{\"workflowFace\":", workflow_face_version, "}"});
}

/// Every fault of a file: [{code, message, path, line, column}]; empty where it is good.
std::string faults(const std::string& file, const std::string& builtins) {
  return guarded([&] {
    Json list = Json::array();
    for (const Error& fault : loaded(file, builtins).faults)
      list.push_back(json_of(fault));
    return canonical(list);
  });
}

int define(const std::string& file, const std::string& builtins) {
  return guarded([&] {
    workflow::Loaded found = loaded(file, builtins);
    if (!found.ok()) {
      Error fault = found.faults.front();
      fault.message = joined({fault.code, ": ", fault.message});
      fault.code = "bad_workflow";
      if (found.faults.size() > 1)
        fault.message += joined({" (and ", found.faults.size() - 1, " more)"});
      throw Fault{std::move(fault)};
    }
    const int handle = next_handle();
    definitions()[handle] = std::move(found.definition);
    return handle;
  });
}

/// {name, description, sha256, bytes}: `bytes` is what a run pins.
std::string describe_definition(int handle) {
  return guarded([&] {
    const DefinitionPtr& definition = definition_of(handle);
    return canonical(Json{{"name", definition->name},
                          {"description", definition->description},
                          {"sha256", hex64(definition->hash)},
                          {"bytes", definition->bytes}});
  });
}

void drop_definition(int handle) {
  definitions().erase(handle);
}

// --- runs ---

/// `before`: the run that this one goes on for, or 0; a chain of runs has the bounds of one.
int start(int definition, const std::string& input, const std::string& id, const std::string& seed,
          double now_ms, int before) {
  return guarded([&] {
    workflow::RunOptions options;
    options.id = id;
    options.now_ms = stamp(now_ms);
    if (before != 0) {
      options.generation = run_of(before).generation() + 1;
      options.work = run_of(before).work_units();
    }
    const Json number = workflow::payload_json(seed);
    if (!number.is_number_unsigned())
      throw Fault{{.code = "bad_argument",
                   .message = "a seed is a whole number of 64 bits",
                   .path = "seed",
                   .got = seed}};
    options.seed = number.get<std::uint64_t>();
    return hold(unwrap(Run::start(definition_of(definition), input, options)));
  });
}

int replay(int definition, const std::string& history) {
  return guarded([&] { return hold(unwrap(Run::replay(definition_of(definition), history))); });
}

/// A replay a turn at a time: replay_on() gives the run once it is there, 0 before.
int begin_replay(int definition, const std::string& history) {
  return guarded([&] {
    auto work = std::make_unique<Work>();
    work->definition = definition_of(definition);
    work->history = history;
    work->replay = unwrap(workflow::Replay::begin(work->definition, work->history));
    const int handle = next_handle();
    works()[handle] = std::move(work);
    return handle;
  });
}

int replay_on(int handle) {
  return guarded([&] {
    Work& work = work_of(handle);
    if (!work.replay) throw Fault{{.code = "disposed", .message = "the replay is over"}};
    if (!unwrap(work.replay->go_on())) return 0;
    return hold(std::move(*std::exchange(work.replay, std::nullopt)).run());
  });
}

/// Forgets a replay or an import, done or not.
void end_work(int handle) {
  works().erase(handle);
}

int restore(int definition, const std::string& snapshot, const std::string& tail) {
  return guarded(
      [&] { return hold(unwrap(Run::restore(definition_of(definition), snapshot, tail))); });
}

void close(int handle) {
  runs().erase(handle);
}

/// "taken", "ignored" or "nothing".
std::string give(int handle, const std::string& kind, double now_ms, const std::string& name,
                 const std::string& value) {
  return guarded([&]() -> std::string {
    using workflow::InputKind;
    constexpr std::pair<std::string_view, InputKind> kinds[] = {
        {"completed", InputKind::completed}, {"failed", InputKind::failed},
        {"tick", InputKind::tick},           {"signal", InputKind::signal},
        {"answer", InputKind::answer},       {"cancel", InputKind::cancel},
        {"resumed", InputKind::resumed}};
    for (const auto& [word, input] : kinds) {
      if (word != kind) continue;
      const auto given = unwrap(run_of(handle).give({input, stamp(now_ms), name, value}));
      return given == workflow::Given::taken     ? "taken"
             : given == workflow::Given::ignored ? "ignored"
                                                 : "nothing";
    }
    throw Fault{{.code = "bad_argument",
                 .message = "no such kind of input: " + kind,
                 .path = "kind",
                 .expected = "completed, failed, tick, signal, answer, cancel or resumed"}};
  });
}

/// One more turn of what came in last, while state() says that the run is busy.
void go_on(int handle) {
  guarded([&] { run_of(handle).go_on(); });
}

/// {firstSeq, count, effects, withdrawn, progress}; the events themselves are takenEvents().
std::string take(int handle) {
  return guarded([&] {
    workflow::Taken taken = run_of(handle).take();
    Json effects = Json::array();
    for (const workflow::Effect& effect : taken.effects)
      effects.push_back(json_of(effect));
    Json progress = Json::array();
    for (const workflow::Progress& one : taken.progress)
      progress.push_back(
          {{"step", one.step}, {"name", one.name}, {"value", workflow::payload_json(one.value)}});
    const Json json = {{"firstSeq", taken.first_seq},
                       {"count", taken.count},
                       {"effects", std::move(effects)},
                       {"withdrawn", taken.withdrawn},
                       {"progress", std::move(progress)}};
    out() = std::move(taken.events);
    return canonical(json);
  });
}
/// Of the last take(): frames to append to the history. Read before any other call.
val taken_events() {
  return val(emscripten::typed_memory_view(out().size(),
                                           reinterpret_cast<const std::uint8_t*>(out().data())));
}

/// {status, busy, now, nextTimer, seq}: what is looked at after every input.
std::string state(int handle) {
  return guarded([&] {
    const Run& run = run_of(handle);
    return joined({"{\"status\":\"", workflow::name_of(run.status()),
                   run.busy() ? "\",\"busy\":true" : "\",\"busy\":false", ",\"now\":", run.now_ms(),
                   ",\"nextTimer\":", run.next_timer_ms(), ",\"seq\":", run.head().seq, "}"});
  });
}

/// {stateHash, outcome}: what costs as much as the state is large.
std::string result(int handle) {
  return guarded([&] {
    const Run& run = run_of(handle);
    return canonical(Json{{"stateHash", std::to_string(run.state_hash())},
                          {"outcome", workflow::payload_json(run.outcome())}});
  });
}

std::string open_effects(int handle) {
  return guarded([&] {
    Json list = Json::array();
    for (const workflow::Effect& effect : run_of(handle).open_effects())
      list.push_back(json_of(effect));
    return canonical(list);
  });
}

val snapshot(int handle) {
  return guarded([&] { return view(run_of(handle).snapshot()); });
}

val history_header(int definition) {
  return guarded([&] { return view(workflow::history_header(definition_of(definition)->hash)); });
}

/// The events of a history as [{seq, at, kind, step, instance, payload}], from event `from` on; a
/// torn tail is left out, and bytes() tells where the last whole event ends.
std::string events(int definition, const std::string& history, double from) {
  return guarded([&] {
    auto reader = unwrap(workflow::HistoryReader::open(history));
    Json list = Json::array();
    workflow::Event event;
    for (auto more = reader.next(event); more && *more && list.size() < described_events_max;
         more = reader.next(event)) {
      if (static_cast<double>(event.seq) < from) continue;
      Json json = {{"seq", event.seq},
                   {"at", event.stamp_ms},
                   {"kind", workflow::name_of(event.kind)},
                   {"payload", workflow::payload_json(event.payload)}};
      if (event.step != workflow::kNoStep)
        json["step"] = std::string(definition_of(definition)->step_name(event.step));
      if (event.instance != workflow::kNoStep) json["instance"] = event.instance;
      list.push_back(std::move(json));
    }
    return canonical(list);
  });
}

/// Bytes up to the end of the last whole event: what of a stored history holds. Bytes that were
/// changed are an error, not a torn tail.
double whole_bytes(const std::string& history) {
  return guarded([&] {
    auto reader = unwrap(workflow::HistoryReader::open(history));
    workflow::Event event;
    for (;;) {
      const auto more = reader.next(event);
      if (!more && more.error().code != "torn_history") throw Fault{more.error()};
      if (!more || !*more) return static_cast<double>(reader.position());
    }
  });
}

// --- runs that a run leads to ---

std::string child_id(const std::string& effect_key) {
  return workflow::child_id(effect_key);
}
std::string successor_id(const std::string& run) {
  return workflow::successor_id(run);
}

// --- memory ---

constexpr std::size_t memories_bytes_max = 64u << 20;

/// Carries out memory.search or memory.store over `entries`, the JSON list of all that is kept:
/// {answer, written, dropped}, the latter to be kept before the run is told the answer.
std::string memory(const std::string& entries, const std::string& name, const std::string& request,
                   const std::string& key, double now_ms) {
  return guarded([&] {
    agents::Memory kept;
    const Json list = unwrap(parse_json(entries, {memories_bytes_max, 32}));
    for (const Json& one : list)
      unwrap(kept.restore(unwrap(agents::read_entry(one))));
    agents::MemoryChange change;
    const std::string answer =
        unwrap(agents::call_memory(kept, name, request, {}, key, stamp(now_ms), change));
    Json written = Json::array(), dropped = Json::array();
    for (const agents::MemoryEntry& entry : change.written)
      written.push_back(agents::entry_json(entry));
    for (const std::uint64_t id : change.dropped)
      dropped.push_back(std::to_string(id));
    return canonical(Json{{"answer", workflow::payload_json(answer)},
                          {"written", std::move(written)},
                          {"dropped", std::move(dropped)}});
  });
}

// --- moving ---

/// The run is under way here no more; take() has the event that says so, to be stored first.
void park(int handle, double now_ms) {
  guarded([&] { unwrap(run_of(handle).park(stamp(now_ms))); });
}

/// The parked run as one file. `history`: all of it, as it was stored.
val export_bundle(int handle, const std::string& history) {
  return guarded([&] {
    const auto bundle = unwrap(workflow::export_run(run_of(handle), history, {}));
    return view(workflow::write_bundle(bundle));
  });
}

std::string bundle_run(const std::string& bytes) {
  return guarded([&] { return unwrap(workflow::read_bundle(bytes)).run_id; });
}

/// Takes a run over from a bundle, a turn at a time. Its player is the one person whose page this
/// is: what they approved elsewhere holds. `before`: the run as it is known here, or 0.
int begin_import(const std::string& bytes, const std::string& around, double now_ms,
                 double clock_offset_ms, int before) {
  return guarded([&] {
    auto bundle = unwrap(workflow::read_bundle(bytes));
    workflow::Importer importer;
    importer.now_ms = stamp(now_ms);
    importer.clock_offset_ms = static_cast<std::int64_t>(clock_offset_ms);
    importer.may_author = true;
    importer.honour_approvals = true;
    importer.may_do = [](const void*, std::string_view, std::string_view) { return true; };
    if (before != 0) {
      const Run& known = run_of(before);
      importer.known.under_way = known.status() == workflow::RunStatus::running;
      if (known.status() == workflow::RunStatus::parked) importer.known.left_at = known.head();
    }
    auto work = std::make_unique<Work>();
    work->import =
        unwrap(workflow::Import::begin(std::move(bundle), around_of(around), std::move(importer)));
    const int handle = next_handle();
    works()[handle] = std::move(work);
    return handle;
  });
}

/// {run, definition, id, workflow, file, sha256}, and its history by takenEvents(); "" before all
/// is re-derived.
std::string import_on(int handle) {
  return guarded([&]() -> std::string {
    Work& work = work_of(handle);
    if (!work.import) throw Fault{{.code = "disposed", .message = "the import is over"}};
    if (!unwrap(work.import->go_on())) return {};
    auto imported = unwrap(std::move(*std::exchange(work.import, std::nullopt)).imported());
    const DefinitionPtr definition = imported.run.definition();
    const std::string id = imported.run.id();
    const int held_definition = next_handle();
    definitions()[held_definition] = definition;
    const int run = hold(std::move(imported.run));
    out() = std::move(imported.history);
    return canonical(Json{{"run", run},
                          {"definition", held_definition},
                          {"id", id},
                          {"workflow", definition->name},
                          {"file", definition->bytes},
                          {"sha256", hex64(definition->hash)}});
  });
}

EMSCRIPTEN_BINDINGS(redoubt_workflow) {
  using emscripten::function;
  function("versions", &versions);
  function("faults", &faults);
  function("define", &define);
  function("describe", &describe_definition);
  function("drop", &drop_definition);
  function("start", &start);
  function("replay", &replay);
  function("beginReplay", &begin_replay);
  function("replayOn", &replay_on);
  function("endWork", &end_work);
  function("restore", &restore);
  function("close", &close);
  function("give", &give);
  function("goOn", &go_on);
  function("take", &take);
  function("takenEvents", &taken_events);
  function("state", &state);
  function("result", &result);
  function("openEffects", &open_effects);
  function("snapshot", &snapshot);
  function("header", &history_header);
  function("events", &events);
  function("wholeBytes", &whole_bytes);
  function("childId", &child_id);
  function("successorId", &successor_id);
  function("memory", &memory);
  function("park", &park);
  function("exportBundle", &export_bundle);
  function("bundleRun", &bundle_run);
  function("beginImport", &begin_import);
  function("importOn", &import_on);
}

}  // namespace
}  // namespace redoubt::wasm
