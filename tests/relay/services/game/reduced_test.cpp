#include "relay/services/game/reduced.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "engine/base/json.hpp"
#include "engine/llm/failure.hpp"
#include "relay/limits/limiter.hpp"

namespace redoubt::services {
namespace {

using upstream::CallRefusal;
using upstream::Reason;

CallRefusal refusal(Reason reason, llm::FailureClass failure_class, std::string message) {
  CallRefusal refusal{.reason = reason};
  refusal.failure = llm::local_failure(failure_class, std::move(message));
  return refusal;
}

/// A day's budget of $0.50, of which a cent is left six hours before it begins anew.
limits::Refusal spent_budget() {
  constexpr std::int64_t six_hours_ns = 6ll * 3'600 * 1'000'000'000;
  return {.scope = limits::Scope::player,
          .limit = limits::Limit::day_budget,
          .status = 402,
          .retry_after_ns = six_hours_ns,
          .promised = true,
          .limit_value = 500'000 * limits::picodollars_per_microdollar,
          .remaining = 10'000 * limits::picodollars_per_microdollar,
          .reset_ns = six_hours_ns};
}

TEST_CASE("why the engine answers, in words") {
  const std::string budget = limits::refusal_text(spent_budget());
  CHECK(budget.find("$0.50") != std::string::npos);
  CHECK(budget.find("6 h") != std::string::npos);

  struct Row {
    Reduced got;
    const char* code;
    std::string begins;
  };
  using llm::FailureClass;
  const std::vector<Row> rows{
      {reduced(NotAsked::no_workflow), "no_workflow", "The relay has no workflow"},
      {reduced(NotAsked::too_large), "too_large", "No model is asked a question of more than 128"},
      {reduced(NotAsked::overloaded), "overloaded", "The relay has too much to do"},
      {reduced_bad_answer(), "bad_answer", "The model's answer"},
      {reduced(Error{.code = "unavailable", .message = "The relay has no key for openai."}),
       "unavailable", "The relay has no key for openai."},
      {reduced(refusal(Reason::answer_by, FailureClass::timeout, "")), "answer_by",
       "No model answered in time."},
      {reduced(refusal(Reason::deadline, FailureClass::timeout, "")), "deadline",
       "No model answered in time."},
      {reduced(refusal(Reason::limit, FailureClass::no_quota, budget)), "limit", budget},
      {reduced(refusal(Reason::failed, FailureClass::overloaded,
                       std::string(llm::failure_words(FailureClass::overloaded)))),
       "failed", "The model's provider has too much to do."},
      {reduced(refusal(Reason::unavailable, FailureClass::overloaded, "No model is available.")),
       "unavailable", "No model is available."},
      {reduced(refusal(Reason::failed, FailureClass::malformed, "x")), "bad_answer",
       "The model's answer is none that the game takes."},
      {reduced(refusal(Reason::no_model, FailureClass::overloaded, "There is no model.")),
       "no_model", "There is no model."},
  };
  for (const Row& row : rows) {
    CAPTURE(row.got.message);
    CHECK(row.got.code == row.code);
    CHECK(row.got.message.starts_with(row.begins));
    CHECK(row.got.message.ends_with(" The engine answered instead."));
    const Json json = Json::parse(reduced_json(row.got));
    CHECK(json["code"] == row.code);
    CHECK(json["message"] == row.got.message);
  }
}

}  // namespace
}  // namespace redoubt::services
