#include "relay/auth/identity.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace redoubt::auth {
namespace {

TEST_CASE("no two identities have one key, and a key says whose it is") {
  const std::vector<Identity> all{{"a", "b"},    {"a", ":b"},   {"a:", "b"},   {"", "a:b"},
                                  {"a:b", ""},   {"1:a", "b"},  {"", "1:a:b"}, {"default", "1"},
                                  {"acme", "1"}, {"12", "3:x"}, {"1", "2:3:x"}};
  std::set<std::string> keys;
  for (const Identity& one : all) {
    CHECK(identity_of(one.key()) == one);
    keys.insert(one.key());
  }
  CHECK(keys.size() == all.size());
  CHECK(Identity{"default", "player-7"}.key() == "7:default:player-7");
}

TEST_CASE("anonymous is a tenant") {
  CHECK(Identity{"anonymous", "anonymous:127.0.0.1"}.is_anonymous());
  CHECK_FALSE(Identity{"default", "anonymous:127.0.0.1"}.is_anonymous());
}

}  // namespace
}  // namespace redoubt::auth
