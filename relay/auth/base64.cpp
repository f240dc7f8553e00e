#include "relay/auth/base64.hpp"

#include <array>

namespace redoubt::auth {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  for (std::int8_t& value : values)
    value = -1;
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}
constexpr auto values = make_values();

constexpr std::size_t decoded_size(std::size_t characters) {
  return characters / 4 * 3 + (characters % 4 == 0 ? 0 : characters % 4 - 1);
}

}  // namespace

std::string to_base64url(std::span<const std::uint8_t> bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t word = 0;
  int bits = 0;
  for (const std::uint8_t byte : bytes) {
    word = word << 8 | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      out += alphabet[word >> bits & 63];
    }
  }
  if (bits > 0) out += alphabet[word << (6 - bits) & 63];
  return out;
}

std::string to_base64url(std::string_view bytes) {
  return to_base64url(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

bool decode_base64url(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() % 4 == 1 || out.size() != decoded_size(text.size())) return false;
  std::uint32_t word = 0;
  int bits = 0;
  std::size_t at = 0;
  for (const char c : text) {
    const std::int8_t value = values[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    word = word << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[at++] = static_cast<std::uint8_t>(word >> bits);
  }
  return (word & ((1u << bits) - 1)) == 0;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string out(decoded_size(text.size()), '\0');
  const std::span bytes(reinterpret_cast<std::uint8_t*>(out.data()), out.size());
  if (!decode_base64url(text, bytes)) return std::nullopt;
  return out;
}

}  // namespace redoubt::auth
