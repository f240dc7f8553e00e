// Workflows under a hostile host: random definitions, carried out once in peace and once by a host
// that dies at any boundary, forgets what it had not stored, repeats completions, brings the run
// back by replay or from a snapshot, and moves it to hosts with other clocks, as a whole bundle or
// as a signed tail. The two must come to the same result, no effect of the class once may be
// carried out twice, no step may be lost and none may end twice.
//
//   redoubt_workflow_simulation [EVENTS [SEED]]     (10^5 by default; 10^9 takes some hours)
//
// The world is fixed by a seed: whether an effect succeeds, what it gives and how long it takes
// follow from its id, so that both runs live in the same one. In every second world completions
// also come in another order; there the workflows have no races, whose winner would rightly differ.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/rng.hpp"
#include "engine/workflow/bundle.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

constexpr int kTurnsMax = 100000;
const SigningKey kKey{"k", "every host of the simulation has it"};

class Author {
 public:
  Author(std::uint64_t seed, bool races) : rng_(seed), races_(races) {}

  Json file() {
    Json steps = Json::array();
    const int count = rng_.between(1, 4);
    for (int n = 0; n < count; ++n)
      steps.push_back(step(3));
    return {{"name", "random"},
            {"llms", {{"m", Json::object()}}},
            {"agents",
             {{"a", agent({"p", "i", "o"}, {"b"})},
              {"b", agent({"o"}, {"a", "c"})},
              {"c", agent(Json::array(), Json::array())}}},
            {"tools",
             {{"p", {{"class", "pure"}}},
              {"i", {{"class", "idempotent"}}},
              {"o", {{"class", "once"}}}}},
            {"state",
             {{"log", {{"reducer", "append"}}},
              {"sum", {{"reducer", "add"}}},
              {"all", {{"reducer", "union"}}},
              {"top", {{"reducer", "max"}}}}},
            {"workflow", steps}};
  }

 private:
  bool chance(int percent) { return rng_.between(1, 100) <= percent; }

  Json tool() {
    static const char* const kTools[] = {"p", "i", "o"};
    Json step{{"id", "s" + std::to_string(next_++)}, {"tool", kTools[rng_.below(3)]}};
    if (chance(40))
      step["retry"] = {
          {"attempts", rng_.between(1, 4)}, {"initial", "100ms"}, {"jitter_permille", 300}};
    if (chance(25))
      step["fallback"] = {{"set", {{"log", step["id"].get<std::string>() + " fell back"}}}};
    if (chance(25)) step["compensate"] = {{"id", "u" + std::to_string(next_++)}, {"tool", "i"}};
    if (races_ && chance(15)) step["timeout"] = "700ms";
    last_ = step["id"];
    return step;
  }

  Json agent(Json tools, Json handoffs) {
    Json made{{"llm", "m"},
              {"tools", std::move(tools)},
              {"handoffs", std::move(handoffs)},
              {"max_turns", rng_.between(2, 6)}};
    Json guards = Json::array();
    guards.push_back({{"name", "judge"}, {"model", "m"}, {"prompt", "Good?"}});
    // Two that trip at the same time would be a race, and so would one that does not block.
    if (chance(30)) made[chance(50) ? "input_guardrails" : "output_guardrails"] = guards;
    if (races_ && chance(50)) made["timeout"] = "900ms";
    return made;
  }

  Json talk() {
    static const char* const kAgents[] = {"a", "b", "c"};
    const std::string id = "s" + std::to_string(next_++);
    Json step{{"id", id}, {"agent", kAgents[rng_.below(3)]}, {"prompt", "Do it."}};
    if (chance(50)) step["retry"] = {{"attempts", 3}, {"initial", "100ms"}};
    if (chance(60)) step["fallback"] = {{"set", {{"log", id + " fell back"}}}};
    if (races_ && chance(20)) step["timeout"] = "3s";
    return step;
  }

  Json set() {
    Json writes = Json::object();
    if (chance(60)) writes["sum"] = rng_.between(1, 9);
    if (chance(60)) writes["all"] = rng_.between(1, 4);
    if (chance(60)) writes["top"] = rng_.between(1, 99);
    writes["log"] = next_;
    return {{"set", writes}};
  }

  Json body(int depth) {
    Json steps = Json::array();
    const int count = rng_.between(1, 3);
    for (int n = 0; n < count; ++n)
      steps.push_back(step(depth - 1));
    return steps;
  }

