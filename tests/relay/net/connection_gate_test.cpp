#include "relay/net/connection_gate.hpp"

#include <doctest/doctest.h>

using redoubt::net::ConnectionGate;
using Kind = ConnectionGate::Kind;
using Verdict = ConnectionGate::Verdict;

namespace {

ConnectionGate::Key key(const char* address) {
  return ConnectionGate::key(boost::asio::ip::make_address(address));
}

}  // namespace

TEST_CASE("connections are counted over all and by address") {
  ConnectionGate gate(3, 2);
  const auto enter = [&](const char* address) { return gate.enter(key(address), Kind::ordinary); };
  CHECK(enter("192.0.2.1") == Verdict::admitted);
  CHECK(enter("192.0.2.1") == Verdict::admitted);
  CHECK(enter("192.0.2.1") == Verdict::address_full);
  CHECK(enter("192.0.2.2") == Verdict::admitted);
  CHECK(enter("192.0.2.3") == Verdict::strangers_full);
  CHECK(gate.total() == 3);
  gate.leave(key("192.0.2.1"), Kind::ordinary);
  CHECK(enter("192.0.2.1") == Verdict::admitted);
}

TEST_CASE("a proxy's connections are not counted by its address, its clients' requests are") {
  ConnectionGate gate(100, 2);
  for (int i = 0; i < 50; ++i)
    REQUIRE(gate.enter(key("192.0.2.1"), Kind::proxy) == Verdict::admitted);
  CHECK(gate.enter_client(key("198.51.100.7")));
  CHECK(gate.enter_client(key("198.51.100.7")));
  CHECK_FALSE(gate.enter_client(key("198.51.100.7")));
  CHECK(gate.enter_client(key("198.51.100.8")));
  gate.leave_client(key("198.51.100.7"));
  CHECK(gate.enter_client(key("198.51.100.7")));
  CHECK(gate.total() == 50);
}

TEST_CASE("the last connections are this machine's, the very last the admin listener's") {
  ConnectionGate gate(80, 1'000);  // 10 each are kept
  const auto fill = [&](const char* address, Kind kind) {
    int admitted = 0;
    while (gate.enter(key(address), kind) == Verdict::admitted)
      ++admitted;
    return admitted;
  };
  CHECK(fill("192.0.2.1", Kind::proxy) == 60);
  CHECK(fill("192.0.2.2", Kind::ordinary) == 0);
  CHECK(fill("127.0.0.1", Kind::loopback) == 10);
  CHECK(fill("127.0.0.1", Kind::admin) == 10);
}

TEST_CASE("a kind's connections take no other kind's room") {
  ConnectionGate gate(80, 1'000);
  const auto loopback = key("127.0.0.1");
  while (gate.enter(key("192.0.2.1"), Kind::ordinary) == Verdict::admitted)
    continue;
  while (gate.enter(loopback, Kind::loopback) == Verdict::admitted)
    continue;
  for (int i = 0; i < 5; ++i)
    REQUIRE(gate.enter(loopback, Kind::admin) == Verdict::admitted);
  // One that ends makes room for one, whatever the admin listener's hold.
  gate.leave(loopback, Kind::loopback);
  CHECK(gate.enter(loopback, Kind::loopback) == Verdict::admitted);
  CHECK(gate.enter(loopback, Kind::loopback) == Verdict::full);
  gate.leave(key("192.0.2.1"), Kind::ordinary);
  CHECK(gate.enter(key("192.0.2.1"), Kind::ordinary) == Verdict::admitted);
  CHECK(gate.enter(key("192.0.2.1"), Kind::ordinary) == Verdict::strangers_full);
}

TEST_CASE("what an address holds elsewhere does not shut it out of the admin listener") {
  ConnectionGate gate(10'000, 2);
  CHECK(gate.enter(key("127.0.0.1"), Kind::loopback) == Verdict::admitted);
  CHECK(gate.enter(key("127.0.0.1"), Kind::loopback) == Verdict::admitted);
  CHECK(gate.enter(key("127.0.0.1"), Kind::loopback) == Verdict::address_full);
  CHECK(gate.enter(key("127.0.0.1"), Kind::admin) == Verdict::admitted);
  gate.leave(key("127.0.0.1"), Kind::admin);
  CHECK(gate.enter(key("127.0.0.1"), Kind::loopback) == Verdict::address_full);
}

TEST_CASE("an IPv6 subscriber is his /64, a mapped IPv4 address is IPv4") {
  CHECK(key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9"));
  CHECK(key("2001:db8:1:2::1") != key("2001:db8:1:3::1"));
  CHECK(key("::ffff:192.0.2.1") == key("192.0.2.1"));
  CHECK(key("192.0.2.1") != key("192.0.2.2"));
}
