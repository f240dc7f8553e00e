// Texts counted in code points. A byte that begins no character counts as part of the one before,
// so that any bytes have a length, and the parts of a text put together again are the text.
//
// Internal to engine/prompt.
#pragma once

#include <string_view>

namespace redoubt::prompt {

inline bool utf8_begins(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

inline std::size_t utf8_length(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text)
    count += utf8_begins(c) ? 1 : 0;
  return count;
}

/// The offset of the code point at `place`, or the text's size.
inline std::size_t utf8_offset(std::string_view text, std::size_t place) {
  std::size_t at = 0;
  if (place == 0) return 0;
  while (at < text.size()) {
    if (utf8_begins(text[at]) && place-- == 0) return at;
    ++at;
  }
  return at;
}

/// `count` code points from the one at `from`.
inline std::string_view utf8_part(std::string_view text, std::size_t from, std::size_t count) {
  text.remove_prefix(utf8_offset(text, from));
  return text.substr(0, utf8_offset(text, count));
}

}  // namespace redoubt::prompt
