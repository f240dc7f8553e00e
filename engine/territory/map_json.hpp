// The readers of maps in JSON, after parsing: read_map parses once and looks what it has.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "engine/territory/map.hpp"

namespace redoubt::territory {

/// Bounded parsing; error bad_map with line and column.
Result<nlohmann::json> parse_map_json(std::string_view text);

Result<Map> read_compact(const nlohmann::json& document);
Result<Map> read_tiled(const nlohmann::json& document);

}  // namespace redoubt::territory
