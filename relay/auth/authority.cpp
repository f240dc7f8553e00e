#include "relay/auth/authority.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "relay/auth/token_keys.hpp"

namespace redoubt::auth {
namespace {

TokenKey copy_of(const TokenKey& key) {
  return {.kid = key.kid,
          .algorithm = key.algorithm,
          .secret = key.secret.copy(),
          .ed25519 = key.ed25519,
          .signs = key.signs,
          .scopes = key.scopes,
          .issuer = key.issuer,
          .session_form = key.session_form,
          .tenants = key.tenants,
          .own = key.own};
}

bool may_mint(const TokenKey& key, std::string_view tenant) {
  return key.signs && !key.session_form && player_scopes.within(key.scopes) &&
         may_sign_for(key, tenant);
}

TokenKey make_own_key() {
  Digest name;
  fill_random(name);
  constexpr std::size_t name_bytes = 6;
  std::string kid = "relay-" + to_hex(Bytes(name).first(name_bytes));
  TokenKey key = generate_token_key(Algorithm::hs256, std::move(kid), player_scopes_max);
  key.issuer = "redoubt-relay";
  key.own = true;
  return key;
}

}  // namespace

// A digest of SHA-256 is as good as random; an attacker who would choose collisions in its first
// bytes must find tokens with good signatures first, because only those are remembered.
std::size_t Authority::FirstBytes::operator()(const Digest& digest) const {
  std::size_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

Authority::Authority(TokenPolicy policy, TokenSecrets secrets)
    : policy_(std::move(policy)), own_key_(make_own_key()) {
  replace(std::move(secrets));
}

void Authority::replace(TokenSecrets secrets) {
  auto keys = std::make_shared<Keys>();
  keys->all = std::move(secrets.keys);
  keys->service = std::move(secrets.service);
  keys->all.push_back(copy_of(own_key_));
  const std::lock_guard lock(mutex_);
  keys_ = std::move(keys);
  young_.clear();
  old_.clear();
}

std::shared_ptr<const Authority::Keys> Authority::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

Authority::ClaimsPtr Authority::recall(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  if (const auto found = young_.find(digest); found != young_.end()) return found->second;
  const auto found = old_.find(digest);
  if (found == old_.end()) return nullptr;
  ClaimsPtr claims = found->second;
  old_.erase(found);
  keep(digest, claims);
  return claims;
}

// REQUIRES: the lock is held
void Authority::keep(const Digest& digest, ClaimsPtr claims) {
  if (young_.size() >= remembered_tokens_max / 2) {
    old_ = std::move(young_);
    young_ = Remembered();
  }
  young_.emplace(digest, std::move(claims));
}

Result<Authority::ClaimsPtr> Authority::verify(std::string_view token, std::int64_t now_s) {
  if (token.size() > token_bytes_max) {
    return Error{
        .code = "invalid_token",
        .message = "the token is longer than " + std::to_string(token_bytes_max) + " bytes"};
  }
  const Digest digest = sha256(bytes_of(token));
  if (ClaimsPtr known = recall(digest)) {
    if (is_current(*known, policy_, now_s)) return known;
  }
  const auto by = keys();
  auto claims = verify_token(token, by->all, policy_, now_s);
  if (!claims) return claims.error();
  auto shared = std::make_shared<const Claims>(std::move(*claims));
  const std::lock_guard lock(mutex_);
  // Keys that were replaced meanwhile may not have left this token good.
  if (keys_ == by) keep(digest, shared);
  return ClaimsPtr(std::move(shared));
}

Result<std::string> Authority::mint(const Claims& claims) const {
  const auto by = keys();
  // The own one, which is the last, may always.
  const auto first = std::find_if(by->all.begin(), by->all.end(), [&](const TokenKey& key) {
    return may_mint(key, claims.tenant);
  });
  const TokenKey& key = *first;
  if (!claims.scopes.within(key.scopes)) {
    return Error{.code = "not_signed",
                 .message = "the key that signs sessions cannot give the scopes " +
                            to_text(claims.scopes) + "; it can give " + to_text(key.scopes)};
  }
  return mint_token(claims, key, policy_);
}

bool Authority::is_service(std::string_view secret) const {
  const auto by = keys();
  return !by->service.empty() && equal_hidden(by->service.bytes(), bytes_of(secret));
}

std::size_t Authority::remembered() const {
  const std::lock_guard lock(mutex_);
  return young_.size() + old_.size();
}

}  // namespace redoubt::auth
