#include "engine/base/nearest.hpp"

#include <doctest/doctest.h>

using namespace redoubt;

TEST_CASE("the nearest name is a near one") {
  const std::string_view names[] = {"shards", "listeners", "level"};
  CHECK(nearest("shard", names) == "shards");
  CHECK(nearest("lvel", names) == "level");
  CHECK(nearest("listener", names) == "listeners");
  CHECK(nearest("quite_different", names).empty());
  const std::string_view words[] = {"note", "port", "check", "run"};
  CHECK(nearest("goto", words).empty());
  CHECK(nearest("prot", words) == "port");
  CHECK(nearest("chekc", words) == "check");
  CHECK(nearest("rnu", words) == "run");
  CHECK(nearest("x", words).empty());
  CHECK(nearest(std::string(65, 'x'), words).empty());
  CHECK(did_you_mean("notes", words) == "; did you mean \"note\"?");
  CHECK(did_you_mean("goto", words).empty());
}
