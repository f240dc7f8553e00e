#include "engine/base/visible_text.hpp"

#include <algorithm>
#include <array>

#include "engine/base/plain_text.hpp"

namespace redoubt {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};
// In order.
constexpr std::array hidden{
    Range{0x0000, 0x001F},    // C0
    Range{0x007F, 0x009F},    // DEL, C1
    Range{0x00AD, 0x00AD},    // soft hyphen
    Range{0x034F, 0x034F},    // combining grapheme joiner
    Range{0x061C, 0x061C},    // Arabic letter mark
    Range{0x115F, 0x1160},    // Hangul fillers
    Range{0x17B4, 0x17B5},    // Khmer inherent vowels
    Range{0x180B, 0x180F},    // Mongolian selectors
    Range{0x200B, 0x200F},    // zero width, left-to-right and right-to-left mark
    Range{0x2028, 0x202E},    // separators, embeddings, overrides
    Range{0x2060, 0x206F},    // word joiner, invisible operators, isolates, deprecated formats
    Range{0x3164, 0x3164},    // Hangul filler
    Range{0xFDD0, 0xFDEF},    // noncharacters
    Range{0xFE00, 0xFE0F},    // variation selectors
    Range{0xFEFF, 0xFEFF},    // byte order mark
    Range{0xFFA0, 0xFFA0},    // halfwidth Hangul filler
    Range{0xFFF0, 0xFFFB},    // interlinear annotations
    Range{0x1BCA0, 0x1BCA3},  // shorthand formats
    Range{0x1D173, 0x1D17A},  // musical formats
    Range{0xE0000, 0xE0FFF},  // tags, variation selectors
};

}  // namespace

bool is_hidden(std::uint32_t code_point) {
  if ((code_point & 0xFFFE) == 0xFFFE) return true;  // noncharacters of each plane
  const auto after =
      std::upper_bound(hidden.begin(), hidden.end(), code_point,
                       [](std::uint32_t c, const Range& range) { return c < range.first; });
  return after != hidden.begin() && code_point <= std::prev(after)->last;
}

std::uint32_t code_point_at(std::string_view text, std::size_t at, std::size_t length) {
  constexpr std::array<std::uint32_t, 5> lead_bits{0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t code_point = static_cast<unsigned char>(text[at]) & lead_bits[length];
  for (std::size_t i = 1; i < length; ++i)
    code_point = code_point << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
  return code_point;
}

bool is_visible_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0 || is_hidden(code_point_at(text, at, length))) return false;
    at += length;
  }
  return true;
}

void append_escape(std::string& out, std::uint32_t code_point) {
  constexpr char hex[] = "0123456789abcdef";
  constexpr std::uint32_t first_of_pairs = 0x10000;
  if (code_point >= first_of_pairs) {
    append_escape(out, 0xD800 + ((code_point - first_of_pairs) >> 10));
    append_escape(out, 0xDC00 + ((code_point - first_of_pairs) & 0x3FF));
    return;
  }
  out.append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4)
    out += hex[code_point >> shift & 15];
}

}  // namespace redoubt
