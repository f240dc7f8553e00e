// Little-endian reading and writing for snapshots and replays.
//
// The Writer appends to a string; the Reader walks a view and remembers the first failure: after
// it every read gives 0, so a caller checks `failed()` once per record. Neither aligns nor pads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace redoubt {

class ByteWriter {
 public:
  void u8(std::uint8_t v) { bytes_.push_back(static_cast<char>(v)); }
  void u16(std::uint16_t v) { put(v, 2); }
  void u32(std::uint32_t v) { put(v, 4); }
  void u64(std::uint64_t v) { put(v, 8); }
  void i32(std::int32_t v) { u32(static_cast<std::uint32_t>(v)); }
  /// Length as u32, then the bytes.
  void text(std::string_view v) {
    u32(static_cast<std::uint32_t>(v.size()));
    bytes_.append(v);
  }
  std::size_t size() const { return bytes_.size(); }
  std::string take() { return std::move(bytes_); }

 private:
  void put(std::uint64_t v, int count) {
    for (int i = 0; i < count; ++i)
      bytes_.push_back(static_cast<char>(v >> (8 * i)));
  }
  std::string bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(get(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(get(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(get(4)); }
  std::uint64_t u64() { return get(8); }
  std::int32_t i32() { return static_cast<std::int32_t>(u32()); }
  /// A text written by ByteWriter::text; a length over `bytes_max` is a failure.
  std::string_view text(std::size_t bytes_max) {
    const std::size_t length = u32();
    if (failed_ || length > bytes_max || length > remaining()) {
      failed_ = true;
      return {};
    }
    std::string_view view = bytes_.substr(at_, length);
    at_ += length;
    return view;
  }

  bool failed() const { return failed_; }
  std::size_t position() const { return at_; }
  std::size_t remaining() const { return bytes_.size() - at_; }

 private:
  std::uint64_t get(std::size_t count) {
    if (failed_ || remaining() < count) {
      failed_ = true;
      return 0;
    }
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < count; ++i) {
      v |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[at_ + i])) << (8 * i);
    }
    at_ += count;
    return v;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace redoubt
