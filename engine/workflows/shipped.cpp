#include "engine/workflows/shipped.hpp"

#include <array>

namespace redoubt::data {
extern const std::string_view workflow_agent_creation;
extern const std::string_view workflow_development_team;
extern const std::string_view workflow_research;
extern const std::string_view workflow_review_loop;
extern const std::string_view workflow_strategy_adaptation;
extern const std::string_view workflow_team_strategy;
extern const std::string_view workflow_triage;
}  // namespace redoubt::data

namespace redoubt::workflows {

std::span<const Shipped> shipped() {
  static const std::array<Shipped, 7> all{{
      {"agent_creation", data::workflow_agent_creation},
      {"development_team", data::workflow_development_team},
      {"research", data::workflow_research},
      {"review_loop", data::workflow_review_loop},
      {"strategy_adaptation", data::workflow_strategy_adaptation},
      {"team_strategy", data::workflow_team_strategy},
      {"triage", data::workflow_triage},
  }};
  return all;
}

}  // namespace redoubt::workflows
