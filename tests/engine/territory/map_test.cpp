#include "engine/territory/map.hpp"

#include <doctest/doctest.h>

#include "engine/base/rng.hpp"
#include "engine/territory/map_symmetry.hpp"
#include "tests/engine/territory/drawn_map.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using redoubt::testing::drawn;

namespace {

Map small() {
  return drawn({
      "1..e..",
      "..##..",
      ".~.~..",
      "..m..2",
  });
}

std::string refusal(const Map& map) {
  const Result<void> result = check(map);
  if (result) return "accepted";
  CHECK(result.error().code == "bad_map");
  CHECK_FALSE(result.error().path.empty());
  CHECK_FALSE(result.error().expected.empty());
  return result.error().message;
}

}  // namespace

TEST_CASE("a sound map passes") {
  CHECK(refusal(small()) == "accepted");
}

TEST_CASE("the hash covers what is played on, not what it is called") {
  const Map map = small();
  Map other = map;
  other.name = "another";
  other.orientation = Orientation::flat_top;
  CHECK(other.hash() == map.hash());

  other = map;
  other.terrain[1] = Terrain::rough;
  CHECK(other.hash() != map.hash());
  other = map;
  std::swap(other.bases[0], other.bases[1]);
  CHECK(other.hash() != map.hash());
  other = map;
  other.sites[0].type = Resource::data;
  CHECK(other.hash() != map.hash());
  other = map;
  other.symmetry = Symmetry::point;
  CHECK(other.hash() != map.hash());
  other = map;
  other.width = 4;
  other.height = 6;
  CHECK(other.hash() != map.hash());
}

TEST_CASE("a cell is named in the map's own drawing") {
  Map map = small();
  CHECK(name_cell(map, map.at({4, 1})) == "row 1, column 4");
  map.orientation = Orientation::flat_top;
  CHECK(name_cell(map, map.at({4, 1})) == "row 4, column 1");
  CHECK(name_cell(map, no_cell) == "no cell");
}

TEST_CASE("every broken invariant is refused and says where") {
  Map map = small();
  map.bases[1] = map.bases[0];
  CHECK(refusal(map) == "base 1 and base 2 lie on one cell (row 0, column 0)");

  map = small();
  map.terrain[map.bases[1]] = Terrain::obstacle;
  CHECK(refusal(map) == "base 2 lies on an obstacle (row 3, column 5)");
  map.terrain[map.bases[1]] = Terrain::rough;
  CHECK(refusal(map) == "base 2 lies on rough ground (row 3, column 5)");

  map = small();
  map.bases.resize(1);
  CHECK(refusal(map) == "the map has 1 bases, expected 2 to 4");
  map.bases = {0, 1, 2, 4, 5};
  CHECK(refusal(map) == "the map has 5 bases, expected 2 to 4");
  map.bases = {0, 24};
  CHECK(refusal(map) == "base 2 lies outside the map");

  map = small();
  map.sites[0].cell = map.at({2, 1});
  CHECK(refusal(map) == "site 1 lies on an obstacle (row 1, column 2)");
  map.sites[0].cell = map.bases[0];
  CHECK(refusal(map) == "site 1 lies on a base (row 0, column 0)");
  map.sites[0].cell = no_cell;
  CHECK(refusal(map) == "site 1 lies outside the map");
  map.sites[0] = map.sites[1];
  CHECK(refusal(map) == "two sites lie on one cell (row 3, column 2)");
  map = small();
  std::swap(map.sites[0], map.sites[1]);
  CHECK(refusal(map) == "site 2 (row 0, column 3) is out of order");
  map = small();
  map.sites[0].type = static_cast<Resource>(3);
  CHECK(refusal(map) == "site 1 (row 0, column 3) has an unknown resource");

  map = small();
  map.terrain.pop_back();
  CHECK(refusal(map) == "terrain has 23 entries, expected 24");
  map = small();
  map.terrain[7] = static_cast<Terrain>(3);
  CHECK(refusal(map) == "unknown terrain (row 1, column 1)");
  map = small();
  map.name.assign(201, 'x');
  CHECK(refusal(map) == "the map's name is longer than 200 bytes");
  map = small();
  map.width = 0;
  CHECK(refusal(map) == "a map of 0x4 cells is outside the limits: 1 to 4096 cells");
}

