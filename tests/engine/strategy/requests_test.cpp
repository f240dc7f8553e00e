#include "engine/strategy/requests.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>

#include "engine/base/json.hpp"
#include "engine/base/rng.hpp"
#include "engine/strategy/team_strategy.hpp"

using namespace redoubt;
using namespace redoubt::strategy;

namespace {

Json agent(int id, const char* type, double health, double x, double y) {
  return {{"id", id}, {"type", type}, {"health", health}, {"x", x}, {"y", y}, {"speed", 12}};
}

Json team_request(double red_share, double blue_share) {
  return {
      {"team_id", "red"},
      {"territory_control", {{"red", red_share}, {"blue", blue_share}}},
      {"resources",
       {{"red", {{"energy", 30}, {"materials", 25.5}, {"data", 12}}},
        {"blue", {{"energy", 30}, {"materials", 25}, {"data", 12}}}}},
      {"agents",
       {{"red", {agent(0, "collector", 100, 10, 10), agent(1, "attacker", 100, 60, 20)}},
        {"blue", {agent(2, "collector", 100, 900, 700), agent(3, "attacker", 100, 800, 650)}}}},
      {"resource_distribution", {{"energy", 20}, {"materials", 14}, {"data", 9}, {"total", 43}}}};
}

Json agent_request() {
  return {{"team_id", "blue"},
          {"strategy", {{"strategy", "aggressive"}, {"focus", "combat"}}},
          {"resources", {{"energy", 80}, {"materials", 70}, {"data", 60}}},
          {"current_agents",
           {{{"type", "collector"}, {"count", 3}},
            {{"type", "explorer"}, {"count", 2}},
            {{"type", "unknown"}, {"count", 1}}}}};
}

Json adaptation_request(const Json& mix, const char* action) {
  Json request = team_request(40, 41);
  request["agents"]["red"].push_back(agent(4, "collector", 100, 12, 30));
  request["current_strategy"] = {{"strategy", "balanced"},
                                 {"focus", "resources"},
                                 {"priorities", {"collect_energy"}},
                                 {"description", "Grow on all sides."}};
  request["opponent_history"] = Json::array();
  for (int i = 0; i < 5; ++i) {
    request["opponent_history"].push_back(
        {{"tick", 100 * i}, {"territory", 30 + i}, {"agents", mix}, {"actions", {action}}});
  }
  return request;
}

const Json& answer_in(const Answer& answer) {
  REQUIRE(std::holds_alternative<Json>(answer));
  return std::get<Json>(answer);
}

const Faults& faults_in(const Answer& answer) {
  REQUIRE(std::holds_alternative<Faults>(answer));
  return std::get<Faults>(answer);
}

void check_description(const Json& value) {
  REQUIRE(value.is_string());
  const int units = utf16_units(value.get<std::string>());
  CHECK(units >= description_units_min);
  CHECK(units <= description_units_max);
}

void check_reasons(const Json& answer) {
  REQUIRE(answer.at("reasons").is_array());
  CHECK(!answer.at("reasons").empty());
  for (const Json& reason : answer.at("reasons")) {
    CHECK(reason.at("feature").is_string());
    CHECK(!reason.at("text").get<std::string>().empty());
    CHECK(reason.at("value").is_number());
    CHECK(reason.at("unit").is_string());
    CHECK(std::abs(reason.at("weight").get<double>()) <= 1);
  }
  CHECK(answer.at("source") == "engine");
  CHECK(answer.at("confidence").get<double>() >= 0);
  CHECK(answer.at("confidence").get<double>() <= 1);
}

void check_team_strategy(const Json& answer) {
  CHECK(answer.at("reasons").size() >= 3);
  CHECK(index_of(stance_names, answer.at("strategy").get<std::string>()));
  CHECK(index_of(focus_names, answer.at("focus").get<std::string>()));
  std::set<std::string> seen;
  for (const Json& priority : answer.at("priorities")) {
    CHECK(index_of(priority_names, priority.get<std::string>()));
    CHECK(seen.insert(priority.get<std::string>()).second);
  }
  CHECK(seen.size() >= 1);
  CHECK(seen.size() <= 7);
  check_description(answer.at("description"));
  check_reasons(answer);
}

void check_specification(const Json& answer) {
  CHECK(index_of(role_names, answer.at("role").get<std::string>()));
  CHECK(index_of(resource_names, answer.at("priority").get<std::string>()));
  double sum = 0;
  for (const char* name : {"speed", "health", "attack", "defense", "carryCapacity"}) {
    const double value = answer.at("attributes").at(name).get<double>();
    CHECK(value >= 0.1);
    CHECK(value <= 1.0);
    CHECK(std::floor(value * 100 + 0.5) / 100 == value);
    sum += value;
  }
  CHECK(sum <= 3.0);
  CHECK(answer.at("attributes").size() == 5);
  check_description(answer.at("description"));
  check_reasons(answer);
}

std::string path_of(const RequestFault& fault) {
  std::string path;
  for (const std::string& part : fault.location)
    path += "/" + part;
  return path;
}

}  // namespace

