// Unpacks zlib (RFC 1950) and gzip (RFC 1952) data, the same natively and in WebAssembly.
//
// For files of a few hundred kilobytes that somebody else wrote, such as Tiled's layers: a bit at a
// time, without tables. Both check sums are compared.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt {

enum class Packing { zlib, gzip };

/// Error "bad_packing": not of this packing, damaged, cut, more after its end, or more than
/// `bytes_max` bytes unpacked.
Result<std::string> unpack(std::string_view packed, Packing packing, std::size_t bytes_max);

}  // namespace redoubt
