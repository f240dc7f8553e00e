#include "relay/services/game/late_advice.hpp"

#include <utility>

#include "engine/base/json.hpp"

namespace redoubt::services {

PushFrame late_frame(std::string_view question, const std::string& team, const Json& answer) {
  const bool agent = question == "agent_specification";
  Json data;
  if (agent) {
    data = {{"team", team},
            {"cause", late_cause},
            {"source", answer.value("source", "model")},
            {"specification", answer}};
  } else {
    data = directive_data(team, answer, late_cause);
  }
  const Json frame{{"type", agent ? "agent_recommendation" : "directive"},
                   {"team", team},
                   {"data", std::move(data)}};
  return {agent ? PushKind::recommendation : PushKind::directive,
          frame.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace redoubt::services
