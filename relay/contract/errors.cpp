#include "relay/contract/errors.hpp"

#include <algorithm>
#include <array>

#include "engine/base/json.hpp"
#include "engine/base/plain_text.hpp"
#include "engine/llm/encode_answer.hpp"
#include "engine/llm/failure.hpp"
#include "relay/contract/gate.hpp"
#include "relay/contract/store_fault.hpp"

namespace redoubt::contract {
namespace {

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json echoed(const Json& input) {
  if (input.is_primitive() && !input.is_string()) return input;
  return dump(input).size() <= echoed_input_bytes_max ? input : Json(describe(input));
}

bool is_index(std::string_view step) {
  constexpr std::size_t digits_max = 9;
  return !step.empty() && step.size() <= digits_max &&
         std::all_of(step.begin(), step.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Json location(const Json& request, const std::vector<std::string>& steps) {
  Json loc = Json::array({"body"});
  const Json* at = &request;
  for (const std::string& step : steps) {
    if (at != nullptr && at->is_array() && is_index(step)) {
      const auto index = static_cast<std::size_t>(std::stoul(step));
      loc.push_back(index);
      at = index < at->size() ? &(*at)[index] : nullptr;
      continue;
    }
    loc.push_back(bounded_text(step, echoed_input_bytes_max));
    const bool inside = at != nullptr && at->is_object() && at->contains(step);
    at = inside ? &(*at)[step] : nullptr;
  }
  return loc;
}

llm::FailureClass class_of(int status) {
  constexpr std::array<std::pair<int, llm::FailureClass>, 6> known{
      {{401, llm::FailureClass::unauthorized},
       {403, llm::FailureClass::unauthorized},
       {404, llm::FailureClass::not_found},
       {413, llm::FailureClass::too_large},
       {429, llm::FailureClass::rate_limited},
       {503, llm::FailureClass::overloaded}}};
  for (const auto& [number, its] : known)
    if (number == status) return its;
  return status >= 500 ? llm::FailureClass::server_error : llm::FailureClass::bad_request;
}

http::Response model_error(llm::WireFormat format, std::string_view request_id,
                           const Fault& fault) {
  llm::ChatFailure failure = llm::local_failure(class_of(fault.status), fault.message);
  failure.status = fault.status;
  failure.code = fault.code;
  failure.request_id = request_id;
  return http::Response::json(fault.status, llm::encode_failure(format, failure));
}

Json problem_of(std::string_view request_id, const Fault& fault) {
  return {{"type", "about:blank"},  {"title", http::reason_phrase(fault.status)},
          {"status", fault.status}, {"detail", fault.message},
          {"code", fault.code},     {"instance", "urn:request:" + std::string(request_id)}};
}

http::Response problem_response(const Json& problem) {
  http::Response response = http::Response::json(problem["status"].get<int>(), dump(problem));
  response.set("Content-Type", "application/problem+json");
  return response;
}

/// The steps of a JSON pointer.
std::vector<std::string> steps_of(const std::string& pointer) {
  std::vector<std::string> steps;
  for (Json::json_pointer at(pointer); !at.empty(); at.pop_back())
    steps.insert(steps.begin(), at.back());
  return steps;
}

http::Response detail_response(int status, Json detail) {
  return http::Response::json(status, dump(Json{{"detail", std::move(detail)}}));
}

bool is_json(std::string_view media_type) {
  media_type = media_type.substr(0, media_type.find(';'));
  while (!media_type.empty() && media_type.back() == ' ')
    media_type.remove_suffix(1);
  constexpr std::string_view suffix = "+json";
  const bool suffixed =
      media_type.size() > suffix.size() &&
      http::equal_ignoring_case(media_type.substr(media_type.size() - suffix.size()), suffix);
  return http::equal_ignoring_case(media_type, "application/json") || suffixed;
}

}  // namespace

http::Response error_response(const http::Request& request, const Fault& fault) {
  return error_response(dialect_of(request), request_id_of(request), fault);
}

http::Response error_response(Dialect dialect, std::string_view request_id, const Fault& given) {
  Fault fault = given;
  fault.message = bounded_text(given.message);
  using Kind = Dialect::Kind;
  switch (dialect.kind()) {
    case Kind::fastapi:
      return detail_response(fault.status, fault.message);
    case Kind::openai:
    case Kind::of_sdk:  // where nobody looked at the headers
      return model_error(llm::WireFormat::openai_chat, request_id, fault);
    case Kind::anthropic:
      return model_error(llm::WireFormat::anthropic, request_id, fault);
    case Kind::gemini:
      return model_error(llm::WireFormat::gemini, request_id, fault);
    case Kind::problem:
      break;
  }
  return problem_response(problem_of(request_id, fault));
}

Error caller_error(observe::Log& log, std::string_view request_id, const Error& error) {
  if (contract::is_store_fault(error)) {
    observe::Line line(observe::Level::error, "store_fault", observe::wall_now_ms());
    line.text("request_id", request_id).text("code", error.code).text("message", error.message);
    log.write(line);
  }
  return contract::for_caller(error);
}

std::optional<http::Response> check_media_type(const http::Request& request) {
  const auto media_type = request.header("content-type");
  // Without the header FastAPI reads the body as JSON, and so do we.
  if (!media_type || media_type->empty() || is_json(*media_type)) return std::nullopt;
  return error_response(request, {.status = 415,
                                  .code = "unsupported_media_type",
                                  .message = "expected Content-Type: application/json"});
}

http::Response faults_response(const Json& request, const strategy::Faults& faults) {
  Json detail = Json::array();
  for (const strategy::RequestFault& fault : faults) {
    detail.push_back({{"type", fault.type},
                      {"loc", location(request, fault.location)},
                      {"msg", bounded_text(fault.message)},
                      {"input", echoed(fault.input)}});
  }
  return detail_response(422, std::move(detail));
}

http::Response misfit_response(const http::Request& request, const Json& body,
                               const std::vector<schema::Fault>& faults) {
  const Dialect dialect = dialect_of(request);
  if (dialect == Dialect::fastapi()) {
    strategy::Faults field_faults;
    for (const schema::Fault& fault : faults) {
      const std::string keyword = fault.schema_path.substr(fault.schema_path.rfind('/') + 1);
      field_faults.push_back({.type = keyword == "required" ? "missing" : keyword,
                              .location = steps_of(fault.instance_path),
                              .message = fault.message,
                              .input = body.at(Json::json_pointer(fault.instance_path))});
    }
    return faults_response(body, field_faults);
  }
  const schema::Fault& first = faults.front();
  const std::string place = first.instance_path.empty() ? "" : first.instance_path + ": ";
  const Fault fault{
      .status = 400, .code = "bad_request", .message = bounded_text(place + first.message)};
  if (dialect != Dialect::problem()) return error_response(request, fault);
  Json problem = problem_of(request_id_of(request), fault);
  for (const schema::Fault& each : faults)
    problem["errors"].push_back({{"pointer", bounded_text("#" + each.instance_path)},
                                 {"detail", bounded_text(each.message)}});
  return problem_response(problem);
}

http::Response json_invalid_response(const Error& error) {
  Json fault{{"type", "json_invalid"},
             {"loc", Json::array({"body", error.column})},
             {"msg", "JSON decode error"},
             {"input", Json::object()},
             {"ctx", {{"error", bounded_text(error.message)}}}};
  if (error.line > 1) fault["loc"] = Json::array({"body", error.line, error.column});
  return detail_response(422, Json::array({std::move(fault)}));
}

http::Response body_missing_response() {
  return detail_response(422, Json::array({{{"type", "missing"},
                                            {"loc", Json::array({"body"})},
                                            {"msg", "Field required"},
                                            {"input", nullptr}}}));
}

}  // namespace redoubt::contract
