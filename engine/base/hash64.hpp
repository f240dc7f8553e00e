// Hash64: the 64-bit hash of game state. Not for security: chains that protect anything use
// SHA-256.
//
// 1. Input is a sequence of integers, each absorbed as one 64-bit word: fields, never raw padding.
// 2. The same sequence gives the same hash on every platform (integer arithmetic only).
// 3. On any wire a hash is 16 lower-case hexadecimal digits in a string.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace redoubt {

/// The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
/// 2014): a bijection on 64 bits with full avalanche.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  x ^= x >> 31;
  return x;
}

class Hash64 {
 public:
  constexpr void add(std::uint64_t word) {
    state_ = mix64(state_ ^ word) + 0x9e3779b97f4a7c15u * ++count_;
  }
  constexpr void add_bytes(std::string_view bytes) {
    add(bytes.size());
    std::uint64_t word = 0;
    int filled = 0;
    for (char c : bytes) {
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(c)) << (8 * filled);
      if (++filled == 8) {
        add(word);
        word = 0;
        filled = 0;
      }
    }
    if (filled > 0) add(word);
  }
  constexpr std::uint64_t value() const { return mix64(state_ ^ count_); }

 private:
  std::uint64_t state_ = 0x243f6a8885a308d3u;
  std::uint64_t count_ = 0;
};

/// 16 lower-case hexadecimal digits.
std::string hex16(std::uint64_t value);

}  // namespace redoubt
