// What every adapter of auth::KeyTable does.
#include "relay/auth/key_table.hpp"

#include <doctest/doctest.h>

#include "relay/storage/memory_key_table.hpp"
#include "relay/storage/migrations.hpp"
#include "relay/storage/sqlite_key_table.hpp"

namespace redoubt::auth {
namespace {

MasterKey master(char digit) {
  auto key = MasterKey::parse(std::string(64, digit));
  REQUIRE(key.ok());
  return std::move(*key);
}

Nonce fresh_nonce() {
  Nonce nonce;
  fill_random(nonce);
  return nonce;
}

SealedKey record(const MasterKey& key, const std::string& name, const std::string& plain,
                 std::int64_t version = 1) {
  const KeyIdentity identity{
      .name = name, .provider = "openai", .version = version, .created_ms = 1'000};
  return seal(key, identity, Secret(std::string_view(plain)), fresh_nonce());
}

struct InMemory {
  storage::MemoryKeyTable table;
};
struct InSqlite {
  storage::Database database = storage::open(std::string(storage::in_memory)).value();
  storage::SqliteKeyTable table{database};
};

TEST_CASE_TEMPLATE("keys are added, listed by name, rotated and removed", Adapter, InMemory,
                   InSqlite) {
  Adapter adapter;
  KeyTable& table = adapter.table;
  const MasterKey key = master('1');
  REQUIRE(table.add(record(key, "b", "sk-b")).ok());
  REQUIRE(table.add(record(key, "a", "sk-a")).ok());
  CHECK(table.add(record(key, "a", "sk-x")).error().code == "key_exists");
  const auto keys = table.list();
  REQUIRE(keys.ok());
  REQUIRE(keys->size() == 2);
  CHECK((*keys)[0].name == "a");
  CHECK(open(key, (*keys)[0])->text() == "sk-a");
  CHECK_FALSE((*keys)[0].last_used_ms);

  REQUIRE(table.replace(record(key, "a", "sk-a2", 2)).ok());
  CHECK(open(key, *find_key(table, "a"))->text() == "sk-a2");
  CHECK(table.replace(record(key, "a", "sk-a2", 2)).error().code == "key_changed");
  CHECK(table.replace(record(key, "a", "sk-a4", 4)).error().code == "key_changed");
  CHECK(table.replace(record(key, "z", "sk-z", 2)).error().code == "unknown_key");

  REQUIRE(table.note_use("a", 5'000).ok());
  REQUIRE(table.note_use("a", 4'000).ok());
  CHECK(find_key(table, "a")->last_used_ms == 5'000);

  REQUIRE(table.remove("a").ok());
  CHECK(table.remove("a").error().code == "unknown_key");
  CHECK(find_key(table, "a").error().code == "unknown_key");
}

TEST_CASE_TEMPLATE("an old record under a newer version's number does not open", Adapter, InMemory,
                   InSqlite) {
  Adapter adapter;
  KeyTable& table = adapter.table;
  const MasterKey key = master('1');
  const SealedKey old = record(key, "a", "sk-leaked");
  REQUIRE(table.add(old).ok());
  REQUIRE(table.replace(record(key, "a", "sk-new", 2)).ok());
  SealedKey replayed = old;
  replayed.version = 3;
  REQUIRE(table.replace(replayed).ok());
  CHECK(open(key, *find_key(table, "a")).error().code == "broken_seal");
}

TEST_CASE_TEMPLATE("the master key is rotated for all keys or for none", Adapter, InMemory,
                   InSqlite) {
  Adapter adapter;
  KeyTable& table = adapter.table;
  const MasterKey old_key = master('1');
  const MasterKey new_key = master('2');
  REQUIRE(table.add(record(old_key, "a", "sk-a", 4)).ok());
  REQUIRE(table.add(record(old_key, "b", "sk-b")).ok());
  REQUIRE(table.note_use("b", 9).ok());

  // One record is under another master key: nothing changes.
  REQUIRE(table.add(record(new_key, "c", "sk-c")).ok());
  CHECK(reseal_all(table, old_key, new_key, fresh_nonce).error().code == "wrong_master_key");
  CHECK(open(old_key, *find_key(table, "a")).ok());
  REQUIRE(table.remove("c").ok());

  CHECK(reseal_all(table, old_key, new_key, fresh_nonce).value() == 2);
  const auto keys = table.list();
  REQUIRE(keys.ok());
  CHECK(open(new_key, (*keys)[0])->text() == "sk-a");
  CHECK(open(new_key, (*keys)[1])->text() == "sk-b");
  CHECK((*keys)[0].version == 4);
  CHECK((*keys)[1].last_used_ms == 9);
  CHECK(open(old_key, (*keys)[0]).error().code == "wrong_master_key");
}

TEST_CASE_TEMPLATE("a key keeps its weight over a rotation, and may get another", Adapter, InMemory,
                   InSqlite) {
  Adapter adapter;
  KeyTable& table = adapter.table;
  const MasterKey key = master('1');
  SealedKey heavy = record(key, "a", "sk-a");
  CHECK(heavy.weight == 1);
  heavy.weight = 7;
  REQUIRE(table.add(heavy).ok());
  REQUIRE(table.replace(record(key, "a", "sk-a2", 2)).ok());
  CHECK(find_key(table, "a")->weight == 7);
  REQUIRE(table.weigh("a", 3).ok());
  CHECK(find_key(table, "a")->weight == 3);
  CHECK(open(key, *find_key(table, "a"))->text() == "sk-a2");
  CHECK(table.weigh("z", 3).error().code == "unknown_key");
}

TEST_CASE_TEMPLATE("the table is bounded", Adapter, InMemory, InSqlite) {
  Adapter adapter;
  KeyTable& table = adapter.table;
  const MasterKey key = master('1');
  for (std::size_t i = 0; i < provider_keys_max; ++i)
    REQUIRE(table.add(record(key, "k" + std::to_string(i), "sk")).ok());
  CHECK(table.add(record(key, "more", "sk")).error().code == "too_many_keys");
}

}  // namespace
}  // namespace redoubt::auth
