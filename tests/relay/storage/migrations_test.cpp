#include "relay/storage/migrations.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tests/relay/storage/folder.hpp"

namespace redoubt::storage {
namespace {

using Steps = std::vector<Migration>;
const Steps two{{1, "first", "CREATE TABLE a (i INTEGER)"},
                {2, "second", "ALTER TABLE a ADD COLUMN j INTEGER"}};

Database empty() {
  auto database = Database::open(std::string(in_memory));
  REQUIRE(database.ok());
  return std::move(*database);
}

TEST_CASE("each step is applied once, in order") {
  Database database = empty();
  REQUIRE(migrate(database, std::span(two).first(1)).ok());
  REQUIRE(migrate(database, two).ok());
  REQUIRE(migrate(database, two).ok());
  CHECK(database.execute("INSERT INTO a (i, j) VALUES (1, 2)").ok());
  CHECK(database.integer("SELECT count(*) FROM migrations").value() == 2);
}

TEST_CASE("a step that fails leaves the store at the one before") {
  Database database = empty();
  Steps broken = two;
  broken[1].sql = "CREATE TABLE b (i INTEGER); CREATE TABLE a (i INTEGER)";
  const Result<void> result = migrate(database, broken);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message.find("migration 2, second") != std::string::npos);
  CHECK(database.integer("SELECT count(*) FROM migrations").value() == 1);
  CHECK(database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'b'").value() == 0);
  CHECK(migrate(database, two).ok());
}

TEST_CASE("a store of a newer program and a changed step are refused, untouched") {
  Database database = empty();
  REQUIRE(migrate(database, two).ok());
  const Result<void> newer = migrate(database, std::span(two).first(1));
  REQUIRE_FALSE(newer.ok());
  CHECK(newer.error().message.find("newer version") != std::string::npos);
  Steps changed = two;
  changed[0].sql = "CREATE TABLE a (i TEXT)";
  const Result<void> differs = migrate(database, changed);
  REQUIRE_FALSE(differs.ok());
  CHECK(differs.error().message.find("1 (first)") != std::string::npos);
  CHECK(database.integer("SELECT count(*) FROM migrations").value() == 2);
}

TEST_CASE("the program's own steps are numbered without gaps and apply") {
  int number = 0;
  for (const Migration& step : migrations())
    CHECK(step.number == ++number);
  const Folder folder;
  REQUIRE(open(folder.file("store.db")).ok());
  auto again = open(folder.file("store.db"));
  REQUIRE(again.ok());
  CHECK(again->integer("SELECT count(*) FROM migrations").value() == number);
}

// What version 11 gave those that were there before it is no weight.
TEST_CASE("runs that nobody has weighed say so after an update") {
  Database database = empty();
  REQUIRE(migrate(database, migrations().first(10)).ok());
  const auto add = [&](const std::string& id, const std::string& more_names,
                       const std::string& more) {
    return database
        .execute(
            "INSERT INTO runs (tenant, owner, id, limits, workflow, status, started_ms, "
            "ended_ms, bytes, root, depth, taking_up, waits, wake_ms" +
            more_names + ") VALUES ('t', 'o', '" + id +
            "', '{}', 'w', 'running', 1, 0, 9, 'r', 0, 0, 1, 0" + more + ")")
        .ok();
  };
  REQUIRE(add("old", "", ""));
  REQUIRE(migrate(database, migrations().first(11)).ok());
  REQUIRE(add("new", ", memory_bytes", ", 5000"));
  REQUIRE(migrate(database, migrations()).ok());
  CHECK(database.integer("SELECT memory_bytes FROM runs WHERE id = 'old'").value() == 0);
  CHECK(database.integer("SELECT memory_bytes FROM runs WHERE id = 'new'").value() == 5'000);
}

}  // namespace
}  // namespace redoubt::storage
