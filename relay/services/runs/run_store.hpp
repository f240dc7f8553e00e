// RunStore: runs in the store; the port of relay/storage's adapters, whose suite is
// tests/relay/storage/run_store_test.cpp. Each call is one transaction. Callbacks come once, at
// once or later and on any thread; they must be quick and not throw, and may be empty.
//
// 1. A run is found by its owner's identity and its id; ids of two owners may be equal.
// 2. What is kept of an owner is bounded (OwnerBounds): the oldest ended runs give way, then a new
//    run is refused ("too_many_runs", "owner_full"). A run leads to so many others and no more
//    ("too_many_descendants").
// 3. No call reads more than one run, or than the slice that it was asked for.
// 4. A call sees what was asked before it. Any may fail with "store_busy" or "bad_store"; then
//    nothing has changed.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/budget.hpp"
#include "engine/workflow/bundle.hpp"
#include "relay/auth/identity.hpp"
#include "relay/auth/token.hpp"
#include "relay/services/runs/agent_memory_store.hpp"

namespace redoubt::runs {

/// What is kept of one owner: in the store, and weight_max in memory.
struct OwnerBounds {
  std::int64_t under_way_max = 100;      ///< runs under way or parked
  std::int64_t ended_max = 200;          ///< ended runs; the oldest give way
  std::int64_t bytes_max = 256ll << 20;  ///< of all definitions, histories and snapshots
  /// Children, their children, and the runs that these go on in, of one run.
  std::int64_t descendants_max = 10'000;
  /// Imports that are remembered, so that none is done twice.
  std::int64_t imports_max = 10'000;
  std::uint64_t weight_max = 40u << 20;  ///< bytes of the states of runs in memory
};

struct RunKey {
  auth::Identity owner;
  std::string id;
  auto operator<=>(const RunKey&) const = default;
};

struct StoredRun {
  RunKey key;
  auth::CallerLimits limits;  ///< of the token that it was begun with
  std::string workflow;
  std::string definition;  ///< canonical JSON
  std::string status;      ///< as it was stored last; empty: not known
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  std::string root;  ///< the run that it descends from; its own id where it was started by itself
  int depth = 0;     ///< of runs in runs
  bool set_aside = false;  ///< the relay ended over it at a start: it is left alone
  std::string history;
  std::int64_t pieces = 0;
  bool waits = false;  ///< for its owner or its clock alone
  std::int64_t wake_ms = 0;
  /// The most that it ever took in memory, its texts apart; 0: nobody has weighed it yet.
  std::uint64_t memory_bytes = 0;
  std::uint64_t text_bytes = 0;  ///< of its definition, history and snapshot in the store
  bool unread = false;           ///< there is no room for it: without definition and history
  /// Of the run after so many events; empty where there is none. Of a run that is read, `history`
  /// is what came after it.
  std::string snapshot;
  std::uint64_t snapshot_seq = 0;

  /// What it may take while it is read back.
  std::uint64_t needs() const { return memory_bytes > 0 ? memory_bytes : workflow::kStateBytesMax; }
};

/// What may be read of a run.
struct ReadRoom {
  std::uint64_t memory_bytes_max = UINT64_MAX;
  std::uint64_t text_bytes_max = UINT64_MAX;
  bool whole = false;  ///< with all of its history, and no snapshot
};

/// What a turn of a run adds to it.
struct RunPiece {
  RunKey key;
  std::int64_t number = 0;
  std::string frames;
  std::string status;
  std::int64_t ended_ms = 0;
  bool waits = false;  ///< for its owner or its clock alone
  std::int64_t wake_ms = 0;
  std::uint64_t memory_bytes = 0;  ///< that the run took in memory, at the most
  bool rests = true;               ///< all that came in is done: it has been read back without harm
  std::string snapshot;  ///< of the run after these frames, in place of the last one; mostly empty
  std::uint64_t snapshot_seq = 0;
};

/// Runs whose clock's time has come, and when it comes for the next ones; 0: for none.
struct DueRuns {
  std::vector<RunKey> runs;
  std::int64_t next_ms = 0;
};

/// Limits as a text that is kept; canonical JSON.
std::string limits_text(const auth::CallerLimits& limits);
Result<auth::CallerLimits> limits_of(const std::string& text);

/// What the runs of an owner take.
struct OwnerUse {
  std::int64_t bytes = 0;
  std::int64_t under_way = 0;  ///< or parked
};

/// Refusals of a store.
Error unknown_run();
Error owner_full(const OwnerBounds& bounds);
Error too_many_runs(const OwnerBounds& bounds);
Error too_many_descendants(const OwnerBounds& bounds);
Error too_many_imports(const OwnerBounds& bounds);

class RunStore {
 public:
  virtual ~RunStore() = default;
  virtual const OwnerBounds& bounds() const = 0;

