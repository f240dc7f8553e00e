#include "relay/runs/run_service.hpp"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "engine/agents/memory_call.hpp"
#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/play/builtins.hpp"
#include "engine/workflow/bundle.hpp"
#include "engine/workflow/kin.hpp"
#include "relay/auth/crypto.hpp"
#include "relay/runs/model_step.hpp"
#include "relay/store/caller_error.hpp"

namespace redoubt::runs {
namespace {

namespace asio = boost::asio;
using workflow::Effect;
using workflow::InputKind;
using workflow::Run;
using workflow::RunStatus;
using workflow::StepKind;

constexpr std::size_t ended_open_max = 256;
constexpr std::int64_t store_retry_ms = 200;
constexpr std::int64_t heartbeat_ms = 15'000;
constexpr std::int64_t timer_ms_max = 3'600'000;
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

Json parsed(std::string_view text) {
  if (text.empty()) return Json();
  auto json = parse_json(text, {workflow::kPayloadBytesMax, 64});
  return json ? std::move(*json) : Json(std::string(text));
}

Error unknown_run(const std::string& id) {
  return make_error("unknown_run", {"there is no run ", id}, {"id"}, {}, {id});
}

std::string event_text(const workflow::Definition& definition, const workflow::Event& event) {
  Json json = {{"seq", event.seq},
               {"at", event.stamp_ms},
               {"kind", workflow::name_of(event.kind)},
               {"payload", parsed(event.payload)}};
  if (event.step != workflow::kNoStep) json["step"] = std::string(definition.step_name(event.step));
  if (event.instance != workflow::kNoStep) json["instance"] = event.instance;
  return joined({"id: ", event.seq, "\nevent: ", workflow::name_of(event.kind),
                 "\ndata: ", canonical(json), "\n\n"});
}

// Children's chance follows from their ids, as their ids from their parents'.
std::uint64_t seed_of(const std::string& id) {
  return std::strtoull(id.substr(0, 8).c_str(), nullptr, 16);
}

bool over(RunStatus status) {
  return status != RunStatus::running && status != RunStatus::parked;
}

}  // namespace

class RunService::Parts : public std::enable_shared_from_this<Parts> {
 public:
  Parts(Catalogue shipped, Surroundings around)
      : around_(std::move(around)),
        folder_(std::move(shipped)),
        store_(around_.writer),
        work_(asio::make_work_guard(io_)),
        heartbeat_(io_),
        folder_timer_(io_),
        started_(around_.metrics.counter("redoubt_runs_started_total",
                                         "Runs of workflows that were started or imported.", {})),
        ended_(
            around_.metrics.counter("redoubt_runs_ended_total", "Runs that came to an end.", {})),
        files_refused_(around_.metrics.counter("redoubt_workflow_files_refused_total",
                                               "Edits of workflow files that were refused.", {})),
        store_faults_(around_.metrics.counter("redoubt_run_store_faults_total",
                                              "Events of runs that had to be stored again.", {})) {}

  /// The callback on our thread, while there is one.
  template <class T>
  Told<T> here(Told<T> call) {
    auto shared_call = std::make_shared<Told<T>>(std::move(call));
    return [weak = weak_from_this(), shared_call](Result<T> result) {
      const auto self = weak.lock();
      if (!self) return;
      auto shared = std::make_shared<Result<T>>(std::move(result));
      self->post([self, shared, shared_call] {
        if (!self->stopped_) (*shared_call)(std::move(*shared));
      });
    };
  }

  /// What the folder says now. Before begin(), and then on our thread.
  void look_at_folder() {
    if (around_.folder.empty()) return;
    const auto files = read_folder(around_.folder);
    if (!files) {
      if (folder_fault_ != files.error().message) complain("workflow_folder", {}, files.error());
      folder_fault_ = files.error().message;
      return;
    }
    folder_fault_.clear();
    WorkflowFolder::Look found = folder_.look(*files);
    for (const Error& fault : found.faults) {
      files_refused_.add();
      observe::Line line(observe::Level::error, "workflow_refused", observe::wall_now_ms());
      line.text("file", fault.path).text("code", fault.code).text("message", fault.message);
      line.number("line", fault.line).number("column", fault.column);
      around_.log.write(std::move(line));
    }
    if (!found.catalogue) return;
    around_.catalogue.replace(std::move(*found.catalogue));
    observe::Line line(observe::Level::info, "workflows_loaded", observe::wall_now_ms());
    line.number("files", static_cast<std::int64_t>(files->size()));
    around_.log.write(std::move(line));
  }

