// The face of workflows to JavaScript: fleets of runs as handles; src/workflow_core.ts declares it
// as `WorkflowFace`. A module of its own, so that a page that only plays never loads it.
//
// 1. Commands and completions go in by a function each; what is to be done then comes out of
//    work(), as one text (wasm/fleet_actions.hpp).
// 2. Texts are UTF-8, structured values JSON texts; bytes go in as a string of bytes and come out
//    as a view of the core's memory that the next call may move.
// 3. 64-bit numbers (seeds, hashes) are decimal strings, stamps doubles of whole milliseconds;
//    nothing is rounded.
// 4. What goes wrong is thrown as a JavaScript Error (wasm/guard.hpp).
#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <climits>
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
#include "engine/workflow/host/fleet.hpp"
#include "engine/workflow/kin.hpp"
#include "engine/workflow/loader.hpp"
#include "wasm/fleet_actions.hpp"
#include "wasm/guard.hpp"

namespace redoubt::wasm {
namespace {

using emscripten::val;
using workflow::DefinitionPtr;
using workflow::RunKey;
using workflow::RunRef;

constexpr std::size_t fleets_max = 256;
constexpr double stamp_ms_max = 9007199254740991.0;  // 2^53 - 1
constexpr std::size_t file_bytes_max = 1 << 20;
constexpr int file_depth_max = 64;
constexpr std::size_t described_events_max = 20'000;
constexpr std::size_t runs_under_way_max = 256;
constexpr std::size_t inputs_max = 4096;
/// By what values take natively; here they take half of it.
constexpr std::uint64_t memory_bytes_max = 512u << 20;

workflow::FleetBounds bounds() {
  workflow::FleetBounds bounds;
  // All of it is one person's.
  bounds.owner_runs_max = runs_under_way_max;
  bounds.inputs_max = inputs_max;
  bounds.memory_bytes_max = bounds.owner_memory_bytes_max = memory_bytes_max;
  bounds.imports_owner_max = bounds.imports_waiting_max;
  bounds.imports_bytes_max = bounds.imports_owner_bytes_max = workflow::kBundleBytesMax;
  // A journal may be anybody's.
  bounds.store_retry_ms = -1;
  bounds.snapshot_events = UINT64_MAX;  // it has no place for one
  bounds.view_turns_max = INT_MAX;      // whoever asks for a run waits until it rests
  return bounds;
}

Result<DefinitionPtr> read_definition(const std::string& file,
                                      const workflow::LoadContext& context) {
  const auto document = read_json_document(file, {file_bytes_max, file_depth_max});
  if (!document) return document.error();
  workflow::Loaded found = workflow::load(*document, context);
  if (found.ok()) return std::move(found.definition);
  Error fault = found.faults.front();
  fault.message = joined({fault.code, ": ", fault.message});
  fault.code = "bad_workflow";
  if (const std::size_t more = found.faults.size() - 1; more > 0)
    fault.message += joined({" (and ", more, " more)"});
  return fault;
}

/// A fleet, and what its runs may start as children and hand over to.
struct PageFleet {
  explicit PageFleet(std::vector<std::string> builtins)
      : context{builtins, {}},
        machine({.bounds = bounds(),
                 .builtins = std::move(builtins),
                 .find = [this](std::string_view name) { return find(name); }}) {}

  Result<DefinitionPtr> find(std::string_view name) {
    const auto found = offered.find(name);
    if (found == offered.end()) return DefinitionPtr();
    Offered& one = found->second;
    if (one.definition) return one.definition;
    auto read = read_definition(one.file, context);
    if (read) one.definition = *read;
    return read;
  }

