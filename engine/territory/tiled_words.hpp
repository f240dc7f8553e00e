// What Tiled's words mean for the game: classes, names and custom properties of tiles, objects,
// tilesets and layers (doc.mapeditor.org/en/stable/reference/json-map-format).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/message.hpp"
#include "engine/territory/map.hpp"

namespace redoubt::territory::tiled {

using Json = nlohmann::json;

/// The first thing that is wrong with a document. Readers report it and go on to their end with
/// whatever value; who called them looks here once. (A Result at each member costs more code than
/// all that is read with it, and the engine is downloaded.)
class Fault {
 public:
  bool ok() const { return error_.code.empty(); }
  /// "PATH: expected ..., got ...", code bad_map.
  void report(Pieces path, Pieces expected, Pieces got);
  Error take() { return std::move(error_); }

 private:
  Error error_;
};

/// ASCII only.
std::string lower(std::string text);
/// A member, or null where there is none or `object` is no object.
const Json* find(const Json& object, const char* key);
/// A member that is a text, or "".
std::string text_of(const Json& object, const char* key);
/// What stands there, for a message; null is "nothing".
std::string shown(const Json* value);
/// A member that is a whole number.
int integer(Fault& fault, const Json& object, const char* key, const std::string& path, int low,
            int high);
constexpr double pixels_max = 1e8;
/// A member in pixels (or in another unit), at most pixels_max either way; 0 where it is missing.
double pixels(Fault& fault, const Json& object, const char* key, const std::string& path,
              std::string_view unit = "pixels");

/// The custom properties of a tile, object, layer, ...: null where there are none.
const Json* properties_of(const Json& owner);
/// One of them: in the list of {name, value} of today or in the object of Tiled before 1.2.
const Json* property(const Json* properties, std::string_view name);
/// Lower case; Tiled 1.9 writes `class`, all others `type`.
std::string class_of(const Json& owner);

std::optional<Terrain> terrain_word(std::string_view text);
/// The explicit property `terrain`; a fault where it is no known word.
std::optional<Terrain> declared_terrain(Fault& fault, const Json* properties,
                                        const std::string& path);
/// Property `terrain`, else the class, else the name: of a tileset or of a colour of a terrain set.
std::optional<Terrain> terrain_of_named(Fault& fault, const Json& owner, const std::string& path);

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
void read_place_properties(Fault& fault, const PlaceProperties& properties, const std::string& path,
                           Meaning& meaning);
/// What a tile of this class says by itself.
Meaning read_tile(Fault& fault, const std::string& kind, const Json* properties,
                  const std::string& path);

}  // namespace redoubt::territory::tiled
