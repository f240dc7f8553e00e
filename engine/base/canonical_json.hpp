// Canonical JSON: one sequence of bytes for one value, on every platform.
//
// 1. Members are sorted by the bytes of their keys; no white space.
// 2. A number with no fraction and a magnitude below 2^53 is written as an integer, whatever type
//    held it; other numbers as the shortest text that reads back to the same double; what JSON has
//    no number for (infinity, not a number) is null.
// 3. In strings only `"`, `\` and control characters are escaped, as in RFC 8785.
// 4. Reading canonical bytes and writing them again gives the same bytes.
//
// Hashes, histories and idempotency keys are made of these bytes.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace redoubt {

/// Appends to `out`.
void write_canonical(const nlohmann::json& value, std::string& out);
std::string canonical(const nlohmann::json& value);
/// The same with U+FFFD for each byte that is no UTF-8: of values that were not read from JSON.
std::string canonical_utf8(const nlohmann::json& value);

/// Appends one string as a JSON string, quotes included.
void write_canonical_text(std::string_view text, std::string& out);

/// Hash64 of the canonical bytes.
std::uint64_t canonical_hash(const nlohmann::json& value);

}  // namespace redoubt
