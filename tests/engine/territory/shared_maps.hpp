// The twelve real maps that tests and the arena read where they exist: the folder that REDOUBT_MAPS
// names, else ../shared/maps seen from the working directory. Never part of the project.
#pragma once

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace redoubt::testing {

constexpr std::array<const char*, 12> shared_map_names{"2p_Caves_of_the_Basilisk",
                                                       "2p_Den_of_Onis",
                                                       "2p_Fallenstar_Lake",
                                                       "2p_Hamlets",
                                                       "2p_Howling_Ghost_Badlands",
                                                       "2p_Sablestone_Delta",
                                                       "2p_Silverhead_Crossing",
                                                       "2p_Sullas_Ruins",
                                                       "2p_The_Freelands",
                                                       "2p_Weldyn_Channel",
                                                       "3p_Morituri",
                                                       "4p_Hamlets"};

/// The text of one shared map, or nothing where the folder is not there.
inline std::optional<std::string> shared_map(const std::string& name) {
  const char* folder = std::getenv("REDOUBT_MAPS");
  std::ifstream file(std::string(folder != nullptr ? folder : "../shared/maps") + "/" + name +
                     ".map");
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

}  // namespace redoubt::testing
