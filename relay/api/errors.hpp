// Errors: the body of a refused request, in the shape that the route's clients know.
//
// The dialect follows the path (CONTRACTS of the clients): FastAPI's {"detail": ...} for
// AgentArena's endpoints, OpenAI's, Anthropic's and Google's {"error": ...} for what their SDKs
// call, RFC 9457 problem details for everything else.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.hpp"
#include "engine/strategy/requests.hpp"
#include "relay/http/message.hpp"
#include "relay/observe/log.hpp"

namespace redoubt::api {

/// Of a stream: nginx passes its pieces on as they come.
constexpr const char* unbuffered_header = "X-Accel-Buffering";

enum class Dialect : std::uint8_t { fastapi, openai, anthropic, gemini, problem };
Dialect dialect_of(std::string_view path);
/// The same; at /v1/models, which SDKs of all formats ask, the headers say which it is.
Dialect dialect_of(const http::Request& request);

/// What went wrong, before it has a shape.
struct Fault {
  int status = 500;
  std::string_view code;  ///< stable: not_found, rate_limited, host_refused, ...
  std::string message;    ///< one sentence for people
};

/// Any refusal: {"detail": message}, {"error": {"message", "type", "code", ...}}, or {"type",
/// "title", "status", "detail", "code", "instance"}.
http::Response error_response(const http::Request& request, std::string_view request_id,
                              const Fault& fault);

/// What the caller hears of an error that may come from below. A fault of the store is told in our
/// words, and as it is to the log under the request's id.
Error caller_error(observe::Log& log, std::string_view request_id, const Error& error);

/// 422 with FastAPI's list for a body of wrong shape. `request` is the body: it decides which steps
/// of a location are list indices.
http::Response faults_response(const nlohmann::json& request, const strategy::Faults& faults);
/// 422 for a body that is no JSON (type json_invalid), or too deep.
http::Response json_invalid_response(const Error& error);
/// 422 for an empty body.
http::Response body_missing_response();

/// An echoed input longer than this is described instead.
constexpr std::size_t echoed_input_bytes_max = 512;

}  // namespace redoubt::api
