#include "relay/auth/secret.hpp"

#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

namespace redoubt::auth {
namespace {

// Some hundred keys; what does not fit lies on the ordinary heap.
constexpr std::size_t heap_bytes = 64 * 1024;
constexpr std::size_t block_bytes_min = 32;

std::uint8_t* allocate(std::size_t size) {
  static const int heap = CRYPTO_secure_malloc_init(heap_bytes, block_bytes_min);
  void* data = heap != 0 ? OPENSSL_secure_zalloc(size) : nullptr;
  if (data == nullptr) data = OPENSSL_zalloc(size);
  if (data == nullptr) throw std::bad_alloc();
  return static_cast<std::uint8_t*>(data);
}

}  // namespace

Secret::Secret(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  data_ = allocate(bytes.size());
  size_ = room_ = bytes.size();
  std::copy(bytes.begin(), bytes.end(), data_);
}

Secret::Secret(std::string_view text)
    : Secret(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size())) {}

Secret Secret::of_size(std::size_t size) {
  Secret secret;
  if (size == 0) return secret;
  secret.data_ = allocate(size);
  secret.size_ = secret.room_ = size;
  return secret;
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      room_(std::exchange(other.room_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(room_, other.room_);
  return *this;
}

Secret::~Secret() {
  // Overwrites and frees, in either heap.
  if (data_ != nullptr) OPENSSL_secure_clear_free(data_, room_);
}

void Secret::shrink(std::size_t size) {
  assert(size <= size_);
  if (size < size_) OPENSSL_cleanse(data_ + size, size_ - size);
  size_ = size;
}

void Secret::trim_end() {
  constexpr std::string_view white = " \t\r\n";
  std::size_t size = size_;
  while (size > 0 && white.find(static_cast<char>(data_[size - 1])) != std::string_view::npos)
    --size;
  shrink(size);
}

void cleanse(std::span<char> bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

void forbid_core_files() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

}  // namespace redoubt::auth
