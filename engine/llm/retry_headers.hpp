// When to try again, and how much of a rate limit is left, from a provider's headers.
//
// Durations come as "6m0s", "4ms", "34.4s" (OpenAI, Groq, Gemini's body), as RFC 3339 times
// (Anthropic), as whole seconds or milliseconds (Azure, retry-after-ms), and as HTTP dates
// (RFC 9110). Times are turned into milliseconds from `now_unix_ms`, never below 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/llm/wire.hpp"

namespace redoubt::llm {

/// No wait is read as longer than a day.
constexpr std::int64_t wait_ms_max = 24 * 60 * 60 * 1000;

/// "1h2m3.5s", "120ms", "0s". Nothing for anything else, or over wait_ms_max.
std::optional<std::int64_t> duration_ms(std::string_view text);
/// "2026-01-02T03:04:05Z", with a fraction and an offset where given, as Unix milliseconds.
std::optional<std::int64_t> rfc3339_unix_ms(std::string_view text);
/// "Wed, 21 Oct 2026 07:28:00 GMT" as Unix milliseconds.
std::optional<std::int64_t> http_date_unix_ms(std::string_view text);

struct RetryAdvice {
  std::optional<std::int64_t> retry_after_ms;
  std::optional<bool> should_retry;
};

/// retry-after-ms before retry-after; x-should-retry. Only to be asked about failures: retry-after
/// also arrives on a 200 and means nothing there.
RetryAdvice retry_advice(const std::vector<Header>& headers, std::int64_t now_unix_ms);

struct RateWindow {
  std::optional<std::int64_t> limit;
  std::optional<std::int64_t> remaining;
  std::optional<std::int64_t> reset_ms;
};

/// What the provider says of its own limits (x-ratelimit-*, anthropic-ratelimit-*).
struct RateLimits {
  RateWindow requests;
  RateWindow tokens;
};

RateLimits rate_limits(const std::vector<Header>& headers, std::int64_t now_unix_ms);

}  // namespace redoubt::llm