TEST_CASE("team strategy answers in the clients' shape") {
  check_team_strategy(answer_in(answer_team_strategy(team_request(40, 41))));
}

TEST_CASE("a level game has reasons too, and the description tells them") {
  Json request = team_request(9, 9);
  request["agents"] = {{"red",
                        {agent(0, "collector", 100, 10, 10), agent(1, "collector", 100, 9, 9),
                         agent(2, "explorer", 100, 12, 10)}},
                       {"blue", Json::array()}};
  request["resources"].erase("blue");
  const Json answer = answer_in(answer_team_strategy(request));
  check_team_strategy(answer);
  REQUIRE(answer.at("reasons").size() >= 3);
  bool in_favour = false;
  bool opposed = false;
  for (std::size_t i = 0; i < 3; ++i) {
    const double weight = answer.at("reasons")[i].at("weight").get<double>();
    CHECK(weight != 0);
    in_favour = in_favour || weight > 0;
    opposed = opposed || weight < 0;
  }
  CHECK(in_favour);
  CHECK(opposed);
  CHECK(answer.at("confidence") != 0.5);
  CHECK(answer.at("description").get<std::string>().find("82 % of the ground is free") !=
        std::string::npos);
}

TEST_CASE("falling behind makes the team attack, leading makes it hold") {
  const Json behind = answer_in(answer_team_strategy(team_request(20, 60)));
  CHECK(behind.at("strategy") == "aggressive");
  CHECK(behind.at("reasons").at(0).at("feature") == "territory_gap");
  CHECK(behind.at("reasons").at(0).at("value") == -40);
  CHECK(behind.at("reasons").at(0).at("weight").get<double>() > 0);
  const Json ahead = answer_in(answer_team_strategy(team_request(50, 25)));
  CHECK(ahead.at("strategy") == "defensive");
}

TEST_CASE("enemy fighters at home turn the choice to defence") {
  Json request = team_request(40, 40);
  const Json calm = answer_in(answer_team_strategy(request));
  CHECK(calm.at("strategy") != "defensive");
  for (int i = 0; i < 4; ++i) {
    request["agents"]["blue"].push_back(agent(10 + i, "attacker", 100, 30 + i, 30));
  }
  const Json alarmed = answer_in(answer_team_strategy(request));
  CHECK(alarmed.at("strategy") == "defensive");
  CHECK(alarmed.at("reasons").at(0).at("feature") == "base_threat");
}

TEST_CASE("a team without collectors builds its economy") {
  Json request = team_request(40, 40);
  request["agents"]["red"] = {agent(0, "explorer", 100, 10, 10), agent(1, "explorer", 90, 20, 10)};
  request["agents"]["blue"] = Json::array({agent(2, "collector", 100, 900, 700)});
  const Json answer = answer_in(answer_team_strategy(request));
  CHECK(answer.at("strategy") == "economic");
  CHECK(answer.at("focus") == "resources");
}

TEST_CASE("team ids: names, numbers and teamN mean the same") {
  const Json reference = answer_in(answer_team_strategy(team_request(20, 60)));
  for (const Json& id : {Json("team1"), Json("1"), Json(1)}) {
    Json request = team_request(20, 60);
    request["team_id"] = id;
    CHECK(answer_in(answer_team_strategy(request)) == reference);
  }
  for (const Json& id : {Json("purple"), Json(0), Json(5), Json("team5"), Json("")}) {
    Json request = team_request(20, 60);
    request["team_id"] = id;
    const Answer answer = answer_team_strategy(request);
    REQUIRE(faults_in(answer).size() == 1);
    CHECK(faults_in(answer)[0].type == "enum");
    CHECK(path_of(faults_in(answer)[0]) == "/team_id");
    CHECK(faults_in(answer)[0].input == id);
  }
}

