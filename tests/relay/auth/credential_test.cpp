#include "relay/auth/credential.hpp"

#include <doctest/doctest.h>

#include <string>

namespace redoubt::auth {
namespace {

std::string token(const CredentialHeaders& headers) {
  const auto found = find_token(headers);
  return found ? "<" + std::string(*found) + ">" : "none";
}

TEST_CASE("where a request carries its token") {
  CHECK(token({}) == "none");
  CHECK(token({.authorization = "Bearer a.b.c"}) == "<a.b.c>");
  CHECK(token({.authorization = "bearer  a.b.c "}) == "<a.b.c>");
  CHECK(token({.authorization = "Bearer"}) == "<>");
  CHECK(token({.authorization = "Bearer "}) == "<>");
  CHECK(token({.authorization = "Bearera.b.c"}) == "<Bearera.b.c>");
  CHECK(token({.authorization = "a.b.c"}) == "<a.b.c>");
  CHECK(token({.authorization = "Token a.b.c"}) == "<Token a.b.c>");
  CHECK(token({.authorization = " "}) == "none");
  CHECK(token({.authorization = "Negotiate x"}) == "none");
  CHECK(token({.authorization = "Basic dXNlcjpwYXNz"}) == "none");
  CHECK(token({.api_key = "a.b.c"}) == "<a.b.c>");
  CHECK(token({.authorization = "Bearer x", .api_key = "a.b.c"}) == "<x>");
  CHECK(token({.authorization = "Basic x", .api_key = "a.b.c"}) == "<a.b.c>");
  CHECK(token({.google_api_key = "a.b.c"}) == "<a.b.c>");
  CHECK(token({.query_key = "a.b.c"}) == "<a.b.c>");
  CHECK(token({.google_api_key = "a.b.c", .query_key = "x"}) == "<a.b.c>");
  CHECK(token({.authorization = "Bearer x", .google_api_key = "a.b.c"}) == "<x>");
  CHECK(token({.websocket_protocols = "redoubt, redoubt.token.a.b.c"}) == "<a.b.c>");
  CHECK(token({.websocket_protocols = "redoubt.token.a.b.c,redoubt"}) == "<a.b.c>");
  CHECK(token({.websocket_protocols = "redoubt, chat"}) == "none");
  CHECK(token({.websocket_protocols = "xredoubt.token.a"}) == "none");
}

TEST_CASE("the word for SDKs that insist on a key") {
  CHECK(token({.authorization = "Bearer anonymous"}) == "none");
  CHECK(token({.api_key = "anonymous"}) == "none");
  CHECK(token({.google_api_key = "anonymous"}) == "none");
  CHECK(token({.authorization = "Bearer Anonymous"}) == "<Anonymous>");
}

}  // namespace
}  // namespace redoubt::auth
