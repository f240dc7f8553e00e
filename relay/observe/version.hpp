#pragma once

#include <string_view>

namespace redoubt::observe {

/// Of this build: what CMakeLists.txt says of the project.
extern const std::string_view relay_version;

}  // namespace redoubt::observe
