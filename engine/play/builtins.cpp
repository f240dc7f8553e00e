#include "engine/play/builtins.hpp"

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/play/features.hpp"
#include "engine/strategy/requests.hpp"

namespace redoubt::play {
namespace {

struct Builtin {
  const char* name;
  strategy::Answer (*answer)(const Json& request);
};

constexpr Builtin table[] = {
    {"strategist.agent_specification", strategy::answer_agent_specification},
    {"strategist.features", features},
    {"strategist.strategy_adaptation", strategy::answer_strategy_adaptation},
    {"strategist.team_strategy", strategy::answer_team_strategy},
};

std::string place_of(const strategy::RequestFault& fault) {
  std::string place;
  for (const std::string& part : fault.location) {
    if (!place.empty()) place.push_back('.');
    place += part;
  }
  return place;
}

Error refused(std::string_view name, const strategy::Faults& faults) {
  std::string all;
  for (const strategy::RequestFault& fault : faults) {
    all += all.empty() ? "" : "; ";
    all += joined({place_of(fault), ": ", fault.message});
  }
  const std::string path = faults.empty() ? std::string() : place_of(faults.front());
  return make_error("bad_request", {name, " was given a wrong request: ", all}, {path}, {}, {});
}

}  // namespace

std::vector<std::string> builtins() {
  std::vector<std::string> names;
  for (const Builtin& one : table)
    names.emplace_back(one.name);
  for (const char* name : {"memory.search", "memory.store"})
    names.emplace_back(name);
  return names;
}

Result<std::string> call(std::string_view name, std::string_view input) {
  for (const Builtin& one : table) {
    if (name != one.name) continue;
    const Result<Json> request = parse_json(input);
    if (!request) return request.error();
    const strategy::Answer answer = one.answer(*request);
    if (const auto* faults = std::get_if<strategy::Faults>(&answer)) return refused(name, *faults);
    return canonical(*std::get_if<Json>(&answer));
  }
  return make_error("unknown_builtin", {"there is no built-in ", name}, {}, {"a built-in's name"},
                    {name});
}

}  // namespace redoubt::play
