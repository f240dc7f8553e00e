// RunService: the relay's host of runs. A run decides (engine/workflow); this stores what it
// decided and only then does it: built-ins at once, models through the gateway under its owner's
// limits, timers; questions wait for their owner. After a restart every run goes on from what was
// stored.
//
// 1. All runs live on one thread of their own, so that none needs a lock; every public call may be
//    made on any thread, and `told` comes on that thread: it must be quick.
// 2. A run is its owner's alone: for others it does not exist ("unknown_run").
// 3. Bounds: runs_open_max in memory, runs_per_owner_max under way for one owner, inputs_max that
//    wait for one run, watchers_max that listen to one.
// 4. What the store refuses is tried again; until it is stored nothing follows from it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/result.hpp"
#include "engine/workflow/run.hpp"
#include "relay/auth/token.hpp"
#include "relay/http/message.hpp"
#include "relay/observe/log.hpp"
#include "relay/observe/metrics.hpp"
#include "relay/runs/catalogue.hpp"
#include "relay/runs/run_store.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::runs {

constexpr std::size_t runs_open_max = 10'000;
constexpr std::size_t runs_per_owner_max = 100;
constexpr std::size_t inputs_max = 1'024;
constexpr std::size_t watchers_max = 16;
/// How often the folder of workflows is looked at.
constexpr std::int64_t folder_interval_ms = 500;
/// A model step's `model_name` that no alias has is asked of this one.
constexpr std::string_view model_default = "strategist";

struct Owner {
  std::string who;
  std::string tenant;
  bool anonymous = true;
  auth::CallerLimits limits;
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
using ToldJson = Told<std::string>;

class RunService {
 public:
  struct Surroundings {
    store::Writer& writer;
    upstream::Gateway* gateway;  ///< null: no models
    observe::Log& log;
    observe::Metrics& metrics;
    LiveCatalogue& catalogue;
    std::string folder;  ///< of workflows that may change while the relay runs; empty: none
  };
  /// Everything named outlives the service. Its thread starts with begin().
  RunService(Catalogue shipped, Surroundings around);
  ~RunService();
  RunService(const RunService&) = delete;
  RunService& operator=(const RunService&) = delete;

  /// Takes up every run that is under way.
  void begin();
  /// Nothing more is begun or stored; runs stay as they were stored last.
  void stop();

  // Errors: unknown_workflow, unknown_run, not_author, too_many_runs, bad_workflow, and those of
  // Run and of bundles.
  void start(Owner owner, StartOrder order, ToldJson told);
  void list(Owner owner, ToldJson told);
  void view(Owner owner, std::string id, ToldJson told);
  void give(Owner owner, std::string id, GiveOrder order, ToldJson told);
  void remove(Owner owner, std::string id, ToldJson told);
  /// Parks the run and gives its bundle's bytes.
  void export_run(Owner owner, std::string id, ToldJson told);
  /// `clock_ms`: the exporter's clock now; negative: as here.
  void import_run(Owner owner, std::string bundle, std::int64_t clock_ms, ToldJson told);

  /// Events from number `from` on as server-sent events, to the run's end.
  /// REQUIRES: view() found the run.
  void watch(Owner owner, std::string id, std::uint64_t from, http::BodyStreamPtr out);

 private:
  class Parts;
  std::shared_ptr<Parts> parts_;
};

}  // namespace redoubt::runs
