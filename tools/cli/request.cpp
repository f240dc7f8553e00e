// redoubt strategy, redoubt agent: one request on stdin, its answer on stdout.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/json.hpp"
#include "engine/strategy/requests.hpp"
#include "tools/cli/terminal.hpp"

namespace redoubt::cli {
namespace {

strategy::Answer answer_to(Request kind, const Json& request) {
  switch (kind) {
    case Request::team_strategy:
      return strategy::answer_team_strategy(request);
    case Request::strategy_adaptation:
      return strategy::answer_strategy_adaptation(request);
    case Request::agent_specification:
      return strategy::answer_agent_specification(request);
  }
  return strategy::Faults{};
}

std::string dumped(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

int report_faults(const strategy::Faults& faults, bool json) {
  Json detail = Json::array();
  for (const strategy::RequestFault& fault : faults) {
    std::string where;
    for (const std::string& part : fault.location)
      where += (where.empty() ? "" : ".") + part;
    if (!json) {
      // For a missing member the input is what it is missing from.
      const std::string got = fault.type == "missing" ? "" : " (got " + describe(fault.input) + ")";
      std::fprintf(stderr, "redoubt: request: %s: %s%s\n", where.empty() ? "body" : where.c_str(),
                   fault.message.c_str(), got.c_str());
    }
    detail.push_back({{"type", fault.type},
                      {"loc", fault.location},
                      {"msg", fault.message},
                      {"input", fault.input}});
  }
  if (json) std::fprintf(stderr, "%s\n", dumped({{"detail", detail}}, -1).c_str());
  return exit_no;
}

}  // namespace

int answer(const RequestOptions& options) {
  const Result<std::string> text = read_input("-", request_bytes_max);
  if (!text) return report(text.error(), options.json);
  const Result<Json> request = parse_json(*text);
  if (!request) {
    const Error& error = request.error();
    return report(
        error, options.json,
        "request, line " + std::to_string(error.line) + ", column " + std::to_string(error.column));
  }
  const strategy::Answer given = answer_to(options.kind, *request);
  if (const auto* faults = std::get_if<strategy::Faults>(&given)) {
    return report_faults(*faults, options.json);
  }
  std::printf("%s\n", dumped(std::get<Json>(given), options.json ? -1 : 2).c_str());
  return exit_ok;
}

}  // namespace redoubt::cli
