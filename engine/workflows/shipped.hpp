// The workflows that come with Redoubt, as YAML texts: team_strategy, agent_creation and
// strategy_adaptation are what the game asks for; development_team, research, review_loop and
// triage show parallel, for_each, loop, branch and handoff.
#pragma once

#include <span>
#include <string_view>

namespace redoubt::workflows {

struct Shipped {
  std::string_view name;
  std::string_view text;
};

/// In the order of their names.
std::span<const Shipped> shipped();

}  // namespace redoubt::workflows
