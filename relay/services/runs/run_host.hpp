// RunHost: what RunService is inside. The engine's fleet decides what is stored and done of which
// run, and in which order (engine/workflow/host/fleet.hpp); this does it: the store, models through
// the gateway, built-ins and memories, the clock, and whoever reads a run's events. Everything here
// is on the thread of the runs, but for what says otherwise.
//
//   asked from outside, or what came of an action -> the fleet -> its actions, at once
//   a turn: one of the fleet's, one slice for a watcher -> its actions -> whatever was asked
//   meanwhile
//
// 1. Between two turns the thread answers whoever asks, and sees that it is to end.
// 2. What comes back later (a model, the store) names a RunRef: a run that was removed and came
//    again is another one.
// 3. A run that only waits and is not in memory is found by its clock's time in the store.
// 4. A run that is watched may leave the memory like another. Watchers keep nothing of their own
//    between two turns (watchers.hpp), and their stretches of histories are read watch_reads_max at
//    a time, owners in turn.
// 5. At a start the store notes all runs that are to be read back, and before each is read that it
//    is; the notes go when the run rests again. A run over which the process died is found so noted
//    at the next start, is set aside, and does not kill it again (RunStore::begin_recovery).
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/fair_queue.hpp"
#include "engine/workflow/host/fleet.hpp"
#include "relay/services/runs/memory_book.hpp"
#include "relay/services/runs/model_step.hpp"
#include "relay/services/runs/run_service.hpp"
#include "relay/services/runs/run_store.hpp"
#include "relay/services/runs/watchers.hpp"

namespace redoubt::runs {

namespace action = workflow::action;
using workflow::RunRef;

class RunHost : public std::enable_shared_from_this<RunHost> {
 public:
  RunHost(Catalogue shipped, RunService::Dependencies dependencies);

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

  void start(const Owner& owner, const StartOrder& order, JsonCallback callback);
  void list(const Owner& owner, JsonCallback callback);
  void view(const Owner& owner, const std::string& id, SharedCallback callback);
  void give(const Owner& owner, const std::string& id, GiveOrder order, JsonCallback callback);
  void resume(const Owner& owner, const std::string& id, SharedCallback callback);
  void remove(const Owner& owner, const std::string& id, JsonCallback callback);
  void export_run(const Owner& owner, const std::string& id, SharedCallback callback);
  void import_run(const Owner& owner, std::string bundle, std::int64_t clock_ms,
                  JsonCallback callback);
  void may_watch(const Owner& owner, const std::string& id, JsonCallback callback);
  void watch(const Owner& owner, const std::string& id, std::uint64_t from,
             http::BodyStreamPtr out);

 private:
  /// An effect of the run with this serial.
  using EffectKey = std::pair<std::uint64_t, std::string>;

  // run_host.cpp: the thread, what is asked from outside
  workflow::FleetOptions fleet_options();
  template <class T>
  Callback<T> on_thread(Callback<T> call);
  std::int64_t now_ms();
  void call_at(boost::asio::steady_timer& timer, std::int64_t at_ms, std::function<void()> work);
  void beat();
  void watch_folder();
  void tell_of_file(observe::Level level, std::string_view event, const Error& said);
  void complain(std::string_view event, const RunKey* key, const Error& error);
  Result<workflow::DefinitionPtr> definition_for(const Owner& owner, const StartOrder& order);
  void view_set_aside(const RunKey& key, const Error& error, const SharedCallback& callback);
  workflow::Call expect(SharedCallback callback);
  void with(const RunKey& key, std::function<void(const Result<void>&)> use);
  const workflow::Run* find(const RunKey& key) const;
  void settle();
  void pump();
  void turn();

