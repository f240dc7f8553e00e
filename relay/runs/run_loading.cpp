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

/// The store is asked for one after the other, so that each finds the room that is left.
void RunHost::take_next() {
  while (taking_.size() < takes_max && !asking_) {
    const auto key = to_take_.pop();
    if (!key) return;
    const auto found = loading_.find(*key);
    if (found == loading_.end() || found->second.asked) continue;
    const ReadRoom room = room_for(*key, found->second);
    if (room.memory_bytes_max == 0 || found->second.needs > room.memory_bytes_max ||
        room.text_bytes_max == 0 || found->second.texts > room.text_bytes_max) {
      wait_for_room(*key);
      continue;
    }
    found->second.asked = asking_ = true;
    taking_.insert(*key);
    store_.take(*key, room,
                on_thread<std::optional<StoredRun>>([this, ref = Ref{*key, found->second.serial}](
                                                        Result<std::optional<StoredRun>> stored) {
                  taken(ref, std::move(stored));
                }));
  }
}

/// What is left for the owner beside what is in memory and what is kept for those that are being
/// read, once runs that rest have left. A run that takes more than it may is read alone.
ReadRoom RunHost::room_for(const RunKey& key, const Loading& loading) {
  const std::uint64_t most = std::min(around_.weight_all_max, store_.bounds().weight_max);
  make_room(key.owner, nullptr, std::min(loading.needs, most));
  const auto counted = weights_.find(key.owner);
  std::uint64_t all = weight_;
  std::uint64_t own = counted == weights_.end() ? 0 : counted->second;
  std::uint64_t texts = 0;
  for (const RunKey& other : taking_) {
    const Loading& read = loading_.find(other)->second;
    const std::uint64_t kept = std::max(read.needs, read.weight) - read.weight;
    all += kept;
    if (other.owner == key.owner) own += kept;
    texts += read.texts;
  }
  const auto left = [](std::uint64_t taken, std::uint64_t bound) {
    return taken < bound ? bound - taken : 0;
  };
  ReadRoom room;
  const std::uint64_t memory =
      std::min(left(all, around_.weight_all_max), left(own, store_.bounds().weight_max));
  if (memory < most) room.memory_bytes_max = memory;
  if (!taking_.empty()) room.text_bytes_max = left(texts, takes_bytes_max);
  return room;
}

/// It is looked for again until its time is over; others for which there is room come before it.
void RunHost::wait_for_room(const RunKey& key) {
  Loading& loading = loading_.find(key)->second;
  const auto now = std::chrono::steady_clock::now();
  if (!loading.waits_since) loading.waits_since = now;
  if (now - *loading.waits_since >= std::chrono::milliseconds(around_.take_wait_ms_max))
    return not_loaded(
        key,
        make_error("too_many_runs",
                   {"the runs under way leave no room for run ", key.id, ", which takes ",
                    (loading.needs + (1u << 20) - 1) >> 20, " MiB of memory: try again later"},
                   {"id"},
                   {joined({"at most ", store_.bounds().weight_max >> 20, " MiB of one owner, ",
                            around_.weight_all_max >> 20, " MiB of all"})},
                   {key.id}));
  roomless_.push_back(key);
  if (roomless_.size() > 1) return;
  room_timer_.expires_after(std::chrono::milliseconds(crowded_ms));
  room_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !stopping_) look_for_room();
  });
}

void RunHost::look_for_room() {
  for (const RunKey& key : std::exchange(roomless_, {}))
    if (loading_.count(key) > 0) to_take_.push(key.owner, key);
  take_next();
}

/// REQUIRES: the run is being read back. Another one may be.
RunHost::Loading RunHost::end_loading(const RunKey& key) {
  const auto found = loading_.find(key);
  Loading loading = std::move(found->second);
  loading_.erase(found);
  taking_.erase(key);
  count(key.owner, loading.weight, 0);
  post([this] { look_for_room(); });
  return loading;
}

