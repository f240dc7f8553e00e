// Tiled's tilesets: what each tile means, and what a tile object takes from its tile.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "engine/territory/tiled_words.hpp"

namespace redoubt::territory::tiled {

/// Tiled keeps in a tile's number how it is flipped and turned; for the game it is the same tile.
constexpr std::uint32_t flip_bits = 0xf0000000u;

struct Size {
  double width = 0;
  double height = 0;
};

struct Tile {
  Meaning meaning;
  const Json* json = nullptr;  ///< for its class; null where only its terrain is known
  PlaceProperties properties;
  Size size;  ///< pixels, of a tile with an image of its own; else 0
};

struct Tileset {
  std::uint32_t first = 0;
  std::string source;  ///< of an external tileset, whose tiles are not in the map
  std::optional<Terrain> terrain;
  Size tile_size;  ///< pixels, 0 where it is not said
  /// Where a tile object's x and y lie in its box: 0, 0 is the upper left corner.
  double align_x = 0;
  double align_y = 1;
  double offset_x = 0;  ///< its tiles are drawn so many pixels further on
  double offset_y = 0;
  std::map<std::uint32_t, Tile> tiles;  ///< by number inside the set; only those that say something

  bool external() const { return !source.empty(); }
};

/// The map's tilesets. Pointers into `root` are kept: it must outlive them.
std::vector<Tileset> read_tilesets(Fault& fault, const Json& root);

}  // namespace redoubt::territory::tiled
