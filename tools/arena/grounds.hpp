// Grounds: the maps of a measurement, from a folder or generated, and which ones are passed over.
#pragma once

#include <string>
#include <vector>

#include "engine/territory/map.hpp"

namespace redoubt::arena {

/// A map with where it came from, so that one game's line is enough to play it again.
struct Ground {
  territory::Map map;
  std::string file;            ///< a path; empty: generated
  std::uint64_t map_seed = 0;  ///< of a generated one
  std::string label() const;   ///< the file's name, or "40x28 seed 7"
};

struct PassedOver {
  std::string file;
  std::string why;
};

/// How even a map is between its teams: the smallest of what each team has, over the largest.
struct Evenness {
  int ground_permille = 0;  ///< cells that are nearer to its base than to any other's
  int sites_permille = 0;
};
Evenness evenness_of(const territory::Map& map);
/// Swapping seats takes a lean out of the score, but on a map that decides the game itself both
/// games of a pair say nothing.
constexpr int ground_even_permille_min = 600;
constexpr int sites_even_permille_min = 600;

struct GroundOptions {
  std::string folder;             ///< of map files; empty: none
  std::vector<std::string> only;  ///< names of files in it; empty: all
  int width = 40;                 ///< of generated ones
  int height = 28;
  int generated = 0;
  int teams = 2;
  std::uint64_t seed = 1;
};

struct Grounds {
  std::vector<Ground> played;  ///< files by name, then generated ones
  std::vector<PassedOver> passed_over;
};

/// Errors: bad_file (no such folder, a name of `only` that is not there), bad_use (a size that
/// cannot be generated, no map left).
Result<Grounds> read_grounds(const GroundOptions& options);

/// The map of one game's line. Errors: bad_file, bad_map, bad_use.
Result<territory::Map> read_ground_file(const std::string& path);
Result<territory::Map> generate_ground(int width, int height, int teams, std::uint64_t seed);

}  // namespace redoubt::arena
