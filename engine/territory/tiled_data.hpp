// The tile numbers of Tiled's layers: arrays, CSV, base64, packed with zlib or gzip.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::territory::tiled {

/// The tile numbers (with their flip bits) of a layer or chunk, `count` of them. `layer` says how
/// `data` is encoded; null where there is none.
Result<std::vector<std::uint32_t>> read_data(const nlohmann::json& layer,
                                             const nlohmann::json* data, const std::string& path,
                                             std::size_t count);

}  // namespace redoubt::territory::tiled
