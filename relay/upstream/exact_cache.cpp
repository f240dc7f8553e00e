#include "relay/upstream/exact_cache.hpp"

#include <openssl/evp.h>

#include <cassert>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace redoubt::upstream {
namespace {

// What an entry costs besides its answer: list node, table node, control block, rounded up.
constexpr std::size_t entry_overhead_bytes = 256;

std::array<char, 8> length_bytes(std::size_t length) {
  std::array<char, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(static_cast<std::uint64_t>(length) >> (8 * i));
  return bytes;
}

}  // namespace

CacheKey cache_key(std::string_view tenant, std::string_view canonical_request) {
  CacheKey key{};
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  bool good = context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1;
  for (const std::string_view part : {tenant, canonical_request}) {
    const std::array<char, 8> length = length_bytes(part.size());
    good = good && EVP_DigestUpdate(context, length.data(), length.size()) == 1 &&
           EVP_DigestUpdate(context, part.data(), part.size()) == 1;
  }
  good = good && EVP_DigestFinal_ex(context, key.data(), nullptr) == 1;
  EVP_MD_CTX_free(context);
  // A key that is not the digest could give one tenant another's answer.
  if (!good) std::abort();
  return key;
}

std::size_t CacheKeyHash::operator()(const CacheKey& key) const {
  std::size_t hash = 0;
  std::memcpy(&hash, key.data(), sizeof(hash));
  return hash;
}

void ExactCache::erase(Place place) {
  bytes_ -= place->answer->size() + entry_overhead_bytes;
  by_key_.erase(place->key);
  by_use_.erase(place);
}

ExactCache::Answer ExactCache::find(const CacheKey& key, std::int64_t now_ns) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  const Place place = found->second;
  if (place->until_ns <= now_ns) {
    erase(place);
    return nullptr;
  }
  by_use_.splice(by_use_.begin(), by_use_, place);
  return place->answer;
}

bool ExactCache::put(const CacheKey& key, Answer answer, std::int64_t now_ns) {
  return insert(key, std::move(answer), now_ns + options_.ttl_ms * 1'000'000);
}

bool ExactCache::restore(const CacheKey& key, Answer answer, std::int64_t until_ns) {
  return !by_key_.contains(key) && insert(key, std::move(answer), until_ns);
}

bool ExactCache::insert(const CacheKey& key, Answer answer, std::int64_t until_ns) {
  assert(answer != nullptr);
  const std::size_t size = answer->size() + entry_overhead_bytes;
  if (answer->size() > options_.entry_bytes_max || size > options_.bytes_max ||
      options_.entries_max == 0)
    return false;
  if (const auto found = by_key_.find(key); found != by_key_.end()) erase(found->second);
  while (by_key_.size() >= options_.entries_max || bytes_ + size > options_.bytes_max)
    erase(std::prev(by_use_.end()));
  by_use_.push_front({key, std::move(answer), until_ns});
  by_key_.emplace(key, by_use_.begin());
  bytes_ += size;
  return true;
}

void ExactCache::clear() {
  by_key_.clear();
  by_use_.clear();
  bytes_ = 0;
}

}  // namespace redoubt::upstream
