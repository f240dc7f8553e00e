// ModelStep: one model effect of a run, asked of the gateway.
//
// {messages, settings, output} becomes a neutral request; the answer becomes {text, json, model,
// usage}, or a failure with the gateway's reason as its code.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "engine/workflow/run.hpp"
#include "relay/auth/identity.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::runs {

/// A model step's `model_name` that no alias has is asked of this one.
constexpr std::string_view model_default = "strategist";

struct ModelStepOrder {
  workflow::Effect effect;
  auth::Identity identity;    ///< of the run's owner
  auth::CallerLimits limits;  ///< of the token that the run was begun with
  std::string request_id;
};

class ModelStep {
 public:
  virtual ~ModelStep() = default;
  /// Nobody waits any more: the call is cancelled and settled, nothing is told.
  virtual void leave() = 0;
};

/// Called once, on the executor's thread or at once: failed or not, and the value for the run.
using StepCallback = std::function<void(bool failed, std::string value)>;

/// Errors (nothing was asked): no_model, bad_request, and those of the gateway.
Result<std::shared_ptr<ModelStep>> begin_model_step(upstream::Gateway& gateway,
                                                    const net::Executor& executor,
                                                    const ModelStepOrder& order,
                                                    StepCallback callback);

/// The effect's request as a neutral one; `model` is left to the caller. Errors: bad_request.
Result<llm::ChatRequest> chat_of(const std::string& request);

/// The model that the effect's settings name; "" where they name none.
std::string model_name_of(const std::string& request);
/// An answer as a step sees it: {text, json, tool_calls}, the last two where there are any.
nlohmann::json answer_of(const llm::ChatAnswer& answer);

/// The JSON object or list in a model's text (engine/schema/lenient.hpp).
std::optional<nlohmann::json> json_in(const std::string& text);

}  // namespace redoubt::runs
