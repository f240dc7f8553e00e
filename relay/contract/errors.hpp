// Errors: the body of a refused request, in the shape that the route's clients know.
//
// Which shape that is, the route says (contract/dialect.hpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/schema/schema.hpp"
#include "engine/strategy/requests.hpp"
#include "relay/contract/dialect.hpp"
#include "relay/http/message.hpp"
#include "relay/observe/log.hpp"

namespace redoubt::contract {

/// Of a stream: nginx passes its pieces on as they come.
constexpr const char* unbuffered_header = "X-Accel-Buffering";

/// What went wrong, before it has a shape.
struct Fault {
  int status = 500;
  std::string_view code;  ///< stable: not_found, rate_limited, host_refused, ...
  std::string message;    ///< one sentence for people
};

/// Any refusal: {"detail": message}, {"error": {"message", "type", "code", ...}}, or {"type",
/// "title", "status", "detail", "code", "instance"}.
http::Response error_response(Dialect dialect, std::string_view request_id, const Fault& fault);
/// The same in the dialect of the request's route, under the request's id.
http::Response error_response(const http::Request& request, const Fault& fault);

/// What the caller hears of an error that may come from below. A fault of the store is told in our
/// words, and as it is to the log under the request's id.
Error caller_error(observe::Log& log, std::string_view request_id, const Error& error);

/// 415 for a body of another media type than JSON; nothing where the type is not said.
std::optional<http::Response> check_media_type(const http::Request& request);
/// 422 with FastAPI's list for a body of wrong shape. `request` is the body: it decides which steps
/// of a location are list indices.
http::Response faults_response(const nlohmann::json& request, const strategy::Faults& faults);
/// A body that does not fit its declared schema, in the dialect of the request's route: 422 with
/// FastAPI's list, 400 problem details whose `errors` have JSON pointers, else 400 with the first.
/// REQUIRES: a fault
http::Response misfit_response(const http::Request& request, const nlohmann::json& body,
                               const std::vector<schema::Fault>& faults);
/// 422 for a body that is no JSON (type json_invalid), or too deep.
http::Response json_invalid_response(const Error& error);
/// 422 for an empty body.
http::Response body_missing_response();

/// An echoed input longer than this is described instead.
constexpr std::size_t echoed_input_bytes_max = 512;

}  // namespace redoubt::contract
