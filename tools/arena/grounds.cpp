#include "tools/arena/grounds.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/base/hash64.hpp"
#include "engine/territory/board.hpp"

namespace redoubt::arena {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t map_file_bytes_max = 4 << 20;
constexpr std::array<std::string_view, 4> map_extensions{".map", ".json", ".tmj", ".txt"};

Error bad_file(const std::string& path, const std::string& what) {
  return {.code = "bad_file", .message = path + ": " + what, .path = path, .got = what};
}

int permille_of(const std::vector<int>& counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  return *most == 0 ? 1000 : 1000 * *least / *most;
}

// Empty where the map may be played; else why not.
std::string objection(const territory::Map& map, int teams) {
  if (map.teams() != teams) {
    return "is for " + std::to_string(map.teams()) + " teams, not " + std::to_string(teams);
  }
  const Evenness even = evenness_of(map);
  if (even.ground_permille < ground_even_permille_min) {
    return "is unfair: one base has " + std::to_string(even.ground_permille / 10) +
           " % of the ground that another has";
  }
  if (even.sites_permille < sites_even_permille_min) {
    return "is unfair: one base has " + std::to_string(even.sites_permille / 10) +
           " % of the sites that another has";
  }
  return "";
}

Result<std::vector<std::string>> files_of(const GroundOptions& options) {
  std::error_code fault;
  std::vector<std::string> files;
  if (!options.only.empty()) {
    for (const std::string& name : options.only) {
      const std::string path = (fs::path(options.folder) / name).string();
      if (!fs::is_regular_file(path, fault)) return bad_file(path, "there is no such file");
      files.push_back(path);
    }
  } else {
    for (const auto& entry : fs::directory_iterator(options.folder, fault)) {
      const std::string extension = entry.path().extension().string();
      const bool map = std::find(map_extensions.begin(), map_extensions.end(), extension) !=
                       map_extensions.end();
      if (map && entry.is_regular_file(fault)) files.push_back(entry.path().string());
    }
    if (fault) return bad_file(options.folder, fault.message());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::string Ground::label() const {
  if (!file.empty()) return fs::path(file).filename().string();
  return std::to_string(map.width) + "x" + std::to_string(map.height) + " seed " +
         std::to_string(map_seed);
}

Evenness evenness_of(const territory::Map& map) {
  const auto board = territory::Board::make(map, territory::default_rules());
  if (!board) return {};
  std::vector<int> ground(static_cast<std::size_t>(map.teams()));
  std::vector<int> sites(ground.size());
  std::vector<const std::uint16_t*> ways;
  for (int team = 0; team < map.teams(); ++team)
    ways.push_back(board->distances_to(board->base(team)));
  for (int c = 0; c < board->cells(); ++c) {
    const auto cell = static_cast<territory::Cell>(c);
    if (!board->reachable(cell)) continue;
    std::size_t nearest = 0;
    bool tie = false;
    for (std::size_t team = 1; team < ways.size(); ++team) {
      tie = ways[team][cell] == ways[nearest][cell] ||
            (tie && ways[team][cell] > ways[nearest][cell]);
      if (ways[team][cell] < ways[nearest][cell]) nearest = team;
    }
    if (tie) continue;
    ++ground[nearest];
    sites[nearest] += board->site_at(cell) >= 0;
  }
  return {.ground_permille = permille_of(ground), .sites_permille = permille_of(sites)};
}

Result<territory::Map> read_ground_file(const std::string& path) {
  std::error_code fault;
  const std::uintmax_t bytes = fs::file_size(path, fault);
  if (fault) return bad_file(path, fault.message());
  if (bytes > map_file_bytes_max) return bad_file(path, "is larger than 4 MB");
  std::ifstream in(path, std::ios::binary);
  if (!in) return bad_file(path, "cannot be read");
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return territory::read_map(text, fs::path(path).stem().string());
}

Result<territory::Map> generate_ground(int width, int height, int teams, std::uint64_t seed) {
  auto map = territory::generate({.width = width, .height = height, .teams = teams, .seed = seed});
  if (!map) map.error().code = "bad_use";
  return map;
}

Result<Grounds> read_grounds(const GroundOptions& options) {
  Grounds grounds;
  if (!options.folder.empty()) {
    const auto files = files_of(options);
    if (!files) return files.error();
    for (const std::string& file : *files) {
      auto map = read_ground_file(file);
      std::string why = map ? objection(*map, options.teams) : map.error().message;
      if (why.empty()) {
        grounds.played.push_back({.map = std::move(*map), .file = file});
      } else {
        grounds.passed_over.push_back({.file = file, .why = std::move(why)});
      }
    }
  }
  for (int i = 0; i < options.generated; ++i) {
    // Seeds that people can type again.
    const std::uint64_t seed = mix64(options.seed * 0x10001u + static_cast<std::uint64_t>(i)) >> 40;
    auto map = generate_ground(options.width, options.height, options.teams, seed);
    if (!map) return map.error();
    grounds.played.push_back({.map = std::move(*map), .map_seed = seed});
  }
  if (grounds.played.empty()) {
    std::string why;
    for (const PassedOver& each : grounds.passed_over)
      why += "\n  " + each.file + " " + each.why;
    return Error{.code = "bad_use",
                 .message = options.folder + ": no map for " + std::to_string(options.teams) +
                            " teams" + why,
                 .path = options.folder,
                 .expected = "a map for " + std::to_string(options.teams) + " teams",
                 .got = "none"};
  }
  return grounds;
}

}  // namespace redoubt::arena