TEST_CASE("the hard limits hold exactly") {
  Map map;
  map.width = 64;
  map.height = 64;
  map.terrain.assign(4096, Terrain::open);
  map.bases = {0, 4095};
  for (int i = 1; i <= sites_max; ++i)
    map.sites.push_back({static_cast<Cell>(i)});
  CHECK(refusal(map) == "accepted");
  map.sites.push_back({static_cast<Cell>(sites_max + 1)});
  CHECK(refusal(map) == "the map has 97 sites, at most 96 are allowed");
  map.sites.clear();
  map.height = 65;
  map.terrain.assign(64 * 65, Terrain::open);
  CHECK(refusal(map) == "a map of 64x65 cells is outside the limits: 1 to 4096 cells");
  map.width = 1 << 20;
  map.height = 1 << 20;
  CHECK(refusal(map).find("outside the limits") != std::string::npos);
}

TEST_CASE("bases that cannot reach each other are named with row and column") {
  CHECK(refusal(drawn({
            "1..#...",
            "...#...",
            "...#...",
            "..#...2",
        })) == "base 2 cannot be reached from base 1 (row 3, column 6)");
  // Row 1 is shifted: a wall one cell further left leaves a pass that squares would not have.
  CHECK(refusal(drawn({
            "1..#...",
            "...#...",
            "..#....",
            "..#...2",
        })) == "accepted");
}

TEST_CASE("a declared symmetry must hold") {
  Map map = drawn({
      "1.~...",
      "..#e..",
      "..e#..",
      "...~.2",
  });
  map.symmetry = Symmetry::point;
  CHECK(refusal(map) == "accepted");
  Map other = map;
  other.terrain[other.at({4, 0})] = Terrain::rough;
  CHECK(refusal(other) ==
        "the map declares point symmetry, but row 0, column 4 has another terrain than its image");
  other = map;
  other.sites[0].type = Resource::data;
  CHECK(refusal(other) ==
        "the map declares point symmetry, but row 1, column 3 has another site than its image");
  other = map;
  other.bases[1] = other.at({4, 3});
  CHECK(refusal(other) ==
        "the map declares point symmetry, but base 2 (row 3, column 4) is no image of base 1");
  other = map;
  other.symmetry = Symmetry::rotation3;
  CHECK(refusal(other) ==
        "the map declares a rotation by 120 degrees, which is for 3 teams, but has 2");
}

TEST_CASE("with an odd number of rows the last cell of odd rows has no image") {
  Map map = drawn({
      "1...",
      "....",
      "...2",
  });
  map.symmetry = Symmetry::point;
  CHECK(refusal(map) ==
        "the map declares point symmetry, but row 1, column 3 has no image inside the map and is "
        "not an obstacle");
  map.terrain[map.at({3, 1})] = Terrain::obstacle;
  CHECK(refusal(map) == "accepted");
}

TEST_CASE("turns keep distances and turn directions") {
  struct Case {
    Turn turn;
    int width;
    int height;
    int order;
  };
  for (const Case& one : {Case{Turn::half, 8, 6, 2}, Case{Turn::half, 8, 7, 2},
                          Case{Turn::third, 9, 9, 3}, Case{Turn::two_thirds, 12, 11, 3},
                          Case{Turn::left_right, 8, 7, 2}, Case{Turn::up_down, 8, 7, 2}}) {
    CAPTURE(static_cast<int>(one.turn));
    Map map;
    map.width = one.width;
    map.height = one.height;
    for (int i = 0; i < map.cells(); ++i) {
      const auto a = static_cast<Cell>(i);
      Cell back = a;
      for (int k = 0; k < one.order && back != no_cell; ++k)
        back = turned(map, one.turn, back);
      if (back != no_cell) CHECK(back == a);
      const hex::Axial at = hex::to_axial(map.offset(a));
      for (int d = 0; d < hex::directions; ++d) {
        const hex::Axial step = hex::axial_steps[static_cast<std::size_t>(d)];
        const hex::Offset next = hex::to_offset({at.q + step.q, at.r + step.r});
        if (next.column < 0 || next.column >= map.width || next.row < 0 || next.row >= map.height) {
          continue;
        }
        const Cell image = turned(map, one.turn, a);
        const Cell next_image = turned(map, one.turn, map.at(next));
        if (image == no_cell || next_image == no_cell) continue;
        const hex::Axial turned_step =
            hex::axial_steps[static_cast<std::size_t>(turned_direction(one.turn, d))];
        const hex::Axial from = hex::to_axial(map.offset(image));
        CHECK(hex::to_offset({from.q + turned_step.q, from.r + turned_step.r}) ==
              map.offset(next_image));
      }
    }
  }
}

TEST_CASE("up and down mirror only with an odd number of rows") {
  Map map;
  map.width = 4;
  map.height = 4;
  CHECK(turned(map, Turn::up_down, 0) == no_cell);
}

