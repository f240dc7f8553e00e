#include "relay/storage/writer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <latch>
#include <limits>
#include <thread>
#include <utility>

#include "tests/relay/storage/folder.hpp"

namespace redoubt::storage {
namespace {

Database table() {
  auto database = Database::open(std::string(in_memory));
  REQUIRE(database.ok());
  REQUIRE(database->execute("CREATE TABLE t (i INTEGER PRIMARY KEY)").ok());
  return std::move(*database);
}

Result<void> insert(Database& database, int value) {
  return database.execute("INSERT INTO t VALUES (" + std::to_string(value) + ")");
}

TEST_CASE("a job that fails is rolled back alone, and each is told its own result") {
  Database database = table();
  std::vector<int> told;
  const auto tell = [&](int number) {
    return [&told, number](const Result<void>& result) {
      told.push_back(result.ok() ? number : -number);
    };
  };
  run_group(database, {{[](Database& d) { return insert(d, 1); }, tell(1)},
                       {[](Database& d) {
                          const Result<void> first = insert(d, 2);
                          return first ? insert(d, 1) : first;
                        },
                        tell(2)},
                       {[](Database& d) { return insert(d, 3); }, tell(3)},
                       {[](Database& d) { return insert(d, 4); }, {}}});
  CHECK(told == std::vector<int>{1, -2, 3});
  CHECK(database.integer("SELECT sum(i) FROM t").value() == 8);
}

TEST_CASE("a group that cannot be committed fails for every job") {
  Database database = table();
  int failed = 0;
  const auto count = [&](const Result<void>& result) { failed += result.ok() ? 0 : 1; };
  // A deferred constraint is looked at by the commit only.
  REQUIRE(database
              .execute("CREATE TABLE child (i INTEGER REFERENCES t (i) "
                       "DEFERRABLE INITIALLY DEFERRED)")
              .ok());
  run_group(database,
            {{[](Database& d) { return insert(d, 1); }, count},
             {[](Database& d) { return d.execute("INSERT INTO child VALUES (9)"); }, count}});
  CHECK(failed == 2);
  CHECK(database.integer("SELECT count(*) FROM t").value() == 0);
  run_group(database, {{[](Database& d) { return insert(d, 1); }, count}});
  CHECK(failed == 2);
}

TEST_CASE("many threads post; everything is written once, in fewer groups than jobs") {
  constexpr int threads = 4;
  constexpr int each = 250;
  const Folder folder;
  auto database = Database::open(folder.file("store.db"));
  REQUIRE(database.ok());
  REQUIRE(database->execute("CREATE TABLE t (i INTEGER PRIMARY KEY)").ok());
  std::atomic<int> succeeded = 0;
  {
    Writer writer(std::move(*database));
    std::vector<std::thread> posters;
    for (int thread = 0; thread < threads; ++thread) {
      posters.emplace_back([&, thread] {
        for (int i = 0; i < each; ++i) {
          const int value = thread * each + i;
          Job job{[value](Database& d) { return insert(d, value); },
                  [&](const Result<void>& result) { succeeded += result.ok() ? 1 : 0; }};
          CHECK(writer.post(std::move(job)));
        }
      });
    }
    for (std::thread& poster : posters)
      poster.join();
    writer.flush();
    CHECK(succeeded == threads * each);
    CHECK(writer.jobs() == threads * each);
    CHECK(writer.groups() < writer.jobs());
  }
  auto again = Database::open(folder.file("store.db"));
  REQUIRE(again.ok());
  CHECK(again->integer("SELECT count(*) FROM t").value() == threads * each);
}

TEST_CASE("patient jobs wait for company, and a pressing one takes them along") {
  constexpr int patient_jobs = 10;
  std::latch told(patient_jobs + 1);
  // Nobody waits an hour: only the pressing job, or the end, makes it begin.
  Writer writer(table(), {.gather = std::chrono::hours(1)});
  const auto tell = [&](const Result<void>& result) {
    CHECK(result.ok());
    told.count_down();
  };
  for (int i = 0; i < patient_jobs; ++i) {
    Job job{[i](Database& d) { return insert(d, i); }, tell};
    job.patient = true;
    REQUIRE(writer.post(std::move(job)));
  }
  CHECK(writer.waiting() == patient_jobs);
  REQUIRE(writer.post({[](Database& d) { return insert(d, patient_jobs); }, tell}));
  told.wait();
  writer.flush();
  CHECK(writer.groups() == 1);
}

TEST_CASE("a full group and a flush do not wait either") {
  Writer writer(table(), {.group_jobs_max = 2, .gather = std::chrono::hours(1)});
  std::latch pair(2);
  for (int i = 0; i < 2; ++i) {
    Job job{[i](Database& d) { return insert(d, i); },
            [&](const Result<void>&) { pair.count_down(); }};
    job.patient = true;
    REQUIRE(writer.post(std::move(job)));
  }
  pair.wait();
  bool told = false;
  Job job{[](Database& d) { return insert(d, 2); }, [&](const Result<void>&) { told = true; }};
  job.patient = true;
  REQUIRE(writer.post(std::move(job)));
  writer.flush();
  CHECK(told);
}

TEST_CASE("a full queue refuses, and the end writes what was taken") {
  constexpr std::size_t jobs_max = 4;
  std::latch started(1);
  std::latch release(1);
  std::atomic<int> done = 0;
  const auto count = [&](const Result<void>&) { ++done; };
  int taken = 0;
  {
    Writer writer(table(), {.jobs_max = jobs_max, .group_jobs_max = 2});
    Job blocking{[&](Database&) -> Result<void> {
                   started.count_down();
                   release.wait();
                   return {};
                 },
                 count};
    REQUIRE(writer.post(std::move(blocking)));
    started.wait();
    for (int i = 0; i < 10; ++i) {
      if (writer.post({[i](Database& d) { return insert(d, i); }, count})) ++taken;
    }
    CHECK(writer.waiting() == jobs_max);
    release.count_down();
  }
  CHECK(taken == jobs_max);
  CHECK(done == 1 + taken);
}

Job sql(std::string text, std::function<void(bool)> done = {}) {
  return {[text = std::move(text)](Database& d) { return d.execute(text); },
          [done = std::move(done)](const Result<void>& result) {
            if (done) done(result.ok());
          }};
}

constexpr const char* no_more_pages = "PRAGMA max_page_count = 1";
constexpr const char* more_pages = "PRAGMA max_page_count = 100000";
constexpr const char* large_row =
    "CREATE TABLE IF NOT EXISTS b (x BLOB); INSERT INTO b VALUES (zeroblob(100000))";

TEST_CASE("a writer says why its file cannot be written to, until it can") {
  Writer writer(table(), {.probe = std::chrono::hours(1)});
  CHECK(writer.fault() == StoreFault::none);
  REQUIRE(writer.post(sql(no_more_pages)));
  REQUIRE(writer.post(sql(large_row, [](bool good) { CHECK(!good); })));
  writer.flush();
  CHECK(writer.fault() == StoreFault::full);
  CHECK(fault_name(writer.fault()) == "store_full");
  // What only reads, or breaks a constraint, says nothing of the file.
  REQUIRE(writer.post(sql("SELECT 1")));
  writer.flush();
  CHECK(writer.fault() == StoreFault::full);
  REQUIRE(writer.post(sql(more_pages)));
  REQUIRE(writer.post(sql(large_row, [](bool good) { CHECK(good); })));
  writer.flush();
  CHECK(writer.fault() == StoreFault::none);
  REQUIRE(writer.post(sql("INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)")));
  writer.flush();
  CHECK(writer.fault() == StoreFault::none);
}

TEST_CASE("a writer tries a file that could not be written to by itself") {
  constexpr std::chrono::seconds patience{20};
  Writer writer(table(), {.probe = std::chrono::milliseconds(1)});
  REQUIRE(writer.post(sql(no_more_pages)));
  REQUIRE(writer.post(sql(large_row)));
  writer.flush();
  const auto end = std::chrono::steady_clock::now() + patience;
  while (writer.fault() != StoreFault::none && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  CHECK(writer.fault() == StoreFault::none);
}

TEST_CASE("a disk without room is told of though what is short can be written") {
  constexpr std::chrono::seconds patience{20};
  const Folder folder;
  auto file = Database::open(folder.file("full.db"));
  REQUIRE(file);
  REQUIRE(file->execute("CREATE TABLE t (x INTEGER)"));
  Writer writer(std::move(*file), {.probe = std::chrono::milliseconds(1),
                                   .room_bytes_min = std::numeric_limits<std::uint64_t>::max()});
  const auto end = std::chrono::steady_clock::now() + patience;
  while (writer.fault() == StoreFault::none && std::chrono::steady_clock::now() < end)
    std::this_thread::yield();
  CHECK(writer.fault() == StoreFault::full);
  REQUIRE(writer.post(sql("INSERT INTO t VALUES (1)", [](bool good) { CHECK(good); })));
  writer.flush();
  CHECK(writer.fault() == StoreFault::full);
}

}  // namespace
}  // namespace redoubt::storage