  void begin() {
    thread_ = std::thread([this] { io_.run(); });
    post([this] {
      beat();
      watch_folder();
      workflow::SigningKey fresh{fresh_id(), random_text(key_bytes)};
      store_.signing_key(std::move(fresh),
                         here<workflow::SigningKey>([this](Result<workflow::SigningKey> key) {
                           if (key) key_ = std::move(*key);
                           if (!key) complain("run_signing_key", {}, key.error());
                         }));
      store_.unfinished(here<std::vector<StoredRun>>([this](Result<std::vector<StoredRun>> runs) {
        if (!runs) return complain("run_recovery", {}, runs.error());
        for (StoredRun& run : *runs)
          take_up(std::move(run));
      }));
    });
  }

  void stop() {
    if (!thread_.joinable()) return;
    post([this] {
      stopped_ = true;
      for (auto& [id, open] : open_)
        drop_effects(*open);
      open_.clear();
      heartbeat_.cancel();
      folder_timer_.cancel();
      work_.reset();
      io_.stop();
    });
    thread_.join();
  }

  template <class Work>
  void post(Work work) {
    asio::post(io_, std::move(work));
  }

  void start(Owner owner, StartOrder order, ToldJson told) {
    auto definition = definition_for(owner, order);
    if (!definition) return told(definition.error());
    if (auto full = no_room(owner)) return told(*full);
    const std::int64_t now = observe::wall_now_ms();
    auto run = Run::start(*definition, order.input, {fresh_id(), order.seed, now});
    if (!run) return told(run.error());
    Open& open = hold_new(owner, std::move(*run), now);
    open.told.push_back(std::move(told));
    go_on(open);
  }

  void list(Owner owner, ToldJson told) {
    store_.list(owner.who, here<std::vector<StoredRun>>([this, told = std::move(told)](
                                                            Result<std::vector<StoredRun>> runs) {
                  if (!runs) return told(runs.error());
                  Json all = Json::array();
                  for (const StoredRun& run : *runs) {
                    const auto open = open_.find(run.id);
                    all.push_back({{"id", run.id},
                                   {"workflow", run.workflow},
                                   {"status", open != open_.end()
                                                  ? workflow::name_of(open->second->run.status())
                                              : run.ended_ms > 0 ? "ended"
                                                                 : "stands still"},
                                   {"started_ms", run.started_ms},
                                   {"ended_ms", run.ended_ms}});
                  }
                  told(canonical(Json{{"runs", std::move(all)}}));
                }));
  }

  void view(Owner owner, std::string id, ToldJson told) {
    with(owner, id, [this, told](Result<Open*> open) {
      if (!open) return told(open.error());
      // What is shown is what is stored.
      (*open)->told.push_back(told);
      go_on(**open);
    });
  }

  void give(Owner owner, std::string id, GiveOrder order, ToldJson told) {
    with(owner, id, [this, order = std::move(order), told](Result<Open*> found) {
      if (!found) return told(found.error());
      Open& open = **found;
      if (open.inputs.size() >= inputs_max)
        return told(Error{.code = "too_many_inputs",
                          .message = joined({"too many inputs wait for run ", open.stored.id})});
      open.inputs.push_back({order.kind, order.name, order.value, told});
      go_on(open);
    });
  }

  void remove(Owner owner, std::string id, ToldJson told) {
    with(owner, id, [this, owner, id, told](Result<Open*> found) {
      if (!found) return told(found.error());
      drop_effects(**found);
      end_watchers(**found);
      open_.erase(id);
      store_.remove(owner.who, id, here<void>([told](Result<void> removed) {
                      if (!removed) return told(removed.error());
                      told(std::string("{}"));
                    }));
    });
  }

  void export_run(Owner owner, std::string id, ToldJson told) {
    with(owner, id, [this, told](Result<Open*> found) {
      if (!found) return told(found.error());
      Open& open = **found;
      open.exports.push_back(told);
      go_on(open);
    });
  }

  void import_run(Owner owner, std::string bytes, std::int64_t clock_ms, ToldJson told) {
    auto bundle = workflow::read_bundle(bytes);
    if (!bundle) return told(bundle.error());
    auto shared = std::make_shared<workflow::Bundle>(std::move(*bundle));
    const std::string id = shared->run_id;
    const std::string who = owner.who;
    store_.find(who, id,
                here<std::vector<StoredRun>>([this, owner = std::move(owner), shared, clock_ms,
                                              told](Result<std::vector<StoredRun>> known) {
                  if (!known) return told(known.error());
                  take_over(owner, *shared, clock_ms, known->empty() ? nullptr : &known->front(),
                            told);
                }));
  }

  void watch(Owner owner, std::string id, std::uint64_t from, http::BodyStreamPtr out) {
    with(owner, id, [this, from, out](Result<Open*> found) {
      if (!found || (*found)->watchers.size() >= watchers_max) return out->abort();
      Open& open = **found;
      write_events(open, open.stored.history, from, *out);
      if (over(open.run.status()) && !open.storing) return out->end();
      open.watchers.push_back(out);
    });
  }

