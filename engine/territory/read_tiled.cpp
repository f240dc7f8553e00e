// Tiled's JSON maps, orientation hexagonal (doc.mapeditor.org/en/stable/reference/json-map-format).
//
// Layout: stagger axis y is pointy-top, x is flat-top; index odd or even says which lines are
// shifted. Infinite maps are cut to what is drawn.
//
// Ground, from the lowest tile layer to the highest, the last one that says something decides:
//   1. the tile: property `terrain`; a true property obstacle, blocked, solid or collides; property
//      `type`; the tile's class (called type before Tiled 1.9); the terrain that a terrain set
//      (Wang set, from 1.5; corner terrain before) has in all its corners or edges;
//   2. its tileset: property `terrain`, class, name;
//   3. the layer: property `terrain`, class, name (a name only for obstacles, rough, and "open");
//   4. any other tile is open, and a cell without a tile is an obstacle.
// A word is obstacle, rough or open, or one of its synonyms (tiled_words.cpp); `terrain` with
// another word is an error, other words mean nothing.
//
// Bases and sites: objects of class or name base (property `team`: 1 to 4, team1, red, blue, green,
// yellow) and site (property `resource`: energy, materials, data), or tiles of that class or with
// that property. Bases without a team count up as they come; sites without a resource are typed by
// their distance (see map_import.hpp). A map property `symmetry` may declare point, rotation3 or
// mirrors4.
//
// What Tiled says elsewhere is followed: resolve() for objects, move_tiles() for tile layers.
// Parallax is not: it moves layers in a view that scrolls, and the map's own place is that without
// scrolling.
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/territory/map_import.hpp"
#include "engine/territory/map_json.hpp"
#include "engine/territory/tiled_data.hpp"
#include "engine/territory/tiled_grid.hpp"
#include "engine/territory/tiled_tilesets.hpp"
#include "engine/territory/tiled_words.hpp"

namespace redoubt::territory {
namespace {

using namespace tiled;

constexpr int coordinate_max = 1 << 20;  // of an infinite map's chunks, either way
constexpr int lines_max = cells_max;
constexpr int chunk_lines_max = 1024;
constexpr int tile_pixels_max = 1 << 16;
/// Counts what is decoded, so that a small text cannot ask for much memory.
constexpr std::size_t tiles_max = 1 << 20;

struct PlacedTile {
  hex::Offset at;
  std::uint32_t gid = 0;
};

struct TileLayer {
  std::string path;
  std::optional<Terrain> terrain;
  std::vector<PlacedTile> tiles;  ///< without the empty ones
};

struct ObjectLayer {
  std::string path;
  Point offset;
  const Json* objects = nullptr;
};

/// The cells that a list of tile numbers fills, row by row.
struct Chunk {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

/// An object after all that its tile, its layer and its groups add to it.
struct Resolved {
  std::string kind;  ///< class: its own, else its tile's
  PlaceProperties properties;
  Point middle;  ///< pixels of the lowest tile layer
};

class Reader {
 public:
  explicit Reader(const Json& root) : root_(root) {}

  Result<ImportedMap> read() {
    for (auto step : {&Reader::read_frame, &Reader::read_layers, &Reader::read_bounds,
                      &Reader::read_ground, &Reader::read_objects, &Reader::conclude}) {
      (this->*step)();
      if (!fault_.ok()) return fault_.take();
    }
    return std::move(map_);
  }

 private:
  void read_frame() {
    const std::string orientation = text_of(root_, "orientation");
    const std::string axis = text_of(root_, "staggeraxis");
    const std::string index = text_of(root_, "staggerindex");
    if (orientation != "hexagonal") {
      fault_.report({"orientation"}, {"hexagonal"}, {"\"", orientation, "\""});
    }
    if (axis != "x" && axis != "y") {
      fault_.report({"staggeraxis"}, {"x or y"}, {"\"", axis, "\""});
    }
    if (index != "odd" && index != "even") {
      fault_.report({"staggerindex"}, {"odd or even"}, {"\"", index, "\""});
    }
    map_.columns_staggered = axis == "x";
    map_.even_shifted = index == "even";
    read_grid();
    read_size();
    read_map_properties();
    tilesets_ = read_tilesets(fault_, root_);
  }

