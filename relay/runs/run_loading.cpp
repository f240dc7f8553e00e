// Runs that are read back from the store, one replay's slice a turn, and runs that come in bundles.
//
// At a start the store notes all runs that are to be read back, and before each is read that it is;
// the notes go when the run rests again. A run over which the process died is found so noted at the
// next start, is set aside, and does not kill it again (RunStore::begin_recovery).
#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/base/message.hpp"
#include "relay/runs/run_host.hpp"

namespace redoubt::runs {

using workflow::InputKind;
using workflow::Run;
using workflow::RunStatus;

namespace {

Error set_aside_error(const std::string& id) {
  return make_error("run_set_aside",
                    {"the relay ended while it was reading run ", id,
                     " back, or twice before it came to it, so it is left alone: "
                     "POST .../resume tries again, DELETE forgets it"},
                    {"id"}, {}, {id});
}

/// Whether there is something to do for the run; one of an older store may wait and not say so.
bool goes_on(const Run& run, const StoredRun& stored) {
  return run.status() == RunStatus::running && !(run.only_waits() && stored.waits);
}

}  // namespace

void RunHost::with(const RunKey& key, Use use) {
  if (Open* open = find(key)) return use(open);
  take(key, std::move(use));
}

void RunHost::take(const RunKey& key, Use use) {
  if (const auto found = loading_.find(key); found != loading_.end())
    return found->second.users.push_back(std::move(use));
  Loading& loading = loading_[key];
  loading.serial = ++serials_;
  loading.users.push_back(std::move(use));
  to_take_.push(key.owner, key);
  take_next();
}

void RunHost::take_next() {
  while (taking_ < takes_max) {
    const auto key = to_take_.pop();
    if (!key) return;
    const auto found = loading_.find(*key);
    if (found == loading_.end() || std::exchange(found->second.asked, true)) continue;
    ++taking_;
    store_.take(
        *key, on_thread<std::optional<StoredRun>>(
                  [this, ref = Ref{*key, found->second.serial}](
                      Result<std::optional<StoredRun>> stored) { taken(ref, std::move(stored)); }));
  }
}

/// REQUIRES: the run is being read back. Another one may be.
RunHost::Loading RunHost::end_loading(const RunKey& key) {
  const auto found = loading_.find(key);
  Loading loading = std::move(found->second);
  loading_.erase(found);
  if (loading.asked) --taking_;
  post([this] { take_next(); });
  return loading;
}

void RunHost::taken(const Ref& ref, Result<std::optional<StoredRun>> stored) {
  const auto found = loading_.find(ref.key);
  if (found == loading_.end() || found->second.serial != ref.serial) return;
  if (!stored) return not_loaded(ref.key, stored.error());
  if (!*stored) return not_loaded(ref.key, unknown_run(ref.key.id));
  if ((*stored)->set_aside) return not_loaded(ref.key, set_aside_error(ref.key.id));
  Loading& loading = found->second;
  loading.stored = std::move(**stored);
  auto definition = pinned_definition(loading.stored.definition);
  auto replay = definition ? workflow::Replay::begin(*definition, loading.stored.history)
                           : Result<workflow::Replay>(definition.error());
  if (!replay) {
    store_.release(ref.key, {});
    return not_loaded(ref.key, replay.error());
  }
  loading.replay = std::move(*replay);
  schedule(ref.key);
}

Result<workflow::DefinitionPtr> RunHost::pinned_definition(const std::string& json) {
  const Digest256 hash = sha256(json);
  if (const auto known = definitions_.find(hash); known != definitions_.end())
    if (auto definition = known->second.lock()) return definition;
  auto definition = read_definition(json, pinned_surroundings());
  if (!definition) return definition;
  return shared(std::move(*definition));
}

/// The definition that stands for all that are equal to it.
workflow::DefinitionPtr RunHost::shared(workflow::DefinitionPtr definition) {
  if (const auto known = definitions_.find(definition->hash); known != definitions_.end())
    if (auto same = known->second.lock()) return same;
  std::erase_if(definitions_, [](const auto& one) { return one.second.expired(); });
  definitions_[definition->hash] = definition;
  return definition;
}

void RunHost::replay_on(const RunKey& key) {
  Loading& loading = loading_.find(key)->second;
  if (!loading.replay) return;
  const auto done = loading.replay->go_on();
  if (!done) {
    store_.release(key, {});
    return not_loaded(key, done.error());
  }
  if (!*done) return schedule(key);
  loaded(key);
}

/// The run is there. One that goes on is marked until its next event is stored, any other until the
/// store has heard of it.
void RunHost::loaded(const RunKey& key) {
  Loading& loading = loading_.find(key)->second;
  auto run = std::make_shared<Run>(std::move(*std::exchange(loading.replay, std::nullopt)).run());
  const auto give = [this, ref = Ref{key, loading.serial}, run](const Result<void>& released) {
    const auto found = loading_.find(ref.key);
    if (found == loading_.end() || found->second.serial != ref.serial) return;
    if (!released) return not_loaded(ref.key, released.error());
    Loading done = end_loading(ref.key);
    done.stored.definition = std::string();
    done.stored.history = std::string();
    Open& open = hold(std::move(*run), std::move(done.stored));
    open.marked = goes_on(open.run, open.stored);
    if (open.marked) open.inputs.push_back({InputKind::resumed, {}, {}, {}});
    // What its history does not hold of the last decisions is stored before anything else.
    keep(open);
    give_loaded(ref.key, open, std::move(done.users));
  };
  if (goes_on(*run, loading.stored)) return give({});
  store_.release(key, on_thread<void>(give));
}

void RunHost::give_loaded(const RunKey& key, Open& open, std::vector<Use> users) {
  const std::uint64_t serial = open.serial;
  for (const Use& use : users) {
    Open* still = find(Ref{key, serial});
    if (still)
      use(still);
    else
      use(unknown_run(key.id));
  }
}

void RunHost::not_loaded(const RunKey& key, const Error& error) {
  const auto found = loading_.find(key);
  if (found == loading_.end()) return;
  const Loading loading = end_loading(key);
  for (const Use& use : loading.users)
    use(error);
}

// --- runs that only wait, and are not in memory ---

void RunHost::wake_at(std::int64_t wake_ms) {
  if (wake_ms == 0 || (clock_ms_ > 0 && clock_ms_ <= wake_ms)) return;
  clock_ms_ = wake_ms;
  clock_.expires_after(std::chrono::milliseconds(
      std::clamp<std::int64_t>(wake_ms - observe::wall_now_ms(), 0, timer_ms_max)));
  clock_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopping_) return;
    clock_ms_ = 0;
    wake_due();
  });
}