 private:
  struct Waiting {
    InputKind kind;
    std::string name;
    std::string value;
    ToldJson told;  ///< empty for effects and timers
  };

  /// A step of a run that stands for another run.
  struct Waiter {
    std::string run;
    std::string effect;
  };

  /// A run in memory. Its history is what was stored.
  struct Open {
    Open(Run r, StoredRun s, auth::CallerLimits l, asio::io_context& io)
        : run(std::move(r)), stored(std::move(s)), limits(std::move(l)), timer(io) {}
    Run run;
    StoredRun stored;
    auth::CallerLimits limits;
    bool fresh = false;       ///< the store does not know it yet
    bool storing = false;     ///< events are on their way to the store
    std::int64_t epoch = -1;  ///< of the bundle that is being imported
    std::deque<Waiting> inputs;
    std::map<std::string, std::shared_ptr<ModelStep>> models;
    std::map<std::string, std::string> children;  ///< effects and the runs that they stand for
    std::vector<Waiter> waiters;                  ///< steps of other runs that wait for its end
    bool following = false;                       ///< the run that goes on is being begun
    std::vector<ToldJson> told;                   ///< want its view once what waits is stored
    std::vector<ToldJson> exports;                ///< want its bundle
    std::vector<http::BodyStreamPtr> watchers;
    std::vector<workflow::Checkpoint> checkpoints;
    asio::steady_timer timer;
    std::uint64_t serial = 0;  ///< of the timer that was set last
  };

  Result<workflow::DefinitionPtr> definition_for(const Owner& owner, const StartOrder& order) {
    if (order.definition.empty()) {
      if (auto known = around_.catalogue.current()->find(order.workflow)) return known;
      std::string names;
      const auto catalogue = around_.catalogue.current();
      for (const std::string& name : catalogue->names())
        names += (names.empty() ? "" : ", ") + name;
      return make_error("unknown_workflow", {"no workflow is called ", order.workflow},
                        {"workflow"}, {names}, {order.workflow});
    }
    if (!owner.may_author)
      return make_error("not_author", {"workflows of your own need the scope workflow:author"},
                        {"workflow"}, {}, {});
    return read_definition(order.definition, around_.catalogue.current()->surroundings());
  }

  std::optional<Error> no_room(const Owner& owner) const {
    std::size_t own = 0;
    for (const auto& [id, open] : open_)
      own += open->stored.owner == owner.who && !over(open->run.status());
    if (own < runs_per_owner_max && open_.size() < runs_open_max) return std::nullopt;
    return make_error("too_many_runs", {"too many runs are under way"}, {},
                      {joined({"at most ", runs_per_owner_max, " of one owner"})}, {});
  }

  Open& hold(Run run, StoredRun stored, auth::CallerLimits limits) {
    forget_ended();
    const std::string id = stored.id;
    auto open = std::make_unique<Open>(std::move(run), std::move(stored), std::move(limits), io_);
    return *(open_[id] = std::move(open));
  }

  Open& hold_new(const Owner& owner, Run run, std::int64_t now) {
    const workflow::DefinitionPtr definition = run.definition();
    StoredRun stored{.id = run.id(),
                     .owner = owner.who,
                     .tenant = owner.tenant,
                     .anonymous = owner.anonymous,
                     .workflow = definition->name,
                     .definition = definition->bytes,
                     .started_ms = now};
    stored.history = workflow::history_header(definition->hash);
    started_.add();
    Open& open = hold(std::move(run), std::move(stored), owner.limits);
    open.fresh = true;
    return open;
  }

  // What is over is read again from the store when somebody asks for it.
  void forget_ended() {
    std::size_t ended = 0;
    for (const auto& [id, open] : open_)
      ended += idle(*open);
    for (auto at = open_.begin(); ended > ended_open_max && at != open_.end();) {
      if (!idle(*at->second)) {
        ++at;
        continue;
      }
      at = open_.erase(at);
      --ended;
    }
  }
  static bool idle(const Open& open) {
    return over(open.run.status()) && !open.storing && !open.fresh && open.watchers.empty() &&
           open.exports.empty() && open.told.empty() && open.inputs.empty();
  }

  void with(const Owner& owner, const std::string& id, std::function<void(Result<Open*>)> use) {
    const auto found = open_.find(id);
    if (found != open_.end()) {
      if (found->second->stored.owner != owner.who) return use(unknown_run(id));
      found->second->limits = owner.limits;
      return use(found->second.get());
    }
    store_.find(
        owner.who, id,
        here<std::vector<StoredRun>>([this, id, limits = owner.limits,
                                      use = std::move(use)](Result<std::vector<StoredRun>> runs) {
          if (!runs) return use(runs.error());
          if (runs->empty()) return use(unknown_run(id));
          // Somebody else may have asked for it meanwhile.
          if (const auto open = open_.find(id); open != open_.end()) return use(open->second.get());
          auto run = replayed(runs->front());
          if (!run) return use(run.error());
          use(&hold(std::move(*run), std::move(runs->front()), limits));
        }));
  }

