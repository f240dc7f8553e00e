#include "relay/auth/token_keys.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"

namespace redoubt::auth {
namespace {

// RFC 8037 A.1 and a secret of 32 zero bytes.
const Json pair{{"kty", "OKP"},
                {"crv", "Ed25519"},
                {"alg", "EdDSA"},
                {"kid", "pair"},
                {"x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
                {"d", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}};
const Json secret{{"kty", "oct"},
                  {"alg", "HS256"},
                  {"kid", "secret"},
                  {"k", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}};

std::string set_of(std::initializer_list<Json> keys) {
  Json list = Json::array();
  for (const Json& key : keys)
    list.push_back(key);
  return Json{{"keys", list}}.dump();
}
Json changed(Json key, const char* name, Json value) {
  key[name] = std::move(value);
  return key;
}
Json cut(Json key, const char* name) {
  key.erase(name);
  return key;
}

TEST_CASE("a set of keys is read with what each may do") {
  const auto keys =
      parse_token_keys(set_of({pair, changed(secret, "scope", "operator:read game"),
                               changed(cut(cut(pair, "d"), "kid"), "iss", "my-game")}));
  REQUIRE(keys.ok());
  REQUIRE(keys->size() == 3);
  CHECK((*keys)[0].signs);
  CHECK((*keys)[0].scopes == player_scopes);
  CHECK((*keys)[1].algorithm == Algorithm::hs256);
  CHECK((*keys)[1].scopes == (Scope::operator_read | Scope::game));
  CHECK_FALSE((*keys)[2].signs);
  CHECK((*keys)[2].issuer == "my-game");
}

TEST_CASE("a key names the tenants for which it signs") {
  const auto tenants = [](Json value) {
    const auto keys = parse_token_keys(set_of({changed(secret, "tenant", std::move(value))}));
    return keys ? keys->front().tenants : std::vector<std::string>();
  };
  CHECK(parse_token_keys(set_of({secret}))->front().tenants == std::vector<std::string>{"default"});
  CHECK(tenants("valley") == std::vector<std::string>{"valley"});
  CHECK(tenants(Json::array({"valley", "default"})) ==
        std::vector<std::string>{"valley", "default"});
}

TEST_CASE("a key that cannot be relied on is an error that names it") {
  struct Row {
    std::string text;
    const char* message;
  };
  const Row rows[] = {
      {"", "not JSON"},
      {"[]", "JWK Set"},
      {R"({"keys":{}})", "JWK Set"},
      {R"({"keys":[1]})", "keys[0]: expected an object"},
      {set_of({cut(secret, "alg")}), "keys[0].alg"},
      {set_of({pair, changed(secret, "alg", "HS512")}), "keys[1].alg"},
      {set_of({changed(secret, "alg", "EdDSA")}), "keys[0].alg"},
      {set_of({changed(pair, "alg", "HS256")}), "keys[0].alg"},
      {set_of({changed(pair, "crv", "Ed448")}), "keys[0].alg"},
      {set_of({changed(secret, "k", "AAAA")}), "keys[0].k"},
      {set_of({cut(secret, "k")}), "keys[0].k"},
      {set_of({changed(pair, "x", "AAAA")}), "keys[0].x"},
      {set_of({changed(pair, "d", secret["k"])}), "keys[0].d"},
      {set_of({changed(secret, "use", "enc")}), "keys[0].use"},
      {set_of({changed(secret, "key_ops", Json::array({"encrypt"}))}), "keys[0].key_ops"},
      {set_of({changed(secret, "scope", "game root")}), "keys[0].scope"},
      {set_of({changed(secret, "kid", 5)}), "keys[0].kid"},
      {set_of({changed(secret, "tenant", "anonymous")}), "none of them anonymous"},
      {set_of({changed(secret, "tenant", Json::array({"valley", "anonymous"}))}), "keys[0].tenant"},
      {set_of({changed(secret, "tenant", Json::array())}), "keys[0].tenant"},
      {set_of({changed(secret, "tenant", nullptr)}), "keys[0].tenant"},
      {set_of({changed(secret, "tenant", "")}), "keys[0].tenant"},
      {set_of({changed(secret, "tenant", "*")}), "keys[0].tenant"},
      {set_of({changed(secret, "tenant", Json::array({"valley", 5}))}), "keys[0].tenant"},
      {set_of({changed(secret, "tenant", Json::array({Json::array({"valley"})}))}),
       "keys[0].tenant"},
      {set_of({changed(secret, "tenant", Json::array({std::string(65, 'a')}))}), "keys[0].tenant"},
      {set_of({secret, secret}), "keys[1].kid"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto keys = parse_token_keys(row.text);
    REQUIRE_FALSE(keys.ok());
    CHECK_MESSAGE(keys.error().message.find(row.message) != std::string::npos,
                  keys.error().message);
  }
}

TEST_CASE("an error shows nothing of a key") {
  const auto keys = parse_token_keys(set_of({changed(secret, "k", "c2VjcmV0")}));
  REQUIRE_FALSE(keys.ok());
  CHECK(keys.error().message.find("c2VjcmV0") == std::string::npos);
  const auto text = parse_token_keys("c2VjcmV0");
  REQUIRE_FALSE(text.ok());
  CHECK(text.error().message.find("c2V") == std::string::npos);
}

TEST_CASE("a new key is written as it is read") {
  for (const Algorithm algorithm : {Algorithm::hs256, Algorithm::eddsa}) {
    TokenKey key = generate_token_key(algorithm, "new", Scope::operator_read);
    key.tenants = {"valley", "hills"};
    key.issuer = "my-game";
    const auto read = parse_token_keys(format_token_key(key, true).text());
    REQUIRE(read.ok());
    CHECK(read->front().tenants == key.tenants);
    CHECK(read->front().issuer == key.issuer);
    CHECK(read->front().scopes == Scopes(Scope::operator_read));
    const auto token = sign_jws("{}", read->front());
    REQUIRE(token.ok());
    if (algorithm == Algorithm::hs256) continue;
    const auto half = parse_token_keys(format_token_key(key, false).text());
    REQUIRE(half.ok());
    CHECK_FALSE(half->front().signs);
    CHECK(half->front().tenants == key.tenants);
    CHECK(half->front().issuer == key.issuer);
    CHECK(verify_jws(*token, *half).ok());
  }
}

}  // namespace
}  // namespace redoubt::auth
