#include "relay/services/game/late_advice.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"

using namespace redoubt;
using namespace redoubt::services;

TEST_SUITE("game/late_advice") {
  TEST_CASE("a strategy becomes a directive, a specification a recommendation") {
    const Json plan{{"focus", "combat"}, {"priorities", {"defend_base"}}, {"source", "model"}};
    const PushFrame directive = late_frame("strategy_adaptation", "red", plan);
    CHECK(directive.kind == PushKind::directive);
    const Json told = Json::parse(directive.text);
    CHECK(told["type"] == "directive");
    CHECK(told["team"] == "red");
    CHECK(told["data"]["cause"] == "late_answer");
    CHECK(told["data"]["source"] == "model");
    CHECK(told["data"]["strategy"] == plan);
    CHECK(told["data"]["focus"] == "combat");
    const PushFrame agent = late_frame("agent_specification", "blue", {{"role", "attacker"}});
    CHECK(agent.kind == PushKind::recommendation);
    CHECK(Json::parse(agent.text)["data"]["specification"]["role"] == "attacker");
  }
}
