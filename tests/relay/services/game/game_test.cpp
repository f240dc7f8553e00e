#include "relay/services/game/game.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"
#include "engine/base/plain_text.hpp"
#include "relay/contract/errors.hpp"
#include "relay/contract/gate.hpp"

namespace redoubt::services {
namespace {

constexpr int depth_max = 32;
constexpr Question strategy_question{"/api/team-strategy", "t", strategy::answer_team_strategy};
constexpr Question agent_question{"/api/agent-specification", "a",
                                  strategy::answer_agent_specification};
constexpr Question adaptation_question{"/api/strategy-adaptation", "s",
                                       strategy::answer_strategy_adaptation};

Json good_request() {
  return Json::parse(R"({
    "team_id": "red",
    "territory_control": {"red": 20, "blue": 45},
    "resources": {"red": {"energy": 2.8, "materials": 4, "data": 0},
                  "blue": {"energy": 9, "materials": 4, "data": 3}},
    "agents": {"red": [{"id": 0, "type": "collector", "health": 75, "x": 1, "y": 2, "path": []}],
               "blue": []},
    "resource_distribution": {"energy": 3, "materials": 2, "data": 1, "total": 6}})");
}

http::Response ask(const Question& question, const Json& body) {
  return answer_question(question, body.dump(), depth_max);
}

TEST_CASE("a good question is answered in the clients' shape, by the engine") {
  const http::Response response = ask(strategy_question, good_request());
  REQUIRE(response.status == 200);
  const Json answer = Json::parse(response.body);
  for (const char* member :
       {"strategy", "focus", "priorities", "description", "reasons", "confidence", "source"}) {
    CHECK(answer.contains(member));
  }
  CHECK(answer["source"] == "engine");
  CHECK(answer["priorities"].size() >= 1);
  CHECK(answer["description"].get<std::string>().size() >= 5);
}

TEST_CASE("an agent's attributes keep the client's limits") {
  Json request{{"team_id", "blue"},
               {"strategy",
                answer_question(strategy_question, good_request().dump(), depth_max).status == 200
                    ? Json{{"strategy", "aggressive"}, {"focus", "combat"}}
                    : Json()},
               {"resources", {{"energy", 50}, {"materials", 50}, {"data", 50}}}};
  const http::Response response = ask(agent_question, request);
  REQUIRE(response.status == 200);
  const Json answer = Json::parse(response.body);
  double sum = 0;
  for (const char* name : {"speed", "health", "attack", "defense", "carryCapacity"}) {
    const double value = answer["attributes"][name];
    CHECK(value >= 0.1);
    CHECK(value <= 1.0);
    sum += value;
  }
  CHECK(sum <= 3.0);
  CHECK(answer["source"] == "engine");
}

TEST_CASE("an adaptation says what it believes of the opponent") {
  Json request = good_request();
  request["current_strategy"] = {{"strategy", "economic"}, {"focus", "resources"}};
  request["opponent_history"] = Json::array(
      {{{"tick", 100}, {"territory", 20}, {"agents", {{"attacker", 3}}}, {"actions", {"attack"}}}});
  const http::Response response = ask(adaptation_question, request);
  REQUIRE(response.status == 200);
  const Json answer = Json::parse(response.body);
  CHECK(answer["opponent"].contains("style"));
  CHECK(answer["changed"].is_boolean());
}

TEST_CASE("faults are FastAPI's: type, loc, msg, input") {
  Json request = good_request();
  request.erase("agents");
  request["resources"]["red"]["energy"] = "many";
  request["team_id"] = "purple";
  const http::Response response = ask(strategy_question, request);
  CHECK(response.status == 422);
  const Json detail = Json::parse(response.body)["detail"];
  REQUIRE(detail.is_array());
  CHECK(detail.size() == 3);
  bool missing_told = false;
  for (const Json& fault : detail) {
    CHECK(fault["loc"][0] == "body");
    CHECK(fault.contains("msg"));
    CHECK(fault.contains("input"));
    if (fault["type"] == "missing") missing_told = fault["loc"] == Json::array({"body", "agents"});
  }
  CHECK(missing_told);
}

TEST_CASE("list indices in a location are numbers, keys that look like numbers are not") {
  Json request = good_request();
  request["agents"]["red"].push_back({{"id", 1}});
  const Json detail = Json::parse(ask(strategy_question, request).body)["detail"];
  CHECK(detail[0]["loc"] == Json::array({"body", "agents", "red", 1, "type"}));

  const strategy::Faults faults{{"x", {"resources", "1", "energy"}, "m", 1}};
  const Json other{{"resources", {{"1", {{"energy", 1}}}}}};
  CHECK(Json::parse(contract::faults_response(other, faults).body)["detail"][0]["loc"] ==
        Json::array({"body", "resources", "1", "energy"}));
}

TEST_CASE("a long input is described, not sent back") {
  const Json request{{"team_id", std::string(100'000, 'x')}};
  const http::Response response = ask(strategy_question, request);
  CHECK(response.status == 422);
  CHECK(response.body.size() < 8'000);
}

TEST_CASE("what is no JSON gets json_invalid, whatever it is") {
  const std::string deep = std::string(100'000, '[');
  const std::string invalid_utf8 = "{\"team_id\":\"\xff\xfe\"}";
  const std::string nul("{\"team_id\":\"a\0b\"}", 17);
  for (const std::string& body : {std::string("{"), std::string("nonsense"), std::string("{}x"),
                                  deep, invalid_utf8, nul, std::string("{\"a\":1,\"a\":2}"),
                                  std::string("{\"a\":NaN}"), std::string("{\"a\":1e999}")}) {
    CAPTURE(body.substr(0, 40));
    const http::Response response = answer_question(strategy_question, body, depth_max);
    CHECK(response.status == 422);
    const Json detail = Json::parse(response.body)["detail"];
    CHECK(detail[0]["type"] == "json_invalid");
    CHECK(detail[0]["loc"][0] == "body");
  }
  const Json missing = Json::parse(answer_question(strategy_question, "", depth_max).body);
  CHECK(missing["detail"][0]["type"] == "missing");
}

TEST_CASE("JSON that is no object is refused as a shape") {
  for (const char* body : {"null", "1", "[]", "\"text\"", "{}"}) {
    for (const Question& question : {strategy_question, agent_question, adaptation_question}) {
      CHECK(answer_question(question, body, depth_max).status == 422);
    }
  }
}

TEST_CASE("only JSON media types are read") {
  const auto status = [](std::string_view type) {
    http::Request request;
    request.path = "/api/team-strategy";
    request.headers = {{"Content-Type", type}};
    const auto refused = contract::check_media_type(request);
    return refused ? refused->status : 0;
  };
  CHECK(status("application/json") == 0);
  CHECK(status("Application/JSON; charset=utf-8") == 0);
  CHECK(status("application/vnd.game+json") == 0);
  CHECK(status("") == 0);
  CHECK(status("text/plain") == 415);
  CHECK(status("application/x-www-form-urlencoded") == 415);
  CHECK(status("application/jsonx") == 415);
}

TEST_CASE("the shape of a refusal follows the dialect") {
  const contract::Fault fault{.status = 404, .code = "not_found", .message = "Nothing."};
  CHECK(contract::error_response(contract::Dialect::fastapi(), "id", fault).body ==
        R"({"detail":"Nothing."})");
  const http::Response problem =
      contract::error_response(contract::Dialect::problem(), "id", fault);
  const Json body = Json::parse(problem.body);
  CHECK(body["status"] == 404);
  CHECK(body["title"] == "Not Found");
  CHECK(body["code"] == "not_found");
  CHECK(body["instance"] == "urn:request:id");
}

TEST_CASE("of a body that does not fit its schema no more is repeated than a bound allows") {
  const std::string name(100'000, 'n');
  const std::vector<schema::Fault> faults(
      8, {.instance_path = "/" + name, .schema_path = "/type", .message = "No, " + name});
  for (const auto dialect :
       {contract::Dialect::problem(), contract::Dialect::openai(), contract::Dialect::fastapi()}) {
    http::Request request;
    const auto caller = std::make_shared<contract::Caller>();
    caller->dialect = dialect;
    request.attachment = caller;
    // A place and a message for each.
    CHECK(contract::misfit_response(request, Json{{name, 5}}, faults).body.size() <
          (2 * faults.size() + 2) * error_text_bytes_max);
  }
}

TEST_CASE("a body that does not fit its schema is told in the dialect's shape") {
  const Json body = Json::parse(R"({"a/b": [1, {"c": 5}]})");
  const std::vector<schema::Fault> faults{
      {.instance_path = "/a~1b/1/c",
       .schema_path = "/properties/a~1b/items/type",
       .message = "No."},
      {.instance_path = "", .schema_path = "/required", .message = "Missing."}};
  const auto told = [&](contract::Dialect dialect) {
    http::Request request;
    const auto caller = std::make_shared<contract::Caller>();
    caller->dialect = dialect;
    request.attachment = caller;
    const http::Response response = contract::misfit_response(request, body, faults);
    CHECK(response.status == (dialect == contract::Dialect::fastapi() ? 422 : 400));
    return Json::parse(response.body);
  };
  const Json problem = told(contract::Dialect::problem());
  CHECK(problem["detail"] == "/a~1b/1/c: No.");
  CHECK(problem["errors"] == Json::parse(R"([{"pointer": "#/a~1b/1/c", "detail": "No."},
                                             {"pointer": "#", "detail": "Missing."}])"));
  const Json list = told(contract::Dialect::fastapi())["detail"];
  CHECK(
      list[0] ==
      Json::parse(R"({"type": "type", "loc": ["body", "a/b", 1, "c"], "msg": "No.", "input": 5})"));
  CHECK(list[1]["type"] == "missing");
  CHECK(told(contract::Dialect::openai())["error"]["message"] == "/a~1b/1/c: No.");
}

}  // namespace
}  // namespace redoubt::services
