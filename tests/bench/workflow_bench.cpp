// What a step of a workflow costs, with its events encoded, chained and appended to a journal; how
// fast a history is replayed; what a parked run holds.
//
// The workflow is the chain that other libraries are measured with: three steps, each of which
// calls something and sees what the one before it gave.
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

constexpr const char* kChain =
    R"({"name": "chain", "tools": {"t": {"class": "idempotent"}}, "workflow": [
  {"id": "a", "tool": "t", "with": {"value": "{{ input.value }}"}},
  {"id": "b", "tool": "t", "with": {"value": "{{ steps.a.value }}"}},
  {"id": "c", "tool": "t", "with": {"value": "{{ steps.b.value }}"}}]})";
constexpr const char* kRounds =
    R"({"name": "rounds", "tools": {"t": {"class": "idempotent"}}, "workflow": [
  {"loop": {"max": 3400}, "do": {"id": "a", "tool": "t", "with": {"value": "{{ round }}"}}}]})";

DefinitionPtr definition_of(const char* text) {
  const auto file = parse_json(text);
  const Loaded loaded = load(Document(*file), {});
  for (const Error& fault : loaded.faults)
    std::printf("%s: %s\n", fault.path.c_str(), fault.message.c_str());
  return loaded.definition;
}

// Time of the processor, which is steady on a shared machine.
double seconds_since(std::clock_t start) {
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// Carries a run to its end, every effect answered at once; gives back how many there were.
std::uint64_t carry(Run& run, std::string& journal) {
  std::uint64_t steps = 0;
  Taken taken = run.take();
  journal += taken.events;
  while (!taken.effects.empty()) {
    const std::string id = taken.effects.front().id;
    if (!run.give({InputKind::completed, 2000, id, "{\"value\":42}"})) return 0;
    taken = run.take();
    journal += taken.events;
    ++steps;
  }
  return steps;
}

void chain() {
  const DefinitionPtr definition = definition_of(kChain);
  constexpr int kRuns = 50000;
  std::string journal;
  std::uint64_t steps = 0, bytes = 0;
  double best = 1e9;
  for (int pass = 0; pass < 3; ++pass) {
    const auto start = std::clock();
    steps = bytes = 0;
    for (int n = 0; n < kRuns; ++n) {
      journal.clear();
      auto run = Run::start(definition, "{\"value\":1}", {"run", 1, 1000});
      steps += carry(*run, journal);
      bytes += journal.size();
    }
    const double seconds = seconds_since(start);
    best = seconds < best ? seconds : best;
  }
  std::printf("%-44s %10.2f us\n", "step with journal entry, chain of three",
              best * 1e6 / static_cast<double>(steps));
  std::printf("%-44s %10.1f bytes\n", "journal a step",
              static_cast<double>(bytes) / static_cast<double>(steps));
}

void long_run() {
  const DefinitionPtr definition = definition_of(kRounds);
  std::string journal = history_header(definition->hash);
  auto start = std::clock();
  auto run = Run::start(definition, "", {"run", 1, 1000});
  const std::uint64_t steps = carry(*run, journal);
  std::printf("%-44s %10.2f us\n", "step with journal entry, one run of 3,400",
              seconds_since(start) * 1e6 / static_cast<double>(steps));
  start = std::clock();
  int passes = 0;
  std::uint64_t events = 0;
  do {
    auto replayed = Run::replay(definition, journal);
    if (!replayed || replayed->state_hash() != run->state_hash()) {
      std::printf("replay differs\n");
      return;
    }
    events += replayed->head().seq;
    ++passes;
  } while (seconds_since(start) < 1);
  std::printf("%-44s %10.0f events/s\n", "replay, chain verified",
              static_cast<double>(events) / seconds_since(start));
}

void parked() {
  const DefinitionPtr definition = definition_of(kChain);
  constexpr int kParked = 100000;
  std::vector<std::string> all;
  all.reserve(kParked);
  std::uint64_t bytes = 0;
  const auto start = std::clock();
  for (int n = 0; n < kParked; ++n) {
    auto run = Run::start(definition, "{\"value\":1}", {"run-" + std::to_string(n), 1, 1000});
    const Taken taken = run->take();
    all.push_back(run->snapshot());
    all.back().shrink_to_fit();
    bytes += all.back().size() + sizeof(std::string);
  }
  std::printf("%-44s %10.1f bytes\n", "a parked run, of 100,000",
              static_cast<double>(bytes) / kParked);
  std::printf("%-44s %10.2f us\n", "to start and park one", seconds_since(start) * 1e6 / kParked);
  const auto again = std::clock();
  for (const std::string& snapshot : all)
    if (!Run::restore(definition, snapshot, "")) std::printf("cannot be restored\n");
  std::printf("%-44s %10.2f us\n", "to wake one", seconds_since(again) * 1e6 / kParked);
}

}  // namespace

int main() {
  chain();
  long_run();
  parked();
}
