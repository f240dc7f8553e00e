#include "engine/strategy/requests.hpp"

#include <cmath>

#include "engine/strategy/agent_designer.hpp"
#include "engine/strategy/opponent_model.hpp"
#include "engine/strategy/playbook.hpp"
#include "engine/strategy/request_reader.hpp"

namespace redoubt::strategy {
namespace {

constexpr double attribute_sum_max = 3.0;

Json answer_of(const Decision& decision) {
  Json answer = to_json(decision.strategy);
  answer["reasons"] = to_json(decision.reasons);
  answer["confidence"] = decision.confidence;
  answer["source"] = "engine";
  return answer;
}

// Hundredths in the order of the contract. The clients add the doubles up and compare with 3.0, so
// it is the double sum that has to keep the limit.
Json attributes_json(const territory::Attributes& a) {
  constexpr std::array<const char*, 5> names{"speed", "health", "attack", "defense",
                                             "carryCapacity"};
  std::array<int, 5> hundredths{a.speed / 10, a.health / 10, a.attack / 10, a.defense / 10,
                                a.carry_capacity / 10};
  constexpr int rounds_max = 400;
  for (int round = 0; round < rounds_max; ++round) {
    double sum = 0;
    std::size_t largest = 0;
    for (std::size_t i = 0; i < hundredths.size(); ++i) {
      sum += hundredths[i] / 100.0;
      if (hundredths[i] > hundredths[largest]) largest = i;
    }
    if (sum <= attribute_sum_max) break;
    --hundredths[largest];
  }
  Json out = Json::object();
  for (std::size_t i = 0; i < hundredths.size(); ++i)
    out[names[i]] = hundredths[i] / 100.0;
  return out;
}

Json belief_json(const OpponentModel& model) {
  Json posterior = Json::object();
  for (std::size_t s = 0; s < styles; ++s) {
    posterior[std::string(style_names[s])] = round_to(told(model.belief()[s]), 1000);
  }
  return {{"style", style_names[static_cast<std::size_t>(model.likeliest())]},
          {"posterior", std::move(posterior)},
          {"observations", model.observations()}};
}

}  // namespace

Answer answer_team_strategy(const Json& request) {
  RequestReader reader(request);
  const Situation situation = reader.situation();
  if (!reader.faults().empty()) return reader.take();
  return answer_of(choose_strategy(situation));
}

Answer answer_agent_specification(const Json& request) {
  RequestReader reader(request);
  reader.team_id();
  DesignInput input;
  input.strategy = reader.strategy("strategy");
  input.store = reader.own_store();
  if (const auto counts = reader.current_agents()) {
    input.own_known = true;
    for (std::size_t r = 0; r < input.own.size(); ++r)
      input.own[r] = (*counts)[r];
  }
  if (!reader.faults().empty()) return reader.take();
  const Design design = design_agent(input);
  return Json{{"role", role_names[static_cast<std::size_t>(design.role)]},
              {"attributes", attributes_json(design.attributes)},
              {"priority", resource_names[static_cast<std::size_t>(design.priority)]},
              {"description", design.description},
              {"reasons", to_json(design.reasons)},
              {"confidence", design.confidence},
              {"source", "engine"}};
}

Answer answer_strategy_adaptation(const Json& request) {
  RequestReader reader(request);
  Situation situation = reader.situation();
  const TeamStrategy current = reader.strategy("current_strategy");
  OpponentModel model;
  for (const Observation& seen : reader.history())
    model.observe(seen);
  if (!reader.faults().empty()) return reader.take();

  situation.opponent = model.belief();
  situation.opponent_known = model.observations() > 0;
  Decision decision = choose_strategy(situation, current.stance);
  for (Reason& reason : model.reasons())
    decision.reasons.push_back(std::move(reason));
  Json answer = answer_of(decision);
  answer["opponent"] = belief_json(model);
  answer["changed"] =
      decision.strategy.stance != current.stance || decision.strategy.focus != current.focus;
  return answer;
}

}  // namespace redoubt::strategy
