// Bundle: a run as one file, to be gone on with by another host.
//
// A bundle is the run's definition by value, its history (whole, or a signed snapshot and what came
// after it), the history's chain head, and the checkpoints that hosts have signed on the way.
//
// 1. One run is under way at one host. The exporter parks it (Run::park), stores that, and only
// then
//    gives the bundle out; the importer takes it over as the next epoch. Going on with a parked run
//    without importing it is a fork, with an id of its own. A run that is over is not parked: its
//    bundle is a copy to read, and import gives the run as it is.
// 2. Importing re-derives every decision, from the start or from a snapshot that this host has
//    signed. A snapshot without such a signature is refused: nothing would follow from anything.
// 3. A checkpoint is an HMAC-SHA-256 over owner, run, definition, epoch, and where the chain stood
//    (and the snapshot there). Where one does not fit, the import is refused and the events that it
//    covers are named. What follows the last good one is attested by the client alone.
// 4. Nothing is taken from a client's word that it must not grant itself. Budgets and credentials
//    are in no history: the importer's own apply. An answer to a question (an approval) after the
//    last good checkpoint is refused, because what was done upon it cannot be undone by asking
//    again; hosts of one and the same person say `honour_approvals`. A question that is still open
//    is asked by the importer. A step of the class once runs only where `may_do` says so, else it
//    fails with "missing_scope" when it is come to.
// 5. A definition runs only where its hash is in the importer's catalogue, or with author's rights.
//
// The file, little-endian: "RDBTBNDL", u32 version, u32 form, u32 epoch, u64 seq, link; definition,
// run's id, snapshot, history (texts); u32 number of checkpoints, each u64 seq, link, u32 epoch,
// snapshot's SHA-256, key's id (text), HMAC; SHA-256 of all before.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"

namespace redoubt::workflow {

inline constexpr std::size_t kBundleBytesMax = 64u << 20;
inline constexpr std::size_t kCheckpointsMax = 64;
inline constexpr std::size_t kRunIdBytesMax = 200;
inline constexpr std::size_t kKeyIdBytesMax = 64;

/// A host's word that the chain of a run stood there.
struct Checkpoint {
  ChainHead head;
  std::uint32_t epoch = 0;
  Digest256 snapshot{};  ///< of the run's snapshot there; zeros where none was taken
  std::string key_id;
  Digest256 mac{};
};

struct SigningKey {
  std::string id;
  std::string bytes;
};

/// Signs where the run stands now. `snapshot` is the run's, or empty.
Checkpoint sign_checkpoint(const Run& run, std::string_view owner, std::string_view snapshot,
                           const SigningKey& key);

enum class BundleForm : std::uint32_t { whole = 0, tail = 1 };

struct Bundle {
  BundleForm form = BundleForm::whole;
  std::uint32_t epoch = 0;
  ChainHead head;
  std::string definition;  ///< canonical JSON
  std::string run_id;
  std::string snapshot;  ///< empty in a whole one
  std::string history;   ///< with its header; the frames after the snapshot in a tail
  std::vector<Checkpoint> checkpoints;
};

/// A run's whole history as a bundle. Errors: "not_parked" for one that is under way here,
/// "untaken" while events wait to be stored, "other_history", "over_limit".
Result<Bundle> export_run(const Run& run, std::string history, std::vector<Checkpoint> checkpoints);
/// As short as it gets: for hosts that trust the last checkpoint, which is of `snapshot`.
Result<Bundle> export_tail(const Run& run, std::string snapshot, std::string tail,
                           std::vector<Checkpoint> checkpoints);

/// Deterministic: the same bundle always gives the same bytes.
std::string write_bundle(const Bundle& bundle);
/// Form only; what the bundle says is judged by import_run. Errors: "bad_bundle".
Result<Bundle> read_bundle(std::string_view bytes);

/// What the importer knows already of the bundle's run with this owner.
struct KnownRun {
  std::vector<std::uint32_t> epochs;  ///< of the bundles that were imported here
  bool under_way = false;             ///< it is under way here: nobody else can have it
  std::optional<ChainHead> left_at;   ///< where it stood when it was last exported from here
};

/// Whether the host may carry out a step of the class once.
using MayDo = bool (*)(const void* context, std::string_view step, std::string_view target);

struct Importer {
  std::string owner;
  std::int64_t now_ms = 0;
  std::int64_t clock_offset_ms = 0;  ///< this host's clock minus the exporter's
  KnownRun known;
  std::vector<Digest256> catalogue;
  bool may_author = false;
  bool honour_approvals = false;
  std::vector<SigningKey> keys;
  MayDo may_do = nullptr;  ///< null: none
  const void* context = nullptr;
};

struct Imported {
  Run run;                          ///< with `imported` to be taken and stored first
  std::string history;              ///< what was imported, as the bundle had it
  std::string snapshot;             ///< that it follows, in a tail
  std::uint32_t epoch = 0;          ///< of the bundle: known here from now on
  std::uint64_t signed_upto = 0;    ///< events before this are as they were signed
  std::uint64_t attested_from = 0;  ///< events from this on are the client's word; as many as there
                                    ///< are where all are signed
  std::vector<Checkpoint> checkpoints;  ///< those that fit, for the next export
  std::vector<std::string> denied;
};

/// import_run, a turn at a time, as Replay is. Of a bundle of many events neither the walk over
/// what was signed nor the replay is done in one piece.
class Import {
 public:
  /// Errors: "unknown_definition", "bad_definition", "known_epoch", "run_here", "bad_signature",
  /// "unsigned_snapshot", "other_definition", "bad_bundle".
  static Result<Import> begin(Bundle bundle, const LoadContext& load_context, Importer importer);

  Import(Import&&) noexcept;
  Import& operator=(Import&&) noexcept;
  ~Import();

  void set_turn_work(std::uint64_t units_max);
  /// True when all is re-derived. Errors: the others of import_run; the import is then over.
  Result<bool> go_on();
  /// What it takes in memory beside the bundle, for the host: the definition, and the run's state
  /// (Run::state_bytes) as far as it is re-derived.
  std::uint64_t state_bytes();
  /// Takes the run over; it may be busy(). REQUIRES: go_on() has given true.
  Result<Imported> imported() &&;

 private:
  struct Parts;
  explicit Import(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Errors name where: "unknown_definition", "bad_definition", "known_epoch", "run_here",
/// "bad_signature", "changed_signed_part", "changed_prefix", "unsigned_snapshot",
/// "unsigned_approval", "not_parked", "bad_bundle", and those of replay.
Result<Imported> import_run(const Bundle& bundle, const LoadContext& load_context,
                            const Importer& importer);

/// A parked run's history up to where it was parked, or any other, as that of a new run: under its
/// new id every decision must come out the same. It goes on by Run::replay and `resumed`; what it
/// had begun of the class once counts as unknown, as after a crash.
Result<std::string> fork_history(const DefinitionPtr& definition, std::string_view history,
                                 std::string_view new_id);

}  // namespace redoubt::workflow
