// Identity: who somebody is, wherever something is owned, charged, stored, pushed or resumed.
//
// 1. A subject is unique within its tenant only: `sub: 1` of two tenants is two people. Nothing is
//    keyed by the subject alone.
// 2. One function says who is anonymous, is_anonymous(): callers without a token and holders of the
//    tokens that POST /api/session gives them. Both have the tenant `anonymous`, which no other
//    token can claim (token.hpp), and share one purse.
// 3. `key()` is injective: the tenant is prefixed by its length, so no choice of names makes two
//    identities one.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace redoubt::auth {

/// The tenant of tokens that name none.
constexpr std::string_view default_tenant = "default";
/// The tenant of callers without a token.
constexpr std::string_view anonymous_tenant = "anonymous";
/// Their subjects are this and the address that limits count by.
constexpr std::string_view anonymous_prefix = "anonymous:";

struct Identity {
  std::string tenant;
  std::string subject;

  bool is_anonymous() const { return tenant == anonymous_tenant; }
  /// "7:default:player-7": the tenant's length in bytes, the tenant, the subject.
  std::string key() const;

  auto operator<=>(const Identity&) const = default;
};

/// Whose key() it is. REQUIRES: it is one.
Identity identity_of(std::string_view key);

/// Of a key(): whose purse it is. A player's is the key itself, all anonymous callers have one.
/// Where people are counted, purses are: addresses cost nothing.
std::string_view purse_of(std::string_view key);

/// Of a caller without a token: one of many who share a purse. `address` is what limits count by.
Identity anonymous_identity(std::string_view address);

}  // namespace redoubt::auth