TEST_CASE("every missing member is named at once") {
  const Answer answer = answer_team_strategy(Json::object());
  REQUIRE(faults_in(answer).size() == 5);
  for (const RequestFault& fault : faults_in(answer)) {
    CHECK(fault.type == "missing");
    CHECK(fault.message == "Field required");
    CHECK(fault.input == Json::object());
  }
}

TEST_CASE("faults have the type, place and input of what is wrong") {
  struct Case {
    const char* pointer;
    Json value;
    const char* type;
    const char* path;
  };
  const double inf = std::numeric_limits<double>::infinity();
  for (const Case& c : std::initializer_list<Case>{
           {"/team_id", true, "string_type", "/team_id"},
           {"/territory_control", 3, "dict_type", "/territory_control"},
           {"/territory_control/red", "many", "float_type", "/territory_control/red"},
           {"/territory_control/red", -1, "greater_than_equal", "/territory_control/red"},
           {"/territory_control/red", inf, "finite_number", "/territory_control/red"},
           {"/resources/red/energy", nullptr, "float_type", "/resources/red/energy"},
           {"/resources/blue", Json::object(), "missing", "/resources/blue/energy"},
           {"/agents/red", Json::object(), "list_type", "/agents/red"},
           {"/agents/red/0/id", 1.5, "int_type", "/agents/red/0/id"},
           {"/agents/red/0/type", 7, "string_type", "/agents/red/0/type"},
           {"/agents/red/1", 7, "model_attributes_type", "/agents/red/1"},
           {"/resource_distribution/total", false, "float_type", "/resource_distribution/total"},
       }) {
    CAPTURE(std::string(c.pointer));
    Json request = team_request(40, 41);
    request[Json::json_pointer(c.pointer)] = c.value;
    const Answer answer = answer_team_strategy(request);
    CHECK(faults_in(answer)[0].type == c.type);
    CHECK(path_of(faults_in(answer)[0]) == c.path);
  }
  CHECK(faults_in(answer_team_strategy(Json::array()))[0].type == "model_attributes_type");
}

TEST_CASE("lists and fault counts are bounded") {
  Json request = team_request(40, 41);
  for (int i = 0; i < 1100; ++i)
    request["agents"]["red"].push_back(agent(i, "x", 1, 1, 1));
  const Answer answer = answer_team_strategy(request);
  CHECK(faults_in(answer)[0].type == "too_long");
  Json many = team_request(40, 41);
  for (int i = 0; i < 100; ++i)
    many["agents"]["red"].push_back(Json::object());
  const Answer bounded = answer_team_strategy(many);
  CHECK(faults_in(bounded).size() == 32);
}

TEST_CASE("an empty agent list means unknown, and huge numbers stay finite") {
  Json request = team_request(40, 41);
  request["agents"] = {{"red", Json::array()}, {"blue", Json::array()}};
  const Json unknown = answer_in(answer_team_strategy(request));
  check_team_strategy(unknown);
  const Json known = answer_in(answer_team_strategy(team_request(40, 41)));
  CHECK(unknown.at("confidence").get<double>() < known.at("confidence").get<double>());
  for (const Json& reason : unknown.at("reasons"))
    CHECK(reason.at("feature") != "workforce_gap");
  request["resources"]["red"]["energy"] = 1.7e308;
  request["resource_distribution"]["total"] = 1.7e308;
  request["territory_control"]["red"] = 1.7e308;
  check_team_strategy(answer_in(answer_team_strategy(request)));
}

TEST_CASE("team strategy keeps its shape whatever the numbers are") {
  Rng rng(7);
  for (int round = 0; round < 3000; ++round) {
    Json request = team_request(rng.between(0, 100), rng.between(0, 100));
    for (const char* team : {"red", "blue"}) {
      Json agents = Json::array();
      const int count = rng.between(0, 12);
      for (int i = 0; i < count; ++i) {
        const char* types[] = {"collector", "explorer", "defender", "attacker", "other"};
        agents.push_back(agent(i, types[rng.below(5)], rng.between(0, 150), rng.between(-45, 1700),
                               rng.between(-50, 1350)));
      }
      request["agents"][team] = agents;
      for (const char* type : {"energy", "materials", "data"}) {
        request["resources"][team][type] = rng.between(0, 300);
      }
    }
    for (const char* type : {"energy", "materials", "data"}) {
      request["resource_distribution"][type] = rng.between(0, 60);
    }
    request["team_id"] = rng.below(2) == 0 ? "red" : "blue";
    check_team_strategy(answer_in(answer_team_strategy(request)));
  }
}

