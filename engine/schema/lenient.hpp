// The JSON value inside a language model's answer.
//
// Models wrap JSON in prose and code fences, leave trailing commas, write Python's literals, or are
// cut off. read_lenient() reads through all of that and says which repairs it made. It never
// invents a value: every leaf of the result stands in the text. Where the text ends early, open
// arrays and objects are closed and a half-written string, number, literal or member is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt::schema {

using Json = nlohmann::json;

inline constexpr std::size_t lenient_bytes_max = 1 << 20;
inline constexpr int lenient_depth_max = 32;
inline constexpr int lenient_starts_max = 64;  ///< places in the text where a value is tried

/// What had to be mended, as bits.
enum Repair : std::uint32_t {
  repair_fence = 1 << 0,
  repair_prose = 1 << 1,
  repair_trailing_comma = 1 << 2,
  repair_single_quotes = 1 << 3,
  repair_comment = 1 << 4,
  repair_python_literal = 1 << 5,
  repair_unquoted_key = 1 << 6,
  repair_cut_off = 1 << 7,
};

/// The first outermost object in `text`, or else the first array or scalar that reads; `repairs`
/// receives a set of Repair bits. Errors carry code "no_json".
Result<Json> read_lenient(std::string_view text, std::uint32_t& repairs);

}  // namespace redoubt::schema
