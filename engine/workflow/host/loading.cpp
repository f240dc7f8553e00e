// Runs that are read back from the store, one replay's slice a turn.
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

void Fleet::Parts::load_next() {
  while (loads < bounds().loads_max) {
    const auto key = to_load.pop();
    if (!key) return;
    const auto found = loading.find(*key);
    if (found == loading.end() || std::exchange(found->second.asked, true)) continue;
    ++loads;
    actions.push_back(action::Load{{*key, found->second.serial}, false});
  }
}

/// REQUIRES: the run is being loaded.
Fleet::Parts::Loading Fleet::Parts::end_loading(const RunKey& key) {
  const auto found = loading.find(key);
  Loading ended = std::move(found->second);
  loading.erase(found);
  count(key.owner, ended.weight, 0);
  if (ended.asked) --loads;
  load_next();
  return ended;
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
    actions.push_back(action::Load{{key, run.serial}, true});
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
}

Result<DefinitionPtr> Fleet::Parts::pinned_definition(const std::string& json) {
  const Digest256 hash = sha256(json);
  if (const auto known = definitions.find(hash); known != definitions.end())
    if (auto definition = known->second.lock()) return definition;
  const auto document = read_json_document(json, {definition_bytes_max, definition_depth_max});
  if (!document) return document.error();
  const Loaded read = load(*document, pinned());
  if (!read.ok()) return read.faults.front();
  std::erase_if(definitions, [](const auto& one) { return one.second.expired(); });
  definitions[read.definition->hash] = read.definition;
  return read.definition;
}

}  // namespace redoubt::workflow
