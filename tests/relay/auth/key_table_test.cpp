#include "relay/auth/key_table.hpp"

#include <doctest/doctest.h>

#include "relay/store/migrations.hpp"

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

store::Database store_in_memory() {
  auto database = store::open(std::string(store::in_memory));
  REQUIRE(database.ok());
  return std::move(*database);
}

TEST_CASE("keys are added, listed by name, rotated and removed") {
  auto database = store_in_memory();
  const MasterKey key = master('1');
  REQUIRE(add_key(database, record(key, "b", "sk-b")).ok());
  REQUIRE(add_key(database, record(key, "a", "sk-a")).ok());
  CHECK(add_key(database, record(key, "a", "sk-x")).error().code == "key_exists");
  const auto keys = list_keys(database);
  REQUIRE(keys.ok());
  REQUIRE(keys->size() == 2);
  CHECK((*keys)[0].name == "a");
  CHECK(open(key, (*keys)[0])->text() == "sk-a");
  CHECK_FALSE((*keys)[0].last_used_ms);

  REQUIRE(replace_key(database, record(key, "a", "sk-a2", 2)).ok());
  CHECK(open(key, *find_key(database, "a"))->text() == "sk-a2");
  CHECK(replace_key(database, record(key, "a", "sk-a2", 2)).error().code == "key_changed");
  CHECK(replace_key(database, record(key, "a", "sk-a4", 4)).error().code == "key_changed");
  CHECK(replace_key(database, record(key, "z", "sk-z", 2)).error().code == "unknown_key");

  REQUIRE(note_key_use(database, "a", 5'000).ok());
  REQUIRE(note_key_use(database, "a", 4'000).ok());
  CHECK(find_key(database, "a")->last_used_ms == 5'000);

  REQUIRE(remove_key(database, "a").ok());
  CHECK(remove_key(database, "a").error().code == "unknown_key");
  CHECK(find_key(database, "a").error().code == "unknown_key");
}

TEST_CASE("an old record under a newer version's number does not open") {
  auto database = store_in_memory();
  const MasterKey key = master('1');
  const SealedKey old = record(key, "a", "sk-leaked");
  REQUIRE(add_key(database, old).ok());
  REQUIRE(replace_key(database, record(key, "a", "sk-new", 2)).ok());
  SealedKey replayed = old;
  replayed.version = 3;
  REQUIRE(replace_key(database, replayed).ok());
  CHECK(open(key, *find_key(database, "a")).error().code == "broken_seal");
}

TEST_CASE("the master key is rotated for all keys or for none") {
  auto database = store_in_memory();
  const MasterKey old_key = master('1');
  const MasterKey new_key = master('2');
  REQUIRE(add_key(database, record(old_key, "a", "sk-a", 4)).ok());
  REQUIRE(add_key(database, record(old_key, "b", "sk-b")).ok());
  REQUIRE(note_key_use(database, "b", 9).ok());

  // One record is under another master key: nothing changes.
  REQUIRE(add_key(database, record(new_key, "c", "sk-c")).ok());
  CHECK(reseal_all(database, old_key, new_key, fresh_nonce).error().code == "wrong_master_key");
  CHECK(open(old_key, *find_key(database, "a")).ok());
  REQUIRE(remove_key(database, "c").ok());

  CHECK(reseal_all(database, old_key, new_key, fresh_nonce).value() == 2);
  const auto keys = list_keys(database);
  REQUIRE(keys.ok());
  CHECK(open(new_key, (*keys)[0])->text() == "sk-a");
  CHECK(open(new_key, (*keys)[1])->text() == "sk-b");
  CHECK((*keys)[0].version == 4);
  CHECK((*keys)[1].last_used_ms == 9);
  CHECK(open(old_key, (*keys)[0]).error().code == "wrong_master_key");
}

TEST_CASE("a key keeps its weight over a rotation, and may get another") {
  auto database = store_in_memory();
  const MasterKey key = master('1');
  SealedKey heavy = record(key, "a", "sk-a");
  CHECK(heavy.weight == 1);
  heavy.weight = 7;
  REQUIRE(add_key(database, heavy).ok());
  REQUIRE(replace_key(database, record(key, "a", "sk-a2", 2)).ok());
  CHECK(find_key(database, "a")->weight == 7);
  REQUIRE(weigh_key(database, "a", 3).ok());
  CHECK(find_key(database, "a")->weight == 3);
  CHECK(open(key, *find_key(database, "a"))->text() == "sk-a2");
  CHECK(weigh_key(database, "z", 3).error().code == "unknown_key");
}

TEST_CASE("the table is bounded") {
  auto database = store_in_memory();
  const MasterKey key = master('1');
  for (std::size_t i = 0; i < provider_keys_max; ++i)
    REQUIRE(add_key(database, record(key, "k" + std::to_string(i), "sk")).ok());
  CHECK(add_key(database, record(key, "more", "sk")).error().code == "too_many_keys");
}

}  // namespace
}  // namespace redoubt::auth
