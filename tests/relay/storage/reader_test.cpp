#include "relay/storage/reader.hpp"

#include <doctest/doctest.h>

#include <future>
#include <optional>
#include <thread>

#include "relay/storage/migrations.hpp"
#include "tests/relay/storage/folder.hpp"

namespace redoubt::storage {
namespace {

Job insert(std::int64_t owner) {
  return {.work = [owner](Database& database) {
    return database.execute("INSERT INTO budget_draws VALUES ('" + std::to_string(owner) +
                            "', '2026', 1)");
  }};
}

Result<std::int64_t> count(Database& database) {
  return database.integer("SELECT count(*) FROM budget_draws");
}

TEST_CASE("a read sees what was written before it was asked, in a file and in memory") {
  const Folder folder;
  for (const std::string& path : {folder.file("store.db"), std::string(in_memory)}) {
    CAPTURE(path);
    Writer writer(open(path).value());
    std::optional<Database> second;
    if (path != in_memory) second = open(path).value();
    Reader reader(writer, std::move(second));
    std::vector<std::int64_t> seen;
    for (std::int64_t i = 1; i <= 20; ++i) {
      Job job = insert(i);
      job.patient = true;
      REQUIRE(writer.post(std::move(job)));
      reader.after_writes<std::int64_t>(
          count, [&](const Result<std::int64_t>& rows) { seen.push_back(rows.value()); });
    }
    reader.flush();
    REQUIRE(seen.size() == 20);
    for (std::size_t i = 0; i < seen.size(); ++i)
      CHECK(seen[i] >= static_cast<std::int64_t>(i + 1));
  }
}

TEST_CASE("a long read holds up no write") {
  const Folder folder;
  Writer writer(open(folder.file("store.db")).value());
  Reader reader(writer, open(folder.file("store.db")).value());
  std::promise<void> written;
  std::optional<std::int64_t> seen;
  // The read ends only when a write that was asked for after it is on disk.
  reader.after_writes<std::int64_t>(
      [done = written.get_future().share()](Database& database) {
        done.wait();
        return count(database);
      },
      [&](const Result<std::int64_t>& rows) { seen = rows.value(); });
  Job job = insert(1);
  job.done = [&](const Result<void>& done) {
    CHECK(done.ok());
    written.set_value();
  };
  REQUIRE(writer.post(std::move(job)));
  reader.flush();
  CHECK(seen == 1);
}

TEST_CASE("a read that fails says why, and the next one is done") {
  const Folder folder;
  Writer writer(open(folder.file("store.db")).value());
  Reader reader(writer, open(folder.file("store.db")).value());
  std::string code;
  reader.after_writes<std::int64_t>(
      [](Database& database) { return database.integer("SELECT x FROM nowhere"); },
      [&](const Result<std::int64_t>& rows) { code = rows.error().code; });
  std::optional<std::int64_t> seen;
  reader.after_writes<std::int64_t>(count,
                                    [&](const Result<std::int64_t>& rows) { seen = rows.value(); });
  reader.flush();
  CHECK(code == "bad_store");
  CHECK(seen == 0);
}

TEST_CASE("reads that wait are bounded") {
  const Folder folder;
  Writer writer(open(folder.file("store.db")).value());
  Reader reader(writer, open(folder.file("store.db")).value());
  std::promise<void> go;
  reader.after_writes<std::int64_t>(
      [gate = go.get_future().share()](Database& database) {
        gate.wait();
        return count(database);
      },
      [](const Result<std::int64_t>&) {});
  std::atomic<std::size_t> refused{0};
  std::atomic<std::size_t> answered{0};
  for (std::size_t i = 0; i < Reader::reads_max + 5; ++i) {
    reader.after_writes<std::int64_t>(
        count, [&](const Result<std::int64_t>& rows) { ++(rows.ok() ? answered : refused); });
  }
  CHECK(refused >= 6);
  go.set_value();
  reader.flush();
  CHECK(answered + refused == Reader::reads_max + 5);
}

}  // namespace
}  // namespace redoubt::storage
