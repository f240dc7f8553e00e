// The thread of the runs, what is asked from outside, and what is shown.
#include "relay/runs/run_host.hpp"

#include <array>
#include <chrono>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "relay/auth/crypto.hpp"
#include "relay/store/caller_error.hpp"

namespace redoubt::runs {
namespace {

using workflow::Effect;
using workflow::InputKind;
using workflow::Run;
using workflow::RunStatus;
using workflow::StepKind;

constexpr std::size_t id_bytes = 16;
constexpr std::size_t key_bytes = 32;

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

Error unknown_run(const std::string& id) {
  return make_error("unknown_run", {"there is no run ", id}, {"id"}, {}, {id});
}

RunHost::RunHost(Catalogue shipped, RunService::Dependencies around)
    : around_(std::move(around)),
      folder_(std::move(shipped), around_.variables),
      store_(around_.writer, around_.bounds),
      memories_(store_,
                [this](MemoryBook::Work work) {
                  if (const auto self = weak_from_this().lock()) self->post(std::move(work));
                }),
      work_(boost::asio::make_work_guard(io_)),
      heartbeat_(io_),
      folder_timer_(io_),
      crowded_timer_(io_),
      room_timer_(io_),
      clock_(io_),
      started_(around_.metrics.counter("redoubt_runs_started_total",
                                       "Runs of workflows that were started or imported.", {})),
      ended_(around_.metrics.counter("redoubt_runs_ended_total", "Runs that came to an end.", {})),
      files_refused_(around_.metrics.counter("redoubt_workflow_files_refused_total",
                                             "Edits of workflow files that were refused.", {})),
      store_faults_(around_.metrics.counter("redoubt_run_store_faults_total",
                                            "Events of runs that had to be stored again.", {})) {}

// --- the thread ---

void RunHost::begin() {
  thread_ = std::thread([this] { io_.run(); });
  post([this] {
    beat();
    watch_folder();
    workflow::SigningKey fresh{fresh_id(), random_text(key_bytes)};
    store_.signing_key(std::move(fresh),
                       on_thread<workflow::SigningKey>([this](Result<workflow::SigningKey> key) {
                         if (key) key_ = std::move(*key);
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
    for (auto& [key, open] : open_) {
      for (const auto& [id, step] : std::exchange(open->models, {}))
        step->leave();
    }
    open_.clear();
    watchers_.clear();
    weights_.clear();
    loading_.clear();
    importing_.clear();
    heartbeat_.cancel();
    folder_timer_.cancel();
    crowded_timer_.cancel();
    room_timer_.cancel();
    clock_.cancel();
    work_.reset();
    io_.stop();
  });
  thread_.join();
}

/// Lets proxies see that the streams live, and forgets those whose readers left.
void RunHost::beat() {
  for (const auto& [key, watchers] : watchers_) {
    watchers->heartbeat();
    schedule(key);
  }
  if (std::exchange(recovery_waits_, false)) recover_next();
  heartbeat_.expires_after(std::chrono::milliseconds(heartbeat_ms));
  heartbeat_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !stopping_) beat();
  });
}

void RunHost::watch_folder() {
  if (around_.folder.empty()) return;
  folder_timer_.expires_after(std::chrono::milliseconds(folder_interval_ms));
  folder_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopping_) return;
    look_at_folder();
    watch_folder();
  });
}

void RunHost::look_at_folder() {
  if (around_.folder.empty()) return;
  const auto files = read_folder(around_.folder);
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
  around_.catalogue.replace(std::move(*found.catalogue));
  observe::Line line(observe::Level::info, "workflows_loaded", observe::wall_now_ms());
  line.number("files", static_cast<std::int64_t>(files->size()));
  around_.log.write(std::move(line));
}

void RunHost::tell_of_file(observe::Level level, std::string_view event, const Error& said) {
  observe::Line line(level, event, observe::wall_now_ms());
  line.text("file", said.path).text("code", said.code).text("message", said.message);
  line.number("line", said.line).number("column", said.column);
  around_.log.write(std::move(line));
}

std::string RunHost::failure_of(const RunKey* key, const Error& error) {
  if (store::is_store_fault(error)) complain("store_fault", key, error);
  return workflow::failure_value(store::for_caller(error));
}