  void read_grid() {
    grid_ = {.columns_staggered = map_.columns_staggered, .even_shifted = map_.even_shifted};
    grid_.tile_width = integer(fault_, root_, "tilewidth", "", 1, tile_pixels_max);
    grid_.tile_height = integer(fault_, root_, "tileheight", "", 1, tile_pixels_max);
    if (find(root_, "hexsidelength") != nullptr) {
      grid_.side = integer(fault_, root_, "hexsidelength", "", 0, tile_pixels_max);
    }
  }

  void read_size() {
    const Json* infinite = find(root_, "infinite");
    infinite_ = infinite != nullptr && *infinite == Json(true);
    if (infinite_) return;
    map_.width = integer(fault_, root_, "width", "", 1, lines_max);
    map_.height = integer(fault_, root_, "height", "", 1, lines_max);
    if (map_.width * map_.height > cells_max) {
      fault_.report({"width x height"}, {"at most ", cells_max, " cells"},
                    {map_.width, "x", map_.height});
    }
  }

  void read_map_properties() {
    constexpr std::size_t name_bytes_max = 200;
    if (const Json* symmetry = property(properties_of(root_), "symmetry")) {
      const auto known = symmetry->is_string() ? symmetry_named(symmetry->get<std::string>())
                                               : std::optional<Symmetry>{};
      if (!known) {
        fault_.report({"properties.symmetry"}, {"none, point, rotation3 or mirrors4"},
                      {describe(*symmetry)});
      }
      map_.symmetry = known.value_or(Symmetry::none);
    }
    const Json* name = property(properties_of(root_), "name");
    if (name != nullptr && name->is_string()) {
      map_.name = name->get<std::string>().substr(0, name_bytes_max);
    }
  }

  void read_layers() {
    const Json* layers = find(root_, "layers");
    if (layers == nullptr) return fault_.report({"layers"}, {"an array"}, {"nothing"});
    read_layer_list(*layers, "layers", {});
  }

  /// Where a layer lies in the map: its own offset on top of its groups'.
  Point offset_of(const Json& layer, const std::string& path, Point groups) {
    const Point sum{groups.x + pixels(fault_, layer, "offsetx", path),
                    groups.y + pixels(fault_, layer, "offsety", path)};
    if (std::max(std::abs(sum.x), std::abs(sum.y)) > pixels_max) {
      fault_.report({path, ".offsetx"}, {"a place near the map"}, {"one far from it"});
    }
    // A layer's place in cells, which Tiled always writes as 0.
    for (const char* key : {"x", "y"}) {
      if (find(layer, key) != nullptr) integer(fault_, layer, key, path, 0, 0);
    }
    return sum;
  }

  // Groups nest; the parser has bounded the depth.
  void read_layer_list(const Json& layers, const std::string& path, Point groups) {
    if (!layers.is_array()) return fault_.report({path}, {"an array"}, {describe(layers)});
    for (std::size_t i = 0; i < layers.size() && fault_.ok(); ++i) {
      const Json& layer = layers[i];
      const std::string place = joined({path, "[", i, "]"});
      const std::string type = text_of(layer, "type");
      const Point offset = offset_of(layer, place, groups);
      if (type == "tilelayer") {
        read_tile_layer(layer, place, offset);
      } else if (type == "objectgroup") {
        const Json* objects = find(layer, "objects");
        if (objects == nullptr || !objects->is_array()) {
          return fault_.report({place, ".objects"}, {"an array"}, {shown(objects)});
        }
        object_layers_.push_back({place + ".objects", offset, objects});
      } else if (type == "group") {
        const Json* inner = find(layer, "layers");
        if (inner != nullptr) read_layer_list(*inner, place + ".layers", offset);
      } else if (type != "imagelayer") {
        fault_.report({place, ".type"}, {"tilelayer, objectgroup, imagelayer or group"},
                      {"\"", type, "\""});
      }
    }
  }

