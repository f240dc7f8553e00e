#include "relay/api/runs.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "relay/api/body_work.hpp"
#include "relay/api/errors.hpp"
#include "relay/api/gate.hpp"
#include "relay/net/signal.hpp"

namespace redoubt::api {
namespace {

using workflow::InputKind;

runs::Owner owner_of(const http::Request& request) {
  runs::Owner owner;
  if (const Caller* caller = caller_of(request)) {
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
  http::Response response = error_response(
      request, {.status = status_of(error.code), .code = error.code, .message = error.message});
  if (response.status == 503) response.add("Retry-After", "1");
  return response;
}

Error bad_request(std::string message) {
  return {.code = "bad_request", .message = std::move(message)};
}

/// What the service tells, brought to the shard of the Task that waits for it.
class Answer : public std::enable_shared_from_this<Answer> {
 public:
  using Text = std::shared_ptr<const std::string>;
  explicit Answer(const net::Executor& shard) : shard_(shard), signal(shard) {}

  runs::JsonCallback callback() {
    return [shared = shared_callback()](Result<std::string> said) {
      if (!said) return shared(said.error());
      shared(std::make_shared<const std::string>(std::move(*said)));
    };
  }
  runs::SharedCallback shared_callback() {
    return [self = shared_from_this()](Result<Text> said) {
      boost::asio::post(self->shard_, [self, said = std::move(said)]() mutable {
        self->result = std::move(said);
        self->signal.notify();
      });
    };
  }

 private:
  net::Executor shard_;

 public:
  net::Signal signal;
  std::optional<Result<Text>> result;
};

/// REQUIRES: the service has told something, which is no error.
http::Response answered(int status, Answer& answer, std::string_view type = "application/json") {
  http::Response response;
  response.status = status;
  response.add("Content-Type", std::string(type));
  response.shared_body = std::move(**answer.result);
  response.transient = true;
  return response;
}

/// The body as an object; an empty one is {}.
Result<Json> object_of(std::string_view body, int depth_max) {
  if (body.empty()) return Json::object();
  if (body.size() > order_body_bytes_max) {
    return Error{.code = "body_too_large",
                 .message = "the body is over the limit of " +
                            std::to_string(order_body_bytes_max) + " bytes"};
  }
  auto json = parse_json(body, {.bytes_max = body.size(), .depth_max = depth_max});
  if (!json) return bad_request("the body is not JSON: " + json.error().message);
  if (!json->is_object()) return bad_request("expected an object");
  return json;
}

std::string text_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<runs::StartOrder> start_order(std::string_view body, int depth_max) {
  auto json = object_of(body, depth_max);
  if (!json) return json.error();
  runs::StartOrder order;
  const auto workflow = json->find("workflow");
  if (workflow != json->end() && workflow->is_object()) order.definition = workflow->dump();
  if (workflow != json->end() && workflow->is_string())
    order.workflow = workflow->get<std::string>();
  if (order.definition.empty() && order.workflow.empty())
    return bad_request("workflow: expected a workflow's name, or a workflow file as an object");
  order.input = canonical(json->value("input", Json()));
  const std::string seed = text_member(*json, "seed");
  const auto [end, error] = std::from_chars(seed.data(), seed.data() + seed.size(), order.seed);
  if (!seed.empty() && (error != std::errc() || end != seed.data() + seed.size()))
    return bad_request("seed: expected a number from 0 to 2^64-1 as a text");
  return order;
}

Result<runs::GiveOrder> give_order(InputKind kind, std::string_view body, int depth_max) {
  auto json = object_of(body, depth_max);
  if (!json) return json.error();
  const char* name = kind == InputKind::signal   ? "name"
                     : kind == InputKind::answer ? "question"
                                                 : "reason";
  runs::GiveOrder order{kind, text_member(*json, name), {}};
  if (order.name.empty() && kind != InputKind::cancel)
    return bad_request(std::string(name) + ": expected a text");
  if (order.name.empty()) order.name = "cancelled by its owner";
  if (kind != InputKind::cancel) order.value = canonical(json->value("value", Json()));
  return order;
}

std::int64_t number_of(std::optional<std::string> text, std::int64_t otherwise) {
  std::int64_t value = 0;
  if (!text) return otherwise;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  const bool whole = error == std::errc() && end == text->data() + text->size() && value >= 0;
  return whole ? value : otherwise;
}

bool is_bundle(const http::Request& request) {
  const std::string_view type = request.header_or("content-type", "");
  return type.starts_with(bundle_media_type) || type.starts_with("application/octet-stream");
}

}  // namespace

http::Response Runs::fault_response(const http::Request& request, const Error& error) const {
  return refusal_of(request, caller_error(log_, request_id_of(request), error));
}

std::vector<contract::Route> Runs::routes() {
  using http::Method;
  std::vector<contract::Route> routes;
  const auto add = [&routes](Method method, std::string pattern, const char* operation,
                             http::AsyncHandler handler, http::RouteOptions options = {}) {
    routes.push_back({.method = method,
                      .pattern = "/api/workflows/runs" + std::move(pattern),
                      .access = contract::Access::scoped(auth::Scope::workflow_run),
                      .dialect = contract::Dialect::problem(),
                      .operation = contract::Operation::named(operation),
                      .handler = std::move(handler),
                      .options = options});
  };
  const auto add_one = [this, &add](Method method, std::string rest, const char* operation,
                                    Ask ask) {
    add(method, "/{id}" + std::move(rest), operation,
        [this, ask](http::Request& request) { return one(request, ask); });
  };
  add(Method::post, "", "startRun", [this](http::Request& request) { return begin(request); },
      {.body_bytes_max = bundle_body_bytes_max});
  add(Method::get, "", "listRuns", [this](http::Request& request) { return list(request); });
  add(Method::get, "/{id}/events", "runEvents",
      [this](http::Request& request) { return events(request); });
  add_one(Method::get, "", "getRun", Ask::view);
  add_one(Method::del, "", "removeRun", Ask::remove);
  add_one(Method::post, "/signal", "signalRun", Ask::signal);
  add_one(Method::post, "/approve", "approveRun", Ask::approve);
  add_one(Method::post, "/cancel", "cancelRun", Ask::cancel);
  add_one(Method::post, "/resume", "resumeRun", Ask::resume);
  add_one(Method::post, "/export", "exportRun", Ask::export_run);
  return routes;
}

net::Task<http::Response> Runs::begin(http::Request& request) {
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  auto answer = std::make_shared<Answer>(shard);
  if (is_bundle(request)) {
    const std::int64_t clock_ms = number_of(request.query_parameter("clock_ms"), -1);
    auto read = [body = request.body] { return std::string(body); };
    auto bundle = co_await read_body(pool_, caller_key(request), request.body, std::move(read));
    if (!bundle) co_return fault_response(request, overloaded());
    service_.import_run(owner_of(request), std::move(*bundle), clock_ms, answer->callback());
  } else {
    auto read = [this, body = request.body] { return start_order(body, depth_max_); };
    auto order = co_await read_body(pool_, caller_key(request), request.body, std::move(read));
    if (!order) co_return fault_response(request, overloaded());
    if (!*order) co_return fault_response(request, order->error());
    service_.start(owner_of(request), std::move(**order), answer->callback());
  }
  co_await answer->signal.wait();
  if (!*answer->result) co_return fault_response(request, answer->result->error());
  co_return answered(201, *answer);
}

net::Task<http::Response> Runs::list(http::Request& request) {
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  auto answer = std::make_shared<Answer>(shard);
  service_.list(owner_of(request), answer->callback());
  co_await answer->signal.wait();
  if (!*answer->result) co_return fault_response(request, answer->result->error());
  co_return answered(200, *answer);
}

net::Task<http::Response> Runs::one(http::Request& request, Ask ask) {
  const net::Executor shard = co_await boost::asio::this_coro::executor;
  auto answer = std::make_shared<Answer>(shard);
  runs::Owner owner = owner_of(request);
  std::string id(request.parameter("id"));
  switch (ask) {
    case Ask::view:
      service_.view(std::move(owner), std::move(id), answer->shared_callback());
      break;
    case Ask::resume:
      service_.resume(std::move(owner), std::move(id), answer->shared_callback());
      break;
    case Ask::remove:
      service_.remove(std::move(owner), std::move(id), answer->callback());
      break;
    case Ask::export_run:
      service_.export_run(std::move(owner), std::move(id), answer->shared_callback());
      break;
    default: {
      const InputKind kind = ask == Ask::signal    ? InputKind::signal
                             : ask == Ask::approve ? InputKind::answer
                                                   : InputKind::cancel;
      auto read = [this, kind, body = request.body] { return give_order(kind, body, depth_max_); };
      auto order = co_await read_body(pool_, caller_key(request), request.body, std::move(read));
      if (!order) co_return fault_response(request, overloaded());
      if (!*order) co_return fault_response(request, order->error());
      service_.give(std::move(owner), std::move(id), std::move(**order), answer->callback());
    }
  }
  co_await answer->signal.wait();
  if (!*answer->result) co_return fault_response(request, answer->result->error());
  if (ask != Ask::export_run) co_return answered(200, *answer);
  co_return answered(200, *answer, bundle_media_type);
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
  service_.may_watch(owner, id, answer->callback());
  co_await answer->signal.wait();
  if (!*answer->result) co_return fault_response(request, answer->result->error());
  http::Response response;
  response.add("Content-Type", "text/event-stream; charset=utf-8");
  response.add("Cache-Control", "no-cache");
  response.add(unbuffered_header, "no");
  response.stream = [this, owner = std::move(owner), id = std::move(id),
                     from = static_cast<std::uint64_t>(seen + 1)](http::BodyStreamPtr out) {
    service_.watch(owner, id, from, std::move(out));
  };
  co_return response;
}

}  // namespace redoubt::api
