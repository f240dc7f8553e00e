#include "relay/upstream/route_plans.hpp"

#include <doctest/doctest.h>

using namespace redoubt;
using namespace redoubt::upstream;

namespace {

struct Fixture {
  explicit Fixture(GatewayOptions given, llm::ModelTable table = llm::ModelTable())
      : options(std::move(given)) {
    AliasOptions names{.aliases = options.aliases, .direct_targets = options.direct_targets};
    for (const ProviderOptions& provider : options.providers)
      names.providers.push_back(provider.name);
    auto aliases = Aliases::make(std::move(names));
    REQUIRE(aliases);
    auto made = RoutePlans::make(options, std::move(table), std::move(*aliases), keys, metrics);
    if (made) plans = std::move(*made);
    if (!made) error = made.error();
  }
  RoutePlan plan(const char* model, Order order = {}) const {
    order.request.model = model;
    return plans->plan_route(plans->route(model).value(), order);
  }
  GatewayOptions options;
  auth::CurrentKeys keys{nullptr};
  observe::Metrics metrics;
  std::unique_ptr<RoutePlans> plans;
  std::optional<Error> error;
};

GatewayOptions two_providers() {
  GatewayOptions options;
  ProviderOptions own{.name = "own", .dialect = "vllm", .free = true};
  own.base_url = "http://127.0.0.1:9/v1";
  options.providers = {own, {.name = "openai"}};
  options.aliases = {{.name = "mini", .targets = {"openai/m", "own/m"}},
                     {.name = "free", .targets = {"own/m"}}};
  return options;
}

}  // namespace

TEST_CASE("route plans: a target whose provider has no key is left out, and why is told") {
  const Fixture f(two_providers());
  REQUIRE(f.plans);
  CHECK(f.plans->size() == 2);
  const RoutePlan plan = f.plan("mini");
  REQUIRE(plan.targets.size() == 1);
  CHECK(f.plans->name(plan.targets[0].target) == "own/m");
  REQUIRE(plan.left_out.size() == 1);
  CHECK(plan.left_out[0].target == "openai/m");
  CHECK(plan.left_out[0].reason == "no_key");
  CHECK(plan.why == "the relay has no key for openai");
  CHECK(f.plan("free").left_out.empty());
}

TEST_CASE("route plans: under a budget a target without a known price is left out") {
  GatewayOptions options = two_providers();
  options.providers[0].free = false;
  Order order;
  order.own_limits.cost_microusd_per_day = 1'000'000;
  const Fixture f(std::move(options));
  CHECK(f.plan("free").targets.size() == 1);
  const RoutePlan plan = f.plan("free", order);
  CHECK(plan.targets.empty());
  REQUIRE(plan.left_out.size() == 1);
  CHECK(plan.left_out[0].reason == "no_price");
  CHECK(f.plans->is_budgeted(plan.targets.size() > 0 ? 0 : 1, order));
  CHECK(f.plans->may_cost("free"));
}

TEST_CASE("route plans: what costs nothing needs no price and is charged none") {
  const Fixture f(two_providers());
  Order order;
  order.own_limits.cost_microusd_per_day = 0;
  CHECK(f.plan("free", order).targets.size() == 1);
  const std::uint32_t own = *f.plans->find("own/m");
  CHECK_FALSE(f.plans->is_budgeted(own, order));
  CHECK_FALSE(f.plans->may_cost("free"));
  CHECK(f.plans->may_cost("mini"));
  CHECK(f.plans->may_cost("nobody's"));
  Charge charge{.kind = ChargeKind::reported};
  charge.usage.input = 1'000'000;
  CHECK(f.plans->cost(own, charge, {}, {0, 0}) == 0);
  CHECK_FALSE(f.plans->find("own/other"));
}

TEST_CASE("route plans: a dialect that is not known names those that are") {
  GatewayOptions options = two_providers();
  options.providers[1].dialect = "opnai";
  const Fixture f(std::move(options));
  REQUIRE(f.error);
  CHECK(f.error->code == "bad_config");
  CHECK(f.error->path == "providers[1].dialect");
  CHECK(f.error->message.find("openai") != std::string::npos);
}
