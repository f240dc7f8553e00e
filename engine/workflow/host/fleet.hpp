// Fleet: many runs of many owners, carried out as one machine. A run decides (run.hpp); the fleet
// says in which order what it decided is stored and done; its host (the relay, the page, the
// command line, a simulation) does what the fleet says and tells it what came of it.
//
//     command or completion, with the time -> work(turns) -> take(): actions, to be done in order
//
// A run's transitions; a command for one that is not in memory loads it first:
//
//   (none)    --(start)-------------------> new
//   (none)    --(any other command)-------> loading           Load, where there is room
//   loading   --(loaded: a run)-----------> replaying
//   loading   --(loaded: none, an error)--> (none)            Tell
//   replaying --(turns)-------------------> at work | (none)  Release, Tell
//   new       --(turn)--------------------> storing           Store
//   at work   --(turn: it decided)--------> storing           Store
//   at work   --(turn: nothing is left)---> at rest           Tell, Changed, Wake
//   storing   --(stored)------------------> at work           Show, Withdraw, Begin
//   storing   --(stored: an error)--------> storing | (none)  Store again later; else it has Left
//   at rest   --(done, give, tick)--------> at work
//   at rest   --(its child's end)---------> at work
//   at rest   --(continued)---------------> at rest           its successor starts: Load or Store
//   at rest   --(room is needed)----------> (none)            Left
//   parked, over, (none) --(import)-------> new               ReadEpochs, Load
//   any       --(remove)------------------> being erased      Erase
//   being erased --(erased)---------------> (none)            Withdraw, Tell, Left
//
// 1. Store before do: what follows from events (Begin, Withdraw, Show, Tell) comes out when they
//    are stored, and no sooner; one Store of a run is under way at a time. A host that dies between
//    any two actions loads the run again and loses nothing: what was under way is begun anew, under
//    the same keys, but for effects of the class once.
// 2. A run is known by its owner and id. What comes back from the host names a RunRef: a run that
//    left and came again is another one, and what was on its way to the first is dropped.
// 3. Children and successors are runs of the same owner, with ids that follow from the run's
//    (kin.hpp), seeds that follow from their ids, and a depth. However often they are asked for
//    they start once. Whoever waits for a run is told its end whatever that is: it is done, failed,
//    cancelled, parked, removed, or cannot be loaded or stored. Who waits for a run that goes on in
//    another waits for that one.
// 4. Turns are fair between owners, then between their runs (fair_queue.hpp). A turn is one input,
//    one slice of long work (budget.hpp), of a replay or of an import, or one built-in; work() does
//    so many and comes back.
// 5. What the runs in memory take is bounded, of one owner and of all. Over half of a bound those
//    that only wait leave, that longest at rest first. Over a bound an import is refused first;
//    then the owner's run that grows, or the heaviest of all, is cancelled, and until that is done
//    runs that are not light take every other turn. A run is read back when there is room for the
//    most that it ever took, and is refused after load_wait_ms_max.
// 6. Every kSnapshotEvents events a Store carries a snapshot, so that a load replays so many events
//    and no more. A snapshot of another version is loaded past: Load::whole.
// 7. What is shown of a run (Tell, Changed) is what is stored of it.
// 8. No I/O, no threads, no clock: `now_ms` comes with each call. The same calls give the same
//    actions, natively and in WebAssembly.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/bundle.hpp"
#include "engine/workflow/run.hpp"

