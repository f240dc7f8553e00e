#include "relay/upstream/model_call.hpp"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <memory>
#include <set>

#include "engine/base/message.hpp"
#include "tests/relay/script.hpp"

namespace redoubt::upstream {
namespace {

constexpr std::int64_t millisecond_ns = 1'000'000;

// States by name, with what brought the one into the other; the script must walk all of them.
const std::set<std::string> arrows{
    "idle --(start)--> acquiring",
    "idle --(start)--> ended",
    "acquiring --(acquired)--> waiting",
    "acquiring --(denied)--> acquiring",
    "acquiring --(denied)--> ended",
    "acquiring --(client_gone)--> ended",
    "acquiring --(time)--> ended",
    "waiting --(token)--> streaming",
    "waiting --(token)--> waiting",
    "waiting --(failed)--> backing_off",
    "waiting --(failed)--> acquiring",
    "waiting --(failed)--> ended",
    "waiting --(time)--> acquiring",
    "waiting --(time)--> waiting",
    "waiting --(time)--> ended",
    "waiting --(finished)--> ended",
    "waiting --(finished)--> acquiring",
    "waiting --(client_gone)--> ended",
    "backing_off --(time)--> acquiring",
    "backing_off --(time)--> ended",
    "backing_off --(client_gone)--> ended",
    "streaming --(token)--> streaming",
    "streaming --(finished)--> ended",
    "streaming --(failed)--> ended",
    "streaming --(time)--> ended",
    "streaming --(client_gone)--> ended",
    "ended --(acquired)--> ended",
};

constexpr std::array<const char*, 10> input_names{"start",  "acquired", "denied",    "answer_began",
                                                  "token",  "usage",    "heartbeat", "finished",
                                                  "failed", "time"};
constexpr std::array<const char*, 12> failure_names{
    "bad_request", "unauthorized", "not_found", "too_large", "rate_limited", "no_quota",
    "overloaded",  "server_error", "timeout",   "filtered",  "malformed",    "cut"};
constexpr std::array<const char*, 4> stage_names{"connect", "sent", "refused", "stream"};
constexpr std::array<const char*, 12> action_names{"acquire", "open", "cancel",  "release",
                                                   "abandon", "emit", "deliver", "deliver_late",
                                                   "engine",  "fail", "ended"};
constexpr std::array<const char*, 3> charge_names{"nothing", "reported", "estimated"};

template <std::size_t n>
int index_of(const std::array<const char*, n>& names, const std::string& name) {
  for (std::size_t i = 0; i < n; ++i)
    if (names[i] != nullptr && name == names[i]) return static_cast<int>(i);
  FAIL("unknown name ", name);
  return 0;
}

Input input_of(const script::Command& command, int attempt) {
  Input input;
  input.kind = command.name == "client_gone"
                   ? InputKind::client_gone
                   : static_cast<InputKind>(index_of(input_names, command.name));
  input.attempt = static_cast<int>(command.number("attempt", attempt));
  input.bytes = command.number("bytes");
  input.bound = {.input_tokens = 1'000, .output_tokens = 500, .may_think = command.has("thinks")};
  input.good = !command.has("bad");
  input.waits_for_room = command.has("no_room");
  input.unread_bytes = command.number("unread");
  input.another_key = command.has("another_key");
  input.key_back_ms = command.number("key_back_ms");
  if (command.has("input") || command.has("output")) {
    input.usage = {.input = command.number("input"), .output = command.number("output")};
    input.usage.reported = true;
  }
  input.failure.stage = static_cast<Stage>(index_of(stage_names, command.text("stage", "refused")));
  input.failure.failure_class = static_cast<llm::FailureClass>(
      index_of(failure_names, command.text("class", "server_error")));
  input.failure.status = static_cast<int>(command.number("status"));
  if (command.has("retry_after_ms"))
    input.failure.retry_after_ms = command.number("retry_after_ms");
  input.failure.should_retry = command.text("should_retry", "1") == "1";
  input.failure.by_target = command.has("by_target");
  input.failure.by_provider = command.has("said");
  input.denial = {.by_limit = command.has("by_limit"),
                  .passes = !command.has("lasting"),
                  .status = static_cast<int>(command.number("status", 503)),
                  .retry_after_ms = command.number("retry_after_ms", -1)};
  return input;
}

std::string line_of(const Action& action) {
  std::string line = action_names[static_cast<std::size_t>(action.kind)];
  const auto add = [&](Pieces pieces) { line += joined(pieces); };
  switch (action.kind) {
    case ActionKind::acquire:
    case ActionKind::open:
      add({" attempt=", action.attempt, " target=", action.place});
      if (action.is_retry) add({" retry"});
      if (action.kind == ActionKind::open)
        add({" connect_ms=", action.connect_ms, " total_ms=", action.total_ms});
      break;
    case ActionKind::release:
      add({" attempt=", action.attempt, " ",
           action.failure ? failure_names[static_cast<std::size_t>(action.failure->failure_class)]
                          : "succeeded"});
      if (action.inconclusive) add({" inconclusive"});
      add({" first_token_ms=", action.first_token_ms,
           " charge=", charge_names[static_cast<std::size_t>(action.charge.kind)]});
      if (action.charge.kind != ChargeKind::nothing)
        add({" input=", action.charge.usage.input, " output=", action.charge.usage.output});
      break;
    case ActionKind::fail:
    case ActionKind::engine:
      add({" reason=", reason_name(action.reason)});
      if (action.refused_attempt > 0) add({" refused_attempt=", action.refused_attempt});
      if (action.kind == ActionKind::fail) add({" status=", action.status});
      if (action.retry_after_ms >= 0) add({" retry_after_ms=", action.retry_after_ms});
      break;
    case ActionKind::cancel:
    case ActionKind::abandon:
      add({" attempt=", action.attempt});
      break;
    case ActionKind::emit:
    case ActionKind::deliver:
    case ActionKind::deliver_late:
    case ActionKind::ended:
      break;
  }
  return "  " + line + "\n";
}

std::unique_ptr<ModelCall> make_call(const script::Command& command) {
  ModelCallOptions options = command.name == "game" ? game_call_options()
                             : command.has("whole") ? v1_call_options(Delivery::whole)
                                                    : v1_call_options(Delivery::stream);
  options.retry.attempts_max = static_cast<int>(command.number("attempts_max", 6));
  if (command.has("deadline_ms")) options.deadline_ms = command.number("deadline_ms");
  std::vector<PlannedTarget> targets;
  for (std::uint32_t i = 0; i < command.number("targets", 1); ++i)
    targets.push_back({.target = i, .stops_on_disconnect = command.has("stops")});
  return std::make_unique<ModelCall>(options, std::move(targets), command.has("engine"), Rng(1));
}

TEST_CASE("model call: the script, and every arrow is walked") {
  std::set<std::string> walked;
  std::unique_ptr<ModelCall> call;
  std::int64_t now_ns = 0;
  int attempt = 0;
  script::run("upstream/model_call.txt", [&](const script::Command& command) {
    if (command.name == "game" || command.name == "v1") {
      call = make_call(command);
      now_ns = 0;
      attempt = 0;
      return std::string();
    }
    now_ns = command.number("at", now_ns);
    if (command.name == "wake") now_ns = call->next_wake_ns();
    std::vector<Action> actions;
    const char* from = call_state_name(call->state());
    Input input = command.name == "wake" ? Input{} : input_of(command, attempt);
    const std::string name = command.name == "wake" ? "time" : command.name;
    call->step(input, now_ns, actions);
    walked.insert(joined({from, " --(", name, ")--> ", call_state_name(call->state())}));
    std::string trace = joined(
        {now_ns / millisecond_ns, " ms ", name, " -> ", call_state_name(call->state()), "\n"});
    for (const Action& action : actions) {
      if (action.kind == ActionKind::acquire) attempt = action.attempt;
      trace += line_of(action);
    }
    return trace;
  });
  for (const std::string& arrow : arrows) {
    INFO(arrow);
    CHECK(walked.count(arrow) == 1);
  }
}

}  // namespace
}  // namespace redoubt::upstream
