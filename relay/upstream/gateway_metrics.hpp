// What is counted of model calls, by target. Names follow OpenTelemetry's GenAI conventions where
// those have one (gen_ai.client.token.usage, gen_ai.server.time_to_first_token).
#pragma once

#include <array>
#include <string_view>

#include "engine/llm/chat.hpp"
#include "relay/limits/limiter.hpp"
#include "relay/observe/metrics.hpp"
#include "relay/upstream/targets.hpp"

namespace redoubt::upstream {

class GatewayMetrics {
 public:
  /// The series of one target; counters live as long as the registry.
  struct Series {
    observe::Metrics* metrics = nullptr;
    std::string target;
    observe::Counter* ok = nullptr;
    observe::Counter* client_gone = nullptr;
    observe::Counter* input_tokens = nullptr;
    observe::Counter* output_tokens = nullptr;
    observe::Counter* cost_microusd = nullptr;
    observe::Counter* estimated = nullptr;
    observe::Counter* overrun_tokens = nullptr;
    observe::Counter* unterminated = nullptr;
    observe::Histogram* first_token = nullptr;
    observe::Histogram* duration = nullptr;

    /// An attempt was not made.
    void denied(Denial denial) const;
    /// An attempt failed.
    void failed(llm::FailureClass failure_class) const;
    /// Nobody settled an attempt: `outcome` is how its line in the ledger says so.
    void unsettled(std::string_view outcome) const;
    void ended(const llm::Usage& usage, const limits::Settled& settled, bool was_estimated,
               std::string_view outcome, std::int64_t first_token_ms,
               std::int64_t duration_ms) const;
  };
  static Series series(observe::Metrics& metrics, std::string_view target);
};

}  // namespace redoubt::upstream
