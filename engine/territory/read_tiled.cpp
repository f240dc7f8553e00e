// Tiled's JSON maps, orientation hexagonal (doc.mapeditor.org/en/stable/reference/json-map-format).
//
// Layout: stagger axis y is pointy-top, x is flat-top; index odd or even says which lines are
// shifted. Infinite maps are cut to what is drawn.
//
// Ground, from the lowest tile layer to the highest, the last one that says something decides:
//   1. the tile: property `terrain`; a true property obstacle, blocked, solid or collides; property
//      `type`; the tile's class (called type before Tiled 1.9);
//      and the tile's corner terrain (before 1.5), where all four corners are the same;
//   2. its tileset: property `terrain`, class, name;
//   3. the layer: property `terrain`, class, name (a name only for obstacles, rough, and "open");
//   4. any other tile is open, and a cell without a tile is an obstacle.
// A word is obstacle, rough or open, or one of the synonyms below; `terrain` with another word is
// an error, other words mean nothing.
//
// Bases and sites: objects of class or name base (property `team`: 1 to 4, team1, red, blue, green,
// yellow) and site (property `resource`: energy, materials, data), or tiles of that class or with
// that property. Bases without a team count up as they come; sites without a resource are typed by
// their distance (see map_import.hpp). A map property `symmetry` may declare point, rotation3 or
// mirrors4.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/territory/map_import.hpp"
#include "engine/territory/map_json.hpp"

