// Rng: the one source of chance. A value: copy it to fork the future, store it to resume.
//
// SplitMix64; integers only, so that native and WebAssembly draw the same numbers. The standard
// library's distributions are not used anywhere: their results differ between implementations.
#pragma once

#include <cassert>
#include <cstdint>

#include "engine/base/hash64.hpp"

namespace redoubt {

class Rng {
 public:
  constexpr explicit Rng(std::uint64_t seed = 0) : state_(seed) {}

  constexpr std::uint64_t next() { return mix64(state_ += 0x9e3779b97f4a7c15u); }

  /// Uniform in [0, bound), without bias (Lemire's method, 32-bit).
  /// REQUIRES: bound > 0
  constexpr std::uint32_t below(std::uint32_t bound) {
    assert(bound > 0);
    std::uint64_t product = (next() >> 32) * bound;
    auto low = static_cast<std::uint32_t>(product);
    if (low < bound) {
      const std::uint32_t threshold = (0u - bound) % bound;
      while (low < threshold) {
        product = (next() >> 32) * bound;
        low = static_cast<std::uint32_t>(product);
      }
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

  /// Uniform in [low, high].
  constexpr int between(int low, int high) {
    assert(low <= high);
    return low + static_cast<int>(below(static_cast<std::uint32_t>(high - low) + 1u));
  }

  /// A stream of its own for `purpose`, so that two users of one seed do not share draws.
  constexpr Rng fork(std::uint64_t purpose) const { return Rng(mix64(state_ ^ mix64(purpose))); }

  constexpr std::uint64_t state() const { return state_; }

 private:
  std::uint64_t state_;
};

}  // namespace redoubt
