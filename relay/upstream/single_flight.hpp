// SingleFlight: equal requests of one tenant that run at the same time share one upstream call.
//
//   none    --(join)-->                     leading    the first: its reservation pays
//   leading --(join, all is still kept)-->  leading    a follower, from the stream's beginning
//   leading --(join, the beginning went)--> leading    alone: that client makes a call of its own
//   leading --(leave, not the last)-->      leading    a leader's place is handed over
//   leading --(leave, the last)-->          none       the upstream call is to be cancelled
//   leading --(finish)-->                   none
//
// 1. A flight's key is a CacheKey: it holds the tenant, so tenants never share.
// 2. The payer is who opened the flight and stays it, whoever leads: it is charged once.
// 3. A follower gets every frame once and in order: those kept so far from join(), each later one
//    because publish() names it.
// 4. What is kept is bounded, by flight and over all. A flight that outgrows a bound keeps nothing
//    any more and takes no followers; those that it has go on.
// 5. The upstream call lives while one follower remains.
// Not thread-safe; shards hand each other the frames, which are immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "relay/upstream/exact_cache.hpp"

namespace redoubt::upstream {

using Frame = std::shared_ptr<const std::string>;
/// Names a client's request; the caller's own, never used twice at a time.
using FollowerId = std::uint64_t;

struct SingleFlightOptions {
  std::size_t flights_max = 10'000;
  std::size_t followers_max = 1'000;  ///< of one flight
  std::size_t kept_bytes_max = 256 << 10;
  std::size_t kept_bytes_total_max = 16 << 20;
};

enum class Role : std::uint8_t { leader, follower, alone };

struct Joined {
  Role role = Role::alone;
  std::vector<Frame> frames;  ///< a follower's: the stream so far
};

enum class Left : std::uint8_t { unknown, stays, handed_over, last };

struct LeftFlight {
  Left left = Left::unknown;
  FollowerId leader = 0;  ///< handed_over: who leads now
};

class SingleFlight {
 public:
  explicit SingleFlight(SingleFlightOptions options = {}) : options_(options) {}

  Joined join(const CacheKey& key, FollowerId follower);
  /// To whom the frame goes, the leader among them, in the order in which they joined. Valid until
  /// the next call. Empty where there is no such flight.
  const std::vector<FollowerId>& publish(const CacheKey& key, const Frame& frame);
  /// Who is on it, in the order in which they joined; nobody where there is no such flight.
  std::vector<FollowerId> followers(const CacheKey& key) const;
  LeftFlight leave(const CacheKey& key, FollowerId follower);
  /// Ends the flight and tells who was on it.
  std::vector<FollowerId> finish(const CacheKey& key);

  std::size_t flights() const { return flights_.size(); }
  std::size_t kept_bytes() const { return kept_bytes_; }
  /// Who pays; 0 where there is no such flight.
  FollowerId payer(const CacheKey& key) const;

 private:
  struct Flight {
    FollowerId payer = 0;
    std::vector<FollowerId> followers;  // the first leads
    std::vector<Frame> kept;
    std::size_t kept_bytes = 0;
    bool keeps = true;
  };
  using Flights = std::unordered_map<CacheKey, Flight, CacheKeyHash>;
  void drop_kept(Flight& flight);
  void erase(Flights::iterator flight);

  SingleFlightOptions options_;
  Flights flights_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace redoubt::upstream
