// Sessions: POST /api/session gives a player a short-lived token.
//
//   the game's own server   Authorization: Bearer SECRET (tokens.service_secret_file) and a body:
//                           {"sub": "player-7", "tenant", "scope", "lifetime_s", "limits"}
//                           The secret begins sessions for `tenants` alone.
//   an anonymous player     no token and no body (or {}), where the listener's `anonymous` lets
//   them
//                           call; the token is their address under the common purse
//
// An anonymous session gives no right that the caller has not without it, and lifts no limit: its
// holder stays anonymous. It lets a page treat both kinds of player alike. Sessions that are begun
// so are limited by address.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/auth/authority.hpp"
#include "relay/contract/gate.hpp"
#include "relay/contract/route.hpp"
#include "relay/http/router.hpp"
#include "relay/observe/metrics.hpp"

namespace redoubt::services {

struct SessionPolicy {
  std::int64_t lifetime_s = 900;  ///< and the most that may be asked for
  int depth_max = 32;
  std::vector<std::string> tenants{std::string(auth::default_tenant)};
};

/// What the game's server asks for, from its body. Error bad_request with what is wrong.
Result<auth::Claims> read_session_request(std::string_view body, const SessionPolicy& policy,
                                          std::int64_t now_s);

class Sessions {
 public:
  /// `authority` and `rate` outlive this.
  Sessions(SessionPolicy policy, auth::Authority& authority, contract::RateGate& rate,
           observe::Metrics& metrics);
  std::vector<contract::Route> routes();

 private:
  http::Response begin(http::Request& request) const;
  http::Response give(const http::Request& request, auth::Claims claims) const;

  SessionPolicy policy_;
  auth::Authority& authority_;
  contract::RateGate& rate_;
  observe::Counter& to_players_;
  observe::Counter& to_anonymous_;
};

}  // namespace redoubt::services
