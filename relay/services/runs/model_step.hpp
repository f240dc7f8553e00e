// ModelStep: one model effect of a run, asked of the gateway.
//
// {messages, settings, output} becomes a neutral request; the answer becomes {text, json, model,
// usage}, or a failure with the gateway's reason as its code.
//
// The answer is streamed, and shown as it comes. A stream that breaks off after its first word is
// told as broken, and the model is asked anew, restarts_max times.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

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

/// How often a step asks anew after a stream that broke off. What was used of that is charged.
constexpr int restarts_max = 2;

/// Shown of an answer while it comes. On the executor's thread; nothing after the StepCallback.
class StepWatcher {
 public:
  virtual ~StepWatcher() = default;
  virtual void on_text(std::string_view text) = 0;
  /// The stream broke off: what comes next is another one from its beginning, or nothing.
  virtual void on_broken(std::string_view reason) = 0;
};

class ModelStep {
 public:
  virtual ~ModelStep() = default;
  /// Nobody waits any more: the call is cancelled and settled, nothing is told.
  virtual void leave() = 0;
};

/// Called once, on the executor's thread or at once: failed or not, and the value for the run.
using StepCallback = std::function<void(bool failed, std::string value)>;

/// `gateway` outlives the step. Errors (nothing was asked): no_model, bad_request, and those of the
/// gateway.
Result<std::shared_ptr<ModelStep>> begin_model_step(upstream::Gateway& gateway,
                                                    const net::Executor& executor,
                                                    ModelStepOrder order,
                                                    std::unique_ptr<StepWatcher> watcher,
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
