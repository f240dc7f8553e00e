// Moves: who arrives arrives, then everybody who stands decides from the same picture, then the
// wishes are granted. A departing agent keeps both cells until it arrives, so wishes clash only
// with wishes of the same tick.
#include <algorithm>

#include "engine/territory/phases.hpp"

namespace redoubt::territory {
namespace {

constexpr std::int32_t pause_ticks = 10;

/// What one agent wants. With neither wish nor swap it stands until `wake_tick`. No initialisers:
/// Moves holds one for each slot and fills only those that decide.
struct Choice {
  Cell wish;  ///< a free cell to enter, or no_cell
  Cell swap;  ///< first try to change places with the ally that stands there, or no_cell
  bool detour;
  std::int32_t wake_tick;
};

Choice stand_until(std::int32_t tick) {
  return {no_cell, no_cell, false, tick};
}
Choice enter(Cell cell) {
  return {cell, no_cell, false, 0};
}

class Moves {
 public:
  explicit Moves(Tick& t) : t_(t), board_(t.board), w_(t.world), now_(t.now) {}

  void run();

 private:
  std::uint64_t due() const;
  void arrive(std::size_t s);
  void deposit(std::size_t s);
  bool leaves_to_fight(std::size_t s) const;

  Choice decide(std::size_t s);
  Choice decide_there(std::size_t s);
  Choice stop_at_foreign_base(std::size_t s);
  Choice collect(std::size_t s);
  void harvest(std::size_t s, std::size_t site);
  Choice wait_at_site(std::size_t s, std::size_t site);
  Choice attack(std::size_t s);
  Choice go_home(std::size_t s);
  Choice go(std::size_t s, Cell goal);
  bool may_enter(std::size_t s, Cell cell) const;
  Choice go_around(std::size_t s, Cell goal, std::uint8_t ways);
  Choice blocked(std::size_t s, Cell goal, Cell ahead, std::uint8_t ways);
  Choice side_step(std::size_t s, Cell goal, std::uint8_t ways);
  Choice done(std::size_t s);

  int enemy_to_engage(std::size_t s) const;
  int team(std::size_t s) const { return slot_team(static_cast<int>(s)); }

  void grant(std::uint64_t deciding);
  void swap_pairs(std::uint64_t swapping);
  void push_idle(std::uint64_t swapping);
  bool may_be_pushed(int slot, int by_team) const;
  void change_places(int a, int b);
  void claim(int slot);
  void depart(std::size_t s, Cell to);
  void stand(std::size_t s, std::int32_t wake_tick);
  int ticks_to_enter(std::size_t s, Cell to) const;

