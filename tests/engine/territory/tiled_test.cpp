#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "engine/base/rng.hpp"
#include "engine/territory/map.hpp"

using namespace redoubt;
using namespace redoubt::territory;
using Json = nlohmann::json;

namespace {

// A 4x3 map as Tiled 1.10 exports it: tile 1 plain, 2 forest (class), 3 wall (property).
Json example() {
  return Json::parse(R"({
    "compressionlevel": -1, "height": 3, "width": 4, "infinite": false,
    "orientation": "hexagonal", "staggeraxis": "y", "staggerindex": "odd", "hexsidelength": 16,
    "renderorder": "right-down", "tiledversion": "1.10.2", "type": "map", "version": "1.10",
    "tilewidth": 28, "tileheight": 32, "nextlayerid": 3, "nextobjectid": 5,
    "properties": [{"name": "name", "type": "string", "value": "example"}],
    "layers": [
      {"id": 1, "name": "Ground", "type": "tilelayer", "visible": true, "opacity": 1,
       "x": 0, "y": 0, "width": 4, "height": 3,
       "data": [1, 1, 2, 1,  1, 3, 1, 1,  0, 1, 1, 1]},
      {"id": 2, "name": "Things", "type": "objectgroup", "visible": true, "opacity": 1,
       "x": 0, "y": 0, "draworder": "topdown", "objects": [
        {"id": 1, "name": "", "type": "base", "x": 14, "y": 16, "width": 0, "height": 0,
         "point": true, "rotation": 0, "visible": true,
         "properties": [{"name": "team", "type": "int", "value": 1}]},
        {"id": 2, "name": "base", "type": "", "x": 98, "y": 64, "width": 0, "height": 0,
         "point": true, "rotation": 0, "visible": true,
         "properties": [{"name": "team", "type": "string", "value": "Blue"}]},
        {"id": 3, "name": "", "class": "site", "x": 70, "y": 24, "width": 28, "height": 32,
         "properties": [{"name": "resource", "type": "string", "value": "data"}]},
        {"id": 4, "name": "label", "type": "text", "x": -500, "y": 9000}]}],
    "tilesets": [{"firstgid": 1, "name": "hexes", "columns": 3, "tilecount": 3, "image": "h.png",
      "imageheight": 32, "imagewidth": 84, "margin": 0, "spacing": 0,
      "tilewidth": 28, "tileheight": 32,
      "tiles": [{"id": 1, "type": "Forest"},
                {"id": 2, "properties": [{"name": "terrain", "type": "string",
                                           "value": "obstacle"}]}]}]
  })");
}

Map read(const Json& json) {
  const Result<Map> map = read_map(json.dump());
  REQUIRE_MESSAGE(map, map.error().message);
  return *map;
}

std::string refusal(const Json& json) {
  const Result<Map> map = read_map(json.dump());
  if (map) return "accepted";
  CHECK(map.error().code == "bad_map");
  CHECK_FALSE(map.error().path.empty());
  return map.error().message;
}

std::string rows(const Map& map) {
  std::string out;
  for (int row = 0; row < map.height; ++row) {
    for (int column = 0; column < map.width; ++column) {
      out += ".~#"[static_cast<int>(map.terrain[map.at({column, row})])];
    }
    out += row + 1 < map.height ? "/" : "";
  }
  return out;
}

}  // namespace

TEST_CASE("a Tiled map: ground from tiles, bases and sites from objects") {
  const Map map = read(example());
  CHECK(map.name == "example");
  CHECK(map.orientation == Orientation::pointy_top);
  CHECK(rows(map) == "..~./.#../#...");
  CHECK(map.bases == std::vector<Cell>{map.at({0, 0}), map.at({3, 2})});
  // The rectangle's middle is (84, 40); row 1 is shifted by half a tile, so that is column 2.
  CHECK(map.sites == std::vector<Site>{{map.at({2, 1}), Resource::data}});
}

