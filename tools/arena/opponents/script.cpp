#include "tools/arena/opponents/script.hpp"

#include <algorithm>

#include "engine/strategy/picture.hpp"

namespace redoubt::arena {
namespace {

using territory::no_agent;
using territory::ViewSite;

constexpr int style_memory_ticks = 600;
constexpr int flee_cells = 4;
constexpr int help_cells = 6;
constexpr int fight_cells = 4;
constexpr int danger_memory_ticks = 60;
constexpr int danger_cells = 4;
// A chase or a siege goes on while the odds are a little worse than those it began with.
constexpr int go_on_percent = 80;

}  // namespace

bool is_fighter(Role role) {
  return role == Role::defender || role == Role::attacker;
}

Script::Script(const Place& place, const Settings& settings, std::string_view name)
    : Bot(place.board, place.team, place.seed), name_(name), settings_(settings), ways_(ground_) {}

int Script::strength(const ViewAgent& agent) const {
  return strategy::strength_of(ground_.rules, agent);
}

strategy::TeamStrategy Script::strategy() const {
  return {strategy::Stance::balanced,
          strategy::Focus::combat,
          {strategy::Priority::attack_enemies},
          "A script to measure against."};
}

void Script::count() {
  const View& v = *view_;
  own_.fill(0);
  army_ = enemy_army_ = enemy_fighters_ = 0;
  for (const ViewAgent& agent : v.own) {
    ++own_[static_cast<std::size_t>(agent.role)];
    if (is_fighter(agent.role)) army_ += strength(agent);
  }
  danger_.assign(static_cast<std::size_t>(ground_.cells()), 0);
  const auto mark = [&](Cell middle, int cells) {
    for (Cell cell : ground_.open) {
      if (ground_.distance(cell, middle) <= cells) danger_[cell] = 1;
    }
  };
  for (const ViewAgent& enemy : v.enemies) {
    const int age = v.tick - enemy.seen_tick;
    if (!is_fighter(enemy.role) || age > style_memory_ticks) continue;
    ++enemy_fighters_;
    enemy_army_ += strength(enemy);
    if (age <= danger_memory_ticks) mark(enemy.cell, danger_cells);
  }
  enemy_home_ = no_cell;
  for (int t = 0; t < ground_.teams; ++t) {
    if (t == team_ || !v.alive[static_cast<std::size_t>(t)]) continue;
    const Cell base = ground_.bases[static_cast<std::size_t>(t)];
    mark(base, ground_.rules.base_range_cells);
    if (enemy_home_ == no_cell || units(home(), base) < units(home(), enemy_home_)) {
      enemy_home_ = base;
    }
  }
  if (enemy_home_ == no_cell) enemy_home_ = home();
  taken_.assign(static_cast<std::size_t>(ground_.cells()), 0);
  for (const ViewAgent& agent : v.own) {
    const OrderKind kind = agent.order.kind;
    const bool stays =
        kind == OrderKind::collect || kind == OrderKind::capture || kind == OrderKind::guard;
    if (stays) ++taken_[agent.order.cell];
  }
}

void Script::decide(const View& view) {
  view_ = &view;
  count();
  look();
  recruit();
  for (const ViewAgent& agent : view.own) {
    if (is_fighter(agent.role)) {
      lead(agent);
    } else {
      work(agent);
    }
  }
}

bool Script::under_fire(Cell cell) const {
  for (int t = 0; t < ground_.teams; ++t) {
    if (t == team_ || !view_->alive[static_cast<std::size_t>(t)]) continue;
    const Cell base = ground_.bases[static_cast<std::size_t>(t)];
    if (ground_.distance(cell, base) <= ground_.rules.base_range_cells) return true;
  }
  return false;
}

int Script::ours_near(Cell cell, int cells) const {
  int sum = 0;
  for (const ViewAgent& agent : view_->own) {
    if (is_fighter(agent.role) && ground_.distance(agent.cell, cell) <= cells) {
      sum += strength(agent);
    }
  }
  if (distance_to_base(cell) <= ground_.rules.base_range_cells) sum += strategy::base_strength;
  return sum;
}

int Script::theirs_near(Cell cell, int cells) const {
  int sum = 0;
  for (const ViewAgent& enemy : view_->enemies) {
    const int age = view_->tick - enemy.seen_tick;
    if (age > strategy::memory_ticks_max || ground_.distance(enemy.cell, cell) > cells) continue;
    sum += strength(enemy);
  }
  return sum + (under_fire(cell) ? strategy::base_strength : 0);
}

const ViewAgent* Script::centre() const {
  const ViewAgent* best = nullptr;
  int best_sum = 0;
  for (const ViewAgent& agent : view_->own) {
    if (!is_fighter(agent.role)) continue;
    int sum = 0;
    for (const ViewAgent& other : view_->own) {
      if (is_fighter(other.role)) sum += std::min(12, ground_.distance(agent.cell, other.cell));
    }
    if (best == nullptr || sum < best_sum) {
      best = &agent;
      best_sum = sum;
    }
  }
  return best;
}

bool Script::heal(const ViewAgent& agent, int below_permille, int until_permille) {
  const auto permille = static_cast<int>(1000LL * agent.health / std::max(1, agent.health_max));
  const bool healing = agent.order.kind == OrderKind::retreat;
  if (permille >= (healing ? until_permille : below_permille)) return false;
  order(agent, OrderKind::retreat);
  return true;
}

int Script::danger(const ViewAgent& agent, int cells) const {
  int sum = 0;
  for (const ViewAgent& enemy : view_->enemies) {
    const bool now = view_->tick - enemy.seen_tick <= 20;
    if (now && is_fighter(enemy.role) && ground_.distance(enemy.cell, agent.cell) <= cells) {
      sum += strength(enemy);
    }
  }
  return sum;
}

// Workers run home from what their fighters at hand cannot beat.
bool Script::flee(const ViewAgent& agent) {
  const bool fleeing = agent.order.kind == OrderKind::retreat;
  const int threat = danger(agent, flee_cells + (fleeing ? 2 : 0));
  if (threat == 0 || 10 * ours_near(agent.cell, fight_cells) > 12 * threat) return false;
  order(agent, OrderKind::retreat);
  return true;
}

// A round is never broken off: the site is chosen anew with empty hands.
bool Script::collect(const ViewAgent& agent) {
  const bool under_way = agent.order.kind == OrderKind::collect;
  if (under_way && (agent.load > 0 || danger_[agent.order.cell] == 0) &&
      (agent.load > 0 || distance_to_base(agent.cell) > 2)) {
    return true;
  }
  const ViewSite* best = nullptr;
  int best_score = 0;
  for (const ViewSite& site : view_->sites) {
    if (danger_[site.cell] != 0) continue;
    const bool mine = under_way && agent.order.cell == site.cell;
    const int others = taken_[site.cell] - (mine ? 1 : 0);
    const int there = units(agent.cell, site.cell);
    const int back = units(home(), site.cell);
    if (there == Ways::far || back == Ways::far) continue;
    const int ticks = ground_.ticks(there + back, agent.attributes);
    const int unseen = view_->tick - std::max(0, site.seen_tick);
    const int grown = (unseen + ticks / 2) / std::max(1, ground_.rules.regrow_ticks);
    const int stock =
        std::min(ground_.rules.stock_max, site.stock + grown) - agent.capacity * others;
    const int load = std::min<int>(agent.capacity, stock);
    if (load < 2) continue;
    const auto role = static_cast<std::size_t>(agent.role);
    const int round = ticks + load * ground_.rules.harvest_ticks[role] + 10;
    const int need = 3000 / (12 + view_->store[static_cast<std::size_t>(site.type)]) + 40;
    const int score = 1000 * load * need / round;
    if (score <= best_score) continue;
    best = &site;
    best_score = score;
  }
  if (best == nullptr) return false;
  ++taken_[best->cell];
  order(agent, OrderKind::collect, best->cell);
  return true;
}

// Ticks that it takes, less what speaks for the cell; ground of the enemy counts twice.
int Script::claim_price(const ViewAgent& agent, Cell cell) {
  const int way = units(agent.cell, cell);
  if (way == Ways::far) return Ways::far;
  const auto role = static_cast<std::size_t>(agent.role);
  const territory::Team owner = view_->owner[cell];
  const bool foreign = owner != team_ && owner != territory::no_team;
  const int control = (foreign ? view_->control[cell] : 0) + ground_.rules.held_min -
                      (owner == team_ ? view_->control[cell] : 0);
  int price = ground_.ticks(way, agent.attributes) + control / ground_.rules.control_per_tick[role];
  int ours = 0;
  for (int d = 0; d < hex::directions; ++d) {
    const Cell next = ground_.neighbour(cell, d);
    ours += next == no_cell || view_->owner[next] == team_;
  }
  price -= 2 * ours;
  // Ground in the middle first: what lies behind it stays ours to take.
  price += std::max(0, units(home(), cell) - units(enemy_home_, cell));
  return foreign && view_->control[cell] >= ground_.rules.held_min ? price * 2 / 3 : price;
}

bool Script::claim(const ViewAgent& agent, int reach_from_home) {
  const auto held = [&](Cell cell) {
    return view_->owner[cell] == team_ && view_->control[cell] >= ground_.rules.held_min;
  };
  if (agent.order.kind == OrderKind::capture && !held(agent.order.cell) &&
      danger_[agent.order.cell] == 0) {
    return true;
  }
  // Only what is near is weighed, further and further until there is something.
  for (const int within : {5, 12, 1000}) {
    Cell best = no_cell;
    int best_price = Ways::far;
    for (Cell cell : ground_.open) {
      if (taken_[cell] != 0 || danger_[cell] != 0 || held(cell)) continue;
      if (ground_.distance(agent.cell, cell) > within) continue;
      if (distance_to_base(cell) > reach_from_home) continue;
      const int price = claim_price(agent, cell);
      if (price >= best_price) continue;
      best = cell;
      best_price = price;
    }
    if (best == no_cell) continue;
    ++taken_[best];
    order(agent, OrderKind::capture, best);
    return true;
  }
  return false;
}

bool Script::fight(const ViewAgent& agent, const FightStyle& style) {
  const ViewAgent* best = nullptr;
  int best_price = 0;
  for (const ViewAgent& enemy : view_->enemies) {
    const int age = view_->tick - enemy.seen_tick;
    if (age > style.memory_ticks || ground_.distance(agent.cell, enemy.cell) > style.reach_cells) {
      continue;
    }
    if (distance_to_base(enemy.cell) > style.home_cells) continue;
    const bool chased = agent.order.kind == OrderKind::attack && agent.order.target == enemy.id;
    const int asked = style.odds_percent * (chased ? go_on_percent : 100) / 100;
    const int there =
        std::max(ours_near(enemy.cell, help_cells), ours_near(agent.cell, fight_cells));
    if (100 * there < asked * theirs_near(enemy.cell, fight_cells)) continue;
    const int way = units(agent.cell, enemy.cell);
    if (way == Ways::far) continue;
    const auto wounds = static_cast<int>(4 - 4LL * enemy.health / std::max(1, enemy.health_max));
    const int price = way + age / 15 - (is_fighter(enemy.role) ? 0 : style.soft_points) - wounds -
                      (chased ? 2 : 0);
    if (best != nullptr && price >= best_price) continue;
    best = &enemy;
    best_price = price;
  }
  if (best == nullptr) return false;
  order(agent, OrderKind::attack, best->cell, best->id);
  return true;
}

void Script::go(const ViewAgent& agent, Cell cell) {
  if (ground_.reachable[cell] == 0) return;
  order(agent, OrderKind::attack, cell);
}

void Script::search(const ViewAgent& agent) {
  // The site of theirs that was not looked at for longest; else the ground that they hold.
  const ViewSite* best = nullptr;
  int best_price = Ways::far;
  for (const ViewSite& site : view_->sites) {
    if (under_fire(site.cell)) continue;
    const int theirs = units(enemy_home_, site.cell);
    if (theirs == Ways::far || theirs > units(home(), site.cell)) continue;
    const int unseen = view_->tick - std::max(0, site.seen_tick);
    if (unseen < 30) continue;
    const int price = units(agent.cell, site.cell) - std::min(unseen, 600) / 20;
    if (price >= best_price) continue;
    best = &site;
    best_price = price;
  }
  if (best != nullptr) return go(agent, best->cell);
  if (!claim(agent, 1000)) stand_guard(agent);
}

void Script::besiege(const ViewAgent& agent) {
  const auto around = [&](Cell cell) {
    const int d = ground_.distance(cell, enemy_home_) - ground_.rules.base_range_cells;
    return d == 1 || d == 2;
  };
  if (agent.order.kind == OrderKind::guard && around(agent.order.cell)) return;
  Cell best = no_cell;
  int best_way = Ways::far;
  for (Cell cell : ground_.open) {
    if (taken_[cell] != 0 || !around(cell) || under_fire(cell)) continue;
    const int way = units(agent.cell, cell);
    if (way >= best_way) continue;
    best = cell;
    best_way = way;
  }
  if (best == no_cell) return search(agent);
  ++taken_[best];
  order(agent, OrderKind::guard, best);
}

void Script::press(const ViewAgent& agent) {
  if (settings_["siege"] != 0) return besiege(agent);
  search(agent);
}

Attributes Script::fighter_design() const {
  Attributes design{.speed = static_cast<std::int16_t>(settings_["speed"]),
                    .health = static_cast<std::int16_t>(settings_["health"]),
                    .attack = static_cast<std::int16_t>(settings_["attack"]),
                    .defense = static_cast<std::int16_t>(settings_["defense"]),
                    .carry_capacity = static_cast<std::int16_t>(ground_.rules.attribute_min)};
  const int over = design.sum() - ground_.rules.attribute_sum_max;
  if (over <= 0) return design;
  design.defense =
      static_cast<std::int16_t>(std::max(ground_.rules.attribute_min, design.defense - over));
  const int still = std::max(0, design.sum() - ground_.rules.attribute_sum_max);
  design.health = static_cast<std::int16_t>(design.health - still);
  return design;
}

void Script::stand_guard(const ViewAgent& agent) {
  if (agent.order.kind == OrderKind::guard && distance_to_base(agent.order.cell) <= 5) return;
  Cell best = no_cell;
  int best_price = 0;
  for (Cell cell : ground_.open) {
    const int from_home = distance_to_base(cell);
    if (from_home < 2 || from_home > 4 || taken_[cell] != 0) continue;
    const int price = units(enemy_home_, cell);
    if (best != no_cell && price >= best_price) continue;
    best = cell;
    best_price = price;
  }
  if (best == no_cell) return;
  ++taken_[best];
  order(agent, OrderKind::guard, best);
}

void Script::work(const ViewAgent& agent) {
  if (flee(agent) || heal(agent, 300, 700)) return;
  if (agent.role == Role::collector && collect(agent)) return;
  if (claim(agent, claim_reach())) return;
  if (agent.role == Role::explorer && collect(agent)) return;
  if (distance_to_base(agent.cell) > 3) order(agent, OrderKind::retreat);
}

void Script::build(std::span<const Wish> wishes) {
  for (const Wish& wish : wishes) {
    if (own(wish.role) >= wish.count) continue;
    spawn(*view_, wish.role, wish.attributes);
    return;
  }
}

}  // namespace redoubt::arena