  static Result<Run> replayed(const StoredRun& stored) {
    auto definition = read_definition(stored.definition, pinned_surroundings());
    if (!definition) return definition.error();
    return Run::replay(*definition, stored.history);
  }

  /// After a start of the relay: what was under way is looked at anew.
  void take_up(StoredRun stored) {
    if (open_.size() >= runs_open_max || open_.count(stored.id)) return;
    auto run = replayed(stored);
    // It stays in the store as it is; its owner is told when he asks for it.
    if (!run) return complain("run_recovery", stored.id, run.error());
    Open& open = hold(std::move(*run), std::move(stored), {});
    if (open.run.status() == RunStatus::running)
      open.inputs.push_back({InputKind::resumed, {}, {}, {}});
    go_on(open);
  }

  void take_over(const Owner& owner, const workflow::Bundle& bundle, std::int64_t clock_ms,
                 const StoredRun* known, const ToldJson& told) {
    if (!known)
      if (auto full = no_room(owner)) return told(*full);
    const std::int64_t now = observe::wall_now_ms();
    workflow::Importer importer;
    importer.owner = owner.who;
    importer.now_ms = now;
    importer.clock_offset_ms = clock_ms < 0 ? 0 : now - clock_ms;
    importer.catalogue = around_.catalogue.current()->hashes();
    importer.may_author = owner.may_author;
    if (!key_.id.empty()) importer.keys.push_back(key_);
    if (known) {
      importer.known.epochs = known->epochs;
      const auto open = open_.find(known->id);
      auto here_run =
          open != open_.end() ? nullptr : std::make_unique<Result<Run>>(replayed(*known));
      if (here_run && !*here_run) return told(here_run->error());
      const Run& before = open != open_.end() ? open->second->run : **here_run;
      importer.known.under_way = before.status() == RunStatus::running;
      if (before.status() == RunStatus::parked) importer.known.left_at = before.head();
    }
    auto imported = workflow::import_run(bundle, pinned_surroundings(), importer);
    if (!imported) return told(imported.error());
    const workflow::DefinitionPtr definition = imported->run.definition();
    StoredRun stored{.id = imported->run.id(),
                     .owner = owner.who,
                     .tenant = owner.tenant,
                     .anonymous = owner.anonymous,
                     .workflow = definition->name,
                     .definition = definition->bytes,
                     .started_ms = known ? known->started_ms : now};
    if (over(imported->run.status())) stored.ended_ms = now;
    stored.history = std::move(imported->history);
    stored.epochs = known ? known->epochs : std::vector<std::uint32_t>();
    stored.epochs.push_back(imported->epoch);
    if (const auto before = open_.find(stored.id); before != open_.end()) {
      end_watchers(*before->second);
      open_.erase(before);
    }
    started_.add();
    Open& open = hold(std::move(imported->run), std::move(stored), owner.limits);
    open.fresh = true;
    open.epoch = imported->epoch;
    open.checkpoints = std::move(imported->checkpoints);
    open.told.push_back(told);
    go_on(open);
  }

  // --- a run's turn: give, store, do ---

  void go_on(Open& open) {
    if (open.storing || stopped_) return;
    store(open);
    while (!open.storing && !open.inputs.empty()) {
      const Waiting next = std::move(open.inputs.front());
      open.inputs.pop_front();
      give_one(open, next);
      store(open);
    }
    if (!open.storing) rest(open);
  }

  void give_one(Open& open, const Waiting& next) {
    const std::int64_t now = std::max(observe::wall_now_ms(), open.run.now_ms());
    const auto given = open.run.give({next.kind, now, next.name, next.value});
    if (!next.told) return;
    if (!given) return next.told(given.error());
    open.told.push_back(next.told);
  }

  void store(Open& open) {
    workflow::Taken taken = open.run.take();
    if (taken.count == 0 && !open.fresh) return do_taken(open, taken);
    open.storing = true;
    const std::string id = open.stored.id;
    // One that goes on in another run is over when that one is stored.
    if (over(open.run.status()) && open.run.status() != RunStatus::continued &&
        open.stored.ended_ms == 0) {
      open.stored.ended_ms = observe::wall_now_ms();
      ended_.add();
    }
    auto kept = std::make_shared<workflow::Taken>(std::move(taken));
    write(id, kept);
  }