TEST_CASE("the object's middle decides its cell, tile objects stand on their corner") {
  Json json = example();
  Json& site = json["layers"][1]["objects"][2];
  site["gid"] = 1;
  site["y"] = 56;
  const Map map = read(json);
  CHECK(map.sites == std::vector<Site>{{map.at({2, 1}), Resource::data}});
  site["x"] = -200;
  CHECK(refusal(json) == "layers[1].objects[2]: expected a place inside the map, got one outside");
}

TEST_CASE("all four layouts keep who touches whom") {
  // In each drawing a corridor of three open cells joins two bases by one shifted line; it is
  // passable only if the shift is read right.
  struct Case {
    const char* axis;
    const char* index;
    std::vector<int> data;  // 3x3
    int base1, base2;       // index into data
  };
  const Case cases[] = {
      // Row 1 shifted right: (column 1, row 0) touches (0, 1) and (1, 1).
      {"y", "odd", {0, 1, 0, 1, 0, 0, 1, 0, 0}, 1, 6},
      // Rows 0 and 2 shifted right: (0, 0) touches (1, 1).
      {"y", "even", {1, 0, 0, 0, 1, 0, 1, 0, 0}, 0, 6},
      // Column 1 shifted down: (0, 1) touches (1, 0) and (1, 1).
      {"x", "odd", {0, 1, 1, 1, 0, 0, 0, 0, 0}, 3, 2},
      // Columns 0 and 2 shifted down: (0, 0) touches (1, 1).
      {"x", "even", {1, 0, 1, 0, 1, 0, 0, 0, 0}, 0, 2},
  };
  for (const Case& one : cases) {
    CAPTURE(one.axis);
    CAPTURE(one.index);
    Json json = example();
    json["staggeraxis"] = one.axis;
    json["staggerindex"] = one.index;
    json["width"] = 3;
    json["layers"][0]["width"] = 3;
    std::vector<int> data = one.data;
    data[static_cast<std::size_t>(one.base1)] = 4;
    data[static_cast<std::size_t>(one.base2)] = 4;
    json["layers"][0]["data"] = data;
    json["layers"][1]["objects"] = Json::array();
    json["tilesets"][0]["tiles"].push_back({{"id", 3}, {"type", "base"}});
    const Map map = read(json);
    const bool flat = one.axis == std::string("x");
    const bool even = one.index == std::string("even");
    CHECK(map.orientation == (flat ? Orientation::flat_top : Orientation::pointy_top));
    CHECK(map.height == (even ? 4 : 3));
    if (even) CHECK(rows(map).substr(0, 3) == "###");
  }
  // The same corridor read with the wrong index is cut.
  Json json = example();
  json["staggerindex"] = "even";
  json["width"] = 3;
  json["layers"][0]["width"] = 3;
  json["layers"][0]["data"] = {0, 4, 0, 1, 0, 0, 4, 0, 0};
  json["layers"][1]["objects"] = Json::array();
  json["tilesets"][0]["tiles"].push_back({{"id", 3}, {"type", "base"}});
  CHECK(refusal(json).find("base 2 cannot be reached from base 1") == 0);
}

