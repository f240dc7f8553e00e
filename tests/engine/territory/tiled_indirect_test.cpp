// What Tiled says indirectly: a table of the ways in which an object's class, properties, place and
// extent, and a tile's ground, come from elsewhere in the file.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/territory/map.hpp"
#include "engine/territory/map_import.hpp"
#include "engine/territory/tiled_grid.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using Json = nlohmann::json;

namespace {

// Rows are 9 pixels apart, the middle of column 3, row 2 is (49, 24). The map has two bases, and
// the object under test is the only one in layer 2.
Json plain_map() {
  Json json = Json::parse(R"({
    "type": "map", "version": "1.10", "orientation": "hexagonal", "staggeraxis": "y",
    "staggerindex": "odd", "infinite": false, "width": 8, "height": 6,
    "tilewidth": 14, "tileheight": 12, "hexsidelength": 6,
    "tilesets": [{"firstgid": 1, "name": "hex", "tilewidth": 14, "tileheight": 12, "tiles": [
      {"id": 0, "type": "grass"}, {"id": 1, "type": "water"},
      {"id": 2, "type": "site", "properties": [{"name": "resource", "value": "data"}]},
      {"id": 3, "type": "base", "properties": [{"name": "team", "value": 3}]},
      {"id": 4, "type": "site", "imagewidth": 28, "imageheight": 24}]}],
    "layers": [
      {"type": "tilelayer", "name": "Ground", "width": 8, "height": 6, "x": 0, "y": 0},
      {"type": "objectgroup", "name": "Bases", "objects": [
        {"type": "base", "x": 7, "y": 6, "point": true},
        {"type": "base", "x": 91, "y": 42, "point": true}]},
      {"type": "objectgroup", "name": "Under test", "x": 0, "y": 0, "objects": [
        {"type": "site", "x": 49, "y": 24, "point": true}]}]
  })");
  json["layers"][0]["data"] = std::vector<int>(48, 1);
  return json;
}

/// "3,2 data": the sites and the bases after the second, or what was refused.
std::string placed(const Json& json) {
  const Result<Map> map = read_map(json.dump());
  if (!map) return map.error().message;
  std::string out;
  const auto add = [&](Cell cell, std::string_view what) {
    const hex::Offset at = map->offset(cell);
    out += (out.empty() ? "" : "; ") + std::to_string(at.column) + "," + std::to_string(at.row) +
           " " + std::string(what);
  };
  for (const Site& site : map->sites)
    add(site.cell, resource_name(site.type));
  for (std::size_t i = 2; i < map->bases.size(); ++i)
    add(map->bases[i], "base");
  return out;
}

std::string rows(const Json& json) {
  const Result<Map> map = read_map(json.dump());
  if (!map) return map.error().message;
  std::string out;
  for (int row = 0; row < map->height; ++row) {
    for (int column = 0; column < map->width; ++column)
      out += ".~#"[static_cast<int>(map->terrain[map->at({column, row})])];
    out += row + 1 < map->height ? "/" : "";
  }
  return out;
}

struct Way {
  std::string name;
  const char* object;  // in place of the object under test
  std::string wanted;
  std::vector<std::pair<const char*, const char*>> edits = {};  // JSON pointer, value
};

