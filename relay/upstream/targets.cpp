#include "relay/upstream/targets.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace redoubt::upstream {
namespace {

constexpr std::int64_t millisecond_ns = 1'000'000;
// When a place at a target gets free is not known; this is when to look again.
constexpr std::int64_t capacity_retry_ns = 1'000 * millisecond_ns;
// A key's rest begins a little after its outlook was asked for.
constexpr std::int64_t key_back_margin_ms = 20;

constexpr std::array<std::string_view, 5> denial_names{"none", "breaker_open", "at_capacity",
                                                       "no_key", "no_retry_budget"};

enum class Blame : std::uint8_t {
  target,
  key,    ///< surely: the provider counts by it, or names it
  doubt,  ///< the key, as the words or the status of one answer have it
  nobody
};

Blame blame(const Failure& failure) {
  using llm::FailureClass;
  // An answer longer than is read: what was asked makes it so, and would again.
  if (failure.too_long) return Blame::nobody;
  switch (failure.failure_class) {
    case FailureClass::unauthorized:
    case FailureClass::no_quota:
      return failure.names_bad_key ? Blame::key : Blame::doubt;
    case FailureClass::rate_limited:
      return Blame::key;
    case FailureClass::overloaded:
    case FailureClass::server_error:
    case FailureClass::timeout:
    case FailureClass::malformed:
    case FailureClass::cut:
      return Blame::target;
    case FailureClass::bad_request:
    case FailureClass::not_found:
    case FailureClass::too_large:
    case FailureClass::filtered:
      break;
  }
  return Blame::nobody;
}

std::int64_t key_rest_ms(const TargetOptions& options, const Failure& failure) {
  const bool limited = failure.failure_class == llm::FailureClass::rate_limited;
  const std::int64_t rest_ms =
      limited ? failure.retry_after_ms.value_or(options.key_limited_ms) : options.key_refused_ms;
  return std::min(rest_ms, options.key_rest_ms_max);
}

}  // namespace

std::string_view denial_name(Denial denial) {
  return denial_names[static_cast<std::size_t>(denial)];
}

Targets::Targets(const std::vector<TargetOptions>& options) {
  for (const TargetOptions& target : options)
    targets_.push_back({target, KeyRing(target.keys), TargetBreaker(target.breaker),
                        RetryBudget(target.retry_budget)});
}

Admission Targets::admit(std::uint32_t index, bool is_retry, std::int64_t now_ns,
                         std::string_view caller, std::span<const std::uint32_t> refused_keys) {
  assert(index < targets_.size());
  Target& target = targets_[index];
  if (target.open >= target.options.concurrent_max)
    return {.denial = Denial::at_capacity, .retry_at_ns = now_ns + capacity_retry_ns};
  const auto key_at_ns = target.keys.available_at_ns(now_ns, refused_keys);
  if (key_at_ns != 0)
    return {.denial = Denial::no_key,
            .retry_at_ns = key_at_ns.value_or(now_ns),
            .resting = target.keys.resting(now_ns)};
  const TargetBreakerAdmission admitted = target.breaker.admit(caller, now_ns);
  if (!admitted.admitted)
    return {.denial = Denial::breaker_open, .retry_at_ns = admitted.retry_at_ns};
  if (is_retry && !target.retries.take()) {
    target.breaker.abandon(admitted.ticket, caller);
    return {.denial = Denial::no_retry_budget, .retry_at_ns = now_ns + capacity_retry_ns};
  }
  if (!is_retry) target.retries.call_made();
  ++target.open;
  return {.target = index,
          .key = *target.keys.pick(now_ns, refused_keys),
          .ticket = admitted.ticket,
          .caller = std::string(caller)};
}

void Targets::finish(const Admission& admission, const AttemptResult& result, std::int64_t now_ns) {
  Target& target = targets_[admission.target];
  --target.open;
  const auto tell = [&](CallResult came) {
    target.breaker.result(admission.ticket, admission.caller, came, now_ns);
  };
  const bool slow = result.first_token_ms >= target.options.breaker.slow_ms;
  if (!result.failure) {
    target.keys.answered(admission.key);
    return tell(slow ? CallResult::slow : CallResult::succeeded);
  }
  const Failure& failure = *result.failure;
  const Blame whose = blame(failure);
  if (whose == Blame::target) {
    const bool connected = failure.stage != Stage::connect;
    return tell(connected ? CallResult::failed : CallResult::unreachable);
  }
  if (whose != Blame::nobody) {
    const std::int64_t back_ns = now_ns + key_rest_ms(target.options, failure) * millisecond_ns;
    if (whose == Blame::key) {
      target.keys.rest(admission.key, back_ns, failure.failure_class);
    } else {
      target.keys.refused(admission.key, admission.caller, back_ns, failure.failure_class);
    }
    return target.breaker.abandon(admission.ticket, admission.caller);
  }
  if (failure.stage == Stage::connect) {  // it was never asked
    return target.breaker.abandon(admission.ticket, admission.caller);
  }
  // The target answered, and the request was at fault: it is up.
  tell(CallResult::succeeded);
}

void Targets::abandon(const Admission& admission) {
  Target& target = targets_[admission.target];
  --target.open;
  target.breaker.abandon(admission.ticket, admission.caller);
}

KeyOutlook Targets::outlook(const Admission& admission, const Failure& failure, std::int64_t now_ns,
                            std::span<const std::uint32_t> refused_keys) const {
  const Target& target = targets_[admission.target];
  if (target.keys.size() == 0) return {};
  std::vector<std::uint32_t> failed(refused_keys.begin(), refused_keys.end());
  failed.push_back(admission.key);
  const auto other_ns = target.keys.available_at_ns(now_ns, failed);
  const Blame whose = blame(failure);
  KeyOutlook outlook{.refused = whose == Blame::doubt, .another = other_ns == 0};
  if (outlook.another || (whose != Blame::key && whose != Blame::doubt)) return outlook;
  outlook.back_ms = key_rest_ms(target.options, failure) + key_back_margin_ms;
  if (other_ns) {
    const std::int64_t other_ms = (*other_ns - now_ns) / millisecond_ns + key_back_margin_ms;
    outlook.back_ms = std::min(outlook.back_ms, other_ms);
  }
  return outlook;
}

std::optional<std::uint32_t> Targets::find(std::string_view name) const {
  for (std::uint32_t i = 0; i < targets_.size(); ++i)
    if (targets_[i].options.name == name) return i;
  return std::nullopt;
}

}  // namespace redoubt::upstream
