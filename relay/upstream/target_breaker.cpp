#include "relay/upstream/target_breaker.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace redoubt::upstream {
namespace {

constexpr std::int64_t millisecond_ns = 1'000'000;

/// Weights of the purses that are against a target.
class Votes {
 public:
  void add(int weight) { weights_.push_back(weight); }
  /// Also without the heaviest of them, who may have brought it about?
  bool carried(int of_calls, int permille, int least) {
    if (weights_.size() <= colluders_max) return false;
    const auto others = weights_.begin() + colluders_max;
    std::partial_sort(weights_.begin(), others, weights_.end(), std::greater<>());
    const int theirs = std::accumulate(weights_.begin(), others, 0);
    const int against = std::accumulate(others, weights_.end(), 0);
    return against >= least && is_share(against, of_calls - theirs, permille);
  }

 private:
  std::vector<int> weights_;
};

BreakerOptions shared_options(BreakerOptions options) {
  options.probes_max *= static_cast<int>(colluders_max) + 1;
  return options;
}

}  // namespace

TargetBreaker::TargetBreaker(BreakerOptions options)
    : options_(options), shared_(shared_options(options)) {}

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
  if (shared_.state() != BreakerState::half_open) probes_.clear();
  if (probes_out_of(caller) >= options_.probes_max) {
    abandon_own(out.ticket.own, caller);
    return {.retry_at_ns = now_ns + options_.open_ms * millisecond_ns};
  }
  const BreakerAdmission shared = shared_.admit(now_ns);
  if (!shared.admitted) {
    abandon_own(out.ticket.own, caller);
    return {.retry_at_ns = shared.retry_at_ns};
  }
  if (shared.ticket.probe) probes_.emplace_back(auth::purse_of(caller));
  out.admitted = true;
  out.ticket.shared = shared.ticket;
  return out;
}

void TargetBreaker::result(const TargetTicket& ticket, std::string_view caller, CallResult result,
                           std::int64_t now_ns) {
  if (!shared_.is_current(ticket.shared)) return abandon_own(ticket.own, caller);
  probe_ended(ticket.shared, caller);
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
  probe_ended(ticket.shared, caller);
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
  doubt_.clear();
  if (shared_.state() == BreakerState::closed) callers_.clear();
}

void TargetBreaker::probe_failed(BreakerTicket ticket, std::string_view caller, CallResult result,
                                 std::int64_t now_ns) {
  if (doubt_.is_proved_by(caller)) return shared_.result(ticket, result, now_ns);
  shared_.abandon(ticket);
  Breaker& breaker = own(caller, now_ns);
  if (breaker.state() == BreakerState::closed) breaker.open(now_ns);
}

bool TargetBreaker::callers_are_against(std::int64_t now_ns) {
  const int calls_each_max = std::max(1, options_.calls_min / 2);
  const int calls_of_others_min = std::max(1, options_.calls_min / 3);
  std::map<std::string_view, CallCounts> purses;
  for (auto& [name, caller] : callers_) {
    const CallCounts counts = caller.breaker.counts(now_ns);
    CallCounts& sum = purses[auth::purse_of(name)];
    sum.calls += counts.calls;
    sum.failed += counts.failed;
    sum.slow += counts.slow;
  }
  int calls = 0;
  Votes failing;
  Votes slow;
  for (const auto& [purse, counts] : purses) {
    if (counts.calls == 0) continue;
    const int weight = std::min(counts.calls, calls_each_max);
    calls += weight;
    if (is_share(counts.failed, counts.calls, options_.failures_permille)) failing.add(weight);
    if (is_share(counts.slow, counts.calls, options_.slow_permille)) slow.add(weight);
  }
  if (calls < options_.calls_min) return false;
  return failing.carried(calls, options_.failures_permille, calls_of_others_min) ||
         slow.carried(calls, options_.slow_permille, calls_of_others_min);
}

int TargetBreaker::probes_out_of(std::string_view caller) const {
  return static_cast<int>(std::count(probes_.begin(), probes_.end(), auth::purse_of(caller)));
}

void TargetBreaker::probe_ended(BreakerTicket ticket, std::string_view caller) {
  if (!ticket.probe || !shared_.is_current(ticket)) return;
  probes_.erase(std::find(probes_.begin(), probes_.end(), auth::purse_of(caller)));
}

}  // namespace redoubt::upstream
