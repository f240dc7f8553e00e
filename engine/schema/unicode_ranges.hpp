// The code points of the Unicode properties that a pattern may name with \p{...}.
#pragma once

#include <string_view>

namespace redoubt::schema {

/// For each range, the gap since the end of the one before and its length, both as LEB128.
/// Empty where the property is not known. Known: L (Letter), Nd (Decimal_Number).
std::basic_string_view<unsigned char> unicode_ranges(std::string_view property);

}  // namespace redoubt::schema
