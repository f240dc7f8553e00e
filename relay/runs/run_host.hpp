// RunHost: what RunService is inside. Everything here is on the thread of the runs, but for what
// says otherwise.
//
// A run's turn:
//
//   queue -> turn: replay or import a slice | work on | carry out one built-in | give one input |
//   one slice for
//            a watcher -> store what came of it -> do what follows -> queue again, while there is
//            more
//
// 1. Turns are fair between owners (fair_queue.hpp). Between two turns the thread answers whoever
//    asks, and sees that it is to end.
// 2. A run is known by its owner and its id. What comes back later (a model, the store, a timer)
//    names a Ref: a run that was removed and came again is another one.
// 3. Whoever waits for a run is told its end, whatever that is: every way by which a run leaves the
//    memory goes through leave(), but for runs that rest and that nobody waits for (put_out): the
//    store has everything of those.
// 4. What the runs in memory take has bounds: of one owner (OwnerBounds::weight_max) and of all
//    (Dependencies::weight_all_max). Over half of them runs that rest are put out, that longest at
//    rest first, and are read again when their owner asks or their clock's time comes. Over the
//    whole the run that grows (of an owner) or the heaviest (of all) is cancelled.
//    What is being read back or imported counts as well.
// 5. A run that is watched may be put out like another. Watchers keep nothing of their own between
//    two turns (watchers.hpp), and their stretches of histories are read watch_reads_max at a time,
//    owners in turn.
// 6. Runs are read back takes_max at a time, and imported imports_max at a time, owners in turn:
//    each brings its history along. One is read back when there is room for the most that it ever
//    took, and waits so long for it (Dependencies::take_wait_ms_max); an import is refused when
//    there is no room for it any more.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/fair_queue.hpp"
#include "engine/workflow/bundle.hpp"
#include "relay/runs/memory_book.hpp"
#include "relay/runs/model_step.hpp"
#include "relay/runs/run_service.hpp"
#include "relay/runs/run_store.hpp"
#include "relay/runs/watchers.hpp"

namespace redoubt::runs {

/// Which run, of those that had its key.
struct Ref {
  RunKey key;
  std::uint64_t serial = 0;
};

class RunHost : public std::enable_shared_from_this<RunHost> {
 public:
  RunHost(Catalogue shipped, RunService::Dependencies around);

  /// What the folder says now. Before begin(), and then on our thread.
  void look_at_folder();
  void begin();
  /// Any thread but ours.
  void stop();
  /// Any thread.
  template <class Work>
  void post(Work work) {
    boost::asio::post(io_, [this, work = std::move(work)]() mutable {
      if (!stopping_) work();
    });
  }

  void start(Owner owner, StartOrder order, JsonCallback callback);
  void list(const Owner& owner, JsonCallback callback);
  void view(const Owner& owner, const std::string& id, SharedCallback callback);
  void give(const Owner& owner, const std::string& id, GiveOrder order, JsonCallback callback);
  void resume(const Owner& owner, const std::string& id, SharedCallback callback);
  void remove(const Owner& owner, const std::string& id, JsonCallback callback);
  void export_run(const Owner& owner, const std::string& id, SharedCallback callback);
  void import_run(Owner owner, std::string bundle, std::int64_t clock_ms, JsonCallback callback);
  void may_watch(const Owner& owner, const std::string& id, JsonCallback callback);
  void watch(const Owner& owner, const std::string& id, std::uint64_t from,
             http::BodyStreamPtr out);

 private:
  struct Waiting {
    workflow::InputKind kind;
    std::string name;
    std::string value;
    JsonCallback callback;  ///< empty for effects and timers
  };
  /// A step of a run of the same owner that stands for another run.
  struct Waiter {
    std::string run;
    std::string effect;
    auto operator<=>(const Waiter&) const = default;
  };
  struct Viewer {
    SharedCallback callback;
    int turns = 0;  ///< that it has waited for the run to rest
  };
  struct Open;
  using Use = std::function<void(Result<Open*>)>;

