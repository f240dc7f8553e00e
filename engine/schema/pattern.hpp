// A regular expression in the dialect of ECMA-262 (flag u), matched in time linear in the text.
//
// A Pattern is a Thompson automaton, simulated over Unicode code points with all its states at once
// (Pike): no backtracking, so no text makes it slow. What cannot be matched that way
// (back-references, lookahead, lookbehind) is refused by compile(), by name. A Pattern is a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::schema {

inline constexpr std::size_t pattern_bytes_max = 4'096;
inline constexpr std::size_t pattern_instructions_max = 8'192;
inline constexpr int pattern_repeat_max = 1'000;  ///< largest count in {m,n}
inline constexpr int pattern_depth_max = 64;      ///< groups within groups

class Pattern {
 public:
  /// Errors carry code "bad_pattern" and, as column, the 1-based byte at fault.
  static Result<Pattern> compile(std::string_view source);

  /// Whether the pattern matches anywhere in `text` (UTF-8), as `pattern` of JSON Schema asks.
  /// O(text * instructions).
  bool found_in(std::string_view text) const;

 private:
  struct Instruction {
    std::uint8_t operation = 0;
    std::uint32_t first = 0;   ///< next instruction, or first of a class's ranges
    std::uint32_t second = 0;  ///< other branch, or end of a class's ranges
  };
  struct Range {
    char32_t low = 0;
    char32_t high = 0;
  };
  std::vector<Instruction> program_;
  std::vector<Range> ranges_;
};

}  // namespace redoubt::schema