void RunHost::complain(std::string_view event, const RunKey* key, const Error& error) {
  observe::Line line(observe::Level::error, event, observe::wall_now_ms());
  if (key)
    line.text("tenant", key->owner.tenant).text("owner", key->owner.subject).text("run", key->id);
  line.text("code", error.code).text("message", error.message);
  around_.log.write(std::move(line));
}

// --- what is asked from outside ---

Result<workflow::DefinitionPtr> RunHost::definition_for(const Owner& owner,
                                                        const StartOrder& order) {
  if (order.definition.empty()) {
    const auto catalogue = around_.catalogue.current();
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
  auto read = read_definition(order.definition, around_.catalogue.current()->surroundings());
  if (!read) return read;
  return shared(std::move(*read));
}

std::optional<Error> RunHost::no_room(const Owner& owner) {
  keep_within_memory(owner.identity, nullptr);
  std::int64_t own = 0;
  for (auto at = open_.lower_bound({owner.identity, {}});
       at != open_.end() && at->first.owner == owner.identity; ++at)
    own += !is_over(at->second->run.status());
  const auto found = weights_.find(owner.identity);
  const std::uint64_t weight = found == weights_.end() ? 0 : found->second;
  if (weight > store_.bounds().weight_max ||
      (weight_ > around_.weight_all_max && weight > around_.weight_all_max / light_share))
    return make_error("too_many_runs", {"the runs under way take too much memory"}, {},
                      {joined({"at most ", store_.bounds().weight_max >> 20, " MiB of one owner, ",
                               around_.weight_all_max >> 20, " MiB of all"})},
                      {});
  if (own < store_.bounds().under_way_max && open_.size() < runs_open_max) return std::nullopt;
  return make_error("too_many_runs", {"too many runs are under way"}, {},
                    {joined({"at most ", store_.bounds().under_way_max, " of one owner"})}, {});
}

void RunHost::start(Owner owner, StartOrder order, JsonCallback callback) {
  auto definition = definition_for(owner, order);
  if (!definition) return callback(definition.error());
  if (auto full = no_room(owner)) return callback(*full);
  auto run = Run::start(*definition, order.input, {fresh_id(), order.seed, around_.wall_now_ms()});
  if (!run) return callback(run.error());
  Open& open = hold_new(owner, std::move(*run), {}, 0);
  open.viewers.push_back({copying(std::move(callback))});
  schedule(open.stored.key);
}

void RunHost::list(const Owner& owner, JsonCallback callback) {
  store_.list(
      owner.identity,
      on_thread<std::vector<StoredRun>>([this, callback = std::move(callback)](
                                            const Result<std::vector<StoredRun>>& runs) {
        if (!runs) return callback(runs.error());
        Json all = Json::array();
        for (const StoredRun& run : *runs) {
          const Open* open = find(run.key);
          all.push_back({{"id", run.key.id},
                         {"workflow", run.workflow},
                         {"status", open ? workflow::name_of(open->run.status()) : status_of(run)},
                         {"started_ms", run.started_ms},
                         {"ended_ms", run.ended_ms}});
        }
        callback(canonical(Json{{"runs", std::move(all)}}));
      }));
}

void RunHost::view(const Owner& owner, const std::string& id, SharedCallback callback) {
  const RunKey key{owner.identity, id};
  with(key, [this, key, callback = std::move(callback)](Result<Open*> open) {
    if (!open && open.error().code == "run_set_aside")
      return view_set_aside(key, open.error(), callback);
    if (!open) return callback(open.error());
    // What is shown is what is stored.
    (*open)->viewers.push_back({callback});
    schedule(key);
  });
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
  const RunKey key{owner.identity, id};
  with(key, [this, key, order = std::move(order),
             callback = std::move(callback)](Result<Open*> found) {
    if (!found) return callback(found.error());
    Open& open = **found;
    if (open.removing) return callback(unknown_run(key.id));
    if (open.inputs.size() >= inputs_max ||
        open.inputs_bytes + order.value.size() > inputs_bytes_max)
      return callback(
          Error{.code = "too_many_inputs",
                .message = joined({"too many inputs wait for run ", key.id, ": at most ",
                                   inputs_max, " and ", inputs_bytes_max >> 20, " MiB"})});
    if (order.kind != InputKind::cancel) {
      keep_within_memory(key.owner, &open);
      const std::uint64_t own = weights_[key.owner] + order.value.size();
      if (own > store_.bounds().weight_max)
        return callback(
            Error{.code = "too_many_inputs",
                  .message = joined({"your runs take more than ", store_.bounds().weight_max >> 20,
                                     " MiB of memory: have fewer under way"})});
      if (weight_ + order.value.size() > around_.weight_all_max &&
          own > around_.weight_all_max / light_share)
        return callback(Error{
            .code = "too_many_inputs",
            .message = joined({"the runs of all owners take more than ",
                               around_.weight_all_max >> 20, " MiB of memory: try again later"})});
    }
    open.inputs_bytes += order.value.size();
    weigh(open);
    // Whoever cancels does not wait for what others have asked of it.
    if (order.kind == InputKind::cancel)
      open.inputs.push_front({order.kind, order.name, order.value, callback});
    else
      open.inputs.push_back({order.kind, order.name, order.value, callback});
    schedule(key);
  });
}

void RunHost::resume(const Owner& owner, const std::string& id, SharedCallback callback) {
  const RunKey key{owner.identity, id};
  with(key, [this, owner, key, callback = std::move(callback)](Result<Open*> found) {
    if (found && (*found)->run.status() == RunStatus::parked)
      return callback(make_error("run_parked", {"the run was exported: import its bundle"}, {"id"},
                                 {}, {key.id}));
    if (found || found.error().code != "run_set_aside") return view(owner, key.id, callback);
    store_.readmit(key, on_thread<void>([this, owner, key, callback](const Result<void>& released) {
                     if (!released) return callback(released.error());
                     view(owner, key.id, callback);
                   }));
  });
}

void RunHost::remove(const Owner& owner, const std::string& id, JsonCallback callback) {
  const RunKey key{owner.identity, id};
  Open* open = find(key);
  if (open) open->removing = true;
  if (const auto found = importing_.find(key); found != importing_.end())
    found->second.removed = true;
  store_.remove(key, on_thread<bool>([this, key, was_open = open != nullptr,
                                      callback = std::move(callback)](const Result<bool>& removed) {
                  if (!removed) {
                    if (Open* again = find(key)) again->removing = false;
                    schedule(key);
                    return callback(removed.error());
                  }
                  leave(key, {.code = "removed", .message = "the run was removed by its owner"});
                  not_loaded(key, unknown_run(key.id));
                  if (!was_open && !*removed) return callback(unknown_run(key.id));
                  callback(std::string("{}"));
                }));
}

void RunHost::export_run(const Owner& owner, const std::string& id, SharedCallback callback) {
  const RunKey key{owner.identity, id};
  with(key, [this, key, callback = std::move(callback)](Result<Open*> found) {
    if (!found) return callback(found.error());
    (*found)->exports.push_back(callback);
    schedule(key);
  });
}

void RunHost::may_watch(const Owner& owner, const std::string& id, JsonCallback callback) {
  const RunKey key{owner.identity, id};
  auto look = [this, key, callback = std::move(callback)](const Result<Open*>& found) {
    if (!found) return callback(found.error());
    if (*found && (*found)->removing) return callback(unknown_run(key.id));
    Watchers* watchers = watchers_of(key);
    if (watchers && !watchers->has_room())
      return callback(Error{.code = "too_many_watchers",
                            .message = joined({"run ", key.id, " has ", watchers_max,
                                               " readers of its events already"})});
    callback(std::string());
  };
  // One that is watched need not be read back.
  if (watchers_of(key)) return look(find(key));
  with(key, std::move(look));
}

void RunHost::watch(const Owner& owner, const std::string& id, std::uint64_t from,
                    http::BodyStreamPtr out) {
  const RunKey key{owner.identity, id};
  auto add = [this, key, from, out = std::move(out)](const Result<Open*>& found) {
    Open* open = found ? *found : nullptr;
    if (open && !open->removing) hold_watchers(*open);
    Watchers* watchers = open && open->removing ? nullptr : watchers_of(key);
    if (!watchers || !watchers->add(out, from)) return out->abort();
    schedule(key);
  };
  if (watchers_of(key)) return add(find(key));
  with(key, std::move(add));
}

// --- what is shown ---

std::string RunHost::view_of(Open& open) {
  const Run& run = open.run;
  if (!open.view.empty() && open.view_seq == run.head().seq && !run.busy()) return open.view;
  Json questions = Json::array();
  for (const Effect& effect : run.open_effects()) {
    if (effect.kind != StepKind::ask) continue;
    Json asked = workflow::payload_json(effect.request);
    questions.push_back(
        {{"id", effect.id},
         {"question",
          asked.is_object() && asked.contains("question") ? asked["question"] : asked}});
  }
  std::string view = canonical(Json{{"id", open.stored.key.id},
                                    {"workflow", open.stored.workflow},
                                    {"sha256", hex64(run.definition()->hash)},
                                    {"status", workflow::name_of(run.status())},
                                    {"started_ms", open.stored.started_ms},
                                    {"ended_ms", open.stored.ended_ms},
                                    {"events", run.head().seq},
                                    {"epoch", run.epoch()},
                                    {"outcome", workflow::payload_json(run.outcome())},
                                    {"questions", std::move(questions)},
                                    {"state_hash", std::to_string(run.state_hash())}});
  open.view_seq = run.head().seq;
  open.view = view.size() <= view_kept_bytes_max && !run.busy() ? view : std::string();
  return view;
}

/// What was taken is stored. A run that does not come to rest is shown as it stands after a few
/// turns.
void RunHost::answer_viewers(Open& open, bool rests) {
  if (open.viewers.empty()) return;
  std::vector<Viewer> viewers = std::exchange(open.viewers, {});
  std::shared_ptr<const std::string> view;
  for (Viewer& viewer : viewers) {
    if (!rests && ++viewer.turns <= view_turns_max) {
      open.viewers.push_back(std::move(viewer));
      continue;
    }
    if (!view) view = std::make_shared<const std::string>(view_of(open));
    viewer.callback(view);
  }
}

/// One bundle is made at a time: a bundle and the history in it are as long as everything that the
/// run was given.
///
/// REQUIRES: the run is parked or over.
void RunHost::give_bundles(Open& open) {
  if (open.exports.empty() || open.exporting) return;
  if (bundle_under_way_) {
    if (!std::exchange(open.bundle_due, true)) bundles_due_.push_back(open.ref());
    return;
  }
  open.exporting = bundle_under_way_ = true;
  store_.history(open.stored.key,
                 on_thread<std::string>([this, ref = open.ref()](Result<std::string> history) {
                   bundle_under_way_ = false;
                   if (Open* again = find(ref)) give_bundle(*again, std::move(history));
                   next_bundle();
                 }));
}

void RunHost::give_bundle(Open& open, Result<std::string> history) {
  open.exporting = false;
  if (!history) return fail_exports(open, history.error());
  // One that is exported again has its signature already.
  const bool is_signed =
      !open.checkpoints.empty() && open.checkpoints.back().head.seq == open.run.head().seq;
  if (!key_.id.empty() && !is_signed && open.checkpoints.size() < workflow::kCheckpointsMax)
    open.checkpoints.push_back(
        workflow::sign_checkpoint(open.run, open.stored.key.owner.key(), {}, key_));
  auto bundle = workflow::export_run(open.run, std::move(*history), open.checkpoints);
  if (!bundle) return fail_exports(open, bundle.error());
  const auto bytes = std::make_shared<const std::string>(workflow::write_bundle(*bundle));
  for (const SharedCallback& callback : std::exchange(open.exports, {}))
    callback(bytes);
}

/// The run may have been removed, or have gone on, since its bundle was due.
void RunHost::next_bundle() {
  while (!bundle_under_way_ && !bundles_due_.empty()) {
    Open* open = find(bundles_due_.front());
    bundles_due_.pop_front();
    if (!open) continue;
    open->bundle_due = false;
    if (open->run.status() != RunStatus::running) give_bundles(*open);
  }
}

void RunHost::fail_exports(Open& open, const Error& error) {
  for (const SharedCallback& callback : std::exchange(open.exports, {}))
    callback(error);
}

}  // namespace redoubt::runs
