// Refusal: which of all that went wrong with a call its caller is told.
//
//   what went wrong                                         kind
//   bad_request, filtered, too_large                        request: the caller can mend it
//   rate_limited, overloaded, timeout, server_error,        passing: the same call may do later
//     malformed, cut; a target that takes no call now
//   a limit of the caller's own                             limit: a smaller call may do
//   unauthorized, no_quota, not_found; a target without     operators: nothing that the caller does
//     a key, or whose own budget is used up                   helps
//
// The first kind of that order is told; of several of one kind the preferred target's, and of that
// target's the last attempt's. So what a fallback refuses hides nothing: a preferred target that is
// merely overloaded is told as that, not as the fallback's price. But a limit that keeps the caller
// from another attempt at the very target is what has to pass first.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/llm/chat.hpp"

namespace redoubt::upstream {

/// Why a call gets no model's answer.
enum class Reason : std::uint8_t {
  none,
  answer_by,  ///< the model was too slow for the game
  deadline,
  failed,       ///< attempts failed
  unavailable,  ///< no target could be tried
  limit,        ///< the client's limits
  no_model,     ///< the route names only the engine
};
std::string_view reason_name(Reason reason);

enum class RefusalKind : std::uint8_t { request, passing, limit, operators };
RefusalKind refusal_kind(llm::FailureClass failure_class);

struct Refusal {
  RefusalKind kind = RefusalKind::operators;
  std::uint32_t place = 0;  ///< of the target in the call's route; 0 is the preferred one
  int attempt = 0;
  Reason reason = Reason::none;
  int status = 0;
  std::int64_t retry_after_ms = -1;  ///< of a limit; what else passes has the soonest of all
};

/// Is `next`, which came later, told in the place of `told`?
bool takes_precedence(const Refusal& next, const Refusal& current);

}  // namespace redoubt::upstream
