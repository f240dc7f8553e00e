// What every adapter of limits::Ledger does.
#include "relay/limits/ledger.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "relay/storage/memory_ledger.hpp"
#include "relay/storage/migrations.hpp"
#include "relay/storage/sqlite_ledger.hpp"
#include "tests/relay/storage/folder.hpp"

namespace redoubt::limits {
namespace {

class InMemory {
 public:
  Ledger& ledger() { return ledger_; }
  void flush() {}
  /// As the process's end, before anything more is settled.
  void die() {}

 private:
  storage::MemoryLedger ledger_;
};

/// In a file, read on a connection of its own.
class InSqlite {
 public:
  InSqlite() { open(); }
  Ledger& ledger() { return open_->ledger; }
  void flush() {
    open_->writer.flush();
    open_->reads.flush();
  }
  void die() {
    flush();
    open();
  }

 private:
  struct Open {
    explicit Open(const std::string& path)
        : writer(storage::open(path).value()), reads(writer, storage::open(path).value()) {}
    storage::Writer writer;
    storage::Reader reads;
    storage::SqliteLedger ledger{writer, reads};
  };
  void open() {
    open_.reset();
    open_ = std::make_unique<Open>(folder_.file("store.db"));
  }

  storage::Folder folder_;
  std::unique_ptr<Open> open_;
};

/// One whose reads are jobs of its writer.
class InSqliteMemory {
 public:
  Ledger& ledger() { return ledger_; }
  void flush() { writer_.flush(); }
  void die() { flush(); }

