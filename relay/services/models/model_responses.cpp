#include "relay/services/models/model_responses.hpp"

#include <algorithm>
#include <utility>

#include "engine/llm/encode_answer.hpp"
#include "engine/llm/failure.hpp"
#include "relay/contract/errors.hpp"
#include "relay/contract/gate.hpp"
#include "relay/limits/ledger.hpp"

namespace redoubt::services {

namespace {

std::string seconds_up(std::int64_t ms) {
  return std::to_string(std::max<std::int64_t>(1, (ms + 999) / 1'000));
}

}  // namespace

llm::ChatFailure request_failure(const Error& error) {
  llm::ChatFailure failure = llm::local_failure(llm::FailureClass::bad_request, error.message);
  failure.status = 400;
  if (error.code == "unknown_model" || error.code == "unknown_method") {
    failure = llm::local_failure(llm::FailureClass::not_found, error.message);
    failure.status = 404;
  } else if (error.code == "too_large") {
    failure = llm::local_failure(llm::FailureClass::too_large, error.message);
    failure.status = 413;
  } else if (error.code == "unavailable" || error.code == "overloaded") {
    failure = llm::local_failure(llm::FailureClass::overloaded, error.message);
    failure.status = 503;
  }
  failure.param = error.path;
  failure.code = error.code;
  return failure;
}

upstream::Order order_of(const contract::Caller* caller, std::string_view request_id,
                         llm::ChatRequest chat) {
  upstream::Order order;
  order.request = std::move(chat);
  order.request_id = request_id;
  if (caller != nullptr) {
    order.identity = caller->identity;
    order.own_limits = caller->limits();
  }
  return order;
}

upstream::Order order_of(const http::Request& request, llm::ChatRequest chat) {
  upstream::Order order =
      order_of(contract::caller_of(request), contract::request_id_of(request), std::move(chat));
  order.hold_memory = request.hold_memory;
  return order;
}

http::Response failure_response(llm::WireFormat format, int status,
                                const llm::ChatFailure& failure) {
  return http::Response::json(status, llm::encode_failure(format, failure));
}

http::Response fault_response(llm::WireFormat format, const Error& error) {
  const llm::ChatFailure failure = request_failure(error);
  return failure_response(format, failure.status, failure);
}

void add_summary(http::Response& response, const upstream::CallSummary& summary) {
  if (!summary.target.empty()) response.add("X-Redoubt-Model", summary.target);
  if (summary.attempts > 1) response.add("X-Redoubt-Attempts", std::to_string(summary.attempts));
}

void add_cost(http::Response& response, const upstream::CallSummary& summary) {
  response.add("X-Redoubt-Cost-Microusd", std::to_string(limits::microdollars_up(summary.cost)));
}

void add_quotas(http::Response& response, const limits::Quotas& quotas) {
  std::string policy = limits::rate_policy_header(quotas);
  if (policy.empty()) return;
  response.add("RateLimit-Policy", std::move(policy));
  response.add("RateLimit", limits::rate_header(quotas));
}

http::Response refusal_response(llm::WireFormat format, const upstream::CallRefusal& refusal,
                                const upstream::CallSummary& summary) {
  http::Response response = failure_response(format, refusal.status, refusal.failure);
  if (refusal.retry_after_ms >= 0) response.add("Retry-After", seconds_up(refusal.retry_after_ms));
  // OpenAI's and Anthropic's SDKs call again after any 5xx or 429 that does not say so.
  if (!refusal.failure.should_retry) response.add("X-Should-Retry", "false");
  add_summary(response, summary);
  // Of a list the prompts before it, or of a call the attempts that failed late.
  if (summary.cost > 0) add_cost(response, summary);
  return response;
}

}  // namespace redoubt::services
