// The shipped workflows load without a fault and run to their end: with a model that answers, and
// with none.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/play/builtins.hpp"
#include "engine/workflow/loader.hpp"
#include "engine/workflow/run.hpp"
#include "engine/workflows/shipped.hpp"
#include "engine/yaml/read_yaml.hpp"

using namespace redoubt;
using namespace redoubt::workflow;

namespace {

constexpr int turns_max = 200;

/// Answers by the step's id, the part of an effect's id before [ or #; others fail.
using Script = std::vector<std::pair<std::string, std::string>>;

const char* const match_request = R"({"team_id":"red",
  "territory_control":{"red":20,"blue":45},
  "resources":{"red":{"energy":40,"materials":40,"data":40},
               "blue":{"energy":10,"materials":0,"data":2.8}},
  "agents":{"red":[{"id":0,"type":"collector","health":100,"x":1,"y":2}],"blue":[]},
  "resource_distribution":{"energy":6,"materials":5,"data":4,"total":15},
  "current_strategy":{"strategy":"balanced","focus":"resources"},
  "opponent_history":[{"tick":10,"territory":30,"agents":{"attacker":3},"actions":["attack"]}]})";
const char* const agent_request = R"({"team_id":"blue",
  "strategy":{"strategy":"aggressive","focus":"combat"},
  "resources":{"energy":40,"materials":40,"data":40},
  "current_agents":[{"type":"collector","count":5}]})";

DefinitionPtr load_shipped(std::string_view name) {
  for (const workflows::Shipped& one : workflows::shipped()) {
    if (one.name != name) continue;
    const auto file = yaml::read_yaml(one.text);
    REQUIRE_MESSAGE(file, file.error().message);
    const Loaded loaded = load(*file, {play::builtins(), {}});
    for (const Error& fault : loaded.faults)
      MESSAGE(name << ":" << fault.line << ":" << fault.column << ": " << fault.path << ": "
                   << fault.message);
    REQUIRE(loaded.ok());
    return loaded.definition;
  }
  FAIL("no shipped workflow is called ", name);
  return nullptr;
}

struct Ended {
  Json outcome;
  RunStatus status = RunStatus::running;
  std::string first_prompt;
};

void answer(Run& run, const Effect& effect, const Script& script, Ended& ended) {
  if (effect.kind == StepKind::builtin) {
    const auto given = play::call(effect.target, effect.request);
    const std::string value = given ? *given : workflow::failure_value(given.error());
    REQUIRE(run.give({given ? InputKind::completed : InputKind::failed, 1000, effect.id, value}));
    return;
  }
  if (ended.first_prompt.empty()) ended.first_prompt = effect.request;
  const std::string step = effect.id.substr(0, effect.id.find_first_of("[~#"));
  for (const auto& [name, text] : script)
    if (name == step) {
      REQUIRE(run.give({InputKind::completed, 1000, effect.id, text}));
      return;
    }
  REQUIRE(run.give({InputKind::failed, 1000, effect.id, R"({"code":"no_model"})"}));
}

Ended run_shipped(std::string_view name, std::string_view input, const Script& script) {
  CAPTURE(name);
  auto run = Run::start(load_shipped(name), input, {"shipped", 1, 1000});
  REQUIRE_MESSAGE(run, run.error().message);
  Ended ended;
  std::string history = history_header(run->definition()->hash);
  for (int turn = 0; turn < turns_max && run->status() == RunStatus::running; ++turn) {
    const Taken taken = run->take();
    history += taken.events;
    for (const Effect& effect : taken.effects)
      answer(*run, effect, script, ended);
  }
  history += run->take().events;
  const auto again = Run::replay(run->definition(), history);
  REQUIRE_MESSAGE(again, again.error().message);
  CHECK(again->state_hash() == run->state_hash());
  ended.status = run->status();
  CAPTURE(run->outcome());
  const auto outcome = parse_json(run->outcome());
  REQUIRE(outcome);
  ended.outcome = *outcome;
  INFO(ended.outcome.dump());
  CHECK((ended.status == RunStatus::done || ended.outcome["code"] == "bad_request"));
  return ended;
}

constexpr const char* plan_of_model =
    R"({"text":"","json":{"strategy":"economic","focus":"resources","priorities":["collect_data"],
        "description":"Gather data first."}})";

}  // namespace