  /// What the whole layer says about the ground.
  std::optional<Terrain> layer_terrain(const Json& json, const std::string& path) {
    std::optional<Terrain> terrain = declared_terrain(fault_, properties_of(json), path);
    // A layer's `type` is its kind, so only the newer `class` can be a word.
    if (!terrain) terrain = terrain_word(lower(text_of(json, "class")));
    if (terrain) return terrain;
    const std::string name = lower(text_of(json, "name"));
    terrain = terrain_word(name);
    // "Ground" and the like name a layer's place in the picture, not what can be walked on.
    if (terrain == Terrain::open && name != "open") terrain.reset();
    return terrain;
  }

  void read_tile_layer(const Json& json, const std::string& path, Point offset) {
    TileLayer layer{.path = path, .terrain = layer_terrain(json, path)};
    if (infinite_) {
      const Json* chunks = find(json, "chunks");
      if (chunks == nullptr || !chunks->is_array()) {
        return fault_.report({path, ".chunks"}, {"an array"}, {shown(chunks)});
      }
      for (std::size_t i = 0; i < chunks->size() && fault_.ok(); ++i) {
        const std::string place = joined({path, ".chunks[", i, "]"});
        add_tiles(json, (*chunks)[i], place, read_chunk((*chunks)[i], place), layer);
      }
    } else {
      const Chunk all{.width = map_.width, .height = map_.height};
      integer(fault_, json, "width", path, all.width, all.width);
      integer(fault_, json, "height", path, all.height, all.height);
      add_tiles(json, json, path, all, layer);
    }
    if (!fault_.ok()) return;
    move_tiles(layer, offset);
    tile_layers_.push_back(std::move(layer));
  }

  Chunk read_chunk(const Json& json, const std::string& path) {
    Chunk chunk;
    chunk.x = integer(fault_, json, "x", path, -coordinate_max, coordinate_max);
    chunk.y = integer(fault_, json, "y", path, -coordinate_max, coordinate_max);
    chunk.width = integer(fault_, json, "width", path, 1, chunk_lines_max);
    chunk.height = integer(fault_, json, "height", path, 1, chunk_lines_max);
    return chunk;
  }

  void add_tiles(const Json& json, const Json& owner, const std::string& path, const Chunk& chunk,
                 TileLayer& layer) {
    const std::size_t count =
        static_cast<std::size_t>(chunk.width) * static_cast<std::size_t>(chunk.height);
    tiles_ += count;
    if (tiles_ > tiles_max) {
      return fault_.report({path}, {"at most ", tiles_max, " tiles in all layers"}, {"more"});
    }
    const std::vector<std::uint32_t> gids =
        read_data(fault_, json, find(owner, "data"), path + ".data", count);
    if (!fault_.ok()) return;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t gid = gids[i] & ~flip_bits;
      if (gid == 0) continue;
      layer.tiles.push_back({{chunk.x + static_cast<int>(i) % chunk.width,
                              chunk.y + static_cast<int>(i) / chunk.width},
                             gid});
    }
  }

  // The lowest layer that has tiles is where the map lies, whatever its offset; all others and the
  // objects lie as far from it as they are drawn.
  void move_tiles(TileLayer& layer, Point offset) {
    if (layer.tiles.empty()) return;
    if (!ground_offset_) ground_offset_ = offset;
    const Step step =
        nearest_step(grid_, {offset.x - ground_offset_->x, offset.y - ground_offset_->y});
    for (PlacedTile& tile : layer.tiles) {
      const hex::Offset drawn = tile.at;
      tile.at = moved(grid_, drawn, step);
      const bool inside = tile.at.column >= 0 && tile.at.column < map_.width && tile.at.row >= 0 &&
                          tile.at.row < map_.height;
      if (infinite_ || inside) continue;
      return fault_.report({layer.path, " (", name_offset(drawn), ")"}, {"a place inside the map"},
                           {"one outside, by the layer's offset"});
    }
  }

