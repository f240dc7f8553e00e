#include "engine/agents/template.hpp"

#include <doctest/doctest.h>

#include "engine/base/document.hpp"
#include "engine/base/json.hpp"
#include "engine/play/builtins.hpp"
#include "engine/workflow/loader.hpp"

using namespace redoubt;
using namespace redoubt::agents;

namespace {

workflow::DefinitionPtr loaded(const Json& file) {
  const workflow::Loaded all = workflow::load(Document(file), {play::builtins(), {}});
  for (const Error& fault : all.faults)
    MESSAGE(fault.path << ": " << fault.message);
  return all.definition;
}

}  // namespace

TEST_SUITE("agents/template") {
  TEST_CASE("every template becomes a workflow that loads") {
    REQUIRE(agent_templates().size() == 8);
    for (const AgentTemplate& one : agent_templates()) {
      CAPTURE(one.name);
      const auto file = instantiate(one, "worker", nullptr);
      REQUIRE(file);
      const auto definition = loaded(*file);
      REQUIRE(definition);
      CHECK(definition->name == "worker");
      CHECK(definition->agents.size() == 1);
    }
  }

  TEST_CASE("tasks run in the order of their dependencies, side by side where they may") {
    const auto file = instantiate(*find_template("development_team"), "team", nullptr);
    REQUIRE(file);
    std::string order;
    for (const Json& step : (*file)["workflow"])
      if (step.contains("parallel")) {
        order += "(";
        for (auto branch = step["parallel"].begin(); branch != step["parallel"].end(); ++branch)
          order += branch.key() + " ";
        order += ") ";
      } else {
        order += step["id"].get<std::string>() + " ";
      }
    CHECK(order ==
          "requirements_analysis architecture_design (backend_development frontend_development ) "
          "testing documentation deployment ");
  }

  TEST_CASE("configuration overrides what an agent has; the rest is kept apart") {
    const auto file = instantiate(*find_template("code_generator"), "coder",
                                  Json{{"model", "small"},
                                       {"temperature", 0},
                                       {"goal", "Little code."},
                                       {"memory_enabled", true},
                                       {"colour", "green"}});
    REQUIRE(file);
    CHECK((*file)["llms"]["model"]["model_name"] == "small");
    CHECK((*file)["llms"]["model"]["temperature"] == 0);
    CHECK((*file)["agents"]["coder"]["goal"] == "Little code.");
    CHECK((*file)["agents"]["coder"]["custom_config"] == Json{{"colour", "green"}});
    CHECK(loaded(*file)->agents[0].memory->scope == MemoryScope::agent);
    CHECK_FALSE(instantiate(*find_template("code_generator"), "no name", nullptr));
    CHECK_FALSE(instantiate(*find_template("code_generator"), "coder", 3));
    CHECK_FALSE(
        instantiate(*find_template("code_generator"), "coder", Json{{"memory_enabled", "yes"}}));
  }

  TEST_CASE("the figures of the templates") {
    const auto figures = [](const char* name) {
      const AgentTemplate& t = *find_template(name);
      return t.category + " " + t.framework + " " + std::to_string(t.context_window) + " " +
             std::to_string(static_cast<int>(t.temperature * 10)) + " " +
             std::to_string(t.tasks.size());
    };
    CHECK(figures("code_generator") == "development openai 6000 3 4");
    CHECK(figures("documentation_writer") == "documentation openai 8000 4 4");
    CHECK(figures("test_engineer") == "testing openai 5000 2 4");
    CHECK(figures("development_team") == "team crewai 4000 7 7");
    CHECK(figures("researcher") == "research langchain 10000 6 4");
    CHECK(find_template("gardener") == nullptr);
  }

  TEST_CASE("a template that does not fit is refused") {
    for (
        const char* wrong :
        {R"({"name": "x"})", R"({"name": "x", "tasks": []})",
         R"({"name": "x", "tasks": [{"name": "a", "content": "b", "dependencies": ["c"]}]})",
         R"({"name": "x", "tasks": [{"name": "a", "content": "b", "dependencies": ["a"]}]})",
         R"({"name": "x", "tasks": [{"name": "a", "content": "b"}, {"name": "a", "content": "c"}]})",
         R"({"name": "x", "tasks": [{"name": "a b", "content": "b"}]})",
         R"({"name": "x", "temperature": 3, "tasks": [{"name": "a", "content": "b"}]})",
         R"({"name": "x", "tasks": [{"name": "a", "content": "b", "task_type": "handoff"}]})"})
      CHECK_MESSAGE(!read_template(*parse_json(wrong)), wrong);
  }
}