  /// A run that is read back.
  struct Loading {
    std::uint64_t serial = 0;
    bool asked = false;        ///< the store was asked: it is one of takes_max
    std::uint64_t needs = 0;   ///< memory, at the most; 0: the store was not heard yet
    std::uint64_t texts = 0;   ///< bytes of its definition and history
    std::uint64_t weight = 0;  ///< as it was weighed last
    std::uint64_t weight_max = 0;
    std::optional<std::chrono::steady_clock::time_point> waits_since;  ///< for room
    StoredRun stored;  ///< its history stays where it is while it is replayed
    workflow::DefinitionPtr definition;
    std::optional<workflow::Replay> replay;
    std::vector<Use> users;
  };
  /// A run that a run leads to.
  struct Kin {
    Owner owner;
    std::string id;
    std::string workflow;
    workflow::DefinitionPtr pinned;  ///< where it is known; else that of the catalogue's name
    std::string input;
    std::string root;
    int depth = 0;
    std::uint32_t generation = 0;  ///< of a successor: a chain of runs has the bounds of one
    std::uint64_t work = 0;
  };
  /// A run in whose place another is to come. It need not stay in memory: it is over or parked.
  struct Before {
    workflow::ChainHead left_at;
    std::int64_t started_ms = 0;
    std::string root;
    int depth = 0;
  };
  /// A run that comes in a bundle.
  struct Coming {
    std::uint64_t serial = 0;
    Owner owner;
    workflow::Bundle bundle;  ///< until its import begins
    std::int64_t clock_ms = 0;
    JsonCallback callback;
    std::size_t bytes = 0;        ///< of the bundle
    bool under_way = false;       ///< it is one of imports_max
    std::uint64_t weight = 0;     ///< as it was weighed last, with the bundle, also while it waits
    std::uint64_t state_max = 0;  ///< the most that it took, the bundle apart
    std::vector<std::uint32_t> epochs;
    std::optional<workflow::Import> import;
    std::optional<Before> before;  ///< the run as it stood here when the import began
    bool removed = false;          ///< that one, since then
  };

  // run_host.cpp: the thread, what is asked from outside, what is shown
  template <class T>
  Callback<T> on_thread(Callback<T> call);
  void beat();
  void watch_folder();
  void tell_of_file(observe::Level level, std::string_view event, const Error& said);
  /// A failure as a run's history has it, which its owner reads; what the store says goes to the
  /// log.
  std::string failure_of(const RunKey* key, const Error& error);
  void complain(std::string_view event, const RunKey* key, const Error& error);
  Result<workflow::DefinitionPtr> definition_for(const Owner& owner, const StartOrder& order);
  std::optional<Error> no_room(const Owner& owner);
  void view_set_aside(const RunKey& key, const Error& error, const SharedCallback& callback);
  static std::string view_of(Open& open);
  void answer_viewers(Open& open, bool rests);
  void give_bundles(Open& open);
  void give_bundle(Open& open, Result<std::string> history);
  void next_bundle();
  void fail_exports(Open& open, const Error& error);

