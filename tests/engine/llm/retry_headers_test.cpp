#include "engine/llm/retry_headers.hpp"

#include <doctest/doctest.h>

using namespace redoubt::llm;

namespace {
constexpr std::int64_t now = 1'767'323'045'000;  // 2026-01-02T03:04:05Z
}

TEST_SUITE("llm retry headers") {
  TEST_CASE("durations") {
    CHECK(duration_ms("6m0s") == 360'000);
    CHECK(duration_ms("4ms") == 4);
    CHECK(duration_ms("34.4s") == 34'400);
    CHECK(duration_ms("1h2m3.5s") == 3'723'500);
    CHECK(duration_ms("500us") == 1);  // never shorter than it is
    CHECK(duration_ms("0s") == 0);
    for (const char* bad : {"", "s", "5", "5x", "-1s", "1s ", "99999999999999999s", "30h"})
      CHECK_FALSE(duration_ms(bad));
  }

  TEST_CASE("times") {
    CHECK(rfc3339_unix_ms("2026-01-02T03:04:05Z") == now);
    CHECK(rfc3339_unix_ms("2026-01-02T04:04:05.250+01:00") == now + 250);
    CHECK(rfc3339_unix_ms("2024-02-29T00:00:00Z") == 1'709'164'800'000);
    CHECK(http_date_unix_ms("Fri, 02 Jan 2026 03:04:05 GMT") == now);
    for (const char* bad : {"", "2026-01-02", "2026-13-02T03:04:05Z", "2026-01-02T25:04:05Z",
                            "2026-01-02T03:04:05", "2026-01-02T03:04:05Zx"})
      CHECK_FALSE(rfc3339_unix_ms(bad));
    for (const char* bad : {"", "Fri, 02 Foo 2026 03:04:05 GMT", "Fri, 02 Jan 2026 03:04:05"})
      CHECK_FALSE(http_date_unix_ms(bad));
  }

  TEST_CASE("advice: milliseconds first, then seconds, a date, a duration") {
    CHECK(retry_advice({{"Retry-After-Ms", "1500"}, {"retry-after", "9"}}, now).retry_after_ms ==
          1500);
    CHECK(retry_advice({{"Retry-After", "9"}}, now).retry_after_ms == 9000);
    CHECK(retry_advice({{"retry-after", "Fri, 02 Jan 2026 03:04:15 GMT"}}, now).retry_after_ms ==
          10'000);
    CHECK(retry_advice({{"retry-after", "Fri, 02 Jan 2026 03:03:15 GMT"}}, now).retry_after_ms ==
          0);
    CHECK_FALSE(retry_advice({{"retry-after", "soon"}}, now).retry_after_ms);
    CHECK(retry_advice({{"x-should-retry", "false"}}, now).should_retry == false);
    CHECK_FALSE(retry_advice({{"x-should-retry", "maybe"}}, now).should_retry);
  }

  TEST_CASE("what is left of limits, in each provider's words") {
    const RateLimits openai = rate_limits({{"x-ratelimit-limit-requests", "500"},
                                           {"x-ratelimit-remaining-tokens", "29990"},
                                           {"x-ratelimit-reset-requests", "120ms"},
                                           {"x-ratelimit-reset-tokens", "6m0s"}},
                                          now);
    CHECK(openai.requests.limit == 500);
    CHECK(openai.requests.reset_ms == 120);
    CHECK(openai.tokens.remaining == 29990);
    CHECK(openai.tokens.reset_ms == 360'000);
    const RateLimits anthropic =
        rate_limits({{"anthropic-ratelimit-requests-remaining", "3"},
                     {"anthropic-ratelimit-requests-reset", "2026-01-02T03:05:05Z"}},
                    now);
    CHECK(anthropic.requests.remaining == 3);
    CHECK(anthropic.requests.reset_ms == 60'000);
    CHECK_FALSE(anthropic.tokens.limit);
    // Azure: whole seconds.
    CHECK(rate_limits({{"x-ratelimit-reset-tokens", "17"}}, now).tokens.reset_ms == 17'000);
  }
}
