#include "relay/storage/sqlite_answer_store.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::storage {

using upstream::AnswerStoreBounds;
using upstream::StoredAnswer;

namespace {

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The youngest row that is over the bounds; 0 where none is.
Result<std::int64_t> first_over(storage::Database& database, AnswerStoreBounds bounds) {
  auto rows = database.prepare(
      "SELECT id, length(answer) FROM kept_answers ORDER BY until_ms DESC, id DESC");
  if (!rows) return rows.error();
  std::size_t entries = 0;
  std::size_t bytes = 0;
  while (true) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return 0;
    bytes += static_cast<std::size_t>(rows->integer(1));
    if (++entries > bounds.entries_max || bytes > bounds.bytes_max) return rows->integer(0);
  }
}

}  // namespace

Result<void> write_answer(storage::Database& database, const StoredAnswer& answer) {
  auto statement = database.prepare(
      "INSERT INTO kept_answers (key, until_ms, answer) VALUES (?, ?, ?) ON CONFLICT (key)"
      " DO UPDATE SET until_ms = excluded.until_ms, answer = excluded.answer");
  if (!statement) return statement.error();
  return statement->bind_blob(1, answer.key)
      .bind(2, answer.until_ms)
      .bind_blob(3, bytes_of(*answer.answer))
      .run();
}

Result<void> prune_answers(storage::Database& database, AnswerStoreBounds bounds,
                           std::int64_t now_ms) {
  auto expired = database.prepare("DELETE FROM kept_answers WHERE until_ms <= ?");
  if (!expired) return expired.error();
  if (auto done = expired->bind(1, now_ms).run(); !done) return done;
  const auto over = first_over(database, bounds);
  if (!over) return over.error();
  if (*over == 0) return {};
  auto oldest = database.prepare(
      "DELETE FROM kept_answers WHERE (until_ms, id) <="
      " (SELECT until_ms, id FROM kept_answers WHERE id = ?)");
  if (!oldest) return oldest.error();
  return oldest->bind(1, *over).run();
}

Result<std::vector<StoredAnswer>> read_answers(storage::Database& database) {
  auto rows =
      database.prepare("SELECT key, until_ms, answer FROM kept_answers ORDER BY until_ms, id");
  if (!rows) return rows.error();
  std::vector<StoredAnswer> answers;
  while (true) {
    const auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return answers;
    StoredAnswer one{.until_ms = rows->integer(1)};
    const auto key = rows->blob(0);
    if (key.size() != one.key.size()) continue;  // not of this program
    std::copy(key.begin(), key.end(), one.key.begin());
    const auto answer = rows->blob(2);
    one.answer = std::make_shared<const std::string>(reinterpret_cast<const char*>(answer.data()),
                                                     answer.size());
    answers.push_back(std::move(one));
  }
}

void SqliteAnswerStore::put(StoredAnswer answer, std::int64_t now_ms) {
  const bool prune = (puts_.fetch_add(1, std::memory_order_relaxed) + 1) % prune_each == 0;
  const bool taken =
      writer_.post({.work = [bounds = bounds_, answer = std::move(answer), prune,
                             now_ms](storage::Database& database) -> Result<void> {
                      if (auto written = write_answer(database, answer); !written) return written;
                      return prune ? prune_answers(database, bounds, now_ms) : Result<void>{};
                    },
                    .done =
                        [this](const Result<void>& done) {
                          if (!done) lost_.fetch_add(1, std::memory_order_relaxed);
                        }});
  if (!taken) lost_.fetch_add(1, std::memory_order_relaxed);
}

void SqliteAnswerStore::load(std::int64_t now_ms,
                             std::function<void(Result<std::vector<StoredAnswer>>)> callback) {
  auto read = std::make_shared<std::vector<StoredAnswer>>();
  const bool taken = writer_.post(
      {.work = [bounds = bounds_, read, now_ms](storage::Database& database) -> Result<void> {
         if (auto pruned = prune_answers(database, bounds, now_ms); !pruned) return pruned;
         auto answers = read_answers(database);
         if (!answers) return answers.error();
         *read = std::move(*answers);
         return {};
       },
       .done =
           [read, callback](const Result<void>& done) {
             if (done) {
               callback(std::move(*read));
             } else {
               callback(done.error());
             }
           }});
  if (!taken) callback(Error{.code = "store_busy", .message = "The store's queue is full."});
}

}  // namespace redoubt::storage
