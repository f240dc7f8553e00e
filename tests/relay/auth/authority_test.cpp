#include "relay/auth/authority.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "relay/auth/token_keys.hpp"

namespace redoubt::auth {
namespace {

constexpr std::int64_t now_s = 1'800'000'000;
const TokenPolicy policy{.audience = "redoubt", .leeway_s = 0};

TokenSecrets secrets(const char* kid, Scopes scopes = player_scopes_max) {
  TokenSecrets result;
  result.keys.push_back(generate_token_key(Algorithm::eddsa, kid, scopes));
  return result;
}

Claims player(std::int64_t lifetime_s = 60) {
  return {.subject = "p", .issued_s = now_s, .expires_s = now_s + lifetime_s};
}

TEST_CASE("what it mints it believes, with keys of its own and with configured ones") {
  for (const bool configured : {false, true}) {
    Authority authority(policy, configured ? secrets("k") : TokenSecrets{});
    const auto token = authority.mint(player());
    REQUIRE(token.ok());
    const auto claims = authority.verify(*token, now_s);
    REQUIRE(claims.ok());
    CHECK((*claims)->subject == "p");
  }
}

TEST_CASE("a process's own sessions end with it") {
  const Authority first(policy, {});
  Authority second(policy, {});
  CHECK_FALSE(second.verify(*first.mint(player()), now_s).ok());
}

TEST_CASE("a remembered token still expires, and no bad one is remembered") {
  Authority authority(policy, {});
  const auto token = authority.mint(player(60));
  REQUIRE(authority.verify(*token, now_s).ok());
  CHECK(authority.remembered() == 1);
  REQUIRE(authority.verify(*token, now_s + 59).ok());
  CHECK_FALSE(authority.verify(*token, now_s + 60).ok());
  CHECK_FALSE(authority.verify(*token + "A", now_s).ok());
  CHECK_FALSE(authority.verify("", now_s).ok());
  CHECK_FALSE(authority.verify(std::string(token_bytes_max + 1, 'a'), now_s).ok());
  CHECK(authority.remembered() == 1);
}

TEST_CASE("with its key goes a remembered token") {
  Authority authority(policy, secrets("old"));
  const auto token = authority.mint(player());
  REQUIRE(authority.verify(*token, now_s).ok());
  authority.replace(secrets("new"));
  CHECK_FALSE(authority.verify(*token, now_s).ok());
}

TEST_CASE("its own sessions outlive a change of the configured keys") {
  Authority authority(policy, {});
  const auto token = authority.mint(player());
  authority.replace(secrets("new"));
  CHECK(authority.verify(*token, now_s).ok());
}

TEST_CASE("what is remembered is bounded, and what is used stays") {
  Authority authority(policy, {});
  const auto kept = authority.mint(player());
  for (std::size_t i = 0; i < remembered_tokens_max + 10; ++i) {
    Claims claims = player();
    claims.token_id = std::to_string(i);
    REQUIRE(authority.verify(*authority.mint(claims), now_s).ok());
    REQUIRE(authority.verify(*kept, now_s).ok());
    REQUIRE(authority.remembered() <= remembered_tokens_max);
  }
}

TEST_CASE("anonymous sessions are the own key's, whoever holds the configured ones") {
  TokenSecrets configured = secrets("k");
  // What the holder of that key could sign.
  Claims claims = player();
  claims.tenant = "anonymous";
  claims.subject = "anonymous:192.0.2.1";
  const auto forged = mint_token(claims, configured.keys[0], policy);
  REQUIRE(forged.ok());
  Authority authority(policy, std::move(configured));
  CHECK_FALSE(authority.verify(*forged, now_s).ok());
  const auto token = authority.mint(claims);
  REQUIRE(token.ok());
  const auto read = authority.verify(*token, now_s);
  REQUIRE(read.ok());
  CHECK((*read)->identity().is_anonymous());
  // And they end with the process.
  CHECK_FALSE(Authority(policy, {}).verify(*token, now_s).ok());
}

TEST_CASE("a session is signed by the first key that signs for its tenant") {
  TokenSecrets configured = secrets("k");
  configured.keys[0].tenants = {"hills"};
  configured.keys.push_back(generate_token_key(Algorithm::hs256, "v", player_scopes));
  configured.keys.back().tenants = {"valley"};
  Authority authority(policy, std::move(configured));
  for (const char* tenant : {"valley", "hills", "default"}) {
    Claims claims = player();
    claims.tenant = tenant;
    const auto token = authority.mint(claims);
    REQUIRE(token.ok());
    const auto read = authority.verify(*token, now_s);
    REQUIRE(read.ok());
    CHECK((*read)->tenant == tenant);
  }
  // The key of its tenant cannot give this: not another key either.
  Claims claims = player();
  claims.tenant = "valley";
  claims.scopes = Scope::workflow_run;
  CHECK_FALSE(authority.mint(claims).ok());
}

TEST_CASE("an operators' key signs no players' sessions") {
  const Authority authority(policy, secrets("ops", Scope::operator_read));
  Claims claims = player();
  CHECK(authority.mint(claims).ok());  // with the process's own key
  claims.scopes = Scope::operator_read;
  CHECK_FALSE(authority.mint(claims).ok());
}

TEST_CASE("the service's secret is one, and none where none is configured") {
  TokenSecrets with = secrets("k");
  with.service = Secret(std::string_view("service-secret-of-32-characters!"));
  const Authority authority(policy, std::move(with));
  CHECK(authority.is_service("service-secret-of-32-characters!"));
  CHECK_FALSE(authority.is_service("service-secret-of-32-characters"));
  CHECK_FALSE(authority.is_service(""));
  CHECK_FALSE(Authority(policy, {}).is_service(""));
}

TEST_CASE("keys are replaced while tokens are verified") {
  constexpr int rounds = 200;
  Authority authority(policy, {});
  const auto token = authority.mint(player());
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < rounds; ++round)
        refused += authority.verify(*token, now_s).ok() ? 0 : 1;
    });
  }
  for (int round = 0; round < rounds / 10; ++round)
    authority.replace(secrets("k"));
  for (std::thread& thread : threads)
    thread.join();
  CHECK(refused == 0);
}

}  // namespace
}  // namespace redoubt::auth
