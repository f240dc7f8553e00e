// Runs that come in bundles, one slice of re-deriving them a turn.
#include <utility>

#include "engine/base/message.hpp"
#include "engine/workflow/host/parts.hpp"

namespace redoubt::workflow {

void Fleet::Parts::import(ImportRun order, Call call) {
  auto bundle = read_bundle(order.bundle);
  if (!bundle) return tell(call, bundle.error());
  if (bundle->form == BundleForm::tail)
    return tell(call, make_error("bad_bundle", {"the bundle lacks the beginning of its run"}, {},
                                 {"a run's whole history"}, {}));
  const RunKey key{order.owner, bundle->run_id};
  if (coming.count(key) > 0)
    return tell(
        call, make_error("run_here", {"the run is being imported already"}, {"id"}, {}, {key.id}));
  if (auto full = no_place_for(order)) return tell(call, *full);
  Coming& run = coming[key];
  run.serial = ++serials;
  run.bytes = order.bundle.size();
  imports_bytes += run.bytes;
  order.bundle = std::string();
  run.order = std::move(order);
  run.bundle = std::move(*bundle);
  run.call = call;
  if (gives_way(key)) return;
  to_import.push(key.owner, key);
  import_next();
}

/// A single bundle may be larger than what is left.
std::optional<Error> Fleet::Parts::no_place_for(const ImportRun& order) const {
  const FleetBounds& most = bounds();
  const std::size_t bytes = order.bundle.size();
  std::size_t own = 0, own_bytes = 0;
  for (auto at = coming.lower_bound({order.owner, {}});
       at != coming.end() && at->first.owner == order.owner; ++at, ++own)
    own_bytes += at->second.bytes;
  if (own >= most.imports_owner_max ||
      (own > 0 && own_bytes + bytes > most.imports_owner_bytes_max))
    return make_error(
        "overloaded",
        {"too many of your imports wait for their turn (at most ", most.imports_owner_max, " and ",
         most.imports_owner_bytes_max >> 20, " MiB): try again when they are done"},
        {}, {}, {});
  if (to_import.size() < most.imports_waiting_max &&
      (coming.empty() || imports_bytes + bytes <= most.imports_bytes_max))
    return std::nullopt;
  return make_error("overloaded", {"too many imports wait for their turn: try again later"}, {},
                    {joined({"at most ", most.imports_waiting_max, " and ",
                             most.imports_bytes_max >> 20, " MiB"})},
                    {});
}

void Fleet::Parts::import_next() {
  while (imports < bounds().imports_max) {
    const auto key = to_import.pop();
    if (!key) return;
    const auto found = coming.find(*key);
    // It gave way while it waited, or is another one of the same name.
    if (found == coming.end() || std::exchange(found->second.begun, true)) continue;
    ++imports;
    actions.push_back(action::ReadEpochs{{*key, found->second.serial}});
  }
}

/// Null where the import is over: it may give way while something is asked for it.
Fleet::Parts::Coming* Fleet::Parts::find_coming(const RunRef& ref) {
  const auto found = coming.find(ref.key);
  return found != coming.end() && found->second.serial == ref.serial ? &found->second : nullptr;
}

/// What is known here of its run. REQUIRES: it is coming.
void Fleet::Parts::look_before_import(const RunRef& ref, std::vector<std::uint32_t> epochs) {
  find_coming(ref)->order.importer.known.epochs = std::move(epochs);
  with(ref.key, [this, ref](Result<Open*> found) {
    if (!find_coming(ref)) return;
    if (!found && found.error().code != "unknown_run") return end_import(ref.key, found.error());
    begin_import(ref.key, found ? *found : nullptr);
  });
}

void Fleet::Parts::begin_import(const RunKey& key, Open* before) {
  if (!before) {
    const auto full = no_room(key.owner);
    if (coming.count(key) == 0) return;
    if (full) return end_import(key, *full);
  }
  Coming& run = coming.find(key)->second;
  Importer importer = std::move(run.order.importer);
  importer.owner = key.owner;
  importer.now_ms = now_ms;
  if (!options.key.id.empty()) importer.keys.push_back(options.key);
  if (before) {
    const RunRecord& record = before->record;
    run.before = Before{before->run.head(), record.started_ms, record.root, record.depth};
    importer.known.under_way = before->run.status() == RunStatus::running;
    if (before->run.status() == RunStatus::parked) importer.known.left_at = before->run.head();
  }
  auto import = Import::begin(std::move(run.bundle), pinned(), std::move(importer));
  if (!import) return end_import(key, import.error());
  import->set_turn_work(bounds().turn_work_max);
  run.import = std::move(*import);
  if (!gives_way(key)) schedule(key);
}

void Fleet::Parts::import_on(const RunKey& key) {
  Coming& run = coming.find(key)->second;
  if (!run.import) return;
  const auto done = run.import->go_on();
  if (!done) return end_import(key, done.error());
  if (gives_way(key)) return;
  if (!*done) return schedule(key);
  take_over(key);
}

void Fleet::Parts::take_over(const RunKey& key) {
  Coming run = end_coming(key);
  // While it was checked the run may have been removed, resumed or begun here.
  const Open* open_now = find(key);
  const auto& before = run.before;
  const bool changed =
      before ? run.removed || (open_now && open_now->run.head().seq != before->left_at.seq)
             : open_now != nullptr;
  if (changed)
    return tell(run.call,
                make_error("run_here", {"the run went on here meanwhile"}, {"id"}, {}, {key.id}));
  auto imported = std::move(*run.import).imported();
  if (!imported) return tell(run.call, imported.error());
  RunRecord record;
  record.context = std::move(run.order.context);
  record.memory_bytes = run.state_max;
  // One that went on in another run did so where it comes from.
  if (is_over(imported->run.status())) record.ended_ms = now_ms;
  std::int64_t started_ms = now_ms;
  if (before) {
    started_ms = before->started_ms;
    record.root = before->root;
    record.depth = before->depth;
    // Whoever is reading the one before back, or has it.
    const Error gone = make_error("run_parked", {"the run was imported anew"}, {}, {}, {});
    not_loaded(key, gone);
    leave(key, gone);
  }
  Open& open = hold_new(key, std::move(imported->run), std::move(record));
  open.record.started_ms = started_ms;
  open.first->how = before ? action::Store::How::replace : action::Store::How::create;
  open.first->frames = std::move(imported->history);
  open.first->epoch = imported->epoch;
  open.checkpoints = std::move(imported->checkpoints);
  add_viewer(open, run.call);
  schedule(key);
}

/// REQUIRES: the run is being imported. Another one may be.
Fleet::Parts::Coming Fleet::Parts::end_coming(const RunKey& key) {
  const auto found = coming.find(key);
  Coming ended = std::move(found->second);
  coming.erase(found);
  count(key.owner, ended.weight, 0);
  imports_bytes -= ended.bytes;
  if (ended.begun) --imports;
  import_next();
  return ended;
}

void Fleet::Parts::end_import(const RunKey& key, const Error& error) {
  if (coming.count(key) == 0) return;
  const Call call = end_coming(key).call;
  tell(call, error);
}

// --- memory ---

Error Fleet::Parts::no_memory() const {
  return make_error("overloaded",
                    {"the runs and imports under way take too much memory (at most ",
                     bounds().memory_bytes_max >> 20, " MiB): try again later"},
                    {}, {}, {});
}

/// Ends that of the owner's imports, or of all where no owner is given, that takes the most. False
/// where there is none.
bool Fleet::Parts::end_heaviest_import(const std::string* owner) {
  const RunKey* heaviest = nullptr;
  std::uint64_t most = 0;
  for (const auto& [key, run] : coming) {
    if ((owner && key.owner != *owner) || run.weight <= most) continue;
    heaviest = &key;
    most = run.weight;
  }
  if (heaviest) end_import(RunKey(*heaviest), no_memory());
  return heaviest != nullptr;
}

/// Weighs the import. True where it is over, because what it holds does not fit beside what is in
/// memory.
bool Fleet::Parts::gives_way(const RunKey& key) {
  Coming& run = coming.find(key)->second;
  const std::uint64_t state = run.import ? run.import->state_bytes() : 0;
  run.state_max = std::max(run.state_max, state);
  count(key.owner, run.weight, run.bytes + state);
  make_room(key.owner, nullptr, 0);
  if (weight > bounds().memory_bytes_max) {
    end_import(key, no_memory());
    return true;
  }
  if (weight_of(key.owner) <= bounds().owner_memory_bytes_max) return false;
  end_import(key, make_error("too_many_runs",
                             {"your runs and imports under way take more than ",
                              bounds().owner_memory_bytes_max >> 20,
                              " MiB of memory: have fewer of them under way"},
                             {}, {}, {}));
  return true;
}

}  // namespace redoubt::workflow
