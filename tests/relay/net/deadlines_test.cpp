#include "relay/net/deadlines.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace redoubt::net;

TEST_CASE("each phase has its own deadline") {
  const Deadlines d{.handshake_ms = 1,
                    .idle_ms = 2,
                    .head_ms = 3,
                    .body_ms = 4,
                    .handler_ms = 5,
                    .write_ms = 6,
                    .write_rate_min_bytes_s = 1000,
                    .linger_ms = 7};
  struct Row {
    Phase phase;
    std::int64_t expected;
  };
  for (const Row& row :
       {Row{Phase::handshake, 101}, Row{Phase::idle, 102}, Row{Phase::head, 103},
        Row{Phase::body, 104}, Row{Phase::handler, 105}, Row{Phase::write, 106},
        Row{Phase::linger, 107}, Row{Phase::websocket, std::numeric_limits<std::int64_t>::max()}}) {
    CAPTURE(to_string(row.phase));
    CHECK(deadline_ms(d, row.phase, 100) == row.expected);
  }
  // A longer answer has longer: 5000 bytes at 1000 a second.
  CHECK(deadline_ms(d, Phase::write, 100, 5000) == 5106);
}

TEST_CASE("a body or message is too slow by its rate after the grace, or by its whole time") {
  const Deadlines d{.body_ms = 30'000, .read_grace_ms = 5'000, .read_rate_min_bytes_s = 1'000};
  CHECK_FALSE(too_slow(d, 100, 5'100, 0));
  CHECK(too_slow(d, 100, 5'102, 0));
  CHECK_FALSE(too_slow(d, 100, 7'100, 2'000));
  CHECK(too_slow(d, 100, 7'100, 1'999));
  CHECK_FALSE(too_slow(d, 100, 30'100, 1'000'000));
  CHECK(too_slow(d, 100, 30'101, 1'000'000));
}

TEST_CASE("who holds memory for which others wait goes on at a rate, in each window") {
  struct Step {
    bool is_short;
    std::int64_t now_ms;
    std::size_t bytes;
    bool slow;
  };
  Pace pace;
  for (const Step& step : {
           Step{false, 1'000, 0, false},
           Step{true, 2'000, 0, false},  // the window begins
           Step{true, 4'999, 0, false},
           Step{true, 5'000, 3'000, false},  // 1000 a second
           Step{true, 8'000, 5'999, true},
           Step{true, 11'000, 9'000, false},
           Step{false, 12'000, 9'000, false},  // nobody waits: what was slow is forgotten
           Step{true, 20'000, 9'000, false},
           Step{true, 23'000, 100, false},  // another answer
           Step{true, 26'000, 100, true},
       }) {
    CAPTURE(step.now_ms);
    CHECK(pace.too_slow(step.is_short, 3'000, 1'000, step.now_ms, step.bytes) == step.slow);
  }
}
