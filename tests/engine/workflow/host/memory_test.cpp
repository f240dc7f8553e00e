// What the runs in memory may take, and how deep they may go: bounds given in as numbers.
#include <doctest/doctest.h>

#include "engine/base/document.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/kin.hpp"
#include "engine/workflow/loader.hpp"
#include "scripted_host.hpp"

namespace redoubt::workflow {
namespace {

/// Beside these a run's state, which is not the same in WebAssembly, takes little.
constexpr std::size_t kTextBytes = 200'000;

DefinitionPtr define(std::string_view file, const std::vector<Callable>& callables = {}) {
  const auto document = read_json_document(file);
  REQUIRE(document);
  const Loaded read = load(*document, {{}, callables});
  REQUIRE_MESSAGE(read.ok(), read.faults.front().message);
  return read.definition;
}

std::string text() {
  return "\"" + std::string(kTextBytes, 'x') + "\"";
}

DefinitionPtr waits() {
  return define(R"({"name": "waits", "workflow": [{"id": "w", "wait": {"for": "30s"}}]})");
}

DefinitionPtr grows() {
  return define(R"({"name": "grows", "tools": {"t": {"class": "pure"}},
    "state": {"all": {"reducer": "append"}},
    "workflow": [{"id": "l", "loop": {"max": 50},
                  "do": [{"id": "t", "tool": "t"}, {"set": {"all": "{{ steps.t }}"}}]}]})");
}

void grow(ScriptedHost& host, const RunKey& key, int n) {
  const std::string effect = "t[" + std::to_string(n) + "]#1";
  const auto found = host.effects_open.find(name_of(key) + " " + effect);
  if (found == host.effects_open.end()) return;
  const RunRef run = found->second;
  host.effects_open.erase(found);
  host.fleet.done(run, effect, false, text(), host.now_ms);
  host.settle();
}

std::string status_of(const ScriptedStore& store, const RunKey& key) {
  return name_of(store.runs.at(key).record.status);
}

const RunKey kMoved{"ada", "moved"};

/// The import of a run that was exported here.
ImportRun moved_away(ScriptedHost& host) {
  host.fleet.start({kMoved, waits(), text(), 1}, 1, host.now_ms);
  host.settle();
  host.fleet.export_run(kMoved, 2, host.now_ms);
  host.settle();
  ImportRun order{"ada", **host.said.at(2)};
  order.importer.may_author = true;
  return order;
}

FleetBounds bounds(std::uint64_t all, std::uint64_t owner) {
  FleetBounds most;
  most.memory_bytes_max = all * kTextBytes;
  most.owner_memory_bytes_max = owner * kTextBytes;
  return most;
}

}  // namespace

