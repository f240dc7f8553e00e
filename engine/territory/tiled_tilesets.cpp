#include "engine/territory/tiled_tilesets.hpp"

#include <algorithm>
#include <array>
#include <utility>

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

Result<Size> read_size(const Json& owner, const char* width, const char* height,
                       const std::string& path) {
  const Result<double> x = pixels(owner, width, path);
  if (!x) return x.error();
  const Result<double> y = pixels(owner, height, path);
  if (!y) return y.error();
  return Size{*x, *y};
}

/// A tile's number inside its set.
Result<std::uint32_t> tile_number(const Json& owner, const char* key, const std::string& path) {
  const Json* id = find(owner, key);
  if (id == nullptr || !id->is_number_unsigned() || id->get<std::uint64_t>() >= flip_bits) {
    return bad_tiled({path, ".", key}, {"a tile's number"},
                     {id == nullptr ? "nothing" : describe(*id)});
  }
  return id->get<std::uint32_t>();
}

/// Before Tiled 1.5 a tile could say which of the set's `terrains` lies in each of its corners;
/// four times the same one is what the tile is.
Result<std::optional<Terrain>> corner_terrain(const Json& set, const Json& tile,
                                              const std::string& path) {
  const Json* corners = find(tile, "terrain");
  const Json* kinds = find(set, "terrains");
  if (corners == nullptr || kinds == nullptr || !corners->is_array() || corners->size() != 4 ||
      !kinds->is_array()) {
    return std::optional<Terrain>{};
  }
  for (const Json& corner : *corners) {
    if (!corner.is_number_unsigned() || corner != corners->front()) {
      return std::optional<Terrain>{};
    }
  }
  const auto kind = corners->front().get<std::uint64_t>();
  if (kind >= kinds->size()) return std::optional<Terrain>{};
  return terrain_of_named((*kinds)[static_cast<std::size_t>(kind)],
                          joined({path, ".terrain: terrains[", kind, "]"}));
}

Result<void> add_tile(const Json& json, const Json& tile, const Json* properties, std::uint32_t id,
                      const std::string& path, Tileset& set) {
  std::string kind = class_of(tile);
  Result<Meaning> meaning = read_tile(kind, properties, path);
  if (!meaning) return meaning.error();
  if (!meaning->terrain) {
    const Result<std::optional<Terrain>> corners = corner_terrain(json, tile, path);
    if (!corners) return corners.error();
    meaning->terrain = *corners;
  }
  // The part of its image that the tile shows (Tiled 1.9), else its image.
  const bool part = find(tile, "width") != nullptr;
  const Result<Size> size = part ? read_size(tile, "width", "height", path)
                                 : read_size(tile, "imagewidth", "imageheight", path);
  if (!size) return size.error();
  set.tiles[id] = {*meaning, std::move(kind), place_properties(properties), *size};
  return {};
}

Result<void> read_tile_list(const Json& json, const Json& tiles, const std::string& path,
                            Tileset& set) {
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const std::string place = joined({path, ".tiles[", i, "]"});
    const Result<std::uint32_t> id = tile_number(tiles[i], "id", place);
    if (!id) return id.error();
    const Json* properties = properties_of(tiles[i]);
    if (Result<void> added = add_tile(json, tiles[i], properties, *id, place, set); !added) {
      return added;
    }
  }
  return {};
}

/// The number that a member of the set's `tiles` or `tileproperties` is called by.
Result<std::uint32_t> tile_key(const std::string& key, const std::string& path) {
  constexpr std::size_t digits_max = 8;
  const bool digits =
      !key.empty() && key.size() <= digits_max &&
      std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return bad_tiled({path}, {"a tile's number"}, {"\"", key, "\""});
  std::uint32_t id = 0;
  for (char c : key)
    id = id * 10 + static_cast<std::uint32_t>(c - '0');
  return id;
}

/// Before Tiled 1.2 `tiles` and `tileproperties` are objects, keyed by the tile's number.
Result<void> read_tile_objects(const Json& json, const std::string& path, Tileset& set) {
  static const Json nothing = Json::object();
  const Json* tiles = find(json, "tiles");
  const Json* properties = find(json, "tileproperties");
  for (const auto& [member, list] :
       {std::pair{"tiles", tiles}, std::pair{"tileproperties", properties}}) {
    if (list == nullptr) continue;
    if (!list->is_object()) return bad_tiled({path, ".", member}, {"an object"}, {describe(*list)});
    for (const auto& [key, value] : list->items()) {
      const std::string place = joined({path, ".", member, ".", key});
      const Result<std::uint32_t> id = tile_key(key, place);
      if (!id) return id.error();
      const Json* same = tiles == nullptr ? nullptr : find(*tiles, key.c_str());
      const Json& tile = same != nullptr && same->is_object() ? *same : nothing;
      const Json* own = list == properties ? &value : properties_of(tile);
      if (Result<void> added = add_tile(json, tile, own, *id, place, set); !added) return added;
    }
  }
  return {};
}

Result<void> read_tiles(const Json& json, const std::string& path, Tileset& set) {
  const Json* tiles = find(json, "tiles");
  if (tiles != nullptr && tiles->is_array()) return read_tile_list(json, *tiles, path, set);
  return read_tile_objects(json, path, set);
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
  std::string type;
  const Json* colours = nullptr;
};

