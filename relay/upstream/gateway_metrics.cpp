#include "relay/upstream/gateway_metrics.hpp"

namespace redoubt::upstream {

namespace {

constexpr const char* attempts_name = "redoubt_model_attempts_total";
constexpr const char* attempts_help = "Attempts at models that went out, by how they ended.";

observe::Counter& attempts(observe::Metrics& metrics, std::string_view target,
                           std::string_view outcome) {
  return metrics.counter(attempts_name, attempts_help, {{"target", target}, {"outcome", outcome}});
}

}  // namespace

GatewayMetrics::Series GatewayMetrics::series(observe::Metrics& metrics, std::string_view target) {
  Series out;
  out.metrics = &metrics;
  out.target = target;
  out.ok = &attempts(metrics, target, "ok");
  out.client_gone = &attempts(metrics, target, "client_gone");
  const char* tokens = "redoubt_model_tokens_total";
  const char* tokens_help = "Tokens that models were sent and gave (gen_ai.client.token.usage).";
  out.input_tokens = &metrics.counter(tokens, tokens_help, {{"target", target}, {"type", "input"}});
  out.output_tokens =
      &metrics.counter(tokens, tokens_help, {{"target", target}, {"type", "output"}});
  out.cost_microusd =
      &metrics.counter("redoubt_model_cost_microusd_total",
                       "What models cost, rounded up once a call.", {{"target", target}});
  out.estimated =
      &metrics.counter("redoubt_model_estimated_total",
                       "Attempts whose usage no provider reported.", {{"target", target}});
  out.overrun_tokens =
      &metrics.counter("redoubt_model_overrun_tokens_total",
                       "Tokens that providers charged beyond the bound.", {{"target", target}});
  out.unterminated = &metrics.counter(
      "redoubt_model_streams_unterminated_total",
      "Streams that said why they end, and ended without their format's terminator.",
      {{"target", target}});
  out.first_token = &metrics.histogram("redoubt_model_first_token_seconds",
                                       "Until the first token (gen_ai.server.time_to_first_token).",
                                       {{"target", target}});
  out.duration = &metrics.histogram("redoubt_model_attempt_seconds", "How long attempts took.",
                                    {{"target", target}});
  return out;
}

void GatewayMetrics::Series::denied(Denial denial) const {
  metrics
      ->counter("redoubt_model_denied_total", "Attempts that were not made, by why.",
                {{"target", target}, {"reason", denial_name(denial)}})
      .add();
}

void GatewayMetrics::Series::failed(llm::FailureClass failure_class) const {
  attempts(*metrics, target, llm::failure_name(failure_class)).add();
}

void GatewayMetrics::Series::unsettled(std::string_view outcome) const {
  attempts(*metrics, target, outcome).add();
}

void GatewayMetrics::Series::ended(const llm::Usage& usage, const limits::Settled& settled,
                                   bool was_estimated, std::string_view outcome,
                                   std::int64_t first_token_ms, std::int64_t duration_ms) const {
  if (outcome == "ok") ok->add();
  if (outcome == "client_gone") client_gone->add();
  input_tokens->add(static_cast<std::uint64_t>(usage.input));
  output_tokens->add(static_cast<std::uint64_t>(usage.output));
  cost_microusd->add(
      static_cast<std::uint64_t>(limits::microdollars_up(settled.charged.picodollars)));
  if (was_estimated) estimated->add();
  overrun_tokens->add(static_cast<std::uint64_t>(settled.overrun.tokens));
  if (first_token_ms > 0) first_token->observe_us(first_token_ms * 1'000);
  duration->observe_us(duration_ms * 1'000);
}

}  // namespace redoubt::upstream