const std::vector<Way> ways{
    // --- class ---
    {"type, as all but Tiled 1.9 write it", R"({"type": "site", "x": 49, "y": 24})", "3,2 energy"},
    {"class, as Tiled 1.9 writes it", R"({"class": "site", "x": 49, "y": 24})", "3,2 energy"},
    {"both, one empty", R"({"class": "site", "type": "", "x": 49, "y": 24})", "3,2 energy"},
    {"the tile's type, the own one empty",
     R"({"gid": 3, "type": "", "x": 42, "y": 30, "width": 14, "height": 12})", "3,2 data"},
    {"the tile's type, no own one", R"({"gid": 3, "x": 42, "y": 30, "width": 14, "height": 12})",
     "3,2 data"},
    {"the tile's class (1.9)",
     R"({"gid": 3, "class": "", "x": 42, "y": 30, "width": 14, "height": 12})",
     "3,2 energy",
     {{"/tilesets/0/tiles/2", R"({"id": 2, "class": "site"})"}}},
    {"its own class before the tile's",
     R"({"gid": 4, "type": "site", "x": 42, "y": 30, "width": 14, "height": 12})", "3,2 energy"},
    {"a tile of Tiled before 1.2",
     R"({"gid": 3, "type": "", "x": 42, "y": 30, "width": 14, "height": 12})",
     "3,2 materials",
     {{"/tilesets/0/tiles", R"({"2": {"type": "site"}})"},
      {"/tilesets/0/tileproperties", R"({"2": {"resource": "materials"}})"}}},
    {"the tile's class where the name says nothing",
     R"({"gid": 3, "name": "Old mine", "x": 42, "y": 30, "width": 14, "height": 12})", "3,2 data"},
    // --- properties ---
    {"the tile's property, the object's own class",
     R"({"gid": 3, "type": "resource", "x": 42, "y": 30, "width": 14, "height": 12})", "3,2 data"},
    {"its own property before the tile's",
     R"({"gid": 3, "x": 42, "y": 30, "width": 14, "height": 12,
         "properties": [{"name": "resource", "value": "materials"}]})",
     "3,2 materials"},
    {"the tile's team", R"({"gid": 4, "x": 42, "y": 30, "width": 14, "height": 12})", "3,2 base"},
    {"its own team with the tile's class: three teams, the third one's base is this",
     R"({"gid": 4, "x": 42, "y": 30, "width": 14, "height": 12,
         "properties": [{"name": "team", "value": 4}]})",
     "there is a base of team 4 (row 2, column 3), but none of team 3"},
    {"the tile's property makes it a site",
     R"({"gid": 2, "x": 42, "y": 30, "width": 14, "height": 12})",
     "3,2 data",
     {{"/tilesets/0/tiles/1/properties", R"([{"name": "resource", "value": "data"}])"}}},
    // --- the tile's number ---
    {"flipped and turned, all four bits",
     R"({"gid": 4026531843, "x": 42, "y": 30, "width": 14, "height": 12})", "3,2 data"},
    {"a tile of the second tileset",
     R"({"gid": 101, "x": 42, "y": 30, "width": 14, "height": 12})",
     "3,2 energy",
     {{"/tilesets/-", R"({"firstgid": 100, "tilewidth": 14, "tileheight": 12,
                          "tiles": [{"id": 1, "type": "site"}]})"}}},
    {"no number", R"({"gid": "4", "type": "site", "x": 42, "y": 30})",
     "layers[2].objects[0].gid: expected a tile of one of the map's tilesets, got \"4\""},
    {"tile 0", R"({"gid": 0, "type": "site", "x": 42, "y": 30})",
     "layers[2].objects[0].gid: expected a tile of one of the map's tilesets, got 0"},
    {"a tile of an external tileset",
     R"({"gid": 200, "type": "site", "x": 42, "y": 30})",
     "layers[2].objects[0].gid: expected a tile of an embedded tileset, since an object has its "
     "tile's class and properties (in Tiled: Embed Tileset, then export again), got a tile of the "
     "external tileset \"things.tsx\"",
     {{"/tilesets/-", R"({"firstgid": 200, "source": "things.tsx"})"}}},
    // --- templates ---
    {"a template", R"({"template": "mine.tx", "x": 42, "y": 30})",
     "layers[2].objects[0].template: expected an object without a template, which is another file "
     "(in Tiled: Preferences > Export Options > Detach templates, then export again), got "
     "\"mine.tx\""},
    // --- place and extent ---
    {"a tile object without a size has its tileset's tile size", R"({"gid": 3, "x": 42, "y": 30})",
     "3,2 data"},
    {"or its own image's", R"({"gid": 5, "x": 35, "y": 36})", "3,2 energy"},
    {"or the part of its image that it shows",
     R"({"gid": 5, "x": 35, "y": 36})",
     "3,2 energy",
     {{"/tilesets/0/tiles/4", R"({"id": 4, "type": "site", "imagewidth": 280, "imageheight": 240,
                                  "x": 28, "y": 0, "width": 28, "height": 24})"}}},
    {"no size anywhere",
     R"({"gid": 3, "x": 42, "y": 30})",
     "layers[2].objects[0].width: expected a size of the object, its tile or its tileset, got none",
     {{"/tilesets/0/tilewidth", "0"}}},
    {"the tileset's drawing offset",
     R"({"gid": 3, "x": 28, "y": 39, "width": 14, "height": 12})",
     "3,2 data",
     {{"/tilesets/0/tileoffset", R"({"x": 14, "y": -9})"}}},
    {"the drawing offset of a tile twice as large",
     R"({"gid": 3, "x": 7, "y": 54, "width": 28, "height": 24})",
     "3,2 data",
     {{"/tilesets/0/tileoffset", R"({"x": 14, "y": -9})"}}},
    {"the layer's offset",
     R"({"type": "site", "x": 9, "y": 44})",
     "3,2 energy",
     {{"/layers/2/offsetx", "40"}, {"/layers/2/offsety", "-20"}}},
    {"the groups' offsets, nested, with a layer's own",
     R"({"type": "site", "x": -51, "y": 14})",
     "3,2 energy",
     {{"/layers/2/offsetx", "40"}, {"/layers/-", R"({"type": "group", "offsetx": 50, "layers": [
          {"type": "group", "offsetx": 10.5, "offsety": 10, "layers": []}]})"}}},
    {"parallax moves nothing",
     R"({"type": "site", "x": 49, "y": 24})",
     "3,2 energy",
     {{"/layers/2/parallaxx", "0.25"}, {"/layers/2/parallaxy", "2"}, {"/parallaxoriginx", "70"}}},
    {"an ellipse", R"({"type": "site", "x": 39, "y": 14, "width": 20, "height": 20,
                       "ellipse": true})",
     "3,2 energy"},
    {"a polygon", R"({"type": "site", "x": 70, "y": 60, "width": 0, "height": 0, "polygon":
                      [{"x": -1, "y": -1}, {"x": -41, "y": -1}, {"x": -21, "y": -71}]})",
     "3,2 energy"},
    {"a polyline", R"({"type": "site", "x": 0, "y": 0, "polyline":
                       [{"x": 49, "y": 0}, {"x": 49, "y": 48}]})",
     "3,2 energy"},
    {"a rectangle turned by a quarter", R"({"type": "site", "x": 59, "y": 4, "width": 40,
                                            "height": 20, "rotation": 90})",
     "3,2 energy"},
    {"a tile turned upside down",
     R"({"gid": 3, "x": 56, "y": 18, "width": 14, "height": 12, "rotation": -180})", "3,2 data"},
    {"a polygon turned by 45 degrees",
     R"({"type": "site", "x": 49, "y": -76, "rotation": 405, "polygon":
         [{"x": 61, "y": 61}, {"x": 80.42, "y": 80.42}]})",
     "3,2 energy"},
    {"an offset that is no number",
     R"({"type": "site", "x": 49, "y": 24})",
     "layers[2].offsetx: expected a number of pixels, got \"28\"",
     {{"/layers/2/offsetx", R"("28")"}}},
    {"offsets that leave every map",
     R"({"type": "site", "x": 49, "y": 24})",
     "layers[2].layers[0].offsetx: expected a place near the map, got one far from it",
     {{"/layers/-", R"({"type": "group", "offsetx": 1e8, "layers": [
          {"type": "group", "offsetx": 1e8, "layers": []}]})"}}},
    {"a layer's place in cells",
     R"({"type": "site", "x": 49, "y": 24})",
     "layers[2].x: expected an integer from 0 to 0, got 2",
     {{"/layers/2/x", "2"}}},
    {"a polygon without points", R"({"type": "site", "x": 0, "y": 0, "polygon": true})",
     "layers[2].objects[0].polygon: expected an array of points, got true"},
    {"a rotation that is no number", R"({"type": "site", "x": 49, "y": 24, "rotation": "left"})",
     "layers[2].objects[0].rotation: expected a number of degrees, got \"left\""},
};