void RunHost::taken(const Ref& ref, Result<std::optional<StoredRun>> stored) {
  asking_ = false;
  post([this] { take_next(); });
  const auto found = loading_.find(ref.key);
  if (found == loading_.end() || found->second.serial != ref.serial) return;
  if (!stored) return not_loaded(ref.key, stored.error());
  if (!*stored) return not_loaded(ref.key, unknown_run(ref.key.id));
  if ((*stored)->set_aside) return not_loaded(ref.key, set_aside_error(ref.key.id));
  Loading& loading = found->second;
  loading.stored = std::move(**stored);
  loading.needs = loading.stored.needs();
  loading.texts = loading.stored.text_bytes;
  if (loading.stored.unread) {
    loading.asked = false;
    taking_.erase(ref.key);
    return wait_for_room(ref.key);
  }
  auto definition = pinned_definition(loading.stored.definition);
  auto replay = definition ? workflow::Replay::begin(*definition, loading.stored.history)
                           : Result<workflow::Replay>(definition.error());
  if (!replay) {
    store_.release(ref.key, 0, {});
    return not_loaded(ref.key, replay.error());
  }
  loading.definition = *definition;
  loading.replay = std::move(*replay);
  count(ref.key.owner, loading.weight, (*definition)->memory_bytes);
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
    store_.release(key, 0, {});
    return not_loaded(key, done.error());
  }
  count(key.owner, loading.weight,
        loading.replay->state_bytes() + loading.definition->memory_bytes);
  loading.weight_max = std::max(loading.weight_max, loading.weight);
  if (weight_ > around_.weight_all_max) keep_within_memory(key.owner, nullptr);
  if (!*done) return schedule(key);
  loaded(key);
}

/// The run is there. One that goes on is marked until its next event is stored, any other until the
/// store has heard of it.
void RunHost::loaded(const RunKey& key) {
  Loading& loading = loading_.find(key)->second;
  loading.stored.memory_bytes = std::max(loading.stored.memory_bytes, loading.weight_max);
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
  store_.release(key, loading.stored.memory_bytes, on_thread<void>(give));
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
      std::clamp<std::int64_t>(wake_ms - around_.wall_now_ms(), 0, timer_ms_max)));
  clock_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopping_) return;
    clock_ms_ = 0;
    wake_due();
  });
}

/// Those in memory have timers of their own.
void RunHost::wake_due() {
  const std::int64_t now = around_.wall_now_ms();
  store_.due(now, woken_max, on_thread<DueRuns>([this, now](Result<DueRuns> due) {
               if (!due) {
                 complain("run_recovery", nullptr, due.error());
                 return wake_at(now + wake_retry_ms);
               }
               for (const RunKey& key : due->runs)
                 with(key, [this, key](const Result<Open*>& found) {
                   if (found) return;
                   // Those behind it are not to wait for it.
                   const bool later = is_passing(found.error().code);
                   if (!later) complain("run_recovery", &key, found.error());
                   store_.set_clock(key, later ? around_.wall_now_ms() + wake_later_ms : 0, {});
                 });
               if (!due->runs.empty()) wake_at(now + wake_retry_ms);
               wake_at(due->next_ms);
             }));
}

// --- at a start ---