  /// A new run, or one that was exported from here and comes back with a longer history: replaced
  /// whole. `epoch`: of the bundle that it was imported from; negative: none.
  /// Errors: too_many_runs, owner_full, too_many_descendants, too_many_imports.
  virtual void put(StoredRun run, std::int64_t epoch, Callback<OwnerUse> callback) = 0;
  /// Also says that the run was read back (release), once it rests. Errors: "unknown_run".
  virtual void append(RunPiece piece, Callback<OwnerUse> callback) = 0;

  /// At a start, once: notes which runs are to be read back, and gives those that are set aside
  /// now. These are the ones over whose reading the process ended, and those to which two starts
  /// did not come, because it ended before: however many runs end it, it does so twice at most
  /// before all others are read back.
  /// Runs that only wait are among them where their clock's time has come.
  virtual void begin_recovery(std::int64_t now_ms, Callback<std::vector<RunKey>> callback) = 0;
  /// Runs that are noted and not read back yet. First those to which the last start came, then the
  /// others, the smallest first.
  virtual void to_recover(std::size_t count_max, Callback<std::vector<RunKey>> callback) = 0;
  /// The process ends by itself: no run is to blame.
  virtual void end_recovery() = 0;
  /// Runs that only wait and whose time has come, owners in turn, the first ones of each.
  virtual void due(std::int64_t now_ms, std::size_t count_max, Callback<DueRuns> callback) = 0;
  /// The run cannot be read back now: its clock wakes it then; 0: no more.
  virtual void set_clock(RunKey key, std::int64_t wake_ms, Callback<void> callback) = 0;
  /// The run with its history, or its last snapshot and what came after it, marked as being read
  /// back until release() or append(). Without history, and not marked, where it is set aside, or
  /// takes more than there is room for (StoredRun::unread). Nothing where the owner has no such
  /// run.
  virtual void take(RunKey key, ReadRoom room, Callback<std::optional<StoredRun>> callback) = 0;
  /// `memory_bytes`: what it took while it was read back, at the most.
  virtual void release(RunKey key, std::uint64_t memory_bytes, Callback<void> callback) = 0;
  /// A run that was set aside may be read back again.
  virtual void readmit(RunKey key, Callback<void> callback) = 0;
  /// Pieces from number `from` on, as many as begin within `bytes_max`; at least one, where there
  /// is one.
  virtual void pieces(RunKey key, std::int64_t from, std::size_t bytes_max,
                      Callback<std::vector<std::string>> callback) = 0;
  /// All pieces as one history; empty where there is no such run.
  virtual void history(RunKey key, Callback<std::string> callback) = 0;
  /// Epochs of the run that were imported here, also where it was removed since.
  virtual void epochs(RunKey key, Callback<std::vector<std::uint32_t>> callback) = 0;
  /// The owner's runs without definitions and histories, the newest first.
  virtual void list(auth::Identity owner, Callback<std::vector<StoredRun>> callback) = 0;
  /// False where there was no such run.
  virtual void remove(RunKey key, Callback<bool> callback) = 0;

  /// The relay's key for checkpoints, made at the first call.
  virtual void signing_key(workflow::SigningKey fresh, Callback<workflow::SigningKey> callback) = 0;
};

}  // namespace redoubt::runs
