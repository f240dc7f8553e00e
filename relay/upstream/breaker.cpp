#include "relay/upstream/breaker.hpp"

#include <algorithm>
#include <cassert>

namespace redoubt::upstream {
namespace {

constexpr std::int64_t millisecond_ns = 1'000'000;

}  // namespace

const char* breaker_state_name(BreakerState state) {
  switch (state) {
    case BreakerState::closed:
      return "closed";
    case BreakerState::open:
      return "open";
    case BreakerState::half_open:
      return "half_open";
  }
  return "";
}

bool is_share(int count, int of, int permille) {
  return std::int64_t{count} * 1'000 >= std::int64_t{of} * permille;
}

Breaker::Breaker(BreakerOptions options) : options_(options), open_ms_(options.open_ms) {
  assert(options.bucket_ms > 0 && options.calls_min > 0 && options.open_ms > 0);
  assert(options.probes_max > 0 && options.probes_needed > 0);
}

void Breaker::advance(std::int64_t now_ns) {
  const std::int64_t bucket = now_ns / (options_.bucket_ms * millisecond_ns);
  if (bucket <= newest_) return;
  const std::int64_t steps = std::min<std::int64_t>(bucket - newest_, window_buckets);
  for (std::int64_t i = 1; i <= steps; ++i)
    buckets_[(newest_ + i) % window_buckets] = {};
  newest_ = bucket;
}

void Breaker::enter(BreakerState state, std::int64_t now_ns) {
  state_ = state;
  ++generation_;
  probes_out_ = 0;
  probes_good_ = 0;
  if (state == BreakerState::open) open_until_ns_ = now_ns + open_ms_ * millisecond_ns;
  if (state == BreakerState::closed) {
    buckets_ = {};
    open_ms_ = options_.open_ms;
  }
}

BreakerAdmission Breaker::admit(std::int64_t now_ns) {
  if (state_ == BreakerState::closed) return {.admitted = true, .ticket = {generation_, false}};
  if (state_ == BreakerState::open) {
    if (now_ns < open_until_ns_) return {.retry_at_ns = open_until_ns_};
    enter(BreakerState::half_open, now_ns);
  }
  if (probes_out_ >= options_.probes_max)
    return {.retry_at_ns = now_ns + options_.open_ms * millisecond_ns};
  ++probes_out_;
  return {.admitted = true, .ticket = {generation_, true}};
}

void Breaker::open_if_bad(std::int64_t now_ns) {
  const CallCounts sum = counts(now_ns);
  if (sum.calls < options_.calls_min) return;
  if (is_share(sum.failed, sum.calls, options_.failures_permille) ||
      is_share(sum.slow, sum.calls, options_.slow_permille))
    enter(BreakerState::open, now_ns);
}

void Breaker::open(std::int64_t now_ns) {
  assert(state_ == BreakerState::closed);
  enter(BreakerState::open, now_ns);
}

void Breaker::probe_result(CallResult result, std::int64_t now_ns) {
  --probes_out_;
  if (result == CallResult::succeeded) {
    if (++probes_good_ >= options_.probes_needed) enter(BreakerState::closed, now_ns);
    return;
  }
  open_ms_ = std::min(open_ms_ * 2, options_.open_ms_max);
  enter(BreakerState::open, now_ns);
}

void Breaker::result(BreakerTicket ticket, CallResult result, std::int64_t now_ns) {
  if (!is_current(ticket)) return;
  if (ticket.probe) return probe_result(result, now_ns);
  advance(now_ns);
  CallCounts& bucket = buckets_[newest_ % window_buckets];
  ++bucket.calls;
  if (result == CallResult::failed || result == CallResult::unreachable) ++bucket.failed;
  if (result == CallResult::slow) ++bucket.slow;
  if (result != CallResult::succeeded) open_if_bad(now_ns);
}

void Breaker::abandon(BreakerTicket ticket) {
  if (is_current(ticket) && ticket.probe) --probes_out_;
}

CallCounts Breaker::counts(std::int64_t now_ns) {
  advance(now_ns);
  CallCounts sum;
  for (const CallCounts& bucket : buckets_) {
    sum.calls += bucket.calls;
    sum.failed += bucket.failed;
    sum.slow += bucket.slow;
  }
  return sum;
}

}  // namespace redoubt::upstream
