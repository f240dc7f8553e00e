// RateLimit: how many requests an address may make, as a pure state machine (GCRA).
//
// 1. Time comes in as an argument, in nanoseconds of any monotonic clock; it never goes back.
// 2. An address owns one number, its theoretical arrival time (TAT): a bucket of `burst` requests
//    that refills one request each `interval_ns`. A refused request costs nothing.
// 3. The table is bounded. An address whose TAT has passed has a full bucket and is forgotten
//    without loss. When every entry is in use, newcomers share one common bucket: a flood of
//    addresses cannot buy itself room.
// 4. Not thread-safe: the owner holds a lock.
//
// Generic Cell Rate Algorithm: ITU-T I.371, as used by ATM policing.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>

namespace redoubt::limits {

/// Whom to count: the 16 bytes of an IPv6 or IPv6-mapped address, cut to what one caller owns.
using AddressKey = std::array<std::uint8_t, 16>;

struct RatePolicy {
  std::int64_t interval_ns = 50'000'000;  ///< one request refills in this time
  int burst = 200;                        ///< requests at once from a rested address
  std::size_t addresses_max = 65'536;
};

/// Policy of `requests_per_minute` with `burst`. REQUIRES: both > 0
RatePolicy per_minute(int requests_per_minute, int burst, std::size_t addresses_max);

struct RateDecision {
  bool allowed = true;
  int remaining = 0;                ///< requests that would pass right now after this one
  std::int64_t retry_after_ns = 0;  ///< when refused: after this time one request passes
  std::int64_t reset_ns = 0;        ///< until the bucket is full again
};

class RateLimiter {
 public:
  /// `hash_seed` keeps an attacker from choosing addresses that collide in the table.
  RateLimiter(RatePolicy policy, std::uint64_t hash_seed);

  RateDecision take(const AddressKey& key, std::int64_t now_ns);
  /// What take() would decide; takes nothing.
  RateDecision look(const AddressKey& key, std::int64_t now_ns) const;
  std::size_t addresses() const { return tats_.size(); }
  const RatePolicy& policy() const { return policy_; }

 private:
  struct Hash {
    std::uint64_t seed;
    std::size_t operator()(const AddressKey& address) const;
  };
  std::int64_t& slot(const AddressKey& key, std::int64_t now_ns);
  RateDecision decide(std::int64_t tat_ns, std::int64_t now_ns) const;
  void forget_some(std::int64_t now_ns);

  RatePolicy policy_;
  std::unordered_map<AddressKey, std::int64_t, Hash> tats_;
  std::int64_t shared_tat_ns_ = 0;
  std::size_t sweep_bucket_ = 0;
};

/// Header values of draft-ietf-httpapi-ratelimit-headers: RateLimit-Policy ("address";q=200;w=10)
/// and RateLimit ("address";r=12;t=3).
std::string rate_policy_header(const RatePolicy& policy);
std::string rate_header(const RateDecision& decision);
/// Retry-After: whole seconds, rounded up, so that a client who waits that long passes.
std::string retry_after_header(const RateDecision& decision);

}  // namespace redoubt::limits
