#include "engine/territory/map_import.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "engine/base/message.hpp"
#include "engine/base/stable_order.hpp"

namespace redoubt::territory {
namespace {

constexpr std::array<std::string_view, resources> resource_names{"energy", "materials", "data"};
constexpr std::array<std::string_view, 4> symmetry_names{"none", "point", "rotation3", "mirrors4"};

// Puts one line of obstacles in front of the staggered axis, so that even lines become odd.
void shift_to_odd(ImportedMap& drawing) {
  ImportedMap shifted = drawing;
  const hex::Offset by = drawing.columns_staggered ? hex::Offset{1, 0} : hex::Offset{0, 1};
  shifted.width += by.column;
  shifted.height += by.row;
  shifted.terrain.assign(
      static_cast<std::size_t>(shifted.width) * static_cast<std::size_t>(shifted.height),
      Terrain::obstacle);
  for (int row = 0; row < drawing.height; ++row) {
    for (int column = 0; column < drawing.width; ++column) {
      shifted.at({column + by.column, row + by.row}) = drawing.at({column, row});
    }
  }
  for (ImportedBase& base : shifted.bases) {
    base.at = {base.at.column + by.column, base.at.row + by.row};
  }
  for (ImportedSite& site : shifted.sites) {
    site.at = {site.at.column + by.column, site.at.row + by.row};
  }
  shifted.even_shifted = false;
  drawing = std::move(shifted);
}

Error bad_team(const ImportedBase& base, Pieces message) {
  return make_error("bad_map", message, {name_offset(base.at)},
                    {"one base for each team, numbered from 1 without a gap"},
                    {"team ", base.team + 1});
}

/// REQUIRES: bases in the order of their numbers.
void number_players(ImportedMap& drawing) {
  const std::size_t all = drawing.bases.size();
  if (all > teams_max) drawing.bases.resize(teams_max);
  std::string players;
  std::string teams;
  for (std::size_t i = 0; i < drawing.bases.size(); ++i) {
    const std::string_view comma = i == 0 ? "" : ", ";
    players += joined({comma, drawing.bases[i].team + 1});
    teams += joined({comma, i + 1});
    drawing.bases[i].team = static_cast<int>(i);
  }
  if (all > teams_max) {
    drawing.notes.push_back(
        joined({"the map is for ", all, " players, at most ", teams_max, " can play here: players ",
                players, " were taken, the others' places are common cells"}));
  }
  if (players != teams) {
    drawing.notes.push_back(joined({"players ", players, " became teams ", teams}));
  }
}

Result<void> settle_teams(ImportedMap& drawing) {
  sort_stable(drawing.bases,
              [](const ImportedBase& a, const ImportedBase& b) { return a.team < b.team; });
  for (std::size_t i = 0; i < drawing.bases.size(); ++i) {
    const ImportedBase& base = drawing.bases[i];
    const std::string place = name_offset(base.at);
    if (i > 0 && drawing.bases[i - 1].team == base.team) {
      return bad_team(base, {"team ", base.team + 1, " has two bases (", place, ")"});
    }
    if (base.team != static_cast<int>(i) && !drawing.players_numbered_anew) {
      return bad_team(base, {"there is a base of team ", base.team + 1, " (", place,
                             "), but none of team ", i + 1});
    }
  }
  if (drawing.players_numbered_anew) number_players(drawing);
  return {};
}

void rank_sites(const Map& map, std::vector<std::pair<Site, bool>>& sites) {
  const auto distance_to_base = [&](Cell cell) {
    int best = cells_max;
    for (Cell base : map.bases) {
      best = std::min(best, hex::distance(map.offset(cell), map.offset(base)));
    }
    return best;
  };
  std::vector<int> distances;
  for (const auto& [site, typed] : sites) {
    if (!typed) distances.push_back(distance_to_base(site.cell));
  }
  sort_stable(distances, std::less<int>());
  distances.erase(std::unique(distances.begin(), distances.end()), distances.end());
  for (auto& [site, typed] : sites) {
    if (typed) continue;
    const auto rank =
        std::lower_bound(distances.begin(), distances.end(), distance_to_base(site.cell)) -
        distances.begin();
    site.type = static_cast<Resource>(rank % resources);
  }
}

bool has_cells(const ImportedMap& drawing) {
  return drawing.width >= 1 && drawing.height >= 1 && drawing.width <= cells_max &&
         drawing.height <= cells_max && drawing.width * drawing.height <= cells_max;
}

}  // namespace

std::string name_offset(hex::Offset at) {
  return joined({"row ", at.row, ", column ", at.column});
}

std::string_view resource_name(Resource type) {
  return resource_names[static_cast<std::size_t>(type)];
}

std::optional<Resource> resource_named(std::string_view text) {
  for (std::size_t i = 0; i < resource_names.size(); ++i) {
    if (resource_names[i] == text) return static_cast<Resource>(i);
  }
  return std::nullopt;
}

std::string_view symmetry_name(Symmetry symmetry) {
  return symmetry_names[static_cast<std::size_t>(symmetry)];
}

std::optional<Symmetry> symmetry_named(std::string_view text) {
  for (std::size_t i = 0; i < symmetry_names.size(); ++i) {
    if (symmetry_names[i] == text) return static_cast<Symmetry>(i);
  }
  return std::nullopt;
}

Result<Map> settle(ImportedMap drawing) {
  Map map;
  map.name = drawing.name;
  map.width = drawing.width;
  map.height = drawing.height;
  // Sizes first: everything below indexes by them.
  if (!has_cells(drawing)) return check(map).error();
  if (Result<void> teams = settle_teams(drawing); !teams) return teams.error();
  map.notes = drawing.notes;
  if (drawing.even_shifted) shift_to_odd(drawing);

  const bool transposed = drawing.columns_staggered;
  map.symmetry = drawing.symmetry;
  map.orientation = transposed ? Orientation::flat_top : Orientation::pointy_top;
  map.width = transposed ? drawing.height : drawing.width;
  map.height = transposed ? drawing.width : drawing.height;
  if (!has_cells(drawing)) return check(map).error();
  const auto stored = [&](hex::Offset at) {
    return map.at(transposed ? hex::Offset{at.row, at.column} : at);
  };
  map.terrain.resize(static_cast<std::size_t>(map.cells()));
  for (int row = 0; row < drawing.height; ++row) {
    for (int column = 0; column < drawing.width; ++column) {
      map.terrain[stored({column, row})] = drawing.at({column, row});
    }
  }
  for (const ImportedBase& base : drawing.bases) {
    const Cell cell = stored(base.at);
    if (map.terrain[cell] == Terrain::rough) map.terrain[cell] = Terrain::open;
    map.bases.push_back(cell);
  }
  std::vector<std::pair<Site, bool>> sites;
  for (const ImportedSite& site : drawing.sites) {
    const Site one{stored(site.at), site.type.value_or(Resource::energy)};
    sites.emplace_back(one, site.type.has_value());
  }
  sort_stable(sites, [](const auto& a, const auto& b) { return a.first.cell < b.first.cell; });
  rank_sites(map, sites);
  for (const auto& [site, typed] : sites)
    map.sites.push_back(site);
  if (Result<void> good = check(map); !good) return good.error();
  return map;
}

}  // namespace redoubt::territory
