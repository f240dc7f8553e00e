#include "relay/services/game/push.hpp"

#include <doctest/doctest.h>

#include "engine/base/json.hpp"
#include "engine/base/rng.hpp"

namespace redoubt::services {
namespace {

// Stands in for the engine: knows red and blue, and tells what it was asked.
Json last_request;

strategy::Answer strategy_of(const Json& request) {
  last_request = request;
  if (request["team_id"] != "red" && request["team_id"] != "blue" &&
      request["team_id"] != "team1") {
    return strategy::Faults{
        {"enum", {"team_id"}, "Input should be 'red' or 'blue'", request["team_id"]}};
  }
  return Json{{"strategy", "aggressive"},
              {"focus", "territory"},
              {"priorities", {"expand_territory"}},
              {"description", "Take the middle."},
              {"reasons", Json::array()},
              {"confidence", 0.5},
              {"source", "engine"}};
}

strategy::Answer specification_of(const Json& request) {
  CHECK(request["strategy"]["strategy"] == "aggressive");
  return Json{{"role", "attacker"},
              {"attributes", {{"speed", 0.5}}},
              {"priority", "energy"},
              {"description", "An attacker."},
              {"source", "engine"}};
}

constexpr Advisors advisors{strategy_of, specification_of};

std::string frame(double red, double blue, double store = 0) {
  const Json amounts{{"energy", store}, {"materials", 0}, {"data", 0}};
  return Json{{"type", "gameState"},
              {"data",
               {{"territoryControl", {{"red", red}, {"blue", blue}}},
                {"agents", {{"red", Json::array()}, {"blue", Json::array()}}},
                {"resources", {{"red", amounts}, {"blue", Json::object()}}},
                {"resourcesOnMap", {{"energy", 3}, {"materials", 2}, {"data", 1}, {"total", 6}}}}}}
      .dump();
}

// "directive red first" and the like, one a frame.
std::vector<std::string> summary(const PushFrames& frames) {
  std::vector<std::string> lines;
  for (const PushFrame& sent : frames) {
    const Json json = Json::parse(sent.text);
    std::string line = json["type"];
    if (json.contains("team")) {
      CHECK(json["team"] == json["data"]["team"]);
      line += " " + json["team"].get<std::string>();
    }
    if (json["data"].contains("cause")) line += " " + json["data"]["cause"].get<std::string>();
    lines.push_back(line);
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST_CASE("the first gameState brings a directive for each team, then one each 30 s") {
  Push push({}, advisors);
  CHECK(push.on_tick(0).empty());
  CHECK(summary(push.on_text(frame(40, 40), 1'000)) ==
        Lines{"directive blue first", "directive red first"});
  for (int second = 2; second <= 30; ++second) {
    CHECK(push.on_text(frame(40, 40), second * 1'000).empty());
    CHECK(push.on_tick(second * 1'000 + 500).empty());
  }
  CHECK(summary(push.on_tick(31'000)) ==
        Lines{"directive blue interval", "directive red interval"});
  CHECK(push.on_tick(32'000).empty());
  CHECK(push.on_tick(60'999).empty());
  CHECK(push.on_tick(61'000).size() == 2);
}

PushPolicy with_model() {
  PushPolicy policy;
  policy.model = true;
  return policy;
}

Json plan_of_model() {
  return {{"strategy", "defensive"},   {"focus", "combat"}, {"priorities", {"defend_base"}},
          {"description", "Hold on."}, {"source", "model"}, {"model", "openai/one"},
          {"cost_microusd", 70}};
}

// The teams that are asked about.
Lines asked(Push& push) {
  Lines teams;
  for (const PushQuestion& question : push.take_questions()) {
    CHECK(Json::parse(question.request)["team_id"] == question.team);
    teams.push_back(question.team);
  }
  return teams;
}

TEST_CASE("a model is asked beside each directive, one question a team at a time") {
  Push push(with_model(), advisors);
  push.on_text(frame(40, 40), 1'000);
  CHECK(asked(push) == Lines{"blue", "red"});
  CHECK(asked(push).empty());
  CHECK(push.on_tick(31'000).size() == 2);
  CHECK(asked(push).empty());  // both are under way
  const PushFrames told = push.on_answer("red", plan_of_model(), 32'000);
  CHECK(summary(told) == Lines{"directive red late_answer"});
  const Json data = Json::parse(told[0].text)["data"];
  CHECK(data["source"] == "model");
  CHECK(data["model"] == "openai/one");
  CHECK(data["cost_microusd"] == 70);
  CHECK(data["strategy"]["strategy"] == "defensive");
  CHECK(data["priorities"] == Json{"defend_base"});
  CHECK(summary(push.on_tick(61'000)) == Lines{"directive blue interval"});
  CHECK(asked(push).empty());
  CHECK(summary(push.on_tick(62'000)) == Lines{"directive red interval"});
  CHECK(asked(push) == Lines{"red"});
}

TEST_CASE("no model is asked where there is none") {
  Push push({}, advisors);
  push.on_text(frame(40, 40), 1'000);
  CHECK(asked(push).empty());
}

TEST_CASE("a model's answer to what is no longer so is dropped, and the team asked about anew") {
  Push push(with_model(), advisors);
  push.on_text(frame(40, 40), 0);
  CHECK(asked(push) == Lines{"blue", "red"});
  push.on_text(frame(20, 60), 1'000);
  CHECK(push.on_answer("red", plan_of_model(), 2'000).empty());
  CHECK(asked(push).empty());  // not under 5 s after the last question
  CHECK(summary(push.on_tick(5'000)) ==
        Lines{"directive blue situation", "directive red situation"});
  CHECK(asked(push) == Lines{"red"});  // blue's is under way
  CHECK(summary(push.on_answer("red", plan_of_model(), 6'000)) ==
        Lines{"directive red late_answer"});
  CHECK(Json::parse(push.on_tick(40'000)[0].text)["data"]["source"] == "engine");
}

TEST_CASE("the answer for a team that has left the game is dropped") {
  Push push(with_model(), advisors);
  push.on_text(frame(40, 40), 0);
  push.on_text(R"({"type":"gameState","data":{"territoryControl":{"blue":40}}})", 1'000);
  CHECK(push.on_answer("red", plan_of_model(), 2'000).empty());
  push.take_questions();
  push.on_tick(20'000);
  CHECK(asked(push).empty());
  push.on_text(frame(40, 40), 30'000);
  CHECK(summary(push.on_tick(30'000)) == Lines{"directive red interval"});
  CHECK(asked(push) == Lines{"red"});
}

TEST_CASE("why no model answered is said by the team's next directive") {
  Push push(with_model(), advisors);
  push.on_text(frame(40, 40), 0);
  push.take_questions();
  push.on_refusal("red", R"({"code":"budget","message":"It is used."})");
  const PushFrames next = push.on_tick(30'000);
  REQUIRE(next.size() == 2);
  CHECK_FALSE(Json::parse(next[0].text)["data"].contains("reduced"));
  CHECK(Json::parse(next[1].text)["data"]["reduced"]["code"] == "budget");
  CHECK(asked(push) == Lines{"red"});
  push.on_answer("red", plan_of_model(), 31'000);
  CHECK_FALSE(Json::parse(push.on_tick(61'000).back().text)["data"].contains("reduced"));
}

TEST_CASE("a change of class brings a directive, not under 5 s after the last") {
  Push push({}, advisors);
  push.on_text(frame(40, 40), 0);
  CHECK(push.on_text(frame(40, 50), 1'000).empty());    // a gap of 10 is still level
  CHECK(push.on_text(frame(40, 50.5), 2'000).empty());  // behind, but too early
  CHECK(push.on_tick(4'999).empty());
  CHECK(summary(push.on_tick(5'000)) ==
        Lines{"directive blue situation", "directive red situation"});
  CHECK(push.on_text(frame(40, 60), 6'000).empty());  // the same class
  CHECK(summary(push.on_text(frame(40, 45), 10'000)) ==
        Lines{"directive blue situation", "directive red situation"});
  CHECK(push.on_text(frame(70, 20), 12'000).empty());
  CHECK(push.on_text(frame(40, 45), 13'000).empty());  // back before the five seconds were over
  CHECK(push.on_tick(16'000).empty());
  CHECK(push.on_tick(40'000).size() == 2);
}

TEST_CASE("a directive has the shapes of the client and of its documents") {
  Push push({}, advisors);
  const auto frames = push.on_text(frame(20, 60), 0);
  const Json red = Json::parse(frames.at(1).text);
  CHECK(red["type"] == "directive");
  CHECK(red["team"] == "red");
  CHECK(red["data"]["team"] == "red");
  CHECK(red["data"]["strategy"]["strategy"] == "aggressive");
  CHECK(red["data"]["strategy"]["priorities"].size() == 1);
  CHECK(red["data"]["strategy"]["description"] == "Take the middle.");
  CHECK(red["data"]["focus"] == "territory");
  CHECK(red["data"]["priorities"][0] == "expand_territory");
  CHECK(red["data"]["agentRecommendations"][0]["type"] == "attacker");
  CHECK(red["data"]["agentRecommendations"][0]["count"] == 1);
  CHECK(red["data"]["source"] == "engine");
  CHECK_FALSE(red["data"].contains("territoryFocus"));  // no agent's place is known
}

TEST_CASE("a recommendation comes when the team can pay, and not too often") {
  Push push({}, advisors);
  CHECK(summary(push.on_text(frame(40, 40, 14), 0)) ==
        Lines{"directive blue first", "directive red first"});
  const auto frames = push.on_text(frame(60, 40, 20), 5'000);
  CHECK(summary(frames) ==
        Lines{"directive blue situation", "directive red situation", "agent_recommendation red"});
  const Json data = Json::parse(frames.back().text)["data"];
  CHECK(data["specification"]["role"] == "attacker");
  CHECK(data["source"] == "engine");
  CHECK(push.on_text(frame(40, 40, 20), 10'000).size() == 2);  // 30 s since the last are not over
  CHECK(summary(push.on_tick(40'000)) ==
        Lines{"directive blue interval", "directive red interval", "agent_recommendation red"});
}

TEST_CASE("agents' places make a focus, and whole agent objects are taken") {
  Push push({}, advisors);
  Json state = Json::parse(frame(30, 30));
  state["data"]["agents"]["red"] = Json::array(
      {{{"id", 0}, {"role", "collector"}, {"health", 80}, {"x", 100}, {"y", 200}, {"path", {1, 2}}},
       {{"id", 1},
        {"type", "explorer"},
        {"health", 80},
        {"x", 300},
        {"y", 200},
        {"team", nullptr}}});
  state["data"]["agents"]["blue"] = Json::array({{{"health", 50.5}, {"x", 1'000}, {"y", 900}}});
  const auto frames = push.on_text(state.dump(), 0);
  const Json red = Json::parse(frames.at(1).text)["data"];
  CHECK(red["territoryFocus"]["x"] == 1'000);  // aggressive: at the enemy
  CHECK(red["territoryFocus"]["y"] == 900);
  CHECK(red["territoryFocus"]["radius"] == 100);
  CHECK(red["territoryFocus"]["priority"] == "medium");
  CHECK(last_request["agents"]["red"][0]["type"] == "collector");
  CHECK(last_request["agents"]["red"][1]["type"] == "explorer");
  CHECK(last_request["agents"]["blue"][0]["type"] == "unknown");
  CHECK_FALSE(last_request["agents"]["red"][0].contains("path"));
  CHECK(last_request["resources"]["blue"]["data"] == 0.0);
}

TEST_CASE("a bad frame gets an error, and what was known stays") {
  struct Row {
    const char* text;
    const char* says;
  };
  const Row rows[] = {
      {"", "not valid JSON"},
      {"hello", "not valid JSON"},
      {"{\"type\":\"gameState\",\"type\":1}", "twice"},
      {"[1]", "expected an object with the members type and data"},
      {"{}", "type and data"},
      {"{\"type\":\"ping\"}", "type: expected \"gameState\", got \"ping\""},
      {"{\"type\":5}", "got 5"},
      {"{\"type\":\"gameState\"}", "data: expected an object, got null"},
      {"{\"type\":\"gameState\",\"data\":[]}", "data: expected an object"},
      {"{\"type\":\"gameState\",\"data\":{}}",
       "data.territoryControl: expected an object of 1 to 8"},
      {R"({"type":"gameState","data":{"territoryControl":{"red":"x"}}})",
       "data.territoryControl.red: expected a number of at least 0, got \"x\""},
      {R"({"type":"gameState","data":{"territoryControl":{"red":-1}}})", "got -1"},
      {R"({"type":"gameState","data":{"territoryControl":{"red":1},"agents":[]}})",
       "data.agents: expected an object"},
      {R"({"type":"gameState","data":{"territoryControl":{"red":1},"agents":{"red":{}}}})",
       "data.agents.red: expected a list of at most 512 agents"},
      {R"({"type":"gameState","data":{"territoryControl":{"red":1},"agents":{"red":[7]}}})",
       "data.agents.red[0]: expected an object, got 7"},
      {R"({"type":"gameState","data":{"territoryControl":{"red":1},"agents":{"red":[{"x":1,"y":2}]}}})",
       "data.agents.red[0].health: expected a number, got null"},
      {R"({"type":"gameState","data":{"territoryControl":{"red":1},"resources":{"red":{"data":"1"}}}})",
       "data.resources.red.data: expected a number"},
      {R"({"type":"gameState","data":{"territoryControl":{"red":1},"resourcesOnMap":3}})",
       "data.resourcesOnMap: expected an object"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    Push push({}, advisors);
    push.on_text(frame(40, 40), 0);
    const auto frames = push.on_text(row.text, 20'000);
    REQUIRE(frames.size() == 1);
    const Json error = Json::parse(frames[0].text);
    CHECK(error["type"] == "error");
    const std::string message = error["data"]["message"];
    CAPTURE(message);
    CHECK(message.find(row.says) != std::string::npos);
    CHECK(push.on_tick(30'000).size() == 2);
  }
  Push push({}, advisors);
  CHECK(summary(push.on_text(std::string(1'000, '['), 0)) == Lines{"error"});
}

TEST_CASE("a binary frame is a bad frame, and counts as one") {
  Push push({.frames_per_second_max = 3}, advisors);
  push.on_text(frame(40, 40), 0);
  const auto frames = push.on_binary(20'000);
  REQUIRE(frames.size() == 1);
  const Json error = Json::parse(frames[0].text);
  CHECK(error["type"] == "error");
  CHECK(error["data"]["message"] == "expected a text message with JSON, got a binary one");
  CHECK(push.on_tick(30'000).size() == 2);
  std::size_t said = 0;
  for (int i = 0; i < 100; ++i)
    said += push.on_binary(40'000).size();
  CHECK(said == 4);
}

TEST_CASE("a team that the strategist does not know is said once") {
  Push push({}, advisors);
  const std::string text =
      R"({"type":"gameState","data":{"territoryControl":{"red":40,"neutral":60}}})";
  CHECK(summary(push.on_text(text, 0)) == Lines{"error", "directive red first"});
  CHECK(push.on_text(text, 1'000).empty());
  CHECK(summary(push.on_tick(30'000)) == Lines{"directive red interval"});
}

TEST_CASE("a client that sends too much is told once a second and not read") {
  Push push({.frames_per_second_max = 3}, advisors);
  int errors = 0;
  int directives = 0;
  for (int i = 0; i < 100; ++i) {
    for (const std::string& line : summary(push.on_text(frame(40, 40), 10 * i))) {
      (line == "error" ? errors : directives) += 1;
    }
  }
  CHECK(errors == 1);
  CHECK(directives == 2);
  CHECK(push.on_text("x", 2'000).size() == 1);
}

TEST_CASE("random bytes and random moments never bring two directives within 5 s") {
  Rng rng(3);
  Push push({}, advisors);
  std::int64_t now = 0;
  std::map<std::string, std::int64_t> last;
  int directives = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += rng.below(1'500);
    std::string text = frame(rng.below(100), rng.below(100), rng.below(40));
    if (rng.below(4) == 0)
      text[rng.below(static_cast<std::uint32_t>(text.size()))] = static_cast<char>(rng.below(256));
    const auto frames = rng.below(2) == 0 ? push.on_tick(now) : push.on_text(text, now);
    for (const std::string& line : summary(frames)) {
      if (!line.starts_with("directive")) continue;
      ++directives;
      const std::string team = line.substr(10, line.find(' ', 10) - 10);
      if (last.contains(team)) CHECK(now - last[team] >= 5'000);
      last[team] = now;
    }
  }
  CHECK(directives > 1'000);
}

}  // namespace
}  // namespace redoubt::services