  void write(const std::string& id, std::shared_ptr<workflow::Taken> taken) {
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    Open& open = *found->second;
    Told<void> told =
        here<void>([this, id, taken](Result<void> stored) { written(id, taken, stored); });
    if (!open.fresh)
      return store_.append(id, open.stored.pieces, taken->events, open.stored.ended_ms, told);
    StoredRun whole = open.stored;
    whole.history += taken->events;
    store_.put(std::move(whole), open.epoch, std::move(told));
  }

  void written(const std::string& id, std::shared_ptr<workflow::Taken> taken,
               const Result<void>& stored) {
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    Open& open = *found->second;
    if (!stored) {
      store_faults_.add();
      complain("run_store", id, stored.error());
      // Nothing of a new run was begun: its owner may try again.
      if (open.fresh) {
        for (ToldJson& told : std::exchange(open.told, {}))
          told(stored.error());
        open_.erase(found);
        return;
      }
      open.timer.expires_after(std::chrono::milliseconds(store_retry_ms));
      const std::uint64_t serial = ++open.serial;
      open.timer.async_wait([this, id, taken, serial](const boost::system::error_code& error) {
        const auto again = open_.find(id);
        if (!error && again != open_.end() && again->second->serial == serial) write(id, taken);
      });
      return;
    }
    open.storing = false;
    open.fresh = false;
    open.epoch = -1;
    ++open.stored.pieces;
    const std::uint64_t before = taken->first_seq;
    open.stored.history += taken->events;
    for (const http::BodyStreamPtr& watcher : open.watchers)
      write_events(open, open.stored.history, before, *watcher);
    do_taken(open, *taken);
    go_on(open);
  }

  void do_taken(Open& open, const workflow::Taken& taken) {
    for (const std::string& id : taken.withdrawn)
      drop_effect(open, id);
    for (const Effect& effect : taken.effects)
      begin_effect(open, effect);
  }

  /// Nothing is on its way to the store: whoever waits for that is told, and the clock is set.
  void rest(Open& open) {
    if (!open.exports.empty() && open.run.status() == RunStatus::running) {
      const std::int64_t now = std::max(observe::wall_now_ms(), open.run.now_ms());
      const auto parked = open.run.park(now);
      if (parked) return go_on(open);
      for (ToldJson& told : std::exchange(open.exports, {}))
        told(parked.error());
    }
    for (ToldJson& told : std::exchange(open.told, {}))
      told(view_of(open));
    for (ToldJson& told : std::exchange(open.exports, {}))
      told(bundle_of(open));
    if (open.run.status() != RunStatus::running) drop_effects(open);
    if (over(open.run.status())) {
      end_watchers(open);
      if (open.run.status() == RunStatus::continued) return follow(open);
      return tell_waiters(open);
    }
    const std::int64_t due = open.run.next_timer_ms();
    const std::uint64_t serial = ++open.serial;
    if (due == 0) return;
    const std::int64_t wait =
        std::clamp<std::int64_t>(due - observe::wall_now_ms(), 0, timer_ms_max);
    open.timer.expires_after(std::chrono::milliseconds(wait));
    open.timer.async_wait([this, id = open.stored.id, serial](const boost::system::error_code& e) {
      const auto found = open_.find(id);
      if (e || found == open_.end() || found->second->serial != serial) return;
      found->second->inputs.push_back({InputKind::tick, {}, {}, {}});
      go_on(*found->second);
    });
  }

  // --- effects ---

  void begin_effect(Open& open, const Effect& effect) {
    switch (effect.kind) {
      case StepKind::builtin: {
        if (agents::is_memory_call(effect.target)) return begin_memory(open, effect);
        const auto answer = play::call(effect.target, effect.request);
        return finish(open, effect.id, !answer, answer ? *answer : play::failure(answer.error()));
      }
      case StepKind::model:
        return begin_model(open, effect);
      case StepKind::ask:
        return;  // its owner answers
      case StepKind::child:
        return begin_child(open, effect);
      case StepKind::tool:
        return fail(open, effect.id, "no_tool", "the relay has no tools of its own");
      default:
        return fail(open, effect.id, "not_here", "the relay does not carry out such a step");
    }
  }

  void begin_memory(Open& open, const Effect& effect) {
    auto told = [weak = weak_from_this(), run = open.stored.id,
                 id = effect.id](Result<std::string> answer) {
      const auto self = weak.lock();
      if (!self) return;
      self->post([self, run, id, answer = std::move(answer)] {
        const auto found = self->open_.find(run);
        if (self->stopped_ || found == self->open_.end()) return;
        self->finish(*found->second, id, !answer,
                     answer ? *answer : self->failure_of(run, answer.error()));
        self->go_on(*found->second);
      });
    };
    store_.memory_call({.tenant = open.stored.tenant,
                        .owner = open.stored.owner,
                        .name = effect.target,
                        .request = effect.request,
                        .key = effect.key,
                        .now_ms = observe::wall_now_ms()},
                       std::move(told));
  }

