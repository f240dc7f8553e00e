// The workflows in engine/workflow/README.md load as they stand there, and run to their end when
// every effect is answered.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"
#include "engine/yaml/read_yaml.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

std::vector<std::string> examples() {
  std::stringstream text;
  text << std::ifstream("engine/workflow/README.md").rdbuf();
  std::vector<std::string> found;
  std::string line, block;
  bool inside = false;
  while (std::getline(text, line)) {
    if (line == "```yaml") {
      inside = true;
      block.clear();
    } else if (inside && line == "```") {
      inside = false;
      found.push_back(block);
    } else if (inside) {
      block += line + "\n";
    }
  }
  return found;
}

}  // namespace

TEST_SUITE("workflow/readme") {
  TEST_CASE("every example loads and runs to its end") {
    const LoadContext context{
        {"strategist.team_strategy", "math.double", "memory.search", "memory.store"},
        {{"greet", {}}}};
    const auto files = examples();
    CHECK(files.size() == 4);
    for (const std::string& text : files) {
      CAPTURE(text);
      const auto file = yaml::read_yaml(text);
      REQUIRE_MESSAGE(file, file.error().message);
      const Loaded loaded = load(*file, context);
      for (const Error& fault : loaded.faults)
        MESSAGE(fault.path << ": " << fault.message);
      REQUIRE(loaded.ok());
      auto run = Run::start(
          loaded.definition,
          R"({"team": "red", "share_permille": 400, "threats": ["north"], "count": 2, "nights": 1, "list": [1, 2],
              "firm": "Vauban", "question": "Is it paid?"})",
          {"readme", 1, 1000});
      REQUIRE_MESSAGE(run, run.error().message);
      for (int turn = 0; turn < 100 && run->status() == RunStatus::running; ++turn) {
        for (const Effect& effect : run->take().effects) {
          const InputKind kind =
              effect.kind == StepKind::ask ? InputKind::answer : InputKind::completed;
          const auto given = run->give({kind, 1000 + turn, effect.id,
                                        R"({"text": "a", "json": {"good": true, "pass": true},
                   "confirmed": true, "number": 7, "yes": true})"});
          REQUIRE_MESSAGE(given, given.error().message);
        }
        if (run->next_timer_ms() > 0 && run->open_effects().empty())
          REQUIRE(run->give({InputKind::tick, run->next_timer_ms(), {}, {}}));
      }
      CHECK(run->status() == RunStatus::done);
      CAPTURE(run->outcome());
    }
  }
}
