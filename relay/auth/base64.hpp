// Base64 as tokens and key files use it, strict: one text for one value.
//
// Decoding refuses characters outside the alphabet (white space too), a length that no encoder
// makes, and bits that are set beyond the last byte, because otherwise several texts would be one
// token (RFC 7515 2, RFC 4648 3.5).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace redoubt::auth {

/// Without padding, alphabet of RFC 4648 5.
std::string to_base64url(std::span<const std::uint8_t> bytes);
std::string to_base64url(std::string_view bytes);

/// Without padding; nothing where the text is not base64url.
std::optional<std::string> from_base64url(std::string_view text);
/// Writes to `out`, whose size must be what the text decodes to; false where it is not.
bool decode_base64url(std::string_view text, std::span<std::uint8_t> out);

}  // namespace redoubt::auth
