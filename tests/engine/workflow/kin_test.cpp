#include "engine/workflow/kin.hpp"

#include <doctest/doctest.h>

using namespace redoubt::workflow;

TEST_SUITE("workflow/kin") {
  TEST_CASE("ids follow from the parent alone, and differ from each other") {
    CHECK(child_id("run/a") == child_id("run/a"));
    CHECK(child_id("run/a") != child_id("run/b"));
    CHECK(child_id("run") != successor_id("run"));
    CHECK(child_id("run/a").size() == 32);
    // The same in every build, for ever: a host finds by them what it had started.
    CHECK(child_id("run/a") == "d4ba5a3edde1c9e474b334042a5e4226");
    CHECK(successor_id("run") == "8e4c2bc48a87b806e4fd1f5446cd9530");
  }
}
