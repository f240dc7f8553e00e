#include "relay/services/runs/catalogue.hpp"

#include <doctest/doctest.h>

namespace redoubt::runs {
namespace {

constexpr const char* good = "name: hello\nworkflow:\n  - emit: said\nresult: one\n";
constexpr const char* other = "name: hello\nworkflow:\n  - emit: said\nresult: two\n";
constexpr const char* broken = "name: hello\nworkflow:\n  - tool: nothing\n";

WorkflowFolder shipped_folder(Variables variables = {}) {
  auto shipped = Catalogue::shipped();
  REQUIRE(shipped);
  return WorkflowFolder(std::move(*shipped), std::move(variables));
}

}  // namespace

TEST_CASE("every shipped workflow is in the catalogue") {
  const auto shipped = Catalogue::shipped();
  REQUIRE(shipped);
  CHECK(shipped->names().size() == 7);
  for (const std::string& name : shipped->names())
    CHECK(shipped->find(name)->name == name);
  CHECK(shipped->find("nothing") == nullptr);
}

TEST_CASE("a folder's file is taken, replaced, kept when its edit is broken, and dropped") {
  WorkflowFolder folder = shipped_folder();
  auto found = folder.look({{"hello", good}});
  REQUIRE(found.catalogue);
  const auto first = found.catalogue->find("hello");
  REQUIRE(first);

  CHECK(!folder.look({{"hello", good}}).catalogue);

  found = folder.look({{"hello", other}});
  REQUIRE(found.catalogue);
  CHECK(found.catalogue->find("hello")->hash != first->hash);

  found = folder.look({{"hello", broken}});
  CHECK(!found.catalogue);
  REQUIRE(found.faults.size() == 1);
  CHECK(found.faults[0].path == "hello.yaml");
  CHECK(found.faults[0].code == "bad_workflow");
  CHECK(found.faults[0].line == 3);
  // Told once, not at every look.
  CHECK(folder.look({{"hello", broken}}).faults.empty());

  // Another file's change does not lose the last good reading of the broken one.
  found = folder.look({{"hello", broken}, {"more", good}});
  REQUIRE(found.catalogue);
  CHECK(found.catalogue->find("hello") != nullptr);

  found = folder.look({});
  REQUIRE(found.catalogue);
  CHECK(found.catalogue->find("hello") == nullptr);
}

TEST_CASE("a file stands in for the shipped workflow of its name, and gives it back") {
  WorkflowFolder folder = shipped_folder();
  const auto shipped = Catalogue::shipped();
  REQUIRE(shipped);
  auto found = folder.look({{"triage", good}});
  REQUIRE(found.catalogue);
  CHECK(found.catalogue->find("triage")->name == "hello");
  found = folder.look({});
  REQUIRE(found.catalogue);
  CHECK(found.catalogue->find("triage")->hash == shipped->find("triage")->hash);
}

TEST_CASE("a folder's file sees the variables that are allowed, and no secret gets into it") {
  constexpr const char* file =
      "name: hello\n"
      "llms: {fast: {_type: openai, model_name: \"${MODEL}\", api_key: \"${NIM_API_KEY}\"}}\n"
      "workflow:\n  - {id: a, model: fast, prompt: hi}\nresult: ${ROUNDS:-3}\n";
  WorkflowFolder folder = shipped_folder({{{"MODEL", "small"}, {"NIM_API_KEY", "sk-hidden"}},
                                          std::vector<std::string>{"MODEL", "ROUNDS"},
                                          "workflows.variables"});
  auto found = folder.look({{"hello", file}});
  REQUIRE(found.faults.empty());
  REQUIRE(found.catalogue);
  const std::string bytes = found.catalogue->find("hello")->bytes;
  CHECK(bytes.find(R"("fast":{"_type":"openai","model_name":"small"})") != std::string::npos);
  CHECK(bytes.find(R"("result":3)") != std::string::npos);
  CHECK(bytes.find("NIM_API_KEY") == std::string::npos);
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0].path == "hello.yaml");
  CHECK(found.notes[0].line == 2);

  found = folder.look({{"hello", "name: hello\nworkflow:\n  - {emit: x, with: \"${HOME}\"}\n"}});
  CHECK(!found.catalogue);
  REQUIRE(found.faults.size() == 1);
  CHECK(found.faults[0].message ==
        "the variable HOME is not for this file: workflows.variables names those that are");
  CHECK(found.faults[0].line == 3);
  CHECK(found.faults[0].column == 22);
}

TEST_CASE("what comes from a caller is never expanded") {
  const auto shipped = Catalogue::shipped();
  REQUIRE(shipped);
  const auto read =
      read_definition(R"({"name":"x","workflow":[{"emit":"e","with":"${PATH} $${PATH}"}]})",
                      shipped->load_context());
  REQUIRE(read);
  CHECK((*read)->bytes.find("${PATH} $${PATH}") != std::string::npos);
}

}  // namespace redoubt::runs
