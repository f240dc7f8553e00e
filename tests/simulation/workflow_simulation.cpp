// Workflows under a hostile host: random definitions with children and handoffs, carried out by the
// engine's own host (engine/workflow/host), once in peace and once in a world in which it dies
// between any two actions and in the middle of a write, its store refuses or has a snapshot of
// another version, completions come late, again or to a host that is gone, and the run is moved to
// hosts with other clocks. The two must come to the same result, no effect of the class once may be
// carried out twice, no step may be lost and none may end twice, and nothing waits for ever.
//
//   redoubt_workflow_simulation [EVENTS [SEED]]     (10^5 by default; 10^9 takes some hours)
//
// The world is fixed by a seed: whether an effect succeeds, what it gives and how long it takes
// follow from its id, so that both runs live in the same one. In every second world completions
// also come in another order; there the workflows have no races, whose winner would rightly differ.
// A host that dies while an effect of the class once is under way leaves a run that rightly
// differs, too: nobody knows what came of it. Most deaths pass those moments by; where one does
// not, all but the result is looked at.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/rng.hpp"
#include "engine/workflow/bundle.hpp"
#include "engine/workflow/host/fleet.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

constexpr int kTurnsMax = 100000;
const RunKey kMain{"owner", "run"};
constexpr Call kExport = 1, kImport = 2, kImportAgain = 3;
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

  // A run of its own, which goes on in another one. How long that takes is not the same twice.
  Json child() {
    const std::string id = "s" + std::to_string(next_++);
    Json step{{"id", id}, {"child", "leaf"}, {"with", {{"n", next_}}}};
    if (chance(50)) step["fallback"] = {{"set", {{"log", id + " fell back"}}}};
    return step;
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
    if (!races_ && chance(5)) return child();
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

// What must hold of any history, whatever happened to its hosts: a step ends once and a run ends
// once, a serial is one step's, an effect is answered once and only when it was asked for.
class Witness {
 public:
  // Empty where it holds.
  std::string look(const Event& event) {
    if (is_input(event.kind)) resumed_ = event.kind == EventKind::resumed;
    if (over_ && event.kind != EventKind::ignored) return told(event, "comes after the end");
    if (event.instance == kNoStep) return look_at_run(event);
    if (event.instance >= steps_.size()) steps_.resize(event.instance + std::size_t{1});
    Seen& seen = steps_[event.instance];
    if (seen.step != kNone && seen.step != event.step)
      return told(event, "is of another step's serial");
    seen.step = event.step;
    // It was under way when its host died, and is of the class once: that is how it ends.
    const bool is_unknown =
        resumed_ && event.payload.find("\"outcome_unknown\"") != std::string_view::npos;
    unknown_ = unknown_ || is_unknown;
    if (is_unknown && std::exchange(seen.open, false)) --open_;
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
  // Whether nobody knows what came of an effect, because its host died.
  bool unknown() const { return unknown_; }

 private:
  struct Seen {
    StepId step = kNone;
    bool open = false;
    bool ended = false;
  };
  std::string look_at_run(const Event& event) {
    over_ = event.kind == EventKind::run_done || event.kind == EventKind::run_failed ||
            event.kind == EventKind::run_cancelled || event.kind == EventKind::run_continued;
    return over_ && open_ > 0 ? told(event, "leaves effects open") : std::string();
  }
  static std::string told(const Event& event, const char* what) {
    return describe(event, "") + " " + what;
  }
  std::vector<Seen> steps_;  ///< by serial
  std::size_t open_ = 0;
  bool over_ = false;
  bool resumed_ = false;  ///< by the last input
  bool unknown_ = false;
};

struct Outcome {
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  std::uint64_t moves = 0;
  std::uint64_t deaths = 0;
  bool unknown = false;  ///< somebody died over an effect of the class once
  std::string story;
  std::string fault;
};

using Workflows = std::map<std::string, DefinitionPtr>;

// What is kept of a run, whoever dies.
struct Kept {
  RunRecord record;
  std::string history;
  std::string snapshot;
  std::uint64_t snapshot_seq = 0;
  std::size_t snapshot_at = 0;
  std::vector<Checkpoint> checkpoints;  ///< of the snapshot
};

// One run and those that it leads to, carried out to the end by one fleet after the other.
class Rim {
 public:
  Rim(const Workflows& workflows, const World& world, std::uint64_t chaos, bool reorder)
      : workflows_(workflows), world_(world), rng_(chaos), chaos_(chaos != 0), reorder_(reorder) {}

  Outcome carry() {
    begin_life();
    for (int turn = 0; outcome_.fault.empty(); ++turn) {
      if (turn > kTurnsMax) fail("the run comes to no end");
      if (!settle()) {
        die();
        continue;
      }
      if (!run_once()) break;
    }
    if (outcome_.fault.empty()) judge();
    return outcome_;
  }

 private:
  struct Coming {
    std::int64_t due_ms = 0;
    std::string run;
    std::string effect;
    auto operator<=>(const Coming&) const = default;
  };

  void fail(std::string what) {
    if (outcome_.fault.empty()) outcome_.fault = std::move(what);
  }
  bool chance(std::uint32_t percent) { return chaos_ && rng_.below(100) < percent; }
  std::int64_t here_ms() const { return now_ms_ + clock_ms_; }
  Kept* main() {
    const auto found = store_.find(kMain);
    return found == store_.end() ? nullptr : &found->second;
  }

  // --- lives ---

  // How much a turn may take, and how often a snapshot is taken: where there is chaos, anything.
  FleetBounds bounds() {
    FleetBounds bounds;
    if (!chaos_) return bounds;
    bounds.turn_work_max = rng_.below(3) == 0 ? kUnboundedTurn : 1 + rng_.below(300);
    bounds.snapshot_events = 1 + rng_.below(12);
    bounds.idle_max = rng_.below(3);
    bounds.store_retry_ms = bounds.follow_retry_ms = 0;
    return bounds;
  }

  void begin_life() {
    FleetOptions options;
    options.bounds = bounds();
    options.find = [this](std::string_view name) {
      const auto found = workflows_.find(std::string(name));
      return found == workflows_.end() ? nullptr : found->second;
    };
    options.passing_codes = {"store_busy"};
    fleet_.emplace(std::move(options));
    due_.clear();
    coming_.clear();
    refs_.clear();
    delivered_.clear();
    once_open_.clear();
    wake_ms_ = 0;
    exports_ = imports_ = false;
    if (arrived_ && main()) {  // it died when that was stored
      bundle_.clear();
      arrived_ = false;
    }
    if (!main() && bundle_.empty())
      fleet_->start({kMain, workflows_.at("random"), "{\"yes\":true}", 7}, 0, here_ms());
    for (const auto& [key, kept] : store_)
      if (kept.record.ended_ms == 0) fleet_->wake(key, 0, here_ms());
  }

  void die() {
    ++outcome_.deaths;
    begin_life();
  }

  // Whether it dies now. Over an effect of the class once only seldom.
  bool dies(std::uint32_t percent) {
    if (!chance(percent)) return false;
    return !is_once_at_stake() || rng_.below(40) == 0;
  }

  bool is_once_at_stake() const {
    if (!once_open_.empty()) return true;
    const Run* run = fleet_->find(kMain);
    if (!run) return false;
    for (const Effect& effect : run->open_effects())
      if (effect.effect_class == EffectClass::once) return true;
    return false;
  }

  // Everything that can be done now, in the order in which the fleet says it. False where the host
  // dies.
  bool settle() {
    while (outcome_.fault.empty()) {
      for (Action& one : fleet_->take())
        due_.push_back(std::move(one));
      if (due_.empty() && fleet_->work(1, here_ms())) continue;
      for (Action& one : fleet_->take())
        due_.push_back(std::move(one));
      if (due_.empty()) break;
      if (dies(3)) return false;
      Action next = std::move(due_.front());
      due_.pop_front();
      if (!std::visit([this](auto& one) { return carry_out(one); }, next)) return false;
    }
    // What came of these is stored.
    for (const std::string& effect : std::exchange(delivered_, {}))
      once_open_.erase(effect);
    return true;
  }

  // --- actions: false where the host dies over them ---

  bool carry_out(action::Store& one) {
    const RunKey& key = one.run.key;
    refs_.insert_or_assign(key.id, one.run);
    // A child that is refused is its step's failure.
    const bool may_refuse = one.how == action::Store::How::append || one.record.workflow == "last";
    if (may_refuse && chance(3)) {
      fleet_->stored(one.run, Error{.code = "store_busy", .message = "the world says no"},
                     here_ms());
      return true;
    }
    const bool is_known = store_.count(key) > 0;
    if (is_known == (one.how == action::Store::How::create)) fail("a run is created twice");
    if (one.how == action::Store::How::append && dies(4)) {
      tear(store_.at(key), one.frames);
      return false;
    }
    Kept& kept = store_[key];
    if (one.how == action::Store::How::append)
      one.record.definition = kept.record.definition;
    else
      kept = {};
    kept.record = std::move(one.record);
    kept.history += one.frames;
    if (one.epoch) epochs_.push_back(*one.epoch);
    if (!one.snapshot.empty()) {
      kept.snapshot = std::move(one.snapshot);
      kept.snapshot_seq = one.snapshot_seq;
      kept.snapshot_at = kept.history.size();
      kept.checkpoints = {sign_checkpoint(*fleet_->find(key), key.owner, kept.snapshot, kKey)};
    }
    if (dies(4)) return false;
    fleet_->stored(one.run, {}, here_ms());
    return true;
  }

  bool carry_out(action::Load& one) {
    const auto found = store_.find(one.run.key);
    if (found == store_.end()) {
      fleet_->loaded(one.run, std::optional<LoadedRun>(), here_ms());
      return true;
    }
    const Kept& kept = found->second;
    LoadedRun run{.record = kept.record, .history = kept.history};
    if (!one.whole && !kept.snapshot.empty() && !chance(20)) {
      run.snapshot = kept.snapshot;
      run.snapshot_seq = kept.snapshot_seq;
      run.history = kept.history.substr(kept.snapshot_at);
      // Made by another version.
      if (chance(5)) run.snapshot[8] = static_cast<char>(run.snapshot[8] ^ 0x40);
    }
    fleet_->loaded(one.run, std::optional<LoadedRun>(std::move(run)), here_ms());
    return true;
  }

  bool carry_out(action::ReadHistory& one) {
    fleet_->history_read(one.run, store_.at(one.run.key).history, here_ms());
    return true;
  }

  bool carry_out(action::ReadEpochs& one) {
    fleet_->epochs_read(one.run, epochs_, here_ms());
    return true;
  }

  bool carry_out(action::Begin& one) {
    const Effect& effect = one.effect;
    const std::string& run = one.run.key.id;
    const std::string name = run == kMain.id ? effect.id : run + "|" + effect.id;
    if (effect.effect_class == EffectClass::once) {
      if (!begun_.insert(name).second) fail("once effect " + name + " was carried out twice");
      once_open_.insert(name);
    }
    refs_.insert_or_assign(run, one.run);
    std::int64_t due = now_ms_ + world_.takes_ms(name);
    if (reorder_ && chaos_) due += rng_.below(3000);
    coming_.insert({known_.emplace(name, due).first->second, run, effect.id});
    return true;
  }

  bool carry_out(action::Withdraw& one) {
    if (chance(30)) return true;  // it comes all the same
    std::erase_if(coming_, [&](const Coming& next) {
      return next.run == one.run.key.id && next.effect == one.effect;
    });
    return true;
  }

  bool carry_out(action::Tell& one) {
    if (one.call == kExport) {
      exports_ = false;
      if (one.said) bundle_ = **one.said;
    } else if (one.call == kImport) {
      if (!one.said) fail("is not imported: " + one.said.error().message);
      imports_ = false;
      import(kImportAgain);
      bundle_.clear();
      arrived_ = false;
    } else if (one.call == kImportAgain && one.said) {
      fail("is imported twice");
    }
    return true;
  }

  bool carry_out(action::Wake& one) {
    wake_ms_ = one.at_ms;
    return true;
  }

  // What is only for a person, a log or a store's list.
  template <class Other>
  bool carry_out(Other&) {
    return true;
  }

  // It dies while it writes: what holds is up to the last whole event.
  void tear(Kept& kept, std::string_view frames) {
    const std::size_t before = kept.history.size();
    kept.history += frames.substr(0, rng_.below(static_cast<std::uint32_t>(frames.size()) + 1));
    auto reader = HistoryReader::open(kept.history);
    if (!reader) return fail("the torn journal cannot be opened");
    Event event;
    for (auto more = reader->next(event); more && *more;)
      more = reader->next(event);
    kept.history.resize(reader->position());
    if (kept.history.size() < before) fail("a torn append took something older with it");
    const auto run = Run::replay(workflows_.at(kept.record.workflow), kept.history);
    if (!run) return fail("the torn journal cannot be replayed: " + run.error().message);
    kept.record.status = run->status();
    kept.record.only_waits = false;
  }

  // --- what happens ---

  // The next thing that happens: a completion or a timer, whichever is due first. False where
  // nothing comes any more, which is the end.
  bool run_once() {
    if (!bundle_.empty() && !imports_) return move(), true;
    const Kept* run = main();
    const bool is_parked = run && run->record.status == RunStatus::parked;
    const bool is_under_way = run && run->record.status == RunStatus::running;
    if (!exports_ && bundle_.empty() && (is_parked || (is_under_way && chance(8)))) {
      exports_ = true;
      fleet_->export_run(kMain, kExport, here_ms());
      return true;
    }
    const std::int64_t timer = wake_ms_ > 0 ? wake_ms_ - clock_ms_ : 0;
    if (timer > 0 && (coming_.empty() || timer <= coming_.begin()->due_ms)) {
      now_ms_ = std::max(now_ms_, timer);
      wake_ms_ = 0;
      fleet_->tick(here_ms());
      return true;
    }
    if (coming_.empty()) return false;
    const Coming next = *coming_.begin();
    coming_.erase(coming_.begin());
    now_ms_ = std::max(now_ms_, next.due_ms);
    const std::string name = next.run == kMain.id ? next.effect : next.run + "|" + next.effect;
    const RunRef ref = refs_.at(next.run);
    for (int times = chance(10) ? 2 : 1; times > 0; --times)
      fleet_->done(ref, next.effect, world_.fails(name), world_.result(name), here_ms());
    delivered_.push_back(name);
    return true;
  }

  // At a host with another clock and a store of its own, which knows of the run's earlier visits;
  // the host that it left is heard of no more.
  void move() {
    if (!arrived_) {
      check_tail();
      offset_ms_ = static_cast<std::int64_t>(rng_.below(7200001)) - 3600000;
      clock_ms_ += offset_ms_;
      store_.clear();
      arrived_ = true;
      ++outcome_.moves;
      begin_life();
    }
    imports_ = true;
    import(kImport);
  }

  void import(Call call) {
    ImportRun order{kMain.owner, bundle_};
    order.importer = importer();
    fleet_->import_run(std::move(order), call, here_ms());
  }

  Importer importer() const {
    Importer importer;
    importer.owner = kMain.owner;
    importer.now_ms = here_ms();
    importer.clock_offset_ms = offset_ms_;
    importer.catalogue = {workflows_.at("random")->hash};
    importer.keys = {kKey};
    importer.may_do = [](const void*, std::string_view, std::string_view) { return true; };
    return importer;
  }

  // From the last snapshot on it is the same run as from the start.
  void check_tail() {
    const Kept& kept = store_.at(kMain);
    const Run* run = fleet_->find(kMain);
    if (kept.snapshot.empty() || !run) return;
    const auto tail =
        export_tail(*run, kept.snapshot, kept.history.substr(kept.snapshot_at), kept.checkpoints);
    const auto whole = read_bundle(bundle_);
    if (!tail || !whole) return fail("is not exported as a tail");
    const auto short_way = import_run(*tail, {{}, {}, true}, importer());
    const auto long_way = import_run(*whole, {{}, {}, true}, importer());
    if (!short_way) return fail("the tail is not imported: " + short_way.error().message);
    if (!long_way) return fail("the bundle is not imported: " + long_way.error().message);
    if (short_way->run.state_hash() != long_way->run.state_hash())
      fail("the tail is of another run");
  }

  // --- the end ---

  void judge() {
    for (const auto& [key, kept] : store_) {
      const auto run = Run::replay(workflows_.at(kept.record.workflow), kept.history);
      if (!run) return fail("the history cannot be replayed: " + run.error().message);
      const Run* live = fleet_->find(key);
      if (live && live->state_hash() != run->state_hash()) fail("the replay has another state");
      if (run->status() == RunStatus::running || run->status() == RunStatus::parked)
        fail("nothing comes any more, but the run " + key.id + " is not over");
      outcome_.events += run->head().seq;
      bear_witness(kept.history);
      if (key != kMain) continue;
      outcome_.hash = run->result_hash();
      outcome_.story = run->outcome();
    }
    if (!main()) fail("the run is gone");
  }

  void bear_witness(const std::string& history) {
    auto reader = HistoryReader::open(history);
    if (!reader) return fail("the journal cannot be opened");
    Witness witness;
    Event event;
    for (auto more = reader->next(event); more && *more; more = reader->next(event))
      if (std::string seen = witness.look(event); !seen.empty()) return fail(std::move(seen));
    outcome_.unknown = outcome_.unknown || witness.unknown();
  }

  const Workflows& workflows_;
  const World& world_;
  Rng rng_;
  bool chaos_;
  bool reorder_;
  std::int64_t now_ms_ = 1700000000000;  ///< the world's
  std::int64_t clock_ms_ = 0;            ///< this host's clock minus the world's
  std::map<RunKey, Kept> store_;
  std::map<std::string, std::int64_t> known_;  ///< when effects end, by their names
  std::set<std::string> begun_;                ///< of the class once
  std::string bundle_;                         ///< on its way to another host
  std::vector<std::uint32_t> epochs_;          ///< that were imported
  std::int64_t offset_ms_ = 0;                 ///< of that host's clock
  bool arrived_ = false;                       ///< this is that host
  Outcome outcome_;

  // Of one life.
  std::optional<Fleet> fleet_;
  std::deque<Action> due_;
  std::set<Coming> coming_;
  std::map<std::string, RunRef> refs_;
  std::set<std::string> once_open_;     ///< begun, and their ends are not stored
  std::vector<std::string> delivered_;  ///< ends that are being stored
  std::int64_t wake_ms_ = 0;
  bool exports_ = false;
  bool imports_ = false;
};

constexpr const char* kLast = R"({"name": "last", "tools": {"i": {"class": "idempotent"}},
  "workflow": [{"id": "i", "tool": "i", "fallback": {"set": {"no": true}}}]})";
