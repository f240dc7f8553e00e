#include "relay/services/runs/run_service.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/base/canonical_json.hpp"
#include "engine/llm/chat.hpp"
#include "engine/workflow/bundle.hpp"
#include "relay/services/runs/model_step.hpp"
#include "tests/relay/services/runs/runs_fixture.hpp"

namespace redoubt::runs {
namespace {

using workflow::InputKind;

constexpr const char* asker =
    "name: asker\nworkflow:\n  - {id: sure, ask: 'Sure?'}\nresult: '{{ steps.sure }}'\n";
constexpr const char* parent =
    "name: parent\nworkflow:\n  - {id: one, child: asker, with: {}}\nresult: '{{ steps.one }}'\n";
constexpr const char* sleeper =
    "name: sleeper\nworkflow:\n  - {id: nap, wait: {for: 400ms}}\nresult: slept\n";
constexpr const char* thinker =
    "name: thinker\nllms: {one: {model_name: strategist}}\nworkflow:\n  - {id: x, model: one, "
    "prompt: 'One?'}\nresult: '{{ steps.x }}'\n";

/// Some seconds of a core: what its bounds allow, multiplied.
constexpr const char* hog =
    "name: hog\nstate: {n: {reducer: replace}}\nworkflow:\n  - loop: {max: 100000}\n"
    "    do: {set: {n: \"{{ range(2000) | map('string') | join | length + round }}\"}}\n";

/// Doubles four texts to 1 MiB each, holds none of them in the end, and waits for its owner.
constexpr const char* swells =
    "name: swells\nstate:\n  a: {initial: aaaaaaaa, reducer: replace}\n"
    "  b: {initial: bbbbbbbb, reducer: replace}\n  c: {initial: cccccccc, reducer: replace}\n"
    "  d: {initial: dddddddd, reducer: replace}\nworkflow:\n"
    "  - loop: {max: 17}\n    do:\n      set: {a: '{{ state.a ~ state.a }}', b: '{{ state.b ~ "
    "state.b }}', c: '{{ state.c ~ state.c }}', d: '{{ state.d ~ state.d }}'}\n"
    "  - {set: {a: '', b: '', c: '', d: ''}}\n  - {id: sure, ask: 'Sure?'}\nresult: swelled\n";

/// A bundle that nobody has signed, of a run that another program has parked.
std::string unsigned_bundle(const std::string& yaml, const std::string& id,
                            const std::string& input = "{}") {
  auto definition = read_workflow(yaml, Catalogue::shipped().value().load_context());
  REQUIRE_MESSAGE(definition.ok(), definition.error().message);
  auto run = workflow::Run::start(*definition, input, {id, 1, 1'000});
  REQUIRE(run);
  std::string history = workflow::history_header((*definition)->hash) + run->take().events;
  while (run->busy()) {
    run->go_on();
    history += run->take().events;
  }
  const auto parked = run->park(1'000);
  REQUIRE_MESSAGE(parked.ok(), run->outcome());
  history += run->take().events;
  const auto bundle = workflow::export_run(*run, history, {});
  REQUIRE_MESSAGE(bundle.ok(), bundle.error().message);
  return workflow::write_bundle(*bundle);
}

/// A small file whose expressions have many parts once they are read.
Json wide(int steps) {
  std::string items = "state.a";
  for (int i = 1; i < 900; ++i)
    items += ",state.a";
  Json file{{"name", "wide"}, {"state", {{"a", {{"initial", 1}}}}}, {"result", "done"}};
  for (int i = 0; i < steps; ++i)
    file["workflow"].push_back({{"set", {{"a", "{{[" + items + "]}}"}}}});
  return file;
}

std::string code_of(const Json& run) {
  return run.contains("outcome") && run["outcome"].is_object()
             ? run["outcome"].value("code", std::string())
             : run.value("code", std::string());
}

}  // namespace

TEST_CASE("runs of one id live beside each other, and an import throws nobody else's out") {
  RunsFixture fixture;
  const Owner ada = owner("ada"), bob = owner("bob");
  const std::string bundle = unsigned_bundle(sleeper, "shared");
  const Json first = fixture.import_run(ada, bundle);
  REQUIRE_MESSAGE(first["id"] == "shared", first.dump());
  const Json second = fixture.import_run(bob, bundle);
  REQUIRE_MESSAGE(second["id"] == "shared", second.dump());
  // Removing one leaves the other.
  CHECK(fixture.remove(bob, "shared") == Json::object());
  // Its timer fires still.
  CHECK(fixture.ended(ada, "shared")["outcome"] == "slept");
  CHECK(fixture.view(bob, "shared")["code"] == "unknown_run");
  // What was imported once is known, though the run is gone.
  CHECK(fixture.import_run(bob, bundle)["code"] == "known_epoch");
}

TEST_CASE("the same subject of two tenants is two owners") {
  RunsFixture fixture;
  fixture.workflow(asker);
  const Owner here = owner("1", "here"), there = owner("1", "there");
  const std::string id = fixture.started(here, "asker");
  CHECK(fixture.list(there).empty());
  CHECK(fixture.list(here).size() == 1);
  const auto refused = [&](const Json& said) { return said["code"] == "unknown_run"; };
  CHECK(refused(fixture.view(there, id)));
  CHECK(refused(fixture.remove(there, id)));
  CHECK(refused(fixture.give(there, id, {InputKind::answer, "sure#1", "1"})));
  CHECK(refused(fixture.give(there, id, {InputKind::cancel, "x", {}})));
  CHECK(refused(fixture.ask(
      [&](JsonCallback callback) { fixture.service().export_run(there, id, copying(callback)); })));
  CHECK(refused(fixture.ask(
      [&](JsonCallback callback) { fixture.service().resume(there, id, copying(callback)); })));
  const auto stream = std::make_shared<Stream>();
  fixture.service().watch(there, id, 0, stream);
  fixture.until([&] { return !stream->open(); });
  CHECK(stream->text().empty());
  CHECK(fixture.view(here, id)["status"] == "running");
  // Neither does what one has signed count for the other.
  const std::string bundle = fixture.export_run(here, id);
  CHECK(fixture.import_run(there, bundle)["code"] == "bad_signature");
  CHECK(fixture.import_run(here, bundle)["status"] == "running");
}

TEST_CASE("whoever waits for a run is told when it is removed") {
  RunsFixture fixture;
  fixture.workflow(asker);
  fixture.workflow(parent);
  const Owner ada = owner("ada");
  const std::string waits = fixture.started(ada, "parent");
  const std::string child = fixture.run_of(ada, "asker");
  const auto stream = std::make_shared<Stream>();
  fixture.service().watch(ada, child, 0, stream);
  CHECK(fixture.remove(ada, child) == Json::object());
  const Json end = fixture.ended(ada, waits);
  CHECK(end["status"] == "failed");
  CHECK_MESSAGE(code_of(end) == "removed", end.dump());
  fixture.until([&] { return !stream->open(); });
}

TEST_CASE("whoever waits for a run is told when it is exported") {
  RunsFixture fixture;
  fixture.workflow(asker);
  fixture.workflow(parent);
  const Owner ada = owner("ada");
  const std::string waits = fixture.started(ada, "parent");
  const std::string child = fixture.run_of(ada, "asker");
  const std::string bundle = fixture.export_run(ada, child);
  const Json end = fixture.ended(ada, waits);
  CHECK_MESSAGE(code_of(end) == "child_parked", end.dump());
  // The run itself is as good as any.
  CHECK(fixture.import_run(ada, bundle)["status"] == "running");
}

TEST_CASE("a run from a host whose clock was ahead goes on in its own time") {
  RunsFixture fixture;
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "asker");
  const std::string bundle = fixture.export_run(ada, id);
  constexpr std::int64_t ahead_ms = 3'600'000;
  REQUIRE(fixture.ask([&](JsonCallback callback) {
    fixture.service().import_run(ada, bundle, observe::wall_now_ms() + ahead_ms, callback);
  })["status"] == "running");
  fixture.give(ada, id, {InputKind::answer, "sure#1", "1"});
  REQUIRE(fixture.ended(ada, id)["status"] == "done");
  const auto ended = workflow::read_bundle(fixture.export_run(ada, id));
  REQUIRE(ended);
  auto reader = workflow::HistoryReader::open(ended->history);
  REQUIRE(reader);
  workflow::Event event;
  std::int64_t imported_ms = 0;
  for (auto more = reader->next(event); more && *more; more = reader->next(event))
    if (event.kind == workflow::EventKind::imported) imported_ms = event.stamp_ms;
  CHECK(event.stamp_ms - imported_ms < ahead_ms / 2);
}

TEST_CASE("a run that is over is exported as often as its owner asks, and each copy is read") {
  RunsFixture fixture;
  fixture.workflow(sleeper);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "sleeper");
  REQUIRE(fixture.ended(ada, id)["status"] == "done");
  fixture.export_run(ada, id);
  const std::string again = fixture.export_run(ada, id);
  CHECK(fixture.remove(ada, id) == Json::object());
  CHECK(fixture.import_run(ada, again)["status"] == "done");
}

TEST_CASE("a child that the store refuses fails its step") {
  OwnerBounds bounds;
  bounds.descendants_max = 2;
  RunsFixture fixture(bounds);
  fixture.workflow("name: leaf\nworkflow:\n  - emit: there\nresult: leaf\n");
  fixture.workflow(
      "name: bomb\nworkflow:\n  - {id: a, child: leaf, with: {}}\n  - {id: b, child: leaf, with: "
      "{}}\n"
      "  - {id: c, child: leaf, with: {}}\nresult: all\n");
  const Owner ada = owner("ada");
  const Json end = fixture.ended(ada, fixture.started(ada, "bomb"));
  CHECK_MESSAGE(code_of(end) == "too_many_descendants", end.dump());
}

TEST_CASE("a run that hands over for ever comes to an end") {
  OwnerBounds bounds;
  bounds.descendants_max = 30;
  bounds.ended_max = 5;
  RunsFixture fixture(bounds);
  fixture.workflow(
      "name: again\nworkflow:\n  - {handoff: {workflow: self}, with: {n: '{{ input.n + 1 }}'}}\n");
  fixture.workflow("name: waits\nworkflow:\n  - {id: x, child: again, with: {n: 0}}\n");
  const Owner ada = owner("ada");
  const Json end = fixture.ended(ada, fixture.started(ada, "waits"));
  CHECK_MESSAGE(code_of(end) == "too_many_descendants", end.dump());
  fixture.until([&] { return fixture.list(ada).size() <= 6; });
}

TEST_CASE("a parent that is removed takes its children along, also those they went on in") {
  RunsFixture fixture;
  fixture.workflow(asker);
  fixture.workflow("name: over\nworkflow:\n  - {handoff: {workflow: asker}, with: {}}\n");
  fixture.workflow("name: top\nworkflow:\n  - {id: x, child: over, with: {}}\n");
  const Owner ada = owner("ada");
  const std::string top = fixture.started(ada, "top");
  const std::string last = fixture.run_of(ada, "asker");
  fixture.until([&] { return !fixture.view(ada, last)["questions"].empty(); });
  fixture.remove(ada, top);
  CHECK(fixture.ended(ada, last)["status"] == "cancelled");
}

TEST_CASE("the limits of the token that began a run are its run's after a restart too") {
  RunsFixture fixture;
  fixture.workflow(thinker);
  Owner ada = owner("ada", "game");
  ada.limits.cost_microusd_per_day = 0;
  ada.limits.concurrent_calls = 3;
  const std::string id = fixture.started(ada, "thinker");
  fixture.until([&] { return fixture.gateway().orders().size() == 1; });
  fixture.end();
  fixture.begin();
  // Nobody asks for it: it goes on by itself.
  fixture.until([&] { return fixture.gateway().orders().size() == 2; });
  for (const upstream::Order& order : fixture.gateway().orders()) {
    CHECK(order.own_limits == ada.limits);
    CHECK(order.identity == ada.identity);
  }
  // Another token of the same owner does not lift them.
  CHECK(fixture.view(owner("ada", "game"), id)["status"] == "running");
  fixture.end();
  fixture.begin();
  fixture.until([&] { return fixture.gateway().orders().size() == 3; });
  CHECK(fixture.gateway().orders().back().own_limits == ada.limits);
}

TEST_CASE("a run over whose reading the process died is set aside, and others go on") {
  RunsFixture fixture;
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string bad = fixture.started(ada, "asker"), good = fixture.started(ada, "asker");
  fixture.end();
  fixture.sql("UPDATE runs SET taking_up = 1 WHERE id = '" + bad + "'");
  for (int start = 0; start < 2; ++start) {
    fixture.begin();
    fixture.until([&] { return !fixture.view(ada, good)["questions"].empty(); });
    const Json aside = fixture.view(ada, bad);
    CHECK(aside["status"] == "parked");
    CHECK_MESSAGE(aside["error"]["code"] == "run_set_aside", aside.dump());
    CHECK(fixture.give(ada, bad, {InputKind::answer, "sure#1", "1"})["code"] == "run_set_aside");
    for (const Json& run : fixture.list(ada))
      if (run["id"] == bad) CHECK(run["status"] == "parked");
    fixture.end();
  }
  fixture.begin();
  const Json back = fixture.ask(
      [&](JsonCallback callback) { fixture.service().resume(ada, bad, copying(callback)); });
  CHECK_MESSAGE(back["status"] == "running", back.dump());
  CHECK(fixture.give(ada, bad, {InputKind::answer, "sure#1", "7"})["id"] == bad);
  CHECK(fixture.ended(ada, bad)["outcome"] == 7);
}

TEST_CASE("a run that was set aside can be removed without being read") {
  RunsFixture fixture;
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "asker");
  fixture.end();
  fixture.sql("UPDATE runs SET taking_up = 1; UPDATE run_definitions SET definition = 'broken'");
  fixture.begin();
  CHECK(fixture.remove(ada, id) == Json::object());
  CHECK(fixture.view(ada, id)["code"] == "unknown_run");
}

TEST_CASE("a run that was taken up is not set aside by the next death") {
  RunsFixture fixture;
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "asker");
  const std::string over = fixture.started(ada, "asker");
  fixture.give(ada, over, {InputKind::cancel, "x", {}});
  for (int start = 0; start < 3; ++start) {
    fixture.end();
    fixture.begin();
    CHECK(fixture.view(ada, id)["status"] == "running");
    CHECK(fixture.view(ada, over)["status"] == "cancelled");
  }
}