  void begin_model(Open& open, const Effect& effect) {
    if (!around_.gateway) return fail(open, effect.id, "no_model", "the relay has no models");
    const ModelStepOrder order{.effect = effect,
                               .who = open.stored.owner,
                               .tenant = open.stored.tenant,
                               .anonymous = open.stored.anonymous,
                               .limits = open.limits,
                               .request_id = open.stored.id};
    auto told = [weak = weak_from_this(), run = open.stored.id, id = effect.id](bool failed,
                                                                                std::string value) {
      const auto self = weak.lock();
      if (!self) return;
      self->post([self, run, id, failed, value = std::move(value)] {
        const auto found = self->open_.find(run);
        if (self->stopped_ || found == self->open_.end()) return;
        found->second->models.erase(id);
        self->finish(*found->second, id, failed, value);
        self->go_on(*found->second);
      });
    };
    auto step = begin_model_step(*around_.gateway, io_.get_executor(), order, std::move(told));
    if (!step) {
      return finish(open, effect.id, true, play::failure(step.error()));
    }
    open.models[effect.id] = std::move(*step);
  }

  void finish(Open& open, const std::string& effect, bool failed, std::string value) {
    open.inputs.push_back(
        {failed ? InputKind::failed : InputKind::completed, effect, std::move(value), {}});
  }
  void fail(Open& open, const std::string& effect, const char* code, const char* message) {
    finish(open, effect, true, play::failure(Error{.code = code, .message = message}));
  }
  void drop_effect(Open& open, const std::string& id) {
    if (const auto child = open.children.find(id); child != open.children.end()) {
      cancel_child(child->second);
      open.children.erase(child);
    }
    const auto found = open.models.find(id);
    if (found == open.models.end()) return;
    found->second->leave();
    open.models.erase(found);
  }
  void drop_effects(Open& open) {
    for (auto& [id, child] : std::exchange(open.children, {}))
      cancel_child(child);
    for (auto& [id, step] : open.models)
      step->leave();
    open.models.clear();
  }

  // --- runs that runs lead to ---

  static Owner owner_of(const Open& open) {
    return {.who = open.stored.owner,
            .tenant = open.stored.tenant,
            .anonymous = open.stored.anonymous,
            .limits = open.limits};
  }

  // How many runs wait for this one, one for the other.
  int depth_of(const Open& open) const {
    int depth = 0;
    for (const Open* at = &open; at && !at->waiters.empty() && depth <= workflow::kChildDepthMax;
         ++depth) {
      const auto above = open_.find(at->waiters.front().run);
      at = above == open_.end() ? nullptr : above->second.get();
    }
    return depth;
  }

  // The effect's end, told from outside the parent's own turn.
  void tell_parent(const Waiter& waiter, bool failed, std::string value) {
    post([this, waiter, failed, value = std::move(value)] {
      const auto found = open_.find(waiter.run);
      if (stopped_ || found == open_.end()) return;
      found->second->children.erase(waiter.effect);
      finish(*found->second, waiter.effect, failed, value);
      go_on(*found->second);
    });
  }

  void begin_child(Open& open, const Effect& effect) {
    const std::string id = workflow::child_id(effect.key);
    const Waiter waiter{open.stored.id, effect.id};
    if (depth_of(open) >= workflow::kChildDepthMax)
      return fail(open, effect.id, "too_deep", "children of children go no deeper");
    open.children[effect.id] = id;
    start_or_join(owner_of(open), id, effect.target, nullptr, effect.request, waiter);
  }

  // `pinned`: the definition where it is known; else that of the catalogue's name.
  void start_or_join(Owner owner, const std::string& id, const std::string& workflow,
                     workflow::DefinitionPtr pinned, const std::string& input,
                     std::optional<Waiter> waiter, ToldJson stored = {}) {
    with(owner, id, [=, this](Result<Open*> found) {
      if (found) return join(**found, waiter, stored);
      const auto failed = [&](const Error& error) {
        if (waiter) tell_parent(*waiter, true, failure_of(id, error));
        if (stored) stored(error);
      };
      if (found.error().code != "unknown_run") return failed(found.error());
      auto definition = pinned ? pinned : around_.catalogue.current()->find(workflow);
      if (!definition)
        return failed(Error{.code = "unknown_workflow",
                            .message = joined({"no workflow is called ", workflow})});
      if (auto full = no_room(owner)) return failed(*full);
      const std::int64_t now = observe::wall_now_ms();
      auto run = Run::start(std::move(definition), input, {id, seed_of(id), now});
      if (!run) return failed(run.error());
      Open& open = hold_new(owner, std::move(*run), now);
      if (waiter) open.waiters.push_back(*waiter);
      if (stored) open.told.push_back(stored);
      go_on(open);
    });
  }