 private:
  storage::Writer writer_{storage::open(std::string(storage::in_memory)).value()};
  storage::Reader reads_{writer_, std::nullopt};
  storage::SqliteLedger ledger_{writer_, reads_};
};

LedgerLine line_of(auth::Identity caller, std::string target, Picodollars cost) {
  LedgerLine line{
      .ended_ms = 10, .identity = std::move(caller), .target = std::move(target), .outcome = "ok"};
  line.usage = {.input = 60, .output = 40};
  line.cost = cost;
  return line;
}

/// "TARGET CALLSxCOST INPUT/OUTPUT" of each row.
template <class Adapter>
std::string usage(Adapter& adapter, auth::Identity caller, std::int64_t from_ms = 0) {
  std::string out = "not called back";
  adapter.ledger().usage(std::move(caller), from_ms, [&](const Result<std::vector<UsageRow>>& r) {
    out = r.ok() ? "" : r.error().code;
    if (!r) return;
    for (const UsageRow& row : *r)
      out += row.target + " " + std::to_string(row.calls) + "x" + std::to_string(row.cost) + " " +
             std::to_string(row.input_tokens) + "/" + std::to_string(row.output_tokens) + "; ";
  });
  adapter.flush();
  return out;
}

template <class Adapter>
std::optional<Picodollars> drawn(Adapter& adapter, LeaseEffect::Kind kind, Picodollars amount,
                                 const std::string& subject = "player:a") {
  StoreEffect effect;
  effect.subject = subject;
  effect.effect = {.kind = kind, .amount = amount, .limit = 100};
  std::optional<Picodollars> out;
  adapter.ledger().carry_out(effect, [&](std::optional<Picodollars> granted) { out = granted; });
  adapter.flush();
  return out;
}

TEST_CASE_TEMPLATE("draws are granted up to their limit, given back and forced", Adapter, InMemory,
                   InSqlite, InSqliteMemory) {
  Adapter adapter;
  using Kind = LeaseEffect::Kind;
  CHECK(drawn(adapter, Kind::draw, 70) == 70);
  CHECK(drawn(adapter, Kind::draw, 70) == 30);
  CHECK(drawn(adapter, Kind::draw, 70) == 0);
  CHECK(drawn(adapter, Kind::draw, 70, "player:b") == 70);
  CHECK(drawn(adapter, Kind::give_back, 25) == 25);
  CHECK(drawn(adapter, Kind::draw, 70) == 25);
  CHECK(drawn(adapter, Kind::force, 50) == 50);
  CHECK(drawn(adapter, Kind::give_back, 49) == 49);
  CHECK(drawn(adapter, Kind::draw, 70) == 0);
  CHECK(drawn(adapter, Kind::give_back, 1'000) == 1'000);
  CHECK(drawn(adapter, Kind::draw, 1'000) == 100);
}

TEST_CASE_TEMPLATE("what is drawn of a day and its month is told by subject", Adapter, InMemory,
                   InSqlite, InSqliteMemory) {
  constexpr std::int64_t noon_s = 1'795'780'800;  // 2026-11-27T12:00:00Z
  constexpr std::int64_t day_s = 86'400;
  Adapter adapter;
  for (const auto& [period, amount] : {std::pair(Period::day, 30), std::pair(Period::month, 40)}) {
    StoreEffect effect;
    effect.subject = "player:a";
    effect.effect = {
        .period = period, .index = period_of(period, noon_s), .amount = amount, .limit = 100};
    adapter.ledger().carry_out(effect, [](std::optional<Picodollars>) {});
  }
  const auto told = [&](const std::string& subject, std::int64_t now_s) {
    std::string out = "not called back";
    adapter.ledger().drawn(subject, now_s, [&](const Result<Drawn>& drawn) {
      out = drawn ? std::to_string(drawn->day) + " " + std::to_string(drawn->month)
                  : drawn.error().code;
    });
    adapter.flush();
    return out;
  };
  CHECK(told("player:a", noon_s) == "30 40");
  CHECK(told("player:a", noon_s + day_s) == "0 40");
  CHECK(told("player:a", noon_s + 10 * day_s) == "0 0");
  CHECK(told("player:b", noon_s) == "0 0");
}

TEST_CASE_TEMPLATE("usage is one tenant's, not a namesake's, by target and from a moment on",
                   Adapter, InMemory, InSqlite, InSqliteMemory) {
  Adapter adapter;
  for (const char* tenant : {"valley", "valley", "hills"})
    adapter.ledger().write(line_of({tenant, "1"}, "p/m", 5));
  LedgerLine later = line_of({"valley", "1"}, "a/m", 7);
  later.ended_ms = 20;
  adapter.ledger().write(later);
  CHECK(usage(adapter, {"valley", "1"}) == "a/m 1x7 60/40; p/m 2x10 120/80; ");
  CHECK(usage(adapter, {"valley", "1"}, 11) == "a/m 1x7 60/40; ");
  CHECK(usage(adapter, {"hills", "1"}) == "p/m 1x5 60/40; ");
  CHECK(usage(adapter, {"default", "1"}).empty());
  CHECK(adapter.ledger().lines_lost() == 0);
}

TEST_CASE_TEMPLATE("usage has a bound", Adapter, InMemory, InSqlite, InSqliteMemory) {
  Adapter adapter;
  for (std::size_t i = 0; i <= usage_rows_max; ++i)
    adapter.ledger().write(line_of({"valley", "1"}, "p/" + std::to_string(1'000 + i), 5));
  const std::string rows = usage(adapter, {"valley", "1"});
  CHECK(std::count(rows.begin(), rows.end(), ';') == usage_rows_max);
  CHECK(rows.rfind("p/1000 ", 0) == 0);
}

TEST_CASE_TEMPLATE("what was under way as a process died is written down as lost, once", Adapter,
                   InMemory, InSqlite, InSqliteMemory) {
  Adapter adapter;
  const auto noted = [](std::uint64_t id, Picodollars cost) {
    LedgerLine line = line_of({"valley", "ada"}, "p/m", cost);
    line.noted = id;
    return line;
  };
  for (const std::uint64_t call : {1, 2, 3, 4})
    adapter.ledger().note(noted(call, 700));
  adapter.ledger().write(noted(1, 5));
  adapter.ledger().forget(2);  // never sent
  adapter.die();               // nobody settles 3 and 4
  CHECK(usage(adapter, {"valley", "ada"}) == "p/m 1x5 60/40; ");
  int called = 0;
  for (int start = 0; start < 2; ++start) {
    adapter.ledger().write_lost([&](const Result<LostCalls>& lost) {
      REQUIRE(lost.ok());
      CHECK(lost->calls == 2);
      CHECK(lost->cost == 1'400);
      ++called;
    });
    adapter.die();
  }
  CHECK(called == 1);
  CHECK(usage(adapter, {"valley", "ada"}) == "p/m 3x1405 180/120; ");
}

}  // namespace
}  // namespace redoubt::limits