Json with_object(const Way& way) {
  Json json = plain_map();
  for (const auto& [pointer, value] : way.edits)
    json[Json::json_pointer(pointer)] = Json::parse(value);
  json["layers"][2]["objects"][0] = Json::parse(way.object);
  // A way that adds nested groups wants the object's layer inside them.
  Json& last = json["layers"].back();
  if (last["type"] == "group") {
    last["layers"][0]["layers"].push_back(json["layers"][2]);
    json["layers"].erase(2);
  }
  return json;
}

}  // namespace

TEST_CASE("every way in which Tiled says an object's class, properties, place and extent") {
  for (const Way& way : ways) {
    CAPTURE(way.name);
    CHECK(placed(with_object(way)) == way.wanted);
  }
}

TEST_CASE("a tile object's x and y are where its tileset's objectalignment says") {
  struct Alignment {
    std::string_view word;
    int x;
    int y;
  };
  // The object's box is (41, 18) to (57, 30).
  constexpr std::array<Alignment, 10> alignments{{{"unspecified", 41, 30},
                                                  {"topleft", 41, 18},
                                                  {"top", 49, 18},
                                                  {"topright", 57, 18},
                                                  {"left", 41, 24},
                                                  {"center", 49, 24},
                                                  {"right", 57, 24},
                                                  {"bottomleft", 41, 30},
                                                  {"bottom", 49, 30},
                                                  {"bottomright", 57, 30}}};
  for (const Alignment& one : alignments) {
    const std::string word(one.word);
    CAPTURE(word);
    Json json = plain_map();
    json["tilesets"][0]["objectalignment"] = word;
    json["layers"][2]["objects"][0] = {
        {"gid", 3}, {"x", one.x}, {"y", one.y}, {"width", 16}, {"height", 12}};
    CHECK(placed(json) == "3,2 data");
  }
  Json json = plain_map();
  json["tilesets"][0]["objectalignment"] = "middle";
  CHECK(placed(json).find("tilesets[0].objectalignment: expected unspecified, topleft") == 0);
}

