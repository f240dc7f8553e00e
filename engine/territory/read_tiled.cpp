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
                      &Reader::read_ground, &Reader::read_objects}) {
      if (Result<void> done = (this->*step)(); !done) return done.error();
    }
    if (map_.bases.size() < 2) {
      return bad_tiled({"layers"}, {"2 to 4 objects (or tiles) of class base"},
                       {map_.bases.size(), passed_over()});
    }
    number_bases();
    if (ground_objects_ > 0) {
      map_.notes.push_back(
          joined({"only tile layers make ground: ", ground_objects_,
                  ground_objects_ == 1 ? " object" : " objects",
                  " called like ground changed nothing, the first is ", first_ground_object_}));
    }
    return std::move(map_);
  }

 private:
  Result<void> read_frame() {
    const std::string orientation = text_of(root_, "orientation");
    if (orientation != "hexagonal") {
      return bad_tiled({"orientation"}, {"hexagonal"}, {"\"", orientation, "\""});
    }
    const std::string axis = text_of(root_, "staggeraxis");
    const std::string index = text_of(root_, "staggerindex");
    if (axis != "x" && axis != "y")
      return bad_tiled({"staggeraxis"}, {"x or y"}, {"\"", axis, "\""});
    if (index != "odd" && index != "even") {
      return bad_tiled({"staggerindex"}, {"odd or even"}, {"\"", index, "\""});
    }
    map_.columns_staggered = axis == "x";
    map_.even_shifted = index == "even";
    if (Result<void> grid = read_grid(); !grid) return grid;
    const Json* infinite = find(root_, "infinite");
    infinite_ = infinite != nullptr && *infinite == Json(true);
    if (!infinite_) {
      const Result<int> width = integer(root_, "width", "", 1, lines_max);
      if (!width) return width.error();
      const Result<int> height = integer(root_, "height", "", 1, lines_max);
      if (!height) return height.error();
      if (*width * *height > cells_max) {
        return bad_tiled({"width x height"}, {"at most ", cells_max, " cells"},
                         {*width, "x", *height});
      }
      map_.width = *width;
      map_.height = *height;
    }
    if (const Json* symmetry = property(properties_of(root_), "symmetry")) {
      const auto known = symmetry->is_string() ? symmetry_named(symmetry->get<std::string>())
                                               : std::optional<Symmetry>{};
      if (!known) {
        return bad_tiled({"properties.symmetry"}, {"none, point, rotation3 or mirrors4"},
                         {describe(*symmetry)});
      }
      map_.symmetry = *known;
    }
    constexpr std::size_t name_bytes_max = 200;
    if (const Json* name = property(properties_of(root_), "name");
        name != nullptr && name->is_string()) {
      map_.name = name->get<std::string>().substr(0, name_bytes_max);
    }
    Result<std::vector<Tileset>> sets = read_tilesets(root_);
    if (!sets) return sets.error();
    tilesets_ = std::move(*sets);
    return {};
  }

  Result<void> read_grid() {
    grid_ = {.columns_staggered = map_.columns_staggered, .even_shifted = map_.even_shifted};
    const Result<int> width = integer(root_, "tilewidth", "", 1, tile_pixels_max);
    if (!width) return width.error();
    const Result<int> height = integer(root_, "tileheight", "", 1, tile_pixels_max);
    if (!height) return height.error();
    grid_.tile_width = *width;
    grid_.tile_height = *height;
    if (find(root_, "hexsidelength") == nullptr) return {};
    const Result<int> side = integer(root_, "hexsidelength", "", 0, tile_pixels_max);
    if (!side) return side.error();
    grid_.side = *side;
    return {};
  }

  Result<void> read_layers() {
    const Json* layers = find(root_, "layers");
    if (layers == nullptr) return bad_tiled({"layers"}, {"an array"}, {"nothing"});
    return read_layer_list(*layers, "layers", {});
  }

  /// Where a layer lies in the map: its own offset on top of its groups'.
  Result<Point> offset_of(const Json& layer, const std::string& path, Point groups) {
    const Result<double> x = pixels(layer, "offsetx", path);
    if (!x) return x.error();
    const Result<double> y = pixels(layer, "offsety", path);
    if (!y) return y.error();
    const Point sum{groups.x + *x, groups.y + *y};
    if (std::max(std::abs(sum.x), std::abs(sum.y)) > pixels_max) {
      return bad_tiled({path, ".offsetx"}, {"a place near the map"}, {"one far from it"});
    }
    // A layer's place in cells, which Tiled always writes as 0.
    for (const char* key : {"x", "y"}) {
      if (find(layer, key) == nullptr) continue;
      if (const Result<int> zero = integer(layer, key, path, 0, 0); !zero) return zero.error();
    }
    return sum;
  }

  // Groups nest; the parser has bounded the depth.
  Result<void> read_layer_list(const Json& layers, const std::string& path, Point groups) {
    if (!layers.is_array()) return bad_tiled({path}, {"an array"}, {describe(layers)});
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const Json& layer = layers[i];
      const std::string place = joined({path, "[", i, "]"});
      const std::string type = text_of(layer, "type");
      const Result<Point> offset = offset_of(layer, place, groups);
      if (!offset) return offset.error();
      Result<void> done;
      if (type == "tilelayer") {
        done = read_tile_layer(layer, place, *offset);
      } else if (type == "objectgroup") {
        const Json* objects = find(layer, "objects");
        if (objects == nullptr || !objects->is_array()) {
          return bad_tiled({place, ".objects"}, {"an array"},
                           {objects == nullptr ? "nothing" : describe(*objects)});
        }
        object_layers_.push_back({place + ".objects", *offset, objects});
      } else if (type == "group") {
        const Json* inner = find(layer, "layers");
        if (inner != nullptr) done = read_layer_list(*inner, place + ".layers", *offset);
      } else if (type != "imagelayer") {
        return bad_tiled({place, ".type"}, {"tilelayer, objectgroup, imagelayer or group"},
                         {"\"", type, "\""});
      }
      if (!done) return done;
    }
    return {};
  }

  /// What the whole layer says about the ground.
  Result<std::optional<Terrain>> layer_terrain(const Json& json, const std::string& path) {
    Result<std::optional<Terrain>> terrain = declared_terrain(properties_of(json), path);
    if (!terrain || *terrain) return terrain;
    // A layer's `type` is its kind, so only the newer `class` can be a word.
    *terrain = terrain_word(lower(text_of(json, "class")));
    if (*terrain) return terrain;
    const std::string name = lower(text_of(json, "name"));
    *terrain = terrain_word(name);
    // "Ground" and the like name a layer's place in the picture, not what can be walked on.
    if (*terrain == Terrain::open && name != "open") terrain->reset();
    return terrain;
  }

  Result<void> read_tile_layer(const Json& json, const std::string& path, Point offset) {
    TileLayer layer{.path = path};
    const Result<std::optional<Terrain>> terrain = layer_terrain(json, path);
    if (!terrain) return terrain.error();
    layer.terrain = *terrain;
    if (const Json* chunks = find(json, "chunks"); chunks != nullptr && infinite_) {
      if (!chunks->is_array())
        return bad_tiled({path, ".chunks"}, {"an array"}, {describe(*chunks)});
      for (std::size_t i = 0; i < chunks->size(); ++i) {
        const std::string place = joined({path, ".chunks[", i, "]"});
        const Result<Chunk> chunk = read_chunk((*chunks)[i], place);
        if (!chunk) return chunk.error();
        if (Result<void> done = add_tiles(json, (*chunks)[i], place, *chunk, layer); !done) {
          return done;
        }
      }
    } else {
      if (infinite_) return bad_tiled({path, ".chunks"}, {"an array"}, {"nothing"});
      const Chunk all{.width = map_.width, .height = map_.height};
      const Result<int> width = integer(json, "width", path, all.width, all.width);
      if (!width) return width.error();
      const Result<int> height = integer(json, "height", path, all.height, all.height);
      if (!height) return height.error();
      if (Result<void> done = add_tiles(json, json, path, all, layer); !done) return done;
    }
    if (Result<void> done = move_tiles(layer, offset); !done) return done;
    tile_layers_.push_back(std::move(layer));
    return {};
  }

  Result<Chunk> read_chunk(const Json& json, const std::string& path) {
    Chunk chunk;
    for (const auto& [key, target] : {std::pair{"x", &chunk.x}, std::pair{"y", &chunk.y}}) {
      const Result<int> value = integer(json, key, path, -coordinate_max, coordinate_max);
      if (!value) return value.error();
      *target = *value;
    }
    for (const auto& [key, target] :
         {std::pair{"width", &chunk.width}, std::pair{"height", &chunk.height}}) {
      const Result<int> value = integer(json, key, path, 1, chunk_lines_max);
      if (!value) return value.error();
      *target = *value;
    }
    return chunk;
  }

  Result<void> add_tiles(const Json& json, const Json& owner, const std::string& path,
                         const Chunk& chunk, TileLayer& layer) {
    const std::size_t count =
        static_cast<std::size_t>(chunk.width) * static_cast<std::size_t>(chunk.height);
    tiles_ += count;
    if (tiles_ > tiles_max) {
      return bad_tiled({path}, {"at most ", tiles_max, " tiles in all layers"}, {"more"});
    }
    const Result<std::vector<std::uint32_t>> gids =
        read_data(json, find(owner, "data"), path + ".data", count);
    if (!gids) return gids.error();
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t gid = (*gids)[i] & ~flip_bits;
      if (gid == 0) continue;
      layer.tiles.push_back({{chunk.x + static_cast<int>(i) % chunk.width,
                              chunk.y + static_cast<int>(i) / chunk.width},
                             gid});
    }
    return {};
  }

  // The lowest layer that has tiles is where the map lies, whatever its offset; all others and the
  // objects lie as far from it as they are drawn.
  Result<void> move_tiles(TileLayer& layer, Point offset) {
    if (layer.tiles.empty()) return {};
    if (!ground_offset_) ground_offset_ = offset;
    const Step step =
        nearest_step(grid_, {offset.x - ground_offset_->x, offset.y - ground_offset_->y});
    for (PlacedTile& tile : layer.tiles) {
      const hex::Offset drawn = tile.at;
      tile.at = moved(grid_, drawn, step);
      const bool inside = tile.at.column >= 0 && tile.at.column < map_.width && tile.at.row >= 0 &&
                          tile.at.row < map_.height;
      if (infinite_ || inside) continue;
      return bad_tiled({layer.path, " (", name_offset(drawn), ")"}, {"a place inside the map"},
                       {"one outside, by the layer's offset"});
    }
    return {};
  }

  // An infinite map's cells are those of the smallest rectangle around its tiles.
  Result<void> read_bounds() {
    if (!infinite_) return {};
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
    if (right < left) return bad_tiled({"layers"}, {"at least one tile"}, {"none"});
    const std::int64_t width = std::int64_t{right} - left + 1;
    const std::int64_t height = std::int64_t{bottom} - top + 1;
    if (width > cells_max || height > cells_max || width * height > cells_max) {
      return bad_tiled({"layers"}, {"at most ", cells_max, " cells around the tiles"},
                       {width, "x", height});
    }
    map_.width = static_cast<int>(width);
    map_.height = static_cast<int>(height);
    origin_ = {left, top};
    // Cutting off an odd number of lines swaps odd and even.
    if (((map_.columns_staggered ? left : top) & 1) != 0) map_.even_shifted = !map_.even_shifted;
    return {};
  }

  const Tileset* tileset_of(std::uint32_t gid) const {
    const Tileset* found = nullptr;
    for (const Tileset& set : tilesets_) {
      if (set.first <= gid && (found == nullptr || set.first > found->first)) found = &set;
    }
    return found;
  }

  Result<void> read_ground() {
    ground_.assign(static_cast<std::size_t>(map_.width * map_.height), std::nullopt);
    for (const TileLayer& layer : tile_layers_) {
      for (const PlacedTile& tile : layer.tiles) {
        const hex::Offset at{tile.at.column - origin_.column, tile.at.row - origin_.row};
        if (Result<void> done = place_tile(layer, tile.gid, at); !done) return done;
      }
    }
    map_.terrain.clear();
    for (const auto& terrain : ground_)
      map_.terrain.push_back(terrain.value_or(Terrain::obstacle));
    return {};
  }

  Result<void> place_tile(const TileLayer& layer, std::uint32_t gid, hex::Offset at) {
    auto& ground = ground_[static_cast<std::size_t>(at.row * map_.width + at.column)];
    const Tileset* set = tileset_of(gid);
    const std::string place = joined({layer.path, " (", name_offset(at), ")"});
    if (set == nullptr && !layer.terrain) {
      return bad_tiled({place}, {"a tile of one of the map's tilesets"}, {"tile ", gid});
    }
    Meaning meaning;
    if (set != nullptr) {
      const auto found = set->tiles.find(gid - set->first);
      if (found != set->tiles.end()) meaning = found->second.meaning;
      if (!meaning.terrain) meaning.terrain = set->terrain;
      if (set->external() && !meaning.terrain && !layer.terrain) {
        return bad_tiled({place},
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
    return add_place(meaning, at, place);
  }

  Result<void> add_place(const Meaning& meaning, hex::Offset at, const std::string& path) {
    if (meaning.base) {
      if (map_.bases.size() >= teams_max) {
        return bad_tiled({path}, {"at most ", teams_max, " bases"}, {"one more"});
      }
      map_.bases.push_back({meaning.team.value_or(-1), at});
    } else if (meaning.site) {
      if (map_.sites.size() >= sites_max) {
        return bad_tiled({path}, {"at most ", sites_max, " sites"}, {"one more"});
      }
      map_.sites.push_back({at, meaning.resource});
    }
    return {};
  }

  Result<void> read_objects() {
    for (const ObjectLayer& layer : object_layers_) {
      for (std::size_t i = 0; i < layer.objects->size(); ++i) {
        const std::string path = joined({layer.path, "[", i, "]"});
        if (Result<void> done = read_object((*layer.objects)[i], layer, path); !done) return done;
      }
    }
    return {};
  }

  Result<void> read_object(const Json& object, const ObjectLayer& layer, const std::string& path) {
    const Result<Resolved> resolved = resolve(object, layer, path);
    if (!resolved) return resolved.error();
    const std::string name = lower(text_of(object, "name"));
    Meaning meaning;
    read_kind(resolved->kind, meaning);
    if (!meaning.base && !meaning.site) read_kind(name, meaning);
    if (Result<void> read = read_place_properties(resolved->properties, path, meaning); !read) {
      return read;
    }
    if (!meaning.base && !meaning.site) {
      pass_over(resolved->kind.empty() ? name : resolved->kind, path);
      return {};
    }
    const Cut cut{origin_, map_.width, map_.height};
    const auto at = nearest_cell(grid_, cut, resolved->middle);
    if (!at) return bad_tiled({path}, {"a place inside the map"}, {"one outside"});
    return add_place(meaning, *at, path);
  }

  /// Everything in which an object's class, properties, place and extent come from elsewhere:
  /// its tile (class, properties, size, alignment, drawing offset), its layer's and groups' offset,
  /// its rotation and its outline. What lies in another file is refused by name.
  Result<Resolved> resolve(const Json& object, const ObjectLayer& layer, const std::string& path) {
    if (!object.is_object()) return bad_tiled({path}, {"an object"}, {describe(object)});
    if (const Json* other = find(object, "template")) {
      return bad_tiled(
          {path, ".template"},
          {"an object without a template, which is another file (in Tiled: Preferences "
           "> Export Options > Detach templates, then export again)"},
          {describe(*other)});
    }
    Resolved out{.kind = class_of(object), .properties = place_properties(properties_of(object))};
    Point middle;
    if (const Json* gid = find(object, "gid")) {
      const Result<Point> found = inherit_from_tile(object, *gid, path, out);
      if (!found) return found.error();
      middle = *found;
    } else {
      const Result<Point> found = outline_middle(object, path);
      if (!found) return found.error();
      middle = *found;
    }
    const Result<double> x = pixels(object, "x", path);
    if (!x) return x.error();
    const Result<double> y = pixels(object, "y", path);
    if (!y) return y.error();
    const Result<double> rotation = pixels(object, "rotation", path, "degrees");
    if (!rotation) return rotation.error();
    // An object turns about its x and y.
    middle = turned(middle, *rotation);
    const Point ground = ground_offset_.value_or(Point{});
    out.middle = {*x + middle.x + layer.offset.x - ground.x,
                  *y + middle.y + layer.offset.y - ground.y};
    return out;
  }

  /// The middle of a rectangle, ellipse, text or point (without extent), or of the box around a
  /// polygon's or polyline's points; from the object's x and y.
  Result<Point> outline_middle(const Json& object, const std::string& path) {
    for (const char* shape : {"polygon", "polyline"}) {
      const Json* points = find(object, shape);
      if (points == nullptr) continue;
      if (!points->is_array() || points->empty()) {
        return bad_tiled({path, ".", shape}, {"an array of points"}, {describe(*points)});
      }
      Point low{pixels_max, pixels_max};
      Point high{-pixels_max, -pixels_max};
      for (std::size_t i = 0; i < points->size(); ++i) {
        const std::string place = joined({path, ".", shape, "[", i, "]"});
        const Result<double> x = pixels((*points)[i], "x", place);
        if (!x) return x.error();
        const Result<double> y = pixels((*points)[i], "y", place);
        if (!y) return y.error();
        low = {std::min(low.x, *x), std::min(low.y, *y)};
        high = {std::max(high.x, *x), std::max(high.y, *y)};
      }
      return Point{(low.x + high.x) / 2, (low.y + high.y) / 2};
    }
    const Result<Size> size = own_size(object, path);
    if (!size) return size.error();
    return Point{size->width / 2, size->height / 2};
  }

  Result<Size> own_size(const Json& object, const std::string& path) {
    const Result<double> width = pixels(object, "width", path);
    if (!width) return width.error();
    const Result<double> height = pixels(object, "height", path);
    if (!height) return height.error();
    return Size{*width, *height};
  }

  /// Fills in what the object does not say itself; the middle of its picture, from its x and y.
  Result<Point> inherit_from_tile(const Json& object, const Json& number, const std::string& path,
                                  Resolved& out) {
    const bool fits = number.is_number_unsigned() && number.get<std::uint64_t>() <= 0xffffffffu;
    const std::uint32_t gid = fits ? number.get<std::uint32_t>() & ~flip_bits : 0;
    const Tileset* set = gid == 0 ? nullptr : tileset_of(gid);
    if (set == nullptr) {
      return bad_tiled({path, ".gid"}, {"a tile of one of the map's tilesets"}, {describe(number)});
    }
    if (set->external()) {
      return bad_tiled({path, ".gid"},
                       {"a tile of an embedded tileset, since an object has its tile's class and "
                        "properties (in Tiled: Embed Tileset, then export again)"},
                       {"a tile of the external tileset \"", set->source, "\""});
    }
    const Result<Size> own = own_size(object, path);
    if (!own) return own.error();
    Size tile_size = set->tile_size;
    if (const auto tile = set->tiles.find(gid - set->first); tile != set->tiles.end()) {
      const Tile& from = tile->second;
      if (out.kind.empty()) out.kind = from.kind;
      PlaceProperties& properties = out.properties;
      if (properties.base == nullptr) properties.base = from.properties.base;
      if (properties.team == nullptr) properties.team = from.properties.team;
      if (properties.resource == nullptr) properties.resource = from.properties.resource;
      if (from.size.width > 0) tile_size = from.size;
    }
    // An object without a size of its own has its tile's.
    const Size size{own->width != 0 ? own->width : tile_size.width,
                    own->height != 0 ? own->height : tile_size.height};
    if (size.width == 0 || size.height == 0) {
      return bad_tiled({path, ".width"}, {"a size of the object, its tile or its tileset"},
                       {"none"});
    }
    const double stretch_x = tile_size.width > 0 ? size.width / tile_size.width : 1;
    const double stretch_y = tile_size.height > 0 ? size.height / tile_size.height : 1;
    return Point{(0.5 - set->align_x) * size.width + set->offset_x * stretch_x,
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
