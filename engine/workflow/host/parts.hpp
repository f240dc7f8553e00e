// What a fleet is inside. Each source has one part of it: fleet.cpp what comes in, turns.cpp a
// run's turns, kin_runs.cpp children and successors, loading.cpp, importing.cpp, memory.cpp.
//
// A reference to an Open holds until another run is held, loaded or let go: those may put runs out,
// but never one that somebody waits for (is_needed).
#pragma once

#include <deque>
#include <map>
#include <set>
#include <utility>

#include "engine/base/fair_queue.hpp"
#include "engine/workflow/host/fleet.hpp"

namespace redoubt::workflow {

/// What a run's file may take as text: what is pinned once came in by a door as narrow.
inline constexpr std::size_t definition_bytes_max = 4u << 20;
inline constexpr int definition_depth_max = 64;

Error unknown_run(const std::string& id);

struct Fleet::Parts {
  /// A step of a run of the same owner that stands for another run.
  struct Waiter {
    std::string run;
    std::string effect;
    bool operator==(const Waiter&) const = default;
  };
  struct Waiting {
    InputKind kind = InputKind::tick;
    std::string name;
    std::string value;
    bool from_outside = false;
    Call call = 0;
  };
  struct Viewer {
    Call call = 0;
    int turns = 0;  ///< that it has waited for the run to rest
  };
  /// A run in memory.
  struct Open {
    Open(Run r, RunRef n) : run(std::move(r)), ref(std::move(n)) {}

    Run run;
    const RunRef ref;
    RunRecord record;
    std::optional<action::Store> storing;  ///< under way
    Taken taken;                           ///< beside it, to be done once it is stored
    /// Of a run that the store does not know yet: how it is to be stored, and what comes before its
    /// events.
    std::optional<action::Store> first;
    bool erasing = false;    ///< it takes no more turns
    bool marked = false;     ///< the store has it as being read
    bool resuming = false;   ///< it was read back, and is to be told so
    bool cancelled = false;  ///< because there is no room for it
    bool has_ended = false;  ///< a Store said so
    bool changed = false;    ///< since it was told last
    bool shown_at_work = false;
    bool following = false;   ///< its successor is being started
    bool has_waited = false;  ///< for room: its next turn is due
    bool is_idle = false;     ///< in idle_runs
    bool is_waiting = false;  ///< in waiting_runs
    int stores_failed = 0;
    std::uint64_t weight = 0;  ///< as it was weighed last
    std::uint64_t snapshot_seq = 0;
    std::int64_t timer_ms = 0;  ///< in `timers`
    std::deque<Waiting> inputs;
    std::size_t inputs_bytes = 0;  ///< of those from outside
    std::deque<Effect> builtins;   ///< to begin, one a turn
    std::set<std::string> begun;   ///< effects that the host carries out; no questions
    std::map<std::string, std::string> children;  ///< effects and the runs that they stand for
    std::vector<Waiter> waiters;                  ///< steps of other runs that wait for its end
    std::vector<RunRef> followers;                ///< runs that go on in this one
    std::vector<Viewer> viewers;
    std::vector<Call> exports;
    std::vector<Checkpoint> checkpoints;
    Text view;                   ///< as it was told last; null where it is long or has changed
    std::uint64_t view_seq = 0;  ///< after so many events
  };
  using Use = std::function<void(Result<Open*>)>;
  /// A run that is read back.
  struct Loading {
    std::uint64_t serial = 0;
    bool asked = false;
    bool whole = false;
    std::uint64_t needs = 0;  ///< memory, at the most; 0: the store was not heard yet
    std::uint64_t texts = 0;  ///< bytes of its definition and history
    std::uint64_t weight = 0;
    std::uint64_t weight_max = 0;
    std::int64_t waits_since_ms = 0;  ///< for room; 0: it does not
    LoadedRun found;                  ///< its bytes stay where they are while they are replayed
    std::optional<Replay> replay;
    std::uint64_t definition_bytes = 0;  ///< in memory
    std::vector<Use> users;
  };
  /// A run in whose place another is to come. It need not stay in memory: it is over or parked.
  struct Before {
    ChainHead left_at;
    std::int64_t started_ms = 0;
    std::string root;
    int depth = 0;
  };
  /// A run that comes in a bundle.
  struct Coming {
    std::uint64_t serial = 0;
    ImportRun order;
    Bundle bundle;  ///< until its import begins
    Call call = 0;
    bool begun = false;
    std::size_t bytes = 0;  ///< of the bundle
    std::uint64_t weight = 0;
    std::uint64_t state_max = 0;
    std::optional<Import> import;
    std::optional<Before> before;  ///< the run as it stood here when the import began
    bool removed = false;          ///< that one, since then
  };
  /// A run that a run leads to.
  struct Kin {
    RunKey key;
    std::string workflow;
    DefinitionPtr pinned;  ///< where it is known; else that of the name
    std::string input;
    std::string context;
    std::string root;
    int depth = 0;
    std::uint32_t generation = 0;
    std::uint64_t work = 0;
  };
  using Follower = std::optional<RunRef>;

