// RoutePlans: what the configuration and the cards say of providers and targets, and to which
// targets of a route a request can go.
//
// 1. Nothing changes after make(), so that any thread may ask; keys are those of the moment.
// 2. A target is an index, below the number of targets, of the order in which they were found:
//    those of aliases first, then those that cards name (direct targets).
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "relay/upstream/attempt_request.hpp"
#include "relay/upstream/charging.hpp"
#include "relay/upstream/gateway.hpp"
#include "relay/upstream/gateway_metrics.hpp"
#include "relay/upstream/redaction.hpp"

namespace redoubt::upstream {

struct Provider {
  std::string name;
  const llm::Dialect* dialect = nullptr;
  std::string base_url;
  std::string base_path;  ///< of the base URL, before the codec's path
  bool key_needed = false;
  bool free_of_charge = false;
  net::DestinationPtr destination;
};

struct TargetPlan {
  std::uint32_t provider = 0;
  std::string model;
  const llm::ModelCard* card = nullptr;
  const llm::EmbeddingCard* embedding = nullptr;
  const llm::Tariff* tariff = nullptr;  ///< null: the price is not known
  int concurrent_max = 0;               ///< calls at a time
  GatewayMetrics::Series metrics;
};

/// Why a call does not go to a target of its route.
struct LeftOut {
  std::string target;
  std::string_view reason;  ///< of the log
  std::string message;      ///< "the relay has no key for openai"
};

struct RoutePlan {
  std::vector<PlannedTarget> targets;
  std::vector<LeftOut> left_out;
  std::string why;  ///< of the preferred target that is left out
};

class RoutePlans {
 public:
  /// Errors: bad_config (a dialect or an address), bad_url, bad_certificate. `options`, `keys` and
  /// `metrics` outlive it.
  static Result<std::unique_ptr<RoutePlans>> make(const GatewayOptions& options,
                                                  llm::ModelTable models, Aliases aliases,
                                                  const auth::CurrentKeys& keys,
                                                  observe::Metrics& metrics);

  std::size_t size() const { return plans_.size(); }
  const TargetPlan& plan(std::uint32_t target) const { return plans_[target]; }
  const Provider& provider(std::uint32_t target) const {
    return providers_[plans_[target].provider];
  }
  const std::string& name(std::uint32_t target) const { return names_[target]; }
  std::optional<std::uint32_t> find(std::string_view name) const;
  /// As Targets keeps them, without keys.
  std::vector<TargetOptions> target_options() const;
  Result<Route> route(std::string_view model) const { return aliases_.resolve(model); }

  RoutePlan plan_route(const Route& route, const Order& order) const;
  AttemptTarget attempt_target(std::uint32_t target, llm::WireFormat client, bool stream) const;
  /// Does a budget limit what the order may cost there?
  bool is_budgeted(std::uint32_t target, const Order& order) const {
    return budgeted(order) && !provider(target).free_of_charge;
  }
  /// Is one of the model's targets not known to be free?
  bool may_cost(std::string_view model) const;
  limits::Picodollars cost(std::uint32_t target, const Charge& charge, const AttemptBound& bound,
                           llm::CallTime when) const;
  /// What a target's provider, or the proxy before it, may know and repeat. Lives as long as
  /// `ring`.
  SecretTexts secrets(std::uint32_t target, const auth::KeyRing& ring) const;

  std::vector<KnownModel> models() const;
  /// `today` in days since 1970.
  std::vector<ModelNote> model_notes(std::int64_t today) const;

 private:
  RoutePlans(const GatewayOptions& options, llm::ModelTable models, Aliases aliases,
             const auth::CurrentKeys& keys)
      : options_(options), models_(std::move(models)), aliases_(std::move(aliases)), keys_(keys) {}
  Result<void> add_providers();
  void add_targets(observe::Metrics& metrics);
  void add_target(const std::string& name, observe::Metrics& metrics);
  KnownModel known(std::string name, std::span<const std::string> targets) const;
  std::vector<std::string> aliases_of(std::string_view target) const;
  TokenLimits token_limits(std::uint32_t target) const;
  LongestAnswer longest_answer(std::uint32_t target) const;
  std::optional<LeftOut> left_out(std::uint32_t target, const Order& order, bool money) const;
  bool budgeted(const Order& order) const;
  bool counts_tokens(const Order& order) const;
  bool lacks_bound(const TargetPlan& plan, const Order& order) const;
  bool has_key(std::string_view provider) const;

  const GatewayOptions& options_;
  const llm::ModelTable models_;
  const Aliases aliases_;
  const auth::CurrentKeys& keys_;
  std::vector<Provider> providers_;
  std::vector<TargetPlan> plans_;
  std::vector<std::string> names_;
  std::deque<llm::Tariff> embedding_tariffs_;
};

}  // namespace redoubt::upstream