  // run_turns.cpp: turns, storing, effects
  Open* find(const RunKey& key);
  Open* find(const Ref& ref);
  Open& hold(workflow::Run run, StoredRun stored);
  Open& hold_new(const Owner& owner, workflow::Run run, std::string root, int depth);
  void leave(const RunKey& key, const Error& why);
  std::unique_ptr<Open> let_go(const RunKey& key);
  void count(const auth::Identity& owner, std::uint64_t& counted, std::uint64_t now);
  void weigh(Open& open);
  void keep_within_memory(const auth::Identity& owner, const Open* open);
  void make_room(const auth::Identity& owner, const Open* open, std::uint64_t bytes);
  void put_out_while(std::deque<Ref>& resting, const auth::Identity& owner, const Open* open,
                     std::uint64_t bytes);
  bool is_needed(const RunKey& key, const Open& open) const;
  void cancel_heaviest();
  bool waits_for_room(Open& open);
  void hold_within_bounds(Open& open, const OwnerUse& use);
  void tell_all(Open& open, const Error& why);
  void keep_idle(Open& open);
  void keep_waiting(Open& open);
  void schedule(const RunKey& key);
  std::function<void()> schedules(const RunKey& key);
  void pump();
  void turn(const RunKey& key);
  void work(Open& open);
  Watchers* watchers_of(const RunKey& key);
  void hold_watchers(const Open& open);
  void forget_watchers(const RunKey& key);
  bool watch_on(const RunKey& key);
  void give_one(Open& open);
  void keep(Open& open);
  void write(const Ref& ref, std::shared_ptr<workflow::Taken> taken);
  void written(const Ref& ref, std::shared_ptr<workflow::Taken> taken,
               const Result<OwnerUse>& stored);
  void not_written(Open& open, std::shared_ptr<workflow::Taken> taken, const Error& error);
  void tell_callers(Open& open, const Error& why);
  void rest(Open& open);
  void set_timer(Open& open);
  void begin_effect(Open& open, const workflow::Effect& effect);
  void begin_memory(Open& open, const workflow::Effect& effect);
  void begin_model(Open& open, const workflow::Effect& effect);
  void carry_out_builtin(Open& open);
  void finish(Open& open, const std::string& effect, bool failed, std::string value);
  void finish_later(const Ref& ref, const std::string& effect, bool failed, std::string value);
  void fail(Open& open, const std::string& effect, const Error& error);
  void drop_effect(Open& open, const std::string& id);
  void drop_effects(Open& open);
  void read_for_watchers(const RunKey& key, Watchers& watchers);
  void read_next();

  // run_loading.cpp: reading runs back, and taking them over from bundles
  void with(const RunKey& key, Use use);
  void take(const RunKey& key, Use use);
  void take_next();
  ReadRoom room_for(const RunKey& key, const Loading& loading);
  void wait_for_room(const RunKey& key);
  void look_for_room();
  Loading end_loading(const RunKey& key);
  void wake_at(std::int64_t wake_ms);
  void wake_due();
  void taken(const Ref& ref, Result<std::optional<StoredRun>> stored);
  void replay_on(const RunKey& key);
  void loaded(const RunKey& key);
  void not_loaded(const RunKey& key, const Error& error);
  void give_loaded(const RunKey& key, Open& open, std::vector<Use> users);
  Result<workflow::DefinitionPtr> pinned_definition(const std::string& json);
  workflow::DefinitionPtr shared(workflow::DefinitionPtr definition);
  void recover();
  void recover_next();
  void import_next();
  Coming end_coming(const RunKey& key);
  void look_before_import(const Ref& ref);
  void begin_import(const RunKey& key, Open* before);
  void import_on(const RunKey& key);
  bool gives_way(const RunKey& key);
  bool end_heaviest_import(const auth::Identity* owner);
  Error no_memory() const;
  void take_over(const RunKey& key);
  void end_import(const RunKey& key, const Error& error);

  // run_kin.cpp: children and successors
  static Owner owner_of(const Open& open);
  void begin_child(Open& open, const workflow::Effect& effect);
  void start_or_join(Kin kin, std::optional<Waiter> waiter, JsonCallback stored);
  void start_kin(const Kin& kin, const std::optional<Waiter>& waiter, const JsonCallback& stored);
  void join(Open& open, const std::optional<Waiter>& waiter, const JsonCallback& stored);
  void tell_parent(const auth::Identity& owner, const Waiter& waiter, bool failed,
                   std::string value);
  void tell_waiters(Open& open);
  void follow(Open& open);
  void end_followed(const Ref& ref);
  void cancel_child(const RunKey& child, const Waiter& waiter);

