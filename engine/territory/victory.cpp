// Who is out, who has won, and in which order the teams come.
#include <algorithm>

#include "engine/territory/phases.hpp"

namespace redoubt::territory {
namespace {

bool is_in(const World& w, std::size_t team) {
  return w.eliminated_tick[team] < 0;
}

bool can_afford_any(const Board& board, const World& w, std::size_t team) {
  for (const Amounts& price : board.cheapest()) {
    bool enough = true;
    for (std::size_t k = 0; k < price.size(); ++k)
      enough &= w.store[team][k] >= price[k];
    if (enough) return true;
  }
  return false;
}

// Later elimination is better, then more held cells; true where a comes before b.
bool comes_before(const World& w, std::size_t a, std::size_t b) {
  const std::int32_t out_a = is_in(w, a) ? never : w.eliminated_tick[a];
  const std::int32_t out_b = is_in(w, b) ? never : w.eliminated_tick[b];
  if (out_a != out_b) return out_a > out_b;
  return w.held[a] > w.held[b];
}

void finish(Tick& t, Victory victory, Team winner) {
  World& w = t.world;
  const auto teams = static_cast<std::size_t>(t.board.teams());
  w.over = 1;
  w.victory = victory;
  w.winner = winner;
  for (std::size_t a = 0; a < teams; ++a) {
    int rank = 1;
    for (std::size_t b = 0; b < teams; ++b) {
      if (a == b || a == winner) continue;
      if (b == winner || comes_before(w, b, a)) ++rank;
    }
    w.rank[a] = static_cast<std::uint8_t>(rank);
  }
  t.tell({.kind = EventKind::won, .team = winner, .tick = t.now});
}

// The first of all in comes_before(), or no_team where two are first.
Team leader(const Tick& t) {
  const auto teams = static_cast<std::size_t>(t.board.teams());
  std::size_t best = 0;
  bool shared = false;
  for (std::size_t team = 1; team < teams; ++team) {
    if (comes_before(t.world, team, best)) {
      best = team;
      shared = false;
    } else if (!comes_before(t.world, best, team)) {
      shared = true;
    }
  }
  return shared ? no_team : static_cast<Team>(best);
}

// A team without agents is broke while it cannot build any; true where one was eliminated now.
bool count_broke(Tick& t, std::size_t team) {
  World& w = t.world;
  const bool broke = is_in(w, team) && !can_afford_any(t.board, w, team);
  w.broke_ticks[team] = broke ? w.broke_ticks[team] + 1 : 0;
  if (w.broke_ticks[team] < t.board.rules().elimination_ticks) return false;
  w.eliminated_tick[team] = t.now;
  w.broke_ticks[team] = 0;
  return true;
}

bool count_ticks(Tick& t) {
  World& w = t.world;
  const std::int32_t needed = t.board.territory_cells();
  bool eliminated = false;
  for (int team = 0; team < t.board.teams(); ++team) {
    const auto i = static_cast<std::size_t>(team);
    const bool enough = w.held[i] >= needed && is_in(w, i);
    w.territory_ticks[i] = enough ? w.territory_ticks[i] + 1 : 0;
    if ((w.living & team_bits(team)) == 0) {
      eliminated |= count_broke(t, i);
    } else {
      w.broke_ticks[i] = 0;
    }
  }
  return eliminated;
}

bool last_one_left(Tick& t) {
  const auto teams = static_cast<std::size_t>(t.board.teams());
  std::size_t in = 0;
  for (std::size_t team = 0; team < teams; ++team)
    in += is_in(t.world, team);
  if (in > 1) return false;
  // With nobody left the last ones to go come first.
  finish(t, Victory::elimination, leader(t));
  return true;
}

bool territory_won(Tick& t) {
  const World& w = t.world;
  const auto teams = static_cast<std::size_t>(t.board.teams());
  std::size_t best = teams;
  bool shared = false;
  for (std::size_t team = 0; team < teams; ++team) {
    if (w.territory_ticks[team] < t.board.rules().territory_ticks) continue;
    shared = best < teams && w.held[team] == w.held[best];
    if (best == teams || w.held[team] > w.held[best]) best = team;
  }
  if (best == teams) return false;
  finish(t, Victory::territory, shared ? no_team : static_cast<Team>(best));
  return true;
}

bool dominates(const Tick& t, std::size_t team) {
  const World& w = t.world;
  const Rules& rules = t.board.rules();
  if (!is_in(w, team) || w.deposits[team] < rules.domination_deposits_min) return false;
  for (std::size_t other = 0; other < static_cast<std::size_t>(t.board.teams()); ++other) {
    if (other == team) continue;
    if (w.deposits[team] < std::int64_t{rules.domination_factor} * w.deposits[other]) return false;
  }
  return true;
}

bool domination_won(Tick& t) {
  if (t.now + 1 < t.board.rules().domination_from_tick) return false;
  for (std::size_t team = 0; team < static_cast<std::size_t>(t.board.teams()); ++team) {
    if (!dominates(t, team)) continue;
    finish(t, Victory::domination, static_cast<Team>(team));
    return true;
  }
  return false;
}

}  // namespace

void judge(Tick& t) {
  const bool eliminated = count_ticks(t);
  if ((eliminated && last_one_left(t)) || territory_won(t) || domination_won(t)) return;
  if (t.now + 1 >= t.board.rules().time_limit_ticks) finish(t, Victory::time_limit, leader(t));
}

Outcome outcome(const Board&, const World& w) {
  return {.over = w.over != 0,
          .by = w.victory,
          .winner = w.winner,
          .tick = w.over != 0 ? w.tick : 0,
          .rank = w.rank};
}

}  // namespace redoubt::territory
