// Which encoding of a resource a client wants (RFC 9110, 12.5.3).
#pragma once

#include <cstdint>
#include <string_view>

namespace redoubt::http {

enum class Encoding : std::uint8_t { identity, gzip, br };
/// The token on the wire; "" for identity.
std::string_view to_string(Encoding encoding);

struct AvailableEncodings {
  bool gzip = false;
  bool br = false;
};

/// The available encoding with the highest q in an Accept-Encoding value; among equals br, gzip,
/// identity. Identity where nothing is acceptable: a body that may be refused beats none.
Encoding choose_encoding(std::string_view accept_encoding, AvailableEncodings available);

}  // namespace redoubt::http
