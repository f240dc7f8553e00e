#include "relay/auth/credential.hpp"

#include <algorithm>

#include "relay/auth/text.hpp"

namespace redoubt::auth {
namespace {

constexpr std::string_view bearer = "bearer";
constexpr std::string_view nobody = "anonymous";
constexpr std::string_view protocol_prefix = "redoubt.token.";

// Of proxies before the relay, which ask for a password of their own.
bool is_others(std::string_view scheme) {
  for (const std::string_view other : {"basic", "digest", "negotiate", "ntlm"})
    if (equal_no_case(scheme, other)) return true;
  return false;
}

// Whoever sends something means to be somebody: what is no scheme is taken for a token, which is
// good or refused.
std::optional<std::string_view> bearer_token(std::string_view authorization) {
  authorization = trim(authorization);
  const std::size_t space = std::min(authorization.find(' '), authorization.size());
  const std::string_view scheme = authorization.substr(0, space);
  if (equal_no_case(scheme, bearer)) return trim(authorization.substr(space));
  if (authorization.empty() || is_others(scheme)) return std::nullopt;
  return authorization;
}

std::optional<std::string_view> protocol_token(std::string_view list) {
  while (!list.empty()) {
    const std::size_t cut = std::min(list.find(','), list.size());
    const std::string_view protocol = trim(list.substr(0, cut));
    list.remove_prefix(std::min(cut + 1, list.size()));
    if (protocol.starts_with(protocol_prefix)) return protocol.substr(protocol_prefix.size());
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> find_token(const CredentialHeaders& headers) {
  std::optional<std::string_view> token = bearer_token(headers.authorization);
  for (const std::string_view key : {headers.api_key, headers.google_api_key, headers.query_key})
    if (!token && !key.empty()) token = key;
  if (!token) token = protocol_token(headers.websocket_protocols);
  if (token == nobody) return std::nullopt;
  return token;
}

}  // namespace redoubt::auth
