// The tile numbers of Tiled's layers: arrays, CSV, base64, packed with zlib or gzip.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/territory/tiled_words.hpp"

namespace redoubt::territory::tiled {

/// The tile numbers (with their flip bits) of a layer or chunk, `count` of them but for a fault.
/// `layer` says how `data` is encoded; null where there is none.
std::vector<std::uint32_t> read_data(Fault& fault, const Json& layer, const Json* data,
                                     const std::string& path, std::size_t count);

}  // namespace redoubt::territory::tiled