TEST_CASE("objects find their cell in every layout") {
  for (const char* axis : {"x", "y"}) {
    for (const char* index : {"odd", "even"}) {
      CAPTURE(axis);
      CAPTURE(index);
      const bool flat = axis == std::string("x");
      Json json = example();
      json["staggeraxis"] = axis;
      json["staggerindex"] = index;
      json["tilewidth"] = flat ? 32 : 28;
      json["tileheight"] = flat ? 28 : 32;
      json["layers"][0]["data"] = Json::array();
      for (int i = 0; i < 12; ++i)
        json["layers"][0]["data"].push_back(1);
      for (int row = 0; row < 3; ++row) {
        for (int column = 0; column < 4; ++column) {
          const int line = flat ? column : row;
          const int shift = (line & 1) == (index == std::string("odd") ? 1 : 0) ? 14 : 0;
          const int x = flat ? column * 24 + 16 : column * 28 + 14 + shift;
          const int y = flat ? row * 28 + 14 + shift : row * 24 + 16;
          Json& objects = json["layers"][1]["objects"];
          objects = Json::array();
          objects.push_back({{"type", "site"}, {"x", x + 5}, {"y", y - 5}});
          const Result<Map> map = read_map(json.dump());
          // Without bases the map is refused, but a wrong cell would be refused differently; so
          // put the bases where the site is not.
          REQUIRE_FALSE(map);
          for (int k = 0, placed = 0; k < 12 && placed < 2; ++k) {
            if (k == row * 4 + column) continue;
            const int line2 = flat ? k % 4 : k / 4;
            const int shift2 = (line2 & 1) == (index == std::string("odd") ? 1 : 0) ? 14 : 0;
            objects.push_back({{"type", "base"},
                               {"x", flat ? k % 4 * 24 + 16 : k % 4 * 28 + 14 + shift2},
                               {"y", flat ? k / 4 * 28 + 14 + shift2 : k / 4 * 24 + 16}});
            ++placed;
          }
          const Map good = read(json);
          const int added = index == std::string("even") ? 1 : 0;
          const hex::Offset stored =
              flat ? hex::Offset{row, column + added} : hex::Offset{column, row + added};
          REQUIRE(good.sites.size() == 1);
          CHECK(good.offset(good.sites[0].cell) == stored);
        }
      }
    }
  }
}

TEST_CASE("tile data as CSV text and as base64 read like an array") {
  const std::string plain = rows(read(example()));
  Json json = example();
  json["layers"][0]["data"] = "1,1,2,1,\n1,3,1,1,\n0,1,1,1\n";
  json["layers"][0]["encoding"] = "csv";
  CHECK(rows(read(json)) == plain);
  json["layers"][0]["encoding"] = "base64";
  json["layers"][0]["compression"] = "";
  json["layers"][0]["data"] = "AQAAAAEAAAACAAAAAQAAAAEAAAADAAAAAQAAAAEAAAAAAAAAAQAAAAEAAAABAAAA";
  CHECK(rows(read(json)) == plain);
  json["layers"][0]["data"] = "AQAAAAEAAAACAAAAAQ==";
  CHECK(refusal(json) ==
        "layers[0].data: expected base64 of whole 32-bit numbers, got 1 bytes left over");
  json["layers"][0]["data"] = "AQA*";
  CHECK(refusal(json) == "layers[0].data: expected base64, got another character at position 3");
}

TEST_CASE("packed tile data read like an array; what cannot be unpacked is refused by name") {
  const std::string plain = rows(read(example()));
  Json json = example();
  Json& layer = json["layers"][0];
  layer["encoding"] = "base64";
  layer["compression"] = "zlib";
  layer["data"] = "eNpjZGBgYARiJigNwsxIbAYkNggDAAG4AA8=";
  CHECK(rows(read(json)) == plain);
  layer["compression"] = "gzip";
  CHECK(refusal(json) ==
        "layers[0].data: expected 12 tiles packed with gzip, got this is not gzip (byte 1)");
  layer["data"] = "H4sIAAAAAAACA2NkYGBgBGImKA3CzEhsBiQ2CAMACeZsDTAAAAA=";
  CHECK(rows(read(json)) == plain);
  layer["compression"] = "zstd";
  CHECK(refusal(json).find("layers[0].data: expected tiles without compression, or with zlib or "
                           "gzip (in Tiled: Map > Map Properties > Tile Layer Format") == 0);
  CHECK(refusal(json).find("got zstd") != std::string::npos);
  layer["compression"] = "zlib";
  layer["data"] = "eNpjZGBgYCQRAwABoAAO";  // 13 tiles
  CHECK(refusal(json).find("layers[0].data: expected 12 tiles packed with zlib, got unpacked, the "
                           "data are larger than they may be") == 0);
  layer["data"] = "eNpjZGBgYARiJigNwsxIbAYk";
  CHECK(refusal(json).find("got the packed data end early") != std::string::npos);
  json["height"] = 2;
  layer["height"] = 2;
  layer["data"] = "eNpjZGBgYCQRAwABoAAO";
  CHECK(refusal(json).find("expected 8 tiles packed with zlib") != std::string::npos);
}

