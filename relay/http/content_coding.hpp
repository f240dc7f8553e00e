// The content codings in which a body may come (RFC 9110, 8.4.1): gzip, deflate (RFC 1950) and zstd
// (RFC 8878), one of them.
//
// Nothing is made of a body beyond the bytes that are allowed, and of zstd no window beyond
// zstd_window_bytes_max: a packed body cannot take more memory than a plain one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"

namespace redoubt::http {

enum class Coding : std::uint8_t { identity, gzip, deflate, zstd };

/// What RFC 8878 asks of every decoder, and all that usual levels use.
constexpr std::size_t zstd_window_bytes_max = 8u << 20;

/// A body of requests is seldom a tenth of what it was: one that says more is made to cost the
/// reader what it did not cost the sender.
constexpr std::size_t packed_ratio_max = 64;
constexpr std::size_t packed_always_bytes = 64 * 1024;  ///< may come out of any
/// How many bytes may come out of `packed_bytes`, where a plain body may have `bytes_max`.
std::size_t unpacked_bytes_max(std::size_t packed_bytes, std::size_t bytes_max);

/// Of a Content-Encoding value, in any case; nothing for others and for several.
std::optional<Coding> read_coding(std::string_view content_encoding);
/// Those that may be sent, for Accept-Encoding.
constexpr std::string_view codings_taken = "gzip, deflate, zstd";

/// Errors: "bad_coding" where it is damaged, cut, followed by more or not of this coding;
/// "too_large" where it is more than `bytes_max` bytes.
Result<std::string> decode_content(Coding coding, std::string_view packed, std::size_t bytes_max);

}  // namespace redoubt::http
