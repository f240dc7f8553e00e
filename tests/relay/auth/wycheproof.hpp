// The test vectors of C2SP/wycheproof, where they are: in the folder that REDOUBT_WYCHEPROOF names,
// or beside the project. Tests say that they were skipped where they are not.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/json.hpp"

namespace redoubt::auth {

inline std::optional<Json> wycheproof(const std::string& name) {
  const char* named = std::getenv("REDOUBT_WYCHEPROOF");
  const std::string folder = named != nullptr ? named : "../shared/wycheproof";
  std::ifstream file(folder + "/" + name, std::ios::binary);
  if (!file) {
    MESSAGE("skipped: no test vectors at " << folder << "/" << name);
    return std::nullopt;
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  Json json = Json::parse(text, nullptr, false);
  REQUIRE_FALSE(json.is_discarded());
  return json;
}

inline std::vector<std::uint8_t> from_hex(const std::string& text) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

}  // namespace redoubt::auth
