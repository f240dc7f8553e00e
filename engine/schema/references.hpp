// References between schemas: URIs against their base, and tokens of JSON Pointers. Internal to
// this folder.
#pragma once

#include <string>
#include <string_view>

namespace redoubt::schema {

/// RFC 3986, section 5.2, for a reference without its fragment.
std::string resolve(const std::string& base, const std::string& reference);

/// A member's name as a token of a JSON Pointer (RFC 6901).
std::string pointer_token(std::string_view raw);

}  // namespace redoubt::schema
