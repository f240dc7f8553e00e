#include "engine/territory/map.hpp"

#include <algorithm>
#include <array>

#include "engine/base/hash64.hpp"
#include "engine/base/message.hpp"
#include "engine/territory/map_symmetry.hpp"

namespace redoubt::territory {
namespace {

// The same bound as in read_compact, so that what can be written can be read back.
constexpr std::size_t name_bytes_max = 200;

Error bad_map(Pieces message, Pieces path, Pieces expected, Pieces got) {
  return make_error("bad_map", message, path, expected, got);
}

std::string base_path(std::size_t team) {
  return joined({"bases[", team, "]"});
}
std::string site_path(std::size_t site) {
  return joined({"sites[", site, "]"});
}
std::string base_name(std::size_t team) {
  return joined({"base ", team + 1});
}
std::string site_name(std::size_t site) {
  return joined({"site ", site + 1});
}

Result<void> check_ground(const Map& map) {
  const bool sane = map.width >= 1 && map.height >= 1 && map.width <= cells_max &&
                    map.height <= cells_max && map.cells() <= cells_max;
  if (!sane) {
    const std::string got = joined({map.width, "x", map.height});
    return bad_map({"a map of ", got, " cells is outside the limits: 1 to ", cells_max, " cells"},
                   {"size"}, {"1 to ", cells_max, " cells"}, {got});
  }
  if (map.terrain.size() != static_cast<std::size_t>(map.cells())) {
    return bad_map({"terrain has ", map.terrain.size(), " entries, expected ", map.cells()},
                   {"terrain"}, {map.cells(), " entries"}, {map.terrain.size()});
  }
  for (std::size_t i = 0; i < map.terrain.size(); ++i) {
    if (map.terrain[i] > Terrain::obstacle) {
      return bad_map({"unknown terrain (", name_cell(map, static_cast<Cell>(i)), ")"},
                     {"terrain[", i, "]"}, {"open, rough or obstacle"},
                     {static_cast<int>(map.terrain[i])});
    }
  }
  if (map.name.size() > name_bytes_max) {
    return bad_map({"the map's name is longer than ", name_bytes_max, " bytes"}, {"name"},
                   {"at most ", name_bytes_max, " bytes"}, {map.name.size(), " bytes"});
  }
  if (map.orientation > Orientation::flat_top || map.symmetry > Symmetry::mirrors4) {
    return bad_map({"unknown orientation or symmetry"}, {"symmetry"}, {"a known value"},
                   {"another value"});
  }
  return {};
}

Result<void> check_bases(const Map& map) {
  if (map.bases.size() < 2 || map.bases.size() > teams_max) {
    return bad_map({"the map has ", map.bases.size(), " bases, expected 2 to ", teams_max},
                   {"bases"}, {"2 to ", teams_max, " bases"}, {map.bases.size()});
  }
  for (std::size_t i = 0; i < map.bases.size(); ++i) {
    const Cell cell = map.bases[i];
    if (cell >= map.cells()) {
      return bad_map({base_name(i), " lies outside the map"}, {base_path(i)},
                     {"a cell below ", map.cells()}, {cell});
    }
    const std::string place = joined({" (", name_cell(map, cell), ")"});
    for (std::size_t other = 0; other < i; ++other) {
      if (map.bases[other] == cell) {
        return bad_map({base_name(other), " and ", base_name(i), " lie on one cell", place},
                       {base_path(i)}, {"a cell of its own"}, {name_cell(map, cell)});
      }
    }
    if (map.terrain[cell] != Terrain::open) {
      const bool obstacle = map.terrain[cell] == Terrain::obstacle;
      return bad_map(
          {base_name(i), (obstacle ? " lies on an obstacle" : " lies on rough ground"), place},
          {base_path(i)}, {"an open cell"}, {obstacle ? "an obstacle" : "rough ground"});
    }
  }
  return {};
}

Result<void> check_sites(const Map& map) {
  if (map.sites.size() > sites_max) {
    return bad_map(
        {"the map has ", map.sites.size(), " sites, at most ", sites_max, " are allowed"},
        {"sites"}, {"at most ", sites_max}, {map.sites.size()});
  }
  for (std::size_t i = 0; i < map.sites.size(); ++i) {
    const Site& site = map.sites[i];
    if (site.cell >= map.cells()) {
      return bad_map({site_name(i), " lies outside the map"}, {site_path(i)},
                     {"a cell below ", map.cells()}, {site.cell});
    }
    const std::string place = joined({" (", name_cell(map, site.cell), ")"});
    if (site.type > Resource::data) {
      return bad_map({site_name(i), place, " has an unknown resource"}, {site_path(i)},
                     {"energy, materials or data"}, {static_cast<int>(site.type)});
    }
    if (i > 0 && site.cell <= map.sites[i - 1].cell) {
      const bool twice = site.cell == map.sites[i - 1].cell;
      return bad_map({twice ? "two sites lie on one cell" : site_name(i), place,
                      twice ? "" : " is out of order"},
                     {site_path(i)}, {"sites on different cells, in ascending order"},
                     {name_cell(map, site.cell)});
    }
    if (map.terrain[site.cell] == Terrain::obstacle) {
      return bad_map({site_name(i), " lies on an obstacle", place}, {site_path(i)},
                     {"a passable cell"}, {"an obstacle"});
    }
    if (std::find(map.bases.begin(), map.bases.end(), site.cell) != map.bases.end()) {
      return bad_map({site_name(i), " lies on a base", place}, {site_path(i)},
                     {"a cell without a base"}, {name_cell(map, site.cell)});
    }
  }
  return {};
}

std::vector<std::uint8_t> flood(const Map& map, Cell from) {
  std::vector<std::uint8_t> reached(static_cast<std::size_t>(map.cells()), 0);
  std::vector<Cell> queue{from};
  reached[from] = 1;
  for (std::size_t head = 0; head < queue.size(); ++head) {
    const hex::Axial at = hex::to_axial(map.offset(queue[head]));
    for (const hex::Axial& step : hex::axial_steps) {
      const hex::Offset next = hex::to_offset({at.q + step.q, at.r + step.r});
      if (next.column < 0 || next.column >= map.width || next.row < 0 || next.row >= map.height) {
        continue;
      }
      const Cell cell = map.at(next);
      if (reached[cell] || map.terrain[cell] == Terrain::obstacle) continue;
      reached[cell] = 1;
      queue.push_back(cell);
    }
  }
  return reached;
}

Result<void> check_reachable(const Map& map) {
  const std::vector<std::uint8_t> reached = flood(map, map.bases[0]);
  for (std::size_t i = 1; i < map.bases.size(); ++i) {
    if (reached[map.bases[i]]) continue;
    const std::string place = name_cell(map, map.bases[i]);
    return bad_map({base_name(i), " cannot be reached from base 1 (", place, ")"}, {base_path(i)},
                   {"passable ground between all bases"}, {"no way to ", place});
  }
  return {};
}

const Site* site_on(const Map& map, Cell cell) {
  const auto found =
      std::lower_bound(map.sites.begin(), map.sites.end(), cell,
                       [](const Site& site, Cell wanted) { return site.cell < wanted; });
  return found != map.sites.end() && found->cell == cell ? &*found : nullptr;
}

std::string_view symmetry_words(Symmetry symmetry) {
  switch (symmetry) {
    case Symmetry::none:
      return "no symmetry";
    case Symmetry::point:
      return "point symmetry";
    case Symmetry::rotation3:
      return "a rotation by 120 degrees";
    case Symmetry::mirrors4:
      return "two mirrors";
  }
  return "";
}

/// That `turn` brings the map onto itself.
Result<void> check_turn(const Map& map, Turn turn) {
  const std::string expected = joined({"a map with ", symmetry_words(map.symmetry)});
  for (int i = 0; i < map.cells(); ++i) {
    const auto cell = static_cast<Cell>(i);
    const Cell image = turned(map, turn, cell);
    const std::string_view wrong = [&]() -> std::string_view {
      if (image == no_cell) {
        const bool blocked = map.terrain[cell] == Terrain::obstacle;
        return blocked ? "" : "has no image inside the map and is not an obstacle";
      }
      if (map.terrain[cell] != map.terrain[image]) return "has another terrain than its image";
      const Site* here = site_on(map, cell);
      const Site* there = site_on(map, image);
      const bool alike =
          here == nullptr ? there == nullptr : there != nullptr && here->type == there->type;
      return alike ? "" : "has another site than its image";
    }();
    if (wrong.empty()) continue;
    const std::string place = name_cell(map, cell);
    return bad_map({"the map declares ", symmetry_words(map.symmetry), ", but ", place, " ", wrong},
                   {place}, {expected},
                   {image == no_cell ? "no image" : "image " + name_cell(map, image)});
  }
  return {};
}

Result<void> check_symmetry(const Map& map) {
  if (map.symmetry == Symmetry::none) return {};
  const int wanted = map.symmetry == Symmetry::point       ? 2
                     : map.symmetry == Symmetry::rotation3 ? 3
                                                           : 4;
  if (map.teams() != wanted) {
    return bad_map({"the map declares ", symmetry_words(map.symmetry), ", which is for ", wanted,
                    " teams, but has ", map.teams()},
                   {"symmetry"}, {wanted, " bases"}, {map.teams()});
  }
  for (int team = 1; team < map.teams(); ++team) {
    const Turn turn = turn_to_first(map, team);
    const auto index = static_cast<std::size_t>(team);
    if (turn == Turn::identity) {
      return bad_map({"the map declares ", symmetry_words(map.symmetry), ", but ", base_name(index),
                      " (", name_cell(map, map.bases[index]), ") is no image of base 1"},
                     {base_path(index)}, {"the image of base 1"},
                     {name_cell(map, map.bases[index])});
    }
    if (Result<void> fits = check_turn(map, turn); !fits) return fits;
  }
  return {};
}

}  // namespace

std::uint64_t Map::hash() const {
  Hash64 hash;
  hash.add(static_cast<std::uint64_t>(width));
  hash.add(static_cast<std::uint64_t>(height));
  hash.add(static_cast<std::uint64_t>(symmetry));
  hash.add(terrain.size());
  for (Terrain t : terrain)
    hash.add(static_cast<std::uint64_t>(t));
  hash.add(bases.size());
  for (Cell base : bases)
    hash.add(base);
  hash.add(sites.size());
  for (const Site& site : sites) {
    hash.add(site.cell);
    hash.add(static_cast<std::uint64_t>(site.type));
  }
  return hash.value();
}

std::string name_cell(const Map& map, Cell cell) {
  if (map.width < 1 || cell >= map.cells()) return "no cell";
  hex::Offset at = map.offset(cell);
  if (map.orientation == Orientation::flat_top) std::swap(at.row, at.column);
  return joined({"row ", at.row, ", column ", at.column});
}

std::vector<std::string> warnings(const Map& map) {
  constexpr std::size_t places_max = 8;
  std::vector<std::string> out = map.notes;
  const std::vector<std::uint8_t> reached = flood(map, map.bases[0]);
  std::string places;
  std::size_t count = 0;
  for (const Site& site : map.sites) {
    if (reached[site.cell] != 0) continue;
    if (++count > places_max) continue;
    places += joined({count == 1 ? "" : "; ", name_cell(map, site.cell)});
  }
  if (count == 0) return out;
  if (count > places_max) places += joined({"; and ", count - places_max, " more"});
  out.push_back(joined({count, count == 1 ? " site" : " sites", " of ", map.sites.size(),
                        " cannot be reached from a base and will not be played for: ", places}));
  return out;
}

Result<void> check(const Map& map) {
  constexpr std::array checks{check_ground, check_bases, check_sites, check_reachable,
                              check_symmetry};
  for (const auto& one : checks) {
    if (Result<void> result = one(map); !result) return result;
  }
  return {};
}

}  // namespace redoubt::territory
