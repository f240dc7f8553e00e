// Base64 (RFC 4648) as JSON documents carry bytes. Whoever checks a token reads it strictly
// (relay/auth/base64.hpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace redoubt {

/// With padding, in the alphabet of RFC 4648 4.
std::string to_base64(std::string_view bytes);

/// Either alphabet, with or without padding; nothing for any other text. O(bytes)
std::optional<std::string> from_base64(std::string_view text);

}  // namespace redoubt
