#include "relay/upstream/single_flight.hpp"

#include <doctest/doctest.h>

namespace redoubt::upstream {
namespace {

const CacheKey key = cache_key("tenant", "request");

Frame frame(const std::string& text) {
  return std::make_shared<const std::string>(text);
}

TEST_CASE("the first pays and leads, later ones follow from the beginning") {
  SingleFlight flights;
  CHECK(flights.join(key, 1).role == Role::leader);
  CHECK(flights.publish(key, frame("a")) == std::vector<FollowerId>{1});
  const Joined joined = flights.join(key, 2);
  CHECK(joined.role == Role::follower);
  REQUIRE(joined.frames.size() == 1);
  CHECK(*joined.frames[0] == "a");
  CHECK(flights.publish(key, frame("b")) == std::vector<FollowerId>{1, 2});
  CHECK(flights.followers(key) == std::vector<FollowerId>{1, 2});
  CHECK(flights.followers(cache_key("other", "request")).empty());
  CHECK(flights.join(cache_key("other", "request"), 3).role == Role::leader);
  CHECK(flights.finish(key) == std::vector<FollowerId>{1, 2});
  CHECK(flights.join(key, 4).role == Role::leader);
}

TEST_CASE("the call lives while one remains; the leader's place is handed over, its bill is not") {
  SingleFlight flights;
  flights.join(key, 1);
  flights.join(key, 2);
  flights.join(key, 3);
  CHECK(flights.leave(key, 2).left == Left::stays);
  const LeftFlight over = flights.leave(key, 1);
  CHECK(over.left == Left::handed_over);
  CHECK(over.leader == 3);
  CHECK(flights.payer(key) == 1);
  CHECK(flights.leave(key, 1).left == Left::unknown);
  CHECK(flights.leave(key, 3).left == Left::last);
  CHECK(flights.flights() == 0);
  CHECK(flights.publish(key, frame("late")).empty());
}

TEST_CASE("a flight that outgrows what is kept takes no followers, those it has go on") {
  SingleFlight flights({.kept_bytes_max = 4});
  flights.join(key, 1);
  flights.join(key, 2);
  flights.publish(key, frame("abc"));
  CHECK(flights.kept_bytes() == 3);
  CHECK(flights.publish(key, frame("de")) == std::vector<FollowerId>{1, 2});
  CHECK(flights.kept_bytes() == 0);
  CHECK(flights.join(key, 3).role == Role::alone);
  CHECK(flights.finish(key).size() == 2);
}

TEST_CASE("flights, followers and all that is kept are bounded") {
  SingleFlight flights({.flights_max = 2, .followers_max = 1, .kept_bytes_total_max = 5});
  const CacheKey second = cache_key("tenant", "second");
  flights.join(key, 1);
  CHECK(flights.join(key, 2).role == Role::alone);
  flights.join(second, 3);
  CHECK(flights.join(cache_key("tenant", "third"), 4).role == Role::alone);
  flights.publish(key, frame("abc"));
  flights.publish(second, frame("def"));
  CHECK(flights.kept_bytes() == 3);
}

}  // namespace
}  // namespace redoubt::upstream
