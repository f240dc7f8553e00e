// What the doors of /v1 share: a request as an order of its caller's, and what an answer or a
// refusal of the gateway is in HTTP, in the shape of the format that was spoken.
#pragma once

#include <string_view>

#include "engine/base/result.hpp"
#include "engine/llm/chat.hpp"
#include "relay/http/message.hpp"
#include "relay/upstream/gateway.hpp"

namespace redoubt::contract {
struct Caller;
}  // namespace redoubt::contract

namespace redoubt::services {

constexpr const char* cache_header = "X-Redoubt-Cache";

/// The request as its caller's (null: nobody's), for limits, budgets and logs.
upstream::Order order_of(const contract::Caller* caller, std::string_view request_id,
                         llm::ChatRequest chat);
upstream::Order order_of(const http::Request& request, llm::ChatRequest chat);

/// What is wrong with a request itself, before anything was counted; `failure.status` is the
/// answer's. `error` is the codec's or Gateway::start's.
llm::ChatFailure request_failure(const Error& error);

http::Response failure_response(llm::WireFormat format, int status,
                                const llm::ChatFailure& failure);
/// REQUIRES: as request_failure().
http::Response fault_response(llm::WireFormat format, const Error& error);
http::Response refusal_response(llm::WireFormat format, const upstream::CallRefusal& refusal,
                                const upstream::CallSummary& summary);

/// Which target answered, after how many attempts.
void add_summary(http::Response& response, const upstream::CallSummary& summary);
void add_cost(http::Response& response, const upstream::CallSummary& summary);
/// The gate adds the address's to them.
void add_quotas(http::Response& response, const limits::Quotas& quotas);

}  // namespace redoubt::services
