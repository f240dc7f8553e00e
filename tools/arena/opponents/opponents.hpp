// Opponents: players to measure strength against, each as good as its idea allows. They are linked
// into the command and the tests only, never into the package.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "tools/arena/contestant.hpp"

namespace redoubt::arena {

using MakeOpponent = std::unique_ptr<strategy::Player> (*)(const Place&, const Settings&);

struct Opponent {
  std::string_view name;
  std::string_view what;
  std::span<const Setting> settings;
  MakeOpponent make;
};

std::span<const Opponent> opponents();

}  // namespace redoubt::arena