TEST_SUITE("workflow/host memory") {
  TEST_CASE("over half of the bound runs that only wait leave, that longest at rest first") {
    ScriptedStore store;
    ScriptedHost host(store, {}, bounds(5, 5), 1000);
    host.shows_events = false;
    for (const char* id : {"1", "2", "3"}) {
      host.fleet.start({{"ada", id}, waits(), text()}, 0, host.now_ms);
      host.settle();
    }
    CHECK(host.trace().find("left ada/1 31000\n") != std::string::npos);
    CHECK_FALSE(host.fleet.find({"ada", "1"}));
    CHECK(host.fleet.find({"ada", "3"}));
    // Who asks for one has it read back, with no event of its own.
    host.fleet.look({"ada", "1"}, 7, host.now_ms);
    host.settle();
    CHECK(host.trace().find("load ada/1\n") == 0);
    CHECK(host.said.at(7));
    CHECK(store.runs.at({"ada", "1"}).history.size() < 2 * kTextBytes);
    CHECK(host.fleet.memory_bytes() < 4 * kTextBytes);
  }

  TEST_CASE("a run that grows over its owner's bound is cancelled, and no other owner's") {
    ScriptedStore store;
    ScriptedHost host(store, {}, bounds(100, 5), 1000);
    host.shows_events = false;
    for (const char* owner : {"ada", "bob"})
      host.fleet.start({{owner, "g"}, grows(), "{}"}, 0, host.now_ms);
    host.settle();
    for (int n = 0; n < 8; ++n)
      grow(host, {"ada", "g"}, n);
    CHECK(status_of(store, {"ada", "g"}) == "cancelled");
    CHECK(store.runs.at({"ada", "g"}).history.find("MiB of memory: have fewer") !=
          std::string::npos);
    CHECK(status_of(store, {"bob", "g"}) == "running");
  }

  TEST_CASE("over the bound of all the heaviest run is cancelled; who has little goes on") {
    ScriptedStore store;
    ScriptedHost host(store, {}, bounds(8, 8), 1000);
    host.shows_events = false;
    for (const char* owner : {"ada", "bob", "cy"})
      host.fleet.start({{owner, "g"}, grows(), "{}"}, 0, host.now_ms);
    host.settle();
    for (int n = 0; n < 6; ++n) {
      grow(host, {"ada", "g"}, n);
      if (n < 2) grow(host, {"bob", "g"}, n);
    }
    CHECK(status_of(store, {"ada", "g"}) == "cancelled");
    CHECK(status_of(store, {"bob", "g"}) == "running");
    grow(host, {"cy", "g"}, 0);
    CHECK(status_of(store, {"cy", "g"}) == "running");
  }

  TEST_CASE("an import that does not fit is refused, and no run that is under way pays for it") {
    ScriptedStore store;
    ScriptedHost host(store, {}, bounds(6, 6), 1000);
    host.shows_events = false;
    host.fleet.start({{"ada", "g"}, grows(), "{}"}, 0, host.now_ms);
    host.settle();
    for (int n = 0; n < 2; ++n)
      grow(host, {"ada", "g"}, n);
    host.fleet.export_run({"ada", "g"}, 5, host.now_ms);
    host.settle();
    ImportRun order{"bob", **host.said.at(5)};
    order.importer.may_author = true;
    ScriptedStore other;
    ScriptedHost small(other, {}, bounds(2, 2), 1000);
    small.fleet.start({{"cy", "w"}, waits(), "{}"}, 0, 1000);
    small.settle();
    small.fleet.import_run(std::move(order), 6, 1000);
    small.settle();
    CHECK(small.said.at(6).error().code == "overloaded");
    CHECK(status_of(other, {"cy", "w"}) == "running");
    CHECK(small.fleet.memory_bytes() < kTextBytes);
  }

  TEST_CASE("a run is read back when there is room for the most that it ever took, or refused") {
    ScriptedStore store;
    {
      ScriptedHost before(store, {}, {}, 1000);
      before.fleet.start({{"ada", "w"}, waits(), text()}, 0, 1000);
      before.settle();
    }
    ScriptedHost host(store, {}, bounds(5, 5), 1000);
    host.shows_events = false;
    for (const char* id : {"1", "2", "3", "4"})
      host.fleet.start({{"bob", id}, grows(), text()}, 0, host.now_ms);
    host.settle();
    REQUIRE(host.effects_open.size() == 4);
    host.trace();
    host.fleet.look({"ada", "w"}, 7, host.now_ms);
    host.settle();
    CHECK(host.trace() == "load ada/w\n  no room\nwake 1050\n");
    SUBCASE("when another leaves it in time") {
      host.fleet.give({"bob", "1"}, {InputKind::cancel, "enough"}, 0, host.now_ms);
      host.settle();
      host.tick();
      host.settle();
      CHECK(host.said.at(7));
      CHECK(host.fleet.find({"ada", "w"}));
    }
    SUBCASE("else whoever asks is told, and it stays where it is") {
      while (host.said.count(7) == 0) {
        REQUIRE(host.wake_ms > 0);
        host.tick();
        host.settle();
      }
      REQUIRE(!host.said.at(7));
      CHECK(host.said.at(7).error().code == "too_many_runs");
      CHECK(host.now_ms == 11'000);
      CHECK(host.wake_ms == 0);
      CHECK(host.fleet.find({"bob", "1"}));
    }
  }

  TEST_CASE("runs that are read back at once are no more than there is room for") {
    const DefinitionPtr works = define(
        R"({"name": "works", "tools": {"t": {"class": "pure"}}, "workflow": [{"tool": "t"}]})");
    ScriptedStore store;
    const std::vector<RunKey> runs{{"ada", "a"}, {"ada", "b"}, {"ada", "c"}};
    {
      ScriptedHost before(store, {}, {}, 1000);
      for (const RunKey& run : runs)
        before.fleet.start({run, works, text(), 1}, 1, before.now_ms);
      before.settle();
    }
    const std::uint64_t one = store.runs.at(runs[0]).record.memory_bytes;
    FleetBounds bound;
    bound.owner_memory_bytes_max = one * 5 / 2;
    ScriptedHost host(store, {}, bound, 1000);
    for (const RunKey& run : runs)
      host.fleet.wake(run, 0, host.now_ms);
    host.settle();
    CHECK(host.fleet.memory_bytes() <= bound.owner_memory_bytes_max);
    CHECK(host.fleet.find(runs[2]) == nullptr);
    for (const RunKey& run : runs)
      CHECK(status_of(store, run) == "running");
    // The third one comes when another is over.
    const auto [effect, ref] = *host.effects_open.begin();
    host.fleet.done(ref, effect.substr(effect.find(' ') + 1), false, "1", host.now_ms);
    host.settle();
    host.tick();
    host.settle();
    CHECK(host.fleet.find(runs[2]) != nullptr);
  }

  TEST_CASE("a heavy run comes back in the place of its old self, which leaves for it") {
    ScriptedStore store;
    ScriptedHost host(store, {}, bounds(3, 3), 1000);
    ImportRun order = moved_away(host);
    const std::int64_t started_ms = store.runs.at(kMoved).record.started_ms;
    host.now_ms += 5;
    host.fleet.import_run(std::move(order), 3, host.now_ms);
    SUBCASE("") {
      host.settle();
      REQUIRE(host.said.at(3));
      CHECK(status_of(store, kMoved) == "running");
      CHECK(store.runs.at(kMoved).record.started_ms == started_ms);
    }
    SUBCASE("and is removed meanwhile") {
      host.fleet.remove(kMoved, 4, host.now_ms);
      host.settle();
      REQUIRE(!host.said.at(3));
      CHECK(host.said.at(3).error().code == "run_here");
      CHECK(store.runs.count(kMoved) == 0);
    }
  }

  TEST_CASE("who looks at a run while it comes back holds up neither it nor themselves") {
    ScriptedStore store;
    ScriptedHost host(store, {}, bounds(5, 5), 1000);
    host.fleet.import_run(moved_away(host), 3, host.now_ms);
    Call call = 4;
    for (; host.said.count(3) == 0; ++call) {
      REQUIRE(call < 100);
      host.fleet.look(kMoved, call, host.now_ms);
      host.settle(1);
    }
    CHECK(host.said.at(3));
    host.settle();
    CHECK(status_of(store, kMoved) == "running");
    while (--call >= 4)
      CHECK(host.said.count(call) == 1);
  }

  TEST_CASE(
      "a run that nobody has weighed needs the most once, and is weighed as it is read back") {
    ScriptedStore store;
    const RunKey run{"ada", "r"};
    {
      ScriptedHost before(store, {}, {}, 1000);
      before.fleet.start({run, waits(), text(), 1}, 1, before.now_ms);
      before.settle();
    }
    store.runs.at(run).record.memory_bytes = 0;
    CHECK(memory_needed(store.runs.at(run).record) == kStateBytesMax);
    ScriptedHost host(store, {}, {}, 1000);
    host.fleet.look(run, 2, host.now_ms);
    host.settle();
    CHECK(host.fleet.record(run)->memory_bytes > kTextBytes);
    CHECK(host.fleet.record(run)->memory_bytes < 4 * kTextBytes);
    CHECK(host.trace().find("release ada/r") != std::string::npos);
  }

  TEST_CASE("one owner's imports leave places for another's") {
    ScriptedStore store;
    std::string bundle;
    {
      ScriptedHost before(store, {}, {}, 1000);
      before.fleet.start({{"ada", "w"}, waits(), text()}, 0, 1000);
      before.settle();
      before.fleet.export_run({"ada", "w"}, 1, 1000);
      before.settle();
      bundle = **before.said.at(1);
    }
    FleetBounds few;
    few.imports_max = 0;
    few.imports_owner_max = 1;
    few.imports_waiting_max = 2;
    ScriptedStore other;
    ScriptedHost host(other, {}, few, 1000);
    Call call = 0;
    for (const char* owner : {"ada", "bob", "cy"})
      host.fleet.import_run({.owner = owner, .bundle = bundle}, ++call, 1000);
    host.settle();
    CHECK(host.said.count(1) + host.said.count(2) == 0);
    CHECK(host.said.at(3).error().code == "overloaded");
    host.fleet.import_run({.owner = "ada", .bundle = bundle}, 4, 1000);
    host.settle();
    CHECK(host.said.at(4).error().code == "run_here");
  }

  TEST_CASE("what a host holds beside the runs makes others give way as they do") {
    ScriptedStore store;
    ScriptedHost host(store, {}, bounds(4, 4), 1000);
    const RunKey run{"ada", "r"};
    host.fleet.start({run, waits(), text(), 1}, 1, host.now_ms);
    host.settle();
    const std::uint64_t alone = host.fleet.memory_bytes();
    std::uint64_t counted = 0;
    host.fleet.count("ada", counted, 4 * kTextBytes + 1);
    CHECK(host.fleet.memory_bytes() == alone + counted);
    // The run that waits leaves for another, and its owner may begin no more.
    host.fleet.start({{"bob", "r"}, waits(), "{}", 1}, 2, host.now_ms);
    host.settle();
    CHECK(host.fleet.find(run) == nullptr);
    CHECK(host.fleet.size() == 1);
    host.fleet.start({{"ada", "s"}, waits(), "{}", 1}, 3, host.now_ms);
    host.settle();
    REQUIRE(!host.said.at(3));
    CHECK(host.said.at(3).error().code == "too_many_runs");
    host.fleet.count("ada", counted, 0);
    CHECK(counted == 0);
    host.fleet.start({{"ada", "s"}, waits(), "{}", 1}, 4, host.now_ms);
    host.settle();
    CHECK(host.said.at(4));
  }

  TEST_CASE("a run for which the host has no room is cancelled, and told why") {
    ScriptedStore store;
    ScriptedHost host(store, {}, {}, 1000);
    const RunKey run{"ada", "r"};
    host.fleet.cancel(run, "it is not there", host.now_ms);
    host.fleet.start({run, waits(), "{}", 1}, 1, host.now_ms);
    host.settle();
    host.fleet.cancel(run, "the store is full", host.now_ms);
    host.fleet.cancel(run, "the store is still full", host.now_ms);
    host.settle();
    CHECK(host.fleet.find(run)->outcome() == R"({"reason":"the store is full"})");
    CHECK(store.runs.at(run).record.ended_ms > 0);
    host.fleet.cancel(run, "it is over", host.now_ms);
    CHECK(host.settle());
  }

  TEST_CASE("a run that takes much in memory is kept without a snapshot") {
    for (const std::uint64_t most : {kTextBytes * 2, kTextBytes / 2}) {
      FleetBounds bound;
      bound.snapshot_events = 1;
      bound.snapshot_memory_bytes_max = most;
      ScriptedStore store;
      ScriptedHost host(store, {}, bound, 1000);
      const RunKey run{"ada", "r"};
      host.fleet.start({run, waits(), text(), 1}, 1, host.now_ms);
      host.settle();
      CHECK(store.runs.at(run).snapshot.empty() == (most < kTextBytes));
    }
  }

  TEST_CASE("who looks at the same time is told the same text, and a bundle has the key of now") {
    ScriptedStore store;
    ScriptedHost host(store, {}, {}, 1000);
    const RunKey run{"ada", "r"};
    host.fleet.start({run, waits(), "{}", 1}, 1, host.now_ms);
    host.settle();
    host.fleet.look(run, 2, host.now_ms);
    host.fleet.look(run, 3, host.now_ms);
    host.settle();
    CHECK(*host.said.at(2) == *host.said.at(1));
    CHECK(*host.said.at(3) == *host.said.at(2));
    CHECK(host.fleet.is_stored(run));
    host.fleet.set_key({"later", "a key that the store had to be asked for"});
    host.fleet.export_run(run, 4, host.now_ms);
    host.settle();
    const auto bundle = read_bundle(**host.said.at(4));
    REQUIRE(bundle);
    REQUIRE(bundle->checkpoints.size() == 1);
    CHECK(bundle->checkpoints[0].key_id == "later");
  }

  TEST_CASE("children go so deep and no deeper") {
    std::map<std::string, DefinitionPtr> all;
    std::vector<Callable> callables;
    std::string below;
    for (int n = kChildDepthMax + 2; n > 0; --n) {
      const std::string name = "d" + std::to_string(n);
      const std::string step = below.empty() ? std::string(R"({"set": {"x": 1}})")
                                             : joined({R"({"id": "c", "child": ")", below, "\"}"});
      all[name] =
          define(joined({R"({"name": ")", name, R"(", "workflow": [)", step, "]}"}), callables);
      callables.push_back({name, calls_of(*all[name])});
      below = name;
    }
    ScriptedStore store;
    ScriptedHost host(store, all, {}, 1000);
    host.fleet.start({{"ada", "top"}, all["d1"], "{}"}, 0, 1000);
    host.settle();
    CHECK(store.runs.size() == kChildDepthMax + 1u);
    const std::string& history = store.runs.at({"ada", "top"}).history;
    CHECK(history.find("\"code\":\"too_deep\"") != std::string::npos);
    for (const auto& [key, kept] : store.runs)
      CHECK(kept.record.root == "top");
  }
}

}  // namespace redoubt::workflow
