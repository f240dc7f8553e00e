// Reduced: why a game's question is answered by the engine where a model could have answered, in
// words for whoever plays or makes the game.
#pragma once

#include <string>
#include <string_view>

#include "relay/upstream/gateway.hpp"

namespace redoubt::services {

/// `code` is stable, `message` whole sentences.
struct Reduced {
  std::string code;
  std::string message;
};

/// What keeps a question from the gateway.
enum class NotAsked : std::uint8_t {
  no_workflow,  ///< no workflow of the question's asks a model
  too_large,    ///< a longer question than a model is asked
  overloaded,   ///< the compute pool is full
};
Reduced reduced(NotAsked why);
/// The gateway took no call.
Reduced reduced(const Error& refused);
/// Its call came to this.
Reduced reduced(const upstream::CallRefusal& refusal);
/// A model answered, and the game does not take it.
Reduced reduced_bad_answer();

/// The member of an answer, as JSON.
std::string reduced_json(const Reduced& reduced);

}  // namespace redoubt::services
