// Late advice: a model's answer that came after the engine had answered in its place. It goes out
// as a directive, or as a recommendation of an agent, on the sockets that the same caller has open.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "relay/services/game/push.hpp"

namespace redoubt::services {

/// The frame that tells a late answer. `question`: team_strategy, strategy_adaptation or
/// agent_specification; `team`: whom it was asked for; `answer` has its source and model.
PushFrame late_frame(std::string_view question, const std::string& team,
                     const nlohmann::json& answer);

}  // namespace redoubt::services
