#include "relay/limits/ledger.hpp"

#include <doctest/doctest.h>

#include <map>

#include "relay/store/migrations.hpp"
#include "tests/relay/store/folder.hpp"

namespace redoubt::limits {
namespace {

using store::Database;

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
  const store::Folder folder;
  auto database = Database::open(folder.file("store.db"));
  REQUIRE(database.ok());
  const auto steps = store::migrations();
  REQUIRE(store::migrate(*database, steps.first(6)).ok());
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
  REQUIRE(store::migrate(*database, steps).ok());
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

TEST_CASE("usage is one tenant's, not a namesake's") {
  const store::Folder folder;
  auto database = store::open(folder.file("store.db"));
  REQUIRE(database.ok());
  store::Writer writer(std::move(*database));
  Ledger ledger(&writer);
  for (const char* tenant : {"valley", "valley", "hills"}) {
    LedgerLine line{.ended_ms = 10, .identity = {tenant, "1"}, .target = "p/m"};
    line.usage.input = 3;
    line.cost = 5;
    ledger.write(std::move(line));
  }
  const auto calls = [&](auth::Identity caller) {
    std::int64_t count = -1;
    ledger.usage(std::move(caller), 0, [&](Result<std::vector<UsageRow>> rows) {
      count = rows->empty() ? 0 : rows->front().calls;
    });
    writer.flush();
    return count;
  };
  CHECK(calls({"valley", "1"}) == 2);
  CHECK(calls({"hills", "1"}) == 1);
  CHECK(calls({"default", "1"}) == 0);
  CHECK(ledger.lines_lost() == 0);
}

TEST_CASE("what was under way as a process died is written down as lost, once") {
  const store::Folder folder;
  const auto line_of = [](std::uint64_t noted, std::int64_t cost) {
    LedgerLine line{.ended_ms = 10, .identity = {"valley", "ada"}, .target = "p/m", .noted = noted};
    line.usage = {.input = 60, .output = 40};
    line.cost = cost;
    return line;
  };
  {
    auto database = store::open(folder.file("store.db"));
    REQUIRE(database.ok());
    store::Writer writer(std::move(*database));
    Ledger ledger(&writer);
    for (const std::uint64_t call : {1, 2, 3, 4})
      ledger.note(line_of(call, 700));
    LedgerLine settled = line_of(1, 5);
    settled.outcome = "ok";
    ledger.write(settled);
    ledger.forget(2);  // never sent
    // It dies here: nobody settles 3 and 4.
  }
  auto database = store::open(folder.file("store.db"));
  REQUIRE(database.ok());
  const auto rows = [&] {
    return std::pair(database->integer("SELECT count(*) FROM model_calls").value(),
                     database->integer("SELECT count(*) FROM open_calls").value());
  };
  CHECK(rows() == std::pair<std::int64_t, std::int64_t>(1, 2));
  std::int64_t told = 0;
  for (int start = 0; start < 2; ++start) {
    auto opened = store::open(folder.file("store.db"));
    REQUIRE(opened.ok());
    store::Writer writer(std::move(*opened));
    Ledger ledger(&writer);
    ledger.write_lost([&](const Result<LostCalls>& lost) {
      REQUIRE(lost.ok());
      CHECK(lost->calls == 2);
      CHECK(lost->cost == 1'400);
      ++told;
    });
    writer.flush();
  }
  CHECK(told == 1);
  CHECK(rows() == std::pair<std::int64_t, std::int64_t>(3, 0));
  CHECK(
      database
          ->integer("SELECT count(*) FROM model_calls WHERE outcome = 'lost' AND estimated = 1 AND"
                    " ended_ms = 10 AND input_tokens = 60 AND output_tokens = 40 AND"
                    " tenant = 'valley' AND who = 'ada' AND cost_picodollars = 700")
          .value() == 2);
}

}  // namespace
}  // namespace redoubt::limits
