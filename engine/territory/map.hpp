// Map: the ground a match is played on. A value; immutable once a Board is made from it.
//
// 1. Cells are odd-r indices (hex.hpp). `terrain` has width * height entries.
// 2. bases[t] is team t's base cell; there are 2 to teams_max of them, on different open cells.
// 3. sites are in ascending order of cell; none lies on an obstacle or on a base.
// 4. hash() covers size, terrain, bases, sites and symmetry, not name or orientation.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/hex/hex.hpp"

namespace redoubt::territory {

using hex::Cell;
using hex::no_cell;

constexpr int cells_max = 4096;
constexpr int teams_max = 4;
constexpr int sites_max = 96;

enum class Terrain : std::uint8_t { open, rough, obstacle };
enum class Resource : std::uint8_t { energy, materials, data };
constexpr int resources = 3;

/// How the cells map onto each other when the teams change places. `none`: an imported map without
/// a known symmetry; every team then breaks ties in the same frame.
enum class Symmetry : std::uint8_t { none, point, rotation3, mirrors4 };

/// How the map wants to be drawn: flat_top maps are stored transposed (column <-> row).
enum class Orientation : std::uint8_t { pointy_top, flat_top };

struct Site {
  Cell cell = no_cell;
  Resource type = Resource::energy;
  friend bool operator==(const Site&, const Site&) = default;
};

struct Map {
  std::string name;
  int width = 0;   ///< columns
  int height = 0;  ///< rows
  Orientation orientation = Orientation::pointy_top;
  Symmetry symmetry = Symmetry::none;
  std::vector<Terrain> terrain;
  std::vector<Cell> bases;
  std::vector<Site> sites;
  std::vector<std::string>
      notes;  ///< what a reader changed, for people; neither hashed nor written

  int cells() const { return width * height; }
  int teams() const { return static_cast<int>(bases.size()); }
  Cell at(hex::Offset o) const { return static_cast<Cell>(o.row * width + o.column); }
  hex::Offset offset(Cell c) const { return {c % width, c / width}; }
  std::uint64_t hash() const;
};

/// "row 12, column 4", counted from 0 in the map's own drawing.
std::string name_cell(const Map& map, Cell cell);

/// Checks every invariant above, the hard limits of the rules, that all bases reach each other, and
/// that a declared symmetry holds. Error code bad_map; path names the cell, base or site.
Result<void> check(const Map& map);

/// What a person should know about a map that passed its check: its notes, and the sites that no
/// base reaches, which nobody can play for.
std::vector<std::string> warnings(const Map& map);

/// Our own compact JSON: {"format":"redoubt-map","version":1,"name",...,"rows":["..#~",...],
/// "bases":[[column,row],...],"sites":[[column,row,"energy"],...]}. Lossless both ways.
Result<Map> read_compact(std::string_view text);
std::string write_compact(const Map& map);

/// Tiled's JSON map format, orientation hexagonal, any stagger axis and index
/// (doc.mapeditor.org/en/stable/reference/json-map-format).
Result<Map> read_tiled(std::string_view text);

/// Wesnoth's text map format; the mapping of terrain codes is described in the source.
Result<Map> read_wesnoth(std::string_view text);

/// Any of the three, told apart by content. `name` names the map where the text does not.
Result<Map> read_map(std::string_view text, std::string_view name = "");

struct GenerateOptions {
  int width = 40;
  int height = 28;
  int teams = 2;
  std::uint64_t seed = 1;
  int obstacle_permille = 100;
  int rough_permille = 80;
  int sites_per_team = 8;
  int site_base_distance_min = 3;
};

/// A map that is fair by symmetry (point for two teams, 120-degree rotation for three, two mirrors
/// for four). Error bad_map where the options cannot be met.
Result<Map> generate(const GenerateOptions& options);

}  // namespace redoubt::territory
