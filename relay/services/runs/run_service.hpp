// RunService: the relay's host of runs. A run decides (engine/workflow); this stores what it
// decided and only then does it: built-ins at once, models through the gateway under its owner's
// limits, timers; questions wait for their owner. After a restart every run goes on from what was
// stored.
//
// 1. All runs live on one thread of their own, so that none needs a lock; every public call may be
//    made on any thread, and `callback` comes on that thread: it must be quick. Turns are fair
//    between owners, then between runs (engine/workflow/host); stop() waits for one turn at most.
// 2. A run is its owner's alone: for others it does not exist ("unknown_run"), and two owners may
//    have runs of one id. What it asks of models counts under the limits of the token that it was
//    begun with, also after a restart.
// 3. Bounds: runs_open_max in memory, inputs_max that wait for one run, watchers_max that listen to
//    one, and those of run_store.hpp and memory_book.hpp for what an owner keeps.
// 4. What the store refuses is tried again; until it is stored nothing follows from it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/result.hpp"
#include "engine/workflow/run.hpp"
#include "relay/auth/identity.hpp"
#include "relay/auth/token.hpp"
#include "relay/http/message.hpp"
#include "relay/observe/log.hpp"
#include "relay/observe/metrics.hpp"
#include "relay/services/runs/catalogue.hpp"
#include "relay/services/runs/model_step.hpp"
#include "relay/services/runs/run_store.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::runs {

class RunHost;

constexpr std::size_t runs_open_max = 10'000;
constexpr std::size_t inputs_max = 1'024;
/// How often the folder of workflows is looked at.
constexpr std::int64_t folder_interval_ms = 500;

struct Owner {
  auth::Identity identity;
  auth::CallerLimits limits;  ///< of the token: a run keeps those of the one it was begun with
  bool may_author = false;
};

struct StartOrder {
  std::string workflow;    ///< a name of the catalogue, or
  std::string definition;  ///< a file's JSON, for owners who may author
  std::string input;       ///< JSON
  std::uint64_t seed = 0;
};

struct GiveOrder {
  workflow::InputKind kind = workflow::InputKind::signal;
  std::string name;
  std::string value;  ///< JSON
};

/// A run, or whatever was asked for, as JSON.
using JsonCallback = Callback<std::string>;
/// The same for what may be long: made once for all who ask at the same time.
using SharedCallback = Callback<std::shared_ptr<const std::string>>;
/// For one who wants a text of their own.
inline SharedCallback copying(JsonCallback callback) {
  return [callback = std::move(callback)](Result<std::shared_ptr<const std::string>> said) {
    if (!said) return callback(said.error());
    callback(**said);
  };
}

class RunService {
 public:
  struct Dependencies {
    RunStore& store;  ///< its bounds() are the owners'
    AgentMemoryStore& memories;
    upstream::Gateway* gateway;  ///< null: no models
    observe::Log& log;
    observe::Metrics& metrics;
    LiveCatalogue& catalogue;
    std::string folder;  ///< of workflows that may change while the relay runs; empty: none
    /// States of all runs in memory; over it none is taken up and the heaviest is cancelled.
    std::uint64_t weight_all_max = 48u << 20;
    /// How long a run that is to be read back waits for others to leave the memory.
    std::int64_t take_wait_ms_max = 10'000;
    /// What the folder's files may see of the environment.
    Variables variables = {{}, std::vector<std::string>{}, "workflows.variables"};
    /// What runs call now, in milliseconds since 1970. On the service's thread.
    std::function<std::int64_t()> wall_now_ms = observe::wall_now_ms;
  };
  /// Everything named outlives the service. Its thread starts with begin().
  RunService(Catalogue shipped, Dependencies dependencies);
  ~RunService();
  RunService(const RunService&) = delete;
  RunService& operator=(const RunService&) = delete;

  /// Takes up every run that is under way.
  void begin();
  /// Nothing more is begun or stored; runs stay as they were stored last.
  void stop();

  // Errors: unknown_workflow, unknown_run, not_author, bad_workflow, run_set_aside, and those of
  // Run, of bundles and of RunStore.
  void start(Owner owner, StartOrder order, JsonCallback callback);
  void list(Owner owner, JsonCallback callback);
  void view(Owner owner, std::string id, SharedCallback callback);
  void give(Owner owner, std::string id, GiveOrder order, JsonCallback callback);
  /// A run that was set aside at a start, because the process had died while reading it back, is
  /// tried again. Any other is as it was. Errors: run_parked.
  void resume(Owner owner, std::string id, SharedCallback callback);
  /// Whoever waits for it is told "removed".
  void remove(Owner owner, std::string id, JsonCallback callback);
  /// Parks the run and gives its bundle's bytes.
  void export_run(Owner owner, std::string id, SharedCallback callback);
  /// `clock_ms`: the exporter's clock now; negative: as here.
  void import_run(Owner owner, std::string bundle, std::int64_t clock_ms, JsonCallback callback);

  /// Whether the run's events can be read: nothing, or why not. Errors: unknown_run, run_set_aside,
  /// too_many_watchers.
  void may_watch(Owner owner, std::string id, JsonCallback callback);
  /// Events from number `from` on as server-sent events, to the run's end.
  /// REQUIRES: may_watch() had no error.
  void watch(Owner owner, std::string id, std::uint64_t from, http::BodyStreamPtr out);

 private:
  std::shared_ptr<RunHost> host_;
};

}  // namespace redoubt::runs
