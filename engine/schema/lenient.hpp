// The JSON value inside a language model's answer.
//
// Models wrap JSON in prose and code fences, leave trailing commas, write comments, Python's
// literals and single quotes, or are cut off. read_lenient() reads through all of that and says
// what it mended. It never invents a value: every leaf of the result stands in the text. Where the
// text ends early, open arrays and objects are closed, and a half-written string, number, literal
// or member is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt::schema {

using Json = nlohmann::json;

inline constexpr std::size_t lenient_bytes_max = 4u << 20;
inline constexpr int lenient_depth_max = 64;
inline constexpr int lenient_starts_max = 64;  ///< places in the text where a value is tried

/// What had to be mended, as bits.
enum Repair : std::uint32_t {
  repair_fence = 1u << 0,
  repair_prose = 1u << 1,
  repair_trailing_comma = 1u << 2,
  repair_single_quotes = 1u << 3,
  repair_comment = 1u << 4,
  repair_python_literal = 1u << 5,
  repair_unquoted_key = 1u << 6,
  repair_raw_control = 1u << 7,  ///< a line break or tab within a string
  repair_cut_off = 1u << 8,
};

/// The first object in `text` that reads, else the first list, in a code fence before all else;
/// `repairs` receives a set of Repair bits. Time is linear in the text for each start that is
/// tried. Errors carry code "no_json".
Result<Json> read_lenient(std::string_view text, std::uint32_t& repairs);

}  // namespace redoubt::schema