/// Those in memory have timers of their own.
void RunHost::wake_due() {
  const std::int64_t now = observe::wall_now_ms();
  store_.due(now, woken_max, on_thread<DueRuns>([this, now](Result<DueRuns> due) {
               if (!due) {
                 complain("run_recovery", nullptr, due.error());
                 return wake_at(now + wake_retry_ms);
               }
               for (const RunKey& key : due->runs)
                 with(key, [this, key](const Result<Open*>& found) {
                   if (found || is_passing(found.error().code)) return;
                   complain("run_recovery", &key, found.error());
                   store_.forget_clock(key, {});
                 });
               if (!due->runs.empty()) wake_at(now + wake_retry_ms);
               wake_at(due->next_ms);
             }));
}

// --- at a start ---

void RunHost::recover() {
  store_.begin_recovery(observe::wall_now_ms(),
                        on_thread<std::vector<RunKey>>([this](Result<std::vector<RunKey>> runs) {
                          if (!runs) {
                            complain("run_recovery", nullptr, runs.error());
                            return wake_due();
                          }
                          for (const RunKey& key : *runs)
                            complain("run_set_aside", &key, set_aside_error(key.id));
                          recover_next();
                        }));
}

/// One after the other: the next when the one before is there. Runs whose time comes meanwhile are
/// read after all of these.
void RunHost::recover_next() {
  if (to_recover_.empty() && all_listed_) return wake_due();
  if (open_.size() + loading_.size() >= runs_open_max || weight_ > around_.weight_all_max) {
    recovery_waits_ = true;
    return;
  }
  if (to_recover_.empty()) {
    store_.to_recover(recover_listed_max,
                      on_thread<std::vector<RunKey>>([this](Result<std::vector<RunKey>> keys) {
                        if (!keys) {
                          complain("run_recovery", nullptr, keys.error());
                          recovery_waits_ = true;
                          return;
                        }
                        all_listed_ = keys->empty();
                        for (RunKey& key : *keys)
                          to_recover_.push_back(std::move(key));
                        recover_next();
                      }));
    return;
  }
  const RunKey key = std::move(to_recover_.front());
  to_recover_.pop_front();
  with(key, [this, key](Result<Open*> found) {
    // It stays in the store as it is; its owner is told when they ask for it.
    if (!found && found.error().code != "unknown_run")
      complain("run_recovery", &key, found.error());
    if (!found && is_passing(found.error().code)) {
      recovery_waits_ = true;
      return;
    }
    if (!found) store_.release(key, {});
    post([this] { recover_next(); });
  });
}

// --- bundles ---

void RunHost::import_run(Owner owner, std::string bytes, std::int64_t clock_ms,
                         JsonCallback callback) {
  auto bundle = workflow::read_bundle(bytes);
  if (!bundle) return callback(bundle.error());
  const RunKey key{owner.identity, bundle->run_id};
  if (importing_.count(key) > 0)
    return callback(
        make_error("run_here", {"the run is being imported already"}, {"id"}, {}, {key.id}));
  if (to_import_.size() >= imports_waiting_max ||
      (!importing_.empty() && importing_bytes_ + bytes.size() > imports_bytes_max))
    return callback(make_error(
        "overloaded", {"too many imports wait for their turn: try again later"}, {},
        {joined({"at most ", imports_waiting_max, " and ", imports_bytes_max >> 20, " MiB"})}, {}));
  Coming& coming = importing_[key];
  coming.bytes = bytes.size();
  importing_bytes_ += coming.bytes;
  coming.owner = std::move(owner);
  coming.bundle = std::move(*bundle);
  coming.clock_ms = clock_ms;
  coming.callback = std::move(callback);
  to_import_.push(key.owner, key);
  import_next();
}

