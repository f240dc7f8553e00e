// The thread of the runs, and what is asked from outside.
#include "relay/services/runs/run_host.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/play/builtins.hpp"
#include "relay/auth/crypto.hpp"

namespace redoubt::runs {
namespace {

using workflow::Run;
using workflow::RunStatus;
using workflow::Text;

constexpr std::size_t id_bytes = 16;
constexpr std::size_t key_bytes = 32;
constexpr std::int64_t heartbeat_ms = 15'000;
constexpr std::int64_t timer_ms_max = 3'600'000;

/// What may be otherwise in a while; "too_many_runs" is the fleet's own.
constexpr std::array<std::string_view, 3> passing{"store_busy", "bad_store", "owner_full"};

std::string random_text(std::size_t bytes) {
  std::vector<std::uint8_t> random(bytes);
  auth::fill_random(random);
  return {random.begin(), random.end()};
}

std::string fresh_id() {
  std::array<std::uint8_t, id_bytes> random;
  auth::fill_random(random);
  return auth::to_hex(random);
}

/// As it was stored last, for a run that is not in memory.
std::string status_of(const StoredRun& run) {
  if (run.set_aside) return "parked";
  if (!run.status.empty()) return run.status;
  return run.ended_ms > 0 ? "ended" : "stands still";
}

}  // namespace

workflow::RunKey fleet_key(const RunKey& key) {
  return {key.owner.key(), key.id};
}

RunKey own_key(const workflow::RunKey& key) {
  return {auth::identity_of(key.owner), key.id};
}

bool is_passing(std::string_view code) {
  return code == "too_many_runs" ||
         std::find(passing.begin(), passing.end(), code) != passing.end();
}

RunHost::RunHost(Catalogue shipped, RunService::Dependencies dependencies)
    : dependencies_(std::move(dependencies)),
      folder_(std::move(shipped), dependencies_.variables),
      store_(dependencies_.store),
      memories_(dependencies_.memories,
                [this](MemoryBook::Work work) {
                  if (const auto self = weak_from_this().lock()) self->post(std::move(work));
                }),
      work_(boost::asio::make_work_guard(io_)),
      heartbeat_(io_),
      folder_timer_(io_),
      fleet_timer_(io_),
      clock_(io_),
      started_(dependencies_.metrics.counter(
          "redoubt_runs_started_total", "Runs of workflows that were started or imported.", {})),
      ended_(dependencies_.metrics.counter("redoubt_runs_ended_total", "Runs that came to an end.",
                                           {})),
      files_refused_(dependencies_.metrics.counter("redoubt_workflow_files_refused_total",
                                                   "Edits of workflow files that were refused.",
                                                   {})),
      store_faults_(dependencies_.metrics.counter(
          "redoubt_run_store_faults_total", "Events of runs that had to be stored again.", {})),
      fleet_(fleet_options()) {}

workflow::FleetOptions RunHost::fleet_options() {
  workflow::FleetOptions options;
  workflow::FleetBounds& bounds = options.bounds;
  bounds.runs_max = runs_open_max;
  bounds.inputs_max = inputs_max;
  bounds.owner_runs_max = static_cast<std::size_t>(store_.bounds().under_way_max);
  bounds.memory_bytes_max = dependencies_.weight_all_max;
  bounds.owner_memory_bytes_max = store_.bounds().weight_max;
  bounds.load_wait_ms_max = dependencies_.take_wait_ms_max;
  options.builtins = play::builtins();
  options.find = [this](std::string_view name) {
    return dependencies_.catalogue.current()->find(name);
  };
  options.passing_codes = {passing.begin(), passing.end()};
  options.for_history = [this](const workflow::RunKey& key, const Error& error) {
    return for_history(own_key(key), error);
  };
  return options;
}

// --- the thread ---

void RunHost::begin() {
  thread_ = std::thread([this] { io_.run(); });
  post([this] {
    beat();
    watch_folder();
    workflow::SigningKey fresh{fresh_id(), random_text(key_bytes)};
    store_.signing_key(std::move(fresh),
                       on_thread<workflow::SigningKey>([this](Result<workflow::SigningKey> key) {
                         if (key) fleet_.set_key(std::move(*key));
                         if (!key) complain("run_signing_key", nullptr, key.error());
                       }));
    recover();
  });
}

// The turn under way is the last one: what waits behind it sees that the thread is to end.
void RunHost::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  boost::asio::post(io_, [this] {
    // What was being read back did no harm.
    store_.end_recovery();
    for (const auto& [effect, step] : std::exchange(models_, {}))
      step->leave();
    watchers_.clear();
    callbacks_.clear();
    for (auto* timer : {&heartbeat_, &folder_timer_, &fleet_timer_, &clock_})
      timer->cancel();
    work_.reset();
    io_.stop();
  });
  thread_.join();
}

/// The clock of runs. Where the wall's is set back it waits for that, and goes on with the timers
/// that come meanwhile: what waits for some time waits no longer.
std::int64_t RunHost::now_ms() {
  return last_ms_ = std::max(last_ms_, dependencies_.wall_now_ms());
}

