// A host that dies between any two actions, and one that dies again and again: another one comes to
// the same end from what was stored, and does nothing twice that may be done once.
#include <doctest/doctest.h>

#include <memory>

#include "engine/base/document.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/workflow/loader.hpp"
#include "scripted_host.hpp"

namespace redoubt::workflow {
namespace {

constexpr std::int64_t kStartMs = 1000;
constexpr int kRoundsMax = 200;
const RunKey kRun{"ada", "r"};

using Workflows = std::map<std::string, DefinitionPtr>;

Workflows workflows() {
  static constexpr const char* kFiles[] = {
      R"({"name": "next", "tools": {"i": {"class": "idempotent"}}, "state": {"sum": {"reducer": "add"}},
          "workflow": [{"id": "i", "tool": "i"}, {"id": "b", "builtin": "math.double", "with": 3},
                       {"set": {"sum": "{{ steps.b.value }}"}}], "result": {"sum": "{{ state.sum }}"}})",
      R"({"name": "leaf", "tools": {"p": {"class": "pure"}},
          "workflow": [{"id": "p", "tool": "p"}, {"id": "w", "wait": {"for": "2s"}}, {"handoff": {"workflow": "next"}}]})",
      R"({"name": "main", "tools": {"p": {"class": "pure"}}, "state": {"all": {"reducer": "append"}},
          "workflow": [{"id": "each", "for_each": [1, 2, 3], "at_once": 2,
                        "do": [{"id": "c", "child": "leaf", "with": "{{ item }}"},
                               {"set": {"all": "{{ steps.c.sum }}"}}]},
                       {"id": "w", "wait": {"for": "1s"}}, {"id": "p", "tool": "p"}, {"handoff": {"workflow": "next"}}]})"};
  Workflows all;
  for (const char* file : kFiles) {
    const auto document = read_json_document(file);
    REQUIRE(document);
    LoadContext context{{"math.double"}, {}};
    for (const auto& [name, definition] : all)
      context.workflows.push_back({name, calls_of(*definition)});
    const Loaded read = load(*document, context);
    REQUIRE_MESSAGE(read.ok(), read.faults.front().message);
    all[read.definition->name] = read.definition;
  }
  return all;
}

FleetBounds bounds() {
  FleetBounds most;
  most.snapshot_events = 4;
  most.idle_max = 1;
  return most;
}

/// Everything that is under way gets its end, at the same time; time passes only where nothing else
/// is left. False where the host is to die, or nothing comes any more.
bool carry_on(ScriptedHost& host, std::size_t& actions_left) {
  for (int round = 0; round < kRoundsMax; ++round) {
    const std::size_t before = host.actions;
    if (!host.settle(actions_left)) return false;
    actions_left -= host.actions - before;
    if (!host.effects_open.empty()) {
      const auto [effect, run] = *host.effects_open.begin();
      host.effects_open.erase(host.effects_open.begin());
      host.fleet.done(run, effect.substr(effect.find(' ') + 1), false, "{\"value\":6}",
                      host.now_ms);
    } else if (host.wake_ms > 0) {
      host.tick();
    } else {
      return true;
    }
  }
  FAIL("it comes to no end");
  return true;
}

/// What all runs have come to, by their keys.
std::string ends_of(const ScriptedStore& store) {
  std::string ends;
  for (const auto& [key, kept] : store.runs) {
    const auto document = read_json_document(kept.record.definition);
    REQUIRE(document);
    const Loaded read = load(*document, {{"math.double"}, {}, true});
    const auto run = Run::replay(read.definition, kept.history);
    REQUIRE_MESSAGE(run, run.error().message);
    // From the snapshot it comes to the same.
    if (!kept.snapshot.empty()) {
      const auto restored = Run::restore(read.definition, kept.snapshot,
                                         std::string_view(kept.history).substr(kept.snapshot_at));
      REQUIRE_MESSAGE(restored, restored.error().message);
      CHECK(restored->state_hash() == run->state_hash());
    }
    CHECK(run->status() == kept.record.status);
    ends += joined({name_of(key), " ", name_of(run->status()), " ", run->outcome(), " depth ",
                    kept.record.depth, " root ", kept.record.root,
                    kept.record.ended_ms > 0 ? " over\n" : "\n"});
  }
  return ends;
}

struct Life {
  std::string ends;
  std::size_t actions = 0;
};

/// Lives that end after so many actions each; 0: never. The first one starts the run.
Life live(const Workflows& all, std::size_t first, std::size_t others) {
  ScriptedStore store;
  std::int64_t now = kStartMs;
  Life life;
  for (std::size_t lives = 0;; ++lives) {
    REQUIRE(lives < 1000);
    ScriptedHost host(store, all, bounds(), now);
    host.shows_events = false;
    if (store.runs.count(kRun) == 0) host.fleet.start({kRun, all.at("main"), "{}", 1}, 0, now);
    for (const RunKey& key : store.unfinished())
      host.fleet.wake(key, 0, now);
    const std::size_t dies_after = lives == 0 ? first : others;
    std::size_t left = dies_after == 0 ? SIZE_MAX : dies_after;
    const bool ended = carry_on(host, left);
    now = host.now_ms;
    life.actions = host.actions;
    if (!ended) continue;
    CHECK(store.unfinished().empty());
    life.ends = ends_of(store);
    return life;
  }
}

}  // namespace

TEST_SUITE("workflow/host crashes") {
  TEST_CASE("a host that dies between any two actions leaves all that another needs") {
    const Workflows all = workflows();
    const Life calm = live(all, 0, 0);
    CHECK(calm.ends.find("running") == std::string::npos);
    CAPTURE(calm.ends);
    REQUIRE(calm.actions > 60);
    for (std::size_t at = 1; at < calm.actions; ++at) {
      CAPTURE(at);
      CHECK(live(all, at, 0).ends == calm.ends);
    }
  }

  TEST_CASE("hosts that die again and again come to the end") {
    const Workflows all = workflows();
    const Life calm = live(all, 0, 0);
    for (const std::size_t each : {25u, 40u, 61u}) {
      CAPTURE(each);
      CHECK(live(all, each, each).ends == calm.ends);
    }
  }
}

}  // namespace redoubt::workflow
