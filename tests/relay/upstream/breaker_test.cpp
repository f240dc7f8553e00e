#include "relay/upstream/breaker.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "engine/base/message.hpp"
#include "tests/relay/script.hpp"

namespace redoubt::upstream {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

// The header's table, one entry an arrow; the tests must walk all of them.
const std::set<std::string> arrows{
    "closed --(admit)--> closed",
    "closed --(failed)--> closed",
    "closed --(failed)--> open",
    "closed --(slow)--> open",
    "open --(refused)--> open",
    "open --(admit)--> half_open",
    "half_open --(refused)--> half_open",
    "half_open --(admit)--> half_open",
    "half_open --(probe succeeded)--> half_open",
    "half_open --(probe succeeded)--> closed",
    "half_open --(probe failed)--> open",
    "half_open --(probe slow)--> open",
    "half_open --(probe abandoned)--> half_open",
    "open --(late result)--> open",
    "half_open --(late result)--> half_open",
};

struct Walk {
  std::set<std::string> covered;
  void note(BreakerState from, const std::string& what, BreakerState to) {
    covered.insert(
        joined({breaker_state_name(from), " --(", what, ")--> ", breaker_state_name(to)}));
  }
};

std::string run_script(const std::string& file, Walk& walk) {
  Breaker breaker;
  std::map<std::string, BreakerTicket> tickets;
  std::int64_t now_ns = 0;
  script::run(file, [&](const script::Command& command) {
    now_ns = command.number("at", now_ns);
    const BreakerState before = breaker.state();
    std::string what;
    if (command.name == "breaker") {
      breaker = Breaker({.calls_min = static_cast<int>(command.number("calls_min", 4)),
                         .slow_permille = 800,
                         .probes_max = static_cast<int>(command.number("probes", 1))});
      now_ns = 0;
      tickets.clear();
      return std::string("closed\n");
    }
    const auto count = command.number("count", 1);
    for (std::int64_t i = 0; i < count; ++i) {
      const BreakerState from = breaker.state();
      if (command.name == "admit") {
        const BreakerAdmission admitted = breaker.admit(now_ns);
        if (command.has("as")) tickets[command.text("as")] = admitted.ticket;
        what = !admitted.admitted
                   ? joined({"refused until ", admitted.retry_at_ns / 1'000'000, " ms"})
                   : (admitted.ticket.probe ? "probe" : "admitted");
        walk.note(from, admitted.admitted ? "admit" : "refused", breaker.state());
        continue;
      }
      BreakerTicket ticket = tickets[command.text("of")];
      if (!command.has("of")) ticket = breaker.admit(now_ns).ticket;
      what = command.name;
      const int probes = breaker.probes_out();
      if (command.name == "abandon") {
        breaker.abandon(ticket);
      } else {
        const CallResult result = command.name == "succeed" ? CallResult::succeeded
                                  : command.name == "fail"  ? CallResult::failed
                                                            : CallResult::slow;
        breaker.result(ticket, result, now_ns);
      }
      const bool changed = breaker.state() != from || breaker.probes_out() != probes;
      const std::string word = command.name == "succeed" ? "succeeded"
                               : command.name == "fail"  ? "failed"
                               : command.name == "slow"  ? "slow"
                                                         : "abandoned";
      if (ticket.probe && changed) walk.note(from, "probe " + word, breaker.state());
      if (!ticket.probe && from == BreakerState::closed) walk.note(from, word, breaker.state());
      if (from != BreakerState::closed && !changed) walk.note(from, "late result", breaker.state());
    }
    return joined({what, ": ", breaker_state_name(before), " -> ",
                   breaker_state_name(breaker.state()), "\n"});
  });
  return "";
}

TEST_CASE("breaker: the script, and every arrow of the table is walked") {
  Walk walk;
  run_script("upstream/breaker.txt", walk);
  for (const std::string& arrow : arrows) {
    INFO(arrow);
    CHECK(walk.covered.count(arrow) == 1);
  }
}

TEST_CASE("breaker: a window forgets, so old failures do not open it") {
  Breaker breaker({.calls_min = 4});
  for (int i = 0; i < 3; ++i)
    breaker.result(breaker.admit(0).ticket, CallResult::failed, 0);
  CHECK(breaker.counts(0).calls == 3);
  breaker.result(breaker.admit(0).ticket, CallResult::failed, 11 * second_ns);
  CHECK(breaker.counts(11 * second_ns).calls == 1);
  CHECK(breaker.state() == BreakerState::closed);
}

}  // namespace
}  // namespace redoubt::upstream