TEST_CASE("flipped tiles are the same tiles") {
  Json json = example();
  json["layers"][0]["data"][5] = 0x80000003u;
  json["layers"][0]["data"][2] = 0x70000002u;
  CHECK(rows(read(json)) == rows(read(example())));
}

TEST_CASE("words for ground: tile, flag, tileset, layer; the highest layer decides") {
  Json json = example();
  json["tilesets"][0]["tiles"][1]["properties"] =
      Json::parse(R"([{"name": "collides", "type": "bool", "value": true}])");
  CHECK(rows(read(json)) == "..~./.#../#...");
  // Tiled before 1.2 wrote properties as an object.
  json["tilesets"][0]["tiles"][1]["properties"] = Json::parse(R"({"terrain": "Rough"})");
  CHECK(rows(read(json)) == "..~./.~../#...");

  json = example();
  json["tilesets"].push_back({{"firstgid", 4}, {"name", "Water"}});
  json["layers"][0]["data"][3] = 4;
  CHECK(rows(read(json)) == "..~#/.#../#...");

  json = example();
  json["layers"].insert(json["layers"].begin() + 1, json["layers"][0]);
  Json& upper = json["layers"][1];
  upper["name"] = "walls";
  upper["data"] = {0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0};
  CHECK(rows(read(json)) == "..~#/.#../#...");
  // In a group, and by property; a hill over the wall makes it rough.
  upper["name"] = "x";
  upper["properties"] = Json::parse(R"([{"name": "terrain", "value": "rough"}])");
  Json group = {{"type", "group"}, {"name", "g"}, {"layers", Json::array({upper})}};
  json["layers"][1] = group;
  CHECK(rows(read(json)) == "..~~/.~../#...");

  json = example();
  json["tilesets"][0]["tiles"][1]["properties"][0]["value"] = "soup";
  CHECK(refusal(json) ==
        "tilesets[0].tiles[1].properties.terrain: expected obstacle, rough or open, got \"soup\"");
}

TEST_CASE("tilesets of Tiled before 1.2: objects keyed by number, corner terrains") {
  Json json = example();
  Json& set = json["tilesets"][0];
  set["tiles"] = Json::parse(R"({"1": {"type": "forest"}, "2": {"terrain": [1, 1, 1, 1]}})");
  set["terrains"] = Json::parse(R"([{"name": "Grass", "tile": 0}, {"name": "Water", "tile": 2}])");
  CHECK(rows(read(json)) == "..~./.#../#...");
  set["tiles"]["2"]["terrain"] = {1, 1, 0, 1};
  CHECK(rows(read(json)) == "..~./..../#...");
  set["tileproperties"] = Json::parse(R"({"2": {"terrain": "obstacle"}})");
  CHECK(rows(read(json)) == "..~./.#../#...");
  set.erase("tiles");
  CHECK(rows(read(json)) == "..../.#../#...");
  set["tileproperties"] = Json::parse(R"({"two": {}})");
  CHECK(refusal(json) == "tilesets[0].tileproperties.two: expected a tile's number, got \"two\"");
  set["tileproperties"] = 3;
  CHECK(refusal(json) == "tilesets[0].tileproperties: expected an object, got 3");
}

TEST_CASE("an external tileset is refused unless its layer says what it is") {
  Json json = example();
  json["tilesets"][0] = {{"firstgid", 1}, {"source", "hexes.tsx"}};
  CHECK(refusal(json).find("layers[0] (row 0, column 0): expected an embedded tileset") == 0);
  CHECK(refusal(json).find("hexes.tsx") != std::string::npos);
  json["layers"][0]["class"] = "open";
  CHECK(rows(read(json)) == "..../..../#...");
}

