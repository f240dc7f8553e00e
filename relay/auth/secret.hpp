// Secret: bytes that must not be seen: a key, a shared secret.
//
// 1. The bytes lie in OpenSSL's secure heap while it has room: locked into memory where the system
//    allows it, left out of core files, between guard pages. They are overwritten when they go.
// 2. A Secret cannot be copied by accident, printed, logged, compared with == or turned into JSON:
//    there is no operator for it. What needs the bytes says bytes() or text().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace redoubt::auth {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::span<const std::uint8_t> bytes);
  explicit Secret(std::string_view text);
  /// `size` zero bytes, to be filled through writable().
  static Secret of_size(std::size_t size);
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  Secret copy() const { return Secret(bytes()); }
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::span<const std::uint8_t> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  std::span<std::uint8_t> writable() { return {data_, size_}; }
  /// Overwrites what is cut off. REQUIRES: size <= size()
  void shrink(std::size_t size);
  /// Without white space at the end, as files of secrets have it.
  void trim_end();

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
};

/// Overwrites a buffer that held a secret on its way into one.
void cleanse(std::span<char> bytes);

/// Forbids core files and the reading of this process's memory by others of its user
/// (RLIMIT_CORE 0, PR_SET_DUMPABLE 0).
void forbid_core_files();

}  // namespace redoubt::auth
