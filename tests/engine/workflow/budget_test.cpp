// What a run may cost: turns that end, totals that hold, and a history that knows of neither turn.
#include "engine/workflow/budget.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/base/bytes.hpp"
#include "engine/base/json.hpp"
#include "engine/workflow/bundle.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

/// More than a turn may take: the longest single step, an expression at its own bound.
constexpr std::uint64_t kStepUnitsMax = 400'000;

DefinitionPtr loaded(std::string_view text) {
  const auto file = read_json_document(text);
  REQUIRE_MESSAGE(file, file.error().message);
  const Loaded made = load(*file, {{}, {{"next", {}}}});
  for (const Error& fault : made.faults)
    MESSAGE(fault.path << ": " << fault.message);
  REQUIRE(made.ok());
  return made.definition;
}

/// A run that has little left of what it may cost, so that the test is short.
RunOptions nearly_spent() {
  RunOptions options;
  options.generation = 1;
  options.work = kWorkMax - 4'000'000;
  return options;
}

/// A run with its journal, whose turns are counted.
struct Carried {
  Run run;
  std::string journal;
  std::uint64_t turns = 0;
  std::uint64_t longest = 0;  ///< units of one turn
  std::vector<Effect> effects;

  void go_on() {
    for (;;) {
      const Taken taken = run.take();
      journal += taken.events;
      if (run.busy()) CHECK(taken.effects.empty());
      effects.insert(effects.end(), taken.effects.begin(), taken.effects.end());
      if (!run.busy()) return;
      const std::uint64_t before = run.work_units();
      run.go_on();
      ++turns;
      longest = std::max(longest, run.work_units() - before);
    }
  }
};

Carried begin(const DefinitionPtr& definition, std::string_view input, RunOptions options = {}) {
  options.id = "run";
  auto run = Run::start(definition, input, options);
  REQUIRE_MESSAGE(run, run.error().message);
  Carried carried{std::move(*run), history_header(definition->hash), 0, 0, {}};
  carried.go_on();
  return carried;
}

std::string code_of(const Run& run) {
  const auto outcome = parse_json(run.outcome());
  REQUIRE(outcome);
  return outcome->value("code", "");
}

void check_replay(const Carried& carried) {
  const Run& run = carried.run;
  for (const std::uint64_t turn_work_max : {kTurnWorkMax, kUnboundedTurn}) {
    auto replay = Replay::begin(run.definition(), carried.journal);
    REQUIRE(replay);
    replay->set_turn_work(turn_work_max);
    auto done = replay->go_on();
    while (done && !*done)
      done = replay->go_on();
    REQUIRE_MESSAGE(done, done.error().message);
    const Run again = std::move(*replay).run();
    CHECK(again.state_hash() == run.state_hash());
    CHECK(again.work_units() == run.work_units());
    CHECK(again.head().link == run.head().link);
  }
  const auto restored = Run::restore(run.definition(), run.snapshot(), "");
  REQUIRE(restored);
  CHECK(restored->state_hash() == run.state_hash());
  CHECK(restored->work_units() == run.work_units());
}

constexpr const char* kEndless =
    R"J({"name": "endless", "state": {"n": {"reducer": "replace"}}, "workflow": [
  {"loop": {"max": 100000},
   "do": {"set": {"n": "{{ range(20000) | map('string') | join | length + round }}"}}}]})J";

}  // namespace

