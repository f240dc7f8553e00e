// Any bytes are no token: nothing verifies that was not signed here. Claims that verify mint a
// token that says the same, and a set of keys that parses is written as it is read.
#include <cstdlib>
#include <string_view>

#include "relay/auth/base64.hpp"
#include "relay/auth/credential.hpp"
#include "relay/auth/token.hpp"
#include "relay/auth/token_keys.hpp"

namespace {

using namespace redoubt;

constexpr std::int64_t now_s = 1'800'000'000;

void expect(bool holds) {
  if (!holds) std::abort();
}

const auth::TokenKeys& keys() {
  static const auth::TokenKeys both = [] {
    auth::TokenKeys made;
    made.push_back(auth::generate_token_key(auth::Algorithm::hs256, "h", auth::player_scopes_max));
    made.push_back(auth::generate_token_key(auth::Algorithm::eddsa, "", auth::player_scopes_max));
    return made;
  }();
  return both;
}

void check_claims(std::string_view payload) {
  const auth::TokenPolicy policy;
  const auto token = auth::sign_jws(payload, keys()[0]);
  if (!token) return;  // too long
  const auto claims = auth::verify_token(*token, keys(), policy, now_s);
  if (!claims) return;
  expect(auth::is_subject(claims->subject) && auth::is_tenant(claims->tenant));
  const auto again = auth::mint_token(*claims, keys()[0], policy);
  if (!again) return;
  const auto read = auth::verify_token(*again, keys(), policy, now_s);
  expect(read.ok() && read->subject == claims->subject && read->scopes == claims->scopes &&
         read->limits == claims->limits && read->expires_s == claims->expires_s);
}

void check_base64(std::string_view text) {
  const auto bytes = auth::from_base64url(text);
  if (bytes) expect(auth::to_base64url(*bytes) == text);  // one text for one value
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  expect(!auth::verify_jws(text, keys()).ok());
  check_base64(text);
  check_claims(text);
  (void)auth::find_token({.authorization = text, .websocket_protocols = text});
  (void)auth::parse_token_keys(text);
  return 0;
}
