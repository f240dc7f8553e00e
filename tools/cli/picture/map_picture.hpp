// The picture of a map as it lies before the first tick: ground, bases with their start territory,
// sites. The colours and glyphs are those of the page.
#pragma once

#include "engine/territory/map.hpp"
#include "engine/territory/rules.hpp"
#include "tools/cli/picture/scene.hpp"

namespace redoubt::picture {

constexpr int cell_pixels_min = 8;
constexpr int cell_pixels_max = 128;
constexpr int cell_pixels_default = 36;

/// `cell_pixels` is the distance between the middles of neighbours.
/// REQUIRES: check(map) is ok
Scene map_picture(const territory::Map& map, const territory::Rules& rules, int cell_pixels);

}  // namespace redoubt::picture