TEST_CASE("objects that mean nothing are named where a base is missing") {
  Json json = plain_map();
  json["layers"][1]["objects"] = Json::parse(R"([
    {"type": "Spawn", "x": 7, "y": 6}, {"name": "red start", "x": 91, "y": 42},
    {"type": "Spawn", "x": 7, "y": 6}, {"x": 7, "y": 6}])");
  CHECK(
      placed(json) ==
      "layers: expected 2 to 4 objects (or tiles) of class base, got 0 (no base: objects of class "
      "or name \"spawn\", \"red start\")");
}

TEST_CASE("objects that are called like ground change nothing, and the map says so") {
  Json json = plain_map();
  Json& objects = json["layers"][2]["objects"];
  objects.push_back({{"name", "Wall"}, {"x", 1}, {"y", 1}, {"width", 90}, {"height", 9}});
  objects.push_back({{"gid", 2}, {"x", 42}, {"y", 30}, {"width", 14}, {"height", 12}});
  objects.push_back({{"type", "grass"}, {"x", 1}, {"y", 1}});
  const Result<Map> map = read_map(json.dump());
  REQUIRE_MESSAGE(map, map.error().message);
  CHECK(map->notes == std::vector<std::string>{
                          "only tile layers make ground: 2 objects called like ground changed "
                          "nothing, the first is \"wall\" (layers[2].objects[1])"});
  CHECK(rows(json) == rows(plain_map()));
}