  // An infinite map's cells are those of the smallest rectangle around its tiles.
  void read_bounds() {
    if (!infinite_) return;
    int left = std::numeric_limits<int>::max();
    int top = left;
    int right = std::numeric_limits<int>::min();
    int bottom = right;
    for (const TileLayer& layer : tile_layers_) {
      for (const PlacedTile& tile : layer.tiles) {
        left = std::min(left, tile.at.column);
        right = std::max(right, tile.at.column);
        top = std::min(top, tile.at.row);
        bottom = std::max(bottom, tile.at.row);
      }
    }
    if (right < left) return fault_.report({"layers"}, {"at least one tile"}, {"none"});
    const std::int64_t width = std::int64_t{right} - left + 1;
    const std::int64_t height = std::int64_t{bottom} - top + 1;
    if (width > cells_max || height > cells_max || width * height > cells_max) {
      return fault_.report({"layers"}, {"at most ", cells_max, " cells around the tiles"},
                           {width, "x", height});
    }
    map_.width = static_cast<int>(width);
    map_.height = static_cast<int>(height);
    origin_ = {left, top};
    // Cutting off an odd number of lines swaps odd and even.
    if (((map_.columns_staggered ? left : top) & 1) != 0) map_.even_shifted = !map_.even_shifted;
  }

  const Tileset* tileset_of(std::uint32_t gid) const {
    const Tileset* found = nullptr;
    for (const Tileset& set : tilesets_) {
      if (set.first <= gid && (found == nullptr || set.first > found->first)) found = &set;
    }
    return found;
  }

  void read_ground() {
    ground_.assign(static_cast<std::size_t>(map_.width * map_.height), std::nullopt);
    for (const TileLayer& layer : tile_layers_) {
      for (const PlacedTile& tile : layer.tiles) {
        const hex::Offset at{tile.at.column - origin_.column, tile.at.row - origin_.row};
        place_tile(layer, tile.gid, at);
        if (!fault_.ok()) return;
      }
    }
    map_.terrain.clear();
    for (const auto& terrain : ground_)
      map_.terrain.push_back(terrain.value_or(Terrain::obstacle));
  }

  void place_tile(const TileLayer& layer, std::uint32_t gid, hex::Offset at) {
    auto& ground = ground_[static_cast<std::size_t>(at.row * map_.width + at.column)];
    const Tileset* set = tileset_of(gid);
    const std::string place = joined({layer.path, " (", name_offset(at), ")"});
    if (set == nullptr && !layer.terrain) {
      return fault_.report({place}, {"a tile of one of the map's tilesets"}, {"tile ", gid});
    }
    Meaning meaning;
    if (set != nullptr) {
      const auto found = set->tiles.find(gid - set->first);
      if (found != set->tiles.end()) meaning = found->second.meaning;
      if (!meaning.terrain) meaning.terrain = set->terrain;
      if (set->external() && !meaning.terrain && !layer.terrain) {
        return fault_.report(
            {place},
            {"an embedded tileset (in Tiled: Embed Tileset, then export again) or a "
             "layer named obstacle, rough or open"},
            {"a tile of the external tileset \"", set->source, "\""});
      }
    }
    if (!meaning.terrain) meaning.terrain = layer.terrain;
    if (meaning.terrain) {
      ground = meaning.terrain;
    } else if (!ground) {
      ground = Terrain::open;
    }
    add_place(meaning, at, place);
  }

  void add_place(const Meaning& meaning, hex::Offset at, const std::string& path) {
    if (meaning.base) {
      if (map_.bases.size() >= teams_max) {
        return fault_.report({path}, {"at most ", teams_max, " bases"}, {"one more"});
      }
      map_.bases.push_back({meaning.team.value_or(-1), at});
    } else if (meaning.site) {
      if (map_.sites.size() >= sites_max) {
        return fault_.report({path}, {"at most ", sites_max, " sites"}, {"one more"});
      }
      map_.sites.push_back({at, meaning.resource});
    }
  }

  void read_objects() {
    for (const ObjectLayer& layer : object_layers_) {
      for (std::size_t i = 0; i < layer.objects->size() && fault_.ok(); ++i)
        read_object((*layer.objects)[i], layer, joined({layer.path, "[", i, "]"}));
    }
  }

