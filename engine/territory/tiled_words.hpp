// What Tiled's words mean for the game: classes, names and custom properties of tiles, objects,
// tilesets and layers (doc.mapeditor.org/en/stable/reference/json-map-format).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/message.hpp"
#include "engine/territory/map.hpp"

namespace redoubt::territory::tiled {

using Json = nlohmann::json;

/// "PATH: expected ..., got ...", code bad_map.
Error bad_tiled(Pieces path, Pieces expected, Pieces got);

/// ASCII only.
std::string lower(std::string text);
/// A member, or null where there is none or `object` is no object.
const Json* find(const Json& object, const char* key);
/// A member that is a text, or "".
std::string text_of(const Json& object, const char* key);
/// A member that is a whole number.
Result<int> integer(const Json& object, const char* key, const std::string& path, int low,
                    int high);
constexpr double pixels_max = 1e8;
/// A member in pixels (or in another unit), at most pixels_max either way; 0 where it is missing.
Result<double> pixels(const Json& object, const char* key, const std::string& path,
                      std::string_view unit = "pixels");

/// The custom properties of a tile, object, layer, ...: null where there are none.
const Json* properties_of(const Json& owner);
/// One of them: in the list of {name, value} of today or in the object of Tiled before 1.2.
const Json* property(const Json* properties, std::string_view name);
/// Lower case; Tiled 1.9 writes `class`, all others `type`.
std::string class_of(const Json& owner);

std::optional<Terrain> terrain_word(std::string_view text);
/// The explicit property `terrain`: a known word, nothing, or an error.
Result<std::optional<Terrain>> declared_terrain(const Json* properties, const std::string& path);
/// Property `terrain`, else the class, else the name: of a tileset or of a colour of a terrain set.
Result<std::optional<Terrain>> terrain_of_named(const Json& owner, const std::string& path);

/// What a tile, or an object, means for the game.
struct Meaning {
  std::optional<Terrain> terrain;
  bool base = false;
  std::optional<int> team;
  bool site = false;
  std::optional<Resource> resource;
};

/// The properties that make a base or a site; null where there is none. An object has its tile's
/// where it has none of its own.
struct PlaceProperties {
  const Json* base = nullptr;
  const Json* team = nullptr;
  const Json* resource = nullptr;
};
PlaceProperties place_properties(const Json* properties);

/// "base", "base 2", "site", "energy": from a class or a name.
void read_kind(const std::string& kind, Meaning& meaning);
Result<void> read_place_properties(const PlaceProperties& properties, const std::string& path,
                                   Meaning& meaning);
/// What a tile of this class says by itself.
Result<Meaning> read_tile(const std::string& kind, const Json* properties, const std::string& path);

}  // namespace redoubt::territory::tiled
