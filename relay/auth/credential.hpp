// Credential: where a request carries its token, and which one it is.
//
//   Authorization: Bearer TOKEN          every client
//   x-api-key: TOKEN                     Anthropic's SDK
//   x-goog-api-key: TOKEN                Google's SDKs
//   ?key=TOKEN                           Gemini's format only, as Google's API takes it; the relay
//                                        writes no query to its log
//   Sec-WebSocket-Protocol: redoubt, redoubt.token.TOKEN
//                                        a browser's WebSocket, which cannot set headers; a query
//                                        parameter would end up in every log on the way
//
// The word `anonymous` in a token's place is no token: SDKs insist on a key. Other schemes of
// Authorization belong to whoever stands before the relay (Basic) and are not looked at.
#pragma once

#include <optional>
#include <string_view>

namespace redoubt::auth {

/// The subprotocol that the relay speaks on its sockets.
constexpr std::string_view websocket_protocol = "redoubt";

/// Header values as received; an absent header is an empty view.
struct CredentialHeaders {
  std::string_view authorization;
  std::string_view api_key;
  std::string_view google_api_key;
  std::string_view query_key;
  std::string_view websocket_protocols;
};

/// The token, or nothing. An empty token ("Bearer ") is a token, and a bad one.
std::optional<std::string_view> find_token(const CredentialHeaders& headers);

}  // namespace redoubt::auth
