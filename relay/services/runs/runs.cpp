#include "relay/services/runs/runs.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "relay/contract/body_work.hpp"
#include "relay/contract/errors.hpp"
#include "relay/contract/gate.hpp"
#include "relay/net/completion.hpp"

namespace redoubt::services {
namespace {

using workflow::InputKind;

runs::Owner owner_of(const http::Request& request) {
  runs::Owner owner;
  if (const contract::Caller* caller = contract::caller_of(request)) {
    owner.identity = caller->identity;
    owner.limits = caller->limits();
    owner.may_author = caller->scopes.has(auth::Scope::workflow_author);
  }
  return owner;
}

int status_of(std::string_view code) {
  constexpr std::array<std::pair<std::string_view, int>, 30> known{{
      {"body_too_large", 413},
      {"overloaded", 503},
      {"unknown_run", 404},
      {"unknown_workflow", 404},
      {"not_author", 403},
      {"too_many_runs", 429},
      {"too_many_inputs", 429},
      {"too_many_watchers", 429},
      {"too_many_descendants", 429},
      {"too_many_imports", 429},
      {"owner_full", 429},
      {"run_set_aside", 409},
      {"busy", 409},
      {"run_over", 409},
      {"run_parked", 409},
      {"once_under_way", 409},
      {"unknown_effect", 404},
      {"ambiguous_question", 409},
      {"store_busy", 503},
      {"bad_store", 503},
      {"known_epoch", 409},
      {"run_here", 409},
      {"unknown_definition", 403},
      {"bad_signature", 422},
      {"changed_signed_part", 422},
      {"changed_prefix", 422},
      {"unsigned_approval", 422},
      {"unsigned_snapshot", 422},
      {"diverged", 422},
      {"broken_chain", 422},
  }};
  for (const auto& [name, status] : known)
    if (name == code) return status;
  return 400;
}

http::Response refusal_of(const http::Request& request, const Error& error) {
  http::Response response = contract::error_response(
      request, {.status = status_of(error.code), .code = error.code, .message = error.message});
  if (response.status == 503) response.add("Retry-After", "1");
  return response;
}

Error bad_request(std::string message) {
  return {.code = "bad_request", .message = std::move(message)};
}

using Text = std::shared_ptr<const std::string>;
using Answer = net::Completion<Result<Text>>;

/// For what is given as a text of its own.
runs::JsonCallback shared(runs::SharedCallback callback) {
  return [callback = std::move(callback)](Result<std::string> text) {
    if (!text) return callback(text.error());
    callback(std::make_shared<const std::string>(std::move(*text)));
  };
}

http::Response answered(int status, Text body, std::string_view type = "application/json") {
  http::Response response;
  response.status = status;
  response.add("Content-Type", std::string(type));
  response.shared_body = std::move(body);
  response.transient = true;
  return response;
}

std::string text_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<runs::StartOrder> start_order(const Json& body) {
  runs::StartOrder order;
  const Json& workflow = body.at("workflow");
  (workflow.is_object() ? order.definition : order.workflow) =
      workflow.is_object() ? workflow.dump() : workflow.get<std::string>();
  order.input = canonical(body.value("input", Json()));
  const std::string seed = text_member(body, "seed");
  const auto [end, error] = std::from_chars(seed.data(), seed.data() + seed.size(), order.seed);
  if (!seed.empty() && (error != std::errc() || end != seed.data() + seed.size()))
    return bad_request("seed: expected a number from 0 to 2^64-1 as a text");
  return order;
}

/// `body` is null where a run is cancelled without a word.
runs::GiveOrder give_order(InputKind kind, const Json* body) {
  if (kind == InputKind::cancel) {
    const std::string reason = body != nullptr ? text_member(*body, "reason") : std::string();
    return {kind, reason.empty() ? "cancelled by its owner" : reason, {}};
  }
  const char* name = kind == InputKind::signal ? "name" : "question";
  return {kind, body->at(name).get<std::string>(), canonical(body->value("value", Json()))};
}

std::int64_t number_of(std::optional<std::string> text, std::int64_t otherwise) {
  std::int64_t value = 0;
  if (!text) return otherwise;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  const bool whole = error == std::errc() && end == text->data() + text->size() && value >= 0;
  return whole ? value : otherwise;
}

}  // namespace

http::Response Runs::fault_response(const http::Request& request, const Error& error) const {
  return refusal_of(request, contract::caller_error(log_, contract::request_id_of(request), error));
}

std::vector<contract::Route> Runs::routes() {
  using http::Method;
  std::vector<contract::Route> routes;
  const auto add = [&routes](Method method, std::string pattern, const char* operation,
                             contract::RouteHandler handler, http::RouteOptions options = {}) {
    routes.push_back({.method = method,
                      .pattern = "/api/workflows/runs" + std::move(pattern),
                      .access = contract::Access::scoped(auth::Scope::workflow_run),
                      .dialect = contract::Dialect::problem(),
                      .operation = contract::Operation::named(operation),
                      .handler = std::move(handler),
                      .options = options,
                      .json_bytes_max = order_body_bytes_max});
  };
  const auto asking = [this](Ask ask) {
    return http::AsyncHandler([this, ask](http::Request& request) { return one(request, ask); });
  };
  const auto giving = [this](InputKind kind) {
    return contract::JsonHandler([this, kind](http::Request& request, contract::JsonBody body) {
      return give(request, kind, std::move(body));
    });
  };
  add(Method::post, "", "startRun",
      contract::JsonHandler([this](http::Request& request, contract::JsonBody body) {
        return begin(request, std::move(body));
      }),
      {.body_bytes_max = bundle_body_bytes_max});
  add(Method::get, "", "listRuns",
      http::AsyncHandler([this](http::Request& request) { return list(request); }));
  add(Method::get, "/{id}/events", "runEvents",
      http::AsyncHandler([this](http::Request& request) { return events(request); }));
  add(Method::get, "/{id}", "getRun", asking(Ask::view));
  add(Method::del, "/{id}", "removeRun", asking(Ask::remove));
  add(Method::post, "/{id}/resume", "resumeRun", asking(Ask::resume));
  add(Method::post, "/{id}/export", "exportRun", asking(Ask::export_run));
  add(Method::post, "/{id}/signal", "signalRun", giving(InputKind::signal));
  add(Method::post, "/{id}/approve", "approveRun", giving(InputKind::answer));
  add(Method::post, "/{id}/cancel", "cancelRun", giving(InputKind::cancel));
  return routes;
}

net::Task<http::Response> Runs::begin(http::Request& request, contract::JsonBody body) {
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  auto answer = std::make_shared<Answer>(shard);
  if (body == nullptr) {
    const std::int64_t clock_ms = number_of(request.query_parameter("clock_ms"), -1);
    auto read = [bytes = request.body] { return std::string(bytes); };
    auto bundle = co_await contract::read_body(pool_, contract::caller_key(request), request.body,
                                               std::move(read));
    if (!bundle) co_return fault_response(request, contract::overloaded());
    service_.import_run(owner_of(request), std::move(*bundle), clock_ms,
                        shared(answer->callback()));
  } else {
    auto read = [json = std::move(body)] { return start_order(*json); };
    auto order = co_await contract::read_body(pool_, contract::caller_key(request), request.body,
                                              std::move(read));
    if (!order) co_return fault_response(request, contract::overloaded());
    if (!*order) co_return fault_response(request, order->error());
    service_.start(owner_of(request), std::move(**order), shared(answer->callback()));
  }
  auto result = co_await answer->wait();
  if (!result) co_return fault_response(request, result.error());
  co_return answered(201, std::move(*result));
}

net::Task<http::Response> Runs::give(http::Request& request, InputKind kind,
                                     contract::JsonBody body) {
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  auto answer = std::make_shared<Answer>(shard);
  auto read = [kind, json = std::move(body)] { return give_order(kind, json.get()); };
  auto order = co_await contract::read_body(pool_, contract::caller_key(request), request.body,
                                            std::move(read));
  if (!order) co_return fault_response(request, contract::overloaded());
  std::string id(request.parameter("id"));
  service_.give(owner_of(request), std::move(id), std::move(*order), shared(answer->callback()));
  auto result = co_await answer->wait();
  if (!result) co_return fault_response(request, result.error());
  co_return answered(200, std::move(*result));
}

net::Task<http::Response> Runs::list(http::Request& request) {
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  auto answer = std::make_shared<Answer>(shard);
  service_.list(owner_of(request), shared(answer->callback()));
  auto result = co_await answer->wait();
  if (!result) co_return fault_response(request, result.error());
  co_return answered(200, std::move(*result));
}

net::Task<http::Response> Runs::one(http::Request& request, Ask ask) {
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  auto answer = std::make_shared<Answer>(shard);
  runs::Owner owner = owner_of(request);
  std::string id(request.parameter("id"));
  switch (ask) {
    case Ask::view:
      service_.view(std::move(owner), std::move(id), answer->callback());
      break;
    case Ask::resume:
      service_.resume(std::move(owner), std::move(id), answer->callback());
      break;
    case Ask::remove:
      service_.remove(std::move(owner), std::move(id), shared(answer->callback()));
      break;
    case Ask::export_run:
      service_.export_run(std::move(owner), std::move(id), answer->callback());
      break;
  }
  auto result = co_await answer->wait();
  if (!result) co_return fault_response(request, result.error());
  if (ask != Ask::export_run) co_return answered(200, std::move(*result));
  co_return answered(200, std::move(*result), bundle_media_type);
}

net::Task<http::Response> Runs::events(http::Request& request) {
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  auto answer = std::make_shared<Answer>(shard);
  runs::Owner owner = owner_of(request);
  std::string id(request.parameter("id"));
  // `after` and Last-Event-ID name the last event that was seen; the header is the newer word.
  const std::int64_t after = number_of(request.query_parameter("after"), -1);
  const std::string_view last = request.header_or("last-event-id", "");
  const std::int64_t seen = last.empty() ? after : number_of(std::string(last), after);
  service_.may_watch(owner, id, shared(answer->callback()));
  auto result = co_await answer->wait();
  if (!result) co_return fault_response(request, result.error());
  http::Response response;
  response.add("Content-Type", "text/event-stream; charset=utf-8");
  response.add("Cache-Control", "no-cache");
  response.add(contract::unbuffered_header, "no");
  response.stream = [this, owner = std::move(owner), id = std::move(id),
                     from = static_cast<std::uint64_t>(seen + 1)](http::BodyStreamPtr out) {
    service_.watch(owner, id, from, std::move(out));
  };
  co_return response;
}

}  // namespace redoubt::services
