#include "engine/play/builtins.hpp"

#include <doctest/doctest.h>

#include "engine/agents/memory_call.hpp"
#include "engine/base/json.hpp"

using namespace redoubt;

namespace {

Json called(std::string_view name, std::string_view input) {
  const auto answer = play::call(name, input);
  REQUIRE_MESSAGE(answer, answer.error().message);
  const auto json = parse_json(*answer);
  REQUIRE(json);
  return *json;
}

constexpr const char* agent_request = R"({"team_id":"blue",
  "strategy":{"strategy":"aggressive","focus":"combat"},
  "resources":{"energy":40,"materials":40,"data":10},
  "current_agents":[{"type":"collector","count":4},{"type":"explorer","count":2}]})";

constexpr const char* match_request = R"({"team_id":"red",
  "territory_control":{"red":20,"blue":45},
  "resources":{"red":{"energy":40,"materials":40,"data":40},
               "blue":{"energy":10,"materials":0,"data":2.8}},
  "agents":{"red":[{"id":0,"type":"collector","health":100,"x":1,"y":2}],"blue":[]},
  "resource_distribution":{"energy":6,"materials":5,"data":4,"total":15}})";

}  // namespace

TEST_SUITE("play/builtins") {
  TEST_CASE("every name that is given can be called, but for those that a host's memory answers") {
    CHECK(play::builtins().size() == 6);
    for (const std::string& name : play::builtins()) {
      if (agents::is_memory_call(name)) {
        CHECK(play::call(name, "{}").error().code == "unknown_builtin");
        continue;
      }
      const auto answer = play::call(name, "{}");
      REQUIRE(!answer);
      CHECK(answer.error().code == "bad_request");
    }
    CHECK(play::call("strategist.none", "{}").error().code == "unknown_builtin");
    CHECK(play::call("strategist.features", "{").error().code == "bad_json");
    CHECK(play::call("strategist.features", "[]").error().code == "bad_request");
  }

  TEST_CASE("a wrong request names the first fault's place and tells all") {
    const auto answer = play::call("strategist.agent_specification",
                                   R"({"team_id":"pink","strategy":{},"resources":{}})");
    REQUIRE(!answer);
    CHECK(answer.error().path == "team_id");
    CHECK(answer.error().message.find("resources.energy") != std::string::npos);
  }

  TEST_CASE("costs are the rules' formula for the team as it stands") {
    const Json known = called("strategist.features", agent_request);
    CHECK(known["team"] == "blue");
    // A collector's defaults sum to 2.4; six living: 10 x (0.5 + 0.3 x 2.4) x (1 + 0.05 x 2)
    // = 13.42
    CHECK(known["costs"]["collector"]["materials"] == 13);
    CHECK(known["costs"]["collector"]["affordable"] == false);
    CHECK(known["threats"]["base_threat"].is_null());
    CHECK(known["enemy_agents"].is_null());
    CHECK(known["agents"]["collector"] == 4);
  }

  TEST_CASE("the greatest of the told alternatives is the strategist's own choice") {
    const auto greatest = [](const Json& values) {
      auto best = values.begin();
      for (auto value = values.begin(); value != values.end(); ++value)
        if (value->get<double>() > best->get<double>()) best = value;
      return best.key();
    };
    const Json match = called("strategist.features", match_request)["alternatives"];
    const Json plan = called("strategist.team_strategy", match_request);
    CHECK(match["strategy"].size() == 4);
    CHECK(greatest(match["strategy"]) == plan["strategy"]);
    CHECK(greatest(match["focus"]) == plan["focus"]);
    const Json agent = called("strategist.features", agent_request)["alternatives"];
    CHECK(greatest(agent["role"]) ==
          called("strategist.agent_specification", agent_request)["role"]);
  }
}
