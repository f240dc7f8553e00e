#include "relay/services/runs/owned_cache.hpp"

#include <doctest/doctest.h>

#include <string>

namespace redoubt::runs {
namespace {

using Cache = OwnedCache<int, std::string>;
constexpr Cache::Bounds bounds{.owner_bytes_max = 4'000, .all_bytes_max = 10'000};

const auth::Identity ada{.tenant = "t", .subject = "ada"};
const auth::Identity bob{.tenant = "t", .subject = "bob"};

void put(Cache& cache, int key, const auth::Identity& owner, std::size_t bytes) {
  cache.put(key, owner, std::make_shared<const std::string>(bytes, 'x'), bytes);
}

}  // namespace

TEST_CASE("over its bound an owner gives up what it used longest ago") {
  Cache cache(bounds);
  put(cache, 1, ada, 1'000);
  put(cache, 2, ada, 1'000);
  put(cache, 3, bob, 1'000);
  REQUIRE(cache.find(1));
  put(cache, 4, ada, 1'000);
  put(cache, 5, ada, 1'000);
  CHECK(cache.find(1));
  CHECK(!cache.find(2));
  CHECK(cache.find(3));
  CHECK(cache.bytes() <= 2 * bounds.owner_bytes_max);
  put(cache, 1, ada, 10);
  CHECK(cache.find(1)->size() == 10);
}

TEST_CASE("over the bound of all whoever has the most gives way") {
  Cache cache(bounds);
  put(cache, 1, bob, 100);
  for (int i = 2; i < 8; ++i)
    put(cache, i, {.tenant = "t", .subject = std::to_string(i)}, 3'000);
  CHECK(cache.bytes() <= bounds.all_bytes_max);
  CHECK(cache.find(1));
  CHECK(cache.find(7));
}

TEST_CASE("a value that is longer than the bounds stands alone, and lives on with who holds it") {
  Cache cache(bounds);
  put(cache, 1, bob, 100);
  put(cache, 2, ada, 100);
  put(cache, 3, ada, 50'000);
  CHECK(!cache.find(1));
  CHECK(!cache.find(2));
  const auto held = cache.find(3);
  REQUIRE(held);
  put(cache, 4, bob, 100);
  CHECK(!cache.find(3));
  CHECK(cache.find(4));
  CHECK(cache.bytes() < 1'000);
  CHECK(held->size() == 50'000);
}

}  // namespace redoubt::runs