TEST_CASE("bases and sites from tiles; bases without a team count up") {
  Json json = example();
  json["layers"][1]["objects"] = Json::array();
  json["tilesets"][0]["tiles"] = Json::parse(R"([
    {"id": 4, "class": "base"}, {"id": 5, "class": "site"}, {"id": 6, "class": "Energy"},
    {"id": 7, "properties": [{"name": "base", "value": 2}]},
    {"id": 8, "properties": [{"name": "resource", "value": "materials"}]}])");
  json["layers"][0]["data"] = {5, 1, 6, 7, 1, 1, 9, 1, 8, 1, 1, 1};
  const Map map = read(json);
  CHECK(map.bases == std::vector<Cell>{map.at({0, 0}), map.at({0, 2})});
  CHECK(map.sites == std::vector<Site>{{map.at({2, 0}), Resource::energy},
                                       {map.at({3, 0}), Resource::energy},
                                       {map.at({2, 1}), Resource::materials}});
}

TEST_CASE("a declared symmetry is read and checked") {
  Json json = example();
  json["layers"][1]["objects"].erase(2);
  json["properties"].push_back({{"name", "symmetry"}, {"value", "point"}});
  CHECK(refusal(json).find("the map declares point symmetry, but") == 0);
  json["layers"][0]["data"] = {1, 2, 1, 1, 1, 1, 1, 3, 1, 1, 2, 1};
  CHECK(read(json).symmetry == Symmetry::point);
}

TEST_CASE("infinite maps are cut to their tiles, with the right parity") {
  Json json = example();
  json["infinite"] = true;
  json["layers"][0].erase("data");
  // The example, drawn three rows up and two columns to the left.
  json["layers"][0]["chunks"] = Json::parse(R"([
    {"x": -16, "y": -16, "width": 16, "height": 16, "data": []},
    {"x": 0, "y": -16, "width": 16, "height": 16, "data": []}])");
  const int source[] = {1, 1, 2, 1, 1, 3, 1, 1, 0, 1, 1, 1};
  for (int chunk = 0; chunk < 2; ++chunk) {
    Json data = Json::array();
    for (int i = 0; i < 256; ++i) {
      const int column = i % 16 - 16 + chunk * 16 + 2;
      const int row = i / 16 - 16 + 3;
      const bool inside = column >= 0 && column < 4 && row >= 0 && row < 3;
      data.push_back(inside ? source[row * 4 + column] : 0);
    }
    json["layers"][0]["chunks"][static_cast<std::size_t>(chunk)]["data"] = data;
  }
  // Row -3 is odd and shifted: the drawing starts with a shifted row, so one row is put on top.
  Json& objects = json["layers"][1]["objects"];
  objects = Json::array();
  const auto middle = [](int column, int row) {
    return std::pair(column * 28 + 14 + ((row & 1) != 0 ? 14 : 0), row * 24 + 16);
  };
  const auto [x1, y1] = middle(-2, -3);
  const auto [x2, y2] = middle(1, -1);
  objects.push_back({{"type", "base"}, {"x", x1}, {"y", y1}});
  objects.push_back({{"type", "base"}, {"x", x2}, {"y", y2}});
  const Map map = read(json);
  CHECK(rows(map) == "####/..~./.#../#...");
  CHECK(map.bases == std::vector<Cell>{map.at({0, 1}), map.at({3, 3})});

  json["layers"][0]["chunks"][0]["x"] = -900000;
  CHECK(refusal(json).find("layers: expected at most 4096 cells around the tiles") == 0);
  json["layers"][0]["chunks"][0]["x"] = 1e300;
  CHECK(refusal(json).find("layers[0].chunks[0].x: expected an integer") == 0);
  json["layers"][0]["chunks"] = Json::array();
  CHECK(refusal(json) == "layers: expected at least one tile, got none");
}