  // run_actions.cpp: what the fleet wants done
  void carry_out(action::Store& order);
  void carry_out(action::Load& order);
  void carry_out(action::Release& order);
  void carry_out(action::Erase& order);
  void carry_out(action::ReadHistory& order);
  void carry_out(action::ReadEpochs& order);
  void carry_out(action::Begin& order);
  void carry_out(action::Withdraw& order);
  void carry_out(action::Show&) {}  // watchers read the events
  void carry_out(action::Tell& answer);
  void carry_out(action::Changed& changed);
  void carry_out(action::Left& left);
  void carry_out(action::Fault& fault);
  void carry_out(action::Wake& wake);
  void stored(const RunRef& run, const Result<OwnerUse>& result);
  void begin_builtin(const action::Begin& order);
  void begin_model(const action::Begin& order);
  void finish(const RunRef& run, const std::string& effect, bool failed, std::string value);
  void finish_later(const RunRef& run, const std::string& effect, bool failed, std::string value);
  void fail(const action::Begin& order, const Error& error);
  Error for_history(const RunKey& key, const Error& error);

  // run_watching.cpp: who reads events
  Watchers* watchers_of(const RunKey& key);
  const LiveTexts* texts_of(const RunKey& key) const;
  void change_texts(const RunKey& key, const std::function<void(LiveTexts&)>& change);
  std::unique_ptr<StepWatcher> watch_step(const RunRef& run, const std::string& effect);
  void forget_text(const RunRef& run, const std::string& effect);
  Watchers* hold_watchers(const RunKey& key);
  void forget_watchers(const RunKey& key);
  void end_watchers(const RunKey& key);
  void schedule_watchers(const RunKey& key);
  void watch_on(const RunKey& key);
  void read_for_watchers(const RunKey& key, Watchers& watchers);
  void read_next();

  // run_recovery.cpp: runs that are not in memory and are to go on
  void recover();
  void recover_next();
  void list_to_recover();
  void wake_at(std::int64_t wake_ms);
  void wake_due();
  void wake(const RunKey& key);

  RunService::Dependencies dependencies_;
  WorkflowFolder folder_;
  std::string folder_fault_;
  RunStore& store_;
  MemoryBook memories_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer heartbeat_;
  boost::asio::steady_timer folder_timer_;
  boost::asio::steady_timer fleet_timer_;
  boost::asio::steady_timer clock_;
  std::int64_t clock_ms_ = 0;  ///< when it wakes runs; 0: never
  std::int64_t last_ms_ = 0;   ///< what now_ms() gave
  observe::Counter& started_;
  observe::Counter& ended_;
  observe::Counter& files_refused_;
  observe::Counter& store_faults_;
  workflow::Fleet fleet_;
  workflow::Call calls_ = 0;
  std::map<workflow::Call, SharedCallback> callbacks_;
  std::map<EffectKey, std::shared_ptr<ModelStep>> models_;
  struct CountedTexts {
    LiveTexts texts;
    std::uint64_t counted = 0;  ///< of its owner's memory
  };
  std::map<RunKey, CountedTexts> texts_;  ///< of runs whose models are saying something
  bool settling_ = false;
  bool pumping_ = false;                                  ///< the next turn is on its way
  std::map<RunKey, std::unique_ptr<Watchers>> watchers_;  ///< of runs in memory or not
  std::uint64_t watched_ = 0;                             ///< runs that ever had watchers
  WatchCaches watch_caches_;
  FairQueue<auth::Identity, RunKey> to_watch_;  ///< runs whose watchers may have something to do
  FairQueue<auth::Identity, RunKey> to_read_;   ///< runs whose watchers want something of the store
  std::size_t watch_reads_ = 0;                 ///< on their way from the store
  std::deque<RunKey> to_recover_;
  bool all_listed_ = false;
  bool recovery_missed_ = false;  ///< one of those listed could not be read for now
  bool recovery_waits_ = false;   ///< for room, or for the store
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// The same run as the fleet knows it, and as we do.
workflow::RunKey fleet_key(const RunKey& key);
RunKey own_key(const workflow::RunKey& key);
/// What may be otherwise in a while.
bool is_passing(std::string_view code);
Error set_aside_error(const std::string& id);

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
