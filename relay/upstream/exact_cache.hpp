// ExactCache: answers to requests that were made before, byte for byte, by the same tenant.
//
// 1. A key is SHA-256 over the tenant's name and the canonical request (sorted keys, without what
//    does not change the answer): a tenant can neither find nor probe another's answers.
// 2. Bounded in entries, in bytes and by entry; over a bound the least recently used goes first.
// 3. An answer older than ttl_ms is never given, whether or not it was removed yet.
// 4. Only good, complete answers belong here; who puts them in sees to it.
// 5. /v1 is cached only for a client who asks for it: the same prompt twice may want two answers.
//
// An answer is immutable and shared: a reader keeps it while the cache drops it. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace redoubt::upstream {

using CacheKey = std::array<std::uint8_t, 32>;

/// SHA-256 of length, tenant, length, request; lengths as 8 bytes, so that no two pairs run
/// together.
CacheKey cache_key(std::string_view tenant, std::string_view canonical_request);

/// For hash tables: the digest's first bytes are as good as any hash.
struct CacheKeyHash {
  std::size_t operator()(const CacheKey& key) const;
};

struct ExactCacheOptions {
  std::int64_t ttl_ms = 300'000;
  std::size_t entries_max = 10'000;
  std::size_t bytes_max = 16 << 20;
  std::size_t entry_bytes_max = 1 << 20;
};

class ExactCache {
 public:
  using Answer = std::shared_ptr<const std::string>;

  explicit ExactCache(ExactCacheOptions options = {}) : options_(options) {}

  /// Null where there is none.
  Answer find(const CacheKey& key, std::int64_t now_ns);
  /// False where the answer is larger than an entry may be.
  bool put(const CacheKey& key, Answer answer, std::int64_t now_ns);
  /// One that was kept elsewhere, for as long as it was to be; a newer one that is here stays.
  bool restore(const CacheKey& key, Answer answer, std::int64_t until_ns);
  std::int64_t ttl_ms() const { return options_.ttl_ms; }
  void clear();

  std::size_t entries() const { return by_key_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    CacheKey key;
    Answer answer;
    std::int64_t until_ns;
  };
  using Place = std::list<Entry>::iterator;
  void erase(Place place);
  bool insert(const CacheKey& key, Answer answer, std::int64_t until_ns);

  ExactCacheOptions options_;
  std::list<Entry> by_use_;  // the most recently used first
  std::unordered_map<CacheKey, Place, CacheKeyHash> by_key_;
  std::size_t bytes_ = 0;
};

}  // namespace redoubt::upstream
