#include "engine/territory/tiled_tilesets.hpp"

#include <array>
#include <optional>
#include <string_view>

#include "engine/base/json.hpp"

namespace redoubt::territory::tiled {
namespace {

struct Alignment {
  std::string_view word;
  double x;
  double y;
};
// "unspecified" is the lower left corner in all but isometric maps.
constexpr std::array<Alignment, 10> alignments{{
    {"unspecified", 0, 1},
    {"topleft", 0, 0},
    {"top", 0.5, 0},
    {"topright", 1, 0},
    {"left", 0, 0.5},
    {"center", 0.5, 0.5},
    {"right", 1, 0.5},
    {"bottomleft", 0, 1},
    {"bottom", 0.5, 1},
    {"bottomright", 1, 1},
}};

Size read_size(Fault& fault, const Json& owner, const char* width, const char* height,
               const std::string& path) {
  const double x = pixels(fault, owner, width, path);
  return {x, pixels(fault, owner, height, path)};
}

/// A member that is a list; empty where there is none.
const Json& list_of(Fault& fault, const Json& owner, const char* key, const std::string& path) {
  static const Json empty = Json::array();
  const Json* list = find(owner, key);
  if (list != nullptr && list->is_array()) return *list;
  if (list != nullptr) {
    fault.report({path, path.empty() ? "" : ".", key}, {"an array"}, {describe(*list)});
  }
  return empty;
}

/// A tile's number inside its set.
std::uint32_t tile_number(Fault& fault, const Json& owner, const char* key,
                          const std::string& path) {
  const Json* id = find(owner, key);
  if (id != nullptr && id->is_number_unsigned() && id->get<std::uint64_t>() < flip_bits) {
    return id->get<std::uint32_t>();
  }
  fault.report({path, ".", key}, {"a tile's number"}, {shown(id)});
  return 0;
}

/// Before Tiled 1.5 a tile could say which of the set's `terrains` lies in each of its corners;
/// four times the same one is what the tile is.
std::optional<Terrain> corner_terrain(Fault& fault, const Json& set, const Json& tile,
                                      const std::string& path) {
  const Json* corners = find(tile, "terrain");
  const Json* kinds = find(set, "terrains");
  if (corners == nullptr || kinds == nullptr || !corners->is_array() || corners->size() != 4 ||
      !kinds->is_array()) {
    return std::nullopt;
  }
  for (const Json& corner : *corners) {
    if (!corner.is_number_unsigned() || corner != corners->front()) return std::nullopt;
  }
  const auto kind = corners->front().get<std::uint64_t>();
  if (kind >= kinds->size()) return std::nullopt;
  return terrain_of_named(fault, (*kinds)[static_cast<std::size_t>(kind)], path + ".terrain");
}

/// `properties` are the tile's own but for Tiled before 1.2, which keeps them apart.
void add_tile(Fault& fault, const Json& json, const Json& tile, const Json* properties,
              std::uint32_t id, const std::string& path, Tileset& set) {
  Tile& out = set.tiles[id];
  out.json = &tile;
  out.meaning = read_tile(fault, class_of(tile), properties, path);
  if (!out.meaning.terrain) out.meaning.terrain = corner_terrain(fault, json, tile, path);
  out.properties = place_properties(properties);
  // The part of its image that the tile shows (Tiled 1.9), else its image.
  const bool part = find(tile, "width") != nullptr;
  out.size = part ? read_size(fault, tile, "width", "height", path)
                  : read_size(fault, tile, "imagewidth", "imageheight", path);
}

/// The number that a member of the set's `tiles` or `tileproperties` is called by.
std::uint32_t tile_key(Fault& fault, const std::string& key, const std::string& path) {
  constexpr std::size_t digits_max = 8;
  std::uint32_t id = 0;
  bool digits = !key.empty() && key.size() <= digits_max;
  for (char c : key) {
    digits = digits && c >= '0' && c <= '9';
    id = id * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (!digits) fault.report({path}, {"a tile's number"}, {"\"", key, "\""});
  return id;
}

/// Before Tiled 1.2 `tiles` and `tileproperties` are objects, keyed by the tile's number.
void read_tile_objects(Fault& fault, const Json& json, const std::string& path, Tileset& set) {
  static const Json nothing = Json::object();
  const Json* tiles = find(json, "tiles");
  for (const char* member : {"tiles", "tileproperties"}) {
    const Json* list = find(json, member);
    if (list == nullptr) continue;
    if (!list->is_object()) {
      return fault.report({path, ".", member}, {"an object"}, {describe(*list)});
    }
    for (auto entry = list->begin(); entry != list->end() && fault.ok(); ++entry) {
      const std::string place = joined({path, ".", member, ".", entry.key()});
      const std::uint32_t id = tile_key(fault, entry.key(), place);
      const Json* same = tiles == nullptr ? nullptr : find(*tiles, entry.key().c_str());
      const Json& tile = same != nullptr && same->is_object() ? *same : nothing;
      const Json* properties = list == tiles ? properties_of(tile) : &*entry;
      add_tile(fault, json, tile, properties, id, place, set);
    }
  }
}

void read_tiles(Fault& fault, const Json& json, const std::string& path, Tileset& set) {
  const Json* tiles = find(json, "tiles");
  if (tiles == nullptr || !tiles->is_array()) return read_tile_objects(fault, json, path, set);
  for (std::size_t i = 0; i < tiles->size() && fault.ok(); ++i) {
    const Json& tile = (*tiles)[i];
    const std::string place = joined({path, ".tiles[", i, "]"});
    const std::uint32_t id = tile_number(fault, tile, "id", place);
    add_tile(fault, json, tile, properties_of(tile), id, place, set);
  }
}

// --- terrain sets, which the format calls Wang sets ---

constexpr std::size_t wang_places = 8;  // top, top right, right, ..., top left

/// Corners are the odd places, edges the even ones; a mixed set has both.
bool counts_in(std::string_view type, std::size_t place) {
  return type == "mixed" || (place % 2 == 1) == (type == "corner");
}

/// The colour that a tile has in all corners (or edges, or both), counted from 1; 0 where there is
/// none or where they differ.
std::uint64_t single_colour(const Json& places, std::string_view type) {
  std::optional<std::uint64_t> colour;
  for (std::size_t i = 0; i < wang_places; ++i) {
    if (!counts_in(type, i)) continue;
    if (!places[i].is_number_unsigned()) return 0;
    const auto here = places[i].get<std::uint64_t>();
    if (colour.value_or(here) != here) return 0;
    colour = here;
  }
  return colour.value_or(0);
}

struct WangSet {
  std::string path;
  std::string type;
  const Json* colours = nullptr;
};

/// Tiled 1.1 to 1.4 keeps the colours of corners and of edges apart and names no type.
WangSet read_wang_set(Fault& fault, const Json& json, const std::string& path) {
  WangSet set{path, text_of(json, "type"), find(json, "colors")};
  if (set.colours == nullptr && find(json, "cornercolors") != nullptr) {
    set.colours = find(json, "cornercolors");
    set.type = "corner";
    if (set.colours->empty()) {
      set.colours = find(json, "edgecolors");
      set.type = "edge";
    }
  }
  if (set.type != "corner" && set.type != "edge" && set.type != "mixed") {
    fault.report({path, ".type"}, {"corner, edge or mixed"}, {"\"", set.type, "\""});
  }
  if (set.colours == nullptr || !set.colours->is_array()) {
    fault.report({path, ".colors"}, {"an array"}, {shown(set.colours)});
  }
  return set;
}

void read_wang_tile(Fault& fault, const WangSet& wang, const Json& tile, const std::string& path,
                    Tileset& set) {
  const std::uint32_t id = tile_number(fault, tile, "tileid", path);
  const Json* places = find(tile, "wangid");
  if (places == nullptr || !places->is_array() || places->size() != wang_places) {
    return fault.report({path, ".wangid"}, {"an array of ", wang_places, " colours"},
                        {shown(places)});
  }
  const std::uint64_t colour = single_colour(*places, wang.type);
  if (colour == 0) return;
  if (colour > wang.colours->size()) {
    return fault.report({path, ".wangid"}, {"colours from 0 to ", wang.colours->size()}, {colour});
  }
  const auto index = static_cast<std::size_t>(colour - 1);
  const auto terrain =
      terrain_of_named(fault, (*wang.colours)[index], joined({wang.path, ".colors[", index, "]"}));
  std::optional<Terrain>& known = set.tiles[id].meaning.terrain;
  if (!known) known = terrain;
}

/// What a tile says itself comes first, then the first terrain set that knows its ground.
void read_wang_sets(Fault& fault, const Json& json, const std::string& path, Tileset& set) {
  const Json& list = list_of(fault, json, "wangsets", path);
  for (std::size_t i = 0; i < list.size() && fault.ok(); ++i) {
    const std::string place = joined({path, ".wangsets[", i, "]"});
    const Json& tiles = list_of(fault, list[i], "wangtiles", place);
    if (tiles.empty()) continue;
    const WangSet wang = read_wang_set(fault, list[i], place);
    for (std::size_t k = 0; k < tiles.size() && fault.ok(); ++k)
      read_wang_tile(fault, wang, tiles[k], joined({place, ".wangtiles[", k, "]"}), set);
  }
}

void read_geometry(Fault& fault, const Json& json, const std::string& path, Tileset& set) {
  set.tile_size = read_size(fault, json, "tilewidth", "tileheight", path);
  if (const Json* offset = find(json, "tileoffset")) {
    set.offset_x = pixels(fault, *offset, "x", path + ".tileoffset");
    set.offset_y = pixels(fault, *offset, "y", path + ".tileoffset");
  }
  const Json* word = find(json, "objectalignment");
  if (word == nullptr) return;
  const std::string name = text_of(json, "objectalignment");
  for (const Alignment& one : alignments) {
    if (one.word != name) continue;
    set.align_x = one.x;
    set.align_y = one.y;
    return;
  }
  fault.report({path, ".objectalignment"},
               {"unspecified, topleft, top, topright, left, center, right, bottomleft, bottom or "
                "bottomright"},
               {describe(*word)});
}

Tileset read_tileset(Fault& fault, const Json& json, const std::string& path) {
  Tileset set{.source = text_of(json, "source")};
  const Json* first = find(json, "firstgid");
  if (first != nullptr && first->is_number_unsigned() && first->get<std::uint64_t>() < flip_bits) {
    set.first = first->get<std::uint32_t>();
  }
  if (set.first == 0) fault.report({path, ".firstgid"}, {"a number from 1"}, {shown(first)});
  set.terrain = terrain_of_named(fault, json, path);
  read_geometry(fault, json, path, set);
  read_tiles(fault, json, path, set);
  read_wang_sets(fault, json, path, set);
  return set;
}

}  // namespace

std::vector<Tileset> read_tilesets(Fault& fault, const Json& root) {
  std::vector<Tileset> sets;
  const Json& list = list_of(fault, root, "tilesets", "");
  for (std::size_t i = 0; i < list.size() && fault.ok(); ++i)
    sets.push_back(read_tileset(fault, list[i], joined({"tilesets[", i, "]"})));
  return sets;
}

}  // namespace redoubt::territory::tiled