namespace redoubt::territory {
namespace {

constexpr std::uint32_t flip_bits = 0xf0000000u;
constexpr int coordinate_max = 1 << 20;  // of an infinite map's chunks, either way
constexpr int lines_max = cells_max;

struct Word {
  std::string_view word;
  Terrain terrain;
};
constexpr std::array<Word, 34> words{{
    {"open", Terrain::open},          {"grass", Terrain::open},
    {"plain", Terrain::open},         {"plains", Terrain::open},
    {"ground", Terrain::open},        {"floor", Terrain::open},
    {"road", Terrain::open},          {"path", Terrain::open},
    {"dirt", Terrain::open},          {"bridge", Terrain::open},
    {"rough", Terrain::rough},        {"forest", Terrain::rough},
    {"woods", Terrain::rough},        {"hill", Terrain::rough},
    {"hills", Terrain::rough},        {"swamp", Terrain::rough},
    {"marsh", Terrain::rough},        {"sand", Terrain::rough},
    {"mud", Terrain::rough},          {"ford", Terrain::rough},
    {"obstacle", Terrain::obstacle},  {"obstacles", Terrain::obstacle},
    {"wall", Terrain::obstacle},      {"walls", Terrain::obstacle},
    {"water", Terrain::obstacle},     {"mountain", Terrain::obstacle},
    {"mountains", Terrain::obstacle}, {"lava", Terrain::obstacle},
    {"cliff", Terrain::obstacle},     {"rock", Terrain::obstacle},
    {"void", Terrain::obstacle},      {"blocked", Terrain::obstacle},
    {"collision", Terrain::obstacle}, {"impassable", Terrain::obstacle},
}};
constexpr std::array<std::string_view, 4> blocking_flags{"obstacle", "blocked", "solid",
                                                         "collides"};
constexpr std::array<std::string_view, 5> base_kinds{"base", "bases", "start", "keep",
                                                     "headquarters"};
constexpr std::array<std::string_view, 4> site_kinds{"site", "sites", "resource", "resources"};

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

template <std::size_t n>
bool one_of(const std::array<std::string_view, n>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::optional<Terrain> terrain_word(std::string_view text) {
  for (const Word& one : words) {
    if (one.word == text) return one.terrain;
  }
  return std::nullopt;
}

/// "PATH: expected ..., got ...".
Error bad_tiled(Pieces path, Pieces expected, Pieces got) {
  Error error = make_error("bad_map", {}, path, expected, got);
  error.message = joined({error.path, ": expected ", error.expected, ", got ", error.got});
  return error;
}

const Json* find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string text_of(const Json& object, const char* key) {
  const Json* value = find(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

/// A custom property: in the list of {name, value} of today or in the object of Tiled before 1.2.
const Json* property(const Json& owner, std::string_view name) {
  const Json* list = find(owner, "properties");
  if (list == nullptr) return nullptr;
  if (list->is_object()) return find(*list, std::string(name).c_str());
  if (!list->is_array()) return nullptr;
  for (const Json& entry : *list) {
    if (text_of(entry, "name") == name) return find(entry, "value");
  }
  return nullptr;
}

std::string property_text(const Json& owner, std::string_view name) {
  const Json* value = property(owner, name);
  return value != nullptr && value->is_string() ? lower(value->get<std::string>()) : "";
}

/// Class and, before Tiled 1.9, type.
std::string class_of(const Json& owner) {
  std::string name = text_of(owner, "class");
  return lower(name.empty() ? text_of(owner, "type") : name);
}

/// The explicit property `terrain`: a known word, nothing, or an error.
Result<std::optional<Terrain>> declared_terrain(const Json& owner, const std::string& path) {
  const Json* value = property(owner, "terrain");
  if (value == nullptr) return std::optional<Terrain>{};
  const auto known = value->is_string() ? terrain_word(lower(value->get<std::string>()))
                                        : std::optional<Terrain>{};
  if (!known) {
    return bad_tiled({path, ".properties.terrain"}, {"obstacle, rough or open"},
                     {describe(*value)});
  }
  return known;
}

Result<int> team_of(const Json& value, const std::string& path) {
  static constexpr std::array<std::string_view, 12> names{
      "red", "blue", "green", "yellow", "team1", "team2", "team3", "team4", "1", "2", "3", "4"};
  if (value.is_number()) {
    const double number = value.get<double>();
    for (int team = 1; team <= teams_max; ++team) {
      if (number == team) return team - 1;
    }
  } else if (value.is_string()) {
    const std::string text = lower(value.get<std::string>());
    const auto found = std::find(names.begin(), names.end(), text);
    if (found != names.end()) return static_cast<int>((found - names.begin()) % teams_max);
  }
  return bad_tiled({path}, {"a team: 1 to 4, red, blue, green or yellow"}, {describe(value)});
}

Result<Resource> resource_of(const Json& value, const std::string& path) {
  if (value.is_string()) {
    if (const auto known = resource_named(lower(value.get<std::string>()))) return *known;
  }
  return bad_tiled({path}, {"energy, materials or data"}, {describe(value)});
}

/// What a tile, or an object, means for the game.
struct Meaning {
  std::optional<Terrain> terrain;
  bool base = false;
  std::optional<int> team;
  bool site = false;
  std::optional<Resource> resource;
};

/// "base", "base 2", "site": from a class or a name.
void read_kind(const std::string& kind, Meaning& meaning) {
  if (one_of(base_kinds, kind)) meaning.base = true;
  if (one_of(site_kinds, kind)) meaning.site = true;
  if (const auto resource = resource_named(kind)) {
    meaning.site = true;
    meaning.resource = resource;
  }
  constexpr std::string_view prefix = "base";
  if (kind.size() > prefix.size() && kind.compare(0, prefix.size(), prefix) == 0) {
    const std::size_t digit = kind[prefix.size()] == ' ' ? prefix.size() + 1 : prefix.size();
    if (digit + 1 == kind.size() && kind[digit] >= '1' && kind[digit] <= '0' + teams_max) {
      meaning.base = true;
      meaning.team = kind[digit] - '1';
    }
  }
}

Result<void> read_place_properties(const Json& owner, const std::string& path, Meaning& meaning) {
  if (const Json* resource = property(owner, "resource")) {
    const Result<Resource> type = resource_of(*resource, path + ".properties.resource");
    if (!type) return type.error();
    meaning.site = !meaning.base;
    meaning.resource = *type;
  }
  if (const Json* base = property(owner, "base"); base != nullptr && *base != Json(false)) {
    meaning.base = true;
    if (!base->is_boolean()) {
      const Result<int> team = team_of(*base, path + ".properties.base");
      if (!team) return team.error();
      meaning.team = *team;
    }
  }
  if (!meaning.base) return {};
  if (const Json* team_value = property(owner, "team")) {
    const Result<int> team = team_of(*team_value, path + ".properties.team");
    if (!team) return team.error();
    meaning.team = *team;
  }
  return {};
}

Result<Meaning> read_tile(const Json& tile, const std::string& path) {
  Meaning meaning;
  const Result<std::optional<Terrain>> declared = declared_terrain(tile, path);
  if (!declared) return declared.error();
  meaning.terrain = *declared;
  for (std::string_view flag : blocking_flags) {
    const Json* value = property(tile, flag);
    if (!meaning.terrain && value != nullptr && *value == Json(true)) {
      meaning.terrain = Terrain::obstacle;
    }
  }
  if (!meaning.terrain) meaning.terrain = terrain_word(property_text(tile, "type"));
  if (!meaning.terrain) meaning.terrain = terrain_word(class_of(tile));
  read_kind(class_of(tile), meaning);
  if (Result<void> places = read_place_properties(tile, path, meaning); !places) {
    return places.error();
  }
  return meaning;
}

struct Tileset {
  std::uint32_t first = 0;
  bool external = false;
  std::string source;
  std::optional<Terrain> terrain;
  std::map<std::uint32_t, Meaning> tiles;  // by id inside the set; only those that say something
};

/// Before Tiled 1.5 a tile could say which of the set's `terrains` lies in each of its corners;
/// four times the same one is what the tile is.
std::optional<Terrain> corner_terrain(const Json& set, const Json& tile) {
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
  return terrain_word(lower(text_of((*kinds)[static_cast<std::size_t>(kind)], "name")));
}

Result<void> add_tile(const Json& json, const Json& tile, std::uint32_t id, const std::string& path,
                      Tileset& set) {
  Result<Meaning> meaning = read_tile(tile, path);
  if (!meaning) return meaning.error();
  if (!meaning->terrain) meaning->terrain = corner_terrain(json, tile);
  set.tiles[id] = *meaning;
  return {};
}

Result<void> read_tile_list(const Json& json, const Json& tiles, const std::string& path,
                            Tileset& set) {
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const std::string place = joined({path, ".tiles[", i, "]"});
    const Json* id = find(tiles[i], "id");
    if (id == nullptr || !id->is_number_unsigned() || id->get<std::uint64_t>() >= flip_bits) {
      return bad_tiled({place, ".id"}, {"a tile's number"},
                       {id == nullptr ? "nothing" : describe(*id)});
    }
    const auto number = id->get<std::uint32_t>();
    if (Result<void> added = add_tile(json, tiles[i], number, place, set); !added) return added;
  }
  return {};
}

/// Before Tiled 1.2: `tiles` and `tileproperties` are objects, keyed by the tile's number.
Result<void> read_tile_objects(const Json& json, const std::string& path, Tileset& set) {
  for (const char* member : {"tiles", "tileproperties"}) {
    const Json* tiles = find(json, member);
    if (tiles == nullptr) continue;
    if (!tiles->is_object())
      return bad_tiled({path, ".", member}, {"an object"}, {describe(*tiles)});
    for (const auto& [key, value] : tiles->items()) {
      const std::string place = joined({path, ".", member, ".", key});
      const bool digits =
          !key.empty() && key.size() <= 8 &&
          std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (!digits) return bad_tiled({place}, {"a tile's number"}, {"\"", key, "\""});
      std::uint32_t id = 0;
      for (char c : key)
        id = id * 10 + static_cast<std::uint32_t>(c - '0');
      Json tile = value;
      if (member == std::string_view("tileproperties")) {
        const Json* same = find(json, "tiles");
        const Json* other = same == nullptr ? nullptr : find(*same, key.c_str());
        tile = other != nullptr && other->is_object() ? *other : Json::object();
        tile["properties"] = value;
      }
      if (Result<void> added = add_tile(json, tile, id, place, set); !added) return added;
    }
  }
  return {};
}

Result<void> read_tiles(const Json& json, const std::string& path, Tileset& set) {
  const Json* tiles = find(json, "tiles");
  if (tiles != nullptr && tiles->is_array()) return read_tile_list(json, *tiles, path, set);
  return read_tile_objects(json, path, set);
}

Result<std::vector<Tileset>> read_tilesets(const Json& root) {
  std::vector<Tileset> sets;
  const Json* list = find(root, "tilesets");
  if (list == nullptr) return sets;
  if (!list->is_array()) return bad_tiled({"tilesets"}, {"an array"}, {describe(*list)});
  for (std::size_t i = 0; i < list->size(); ++i) {
    const Json& json = (*list)[i];
    const std::string path = joined({"tilesets[", i, "]"});
    const Json* first = find(json, "firstgid");
    if (first == nullptr || !first->is_number_unsigned() ||
        first->get<std::uint64_t>() >= flip_bits || first->get<std::uint64_t>() == 0) {
      return bad_tiled({path, ".firstgid"}, {"a number from 1"},
                       {first == nullptr ? "nothing" : describe(*first)});
    }
    Tileset set{.first = first->get<std::uint32_t>(), .source = text_of(json, "source")};
    set.external = !set.source.empty();
    const Result<std::optional<Terrain>> declared = declared_terrain(json, path);
    if (!declared) return declared.error();
    set.terrain = *declared;
    if (!set.terrain) set.terrain = terrain_word(class_of(json));
    if (!set.terrain) set.terrain = terrain_word(lower(text_of(json, "name")));
    if (Result<void> tiles = read_tiles(json, path, set); !tiles) return tiles.error();
    sets.push_back(std::move(set));
  }
  return sets;
}

// Base64 (RFC 4648) of little-endian 32-bit numbers.
Result<std::vector<std::uint32_t>> decode_base64(std::string_view text, const std::string& path) {
  std::vector<std::uint32_t> out;
  std::uint32_t bits = 0;
  int bit_count = 0;
  std::uint32_t word = 0;
  int byte_count = 0;
  bool padded = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    if (c == '=') {
      padded = true;
      continue;
    }
    const int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (value < 0 || padded) {
      return bad_tiled({path}, {"base64"}, {"another character at position ", i});
    }
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xffffffu;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    word |= (bits >> bit_count & 0xffu) << (8 * byte_count);
    if (++byte_count < 4) continue;
    out.push_back(word);
    word = 0;
    byte_count = 0;
  }
  if (byte_count != 0) {
    return bad_tiled({path}, {"base64 of whole 32-bit numbers"}, {byte_count, " bytes left over"});
  }
  return out;
}

Result<std::vector<std::uint32_t>> decode_csv(std::string_view text, const std::string& path) {
  std::vector<std::uint32_t> out;
  std::uint64_t number = 0;
  bool digits = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    if (c >= '0' && c <= '9') {
      number = number * 10 + static_cast<std::uint64_t>(c - '0');
      digits = true;
      if (number > 0xffffffffu) return bad_tiled({path}, {"32-bit numbers"}, {"a larger one"});
    } else if (c == ',') {
      // A comma at the end of the text, as some writers leave it, ends nothing.
      if (!digits && i < text.size()) {
        return bad_tiled({path}, {"numbers between commas"}, {"an empty entry at position ", i});
      }
      if (digits) out.push_back(static_cast<std::uint32_t>(number));
      number = 0;
      digits = false;
    } else if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
      return bad_tiled({path}, {"numbers between commas"}, {"another character at position ", i});
    }
  }
  return out;
}

/// The tile numbers of a layer or chunk, `count` of them. `layer` says how they are encoded.
Result<std::vector<std::uint32_t>> read_data(const Json& layer, const Json* data,
                                             const std::string& path, std::size_t count) {
  std::vector<std::uint32_t> out;
  if (data == nullptr) return bad_tiled({path}, {"the layer's tiles"}, {"nothing"});
  if (data->is_array()) {
    for (std::size_t i = 0; i < data->size(); ++i) {
      const Json& gid = (*data)[i];
      if (!gid.is_number_unsigned() || gid.get<std::uint64_t>() > 0xffffffffu) {
        return bad_tiled({path, "[", i, "]"}, {"a tile's number"}, {describe(gid)});
      }
      out.push_back(gid.get<std::uint32_t>());
    }
  } else if (data->is_string()) {
    const std::string compression = text_of(layer, "compression");
    if (!compression.empty()) {
      return bad_tiled({path},
                       {"tiles without compression (in Tiled: Map > Map Properties > Tile Layer "
                        "Format: CSV or Base64 (uncompressed), then export again)"},
                       {compression});
    }
    const auto& text = data->get_ref<const std::string&>();
    Result<std::vector<std::uint32_t>> decoded =
        text_of(layer, "encoding") == "base64" ? decode_base64(text, path) : decode_csv(text, path);
    if (!decoded) return decoded.error();
    out = std::move(*decoded);
  } else {
    return bad_tiled({path}, {"an array or a text"}, {describe(*data)});
  }
  if (out.size() != count) {
    return bad_tiled({path}, {count, " tiles"}, {out.size()});
  }
  return out;
}

struct Chunk {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  std::vector<std::uint32_t> gids;
};

struct TileLayer {
  std::string path;
  std::optional<Terrain> terrain;
  std::vector<Chunk> chunks;
};

struct ObjectLayer {
  std::string path;
  const Json* objects = nullptr;
};

/// Counts what is decoded, so that a small text cannot ask for much memory.
constexpr std::size_t tiles_max = 1 << 20;

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
                       {map_.bases.size()});
    }
    number_bases();
    return std::move(map_);
  }

 private:
  Result<int> integer(const Json& object, const char* key, const std::string& path, int low,
                      int high) {
    const Json* value = find(object, key);
    const double number = value != nullptr && value->is_number() ? value->get<double>() : low - 1.0;
    if (!(number >= low && number <= high) || number != std::floor(number)) {
      return bad_tiled({path, path.empty() ? "" : ".", key},
                       {"an integer from ", low, " to ", high},
                       {value == nullptr ? "nothing" : describe(*value)});
    }
    return static_cast<int>(number);
  }

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
    if (const Json* symmetry = property(root_, "symmetry")) {
      const auto known = symmetry->is_string() ? symmetry_named(symmetry->get<std::string>())
                                               : std::optional<Symmetry>{};
      if (!known) {
        return bad_tiled({"properties.symmetry"}, {"none, point, rotation3 or mirrors4"},
                         {describe(*symmetry)});
      }
      map_.symmetry = *known;
    }
    constexpr std::size_t name_bytes_max = 200;
    if (const Json* name = property(root_, "name"); name != nullptr && name->is_string()) {
      map_.name = name->get<std::string>().substr(0, name_bytes_max);
    }
    Result<std::vector<Tileset>> sets = read_tilesets(root_);
    if (!sets) return sets.error();
    tilesets_ = std::move(*sets);
    return {};
  }

  Result<void> read_layers() {
    const Json* layers = find(root_, "layers");
    if (layers == nullptr) return bad_tiled({"layers"}, {"an array"}, {"nothing"});
    return read_layer_list(*layers, "layers");
  }

  // Groups nest; the parser has bounded the depth.
  Result<void> read_layer_list(const Json& layers, const std::string& path) {
    if (!layers.is_array()) return bad_tiled({path}, {"an array"}, {describe(layers)});
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const Json& layer = layers[i];
      const std::string place = joined({path, "[", i, "]"});
      const std::string type = text_of(layer, "type");
      Result<void> done;
      if (type == "tilelayer") {
        done = read_tile_layer(layer, place);
      } else if (type == "objectgroup") {
        const Json* objects = find(layer, "objects");
        if (objects == nullptr || !objects->is_array()) {
          return bad_tiled({place, ".objects"}, {"an array"},
                           {objects == nullptr ? "nothing" : describe(*objects)});
        }
        object_layers_.push_back({place + ".objects", objects});
      } else if (type == "group") {
        const Json* inner = find(layer, "layers");
        if (inner != nullptr) done = read_layer_list(*inner, place + ".layers");
      } else if (type != "imagelayer") {
        return bad_tiled({place, ".type"}, {"tilelayer, objectgroup, imagelayer or group"},
                         {"\"", type, "\""});
      }
      if (!done) return done;
    }
    return {};
  }

  Result<void> read_tile_layer(const Json& json, const std::string& path) {
    TileLayer layer{.path = path};
    const Result<std::optional<Terrain>> declared = declared_terrain(json, path);
    if (!declared) return declared.error();
    layer.terrain = *declared;
    // A layer's `type` is its kind, so only the newer `class` can be a word.
    if (!layer.terrain) layer.terrain = terrain_word(lower(text_of(json, "class")));
    if (!layer.terrain) {
      const std::string name = lower(text_of(json, "name"));
      layer.terrain = terrain_word(name);
      // "Ground" and the like name a layer's place in the picture, not what can be walked on.
      if (layer.terrain == Terrain::open && name != "open") layer.terrain.reset();
    }
    if (const Json* chunks = find(json, "chunks"); chunks != nullptr && infinite_) {
      if (!chunks->is_array())
        return bad_tiled({path, ".chunks"}, {"an array"}, {describe(*chunks)});
      for (std::size_t i = 0; i < chunks->size(); ++i) {
        const std::string place = joined({path, ".chunks[", i, "]"});
        if (Result<void> done = read_chunk(json, (*chunks)[i], place, layer); !done) return done;
      }
    } else {
      if (infinite_) return bad_tiled({path, ".chunks"}, {"an array"}, {"nothing"});
      Chunk all{.width = map_.width, .height = map_.height};
      const Result<int> width = integer(json, "width", path, all.width, all.width);
      if (!width) return width.error();
      const Result<int> height = integer(json, "height", path, all.height, all.height);
      if (!height) return height.error();
      if (Result<void> done = read_gids(json, json, path, all); !done) return done;
      layer.chunks.push_back(std::move(all));
    }
    tile_layers_.push_back(std::move(layer));
    return {};
  }

  Result<void> read_chunk(const Json& layer_json, const Json& json, const std::string& path,
                          TileLayer& layer) {
    Chunk chunk;
    for (const auto& [key, target] : {std::pair{"x", &chunk.x}, std::pair{"y", &chunk.y}}) {
      const Result<int> value = integer(json, key, path, -coordinate_max, coordinate_max);
      if (!value) return value.error();
      *target = *value;
    }
    for (const auto& [key, target] :
         {std::pair{"width", &chunk.width}, std::pair{"height", &chunk.height}}) {
      const Result<int> value = integer(json, key, path, 1, 1024);
      if (!value) return value.error();
      *target = *value;
    }
    if (Result<void> done = read_gids(layer_json, json, path, chunk); !done) return done;
    layer.chunks.push_back(std::move(chunk));
    return {};
  }

  Result<void> read_gids(const Json& layer, const Json& owner, const std::string& path,
                         Chunk& chunk) {
    const std::size_t count =
        static_cast<std::size_t>(chunk.width) * static_cast<std::size_t>(chunk.height);
    tiles_ += count;
    if (tiles_ > tiles_max) {
      return bad_tiled({path}, {"at most ", tiles_max, " tiles in all layers"}, {"more"});
    }
    Result<std::vector<std::uint32_t>> gids =
        read_data(layer, find(owner, "data"), path + ".data", count);
    if (!gids) return gids.error();
    chunk.gids = std::move(*gids);
    return {};
  }

  // An infinite map's cells are those of the smallest rectangle around its tiles.
  Result<void> read_bounds() {
    if (!infinite_) return {};
    int left = coordinate_max * 2;
    int top = left;
    int right = -left;
    int bottom = -left;
    for (const TileLayer& layer : tile_layers_) {
      for (const Chunk& chunk : layer.chunks) {
        for (std::size_t i = 0; i < chunk.gids.size(); ++i) {
          if ((chunk.gids[i] & ~flip_bits) == 0) continue;
          const int x = chunk.x + static_cast<int>(i) % chunk.width;
          const int y = chunk.y + static_cast<int>(i) / chunk.width;
          left = std::min(left, x);
          right = std::max(right, x);
          top = std::min(top, y);
          bottom = std::max(bottom, y);
        }
      }
    }
    if (right < left) return bad_tiled({"layers"}, {"at least one tile"}, {"none"});
    const std::int64_t width = right - left + 1;
    const std::int64_t height = bottom - top + 1;
    if (width * height > cells_max) {
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
      for (const Chunk& chunk : layer.chunks) {
        for (std::size_t i = 0; i < chunk.gids.size(); ++i) {
          const std::uint32_t gid = chunk.gids[i] & ~flip_bits;
          if (gid == 0) continue;
          const hex::Offset at{chunk.x + static_cast<int>(i) % chunk.width - origin_.column,
                               chunk.y + static_cast<int>(i) / chunk.width - origin_.row};
          if (Result<void> done = place_tile(layer, gid, at); !done) return done;
        }
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
      if (found != set->tiles.end()) meaning = found->second;
      if (!meaning.terrain) meaning.terrain = set->terrain;
      if (set->external && !meaning.terrain && !layer.terrain) {
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
        if (Result<void> done = read_object((*layer.objects)[i], path); !done) return done;
      }
    }
    return {};
  }

  Result<void> read_object(const Json& object, const std::string& path) {
    if (!object.is_object()) return bad_tiled({path}, {"an object"}, {describe(object)});
    Meaning meaning;
    read_kind(class_of(object), meaning);
    if (!meaning.base && !meaning.site) read_kind(lower(text_of(object, "name")), meaning);
    if (Result<void> places = read_place_properties(object, path, meaning); !places) return places;
    if (!meaning.base && !meaning.site) return {};
    const Result<hex::Offset> at = cell_of(object, path);
    if (!at) return at.error();
    return add_place(meaning, *at, path);
  }

  Result<double> number(const Json& object, const char* key, const std::string& path,
                        double fallback) {
    const Json* value = find(object, key);
    if (value == nullptr) return fallback;
    constexpr double pixels_max = 1e8;
    const double read = value->is_number() ? value->get<double>() : pixels_max * 2;
    if (!(read >= -pixels_max && read <= pixels_max)) {
      return bad_tiled({path, ".", key}, {"a number of pixels"}, {describe(*value)});
    }
    return read;
  }

  /// The cell whose middle is nearest to the object's middle.
  Result<hex::Offset> cell_of(const Json& object, const std::string& path) {
    std::array<double, 4> box{};
    constexpr std::array keys{"x", "y", "width", "height"};
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Result<double> value = number(object, keys[i], path, 0);
      if (!value) return value.error();
      box[i] = *value;
    }
    const Result<int> tile_width = integer(root_, "tilewidth", "", 1, 1 << 16);
    if (!tile_width) return tile_width.error();
    const Result<int> tile_height = integer(root_, "tileheight", "", 1, 1 << 16);
    if (!tile_height) return tile_height.error();
    const Json* side_value = find(root_, "hexsidelength");
    const Result<int> side =
        side_value == nullptr ? Result<int>(0) : integer(root_, "hexsidelength", "", 0, 1 << 16);
    if (!side) return side.error();
    // Tile objects stand on their lower left corner, all others hang from the upper left one.
    const bool standing = find(object, "gid") != nullptr;
    const double x = box[0] + box[2] / 2;
    const double y = standing ? box[1] - box[3] / 2 : box[1] + box[3] / 2;
    const double along = map_.columns_staggered ? y : x;
    const double across = map_.columns_staggered ? x : y;
    const double along_size = map_.columns_staggered ? *tile_height : *tile_width;
    const double across_size = map_.columns_staggered ? *tile_width : *tile_height;
    return nearest({along, across}, along_size, across_size, *side, path);
  }

  struct Point {
    double along;   // in the direction of an unbroken line of hexagons
    double across;  // from line to line
  };

  Result<hex::Offset> nearest(Point point, double along_size, double across_size, double side,
                              const std::string& path) {
    const double pitch = (across_size + side) / 2;
    // In units where the hexagons are regular, the nearest middle is the hexagon's.
    const double across_scale = 0.8660254037844386 / pitch;
    const int lines = map_.columns_staggered ? map_.width : map_.height;
    const int length = map_.columns_staggered ? map_.height : map_.width;
    const int first_line = map_.columns_staggered ? origin_.column : origin_.row;
    const int first = map_.columns_staggered ? origin_.row : origin_.column;
    double best = 1;  // further than any point of a regular hexagon from its middle
    std::optional<hex::Offset> found;
    for (int line = 0; line < lines; ++line) {
      const double dy =
          (point.across - (first_line + line) * pitch - across_size / 2) * across_scale;
      if (dy * dy >= best) continue;
      const bool shifted = (line & 1) == (map_.even_shifted ? 0 : 1);
      const double start = (shifted ? along_size : along_size / 2);
      for (int i = 0; i < length; ++i) {
        const double dx = (point.along - (first + i) * along_size - start) / along_size;
        const double square = dx * dx + dy * dy;
        if (square >= best) continue;
        best = square;
        found = map_.columns_staggered ? hex::Offset{line, i} : hex::Offset{i, line};
      }
    }
    if (!found) return bad_tiled({path}, {"a place inside the map"}, {"one outside"});
    return *found;
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
  bool infinite_ = false;
  hex::Offset origin_{0, 0};
  std::size_t tiles_ = 0;
  std::vector<Tileset> tilesets_;
  std::vector<TileLayer> tile_layers_;
  std::vector<ObjectLayer> object_layers_;
  std::vector<std::optional<Terrain>> ground_;
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
