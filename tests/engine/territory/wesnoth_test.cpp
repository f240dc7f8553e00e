#include <doctest/doctest.h>

#include "engine/base/rng.hpp"
#include "engine/territory/map.hpp"
#include "tests/engine/territory/shared_maps.hpp"

using namespace redoubt;
using namespace redoubt::territory;

namespace {

Terrain terrain_read(const std::string& code) {
  const Result<Map> map =
      read_wesnoth("X,X,X,X,X\nX,1 Kh," + code + ",Gg,X\nX,Gg,Gg,2 Kh,X\nX,X,X,X,X\n");
  REQUIRE_MESSAGE(map, map.error().message);
  // Drawing: row 0, column 1; stored transposed.
  return map->terrain[map->at({0, 1})];
}

std::string refusal(std::string_view text) {
  const Result<Map> map = read_wesnoth(text);
  if (map) return "accepted";
  CHECK(map.error().code == "bad_map");
  CHECK_FALSE(map.error().path.empty());
  return map.error().message;
}

}  // namespace

TEST_CASE("terrain codes mean what the maps' README says") {
  for (const char* code : {"Gg",      "Gs",      "Re",    "Rd",     "Rp",     "Kh",   "Ch",
                           "Uu",      "Uh",      "Tb^Tf", "Gg^Efm", "Re^Gvs", "Aa",   "Gg^Wm",
                           "Ww^Bw\\", "Ql^Bsb|", "Gg^Vh", "Ss^Vhs", "Mm^Vhh", "Ww^Vm"}) {
    CAPTURE(code);
    CHECK(terrain_read(code) == Terrain::open);
  }
  for (const char* code :
       {"Hh", "Hd", "Ha", "Gs^Fp", "Gg^Fet", "Ss", "Dd", "Wwf", "Aa^Fpa", "Hh^Fms", "Rd^Ftd"}) {
    CAPTURE(code);
    CHECK(terrain_read(code) == Terrain::rough);
  }
  for (const char* code : {"Ww", "Wo", "Wwt", "Wwrg", "Mm", "Md", "Xu", "Xol", "Qxu", "Ql",
                           "_off^_usr", "Mm^Xm", "Gg^Xo", "_s", "Ww^Xo"}) {
    CAPTURE(code);
    CHECK(terrain_read(code) == Terrain::obstacle);
  }
}

TEST_CASE("the border is dropped, odd columns lie lower, the map is stored transposed") {
  // Drawing inside the border: 3 columns, 2 rows; column 1 lies lower. So the cell at row 0,
  // column 1 touches both cells of columns 0 and 2.
  const Result<Map> map = read_wesnoth(
      "Gg,Gg,Gg,Gg,Gg\n"
      "Gg,1 Kh,Gg,Ww,Gg\n"
      "Gg,Ww,Ww,2 Kh,Gg\n"
      "Gg,Gg,Gg,Gg,Gg\n");
  REQUIRE_MESSAGE(map, map.error().message);
  CHECK(map->orientation == Orientation::flat_top);
  CHECK(map->width == 2);
  CHECK(map->height == 3);
  CHECK(map->bases == std::vector<Cell>{map->at({0, 0}), map->at({1, 2})});
  CHECK(name_cell(*map, map->bases[1]) == "row 1, column 2");
  // Way: base 1 (row 0, column 0) - (row 0, column 1) - base 2 (row 1, column 2): open only
  // because column 1 lies lower.
  CHECK(hex::distance(map->offset(map->bases[0]), map->offset(map->bases[1])) == 2);
  CHECK(hex::distance(map->offset(map->at({0, 1})), map->offset(map->bases[1])) == 1);
  CHECK(map->terrain[map->at({1, 0})] == Terrain::obstacle);
}

TEST_CASE("villages are sites, typed by the rank of their distance") {
  const Result<Map> map = read_wesnoth(
      "X,X,X,X,X,X,X,X,X,X,X\n"
      "X,1 Kh,Gg^Vh,Gg,Gg^Vh,Gg^Vh,Gg^Vh,Gg,Gg^Vh,2 Kh,X\n"
      "X,X,X,X,X,X,X,X,X,X,X\n");
  REQUIRE_MESSAGE(map, map.error().message);
  REQUIRE(map->sites.size() == 5);
  const Resource types[] = {Resource::energy, Resource::materials, Resource::data,
                            Resource::materials, Resource::energy};
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(map->sites[i].type == types[i]);
}

