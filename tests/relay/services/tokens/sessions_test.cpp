#include "relay/services/tokens/sessions.hpp"

#include <doctest/doctest.h>

namespace redoubt::services {
namespace {

constexpr std::int64_t now_s = 1'800'000'000;
const SessionPolicy policy{.lifetime_s = 900, .depth_max = 8, .tenants = {"default", "valley"}};

std::string fault(std::string_view body) {
  const auto claims = read_session_request(body, policy, now_s);
  return claims ? "" : claims.error().message;
}

TEST_CASE("a request says who, and may say the rest") {
  const auto least = read_session_request(R"({"sub":"p7"})", policy, now_s);
  REQUIRE(least.ok());
  CHECK(least->subject == "p7");
  CHECK(least->tenant == "default");
  CHECK(least->scopes == auth::player_scopes);
  CHECK(least->expires_s == now_s + 900);
  const auto most = read_session_request(
      R"({"sub":"p7","tenant":"valley","scope":"game workflow:author","lifetime_s":10,
          "limits":{"requests_per_minute":5,"cost_microusd_per_month":0}})",
      policy, now_s);
  REQUIRE(most.ok());
  CHECK(most->tenant == "valley");
  CHECK(most->scopes == (auth::Scope::game | auth::Scope::workflow_author));
  CHECK(most->limits.requests_per_minute == 5);
  CHECK(most->limits.cost_microusd_per_month == 0);
  CHECK_FALSE(most->limits.tokens_per_minute);
  CHECK(most->expires_s == now_s + 10);
}

TEST_CASE("0 in a session's limits is nothing, and is kept apart from none") {
  const auto limits = [](std::string_view json) {
    return read_session_request(json, policy, now_s)->limits;
  };
  CHECK(limits(R"({"sub":"p"})") == auth::CallerLimits{});
  CHECK(limits(R"({"sub":"p","limits":{}})") == auth::CallerLimits{});
  const auth::CallerLimits none = limits(
      R"({"sub":"p","limits":{"requests_per_minute":0,"tokens_per_minute":0,"concurrent_calls":0,
          "cost_microusd_per_day":0,"cost_microusd_per_month":0}})");
  CHECK(none == auth::CallerLimits{.requests_per_minute = 0,
                                   .tokens_per_minute = 0,
                                   .concurrent_calls = 0,
                                   .cost_microusd_per_day = 0,
                                   .cost_microusd_per_month = 0});
}

TEST_CASE("what is wrong is named") {
  struct Row {
    const char* body;
    const char* says;
  };
  const Row rows[] = {
      {"", "not JSON"},
      {"[]", "object"},
      {"{}", "sub"},
      {R"({"sub":""})", "sub"},
      {R"({"sub":5})", "sub"},
      {R"({"sub":"a","sub":"b"})", "not JSON"},
      {R"({"sub":"a\u0000b"})", "sub"},
      {R"({"sub":"anonymous:192.0.2.1"})", "sub"},
      {R"({"sub":"p","tenant":"a/b"})", "tenant"},
      {R"({"sub":"p","tenant":"anonymous"})", "tenant"},
      {R"({"sub":"p","tenant":"hills"})", "tokens.service_tenants"},
      {R"({"sub":"a\u202eb"})", "sub"},
      {R"({"sub":"a\u2066b"})", "sub"},
      {R"({"sub":"a\u0085b"})", "sub"},
      {R"({"sub":"a\u200bb"})", "sub"},
      {R"({"sub":"a\ud800"})", "not JSON"},
      {R"({"sub":"p","limits":null})", "limits is not"},
      {R"({"sub":"p","limits":{"tokens_per_minute":null}})", "limits.tokens_per_minute"},
      {R"({"sub":"p","limits":{"tokens_per_minute":-1}})", "limits.tokens_per_minute"},
      {R"({"sub":"p","scope":"operator:write"})", "scope"},
      {R"({"sub":"p","scope":"game root"})", "scope"},
      {R"({"sub":"p","lifetime_s":901})", "lifetime_s"},
      {R"({"sub":"p","lifetime_s":9})", "lifetime_s"},
      {R"({"sub":"p","limits":{"calls":1}})", "limits"},
      {R"({"sub":"p","exp":1})", "exp"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const std::string message = fault(row.body);
    CHECK_MESSAGE(message.find(row.says) != std::string::npos, message);
  }
}

}  // namespace
}  // namespace redoubt::services