  void join(Open& open, const std::optional<Waiter>& waiter, const ToldJson& stored) {
    if (waiter) open.waiters.push_back(*waiter);
    if (stored) open.told.push_back(stored);
    if (!open.storing) rest(open);
  }

  void tell_waiters(Open& open) {
    if (open.storing) return;
    const bool done = open.run.status() == RunStatus::done;
    std::string outcome = open.run.outcome();
    if (open.run.status() == RunStatus::cancelled)
      outcome = play::failure(Error{.code = "child_cancelled", .message = "the run was cancelled"});
    for (const Waiter& waiter : std::exchange(open.waiters, {}))
      tell_parent(waiter, !done, outcome);
  }

  // Ended in a handoff: the run that goes on is begun, and whoever waits for this one waits for it.
  void follow(Open& open) {
    const Json next = parsed(open.run.outcome());
    const std::string id = workflow::successor_id(open.stored.id);
    const std::string name = next.value("workflow", std::string());
    const workflow::DefinitionPtr own =
        name == open.run.definition()->name ? open.run.definition() : nullptr;
    const Owner owner = owner_of(open);
    const std::string input = canonical(next["input"]);
    std::vector<Waiter> waiters = std::exchange(open.waiters, {});
    if (open.stored.ended_ms == 0 && !std::exchange(open.following, true))
      start_or_join(owner, id, name, own, input, std::nullopt,
                    [this, run = open.stored.id](Result<std::string> begun) {
                      if (!begun) return complain("run_follow", run, begun.error());
                      end_followed(run);
                    });
    for (const Waiter& waiter : waiters)
      start_or_join(owner, id, name, own, input, waiter);
  }

  // Its successor is stored: only now is there nothing left to do for it after a start.
  void end_followed(const std::string& id) {
    const auto found = open_.find(id);
    if (found == open_.end() || found->second->stored.ended_ms > 0) return;
    StoredRun& stored = found->second->stored;
    stored.ended_ms = observe::wall_now_ms();
    ended_.add();
    store_.append(id, stored.pieces++, {}, stored.ended_ms,
                  here<void>([this, id](Result<void> kept) {
                    if (!kept) complain("run_store", id, kept.error());
                  }));
  }

  void cancel_child(const std::string& id) {
    post([this, id] {
      const auto found = open_.find(id);
      if (stopped_ || found == open_.end() || over(found->second->run.status())) return;
      found->second->waiters.clear();
      found->second->inputs.push_back({InputKind::cancel, "the step that began it", {}, {}});
      go_on(*found->second);
    });
  }

  // --- what is shown ---

  static std::string view_of(const Open& open) {
    const Run& run = open.run;
    Json questions = Json::array();
    for (const Effect& effect : run.open_effects()) {
      if (effect.kind != StepKind::ask) continue;
      Json asked = parsed(effect.request);
      questions.push_back(
          {{"id", effect.id},
           {"question",
            asked.is_object() && asked.contains("question") ? asked["question"] : asked}});
    }
    return canonical(Json{{"id", open.stored.id},
                          {"workflow", open.stored.workflow},
                          {"sha256", hex64(run.definition()->hash)},
                          {"status", workflow::name_of(run.status())},
                          {"started_ms", open.stored.started_ms},
                          {"ended_ms", open.stored.ended_ms},
                          {"events", run.head().seq},
                          {"epoch", run.epoch()},
                          {"outcome", parsed(run.outcome())},
                          {"questions", std::move(questions)},
                          {"state_hash", std::to_string(run.state_hash())}});
  }

  Result<std::string> bundle_of(Open& open) {
    if (!key_.id.empty() && open.checkpoints.size() < workflow::kCheckpointsMax)
      open.checkpoints.push_back(workflow::sign_checkpoint(open.run, open.stored.owner, {}, key_));
    auto bundle = workflow::export_run(open.run, open.stored.history, open.checkpoints);
    if (!bundle) return bundle.error();
    return workflow::write_bundle(*bundle);
  }

  static void write_events(const Open& open, const std::string& history, std::uint64_t from,
                           http::BodyStream& out) {
    auto reader = workflow::HistoryReader::open(history);
    if (!reader) return out.abort();
    std::string text;
    workflow::Event event;
    for (auto more = reader->next(event); more && *more; more = reader->next(event))
      if (event.seq >= from) text += event_text(*open.run.definition(), event);
    if (!text.empty()) out.write(std::move(text));
  }