  explicit Parts(FleetOptions given) : options(std::move(given)) {}
  const FleetBounds& bounds() const { return options.bounds; }

  // fleet.cpp
  void tell(Call call, Result<Text> said);
  void schedule(const RunKey& key);
  void set_timer(Open& open, std::int64_t at_ms);
  std::int64_t next_wake_ms() const;
  void fire(Open& open);

  // turns.cpp
  Open* find(const RunKey& key);
  Open* find(const RunRef& ref);
  Open& hold(Run run, RunKey key, RunRecord record);
  Open& hold_new(const RunKey& key, Run run, RunRecord record);
  std::unique_ptr<Open> let_go(const RunKey& key);
  void leave(const RunKey& key, const Error& why);
  void tell_callers(Open& open, const Error& why);
  void turn(const RunKey& key);
  void work(Open& open);
  void give_one(Open& open);
  void keep(Open& open);
  void store(Open& open, action::Store order);
  void stored(Open& open);
  void not_stored(Open& open, const Error& error);
  void carry_out(Open& open, Taken taken);
  void begin(Open& open, Effect effect);
  void begin_builtin(Open& open);
  void finish(Open& open, const std::string& effect, bool failed, std::string value);
  void drop_effect(Open& open, const std::string& effect);
  void drop_effects(Open& open);
  void rest(Open& open);
  void release(Open& open);
  void tell_changed(Open& open, std::optional<Error> fault);
  Text view(Open& open);
  void add_viewer(Open& open, Call call);
  void answer_viewers(Open& open, bool rests);
  void read_for_bundle(Open& open);
  void history_read(const RunRef& ref, Result<std::string> history);
  void give_bundle(Open& open, Result<std::string> history);
  void fail_exports(Open& open, const Error& error);

  // kin_runs.cpp
  void begin_child(Open& open, const Effect& effect);
  void start_or_join(Kin kin, std::optional<Waiter> waiter, Follower follower);
  void start_kin(const Kin& kin, const std::optional<Waiter>& waiter, const Follower& follower);
  void not_begun(const RunKey& key, const std::optional<Waiter>& waiter, const Follower& follower,
                 const Error& error);
  void join(Open& open, const std::optional<Waiter>& waiter, const Follower& follower);
  void tell_parent(const std::string& owner, const Waiter& waiter, bool failed, std::string value);
  void tell_waiters(Open& open);
  void follow(Open& open);
  void end_followed(const RunRef& ref, const Result<void>& begun);
  void tell_followers(Open& open, const Result<void>& begun);
  void cancel_child(const RunKey& child, const Waiter& waiter);
  bool is_passing(const Error& error) const;
  std::string failure_of(const RunKey& key, const Error& error) const;

