// The bytes of a text that JSON carries as they are, and those at which one must look.
#pragma once

#include <cstddef>
#include <string_view>

namespace redoubt {

/// The first place from `from` on with a quote, a backslash, a control character or a byte that is
/// not ASCII; the text's end where there is none. Eight bytes at a time.
std::size_t plain_end(std::string_view text, std::size_t from);

/// Bytes of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), 0 where there is none.
std::size_t utf8_length(std::string_view text, std::size_t at);

}  // namespace redoubt
