#include "engine/base/plain_text.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace redoubt {
namespace {

/// Not 0 where one of eight bytes has a meaning inside a string (quote, backslash, control) or a
/// high bit. Which one it does not tell: a borrow may mark the byte after it.
std::uint64_t specials(std::uint64_t word) {
  constexpr std::uint64_t ones = 0x0101010101010101u;
  const std::uint64_t control = word - ones * 0x20;
  const std::uint64_t quote = (word ^ (ones * '"')) - ones;
  const std::uint64_t backslash = (word ^ (ones * '\\')) - ones;
  return (control | quote | backslash | word) & (ones * 0x80);
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

}  // namespace

std::size_t plain_end(std::string_view text, std::size_t from) {
  std::array<std::uint64_t, 4> words{};
  while (from + sizeof words <= text.size()) {
    std::memcpy(words.data(), text.data() + from, sizeof words);
    if ((specials(words[0]) | specials(words[1]) | specials(words[2]) | specials(words[3])) != 0)
      break;
    from += sizeof words;
  }
  std::uint64_t word = 0;
  while (from + sizeof word <= text.size()) {
    std::memcpy(&word, text.data() + from, sizeof word);
    if (specials(word) != 0) break;
    from += sizeof word;
  }
  while (from < text.size() && is_plain(text[from]))
    ++from;
  return from;
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return at < text.size() ? 1 : 0;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return byte(1) >= low && byte(1) <= high && tail(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return byte(1) >= low && byte(1) <= high && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

std::string bounded_text(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u)
    --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace redoubt
