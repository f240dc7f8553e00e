// Token: who somebody is and what they may do, signed (JSON Web Token, RFC 7519).
//
//   sub     who: a player's or an operator's name, 1 to 256 bytes of    required
//           visible text (engine/base/visible_text.hpp)
//   exp     until when, whole seconds since 1970                        required
//   aud     for whom: this relay's tokens.audience, or a list with it   required (not of NextAuth)
//   nbf     not before
//   iss     who signed; must be the key's where the key names one
//   iat, jti   kept for the record
//   tenant  whose game; "default" where it is left out. Must be one of the key's
//   scope   names of scopes.hpp by spaces; what the key may not give is left out
//   limits  {requests_per_minute, tokens_per_minute, concurrent_calls, cost_microusd_per_day,
//            cost_microusd_per_month}: each a bound under the relay's own. Left out is none, 0 is
//            nothing; null and an unknown one are refused, because they would not be kept
//
// The tenant `anonymous`, and subjects that begin with `anonymous:`, are the relay's to give: a
// token that claims them is refused unless this process's own key signed it.
//
// NextAuth's HS256 session tokens (sub, name, email, picture, iat, exp, jti, no aud and no scope)
// are believed of a key that is marked so.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "relay/auth/jws.hpp"
#include "relay/auth/scopes.hpp"

namespace redoubt::auth {

constexpr std::size_t subject_bytes_max = 256;
constexpr std::size_t tenant_bytes_max = 64;

/// Bounds of one caller under the relay's own. Absent: none; 0: nothing is allowed.
struct CallerLimits {
  std::optional<std::int64_t> requests_per_minute;
  std::optional<std::int64_t> tokens_per_minute;
  std::optional<std::int64_t> concurrent_calls;
  std::optional<std::int64_t> cost_microusd_per_day;
  std::optional<std::int64_t> cost_microusd_per_month;
  bool operator==(const CallerLimits&) const = default;
};

struct Claims {
  std::string subject;
  std::string tenant{default_tenant};
  std::string token_id;
  std::string issuer;
  Scopes scopes = player_scopes;
  CallerLimits limits;
  std::int64_t issued_s = 0;      ///< 0: not said
  std::int64_t not_before_s = 0;  ///< 0: not said
  std::int64_t expires_s = 0;

  Identity identity() const { return {.tenant = tenant, .subject = subject}; }
};

struct TokenPolicy {
  std::string audience = "redoubt";
  std::int64_t leeway_s = 30;  ///< by which clocks may differ
};

/// 1 to 64 of [A-Za-z0-9._-].
bool is_tenant(std::string_view text);
/// 1 to 256 bytes of visible text (engine/base/visible_text.hpp).
bool is_subject(std::string_view text);
/// Is this a name that only the relay gives: the anonymous tenant's, or a subject of it?
bool is_reserved(std::string_view tenant, std::string_view subject);
/// May tokens of this key name the tenant? Of the anonymous one the relay's own alone.
bool may_sign_for(const TokenKey& key, std::string_view tenant);
/// Reads the member `limits` of a token or of a request for one. Error with what is wrong.
Result<CallerLimits> read_limits(const nlohmann::json& limits);
/// The other way: what read_limits reads.
nlohmann::json limits_json(const CallerLimits& limits);

/// Error invalid_token with what is wrong.
Result<Claims> verify_token(std::string_view token, std::span<const TokenKey> keys,
                            const TokenPolicy& policy, std::int64_t now_s);
/// Is a token that was good before still good now?
bool is_current(const Claims& claims, const TokenPolicy& policy, std::int64_t now_s);

/// REQUIRES: key.signs
Result<std::string> mint_token(const Claims& claims, const TokenKey& key,
                               const TokenPolicy& policy);

}  // namespace redoubt::auth
