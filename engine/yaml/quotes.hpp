// Quoted texts of YAML, as they stand in the source: where one ends, and which line it takes in
// that was hardly meant. yaml-cpp takes a quote that nobody closed, with the rest of the file as
// its text.
#pragma once

#include <optional>
#include <string_view>

namespace redoubt::yaml {

/// Behind the closing quote; npos where none closes. REQUIRES: source[open] is ' or "
std::size_t quote_end(std::string_view source, std::size_t open);

/// The line, counted from the quote's own as 0, of a quoted text that is not indented deeper than
/// `indent` columns, as YAML 1.2 asks of what goes on in a block (7.3, s-flow-line-prefix); -1 is
/// outside any block. Nothing where all lines are. Empty lines count for nothing.
std::optional<int> line_outdented(std::string_view quoted, int indent);

/// The first quote that opens a text at or after `at`: comments and quotes within words are none.
/// npos where there is none.
std::size_t next_quote(std::string_view source, std::size_t at);

}  // namespace redoubt::yaml