constexpr const char* kLeaf = R"({"name": "leaf", "tools": {"p": {"class": "pure"}},
  "workflow": [{"id": "p", "tool": "p"}, {"wait": {"for": "50ms"}},
               {"handoff": {"workflow": "last"}}]})";

// Those that the file can call, and the file.
Workflows workflows(const Json& file) {
  Workflows all;
  LoadContext context;
  for (const Json& one : {parse_json(kLast).value(), parse_json(kLeaf).value(), file}) {
    const Loaded loaded = load(Document(one), context);
    if (!loaded.ok()) {
      std::printf("not loaded: %s: %s\n", loaded.faults[0].path.c_str(),
                  loaded.faults[0].message.c_str());
      return {};
    }
    context.workflows.push_back({loaded.definition->name, calls_of(*loaded.definition)});
    all[loaded.definition->name] = loaded.definition;
  }
  return all;
}

struct Totals {
  std::uint64_t events = 0;
  std::uint64_t moves = 0;
  std::uint64_t deaths = 0;
  std::uint64_t unknown = 0;
};

// One world; false and a line where the two runs differ.
bool live(std::uint64_t seed, Totals& totals) {
  const bool reorder = seed % 2 == 1;
  const Json file = Author(seed, !reorder).file();
  const Workflows all = workflows(file);
  if (all.empty()) return std::printf("seed %llu\n", static_cast<unsigned long long>(seed)), false;
  const World world(seed);
  const Outcome calm = Rim(all, world, 0, reorder).carry();
  const Outcome wild = Rim(all, world, mix64(seed) | 1, reorder).carry();
  totals.events += calm.events + wild.events;
  totals.moves += wild.moves;
  totals.deaths += wild.deaths;
  totals.unknown += wild.unknown;
  const bool is_same = calm.hash == wild.hash || wild.unknown;
  if (calm.fault.empty() && wild.fault.empty() && is_same) return true;
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
  const auto number = [](std::uint64_t count) { return static_cast<unsigned long long>(count); };
  Totals totals;
  std::uint64_t worlds = 0, failed = 0;
  for (; totals.events < most && failed < kFailuresShown; ++seed, ++worlds)
    failed += !live(seed, totals);
  std::printf(
      "%llu events in %llu worlds, %llu moves between hosts, %llu deaths, %llu of them over "
      "an effect of the class once\n%llu passed, %llu failed\n",
      number(totals.events), number(worlds), number(totals.moves), number(totals.deaths),
      number(totals.unknown), number(worlds - failed), number(failed));
  return failed == 0 ? 0 : 1;
}
