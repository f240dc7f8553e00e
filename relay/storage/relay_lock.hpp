// RelayLock: one relay for a store. Two would count each other's open calls as lost ones, and take
// each other's runs up. The commands beside a relay (keys, tokens) need no lock.
#pragma once

#include <string>

#include "engine/base/result.hpp"

namespace redoubt::storage {

class RelayLock {
 public:
  /// Holds the file "PATH-relay" beside the store until it goes, or the process ends in whatever
  /// way. Nothing is held for a store in memory. Error store_in_use where another relay holds it,
  /// bad_store where there can be no such file.
  static Result<RelayLock> take(const std::string& path);

  RelayLock(RelayLock&& other) noexcept;
  RelayLock& operator=(RelayLock&&) = delete;
  ~RelayLock();

 private:
  explicit RelayLock(int file) : file_(file) {}
  int file_ = -1;
};

}  // namespace redoubt::storage
