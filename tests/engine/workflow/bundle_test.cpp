#include "engine/workflow/bundle.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "engine/base/json.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

constexpr std::string_view kPlan =
    R"({"name": "plan", "tools": {"look": {"class": "idempotent"}, "pay": {"class": "once"}},
  "state": {"log": {"reducer": "append"}}, "workflow": [
  {"id": "a", "tool": "look"}, {"set": {"log": "{{ steps.a }}"}}, {"id": "ok", "ask": "Fine?"},
  {"id": "b", "tool": "look", "with": "{{ steps.ok }}"}, {"id": "c", "tool": "pay"}]})";

const SigningKey kRelay{"relay-1", "a key that only the relay has"};

DefinitionPtr plan() {
  static const DefinitionPtr loaded = [] {
    const auto file = read_json_document(kPlan);
    REQUIRE(file);
    return load(*file, {}).definition;
  }();
  REQUIRE(loaded);
  return loaded;
}

// A run beside its journal: what a host has of it.
struct Hosted {
  Run run;
  std::string history = history_header(plan()->hash);
  std::string snapshot;
  std::size_t snapshot_at = 0;
  std::vector<Checkpoint> checkpoints;

  void store() { history += run.take().events; }
  void give(InputKind kind, const char* name, const char* value = "") {
    REQUIRE(run.give({kind, run.now_ms() + 10, name, value}));
    store();
  }
  void sign() {
    snapshot = run.snapshot();
    snapshot_at = history.size();
    checkpoints.push_back(sign_checkpoint(run, "ada", snapshot, kRelay));
  }
  void park() {
    REQUIRE(run.park(run.now_ms()));
    store();
  }
  Bundle whole() const {
    auto bundle = export_run(run, history, checkpoints);
    REQUIRE(bundle);
    return *bundle;
  }
  Bundle tail() const {
    auto bundle = export_tail(run, snapshot, history.substr(snapshot_at), checkpoints);
    REQUIRE(bundle);
    return *bundle;
  }
};

Hosted begun() {
  auto run = Run::start(plan(), "{\"n\":1}", {"run-1", 7, 1000});
  REQUIRE(run);
  Hosted hosted{std::move(*run)};
  hosted.store();
  hosted.give(InputKind::completed, "a#1", "\"seen\"");
  return hosted;
}

// Signed once in the middle, before a person has answered, and parked after.
Hosted signed_and_moved(bool answer_signed) {
  Hosted hosted = begun();
  if (!answer_signed) hosted.sign();
  hosted.give(InputKind::answer, "ok#1", "true");
  if (answer_signed) hosted.sign();
  hosted.give(InputKind::completed, "b#1", "2");
  REQUIRE(hosted.run.give({InputKind::failed, 2000, "c#1", "{\"code\":\"no\"}"}));
  return hosted;
}

Hosted asked_and_moved() {
  Hosted hosted = begun();
  hosted.sign();
  hosted.park();
  return hosted;
}

bool may_all(const void*, std::string_view, std::string_view) {
  return true;
}

Importer relay() {
  Importer importer;
  importer.owner = "ada";
  importer.now_ms = 5000;
  importer.catalogue = {plan()->hash};
  importer.keys = {kRelay};
  importer.may_do = may_all;
  return importer;
}

// "ok", or the error's code and where.
std::string imported(const Bundle& bundle, const Importer& importer) {
  const auto got = import_run(bundle, {}, importer);
  if (got) return "ok " + std::to_string(got->attested_from);
  CHECK_FALSE(got.error().message.empty());
  return got.error().code + " " + got.error().path;
}

// The history with one event changed and every later link made anew, as a forger would.
std::string forged(const std::string& history, std::uint64_t at, EventKind kind,
                   std::string_view payload, std::uint64_t upto = ~0ull) {
  auto reader = HistoryReader::open(history);
  REQUIRE(reader);
  std::string out = history_header(reader->definition());
  ChainHead head = chain_start(out);
  Event event;
  for (auto more = reader->next(event); more && *more && event.seq < upto;
       more = reader->next(event)) {
    if (event.seq == at) event.kind = kind, event.payload = payload;
    append_event(event, head, out);
  }
  return out;
}