namespace redoubt::workflow {

struct RunKey {
  std::string owner;
  std::string id;
  bool operator==(const RunKey&) const = default;
  bool operator<(const RunKey& other) const {
    return owner != other.owner ? owner < other.owner : id < other.id;
  }
};

/// Which of the runs that had this key.
struct RunRef {
  RunKey key;
  std::uint64_t serial = 0;
  bool operator==(const RunRef&) const = default;
};

/// Done, failed, cancelled, or gone on in another run.
bool is_over(RunStatus status);

/// What Tell answers: the host's own number. 0: nobody waits for the answer.
using Call = std::uint64_t;
/// What may be long, made once for all who ask at the same time. Never null.
using Text = std::shared_ptr<const std::string>;

/// What is kept of a run beside its history.
struct RunRecord {
  std::string workflow;    ///< the definition's name
  std::string definition;  ///< canonical JSON; empty in a Store that appends
  std::string context;     ///< the host's own, handed on to children and successors
  RunStatus status = RunStatus::running;
  std::int64_t started_ms = 0;
  /// When it was over; 0 while there is something to do for it. One that goes on in another run is
  /// over when that one is stored.
  std::int64_t ended_ms = 0;
  std::string root;  ///< the run that it descends from; its own id where it was started by itself
  int depth = 0;     ///< of runs in runs
  bool only_waits = false;   ///< for its owner or its clock alone
  std::int64_t wake_ms = 0;  ///< when its clock's time comes, where it only waits; 0: never
  /// The most that it ever took in memory, its texts apart; 0: nobody has weighed it yet.
  std::uint64_t memory_bytes = 0;
  /// Stores of it that were kept before: this one's number, the same where it is said again.
  std::uint64_t stores = 0;
};

/// What a run may take in memory while it is read back.
std::uint64_t memory_needed(const RunRecord& record);

struct LoadedRun {
  RunRecord record;
  std::uint64_t text_bytes = 0;    ///< of its definition, snapshot and history in the store
  bool unread = false;             ///< they do not fit in Load's room: neither is here
  std::string snapshot;            ///< empty where there is none, or the whole history was wanted
  std::uint64_t snapshot_seq = 0;  ///< events before it
  std::string history;             ///< whole, or the frames after the snapshot
};

/// What the host is to do, in this order.
namespace action {

/// Keep this as one transaction, and say stored().
struct Store {
  enum class How : std::uint8_t {
    create,   ///< a new run; refused where the store has one of its key
    replace,  ///< another one of its key, from a bundle: all that is kept of it gives way
    append,
  };
  RunRef run;
  How how = How::append;
  RunRecord record;
  std::string frames;    ///< to append to the history; with its header where it begins
  std::string snapshot;  ///< of the run after these frames, in place of the last one; mostly empty
  std::uint64_t snapshot_seq = 0;
  std::optional<std::uint32_t> epoch;  ///< of the bundle that the run came in
  bool rests = true;  ///< nothing is left of what came in: also releases what Load has marked
  bool ends = false;  ///< it is over with this
};
/// Read the run, mark it as being read, so that one which kills its host can be found, and say
/// loaded().
struct Load {
  RunRef run;
  bool whole = false;  ///< with its whole history, whatever snapshots there are
  /// One that needs more (memory_needed) or whose texts are more is not read (LoadedRun::unread),
  /// and not marked.
  std::uint64_t memory_bytes_max = UINT64_MAX;
  std::uint64_t text_bytes_max = UINT64_MAX;
};
/// What Load has marked did no harm.
struct Release {
  RunKey run;
  std::uint64_t memory_bytes = 0;  ///< that it took meanwhile; where it is more than its record's
};
/// Forget the run, and say erased().
struct Erase {
  RunKey run;
};
/// Read the run's whole history, and say history_read().
struct ReadHistory {
  RunRef run;
};
/// Say epochs_read(): the epochs of this run that were imported here, also where it was removed
/// since.
struct ReadEpochs {
  RunRef run;
};
/// Carry this out, and say done(). A question is only shown: its owner gives the answer.
struct Begin {
  RunRef run;
  Effect effect;
};
/// Nobody waits for the effect any more; it may be done already.
struct Withdraw {
  RunRef run;
  std::string effect;
};
struct Show {
  RunKey run;
  Progress progress;
};
struct Tell {
  Call call = 0;
  Result<Text> said;
};
/// What is shown of the run is another: at rest, and once while it works.
struct Changed {
  RunKey run;
  std::optional<Error> fault;  ///< why it stands still where it should not
};
/// The run is in memory no more. Where its clock's time is known, wake() it then.
struct Left {
  RunRef run;
  std::int64_t wake_ms = 0;
  std::optional<Error> why;  ///< it does not merely rest: what is said to whoever waits for it
};
/// A successor could not be begun, which nobody waits to hear: for the log.
struct Fault {
  RunKey run;
  Error error;
};
/// Say tick() once at this time, in place of the one that was named before; 0: not at all.
struct Wake {
  std::int64_t at_ms = 0;
};

}  // namespace action

using Action =
    std::variant<action::Store, action::Load, action::Release, action::Erase, action::ReadHistory,
                 action::ReadEpochs, action::Begin, action::Withdraw, action::Show, action::Tell,
                 action::Changed, action::Left, action::Fault, action::Wake>;

struct FleetBounds {
  std::size_t runs_max = 10'000;     ///< in memory, before a new one is refused
  std::size_t owner_runs_max = 100;  ///< under way in memory, of one owner
  std::size_t idle_max = 256;        ///< over or parked, that stay for whoever looks next
  std::size_t inputs_max = 1'024;    ///< that wait for one run
  std::size_t inputs_bytes_max = 8u << 20;
  std::uint64_t memory_bytes_max = 48u << 20;        ///< of all states, definitions and inputs
  std::uint64_t owner_memory_bytes_max = 40u << 20;  ///< those of one owner
  std::size_t loads_max = 2;                         ///< at a time; each brings its history along
  std::uint64_t load_bytes_max = 32u << 20;          ///< of all these; a single one may be larger
  std::int64_t load_wait_ms_max = 10'000;  ///< for room in memory, until a load is refused
  std::size_t imports_max = 2;             ///< at a time; each holds a bundle and a state
  std::size_t imports_waiting_max = 64;
  std::size_t imports_bytes_max = 24u << 20;  ///< of all bundles; a single one may be larger
  /// Those of one owner, waiting or not.
  std::size_t imports_owner_max = 16;
  std::size_t imports_owner_bytes_max = 8u << 20;
  /// Until what was refused is to be stored again. Below 0: never, of a store that may have kept
  /// what it refused; the run has then left, and is as the store has it when it is read back.
  std::int64_t store_retry_ms = 200;
  /// Refusals of the same events, after which whoever waits is told. They are stored again still.
  int stores_failed_max = 10;
  std::int64_t follow_retry_ms = 30'000;  ///< until a successor that could not start is tried again
  /// Until those that wait for room look for it again, and what a turn of a run that is not light
  /// waits while all take more than memory_bytes_max.
  std::int64_t room_retry_ms = 50;
  std::int64_t rest_ms_min = 1'000;  ///< a run whose clock's time comes sooner does not leave
  int view_turns_max = 4;            ///< after which a run that does not rest is shown as it stands
  std::uint64_t snapshot_events = kSnapshotEvents;
  /// A run that takes more in memory has none: each would be as long to write as the run to replay.
  std::uint64_t snapshot_memory_bytes_max = 1u << 20;
  std::uint64_t turn_work_max = kTurnWorkMax;
};

struct FleetOptions {
  FleetBounds bounds = {};
  std::vector<std::string> builtins = {};
  /// The workflow of this name, for children and handoffs; null where there is none, an error where
  /// there is one that cannot be run. The same between two calls of the fleet.
  std::function<Result<DefinitionPtr>(std::string_view name)> find = {};
  /// Codes of a store's errors that may be others in a while.
  std::vector<std::string> passing_codes = {};
  /// What a history may say of an error over the run of this key, which other runs waited for; as
  /// it is where this is empty.
  std::function<Error(const RunKey& key, const Error& error)> for_history = {};
  /// For the checkpoints in bundles, none where its id is empty; set_key() where it comes later.
  SigningKey key = {};
};

struct StartRun {
  RunKey key;
  DefinitionPtr definition;
  std::string input;  ///< JSON
  std::uint64_t seed = 0;
  std::string context = {};
};

struct GiveRun {
  InputKind kind = InputKind::signal;  ///< signal, answer or cancel
  std::string name;
  std::string value = {};
};

struct ImportRun {
  std::string owner;
  std::string bundle;
  std::string context = {};
  /// What the host knows; the fleet sees itself to owner, now_ms and what is known of the run.
  Importer importer = {};
};

class Fleet {
 public:
  explicit Fleet(FleetOptions options);
  Fleet(Fleet&&) noexcept;
  ~Fleet();

