#include "tools/arena/opponents/opponents.hpp"

namespace redoubt::arena {

std::span<const Opponent> opponents() {
  return {};
}

}  // namespace redoubt::arena
