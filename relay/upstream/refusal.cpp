#include "relay/upstream/refusal.hpp"

#include <array>

namespace redoubt::upstream {

std::string_view reason_name(Reason reason) {
  constexpr std::array<std::string_view, 7> names{"none",        "answer_by", "deadline", "failed",
                                                  "unavailable", "limit",     "no_model"};
  return names[static_cast<std::size_t>(reason)];
}

RefusalKind refusal_kind(llm::FailureClass failure_class) {
  using llm::FailureClass;
  switch (failure_class) {
    case FailureClass::bad_request:
    case FailureClass::filtered:
    case FailureClass::too_large:
      return RefusalKind::request;
    case FailureClass::rate_limited:
    case FailureClass::overloaded:
    case FailureClass::timeout:
    case FailureClass::server_error:
    case FailureClass::malformed:
    case FailureClass::cut:
      return RefusalKind::passing;
    case FailureClass::unauthorized:
    case FailureClass::no_quota:
    case FailureClass::not_found:
      break;
  }
  return RefusalKind::operators;
}

bool takes_precedence(const Refusal& next, const Refusal& current) {
  if (next.kind == RefusalKind::limit && current.kind == RefusalKind::passing)
    return next.place == current.place;
  if (next.kind != current.kind) return next.kind < current.kind;
  if (next.place != current.place) return next.place < current.place;
  // What an attempt has heard says more than that there is no other now.
  return next.reason != Reason::unavailable || current.reason == Reason::unavailable;
}

}  // namespace redoubt::upstream
