#include "relay/upstream/retry.hpp"

#include <algorithm>

namespace redoubt::upstream {
namespace {

constexpr int retry_permille = 1'000;

Decision next_or_give_up(const AttemptCount& count) {
  return {count.another_target ? Follow::next_target : Follow::give_up};
}

std::int64_t backoff_ms(const RetryOptions& options, int failed_before, Rng& rng) {
  std::int64_t step = std::max<std::int64_t>(1, options.backoff_ms);
  for (int i = 1; i < failed_before && step < options.backoff_ms_max; ++i)
    step *= 2;
  step = std::min(step, std::max<std::int64_t>(1, options.backoff_ms_max));
  const std::int64_t half = step / 2;
  return half + rng.below(static_cast<std::uint32_t>(step - half + 1));
}

Decision wait_here(const RetryOptions& options, const Failure& failure, const AttemptCount& count,
                   Rng& rng) {
  std::int64_t wait_ms = backoff_ms(options, count.on_target, rng);
  if (failure.retry_after_ms) wait_ms = std::max(wait_ms, *failure.retry_after_ms);
  wait_ms = std::max(wait_ms, count.key_back_ms);
  if (wait_ms > options.wait_ms_max || wait_ms >= count.left_ms) return next_or_give_up(count);
  return {Follow::same_target, wait_ms};
}

}  // namespace

Decision after_failure(const RetryOptions& options, const Failure& failure,
                       const AttemptCount& count, Rng& rng) {
  if (count.total >= options.attempts_max) return {Follow::give_up};
  const bool may_again = count.on_target < options.attempts_per_target;
  using llm::FailureClass;
  switch (failure.failure_class) {
    case FailureClass::bad_request:
      return failure.by_target ? next_or_give_up(count) : Decision{Follow::give_up};
    case FailureClass::filtered:
      return {Follow::give_up};
    case FailureClass::too_large:
    case FailureClass::not_found:
      return next_or_give_up(count);
    case FailureClass::unauthorized:
    case FailureClass::no_quota:
      return count.another_key && may_again ? Decision{Follow::same_target, 0}
                                            : next_or_give_up(count);
    case FailureClass::rate_limited:
      if (count.another_key && may_again) return {Follow::same_target, 0};
      if (count.another_target || !may_again) return next_or_give_up(count);
      return wait_here(options, failure, count, rng);
    case FailureClass::timeout:
      if (failure.stage != Stage::refused) return next_or_give_up(count);
      break;
    case FailureClass::overloaded:
    case FailureClass::server_error:
    case FailureClass::malformed:
    case FailureClass::cut:
      break;
  }
  if (!may_again || !failure.should_retry) return next_or_give_up(count);
  return wait_here(options, failure, count, rng);
}

void RetryBudget::call_made() {
  permille_ = std::min(permille_ + options_.ratio_permille, options_.burst * retry_permille);
}

bool RetryBudget::take() {
  if (permille_ < retry_permille) return false;
  permille_ -= retry_permille;
  return true;
}

}  // namespace redoubt::upstream
