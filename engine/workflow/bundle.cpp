#include "engine/workflow/bundle.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/bytes.hpp"
#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::workflow {
namespace {

constexpr std::string_view kMagic = "RDBTBNDL";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kDefinitionBytesMax = 1 << 20;
constexpr JsonLimits kStartedLimits{kPayloadBytesMax, 64};

Error refused(const char* code, Pieces message, Pieces path, std::string_view expected) {
  return make_error(code, message, path, {expected}, {});
}

void put_digest(ByteWriter& out, const Digest256& digest) {
  for (const std::uint8_t byte : digest)
    out.u8(byte);
}

Digest256 get_digest(ByteReader& in) {
  Digest256 digest{};
  for (std::uint8_t& byte : digest)
    byte = in.u8();
  return digest;
}

struct Signed {
  std::string_view owner;
  std::string_view run_id;
  const Digest256& definition;
};

Digest256 mac_of(const Signed& what, const Checkpoint& point, std::string_view key) {
  ByteWriter out;
  out.text("redoubt checkpoint 1");
  out.text(what.owner);
  out.text(what.run_id);
  put_digest(out, what.definition);
  out.u32(point.epoch);
  out.u64(point.head.seq);
  put_digest(out, point.head.link);
  put_digest(out, point.snapshot);
  out.text(point.key_id);
  return hmac_sha256(key, out.take());
}

bool same_head(const ChainHead& a, const ChainHead& b) {
  return a.seq == b.seq && a.link == b.link;
}

Result<Bundle> bundle_of(const Run& run, std::string snapshot, std::string history,
                         std::vector<Checkpoint> checkpoints) {
  if (run.status() == RunStatus::running)
    return refused("not_parked", {"the run is under way here"}, {}, "a run that is parked or over");
  if (checkpoints.size() > kCheckpointsMax || run.id().size() > kRunIdBytesMax ||
      history.size() + snapshot.size() > kBundleBytesMax / 2)
    return refused("over_limit", {"the run is larger than a bundle holds"}, {}, "a smaller run");
  Bundle bundle;
  bundle.form = snapshot.empty() ? BundleForm::whole : BundleForm::tail;
  bundle.epoch = run.epoch();
  bundle.head = run.head();
  bundle.definition = run.definition()->bytes;
  bundle.run_id = run.id();
  bundle.snapshot = std::move(snapshot);
  bundle.history = std::move(history);
  bundle.checkpoints = std::move(checkpoints);
  return bundle;
}

// Where the frames end. Errors: the reader's, and "other_history" where that is not the run's head.
Result<void> leads_to(HistoryReader reader, const ChainHead& head) {
  Event event;
  for (;;) {
    const auto more = reader.next(event);
    if (!more) return more.error();
    if (!*more) break;
  }
  if (same_head(reader.head(), head)) return {};
  return refused(
      "other_history",
      {"the history ends at event ", reader.head().seq, ", the run stands at ", head.seq},
      {"event ", reader.head().seq}, "the run's whole history");
}

Result<ChainHead> head_of_snapshot(std::string_view snapshot) {
  constexpr std::size_t kSeqAt = 8 + 4 + kDigestBytes;
  if (snapshot.size() < kSeqAt + 8 + kDigestBytes)
    return refused("bad_snapshot", {"the snapshot is cut"}, {}, "a snapshot of a run");
  ByteReader in(snapshot.substr(kSeqAt));
  ChainHead head;
  head.seq = in.u64();
  head.link = get_digest(in);
  return head;
}

}  // namespace

Checkpoint sign_checkpoint(const Run& run, std::string_view owner, std::string_view snapshot,
                           const SigningKey& key) {
  Checkpoint point;
  point.head = run.head();
  point.epoch = run.epoch();
  if (!snapshot.empty()) point.snapshot = sha256(snapshot);
  point.key_id = key.id;
  point.mac = mac_of({owner, run.id(), run.definition()->hash}, point, key.bytes);
  return point;
}

Result<Bundle> export_run(const Run& run, std::string history,
                          std::vector<Checkpoint> checkpoints) {
  auto reader = HistoryReader::open(history);
  if (!reader) return reader.error();
  if (const auto led = leads_to(std::move(*reader), run.head()); !led) return led.error();
  return bundle_of(run, {}, std::move(history), std::move(checkpoints));
}