  void join(Json& step) {
    static const char* const kJoins[] = {"all", "all_settled", "any", "first", "quorum"};
    const char* chosen = races_ ? kJoins[rng_.below(5)] : "all_settled";
    step["join"] = chosen;
    if (std::string_view(chosen) == "quorum") step["quorum"] = 1;
    if (races_ && chance(30)) step["losers"] = "run";
  }

  Json step(int depth) {
    if (depth <= 0 || chance(45)) return chance(6) ? talk() : chance(60) ? tool() : set();
    switch (rng_.below(6)) {
      case 0: {
        Json step{{"parallel", Json::array()}};
        const int count = rng_.between(1, 3);
        for (int n = 0; n < count; ++n)
          step["parallel"].push_back(body(depth));
        join(step);
        return step;
      }
      case 1: {
        Json step{{"for_each", Json::array({1, 2, 3})},
                  {"do", body(depth)},
                  {"at_once", rng_.between(1, 3)}};
        if (step["at_once"] == 1 && !races_) return step;
        join(step);
        return step;
      }
      case 2:
        return {{"loop", {{"max", rng_.between(1, 3)}}}, {"do", body(depth)}};
      case 3:
        return {{"branch", {{{"if", "input.yes"}, {"do", body(depth)}}, {{"else", body(depth)}}}}};
      case 4:
        return {{"wait", {{"for", std::to_string(rng_.between(1, 900)) + "ms"}}}};
      default: {
        Json step{{"sequence", body(depth)}};
        if (chance(30)) step["fallback"] = set();
        if (chance(20)) step["retry"] = {{"attempts", 2}, {"initial", "50ms"}};
        return step;
      }
    }
  }

  Rng rng_;
  bool races_;
  int next_ = 0;
  Json last_;
};

// What happens outside: by the effect's id, the same for everybody who asks.
class World {
 public:
  explicit World(std::uint64_t seed) : seed_(seed) {}

  std::uint64_t drawn(std::string_view id, std::uint64_t purpose) const {
    Hash64 hash;
    hash.add(seed_);
    hash.add(purpose);
    hash.add_bytes(id);
    return hash.value();
  }
  bool fails(std::string_view id) const { return drawn(id, 1) % 5 == 0; }
  std::int64_t takes_ms(std::string_view id) const {
    return static_cast<std::int64_t>(drawn(id, 2) % 1000) + 1;
  }
  // What an agent's model says: an answer, or calls of tools, some of which are not there.
  std::string turn(std::string_view id) const {
    static const char* const kCalled[] = {"p", "i", "o", "q", "transfer_to_b", "transfer_to_c"};
    Json calls = Json::array();
    for (std::uint64_t n = drawn(id, 5) % 4; n > 0; --n)
      calls.push_back({{"id", std::to_string(n)},
                       {"name", kCalled[drawn(id, 10 + n) % 6]},
                       {"arguments", {{"n", n}}}});
    return canonical(Json{{"text", std::to_string(drawn(id, 3) % 1000)}, {"tool_calls", calls}});
  }
  std::string result(std::string_view id) const {
    if (fails(id)) return "{\"code\":\"busy\",\"message\":\"the world says no\"}";
    const std::size_t agent = id.find('/');
    if (id.find(':') != std::string_view::npos)
      return drawn(id, 4) % 4 > 0 ? "{\"json\":{\"pass\":true}}" : "{\"json\":{\"pass\":false}}";
    if (agent != std::string_view::npos && id.find('/', agent + 1) == std::string_view::npos)
      return turn(id);
    return "{\"value\":" + std::to_string(drawn(id, 3) % 1000) + "}";
  }

 private:
  std::uint64_t seed_;
};

struct Coming {
  std::int64_t due_ms = 0;
  std::string id;
  bool operator<(const Coming& other) const {
    return due_ms != other.due_ms ? due_ms < other.due_ms : id < other.id;
  }
};

// What must hold of any history, whatever happened to its hosts: a step ends once and a run ends
// once, a serial is one step's, an effect is answered once and only when it was asked for.
class Witness {
 public:
  // Empty where it holds.
  std::string look(const Event& event) {
    if (over_ && event.kind != EventKind::ignored) return told(event, "comes after the end");
    if (event.instance == kNoStep) return look_at_run(event);
    if (event.instance >= steps_.size()) steps_.resize(event.instance + std::size_t{1});
    Seen& seen = steps_[event.instance];
    if (seen.step != kNone && seen.step != event.step)
      return told(event, "is of another step's serial");
    seen.step = event.step;
    switch (event.kind) {
      case EventKind::step_done:
      case EventKind::step_skipped:
      case EventKind::step_failed:
      case EventKind::step_cancelled:
        if (std::exchange(seen.ended, true)) return told(event, "ends a step twice");
        return {};
      case EventKind::scheduled:
        if (seen.ended) return told(event, "comes from a step that has ended");
        if (std::exchange(seen.open, true)) return told(event, "is asked for twice");
        ++open_;
        return {};
      case EventKind::completed:
      case EventKind::failed:
      case EventKind::withdrawn:
        if (!std::exchange(seen.open, false)) return told(event, "was not asked for");
        --open_;
        return {};
      default:
        return {};
    }
  }

