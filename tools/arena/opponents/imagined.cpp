#include "tools/arena/opponents/imagined.hpp"

#include <algorithm>

#include "engine/territory/step.hpp"

namespace redoubt::arena {
namespace {

using namespace territory;

constexpr int memory_ticks = 100;
constexpr int lead_interval_ticks = 10;
constexpr int focus_cells = 8;
constexpr int careful_cells = 4;
// What things are worth, in units of a resource.
constexpr double cell_units = 2.2;
constexpr double load_share = 0.8;
constexpr int cost_living = 4;

bool fights(const World& w, int slot) {
  const Role role = w.role[static_cast<std::size_t>(slot)];
  return role == Role::defender || role == Role::attacker;
}

bool lives(const World& w, int slot) {
  return w.id[static_cast<std::size_t>(slot)] != no_agent;
}

}  // namespace

void Imagination::place(const ViewAgent& agent, int slot) {
  World& w = now_;
  const auto s = static_cast<std::size_t>(slot);
  w.id[s] = agent.id;
  w.birth[s] = slot % agents_per_team_max;
  w.role[s] = agent.role;
  w.attributes[s] = agent.attributes;
  w.cell[s] = agent.cell;
  w.next[s] = agent.next;
  w.surplus[s] = 0;
  w.health[s] = agent.health;
  w.hurt_tick[s] = w.tick;
  w.strike_tick[s] = w.tick;
  w.load[s] = agent.load;
  w.load_type[s] = agent.load_type;
  w.order[s] = agent.order.kind;
  w.order_cell[s] = agent.order.cell;
  w.order_target[s] = agent.order.target;
  w.errand[s] =
      agent.load > 0 && agent.load >= agent.capacity ? Errand::homeward : Errand::outbound;
  w.came_from[s] = no_cell;
  w.nearest[s] = Board::unreachable_units;
  w.detours[s] = 0;
  w.wake_tick[s] = w.tick;
  if (agent.next != no_cell) {
    // On the way: half of it is the best guess.
    const int rate = std::max(1, move_rate(board_.rules(), agent.attributes));
    w.wake_tick[s] = w.tick + std::max(1, board_.enter_cost(agent.next) / rate / 2);
  }
  w.next_id = std::max(w.next_id, agent.id + 1);
}

void Imagination::begin(const View& view, std::span<const Order> orders, std::uint64_t seed) {
  team_ = view.team;
  work_ = 0;
  now_ = start(board_, seed);
  World& w = now_;
  w.id.fill(no_agent);
  w.tick = view.tick;
  w.next_id = 0;
  w.deposits = view.deposits;
  w.territory_ticks = view.territory_ticks;
  w.spawn_ready_tick.fill(never);
  w.base_ready_tick.fill(view.tick);
  for (std::size_t t = 0; t < static_cast<std::size_t>(board_.teams()); ++t) {
    // Nobody is out for want of means that we cannot see.
    w.store[t].fill(t == team_ ? 0 : 1000);
    if (!view.alive[t]) w.eliminated_tick[t] = view.tick;
  }
  w.store[team_] = view.store;
  for (std::size_t c = 0; c < static_cast<std::size_t>(board_.cells()); ++c) {
    w.control[c] = view.control[c];
    w.owner[c] = view.control[c] > 0 ? view.owner[c] : no_team;
  }
  for (const ViewSite& site : view.sites) {
    w.stock[static_cast<std::size_t>(board_.site_at(site.cell))] =
        static_cast<std::uint8_t>(site.stock);
  }
  std::vector<std::uint8_t> taken(static_cast<std::size_t>(board_.cells()));
  int slot = first_slot(team_);
  for (const ViewAgent& agent : view.own) {
    place(agent, slot++);
    taken[agent.cell] = 1;
    if (agent.next != no_cell) taken[agent.next] = 1;
  }
  std::array<int, teams_max> count{};
  for (const ViewAgent& enemy : view.enemies) {
    int& k = count[enemy.team];
    if (taken[enemy.cell] != 0 || view.tick - enemy.seen_tick > memory_ticks) continue;
    if (k >= agents_per_team_max) continue;
    place(enemy, first_slot(enemy.team) + k++);
    taken[enemy.cell] = 1;
  }
  settle(board_, w);
  standing_.clear();
  for (const Order& order : orders) {
    if (order.kind != OrderKind::spawn && check(board_, w, order).ok()) standing_.push_back(order);
  }
  settle_rivals();
}

// Their workers go on working where they stand.
void Imagination::settle_rivals() {
  World& w = now_;
  for (int slot = 0; slot < agents_max; ++slot) {
    const auto s = static_cast<std::size_t>(slot);
    if (!lives(w, slot) || slot_team(slot) == team_ || fights(w, slot)) continue;
    w.order[s] = OrderKind::capture;
    w.order_cell[s] = w.cell[s];
  }
}

std::vector<int> Imagination::in_contact(int cells) const {
  std::vector<int> slots;
  for (int slot = first_slot(team_); slot < first_slot(team_) + agents_per_team_max; ++slot) {
    if (!lives(now_, slot)) continue;
    const int enemy = nearest_enemy(now_, slot);
    if (enemy < 0) continue;
    const int apart = board_.distance(now_.cell[static_cast<std::size_t>(slot)],
                                      now_.cell[static_cast<std::size_t>(enemy)]);
    if (apart <= cells) slots.push_back(slot);
  }
  return slots;
}

bool Imagination::goes_home(int slot) const {
  const auto s = static_cast<std::size_t>(slot);
  for (const Order& order : standing_) {
    if (order.agent == now_.id[s]) return order.kind == OrderKind::retreat;
  }
  return now_.order[s] == OrderKind::retreat;
}

int Imagination::nearest_enemy(const World& w, int slot) const {
  int best = -1;
  int best_apart = 0;
  for (int other = 0; other < agents_max; ++other) {
    if (!lives(w, other) || slot_team(other) == slot_team(slot)) continue;
    const int apart = board_.distance(w.cell[static_cast<std::size_t>(slot)],
                                      w.cell[static_cast<std::size_t>(other)]);
    if (best >= 0 && apart >= best_apart) continue;
    best = other;
    best_apart = apart;
  }
  return best;
}

int Imagination::weakest_enemy(const World& w, int slot) const {
  int best = -1;
  for (int other = 0; other < agents_max; ++other) {
    if (!lives(w, other) || slot_team(other) == slot_team(slot)) continue;
    const auto o = static_cast<std::size_t>(other);
    if (board_.distance(w.cell[static_cast<std::size_t>(slot)], w.cell[o]) > focus_cells) continue;
    if (best < 0 || w.health[o] < w.health[static_cast<std::size_t>(best)]) best = other;
  }
  return best >= 0 ? best : nearest_enemy(w, slot);
}

Order Imagination::order_for(const World& w, int slot, UnitScript script) const {
  const auto s = static_cast<std::size_t>(slot);
  Order order{
      .kind = OrderKind::retreat, .team = static_cast<Team>(slot_team(slot)), .agent = w.id[s]};
  if (script == UnitScript::hold) {
    order.kind = OrderKind::guard;
    order.cell = w.next[s] != no_cell ? w.next[s] : w.cell[s];
    return order;
  }
  if (script == UnitScript::fall_back) return order;
  const int enemy = script == UnitScript::focus ? weakest_enemy(w, slot) : nearest_enemy(w, slot);
  if (enemy < 0) return order;
  order.kind = OrderKind::attack;
  order.target = w.id[static_cast<std::size_t>(enemy)];
  order.cell = w.cell[static_cast<std::size_t>(enemy)];
  return order;
}

Order Imagination::rival_order(const World& w, int slot, RivalScript script) const {
  const int enemy = nearest_enemy(w, slot);
  if (enemy >= 0) {
    const int apart = board_.distance(w.cell[static_cast<std::size_t>(slot)],
                                      w.cell[static_cast<std::size_t>(enemy)]);
    const bool goes = script == RivalScript::bold || apart <= careful_cells;
    if (goes) return order_for(w, slot, UnitScript::strike);
  }
  return order_for(w, slot, UnitScript::hold);
}

void Imagination::lead(World& w, const Plan& plan, RivalScript rivals, bool first) {
  orders_.clear();
  if (first) orders_ = standing_;
  for (int slot = 0; slot < agents_max; ++slot) {
    if (!lives(w, slot)) continue;
    if (slot_team(slot) != team_) {
      if (fights(w, slot)) orders_.push_back(rival_order(w, slot, rivals));
      continue;
    }
    const UnitScript script = plan[static_cast<std::size_t>(slot)];
    if (script != UnitScript::follow) orders_.push_back(order_for(w, slot, script));
  }
}

double Imagination::roll_out(const Plan& plan, RivalScript rivals, int ticks) {
  copy_world(board_, now_, rolled_);
  for (int tick = 0; tick < ticks && rolled_.over == 0; ++tick) {
    orders_.clear();
    if (tick % lead_interval_ticks == 0) lead(rolled_, plan, rivals, tick == 0);
    // An order that the rules refuse is left out, as in a match.
    std::erase_if(orders_, [&](const Order& o) { return !check(board_, rolled_, o).ok(); });
    if (!step(board_, rolled_, orders_).ok()) break;
    ++work_;
  }
  return value(rolled_);
}

double Imagination::value(const World& w) const {
  double sum = 0;
  for (int slot = 0; slot < agents_max; ++slot) {
    if (!lives(w, slot)) continue;
    const auto s = static_cast<std::size_t>(slot);
    const Amounts price = cost(board_.rules(), w.role[s], w.attributes[s], cost_living);
    const double health = static_cast<double>(w.health[s]) / std::max(1, w.health_max[s]);
    const double worth =
        (price[0] + price[1] + price[2]) * (0.5 + 0.5 * health) + load_share * w.load[s];
    sum += slot_team(slot) == team_ ? worth : -worth;
  }
  for (std::size_t t = 0; t < static_cast<std::size_t>(board_.teams()); ++t) {
    const double worth = cell_units * w.held[t] + w.store[t][0] + w.store[t][1] + w.store[t][2];
    sum += t == team_ ? worth : -worth;
  }
  if (w.over != 0) sum += w.winner == team_ ? 1e6 : w.winner == no_team ? 0 : -1e6;
  return sum;
}

}  // namespace redoubt::arena
