// Any JSON is a request that is answered in the shape that the clients' schema demands, or a list
// of faults that is not empty.
#include <cstdlib>

#include "engine/base/json.hpp"
#include "engine/strategy/requests.hpp"

namespace {
void expect(bool holds) {
  if (!holds) std::abort();
}

void check_strategy(const nlohmann::json& answer) {
  expect(answer.at("strategy").is_string() && answer.at("focus").is_string());
  const auto count = answer.at("priorities").size();
  expect(count >= 1 && count <= 7);
  const auto length = answer.at("description").get_ref<const std::string&>().size();
  expect(length >= 5 && length <= 800);
}

void check_agent(const nlohmann::json& answer) {
  const auto& a = answer.at("attributes");
  double sum = 0;
  for (const char* key : {"speed", "health", "attack", "defense", "carryCapacity"}) {
    const double value = a.at(key).get<double>();
    expect(value >= 0.1 && value <= 1.0);
    sum += value;
  }
  expect(sum <= 3.0);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redoubt;
  if (size == 0) return 0;
  const auto json = parse_json({reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!json) return 0;
  const int which = data[0] % 3;
  const strategy::Answer answer = which == 0   ? strategy::answer_team_strategy(*json)
                                  : which == 1 ? strategy::answer_agent_specification(*json)
                                               : strategy::answer_strategy_adaptation(*json);
  if (const auto* faults = std::get_if<strategy::Faults>(&answer)) {
    expect(!faults->empty());
  } else if (which == 1) {
    check_agent(std::get<nlohmann::json>(answer));
  } else {
    check_strategy(std::get<nlohmann::json>(answer));
  }
  return 0;
}
