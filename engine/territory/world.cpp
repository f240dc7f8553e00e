#include <algorithm>
#include <cstring>

#include "engine/base/hash64.hpp"
#include "engine/territory/phases.hpp"

namespace redoubt::territory {
namespace {

// Where free slots lie: farther from any cell than any reach, and no overflow of 16 bits when
// coordinates are subtracted and added.
constexpr std::int16_t far_q = 12000;

std::uint64_t word(std::int64_t low, std::int64_t high) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(low)) |
         static_cast<std::uint64_t>(static_cast<std::uint32_t>(high)) << 32;
}

void hash_team(Hash64& h, const World& w, std::size_t t) {
  for (std::int32_t units : w.store[t])
    h.add(static_cast<std::uint64_t>(units));
  h.add(word(w.deposits[t], w.births[t]));
  h.add(word(w.deaths[t], w.income_ticks[t]));
  h.add(word(w.territory_ticks[t], w.broke_ticks[t]));
  h.add(word(w.eliminated_tick[t], w.spawn_ready_tick[t]));
  h.add(word(w.base_ready_tick[t], w.rank[t]));
}

void hash_agent(Hash64& h, const World& w, std::size_t s) {
  h.add(word(w.id[s], w.birth[s]));
  const Attributes& a = w.attributes[s];
  h.add(word(a.speed << 16 | a.health, a.attack << 16 | a.defense));
  h.add(word(a.carry_capacity, static_cast<int>(w.role[s]) << 16 | static_cast<int>(w.errand[s])));
  h.add(word(w.cell[s] << 16 | w.next[s], w.came_from[s] << 16 | w.nearest[s]));
  h.add(word(w.wake_tick[s], w.surplus[s]));
  h.add(word(w.health[s], w.hurt_tick[s]));
  h.add(word(w.strike_tick[s], w.load[s] << 16 | static_cast<int>(w.load_type[s])));
  h.add(word(static_cast<int>(w.order[s]) << 24 | w.detours[s] << 16 | w.order_cell[s],
             w.order_target[s]));
}

}  // namespace

std::uint64_t state_hash(const Board& board, const World& w) {
  Hash64 h;
  h.add(w.seed);
  h.add(word(w.tick, w.next_id));
  h.add(w.dropped_orders);
  h.add(word(w.over | static_cast<int>(w.victory) << 8, w.winner));
  const auto teams = static_cast<std::size_t>(board.teams());
  for (std::size_t t = 0; t < teams; ++t) {
    h.add(w.lots[t]);
    hash_team(h, w, t);
  }
  for (std::size_t s = 0; s < teams * agents_per_team_max; ++s) {
    if (w.id[s] == no_agent) {
      h.add(s);
    } else {
      hash_agent(h, w, s);
    }
  }
  for (std::size_t i = 0; i < board.map().sites.size(); ++i)
    h.add(w.stock[i]);
  const auto cells = static_cast<std::size_t>(board.cells());
  for (std::size_t c = 0; c < cells; c += 2) {
    const std::size_t d = std::min(c + 1, cells - 1);
    h.add(word(w.control[c] << 8 | w.owner[c], w.control[d] << 8 | w.owner[d]));
  }
  return h.value();
}

void clear_slot(World& w, std::size_t s) {
  w.id[s] = no_agent;
  w.birth[s] = 0;
  w.role[s] = Role::collector;
  w.attributes[s] = Attributes{};
  w.cell[s] = no_cell;
  w.next[s] = no_cell;
  w.wake_tick[s] = never;
  w.surplus[s] = 0;
  w.health[s] = 0;
  w.hurt_tick[s] = 0;
  w.strike_tick[s] = 0;
  w.load[s] = 0;
  w.load_type[s] = Resource::energy;
  w.order[s] = OrderKind::idle;
  w.order_cell[s] = no_cell;
  w.order_target[s] = no_agent;
  w.errand[s] = Errand::outbound;
  w.came_from[s] = no_cell;
  w.nearest[s] = Board::unreachable_units;
  w.detours[s] = 0;
  w.health_max[s] = 0;
  w.rate[s] = 0;
  w.capacity[s] = 0;
  w.claim[s] = 0;
  w.q[s] = far_q;
  w.r[s] = 0;
  w.contact_tick[s] = never;
}

