// Maps drawn as text, for tests: '.' open, '~' rough, '#' obstacle, '1'..'4' bases, 'e' 'm' 'd'
// sites. Rows as stored (odd-r).
#pragma once

#include <initializer_list>
#include <string_view>

#include "engine/territory/map.hpp"

namespace redoubt::testing {

inline territory::Map drawn(std::initializer_list<std::string_view> rows) {
  using namespace territory;
  Map map;
  map.name = "drawn";
  map.height = static_cast<int>(rows.size());
  map.width = static_cast<int>(rows.begin()->size());
  map.bases.assign(4, no_cell);
  std::size_t teams = 0;
  for (std::string_view row : rows) {
    for (char c : row) {
      const auto cell = static_cast<Cell>(map.terrain.size());
      const Terrain ground = c == '#'   ? Terrain::obstacle
                             : c == '~' ? Terrain::rough
                                        : Terrain::open;
      map.terrain.push_back(ground);
      if (c >= '1' && c <= '4') {
        map.bases[static_cast<std::size_t>(c - '1')] = cell;
        teams = std::max(teams, static_cast<std::size_t>(c - '0'));
      }
      if (c == 'e') map.sites.push_back({cell, Resource::energy});
      if (c == 'm') map.sites.push_back({cell, Resource::materials});
      if (c == 'd') map.sites.push_back({cell, Resource::data});
    }
  }
  map.bases.resize(teams);
  return map;
}

}  // namespace redoubt::testing
