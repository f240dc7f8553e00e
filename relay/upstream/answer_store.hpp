// AnswerStore: the exact cache's answers in the store, so that they outlive the process.
//
// 1. The cache in memory is what answers; rows are read at the start and never again.
// 2. Bounded as the cache is, in entries and bytes, the youngest stay: pruned at the start and at
//    every prune_each-th put, so that at most so many are over.
// 3. An answer that cannot be written is lost and counted, and nobody waits for it.
//
// The port of relay/storage's adapters.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/base/result.hpp"
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

class AnswerStore {
 public:
  static constexpr std::uint64_t prune_each = 64;

  virtual ~AnswerStore() = default;
  /// An answer of the same key is replaced.
  virtual void put(StoredAnswer answer, std::int64_t now_ms) = 0;
  /// Those that are still good at `now_ms`, the oldest first. Called back once, on any thread; an
  /// error where the store cannot be read.
  virtual void load(std::int64_t now_ms,
                    std::function<void(Result<std::vector<StoredAnswer>>)> callback) = 0;
  virtual std::uint64_t lost() const = 0;
};

}  // namespace redoubt::upstream
