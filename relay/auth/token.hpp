// Token: who somebody is and what he may do, signed (JSON Web Token, RFC 7519).
//
//   sub     who: a player's or an operator's name                       required
//   exp     until when, whole seconds since 1970                        required
//   aud     for whom: this relay's tokens.audience, or a list with it   required (not of NextAuth)
//   nbf     not before
//   iss     who signed; must be the key's where the key names one
//   iat, jti   kept for the record
//   tenant  whose game; "default" where it is left out
//   scope   names of scopes.hpp by spaces; what the key may not give is left out
//   limits  {requests_per_minute, tokens_per_minute, concurrent_calls, cost_microusd_per_day,
//            cost_microusd_per_month}: each a bound under the relay's own; an unknown one is
//            refused, because it would not be kept
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

/// Bounds of one caller; nothing: only the relay's own.
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
  std::string tenant = "default";
  std::string token_id;
  std::string issuer;
  Scopes scopes = player_scopes;
  CallerLimits limits;
  std::int64_t issued_s = 0;      ///< 0: not said
  std::int64_t not_before_s = 0;  ///< 0: not said
  std::int64_t expires_s = 0;
};

struct TokenPolicy {
  std::string audience = "redoubt";
  std::int64_t leeway_s = 30;  ///< by which clocks may differ
};

/// 1 to 64 of [A-Za-z0-9._-].
bool is_tenant(std::string_view text);
/// 1 to 256 bytes without control characters.
bool is_subject(std::string_view text);
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