TEST_CASE("every run that was under way goes on after a start, however many they are") {
  RunsFixture fixture;
  fixture.workflow(asker);
  std::vector<std::pair<Owner, std::string>> runs;
  for (int i = 0; i < 150; ++i) {
    const Owner one = owner("owner " + std::to_string(i % 7), i % 2 ? "a" : "b");
    runs.emplace_back(one, fixture.started(one, "asker"));
  }
  fixture.end();
  fixture.begin();
  for (const auto& [one, id] : runs) {
    CHECK(fixture.give(one, id, {InputKind::answer, "sure#1", "1"})["id"] == id);
    CHECK(fixture.ended(one, id)["status"] == "done");
  }
}

TEST_CASE("an owner has so many runs under way, parked ones among them, and no more") {
  OwnerBounds bounds;
  bounds.under_way_max = 4;
  RunsFixture fixture(bounds);
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  for (int i = 0; i < 4; ++i) {
    const std::string id = fixture.started(ada, "asker");
    if (i % 2) fixture.export_run(ada, id);
  }
  CHECK(fixture.start(ada, "asker")["code"] == "too_many_runs");
  fixture.end();
  fixture.begin();
  CHECK(fixture.start(ada, "asker")["code"] == "too_many_runs");
  CHECK(fixture.start(owner("bob"), "asker")["status"] == "running");
}

