#include "tools/arena/opponents/opponents.hpp"

#include <array>

#include "tools/arena/opponents/makers.hpp"

namespace redoubt::arena {

std::span<const Opponent> opponents() {
  static const std::array<Opponent, 11> all{{
      {"turtle", "defenders hold the ground around the base", turtle_settings(), make_turtle},
      {"economy", "workers and ground first, an army out of a full purse", economy_settings(),
       make_economy},
      {"expander", "ground first, with many fast explorers", expander_settings(), make_expander},
      {"raider", "fast attackers that live off the enemy's workers", raider_settings(),
       make_raider},
      {"hunter", "packs of fast defenders that look for fighters", hunter_settings(), make_hunter},
      {"phalanx", "slow, sturdy defenders that march as one body", phalanx_settings(),
       make_phalanx},
      {"timing", "an economy turned into one attack with everybody", timing_settings(),
       make_timing},
      {"lookahead", "one-step lookahead over the scripts of units in contact", lookahead_settings(),
       make_lookahead},
      {"portfolio", "portfolio greedy search over unit scripts", portfolio_settings(),
       make_portfolio},
      {"bandits", "naive Monte-Carlo search, a combinatorial bandit", bandits_settings(),
       make_bandits},
      {"rolling", "rolling horizon evolution of unit scripts", rolling_settings(), make_rolling},
  }};
  return all;
}

}  // namespace redoubt::arena
