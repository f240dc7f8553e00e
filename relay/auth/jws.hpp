// JWS: a signed text in compact form (RFC 7515), verified with keys whose algorithm is pinned.
//
//   base64url(header) . base64url(payload) . base64url(signature)
//
// 1. The key decides the algorithm; the header's `alg` must say the same. `none` is no algorithm.
// 2. A key is chosen by `kid`. A text without kid is tried with the keys that have none. Keys that
//    come with the text (jwk, jku, x5c, x5u) are never looked at.
// 3. Nothing of the payload is decoded before the signature was found good.
// 4. Refused: extensions that must be understood (crit, b64), members that appear twice, anything
//    beside three parts of canonical base64url, texts over token_bytes_max.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "relay/auth/crypto.hpp"
#include "relay/auth/identity.hpp"
#include "relay/auth/scopes.hpp"

namespace redoubt::auth {

constexpr std::size_t token_bytes_max = 4'096;
constexpr std::size_t token_keys_max = 32;
/// RFC 7518 3.2: a key as long as the hash at the least.
constexpr std::size_t hs256_key_bytes_min = 32;

enum class Algorithm : std::uint8_t { hs256, eddsa };
std::string_view to_string(Algorithm algorithm);

struct TokenKey {
  std::string kid;  ///< "" for tokens that name no key
  Algorithm algorithm = Algorithm::hs256;
  Secret secret;       ///< of HS256
  SigningKey ed25519;  ///< of EdDSA
  bool signs = false;  ///< HS256, or EdDSA with its private half

  // What is believed of a token that this key signed.
  Scopes scopes = player_scopes;  ///< at most these
  std::string issuer;             ///< `iss` must be this; "" for any
  bool session_form = false;  ///< NextAuth's form: no audience, player_scopes where none is said
  std::vector<std::string> tenants{std::string(default_tenant)};  ///< for which it signs
  /// This process's own, which nobody else can hold: it signs for every tenant, and it alone for
  /// the anonymous one. `tenants` is not looked at.
  bool own = false;
};
using TokenKeys = std::vector<TokenKey>;

struct Jws {
  std::string payload;
  const TokenKey* key = nullptr;  ///< that verified it
};

/// Error invalid_token with what is wrong.
Result<Jws> verify_jws(std::string_view compact, std::span<const TokenKey> keys);
/// REQUIRES: key.signs
Result<std::string> sign_jws(std::string_view payload, const TokenKey& key);

}  // namespace redoubt::auth