  struct Offered {
    std::string file;
    DefinitionPtr definition;  ///< once it was asked for
  };
  std::map<std::string, Offered, std::less<>> offered;
  workflow::LoadContext context;
  workflow::Fleet machine;
};

std::map<int, std::unique_ptr<PageFleet>>& fleets() {
  static std::map<int, std::unique_ptr<PageFleet>> open;
  return open;
}
PageFleet& fleet_of(int handle) {
  const auto found = fleets().find(handle);
  if (found == fleets().end())
    throw Fault{{.code = "disposed", .message = "these workflows were disposed of"}};
  return *found->second;
}
workflow::Fleet& machine_of(int handle) {
  return fleet_of(handle).machine;
}

std::int64_t stamp(double ms) {
  if (ms >= 0 && ms <= stamp_ms_max && std::floor(ms) == ms) return static_cast<std::int64_t>(ms);
  throw Fault{{.code = "bad_argument",
               .message = "a time is a whole number of milliseconds",
               .path = "now",
               .expected = "0..2^53-1"}};
}

RunKey key_of(const std::string& id) {
  return {page_owner, id};
}
RunRef ref_of(const std::string& id, double serial) {
  return {key_of(id), static_cast<std::uint64_t>(serial)};
}
workflow::Call call_of(double number) {
  return static_cast<workflow::Call>(number);
}

/// What the host says of its journal; an empty code: nothing went wrong.
template <class T>
Result<T> result_of(const std::string& code, const std::string& message, T value) {
  if (code.empty()) return value;
  return Error{.code = code, .message = message};
}

// --- fleets ---

/// Raised when this face changes, so that a stale .wasm beside new JavaScript is found.
constexpr int workflow_face_version = 6;

std::string versions() {
  return joined({"{\"workflowFace\":", workflow_face_version, "}"});
}

/// `builtins`: names separated by commas.
int open(const std::string& builtins) {
  return guarded([&] {
    static int next = 1;
    if (fleets().size() >= fleets_max)
      throw Fault{{.code = "out_of_memory",
                   .message = "too many workflows are open: dispose of those no longer used",
                   .expected = joined({"at most ", fleets_max})}};
    std::vector<std::string> names;
    for (std::size_t at = 0; at < builtins.size();) {
      const std::size_t end = std::min(builtins.find(',', at), builtins.size());
      names.push_back(builtins.substr(at, end - at));
      at = end + 1;
    }
    fleets()[next] = std::make_unique<PageFleet>(std::move(names));
    return next++;
  });
}

void close(int handle) {
  fleets().erase(handle);
}

void offer(int handle, const std::string& name, const std::string& file) {
  guarded([&] {
    PageFleet& fleet = fleet_of(handle);
    fleet.context.workflows.push_back({name, {}});
    if (!file.empty()) fleet.offered[name].file = file;
  });
}

// --- commands ---

void start(int handle, double now_ms, const std::string& id, double call, const std::string& seed,
           const std::string& file, const std::string& input) {
  guarded([&] {
    PageFleet& fleet = fleet_of(handle);
    const Json number = workflow::payload_json(seed);
    if (!number.is_number_unsigned())
      throw Fault{{.code = "bad_argument",
                   .message = "a seed is a whole number of 64 bits",
                   .path = "seed",
                   .got = seed}};
    fleet.machine.start({.key = key_of(id),
                         .definition = unwrap(read_definition(file, fleet.context)),
                         .input = input,
                         .seed = number.get<std::uint64_t>()},
                        call_of(call), stamp(now_ms));
  });
}

/// What else is asked of a run, or given to it. `name` and `value`: of what is given.
void command(int handle, double now_ms, const std::string& id, double number,
             const std::string& what, const std::string& name, const std::string& value) {
  guarded([&] {
    using workflow::InputKind;
    workflow::Fleet& machine = machine_of(handle);
    const workflow::Call call = call_of(number);
    const std::int64_t now = stamp(now_ms);
    if (what == "look") return machine.look(key_of(id), call, now);
    if (what == "wake") return machine.wake(key_of(id), call, now);
    if (what == "export") return machine.export_run(key_of(id), call, now);
    if (what == "remove") return machine.remove(key_of(id), call, now);
    const InputKind kind = what == "answer"   ? InputKind::answer
                           : what == "cancel" ? InputKind::cancel
                                              : InputKind::signal;
    machine.give(key_of(id), {kind, name, value}, call, now);
  });
}

/// The player is the one person whose page this is: what they approved elsewhere holds.
void import_run(int handle, double now_ms, const std::string& bundle, double call,
                double clock_offset_ms) {
  guarded([&] {
    workflow::ImportRun order{.owner = page_owner, .bundle = bundle};
    workflow::Importer& importer = order.importer;
    importer.clock_offset_ms = static_cast<std::int64_t>(clock_offset_ms);
    importer.may_author = true;
    importer.honour_approvals = true;
    importer.may_do = [](const void*, std::string_view, std::string_view) { return true; };
    machine_of(handle).import_run(std::move(order), call_of(call), stamp(now_ms));
  });
}

// --- completions ---

void loaded(int handle, double now_ms, const std::string& id, double serial,
            const std::string& name, const std::string& definition, double started_ms,
            double ended_ms, const std::string& history) {
  guarded([&] {
    workflow::LoadedRun found;
    found.record.workflow = name;
    found.record.definition = definition;
    found.record.started_ms = stamp(started_ms);
    found.record.ended_ms = stamp(ended_ms);
    found.record.root = id;
    found.text_bytes = definition.size() + history.size();
    found.history = history;
    machine_of(handle).loaded(ref_of(id, serial), {std::move(found)}, stamp(now_ms));
  });
}

void history_read(int handle, double now_ms, const std::string& id, double serial,
                  const std::string& history) {
  guarded([&] { machine_of(handle).history_read(ref_of(id, serial), history, stamp(now_ms)); });
}

/// What came of an action in the journal, where that is no more than that it was done, or why not.
void completion(int handle, double now_ms, const std::string& id, double serial,
                const std::string& what, const std::string& code, const std::string& message) {
  guarded([&] {
    workflow::Fleet& machine = machine_of(handle);
    const RunRef run = ref_of(id, serial);
    const std::int64_t now = stamp(now_ms);
    const Result<bool> done = result_of(code, message, what != "absent");
    if (what == "store")
      machine.stored(run, done ? Result<void>() : Result<void>(done.error()), now);
    else if (what == "load")
      machine.loaded(run, result_of(code, message, std::optional<workflow::LoadedRun>()), now);
    else if (what == "readHistory")
      machine.history_read(run, result_of(code, message, std::string()), now);
    else if (what == "readEpochs")  // a journal keeps none: a page's bundles are its player's own
      machine.epochs_read(run, std::vector<std::uint32_t>(), now);
    else
      machine.erased(run.key, done, now);
  });
}

void done(int handle, double now_ms, const std::string& id, double serial,
          const std::string& effect, bool failed, const std::string& value) {
  guarded(
      [&] { machine_of(handle).done(ref_of(id, serial), effect, failed, value, stamp(now_ms)); });
}

void tick(int handle, double now_ms) {
  guarded([&] { machine_of(handle).tick(stamp(now_ms)); });
}

// --- what is to be done ---

std::string& out() {
  static std::string bytes;
  return bytes;
}

/// What is to be done; where that is nothing, one turn and what is to be done then. A turn before
/// would show a run at rest whose effects wait to be begun. "" where nothing is left.
std::string work(int handle, double now_ms) {
  return guarded([&]() -> std::string {
    workflow::Fleet& machine = machine_of(handle);
    bool more = true;
    std::vector<workflow::Action> actions = machine.take();
    if (actions.empty()) {
      more = machine.work(1, stamp(now_ms));
      actions = machine.take();
    }
    if (!more && actions.empty()) return {};
    ActionsText said = text_of(actions, machine);
    out() = std::move(said.bytes);
    return std::move(said.json);
  });
}

/// What the objects of the last work() count. Read before any other call.
val bytes() {
  return val(emscripten::typed_memory_view(out().size(),
                                           reinterpret_cast<const std::uint8_t*>(out().data())));
}

// --- what is there ---

const workflow::Run& run_of(int handle, const std::string& id) {
  if (const workflow::Run* run = machine_of(handle).find(key_of(id))) return *run;
  throw Fault{{.code = "bad_argument", .message = joined({"There is no run ", id, "."})}};
}

/// As it stands in memory.
std::string view(int handle, const std::string& id) {
  return guarded([&] {
    run_of(handle, id);
    return *machine_of(handle).view(key_of(id));
  });
}

/// The events of a run in memory as [{seq, at, kind, step, instance, payload}], from event `from`
/// on; a torn tail is left out.
std::string events(int handle, const std::string& id, const std::string& history, double from) {
  return guarded([&] {
    const DefinitionPtr definition = run_of(handle, id).definition();
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
        json["step"] = std::string(definition->step_name(event.step));
      if (event.instance != workflow::kNoStep) json["instance"] = event.instance;
      list.push_back(std::move(json));
    }
    return canonical(list);
  });
}

/// {bytes, successor}: how much of a stored history holds, up to the end of its last whole event,
/// and the run that goes on where it ended in a handoff. Bytes that were changed are an error, not
/// a torn tail.
std::string kept(const std::string& id, const std::string& history) {
  return guarded([&] {
    auto reader = unwrap(workflow::HistoryReader::open(history));
    workflow::Event event;
    for (;;) {
      const auto more = reader.next(event);
      if (!more && more.error().code != "torn_history") throw Fault{more.error()};
      if (more && *more) continue;
      Json json = {{"bytes", reader.position()}};
      if (event.kind == workflow::EventKind::run_continued)
        json["successor"] = workflow::successor_id(id);
      return canonical(json);
    }
  });
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

EMSCRIPTEN_BINDINGS(redoubt_workflow) {
  using emscripten::function;
  function("versions", &versions);
  function("open", &open);
  function("close", &close);
  function("offer", &offer);
  function("start", &start);
  function("command", &command);
  function("importRun", &import_run);
  function("loaded", &loaded);
  function("historyRead", &history_read);
  function("completion", &completion);
  function("done", &done);
  function("tick", &tick);
  function("work", &work);
  function("bytes", &bytes);
  function("view", &view);
  function("events", &events);
  function("kept", &kept);
  function("memory", &memory);
}

}  // namespace
}  // namespace redoubt::wasm
