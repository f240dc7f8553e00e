#include "relay/storage/relay_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/base/message.hpp"
#include "relay/storage/database.hpp"

namespace redoubt::storage {

Result<RelayLock> RelayLock::take(const std::string& path) {
  if (path == in_memory) return RelayLock(-1);
  const std::string name = path + "-relay";
  RelayLock lock(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.file_ < 0)
    return make_error("bad_store", {name, ": cannot be opened: ", std::strerror(errno)}, {name}, {},
                      {});
  if (::flock(lock.file_, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return make_error("store_in_use",
                      {path, ": another relay uses this store; each relay has its own"}, {path}, {},
                      {});
  return make_error("bad_store", {name, ": cannot be locked: ", std::strerror(errno)}, {name}, {},
                    {});
}

RelayLock::RelayLock(RelayLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

RelayLock::~RelayLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace redoubt::storage
