// SqliteAnswerStore: upstream::AnswerStore in the table kept_answers, one row an answer, written
// behind it.
//
// The functions below are all of it without a thread; the class posts them to the store's writer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "relay/storage/writer.hpp"
#include "relay/upstream/answer_store.hpp"

namespace redoubt::storage {

Result<void> write_answer(storage::Database& database, const upstream::StoredAnswer& answer);
/// Removes what is not good any more at `now_ms`, and what is over the bounds.
Result<void> prune_answers(storage::Database& database, upstream::AnswerStoreBounds bounds,
                           std::int64_t now_ms);
/// All that are there, the oldest first. REQUIRES: pruned before, so that they are not too many.
Result<std::vector<upstream::StoredAnswer>> read_answers(storage::Database& database);

class SqliteAnswerStore final : public upstream::AnswerStore {
 public:
  /// `writer` outlives it, and is flushed before whoever is called back ends.
  SqliteAnswerStore(storage::Writer& writer, upstream::AnswerStoreBounds bounds)
      : writer_(writer), bounds_(bounds) {}

  void put(upstream::StoredAnswer answer, std::int64_t now_ms) override;
  void load(std::int64_t now_ms,
            std::function<void(Result<std::vector<upstream::StoredAnswer>>)> callback) override;
  std::uint64_t lost() const override { return lost_.load(std::memory_order_relaxed); }

 private:
  storage::Writer& writer_;
  upstream::AnswerStoreBounds bounds_;
  std::atomic<std::uint64_t> puts_{0};
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace redoubt::storage
