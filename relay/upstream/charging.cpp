#include "relay/upstream/charging.hpp"

#include <algorithm>

namespace redoubt::upstream {
namespace {

/// The provider itself ended the answer, and knows that nobody gets the rest.
bool ended_by_provider(const AttemptEnd& end) {
  return end.failure && end.failure->stage == Stage::stream && end.failure->by_provider;
}

/// And no client can bring that about.
bool provider_failed(const AttemptEnd& end) {
  if (!ended_by_provider(end)) return false;
  switch (end.failure->failure_class) {
    case llm::FailureClass::overloaded:
    case llm::FailureClass::server_error:
    case llm::FailureClass::timeout:
    case llm::FailureClass::rate_limited:
    case llm::FailureClass::no_quota:
    case llm::FailureClass::unauthorized:
      return true;
    default:
      return false;
  }
}

bool stopped_by_leaving(const AttemptEnd& end) {
  return end.streamed && end.stops_on_disconnect && end.bytes > 0 && !end.was_held_up;
}

}  // namespace

Charge charge_of(const AttemptEnd& end) {
  if (end.complete && end.usage.reported) return {ChargeKind::reported, end.usage};
  if (end.failure && (end.failure->stage == Stage::connect || end.failure->stage == Stage::refused))
    return {};
  Charge charge{ChargeKind::estimated, end.usage};
  const bool has_input = end.usage.reported && end.usage.input > 0;
  charge.usage.input =
      has_input ? std::min(end.usage.input, end.bound.input_tokens) : end.bound.input_tokens;
  const bool stopped = end.complete || ended_by_provider(end) || stopped_by_leaving(end);
  const bool by_pieces = provider_failed(end) || (stopped && !end.bound.may_think);
  const bool reported = provider_failed(end) && end.usage.reported && end.usage_covers_pieces;
  const std::int64_t pieces = std::max(end.usage.output, end.bytes);
  const std::int64_t seen = reported ? end.usage.output : pieces + end.unread_bytes;
  charge.usage.output =
      by_pieces ? std::min(seen, end.bound.output_tokens) : end.bound.output_tokens;
  return charge;
}

std::int64_t price_of(const Charge& charge, const AttemptBound& bound, const llm::Tariff& tariff,
                      llm::CallTime when) {
  if (charge.kind == ChargeKind::nothing) return 0;
  const llm::Usage& usage = charge.usage;
  if (!usage.reported)
    return llm::cost_bound_picodollars(usage.input, usage.output, bound.tool_uses, tariff, when);
  const std::int64_t cost = llm::cost_picodollars(usage, tariff, when);
  if (charge.kind == ChargeKind::reported && bound.tells_tool_uses) return cost;
  const std::int64_t fees = llm::fees_picodollars(usage, tariff.fees);
  const std::int64_t reserved = llm::fees_bound_picodollars(bound.tool_uses, tariff.fees);
  return cost + std::max<std::int64_t>(0, reserved - fees);
}

}  // namespace redoubt::upstream