TEST_CASE("a start on rough ground becomes open, one on a mountain is refused") {
  const Result<Map> map = read_wesnoth("X,X,X,X\nX,1 Gs^Ft,2 Kh,X\nX,X,X,X\n");
  REQUIRE(map);
  CHECK(map->terrain[map->bases[0]] == Terrain::open);
  CHECK(refusal("X,X,X,X\nX,1 Mm,2 Kh,X\nX,X,X,X\n") ==
        "base 1 lies on an obstacle (row 0, column 0)");
}

TEST_CASE("heads of older maps, other line ends and named places are read") {
  CHECK(refusal("border_size=1\r\nusage=map\r\n\r\nX, X, X, X\r\nX, 1 Kh, 2 Kh, X\r\nX, X, X, X") ==
        "accepted");
  CHECK(refusal("border_size=0\nusage=map\n\n1 Kh, gate Gg, 2 Kh\n") == "accepted");
}

TEST_CASE("players that are not 1, 2, ... are counted anew, and the map says so") {
  struct Case {
    const char* row;
    std::vector<int> columns;  // of the bases
    std::vector<std::string> notes;
  };
  const Case cases[] = {
      {"X,1 Kh,2 Kh,Gg,X", {0, 1}, {}},
      {"X,3 Kh,Gg,2 Kh,X", {2, 0}, {"players 2, 3 became teams 1, 2"}},
      {"X,1 Kh,Gg,4 Kh,X", {0, 2}, {"players 1, 4 became teams 1, 2"}},
      {"X,12 Kh,9 Kh,Gg,X", {1, 0}, {"players 9, 12 became teams 1, 2"}},
      {"X,5 Kh,1 Kh,3 Kh,2 Kh,4 Kh,X",
       {1, 3, 2, 4},
       {"the map is for 5 players, at most 4 can play here: players 1, 2, 3, 4 were taken, the "
        "others' places are common cells"}},
      {"X,8 Kh,7 Kh,2 Kh,4 Kh,5 Kh,9 Kh,X",
       {2, 3, 4, 1},
       {"the map is for 6 players, at most 4 can play here: players 2, 4, 5, 7 were taken, the "
        "others' places are common cells",
        "players 2, 4, 5, 7 became teams 1, 2, 3, 4"}},
  };
  for (const Case& one : cases) {
    CAPTURE(one.row);
    std::string border;
    for (const char* c = one.row; *c != '\0'; ++c)
      if (*c == ',') border += ",X";
    const Result<Map> map = read_map("X" + border + "\n" + one.row + "\nX" + border + "\n");
    REQUIRE_MESSAGE(map, map.error().message);
    std::vector<int> columns;
    for (Cell base : map->bases)
      columns.push_back(map->offset(base).row);  // stored transposed
    CHECK(columns == one.columns);
    CHECK(map->notes == one.notes);
    CHECK(warnings(*map) == one.notes);
    for (Terrain terrain : map->terrain)
      CHECK(terrain == Terrain::open);
  }
}

TEST_CASE("a map warns of the sites that no base reaches") {
  const Result<Map> map = read_wesnoth(
      "X,X,X,X,X,X,X\n"
      "X,1 Kh,Gg^Vh,2 Kh,Ww,Ww^Vm,X\n"
      "X,Gg,Gg,Gg,Ww,Gg^Vh,X\n"
      "X,X,X,X,X,X,X\n");
  REQUIRE_MESSAGE(map, map.error().message);
  CHECK(map->notes.empty());
  CHECK(warnings(*map) == std::vector<std::string>{
                              "2 sites of 3 cannot be reached from a base and will not be played "
                              "for: row 0, column 4; row 1, column 4"});
  // The compact form keeps the sites, and so does the warning.
  CHECK(warnings(*read_compact(write_compact(*map))) == warnings(*map));
  std::string villages;
  for (int i = 0; i < 11; ++i)
    villages += "Gg^Vh,";
  const Result<Map> many = read_wesnoth("border_size=0\n1 Kh,2 Kh,Ww," + villages + "Ww,Gg^Vh\n");
  REQUIRE_MESSAGE(many, many.error().message);
  const std::string warning = warnings(*many).at(0);
  CHECK(warning.find("12 sites of 12 cannot be reached") == 0);
  CHECK(warning.find("column 10; and 4 more") != std::string::npos);
}

