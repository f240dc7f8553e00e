// What the language's README and its scripts show is written in workflows, too: each example is
// loaded as one, where its scope is the workflow's input, and gives what it is said to give. What
// a workflow has no name for is refused with its place; nothing else may happen.
#include <doctest/doctest.h>

#include <sstream>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"
#include "tests/engine/prompt/literate.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

// Names that mean something of their own in a workflow.
bool is_taken(const std::string& name) {
  for (const char* own : {"input", "state", "steps", "output", "error", "run", "index", "round"})
    if (name == own) return true;
  return false;
}

// A step within one for_each for each of the scope's names, so that the text may use them bare.
Json named_step(const Json& scope, Json step) {
  for (auto entry = scope.begin(); entry != scope.end(); ++entry) {
    if (is_taken(entry.key())) continue;
    step =
        Json{{"for_each", "[input[\"" + entry.key() + "\"]]"}, {"as", entry.key()}, {"do", step}};
  }
  return step;
}

Json workflow_of(const std::string& text, const Json& scope, bool bare) {
  Json file{{"name", "example"}, {"workflow", Json::array()}};
  if (scope.contains("state") && scope["state"].is_object())
    for (auto channel = scope["state"].begin(); channel != scope["state"].end(); ++channel)
      file["state"][channel.key()] = Json{{"initial", *channel}};
  file["workflow"].push_back(
      named_step(scope, Json{{"emit", "it"}, {"with", bare ? "{{ " + text + " }}" : text}}));
  return file;
}

struct Tried {
  bool loaded = false;
  std::string shown;  ///< what the step gave, where it gave something
};

Tried as_workflow(const std::string& text, const Json& scope, bool bare) {
  CAPTURE(text);
  Tried tried;
  const Loaded loaded = load(Document(workflow_of(text, scope, bare)), {});
  tried.loaded = loaded.ok();
  if (!tried.loaded) {
    CHECK_FALSE(loaded.faults.empty());
    for (const Error& fault : loaded.faults)
      CHECK_FALSE(fault.message.empty());
    return tried;
  }
  auto run = Run::start(loaded.definition, canonical(scope), {"run", 1, 1000});
  REQUIRE_MESSAGE(run, run.error().message);
  const Taken taken = run->take();
  if (!taken.progress.empty()) tried.shown = taken.progress.back().value;
  return tried;
}

int run_examples(const std::string& path, bool fenced, int& same) {
  return walk_literate(
             path, fenced,
             [&](const std::string& command, const std::string& text, const std::string& expected) {
               const std::size_t space = command.find(' ');
               const auto scope =
                   parse_json(space == std::string::npos ? "{}" : command.substr(space + 1));
               REQUIRE(scope);
               const bool bare = command.rfind("evaluate", 0) == 0;
               const Tried tried = as_workflow(text, *scope, bare);
               const std::string wanted = bare ? expected : canonical(Json(expected));
               same += tried.shown == wanted ? 1 : 0;
               // A text that is one expression gives a value, and so does a constant.
               const bool value = bare || text.rfind("{{", 0) == 0;
               const bool fails = expected.rfind("error ", 0) == 0;
               // A name that a template may have set is no name of the workflow.
               const bool set = text.find("{% set x = 1 %}") != std::string::npos;
               if (tried.loaded && !value && !fails && !set) CHECK(tried.shown == wanted);
               return expected;
             })
      .cases;
}

}  // namespace

TEST_SUITE("workflow/prompt examples") {
  TEST_CASE("every example of the language loads as a workflow and gives the same") {
    int same = 0;
    CHECK(run_examples("engine/prompt/README.md", true, same) >= 10);
    CHECK(same >= 8);
  }

  TEST_CASE("every script of the language is a workflow or is refused") {
    int same = 0;
    int all = 0;
    for (const char* name : {"expressions", "filters", "templates"})
      all += run_examples("tests/engine/prompt/" + std::string(name) + ".txt", false, same);
    CHECK(same > all / 3);
  }

  TEST_CASE("every piece of code in the language's README is an expression or is refused") {
    std::stringstream text;
    text << std::ifstream("engine/prompt/README.md").rdbuf();
    const std::string all = text.str();
    int pieces = 0;
    for (std::size_t from = all.find('`'); from != std::string::npos; from = all.find('`', from)) {
      const std::size_t to = all.find('`', from + 1);
      if (to == std::string::npos) break;
      const std::string piece = all.substr(from + 1, to - from - 1);
      from = to + 1;
      if (piece.empty() || piece.find('\n') != std::string::npos) continue;
      (void)as_workflow(piece, Json{{"a", {{"b", 1}}}, {"list", {1, 2}}, {"text", "t"}}, true);
      ++pieces;
    }
    CHECK(pieces > 100);
  }

  TEST_CASE("a key in brackets is a member, whatever it is called") {
    const Json scope{{"h",
                      {{"Content-Type", "text"},
                       {"1a", 1},
                       {"", 2},
                       {"\xC3\xA9", 3},
                       {"$ref", 4},
                       {"0", 5},
                       {"a b", 6},
                       {"a.b", 7},
                       {"x", {{"y-z", 8}}}}}};
    const auto shown = [&](const char* text) { return as_workflow(text, scope, true).shown; };
    CHECK(shown("h['Content-Type']") == "\"text\"");
    CHECK(shown("h[\"1a\"]") == "1");
    CHECK(shown("h['']") == "2");
    CHECK(shown("h['\xC3\xA9']") == "3");
    CHECK(shown("h['$ref']") == "4");
    CHECK(shown("h['0']") == "5");
    CHECK(shown("h['a b']") == "6");
    CHECK(shown("h['a.b']") == "7");
    CHECK(shown("h.x['y-z'] + h['1a']") == "9");
    CHECK(shown("h['none-such'] | default('no')") == "\"no\"");
  }

  TEST_CASE("a key in brackets may stand wherever an expression may") {
    const auto file = read_json_document(R"J({"name": "keys", "functions": {"t": {"class": "pure"}},
      "state": {"a_b": {"initial": 1}},
      "workflow": [
        {"id": "first_one", "tool": "t", "when": "input['x-y'] == 1", "with": {"v": "{{ input['x-y'] }}"}},
        {"emit": "shown", "with": "is {{ steps['first_one']['Content-Type'] }} {{ state['a_b'] }}"},
        {"loop": {"max": 2, "until": "input['x-y'] == 1"}, "do": {"set": {"a_b": 2}}},
        {"branch": [{"if": "input[''] is defined", "do": {"emit": "never"}}, {"else": {"emit": "else"}}]}],
      "result": "{{ steps['first_one']['Content-Type'] }}"})J");
    REQUIRE(file);
    const Loaded loaded = load(*file, {});
    for (const Error& fault : loaded.faults)
      MESSAGE(fault.path << ": " << fault.message);
    REQUIRE(loaded.ok());
    auto run = Run::start(loaded.definition, R"({"x-y": 1})", {"run", 1, 1000});
    REQUIRE(run);
    Taken taken = run->take();
    REQUIRE(taken.effects.size() == 1);
    REQUIRE(run->give(
        {InputKind::completed, 1000, taken.effects[0].id, R"({"Content-Type": "text"})"}));
    taken = run->take();
    REQUIRE(taken.progress.size() == 2);
    CHECK(taken.progress[0].value == "\"is text 1\"");
    CHECK(taken.progress[1].name == "else");
    CHECK(run->outcome() == "\"text\"");
  }
}