void RunHost::recover() {
  store_.begin_recovery(around_.wall_now_ms(),
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
  const bool is_missed = to_recover_.empty() && std::exchange(recovery_missed_, false);
  if (is_missed || open_.size() + loading_.size() >= runs_open_max) {
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
    if (!found && is_passing(found.error().code))
      recovery_missed_ = true;
    else if (!found)
      store_.release(key, 0, {});
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
  std::size_t own = 0, own_bytes = 0;
  for (auto at = importing_.lower_bound({key.owner, {}});
       at != importing_.end() && at->first.owner == key.owner; ++at, ++own)
    own_bytes += at->second.bytes;
  if (own >= imports_owner_max || (own > 0 && own_bytes + bytes.size() > imports_owner_bytes_max))
    return callback(
        make_error("overloaded",
                   {"too many of your imports wait for their turn (at most ", imports_owner_max,
                    " and ", imports_owner_bytes_max >> 20, " MiB): try again when they are done"},
                   {}, {}, {}));
  if (to_import_.size() >= imports_waiting_max ||
      (!importing_.empty() && importing_bytes_ + bytes.size() > imports_bytes_max))
    return callback(make_error(
        "overloaded", {"too many imports wait for their turn: try again later"}, {},
        {joined({"at most ", imports_waiting_max, " and ", imports_bytes_max >> 20, " MiB"})}, {}));
  Coming& coming = importing_[key];
  coming.serial = ++serials_;
  coming.bytes = bytes.size();
  importing_bytes_ += coming.bytes;
  coming.owner = std::move(owner);
  coming.bundle = std::move(*bundle);
  coming.clock_ms = clock_ms;
  coming.callback = std::move(callback);
  bytes = std::string();
  if (gives_way(key)) return;
  to_import_.push(key.owner, key);
  import_next();
}

void RunHost::import_next() {
  while (imports_under_way_ < imports_max) {
    const auto next = to_import_.pop();
    if (!next) return;
    const RunKey& key = *next;
    const auto found = importing_.find(key);
    // It gave way while it waited, or is another one of the same name.
    if (found == importing_.end() || std::exchange(found->second.under_way, true)) continue;
    ++imports_under_way_;
    look_before_import({key, found->second.serial});
  }
}

/// What is known here of its run. The import may give way meanwhile.
void RunHost::look_before_import(const Ref& ref) {
  const auto find_import = [this, ref]() -> Coming* {
    const auto found = importing_.find(ref.key);
    return found != importing_.end() && found->second.serial == ref.serial ? &found->second
                                                                           : nullptr;
  };
  store_.epochs(ref.key, on_thread<std::vector<std::uint32_t>>(
                             [this, ref, find_import](Result<std::vector<std::uint32_t>> epochs) {
                               Coming* coming = find_import();
                               if (!coming) return;
                               if (!epochs) return end_import(ref.key, epochs.error());
                               coming->epochs = std::move(*epochs);
                               with(ref.key, [this, ref, find_import](Result<Open*> found) {
                                 if (!find_import()) return;
                                 if (!found && found.error().code != "unknown_run")
                                   return end_import(ref.key, found.error());
                                 begin_import(ref.key, found ? *found : nullptr);
                               });
                             }));
}

/// REQUIRES: the run is being imported. Another one may be.
RunHost::Coming RunHost::end_coming(const RunKey& key) {
  const auto found = importing_.find(key);
  Coming coming = std::move(found->second);
  importing_.erase(found);
  importing_bytes_ -= coming.bytes;
  count(key.owner, coming.weight, 0);
  if (coming.under_way) --imports_under_way_;
  post([this] { import_next(); });
  return coming;
}

void RunHost::end_import(const RunKey& key, const Error& error) {
  if (importing_.count(key) > 0) end_coming(key).callback(error);
}

void RunHost::begin_import(const RunKey& key, Open* before) {
  Coming& coming = importing_.find(key)->second;
  if (!before) {
    const auto full = no_room(coming.owner);
    if (importing_.count(key) == 0) return;
    if (full) return end_import(key, *full);
  }
  const std::int64_t now = around_.wall_now_ms();
  workflow::Importer importer;
  importer.owner = key.owner.key();
  importer.now_ms = now;
  importer.clock_offset_ms = coming.clock_ms < 0 ? 0 : now - coming.clock_ms;
  importer.catalogue = around_.catalogue.current()->hashes();
  importer.may_author = coming.owner.may_author;
  if (!key_.id.empty()) importer.keys.push_back(key_);
  importer.known.epochs = std::move(coming.epochs);
  if (before) {
    coming.before = Before{before->run.head(), before->stored.started_ms, before->stored.root,
                           before->stored.depth};
    importer.known.under_way = before->run.status() == RunStatus::running;
    if (before->run.status() == RunStatus::parked) importer.known.left_at = before->run.head();
  }
  auto import =
      workflow::Import::begin(std::move(coming.bundle), pinned_surroundings(), std::move(importer));
  if (!import) return end_import(key, import.error());
  coming.import = std::move(*import);
  if (!gives_way(key)) schedule(key);
}

Error RunHost::no_memory() const {
  return make_error("overloaded",
                    {"the runs and imports under way take too much memory (at most ",
                     around_.weight_all_max >> 20, " MiB): try again later"},
                    {}, {}, {});
}

/// Ends that of the owner's imports, or of all where no owner is given, that takes the most. False
/// where there is none.
bool RunHost::end_heaviest_import(const auth::Identity* owner) {
  const RunKey* heaviest = nullptr;
  std::uint64_t weight = 0;
  for (const auto& [key, coming] : importing_) {
    if ((owner && key.owner != *owner) || coming.weight <= weight) continue;
    heaviest = &key;
    weight = coming.weight;
  }
  if (heaviest) end_import(RunKey(*heaviest), no_memory());
  return heaviest != nullptr;
}

/// Weighs the import. True where it is over, because what it holds does not fit beside what is in
/// memory.
bool RunHost::gives_way(const RunKey& key) {
  Coming& coming = importing_.find(key)->second;
  const std::uint64_t state = coming.import ? coming.import->state_bytes() : 0;
  coming.state_max = std::max(coming.state_max, state);
  count(key.owner, coming.weight, coming.bytes + state);
  make_room(key.owner, nullptr, 0);
  if (weight_ > around_.weight_all_max) {
    end_import(key, no_memory());
    return true;
  }
  if (weights_[key.owner] <= store_.bounds().weight_max) return false;
  end_import(key, make_error("too_many_runs",
                             {"your runs and imports under way take more than ",
                              store_.bounds().weight_max >> 20,
                              " MiB of memory: have fewer of them under way"},
                             {}, {}, {}));
  return true;
}

void RunHost::import_on(const RunKey& key) {
  Coming& coming = importing_.find(key)->second;
  if (!coming.import) return;
  const auto done = coming.import->go_on();
  if (!done) return end_import(key, done.error());
  if (gives_way(key)) return;
  if (!*done) return schedule(key);
  take_over(key);
}

void RunHost::take_over(const RunKey& key) {
  Coming coming = end_coming(key);
  // While it was checked the run may have been removed, resumed or begun here.
  const Open* open_now = find(key);
  const auto& before = coming.before;
  const bool changed =
      before ? coming.removed || (open_now && open_now->run.head().seq != before->left_at.seq)
             : open_now != nullptr;
  if (changed)
    return coming.callback(
        make_error("run_here", {"the run went on here meanwhile"}, {"id"}, {}, {key.id}));
  auto imported = std::move(*coming.import).imported();
  if (!imported) return coming.callback(imported.error());
  const workflow::DefinitionPtr definition = imported->run.definition();
  const std::int64_t now = around_.wall_now_ms();
  StoredRun stored;
  stored.key = key;
  stored.limits = coming.owner.limits;
  stored.workflow = definition->name;
  stored.definition = definition->bytes;
  stored.started_ms = before ? before->started_ms : now;
  if (is_over(imported->run.status())) stored.ended_ms = now;
  stored.root = before ? before->root : key.id;
  stored.depth = before ? before->depth : 0;
  stored.history = std::move(imported->history);
  stored.memory_bytes = coming.state_max;
  if (before) {
    // Whoever is reading the one before back, or has it.
    const Error gone = make_error("run_parked", {"the run was imported anew"}, {}, {}, {});
    not_loaded(key, gone);
    leave(key, gone);
  }
  started_.add();
  Open& open = hold(std::move(imported->run), std::move(stored));
  open.fresh = true;
  open.epoch = imported->epoch;
  open.checkpoints = std::move(imported->checkpoints);
  open.viewers.push_back({copying(std::move(coming.callback))});
  schedule(key);
}

}  // namespace redoubt::runs
