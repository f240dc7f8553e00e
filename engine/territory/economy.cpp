// Capture, healing, income, sites and spawning.
#include <algorithm>

#include "engine/territory/phases.hpp"

namespace redoubt::territory {
namespace {

void tell_cell(Tick& t, EventKind kind, int team, Cell cell, AgentId by) {
  t.tell({.kind = kind, .team = static_cast<Team>(team), .tick = t.now, .other = by, .cell = cell});
}

// The cell became held, or fully theirs.
void pass_threshold(Tick& t, int slot, Cell cell, int before, int after) {
  World& w = t.world;
  const Rules& rules = t.board.rules();
  const auto s = static_cast<std::size_t>(slot);
  if (before < rules.held_min) {
    const int team = slot_team(slot);
    ++w.held[static_cast<std::size_t>(team)];
    tell_cell(t, EventKind::captured, team, cell, w.id[s]);
  }
  if (after < rules.control_max) return;
  w.capturing &= ~bit(slot);
  if (w.order[s] == OrderKind::capture && w.next[s] == no_cell) w.wake_tick[s] = t.now + 1;
}

void weaken(Tick& t, int slot, Cell cell, int rate) {
  World& w = t.world;
  const int held_min = t.board.rules().held_min;
  const Team owner = w.owner[cell];
  const int before = w.control[cell];
  const int after = std::max(0, before - rate);
  w.control[cell] = static_cast<std::uint16_t>(after);
  if (after == 0) w.owner[cell] = no_team;
  if (before >= held_min && after < held_min) {
    --w.held[owner];
    tell_cell(t, EventKind::lost, owner, cell, w.id[static_cast<std::size_t>(slot)]);
  }
}

bool affordable(const World& w, std::size_t team, const Amounts& price) {
  for (std::size_t k = 0; k < price.size(); ++k) {
    if (w.store[team][k] < price[k]) return false;
  }
  return true;
}

Amounts price_of(const Tick& t, int team) {
  const Order& order = *t.spawns[static_cast<std::size_t>(team)];
  return cost(t.board.rules(), order.role, order.attributes, living_of(t.world, team));
}

Cell free_spawn_cell(const Tick& t, int team) {
  for (Cell cell : t.board.spawn_cells(team)) {
    if (t.world.occupant[cell] == no_slot) return cell;
  }
  return no_cell;
}

// Where the team's agent would appear, or no_cell where it cannot be built now.
Cell spawn_cell_now(const Tick& t, int team) {
  const World& w = t.world;
  const auto i = static_cast<std::size_t>(team);
  if (w.eliminated_tick[i] >= 0 || t.now < w.spawn_ready_tick[i]) return no_cell;
  if (living_of(w, team) >= t.board.rules().agents_per_team_max) return no_cell;
  if (!affordable(w, i, price_of(t, team))) return no_cell;
  return free_spawn_cell(t, team);
}

std::uint64_t team_key(const World& w, std::size_t team) {
  Hash64 hash;
  hash.add(w.seed);
  hash.add(w.lots[team]);
  hash.add(static_cast<std::uint64_t>(w.births[team]));
  hash.add(static_cast<std::uint64_t>(w.tick));
  return hash.value();
}

}  // namespace

// The one loop that runs for nearly every agent in every tick: thresholds are rare.
void capture(Tick& t) {
  World& w = t.world;
  const Rules& rules = t.board.rules();
  const int held_min = rules.held_min;
  const int control_max = rules.control_max;
  each_slot(w.capturing, [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    const auto team = static_cast<Team>(slot_team(slot));
    const Cell cell = w.cell[s];
    const Team owner = w.owner[cell];
    const int rate = w.claim[s];
    if (owner != team && owner != no_team) return weaken(t, slot, cell, rate);
    const int before = w.control[cell];
    const int after = std::min(control_max, before + rate);
    w.control[cell] = static_cast<std::uint16_t>(after);
    w.owner[cell] = after > 0 ? team : no_team;
    const bool passes = (before < held_min && after >= held_min) || after == control_max;
    if (passes) pass_threshold(t, slot, cell, before, after);
  });
}

void heal(Tick& t) {
  World& w = t.world;
  const Rules& rules = t.board.rules();
  each_slot(w.damaged, [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    if (t.now - w.hurt_tick[s] < rules.heal_unhurt_ticks) return;
    if (!t.board.near_to_heal(w.cell[s], slot_team(slot))) return;
    w.health[s] = std::min(w.health_max[s], w.health[s] + rules.heal_millipoints);
    if (w.health[s] < w.health_max[s]) return;
    w.damaged &= ~bit(slot);
    if (w.order[s] == OrderKind::retreat && w.next[s] == no_cell) w.wake_tick[s] = t.now + 1;
  });
}

void pay_income(Tick& t) {
  World& w = t.world;
  const std::int32_t price = t.board.rules().held_cell_ticks_per_unit;
  for (std::size_t team = 0; team < static_cast<std::size_t>(t.board.teams()); ++team) {
    if (w.eliminated_tick[team] >= 0) continue;
    w.income_ticks[team] += w.held[team];
    if (w.income_ticks[team] < price) continue;
    const std::int32_t units = w.income_ticks[team] / price;
    w.income_ticks[team] %= price;
    for (std::int32_t& store : w.store[team])
      store = std::min(store_max_units, store + units);
  }
}

void regrow(Tick& t) {
  World& w = t.world;
  const Rules& rules = t.board.rules();
  if (t.now < w.regrow_tick) return;
  w.regrow_tick += rules.regrow_ticks;
  for (std::size_t i = 0; i < t.board.map().sites.size(); ++i) {
    if (w.stock[i] < rules.stock_max) ++w.stock[i];
  }
}

void place_agent(Tick& t, int team, Role role, const Attributes& attributes, Cell cell) {
  World& w = t.world;
  const Rules& rules = t.board.rules();
  const auto i = static_cast<std::size_t>(team);
  const std::uint64_t free = ~w.living & team_bits(team);
  const int slot = __builtin_ctzll(free);
  const auto s = static_cast<std::size_t>(slot);
  clear_slot(w, s);
  w.id[s] = w.next_id++;
  w.birth[s] = w.births[i]++;
  w.role[s] = role;
  w.attributes[s] = attributes;
  w.cell[s] = cell;
  w.came_from[s] = cell;
  w.health_max[s] = w.health[s] = health_max_millipoints(rules, attributes);
  w.hurt_tick[s] = t.now;
  w.strike_tick[s] = t.now;
  w.rate[s] = move_rate(rules, attributes);
  w.capacity[s] = static_cast<std::int16_t>(load_capacity(rules, attributes));
  w.claim[s] = static_cast<std::int16_t>(rules.control_per_tick[static_cast<std::size_t>(role)]);
  w.q[s] = t.board.q(cell);
  w.r[s] = t.board.r(cell);
  w.occupant[cell] = static_cast<std::uint8_t>(slot);
  w.living |= bit(slot);
  if (w.owner[cell] != team || w.control[cell] < rules.control_max) w.capturing |= bit(slot);
  // It may stand nearer to enemies than anybody before.
  each_slot(w.living, [&](int other) { w.contact_tick[static_cast<std::size_t>(other)] = t.now; });
  w.base_contact_tick.fill(t.now);
  t.tell({.kind = EventKind::spawned,
          .team = static_cast<Team>(team),
          .tick = t.now,
          .agent = w.id[s],
          .cell = cell});
}

void spawn(Tick& t) {
  if (std::count(t.spawns.begin(), t.spawns.end(), nullptr) == teams_max) return;
  World& w = t.world;
  const auto teams = static_cast<std::size_t>(t.board.teams());
  ByTeam<Cell> cells;
  cells.fill(no_cell);
  for (std::size_t i = 0; i < teams; ++i) {
    if (t.spawns[i] != nullptr) cells[i] = spawn_cell_now(t, static_cast<int>(i));
  }
  // Bases that lie close together may have the same free cell: the lot decides.
  ByTeam<Cell> granted = cells;
  for (std::size_t i = 0; i < teams; ++i) {
    for (std::size_t k = 0; k < teams; ++k) {
      if (k == i || cells[k] == no_cell || cells[k] != cells[i]) continue;
      if (team_key(w, k) < team_key(w, i)) granted[i] = no_cell;
    }
  }
  for (std::size_t i = 0; i < teams; ++i) {
    if (t.spawns[i] == nullptr) continue;
    const int team = static_cast<int>(i);
    if (granted[i] == no_cell) {
      drop_spawn(t, team);
      continue;
    }
    const Amounts price = price_of(t, team);
    for (std::size_t k = 0; k < price.size(); ++k)
      w.store[i][k] -= price[k];
    w.spawn_ready_tick[i] = t.now + t.board.rules().spawn_interval_ticks;
    place_agent(t, team, t.spawns[i]->role, t.spawns[i]->attributes, granted[i]);
  }
}

}  // namespace redoubt::territory