  void read_object(const Json& object, const ObjectLayer& layer, const std::string& path) {
    const Resolved resolved = resolve(object, layer, path);
    const std::string name = lower(text_of(object, "name"));
    Meaning meaning;
    read_kind(resolved.kind, meaning);
    if (!meaning.base && !meaning.site) read_kind(name, meaning);
    read_place_properties(fault_, resolved.properties, path, meaning);
    if (!meaning.base && !meaning.site) {
      return pass_over(resolved.kind.empty() ? name : resolved.kind, path);
    }
    const Cut cut{origin_, map_.width, map_.height};
    const auto at = nearest_cell(grid_, cut, resolved.middle);
    if (!at) return fault_.report({path}, {"a place inside the map"}, {"one outside"});
    add_place(meaning, *at, path);
  }

  /// Everything in which an object's class, properties, place and extent come from elsewhere:
  /// its tile (class, properties, size, alignment, drawing offset), its layer's and groups' offset,
  /// its rotation and its outline. What lies in another file is refused by name.
  Resolved resolve(const Json& object, const ObjectLayer& layer, const std::string& path) {
    if (!object.is_object()) fault_.report({path}, {"an object"}, {describe(object)});
    if (const Json* other = find(object, "template")) {
      fault_.report({path, ".template"},
                    {"an object without a template, which is another file (in Tiled: Preferences > "
                     "Export Options > Detach templates, then export again)"},
                    {describe(*other)});
    }
    Resolved out{.kind = class_of(object), .properties = place_properties(properties_of(object))};
    const Json* gid = find(object, "gid");
    const Point upright =
        gid != nullptr ? inherit_from_tile(object, *gid, path, out) : outline_middle(object, path);
    // An object turns about its x and y.
    const Point middle = turned(upright, pixels(fault_, object, "rotation", path, "degrees"));
    const Point ground = ground_offset_.value_or(Point{});
    out.middle.x = pixels(fault_, object, "x", path) + middle.x + layer.offset.x - ground.x;
    out.middle.y = pixels(fault_, object, "y", path) + middle.y + layer.offset.y - ground.y;
    return out;
  }

  /// The middle of a rectangle, ellipse, text or point (without extent), or of the box around a
  /// polygon's or polyline's points; from the object's x and y.
  Point outline_middle(const Json& object, const std::string& path) {
    for (const char* shape : {"polygon", "polyline"}) {
      const Json* points = find(object, shape);
      if (points == nullptr) continue;
      if (!points->is_array() || points->empty()) {
        fault_.report({path, ".", shape}, {"an array of points"}, {describe(*points)});
        return {};
      }
      Point low{pixels_max, pixels_max};
      Point high{-pixels_max, -pixels_max};
      for (std::size_t i = 0; i < points->size(); ++i) {
        const std::string place = joined({path, ".", shape, "[", i, "]"});
        const double x = pixels(fault_, (*points)[i], "x", place);
        const double y = pixels(fault_, (*points)[i], "y", place);
        low = {std::min(low.x, x), std::min(low.y, y)};
        high = {std::max(high.x, x), std::max(high.y, y)};
      }
      return {(low.x + high.x) / 2, (low.y + high.y) / 2};
    }
    return {pixels(fault_, object, "width", path) / 2, pixels(fault_, object, "height", path) / 2};
  }

