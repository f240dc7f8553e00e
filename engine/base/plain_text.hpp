// The bytes of a text that JSON carries as they are, and those at which one must look.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace redoubt {

/// The first place from `from` on with a quote, a backslash, a control character or a byte that is
/// not ASCII; the text's end where there is none. Eight bytes at a time.
std::size_t plain_end(std::string_view text, std::size_t from);

/// Bytes of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), 0 where there is none.
std::size_t utf8_length(std::string_view text, std::size_t at);

/// What errors say to whoever caused them: longer ones repeat a text of theirs.
constexpr std::size_t error_text_bytes_max = 4'096;

/// The text, or its beginning and "..." where it is longer; no character is cut in two.
std::string bounded_text(std::string_view text, std::size_t bytes_max = error_text_bytes_max);

}  // namespace redoubt
