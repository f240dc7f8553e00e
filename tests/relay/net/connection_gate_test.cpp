#include "relay/net/connection_gate.hpp"

#include <doctest/doctest.h>

using redoubt::net::ConnectionGate;
using Verdict = ConnectionGate::Verdict;

namespace {

ConnectionGate::Key key(const char* address) {
  return ConnectionGate::key(boost::asio::ip::make_address(address));
}

}  // namespace

TEST_CASE("connections are counted over all and by address") {
  ConnectionGate gate(3, 2);
  CHECK(gate.enter(key("192.0.2.1")) == Verdict::admitted);
  CHECK(gate.enter(key("192.0.2.1")) == Verdict::admitted);
  CHECK(gate.enter(key("192.0.2.1")) == Verdict::address_full);
  CHECK(gate.enter(key("192.0.2.2")) == Verdict::admitted);
  CHECK(gate.enter(key("192.0.2.3")) == Verdict::full);
  CHECK(gate.total() == 3);
  gate.leave(key("192.0.2.1"));
  CHECK(gate.enter(key("192.0.2.1")) == Verdict::admitted);
}

TEST_CASE("an IPv6 subscriber is his /64, a mapped IPv4 address is IPv4") {
  CHECK(key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9"));
  CHECK(key("2001:db8:1:2::1") != key("2001:db8:1:3::1"));
  CHECK(key("::ffff:192.0.2.1") == key("192.0.2.1"));
  CHECK(key("192.0.2.1") != key("192.0.2.2"));
}