TEST_CASE("a tile layer is moved by its own and its groups' offset, to whole cells") {
  const auto middle = [](bool flat, bool even, int column, int row) {
    const int line = flat ? column : row;
    const int shift = (line & 1) == (even ? 0 : 1) ? 7 : 0;
    return flat ? std::pair(9 * column + 6, 14 * row + 7 + shift)
                : std::pair(14 * column + 7 + shift, 9 * row + 6);
  };
  for (const bool flat : {false, true}) {
    for (const bool even : {false, true}) {
      for (int cell = 0; cell < 48; ++cell) {
        const int column = cell % 8;
        const int row = cell / 8;
        CAPTURE(flat);
        CAPTURE(even);
        CAPTURE(column);
        CAPTURE(row);
        Json json = plain_map();
        json["staggeraxis"] = flat ? "x" : "y";
        json["staggerindex"] = even ? "even" : "odd";
        json["tilewidth"] = flat ? 12 : 14;
        json["tileheight"] = flat ? 14 : 12;
        // Both bases in a corner that the moved tile does not come to.
        const int far = row < 3 ? 5 : 0;
        for (int i = 0; i < 2; ++i) {
          const auto [x, y] = middle(flat, even, i, far);
          json["layers"][1]["objects"][static_cast<std::size_t>(i)]["x"] = x;
          json["layers"][1]["objects"][static_cast<std::size_t>(i)]["y"] = y;
        }
        json["layers"][2]["objects"] = Json::array();
        Json walls = json["layers"][0];
        walls["data"] = std::vector<int>(48, 0);
        walls["data"][2 * 8 + 3] = 2;
        const auto [x0, y0] = middle(flat, even, 3, 2);
        const auto [x1, y1] = middle(flat, even, column, row);
        walls["offsetx"] = x1 - x0 - 100;
        walls["offsety"] = y1 - y0;
        json["layers"].push_back({{"type", "group"},
                                  {"offsetx", 102},
                                  {"offsety", -1.5},
                                  {"layers", Json::array({walls})}});
        const Result<Map> map = read_map(json.dump());
        REQUIRE_MESSAGE(map, map.error().message);
        hex::Offset at{column + (flat && even ? 1 : 0), row + (!flat && even ? 1 : 0)};
        if (flat) std::swap(at.column, at.row);
        CHECK(map->terrain[map->at(at)] == Terrain::obstacle);
        std::size_t obstacles = 0;
        for (Terrain terrain : map->terrain)
          obstacles += terrain == Terrain::obstacle ? 1 : 0;
        CHECK(obstacles == 1u + (even ? (flat ? 6u : 8u) : 0u));
      }
    }
  }
  Json json = plain_map();
  Json upper = json["layers"][0];
  upper["offsety"] = -9;
  json["layers"].push_back(upper);
  CHECK(placed(json) ==
        "layers[3] (row 0, column 0): expected a place inside the map, got one outside, by the "
        "layer's offset");
  json["layers"][3]["offsety"] = 4;  // less than half a cell: a matter of looks
  CHECK(placed(json) == "3,2 energy");
}

TEST_CASE("the lowest tile layer is where the map lies: objects stand on what they are drawn on") {
  Json json = plain_map();
  json["layers"][0]["offsetx"] = -7;
  json["layers"][0]["offsety"] = -9;
  CHECK(placed(json) == "3,3 energy");
  // A layer without tiles is no ground, and order does not matter.
  Json empty = json["layers"][0];
  empty["data"] = std::vector<int>(48, 0);
  empty["offsetx"] = 500;
  json["layers"].insert(json["layers"].begin(), empty);
  std::swap(json["layers"][1], json["layers"][3]);
  CHECK(placed(json) == "3,3 energy");
  // All in one group that is moved.
  json = plain_map();
  json["layers"] = {{{"type", "group"}, {"offsetx", 1234.5}, {"layers", json["layers"]}}};
  CHECK(placed(json) == "3,2 energy");
}

