#include "engine/base/unpack.hpp"

#include <array>
#include <cstdint>

#include "engine/base/message.hpp"

namespace redoubt {
namespace {

constexpr int code_bits_max = 15;
constexpr int literal_codes_max = 288;
constexpr int distance_codes_max = 30;
constexpr int block_end = 256;

constexpr std::string_view ends_early = "the packed data end early";
constexpr std::string_view no_such_code = "the packed data are damaged: no such code";
constexpr std::string_view too_much = "unpacked, the data are larger than they may be";

/// The packed bytes, read bit by bit from the low end (RFC 1951, 3.1.1). Beyond the end come zeros,
/// and `cut()` says so.
class Bits {
 public:
  Bits(std::string_view bytes, std::size_t at) : bytes_(bytes), at_(at) {}

  std::uint32_t take(int count) {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      if (left_ == 0) {
        held_ = byte();
        left_ = 8;
      }
      value |= (held_ & 1u) << i;
      held_ >>= 1;
      --left_;
    }
    return value;
  }
  std::uint32_t byte() {
    if (at_ >= bytes_.size()) {
      cut_ = true;
      return 0;
    }
    return static_cast<unsigned char>(bytes_[at_++]);
  }
  void skip_to_byte() { left_ = 0; }
  void skip(std::size_t count) {
    if (count > bytes_.size() - at_) {
      cut_ = true;
      count = bytes_.size() - at_;
    }
    at_ += count;
  }
  bool cut() const { return cut_; }
  std::size_t position() const { return at_; }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  std::uint32_t held_ = 0;
  int left_ = 0;
  bool cut_ = false;
};

std::uint32_t little_endian(Bits& in, int bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i)
    value |= in.byte() << (8 * i);
  return value;
}

/// A canonical Huffman code (RFC 1951, 3.2.2): how many codes have each length, and the symbols in
/// the order of their codes.
struct Code {
  std::array<int, code_bits_max + 1> count{};
  std::array<std::uint16_t, literal_codes_max> symbols{};
};

/// False where the lengths ask for more codes than there are. `lengths` has `size` entries, 0 for a
/// symbol that is not used.
bool make_code(const std::uint8_t* lengths, int size, Code& code) {
  code.count.fill(0);
  for (int i = 0; i < size; ++i)
    ++code.count[lengths[i]];
  code.count[0] = 0;
  int left = 1;
  std::array<int, code_bits_max + 2> first{};
  for (std::size_t bits = 1; bits <= code_bits_max; ++bits) {
    left = 2 * left - code.count[bits];
    if (left < 0) return false;
    first[bits + 1] = first[bits] + code.count[bits];
  }
  for (int i = 0; i < size; ++i) {
    if (lengths[i] == 0) continue;
    code.symbols[static_cast<std::size_t>(first[lengths[i]]++)] = static_cast<std::uint16_t>(i);
  }
  return true;
}

/// The next symbol, or -1 where the bits are no code.
int symbol_of(Bits& in, const Code& code) {
  int value = 0;
  int first = 0;
  int index = 0;
  for (std::size_t bits = 1; bits <= code_bits_max; ++bits) {
    value |= static_cast<int>(in.take(1));
    const int count = code.count[bits];
    if (value - first < count) return code.symbols[static_cast<std::size_t>(index + value - first)];
    index += count;
    first = 2 * (first + count);
    value *= 2;
  }
  return -1;
}

class Inflater {
 public:
  Inflater(Bits& in, std::size_t bytes_max) : in_(in), bytes_max_(bytes_max) {}

  /// The text; problem() says what is wrong with it.
  std::string run() {
    bool last = false;
    while (!last && problem_.empty()) {
      last = in_.take(1) != 0;
      read_block(in_.take(2));
    }
    return std::move(out_);
  }
  std::string_view problem() const { return problem_; }

 private:
  void read_block(std::uint32_t kind) {
    switch (kind) {
      case 0:
        return copy_stored();
      case 1:
        fixed_codes();
        return read_coded();
      case 2:
        if (read_codes()) return read_coded();
        problem_ = no_such_code;
        return;
      default:
        problem_ = "the packed data are damaged: a block of an unknown kind";
    }
  }

  void copy_stored() {
    in_.skip_to_byte();
    const std::uint32_t size = little_endian(in_, 2);
    const std::uint32_t inverse = little_endian(in_, 2);
    if ((size ^ inverse) != 0xffff) {
      problem_ = "the packed data are damaged: a block's size does not fit";
      return;
    }
    for (std::uint32_t i = 0; i < size && problem_.empty(); ++i)
      put(static_cast<char>(in_.byte()));
  }

  /// One byte more; packed data that end early or hold too much end here at the latest.
  void put(char byte) {
    if (in_.cut()) {
      problem_ = ends_early;
    } else if (out_.size() >= bytes_max_) {
      problem_ = too_much;
    } else {
      out_ += byte;
    }
  }

  void fixed_codes() {
    std::array<std::uint8_t, literal_codes_max> lengths;
    for (std::size_t i = 0; i < lengths.size(); ++i)
      lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    make_code(lengths.data(), literal_codes_max, literals_);
    lengths.fill(5);
    make_code(lengths.data(), distance_codes_max, distances_);
  }

