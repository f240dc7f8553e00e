#include "tests/simulation/scripted_sides.hpp"

#include <algorithm>
#include <array>

namespace redoubt::simulation {
namespace {

using namespace territory;

constexpr std::array<std::string_view, styles> style_names{"reactive", "rush", "turtle",
                                                           "expansion", "boom"};
constexpr int home_cells = 8;  // what counts as near home
constexpr int turtle_cells = 7;
constexpr int anywhere = 1000;
constexpr std::int32_t boom_until_tick = 1500;
constexpr std::int32_t remember_ticks = 600;

bool is_fighter(Role role) {
  return role == Role::attacker || role == Role::defender;
}

}  // namespace

std::string_view name(Style style) {
  return style_names[static_cast<std::size_t>(style)];
}

Side::Side(const Board& board, Team team, Style style)
    : board_(board), team_(team), style_(style), home_(board.base(team)) {
  enemy_home_ = board.base(team == 0 ? 1 : 0);
  taken_.resize(static_cast<std::size_t>(board.cells()));
}

int Side::own_of(Role role) const {
  return static_cast<int>(std::count_if(view_->own.begin(), view_->own.end(),
                                        [&](const ViewAgent& a) { return a.role == role; }));
}

void Side::count() {
  fighters_ = own_of(Role::attacker) + own_of(Role::defender);
  enemy_fighters_ = 0;
  threats_ = 0;
  for (const ViewAgent& enemy : view_->enemies) {
    const bool recent = view_->tick - enemy.seen_tick <= remember_ticks;
    enemy_fighters_ += is_fighter(enemy.role) && recent;
    const bool here = enemy.seen_tick == view_->tick;
    threats_ += here && board_.distance(enemy.cell, home_) <= home_cells + 2;
  }
  std::fill(taken_.begin(), taken_.end(), std::uint8_t{0});
  for (const ViewAgent& agent : view_->own) {
    const OrderKind kind = agent.order.kind;
    if (kind == OrderKind::collect || kind == OrderKind::capture) taken_[agent.order.cell] = 1;
  }
}

Role Side::wanted_role() const {
  const int collectors = own_of(Role::collector);
  switch (style_) {
    case Style::rush:
      return Role::attacker;
    case Style::expansion:
      return Role::explorer;
    case Style::turtle:
      return collectors < 4 && fighters_ >= collectors ? Role::collector : Role::defender;
    case Style::boom:
      return view_->tick < boom_until_tick && collectors < 8 ? Role::collector : Role::attacker;
    case Style::reactive:
      return wanted_in_answer();
  }
  return Role::collector;
}

// As many fighters as it has seen lately and one more; defenders while the fight is at home.
Role Side::wanted_in_answer() const {
  const int collectors = own_of(Role::collector);
  const int explorers = own_of(Role::explorer);
  const int insurance = view_->tick > 150 ? 1 : 0;
  if (fighters_ < std::max(insurance, enemy_fighters_ + 1)) {
    const bool at_home = threats_ > 0 || fighters_ < 3;
    return at_home ? Role::defender : Role::attacker;
  }
  if (collectors < 5) return Role::collector;
  if (explorers < 3) return Role::explorer;
  return own_of(Role::attacker) <= own_of(Role::defender) ? Role::attacker : Role::defender;
}

void Side::build() {
  const Role role = wanted_role();
  const Attributes attributes = board_.rules().defaults[static_cast<std::size_t>(role)];
  const int living = static_cast<int>(view_->own.size());
  if (living >= board_.rules().agents_per_team_max || view_->tick < view_->spawn_ready_tick) return;
  const Amounts price = cost(board_.rules(), role, attributes, living);
  for (std::size_t k = 0; k < price.size(); ++k) {
    if (view_->store[k] < price[k]) return;
  }
  orders_.push_back(
      {.kind = OrderKind::spawn, .team = team_, .role = role, .attributes = attributes});
}

void Side::order(const ViewAgent& agent, OrderKind kind, Cell cell, AgentId target) {
  orders_.push_back(
      {.kind = kind, .team = team_, .agent = agent.id, .cell = cell, .target = target});
  if (kind == OrderKind::collect || kind == OrderKind::capture) taken_[cell] = 1;
}

bool Side::collect(const ViewAgent& agent) {
  if (agent.order.kind == OrderKind::collect) return true;
  const ViewSite* best = nullptr;
  int best_cost = Board::unreachable;
  for (const ViewSite& site : view_->sites) {
    const bool far = board_.distance(site.cell, enemy_home_) < board_.distance(site.cell, home_);
    if (taken_[site.cell] != 0 || far || !board_.reachable(site.cell)) continue;
    // What is short at home is worth a longer walk.
    const int stored = view_->store[static_cast<std::size_t>(site.type)];
    const int price = board_.walk_cost(home_, site.cell) + 200 * stored;
    if (price >= best_cost) continue;
    best = &site;
    best_cost = price;
  }
  if (best == nullptr) return false;
  order(agent, OrderKind::collect, best->cell);
  return true;
}

bool Side::claim(const ViewAgent& agent, int reach) {
  if (agent.order.kind == OrderKind::capture) {
    // Held is enough: the rest of the strength is not worth the time.
    const Cell cell = agent.order.cell;
    const bool held =
        view_->owner[cell] == team_ && view_->control[cell] >= board_.rules().held_min;
    if (!held) return true;
  }
  Cell best = no_cell;
  int best_price = anywhere;
  for (int c = 0; c < board_.cells(); ++c) {
    const auto cell = static_cast<Cell>(c);
    if (taken_[cell] != 0 || !board_.reachable(cell) || board_.base_at(cell) != 0xff) continue;
    const bool ours = view_->owner[cell] == team_;
    if (ours && view_->control[cell] >= board_.rules().held_min) continue;
    const int from_home = board_.distance(home_, cell);
    if (from_home > reach) continue;
    const bool foreign = !ours && view_->owner[cell] != no_team;
    const int price = 2 * board_.distance(agent.cell, cell) + from_home / 3 + (foreign ? 8 : 0);
    if (price >= best_price) continue;
    best = cell;
    best_price = price;
  }
  if (best == no_cell) return false;
  order(agent, OrderKind::capture, best);
  return true;
}

bool Side::fight(const ViewAgent& agent, int reach) {
  const ViewAgent* best = nullptr;
  int best_price = anywhere;
  for (const ViewAgent& enemy : view_->enemies) {
    if (enemy.seen_tick < view_->tick - 30) continue;
    if (board_.distance(enemy.cell, home_) > reach) continue;
    const int price = board_.distance(agent.cell, enemy.cell) + enemy.health / 20'000;
    if (price >= best_price) continue;
    best = &enemy;
    best_price = price;
  }
  if (best == nullptr) return false;
  if (agent.order.kind == OrderKind::attack && agent.order.target == best->id) return true;
  order(agent, OrderKind::attack, best->cell, best->id);
  return true;
}

void Side::attack_base(const ViewAgent& agent) {
  if (agent.order.kind == OrderKind::attack) return;
  // There already and nobody in sight: take the ground.
  if (board_.distance(agent.cell, enemy_home_) <= 4 && claim(agent, anywhere)) return;
  order(agent, OrderKind::attack, enemy_home_);
}

void Side::guard_home(const ViewAgent& agent) {
  if (agent.order.kind == OrderKind::guard) return;
  const auto& around = board_.spawn_cells(team_);
  const std::size_t post = (static_cast<std::size_t>(agent.id) * 7 + 1) % around.size();
  order(agent, OrderKind::guard, around[post]);
}

bool Side::enemy_fighter_within(Cell cell, int cells) const {
  return std::any_of(view_->enemies.begin(), view_->enemies.end(), [&](const ViewAgent& enemy) {
    return is_fighter(enemy.role) && enemy.seen_tick == view_->tick &&
           board_.distance(enemy.cell, cell) <= cells;
  });
}

// Fighters meet what comes near home where the base helps, in numbers; they go out when they are
// clearly more. The others run from fighters.
bool Side::answer(const ViewAgent& agent) {
  if (!is_fighter(agent.role)) {
    if (!enemy_fighter_within(agent.cell, 4)) return false;
    if (agent.order.kind != OrderKind::retreat) order(agent, OrderKind::retreat);
    return true;
  }
  const bool more = fighters_ > enemy_fighters_;
  if (fight(agent, more ? 2 * home_cells : 4)) return true;
  if (threats_ > 0 && !more) {
    guard_home(agent);
    return true;
  }
  if (fighters_ < enemy_fighters_ + 2 || fighters_ < 4) return false;
  if (!fight(agent, anywhere)) attack_base(agent);
  return true;
}

void Side::lead(const ViewAgent& agent) {
  if (style_ == Style::reactive && answer(agent)) return;
  if (agent.role == Role::collector && collect(agent)) return;
  const bool fights = is_fighter(agent.role);
  switch (style_) {
    case Style::rush:
      if (fights && fight(agent, anywhere)) return;
      if (fights) return attack_base(agent);
      break;
    case Style::boom:
      if (fights && fight(agent, view_->tick < boom_until_tick ? home_cells : anywhere)) return;
      if (fights && fighters_ >= 4) return attack_base(agent);
      break;
    case Style::turtle:
      if (fights && fight(agent, turtle_cells)) return;
      if (claim(agent, turtle_cells)) return;
      return guard_home(agent);
    case Style::reactive:
    case Style::expansion:
      break;
  }
  if (!claim(agent, anywhere)) guard_home(agent);
}

const std::vector<Order>& Side::think(const View& view) {
  view_ = &view;
  orders_.clear();
  count();
  build();
  for (const ViewAgent& agent : view.own)
    lead(agent);
  return orders_;
}

}  // namespace redoubt::simulation
