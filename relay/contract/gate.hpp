// Gate: what every request passes before its handler, and what every answer gets after it.
//
//   forwarded headers -> Host -> Origin -> authenticate, authorise -> rate limit
//
// 1. One Gate a listener, shared by all shards; it holds no state but the rate limit's, which has a
//    lock of its own.
// 2. Who may call what the routes say (contract/route.hpp), and nothing else does: a route that is
//    not among them needs a scope that no player has. Probes pass unlooked at: they tell nothing
//    and must answer whatever name or proxy the prober uses.
// 3. A token that is presented must be good: a bad one is refused (401), not taken for nobody's. A
//    good one without the route's scope is refused too (403). One that POST /api/session gave to an
//    anonymous caller opens a listener only where that caller may come without it.
// 4. What was found out about the caller travels with the request as a Caller.
// 5. The gate looks at heads: it decides before a body is read.
//    A route of Access::late() puts the question off: a token in its head must be good, who sends
//    none passes, and its handler asks admit_late() before it does anything for them.
// 6. A refusal costs its address one of a bucket; when that is empty, further refusals are 429 and
//    a token is believed only if it was verified before: no signature is checked. So who guesses
//    tokens gets a few tries, and a neighbour behind the same address goes on with a token that
//    works already. A neighbour's new token must wait for the bucket: it is the guesser's address.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "relay/auth/authority.hpp"
#include "relay/auth/caller.hpp"
#include "relay/auth/identity.hpp"
#include "relay/auth/origin.hpp"
#include "relay/contract/route.hpp"
#include "relay/http/router.hpp"
#include "relay/limits/rate_limit.hpp"
#include "relay/observe/metrics.hpp"

namespace redoubt::contract {

/// What the gate found out; Request::attachment holds a shared_ptr to it.
class Gate;

struct Caller {
  auth::Address address;
  bool local = false;  ///< at this machine, and not through a proxy
  auth::OriginVerdict origin = auth::OriginVerdict::absent;
  std::string request_id;                      ///< the client's where it is sane, else the server's
  Dialect dialect = Dialect::problem();        ///< what the caller reads of errors
  std::optional<limits::RateDecision> rate;    ///< where the request was counted
  std::shared_ptr<const auth::Claims> claims;  ///< of the token; null: none was presented
  /// Whom to count, to charge, and whose things are whose: the token's, or the anonymous one of
  /// the address. Whether it is anonymous it says itself: a token may be, too.
  auth::Identity identity = auth::anonymous_identity({});
  auth::Scopes scopes;   ///< what the caller may do
  bool service = false;  ///< the game's own server, at POST /api/session alone
  /// On a route of Access::late(): whom to ask for admission; and why the caller, who sent no token
  /// with the head, is refused without one. Null and nothing elsewhere.
  const Gate* gate = nullptr;
  std::optional<auth::Refusal> without_token;

  auth::CallerLimits limits() const;
};
/// Whom the memory of the caller's requests and streams is counted on.
http::Payer payer_of(const Caller& caller);
/// Null for probes and for requests that were refused before the gate.
const Caller* caller_of(const http::Request& request);
/// auth::Identity::key() of the caller; before the gate, of nobody in particular.
std::string caller_key(const http::Request& request);
/// The caller's request id, or the server's.
std::string_view request_id_of(const http::Request& request);

/// Of the request's route, or of its path where it has none; problem details before the gate.
Dialect dialect_of(const http::Request& request);

/// A client's own id is taken when it has 1 to 64 characters of [A-Za-z0-9._-].
bool is_sane_request_id(std::string_view id);

/// The rate limit, shared by all listeners and shards.
class RateGate {
 public:
  RateGate(limits::RatePolicy policy, std::uint64_t hash_seed)
      : limiter_(policy, hash_seed), policy_header_(limits::rate_policy_header(policy)) {}
  limits::RateDecision take(const limits::AddressKey& key, std::int64_t now_ns) {
    const std::lock_guard lock(mutex_);
    return limiter_.take(key, now_ns);
  }
  /// What take() would decide.
  limits::RateDecision look(const limits::AddressKey& key, std::int64_t now_ns) {
    const std::lock_guard lock(mutex_);
    return limiter_.look(key, now_ns);
  }
  std::size_t addresses() {
    const std::lock_guard lock(mutex_);
    return limiter_.addresses();
  }
  const std::string& policy_header() const { return policy_header_; }