TEST_CASE("what waits for a run that is removed is answered") {
  RunsFixture fixture;
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "asker");
  std::vector<std::future<void>> asked;
  for (int i = 0; i < 20; ++i) {
    auto promise = std::make_shared<std::promise<void>>();
    asked.push_back(promise->get_future());
    const auto callback = [promise](const Result<std::string>&) { promise->set_value(); };
    if (i == 10) fixture.service().remove(ada, id, callback);
    if (i != 10 && i % 2) fixture.service().view(ada, id, copying(callback));
    if (i != 10 && i % 2 == 0)
      fixture.service().give(ada, id, {InputKind::signal, "s", "1"}, callback);
  }
  for (std::future<void>& one : asked)
    CHECK(one.wait_for(patience) == std::future_status::ready);
}

TEST_CASE("whoever waits for a run that the store does not take is told so, and the run goes on") {
  RunsFixture fixture;
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "asker");
  fixture.view(ada, id);
  fixture.sql(
      "CREATE TRIGGER no_room BEFORE INSERT ON run_pieces "
      "BEGIN SELECT RAISE(FAIL, 'no room'); END");
  CHECK(fixture.give(ada, id, {InputKind::answer, "sure#1", "1"})["code"] == "bad_store");
  CHECK(fixture.view(ada, id)["code"] == "bad_store");
  CHECK(fixture.give(ada, id, {InputKind::signal, "s", "2"})["code"] == "bad_store");
  fixture.sql("DROP TRIGGER no_room");
  // What it was given before the store failed is stored now.
  CHECK(fixture.ended(ada, id)["status"] == "done");
}

