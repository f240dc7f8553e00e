#include "relay/auth/caller.hpp"

#include <doctest/doctest.h>

namespace redoubt::auth {
namespace {

struct Hop {
  const char* peer;
  const char* x_forwarded_for;
  const char* forwarded;
  const char* x_real_ip;
  const char* client;  // or the code of the refusal
};

TEST_CASE("the client is the right-most hop that is not a trusted proxy") {
  const std::vector<Network> proxies{*parse_network("10.0.0.0/8"), *parse_network("::1")};
  const Hop rows[] = {
      // nothing forwarded: the peer, trusted or not
      {"203.0.113.9", "", "", "", "203.0.113.9"},
      // one and several hops
      {"10.0.0.1", "198.51.100.7", "", "", "198.51.100.7"},
      {"10.0.0.1", "198.51.100.7, 10.2.3.4", "", "", "198.51.100.7"},
      // a client that forges the left end gains nothing
      {"10.0.0.1", "1.1.1.1, 198.51.100.7", "", "", "198.51.100.7"},
      {"10.0.0.1", "127.0.0.1, 198.51.100.7, 10.9.9.9", "", "", "198.51.100.7"},
      // everybody on the way is a proxy: the left-most one called
      {"10.0.0.1", "10.3.3.3, 10.2.2.2", "", "", "10.3.3.3"},
      {"::1", "198.51.100.7:55555", "", "", "198.51.100.7"},
      {"10.0.0.1", "", "for=\"[2001:db8::7]:4711\";proto=https, for=10.1.1.1", "", "2001:db8::7"},
      {"10.0.0.1", "", "proto=https;For=198.51.100.7;by=10.0.0.1", "", "198.51.100.7"},
      {"10.0.0.1", "", "", "198.51.100.7", "198.51.100.7"},
      // X-Real-IP beside a chain: the client, or the chain's last hop
      {"10.0.0.1", "198.51.100.7", "", "198.51.100.7", "198.51.100.7"},
      {"10.0.0.1", "1.1.1.1, 198.51.100.7, 10.9.9.9", "", "198.51.100.7", "198.51.100.7"},
      {"10.0.0.1", "198.51.100.7, 10.9.9.9", "", "10.9.9.9", "198.51.100.7"},
      {"10.0.0.1", "", "for=198.51.100.7", "198.51.100.7", "198.51.100.7"},
      // refusals
      {"10.0.0.1", "", "", "", "forwarded_missing"},
      {"::1", "", "", "", "forwarded_missing"},
      {"10.0.0.1", "127.0.0.1", "", "198.51.100.7", "bad_forwarded"},
      {"10.0.0.1", "198.51.100.7", "", "127.0.0.1", "bad_forwarded"},
      {"10.0.0.1", "", "for=127.0.0.1", "198.51.100.7", "bad_forwarded"},
      {"10.0.0.1", "10.9.9.9, 198.51.100.7", "", "10.9.9.9", "bad_forwarded"},
      {"10.0.0.1", "", "", "127.0.0.1,198.51.100.7", "bad_forwarded"},
      {"203.0.113.9", "198.51.100.7", "", "", "forwarded_not_trusted"},
      {"203.0.113.9", "", "for=198.51.100.7", "", "forwarded_not_trusted"},
      {"203.0.113.9", "", "", "127.0.0.1", "forwarded_not_trusted"},
      {"10.0.0.1", "unknown", "", "", "bad_forwarded"},
      {"10.0.0.1", "198.51.100.7,", "", "", "bad_forwarded"},
      {"10.0.0.1", "", "by=10.0.0.1", "", "bad_forwarded"},
      {"10.0.0.1", "198.51.100.7", "for=198.51.100.8", "", "bad_forwarded"},
  };
  for (const Hop& row : rows) {
    CAPTURE(row.peer);
    CAPTURE(row.x_forwarded_for);
    CAPTURE(row.forwarded);
    Forwarded headers{.x_forwarded_for = row.x_forwarded_for,
                      .forwarded = row.forwarded,
                      .x_real_ip = row.x_real_ip};
    headers.any = *row.x_forwarded_for != 0 || *row.forwarded != 0 || *row.x_real_ip != 0;
    const ClientAddress client = client_address(*parse_address(row.peer), headers, proxies);
    CHECK((client.refusal ? client.refusal->code : to_text(client.address)) == row.client);
  }
}

TEST_CASE("a chain longer than the bound is refused") {
  std::string chain = "198.51.100.7";
  for (int i = 0; i < hops_max; ++i)
    chain += ", 10.1.1.1";
  const std::vector<Network> proxies{*parse_network("10.0.0.0/8")};
  Forwarded headers{.x_forwarded_for = chain};
  headers.any = true;
  const ClientAddress client = client_address(*parse_address("10.0.0.1"), headers, proxies);
  REQUIRE(client.refusal.has_value());
  CHECK(client.refusal->code == "bad_forwarded");
}

TEST_CASE("forwarded headers are known by name, in any case") {
  for (const char* name :
       {"X-Forwarded-For", "FORWARDED", "x-real-ip", "X-Forwarded-Host", "X-Forwarded-Proto",
        "X-FORWARDED-Ssl", "True-Client-IP", "CF-Connecting-IP", "Fly-Client-IP"}) {
    CHECK(is_forwarded_header(name));
  }
  for (const char* name : {"Via", "Host", "X-Forwarded", "X-Forwarded-", "Origin"})
    CHECK_FALSE(is_forwarded_header(name));
}

TEST_CASE("local is a loopback peer that speaks for itself") {
  struct Row {
    const char* peer;
    const char* x_forwarded_for;
    bool via;
    bool local;
  };
  const std::vector<Network> proxies{*parse_network("127.0.0.2"), *parse_network("10.0.0.0/8")};
  const Row rows[] = {
      {"127.0.0.1", "", false, true},           {"::1", "", false, true},
      {"127.0.0.1", "", true, false},           {"203.0.113.9", "", false, false},
      {"127.0.0.2", "127.0.0.1", false, false}, {"10.0.0.1", "::1", false, false},
      {"127.0.0.2", "127.0.0.2", false, false}, {"127.0.0.2", "", false, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.peer);
    CAPTURE(row.x_forwarded_for);
    Forwarded headers{.x_forwarded_for = row.x_forwarded_for, .via = row.via};
    headers.any = *row.x_forwarded_for != 0;
    const ClientAddress client = client_address(*parse_address(row.peer), headers, proxies);
    CHECK(client.is_local() == row.local);
  }
}

TEST_CASE("anonymous decides by listener and by where the caller is") {
  const ClientAddress near{.address = *parse_address("127.0.0.1")};
  const ClientAddress far{.address = *parse_address("203.0.113.9")};
  const ClientAddress relayed{.address = *parse_address("127.0.0.1"), .relayed = true};
  CHECK_FALSE(check_anonymous(Anonymous::on, far).has_value());
  CHECK_FALSE(check_anonymous(Anonymous::local, near).has_value());
  CHECK(check_anonymous(Anonymous::local, far)->status == 401);
  CHECK(check_anonymous(Anonymous::local, relayed)->status == 401);
  CHECK(check_anonymous(Anonymous::off, near)->status == 401);
}

TEST_CASE("Host is checked against rebinding") {
  struct Row {
    const char* host;
    bool allowed;
  };
  const std::vector<std::string> hosts{"play.example.org", "[2001:db8::1]"};
  const Row rows[] = {
      {"localhost", true},
      {"localhost:8000", true},
      {"LOCALHOST:1", true},
      {"127.0.0.1:8000", true},
      {"[::1]:8000", true},
      {"[::1]", true},
      {"play.example.org", true},
      {"Play.Example.ORG:443", true},
      {"play.example.org.", true},
      {"[2001:db8::1]:80", true},
      {"evil.example", false},
      {"", false},
      {"localhost.evil.example", false},
      {"127.0.0.2", false},
      {"evil.example:8000", false},
      {"xplay.example.org", false},
      {"[::2]", false},
      {"0.0.0.0", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.host);
    CHECK(check_host(row.host, hosts).has_value() != row.allowed);
  }
  CHECK(check_host("evil.example", {})->status == 421);
  const std::vector<std::string> any{"*"};
  CHECK_FALSE(check_host("anything.example", any).has_value());
}

}  // namespace
}  // namespace redoubt::auth
