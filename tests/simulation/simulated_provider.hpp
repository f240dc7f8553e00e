// A provider and the network in between, for the gateway's simulation: what a call of a target
// brings, as a list of inputs with their times, all of it fixed by the seed.
//
// A target has moods that change as time goes on: healthy, slow, failing, down, limited. Whatever
// its mood, an attempt may be refused, stall, be cut, fail after a 200, or finish twice.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/rng.hpp"
#include "relay/upstream/model_call.hpp"

namespace redoubt::simulation {

struct TimedInput {
  std::int64_t after_ms = 0;  ///< since the attempt was opened
  upstream::Input input;
  /// What the provider has really generated, and will charge, when this has been sent.
  std::int64_t generated = 0;
};

/// One attempt as the provider lives it.
struct Exchange {
  std::int64_t input_tokens = 0;  ///< what it charges for the prompt once it has begun
  bool charged = false;           ///< it charges anything at all
  /// The output that it generates and charges where nothing stops it, whoever reads it.
  std::int64_t generated_at_end = 0;
  std::vector<TimedInput> inputs;
};

class SimulatedProvider {
 public:
  explicit SimulatedProvider(Rng rng) : rng_(rng) {}

  Exchange exchange(int attempt, std::int64_t input_upper, std::int64_t output_upper,
                    std::int64_t now_ms);

 private:
  enum class Mood : std::uint8_t { healthy, slow, failing, down, limited };
  void change_mood(std::int64_t now_ms);
  bool chance(std::uint32_t percent) { return rng_.below(100) < percent; }
  void fail(Exchange& exchange, std::int64_t at_ms, upstream::Stage stage);
  void think_unheard(Exchange& exchange, std::int64_t input_upper, std::int64_t output_upper);
  void stream(Exchange& exchange, std::int64_t input_upper, std::int64_t output_upper);

  Rng rng_;
  Mood mood_ = Mood::healthy;
  std::int64_t mood_until_ms_ = 0;
  int attempt_ = 0;
};

}  // namespace redoubt::simulation