  bool read_codes() {
    constexpr std::array<std::uint8_t, 19> order{16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                 11, 4,  12, 3, 13, 2, 14, 1, 15};
    const int literal_count = static_cast<int>(in_.take(5)) + 257;
    const int distance_count = static_cast<int>(in_.take(5)) + 1;
    const std::size_t order_count = in_.take(4) + 4;
    if (literal_count > 286 || distance_count > distance_codes_max) return false;
    std::array<std::uint8_t, literal_codes_max + distance_codes_max> lengths{};
    for (std::size_t i = 0; i < order_count; ++i)
      lengths[order[i]] = static_cast<std::uint8_t>(in_.take(3));
    if (!make_code(lengths.data(), static_cast<int>(order.size()), literals_)) return false;
    const int wanted = literal_count + distance_count;
    for (int at = 0; at < wanted;) {
      const int symbol = symbol_of(in_, literals_);
      if (symbol < 0 || in_.cut() || (symbol == 16 && at == 0)) return false;
      const std::uint8_t length = symbol < 16    ? static_cast<std::uint8_t>(symbol)
                                  : symbol == 16 ? lengths[static_cast<std::size_t>(at - 1)]
                                                 : std::uint8_t{0};
      const int times = symbol < 16    ? 1
                        : symbol == 16 ? 3 + static_cast<int>(in_.take(2))
                        : symbol == 17 ? 3 + static_cast<int>(in_.take(3))
                                       : 11 + static_cast<int>(in_.take(7));
      if (times > wanted - at) return false;
      for (int i = 0; i < times; ++i)
        lengths[static_cast<std::size_t>(at++)] = length;
    }
    return make_code(lengths.data(), literal_count, literals_) &&
           make_code(lengths.data() + literal_count, distance_count, distances_);
  }

  void read_coded() {
    while (problem_.empty()) {
      const int symbol = symbol_of(in_, literals_);
      if (symbol == block_end) return;
      if (symbol < 0) {
        problem_ = no_such_code;
      } else if (symbol < block_end) {
        put(static_cast<char>(symbol));
      } else if (!copy(symbol - block_end - 1)) {
        problem_ = no_such_code;
      }
    }
  }

  // Lengths and distances: a base and some further bits (RFC 1951, 3.2.5).
  bool copy(int code) {
    constexpr std::array<std::uint16_t, 29> length_bases{
        3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
        31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    if (code >= static_cast<int>(length_bases.size())) return false;
    const int length_bits = code < 8 || code == 28 ? 0 : code / 4 - 1;
    const std::uint32_t length =
        length_bases[static_cast<std::size_t>(code)] + in_.take(length_bits);
    const int near = symbol_of(in_, distances_);
    if (near < 0) return false;
    const int distance_bits = near < 4 ? 0 : near / 2 - 1;
    const std::uint32_t base = near < 4 ? static_cast<std::uint32_t>(near)
                                        : (2u + (static_cast<std::uint32_t>(near) & 1u))
                                              << distance_bits;
    const std::size_t distance = base + 1 + in_.take(distance_bits);
    if (distance > out_.size()) return false;
    for (std::uint32_t i = 0; i < length && problem_.empty(); ++i)
      put(out_[out_.size() - distance]);
    return true;
  }

  Bits& in_;
  std::size_t bytes_max_;
  std::string out_;
  std::string_view problem_;
  Code literals_;
  Code distances_;
};

std::uint32_t adler32(std::string_view text) {
  constexpr std::uint32_t modulus = 65521;
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (char c : text) {
    a = (a + static_cast<unsigned char>(c)) % modulus;
    b = (b + a) % modulus;
  }
  return b << 16 | a;
}

std::uint32_t crc32(std::string_view text) {
  std::uint32_t crc = 0xffffffffu;
  for (char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc & 1u) != 0 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
  }
  return ~crc;
}

bool read_zlib_head(Bits& in) {
  const std::uint32_t method = in.byte();
  const std::uint32_t flags = in.byte();
  const bool dictionary = (flags & 0x20u) != 0;
  return (method & 0x0fu) == 8 && (method << 8 | flags) % 31 == 0 && !dictionary;
}

bool read_gzip_head(Bits& in) {
  if (in.byte() != 0x1f || in.byte() != 0x8b || in.byte() != 8) return false;
  const std::uint32_t flags = in.byte();
  if ((flags & 0xe0u) != 0) return false;
  in.skip(6);  // time, extra flags, system
  if ((flags & 4u) != 0) in.skip(little_endian(in, 2));
  for (std::uint32_t text : {8u, 16u}) {  // name, comment
    if ((flags & text) == 0) continue;
    while (in.byte() != 0) {
    }
  }
  if ((flags & 2u) != 0) in.skip(2);
  return !in.cut();
}

std::uint32_t big_endian(Bits& in) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i)
    value = value << 8 | in.byte();
  return value;
}

bool read_tail(Bits& in, Packing packing, std::string_view text) {
  if (packing == Packing::zlib) return big_endian(in) == adler32(text);
  const bool same = little_endian(in, 4) == crc32(text);
  return little_endian(in, 4) == static_cast<std::uint32_t>(text.size()) && same;
}

}  // namespace

Result<std::string> unpack(std::string_view packed, Packing packing, std::size_t bytes_max) {
  Bits in(packed, 0);
  const bool zlib = packing == Packing::zlib;
  std::string text;
  std::string_view problem;
  if (!(zlib ? read_zlib_head(in) : read_gzip_head(in))) {
    problem = zlib ? "this is not zlib" : "this is not gzip";
  } else {
    Inflater inflater(in, bytes_max);
    text = inflater.run();
    problem = inflater.problem();
    in.skip_to_byte();
  }
  if (problem.empty() && !read_tail(in, packing, text)) {
    problem = "the packed data are damaged: the check sum differs";
  }
  if (problem.empty() && !in.at_end()) problem = "there is more after the packed data";
  // What is read beyond the end is zeros, and looks like any other mistake, or like none.
  if (in.cut() && problem != too_much) problem = ends_early;
  if (problem.empty()) return text;
  return make_error("bad_packing", {problem, " (byte ", in.position(), ")"},
                    {"byte ", in.position()}, {}, {});
}

}  // namespace redoubt
