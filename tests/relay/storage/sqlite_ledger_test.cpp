// What a store of before becomes.
#include <doctest/doctest.h>

#include <map>

#include "relay/storage/migrations.hpp"
#include "tests/relay/storage/folder.hpp"

namespace redoubt::storage {
namespace {

using storage::Database;

std::map<std::string, std::int64_t> draws(Database& database) {
  auto rows = database.prepare("SELECT subject, period, drawn_picodollars FROM budget_draws");
  REQUIRE(rows.ok());
  std::map<std::string, std::int64_t> out;
  while (rows->step().value())
    out[rows->text(0) + " " + rows->text(1)] = rows->integer(2);
  return out;
}

void call(Database& database, const char* tenant, const char* who) {
  const std::string sql = std::string("INSERT INTO model_calls VALUES (NULL, 5, 'r', '") + tenant +
                          "', '" + who + "', 'p/m', 'k', 'ok', 1, 0, 0, 1, 0, 7, 0, 1, 1)";
  REQUIRE(database.execute(sql).ok());
}

TEST_CASE("a store of subjects without tenants: no drawn money is forgiven") {
  const storage::Folder folder;
  auto database = Database::open(folder.file("store.db"));
  REQUIRE(database.ok());
  const auto steps = storage::migrations();
  REQUIRE(storage::migrate(*database, steps.first(6)).ok());
  for (const char* draw :
       {"'player:ada', '2026-11-27', 100", "'player:ada', '2026-11', 400",
        "'player:bob', '2026-11', 7", "'player:anonymous:192.0.2.1', '2026-11', 8",
        "'player:7:default:ada', '2026-11', 9", "'purse:anonymous', '2026-11', 10",
        "'all:all', '2026-11', 11"})
    REQUIRE(database->execute(std::string("INSERT INTO budget_draws VALUES (") + draw + ")").ok());
  call(*database, "valley", "ada");
  call(*database, "valley", "ada");
  call(*database, "default", "ada");
  call(*database, "anonymous", "anonymous:192.0.2.1");
  REQUIRE(
      database->execute("INSERT INTO runs VALUES ('r', 'bob', 'hills', 0, 'w', '{}', 1, 0);").ok());
  REQUIRE(storage::migrate(*database, steps).ok());
  CHECK(draws(*database) == std::map<std::string, std::int64_t>{
                                {"player:7:default:ada 2026-11-27", 100},
                                {"player:7:default:ada 2026-11", 400},
                                {"player:6:valley:ada 2026-11-27", 100},
                                {"player:6:valley:ada 2026-11", 400},
                                {"player:7:default:bob 2026-11", 7},
                                {"player:5:hills:bob 2026-11", 7},
                                {"player:7:default:anonymous:192.0.2.1 2026-11", 8},
                                {"player:9:anonymous:anonymous:192.0.2.1 2026-11", 8},
                                // One whose name was built like a key is not taken for another.
                                {"player:7:default:7:default:ada 2026-11", 9},
                                {"purse:anonymous 2026-11", 10},
                                {"all:all 2026-11", 11}});
}

}  // namespace
}  // namespace redoubt::storage