TEST_CASE("a clock that is set back does not hold up what is tried again") {
  RunsFixture fixture;
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "asker");
  fixture.sql(
      "CREATE TRIGGER no_room BEFORE INSERT ON run_pieces "
      "BEGIN SELECT RAISE(FAIL, 'no room'); END");
  CHECK(fixture.give(ada, id, {InputKind::answer, "sure#1", "1"})["code"] == "bad_store");
  fixture.pass(-3'600'000);
  fixture.sql("DROP TRIGGER no_room");
  CHECK(fixture.ended(ada, id)["status"] == "done");
}

TEST_CASE("a long run is read back from its last snapshot, and whole where it has none") {
  RunsFixture fixture;
  fixture.workflow(
      "name: counts\nstate: {n: {initial: 0, reducer: replace}}\nworkflow:\n  - loop: {max: 150}\n"
      "    do:\n      - {id: next, wait: {signal: next}}\n"
      "      - {set: {n: '{{ state.n + 1 }}'}}\nresult: '{{ state.n }}'\n");
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "counts");
  const auto count_on = [&](int signals) {
    for (int i = 0; i < signals; ++i)
      REQUIRE(fixture.give(ada, id, {InputKind::signal, "next", "1"})["id"] == id);
  };
  count_on(100);
  fixture.end();
  SUBCASE("what came before the snapshot is not looked at") {
    fixture.sql(
        "UPDATE run_pieces SET frames = x'00' WHERE number < (SELECT piece FROM run_snapshots)");
  }
  SUBCASE("as in a store of before") {
    fixture.sql("DELETE FROM run_snapshots");
  }
  fixture.begin();
  count_on(50);
  CHECK(fixture.ended(ada, id)["outcome"] == 150);
}

TEST_CASE("a run that goes on in another waits for a store that refuses it for a while") {
  RunsFixture fixture;
  fixture.workflow(asker);
  fixture.workflow("name: over\nworkflow:\n  - {handoff: {workflow: asker}, with: {}}\n");
  fixture.workflow(
      "name: top\nworkflow:\n  - {id: x, child: over, with: {}}\nresult: '{{ steps.x }}'\n");
  fixture.sql(
      "CREATE TRIGGER no_asker BEFORE INSERT ON runs WHEN NEW.workflow = 'asker' "
      "BEGIN SELECT RAISE(FAIL, 'no room'); END");
  const Owner ada = owner("ada");
  const std::string top = fixture.started(ada, "top");
  const std::string over = fixture.run_of(ada, "over");
  CHECK(fixture.ended(ada, over)["status"] == "continued");
  // The store's thread comes to what was asked of it before.
  for (int i = 0; i < 10; ++i)
    fixture.list(ada);
  CHECK(fixture.view(ada, top)["status"] == "running");
  fixture.end();
  fixture.sql("DROP TRIGGER no_asker");
  fixture.begin();
  const std::string last = fixture.run_of(ada, "asker");
  CHECK(fixture.give(ada, last, {InputKind::answer, "sure#1", "7"})["id"] == last);
  CHECK(fixture.ended(ada, top)["outcome"] == 7);
}

