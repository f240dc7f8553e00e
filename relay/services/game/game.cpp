#include "relay/services/game/game.hpp"

#include <array>
#include <chrono>

#include "engine/base/json.hpp"
#include "relay/contract/body_work.hpp"
#include "relay/contract/errors.hpp"
#include "relay/contract/gate.hpp"
#include "relay/services/models/model_responses.hpp"

namespace redoubt::services {
namespace {

constexpr std::array<Question, 3> questions{{
    {"/api/team-strategy", "team_strategy", strategy::answer_team_strategy, "teamStrategy"},
    {"/api/agent-specification", "agent_specification", strategy::answer_agent_specification,
     "agentSpecification"},
    {"/api/strategy-adaptation", "strategy_adaptation", strategy::answer_strategy_adaptation,
     "strategyAdaptation"},
}};

}  // namespace

http::Response answer_question(const Question& question, std::string_view body, int depth_max) {
  if (body.empty()) return contract::body_missing_response();
  const Result<Json> request = parse_json(body, {.bytes_max = body.size(), .depth_max = depth_max});
  if (!request) return contract::json_invalid_response(request.error());
  const strategy::Answer answer = question.ask(*request);
  if (const auto* faults = std::get_if<strategy::Faults>(&answer)) {
    return contract::faults_response(*request, *faults);
  }
  http::Response response = http::Response::json(
      200, std::get_if<Json>(&answer)->dump(-1, ' ', false, Json::error_handler_t::replace));
  response.add("Cache-Control", "no-store");
  return response;
}

Game::Game(net::ComputePool& pool, PushSockets& sockets, observe::Metrics& metrics, int depth_max)
    : pool_(pool), sockets_(sockets), depth_max_(depth_max) {
  constexpr std::string_view name = "redoubt_engine_answers_total";
  constexpr std::string_view help = "Questions answered by the engine, by question and outcome.";
  for (const Question& question : questions) {
    Series series{.question = question};
    series.answered =
        &metrics.counter(name, help, {{"question", question.name}, {"outcome", "answered"}});
    series.refused =
        &metrics.counter(name, help, {{"question", question.name}, {"outcome", "refused"}});
    series.advised = &metrics.counter("redoubt_model_advice_total",
                                      "Questions of the game that a model answered in time.",
                                      {{"question", question.name}});
    series.duration = &metrics.histogram("redoubt_engine_duration_seconds",
                                         "Reading a question and thinking of its answer.",
                                         {{"question", question.name}});
    series_.push_back(series);
  }
}

std::vector<contract::Route> Game::routes() {
  std::vector<contract::Route> routes;
  for (const Series& series : series_) {
    routes.push_back(
        {.method = http::Method::post,
         .pattern = std::string(series.question.path),
         .access = contract::Access::scoped(auth::Scope::game),
         .dialect = contract::Dialect::fastapi(),
         .operation = contract::Operation::named(std::string(series.question.operation)),
         .handler = [this, &series](http::Request& request) { return answer(request, series); },
         .options = {.watch_client = adviser_ != nullptr}});
  }
  return routes;
}

http::Response Game::counted(const Series& series, std::string_view body) const {
  const auto start = std::chrono::steady_clock::now();
  http::Response response = answer_question(series.question, body, depth_max_);
  const auto took = std::chrono::steady_clock::now() - start;
  series.duration->observe_us(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  (response.status == 200 ? series.answered : series.refused)->add();
  return response;
}

net::Task<http::Response> Game::answer(http::Request& request, const Series& series) {
  if (auto refused = contract::check_media_type(request)) co_return std::move(*refused);
  http::Response response = co_await engine(request, series);
  if (response.status != 200 || adviser_ == nullptr || !adviser_->asks()) co_return response;
  AdviceRequest asked;
  asked.question = series.question.name;
  asked.body = request.body;
  asked.order = order_of(request, {});
  asked.now_ms = request.context.now.wall_ms;
  asked.late = [this, caller = asked.order.identity, name = series.question.name](
                   const std::string& team, const Advice& answer) {
    sockets_.tell_late(caller, name, team, *answer);
  };
  const Advised advised = co_await adviser_->ask(std::move(asked), request.client_gone);
  if (advised.answer) {
    series.advised->add();
    response.body = advised.answer->dump(-1, ' ', false, Json::error_handler_t::replace);
    if (!advised.source.empty()) response.add(cache_header, advised.source);
  } else if (!response.body.empty() && response.body.back() == '}') {
    // Why this is less than a model's answer, beside what the engine says.
    response.body.pop_back();
    response.body += ",\"reduced\":" + reduced_json(advised.reduced) + "}";
  }
  co_return response;
}

net::Task<http::Response> Game::engine(http::Request& request, const Series& series) {
  if (request.body.size() <= contract::inline_body_bytes_max)
    co_return counted(series, request.body);
  // The Request outlives this Task, so that the pool may read its body.
  const auto work = [this, &series, body = request.body] { return counted(series, body); };
  std::optional<http::Response> response = co_await pool_.run(contract::caller_key(request), work);
  if (response) co_return std::move(*response);
  http::Response busy = contract::error_response(
      request,
      {.status = 503, .code = "busy", .message = "too much work is waiting; try again soon"});
  busy.add("Retry-After", "1");
  co_return busy;
}

}  // namespace redoubt::services