TEST_CASE("bad texts are refused with line and entry") {
  CHECK(refusal("X,X,X\nX,X\n") == "the row has 2 cells, the first has 3 (line 2, entry 2)");
  CHECK(refusal("X,X,X\nX,oh no,X\nX,X,X") == "\"oh no\" is not a terrain code (line 2, entry 2)");
  CHECK(refusal("X,,X\n") == "\"\" is not a terrain code (line 1, entry 2)");
  for (const char* player : {"0", "00", "100"}) {
    CHECK(refusal(std::string("X,X,X\nX,") + player + " Kh,X\nX,X,X") ==
          std::string("a base of player \"") + player + "\" is not possible (line 2, entry 2)");
  }
  CHECK(refusal("X,X\nX,X") == "the map has no cells inside its border (line 2, entry 1)");
  CHECK(refusal("") == "the map has no cells inside its border (line 1, entry 1)");
  CHECK(refusal("X,1 Kh,X\nX,2 Kh,X\nX,X,X") == "base 1 lies in the border (line 1, entry 2)");
  CHECK(refusal("usage=mask\nX") ==
        "\"usage=mask\" is not a head line that is understood (line 1, entry 1)");
  CHECK(refusal("X,X,X,X\nX,1 Kh,1 Kh,X\nX,X,X,X") == "team 1 has two bases (row 0, column 1)");
  CHECK(refusal("X,X,X,X,X\nX,3 Kh,5 Kh,5 Kh,X\nX,X,X,X,X") ==
        "team 5 has two bases (row 0, column 2)");
  CHECK(refusal("X,X,X\nX,7 Kh,X\nX,X,X") == "the map has 1 bases, expected 2 to 4");
  CHECK(refusal("X,X,X,X,X\nX,1 Kh,Ww,2 Kh,X\nX,X,X,X,X") ==
        "base 2 cannot be reached from base 1 (row 0, column 2)");
  CHECK(refusal(std::string((1 << 20) + 1, 'X')) == "the text is too long (line 1, entry 1)");
  std::string wide = "X";
  for (int i = 0; i < 5000; ++i)
    wide += ",X";
  CHECK(refusal(wide).find("the row is too long") == 0);
  std::string large;
  for (int i = 0; i < 100; ++i) {
    large += "X";
    for (int k = 0; k < 99; ++k)
      large += ",X";
    large += "\n";
  }
  CHECK(refusal(large) == "a map of 98x98 cells is outside the limits: 1 to 4096 cells");
}

TEST_CASE("all twelve shared maps load and pass") {
  int read = 0;
  for (const char* name : testing::shared_map_names) {
    CAPTURE(name);
    const auto text = testing::shared_map(name);
    if (!text) continue;
    ++read;
    const Result<Map> map = read_map(*text, name);
    REQUIRE_MESSAGE(map, map.error().message);
    CHECK(check(*map));
    CHECK(map->teams() == name[0] - '0');
    CHECK(map->name == name);
    CHECK(map->orientation == Orientation::flat_top);
    CHECK(map->sites.size() >= 8);
    const Result<Map> back = read_map(write_compact(*map));
    REQUIRE(back);
    CHECK(back->hash() == map->hash());
    CHECK(back->name == map->name);
  }
  if (read == 0) MESSAGE("skipped: no shared maps here (set REDOUBT_MAPS)");
  if (read > 0) CHECK(read == 12);
}

TEST_CASE("truncated and mutated text maps never crash and every error has a place") {
  const auto shared = testing::shared_map("2p_Sablestone_Delta");
  const std::string text =
      shared ? *shared : "Gg,Gg,Gg,Gg\nGg,1 Kh,Gg^Vh,Gg\nGg,Ww,2 Kh,Gg\nGg,Gg,Gg,Gg\n";
  for (std::size_t length = 0; length < text.size(); length += 7) {
    const Result<Map> map = read_map(text.substr(0, length));
    if (!map) CHECK_FALSE(map.error().path.empty());
  }
  Rng rng(11);
  int refused = 0;
  for (int i = 0; i < 1500; ++i) {
    std::string mutant = text;
    for (int k = rng.between(1, 4); k > 0; --k) {
      const auto at = rng.below(static_cast<std::uint32_t>(mutant.size()));
      if (rng.below(3) == 0) {
        mutant.erase(at, rng.below(20));
      } else {
        mutant[at] = static_cast<char>(rng.below(256));
      }
      if (mutant.empty()) mutant = "X";
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
  CHECK(refused > 300);
}
