#include "engine/base/base64.hpp"

#include <cstdint>

namespace redoubt {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t group_chars = 4;  // of three bytes

int value_of(char c) {
  if (c == '-') return 62;
  if (c == '_') return 63;
  const std::size_t found = alphabet.find(c);
  return found == alphabet.npos ? -1 : static_cast<int>(found);
}

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * group_chars);
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : bytes) {
    bits = (bits << 8 | static_cast<unsigned char>(c)) & 0xffffffu;
    for (bit_count += 8; bit_count >= 6; bit_count -= 6)
      text += alphabet[bits >> (bit_count - 6) & 63u];
  }
  if (bit_count > 0) text += alphabet[bits << (6 - bit_count) & 63u];
  while (text.size() % group_chars != 0)
    text += '=';
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  for (int padding = 0; padding < 2 && !text.empty() && text.back() == '='; ++padding)
    text.remove_suffix(1);
  if (text.size() % group_chars == 1) return std::nullopt;
  std::string bytes;
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xffffffu;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    bytes += static_cast<char>(bits >> bit_count & 0xffu);
  }
  return bytes;
}

}  // namespace redoubt
