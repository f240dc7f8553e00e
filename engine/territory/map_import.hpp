// ImportedMap: a foreign map as it is drawn, and the one way from there to a Map.
//
// 1. Cells are (column, row) of the foreign drawing, counted from 0; `terrain` is row by row.
// 2. settle() brings any of the four layouts into odd-r. Flat-top drawings (columns staggered) are
//    stored transposed. Where the even lines are the shifted ones, one line of obstacles is put in
//    front (a row on top, or a column on the left), which makes them odd.
// 3. A base's cell is made open when it is rough (a start on difficult ground is common elsewhere).
// 4. A site without a type gets the rank of its distance from the nearest base, modulo three:
//    equal distances share a rank, so that a fair drawing stays fair.
// 5. Where players may be numbered anew, those with the lowest numbers become teams 1, 2, ...; from
//    the fifth on their places are common cells. The notes say so. Otherwise a gap is an error.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/territory/map.hpp"

namespace redoubt::territory {

struct ImportedBase {
  int team = 0;  ///< counted from 0
  hex::Offset at;
};

struct ImportedSite {
  hex::Offset at;
  std::optional<Resource> type;
};

struct ImportedMap {
  std::string name;
  int width = 0;
  int height = 0;
  bool columns_staggered = false;  ///< flat-top hexagons: columns, not rows, are shifted
  bool even_shifted = false;       ///< lines 0, 2, ... are the shifted ones
  bool players_numbered_anew = false;
  Symmetry symmetry = Symmetry::none;
  std::vector<Terrain> terrain;
  std::vector<ImportedBase> bases;
  std::vector<ImportedSite> sites;
  std::vector<std::string> notes;  ///< as in Map

  Terrain& at(hex::Offset o) {
    return terrain[static_cast<std::size_t>(o.row) * static_cast<std::size_t>(width) +
                   static_cast<std::size_t>(o.column)];
  }
};

/// The checked Map, or error bad_map in the terms of the foreign drawing where they are known.
Result<Map> settle(ImportedMap drawing);

/// "row 12, column 4" of the foreign drawing.
std::string name_offset(hex::Offset at);

/// "energy", "materials", "data".
std::optional<Resource> resource_named(std::string_view text);
std::string_view resource_name(Resource type);
/// "none", "point", "rotation3", "mirrors4".
std::optional<Symmetry> symmetry_named(std::string_view text);
std::string_view symmetry_name(Symmetry symmetry);

}  // namespace redoubt::territory
