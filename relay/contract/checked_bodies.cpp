#include "relay/contract/checked_bodies.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/json.hpp"
#include "relay/contract/body_work.hpp"
#include "relay/contract/errors.hpp"
#include "relay/contract/gate.hpp"

namespace redoubt::contract {
namespace {

constexpr std::size_t faults_reported_max = 8;

Fault as_fault(const Error& error) {
  const int status = error.code == "overloaded" ? 503 : error.code == "body_too_large" ? 413 : 400;
  return {.status = status, .code = error.code, .message = error.message};
}

/// A body as it was read: a value, and what it has that its schema does not take.
struct ReadBody {
  JsonBody json;
  std::vector<schema::Fault> faults;
};

class CheckedRoute {
 public:
  CheckedRoute(net::ComputePool& pool, int depth_max, const Route& route, BodyTerms terms,
               JsonHandler handler)
      : pool_(pool),
        depth_max_(depth_max),
        bytes_max_(route.json_bytes_max),
        terms_(std::move(terms)),
        handler_(std::move(handler)) {}

  net::Task<http::Response> answer(http::Request& request) const {
    JsonBody json;
    const bool without = request.body.empty() && !terms_.required;
    if (without || is_other(request)) co_return co_await handler_(request, std::move(json));
    auto read = [this, body = request.body] { return read_json(body); };
    auto done = co_await read_body(pool_, caller_key(request), request.body, std::move(read));
    if (!done) co_return refuse(request, overloaded());
    if (!*done) co_return refuse(request, done->error());
    if (!(*done)->faults.empty())
      co_return misfit_response(request, *(*done)->json, (*done)->faults);
    json = std::move((*done)->json);
    done.reset();
    co_return co_await handler_(request, std::move(json));
  }

 private:
  bool is_other(const http::Request& request) const {
    const std::string_view type = request.header_or("content-type", "");
    return std::any_of(terms_.other_types.begin(), terms_.other_types.end(),
                       [type](const std::string& other) { return type.starts_with(other); });
  }

  Result<ReadBody> read_json(std::string_view body) const {
    if (bytes_max_ > 0 && body.size() > bytes_max_) {
      return Error{
          .code = "body_too_large",
          .message = "the body is over the limit of " + std::to_string(bytes_max_) + " bytes"};
    }
    if (body.empty()) return Error{.code = "bad_request", .message = "expected a body of JSON"};
    auto json = parse_json(body, {.bytes_max = body.size(), .depth_max = depth_max_});
    if (!json)
      return Error{.code = "bad_request",
                   .message = "the body is not JSON: " + json.error().message};
    auto faults = terms_.schema.validate(*json, faults_reported_max);
    return ReadBody{std::make_shared<const Json>(std::move(*json)), std::move(faults)};
  }

  static http::Response refuse(const http::Request& request, const Error& error) {
    http::Response response = error_response(request, as_fault(error));
    if (response.status == 503) response.add("Retry-After", "1");
    return response;
  }

  net::ComputePool& pool_;
  int depth_max_;
  std::size_t bytes_max_;
  BodyTerms terms_;
  JsonHandler handler_;
};

}  // namespace

CheckedBodies::CheckedBodies(net::ComputePool& pool, int depth_max, const std::string& document)
    : pool_(pool),
      depth_max_(depth_max),
      document_(std::make_shared<const Json>(Json::parse(document))) {}

http::AsyncHandler CheckedBodies::operator()(const Route& route, JsonHandler handler) const {
  const auto checked = std::make_shared<const CheckedRoute>(
      pool_, depth_max_, route, body_terms(*document_, route), std::move(handler));
  return [checked](http::Request& request) { return checked->answer(request); };
}

}  // namespace redoubt::contract