  RunService::Dependencies around_;
  WorkflowFolder folder_;
  std::string folder_fault_;
  RunStore store_;
  MemoryBook memories_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer heartbeat_;
  boost::asio::steady_timer folder_timer_;
  boost::asio::steady_timer crowded_timer_;
  boost::asio::steady_timer room_timer_;
  boost::asio::steady_timer clock_;
  std::int64_t clock_ms_ = 0;  ///< when it wakes runs; 0: never
  observe::Counter& started_;
  observe::Counter& ended_;
  observe::Counter& files_refused_;
  observe::Counter& store_faults_;
  std::map<RunKey, std::unique_ptr<Open>> open_;
  std::map<auth::Identity, std::uint64_t> weights_;  ///< bytes in memory, of all owners with any
  std::uint64_t weight_ = 0;                         ///< of all of them
  /// Definitions of runs in memory: one, however many runs have the same.
  std::map<Digest256, std::weak_ptr<const workflow::Definition>> definitions_;
  std::map<RunKey, Loading> loading_;
  FairQueue<auth::Identity, RunKey>
      to_take_;                  ///< those of loading_ that the store was not asked for
  std::deque<RunKey> roomless_;  ///< those of them for which there is no room yet
  std::set<RunKey> taking_;      ///< the others
  bool asking_ = false;          ///< the store has one of these, and not answered
  std::map<RunKey, Coming> importing_;
  FairQueue<auth::Identity, RunKey> to_import_;  ///< those of importing_ that were not begun
  std::size_t imports_under_way_ = 0;            ///< the others
  std::size_t importing_bytes_ = 0;              ///< of the bundles of all of them
  FairQueue<auth::Identity, RunKey> queue_;
  bool pumping_ = false;     ///< the next turn is on its way
  std::deque<Ref> idle_;     ///< ended runs in memory, that longest idle first
  std::deque<Ref> waiting_;  ///< runs in memory that only wait, that longest at rest first
  std::map<RunKey, std::unique_ptr<Watchers>> watchers_;  ///< of runs in memory or not
  WatchCaches watch_caches_;
  FairQueue<auth::Identity, RunKey> to_read_;  ///< runs whose watchers want something of the store
  std::size_t watch_reads_ = 0;                ///< on their way from the store
  bool bundle_under_way_ = false;
  std::deque<Ref> bundles_due_;  ///< runs whose bundles wait for the one under way
  std::set<RunKey> crowded_;     ///< their next turn waits for others to leave the memory
  std::deque<RunKey> to_recover_;
  bool all_listed_ = false;
  bool recovery_missed_ = false;  ///< one of those listed could not be read for now
  bool recovery_waits_ = false;   ///< for room, or for the store
  workflow::SigningKey key_;
  std::uint64_t serials_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// A run in memory. What was stored of it is in the store alone.
struct RunHost::Open {
  Open(workflow::Run r, StoredRun s, std::uint64_t n, boost::asio::io_context& io)
      : run(std::move(r)), stored(std::move(s)), serial(n), timer(io) {}
  Ref ref() const { return {stored.key, serial}; }