  static void end_watchers(Open& open) {
    for (const http::BodyStreamPtr& watcher : std::exchange(open.watchers, {}))
      watcher->end();
  }

  /// Lets proxies see that the streams live, and forgets those whose readers left.
  void beat() {
    for (auto& [id, open] : open_) {
      std::erase_if(open->watchers, [](const http::BodyStreamPtr& out) { return !out->open(); });
      for (const http::BodyStreamPtr& watcher : open->watchers)
        watcher->write(": \n\n");
    }
    heartbeat_.expires_after(std::chrono::milliseconds(heartbeat_ms));
    heartbeat_.async_wait([this](const boost::system::error_code& error) {
      if (!error && !stopped_) beat();
    });
  }

  void watch_folder() {
    if (around_.folder.empty()) return;
    folder_timer_.expires_after(std::chrono::milliseconds(folder_interval_ms));
    folder_timer_.async_wait([this](const boost::system::error_code& error) {
      if (error || stopped_) return;
      look_at_folder();
      watch_folder();
    });
  }

  /// A failure as a run's history has it: its owner reads it. What the store says goes to the log.
  std::string failure_of(std::string_view run, const Error& error) {
    if (store::is_store_fault(error)) complain("store_fault", run, error);
    return play::failure(store::for_caller(error));
  }

  void complain(std::string_view event, std::string_view run, const Error& error) {
    observe::Line line(observe::Level::error, event, observe::wall_now_ms());
    if (!run.empty()) line.text("run", run);
    line.text("code", error.code).text("message", error.message);
    around_.log.write(std::move(line));
  }

  Surroundings around_;
  WorkflowFolder folder_;
  std::string folder_fault_;
  RunStore store_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer heartbeat_;
  asio::steady_timer folder_timer_;
  observe::Counter& started_;
  observe::Counter& ended_;
  observe::Counter& files_refused_;
  observe::Counter& store_faults_;
  std::map<std::string, std::unique_ptr<Open>> open_;
  workflow::SigningKey key_;
  bool stopped_ = false;
  std::thread thread_;
};

RunService::RunService(Catalogue shipped, Surroundings around)
    : parts_(std::make_shared<Parts>(std::move(shipped), std::move(around))) {
  parts_->look_at_folder();
}

RunService::~RunService() {
  parts_->stop();
}

void RunService::begin() {
  parts_->begin();
}
void RunService::stop() {
  parts_->stop();
}

void RunService::start(Owner owner, StartOrder order, ToldJson told) {
  parts_->post([parts = parts_, owner = std::move(owner), order = std::move(order),
                told = std::move(told)]() mutable {
    parts->start(std::move(owner), std::move(order), std::move(told));
  });
}
void RunService::list(Owner owner, ToldJson told) {
  parts_->post([parts = parts_, owner = std::move(owner), told = std::move(told)]() mutable {
    parts->list(std::move(owner), std::move(told));
  });
}
void RunService::view(Owner owner, std::string id, ToldJson told) {
  parts_->post([parts = parts_, owner = std::move(owner), id = std::move(id),
                told = std::move(told)]() mutable {
    parts->view(std::move(owner), std::move(id), std::move(told));
  });
}
void RunService::give(Owner owner, std::string id, GiveOrder order, ToldJson told) {
  parts_->post([parts = parts_, owner = std::move(owner), id = std::move(id),
                order = std::move(order), told = std::move(told)]() mutable {
    parts->give(std::move(owner), std::move(id), std::move(order), std::move(told));
  });
}
void RunService::remove(Owner owner, std::string id, ToldJson told) {
  parts_->post([parts = parts_, owner = std::move(owner), id = std::move(id),
                told = std::move(told)]() mutable {
    parts->remove(std::move(owner), std::move(id), std::move(told));
  });
}
void RunService::export_run(Owner owner, std::string id, ToldJson told) {
  parts_->post([parts = parts_, owner = std::move(owner), id = std::move(id),
                told = std::move(told)]() mutable {
    parts->export_run(std::move(owner), std::move(id), std::move(told));
  });
}
void RunService::import_run(Owner owner, std::string bundle, std::int64_t clock_ms, ToldJson told) {
  parts_->post([parts = parts_, owner = std::move(owner), bundle = std::move(bundle), clock_ms,
                told = std::move(told)]() mutable {
    parts->import_run(std::move(owner), std::move(bundle), clock_ms, std::move(told));
  });
}
void RunService::watch(Owner owner, std::string id, std::uint64_t from, http::BodyStreamPtr out) {
  parts_->post([parts = parts_, owner = std::move(owner), id = std::move(id), from,
                out = std::move(out)]() mutable {
    parts->watch(std::move(owner), std::move(id), from, std::move(out));
  });
}

}  // namespace redoubt::runs