TEST_CASE("what is not understood is refused with its path") {
  const auto with = [](const char* pointer, const Json& value) {
    Json json = example();
    json[Json::json_pointer(pointer)] = value;
    return refusal(json);
  };
  CHECK(with("/orientation", "orthogonal") ==
        "orientation: expected hexagonal, got \"orthogonal\"");
  CHECK(with("/staggeraxis", "z") == "staggeraxis: expected x or y, got \"z\"");
  CHECK(with("/staggerindex", 1) == "staggerindex: expected odd or even, got \"\"");
  CHECK(with("/width", 0) == "width: expected an integer from 1 to 4096, got 0");
  CHECK(with("/width", 2000) == "width x height: expected at most 4096 cells, got 2000x3");
  CHECK(with("/width", 4.5) == "width: expected an integer from 1 to 4096, got 4.5");
  CHECK(with("/layers", 3) == "layers: expected an array, got 3");
  CHECK(with("/layers/0/type", "x") ==
        "layers[0].type: expected tilelayer, objectgroup, imagelayer or group, got \"x\"");
  CHECK(with("/layers/0/data", Json::array({1})) == "layers[0].data: expected 12 tiles, got 1");
  CHECK(with("/layers/0/data/3", -1) == "layers[0].data[3]: expected a tile's number, got -1");
  CHECK(with("/layers/0/data/3", 77) == "accepted");  // the last tileset's, without a meaning
  CHECK(with("/layers/0/width", 5) == "layers[0].width: expected an integer from 4 to 4, got 5");
  CHECK(with("/tilesets/0/firstgid", 0) == "tilesets[0].firstgid: expected a number from 1, got 0");
  CHECK(with("/tilesets/0/tiles/0/id", "a") ==
        "tilesets[0].tiles[0].id: expected a tile's number, got \"a\"");
  CHECK(with("/layers/1/objects/0/properties/0/value", 7) ==
        "layers[1].objects[0].properties.team: expected a team: 1 to 4, red, blue, green or "
        "yellow, got 7");
  CHECK(with("/layers/1/objects/2/properties/0/value", "gold") ==
        "layers[1].objects[2].properties.resource: expected energy, materials or data, got "
        "\"gold\"");
  CHECK(with("/layers/1/objects/0/x", "here") ==
        "layers[1].objects[0].x: expected a number of pixels, got \"here\"");
  CHECK(with("/layers/1/objects/1/properties/0/value", "red") ==
        "team 1 has two bases (row 2, column 3)");
  CHECK(with("/layers/1/objects/1/properties/0/value", 3) ==
        "there is a base of team 3 (row 2, column 3), but none of team 2");
  CHECK(with("/layers/1/objects", Json::array()) ==
        "layers: expected 2 to 4 objects (or tiles) of class base, got 0");
  CHECK(with("/properties/0/name", "symmetry").find("properties.symmetry: expected none") == 0);
  Json deep = example();
  for (int i = 0; i < 40; ++i)
    deep["layers"] = {{{"type", "group"}, {"layers", deep["layers"]}}};
  CHECK(refusal(deep).find("nested deeper than 32 levels") != std::string::npos);
}

TEST_CASE("truncated and mutated Tiled maps never crash and every error has a place") {
  const std::string text = example().dump();
  for (std::size_t length = 0; length < text.size(); length += 3) {
    const Result<Map> map = read_map(text.substr(0, length));
    REQUIRE_FALSE(map);
    CHECK_FALSE(map.error().path.empty());
  }
  Rng rng(3);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string mutant = text;
    for (int k = rng.between(1, 3); k > 0; --k) {
      const auto at = rng.below(static_cast<std::uint32_t>(mutant.size()));
      // Digits and letters, so that most mutants are still JSON.
      mutant[at] = "0123456789-.aeglnx,:[]{}\"\xff"[rng.below(25)];
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