TEST_CASE("an infinite map's moved layer belongs to its bounds") {
  Json json = plain_map();
  json["infinite"] = true;
  Json& ground = json["layers"][0];
  ground["chunks"] = {{{"x", 0}, {"y", 0}, {"width", 8}, {"height", 6}, {"data", ground["data"]}}};
  ground.erase("data");
  Json hill = ground;
  hill["name"] = "rough";
  hill["chunks"] = {{{"x", 3}, {"y", 0}, {"width", 1}, {"height", 1}, {"data", {200}}}};
  hill["offsetx"] = -7;
  hill["offsety"] = -27;  // three rows: an odd number, so by half a column, too
  json["tilesets"].push_back({{"firstgid", 100}});
  json["layers"].push_back(hill);
  const Result<Map> map = read_map(json.dump());
  REQUIRE_MESSAGE(map, map.error().message);
  // The drawing begins with the shifted row -3, so a row of obstacles is put on top.
  CHECK(map->height == 10);
  CHECK(map->terrain[map->at({2, 1})] == Terrain::rough);
  CHECK(map->offset(map->bases[0]) == hex::Offset{0, 4});
  CHECK(map->offset(map->bases[1]) == hex::Offset{6, 8});
  CHECK(map->offset(map->sites.at(0).cell) == hex::Offset{3, 6});
}