Result<Bundle> export_tail(const Run& run, std::string snapshot, std::string tail,
                           std::vector<Checkpoint> checkpoints) {
  const auto from = head_of_snapshot(snapshot);
  if (!from) return from.error();
  if (const auto led = leads_to(HistoryReader(tail, *from), run.head()); !led) return led.error();
  return bundle_of(run, std::move(snapshot), std::move(tail), std::move(checkpoints));
}

std::string write_bundle(const Bundle& bundle) {
  ByteWriter out;
  out.u32(kVersion);
  out.u32(static_cast<std::uint32_t>(bundle.form));
  out.u32(bundle.epoch);
  out.u64(bundle.head.seq);
  put_digest(out, bundle.head.link);
  out.text(bundle.definition);
  out.text(bundle.run_id);
  out.text(bundle.snapshot);
  out.text(bundle.history);
  out.u32(static_cast<std::uint32_t>(bundle.checkpoints.size()));
  for (const Checkpoint& point : bundle.checkpoints) {
    out.u64(point.head.seq);
    put_digest(out, point.head.link);
    out.u32(point.epoch);
    put_digest(out, point.snapshot);
    out.text(point.key_id);
    put_digest(out, point.mac);
  }
  std::string bytes(kMagic);
  bytes += out.take();
  bytes.append(bytes_of(sha256(bytes)));
  return bytes;
}

Result<Bundle> read_bundle(std::string_view bytes) {
  const auto bad = [](Pieces why) {
    return make_error("bad_bundle", why, {}, {"a run's bundle"}, {});
  };
  if (bytes.size() > kBundleBytesMax)
    return bad({"a bundle has at most ", kBundleBytesMax, " bytes"});
  if (bytes.size() < kMagic.size() + 4 + kDigestBytes || bytes.substr(0, kMagic.size()) != kMagic)
    return bad({"these bytes are no bundle"});
  const std::string_view body = bytes.substr(0, bytes.size() - kDigestBytes);
  ByteReader in(body.substr(kMagic.size()));
  if (const std::uint32_t version = in.u32(); version != kVersion)
    return bad({"the bundle has version ", version});
  if (bytes_of(sha256(body)) != bytes.substr(body.size()))
    return bad({"the bundle is cut or damaged: its sum does not fit"});
  Bundle bundle;
  const std::uint32_t form = in.u32();
  bundle.form = static_cast<BundleForm>(form);
  bundle.epoch = in.u32();
  bundle.head.seq = in.u64();
  bundle.head.link = get_digest(in);
  bundle.definition = in.text(kDefinitionBytesMax);
  bundle.run_id = in.text(kRunIdBytesMax);
  bundle.snapshot = in.text(kBundleBytesMax);
  bundle.history = in.text(kBundleBytesMax);
  const std::uint32_t count = in.u32();
  if (count > kCheckpointsMax)
    return bad({"a bundle has at most ", kCheckpointsMax, " checkpoints"});
  for (std::uint32_t n = 0; n < count && !in.failed(); ++n) {
    Checkpoint point;
    point.head.seq = in.u64();
    point.head.link = get_digest(in);
    point.epoch = in.u32();
    point.snapshot = get_digest(in);
    point.key_id = in.text(kKeyIdBytesMax);
    point.mac = get_digest(in);
    if (n > 0 && point.head.seq <= bundle.checkpoints.back().head.seq)
      return bad({"the bundle's checkpoints are not in order"});
    bundle.checkpoints.push_back(std::move(point));
  }
  if (in.failed() || in.remaining() > 0) return bad({"the bundle is cut or damaged"});
  if (form > 1 || bundle.snapshot.empty() != (bundle.form == BundleForm::whole))
    return bad({"the bundle has neither a whole history nor a snapshot and what follows it"});
  return bundle;
}

