// Replay: map + rules + seed + orders by tick, with a state hash each 64 ticks; playing it back
// anywhere gives the same hashes or names the first recorded tick that differs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/territory/step.hpp"

namespace redoubt::territory {

constexpr int replay_hash_interval_ticks = 64;
/// Version of the file's layout; others are refused.
constexpr int replay_format = 1;

struct TimedOrder {
  std::int32_t tick = 0;  ///< the tick in which it acted (passed to the step from `tick`)
  Order order;
};

struct Replay {
  Map map;
  Rules rules;
  std::uint64_t seed = 0;
  Lots lots = default_lots;
  std::vector<std::string> players;      ///< one name a team, for people
  std::vector<std::int32_t> work_units;  ///< a team: work spent, 0 where unknown
  std::vector<TimedOrder> orders;        ///< ascending by tick
  std::vector<std::uint64_t> hashes;     ///< after tick 64, 128, ...
  std::int32_t final_tick = 0;
  std::uint64_t final_hash = 0;
};

std::string write_replay(const Replay& replay);
/// Error bad_replay (with the byte where it went wrong) or version_mismatch.
Result<Replay> read_replay(std::string_view bytes);

struct Verdict {
  bool same = true;
  std::int32_t tick = 0;  ///< the last tick played, or the first recorded tick that differs
  std::uint64_t recorded = 0;
  std::uint64_t computed = 0;
};
/// Plays the whole replay. An order that the rules refuse is error bad_replay.
Result<Verdict> verify(const Replay& replay);

}  // namespace redoubt::territory
