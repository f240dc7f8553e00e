#include "relay/upstream/attempt_request.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/llm/encode.hpp"
#include "relay/limits/token_bound.hpp"
#include "relay/upstream/send_bound.hpp"

namespace redoubt::upstream {
namespace {

AttemptBound bound_of(const llm::WireRequest& wire, const AttemptTarget& to) {
  const llm::WireFormat format = to.dialect->format;
  const SendBound sent = send_bound(format, wire.body);
  return {.input_tokens = input_tokens_upper(sent, to.most.context, to.most.image),
          .output_tokens = output_tokens_upper(sent, to.most.output),
          .may_think = may_think(format, sent, to.card),
          .tool_uses = tool_uses_upper(sent),
          .tells_tool_uses = tells_tool_uses(format)};
}

}  // namespace

AttemptRequest attempt_request(llm::ChatRequest& request, const AttemptTarget& to) {
  const std::optional<std::int64_t> asked_output_max = request.output_tokens_max;
  const std::optional<std::int64_t> asked_budget = request.reasoning.budget_tokens;
  const std::int64_t output_upper = limits::output_tokens_upper(asked_output_max, to.most.output);
  request.model = to.model;
  // An unknown model is asked for no more than the operator lets it, and for nothing else in the
  // client's stead.
  if (!to.card && to.unknown_output_tokens_max > 0) request.output_tokens_max = output_upper;
  // No model gives more than it can: what is sent is what is reserved.
  if (asked_output_max && to.card)
    request.output_tokens_max = std::min(*asked_output_max, to.most.output);
  if (asked_budget && to.card)
    request.reasoning.budget_tokens = std::min(*asked_budget, to.most.output);
  // Usage is asked of the provider whether or not the client wants to see it.
  request.stream = to.stream;
  request.stream_usage = true;
  llm::Target where{.dialect = to.dialect,
                    .base_url = to.base_url,
                    .model = to.model,
                    .prices_sound = to.passes_sound || (to.card && to.card->prices_sound()),
                    .output_tokens_default = output_upper};
  if (to.card) {
    where.reasoning = to.card->reasoning();
    where.takes_sampling = to.card->takes_sampling(request.reasoning);
    where.efforts = to.card->efforts;
  }
  AttemptRequest out{.wire = llm::encode_request(request, where), .bound = {}};
  request.output_tokens_max = asked_output_max;
  request.reasoning.budget_tokens = asked_budget;
  if (!out.wire) return out;
  out.bound = bound_of(*out.wire, to);
  // What it grew to while it was written would be counted for as long as it is sent.
  out.wire->body.shrink_to_fit();
  return out;
}

}  // namespace redoubt::upstream