namespace {

const SigningKey* key_of(const Importer& importer, std::string_view id) {
  for (const SigningKey& key : importer.keys)
    if (key.id == id) return &key;
  return nullptr;
}

// Those that this host can judge. Each must be good: a wrong one is not just left out.
Result<std::vector<Checkpoint>> judged(const Bundle& bundle, const Digest256& definition,
                                       const Importer& importer) {
  std::vector<Checkpoint> good;
  for (const Checkpoint& point : bundle.checkpoints) {
    const SigningKey* key = key_of(importer, point.key_id);
    if (!key) continue;
    const Digest256 mac = mac_of({importer.owner, bundle.run_id, definition}, point, key->bytes);
    if (!same_digest(mac, point.mac))
      return refused("bad_signature",
                     {"the checkpoint at event ", point.head.seq, " was not signed with the key ",
                      point.key_id, " for this owner and run"},
                     {"event ", point.head.seq}, "the signature that was given");
    good.push_back(point);
  }
  return good;
}

Result<DefinitionPtr> definition_of(const Bundle& bundle, const LoadContext& load_context,
                                    const Importer& importer) {
  const Digest256 hash = sha256(bundle.definition);
  bool known = importer.may_author;
  for (const Digest256& one : importer.catalogue)
    known = known || one == hash;
  if (!known)
    return make_error("unknown_definition",
                      {"the run's workflow is not one of this host's, and the sender may not bring "
                       "his own"},
                      {"definition"}, {"a workflow of the catalogue"}, {hex64(hash)});
  auto file = read_json_document(bundle.definition);
  if (!file) return file.error();
  const Loaded loaded = load(*file, load_context);
  if (!loaded.ok()) {
    const Error& fault = loaded.faults.front();
    return make_error("bad_definition", {"the run's workflow does not load here: ", fault.message},
                      {"definition", fault.path}, {fault.expected}, {fault.got});
  }
  if (loaded.definition->hash != hash)
    return refused("bad_definition", {"the run's workflow is not in its canonical form"},
                   {"definition"}, "canonical JSON");
  return loaded.definition;
}

Result<void> check_known(const Bundle& bundle, const KnownRun& known) {
  if (known.under_way)
    return refused("run_here", {"the run ", bundle.run_id, " is under way here"},
                   {"epoch ", bundle.epoch}, "a run that was exported from here, or a fork");
  for (const std::uint32_t epoch : known.epochs)
    if (bundle.epoch <= epoch)
      return refused("known_epoch",
                     {"the run ", bundle.run_id, " was imported here already, of epoch ", epoch},
                     {"epoch ", bundle.epoch}, "a later epoch, or a fork");
  return {};
}

// One walk over the frames: the chain against what was signed and what was left, and the first
// answer of a person that nobody has signed.
struct Walk {
  HistoryReader reader;
  const std::vector<Checkpoint>& points;
  std::size_t next = 0;
  std::uint64_t signed_upto = 0;
  std::uint64_t last_signed = 0;
  std::optional<ChainHead> left_at;
  std::optional<std::uint64_t> answer;
  EventKind last = EventKind::started;
};

Error changed(const char* code, std::uint64_t from, std::uint64_t upto, const char* by) {
  const std::uint64_t last = upto == 0 ? 0 : upto - 1;
  return refused(code, {"events ", from, " to ", last, " are not those that ", by},
                 {"event ", from}, "the events as they were");
}

Result<void> check_here(Walk& walk) {
  const ChainHead& head = walk.reader.head();
  if (walk.left_at && walk.left_at->seq == head.seq) {
    if (!same_head(*walk.left_at, head))
      return changed("changed_prefix", walk.signed_upto, head.seq, "were exported from here");
    walk.left_at.reset();
  }
  while (walk.next < walk.points.size() && walk.points[walk.next].head.seq <= head.seq) {
    const Checkpoint& point = walk.points[walk.next++];
    if (point.head.seq < head.seq) continue;  // before a tail begins
    if (!same_head(point.head, head))
      return changed("changed_signed_part", walk.signed_upto, head.seq, "this host has signed");
    walk.signed_upto = head.seq;
  }
  return {};
}

// So many bytes of frames are hashed for one unit of work.
constexpr std::uint64_t kFrameBytesAUnit = 16;
constexpr std::uint64_t kFrameUnits = 10;

// True at the end of the frames, false where the turn is over.
Result<bool> walk_on(Walk& walk, std::uint64_t units_max) {
  if (auto checked = check_here(walk); !checked) return checked.error();
  Event event;
  for (std::uint64_t units = 0; units < units_max;) {
    const auto more = walk.reader.next(event);
    if (!more) return more.error();
    if (!*more) return true;
    units += kFrameUnits + event.payload.size() / kFrameBytesAUnit;
    walk.last = event.kind;
    if (event.kind == EventKind::answered && event.seq >= walk.last_signed && !walk.answer)
      walk.answer = event.seq;
    if (auto checked = check_here(walk); !checked) return checked.error();
  }
  return false;
}

Result<HistoryReader> reader_of(const Bundle& bundle, const Digest256& definition,
                                const std::vector<Checkpoint>& points) {
  if (bundle.form == BundleForm::whole) {
    auto reader = HistoryReader::open(bundle.history);
    if (reader && reader->definition() != definition)
      return make_error("other_definition", {"the history is of another definition"},
                        {"definition"}, {hex64(definition)}, {hex64(reader->definition())});
    return reader;
  }
  const auto head = head_of_snapshot(bundle.snapshot);
  if (!head) return head.error();
  const Digest256 digest = sha256(bundle.snapshot);
  for (const Checkpoint& point : points)
    if (same_head(point.head, *head) && point.snapshot == digest)
      return HistoryReader(bundle.history, *head);
  return refused(
      "unsigned_snapshot",
      {"the bundle begins with a snapshot at event ", head->seq, " that this host has not signed"},
      {"event ", head->seq}, "a snapshot that is signed, or the whole history");
}

Walk walk_over(HistoryReader reader, const std::vector<Checkpoint>& points,
               const Importer& importer) {
  Walk walk{std::move(reader), points, 0, 0, 0, importer.known.left_at, {}, EventKind::started};
  // A tail begins behind what was left, at a point that this host has signed.
  if (walk.left_at && walk.left_at->seq < walk.reader.head().seq) walk.left_at.reset();
  walk.last_signed = points.empty() ? 0 : points.back().head.seq;
  return walk;
}

Result<void> check_walked(const Walk& walk, const Bundle& bundle, const Importer& importer) {
  if (!same_head(walk.reader.head(), bundle.head) || walk.next < walk.points.size() || walk.left_at)
    return refused("bad_bundle",
                   {"the history ends at event ", walk.reader.head().seq, ", not at ",
                    bundle.head.seq, " as the bundle and its checkpoints say"},
                   {"event ", walk.reader.head().seq}, "the whole history");
  if (walk.answer && !importer.honour_approvals)
    return refused("unsigned_approval",
                   {"event ", *walk.answer, " is a person's answer that this host has not signed"},
                   {"event ", *walk.answer}, "an answer given here, or before the last checkpoint");
  return {};
}

std::vector<std::string> denied_steps(const Definition& definition, const Importer& importer) {
  std::vector<std::string> denied;
  for (StepId step = 0; step < definition.steps.size(); ++step) {
    const Step& one = definition.steps[step];
    if (one.effect_class != EffectClass::once) continue;
    const std::string_view name = definition.step_name(step);
    if (!importer.may_do || !importer.may_do(importer.context, name, definition.text(one.target)))
      denied.emplace_back(name);
  }
  return denied;
}

}  // namespace