  // Commands. The answer comes as Tell; where nothing else is said it is the run's view as JSON:
  // {id, workflow, sha256, status, started_ms, ended_ms, events, epoch, outcome, questions,
  // state_hash}. Errors of all: those of the store, of replay, "unknown_run".

  /// Errors: "run_here" where one of its key is in memory, "too_many_runs", those of Run::start.
  void start(StartRun order, Call call, std::int64_t now_ms);
  /// A cancellation overtakes what waits. Errors: "too_many_inputs", those of Run::give.
  void give(const RunKey& key, GiveRun input, Call call, std::int64_t now_ms);
  /// Its view, once what came in is done.
  void look(const RunKey& key, Call call, std::int64_t now_ms);
  /// Sees that it is in memory and goes on; answered with nothing when it is there.
  void wake(const RunKey& key, Call call, std::int64_t now_ms);
  /// Parks it, once what came in is done; answered with its bundle's bytes. Errors: those of
  /// Run::park.
  void export_run(const RunKey& key, Call call, std::int64_t now_ms);
  /// Errors: those of Import, "run_here", "overloaded", "too_many_runs".
  void import_run(ImportRun order, Call call, std::int64_t now_ms);
  /// Whoever waits for it is told "removed"; answered with nothing when it is erased.
  void remove(const RunKey& key, Call call, std::int64_t now_ms);
  /// Ends the run, where it is under way in memory, because the host has no room for more of it.
  void cancel(const RunKey& key, std::string why, std::int64_t now_ms);
  /// From the next bundle on.
  void set_key(SigningKey key);
  /// What the host holds for the owner beside the runs takes `bytes` now, and took `counted`
  /// before, which is changed. It makes others give way as the runs do.
  void count(const std::string& owner, std::uint64_t& counted, std::uint64_t bytes);

