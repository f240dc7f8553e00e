// Redaction: finds our keys, whole or in part, in texts that others wrote.
//
//   the text:  as it is; percent, \u, \x and &#..; escapes read (up to decodings_max times over)
//   the key:   as it is; backwards; in hexadecimal; in base64 at each of its three alignments
//
// 1. Both are compared as they are spelled, and by letters and digits alone; case is ignored: white
//    space, hyphens, quotes or invisible characters between the pieces hide nothing.
// 2. A fragment is fragment_bytes_min letters and digits of a key in a row. Shorter pieces count
//    where several of them (scattered_bytes_min in all) stand in one text, and so do
//    masked_tail_bytes_min to _max bytes of a key's end behind a mask ("sk-...Rt7u",
//    "sk-****Rt7u").
// 3. A key that is shorter than a fragment is no secret to speak of: it counts as a whole word.
// 4. A text in which pieces of a key stand between other letters one to three at a time, or under a
//    cipher, is not recognised: whoever writes one has the key and means harm.
// 5. Pure but for the memory: what is made of a key is overwritten after use.
//    Cost: O(n log n) for a text of n bytes, then O(m) for keys of m bytes in all.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace redoubt::upstream {

constexpr std::size_t fragment_bytes_min = 8;
constexpr std::size_t scattered_piece_bytes = 4;
constexpr std::size_t scattered_bytes_min = 10;
constexpr std::size_t mask_bytes_min = 3;
constexpr std::size_t masked_tail_bytes_min = 2;
constexpr std::size_t masked_tail_bytes_max = fragment_bytes_min;
constexpr int decodings_max = 3;
constexpr std::string_view redacted_mark = "[redacted]";

/// Views of secrets; whoever makes the list keeps them alive.
using SecretTexts = std::vector<std::string_view>;

/// Is one of the secrets in the text, whole or in part?
bool shows_secret(std::string_view text, std::span<const std::string_view> secrets);

/// The text with redacted_mark for each fragment of a secret.
std::string redacted(std::string_view text, std::span<const std::string_view> secrets);

}  // namespace redoubt::upstream
