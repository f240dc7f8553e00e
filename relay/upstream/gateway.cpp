#include "relay/upstream/gateway.hpp"

#include <utility>

#include "engine/llm/allowed_members.hpp"
#include "relay/upstream/call_limits.hpp"
#include "relay/upstream/call_run.hpp"
#include "relay/upstream/clock.hpp"
#include "relay/upstream/failure_log.hpp"
#include "relay/upstream/request_size.hpp"
#include "relay/upstream/route_plans.hpp"
#include "relay/upstream/shared_answers.hpp"

namespace redoubt::upstream {
namespace {

class GatewayImpl final : public Gateway, public CallMaker {
 public:
  static Result<std::unique_ptr<Gateway>> make(GatewayOptions options, llm::ModelTable models,
                                               Aliases aliases, auth::CurrentKeys& keys,
                                               limits::Ledger& ledger, observe::Metrics& metrics,
                                               std::uint64_t seed) {
    std::unique_ptr<GatewayImpl> gateway(
        new GatewayImpl(std::move(options), keys, ledger, metrics));
    auto plans =
        RoutePlans::make(gateway->options_, std::move(models), std::move(aliases), keys, metrics);
    if (!plans) return plans.error();
    gateway->plans_ = std::move(*plans);
    gateway->limits_ =
        std::make_unique<CallLimits>(gateway->options_, *gateway->plans_, keys, ledger, seed);
    return std::unique_ptr<Gateway>(std::move(gateway));
  }

  Result<std::shared_ptr<GatewayCall>> start(const net::Executor& shard, Order order,
                                             Delivery delivery,
                                             std::shared_ptr<CallClient> client) override;
  Result<std::shared_ptr<GatewayCall>> call(const net::Executor& shard, Order order,
                                            Delivery delivery,
                                            std::shared_ptr<CallClient> client) override;
  Counted count_request(const Order& order) override { return limits_->count_request(order); }
  std::optional<CallRefusal> refused_by_zero(const Order& order) override {
    return limits_->refused_by_zero(order);
  }
  void reload_keys() override { limits_->reload_keys(); }
  std::vector<KnownModel> models() const override { return plans_->models(); }
  std::vector<ModelNote> model_notes(std::int64_t today) const override {
    return plans_->model_notes(today);
  }
  bool knows(std::string_view model) const override { return plans_->route(model).ok(); }
  Spent spent(const auth::Identity& caller, const auth::CallerLimits& own,
              const limits::Drawn& drawn, std::int64_t now_s) override {
    return limits_->spent(caller, own, drawn, now_s);
  }
  void close() override {
    if (options_.answers) options_.answers->close();
    limits_->close();
  }

 private:
  GatewayImpl(GatewayOptions options, auth::CurrentKeys& keys, limits::Ledger& ledger,
              observe::Metrics& metrics)
      : options_(std::move(options)),
        keys_(keys),
        ledger_(ledger),
        failure_log_(options_.log, metrics) {
    if (!options_.share_answers) return;
    shared_ = SharedAnswers::make({.store = options_.kept_answers,
                                   .cache = options_.cache,
                                   .flights = options_.flights,
                                   .answer_by_ms = options_.game_call.answer_by_ms},
                                  *this, metrics);
  }

  const GatewayOptions options_;
  auth::CurrentKeys& keys_;
  limits::Ledger& ledger_;
  FailureLog failure_log_;
  std::unique_ptr<RoutePlans> plans_;
  std::unique_ptr<CallLimits> limits_;
  std::unique_ptr<SharedAnswers> shared_;  // null: nothing is shared
};

/// A request lives as long as another attempt may need it: a large one is counted until then.
Result<void> count_memory(Order& order) {
  // Of those who wait for another's answer there may be thousands, whom no limit of calls holds.
  const std::size_t uncounted_max = order.shared ? joined_request_bytes : large_request_bytes;
  const std::size_t bytes = request_bytes(order);
  if (bytes <= uncounted_max || !order.hold_memory) return {};
  order.memory = order.hold_memory(bytes);
  if (!order.memory) return Error{.code = "overloaded", .message = overloaded_words};
  return {};
}

Result<std::shared_ptr<GatewayCall>> GatewayImpl::start(const net::Executor& shard, Order order,
                                                        Delivery delivery,
                                                        std::shared_ptr<CallClient> client) {
  auto held = order.embedding ? llm::hold_to_allowed(*order.embedding, options_.pass_through)
                              : llm::hold_to_allowed(order.request, options_.pass_through);
  if (!held) return held.error();
  if (auto counted = count_memory(order); !counted) return counted.error();
  if (shared_ && order.shared && order.request.answers == 1)
    return shared_->start(shard, std::move(order), delivery, std::move(client));
  return call(shard, std::move(order), delivery, std::move(client));
}

Result<std::shared_ptr<GatewayCall>> GatewayImpl::call(const net::Executor& shard, Order order,
                                                       Delivery delivery,
                                                       std::shared_ptr<CallClient> client) {
  const auto route = plans_->route(order.request.model);
  if (!route) return route.error();
  RoutePlan plan = plans_->plan_route(*route, order);
  for (const LeftOut& left : plan.left_out)
    failure_log_.note_denied(order.request_id, left.target, left.reason, left.message, now_ns());
  std::string why;
  if (!plan.why.empty())
    why = "The model " + order.request.model + " cannot be called: " + plan.why + ".";
  if (plan.targets.empty() && !route->engine && !why.empty())
    return Error{.code = "unavailable", .message = why, .path = "model"};
  const ModelCallOptions& options = order.game                     ? options_.game_call
                                    : delivery == Delivery::stream ? options_.stream_call
                                                                   : options_.whole_call;
  const CallContext context{.options = options_,
                            .plans = *plans_,
                            .limits = *limits_,
                            .keys = keys_,
                            .ledger = ledger_,
                            .failures = failure_log_};
  auto call = std::make_shared<CallRun>(context, shard, std::move(order), options,
                                        std::move(plan.targets), route->engine, std::move(client));
  if (!why.empty()) call->explain(std::move(why));
  call->begin();
  return std::shared_ptr<GatewayCall>(call);
}

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::make(GatewayOptions options, llm::ModelTable models,
                                               auth::CurrentKeys& keys, limits::Ledger& ledger,
                                               observe::Metrics& metrics, std::uint64_t seed) {
  AliasOptions alias_options;
  alias_options.aliases = options.aliases;
  alias_options.direct_targets = options.direct_targets;
  for (const ProviderOptions& provider : options.providers)
    alias_options.providers.push_back(provider.name);
  auto aliases = Aliases::make(std::move(alias_options));
  if (!aliases) return aliases.error();
  return GatewayImpl::make(std::move(options), std::move(models), std::move(*aliases), keys, ledger,
                           metrics, seed);
}

}  // namespace redoubt::upstream
