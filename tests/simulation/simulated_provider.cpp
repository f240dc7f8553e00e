#include "tests/simulation/simulated_provider.hpp"

#include <algorithm>

namespace redoubt::simulation {

using llm::FailureClass;
using upstream::Failure;
using upstream::Input;
using upstream::InputKind;
using upstream::Stage;

void SimulatedProvider::change_mood(std::int64_t now_ms) {
  while (now_ms >= mood_until_ms_) {
    constexpr Mood moods[] = {Mood::healthy, Mood::healthy, Mood::healthy,
                              Mood::healthy, Mood::healthy, Mood::slow,
                              Mood::failing, Mood::down,    Mood::limited};
    mood_ = moods[rng_.below(9)];
    mood_until_ms_ += 2'000 + rng_.below(20'000);
  }
}

void SimulatedProvider::fail(Exchange& exchange, std::int64_t at_ms, Stage stage) {
  constexpr FailureClass refusals[] = {
      FailureClass::bad_request,  FailureClass::unauthorized, FailureClass::not_found,
      FailureClass::rate_limited, FailureClass::no_quota,     FailureClass::overloaded,
      FailureClass::server_error, FailureClass::server_error, FailureClass::timeout};
  Failure failure{.stage = stage, .failure_class = FailureClass::server_error};
  if (stage == Stage::sent)
    failure.failure_class = chance(50) ? FailureClass::cut : FailureClass::timeout;
  if (stage == Stage::stream)
    failure.failure_class = chance(50) ? FailureClass::cut : FailureClass::overloaded;
  failure.by_provider = failure.failure_class == FailureClass::overloaded;
  if (stage == Stage::refused) {
    failure.failure_class =
        mood_ == Mood::limited ? FailureClass::rate_limited : refusals[rng_.below(9)];
    if (chance(30)) failure.retry_after_ms = rng_.below(12'000);
    failure.should_retry = !chance(20);
  }
  TimedInput last{.after_ms = at_ms};
  last.input = {.kind = InputKind::failed, .attempt = attempt_, .failure = failure};
  if (!exchange.inputs.empty()) last.generated = exchange.inputs.back().generated;
  exchange.inputs.push_back(last);
}

// The request arrived and is answered to nobody.
void SimulatedProvider::think_unheard(Exchange& exchange, std::int64_t input_upper,
                                      std::int64_t output_upper) {
  exchange.charged = true;
  exchange.input_tokens = 1 + rng_.below(static_cast<std::uint32_t>(input_upper));
  exchange.generated_at_end = rng_.below(static_cast<std::uint32_t>(output_upper + 1));
}

void SimulatedProvider::stream(Exchange& exchange, std::int64_t input_upper,
                               std::int64_t output_upper) {
  exchange.charged = true;
  exchange.input_tokens = 1 + rng_.below(static_cast<std::uint32_t>(input_upper));
  const std::int64_t output =
      chance(3) ? output_upper : 1 + rng_.below(static_cast<std::uint32_t>(output_upper));
  std::int64_t at_ms = mood_ == Mood::slow ? 1'500 + rng_.below(15'000) : 20 + rng_.below(900);
  const auto push = [&](Input input, std::int64_t generated) {
    input.attempt = attempt_;
    exchange.inputs.push_back({at_ms, input, generated});
  };
  push({.kind = InputKind::answer_began}, 0);
  llm::Usage usage{.input = exchange.input_tokens, .output = 1, .reported = true};
  // Who tells of usage while it streams tells the whole of it at the end (Anthropic, Gemini).
  const bool reports = !chance(5);
  if (reports && chance(30)) push({.kind = InputKind::usage, .usage = usage}, 0);
  const bool errs = chance(mood_ == Mood::failing ? 40 : 3);
  const bool stalls = chance(2);
  const int pieces = 1 + static_cast<int>(rng_.below(6));
  const int last_piece =
      errs || stalls ? static_cast<int>(rng_.below(static_cast<std::uint32_t>(pieces))) : pieces;
  std::int64_t generated = 0;
  for (int piece = 0; piece < last_piece; ++piece) {
    at_ms += 1 + rng_.below(mood_ == Mood::slow ? 3'000 : 300);
    if (chance(10)) push({.kind = InputKind::heartbeat}, generated);
    const std::int64_t more = (output - generated) / (pieces - piece);
    generated += more;
    // A token is at least a byte.
    push({.kind = InputKind::token, .bytes = more * (1 + rng_.below(6))}, generated);
  }
  at_ms += 1 + rng_.below(100);
  exchange.generated_at_end = output;
  if (stalls) {
    for (int beat = 0; beat < 8; ++beat, at_ms += 10'000)
      push({.kind = InputKind::heartbeat}, generated);
    return;
  }
  if (errs) {
    fail(exchange, at_ms, Stage::stream);
    const bool lost = exchange.inputs.back().input.failure.failure_class == FailureClass::cut;
    if (!lost) exchange.generated_at_end = generated;
    return;
  }
  usage.output = generated;
  usage.reported = reports;
  const bool good = !chance(5);
  push({.kind = InputKind::finished, .good = good, .usage = usage}, generated);
  if (chance(10)) push({.kind = InputKind::finished, .good = true, .usage = usage}, generated);
}

Exchange SimulatedProvider::exchange(int attempt, std::int64_t input_upper,
                                     std::int64_t output_upper, std::int64_t now_ms) {
  attempt_ = attempt;
  change_mood(now_ms);
  Exchange exchange;
  if (mood_ == Mood::down && chance(80)) {
    if (chance(70)) {
      fail(exchange, rng_.below(50), Stage::connect);
    } else {
      think_unheard(exchange, input_upper, output_upper);  // a black hole says nothing at all
    }
    return exchange;
  }
  if (chance(mood_ == Mood::failing || mood_ == Mood::limited ? 60 : 2)) {
    fail(exchange, 5 + rng_.below(400), Stage::refused);
  } else if (chance(2)) {
    think_unheard(exchange, input_upper, output_upper);
    fail(exchange, 5 + rng_.below(2'000), Stage::sent);
  } else {
    stream(exchange, input_upper, output_upper);
  }
  return exchange;
}

}  // namespace redoubt::simulation