 private:
  struct Seen {
    StepId step = kNone;
    bool open = false;
    bool ended = false;
  };
  std::string look_at_run(const Event& event) {
    over_ = event.kind == EventKind::run_done || event.kind == EventKind::run_failed ||
            event.kind == EventKind::run_cancelled;
    return over_ && open_ > 0 ? told(event, "leaves effects open") : std::string();
  }
  static std::string told(const Event& event, const char* what) {
    return describe(event, "") + " " + what;
  }
  std::vector<Seen> steps_;  ///< by serial
  std::size_t open_ = 0;
  bool over_ = false;
};

struct Outcome {
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  std::uint64_t moves = 0;
  std::string story;
  std::string fault;
};

class Host {
 public:
  Host(DefinitionPtr definition, const World& world, std::uint64_t chaos, bool reorder)
      : definition_(std::move(definition)),
        world_(world),
        rng_(chaos),
        chaos_(chaos != 0),
        reorder_(reorder) {}

  Outcome carry() {
    journal_ = history_header(definition_->hash);
    RunOptions options{"run", 7, now_ms_};
    options.turn_work_max = turn_work();
    auto run = Run::start(definition_, "{\"yes\":true}", options);
    if (!run) return {0, 0, 0, {}, "does not start"};
    run_ = std::make_unique<Run>(std::move(*run));
    if (!store()) return {0, 0, 0, {}, "died before it began"};
    for (int turn = 0; run_->status() == RunStatus::running; ++turn) {
      if (turn > kTurnsMax || !turn_once()) {
        fail("nothing comes any more, but the run is not over");
        break;
      }
      if (!outcome_.fault.empty()) break;
    }
    const auto replayed = Run::replay(definition_, journal_);
    if (!replayed) {
      fail("the history cannot be replayed: " + replayed.error().message);
    } else if (replayed->state_hash() != run_->state_hash()) {
      fail("the replay has another state");
    }
    bear_witness();
    outcome_.hash = run_->result_hash();
    outcome_.events = run_->head().seq;
    outcome_.story = run_->outcome();
    return outcome_;
  }

 private:
  void fail(std::string what) {
    if (outcome_.fault.empty()) outcome_.fault = std::move(what);
  }
  // How much a turn may take: where there is chaos, from a single move to all of it.
  std::uint64_t turn_work() {
    if (!chaos_) return kTurnWorkMax;
    return rng_.below(3) == 0 ? kUnboundedTurn : 1 + rng_.below(300);
  }
  bool chance(std::uint32_t percent) { return chaos_ && rng_.below(100) < percent; }

  void bear_witness() {
    auto reader = HistoryReader::open(journal_);
    if (!reader) return fail("the journal cannot be opened");
    Witness witness;
    Event event;
    for (auto more = reader->next(event); more && *more; more = reader->next(event))
      if (std::string seen = witness.look(event); !seen.empty()) return fail(std::move(seen));
  }

  // The next thing that happens: a completion or a timer, whichever is due first.
  bool turn_once() {
    if (chance(12)) move();
    const std::int64_t timer = run_->next_timer_ms() > 0 ? run_->next_timer_ms() - clock_ms_ : 0;
    const bool coming = !coming_.empty();
    if (!coming && timer == 0) return false;
    if (timer > 0 && (!coming || timer <= coming_.begin()->due_ms)) {
      now_ms_ = timer > now_ms_ ? timer : now_ms_;
      give(InputKind::tick, {}, {});
      if (!store()) die();
      return true;
    }
    const Coming next = *coming_.begin();
    now_ms_ = next.due_ms > now_ms_ ? next.due_ms : now_ms_;
    complete(next.id);
    // Only what is stored is forgotten by the world.
    if (!store()) {
      die();
      return true;
    }
    coming_.erase(next);
    if (chance(10)) {
      complete(next.id);
      if (!store()) die();
    }
    if (chance(8)) die();
    return true;
  }