  // Completions. An error of the store is passed on to whoever waits for an answer.
  void loaded(const RunRef& run, Result<std::optional<LoadedRun>> found, std::int64_t now_ms);
  /// "unknown_run" where it was erased by another: then it is gone here, too.
  void stored(const RunRef& run, const Result<void>& result, std::int64_t now_ms);
  /// False where the store had no such run.
  void erased(const RunKey& key, const Result<bool>& result, std::int64_t now_ms);
  void history_read(const RunRef& run, Result<std::string> history, std::int64_t now_ms);
  void epochs_read(const RunRef& run, Result<std::vector<std::uint32_t>> epochs,
                   std::int64_t now_ms);
  /// One that comes late or again is dropped; of a value that the run refuses the effect has
  /// failed.
  void done(const RunRef& run, std::string_view effect, bool failed, std::string value,
            std::int64_t now_ms);
  void tick(std::int64_t now_ms);

  /// Does so many turns at the most; whether more wait.
  bool work(std::size_t turns_max, std::int64_t now_ms);
  /// Whether turns wait.
  bool busy() const;
  std::vector<Action> take();

  /// As it stands in memory; null where it is not.
  const Run* find(const RunKey& key) const;
  const RunRecord* record(const RunKey& key) const;
  /// As look() tells it, at once. REQUIRES: find(key)
  Text view(const RunKey& key);
  /// Whether all that it has decided is stored. REQUIRES: find(key)
  bool is_stored(const RunKey& key) const;
  /// What the host is storing of it; null where that is nothing.
  const action::Store* storing(const RunRef& run) const;
  /// How many are in memory or being read.
  std::size_t size() const;
  /// What all of them take, and what is counted beside them.
  std::uint64_t memory_bytes() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace redoubt::workflow
