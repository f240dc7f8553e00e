#include "relay/services/models/usage.hpp"

#include <boost/asio/this_coro.hpp>

#include "engine/base/json.hpp"
#include "relay/contract/errors.hpp"
#include "relay/contract/gate.hpp"
#include "relay/limits/utc_period.hpp"
#include "relay/net/completion.hpp"
#include "relay/services/models/model_responses.hpp"

namespace redoubt::services {
namespace {

Json money(limits::Picodollars amount) {
  return limits::microdollars_up(amount);
}

}  // namespace

std::vector<contract::Route> Usage::routes() {
  const http::AsyncHandler handler = [this](http::Request& request) { return usage(request); };
  return {{.method = http::Method::get,
           .pattern = "/api/usage",
           .access = contract::Access::scoped(auth::Scope::models),
           .dialect = contract::Dialect::problem(),
           .operation = contract::Operation::named("usage"),
           .handler = handler}};
}

net::Task<http::Response> Usage::usage(http::Request& request) {
  const contract::Caller* caller = contract::caller_of(request);
  const upstream::Order nothing = order_of(caller, {}, {});
  const auth::Identity& identity = nothing.identity;
  const std::int64_t now_s = request.context.now.wall_ms / 1'000;
  const std::int32_t month = limits::period_of(limits::Period::month, now_s);
  const std::int64_t from_s = limits::period_start_s(limits::Period::month, month);
  const auto failed = [&](const Error& fault) {
    const Error error = contract::caller_error(log_, contract::request_id_of(request), fault);
    return contract::error_response(request,
                                    {.status = 503, .code = error.code, .message = error.message});
  };
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  const auto used = std::make_shared<net::Completion<Result<std::vector<limits::UsageRow>>>>(shard);
  ledger_.usage(identity, from_s * 1'000, used->callback());
  const auto rows = co_await used->wait();
  if (!rows) co_return failed(rows.error());
  const std::string purse = limits::budget_subject(limits::Scope::player, identity.key());
  const auto budgets = std::make_shared<net::Completion<Result<limits::Drawn>>>(shard);
  ledger_.drawn(purse, now_s, budgets->callback());
  const auto drawn = co_await budgets->wait();
  if (!drawn) co_return failed(drawn.error());
  const upstream::Gateway::Spent spent =
      gateway_.spent(identity, nothing.own_limits, *drawn, now_s);
  const std::int32_t day = limits::period_of(limits::Period::day, now_s);
  Json models = Json::array();
  for (const limits::UsageRow& row : *rows) {
    models.push_back({{"model", row.target},
                      {"calls", row.calls},
                      {"input_tokens", row.input_tokens},
                      {"output_tokens", row.output_tokens},
                      {"cost_microusd", money(row.cost)}});
  }
  Json body{{"tenant", identity.tenant},
            {"who", identity.subject},
            {"day", {{"name", limits::period_name(limits::Period::day, day)}}},
            {"month",
             {{"name", limits::period_name(limits::Period::month, month)},
              {"models", std::move(models)}}}};
  if (spent.day) body["day"]["engaged_microusd"] = money(*spent.day);
  if (spent.month) body["month"]["engaged_microusd"] = money(*spent.month);
  co_return http::Response::json(200, body.dump());
}

}  // namespace redoubt::services