  void complete(const std::string& id) {
    const std::string result = world_.result(id);
    give(world_.fails(id) ? InputKind::failed : InputKind::completed, id, result);
  }

  void give(InputKind kind, std::string_view name, std::string_view value) {
    const auto given = run_->give({kind, now_ms_ + clock_ms_, name, value});
    if (!given && given.error().code != "run_over") fail("refused: " + given.error().message);
  }

  // Stores, then carries out. False when the host dies before it has stored.
  bool store() {
    // The host begins a run before it tells anybody of it.
    const bool mortal = std::exchange(started_, true);
    if (mortal && chance(8)) return false;
    // What is decided so far is stored between the turns, and that may be all that is.
    for (; run_->busy(); run_->go_on()) {
      if (mortal && chance(2)) return false;
      const Taken part = run_->take();
      if (!part.effects.empty() || !part.withdrawn.empty()) fail("hands out effects while busy");
      if (mortal && chance(2)) {
        tear(part.events);
        return false;
      }
      journal_ += part.events;
    }
    const Taken taken = run_->take();
    if (mortal && chance(6)) {
      tear(taken.events);
      return false;
    }
    journal_ += taken.events;
    for (const std::string& id : taken.withdrawn)
      withdraw(id);
    for (const Effect& effect : taken.effects)
      begin(effect);
    if (run_->status() == RunStatus::running && chance(5)) {
      snapshot_ = run_->snapshot();
      snapshot_at_ = journal_.size();
      signed_ = {sign_checkpoint(*run_, "owner", snapshot_, kKey)};
    }
    return true;
  }

  // To a host with another clock; what was under way here is given up. A host that dies meanwhile
  // comes back with the run parked, or not parked at all.
  void move() {
    if (!run_->park(now_ms_ + clock_ms_)) return;  // a once effect has no outcome yet
    left_clock_ms_ = clock_ms_;
    if (chance(10)) return die();
    const Taken taken = run_->take();
    if (chance(10)) {
      tear(taken.events);
      return die();
    }
    journal_ += taken.events;
    for (const std::string& id : taken.withdrawn)
      withdraw(id);
    if (chance(10)) return die();
    take_over();
  }

  void take_over() {
    const bool tail = !snapshot_.empty() && rng_.below(2) == 0;
    const auto exported =
        tail ? export_tail(*run_, snapshot_, journal_.substr(snapshot_at_), signed_)
             : export_run(*run_, journal_, signed_);
    if (!exported) return fail("is not exported: " + exported.error().message);
    const auto bundle = read_bundle(write_bundle(*exported));
    if (!bundle) return fail("the bundle is not read: " + bundle.error().message);
    Importer importer = next_host();
    for (std::uint32_t epoch = 0; epoch < bundle->epoch; ++epoch)
      importer.known.epochs.push_back(epoch);
    auto imported = import_run(*bundle, {}, importer);
    if (!imported) return fail("is not imported: " + imported.error().message);
    importer.known.epochs.push_back(bundle->epoch);
    if (import_run(*bundle, {}, importer)) return fail("is imported twice");
    clock_ms_ = left_clock_ms_ + importer.clock_offset_ms;
    ++outcome_.moves;
    run_ = std::make_unique<Run>(std::move(imported->run));
    if (!store()) die();
  }

  Importer next_host() {
    Importer importer;
    importer.owner = "owner";
    importer.clock_offset_ms = static_cast<std::int64_t>(rng_.below(7200001)) - 3600000;
    importer.now_ms = now_ms_ + left_clock_ms_ + importer.clock_offset_ms;
    importer.catalogue = {definition_->hash};
    importer.keys = {kKey};
    importer.may_do = [](const void*, std::string_view, std::string_view) { return true; };
    return importer;
  }

  // It dies while it writes: what holds is up to the last whole event.
  void tear(std::string_view events) {
    const std::size_t before = journal_.size();
    journal_ += events.substr(0, rng_.below(static_cast<std::uint32_t>(events.size()) + 1));
    auto reader = HistoryReader::open(journal_);
    if (!reader) return fail("the torn journal cannot be opened");
    Event event;
    for (auto more = reader->next(event); more && *more;)
      more = reader->next(event);
    journal_.resize(reader->position());
    if (journal_.size() < before) fail("a torn append took something older with it");
  }