  workflow::Run run;
  StoredRun stored;  ///< its history only until it is stored first
  std::uint64_t serial;
  bool fresh = false;        ///< the store does not know it yet
  bool storing = false;      ///< events are on their way to the store
  int writes_failed = 0;     ///< of those events, one after the other
  bool marked = false;       ///< the store has it as being read back
  bool exporting = false;    ///< its history is on its way from the store
  bool bundle_due = false;   ///< in bundles_due_
  bool removing = false;     ///< it takes no more turns
  bool over_bytes = false;   ///< it was cancelled, because its owner's runs take too much
  std::uint64_t weight = 0;  ///< as it was weighed last
  bool is_idle = false;      ///< in idle_
  bool is_waiting = false;   ///< in waiting_
  bool has_waited = false;   ///< for room: its next turn is due
  std::int64_t epoch = -1;   ///< of the bundle that is being imported
  std::deque<Waiting> inputs;
  std::size_t inputs_bytes = 0;  ///< of those that came from outside
  std::deque<workflow::Effect> builtins;
  std::map<std::string, std::shared_ptr<ModelStep>> models;
  std::map<std::string, std::string> children;  ///< effects and the runs that they stand for
  std::vector<Waiter> waiters;                  ///< steps of other runs that wait for its end
  bool following = false;                       ///< the run that goes on is being begun
  std::vector<Viewer> viewers;                  ///< want its view once what waits is stored
  std::vector<SharedCallback> exports;          ///< want its bundle
  std::vector<workflow::Checkpoint> checkpoints;
  boost::asio::steady_timer timer;
  std::uint64_t timer_serial = 0;  ///< of the timer that was set last
  std::string view;                ///< as it was given last,
  std::uint64_t view_seq = 0;      ///< after so many events
};

constexpr std::int64_t store_retry_ms = 200;
/// Writes of the same events that failed, after which whoever waits for them is told so. The run
/// goes on trying.
constexpr int writes_failed_max = 10;
constexpr std::int64_t heartbeat_ms = 15'000;
constexpr std::int64_t timer_ms_max = 3'600'000;
/// Reads for watchers at a time: each may be as long as what a turn of a run wrote, or a bundle.
constexpr std::size_t watch_reads_max = 1;
/// Ended runs that stay in memory, for whoever looks at them next.
constexpr std::size_t idle_max = 256;
/// Turns after which a view of a run that does not rest is given as it stands.
constexpr int view_turns_max = 4;
/// A view that is kept, so that asking again costs no more than its bytes.
constexpr std::size_t view_kept_bytes_max = 64 << 10;
/// Inputs from outside that wait for one run.
constexpr std::size_t inputs_bytes_max = 8u << 20;
/// Who has less than this of what all may take begins runs nevertheless: others' weight is not
/// theirs to bear.
constexpr std::uint64_t light_share = 16;
/// A run whose clock's time comes sooner is not put out of memory.
constexpr std::int64_t rest_ms_min = 1'000;
/// What a turn of a run that is not light waits while those in memory are over their bound: what
/// was cancelled leaves it when its end is stored.
constexpr std::int64_t crowded_ms = 50;
/// Runs that are looked at, whether they can be put out of memory, for one that grows.
constexpr std::size_t put_out_looked_max = 256;
/// Runs that are read back at a time, and the bytes of their definitions and histories; a single
/// one may be larger.
constexpr std::size_t takes_max = 2;
constexpr std::uint64_t takes_bytes_max = 32u << 20;
/// Imports that are carried out at a time: each holds a run's state that grows.
constexpr std::size_t imports_max = 2;
/// Imports that wait for their turn, and the bytes of all bundles that are being imported; a single
/// one may be larger.
constexpr std::size_t imports_waiting_max = 64;
constexpr std::size_t imports_bytes_max = 24u << 20;
/// Those of one owner, waiting or not. A single one may be larger: beside the longest that comes in
/// one request (16 MiB) there is as much room for others.
constexpr std::size_t imports_owner_max = 16;
constexpr std::size_t imports_owner_bytes_max = 8u << 20;
/// Runs that are woken at once, and when others are looked for where there are more.
constexpr std::size_t woken_max = 64;
constexpr std::int64_t wake_retry_ms = 1'000;
/// When one is woken again that could not be read.
constexpr std::int64_t wake_later_ms = 5'000;
/// Unfinished runs that are listed at once at a start.
constexpr std::size_t recover_listed_max = 64;

bool is_over(workflow::RunStatus status);
/// What may be otherwise in a while.
bool is_passing(std::string_view code);
Error unknown_run(const std::string& id);

template <class T>
Callback<T> RunHost::on_thread(Callback<T> call) {
  auto shared_call = std::make_shared<Callback<T>>(std::move(call));
  return [weak = weak_from_this(), shared_call](Result<T> result) {
    const auto self = weak.lock();
    if (!self) return;
    auto shared = std::make_shared<Result<T>>(std::move(result));
    self->post([shared, shared_call] { (*shared_call)(std::move(*shared)); });
  };
}

}  // namespace redoubt::runs