Bundle with_history(Bundle bundle, std::string history) {
  auto reader = HistoryReader::open(history);
  REQUIRE(reader);
  Event event;
  for (auto more = reader->next(event); more && *more;)
    more = reader->next(event);
  bundle.head = reader->head();
  bundle.history = std::move(history);
  return bundle;
}

std::uint64_t seq_of(const std::string& history, EventKind kind) {
  auto reader = HistoryReader::open(history);
  REQUIRE(reader);
  Event event;
  for (auto more = reader->next(event); more && *more; more = reader->next(event))
    if (event.kind == kind) return event.seq;
  return ~0ull;
}

}  // namespace

TEST_SUITE("workflow/bundle") {
  TEST_CASE("a bundle is read as it was written, and always written the same") {
    const Hosted hosted = asked_and_moved();
    for (const Bundle& bundle : {hosted.whole(), hosted.tail()}) {
      const std::string bytes = write_bundle(bundle);
      const auto read = read_bundle(bytes);
      REQUIRE(read);
      CHECK(write_bundle(*read) == bytes);
      CHECK(read->run_id == "run-1");
      CHECK(read->checkpoints.size() == 1);
    }
    // The same in every build, until the form of a snapshot changes.
    CHECK(hex64(sha256(write_bundle(hosted.whole()))) ==
          "d75dda06af7d75eabe76cc1202bb5250755d8595993b81a799e41f9f070f8b7d");
  }

  TEST_CASE("both forms give the same run, which goes on to the same end") {
    const Hosted hosted = asked_and_moved();
    std::vector<std::uint64_t> hashes;
    for (const Bundle& bundle : {hosted.whole(), hosted.tail()}) {
      auto got = import_run(bundle, {}, relay());
      REQUIRE_MESSAGE(got, got.error().message);
      CHECK(got->run.status() == RunStatus::running);
      CHECK(got->epoch == 0);
      CHECK(got->run.epoch() == 1);
      CHECK(got->signed_upto == hosted.checkpoints[0].head.seq);
      CHECK(got->attested_from == got->signed_upto);
      CHECK(got->checkpoints.size() == 1);
      const Taken taken = got->run.take();
      CHECK(taken.count == 1);
      CHECK(taken.effects.size() == 1);
      for (const auto& [kind, name] : {std::pair{InputKind::answer, "ok#1"},
                                       {InputKind::completed, "b#1"},
                                       {InputKind::completed, "c#1"}})
        REQUIRE(got->run.give({kind, 6000, name, "3"}));
      CHECK(got->run.status() == RunStatus::done);
      hashes.push_back(got->run.state_hash());
    }
    CHECK(hashes[0] == hashes[1]);
  }

  TEST_CASE("a run that is over is a copy to read") {
    Hosted hosted = begun();
    REQUIRE(hosted.run.give({InputKind::cancel, 2000, "me", {}}));
    hosted.store();
    auto got = import_run(hosted.whole(), {}, relay());
    REQUIRE(got);
    CHECK(got->run.status() == RunStatus::cancelled);
    CHECK(got->run.epoch() == 0);
    CHECK(got->run.take().count == 0);
  }

  TEST_CASE("a run that is under way is not exported, nor one whose events are not stored") {
    Hosted hosted = begun();
    CHECK(export_run(hosted.run, hosted.history, {}).error().code == "not_parked");
    REQUIRE(hosted.run.park(3000));
    CHECK(export_run(hosted.run, hosted.history, {}).error().code == "other_history");
    // Without the event that parked it, the history is that of a run under way.
    const Bundle bundle = asked_and_moved().whole();
    Bundle cut = with_history(bundle, forged(bundle.history, ~0ull, {}, {}, bundle.head.seq - 1));
    CHECK(imported(cut, relay()) == "not_parked event " + std::to_string(cut.head.seq));
  }

  TEST_CASE("what this host knows already is refused") {
    const Bundle bundle = asked_and_moved().whole();
    Importer importer = relay();
    importer.known.epochs = {0};
    CHECK(imported(bundle, importer) == "known_epoch epoch 0");
    importer.known.epochs = {3, 1};
    CHECK(imported(bundle, importer) == "known_epoch epoch 0");
    importer = relay();
    importer.known.under_way = true;
    CHECK(imported(bundle, importer) == "run_here epoch 0");
    Bundle renamed = bundle;
    renamed.run_id = "run-2";
    renamed.checkpoints.clear();
    CHECK(imported(renamed, relay()).substr(0, 10) == "bad_bundle");
    Bundle later = bundle;
    later.epoch = 1;
    CHECK(imported(later, relay()).substr(0, 10) == "bad_bundle");
  }

  TEST_CASE("only workflows of the catalogue run, unless the sender may bring his own") {
    const Bundle bundle = asked_and_moved().whole();
    Importer importer = relay();
    importer.catalogue.clear();
    CHECK(imported(bundle, importer) == "unknown_definition definition");
    importer.may_author = true;
    CHECK(imported(bundle, importer).substr(0, 2) == "ok");
    Bundle other = bundle;
    other.definition = "{\"name\":\"plan\"}";
    CHECK(imported(other, importer).substr(0, 14) == "bad_definition");
    other.definition = R"({"name":"o","workflow":[{"emit":"x"}]})";
    other.checkpoints.clear();
    CHECK(imported(other, importer) == "other_definition definition");
  }

  TEST_CASE("a signed part that was changed is refused and named, even with the chain made anew") {
    Hosted hosted = begun();
    hosted.sign();
    const std::uint64_t first = hosted.run.head().seq;
    hosted.give(InputKind::answer, "ok#1", "true");
    hosted.sign();
    const std::uint64_t second = hosted.run.head().seq;
    hosted.park();
    const Bundle bundle = hosted.whole();
    CHECK(imported(bundle, relay()) == "ok " + std::to_string(second));
    const std::uint64_t result = seq_of(bundle.history, EventKind::completed);
    CHECK(imported(with_history(bundle, forged(bundle.history, result, EventKind::completed, "9")),
                   relay()) == "changed_signed_part event 0");
    const std::uint64_t answer = seq_of(bundle.history, EventKind::answered);
    CHECK(
        imported(with_history(bundle, forged(bundle.history, answer, EventKind::answered, "false")),
                 relay()) == "changed_signed_part event " + std::to_string(first));
    // Bytes that were changed without the chain are found at the very event.
    Bundle damaged = bundle;
    damaged.history[damaged.history.find("seen")] = 'S';
    CHECK(imported(damaged, relay()) == "broken_chain event " + std::to_string(result));
    // Another owner's, another key's, or made up.
    Importer other = relay();
    other.owner = "bob";
    CHECK(imported(bundle, other) == "bad_signature event " + std::to_string(first));
    other = relay();
    other.keys[0].bytes = "a guess";
    CHECK(imported(bundle, other) == "bad_signature event " + std::to_string(first));
    Bundle moved = bundle;
    moved.checkpoints[1].head.seq += 1;
    CHECK(imported(moved, relay()) == "bad_signature event " + std::to_string(second + 1));
    // Cut off before what was signed.
    Bundle cut = with_history(bundle, forged(bundle.history, ~0ull, {}, {}, second - 1));
    CHECK(imported(cut, relay()) == "bad_bundle event " + std::to_string(second - 1));
  }

  TEST_CASE("what was left here must still be there, signed or not") {
    Hosted hosted = asked_and_moved();
    Importer importer = relay();
    importer.known.left_at = hosted.run.head();
    Bundle bundle = hosted.whole();
    CHECK(imported(bundle, importer).substr(0, 2) == "ok");
    bundle.checkpoints.clear();
    const std::uint64_t result = seq_of(bundle.history, EventKind::completed);
    const auto other =
        with_history(bundle, forged(bundle.history, result, EventKind::completed, "9"));
    CHECK(imported(other, relay()) == "diverged event " + std::to_string(result + 2));
    CHECK(imported(other, importer) == "changed_prefix event 0");
  }

  TEST_CASE("a snapshot that this host has not signed is refused") {
    const Hosted hosted = asked_and_moved();
    const std::string where = "event " + std::to_string(hosted.checkpoints[0].head.seq);
    Bundle bundle = hosted.tail();
    CHECK(imported(bundle, relay()).substr(0, 2) == "ok");
    Importer none = relay();
    none.keys.clear();
    CHECK(imported(bundle, none) == "unsigned_snapshot " + where);
    bundle.snapshot.back() = static_cast<char>(bundle.snapshot.back() ^ 1);
    CHECK(imported(bundle, relay()) == "unsigned_snapshot " + where);
    bundle.checkpoints.clear();
    CHECK(imported(bundle, relay()) == "unsigned_snapshot " + where);
  }

  TEST_CASE("an approval that this host has not signed is refused, by whatever name it comes") {
    for (const bool answer_signed : {true, false}) {
      Hosted hosted = signed_and_moved(answer_signed);
      hosted.store();
      const Bundle bundle = hosted.whole();
      const std::uint64_t answer = seq_of(bundle.history, EventKind::answered);
      CHECK(imported(bundle, relay()) ==
            (answer_signed ? "ok " + std::to_string(hosted.checkpoints[0].head.seq)
                           : "unsigned_approval event " + std::to_string(answer)));
      Importer own = relay();
      own.honour_approvals = true;
      CHECK(imported(bundle, own).substr(0, 2) == "ok");
      if (answer_signed) continue;
      CHECK(imported(
                with_history(bundle, forged(bundle.history, answer, EventKind::completed, "true")),
                relay()) == "diverged event " + std::to_string(answer));
    }
  }

  TEST_CASE("steps of the class once are asked for by name") {
    Importer importer = relay();
    importer.may_do = nullptr;
    auto got = import_run(asked_and_moved().whole(), {}, importer);
    REQUIRE(got);
    CHECK(got->denied == std::vector<std::string>{"c"});
    REQUIRE(got->run.give({InputKind::answer, 6000, "ok#1", "true"}));
    REQUIRE(got->run.give({InputKind::completed, 6000, "b#1", "1"}));
    CHECK(got->run.status() == RunStatus::failed);
    CHECK(got->run.outcome().find("missing_scope") != std::string::npos);
    importer.context = "c";
    importer.may_do = [](const void* context, std::string_view step, std::string_view target) {
      CHECK(target == "pay");
      return step == static_cast<const char*>(context);
    };
    got = import_run(asked_and_moved().whole(), {}, importer);
    REQUIRE(got);
    CHECK(got->denied.empty());
  }

  TEST_CASE("a forged move is no way around an epoch") {
    const Hosted hosted = asked_and_moved();
    const Bundle bundle = hosted.whole();
    for (const char* payload : {"{\"epoch\":1}", "{\"epoch\":-1}", "{}", "null", "{\"epoch\":0.5}",
                                "{\"epoch\":0,\"more\":1}", "{\"epoch\":18446744073709551615}"})
      CHECK(imported(with_history(bundle, forged(bundle.history, bundle.head.seq - 1,
                                                 EventKind::moved, payload)),
                     relay()) == "diverged event " + std::to_string(bundle.head.seq - 1));
    for (const char* payload :
         {"{\"epoch\":2,\"offset_ms\":0}", "{\"epoch\":1}", "{\"epoch\":1,\"offset_ms\":1e99}",
          "{\"denied\":[\"nobody\"],\"epoch\":1,\"offset_ms\":0}",
          "{\"denied\":[],\"epoch\":1,\"offset_ms\":0}",
          "{\"epoch\":1,\"offset_ms\":99999999999999}"}) {
      std::string history = bundle.history;
      ChainHead head = bundle.head;
      append_event({0, 9000, EventKind::imported, kNoStep, kNoStep, payload}, head, history);
      CHECK(imported(with_history(bundle, history), relay()) ==
            "diverged event " + std::to_string(bundle.head.seq));
    }
  }

  TEST_CASE("a bundle with any byte changed is refused, or its word is the client's alone") {
    const Hosted hosted = asked_and_moved();
    for (const Bundle& bundle : {hosted.whole(), hosted.tail()}) {
      const std::string bytes = write_bundle(bundle);
      const std::size_t body = bytes.size() - 32;
      for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ (1 << (at % 8)));
        CHECK_FALSE(read_bundle(changed));
        CHECK_FALSE(read_bundle(std::string_view(bytes).substr(0, at)));
        if (at >= body) continue;
        // A forger makes the sum anew; then each part stands on its own.
        const Digest256 sum = sha256(std::string_view(changed).substr(0, body));
        changed.replace(body, 32, bytes_of(sum));
        const auto read = read_bundle(changed);
        if (!read) continue;
        const auto got = import_run(*read, {}, relay());
        CAPTURE(at);
        if (!got) {
          CHECK_FALSE(got.error().code.empty());
          continue;
        }
        // Only the name of the key can be changed so that nobody here can judge the checkpoint.
        CHECK(got->signed_upto == 0);
        CHECK(got->attested_from == 0);
        CHECK(got->run.id() == "run-1");
        CHECK(bundle.form == BundleForm::whole);
      }
    }
  }

  TEST_CASE("a run of ten thousand events goes away and comes back, the same in every build") {
    const auto file = read_json_document(
        R"({"name": "long", "tools": {"t": {"class": "idempotent"}}, "state": {"sum": {"reducer": "add"}},
  "workflow": [{"loop": {"max": 2000}, "do": [{"id": "a", "tool": "t", "with": "{{ round }}"},
    {"set": {"sum": "{{ steps.a }}"}}]}]})");
    REQUIRE(file);
    const DefinitionPtr definition = load(*file, {}).definition;
    REQUIRE(definition);
    auto run = Run::start(definition, "", {"long", 3, 1000});
    REQUIRE(run);
    std::string history = history_header(definition->hash);
    Importer importer = relay();
    importer.catalogue = {definition->hash};
    std::int64_t clock_ms = 0;
    for (int round = 0; run->status() == RunStatus::running; ++round) {
      Taken taken = run->take();
      history += taken.events;
      if (round == 700 || round == 1400) {
        REQUIRE(run->park(1000 + round + clock_ms));
        history += run->take().events;
        const auto bundle = export_run(*run, history, {});
        REQUIRE(bundle);
        importer.clock_offset_ms = round == 700 ? 90000 : -90000;
        clock_ms += importer.clock_offset_ms;
        importer.now_ms = 1000 + round + clock_ms;
        auto got = import_run(*bundle, {}, importer);
        REQUIRE_MESSAGE(got, got.error().message);
        run = std::move(got->run);
        taken = run->take();
        history += taken.events;
      }
      REQUIRE(taken.effects.size() == 1);
      REQUIRE(run->give({InputKind::completed, 1001 + round + clock_ms, taken.effects[0].id, "2"}));
    }
    history += run->take().events;
    CHECK(run->head().seq > 10000);
    CHECK(run->epoch() == 2);
    CHECK(run->channel("sum") == "4000");
    const auto replayed = Run::replay(definition, history);
    REQUIRE(replayed);
    CHECK(replayed->state_hash() == run->state_hash());
    CHECK(hex64(sha256(history)) ==
          "38ba914151ad5b5668fa038293ad48d4001acb879275f2ed4f09f1d8a7534b06");
  }

  TEST_CASE("a fork is a run of its own, and no bundle's signature holds for it") {
    Hosted hosted = asked_and_moved();
    const auto forked = fork_history(plan(), hosted.history, "run-2");
    REQUIRE_MESSAGE(forked, forked.error().message);
    auto run = Run::replay(plan(), *forked);
    REQUIRE(run);
    CHECK(run->id() == "run-2");
    CHECK(run->status() == RunStatus::running);
    REQUIRE(run->park(9000));
    const std::string history = *forked + run->take().events;
    const auto bundle = export_run(*run, history, hosted.checkpoints);
    REQUIRE(bundle);
    CHECK(imported(*bundle, relay()).substr(0, 13) == "bad_signature");
    CHECK(fork_history(plan(), "nothing", "run-2").error().code == "bad_history");
  }
}