  /// Fills in what the object does not say itself; the middle of its picture, from its x and y.
  Point inherit_from_tile(const Json& object, const Json& number, const std::string& path,
                          Resolved& out) {
    const bool fits = number.is_number_unsigned() && number.get<std::uint64_t>() <= 0xffffffffu;
    const std::uint32_t gid = fits ? number.get<std::uint32_t>() & ~flip_bits : 0;
    const Tileset* set = gid == 0 ? nullptr : tileset_of(gid);
    if (set == nullptr) {
      fault_.report({path, ".gid"}, {"a tile of one of the map's tilesets"}, {describe(number)});
      return {};
    }
    if (set->external()) {
      fault_.report({path, ".gid"},
                    {"a tile of an embedded tileset, since an object has its tile's class and "
                     "properties (in Tiled: Embed Tileset, then export again)"},
                    {"a tile of the external tileset \"", set->source, "\""});
      return {};
    }
    Size tile_size = set->tile_size;
    if (const auto tile = set->tiles.find(gid - set->first); tile != set->tiles.end()) {
      const Tile& from = tile->second;
      if (out.kind.empty() && from.json != nullptr) out.kind = class_of(*from.json);
      PlaceProperties& properties = out.properties;
      if (properties.base == nullptr) properties.base = from.properties.base;
      if (properties.team == nullptr) properties.team = from.properties.team;
      if (properties.resource == nullptr) properties.resource = from.properties.resource;
      if (from.size.width > 0) tile_size = from.size;
    }
    // An object without a size of its own has its tile's.
    Size size{pixels(fault_, object, "width", path), pixels(fault_, object, "height", path)};
    if (size.width == 0) size.width = tile_size.width;
    if (size.height == 0) size.height = tile_size.height;
    if (size.width == 0 || size.height == 0) {
      fault_.report({path, ".width"}, {"a size of the object, its tile or its tileset"}, {"none"});
    }
    const double stretch_x = tile_size.width > 0 ? size.width / tile_size.width : 1;
    const double stretch_y = tile_size.height > 0 ? size.height / tile_size.height : 1;
    return {(0.5 - set->align_x) * size.width + set->offset_x * stretch_x,
            (0.5 - set->align_y) * size.height + set->offset_y * stretch_y};
  }

  /// Remembers words of objects that mean nothing here, for whoever looks for a missing base or
  /// wall.
  void pass_over(const std::string& word, const std::string& path) {
    if (terrain_word(word).value_or(Terrain::open) != Terrain::open && ground_objects_++ == 0) {
      first_ground_object_ = joined({"\"", word, "\" (", path, ")"});
    }
    constexpr std::size_t words_max = 4;
    constexpr std::size_t word_bytes_max = 40;
    if (word.empty() || word.size() > word_bytes_max || passed_over_.size() >= words_max) return;
    if (std::find(passed_over_.begin(), passed_over_.end(), word) != passed_over_.end()) return;
    passed_over_.push_back(word);
  }

  std::string passed_over() const {
    std::string out;
    for (const std::string& word : passed_over_)
      out += joined({out.empty() ? " (no base: objects of class or name \"" : ", \"", word, "\""});
    return out.empty() ? out : out + ")";
  }

  void conclude() {
    if (map_.bases.size() < 2) {
      fault_.report({"layers"}, {"2 to 4 objects (or tiles) of class base"},
                    {map_.bases.size(), passed_over()});
    }
    number_bases();
    if (ground_objects_ == 0) return;
    map_.notes.push_back(
        joined({"only tile layers make ground: ", ground_objects_,
                ground_objects_ == 1 ? " object" : " objects",
                " called like ground changed nothing, the first is ", first_ground_object_}));
  }

  // Bases that name no team take the free numbers in the order in which they come.
  void number_bases() {
    for (ImportedBase& base : map_.bases) {
      for (int team = 0; base.team < 0 && team < teams_max; ++team) {
        const bool taken = std::any_of(map_.bases.begin(), map_.bases.end(),
                                       [&](const ImportedBase& b) { return b.team == team; });
        if (!taken) base.team = team;
      }
    }
  }

  const Json& root_;
  Fault fault_;
  Grid grid_;
  std::optional<Point> ground_offset_;
  bool infinite_ = false;
  hex::Offset origin_{0, 0};
  std::size_t tiles_ = 0;
  std::vector<Tileset> tilesets_;
  std::vector<TileLayer> tile_layers_;
  std::vector<ObjectLayer> object_layers_;
  std::vector<std::optional<Terrain>> ground_;
  std::vector<std::string> passed_over_;
  int ground_objects_ = 0;
  std::string first_ground_object_;
  ImportedMap map_;
};

}  // namespace

Result<Map> read_tiled(const Json& document) {
  Result<ImportedMap> drawing = Reader(document).read();
  if (!drawing) return drawing.error();
  return settle(std::move(*drawing));
}

Result<Map> read_tiled(std::string_view text) {
  const Result<Json> document = parse_map_json(text);
  if (!document) return document.error();
  return read_tiled(*document);
}

}  // namespace redoubt::territory
