// What every adapter of upstream::AnswerStore does.
#include "relay/upstream/answer_store.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "relay/storage/memory_answer_store.hpp"
#include "relay/storage/migrations.hpp"
#include "relay/storage/sqlite_answer_store.hpp"

using namespace redoubt;
using upstream::AnswerStore;
using upstream::AnswerStoreBounds;
using upstream::StoredAnswer;

namespace {

class InMemory {
 public:
  explicit InMemory(AnswerStoreBounds bounds) : answers(bounds) {}
  void flush() {}

  storage::MemoryAnswerStore answers;
};

class InSqlite {
 public:
  explicit InSqlite(AnswerStoreBounds bounds) : answers(writer_, bounds) {}
  void flush() { writer_.flush(); }

 private:
  storage::Writer writer_{storage::open(std::string(storage::in_memory)).value()};

 public:
  storage::SqliteAnswerStore answers;
};

StoredAnswer answer(std::uint8_t key, std::int64_t until_ms, std::string text) {
  StoredAnswer out{.until_ms = until_ms};
  out.key.fill(key);
  out.answer = std::make_shared<const std::string>(std::move(text));
  return out;
}

/// The keys' first bytes with their answers, in the order in which they are loaded.
template <class Adapter>
std::string loaded(Adapter& adapter, std::int64_t now_ms) {
  std::string out = "not called back";
  adapter.answers.load(now_ms, [&](const Result<std::vector<StoredAnswer>>& read) {
    out = read.ok() ? "" : read.error().code;
    if (!read) return;
    for (const StoredAnswer& one : *read)
      out += std::to_string(one.key[0]) + "=" + *one.answer + " ";
  });
  adapter.flush();
  return out;
}

}  // namespace

TEST_CASE_TEMPLATE("kept answers come back the oldest first, one for a key, while they are good",
                   Adapter, InMemory, InSqlite) {
  Adapter adapter({.entries_max = 10, .bytes_max = 100});
  CHECK(loaded(adapter, 0).empty());
  adapter.answers.put(answer(1, 300, std::string("a\0b", 3)), 0);
  adapter.answers.put(answer(2, 100, ""), 0);
  adapter.answers.put(answer(3, 200, "c"), 0);
  CHECK(loaded(adapter, 99) == std::string("2= 3=c 1=a\0b ", 13));
  adapter.answers.put(answer(2, 400, "later"), 0);
  CHECK(loaded(adapter, 200) == std::string("1=a\0b 2=later ", 14));
  CHECK(adapter.answers.lost() == 0);
}

TEST_CASE_TEMPLATE("the youngest of too many kept answers stay", Adapter, InMemory, InSqlite) {
  SUBCASE("by their number") {
    Adapter adapter({.entries_max = 2, .bytes_max = 100});
    for (std::uint8_t i = 1; i <= 3; ++i)
      adapter.answers.put(answer(i, 100 + i, "x"), 0);
    CHECK(loaded(adapter, 0) == "2=x 3=x ");
  }
  SUBCASE("by their bytes") {
    Adapter adapter({.entries_max = 10, .bytes_max = 5});
    for (std::uint8_t i = 1; i <= 4; ++i)
      adapter.answers.put(answer(i, 100, "xy"), 0);
    CHECK(loaded(adapter, 0) == "3=xy 4=xy ");
  }
}

TEST_CASE_TEMPLATE("what is put prunes now and then", Adapter, InMemory, InSqlite) {
  Adapter adapter({.entries_max = 1'000, .bytes_max = 1'000});
  adapter.answers.put(answer(0, 10, "old"), 0);
  for (std::uint64_t i = 1; i < AnswerStore::prune_each; ++i)
    adapter.answers.put(answer(static_cast<std::uint8_t>(i), 100, "x"), 20);
  // Pruned at 20, so it is not there for a load of an earlier moment either.
  CHECK(loaded(adapter, 0).rfind("1=x ", 0) == 0);
}