TEST_SUITE("workflows/shipped") {
  TEST_CASE("every shipped workflow loads and says its own name") {
    CHECK(workflows::shipped().size() == 7);
    for (const workflows::Shipped& one : workflows::shipped())
      CHECK(load_shipped(one.name)->name == one.name);
  }

  TEST_CASE("the game's three are answered by the strategist where there is no model") {
    const Ended plan = run_shipped("team_strategy", match_request, {});
    CHECK(plan.status == RunStatus::done);
    CHECK(plan.outcome["source"] == "builtin");
    CHECK(plan.outcome["answer"]["source"] == "engine");
    CHECK(plan.outcome["answer"]["reasons"].size() > 0);
    const Ended adapted = run_shipped("strategy_adaptation", match_request, {});
    CHECK(adapted.outcome["answer"]["changed"].is_boolean());
    const Ended agent = run_shipped("agent_creation", agent_request, {});
    CHECK(agent.outcome["answer"]["role"].is_string());
  }

  TEST_CASE("a model that answers is believed, and was told features and formulas") {
    const Ended plan = run_shipped("team_strategy", match_request, {{"plan", plan_of_model}});
    CHECK(plan.outcome["source"] == "model");
    CHECK(plan.outcome["answer"]["strategy"] == "economic");
    for (const char* told :
         {"territory_gap", "round(10 x multiplier x (0.5 + 0.3 x sum", "collector 0.8/1/1.2",
          "red 20", "Threat to the base", "could choose, with what each is worth"})
      CHECK_MESSAGE(plan.first_prompt.find(told) != std::string::npos, told);
    const Ended adapted =
        run_shipped("strategy_adaptation", match_request, {{"plan", plan_of_model}});
    CHECK(adapted.outcome["source"] == "model");
    const Ended agent = run_shipped("agent_creation", agent_request, {{"design", R"({"json":{
        "role":"attacker","priority":"energy","description":"Fast and strong.",
        "attributes":{"speed":0.7,"health":0.6,"attack":0.8,"defense":0.4,"carryCapacity":0.3}}})"}});
    CHECK(agent.outcome["source"] == "model");
    CHECK(agent.outcome["answer"]["role"] == "attacker");
  }

  TEST_CASE("a model's answer outside the contract is not believed") {
    const Ended plan = run_shipped("team_strategy", match_request,
                                   {{"plan", R"({"json":{"strategy":"reckless"}})"}});
    CHECK(plan.outcome["source"] == "builtin");
    const Ended agent = run_shipped("agent_creation", agent_request, {{"design", R"({"json":{
        "role":"attacker","priority":"energy","description":"Too much of all.",
        "attributes":{"speed":1,"health":1,"attack":1,"defense":1,"carryCapacity":1}}})"}});
    CHECK(agent.outcome["source"] == "builtin");
  }

  TEST_CASE("a wrong request fails the run and says what is wrong") {
    const Ended plan = run_shipped("team_strategy", R"({"team_id":"pink"})", {});
    CHECK(plan.status == RunStatus::failed);
    CHECK(plan.outcome["code"] == "bad_request");
  }

  TEST_CASE("the examples run with a model and end well without one") {
    const Script script{{"plan", R"({"text":"a plan"})"},
                        {"designed", R"({"text":"a design"})"},
                        {"coded", R"({"text":"code"})"},
                        {"joined", R"({"text":"all of it"})"},
                        {"look", R"({"text":"an answer"})"},
                        {"summary", R"({"text":"a summary"})"},
                        {"write", R"({"text":"a draft"})"},
                        {"review", R"({"json":{"good":true,"remarks":"fine"}})"},
                        {"sort", R"({"json":{"kind":"billing"}})"},
                        {"by_billing/billing", R"({"text":"your bill"})"}};
    const std::string task = R"({"task":"a clock","topic":"clocks","questions":["why","how","who"],
                                 "message":"my bill"})";
    const Ended team = run_shipped("development_team", task, script);
    CHECK(team.outcome["notes"] == Json::parse(R"(["code","a design"])"));
    CHECK(team.outcome["answer"] == "all of it");
    const Ended research = run_shipped("research", task, script);
    CHECK(research.outcome["findings"].size() == 3);
    CHECK(research.outcome["summary"] == "a summary");
    const Ended review = run_shipped("review_loop", task, script);
    CHECK(review.outcome["rounds"] == 1);
    CHECK(review.outcome["draft"] == "a draft");
    const Ended triage = run_shipped("triage", task, script);
    CHECK(triage.outcome["billing"]["text"] == "your bill");
    CHECK(triage.outcome["kind"] == "billing");
    for (const char* name : {"development_team", "research", "review_loop", "triage"})
      CHECK(run_shipped(name, task, {}).status == RunStatus::done);
    CHECK(run_shipped("research", task, {}).outcome["unanswered"] == 3);
  }
}