/// Tiled 1.1 to 1.4 keeps the colours of corners and of edges apart and names no type.
Result<WangSet> read_wang_set(const Json& json, const std::string& path) {
  WangSet set{.type = text_of(json, "type"), .colours = find(json, "colors")};
  if (set.colours == nullptr) {
    const Json* corners = find(json, "cornercolors");
    const bool by_corners = corners != nullptr && corners->is_array() && !corners->empty();
    set.colours = by_corners ? corners : find(json, "edgecolors");
    set.type = by_corners ? "corner" : "edge";
  }
  if (set.type != "corner" && set.type != "edge" && set.type != "mixed") {
    return bad_tiled({path, ".type"}, {"corner, edge or mixed"}, {"\"", set.type, "\""});
  }
  if (set.colours == nullptr || !set.colours->is_array()) {
    return bad_tiled({path, ".colors"}, {"an array"},
                     {set.colours == nullptr ? "nothing" : describe(*set.colours)});
  }
  return set;
}

Result<void> read_wang_tile(const WangSet& wang, const Json& tile, const std::string& set_path,
                            const std::string& path, Tileset& set) {
  const Result<std::uint32_t> id = tile_number(tile, "tileid", path);
  if (!id) return id.error();
  const Json* places = find(tile, "wangid");
  if (places == nullptr || !places->is_array() || places->size() != wang_places) {
    return bad_tiled({path, ".wangid"}, {"an array of ", wang_places, " colours"},
                     {places == nullptr ? "nothing" : describe(*places)});
  }
  const std::uint64_t colour = single_colour(*places, wang.type);
  if (colour == 0) return {};
  if (colour > wang.colours->size()) {
    return bad_tiled({path, ".wangid"}, {"colours from 0 to ", wang.colours->size()}, {colour});
  }
  const auto index = static_cast<std::size_t>(colour - 1);
  const Result<std::optional<Terrain>> terrain =
      terrain_of_named((*wang.colours)[index], joined({set_path, ".colors[", index, "]"}));
  if (!terrain) return terrain.error();
  if (!*terrain) return {};
  Meaning& meaning = set.tiles[*id].meaning;
  if (!meaning.terrain) meaning.terrain = *terrain;
  return {};
}

/// What a tile says itself comes first, then the first terrain set that knows its ground.
Result<void> read_wang_sets(const Json& json, const std::string& path, Tileset& set) {
  const Json* list = find(json, "wangsets");
  if (list == nullptr) return {};
  if (!list->is_array()) return bad_tiled({path, ".wangsets"}, {"an array"}, {describe(*list)});
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string place = joined({path, ".wangsets[", i, "]"});
    const Json* tiles = find((*list)[i], "wangtiles");
    if (tiles == nullptr || tiles->empty()) continue;
    if (!tiles->is_array()) {
      return bad_tiled({place, ".wangtiles"}, {"an array"}, {describe(*tiles)});
    }
    const Result<WangSet> wang = read_wang_set((*list)[i], place);
    if (!wang) return wang.error();
    for (std::size_t k = 0; k < tiles->size(); ++k) {
      const std::string at = joined({place, ".wangtiles[", k, "]"});
      if (Result<void> read = read_wang_tile(*wang, (*tiles)[k], place, at, set); !read) {
        return read;
      }
    }
  }
  return {};
}

Result<void> read_geometry(const Json& json, const std::string& path, Tileset& set) {
  const Result<Size> size = read_size(json, "tilewidth", "tileheight", path);
  if (!size) return size.error();
  set.tile_size = *size;
  if (const Json* offset = find(json, "tileoffset")) {
    const Result<Size> by = read_size(*offset, "x", "y", path + ".tileoffset");
    if (!by) return by.error();
    set.offset_x = by->width;
    set.offset_y = by->height;
  }
  const Json* word = find(json, "objectalignment");
  if (word == nullptr) return {};
  for (const Alignment& one : alignments) {
    if (*word != Json(one.word)) continue;
    set.align_x = one.x;
    set.align_y = one.y;
    return {};
  }
  return bad_tiled({path, ".objectalignment"},
                   {"unspecified, topleft, top, topright, left, center, right, bottomleft, bottom "
                    "or bottomright"},
                   {describe(*word)});
}

Result<Tileset> read_tileset(const Json& json, const std::string& path) {
  const Json* first = find(json, "firstgid");
  if (first == nullptr || !first->is_number_unsigned() ||
      first->get<std::uint64_t>() >= flip_bits || first->get<std::uint64_t>() == 0) {
    return bad_tiled({path, ".firstgid"}, {"a number from 1"},
                     {first == nullptr ? "nothing" : describe(*first)});
  }
  Tileset set{.first = first->get<std::uint32_t>(), .source = text_of(json, "source")};
  const Result<std::optional<Terrain>> terrain = terrain_of_named(json, path);
  if (!terrain) return terrain.error();
  set.terrain = *terrain;
  for (auto step : {read_geometry, read_tiles, read_wang_sets}) {
    if (Result<void> done = step(json, path, set); !done) return done.error();
  }
  return set;
}

}  // namespace

Result<std::vector<Tileset>> read_tilesets(const Json& root) {
  std::vector<Tileset> sets;
  const Json* list = find(root, "tilesets");
  if (list == nullptr) return sets;
  if (!list->is_array()) return bad_tiled({"tilesets"}, {"an array"}, {describe(*list)});
  for (std::size_t i = 0; i < list->size(); ++i) {
    Result<Tileset> set = read_tileset((*list)[i], joined({"tilesets[", i, "]"}));
    if (!set) return set.error();
    sets.push_back(std::move(*set));
  }
  return sets;
}

}  // namespace redoubt::territory::tiled