TEST_CASE("compact JSON loses nothing") {
  Map map = small();
  map.name = "quotes \" and \xc3\xbc";
  map.orientation = Orientation::flat_top;
  const Result<Map> back = read_compact(write_compact(map));
  REQUIRE(back);
  CHECK(back->name == map.name);
  CHECK(back->width == map.width);
  CHECK(back->height == map.height);
  CHECK(back->orientation == map.orientation);
  CHECK(back->symmetry == map.symmetry);
  CHECK(back->terrain == map.terrain);
  CHECK(back->bases == map.bases);
  CHECK(back->sites == map.sites);
  CHECK(write_compact(*back) == write_compact(map));
}

TEST_CASE("compact JSON: every fault has its path") {
  struct Case {
    const char* text;
    const char* path;
  };
  const Case cases[] = {
      {R"({"format":"x","version":1})", "format"},
      {R"({"format":"redoubt-map","version":2})", "version"},
      {R"({"format":"redoubt-map","version":1})", "rows"},
      {R"({"format":"redoubt-map","version":1,"rows":[]})", "rows"},
      {R"({"format":"redoubt-map","version":1,"rows":["..",7]})", "rows[1]"},
      {R"({"format":"redoubt-map","version":1,"rows":["..","."]})", "rows[1]"},
      {R"({"format":"redoubt-map","version":1,"rows":[".x"]})", "rows[0]"},
      {R"({"format":"redoubt-map","version":1,"rows":["..",".."]})", "bases"},
      {R"({"format":"redoubt-map","version":1,"rows":[".."],"bases":[[0,0]]})", "bases"},
      {R"({"format":"redoubt-map","version":1,"rows":[".."],"bases":[[0,0],[2,0]]})", "bases[1]"},
      {R"({"format":"redoubt-map","version":1,"rows":[".."],"bases":[[0,0],[-1,0]]})", "bases[1]"},
      {R"({"format":"redoubt-map","version":1,"rows":[".."],"bases":[[0,0],[1,0]],"sites":3})",
       "sites"},
      {R"({"format":"redoubt-map","version":1,"rows":["..."],"bases":[[0,0],[1,0]],
          "sites":[[2,0,"gold"]]})",
       "sites[0]"},
      {R"({"format":"redoubt-map","version":1,"rows":["..."],"bases":[[0,0],[1,0]],"x":1})", "x"},
      {R"({"format":"redoubt-map","version":1,"symmetry":"round"})", "symmetry"},
      {R"({"format":"redoubt-map","version":1,"orientation":"up"})", "orientation"},
      {R"({"format":"redoubt-map",)", "line 1, column 25"},
      {R"({"format":"redoubt-map","version":1,"rows":["..."],"bases":[[0,0],[0,0]]})", "bases[1]"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    const Result<Map> map = read_compact(one.text);
    REQUIRE_FALSE(map);
    CHECK(map.error().code == "bad_map");
    CHECK(map.error().path == one.path);
    CHECK_FALSE(map.error().message.empty());
  }
}

TEST_CASE("read_map tells formats apart and says what it was given") {
  CHECK(read_map(write_compact(small())));
  CHECK(read_map("\xef\xbb\xbf" + write_compact(small())));
  CHECK(read_map("X,X,X,X\nX,1 Kh,2 Kh,X\nX,X,X,X\n", "two keeps")->name == "two keeps");
  for (const char* text : {"", "   \n", "{}", "[]", "<map/>", "{\"a\":1}", "hello", "\x01\x02"}) {
    CAPTURE(text);
    const Result<Map> map = read_map(text);
    REQUIRE_FALSE(map);
    CHECK(map.error().code == "bad_map");
    CHECK_FALSE(map.error().path.empty());
  }
}

TEST_CASE("truncated and mutated compact maps never crash and every error has a place") {
  const std::string text = write_compact(small());
  for (std::size_t length = 0; length < text.size() - 1; ++length) {
    const Result<Map> map = read_map(text.substr(0, length));
    if (map) continue;  // only the final newline may be missing
    CHECK_FALSE(map.error().path.empty());
  }
  Rng rng(5);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string mutant = text;
    const int edits = rng.between(1, 3);
    for (int k = 0; k < edits; ++k) {
      const auto at = rng.below(static_cast<std::uint32_t>(mutant.size()));
      mutant[at] = static_cast<char>(rng.below(256));
    }
    const Result<Map> map = read_map(mutant);
    if (map) {
      CHECK(check(*map));
      continue;
    }
    ++refused;
    CHECK_FALSE(map.error().message.empty());
    CHECK_FALSE(map.error().path.empty());
  }
  CHECK(refused > 1000);
}
