#include "relay/services/game/reduced.hpp"

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/base/plain_text.hpp"
#include "relay/services/game/advice.hpp"

namespace redoubt::services {
namespace {

using upstream::Reason;

constexpr std::string_view engine_did = " The engine answered instead.";

Reduced engine_for(std::string_view code, std::string_view why) {
  return {std::string(code), bounded_text(why) + std::string(engine_did)};
}

}  // namespace

Reduced reduced(NotAsked why) {
  switch (why) {
    case NotAsked::no_workflow:
      break;
    case NotAsked::too_large:
      return engine_for("too_large", joined({"No model is asked a question of more than ",
                                             advice_body_bytes_max / 1024, " KiB."}));
    case NotAsked::overloaded:
      return engine_for("overloaded", "The relay has too much to do to ask a model.");
  }
  return engine_for("no_workflow", "The relay has no workflow that asks a model this question.");
}

Reduced reduced(const Error& refused) {
  return engine_for(refused.code, refused.message);
}

Reduced reduced(const upstream::CallRefusal& refusal) {
  const std::string_view code = upstream::reason_name(refusal.reason);
  if (refusal.reason == Reason::answer_by || refusal.reason == Reason::deadline)
    return engine_for(code, "No model answered in time.");
  if (refusal.failure.failure_class == llm::FailureClass::malformed) return reduced_bad_answer();
  return engine_for(code, refusal.failure.message);
}

Reduced reduced_bad_answer() {
  return engine_for("bad_answer", "The model's answer is none that the game takes.");
}

std::string reduced_json(const Reduced& reduced) {
  const Json json{{"code", reduced.code}, {"message", reduced.message}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace redoubt::services