  // loading.cpp
  void with(const RunKey& key, Use use);
  void load_next();
  bool ask_for(const RunKey& key, Loading& run);
  void wait_for_room(const RunKey& key);
  void look_for_room();
  void found(const RunKey& key, LoadedRun read);
  void begin_replay(const RunKey& key);
  void replay_on(const RunKey& key);
  void loaded(const RunKey& key);
  void fail_loading(const RunKey& key, const Error& error);
  void not_loaded(const RunKey& key, const Error& error);
  Loading end_loading(const RunKey& key);
  Result<DefinitionPtr> pinned_definition(const std::string& json);
  DefinitionPtr shared(DefinitionPtr definition);
  LoadContext pinned() const { return {options.builtins, {}, true}; }

  // importing.cpp
  void import(ImportRun order, Call call);
  std::optional<Error> no_place_for(const ImportRun& order) const;
  void import_next();
  Coming* find_coming(const RunRef& ref);
  void look_before_import(const RunRef& ref, std::vector<std::uint32_t> epochs);
  void begin_import(const RunKey& key, Open* before);
  void import_on(const RunKey& key);
  void take_over(const RunKey& key);
  bool gives_way(const RunKey& key);
  bool end_heaviest_import(const std::string* owner);
  Error no_memory() const;
  Coming end_coming(const RunKey& key);
  void end_import(const RunKey& key, const Error& error);

  // memory.cpp
  std::optional<Error> no_room(const std::string& owner);
  std::optional<Error> no_room_for(Open& open, const GiveRun& input);
  void count(const std::string& owner, std::uint64_t& counted, std::uint64_t now);
  void weigh(Open& open);
  std::uint64_t weight_of(const std::string& owner) const;
  void make_room(const std::string& owner, const Open* open, std::uint64_t bytes);
  bool waits_for_room(Open& open);
  void keep_within_memory(const std::string& owner, Open* open);
  void put_out_while(std::deque<RunRef>& resting, const std::string& owner, const Open* open,
                     std::uint64_t bytes);
  bool is_needed(const Open& open) const;
  void put_out(Open& open);
  void cancel_for_room(Open& open, std::string reason);
  void cancel_heaviest();
  void keep_idle(Open& open);
  void keep_waiting(Open& open);

  FleetOptions options;
  std::int64_t now_ms = 0;
  std::uint64_t serials = 0;
  std::vector<Action> actions;
  std::map<RunKey, std::unique_ptr<Open>> open_runs;
  std::map<RunKey, Loading> loading;
  FairQueue<std::string, RunKey> to_load;
  std::set<RunKey> loads;       ///< those of `loading` that were asked for
  bool asking = false;          ///< the store has one of these, and not answered
  std::deque<RunKey> roomless;  ///< those for which there is no room yet
  std::set<RunKey> crowded;     ///< runs whose next turns wait for others to leave the memory
  std::int64_t room_ms = 0;     ///< when these two are looked at again; 0: there are none
  std::map<RunKey, Coming> coming;
  FairQueue<std::string, RunKey> to_import;
  std::size_t imports = 0;        ///< under way
  std::size_t imports_bytes = 0;  ///< of the bundles of all in `coming`
  std::map<RunKey, std::vector<Call>> erasing;
  std::optional<RunRef> reading_for_bundle;
  std::deque<RunRef> bundles_due;  ///< runs whose bundles wait for that one
  FairQueue<std::string, RunKey> queue;
  std::set<std::pair<std::int64_t, RunKey>> timers;
  std::int64_t named_wake_ms = 0;
  std::deque<RunRef> idle_runs;                  ///< over or parked, that longest at rest first
  std::deque<RunRef> waiting_runs;               ///< that only wait, the same
  std::map<std::string, std::uint64_t> weights;  ///< bytes, of owners with any
  std::uint64_t weight = 0;                      ///< of all of them
  /// Definitions of runs in memory: one, however many runs have the same.
  std::map<Digest256, std::weak_ptr<const Definition>> definitions;
};

}  // namespace redoubt::workflow
