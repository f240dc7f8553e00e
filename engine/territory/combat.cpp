// Strikes of agents and bases, summed from the state before, then the deaths.
//
// Distances are computed only where enemies can be near: contact_tick says when an agent's nearest
// enemy can be within reach at the earliest, given how fast anyone moves.
#include <algorithm>

#include "engine/territory/phases.hpp"

namespace redoubt::territory {
namespace {

constexpr int far_away = 0x7fff;

struct Hits {
  BySlot<std::int32_t> damage{};
  std::uint64_t who = 0;
};

using Lanes = std::array<std::int16_t, agents_per_team_max>;

// Distances from (q, r) to the sixteen slots of `team`; free slots lie far away. Sixteen-bit lanes
// and a fixed count: compilers make vector code of it.
Lanes distances_to(const World& w, int team, std::int16_t q, std::int16_t r) {
  const std::int16_t* qs = &w.q[static_cast<std::size_t>(first_slot(team))];
  const std::int16_t* rs = &w.r[static_cast<std::size_t>(first_slot(team))];
  Lanes lanes;
  for (std::size_t k = 0; k < lanes.size(); ++k) {
    const auto dq = static_cast<std::int16_t>(qs[k] - q);
    const auto dr = static_cast<std::int16_t>(rs[k] - r);
    const auto ds = static_cast<std::int16_t>(dq + dr);
    const std::int16_t aq = dq < 0 ? static_cast<std::int16_t>(-dq) : dq;
    const std::int16_t ar = dr < 0 ? static_cast<std::int16_t>(-dr) : dr;
    const std::int16_t as = ds < 0 ? static_cast<std::int16_t>(-ds) : ds;
    const std::int16_t qr = aq > ar ? aq : ar;
    lanes[k] = qr > as ? qr : as;
  }
  return lanes;
}

int least(const Lanes& lanes) {
  std::int16_t best = lanes[0];
  for (std::int16_t d : lanes)
    best = d < best ? d : best;
  return best;
}

std::uint64_t slots_within(const Lanes& lanes, int team, int cells) {
  std::array<std::uint8_t, agents_per_team_max> within;
  for (std::size_t k = 0; k < lanes.size(); ++k)
    within[k] = lanes[k] <= cells ? 1 : 0;
  return gathered(within) << first_slot(team);
}

// The next tick in which a distance can have shrunk by more than `slack`, when each of `movers`
// enters at most one cell in the first of the ticks between and one in ticks_per_cell_min after.
std::int32_t next_look(const Tick& t, int slack, int movers) {
  return t.now + std::max(1, t.board.ticks_per_cell_min() * (slack / movers));
}

void meet(Tick& t, int slot, const Lanes& lanes, int team) {
  const Rules& rules = t.board.rules();
  const std::uint64_t near = slots_within(lanes, team, rules.engage_cells);
  const std::uint64_t in_range = slots_within(lanes, team, rules.range_cells);
  if (near != 0) t.contact |= near | bit(slot);
  if (in_range != 0) t.in_range |= in_range | bit(slot);
}

// Each pair is looked at from its lower team's side only.
void find_contacts(Tick& t) {
  World& w = t.world;
  const int teams = t.board.teams();
  const int reach = t.board.contact_cells();
  each_slot(slots_due(w.contact_tick, first_slot(teams - 1), t.now), [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    int nearest = far_away;
    for (int team = slot_team(slot) + 1; team < teams; ++team) {
      const Lanes lanes = distances_to(w, team, w.q[s], w.r[s]);
      const int d = least(lanes);
      nearest = std::min(nearest, d);
      if (d <= reach) meet(t, slot, lanes, team);
    }
    w.contact_tick[s] = nearest > reach ? next_look(t, nearest - reach - 1, 2) : t.now + 1;
  });
}

int nearest_enemy(const World& w, int teams, int team, std::int16_t q, std::int16_t r) {
  int nearest = far_away;
  for (int other = 0; other < teams; ++other) {
    if (other != team) nearest = std::min(nearest, least(distances_to(w, other, q, r)));
  }
  return nearest;
}

// The weakest enemy of `team` within `range` of (q, r); its health decides, then its lot.
int weakest_within(const World& w, int team, int q, int r, int range) {
  int best = -1;
  std::uint64_t best_key = 0;
  each_slot(w.living & ~team_bits(team), [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    if (cells_apart(w, s, q, r) > range) return;
    const int against = best < 0 ? 0 : w.health[static_cast<std::size_t>(best)] - w.health[s];
    if (best >= 0 && against < 0) return;
    const std::uint64_t key = tie_key(w, slot);
    if (best >= 0 && against == 0 && key > best_key) return;
    best = slot;
    best_key = key;
  });
  return best;
}

int choose_target(const Tick& t, std::size_t s) {
  const World& w = t.world;
  const int range = t.board.rules().range_cells;
  if (w.order[s] == OrderKind::attack) {
    const int wanted = slot_of(w, w.order_target[s]);
    if (wanted >= 0 && cells_apart(w, static_cast<std::size_t>(wanted), w.q[s], w.r[s]) <= range) {
      return wanted;
    }
  }
  return weakest_within(w, slot_team(static_cast<int>(s)), w.q[s], w.r[s], range);
}

void hit(Tick& t, Hits& hits, int target, std::int32_t damage, AgentId by) {
  const auto s = static_cast<std::size_t>(target);
  hits.damage[s] += damage;
  hits.who |= bit(target);
  t.tell({.kind = EventKind::hit,
          .team = static_cast<Team>(slot_team(target)),
          .tick = t.now,
          .agent = t.world.id[s],
          .other = by,
          .cell = t.world.cell[s],
          .amount = damage});
}

void strike(Tick& t, Hits& hits, std::size_t s) {
  World& w = t.world;
  const Rules& rules = t.board.rules();
  if (w.strike_tick[s] > t.now) return;
  const int target = choose_target(t, s);
  if (target < 0) return;
  const auto e = static_cast<std::size_t>(target);
  const Cell cell = w.cell[e];
  const bool at_home = w.owner[cell] == slot_team(target) && w.control[cell] >= rules.held_min;
  w.strike_tick[s] = t.now + rules.cooldown_ticks;
  hit(t, hits, target,
      damage_millipoints(rules, w.role[s], w.attributes[s], w.role[e], w.attributes[e], at_home),
      w.id[s]);
}

bool find_base_contacts(Tick& t) {
  World& w = t.world;
  bool any = false;
  for (int team = 0; team < t.board.teams(); ++team) {
    const auto i = static_cast<std::size_t>(team);
    if (w.base_contact_tick[i] > t.now) continue;
    const Cell base = t.board.base(team);
    const int range = t.board.rules().base_range_cells;
    const int d = nearest_enemy(w, t.board.teams(), team, t.board.q(base), t.board.r(base));
    any |= d <= range;
    w.base_contact_tick[i] = d <= range ? t.now + 1 : next_look(t, d - range - 1, 1);
  }
  return any;
}

void fire_base(Tick& t, Hits& hits, int team) {
  World& w = t.world;
  const Rules& rules = t.board.rules();
  const auto i = static_cast<std::size_t>(team);
  const bool silent = w.eliminated_tick[i] >= 0 || rules.base_damage_points == 0;
  if (silent || w.base_ready_tick[i] > t.now || w.base_contact_tick[i] > t.now + 1) return;
  const Cell base = t.board.base(team);
  const int target =
      weakest_within(w, team, t.board.q(base), t.board.r(base), rules.base_range_cells);
  if (target < 0) return;
  w.base_ready_tick[i] = t.now + rules.base_cooldown_ticks;
  hit(t, hits, target, 1000 * rules.base_damage_points, no_agent);
}

void release(World& w, std::size_t s, Cell cell) {
  const auto slot = static_cast<std::uint8_t>(s);
  if (cell == no_cell || w.occupant[cell] != slot) return;
  w.occupant[cell] = no_slot;
  // An ally that was changing places with the dead one keeps the cell that it is entering.
  const Cell other_cell = cell == w.cell[s] ? w.next[s] : no_cell;
  if (other_cell == no_cell) return;
  const std::uint8_t partner = w.occupant[other_cell];
  if (partner != no_slot && partner != slot && w.next[partner] == cell) w.occupant[cell] = partner;
}

void die(Tick& t, int slot) {
  World& w = t.world;
  const auto s = static_cast<std::size_t>(slot);
  const auto team = static_cast<std::size_t>(slot_team(slot));
  const Cell cell = w.cell[s];
  const int site = t.board.site_at(cell);
  if (w.load[s] > 0 && site >= 0) {
    const auto i = static_cast<std::size_t>(site);
    if (t.board.map().sites[i].type == w.load_type[s]) {
      const int stock = std::min(t.board.rules().stock_max, w.stock[i] + w.load[s]);
      w.stock[i] = static_cast<std::uint8_t>(stock);
    }
  }
  t.tell({.kind = EventKind::died,
          .team = static_cast<Team>(team),
          .tick = t.now,
          .agent = w.id[s],
          .cell = cell});
  release(w, s, cell);
  release(w, s, w.next[s]);
  w.living &= ~bit(slot);
  w.capturing &= ~bit(slot);
  w.damaged &= ~bit(slot);
  t.contact &= ~bit(slot);
  ++w.deaths[team];
  clear_slot(w, s);
}

}  // namespace

void fight(Tick& t) {
  World& w = t.world;
  find_contacts(t);
  const bool base_in_reach = find_base_contacts(t);
  if (t.in_range == 0 && !base_in_reach) return;
  Hits hits;
  each_slot(t.in_range, [&](int slot) { strike(t, hits, static_cast<std::size_t>(slot)); });
  for (int team = 0; team < t.board.teams(); ++team)
    fire_base(t, hits, team);
  each_slot(hits.who, [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    w.health[s] -= hits.damage[s];
    w.hurt_tick[s] = t.now;
    w.damaged |= bit(slot);
  });
  each_slot(hits.who, [&](int slot) {
    if (w.health[static_cast<std::size_t>(slot)] <= 0) die(t, slot);
  });
}

}  // namespace redoubt::territory
