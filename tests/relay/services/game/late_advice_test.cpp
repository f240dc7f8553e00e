#include "relay/services/game/late_advice.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"

using namespace redoubt;
using namespace redoubt::services;

TEST_SUITE("api/late_advice") {
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

  TEST_CASE("sockets are known by who has opened them, until they are gone") {
    Listeners listeners;
    const auth::Identity ada{"default", "ada"};
    const auth::Identity bob{"default", "bob"};
    const auto one = listeners.add(ada, {});
    const auto two = listeners.add(ada, {});
    listeners.add(bob, {});
    CHECK(listeners.send(ada, "x") == 2);
    listeners.forget(one);
    listeners.forget(one);
    CHECK(listeners.send(ada, "x") == 1);
    listeners.forget(two);
    CHECK(listeners.send(ada, "x") == 0);
    CHECK(listeners.send(bob, "x") == 1);
    CHECK(listeners.send({"default", "carl"}, "x") == 0);
  }

  TEST_CASE("a namesake of another tenant hears nothing") {
    Listeners listeners;
    listeners.add({"valley", "1"}, {});
    listeners.add({"hills", "1"}, {});
    CHECK(listeners.send({"valley", "1"}, "x") == 1);
    CHECK(listeners.send({"default", "1"}, "x") == 0);
    CHECK(listeners.send({"valle", "y1"}, "x") == 0);
  }
}