/// Or after timer_ms_max, where that is sooner; in place of what the timer was set to before.
void RunHost::call_at(boost::asio::steady_timer& timer, std::int64_t at_ms,
                      std::function<void()> work) {
  const std::int64_t now = now_ms();
  const std::int64_t wait_ms = std::clamp<std::int64_t>(at_ms - now, 0, timer_ms_max);
  timer.expires_after(std::chrono::milliseconds(wait_ms));
  timer.async_wait([this, due_ms = now + wait_ms,
                    work = std::move(work)](const boost::system::error_code& error) {
    if (error || stopping_) return;
    last_ms_ = std::max(last_ms_, due_ms);
    work();
  });
}

/// Lets proxies see that the streams live, and forgets those whose readers left.
void RunHost::beat() {
  for (const auto& [key, watchers] : watchers_) {
    watchers->heartbeat();
    schedule_watchers(key);
  }
  if (std::exchange(recovery_waits_, false)) recover_next();
  heartbeat_.expires_after(std::chrono::milliseconds(heartbeat_ms));
  heartbeat_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !stopping_) beat();
  });
}

void RunHost::watch_folder() {
  if (dependencies_.folder.empty()) return;
  folder_timer_.expires_after(std::chrono::milliseconds(folder_interval_ms));
  folder_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopping_) return;
    look_at_folder();
    watch_folder();
  });
}

void RunHost::look_at_folder() {
  if (dependencies_.folder.empty()) return;
  const auto files = read_folder(dependencies_.folder);
  if (!files) {
    if (folder_fault_ != files.error().message) complain("workflow_folder", nullptr, files.error());
    folder_fault_ = files.error().message;
    return;
  }
  folder_fault_.clear();
  WorkflowFolder::Look found = folder_.look(*files);
  for (const Error& fault : found.faults) {
    files_refused_.add();
    tell_of_file(observe::Level::error, "workflow_refused", fault);
  }
  for (const Error& note : found.notes)
    tell_of_file(observe::Level::warning, "workflow_note", note);
  if (!found.catalogue) return;
  dependencies_.catalogue.replace(std::move(*found.catalogue));
  observe::Line line(observe::Level::info, "workflows_loaded", observe::wall_now_ms());
  line.number("files", static_cast<std::int64_t>(files->size()));
  dependencies_.log.write(std::move(line));
}

void RunHost::tell_of_file(observe::Level level, std::string_view event, const Error& said) {
  observe::Line line(level, event, observe::wall_now_ms());
  line.text("file", said.path).text("code", said.code).text("message", said.message);
  line.number("line", said.line).number("column", said.column);
  dependencies_.log.write(std::move(line));
}

void RunHost::complain(std::string_view event, const RunKey* key, const Error& error) {
  observe::Line line(observe::Level::error, event, observe::wall_now_ms());
  if (key)
    line.text("tenant", key->owner.tenant).text("owner", key->owner.subject).text("run", key->id);
  line.text("code", error.code).text("message", error.message);
  dependencies_.log.write(std::move(line));
}

// --- turns ---

/// Whatever the fleet wants done, and what follows from that at once.
void RunHost::settle() {
  if (std::exchange(settling_, true)) return;
  for (auto actions = fleet_.take(); !actions.empty(); actions = fleet_.take())
    for (workflow::Action& one : actions)
      std::visit([this](auto& action) { carry_out(action); }, one);
  settling_ = false;
  pump();
}

// One turn, and then whatever else was asked of the thread meanwhile.
void RunHost::pump() {
  if (pumping_ || (!fleet_.busy() && to_watch_.empty())) return;
  pumping_ = true;
  post([this] {
    pumping_ = false;
    turn();
    pump();
  });
}

void RunHost::turn() {
  fleet_.work(1, now_ms());
  settle();
  if (const auto watched = to_watch_.pop()) watch_on(*watched);
}

// --- what is asked from outside ---

/// The number under which the answer comes.
workflow::Call RunHost::expect(SharedCallback callback) {
  callbacks_.emplace_hint(callbacks_.end(), ++calls_, std::move(callback));
  return calls_;
}

/// `use` is called when the run is in memory and goes on, or cannot be.
void RunHost::with(const RunKey& key, std::function<void(const Result<void>&)> use) {
  fleet_.wake(fleet_key(key), expect([use = std::move(use)](const Result<Text>& found) {
                use(found ? Result<void>() : Result<void>(found.error()));
              }),
              now_ms());
  settle();
}

const Run* RunHost::find(const RunKey& key) const {
  return fleet_.find(fleet_key(key));
}

Result<workflow::DefinitionPtr> RunHost::definition_for(const Owner& owner,
                                                        const StartOrder& order) {
  if (order.definition.empty()) {
    const auto catalogue = dependencies_.catalogue.current();
    if (auto known = catalogue->find(order.workflow)) return known;
    std::string names;
    for (const std::string& name : catalogue->names())
      names += (names.empty() ? "" : ", ") + name;
    return make_error("unknown_workflow", {"no workflow is called ", order.workflow}, {"workflow"},
                      {names}, {order.workflow});
  }
  if (!owner.may_author)
    return make_error("not_author", {"workflows of your own need the scope workflow:author"},
                      {"workflow"}, {}, {});
  return read_definition(order.definition, dependencies_.catalogue.current()->load_context());
}

