#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "engine/territory/map.hpp"

using namespace redoubt;
using namespace redoubt::territory;

TEST_CASE("the maps that the page ships are fair and stored as they would be written") {
  struct Shipped {
    const char* name;
    int teams;
    Symmetry symmetry;
  };
  for (const Shipped& one :
       {Shipped{"valley", 2, Symmetry::point}, Shipped{"narrows", 2, Symmetry::point},
        Shipped{"triskele", 3, Symmetry::rotation3},
        Shipped{"crossroads", 4, Symmetry::mirrors4}}) {
    CAPTURE(one.name);
    std::ifstream file(std::string("web/game/public/maps/") + one.name + ".json");
    REQUIRE(file);
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    const Result<Map> map = read_map(text);
    REQUIRE_MESSAGE(map, map.error().message);
    CHECK(map->name == one.name);
    CHECK(map->teams() == one.teams);
    CHECK(map->symmetry == one.symmetry);
    CHECK(map->sites.size() == static_cast<std::size_t>(8 * one.teams));
    CHECK(write_compact(*map) == text);
  }
}