TEST_CASE("what the store says of a child gets into no history") {
  RunsFixture fixture;
  fixture.workflow(asker);
  fixture.workflow(parent);
  fixture.sql(
      "CREATE TRIGGER no_child BEFORE INSERT ON runs WHEN NEW.depth > 0 "
      "BEGIN SELECT RAISE(FAIL, 'words of the inside'); END");
  const Owner ada = owner("ada");
  const Json end = fixture.ended(ada, fixture.started(ada, "parent"));
  CHECK_MESSAGE(code_of(end) == "bad_store", end.dump());
  CHECK(end.dump().find("inside") == std::string::npos);
  CHECK(fixture.export_run(ada, end["id"].get<std::string>()).find("inside") == std::string::npos);
}

TEST_CASE("events are told to who comes early and to who comes late alike") {
  RunsFixture fixture;
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "asker");
  const auto early = std::make_shared<Stream>();
  fixture.service().watch(ada, id, 0, early);
  for (int i = 0; i < 50; ++i)
    fixture.give(ada, id, {InputKind::signal, "s", std::to_string(i)});
  const auto late = std::make_shared<Stream>();
  fixture.service().watch(ada, id, 0, late);
  fixture.give(ada, id, {InputKind::answer, "sure#1", "1"});
  fixture.until([&] { return !early->open() && !late->open(); });
  CHECK((early->text() == late->text()));
  CHECK(early->text().find("event: run_done") != std::string::npos);
  const auto after = std::make_shared<Stream>();
  fixture.service().watch(ada, id, 20, after);
  fixture.until([&] { return !after->open(); });
  CHECK(after->text().starts_with("id: 20\n"));
  CHECK(early->text().ends_with(after->text()));
}

TEST_CASE("one owner's endless work delays another's runs by turns, and can be looked at") {
  RunsFixture fixture;
  fixture.workflow(hog);
  fixture.workflow(asker);
  const Owner ada = owner("ada"), bob = owner("bob");
  std::vector<std::string> hogs;
  for (int i = 0; i < 5; ++i)
    hogs.push_back(fixture.started(ada, "hog"));
  const std::string id = fixture.started(bob, "asker");
  CHECK(fixture.give(bob, id, {InputKind::answer, "sure#1", "1"})["id"] == id);
  CHECK(fixture.ended(bob, id)["status"] == "done");
  // All of that was between turns of these.
  for (const std::string& one : hogs) {
    const Json run = fixture.view(ada, one);
    CHECK_MESSAGE(run["status"] == "running", run.dump());
  }
  CHECK(fixture.list(ada).size() == 5);
  const auto stream = std::make_shared<Stream>();
  fixture.service().watch(ada, hogs[0], 0, stream);
  fixture.until([&] { return !stream->text().empty(); });
  for (const std::string& one : hogs)
    CHECK(fixture.remove(ada, one) == Json::object());
  CHECK(fixture.list(ada).empty());
}

TEST_CASE("a run that works is cancelled at its next turn") {
  RunsFixture fixture;
  fixture.workflow(hog);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "hog");
  CHECK(fixture.give(ada, id, {InputKind::cancel, "enough", {}})["id"] == id);
  // Its work, done to the end, would have failed it.
  const Json run = fixture.ended(ada, id);
  CHECK_MESSAGE(run["status"] == "cancelled", run.dump());
}