TEST_CASE("agent specification answers in the clients' shape") {
  const Json answer = answer_in(answer_agent_specification(agent_request()));
  check_specification(answer);
  CHECK(answer.at("role") == "attacker");
  CHECK(answer.at("priority") == "data");
}

TEST_CASE("agent specification: no collectors, then a collector, whatever the stance") {
  for (std::string_view stance : stance_names) {
    Json request = agent_request();
    request["strategy"]["strategy"] = stance;
    request["current_agents"] = {{{"type", "attacker"}, {"count", 3}}};
    const Json answer = answer_in(answer_agent_specification(request));
    CHECK(answer.at("role") == "collector");
    check_specification(answer);
  }
}

TEST_CASE("agent specification: a thin store gives a cheaper design") {
  Json poor = agent_request();
  poor["resources"] = {{"energy", 14}, {"materials", 12}, {"data", 10}};
  const auto sum = [](const Json& answer) {
    double total = 0;
    for (const auto& [name, value] : answer.at("attributes").items())
      total += value.get<double>();
    return total;
  };
  const Json rich = answer_in(answer_agent_specification(agent_request()));
  const Json thin = answer_in(answer_agent_specification(poor));
  CHECK(sum(thin) < sum(rich));
}

TEST_CASE("agent specification keeps its shape for all inputs") {
  for (std::string_view stance : stance_names) {
    for (std::string_view focus : focus_names) {
      for (int store : {0, 5, 15, 30, 1000000}) {
        Json request = agent_request();
        request["strategy"] = {{"strategy", stance}, {"focus", focus}, {"priorities", {"fly"}}};
        request["resources"] = {{"energy", store}, {"materials", store}, {"data", store + 0.5}};
        check_specification(answer_in(answer_agent_specification(request)));
        request.erase("current_agents");
        check_specification(answer_in(answer_agent_specification(request)));
      }
    }
  }
}

TEST_CASE("agent specification: faults") {
  const Answer empty = answer_agent_specification(Json::object());
  CHECK(faults_in(empty).size() == 3);
  Json request = agent_request();
  request["strategy"] = {{"strategy", "fly"}};
  request["current_agents"] = {{{"type", "collector"}, {"count", 1.5}}};
  const Answer answer = answer_agent_specification(request);
  REQUIRE(faults_in(answer).size() == 3);
  CHECK(path_of(faults_in(answer)[0]) == "/strategy/strategy");
  CHECK(faults_in(answer)[0].type == "enum");
  CHECK(path_of(faults_in(answer)[1]) == "/strategy/focus");
  CHECK(faults_in(answer)[1].type == "missing");
  CHECK(faults_in(answer)[2].type == "int_from_float");
}

TEST_CASE("adaptation recognises each style and answers it") {
  struct Case {
    Json mix;
    const char* action;
    const char* style;
    const char* strategy;
  };
  for (const Case& c : std::initializer_list<Case>{
           {{{"attacker", 5}, {"collector", 2}}, "attack_base", "rush", "defensive"},
           {{{"collector", 6}, {"explorer", 1}}, "collect_energy", "boom", "aggressive"},
           {{{"defender", 5}, {"collector", 4}}, "defend_base", "turtle", "economic"},
           {{{"explorer", 5}, {"collector", 3}}, "expand", "expansion", "aggressive"},
       }) {
    CAPTURE(std::string(c.style));
    const Json answer = answer_in(answer_strategy_adaptation(adaptation_request(c.mix, c.action)));
    check_team_strategy(answer);
    CHECK(answer.at("opponent").at("style") == c.style);
    CHECK(answer.at("opponent").at("posterior").at(c.style).get<double>() > 0.5);
    CHECK(answer.at("strategy") == c.strategy);
    CHECK(answer.at("changed") == true);
    bool evidence = false;
    for (const Json& reason : answer.at("reasons")) {
      evidence = evidence || reason.at("feature") == "opponent_mix";
    }
    CHECK(evidence);
  }
}

TEST_CASE("adaptation without a history keeps an open mind") {
  Json request = adaptation_request(Json::object(), "none");
  request["opponent_history"] = Json::array();
  const Json answer = answer_in(answer_strategy_adaptation(request));
  check_team_strategy(answer);
  CHECK(answer.at("opponent").at("posterior").at("rush") == 0.25);
  CHECK(answer.at("opponent").at("observations") == 0);
  request.erase("opponent_history");
  request.erase("current_strategy");
  CHECK(faults_in(answer_strategy_adaptation(request)).size() == 2);
}
