#include "relay/auth/token.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"
#include "relay/auth/base64.hpp"
#include "relay/auth/token_keys.hpp"

namespace redoubt::auth {
namespace {

constexpr std::int64_t now_s = 1'800'000'000;
const TokenPolicy policy{.audience = "redoubt", .leeway_s = 30};

TokenKeys one_key(Scopes scopes = player_scopes) {
  TokenKeys keys;
  keys.push_back(generate_token_key(Algorithm::hs256, "k", scopes));
  return keys;
}

Json good_claims() {
  return {{"sub", "player-7"}, {"aud", "redoubt"}, {"exp", now_s + 600}};
}

std::string sign(const Json& claims, const TokenKey& key) {
  return sign_jws(claims.dump(), key).value();
}

// What is wrong with the claims, "" where they pass.
std::string fault(const Json& claims, std::int64_t at_s = now_s) {
  const TokenKeys keys = one_key();
  const auto result = verify_token(sign(claims, keys[0]), keys, policy, at_s);
  return result ? "" : result.error().message;
}

Json with(const char* name, Json value) {
  Json claims = good_claims();
  claims[name] = std::move(value);
  return claims;
}
Json without(const char* name) {
  Json claims = good_claims();
  claims.erase(name);
  return claims;
}

TEST_CASE("what is minted verifies and says the same") {
  for (const Algorithm algorithm : {Algorithm::hs256, Algorithm::eddsa}) {
    TokenKeys keys;
    keys.push_back(generate_token_key(algorithm, "k", player_scopes_max));
    keys[0].issuer = "redoubt";
    keys[0].tenants = {"valley"};
    Claims claims{.subject = "player-7", .tenant = "valley", .token_id = "t1"};
    claims.scopes = Scope::game | Scope::workflow_run;
    claims.limits.requests_per_minute = 60;
    claims.limits.cost_microusd_per_day = 0;
    claims.issued_s = now_s;
    claims.expires_s = now_s + 900;
    const auto token = mint_token(claims, keys[0], policy);
    REQUIRE(token.ok());
    const auto read = verify_token(*token, keys, policy, now_s + 1);
    REQUIRE(read.ok());
    CHECK(read->subject == "player-7");
    CHECK(read->tenant == "valley");
    CHECK(read->token_id == "t1");
    CHECK(read->scopes == claims.scopes);
    CHECK(read->limits == claims.limits);
    CHECK(read->expires_s == claims.expires_s);
  }
}

TEST_CASE("claims that pass") {
  CHECK(fault(good_claims()) == "");
  CHECK(fault(with("aud", Json::array({"other", "redoubt"}))) == "");
  CHECK(fault(with("nbf", now_s + 30)) == "");
  CHECK(fault(with("exp", now_s - 29)) == "");
  CHECK(fault(with("unknown", Json::array({1}))) == "");
  CHECK(fault(with("jti", nullptr)) == "");
}

TEST_CASE("claims that are refused, and why") {
  struct Row {
    Json claims;
    const char* why;
  };
  const Row rows[] = {
      {with("exp", now_s - 30), "expired"},
      {with("exp", 0), "expiry"},
      {without("exp"), "expiry"},
      {with("exp", nullptr), "expiry"},
      {with("exp", "1800000600"), "exp is not"},
      {with("exp", 1.8e9), "exp is not"},
      {with("exp", -1), "exp is not"},
      {with("exp", UINT64_MAX), "exp is not"},
      {with("exp", 1e300), "exp is not"},
      {with("nbf", now_s + 31), "not valid yet"},
      {with("nbf", "soon"), "nbf is not"},
      {without("aud"), "not for this relay"},
      {with("aud", "Redoubt"), "not for this relay"},
      {with("aud", Json::array()), "not for this relay"},
      {with("aud", Json::array({1, nullptr, Json::array({"redoubt"})})), "not for this relay"},
      {with("aud", {{"redoubt", true}}), "not for this relay"},
      {without("sub"), "nobody's name"},
      {with("sub", ""), "nobody's name"},
      {with("sub", "a\nb"), "nobody's name"},
      {with("sub", 7), "sub is not"},
      {with("sub", std::string(257, 'x')), "sub is not"},
      {with("sub", "a\xE2\x80\xAEnimda"), "visible text"},
      {with("sub", "a\xE2\x81\xA6"), "visible text"},
      {with("sub", "a\xC2\x85"), "visible text"},
      {with("sub", "a\xE2\x80\x8B"), "visible text"},
      {with("sub", "anonymous:192.0.2.1"), "claims to be anonymous"},
      {with("tenant", "anonymous"), "claims to be anonymous"},
      {with("tenant", "valley"), "does not sign for the tenant valley"},
      {with("tenant", "../other"), "tenant"},
      {with("tenant", ""), "tenant"},
      {with("scope", Json::array({"game"})), "scope is not"},
      {with("limits", 5), "limits is not"},
      {with("limits", {{"request_per_minute", 5}}), "not kept here"},
      {with("limits", {{"requests_per_minute", -5}}), "whole number"},
      {with("limits", {{"requests_per_minute", 1.5}}), "whole number"},
      {with("limits", {{"cost_microusd_per_day", nullptr}}),
       "cost_microusd_per_day is not a whole"},
      {with("limits", {{"cost_microusd_per_day", "0"}}), "whole number"},
      {with("limits", {{"cost_microusd_per_day", 1e300}}), "whole number"},
      {with("limits", {{"cost_microusd_per_day", UINT64_MAX}}), "whole number"},
      {with("limits", {{"cost_microusd_per_day", 9'007'199'254'740'992}}), "to 1000000000000000"},
      {with("limits", nullptr), "limits is not"},
      {Json::array({good_claims()}), "not a JSON object"},
      {Json("x"), "not a JSON object"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.claims.dump());
    const std::string why = fault(row.claims);
    CHECK_MESSAGE(why.find(row.why) != std::string::npos, why);
  }
}

TEST_CASE("a member that appears twice is refused, whichever would win") {
  const TokenKeys keys = one_key();
  const std::string twice = R"({"sub":"a","aud":"redoubt","exp":1800000600,"sub":"admin"})";
  CHECK_FALSE(verify_token(sign_jws(twice, keys[0]).value(), keys, policy, now_s).ok());
}

TEST_CASE("a key gives no more than it may, and unknown scopes give nothing") {
  const TokenKeys keys = one_key(Scope::game | Scope::operator_read);
  const auto scopes = [&](const Json& claims) {
    return verify_token(sign(claims, keys[0]), keys, policy, now_s)->scopes;
  };
  CHECK(scopes(good_claims()) == Scopes(Scope::game));
  CHECK(scopes(with("scope", "game models operator:write")) == Scopes(Scope::game));
  CHECK(scopes(with("scope", "operator:read openid")) == Scopes(Scope::operator_read));
  CHECK(scopes(with("scope", "")).empty());
  CHECK(scopes(with("scope", "Game  admin *")).empty());
}

TEST_CASE("a key signs for its tenants alone, and for the default one where it names none") {
  TokenKeys keys = one_key();
  const auto good = [&](const char* tenant) {
    const Json claims = tenant == nullptr ? good_claims() : with("tenant", tenant);
    return verify_token(sign(claims, keys[0]), keys, policy, now_s).ok();
  };
  CHECK(good(nullptr));
  CHECK(good("default"));
  CHECK_FALSE(good("valley"));
  keys[0].tenants = {"valley", "hills"};
  CHECK(good("valley"));
  CHECK(good("hills"));
  CHECK_FALSE(good(nullptr));
  CHECK_FALSE(good("Valley"));
  CHECK_FALSE(good("anonymous"));
}

TEST_CASE("the relay's own key alone signs for anonymous callers") {
  TokenKeys keys = one_key();
  Json claims = with("tenant", "anonymous");
  claims["sub"] = "anonymous:192.0.2.1";
  CHECK_FALSE(verify_token(sign(claims, keys[0]), keys, policy, now_s).ok());
  // Not even where somebody wrote it into the key.
  keys[0].tenants = {"anonymous"};
  CHECK_FALSE(verify_token(sign(claims, keys[0]), keys, policy, now_s).ok());
  keys[0].own = true;
  const auto read = verify_token(sign(claims, keys[0]), keys, policy, now_s);
  REQUIRE(read.ok());
  CHECK(read->identity().is_anonymous());
}

TEST_CASE("0 in a token's limits is kept apart from none, for all five") {
  const TokenKeys keys = one_key();
  Json claims = good_claims();
  const auto limits = [&] {
    return verify_token(sign(claims, keys[0]), keys, policy, now_s)->limits;
  };
  CHECK(limits() == CallerLimits{});
  claims["limits"] = Json::object();
  CHECK(limits() == CallerLimits{});
  claims["limits"] = {{"requests_per_minute", 0},
                      {"tokens_per_minute", 0},
                      {"concurrent_calls", 0},
                      {"cost_microusd_per_day", 0},
                      {"cost_microusd_per_month", 0}};
  CHECK(limits() == CallerLimits{.requests_per_minute = 0,
                                 .tokens_per_minute = 0,
                                 .concurrent_calls = 0,
                                 .cost_microusd_per_day = 0,
                                 .cost_microusd_per_month = 0});
}

TEST_CASE("an issuer is asked for where the key names one") {
  TokenKeys keys = one_key();
  keys[0].issuer = "my-game";
  const auto good = [&](const Json& claims) {
    return verify_token(sign(claims, keys[0]), keys, policy, now_s).ok();
  };
  CHECK(good(with("iss", "my-game")));
  CHECK_FALSE(good(with("iss", "my-gamE")));
  CHECK_FALSE(good(good_claims()));
}

TEST_CASE("NextAuth's session tokens are believed of its key alone") {
  TokenKeys keys;
  keys.push_back(TokenKey{.secret = Secret(std::string_view("nextauth-secret-of-32-characters")),
                          .signs = true,
                          .session_form = true});
  // As next-auth's jwt.encode writes them when it signs HS256: no kid, no aud, no scope.
  const Json claims{{"name", "Ada"},
                    {"email", "ada@example.org"},
                    {"picture", nullptr},
                    {"sub", "107843"},
                    {"iat", now_s - 10},
                    {"exp", now_s + 2'592'000},
                    {"jti", "1ff0f8a8-40b6-4a83-8e53-b0a4b9d6ac7c"}};
  const auto read = verify_token(sign(claims, keys[0]), keys, policy, now_s);
  REQUIRE(read.ok());
  CHECK(read->subject == "107843");
  CHECK(read->scopes == player_scopes);
  CHECK(read->tenant == "default");
  Json elsewhere = claims;
  elsewhere["tenant"] = "valley";
  CHECK_FALSE(verify_token(sign(elsewhere, keys[0]), keys, policy, now_s).ok());
  Json foreign = claims;
  foreign["aud"] = "another-relay";
  CHECK_FALSE(verify_token(sign(foreign, keys[0]), keys, policy, now_s).ok());
  keys[0].session_form = false;
  CHECK_FALSE(verify_token(sign(claims, keys[0]), keys, policy, now_s).ok());
}

TEST_CASE("a token that was good is looked at again by time") {
  const Claims claims{.subject = "p", .not_before_s = now_s, .expires_s = now_s + 60};
  CHECK_FALSE(is_current(claims, policy, now_s - 31));
  CHECK(is_current(claims, policy, now_s));
  CHECK(is_current(claims, policy, now_s + 89));
  CHECK_FALSE(is_current(claims, policy, now_s + 90));
}

}  // namespace
}  // namespace redoubt::auth
