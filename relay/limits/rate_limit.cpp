#include "relay/limits/rate_limit.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "engine/base/hash64.hpp"

namespace redoubt::limits {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
// Each take looks at so many buckets for addresses to forget, so that no request pays for a sweep.
constexpr int buckets_swept_each_take = 4;

std::int64_t seconds_up(std::int64_t ns) {
  return (ns + second_ns - 1) / second_ns;
}

}  // namespace

RatePolicy per_minute(int requests_per_minute, int burst, std::size_t addresses_max) {
  assert(requests_per_minute > 0 && burst > 0);
  return {.interval_ns = 60 * second_ns / requests_per_minute,
          .burst = burst,
          .addresses_max = addresses_max};
}

std::size_t RateLimiter::Hash::operator()(const AddressKey& address) const {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, address.data(), 8);
  std::memcpy(&low, address.data() + 8, 8);
  return mix64(mix64(high ^ seed) ^ low);
}

RateLimiter::RateLimiter(RatePolicy policy, std::uint64_t hash_seed)
    : policy_(policy), tats_(16, Hash{hash_seed}) {
  assert(policy.interval_ns > 0 && policy.burst > 0 && policy.addresses_max > 0);
}

std::int64_t& RateLimiter::slot(const AddressKey& key, std::int64_t now_ns) {
  const auto found = tats_.find(key);
  if (found != tats_.end()) return found->second;
  if (tats_.size() >= policy_.addresses_max) return shared_tat_ns_;
  return tats_.emplace(key, now_ns).first->second;
}

void RateLimiter::forget_some(std::int64_t now_ns) {
  for (int i = 0; i < buckets_swept_each_take; ++i) {
    if (++sweep_bucket_ >= tats_.bucket_count()) sweep_bucket_ = 0;
    // All of the bucket's: were it one a visit, an address that comes and rests in turn would
    // shield the others of its bucket for ever. Erasing moves no other entry.
    auto entry = tats_.begin(sweep_bucket_);
    while (entry != tats_.end(sweep_bucket_)) {
      const AddressKey key = entry->first;
      const bool rested = entry->second <= now_ns;
      ++entry;
      if (rested) tats_.erase(key);
    }
  }
}

RateDecision RateLimiter::decide(std::int64_t tat_ns, std::int64_t now_ns) const {
  const std::int64_t capacity_ns = policy_.interval_ns * policy_.burst;
  const std::int64_t start = std::max(tat_ns, now_ns);
  const std::int64_t next = start + policy_.interval_ns;
  RateDecision decision;
  if (next - now_ns > capacity_ns) {
    decision.allowed = false;
    decision.retry_after_ns = next - now_ns - capacity_ns;
    decision.reset_ns = start - now_ns;
    return decision;
  }
  decision.remaining = static_cast<int>((capacity_ns - (next - now_ns)) / policy_.interval_ns);
  decision.reset_ns = next - now_ns;
  return decision;
}

RateDecision RateLimiter::take(const AddressKey& key, std::int64_t now_ns) {
  forget_some(now_ns);
  std::int64_t& tat = slot(key, now_ns);
  const RateDecision decision = decide(tat, now_ns);
  if (decision.allowed) tat = now_ns + decision.reset_ns;
  return decision;
}

RateDecision RateLimiter::look(const AddressKey& key, std::int64_t now_ns) const {
  const auto found = tats_.find(key);
  if (found != tats_.end()) return decide(found->second, now_ns);
  return decide(tats_.size() >= policy_.addresses_max ? shared_tat_ns_ : now_ns, now_ns);
}

std::string rate_policy_header(const RatePolicy& policy) {
  return "\"address\";q=" + std::to_string(policy.burst) +
         ";w=" + std::to_string(seconds_up(policy.interval_ns * policy.burst));
}

std::string rate_header(const RateDecision& decision) {
  return "\"address\";r=" + std::to_string(decision.remaining) +
         ";t=" + std::to_string(seconds_up(decision.reset_ns));
}

std::string retry_after_header(const RateDecision& decision) {
  return std::to_string(std::max<std::int64_t>(1, seconds_up(decision.retry_after_ns)));
}

}  // namespace redoubt::limits
