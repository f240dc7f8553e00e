// SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), for chains that protect something.
//
// 1. A Sha256 is a value: copy it to keep a prefix, go on with either copy.
// 2. The same bytes in any split give the same digest.
// 3. Comparing a digest that an adversary may probe goes through `same_digest`, whose time does not
//    depend on where two digests differ.
//
// State that needs no protection is hashed by Hash64, which is far cheaper.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace redoubt {

using Digest256 = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  void add(std::string_view bytes);
  /// The digest of what was added so far; the hash can be added to afterwards.
  Digest256 digest() const;

 private:
  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> block_{};
  std::uint64_t size_ = 0;  ///< bytes added; the last size_ % 64 of them wait in block_
};

Digest256 sha256(std::string_view bytes);
Digest256 hmac_sha256(std::string_view key, std::string_view bytes);
bool same_digest(const Digest256& a, const Digest256& b);

/// The digest's bytes as a view, for hashing it again or writing it.
inline std::string_view bytes_of(const Digest256& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// 64 lower-case hexadecimal digits.
std::string hex64(const Digest256& digest);

}  // namespace redoubt
