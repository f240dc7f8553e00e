#include "relay/upstream/single_flight.hpp"

#include <algorithm>

namespace redoubt::upstream {

void SingleFlight::drop_kept(Flight& flight) {
  kept_bytes_ -= flight.kept_bytes;
  flight.kept_bytes = 0;
  flight.kept.clear();
  flight.kept.shrink_to_fit();
}

void SingleFlight::erase(Flights::iterator flight) {
  drop_kept(flight->second);
  flights_.erase(flight);
}

Joined SingleFlight::join(const CacheKey& key, FollowerId follower) {
  const auto found = flights_.find(key);
  if (found == flights_.end()) {
    if (flights_.size() >= options_.flights_max) return {};
    Flight& flight = flights_[key];
    flight.payer = follower;
    flight.followers.push_back(follower);
    return {.role = Role::leader};
  }
  Flight& flight = found->second;
  if (!flight.keeps || flight.followers.size() >= options_.followers_max) return {};
  flight.followers.push_back(follower);
  return {.role = Role::follower, .frames = flight.kept};
}

const std::vector<FollowerId>& SingleFlight::publish(const CacheKey& key, const Frame& frame) {
  static const std::vector<FollowerId> nobody;
  const auto found = flights_.find(key);
  if (found == flights_.end()) return nobody;
  Flight& flight = found->second;
  if (flight.keeps) {
    const std::size_t size = frame->size();
    flight.keeps = flight.kept_bytes + size <= options_.kept_bytes_max &&
                   kept_bytes_ + size <= options_.kept_bytes_total_max;
    if (flight.keeps) {
      flight.kept.push_back(frame);
      flight.kept_bytes += size;
      kept_bytes_ += size;
    } else {
      drop_kept(flight);
    }
  }
  return flight.followers;
}

std::vector<FollowerId> SingleFlight::followers(const CacheKey& key) const {
  const auto found = flights_.find(key);
  return found == flights_.end() ? std::vector<FollowerId>() : found->second.followers;
}

LeftFlight SingleFlight::leave(const CacheKey& key, FollowerId follower) {
  const auto found = flights_.find(key);
  if (found == flights_.end()) return {};
  std::vector<FollowerId>& followers = found->second.followers;
  const auto place = std::find(followers.begin(), followers.end(), follower);
  if (place == followers.end()) return {};
  const bool led = place == followers.begin();
  followers.erase(place);
  if (followers.empty()) {
    erase(found);
    return {.left = Left::last};
  }
  if (!led) return {.left = Left::stays};
  return {.left = Left::handed_over, .leader = followers.front()};
}

std::vector<FollowerId> SingleFlight::finish(const CacheKey& key) {
  const auto found = flights_.find(key);
  if (found == flights_.end()) return {};
  std::vector<FollowerId> followers = std::move(found->second.followers);
  erase(found);
  return followers;
}

FollowerId SingleFlight::payer(const CacheKey& key) const {
  const auto found = flights_.find(key);
  return found == flights_.end() ? 0 : found->second.payer;
}

}  // namespace redoubt::upstream