  Tick& t_;
  const Board& board_;
  World& w_;
  const std::int32_t now_;
  std::uint64_t settled_ = 0;  // slots whose move of this tick is decided
  std::array<Choice, agents_max> choice_;
};

std::uint64_t Moves::due() const {
  std::uint64_t bits = slots_due(w_.wake_tick, first_slot(board_.teams()), now_);
  each_slot(t_.contact & ~bits, [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    if (w_.next[s] == no_cell && leaves_to_fight(s)) bits |= bit(slot);
  });
  return bits;
}

void Moves::run() {
  const std::uint64_t deciding = due();
  if (deciding == 0) return;
  each_slot(deciding, [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    if (w_.next[s] != no_cell) arrive(s);
  });
  std::uint64_t swapping = 0;
  each_slot(deciding, [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    choice_[s] = decide(s);
    if (choice_[s].swap != no_cell) swapping |= bit(slot);
  });
  if (swapping != 0) {
    swap_pairs(swapping);
    push_idle(swapping & ~settled_);
  }
  grant(deciding & ~settled_);
}

void Moves::arrive(std::size_t s) {
  const auto slot = static_cast<std::uint8_t>(s);
  const Cell from = w_.cell[s];
  const Cell to = w_.next[s];
  if (w_.occupant[from] == slot) {
    // Swapping allies arrive in the same tick; the cell left behind is the partner's.
    const std::uint8_t partner = w_.occupant[to];
    const bool swapping = partner != slot && partner != no_slot && w_.next[partner] == from;
    w_.occupant[from] = swapping ? partner : no_slot;
  }
  w_.occupant[to] = slot;
  w_.cell[s] = to;
  w_.next[s] = no_cell;
  w_.came_from[s] = from;
  w_.q[s] = board_.q(to);
  w_.r[s] = board_.r(to);
  const bool all_ours = w_.owner[to] == team(s) && w_.control[to] >= board_.rules().control_max;
  w_.capturing = all_ours ? w_.capturing & ~bit(slot) : w_.capturing | bit(slot);
  if (w_.load[s] > 0 && board_.near_to_deposit(to, team(s))) deposit(s);
}

void Moves::deposit(std::size_t s) {
  const auto i = static_cast<std::size_t>(team(s));
  const std::int32_t units = w_.load[s];
  std::int32_t& store = w_.store[i][static_cast<std::size_t>(w_.load_type[s])];
  store = std::min(store_max_units, store + units);
  w_.deposits[i] += units;
  w_.load[s] = 0;
  w_.load_type[s] = Resource::energy;
  w_.errand[s] = Errand::outbound;
  t_.tell({.kind = EventKind::deposited,
           .team = static_cast<Team>(i),
           .tick = now_,
           .agent = w_.id[s],
           .cell = w_.cell[s],
           .amount = units});
}

bool Moves::leaves_to_fight(std::size_t s) const {
  switch (w_.order[s]) {
    case OrderKind::attack:
    case OrderKind::guard:
      return true;
    case OrderKind::idle:
      return w_.role[s] == Role::defender || w_.role[s] == Role::attacker;
    default:
      return false;
  }
}

Choice Moves::decide(std::size_t s) {
  if ((t_.contact >> s & 1) != 0 && leaves_to_fight(s)) {
    const int enemy = enemy_to_engage(s);
    if (enemy >= 0) {
      const auto e = static_cast<std::size_t>(enemy);
      if (cells_apart(w_, e, w_.q[s], w_.r[s]) <= board_.rules().range_cells) {
        return stand_until(now_ + 1);
      }
      return go(s, w_.cell[e]);
    }
  }
  constexpr unsigned goes_to_cell = 1u << static_cast<unsigned>(OrderKind::move) |
                                    1u << static_cast<unsigned>(OrderKind::collect) |
                                    1u << static_cast<unsigned>(OrderKind::capture) |
                                    1u << static_cast<unsigned>(OrderKind::guard);
  const Cell goal = w_.errand[s] == Errand::homeward ? board_.base(team(s)) : w_.order_cell[s];
  const bool on_the_way = (goes_to_cell >> static_cast<unsigned>(w_.order[s]) & 1u) != 0;
  return on_the_way && w_.cell[s] != goal ? go(s, goal) : decide_there(s);
}

// Where it was sent, or without a place to go to.
Choice Moves::decide_there(std::size_t s) {
  switch (w_.order[s]) {
    case OrderKind::move:
      return done(s);
    case OrderKind::collect:
      return collect(s);
    case OrderKind::retreat:
      return go_home(s);
    // capture() wakes it when the cell is fully theirs.
    case OrderKind::capture:
      return (w_.capturing >> s & 1) == 0 ? done(s) : stand_until(never);
    case OrderKind::attack:
      return attack(s);
    case OrderKind::guard:
    case OrderKind::idle:
    case OrderKind::spawn:
      break;
  }
  return stand_until(never);
}

// Nearest first, then weakest, then by lot. A guard leaves his post for no more than its reach.
int Moves::enemy_to_engage(std::size_t s) const {
  const int engage = board_.rules().engage_cells;
  int best = -1;
  int best_distance = engage + 1;
  each_slot(w_.living & ~team_bits(team(s)), [&](int slot) {
    const auto e = static_cast<std::size_t>(slot);
    const int d = cells_apart(w_, e, w_.q[s], w_.r[s]);
    if (d > best_distance || d > engage) return;
    if (w_.order[s] == OrderKind::guard && board_.distance(w_.order_cell[s], w_.cell[e]) > engage) {
      return;
    }
    if (d == best_distance) {
      const auto b = static_cast<std::size_t>(best);
      if (w_.health[e] > w_.health[b]) return;
      if (w_.health[e] == w_.health[b] && tie_key(w_, slot) > tie_key(w_, best)) return;
    }
    best = slot;
    best_distance = d;
  });
  return best;
}

// Beside a foreign base, which cannot be entered: that is as near as one gets.
Choice Moves::stop_at_foreign_base(std::size_t s) {
  switch (w_.order[s]) {
    case OrderKind::move:
      return done(s);
    case OrderKind::guard:
      return stand_until(never);
    case OrderKind::attack:
      // After a target that stands in there and is out of range, or where it was sent.
      return w_.order_target[s] == no_agent ? done(s) : stand_until(now_ + 1);
    default:
      return stand_until(now_ + 1);
  }
}

Choice Moves::done(std::size_t s) {
  w_.order[s] = OrderKind::idle;
  w_.order_cell[s] = no_cell;
  w_.order_target[s] = no_agent;
  w_.errand[s] = Errand::outbound;
  return stand_until(never);
}

// On its site. give() and deposit() set the errand for the ways between.
Choice Moves::collect(std::size_t s) {
  const auto site = static_cast<std::size_t>(board_.site_at(w_.order_cell[s]));
  if (w_.errand[s] == Errand::harvesting && w_.stock[site] > 0) harvest(s, site);
  const bool full = w_.load[s] >= w_.capacity[s];
  const bool last = w_.load[s] > 0 && w_.stock[site] == 0;
  if (!full && !last) return wait_at_site(s, site);
  w_.errand[s] = Errand::homeward;
  return go(s, board_.base(team(s)));
}

void Moves::harvest(std::size_t s, std::size_t site) {
  --w_.stock[site];
  ++w_.load[s];
  w_.load_type[s] = board_.map().sites[site].type;
  t_.tell({.kind = EventKind::collected,
           .team = static_cast<Team>(team(s)),
           .tick = now_,
           .agent = w_.id[s],
           .cell = w_.cell[s],
           .amount = 1});
  if (board_.near_to_deposit(w_.cell[s], team(s))) deposit(s);
}

// For the next unit, or for the site to grow one.
Choice Moves::wait_at_site(std::size_t s, std::size_t site) {
  const Rules& rules = board_.rules();
  if (w_.stock[site] > 0) {
    w_.errand[s] = Errand::harvesting;
    return stand_until(now_ + rules.harvest_ticks[static_cast<std::size_t>(w_.role[s])]);
  }
  w_.errand[s] = Errand::outbound;
  return stand_until((now_ / rules.regrow_ticks + 1) * rules.regrow_ticks);
}

Choice Moves::attack(std::size_t s) {
  const AgentId wanted = w_.order_target[s];
  if (wanted != no_agent) {
    const int slot = slot_of(w_, wanted);
    if (slot < 0) return done(s);
    const auto e = static_cast<std::size_t>(slot);
    if (sees(board_, w_, team(s), w_.cell[e])) {
      const int d = cells_apart(w_, e, w_.q[s], w_.r[s]);
      return d <= board_.rules().range_cells ? stand_until(now_ + 1) : go(s, w_.cell[e]);
    }
  }
  const Cell goal = w_.order_cell[s];
  return goal == no_cell || w_.cell[s] == goal ? done(s) : go(s, goal);
}

Choice Moves::go_home(std::size_t s) {
  const Cell here = w_.cell[s];
  const bool hurt = (w_.damaged >> s & 1) != 0;
  const bool home = board_.near_to_deposit(here, team(s));
  if (!home || (hurt && !board_.near_to_heal(here, team(s)))) return go(s, board_.base(team(s)));
  // heal() wakes it when it is whole again.
  return hurt ? stand_until(never) : done(s);
}

Choice Moves::go(std::size_t s, Cell goal) {
  const Cell here = w_.cell[s];
  const std::uint8_t* row = board_.ways_to(goal);
  std::uint8_t ways = row[here];
  if (ways == 0) {
    // Ways lead around bases, but the own one may be passed: go there first.
    goal = board_.base(team(s));
    row = board_.ways_to(goal);
    ways = row[here];
    if (ways == 0) return done(s);
  }
  const Cell first = board_.neighbours(here)[board_.first_direction(team(s), ways)];
  // Read again at the arrival, some ticks later; the table is larger than the near caches.
  __builtin_prefetch(row + first);
  if (w_.occupant[first] == no_slot && may_enter(s, first)) return enter(first);
  return go_around(s, goal, ways);
}

bool Moves::may_enter(std::size_t s, Cell cell) const {
  const std::uint8_t base = board_.base_at(cell);
  return base == 0xff || base == team(s);
}

// The first way is taken: another one as short, or what blocked() says.
Choice Moves::go_around(std::size_t s, Cell goal, std::uint8_t ways) {
  const std::array<Cell, 6>& around = board_.neighbours(w_.cell[s]);
  Cell ahead = no_cell;
  for (std::uint8_t d : board_.directions_in_order(team(s))) {
    if ((ways >> d & 1) == 0 || !may_enter(s, around[d])) continue;
    if (w_.occupant[around[d]] == no_slot) return enter(around[d]);
    if (ahead == no_cell) ahead = around[d];
  }
  return ahead == no_cell ? stop_at_foreign_base(s) : blocked(s, goal, ahead, ways);
}

Choice Moves::blocked(std::size_t s, Cell goal, Cell ahead, std::uint8_t ways) {
  const std::uint8_t other = w_.occupant[ahead];
  const bool moving = w_.next[other] != no_cell;
  if (moving) {
    // Leaving: the cell is free at its arrival. Entering: it will go on or stand there.
    return stand_until(std::max(now_ + 1, w_.wake_tick[other]));
  }
  Choice choice = ahead == goal ? stand_until(now_ + 1) : side_step(s, goal, ways);
  if (slot_team(other) == team(s)) choice.swap = ahead;
  return choice;
}

// Along cells that are no farther from the goal: the next way from there leads nearer than here,
// so that it cannot come straight back.
Choice Moves::side_step(std::size_t s, Cell goal, std::uint8_t ways) {
  const Cell here = w_.cell[s];
  const std::uint16_t* distance = board_.distances_to(goal);
  if (distance[here] < w_.nearest[s]) {
    w_.nearest[s] = distance[here];
    w_.detours[s] = 0;
  }
  if (w_.detours[s] >= detours_max) {
    w_.detours[s] = 0;
    return stand_until(now_ + pause_ticks);
  }
  const std::array<Cell, 6>& around = board_.neighbours(here);
  Cell best = no_cell;
  for (std::uint8_t d : board_.directions_in_order(team(s))) {
    const Cell cell = around[d];
    if (cell == no_cell || (ways >> d & 1) != 0 || cell == w_.came_from[s]) continue;
    if (!board_.passable(cell) || w_.occupant[cell] != no_slot) continue;
    if (board_.base_at(cell) != 0xff || distance[cell] > distance[here]) continue;
    if (best == no_cell || distance[cell] < distance[best]) best = cell;
  }
  if (best == no_cell) return stand_until(now_ + 1);
  return {best, no_cell, true, 0};
}

void Moves::grant(std::uint64_t deciding) {
  each_slot(deciding, [&](int slot) {
    if (choice_[static_cast<std::size_t>(slot)].wish != no_cell) claim(slot);
  });
  each_slot(deciding, [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    const Choice& choice = choice_[s];
    if (choice.wish == no_cell) {
      return stand(s, choice.swap != no_cell ? now_ + 1 : choice.wake_tick);
    }
    if (w_.occupant[choice.wish] != slot) return stand(s, now_ + 1);
    if (choice.detour) ++w_.detours[s];
    depart(s, choice.wish);
  });
}

void Moves::swap_pairs(std::uint64_t swapping) {
  each_slot(swapping, [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    if ((settled_ >> s & 1) != 0) return;
    const std::uint8_t other = w_.occupant[choice_[s].swap];
    if ((swapping >> other & 1) == 0 || choice_[other].swap != w_.cell[s]) return;
    change_places(slot, other);
  });
}

// An ally with nothing to do makes way. Of several that want past it the lot decides.
void Moves::push_idle(std::uint64_t swapping) {
  std::array<std::uint8_t, agents_max> pusher;
  std::uint64_t pushed = 0;
  each_slot(swapping, [&](int slot) {
    const std::uint8_t other = w_.occupant[choice_[static_cast<std::size_t>(slot)].swap];
    if (!may_be_pushed(other, slot_team(slot))) return;
    const bool first = (pushed >> other & 1) == 0;
    if (first || tie_key(w_, slot) < tie_key(w_, pusher[other])) {
      pusher[other] = static_cast<std::uint8_t>(slot);
    }
    pushed |= bit(other);
  });
  each_slot(pushed, [&](int slot) { change_places(pusher[static_cast<std::size_t>(slot)], slot); });
}

bool Moves::may_be_pushed(int slot, int by_team) const {
  const auto s = static_cast<std::size_t>(slot);
  return slot_team(slot) == by_team && w_.order[s] == OrderKind::idle && w_.next[s] == no_cell &&
         (settled_ >> slot & 1) == 0;
}

void Moves::change_places(int a, int b) {
  const auto s = static_cast<std::size_t>(a);
  const auto u = static_cast<std::size_t>(b);
  const int ticks = std::max(ticks_to_enter(s, w_.cell[u]), ticks_to_enter(u, w_.cell[s]));
  w_.next[s] = w_.cell[u];
  w_.next[u] = w_.cell[s];
  w_.surplus[s] = w_.surplus[u] = 0;
  w_.wake_tick[s] = w_.wake_tick[u] = now_ + ticks;
  settled_ |= bit(a) | bit(b);
}

// The cell was free when everybody decided, so whoever is in it now claimed it in this tick.
void Moves::claim(int slot) {
  std::uint8_t& occupant = w_.occupant[choice_[static_cast<std::size_t>(slot)].wish];
  if (occupant == no_slot || tie_key(w_, slot) < tie_key(w_, occupant)) {
    occupant = static_cast<std::uint8_t>(slot);
  }
}

int Moves::ticks_to_enter(std::size_t s, Cell to) const {
  const int missing = board_.enter_cost(to) - w_.surplus[s];
  return std::max(1, (missing + w_.rate[s] - 1) / w_.rate[s]);
}

void Moves::depart(std::size_t s, Cell to) {
  const int ticks = ticks_to_enter(s, to);
  const int beyond = ticks * w_.rate[s] + w_.surplus[s] - board_.enter_cost(to);
  w_.next[s] = to;
  w_.surplus[s] = std::min(beyond, w_.rate[s] - 1);
  w_.wake_tick[s] = now_ + ticks;
}

void Moves::stand(std::size_t s, std::int32_t wake_tick) {
  w_.surplus[s] = 0;
  w_.wake_tick[s] = wake_tick;
}

}  // namespace

void move_agents(Tick& t) {
  Moves(t).run();
}

}  // namespace redoubt::territory
