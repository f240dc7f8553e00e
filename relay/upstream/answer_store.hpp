// AnswerStore: the exact cache's answers in the store, so that they outlive the process.
//
//   put  -> one row, written behind: the answer was given before it is on disk
//   load -> at the start: what is still good, the oldest first
//
// 1. The cache in memory is what answers; rows are read at the start and never again.
// 2. Bounded as the cache is, in entries and bytes, the youngest stay: pruned at the start and at
//    every prune_each-th put, so that at most so many are over.
// 3. A row that cannot be written is lost and counted, and nobody waits for it.
//
// The functions below are all of it without a thread; the class posts them to the store's writer.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "relay/store/writer.hpp"
#include "relay/upstream/exact_cache.hpp"

namespace redoubt::upstream {

struct AnswerStoreBounds {
  std::size_t entries_max = 10'000;
  std::size_t bytes_max = 64 << 20;
};

struct StoredAnswer {
  CacheKey key{};
  ExactCache::Answer answer;
  std::int64_t until_ms = 0;  ///< since 1970
};

Result<void> write_answer(store::Database& database, const StoredAnswer& answer);
/// Removes what is not good any more at `now_ms`, and what is over the bounds.
Result<void> prune_answers(store::Database& database, AnswerStoreBounds bounds,
                           std::int64_t now_ms);
/// All that are there, the oldest first. REQUIRES: pruned before, so that they are not too many.
Result<std::vector<StoredAnswer>> read_answers(store::Database& database);

class AnswerStore {
 public:
  static constexpr std::uint64_t prune_each = 64;

  /// `writer` outlives it, and is flushed before whoever is told ends.
  AnswerStore(store::Writer& writer, AnswerStoreBounds bounds) : writer_(writer), bounds_(bounds) {}

  void put(StoredAnswer answer, std::int64_t now_ms);
  /// Told on the writer's thread, once; an error where the store cannot be read.
  void load(std::int64_t now_ms, std::function<void(Result<std::vector<StoredAnswer>>)> told);
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  store::Writer& writer_;
  AnswerStoreBounds bounds_;
  std::atomic<std::uint64_t> puts_{0};
  std::atomic<std::uint64_t> lost_{0};
};

}  // namespace redoubt::upstream