TEST_CASE("runs that only wait are put out of memory, and come back when something comes") {
  OwnerBounds bounds;
  bounds.weight_max = 1u << 20;
  RunsFixture fixture(bounds);
  fixture.workflow("name: nap\nworkflow:\n  - {id: nap, wait: {for: 1500ms}}\nresult: slept\n");
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string much = "\"" + std::string(300'000, 'x') + "\"";
  std::vector<std::string> naps, asks;
  for (int i = 0; i < 6; ++i) {
    naps.push_back(fixture.started(ada, "nap", much));
    asks.push_back(fixture.started(ada, "asker", much));
  }
  for (const std::string& id : asks) {
    CHECK(fixture.view(ada, id)["questions"].size() == 1);
    // Who only looks leaves no trace.
    CHECK(fixture.view(ada, id)["events"] == fixture.view(ada, id)["events"]);
  }
  CHECK(fixture.give(ada, asks[0], {InputKind::answer, "sure#1", "7"})["id"] == asks[0]);
  CHECK(fixture.ended(ada, asks[0])["outcome"] == 7);
  // At a start none of them is read until it is needed.
  fixture.end();
  fixture.begin();
  CHECK(fixture.give(ada, asks[1], {InputKind::answer, "sure#1", "8"})["id"] == asks[1]);
  CHECK(fixture.ended(ada, asks[1])["outcome"] == 8);
  for (const Json& run : fixture.list(ada))
    if (run["id"] == asks[2]) CHECK(run["status"] == "running");
  for (const std::string& id : naps)
    fixture.until([&] {
      for (const Json& run : fixture.list(ada))
        if (run["id"] == id) return run["status"] == "done";
      return false;
    });
}

TEST_CASE("runs that are watched are put out of memory, too, and their watchers miss nothing") {
  OwnerBounds bounds;
  bounds.weight_max = 1u << 20;
  RunsFixture fixture(bounds);
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  std::vector<std::string> ids;
  std::vector<std::shared_ptr<Stream>> streams;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(fixture.started(ada, "asker", "\"" + std::string(300'000, 'x') + "\""));
    streams.push_back(std::make_shared<Stream>());
    fixture.service().watch(ada, ids.back(), 0, streams.back());
    fixture.until([&] { return streams.back()->text().find("Sure?") != std::string::npos; });
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    CAPTURE(i);
    CHECK(fixture.give(ada, ids[i], {InputKind::answer, "sure#1", "1"})["id"] == ids[i]);
    fixture.until([&] { return !streams[i]->open(); });
    const auto again = std::make_shared<Stream>();
    fixture.service().watch(ada, ids[i], 0, again);
    fixture.until([&] { return !again->open(); });
    CHECK((again->text() == streams[i]->text()));
    CHECK(again->text().find("event: run_done") != std::string::npos);
  }
}

TEST_CASE("a workflow that takes too much memory once it is read is refused") {
  RunsFixture fixture;
  const Json refused = fixture.ask([&](JsonCallback callback) {
    fixture.service().start(owner("ada"), {.definition = wide(100).dump(), .input = "{}"},
                            std::move(callback));
  });
  CHECK(refused["code"] == "bad_workflow");
  CHECK(refused["message"].get<std::string>().find("MiB of memory once it is read") !=
        std::string::npos);
}

TEST_CASE("whoever cannot read a run's events is told so before they begin") {
  RunsFixture fixture;
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "asker");
  const auto may_watch = [&](const std::string& run) {
    return fixture.ask(
        [&](JsonCallback callback) { fixture.service().may_watch(ada, run, std::move(callback)); });
  };
  std::vector<std::shared_ptr<Stream>> streams;
  for (std::size_t i = 0; i < 16; ++i) {
    CHECK(!may_watch(id).contains("code"));
    streams.push_back(std::make_shared<Stream>());
    fixture.service().watch(ada, id, 0, streams.back());
    fixture.until([&] { return !streams.back()->text().empty(); });
  }
  CHECK(may_watch(id)["code"] == "too_many_watchers");
  CHECK(may_watch("nobody's")["code"] == "unknown_run");
  fixture.end();
  fixture.sql("UPDATE runs SET taking_up = 1");
  fixture.begin();
  CHECK(may_watch(id)["code"] == "run_set_aside");
}

TEST_CASE("a model step's max_tokens is a number that a model can give") {
  const auto asked = [](const std::string& most) {
    return chat_of(R"({"messages":[],"settings":{"max_tokens":)" + most + "}}");
  };
  CHECK(*asked("100")->output_tokens_max == 100);
  CHECK(!asked("null")->output_tokens_max);
  for (const char* bad : {"-1", "0", "1.5", "\"7\"", "18446744073709551615", "1e300"}) {
    CAPTURE(std::string(bad));
    const auto refused = asked(bad);
    REQUIRE(!refused);
    CHECK(refused.error().message.find("settings.max_tokens: expected a whole number from 1 to "
                                       "10000000, got ") == 0);
  }
}

TEST_CASE("the end of the service waits for a turn, while runs work and while they are read back") {
  RunsFixture fixture;
  fixture.workflow(hog);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "hog");
  std::uint64_t events = fixture.view(ada, id)["events"].get<std::uint64_t>();
  for (int start = 0; start < 3; ++start) {
    fixture.end();
    fixture.begin();
    // It goes on where it was, and is not set aside.
    const Json run = *fixture.until([&]() -> std::optional<Json> {
      Json seen = fixture.view(ada, id);
      if (seen.value("events", std::uint64_t{0}) <= events) return std::nullopt;
      return seen;
    });
    const bool spent = run["status"] == "failed" && code_of(run) == "too_much_work";
    CHECK_MESSAGE((run["status"] == "running" || spent), run.dump());
    if (spent) break;
    events = run["events"].get<std::uint64_t>();
  }
  CHECK(fixture.remove(ada, id) == Json::object());
}

TEST_CASE("an owner's runs take so much memory, and one that grows over it is cancelled") {
  OwnerBounds bounds;
  bounds.weight_max = 4u << 20;
  RunsFixture fixture(bounds);
  fixture.workflow(
      "name: grows\nstate: {all: {reducer: append}}\nworkflow:\n  - loop: {max: 10000}\n    do:\n"
      "      - {set: {all: '{{ range(5000) | list }}'}}\n");
  const Owner ada = owner("ada");
  const Json run = fixture.ended(ada, fixture.started(ada, "grows"));
  CHECK(run["status"] == "cancelled");
  CHECK_MESSAGE(run["outcome"].dump().find("MiB of memory") != std::string::npos, run.dump());
}

TEST_CASE("what an owner's runs cannot keep in memory is refused, and a cancellation is not") {
  OwnerBounds bounds;
  bounds.weight_max = 4u << 20;
  RunsFixture fixture(bounds);
  fixture.workflow(
      "name: gathers\nstate: {all: {reducer: append}}\nworkflow:\n  - loop: {max: 10000}\n    do:\n"
      "      - {id: next, wait: {signal: more}}\n"
      "      - {set: {all: '{{ steps.next }}'}}\n");
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "gathers");
  const std::string much = "\"" + std::string(300'000, 'x');
  Json said = Json::object();
  for (int i = 0; i < 60 && !said.contains("code"); ++i)
    said = fixture.give(ada, id, {InputKind::signal, "more", much + std::to_string(i) + "\""});
  CHECK_MESSAGE(said["code"] == "too_many_inputs", said.dump());
  CHECK(fixture.give(ada, id, {InputKind::cancel, "enough", {}})["status"] == "cancelled");
}

TEST_CASE("what an import takes while it is replayed counts, and over a bound it gives way") {
  // On the way it takes more than one owner may, then than all may.
  const std::string bundle = unsigned_bundle(swells, "heavy");
  OwnerBounds bounds;
  bounds.weight_max = 3u << 20;
  {
    RunsFixture fixture(bounds);
    const Json refused = fixture.import_run(owner("ada"), bundle);
    CHECK(refused["code"] == "too_many_runs");
    CHECK_MESSAGE(refused["message"] ==
                      "your runs and imports under way take more than 3 MiB of memory: have fewer "
                      "of them under way",
                  refused.dump());
    // Nothing of it stays.
    CHECK(fixture.import_run(owner("ada"), unsigned_bundle(asker, "light"))["status"] == "running");
  }
  RunsFixture fixture({}, {.all_max = 3u << 20});
  const Json refused = fixture.import_run(owner("ada"), bundle);
  CHECK(refused["code"] == "overloaded");
  CHECK_MESSAGE(refused["message"] ==
                    "the runs and imports under way take too much memory (at most 3 MiB): try "
                    "again later",
                refused.dump());
  CHECK(fixture.import_run(owner("ada"), unsigned_bundle(asker, "light"))["status"] == "running");
  // It takes no more than that.
  RunsFixture large;
  CHECK(large.import_run(owner("ada"), bundle)["status"] == "running");
}

TEST_CASE("a heavy run comes back in the place of its old self, which is not weighed beside it") {
  OwnerBounds bounds;
  bounds.weight_max = 4u << 20;
  RunsFixture fixture(bounds);
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string id = fixture.started(ada, "asker", "\"" + std::string(1'500'000, 'x') + "\"");
  const Json before = fixture.view(ada, id);
  const std::string bundle = fixture.export_run(ada, id);
  const Json back = fixture.import_run(ada, bundle);
  CHECK_MESSAGE(back["status"] == "running", back.dump());
  CHECK(back["started_ms"] == before["started_ms"]);
  CHECK(fixture.give(ada, id, {InputKind::answer, "sure#1", "true"})["status"] == "done");
  CHECK(fixture.list(ada).size() == 1);
}

TEST_CASE("who looks at a run while it comes back holds up neither it nor themselves") {
  OwnerBounds bounds;
  bounds.weight_max = 4u << 20;
  RunsFixture fixture(bounds);
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  // With what it comes back as it is over half of the bound: its old self is put out of memory.
  const std::string id = fixture.started(ada, "asker", "\"" + std::string(800'000, 'x') + "\"");
  for (int times = 0; times < 5; ++times) {
    std::promise<Result<std::string>> imported;
    auto said = imported.get_future();
    fixture.service().import_run(
        ada, fixture.export_run(ada, id), -1,
        [&](Result<std::string> run) { imported.set_value(std::move(run)); });
    while (said.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
      (void)fixture.view(ada, id);
    const auto run = said.get();
    REQUIRE_MESSAGE(run.ok(), run.error().message);
    CHECK(fixture.view(ada, id)["status"] == "running");
  }
}

TEST_CASE("a run that nobody has weighed is weighed as it is read back") {
  OwnerBounds bounds;
  bounds.weight_max = 40u << 20;
  RunsFixture fixture(bounds, {.wait_ms_max = 100});
  fixture.workflow(asker);
  const Owner ada = owner("ada");
  const std::string much = "\"" + std::string(1'000'000, 'x') + "\"";
  std::vector<std::string> ids;
  for (int i = 0; i < 12; ++i)
    ids.push_back(fixture.started(ada, "asker", much));
  fixture.end();
  fixture.sql("UPDATE runs SET memory_bytes = 0");
  fixture.begin();
  for (const std::string& id : ids)
    CHECK(fixture.view(ada, id)["status"] == "running");
  fixture.end();
  auto database = storage::open(fixture.path());
  REQUIRE(database);
  CHECK(database->integer("SELECT min(memory_bytes) FROM runs").value() > 1'000'000);
  CHECK(database->integer("SELECT max(memory_bytes) FROM runs").value() < 4'000'000);
}

TEST_CASE("one owner's imports leave places for another's") {
  const auto ask_at_once = [](RunsFixture& fixture,
                              const std::vector<std::pair<Owner, std::string>>& all) {
    // Their thread waits here until every import is in its queue.
    std::promise<void> sent;
    fixture.service().list(owner("nobody"),
                           [&](const Result<std::string>&) { sent.get_future().wait(); });
    std::vector<std::future<std::string>> said;
    for (const auto& [who, bundle] : all) {
      auto promise = std::make_shared<std::promise<std::string>>();
      said.push_back(promise->get_future());
      fixture.service().import_run(who, bundle, -1, [promise](const Result<std::string>& run) {
        promise->set_value(run ? "imported" : run.error().code);
      });
    }
    sent.set_value();
    std::vector<std::string> codes;
    for (std::future<std::string>& one : said) {
      REQUIRE(one.wait_for(patience) == std::future_status::ready);
      codes.push_back(one.get());
    }
    return codes;
  };
  const Owner ada = owner("ada"), bob = owner("bob");
  SUBCASE("by number") {
    std::vector<std::pair<Owner, std::string>> all;
    for (int i = 0; i < 80; ++i)
      all.emplace_back(ada, unsigned_bundle(asker, "run" + std::to_string(i)));
    all.emplace_back(bob, unsigned_bundle(asker, "his"));
    RunsFixture fixture;
    const auto codes = ask_at_once(fixture, all);
    CHECK(codes.back() == "imported");
    CHECK(std::count(codes.begin(), codes.end(), "imported") == 17);
    CHECK(std::count(codes.begin(), codes.end(), "overloaded") == 64);
  }
  SUBCASE("by bytes") {
    const std::string much = "\"" + std::string(3'900'000, 'x') + "\"";
    std::vector<std::pair<Owner, std::string>> all;
    for (int i = 0; i < 8; ++i)
      all.emplace_back(ada, unsigned_bundle(asker, "run" + std::to_string(i), much));
    all.emplace_back(bob, unsigned_bundle(asker, "his", much));
    RunsFixture fixture;
    const auto codes = ask_at_once(fixture, all);
    CHECK(codes.back() == "imported");
    CHECK(std::count(codes.begin(), codes.end(), "imported") == 3);
    CHECK(std::count(codes.begin(), codes.end(), "overloaded") == 6);
  }
}

TEST_CASE("a definition that takes too much memory is refused by every door") {
  // JSON is YAML, too.
  const std::string file = wide(100).dump();
  const auto refused = [](const std::string& said) {
    CHECK_MESSAGE(said.find("MiB of memory once it is read") != std::string::npos, said);
  };
  refused(read_workflow(file, {}).error().message);
  WorkflowFolder folder(Catalogue{}, {});
  const auto look = folder.look({{"wide", file}});
  REQUIRE(look.faults.size() == 1);
  refused(look.faults.front().message);
  // Of a bundle whose run begins with a small one: the host reads what it says.
  auto bundle = workflow::read_bundle(unsigned_bundle(asker, "one")).value();
  bundle.definition = canonical(wide(100));
  RunsFixture fixture;
  refused(fixture.import_run(owner("ada"), workflow::write_bundle(bundle)).dump());
}

TEST_CASE("heavy runs that their clock wakes at once are taken up one after the other") {
  OwnerBounds bounds;
  bounds.weight_max = 4u << 20;
  RunsFixture fixture(bounds);
  fixture.workflow(
      "name: nap\nstate: {n: {reducer: replace}}\nworkflow:\n  - {id: nap, wait: {for: 1h}}\n"
      "  - loop: {max: 30}\n"
      "    do: {set: {n: \"{{ range(2000) | map('string') | join | length + round }}\"}}\n"
      "result: slept\n");
  const Owner ada = owner("ada");
  const std::string much = "\"" + std::string(1'500'000, 'x') + "\"";
  std::vector<std::string> naps;
  for (int i = 0; i < 8; ++i)
    naps.push_back(fixture.started(ada, "nap", much));
  fixture.end();
  fixture.pass(3'600'000);  // all are due
  fixture.begin();
  for (const std::string& id : naps) {
    const Json run = fixture.ended(ada, id);
    CHECK_MESSAGE(run["outcome"] == "slept", run.dump());
  }
}

TEST_CASE("a run for which there is no room is refused after a while, and read once there is") {
  OwnerBounds bounds;
  bounds.weight_max = 4u << 20;
  RunsFixture fixture(bounds, {.wait_ms_max = 100});
  fixture.workflow(asker);
  fixture.workflow(thinker);
  const Owner ada = owner("ada");
  const std::string much = "\"" + std::string(2'500'000, 'x') + "\"";
  const std::string asks = fixture.started(ada, "asker", much);
  const std::string thinks = fixture.started(ada, "thinker", much);
  const Json refused = *fixture.until([&]() -> std::optional<Json> {
    Json said = fixture.view(ada, asks);
    if (said.contains("code")) return said;
    return std::nullopt;
  });
  CHECK(refused["code"] == "too_many_runs");
  CHECK_MESSAGE(
      refused["message"].get<std::string>().find("leave no room for run") != std::string::npos,
      refused.dump());
  // Others have their own room.
  CHECK(fixture.start(owner("bob"), "asker", much)["status"] == "running");
  CHECK(fixture.give(ada, thinks, {InputKind::cancel, "enough", {}})["id"] == thinks);
  fixture.until([&] { return fixture.view(ada, asks)["status"] == "running"; });
}

}  // namespace redoubt::runs