TEST_CASE("a terrain set says what a tile is where all its corners or edges have one colour") {
  struct Case {
    std::string name;
    const char* sets;
    const char* wanted;  // tiles 6, 7, 8 in columns 1, 2, 3 of row 1
  };
  const Case cases[] = {
      {"corners", R"([{"type": "corner", "colors": [{"name": "Grass"}, {"name": "Water"}],
         "wangtiles": [{"tileid": 5, "wangid": [0, 2, 0, 2, 0, 2, 0, 2]},
                       {"tileid": 6, "wangid": [0, 2, 0, 1, 0, 2, 0, 2]},
                       {"tileid": 7, "wangid": [0, 1, 0, 1, 0, 1, 0, 1]}]}])",
       "#.."},
      {"edges", R"([{"type": "edge", "colors": [{"name": "x", "class": "swamp"}],
         "wangtiles": [{"tileid": 5, "wangid": [1, 0, 1, 0, 1, 0, 1, 0]},
                       {"tileid": 6, "wangid": [1, 0, 0, 0, 1, 0, 1, 0]}]}])",
       "~.."},
      {"both", R"([{"type": "mixed", "colors": [{"name": "x",
           "properties": [{"name": "terrain", "value": "obstacle"}]}],
         "wangtiles": [{"tileid": 5, "wangid": [1, 1, 1, 1, 1, 1, 1, 1]},
                       {"tileid": 6, "wangid": [0, 1, 0, 1, 0, 1, 0, 1]}]}])",
       "#.."},
      {"the first set that knows its ground",
       R"([{"type": "corner", "colors": [{"name": "autumn"}],
         "wangtiles": [{"tileid": 5, "wangid": [0, 1, 0, 1, 0, 1, 0, 1]}]},
           {"type": "corner", "colors": [{"name": "forest"}, {"name": "wall"}],
         "wangtiles": [{"tileid": 5, "wangid": [0, 1, 0, 1, 0, 1, 0, 1]},
                       {"tileid": 7, "wangid": [0, 2, 0, 2, 0, 2, 0, 2]}]}])",
       "~.#"},
      {"a tile's own word comes first", R"([{"type": "corner", "colors": [{"name": "Grass"}],
         "wangtiles": [{"tileid": 1, "wangid": [0, 1, 0, 1, 0, 1, 0, 1]}]}])",
       "..."},
      {"Tiled 1.1 to 1.4, corners", R"([{"cornercolors": [{"name": "Water"}], "edgecolors": [],
         "wangtiles": [{"tileid": 6, "wangid": [0, 1, 0, 1, 0, 1, 0, 1]}]}])",
       ".#."},
      {"Tiled 1.1 to 1.4, edges", R"([{"cornercolors": [], "edgecolors": [{"name": "Water"}],
         "wangtiles": [{"tileid": 6, "wangid": [1, 0, 1, 0, 1, 0, 1, 0]}]}])",
       ".#."},
      {"no tiles, no words", R"([{"type": "corner", "colors": []}, {"wangtiles": []}])", "..."},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    Json json = plain_map();
    json["tilesets"][0]["wangsets"] = Json::parse(one.sets);
    for (std::size_t i = 0; i < 3; ++i)
      json["layers"][0]["data"][9 + i] = 6 + i;
    json["layers"][0]["data"][12] = 2;
    CHECK(rows(json).substr(9, 8) == "." + std::string(one.wanted) + "#...");
  }
  const auto refused = [](const char* sets) {
    Json json = plain_map();
    json["tilesets"][0]["wangsets"] = Json::parse(sets);
    return placed(json);
  };
  CHECK(refused("3") == "tilesets[0].wangsets: expected an array, got 3");
  CHECK(refused(R"([{"type": "corner", "colors": [], "wangtiles": [{"tileid": -1}]}])") ==
        "tilesets[0].wangsets[0].wangtiles[0].tileid: expected a tile's number, got -1");
  CHECK(
      refused(R"([{"type": "corner", "colors": [], "wangtiles": [{"tileid": 1, "wangid": 3}]}])") ==
      "tilesets[0].wangsets[0].wangtiles[0].wangid: expected an array of 8 colours, got 3");
  CHECK(refused(R"([{"type": "corner", "colors": [{}], "wangtiles":
          [{"tileid": 1, "wangid": [0, 2, 0, 2, 0, 2, 0, 2]}]}])") ==
        "tilesets[0].wangsets[0].wangtiles[0].wangid: expected colours from 0 to 1, got 2");
  CHECK(refused(R"([{"type": "hexagon", "colors": [{}], "wangtiles": [{"tileid": 1}]}])") ==
        "tilesets[0].wangsets[0].type: expected corner, edge or mixed, got \"hexagon\"");
  CHECK(refused(R"([{"type": "edge", "wangtiles": [{"tileid": 1}]}])") ==
        "tilesets[0].wangsets[0].colors: expected an array, got nothing");
}

TEST_CASE("a point turns as Tiled turns an object, without a platform's sine") {
  using tiled::Point;
  const auto close = [](Point p, double x, double y) {
    return std::abs(p.x - x) < 1e-12 && std::abs(p.y - y) < 1e-12;
  };
  // Clockwise as y grows downwards: what pointed right points down.
  for (const double degrees : {90.0, -270.0, 450.0, 3690.0}) {
    CHECK(tiled::turned({2, 0}, degrees).x == 0);
    CHECK(tiled::turned({2, 0}, degrees).y == 2);
  }
  CHECK(tiled::turned({2, 1}, 180).x == -2);
  CHECK(tiled::turned({2, 1}, -90).x == 1);
  CHECK(tiled::turned({2, 1}, 0).x == 2);
  CHECK(close(tiled::turned({2, 0}, 30), std::sqrt(3.0), 1));
  CHECK(close(tiled::turned({2, 0}, 60), 1, std::sqrt(3.0)));
  CHECK(close(tiled::turned({1, 0}, 45), std::sqrt(0.5), std::sqrt(0.5)));
  CHECK(close(tiled::turned({1, 0}, -135), -std::sqrt(0.5), -std::sqrt(0.5)));
}