TEST_SUITE("workflow/budget") {
  TEST_CASE("a run whose bounds multiply ends, a turn at a time") {
    Carried carried = begin(loaded(kEndless), "{}", nearly_spent());
    CHECK(carried.run.status() == RunStatus::failed);
    CHECK(code_of(carried.run) == "too_much_work");
    CHECK(carried.turns > 20);
    CHECK(carried.longest <= kTurnWorkMax + kStepUnitsMax);
    CHECK(carried.run.work_units() <= kWorkMax + kUndoWorkMax + kStepUnitsMax);
    check_replay(carried);
  }

  TEST_CASE("nothing else is taken while a run is busy") {
    const DefinitionPtr definition = loaded(kEndless);
    auto run = Run::start(definition, "{}", {"run", 1, 1000});
    REQUIRE(run);
    REQUIRE(run->busy());
    CHECK(run->give({InputKind::signal, 1000, "s", {}}).error().code == "run_busy");
    CHECK(run->give({InputKind::tick, 1000, {}, {}}).error().code == "run_busy");
    CHECK(run->park(1000).error().code == "run_busy");
    CHECK(run->take().count > 0);
    CHECK(run->take().count == 0);
  }

  TEST_CASE("a cancellation does not wait for what it cancels") {
    const std::string loop = std::string(kEndless).substr(std::string(kEndless).find("{\"loop\""));
    const std::string undo = R"J("compensate": {"tool": "cancel"})J";
    const DefinitionPtr definition = loaded(
        R"J({"name": "long", "state": {"n": {"reducer": "replace"}},
            "tools": {"book": {"class": "idempotent"}, "cancel": {"class": "idempotent"}},
            "workflow": [{"id": "room", "tool": "book", )J" +
        undo + "}, " + loop);
    Carried carried = begin(definition, "{}");
    REQUIRE(carried.effects.size() == 1);
    REQUIRE(carried.run.give({InputKind::completed, 1000, carried.effects[0].id, "{}"}));
    for (int turn = 0; turn < 3; ++turn) {
      REQUIRE(carried.run.busy());
      carried.journal += carried.run.take().events;
      carried.run.go_on();
    }
    const std::uint64_t before = carried.run.work_units();
    const auto given = carried.run.give({InputKind::cancel, 1000, "me", {}});
    REQUIRE(given);
    CHECK(*given == Given::taken);
    carried.go_on();
    CHECK(carried.run.work_units() < before + kTurnWorkMax);
    // What was done is undone.
    REQUIRE(carried.effects.size() == 2);
    CHECK(carried.effects[1].target == "cancel");
    check_replay(carried);
    REQUIRE(carried.run.give({InputKind::completed, 1000, carried.effects[1].id, "{}"}));
    carried.go_on();
    CHECK(carried.run.status() == RunStatus::cancelled);
    check_replay(carried);
  }

  TEST_CASE("a run is cancelled before its first move, and while its timers fire") {
    RunOptions options;
    options.turn_work_max = 1;
    options.id = "run";
    const DefinitionPtr timers = loaded(
        R"J({"name": "timers", "workflow": [{"for_each": "range(50)", "at_once": 50,
            "do": {"wait": {"for": "1s"}}}]})J");
    for (const bool ticking : {false, true}) {
      CAPTURE(ticking);
      auto run = Run::start(timers, "{}", options);
      REQUIRE(run);
      Carried carried{std::move(*run), history_header(timers->hash), 0, 0, {}};
      if (ticking) {
        carried.go_on();
        REQUIRE(carried.run.give({InputKind::tick, 5000, {}, {}}));
      }
      REQUIRE(carried.run.busy());
      carried.journal += carried.run.take().events;
      REQUIRE(carried.run.give({InputKind::cancel, 6000, "me", {}}));
      carried.go_on();
      CHECK(carried.run.status() == RunStatus::cancelled);
      check_replay(carried);
    }
  }

  TEST_CASE("a tick with many timers due goes on, too") {
    const DefinitionPtr definition = loaded(
        R"J({"name": "timers", "workflow": [{"for_each": "range(500)", "at_once": 500,
            "do": {"wait": {"for": "1s"}}}]})J");
    RunOptions options;
    options.turn_work_max = 1;
    Carried slow = begin(definition, "{}", options);
    Carried fast = begin(definition, "{}");
    for (Carried* one : {&slow, &fast}) {
      const auto given = one->run.give({InputKind::tick, 5000, {}, {}});
      REQUIRE(given);
      CHECK(*given == Given::taken);
      one->go_on();
      CHECK(one->run.status() == RunStatus::done);
    }
    CHECK(slow.turns > fast.turns);
    CHECK(slow.journal == fast.journal);
    CHECK(slow.run.state_hash() == fast.run.state_hash());
  }

  TEST_CASE("an effect that a later turn withdraws is never handed out") {
    const DefinitionPtr definition = loaded(
        R"J({"name": "race", "tools": {"t": {"class": "once"}}, "workflow": [
          {"parallel": {"a": {"tool": "t"}, "b": {"set": {"x": 1}}}, "join": "first"}]})J");
    RunOptions options;
    options.turn_work_max = 1;
    Carried slow = begin(definition, "{}", options);
    CHECK(slow.turns > 2);
    CHECK(slow.effects.empty());
    CHECK(slow.run.status() == RunStatus::done);
  }

  TEST_CASE("what was done is undone within a bounded extra") {
    const std::string loop = std::string(kEndless).substr(std::string(kEndless).find("{\"loop\""));
    const DefinitionPtr definition = loaded(
        R"J({"name": "undone", "state": {"n": {"reducer": "replace"}},
            "tools": {"book": {"class": "idempotent"}, "cancel": {"class": "idempotent"}},
            "workflow": [{"id": "room", "tool": "book", "compensate": {"tool": "cancel"}}, )J" +
        loop);
    Carried carried = begin(definition, "{}", nearly_spent());
    REQUIRE(carried.effects.size() == 1);
    REQUIRE(carried.run.give({InputKind::completed, 1000, carried.effects[0].id, "{}"}));
    carried.go_on();
    REQUIRE(carried.effects.size() == 2);
    CHECK(carried.effects[1].target == "cancel");
    CHECK(carried.run.status() == RunStatus::running);
    REQUIRE(carried.run.give({InputKind::completed, 1000, carried.effects[1].id, "{}"}));
    carried.go_on();
    CHECK(code_of(carried.run) == "too_much_work");
    check_replay(carried);
  }

  TEST_CASE("a compensation that never ends is ended") {
    const std::string loop = std::string(kEndless).substr(std::string(kEndless).find("{\"loop\""));
    const DefinitionPtr definition = loaded(
        R"J({"name": "undoing", "state": {"n": {"reducer": "replace"}}, "workflow": [
          {"sequence": [{"set": {"n": 0}}], "compensate": )J" +
        loop.substr(0, loop.size() - 2) + "}, " + loop);
    Carried carried = begin(definition, "{}", nearly_spent());
    CHECK(code_of(carried.run) == "too_much_work");
    CHECK(carried.run.work_units() <= kWorkMax + kUndoWorkMax + 2 * kStepUnitsMax);
    check_replay(carried);
  }

  TEST_CASE("a state that grows without end is no state that is kept") {
    const DefinitionPtr definition = loaded(
        R"J({"name": "grows", "workflow": [{"for_each": "range(900)", "at_once": 1,
            "do": {"emit": "more", "with": "{{ input.text ~ index }}"}}]})J");
    const std::string input = "{\"text\":\"" + std::string(500'000, 'x') + "\"}";
    Carried carried = begin(definition, input);
    CHECK(code_of(carried.run) == "too_much_work");
    CHECK(carried.run.outcome().find("bytes of state") != std::string::npos);
    check_replay(carried);
  }

  TEST_CASE("what does not fit into the state is refused before it is made") {
    const std::string begins = R"J({"name": "doubles", "state": {"list": {"reducer": "append"},
        "more": {"reducer": "append"}}, "workflow": [)J";
    const std::string fill = R"J({"set": {"list": "{{ range(1000) | list }}"}}, )J";
    // A list that is appended to itself, one that holds itself, and branches whose outputs are all
    // of it.
    for (const char* growing :
         {R"J({"loop": {"max": 100}, "do": {"set": {"list": "{{ state.list }}"}}})J",
          R"J({"loop": {"max": 100}, "do": {"set": {"list": ["{{ state.list }}"]}}})J",
          R"J({"loop": {"max": 100}, "do": [{"for_each": "range(1000)", "do":
                 {"emit": "x", "with": "{{ state.list }}"}}]})J"}) {
      CAPTURE(growing);
      Carried carried = begin(loaded(begins + fill + growing + "]}"), "{}");
      CHECK(code_of(carried.run) == "too_much_work");
      CHECK(carried.run.state_bytes() <= kStateBytesMax);
      check_replay(carried);
    }
  }

  TEST_CASE("a step whose value does not fit fails like any other, and the run may go on") {
    const DefinitionPtr definition = loaded(
        R"J({"name": "doubles", "state": {"list": {"reducer": "append"}}, "workflow": [
            {"set": {"list": "{{ range(1000) | list }}"}},
            {"loop": {"max": 100}, "do": {"set": {"list": "{{ state.list }}"}},
             "fallback": {"emit": "full"}}], "result": "{{ state.list | length > 100000 }}"})J");
    Carried carried = begin(definition, "{}");
    CHECK(carried.run.status() == RunStatus::done);
    CHECK(carried.run.outcome() == "true");
    check_replay(carried);
  }

  TEST_CASE("signals that nobody waits for are part of the state") {
    Carried carried =
        begin(loaded(R"J({"name": "box", "workflow": [{"wait": {"signal": "never"}}]})J"), "{}");
    std::string value = "[[]";
    for (int i = 1; i < 40'000; ++i)
      value += ",[]";
    int taken = 0;
    for (; taken < 64 && carried.run.status() == RunStatus::running; ++taken) {
      REQUIRE(carried.run.give(
          {InputKind::signal, 1000, "s", value + "," + std::to_string(taken) + "]"}));
      carried.go_on();
    }
    CHECK(taken < 20);
    CHECK(code_of(carried.run) == "too_much_work");
    check_replay(carried);
  }

  TEST_CASE("equal values are held once, live and restored") {
    // Two outputs of one content, and more made until the state is weighed.
    const DefinitionPtr definition = loaded(
        R"J({"name": "equal", "state": {"a": {}, "b": {}, "n": {}}, "workflow": [
            {"set": {"a": "{{ input }}", "b": "{{ input }}"}},
            {"ask": "Sure?"},
            {"loop": {"max": 40}, "do": {"set": {"n": "{{ 'x' * 500000 ~ round }}"}}},
            {"ask": "Still?"}]})J");
    const std::string input = "\"" + std::string(1'000'000, 'x') + "\"";
    Carried live = begin(definition, input);
    auto restored = Run::restore(definition, live.run.snapshot(), "");
    REQUIRE(restored);
    Carried other{std::move(*restored), {}, 0, 0, {}};
    for (Carried* one : {&live, &other}) {
      REQUIRE(one->run.give({InputKind::answer, 1000, live.effects.at(0).id, "1"}));
      one->go_on();
    }
    CHECK(live.run.state_hash() == other.run.state_hash());
    CHECK(live.run.state_bytes() < 4'000'000);
    check_replay(live);
  }

  TEST_CASE("the runs that go on for one another have the bounds of one") {
    const DefinitionPtr definition =
        loaded(R"J({"name": "self", "workflow": [{"handoff": {"workflow": "self"}, "with": 1}]})J");
    RunOptions options;
    std::uint64_t runs = 0;
    for (;;) {
      Carried carried = begin(definition, "{}", options);
      CHECK(carried.run.generation() == options.generation);
      ++runs;
      if (carried.run.status() != RunStatus::continued) {
        CHECK(code_of(carried.run) == "too_much_work");
        break;
      }
      if (runs % 1000 == 1) check_replay(carried);
      CHECK(carried.run.work_units() > options.work);
      options.generation = carried.run.generation() + 1;
      options.work = carried.run.work_units();
    }
    CHECK(runs == kGenerationsMax + 1);
    options.generation = kGenerationsMax + 1;
    CHECK(Run::start(definition, "{}", options).error().code == "too_much_work");
    options.generation = 2;
    options.work = kWorkMax + 1;
    CHECK(code_of(begin(definition, "{}", options).run) == "too_much_work");
  }

  TEST_CASE("an import goes on in turns and comes to the same run") {
    const DefinitionPtr definition = loaded(
        R"J({"name": "long", "tools": {"t": {"class": "pure"}}, "state": {"n": {"reducer": "add"}},
            "workflow": [{"loop": {"max": 3000}, "do": {"set": {"n": 1}}}, {"tool": "t"}]})J");
    Carried carried = begin(definition, "{}");
    REQUIRE(carried.run.park(2000));
    carried.go_on();
    auto bundle = export_run(carried.run, carried.journal, {});
    REQUIRE_MESSAGE(bundle, bundle.error().message);
    Importer importer;
    importer.may_author = true;
    importer.now_ms = 3000;
    auto whole = import_run(*bundle, {}, importer);
    REQUIRE_MESSAGE(whole, whole.error().message);
    auto import = Import::begin(*bundle, {}, importer);
    REQUIRE(import);
    import->set_turn_work(1000);
    int turns = 1;
    auto done = import->go_on();
    for (; done && !*done; ++turns)
      done = import->go_on();
    REQUIRE_MESSAGE(done, done.error().message);
    CHECK(turns > 100);
    auto imported = std::move(*import).imported();
    REQUIRE_MESSAGE(imported, imported.error().message);
    while (imported->run.busy())
      imported->run.go_on();
    CHECK(imported->run.state_hash() == whole->run.state_hash());
  }
}

TEST_CASE("no value of a run is nested deeper than one that may come in") {
  // Each wraps what it made in the round before, by 20 levels and by one. The stack ended at some
  // ten thousand.
  for (const char* text : {
           R"({"name":"w","state":{"x":{"initial":0}},"workflow":[{"loop":{"max":5000},
               "do":{"set":{"x":[[[[[[[[[[[[[[[[[[[["{{ state.x }}"]]]]]]]]]]]]]]]]]]]]}}}]})",
           R"({"name":"w","state":{"x":{"initial":0}},"workflow":[{"loop":{"max":1000},
               "do":{"set":{"x":{"a":"{{ state.x }}"}}}}]})"}) {
    CAPTURE(text);
    Run run = Run::start(loaded(text), "{}", {.id = "r", .seed = 1}).value();
    while (run.busy())
      run.go_on();
    CHECK(run.status() == RunStatus::failed);
    const Json outcome = parse_json(run.outcome()).value();
    CHECK(outcome["code"] == "too_deep");
  }
}
