// A regular expression in the dialect of ECMA-262 (flag u), matched in time linear in the text.
//
// A Pattern is a Thompson automaton, simulated over Unicode code points with all its states at once
// (Pike): no backtracking, so no text makes it slow. What cannot be matched that way
// (back-references, lookahead, lookbehind) is refused by compile(), by name. Beyond the dialect,
// a backslash may stand before any ASCII punctuation. A Pattern is a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::schema {

inline constexpr std::size_t pattern_bytes_max = 4'096;
inline constexpr std::size_t pattern_instructions_max = 8'192;
inline constexpr std::size_t pattern_ranges_max = 65'536;  ///< of code points, all classes
inline constexpr int pattern_repeat_max = 1'000;           ///< largest count in {m,n}
inline constexpr int pattern_depth_max = 64;               ///< groups within groups

class Pattern {
 public:
  /// Errors carry code "bad_pattern" and, as column, the 1-based byte at fault.
  static Result<Pattern> compile(std::string_view source);

  /// Whether the pattern matches anywhere in `text` (UTF-8), as `pattern` of JSON Schema asks.
  /// O(text * instructions).
  bool found_in(std::string_view text) const;
  std::size_t instructions() const { return program_.size(); }
  /// What the compiled form takes.
  std::size_t bytes() const {
    return program_.size() * sizeof(Instruction) + ranges_.size() * sizeof(Range);
  }

  enum class Operation : std::uint8_t { one_of, split, jump, start, end, word_edge, no_word_edge };
  struct Instruction {
    Operation operation;
    std::int32_t first;   ///< of one_of: its first range; of split and jump: where, relative
    std::int32_t second;  ///< of one_of: the end of its ranges; of split: where else, relative
  };
  struct Range {
    char32_t low;
    char32_t high;  ///< inclusive
  };

 private:
  std::vector<Instruction> program_;  ///< running past its end is the match
  std::vector<Range> ranges_;
};

}  // namespace redoubt::schema
