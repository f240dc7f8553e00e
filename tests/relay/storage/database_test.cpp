#include "relay/storage/database.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "tests/relay/storage/folder.hpp"

namespace redoubt::storage {
namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777;
}

TEST_CASE("values come back as they were bound") {
  auto database = Database::open(std::string(in_memory));
  REQUIRE(database.ok());
  REQUIRE(database->execute("CREATE TABLE t (i INTEGER, s TEXT, b BLOB, n TEXT) STRICT").ok());
  auto insert = database->prepare("INSERT INTO t VALUES (?, ?, ?, ?)");
  REQUIRE(insert.ok());
  const std::array<std::uint8_t, 3> bytes{0, 255, 7};
  const std::string text("a\0b\xc3\xa9", 5);
  insert->bind(1, INT64_MIN).bind(2, text).bind_blob(3, bytes).bind_null(4);
  REQUIRE(insert->run().ok());
  CHECK(database->changes() == 1);
  auto select = database->prepare("SELECT i, s, b, n FROM t");
  REQUIRE(select.ok());
  REQUIRE(select->step().value());
  CHECK(select->integer(0) == INT64_MIN);
  CHECK(select->text(1) == text);
  CHECK(std::equal(bytes.begin(), bytes.end(), select->blob(2).begin(), select->blob(2).end()));
  CHECK(select->is_null(3));
  CHECK_FALSE(select->step().value());
}

TEST_CASE("what is wrong with a statement is an error, and later ones work") {
  auto database = Database::open(std::string(in_memory));
  REQUIRE(database.ok());
  const auto bad = database->prepare("SELEC 1");
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().code == "bad_store");
  CHECK(contains(bad.error().message, "SELEC"));
  auto statement = database->prepare("SELECT ?");
  REQUIRE(statement.ok());
  statement->bind(2, 1);
  CHECK_FALSE(statement->step().ok());
  statement->reset();
  statement->bind(1, 5);
  CHECK(statement->step().value());
  CHECK(database->integer("SELECT 7").value() == 7);
  CHECK_FALSE(database->integer("SELECT 7 WHERE 0").ok());
}

TEST_CASE("a transaction that is not committed leaves nothing") {
  auto database = Database::open(std::string(in_memory));
  REQUIRE(database.ok());
  REQUIRE(database->execute("CREATE TABLE t (i INTEGER)").ok());
  for (const bool commit : {false, true}) {
    auto transaction = Transaction::begin(*database);
    REQUIRE(transaction.ok());
    REQUIRE(database->execute("INSERT INTO t VALUES (1)").ok());
    if (commit) REQUIRE(transaction->commit().ok());
  }
  CHECK(database->integer("SELECT count(*) FROM t").value() == 1);
}

TEST_CASE("the file and what lies beside it are the owner's alone") {
  const Folder folder;
  const std::string path = folder.file("store.db");
  {
    std::ofstream(path).close();
    chmod(path.c_str(), 0644);
  }
  auto database = Database::open(path);
  REQUIRE(database.ok());
  REQUIRE(database->execute("CREATE TABLE t (i INTEGER); INSERT INTO t VALUES (1)").ok());
  CHECK(mode_of(path) == 0600);
  CHECK(mode_of(path + "-wal") == 0600);
  CHECK(mode_of(path + "-shm") == 0600);
}

TEST_CASE("files that are no store of ours are refused and say so") {
  const Folder folder;
  const std::string text = folder.file("text");
  std::ofstream(text) << std::string(4'096, 'x');
  const auto no_database = Database::open(text);
  REQUIRE_FALSE(no_database.ok());
  CHECK(contains(no_database.error().message, text));
  CHECK(contains(no_database.error().message, "not a database"));

  CHECK_FALSE(Database::open(folder.path()).ok());
  CHECK(contains(Database::open(folder.file("no/such")).error().message, "No such file"));
  std::filesystem::create_symlink(text, folder.file("link"));
  CHECK_FALSE(Database::open(folder.file("link")).ok());

  const std::string other = folder.file("other.db");
  {
    auto database = Database::open(other);
    REQUIRE(database.ok());
    REQUIRE(database->execute("CREATE TABLE t (i INTEGER); PRAGMA application_id = 5").ok());
  }
  CHECK(contains(Database::open(other).error().message, "another program"));
}

TEST_CASE("a damaged file is refused") {
  const Folder folder;
  const std::string path = folder.file("store.db");
  {
    auto database = Database::open(path);
    REQUIRE(database.ok());
    REQUIRE(database
                ->execute("CREATE TABLE t (s TEXT); CREATE INDEX i ON t (s);"
                          "WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT "
                          "2000) INSERT INTO t SELECT hex(randomblob(40)) FROM n;"
                          "PRAGMA wal_checkpoint(TRUNCATE)")
                .ok());
  }
  REQUIRE(Database::open(path).ok());
  {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(3 * 4'096);
    file << std::string(4'096, '\xff');
  }
  const auto damaged = Database::open(path);
  REQUIRE_FALSE(damaged.ok());
  CHECK(contains(damaged.error().message, path));
  CHECK(damaged.error().code == "bad_store");
}

TEST_CASE("two connections to one file see each other's commits") {
  const Folder folder;
  auto first = Database::open(folder.file("store.db"));
  REQUIRE(first.ok());
  REQUIRE(first->execute("CREATE TABLE t (i INTEGER)").ok());
  auto second = Database::open(folder.file("store.db"));
  REQUIRE(second.ok());
  auto transaction = Transaction::begin(*first);
  REQUIRE(transaction.ok());
  REQUIRE(first->execute("INSERT INTO t VALUES (1)").ok());
  CHECK(second->integer("SELECT count(*) FROM t").value() == 0);  // readers do not wait
  REQUIRE(transaction->commit().ok());
  CHECK(second->integer("SELECT count(*) FROM t").value() == 1);
}

}  // namespace
}  // namespace redoubt::storage