void settle(const Board& board, World& w) {
  const Rules& rules = board.rules();
  w.living = 0;
  w.capturing = 0;
  w.damaged = 0;
  w.held.fill(0);
  w.occupant.fill(no_slot);
  for (std::size_t s = 0; s < agents_max; ++s) {
    if (w.id[s] == no_agent) {
      clear_slot(w, s);
      continue;
    }
    const int slot = static_cast<int>(s);
    const Cell cell = w.cell[s];
    w.living |= bit(slot);
    w.health_max[s] = health_max_millipoints(rules, w.attributes[s]);
    w.rate[s] = move_rate(rules, w.attributes[s]);
    w.capacity[s] = static_cast<std::int16_t>(load_capacity(rules, w.attributes[s]));
    w.claim[s] =
        static_cast<std::int16_t>(rules.control_per_tick[static_cast<std::size_t>(w.role[s])]);
    w.q[s] = board.q(cell);
    w.r[s] = board.r(cell);
    w.contact_tick[s] = w.tick;
    w.occupant[cell] = static_cast<std::uint8_t>(slot);
    if (w.health[s] < w.health_max[s]) w.damaged |= bit(slot);
    if (w.owner[cell] != slot_team(slot) || w.control[cell] < rules.control_max) {
      w.capturing |= bit(slot);
    }
  }
  // Two allies that change places enter each other's cells: who is in a cell comes first.
  each_slot(w.living, [&](int slot) {
    const Cell next = w.next[static_cast<std::size_t>(slot)];
    if (next != no_cell && w.occupant[next] == no_slot) {
      w.occupant[next] = static_cast<std::uint8_t>(slot);
    }
  });
  for (std::size_t c = 0; c < static_cast<std::size_t>(board.cells()); ++c) {
    if (w.owner[c] != no_team && w.control[c] >= rules.held_min) ++w.held[w.owner[c]];
  }
  w.base_contact_tick.fill(w.tick);
  // Sites grow at the end of ticks regrow_ticks - 1, 2 x regrow_ticks - 1, ...
  w.regrow_tick = (w.tick / rules.regrow_ticks + 1) * rules.regrow_ticks - 1;
}

void copy_world(const Board& board, const World& from, World& to) {
  const auto cells = static_cast<std::size_t>(board.cells());
  std::memcpy(static_cast<void*>(&to), &from, offsetof(World, control));
  std::memcpy(to.control.data(), from.control.data(), cells * sizeof(from.control[0]));
  std::memcpy(to.owner.data(), from.owner.data(), cells);
  std::memcpy(to.occupant.data(), from.occupant.data(), cells);
}

int slot_of(const World& w, AgentId id) {
  if (id == no_agent) return -1;
  for (std::size_t s = 0; s < agents_max; ++s) {
    if (w.id[s] == id) return static_cast<int>(s);
  }
  return -1;
}

int step_progress_permille(const Board& board, const World& w, int slot) {
  const auto s = static_cast<std::size_t>(slot);
  if (w.next[s] == no_cell) return 0;
  const std::int64_t cost = board.enter_cost(w.next[s]);
  const std::int64_t left =
      std::int64_t{w.rate[s]} * std::max(0, w.wake_tick[s] - w.tick) - w.surplus[s];
  return static_cast<int>(std::clamp<std::int64_t>(1000 * (cost - left) / cost, 0, 1000));
}

bool sees(const Board& board, const World& w, int team, Cell cell) {
  const Rules& rules = board.rules();
  const auto holds = [&](Cell c) {
    return c != no_cell && w.owner[c] == team && w.control[c] >= rules.held_min;
  };
  if (holds(cell)) return true;
  if (rules.vision_held_cells > 0) {
    for (Cell n : board.neighbours(cell)) {
      if (holds(n)) return true;
    }
  }
  const int q = board.q(cell);
  const int r = board.r(cell);
  if (board.distance(board.base(team), cell) <= rules.vision_base_cells) return true;
  bool seen = false;
  each_slot(w.living & team_bits(team), [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    seen |= cells_apart(w, s, q, r) <= rules.vision_cells[static_cast<std::size_t>(w.role[s])];
  });
  return seen;
}

}  // namespace redoubt::territory
