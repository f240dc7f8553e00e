// Token keys as a file: a JWK Set (RFC 7517), as every JOSE library writes it.
//
//   {"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "2026-11", "x": "...",
//              "d": "...", "scope": "operator:read"},
//             {"kty": "oct", "alg": "HS256", "kid": "game", "k": "...", "iss": "my-game"}]}
//
// `alg` is required: it pins the algorithm. Three members are our own: `scope`, what tokens of this
// key can be given at most ("game models" where it is left out), `iss`, who signs with it, and
// `tenant`, the tenant or the list of tenants for which it signs ("default" where it is left out).
// Rotation: put the new key first, keep the old one until its last token has expired.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "relay/auth/jws.hpp"

namespace redoubt::auth {

/// Error bad_keys names the key and the member. A key that cannot be used (another algorithm, a
/// use beside "sig", too short) is an error, not left out: who put it there relies on it.
Result<TokenKeys> parse_token_keys(std::string_view json);

/// A new random key. `kid` is not empty.
TokenKey generate_token_key(Algorithm algorithm, std::string kid, Scopes scopes);
/// The JWK Set with one key. `with_private`: what signs; else what a verifier needs.
/// REQUIRES: key.signs, a tenant, and an EdDSA key for a set without the private half
Secret format_token_key(const TokenKey& key, bool with_private);

}  // namespace redoubt::auth