void RunHost::import_next() {
  while (imports_under_way_ < imports_max) {
    const auto next = to_import_.pop();
    if (!next) return;
    const RunKey& key = *next;
    importing_.find(key)->second.under_way = true;
    ++imports_under_way_;
    // It brings its whole state at once, so that it cannot be slowed down like a run that grows.
    keep_within_memory(key.owner, nullptr);
    if (weight_ > around_.weight_all_max) {
      end_import(key, make_error("too_many_runs", {"the runs under way take too much memory"}, {},
                                 {joined({"at most ", around_.weight_all_max >> 20, " MiB"})}, {}));
      continue;
    }
    store_.epochs(key, on_thread<std::vector<std::uint32_t>>(
                           [this, key](Result<std::vector<std::uint32_t>> epochs) {
                             if (!epochs) return end_import(key, epochs.error());
                             importing_[key].epochs = std::move(*epochs);
                             with(key, [this, key](Result<Open*> found) {
                               if (!found && found.error().code != "unknown_run")
                                 return end_import(key, found.error());
                               begin_import(key, found ? *found : nullptr);
                             });
                           }));
  }
}

/// REQUIRES: the run is being imported. Another one may be.
RunHost::Coming RunHost::end_coming(const RunKey& key) {
  const auto found = importing_.find(key);
  Coming coming = std::move(found->second);
  importing_.erase(found);
  importing_bytes_ -= coming.bytes;
  if (coming.under_way) --imports_under_way_;
  post([this] { import_next(); });
  return coming;
}

void RunHost::end_import(const RunKey& key, const Error& error) {
  if (importing_.count(key) > 0) end_coming(key).callback(error);
}

void RunHost::begin_import(const RunKey& key, Open* before) {
  Coming& coming = importing_.find(key)->second;
  if (!before)
    if (auto full = no_room(coming.owner)) return end_import(key, *full);
  const std::int64_t now = observe::wall_now_ms();
  workflow::Importer importer;
  importer.owner = key.owner.key();
  importer.now_ms = now;
  importer.clock_offset_ms = coming.clock_ms < 0 ? 0 : now - coming.clock_ms;
  importer.catalogue = around_.catalogue.current()->hashes();
  importer.may_author = coming.owner.may_author;
  if (!key_.id.empty()) importer.keys.push_back(key_);
  importer.known.epochs = std::move(coming.epochs);
  if (before) {
    coming.before = before->ref();
    coming.left_at = before->run.head();
    importer.known.under_way = before->run.status() == RunStatus::running;
    if (before->run.status() == RunStatus::parked) importer.known.left_at = before->run.head();
  }
  auto import =
      workflow::Import::begin(std::move(coming.bundle), pinned_surroundings(), std::move(importer));
  if (!import) return end_import(key, import.error());
  coming.import = std::move(*import);
  schedule(key);
}

void RunHost::import_on(const RunKey& key) {
  Coming& coming = importing_.find(key)->second;
  if (!coming.import) return;
  const auto done = coming.import->go_on();
  if (!done) return end_import(key, done.error());
  if (!*done) return schedule(key);
  take_over(key);
}

void RunHost::take_over(const RunKey& key) {
  Coming coming = end_coming(key);
  // While it was checked the run may have been removed, resumed or begun here.
  Open* before = find(key);
  const bool changed = coming.before ? !before || before->serial != coming.before->serial ||
                                           before->run.head().seq != coming.left_at.seq
                                     : before != nullptr;
  if (changed)
    return coming.callback(
        make_error("run_here", {"the run went on here meanwhile"}, {"id"}, {}, {key.id}));
  auto imported = std::move(*coming.import).imported();
  if (!imported) return coming.callback(imported.error());
  const workflow::DefinitionPtr definition = imported->run.definition();
  const std::int64_t now = observe::wall_now_ms();
  StoredRun stored;
  stored.key = key;
  stored.limits = coming.owner.limits;
  stored.workflow = definition->name;
  stored.definition = definition->bytes;
  stored.started_ms = before ? before->stored.started_ms : now;
  if (is_over(imported->run.status())) stored.ended_ms = now;
  stored.root = before ? before->stored.root : key.id;
  stored.depth = before ? before->stored.depth : 0;
  stored.history = std::move(imported->history);
  if (before) leave(key, make_error("run_parked", {"the run was imported anew"}, {}, {}, {}));
  started_.add();
  Open& open = hold(std::move(imported->run), std::move(stored));
  open.fresh = true;
  open.epoch = imported->epoch;
  open.checkpoints = std::move(imported->checkpoints);
  open.viewers.push_back({copying(std::move(coming.callback))});
  schedule(key);
}

}  // namespace redoubt::runs
