// Authority: believes tokens and mints them; the one place where the keys for both are.
//
// 1. Thread-safe. Keys are replaced as a whole, while requests go on.
// 2. A token that was found good is remembered by its SHA-256 until its time is over or the keys
//    change, so that a player's next request costs no signature. What is remembered is bounded.
// 3. New tokens are signed with the first configured key that may sign for players of their tenant;
//    where there is none, with a key of this process's own, and then they end with it. Anonymous
//    callers' are always signed with the own key: whoever holds a configured one could forge them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/result.hpp"
#include "relay/auth/token.hpp"

namespace redoubt::auth {

constexpr std::size_t remembered_tokens_max = 8'192;

/// What is configured about tokens, as read from its files.
struct TokenSecrets {
  TokenKeys keys;
  Secret service;  ///< with which the game's own server asks for sessions; empty: nobody may
};

class Authority {
 public:
  Authority(TokenPolicy policy, TokenSecrets secrets);

  /// New keys; tokens of keys that are no longer there are refused from now on.
  void replace(TokenSecrets secrets);

  using ClaimsPtr = std::shared_ptr<const Claims>;
  /// Error invalid_token with what is wrong.
  Result<ClaimsPtr> verify(std::string_view token, std::int64_t now_s);
  /// Error not_signed where the key may not give these scopes.
  Result<std::string> mint(const Claims& claims) const;
  /// Is this the secret of the game's own server?
  bool is_service(std::string_view secret) const;

  const TokenPolicy& policy() const { return policy_; }
  std::size_t remembered() const;

 private:
  struct Keys {
    TokenKeys all;  ///< the own one last
    Secret service;
  };
  struct FirstBytes {
    std::size_t operator()(const Digest& digest) const;
  };
  using Remembered = std::unordered_map<Digest, ClaimsPtr, FirstBytes>;

  std::shared_ptr<const Keys> keys() const;
  ClaimsPtr recall(const Digest& digest);
  void keep(const Digest& digest, ClaimsPtr claims);

  const TokenPolicy policy_;
  const TokenKey own_key_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Keys> keys_;
  // Two generations: when the young one is full it becomes the old one, which is forgotten.
  Remembered young_;
  Remembered old_;
};

}  // namespace redoubt::auth
