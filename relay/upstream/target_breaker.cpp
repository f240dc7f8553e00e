#include "relay/upstream/target_breaker.hpp"

#include <algorithm>

namespace redoubt::upstream {
namespace {

/// Of the callers who are against a target, by their calls.
struct Votes {
  int callers = 0;
  int calls = 0;
  int calls_of_one_max = 0;

  void add(int weight) {
    ++callers;
    calls += weight;
    calls_of_one_max = std::max(calls_of_one_max, weight);
  }
  /// Also without whoever has the most of them?
  bool carried(int of_calls, int permille) const {
    return callers > 1 && is_share(calls - calls_of_one_max, of_calls - calls_of_one_max, permille);
  }
};

}  // namespace

TargetBreakerAdmission TargetBreaker::admit(std::string_view caller, std::int64_t now_ns) {
  TargetBreakerAdmission out;
  const auto known = callers_.find(caller);
  if (known != callers_.end()) {
    const BreakerAdmission own = known->second.breaker.admit(now_ns);
    if (!own.admitted) return {.retry_at_ns = own.retry_at_ns};
    out.ticket.own = own.ticket;
  } else {
    out.ticket.own = Breaker(options_).admit(now_ns).ticket;
  }
  const BreakerAdmission shared = shared_.admit(now_ns);
  if (!shared.admitted) {
    abandon_own(out.ticket.own, caller);
    return {.retry_at_ns = shared.retry_at_ns};
  }
  out.admitted = true;
  out.ticket.shared = shared.ticket;
  return out;
}

void TargetBreaker::result(const TargetTicket& ticket, std::string_view caller, CallResult result,
                           std::int64_t now_ns) {
  if (!shared_.is_current(ticket.shared)) return abandon_own(ticket.own, caller);
  if (result == CallResult::unreachable) {
    abandon_own(ticket.own, caller);
    return shared_.result(ticket.shared, result, now_ns);
  }
  own(caller, now_ns).result(ticket.own, result, now_ns);
  if (result == CallResult::succeeded) return succeeded(ticket.shared, now_ns);
  if (ticket.shared.probe) return probe_failed(ticket.shared, caller, result, now_ns);
  shared_.result(ticket.shared, CallResult::succeeded, now_ns);  // it was reached
  if (callers_are_against(now_ns)) shared_.open(now_ns);
}

void TargetBreaker::abandon(const TargetTicket& ticket, std::string_view caller) {
  shared_.abandon(ticket.shared);
  abandon_own(ticket.own, caller);
}

BreakerState TargetBreaker::state_for(std::string_view caller) const {
  const auto known = callers_.find(caller);
  return known == callers_.end() ? BreakerState::closed : known->second.breaker.state();
}

Breaker& TargetBreaker::own(std::string_view caller, std::int64_t now_ns) {
  auto known = callers_.find(caller);
  if (known == callers_.end()) {
    if (callers_.size() >= callers_max) {
      callers_.erase(std::min_element(
          callers_.begin(), callers_.end(),
          [](const auto& a, const auto& b) { return a.second.heard_ns < b.second.heard_ns; }));
    }
    known = callers_.emplace(std::string(caller), Caller{Breaker(options_), now_ns}).first;
  }
  known->second.heard_ns = now_ns;
  return known->second.breaker;
}

void TargetBreaker::abandon_own(BreakerTicket ticket, std::string_view caller) {
  const auto known = callers_.find(caller);
  if (known != callers_.end()) known->second.breaker.abandon(ticket);
}

void TargetBreaker::succeeded(BreakerTicket ticket, std::int64_t now_ns) {
  shared_.result(ticket, CallResult::succeeded, now_ns);
  if (!ticket.probe) return;
  doubted_by_.reset();
  if (shared_.state() == BreakerState::closed) callers_.clear();
}

void TargetBreaker::probe_failed(BreakerTicket ticket, std::string_view caller, CallResult result,
                                 std::int64_t now_ns) {
  if (doubted_by_ && *doubted_by_ != caller) {
    doubted_by_.reset();
    return shared_.result(ticket, result, now_ns);
  }
  doubted_by_ = caller;
  shared_.abandon(ticket);
  Breaker& breaker = own(caller, now_ns);
  if (breaker.state() == BreakerState::closed) breaker.open(now_ns);
}

bool TargetBreaker::callers_are_against(std::int64_t now_ns) {
  const int calls_each_max = std::max(1, options_.calls_min / 2);
  int calls = 0;
  Votes failing;
  Votes slow;
  for (auto& [name, caller] : callers_) {
    const CallCounts counts = caller.breaker.counts(now_ns);
    if (counts.calls == 0) continue;
    const int weight = std::min(counts.calls, calls_each_max);
    calls += weight;
    if (is_share(counts.failed, counts.calls, options_.failures_permille)) failing.add(weight);
    if (is_share(counts.slow, counts.calls, options_.slow_permille)) slow.add(weight);
  }
  if (calls < options_.calls_min) return false;
  return failing.carried(calls, options_.failures_permille) ||
         slow.carried(calls, options_.slow_permille);
}

}  // namespace redoubt::upstream
