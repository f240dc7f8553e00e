// redoubt map: describes, converts and draws a map.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/hash64.hpp"
#include "engine/territory/board.hpp"
#include "engine/territory/map_import.hpp"
#include "tools/cli/picture/map_picture.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

using territory::Board;
using territory::Cell;
using territory::Map;
using territory::Resource;
using territory::Terrain;

int count(const Map& map, Terrain kind) {
  return static_cast<int>(std::count(map.terrain.begin(), map.terrain.end(), kind));
}

int count(const Map& map, Resource type) {
  return static_cast<int>(std::count_if(map.sites.begin(), map.sites.end(),
                                        [&](const auto& site) { return site.type == type; }));
}

const char* orientation_name(const Map& map) {
  return map.orientation == territory::Orientation::flat_top ? "flat_top" : "pointy_top";
}

nlohmann::json described(const Board& board) {
  const Map& map = board.map();
  const auto place = [&](Cell cell) {
    hex::Offset at = map.offset(cell);
    if (map.orientation == territory::Orientation::flat_top) std::swap(at.row, at.column);
    return nlohmann::json{{"row", at.row}, {"column", at.column}, {"cell", cell}};
  };
  nlohmann::json out = {{"name", map.name},
                        {"hash", hex16(map.hash())},
                        {"width", map.width},
                        {"height", map.height},
                        {"orientation", orientation_name(map)},
                        {"symmetry", territory::symmetry_name(map.symmetry)},
                        {"teams", map.teams()},
                        {"cells",
                         {{"all", map.cells()},
                          {"open", count(map, Terrain::open)},
                          {"rough", count(map, Terrain::rough)},
                          {"obstacle", count(map, Terrain::obstacle)},
                          {"reachable", board.reachable_cells()}}},
                        {"bases", nlohmann::json::array()},
                        {"sites", nlohmann::json::array()},
                        {"warnings", territory::warnings(map)}};
  for (Cell base : map.bases)
    out["bases"].push_back(place(base));
  for (const territory::Site& site : map.sites) {
    nlohmann::json one = place(site.cell);
    one["resource"] = territory::resource_name(site.type);
    out["sites"].push_back(std::move(one));
  }
  return out;
}

void print_description(const Board& board) {
  const Map& map = board.map();
  const bool flat = map.orientation == territory::Orientation::flat_top;
  std::printf("name      %s\n", map.name.c_str());
  std::printf("size      %dx%d (stored), drawn %s\n", map.width, map.height,
              flat ? "flat-top, columns staggered" : "pointy-top, rows staggered");
  std::printf("cells     %s: %s open, %s rough, %s; %s reachable from a base\n",
              grouped(map.cells()).c_str(), grouped(count(map, Terrain::open)).c_str(),
              grouped(count(map, Terrain::rough)).c_str(),
              counted(count(map, Terrain::obstacle), "obstacle").c_str(),
              grouped(board.reachable_cells()).c_str());
  std::printf("symmetry  %s\n", std::string(territory::symmetry_name(map.symmetry)).c_str());
  for (int team = 0; team < map.teams(); ++team) {
    const Cell base = map.bases[static_cast<std::size_t>(team)];
    std::printf("base %d    %s (%s)", team + 1, name_cell(map, base).c_str(),
                std::string(team_name(team)).c_str());
    if (team > 0)
      std::printf(", %s from base 1", counted(board.distance(map.bases[0], base), "step").c_str());
    std::printf("\n");
  }
  std::printf("sites     %zu: %d energy, %d materials, %d data\n", map.sites.size(),
              count(map, Resource::energy), count(map, Resource::materials),
              count(map, Resource::data));
  std::printf("hash      %s\n", hex16(map.hash()).c_str());
}

bool ends_with(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

Result<std::string> picture_bytes(const Map& map, const territory::Rules& rules,
                                  const MapOptions& options) {
  const int pixels = options.cell_pixels == 0 ? picture::cell_pixels_default : options.cell_pixels;
  const picture::Scene scene = picture::map_picture(map, rules, pixels);
  if (ends_with(options.picture_file, ".svg")) return picture::write_svg(scene);
  if (ends_with(options.picture_file, ".png")) return picture::write_png(scene);
  return Error{.code = "bad_use",
               .message = "--picture " + options.picture_file + ": expected a name in .png or .svg",
               .path = "--picture",
               .expected = "a name in .png or .svg",
               .got = options.picture_file};
}

Result<void> write_results(const Map& map, const territory::Rules& rules,
                           const MapOptions& options) {
  if (!options.picture_file.empty()) {
    const Result<std::string> bytes = picture_bytes(map, rules, options);
    if (!bytes) return bytes.error();
    if (Result<void> written = write_file(options.picture_file, *bytes); !written) return written;
  }
  if (options.to_file == "-") {
    const std::string text = write_compact(map);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return {};
  }
  return options.to_file.empty() ? Result<void>{} : write_file(options.to_file, write_compact(map));
}

}  // namespace

int map(const MapOptions& options) {
  Result<Map> ground = load_ground(options.ground);
  if (!ground) return report(ground.error(), options.json);
  if (!options.name.empty()) ground->name = options.name;
  const Result<territory::Rules> rules = load_rules(options.rules_file);
  if (!rules) return report(rules.error(), options.json);
  const Result<Board> board = Board::make(*ground, *rules);
  if (!board) return report(board.error(), options.json, options.ground.file);
  if (Result<void> done = write_results(*ground, *rules, options); !done) {
    return report(done.error(), options.json);
  }
  if (!options.json || options.to_file == "-") warn(*ground, options.ground);
  // With the map itself on stdout there is no room for its description.
  if (options.to_file == "-") return exit_ok;
  if (options.json) {
    const std::string text =
        described(*board).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
    std::printf("%s\n", text.c_str());
  } else {
    print_description(*board);
  }
  return exit_ok;
}

}  // namespace redoubt::cli
