#include "relay/upstream/charging.hpp"

#include <doctest/doctest.h>

namespace redoubt::upstream {
namespace {

using llm::FailureClass;

AttemptEnd end_of(std::optional<Stage> stage, FailureClass failure_class = FailureClass::cut) {
  AttemptEnd end;
  if (stage) end.failure = Failure{.stage = *stage, .failure_class = failure_class};
  end.bound = {.input_tokens = 1'000, .output_tokens = 500, .may_think = false};
  return end;
}

llm::Usage usage(std::int64_t input, std::int64_t output) {
  llm::Usage told;
  told.input = input;
  told.output = output;
  told.reported = true;
  return told;
}

void check(const AttemptEnd& end, ChargeKind kind, std::int64_t input, std::int64_t output) {
  const Charge charge = charge_of(end);
  CHECK(charge.kind == kind);
  if (kind == ChargeKind::nothing) return;
  CHECK(charge.usage.input == input);
  CHECK(charge.usage.output == output);
}

TEST_CASE("charging: what was never asked, or refused, costs nothing") {
  check(end_of(Stage::connect), ChargeKind::nothing, 0, 0);
  check(end_of(Stage::refused, FailureClass::overloaded), ChargeKind::nothing, 0, 0);
}

TEST_CASE("charging: a report counts, whatever was reserved") {
  AttemptEnd end = end_of(std::nullopt);
  end.complete = true;
  end.usage = usage(40, 6);
  check(end, ChargeKind::reported, 40, 6);
  end.usage = usage(4'000, 6'000);
  check(end, ChargeKind::reported, 4'000, 6'000);
}

TEST_CASE("charging: what was sent and answered by nothing is charged its bound") {
  for (const Stage stage : {Stage::sent, Stage::stream}) {
    for (const FailureClass why :
         {FailureClass::cut, FailureClass::timeout, FailureClass::malformed}) {
      AttemptEnd end = end_of(stage, why);
      check(end, ChargeKind::estimated, 1'000, 500);
      end.streamed = end.stops_on_disconnect = true;  // before a piece that is all the same
      check(end, ChargeKind::estimated, 1'000, 500);
      end.usage = usage(77, 1);
      check(end, ChargeKind::estimated, 77, 500);
    }
  }
}

TEST_CASE("charging: after a piece, by who stops when nobody reads") {
  AttemptEnd end = end_of(Stage::stream);
  end.bytes = 20;
  check(end, ChargeKind::estimated, 1'000, 500);
  end.stops_on_disconnect = true;
  check(end, ChargeKind::estimated, 1'000, 500);  // a whole answer, which nobody stops
  end.streamed = true;
  check(end, ChargeKind::estimated, 1'000, 20);
  end.bytes = 2'000;
  check(end, ChargeKind::estimated, 1'000, 500);
  end.bytes = 3;
  end.usage = usage(40, 7);
  check(end, ChargeKind::estimated, 40, 7);
}

TEST_CASE(
    "charging: what lay unread at the cut was made, and of what was held up nothing is known") {
  AttemptEnd end = end_of(Stage::stream);
  end.streamed = end.stops_on_disconnect = true;
  end.bytes = 100;
  check(end, ChargeKind::estimated, 1'000, 100);
  end.unread_bytes = 30;
  check(end, ChargeKind::estimated, 1'000, 130);
  end.usage = usage(900, 120);
  check(end, ChargeKind::estimated, 900, 150);
  end.unread_bytes = 4'000;
  check(end, ChargeKind::estimated, 900, 500);
  end.unread_bytes = 0;
  end.was_held_up = true;
  check(end, ChargeKind::estimated, 900, 500);
}

TEST_CASE("charging: a provider that says it failed has stopped") {
  AttemptEnd end = end_of(Stage::stream, FailureClass::overloaded);
  end.failure->by_provider = true;
  check(end, ChargeKind::estimated, 1'000, 0);
  end.bytes = 20;
  check(end, ChargeKind::estimated, 1'000, 20);
}

TEST_CASE("charging: a provider's own failure after a 2xx, by class and by what was told") {
  using C = FailureClass;
  struct Case {
    C failure_class;
    bool by_provider;
    std::int64_t bytes;
    std::optional<llm::Usage> told;
    bool covers;  ///< the report came after the last piece
    std::int64_t input;
    std::int64_t output;
  };
  // Of a model that may think unseen; its bounds are 1,000 and 500.
  const Case cases[] = {
      // Straight after the 200: what no model did is not charged.
      {C::overloaded, true, 0, {}, false, 1'000, 0},
      {C::server_error, true, 0, {}, false, 1'000, 0},
      {C::timeout, true, 0, {}, false, 1'000, 0},
      {C::rate_limited, true, 0, {}, false, 1'000, 0},
      {C::no_quota, true, 0, {}, false, 1'000, 0},
      // Anthropic's message_start, then overloaded_error.
      {C::overloaded, true, 0, usage(40, 1), true, 40, 1},
      {C::overloaded, true, 30, usage(40, 1), false, 40, 30},
      // response.failed with usage: null, and with one.
      {C::server_error, true, 30, {}, false, 1'000, 30},
      {C::server_error, true, 30, usage(40, 9), true, 40, 9},
      {C::server_error, true, 30, usage(40, 9'000), true, 40, 500},
      // The same classes as this side made them: nobody knows what goes on there.
      {C::timeout, false, 30, usage(40, 1), false, 40, 500},
      {C::server_error, false, 30, {}, false, 1'000, 500},
      // Nobody's words.
      {C::cut, false, 30, usage(40, 1), true, 40, 500},
      {C::malformed, false, 30, {}, false, 1'000, 500},
      // What a client can bring about after it let the model think.
      {C::filtered, true, 0, {}, false, 1'000, 500},
      {C::bad_request, true, 30, usage(40, 1), true, 40, 500},
      {C::too_large, true, 0, {}, false, 1'000, 500},
      {C::not_found, true, 0, {}, false, 1'000, 500},
  };
  for (const Case& one : cases) {
    CAPTURE(llm::failure_name(one.failure_class));
    CAPTURE(one.by_provider);
    CAPTURE(one.bytes);
    AttemptEnd end = end_of(Stage::stream, one.failure_class);
    end.bound.may_think = true;
    end.streamed = true;
    end.failure->by_provider = one.by_provider;
    end.bytes = one.bytes;
    end.usage = one.told.value_or(llm::Usage{});
    end.usage_covers_pieces = one.covers;
    check(end, ChargeKind::estimated, one.input, one.output);
  }
}

TEST_CASE("charging: an end without a report is charged what came") {
  AttemptEnd end = end_of(std::nullopt);
  end.complete = true;
  end.bytes = 20;
  check(end, ChargeKind::estimated, 1'000, 20);
}

TEST_CASE("charging: pieces say nothing of a model that may think unseen") {
  AttemptEnd left = end_of(Stage::stream);
  left.bound.may_think = true;
  left.streamed = left.stops_on_disconnect = true;
  left.bytes = 2;
  left.usage = usage(5, 1);  // Anthropic's first event
  check(left, ChargeKind::estimated, 5, 500);
  left.failure->failure_class = FailureClass::timeout;
  check(left, ChargeKind::estimated, 5, 500);
  left.failure.reset();
  left.complete = true;
  check(left, ChargeKind::reported, 5, 1);
  left.usage = {};
  check(left, ChargeKind::estimated, 1'000, 500);
  CHECK(AttemptBound{}.may_think);  // what nobody looked at
}

TEST_CASE("charging: what no report describes has the price at which it was reserved") {
  llm::Tariff tariff;
  tariff.rates.push_back({.price = {.input = 100, .output = 500}});
  tariff.rates.front().price.cache_write_long = 200;
  const llm::CallTime now{0, 60};
  AttemptEnd left = end_of(std::nullopt);
  left.streamed = true;
  const Charge unknown = charge_of(left);
  CHECK(price_of(unknown, left.bound, tariff, now) == 1'000 * 200 + 500 * 500);
  CHECK(price_of(unknown, left.bound, tariff, now) ==
        llm::cost_bound_picodollars(1'000, 500, {}, tariff, now));
  // The provider said what the prompt was.
  left.usage = usage(900, 0);
  CHECK(price_of(charge_of(left), left.bound, tariff, now) == 900 * 100 + 500 * 500);
  CHECK(price_of(charge_of(end_of(Stage::connect)), left.bound, tariff, now) == 0);
}

TEST_CASE("charging: uses of the provider's tools are charged as told, else as reserved") {
  llm::Tariff tariff;
  tariff.rates.push_back({.price = {.input = 1, .output = 1}});
  tariff.fees.web_search = 10'000;
  constexpr std::int64_t search = 10'000 * 1'000'000LL;
  const llm::CallTime now{0, 60};
  AttemptEnd end = end_of(std::nullopt);
  end.complete = true;
  end.bound.tool_uses.web_searches = 5;
  end.usage = usage(40, 6);
  end.usage.web_searches = 2;
  CHECK(price_of(charge_of(end), end.bound, tariff, now) == 46 + 2 * search);
  end.bound.tells_tool_uses = false;
  CHECK(price_of(charge_of(end), end.bound, tariff, now) == 46 + 5 * search);
  end.bound.tells_tool_uses = true;
  // Cut after a report: of what was searched since then nobody knows.
  end.complete = false;
  end.failure = Failure{.stage = Stage::stream, .failure_class = FailureClass::cut};
  CHECK(price_of(charge_of(end), end.bound, tariff, now) == 40 + 500 + 5 * search);
  end.usage = {};
  CHECK(price_of(charge_of(end), end.bound, tariff, now) == 1'000 + 500 + 5 * search);
}

}  // namespace
}  // namespace redoubt::upstream
