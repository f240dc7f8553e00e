#include "engine/workflow/run.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "engine/base/json.hpp"
#include "engine/workflow/loader.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

DefinitionPtr definition_of(std::string_view text) {
  const auto file = read_json_document(text);
  REQUIRE(file);
  const Loaded loaded = load(*file, {});
  REQUIRE(loaded.ok());
  return loaded.definition;
}

constexpr std::string_view kTwo =
    R"({"name": "two", "tools": {"t": {"class": "idempotent"}}, "workflow": [
  {"id": "a", "tool": "t", "with": 1}, {"id": "b", "tool": "t", "with": "{{ steps.a }}"}]})";

// The history of a run whose effects are answered one after the other.
std::string history_of(const DefinitionPtr& definition, int answers) {
  std::string history = history_header(definition->hash);
  auto run = Run::start(definition, "", {"r", 5, 1000});
  REQUIRE(run);
  for (int n = 0;; ++n) {
    const Taken taken = run->take();
    history += taken.events;
    if (n == answers || taken.effects.empty()) return history;
    REQUIRE(run->give({InputKind::completed, 1000 + n, taken.effects[0].id, "7"}));
  }
}

std::vector<Event> events_of(std::string_view history) {
  std::vector<Event> events;
  auto reader = HistoryReader::open(history);
  REQUIRE(reader);
  Event event;
  for (auto more = reader->next(event); more && *more; more = reader->next(event))
    events.push_back(event);
  return events;
}

std::string written(const DefinitionPtr& definition, const std::vector<Event>& events) {
  std::string history = history_header(definition->hash);
  ChainHead head = chain_start(history);
  for (const Event& event : events)
    append_event(event, head, history);
  return history;
}

}  // namespace

TEST_SUITE("workflow/run") {
  TEST_CASE("a decision that comes out differently stops the replay and says where") {
    const DefinitionPtr definition = definition_of(kTwo);
    const std::string history = history_of(definition, 2);
    auto events = events_of(history);
    REQUIRE(written(definition, events) == history);
    REQUIRE(Run::replay(definition, history));
    for (std::size_t changed = 0; changed < events.size(); ++changed) {
      if (is_input(events[changed].kind)) continue;
      auto other = events;
      other[changed].payload = "\"something else\"";
      const auto replayed = Run::replay(definition, written(definition, other));
      REQUIRE_FALSE(replayed);
      CHECK(replayed.error().code == "diverged");
      CHECK(replayed.error().path == "event " + std::to_string(changed));
      CHECK(replayed.error().expected.find("something else") != std::string::npos);
      CHECK(replayed.error().got.find("something else") == std::string::npos);
    }
  }

  TEST_CASE("a decision that is missing or invented stops it, too") {
    const DefinitionPtr definition = definition_of(kTwo);
    const std::string history = history_of(definition, 2);  // the events' payloads lie in it
    const auto events = events_of(history);
    for (std::size_t at = 0; at + 1 < events.size(); ++at) {
      auto fewer = events;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at));
      CHECK_FALSE(Run::replay(definition, written(definition, fewer)));
      auto more = events;
      more.insert(more.begin() + static_cast<std::ptrdiff_t>(at), events[at]);
      CHECK_FALSE(Run::replay(definition, written(definition, more)));
    }
  }

  TEST_CASE("cut after any event, the run goes on and comes to the same end") {
    const DefinitionPtr definition = definition_of(kTwo);
    const std::string whole = history_of(definition, 2);
    const auto finished = Run::replay(definition, whole);
    REQUIRE(finished);
    const auto events = events_of(whole);
    for (std::size_t kept = 1; kept <= events.size(); ++kept) {
      CAPTURE(kept);
      std::vector<Event> first(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(kept));
      std::string history = written(definition, first);
      auto run = Run::replay(definition, history);
      REQUIRE(run);
      history += run->take().events;
      while (!run->open_effects().empty()) {
        const std::int64_t now = run->open_effects()[0].id == "a#1" ? 1000 : 1001;
        REQUIRE(run->give({InputKind::completed, now, run->open_effects()[0].id, "7"}));
        history += run->take().events;
      }
      CHECK(run->state_hash() == finished->state_hash());
      CHECK(history == whole);
    }
  }

  TEST_CASE(
      "a run keeps its definition; it moves to another only where nothing comes out differently") {
    const DefinitionPtr old = definition_of(kTwo);
    const std::string history = history_of(old, 1);
    const DefinitionPtr longer =
        definition_of(R"({"name": "two", "tools": {"t": {"class": "idempotent"}}, "workflow": [
      {"id": "a", "tool": "t", "with": 1}, {"id": "b", "tool": "t", "with": "{{ steps.a }}"}, {"set": {"c": 1}}]})");
    const DefinitionPtr different =
        definition_of(R"({"name": "two", "tools": {"t": {"class": "idempotent"}}, "workflow": [
      {"id": "a", "tool": "t", "with": 2}, {"id": "b", "tool": "t", "with": "{{ steps.a }}"}]})");
    CHECK(Run::replay(longer, history).error().code == "other_definition");
    CHECK(Run::migrate(different, history).error().code == "diverged");
    const auto moved = Run::migrate(longer, history);
    REQUIRE(moved);
    auto run = Run::replay(longer, *moved);
    REQUIRE(run);
    REQUIRE(run->give({InputKind::completed, 2000, "b#1", "8"}));
    CHECK(run->status() == RunStatus::done);
    CHECK(run->channel("c") == "1");
  }

  TEST_CASE("a snapshot that is cut or changed is refused or still gives a run, never harm") {
    const DefinitionPtr definition = definition_of(kTwo);
    auto run = Run::replay(definition, history_of(definition, 1));
    REQUIRE(run);
    const std::string snapshot = run->snapshot();
    CHECK(snapshot.size() < 400);
    for (std::size_t cut = 0; cut < snapshot.size(); ++cut)
      CHECK_FALSE(Run::restore(definition, std::string_view(snapshot).substr(0, cut), ""));
    for (std::size_t at = 0; at < snapshot.size(); ++at) {
      for (const int flip : {1, 2, 16, 128}) {
        std::string changed = snapshot;
        changed[at] = static_cast<char>(changed[at] ^ flip);
        auto restored = Run::restore(definition, changed, "");
        if (!restored) continue;
        static_cast<void>(restored->give({InputKind::completed, 3000, "b#1", "8"}));
        static_cast<void>(restored->give({InputKind::cancel, 3000, "test", {}}));
      }
    }
  }

  TEST_CASE("late completions are recorded up to a bound, then only counted out") {
    const DefinitionPtr definition = definition_of(kTwo);
    auto run = Run::replay(definition, history_of(definition, 2));
    REQUIRE(run);
    std::uint64_t recorded = 0;
    for (int n = 0; n < 3000; ++n) {
      const auto given = run->give({InputKind::completed, 5000, "a#1", "1"});
      REQUIRE(given);
      CHECK(*given == Given::ignored);
      recorded += run->take().count;
    }
    CHECK(recorded == 1000);
  }
}
