#include "relay/storage/sqlite_answer_store.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "relay/storage/migrations.hpp"

using namespace redoubt;
using namespace redoubt::storage;
using namespace redoubt::upstream;

namespace {

storage::Database opened() {
  auto database = storage::open(std::string(storage::in_memory));
  REQUIRE(database.ok());
  return std::move(*database);
}

StoredAnswer answer(std::uint8_t key, std::int64_t until_ms, const std::string& text) {
  StoredAnswer out{.until_ms = until_ms};
  out.key.fill(key);
  out.answer = std::make_shared<const std::string>(text);
  return out;
}

/// The keys' first bytes with their answers, in the order in which they are read.
std::string shown(storage::Database& database) {
  const auto read = read_answers(database);
  REQUIRE(read.ok());
  std::string out;
  for (const StoredAnswer& one : *read)
    out += std::to_string(one.key[0]) + "=" + *one.answer + " ";
  return out;
}

}  // namespace

TEST_CASE("kept answers come back as they were, the oldest first, one for a key") {
  storage::Database database = opened();
  for (const StoredAnswer& one :
       {answer(1, 300, std::string("a\0b", 3)), answer(2, 100, ""), answer(3, 200, "c")})
    REQUIRE(write_answer(database, one).ok());
  CHECK(shown(database) == std::string("2= 3=c 1=a\0b ", 13));
  REQUIRE(write_answer(database, answer(2, 400, "later")).ok());
  CHECK(shown(database) == std::string("3=c 1=a\0b 2=later ", 18));
  CHECK(read_answers(database)->back().until_ms == 400);
}

TEST_CASE("kept answers go when their time is over, and the oldest when they are too many") {
  storage::Database database = opened();
  for (std::uint8_t i = 1; i <= 6; ++i)
    REQUIRE(write_answer(database, answer(i, i < 3 ? 100 : 200, "xy")).ok());
  REQUIRE(prune_answers(database, {.entries_max = 10, .bytes_max = 100}, 99).ok());
  CHECK(shown(database) == "1=xy 2=xy 3=xy 4=xy 5=xy 6=xy ");
  REQUIRE(prune_answers(database, {.entries_max = 10, .bytes_max = 100}, 100).ok());
  CHECK(shown(database) == "3=xy 4=xy 5=xy 6=xy ");
  REQUIRE(prune_answers(database, {.entries_max = 3, .bytes_max = 100}, 100).ok());
  CHECK(shown(database) == "4=xy 5=xy 6=xy ");
  REQUIRE(prune_answers(database, {.entries_max = 3, .bytes_max = 5}, 100).ok());
  CHECK(shown(database) == "5=xy 6=xy ");
}