struct Import::Parts {
  Bundle bundle;
  Importer importer;
  DefinitionPtr definition;
  std::vector<Checkpoint> points;
  std::optional<Walk> walk;
  std::optional<Replay> replay;  ///< when all frames have been walked over
  std::uint64_t turn_work_max = kTurnWorkMax;
};

Import::Import(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Import::Import(Import&&) noexcept = default;
Import& Import::operator=(Import&&) noexcept = default;
Import::~Import() = default;

Result<Import> Import::begin(Bundle bundle, const LoadContext& load_context, Importer importer) {
  if (auto known = check_known(bundle, importer.known); !known) return known.error();
  auto definition = definition_of(bundle, load_context, importer);
  if (!definition) return definition.error();
  auto points = judged(bundle, (*definition)->hash, importer);
  if (!points) return points.error();
  // What the readers look at stays where it is.
  auto parts = std::make_unique<Parts>();
  parts->bundle = std::move(bundle);
  parts->importer = std::move(importer);
  parts->definition = std::move(*definition);
  parts->points = std::move(*points);
  auto reader = reader_of(parts->bundle, parts->definition->hash, parts->points);
  if (!reader) return reader.error();
  parts->walk.emplace(walk_over(std::move(*reader), parts->points, parts->importer));
  return Import(std::move(parts));
}

void Import::set_turn_work(std::uint64_t units_max) {
  parts_->turn_work_max = std::max<std::uint64_t>(units_max, 1);
  if (parts_->replay) parts_->replay->set_turn_work(units_max);
}

Result<bool> Import::go_on() {
  Parts& p = *parts_;
  if (p.replay) return p.replay->go_on();
  const auto walked = walk_on(*p.walk, p.turn_work_max);
  if (!walked || !*walked) return walked;
  if (auto checked = check_walked(*p.walk, p.bundle, p.importer); !checked) return checked.error();
  auto replay = p.bundle.form == BundleForm::whole
                    ? Replay::begin(p.definition, p.bundle.history)
                    : Replay::begin(p.definition, p.bundle.snapshot, p.bundle.history);
  if (!replay) return replay.error();
  p.replay.emplace(std::move(*replay));
  p.replay->set_turn_work(p.turn_work_max);
  return false;
}

std::uint64_t Import::state_bytes() {
  Parts& p = *parts_;
  return p.definition->memory_bytes + (p.replay ? p.replay->state_bytes() : 0);
}

Result<Imported> Import::imported() && {
  Parts& p = *parts_;
  Run run = std::move(*p.replay).run();
  Bundle& bundle = p.bundle;
  // A replay that gives more than was recorded: the history ends in the middle of a decision.
  if (!same_head(run.head(), bundle.head) || run.id() != bundle.run_id ||
      run.epoch() != bundle.epoch)
    return refused("bad_bundle", {"the run that comes out is not the one that the bundle names"},
                   {"event ", bundle.head.seq}, "the run, epoch and head of the history");
  if (run.status() == RunStatus::running)
    return refused("not_parked", {"the run was not parked by its host"},
                   {"event ", bundle.head.seq}, "a history that ends with moved, or a run's end");
  const std::uint64_t upto = p.walk->signed_upto;
  Imported imported{std::move(run),
                    std::move(bundle.history),
                    std::move(bundle.snapshot),
                    bundle.epoch,
                    upto,
                    upto,
                    std::move(p.points),
                    {}};
  if (imported.run.status() != RunStatus::parked) return imported;
  imported.denied = denied_steps(*p.definition, p.importer);
  imported.run.set_turn_work(p.turn_work_max);
  if (auto taken = imported.run.take_over(
          {p.importer.now_ms, p.importer.clock_offset_ms, bundle.epoch + 1, imported.denied});
      !taken)
    return taken.error();
  return imported;
}

Result<Imported> import_run(const Bundle& bundle, const LoadContext& load_context,
                            const Importer& importer) {
  auto import = Import::begin(bundle, load_context, importer);
  if (!import) return import.error();
  import->set_turn_work(kUnboundedTurn);
  for (;;) {
    const auto done = import->go_on();
    if (!done) return done.error();
    if (*done) break;
  }
  auto imported = std::move(*import).imported();
  if (imported) imported->run.set_turn_work(kTurnWorkMax);
  return imported;
}

namespace {

// What {id, input, seed} becomes under another id.
Result<std::string> renamed(std::string_view payload, std::string_view id) {
  auto started = parse_json(payload, kStartedLimits);
  if (!started) return started.error();
  if (!started->is_object())
    return refused("bad_history", {"the history does not begin with a run's start"}, {"event 0"},
                   "started");
  (*started)["id"] = std::string(id);
  return canonical(*started);
}

}  // namespace

Result<std::string> fork_history(const DefinitionPtr& definition, std::string_view history,
                                 std::string_view new_id) {
  auto reader = HistoryReader::open(history);
  if (!reader) return reader.error();
  std::string forked = history_header(definition->hash);
  ChainHead head = chain_start(forked);
  std::string started;
  Event event;
  std::size_t before_last = forked.size();
  for (;;) {
    const auto more = reader->next(event);
    if (!more) return more.error();
    if (!*more) break;
    if (event.seq == 0) {
      auto payload = renamed(event.payload, new_id);
      if (!payload) return payload.error();
      started = std::move(*payload);
      event.payload = started;
    }
    before_last = forked.size();
    append_event(event, head, forked);
  }
  if (head.seq > 0 && event.kind == EventKind::moved) forked.resize(before_last);
  if (auto replayed = Run::replay(definition, forked); !replayed) return replayed.error();
  return forked;
}

}  // namespace redoubt::workflow
