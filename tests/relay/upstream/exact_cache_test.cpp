#include "relay/upstream/exact_cache.hpp"

#include <doctest/doctest.h>

#include <string>

namespace redoubt::upstream {
namespace {

ExactCache::Answer answer(const std::string& text) {
  return std::make_shared<const std::string>(text);
}
CacheKey key(int number) {
  return cache_key("tenant", std::to_string(number));
}

TEST_CASE("a key holds the tenant, and no two pairs run together") {
  CHECK(cache_key("a", "b") == cache_key("a", "b"));
  CHECK(cache_key("a", "b") != cache_key("b", "b"));
  CHECK(cache_key("ab", "c") != cache_key("a", "bc"));
  CHECK(cache_key("", "ab") != cache_key("ab", ""));
  // printf '\1\0\0\0\0\0\0\0a\1\0\0\0\0\0\0\0b' | sha256sum
  const CacheKey known = cache_key("a", "b");
  CHECK(known[0] == 0xcf);
  CHECK(known[1] == 0x6a);
  CHECK(known[2] == 0xb6);
  CHECK(known[3] == 0x13);
}

TEST_CASE("an answer is given until its time is over") {
  ExactCache cache({.ttl_ms = 10});
  CHECK(cache.put(key(1), answer("one"), 0));
  CHECK(*cache.find(key(1), 9'999'999) == "one");
  CHECK(cache.find(key(2), 0) == nullptr);
  CHECK(cache.find(key(1), 10'000'000) == nullptr);
  CHECK(cache.entries() == 0);
  CHECK(cache.bytes() == 0);
}

TEST_CASE("an answer that was kept elsewhere is given for the rest of its time") {
  ExactCache cache({.ttl_ms = 10, .entry_bytes_max = 10});
  CHECK(cache.put(key(1), answer("newer"), 0));
  CHECK_FALSE(cache.restore(key(1), answer("older"), 5'000'000));
  CHECK(*cache.find(key(1), 9'999'999) == "newer");
  CHECK(cache.restore(key(2), answer("two"), 5'000'000));
  CHECK(*cache.find(key(2), 4'999'999) == "two");
  CHECK(cache.find(key(2), 5'000'000) == nullptr);
  CHECK_FALSE(cache.restore(key(3), answer("far too long"), 5'000'000));
}

TEST_CASE("the least recently used goes first") {
  ExactCache cache({.entries_max = 2});
  cache.put(key(1), answer("one"), 0);
  cache.put(key(2), answer("two"), 0);
  CHECK(cache.find(key(1), 0) != nullptr);
  cache.put(key(3), answer("three"), 0);
  CHECK(cache.find(key(2), 0) == nullptr);
  CHECK(cache.find(key(1), 0) != nullptr);
  CHECK(cache.entries() == 2);
}

TEST_CASE("bytes are bounded, in all and by entry") {
  ExactCache cache({.bytes_max = 4'096, .entry_bytes_max = 1'000});
  CHECK_FALSE(cache.put(key(0), answer(std::string(1'001, 'x')), 0));
  for (int i = 0; i < 100; ++i) {
    CHECK(cache.put(key(i), answer(std::string(static_cast<std::size_t>(i) * 10, 'x')), 0));
    REQUIRE(cache.bytes() <= 4'096);
  }
  CHECK(cache.find(key(99), 0) != nullptr);
  cache.clear();
  CHECK(cache.bytes() == 0);
}

TEST_CASE("a new answer takes the old one's place; a reader keeps what it has") {
  ExactCache cache;
  cache.put(key(1), answer("old"), 0);
  const ExactCache::Answer reading = cache.find(key(1), 0);
  cache.put(key(1), answer("new"), 0);
  CHECK(cache.entries() == 1);
  CHECK(*cache.find(key(1), 0) == "new");
  CHECK(*reading == "old");
}

}  // namespace
}  // namespace redoubt::upstream
