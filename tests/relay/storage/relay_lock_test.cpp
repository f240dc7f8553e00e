#include "relay/storage/relay_lock.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "relay/storage/database.hpp"
#include "tests/relay/storage/folder.hpp"

using namespace redoubt;
using storage::RelayLock;

TEST_CASE("a store is one relay's until that ends") {
  const storage::Folder folder;
  const std::string path = folder.file("relay.db");
  std::optional<RelayLock> first = std::move(*RelayLock::take(path));
  const auto second = RelayLock::take(path);
  REQUIRE(!second.ok());
  CHECK(second.error().code == "store_in_use");
  CHECK(second.error().message == path + ": another relay uses this store; each relay has its own");
  CHECK(RelayLock::take(folder.file("other.db")).ok());
  first.reset();
  CHECK(RelayLock::take(path).ok());
}

TEST_CASE("stores in memory are nobody else's") {
  const auto first = RelayLock::take(std::string(storage::in_memory));
  CHECK(first.ok());
  CHECK(RelayLock::take(std::string(storage::in_memory)).ok());
}

TEST_CASE("a store's lock in a folder that is not there is a fault") {
  const auto lock = RelayLock::take("/nowhere/relay.db");
  REQUIRE(!lock.ok());
  CHECK(lock.error().code == "bad_store");
}