void RunHost::start(const Owner& owner, const StartOrder& order, JsonCallback callback) {
  auto definition = definition_for(owner, order);
  if (!definition) return callback(definition.error());
  fleet_.start({.key = fleet_key({owner.identity, fresh_id()}),
                .definition = std::move(*definition),
                .input = order.input,
                .seed = order.seed,
                .context = limits_text(owner.limits)},
               expect(copying(std::move(callback))), now_ms());
  settle();
}

void RunHost::list(const Owner& owner, JsonCallback callback) {
  store_.list(
      owner.identity,
      on_thread<std::vector<StoredRun>>(
          [this, callback = std::move(callback)](const Result<std::vector<StoredRun>>& runs) {
            if (!runs) return callback(runs.error());
            Json all = Json::array();
            for (const StoredRun& run : *runs) {
              const workflow::Run* open = find(run.key);
              all.push_back({{"id", run.key.id},
                             {"workflow", run.workflow},
                             {"status", open ? workflow::name_of(open->status()) : status_of(run)},
                             {"started_ms", run.started_ms},
                             {"ended_ms", run.ended_ms}});
            }
            callback(canonical(Json{{"runs", std::move(all)}}));
          }));
}

void RunHost::view(const Owner& owner, const std::string& id, SharedCallback callback) {
  const RunKey key{owner.identity, id};
  fleet_.look(fleet_key(key),
              expect([this, key, callback = std::move(callback)](Result<Text> said) {
                if (!said && said.error().code == "run_set_aside")
                  return view_set_aside(key, said.error(), callback);
                callback(std::move(said));
              }),
              now_ms());
  settle();
}

void RunHost::view_set_aside(const RunKey& key, const Error& error,
                             const SharedCallback& callback) {
  store_.take(key, {0, 0},
              on_thread<std::optional<StoredRun>>(
                  [callback, error](const Result<std::optional<StoredRun>>& stored) {
                    if (!stored) return callback(stored.error());
                    // It was resumed or removed meanwhile.
                    if (!*stored || !(*stored)->set_aside) return callback(error);
                    const StoredRun& run = **stored;
                    callback(std::make_shared<const std::string>(canonical(
                        Json{{"id", run.key.id},
                             {"workflow", run.workflow},
                             {"status", "parked"},
                             {"started_ms", run.started_ms},
                             {"ended_ms", run.ended_ms},
                             {"outcome", nullptr},
                             {"questions", Json::array()},
                             {"error", {{"code", error.code}, {"message", error.message}}}})));
                  }));
}

void RunHost::give(const Owner& owner, const std::string& id, GiveOrder order,
                   JsonCallback callback) {
  fleet_.give(fleet_key({owner.identity, id}),
              {order.kind, std::move(order.name), std::move(order.value)},
              expect(copying(std::move(callback))), now_ms());
  settle();
}

void RunHost::resume(const Owner& owner, const std::string& id, SharedCallback callback) {
  const RunKey key{owner.identity, id};
  with(key, [this, owner, key, callback = std::move(callback)](const Result<void>& found) {
    const Run* run = find(key);
    if (found && run && run->status() == RunStatus::parked)
      return callback(make_error("run_parked", {"the run was exported: import its bundle"}, {"id"},
                                 {}, {key.id}));
    if (found) return view(owner, key.id, callback);
    if (found.error().code != "run_set_aside") return callback(found.error());
    store_.readmit(key, on_thread<void>([this, owner, key, callback](const Result<void>& released) {
                     if (!released) return callback(released.error());
                     view(owner, key.id, callback);
                   }));
  });
}

void RunHost::remove(const Owner& owner, const std::string& id, JsonCallback callback) {
  fleet_.remove(fleet_key({owner.identity, id}),
                expect([callback = std::move(callback)](const Result<Text>& removed) {
                  callback(removed ? Result<std::string>("{}") : removed.error());
                }),
                now_ms());
  settle();
}

void RunHost::export_run(const Owner& owner, const std::string& id, SharedCallback callback) {
  fleet_.export_run(fleet_key({owner.identity, id}), expect(std::move(callback)), now_ms());
  settle();
}

void RunHost::import_run(const Owner& owner, std::string bundle, std::int64_t clock_ms,
                         JsonCallback callback) {
  workflow::ImportRun order{.owner = owner.identity.key(),
                            .bundle = std::move(bundle),
                            .context = limits_text(owner.limits)};
  order.importer.clock_offset_ms = clock_ms < 0 ? 0 : now_ms() - clock_ms;
  order.importer.catalogue = dependencies_.catalogue.current()->hashes();
  order.importer.may_author = owner.may_author;
  fleet_.import_run(std::move(order), expect(copying(std::move(callback))), now_ms());
  settle();
}

}  // namespace redoubt::runs
