#include "engine/base/sha256.hpp"

#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace redoubt {
namespace {

constexpr std::size_t kBlock = 64;

constexpr std::array<std::uint32_t, 64> kRound{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

constexpr std::uint32_t rotated(std::uint32_t x, int by) {
  return (x >> by) | (x << (32 - by));
}

std::uint32_t big_endian(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
         static_cast<std::uint32_t>(at[2]) << 8 | at[3];
}

void compress_portably(std::array<std::uint32_t, 8>& state, const std::uint8_t* block) {
  std::uint32_t w[64];
  for (int i = 0; i < 16; ++i)
    w[i] = big_endian(block + 4 * i);
  for (int i = 16; i < 64; ++i) {
    const std::uint32_t s0 = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const std::uint32_t s1 = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (int i = 0; i < 64; ++i) {
    const std::uint32_t sum1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const std::uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
    const std::uint32_t sum0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const std::uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const std::uint32_t mixed[8] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i)
    state[i] += mixed[i];
}

#if defined(__x86_64__)
// The same by the processor's own instructions: a run's journal hashes two blocks for each event.
// The state lies as they want it, ABEF and CDGH; four rounds at a time.
__attribute__((target("sha,sse4.1"))) void compress_by_sha_ni(std::array<std::uint32_t, 8>& state,
                                                              const std::uint8_t* block) {
  const __m128i big_endian_words = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  auto* low = reinterpret_cast<__m128i*>(state.data());
  auto* high = reinterpret_cast<__m128i*>(state.data() + 4);
  const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(low), 0xb1);
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(high), 0x1b);
  const __m128i abef_before = _mm_alignr_epi8(cdab, efgh, 8);
  const __m128i cdgh_before = _mm_blend_epi16(efgh, cdab, 0xf0);
  __m128i abef = abef_before, cdgh = cdgh_before, w[4];
  for (int four = 0; four < 16; ++four) {
    __m128i& next = w[four % 4];
    if (four < 4) {
      const auto* at = reinterpret_cast<const __m128i*>(block + 16 * four);
      next = _mm_shuffle_epi8(_mm_loadu_si128(at), big_endian_words);
    } else {
      const __m128i last = w[(four + 3) % 4];
      const __m128i seven_before = _mm_alignr_epi8(last, w[(four + 2) % 4], 4);
      next = _mm_sha256msg1_epu32(next, w[(four + 1) % 4]);
      next = _mm_sha256msg2_epu32(_mm_add_epi32(next, seven_before), last);
    }
    const auto* round = reinterpret_cast<const __m128i*>(kRound.data() + 4 * four);
    const __m128i added = _mm_add_epi32(next, _mm_loadu_si128(round));
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, added);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(added, 0x0e));
  }
  const __m128i feba = _mm_shuffle_epi32(_mm_add_epi32(abef, abef_before), 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(_mm_add_epi32(cdgh, cdgh_before), 0xb1);
  _mm_storeu_si128(low, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(high, _mm_alignr_epi8(dchg, feba, 8));
}

bool has_sha_ni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kSse41 = 1u << 19, kSsse3 = 1u << 9, kSha = 1u << 29;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & kSse41) == 0 || (c & kSsse3) == 0) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & kSha) != 0;
}
#endif

void compress(std::array<std::uint32_t, 8>& state, const std::uint8_t* block) {
#if defined(__x86_64__)
  static const bool by_sha_ni = has_sha_ni();
  if (by_sha_ni) return compress_by_sha_ni(state, block);
#endif
  compress_portably(state, block);
}

}  // namespace

void Sha256::add(std::string_view bytes) {
  const auto* at = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t left = bytes.size();
  const std::size_t waiting = size_ % kBlock;
  size_ += left;
  if (waiting > 0) {
    const std::size_t taken = left < kBlock - waiting ? left : kBlock - waiting;
    if (taken > 0) std::memcpy(block_.data() + waiting, at, taken);
    at += taken;
    left -= taken;
    if (waiting + taken < kBlock) return;
    compress(state_, block_.data());
  }
  for (; left >= kBlock; at += kBlock, left -= kBlock)
    compress(state_, at);
  if (left > 0) std::memcpy(block_.data(), at, left);
}

Digest256 Sha256::digest() const {
  auto state = state_;
  std::uint8_t tail[2 * kBlock] = {};
  const std::size_t waiting = size_ % kBlock;
  std::memcpy(tail, block_.data(), waiting);
  tail[waiting] = 0x80;
  const std::size_t size = waiting + 9 <= kBlock ? kBlock : 2 * kBlock;
  for (std::size_t i = 0; i < 8; ++i)
    tail[size - 1 - i] = static_cast<std::uint8_t>((size_ * 8) >> (8 * i));
  for (std::size_t at = 0; at < size; at += kBlock)
    compress(state, tail + at);
  Digest256 digest;
  for (std::size_t i = 0; i < digest.size(); ++i)
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

Digest256 sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.digest();
}

Digest256 hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string inner(kBlock, '\0');
  const Digest256 short_key = key.size() > kBlock ? sha256(key) : Digest256{};
  const std::string_view used = key.size() > kBlock ? bytes_of(short_key) : key;
  std::memcpy(inner.data(), used.data(), used.size());
  std::string outer = inner;
  for (std::size_t i = 0; i < kBlock; ++i) {
    inner[i] = static_cast<char>(inner[i] ^ 0x36);
    outer[i] = static_cast<char>(outer[i] ^ 0x5c);
  }
  Sha256 first;
  first.add(inner);
  first.add(bytes);
  const Digest256 middle = first.digest();
  Sha256 second;
  second.add(outer);
  second.add(bytes_of(middle));
  return second.digest();
}

bool same_digest(const Digest256& a, const Digest256& b) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

std::string hex64(const Digest256& digest) {
  static const char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const std::uint8_t byte : digest) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

}  // namespace redoubt
