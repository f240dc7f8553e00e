// Runs that are read back from the store, one replay's slice a turn.
#include <algorithm>
#include <utility>

#include "engine/base/document.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/host/parts.hpp"
#include "engine/workflow/loader.hpp"

namespace redoubt::workflow {
namespace {

/// Whether there is something to do for the run; one of an older store may wait and not say so.
bool goes_on(const Run& run, const RunRecord& record) {
  return run.status() == RunStatus::running && !(run.only_waits() && record.only_waits);
}

}  // namespace

/// `use` is called at once where the run is in memory, else when it is, or cannot be.
void Fleet::Parts::with(const RunKey& key, Use use) {
  if (Open* open = find(key)) return use(open);
  const auto [at, is_new] = loading.try_emplace(key);
  at->second.users.push_back(std::move(use));
  if (!is_new) return;
  at->second.serial = ++serials;
  to_load.push(key.owner, key);
  load_next();
}

/// The store is asked for one after the other, so that each finds the room that is left.
void Fleet::Parts::load_next() {
  while (loads.size() < bounds().loads_max && !asking) {
    const auto key = to_load.pop();
    if (!key) return;
    const auto found = loading.find(*key);
    if (found == loading.end() || found->second.asked) continue;
    if (!ask_for(*key, found->second)) wait_for_room(*key);
  }
}

/// What is left for the owner beside what is in memory and what is kept for those that are being
/// read, once runs that rest have left. A run that takes more than it may is read alone. False
/// where that is known to be too little.
bool Fleet::Parts::ask_for(const RunKey& key, Loading& run) {
  const FleetBounds& bound = bounds();
  const std::uint64_t most = std::min(bound.memory_bytes_max, bound.owner_memory_bytes_max);
  make_room(key.owner, nullptr, std::min(run.needs, most));
  std::uint64_t all = weight, own = weight_of(key.owner), texts = 0;
  for (const RunKey& other : loads) {
    const Loading& read = loading.find(other)->second;
    const std::uint64_t kept = std::max(read.needs, read.weight) - read.weight;
    all += kept;
    if (other.owner == key.owner) own += kept;
    texts += read.texts;
  }
  const auto left = [](std::uint64_t taken, std::uint64_t bytes_max) {
    return taken < bytes_max ? bytes_max - taken : 0;
  };
  action::Load order{.run = {key, run.serial}, .whole = run.whole};
  const std::uint64_t memory =
      std::min(left(all, bound.memory_bytes_max), left(own, bound.owner_memory_bytes_max));
  if (memory < most) order.memory_bytes_max = memory;
  if (!loads.empty()) order.text_bytes_max = left(texts, bound.load_bytes_max);
  if (memory == 0 || run.needs > order.memory_bytes_max || order.text_bytes_max == 0 ||
      run.texts > order.text_bytes_max)
    return false;
  run.asked = asking = true;
  loads.insert(key);
  actions.push_back(std::move(order));
  return true;
}

/// It is looked for again until its time is over; others for which there is room come before it.
void Fleet::Parts::wait_for_room(const RunKey& key) {
  Loading& run = loading.find(key)->second;
  if (run.waits_since_ms == 0) run.waits_since_ms = now_ms;
  if (now_ms - run.waits_since_ms >= bounds().load_wait_ms_max)
    return not_loaded(
        key, make_error(
                 "too_many_runs",
                 {"the runs under way leave no room for run ", key.id, ", which takes ",
                  (run.needs + (1u << 20) - 1) >> 20, " MiB of memory: try again later"},
                 {"id"},
                 {joined({"at most ", bounds().owner_memory_bytes_max >> 20, " MiB of one owner, ",
                          bounds().memory_bytes_max >> 20, " MiB of all"})},
                 {key.id}));
  roomless.push_back(key);
  if (room_ms == 0) room_ms = now_ms + bounds().room_retry_ms;
}

void Fleet::Parts::look_for_room() {
  for (const RunKey& key : std::exchange(roomless, {}))
    if (loading.count(key) > 0) to_load.push(key.owner, key);
  load_next();
}

/// REQUIRES: the run is being loaded. To be followed by look_for_room(), once what takes its place
/// is counted.
Fleet::Parts::Loading Fleet::Parts::end_loading(const RunKey& key) {
  const auto found = loading.find(key);
  Loading ended = std::move(found->second);
  loading.erase(found);
  loads.erase(key);
  count(key.owner, ended.weight, 0);
  return ended;
}

/// The store has answered.
void Fleet::Parts::found(const RunKey& key, LoadedRun read) {
  Loading& run = loading.find(key)->second;
  run.needs = memory_needed(read.record);
  run.texts = read.text_bytes;
  if (read.unread) {
    run.asked = false;
    loads.erase(key);
    return wait_for_room(key);
  }
  run.found = std::move(read);
  begin_replay(key);
}

void Fleet::Parts::begin_replay(const RunKey& key) {
  Loading& run = loading.find(key)->second;
  const auto definition = pinned_definition(run.found.record.definition);
  if (!definition) return fail_loading(key, definition.error());
  const bool from_snapshot = !run.found.snapshot.empty();
  auto replay = from_snapshot ? Replay::begin(*definition, run.found.snapshot, run.found.history)
                              : Replay::begin(*definition, run.found.history);
  // One that another version of this machine has made.
  if (!replay && from_snapshot && replay.error().code == "bad_snapshot") {
    run.found = {};
    run.whole = asking = true;
    actions.push_back(action::Load{.run = {key, run.serial}, .whole = true});
    return;
  }
  if (!replay) return fail_loading(key, replay.error());
  replay->set_turn_work(bounds().turn_work_max);
  run.definition_bytes = (*definition)->memory_bytes;
  run.replay = std::move(*replay);
  count(key.owner, run.weight, run.definition_bytes);
  schedule(key);
}

void Fleet::Parts::replay_on(const RunKey& key) {
  Loading& run = loading.find(key)->second;
  if (!run.replay) return;
  const auto done = run.replay->go_on();
  if (!done) return fail_loading(key, done.error());
  count(key.owner, run.weight, run.replay->state_bytes() + run.definition_bytes);
  run.weight_max = std::max(run.weight_max, run.weight);
  if (weight > bounds().memory_bytes_max) keep_within_memory(key.owner, nullptr);
  if (!*done) return schedule(key);
  loaded(key);
}

/// The run is there. What its history does not hold of the last decisions is stored before anything
/// else.
void Fleet::Parts::loaded(const RunKey& key) {
  Loading done = end_loading(key);
  Run run = std::move(*done.replay).run();
  RunRecord record = std::move(done.found.record);
  record.definition = std::string();
  record.memory_bytes = std::max(record.memory_bytes, done.weight_max);
  const bool is_to_go_on = goes_on(run, record);
  Open& open = hold(std::move(run), key, std::move(record));
  const RunRef ref = open.ref;
  open.snapshot_seq = done.found.snapshot_seq;
  open.erasing = erasing.count(key) > 0;
  open.marked = true;
  open.resuming = is_to_go_on;
  keep(open);
  for (const Use& use : done.users) {
    Open* still = find(ref);
    use(still ? Result<Open*>(still) : Result<Open*>(unknown_run(key.id)));
  }
  look_for_room();
}

/// It was read, and is no run that this machine can go on with.
void Fleet::Parts::fail_loading(const RunKey& key, const Error& error) {
  actions.push_back(action::Release{key});
  not_loaded(key, error);
}

void Fleet::Parts::not_loaded(const RunKey& key, const Error& error) {
  if (loading.count(key) == 0) return;
  const Loading ended = end_loading(key);
  for (const Use& use : ended.users)
    use(error);
  look_for_room();
}

Result<DefinitionPtr> Fleet::Parts::pinned_definition(const std::string& json) {
  const Digest256 hash = sha256(json);
  if (const auto known = definitions.find(hash); known != definitions.end())
    if (auto definition = known->second.lock()) return definition;
  const auto document = read_json_document(json, {definition_bytes_max, definition_depth_max});
  if (!document) return document.error();
  const Loaded read = load(*document, pinned());
  if (!read.ok()) return read.faults.front();
  return shared(read.definition);
}

/// The definition that stands for all that are equal to it.
DefinitionPtr Fleet::Parts::shared(DefinitionPtr definition) {
  if (const auto known = definitions.find(definition->hash); known != definitions.end())
    if (auto same = known->second.lock()) return same;
  std::erase_if(definitions, [](const auto& one) { return one.second.expired(); });
  definitions[definition->hash] = definition;
  return definition;
}

}  // namespace redoubt::workflow
