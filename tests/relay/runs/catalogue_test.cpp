#include "relay/runs/catalogue.hpp"

#include <doctest/doctest.h>

namespace redoubt::runs {
namespace {

constexpr const char* good = "name: hello\nworkflow:\n  - emit: said\nresult: one\n";
constexpr const char* other = "name: hello\nworkflow:\n  - emit: said\nresult: two\n";
constexpr const char* broken = "name: hello\nworkflow:\n  - tool: nothing\n";

WorkflowFolder shipped_folder() {
  auto shipped = Catalogue::shipped();
  REQUIRE(shipped);
  return WorkflowFolder(std::move(*shipped));
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

}  // namespace redoubt::runs
