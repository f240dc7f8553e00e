#include "relay/upstream/refusal.hpp"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace redoubt::upstream {
namespace {

using llm::FailureClass;

struct WentWrong {
  const char* name;
  RefusalKind kind;
  Reason reason = Reason::failed;
};
const WentWrong bad_request{"bad_request", refusal_kind(FailureClass::bad_request)};
const WentWrong filtered{"filtered", refusal_kind(FailureClass::filtered)};
const WentWrong too_large{"too_large", refusal_kind(FailureClass::too_large)};
const WentWrong overloaded{"overloaded", refusal_kind(FailureClass::overloaded)};
const WentWrong rate_limited{"rate_limited", refusal_kind(FailureClass::rate_limited)};
const WentWrong timeout{"timeout", refusal_kind(FailureClass::timeout)};
const WentWrong server_error{"server_error", refusal_kind(FailureClass::server_error)};
const WentWrong malformed{"malformed", refusal_kind(FailureClass::malformed)};
const WentWrong cut{"cut", refusal_kind(FailureClass::cut)};
const WentWrong breaker_open{"breaker_open", RefusalKind::passing, Reason::unavailable};
const WentWrong no_key{"no_key", RefusalKind::operators, Reason::unavailable};
const WentWrong own_budget{"own_budget", RefusalKind::limit, Reason::limit};
const WentWrong bad_key{"bad_key", refusal_kind(FailureClass::unauthorized)};
const WentWrong no_quota{"no_quota", refusal_kind(FailureClass::no_quota)};
const WentWrong not_found{"not_found", refusal_kind(FailureClass::not_found)};

struct At {
  WentWrong what;
  std::uint32_t place;
};

std::string told(const std::vector<At>& refusals) {
  std::optional<Refusal> chosen;
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    const Refusal next{.kind = refusals[i].what.kind,
                       .place = refusals[i].place,
                       .attempt = static_cast<int>(i),
                       .reason = refusals[i].what.reason};
    if (!chosen || takes_precedence(next, *chosen)) chosen = next;
  }
  return refusals[static_cast<std::size_t>(chosen->attempt)].what.name;
}

TEST_CASE("which refusal of a call is told") {
  struct Row {
    std::vector<At> refusals;
    const char* told;
  };
  const std::vector<Row> rows{
      // One alone is told, whatever it is.
      {{{bad_key, 0}}, "bad_key"},
      {{{own_budget, 0}}, "own_budget"},
      // What passes beats what a fallback costs, or lacks.
      {{{overloaded, 0}, {own_budget, 1}}, "overloaded"},
      {{{rate_limited, 0}, {own_budget, 1}}, "rate_limited"},
      {{{breaker_open, 0}, {own_budget, 1}}, "breaker_open"},
      {{{timeout, 0}, {bad_key, 1}}, "timeout"},
      {{{server_error, 0}, {no_quota, 1}, {not_found, 2}}, "server_error"},
      {{{bad_key, 0}, {overloaded, 1}}, "overloaded"},
      // But a limit before another attempt at the same target has to pass first.
      {{{cut, 0}, {own_budget, 0}}, "own_budget"},
      {{{overloaded, 0}, {timeout, 1}, {own_budget, 1}}, "overloaded"},
      // A smaller call may do with the fallback where the preferred target is no caller's matter.
      {{{bad_key, 0}, {own_budget, 1}}, "own_budget"},
      {{{own_budget, 1}, {no_quota, 2}}, "own_budget"},
      // What the caller can mend beats everything.
      {{{overloaded, 0}, {bad_request, 1}}, "bad_request"},
      {{{too_large, 0}, {overloaded, 1}}, "too_large"},
      {{{too_large, 0}, {own_budget, 1}}, "too_large"},
      {{{cut, 0}, {filtered, 1}}, "filtered"},
      // Of equals the preferred target's, and of it the last.
      {{{overloaded, 0}, {rate_limited, 1}}, "overloaded"},
      {{{overloaded, 0}, {rate_limited, 0}, {malformed, 1}}, "rate_limited"},
      {{{bad_key, 0}, {not_found, 1}}, "bad_key"},
      {{{overloaded, 0}, {breaker_open, 0}, {breaker_open, 1}}, "overloaded"},
      {{{breaker_open, 0}, {server_error, 0}}, "server_error"},
      {{{no_key, 0}, {breaker_open, 1}}, "breaker_open"},
  };
  for (const Row& row : rows) {
    std::string all;
    for (const At& one : row.refusals)
      all += std::string(all.empty() ? "" : ", ") + one.what.name;
    CAPTURE(all);
    CHECK(told(row.refusals) == row.told);
  }
}

}  // namespace
}  // namespace redoubt::upstream
