// What a template or an expression may cost: whatever its text and its scope, it ends soon and
// stays small.
//
// One unit of work is a node evaluated, an element looked at, or 32 bytes of text made or copied.
// Going over any bound is an Error with code "over_limit" that names the bound; nothing is cut off
// silently.
#pragma once

#include <cstddef>

namespace redoubt::prompt {

struct Limits {
  std::size_t work_max = 250'000;
  std::size_t output_bytes_max = 1 << 20;  ///< what render gives
  std::size_t text_bytes_max = 1 << 20;    ///< any one text made on the way
  std::size_t items_max = 20'000;          ///< any one list made on the way
  std::size_t memory_max = 16 << 20;       ///< bytes (json_weights) of all that is made on the way
};

// Bounds on the source, checked by compile.
inline constexpr std::size_t source_bytes_max = 256 * 1024;
inline constexpr int nesting_max = 64;           ///< of operators and brackets, and of blocks
inline constexpr std::size_t nodes_max = 65536;  ///< of one program
// Bounds on a rendering that follow from how it is carried out.
inline constexpr std::size_t variables_max = 256;  ///< names set or looped over, live at once
inline constexpr int json_depth_max = 64;          ///< of a value that is printed, compared, copied

}  // namespace redoubt::prompt
