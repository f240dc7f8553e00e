// RunStore: runs in the store. Each call is one job of the store's writer; `told` comes on the
// writer's thread, or at once with "store_busy" where its queue is full.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/bundle.hpp"
#include "relay/store/writer.hpp"

namespace redoubt::runs {

/// Ended runs that are kept of one owner; the oldest give way.
constexpr int ended_kept_max = 200;

struct StoredRun {
  std::string id;
  std::string owner;
  std::string tenant;
  bool anonymous = true;
  std::string workflow;
  std::string definition;  ///< canonical JSON
  std::int64_t started_ms = 0;
  std::int64_t ended_ms = 0;
  std::string history;
  std::int64_t pieces = 0;
  std::vector<std::uint32_t> epochs;  ///< that were imported here
};

/// What an agent of a run asks of its memory (engine/agents/memory_call.hpp).
struct MemoryCall {
  std::string tenant;
  std::string owner;
  std::string name;
  std::string request;
  std::string key;
  std::int64_t now_ms = 0;
};

template <class T>
using Told = std::function<void(Result<T>)>;

class RunStore {
 public:
  /// `writer` outlives the store.
  explicit RunStore(store::Writer& writer) : writer_(writer) {}

  /// A new run, or one that was exported from here and comes back with a longer history: replaced
  /// whole. `epoch`: of the bundle that it was imported from; negative: none.
  void put(StoredRun run, std::int64_t epoch, Told<void> told);
  void append(std::string id, std::int64_t number, std::string frames, std::int64_t ended_ms,
              Told<void> told);
  /// Everything that is under way or parked.
  void unfinished(Told<std::vector<StoredRun>> told);
  /// Nothing in the list where there is no such run of the owner.
  void find(std::string owner, std::string id, Told<std::vector<StoredRun>> told);
  /// The owner's runs without their histories, the newest first.
  void list(std::string owner, Told<std::vector<StoredRun>> told);
  void remove(std::string owner, std::string id, Told<void> told);
  /// Carries out memory.search or memory.store for the owner; the answer, once it is kept.
  void memory_call(MemoryCall call, Told<std::string> told);
  /// The relay's key for checkpoints, made at the first call.
  void signing_key(workflow::SigningKey fresh, Told<workflow::SigningKey> told);

 private:
  template <class T>
  void post(std::function<Result<T>(store::Database&)> work, Told<T> told);

  store::Writer& writer_;
};

}  // namespace redoubt::runs