 private:
  std::mutex mutex_;
  limits::RateLimiter limiter_;
  std::string policy_header_;
};

struct GatePolicy {
  auth::Anonymous anonymous = auth::Anonymous::local;
  std::vector<std::string> hosts;
  std::vector<auth::Network> trusted_proxies;
  auth::Origins origins;
  RateGate* rate = nullptr;      ///< null: no limit; outlives the gate
  RateGate* refusals = nullptr;  ///< the same, of refused requests
  bool admin = false;            ///< the admin listener: a path without a route needs a caller, too
  auth::Authority* authority = nullptr;  ///< null: every token is refused; outlives the gate
};

class Gate {
 public:
  /// `routes` outlives the gate.
  Gate(GatePolicy policy, const Routes& routes, observe::Metrics& metrics);

  /// Registers the gate's filter, finisher and hooks. The gate outlives the router.
  void install(http::Router& router);

  std::optional<http::Response> admit(http::Request& request) const;
  /// Who `caller` of a route of Access::late() is and that they may go on, by the token that they
  /// show after the head, or by what the head said where `token` is empty. The Refusal is one that
  /// admit() would have given; too many of them are "rate_limited" as there.
  std::variant<Caller, auth::Refusal> admit_late(const Caller& caller, std::string_view token,
                                                 auth::Scope scope, http::Moment now) const;
  void finish(const http::Request& request, http::Response& response) const;
  http::Response preflight(http::Request& request, std::string_view allow) const;

 private:
  http::Response refuse(const http::Request& request, const auth::Refusal& refusal) const;
  std::optional<http::Response> refuse_encoded(const http::Request& request) const;
  http::Response turn_away(const http::Request& request, const Caller& caller,
                           const auth::Refusal& refusal) const;
  http::Response too_many(const http::Request& request, std::string_view message,
                          const limits::RateDecision& decision) const;
  Result<auth::Authority::ClaimsPtr> verify(std::string_view token, http::Moment now,
                                            const Caller& caller) const;
  std::optional<auth::Refusal> check(http::Request& request, Access access, Caller& caller) const;
  std::optional<auth::Refusal> identify(const http::Request& request, Access access,
                                        const auth::ClientAddress& client, Caller& caller) const;
  std::optional<auth::Refusal> admit_anonymous(Access access, const auth::ClientAddress& client,
                                               const Caller& caller) const;
  std::optional<http::Response> count(const http::Request& request, Caller& caller) const;

  const Route* route_of(const http::Request& request) const;
  Access access_of(const http::Request& request, const Route* route) const;
  Dialect declared_dialect(const http::Request& request, const Route* route) const;
  Dialect dialect_of(const http::Request& request, const Route* route) const;

  GatePolicy policy_;
  const Routes& routes_;
  observe::Metrics& metrics_;
  observe::Counter& limited_;
};

/// The content security policy of the page and the explorer: own scripts only. `connect`: origins
/// beside the relay's that it may call.
std::string page_policy(const std::vector<std::string>& connect);
/// The same where the page was asked for under a name of this machine: then it may call any port of
/// this machine, so that a page from one can use a relay or a model on another. A page of the
/// public may not: "localhost" is the visitor's machine then, and none of its business.
std::string with_local_sources(std::string policy);
/// Does a Host header name the machine itself: localhost, 127.0.0.0/8 or [::1], with any port?
bool is_local_host(std::string_view host);

}  // namespace redoubt::contract
