#include "relay/auth/address.hpp"

#include <doctest/doctest.h>

namespace redoubt::auth {
namespace {

TEST_CASE("an address reads strictly and prints canonically") {
  struct Row {
    const char* text;
    const char* printed;  // null where it is no address
  };
  const Row rows[] = {
      {"127.0.0.1", "127.0.0.1"},      {"::1", "::1"},
      {"::ffff:10.0.0.1", "10.0.0.1"}, {"2001:DB8:0:0::1", "2001:db8::1"},
      {"0.0.0.0", "0.0.0.0"},          {"", nullptr},
      {"localhost", nullptr},          {"127.1", nullptr},
      {"127.0.0.1 ", nullptr},         {"0x7f.0.0.1", nullptr},
      {"fe80::1%eth0", nullptr},       {"1.2.3.4.5", nullptr},
      {"1.2.3.256", nullptr},          {"::1::2", nullptr},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto address = parse_address(row.text);
    CHECK(address.has_value() == (row.printed != nullptr));
    if (address && row.printed != nullptr) CHECK(to_text(*address) == row.printed);
  }
  CHECK_FALSE(parse_address(std::string_view("127.0.0.1\0x", 11)).has_value());
}

TEST_CASE("a node of a forwarded header may carry a port, never a name") {
  CHECK(to_text(*parse_node("192.0.2.1:8080")) == "192.0.2.1");
  CHECK(to_text(*parse_node("[2001:db8::1]:4711")) == "2001:db8::1");
  CHECK(to_text(*parse_node("[2001:db8::1]")) == "2001:db8::1");
  CHECK(to_text(*parse_node("2001:db8::1")) == "2001:db8::1");
  for (const char* bad : {"unknown", "_hidden", "192.0.2.1:", "192.0.2.1:99999", "[::1", "[::1]x",
                          "[127.0.0.1]", "example.org", "", "192.0.2.1:80:81"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_node(bad).has_value());
  }
}

TEST_CASE("a network contains what its prefix covers") {
  struct Row {
    const char* network;
    const char* address;
    bool inside;
  };
  const Row rows[] = {
      {"10.0.0.0/8", "10.255.1.2", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"192.168.1.0/25", "192.168.1.127", true},
      {"192.168.1.0/25", "192.168.1.128", false},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"::/0", "203.0.113.9", true},
      {"fd00::/8", "fdff::1", true},
      {"fd00::/8", "fe00::1", false},
      {"127.0.0.1", "127.0.0.1", true},
      {"127.0.0.1", "127.0.0.2", false},
      {"2001:db8::/33", "2001:db8:8000::1", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.network);
    CAPTURE(row.address);
    CHECK(parse_network(row.network)->contains(*parse_address(row.address)) == row.inside);
  }
  for (const char* bad : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8 ", "fd00::/129",
                          "private", "10/8", "/8"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_network(bad).has_value());
  }
}

TEST_CASE("limits count IPv4 by address and IPv6 by /64") {
  const auto key = [](const char* text) { return limit_key(*parse_address(text)); };
  CHECK(key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9"));
  CHECK(key("2001:db8:1:2::1") != key("2001:db8:1:3::1"));
  CHECK(key("192.0.2.1") != key("192.0.2.2"));
  CHECK(key("::ffff:192.0.2.1") == key("192.0.2.1"));
}

TEST_CASE("loopback is 127.0.0.0/8 and ::1") {
  CHECK(parse_address("127.9.9.9")->is_loopback());
  CHECK(parse_address("::1")->is_loopback());
  CHECK(parse_address("::ffff:127.0.0.1")->is_loopback());
  CHECK_FALSE(parse_address("128.0.0.1")->is_loopback());
  CHECK_FALSE(parse_address("::2")->is_loopback());
  CHECK_FALSE(parse_address("::")->is_loopback());
}

}  // namespace
}  // namespace redoubt::auth