  void begin(const Effect& effect) {
    if (effect.effect_class == EffectClass::once && !begun_.insert(effect.id).second)
      return fail("once effect " + effect.id + " was carried out twice");
    std::int64_t due = now_ms_ + world_.takes_ms(effect.id);
    if (reorder_ && chaos_) due += rng_.below(3000);
    const auto known = due_.emplace(effect.id, due);
    coming_.insert({known.first->second, effect.id});
  }

  void withdraw(const std::string& id) {
    const auto known = due_.find(id);
    if (known != due_.end() && !chance(30)) coming_.erase({known->second, id});
  }

  // Everything in memory is gone; the journal, the world and what was begun are not.
  void die() {
    const bool from_snapshot = !snapshot_.empty() && rng_.below(2) == 0;
    auto back = from_snapshot ? Replay::begin(definition_, snapshot_,
                                              std::string_view(journal_).substr(snapshot_at_))
                              : Replay::begin(definition_, journal_);
    if (back) back->set_turn_work(turn_work());
    auto done = back ? back->go_on() : Result<bool>(back.error());
    while (done && !*done)
      done = back->go_on();
    if (!done) return fail("cannot come back: " + done.error().message);
    run_ = std::make_unique<Run>(std::move(*back).run());
    run_->set_turn_work(turn_work());
    const Taken rest = run_->take();
    journal_ += rest.events;
    for (const std::string& id : rest.withdrawn)
      withdraw(id);
    for (const Effect& effect : rest.effects)
      begin(effect);
    if (run_->status() == RunStatus::parked) return take_over();
    bool once = false;
    for (const Effect& effect : run_->open_effects())
      once = once || effect.effect_class == EffectClass::once;
    if (once) {
      // It keeps a list of what it began, so it knows what became of each.
      for (const Effect& effect : run_->open_effects())
        if (!begun_.count(effect.id)) begin(effect);
    } else if (run_->status() == RunStatus::running) {
      give(InputKind::resumed, {}, {});
      for (; run_->busy(); run_->go_on())
        journal_ += run_->take().events;
      const Taken again = run_->take();
      journal_ += again.events;
      for (const Effect& effect : again.effects)
        begin(effect);
    }
  }

  DefinitionPtr definition_;
  const World& world_;
  Rng rng_;
  bool chaos_;
  bool reorder_;
  bool started_ = false;
  std::int64_t now_ms_ = 1700000000000;  ///< the world's
  std::int64_t clock_ms_ = 0;            ///< this host's clock minus the world's
  std::int64_t left_clock_ms_ = 0;       ///< that of the host that has parked it
  std::unique_ptr<Run> run_;
  std::string journal_;
  std::string snapshot_;
  std::size_t snapshot_at_ = 0;
  std::vector<Checkpoint> signed_;
  std::set<Coming> coming_;
  std::map<std::string, std::int64_t> due_;
  std::set<std::string> begun_;
  Outcome outcome_;
};

// One world; false and a line where the two runs differ.
bool live(std::uint64_t seed, std::uint64_t& events, std::uint64_t& moves) {
  const bool reorder = seed % 2 == 1;
  const Json file = Author(seed, !reorder).file();
  const Loaded loaded = load(Document(file), {});
  if (!loaded.ok()) {
    std::printf("seed %llu: not loaded: %s: %s\n", static_cast<unsigned long long>(seed),
                loaded.faults[0].path.c_str(), loaded.faults[0].message.c_str());
    return false;
  }
  const World world(seed);
  const Outcome calm = Host(loaded.definition, world, 0, reorder).carry();
  const Outcome wild = Host(loaded.definition, world, mix64(seed) | 1, reorder).carry();
  events += calm.events + wild.events;
  moves += wild.moves;
  if (calm.fault.empty() && wild.fault.empty() && calm.hash == wild.hash) return true;
  std::printf("seed %llu: calm %s %s, wild %s %s\n%s\n", static_cast<unsigned long long>(seed),
              calm.fault.c_str(), calm.story.c_str(), wild.fault.c_str(), wild.story.c_str(),
              canonical(file).c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t most = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100000;
  std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  constexpr std::uint64_t kFailuresShown = 5;
  std::uint64_t events = 0, moves = 0, worlds = 0, failed = 0;
  for (; events < most && failed < kFailuresShown; ++seed, ++worlds)
    failed += !live(seed, events, moves);
  std::printf("%llu events in %llu worlds, %llu moves between hosts\n%llu passed, %llu failed\n",
              static_cast<unsigned long long>(events), static_cast<unsigned long long>(worlds),
              static_cast<unsigned long long>(moves),
              static_cast<unsigned long long>(worlds - failed),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}
