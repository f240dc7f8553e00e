#include "engine/strategy/tactics.hpp"

#include <algorithm>

#include "engine/base/stable_order.hpp"
#include "engine/strategy/assignment.hpp"

namespace redoubt::strategy {
namespace {

using territory::AgentId;
using territory::no_agent;
using territory::Order;
using territory::OrderKind;
using territory::Role;
using territory::View;
using territory::ViewAgent;

// Orders act this much after the view they were thought from.
constexpr int delay_ticks = 5;
constexpr double cell_points = 2500;
constexpr double collector_claim_factor = 0.6;
constexpr double enemy_cell_factor = 1.7;
constexpr double soft_kill_points = 9000;
constexpr double armed_kill_points = 8000;
constexpr double intruder_factor = 1.8;
constexpr double unit_points = 1000;
constexpr double hold_points = 12;
// Going on is worth this much more than turning round.
constexpr double stay_factor = 1.25;
constexpr int claims_per_agent = 12;
constexpr int attackers_per_foe_max = 5;
constexpr int heal_below_permille = 400;
constexpr int heal_until_permille = 800;
constexpr int escape_reach_units = 8;
constexpr int approach_ticks = 6;  // finding one's place before a fight or a claim

const Task* task_before(const std::vector<Duty>& before, AgentId agent) {
  for (const Duty& duty : before) {
    if (duty.agent == agent) return &duty.task;
  }
  return nullptr;
}

class Planner {
 public:
  Planner(const Ground& ground, const Picture& picture, const Weights& weights,
          const std::vector<Duty>& before)
      : ground_(ground),
        picture_(picture),
        view_(*picture.view),
        weights_(weights),
        before_(before),
        base_(ground.bases[picture.view->team]) {}

  std::vector<Duty> plan();

 private:
  struct Option {
    Task task;
    int slot = 0;  // the second agent at the same task gains less
  };

  bool forced(const Friend& f, Task& out) const;
  bool must_heal(const Friend& f, bool healing) const;
  bool outmatched(const Friend& f) const;
  bool siege(const Friend& f) const;
  Cell escape_from(const Friend& f) const;
  Cell bed_for(const Friend& f) const;

  void add_sites();
  void add_foes();
  void add_posts();
  void value_ground();
  void add_claims(const Friend& f);
  int option_of(const Task& task, int slot);

  double utility(const Friend& f, const Option& option, const Task* last) const;
  double collect_utility(const Friend& f, const Option& option) const;
  double claim_worth(Cell cell) const;
  double claim_utility(const Friend& f, Cell cell) const;
  double attack_utility(const Friend& f, const Option& option) const;
  double hold_utility(const Friend& f, Cell cell) const;

  int control_ticks(const Friend& f, Cell cell) const;
  int way_ticks(const Friend& f, Cell cell) const;
  const Foe* foe_of(AgentId id) const;

  const Ground& ground_;
  const Picture& picture_;
  const View& view_;
  const Weights& weights_;
  const std::vector<Duty>& before_;
  Cell base_;
  std::vector<Option> options_;
  std::vector<std::uint8_t> taken_;  // a cell: somebody of ours stays there
  std::vector<Cell> claimable_;      // not held by us
  std::vector<double> worth_;        // a cell: claim_worth() where claimable
};

int Planner::way_ticks(const Friend& f, Cell cell) const {
  const int units = f.way[ground_.layout.at(cell)];
  if (units == hex::unreached) return -1;
  return ground_.ticks(units, f.agent->attributes);
}

const Foe* Planner::foe_of(AgentId id) const {
  for (const Foe& foe : picture_.foes) {
    if (foe.agent->id == id) return &foe;
  }
  return nullptr;
}

bool Planner::must_heal(const Friend& f, bool healing) const {
  const int permille =
      static_cast<int>(1000LL * f.agent->health / std::max(1, f.agent->health_max));
  if (healing) return permille < heal_until_permille;
  if (permille >= heal_below_permille) return false;
  return f.fighter || f.danger > 0;
}

// Whether the enemies at hand are more than a match for us and those of ours who are near.
bool Planner::outmatched(const Friend& f) const {
  if (f.danger == 0) return false;
  double ours = 0;
  for (const Friend& other : picture_.friends) {
    const int d = ground_.distance(f.agent->cell, other.agent->cell);
    if (d <= fight_reach_cells) ours += other.fighter ? other.strength : 0.7 * other.strength;
  }
  if (ground_.distance(f.agent->cell, base_) <= ground_.rules.base_range_cells) {
    ours += base_strength;
  }
  return f.danger * weights_.caution > 1.15 * ours;
}

// The nearest free place beside our base where wounds heal and no enemy base reaches.
Cell Planner::bed_for(const Friend& f) const {
  Cell best = no_cell;
  int best_way = 0;
  for (Cell cell : ground_.open) {
    if (ground_.distance(cell, base_) > ground_.rules.heal_range_cells) continue;
    const int way = f.way[ground_.layout.at(cell)];
    if (way == hex::unreached || picture_.under_fire[cell] != 0) continue;
    if (taken_[cell] != 0 && f.agent->cell != cell) continue;
    const int weighed = way + picture_.threat[ground_.layout.at(cell)] / 100;
    if (best == no_cell || weighed < best_way) {
      best = cell;
      best_way = weighed;
    }
  }
  return best;
}

// The nearby cell with the least threat; nearer to home among equals.
Cell Planner::escape_from(const Friend& f) const {
  Cell best = no_cell;
  double best_score = 0;
  for (Cell cell : ground_.open) {
    if (ground_.distance(f.agent->cell, cell) > escape_reach_units) continue;
    const std::size_t at = ground_.layout.at(cell);
    if (f.way[at] > escape_reach_units) continue;
    const double home = picture_.from_base[at];
    const double score = picture_.threat[at] + 12 * home + 2.0 * f.way[at] +
                         10.0 * base_strength * picture_.under_fire[cell];
    if (best == no_cell || score < best_score) {
      best = cell;
      best_score = score;
    }
  }
  return best;
}

bool Planner::forced(const Friend& f, Task& out) const {
  const Task* last = task_before(before_, f.agent->id);
  if (must_heal(f, last != nullptr && last->kind == TaskKind::heal)) {
    const Cell bed = bed_for(f);
    if (bed != no_cell) {
      out = {.kind = TaskKind::heal, .cell = bed};
      return true;
    }
  }
  if (outmatched(f)) {
    // Home is the best refuge when it is near: its weapon helps and wounds heal.
    const bool near_home = picture_.from_base[ground_.layout.at(f.agent->cell)] <= 14;
    const Cell bed = near_home ? bed_for(f) : no_cell;
    const Cell cell = bed == no_cell ? escape_from(f) : bed;
    if (cell != no_cell) {
      out = {.kind = bed == no_cell ? TaskKind::escape : TaskKind::heal, .cell = cell};
      return true;
    }
  }
  // A load is brought home before anything else is begun.
  if (f.agent->load > 0 && last != nullptr && last->kind == TaskKind::collect &&
      f.agent->order.kind == OrderKind::collect) {
    out = *last;
    return true;
  }
  return false;
}

int Planner::option_of(const Task& task, int slot) {
  for (std::size_t i = 0; i < options_.size(); ++i) {
    if (options_[i].task == task && options_[i].slot == slot) return static_cast<int>(i);
  }
  if (static_cast<int>(options_.size()) >= assignment_columns_max) return -1;
  options_.push_back({task, slot});
  return static_cast<int>(options_.size()) - 1;
}

void Planner::add_sites() {
  for (const auto& site : view_.sites) {
    for (int slot = 0; slot < 2; ++slot) {
      option_of({.kind = TaskKind::collect, .cell = site.cell}, slot);
    }
  }
}

void Planner::add_foes() {
  for (const Foe& foe : picture_.foes) {
    // Odds: nobody is sent against more than can be brought there.
    if (foe.beside * weights_.caution > 1.1 * foe.against + (foe.armed ? 0 : 60)) continue;
    const int wanted = std::min(attackers_per_foe_max, 1 + (foe.beside * 13 / 10 + 50) / 100);
    for (int slot = 0; slot < wanted; ++slot) {
      option_of({.kind = TaskKind::attack, .cell = foe.agent->cell, .target = foe.agent->id}, slot);
    }
  }
}

// Posts beside the base, on the enemy's side first.
void Planner::add_posts() {
  constexpr int posts = 3;
  std::vector<Cell> near;
  for (Cell cell : ground_.open) {
    if (ground_.distance(cell, base_) <= 1 && picture_.under_fire[cell] == 0) near.push_back(cell);
  }
  sort_stable(near, [&](Cell a, Cell b) {
    return picture_.from_rivals[ground_.layout.at(a)] < picture_.from_rivals[ground_.layout.at(b)];
  });
  for (std::size_t i = 0; i < near.size() && i < posts; ++i) {
    option_of({.kind = TaskKind::hold, .cell = near[i]}, 0);
  }
}

// Ticks until a cell is ours once `f` stands on it; 0: it is.
int Planner::control_ticks(const Friend& f, Cell cell) const {
  const int rate =
      std::max(1, ground_.rules.control_per_tick[static_cast<std::size_t>(f.agent->role)]);
  const int control = view_.control[cell];
  const Team owner = view_.owner[cell];
  if (owner == view_.team) return std::max(0, ground_.rules.held_min - control) / rate;
  const int foreign = owner == territory::no_team ? 0 : control;
  return (foreign + ground_.rules.held_min) / rate;
}

// Whether a sound fighter of a far stronger army may stand under an enemy base's weapon.
bool Planner::siege(const Friend& f) const {
  const bool sound = 10 * f.agent->health > 6 * f.agent->health_max;
  return f.fighter && sound && picture_.army > 3 * base_strength + 2 * picture_.enemy_army;
}

// What a cell is worth to anybody, in points: what lies around it, and where it lies.
double Planner::claim_worth(Cell cell) const {
  const std::size_t at = ground_.layout.at(cell);
  double points = cell_points * weights_.claim;
  if (picture_.under_fire[cell] != 0) points *= 0.3;
  const Team owner = view_.owner[cell];
  const bool enemy_held = owner != territory::no_team && owner != view_.team &&
                          view_.control[cell] >= ground_.rules.held_min;
  if (enemy_held) points *= enemy_cell_factor;
  points *= 0.75 + 0.5 * picture_.room[at] / 1000.0;
  int ours_around = 0;
  for (int d = 0; d < hex::directions; ++d) {
    const Cell next = ground_.neighbour(cell, d);
    if (next != no_cell && view_.owner[next] == view_.team) ++ours_around;
  }
  points *= 1 + 0.04 * ours_around;
  // Ground in the middle first: what lies behind it stays ours to take.
  const double home = picture_.from_base[at];
  const double away = picture_.from_rivals[at];
  const double forward = home / std::max(1.0, home + away);
  return points * (forward <= 0.55 ? 0.8 + 0.6 * forward : 1.13 - 0.8 * (forward - 0.55));
}

double Planner::claim_utility(const Friend& f, Cell cell) const {
  const std::size_t at = ground_.layout.at(cell);
  const int way = way_ticks(f, cell);
  if (way < 0 || (picture_.under_fire[cell] != 0 && !siege(f))) return 0;
  int needed = control_ticks(f, cell);
  const bool here = f.agent->cell == cell && f.agent->next == no_cell;
  if (here) {
    // What is gained before new orders act, and while walking away, needs no staying.
    const int leaving = ground_.ticks(1, f.agent->attributes);
    needed = std::max(0, needed - delay_ticks - leaving);
  }
  if (needed == 0) return 0;
  double points = worth_[cell];
  // Threat falls with the strength of whoever goes.
  const double threat = picture_.threat[at] / 10.0;
  const double own = f.fighter ? 1.5 * f.strength : 0.6 * f.strength;
  points *= own / (own + threat * weights_.caution);
  if (f.agent->role == Role::collector) points *= collector_claim_factor;
  if (f.fighter) {
    // Fighters keep together at home while the enemy is the stronger.
    const double odds = static_cast<double>(picture_.enemy_army) / (picture_.army + 50.0);
    const double home = picture_.from_base[at];
    points *= 0.8 / (1 + weights_.leash * std::min(2.0, odds) * home / 25);
  }
  return points / (way + needed + approach_ticks);
}

double Planner::collect_utility(const Friend& f, const Option& option) const {
  const auto site = std::find_if(view_.sites.begin(), view_.sites.end(),
                                 [&](const auto& s) { return s.cell == option.task.cell; });
  const int way = way_ticks(f, site->cell);
  if (way < 0) return 0;
  const std::size_t at = ground_.layout.at(site->cell);
  const int unseen = view_.tick - std::max(0, site->seen_tick);
  const int grown = (unseen + way) / std::max(1, ground_.rules.regrow_ticks);
  double stock = std::min(ground_.rules.stock_max, site->stock + grown);
  const double capacity = std::max<int>(1, f.agent->capacity);
  stock -= option.slot * capacity;
  // Not seen for long: somebody may have been there.
  if (unseen > 200) stock *= 0.8;
  const double units = std::min(capacity, stock);
  if (units < 1) return 0;
  const auto role = static_cast<std::size_t>(f.agent->role);
  const double back = ground_.ticks(picture_.from_base[at], f.agent->attributes);
  const double trip = way + back + units * ground_.rules.harvest_ticks[role] + approach_ticks;
  const auto type = static_cast<std::size_t>(site->type);
  const double need = 0.3 + 45.0 / (12.0 + view_.store[type]);
  const double threat = picture_.threat[at] / 10.0;
  if (picture_.under_fire[site->cell] != 0) return 0;
  const double safety = 1 / (1 + threat * weights_.caution / (0.6 * f.strength + 1));
  return unit_points * units / trip * need * weights_.collect[type] * safety;
}

double Planner::attack_utility(const Friend& f, const Option& option) const {
  const Foe* foe = foe_of(option.task.target);
  if (foe == nullptr) return 0;
  // Workers join only against workers.
  if (!f.fighter && (foe->armed || f.strength < 60 || f.agent->role == Role::collector)) return 0;
  const int way = way_ticks(f, foe->agent->cell);
  if (way < 0) return 0;
  double points = foe->armed ? armed_kill_points : soft_kill_points;
  points *= foe->intruder ? weights_.defend * intruder_factor : weights_.attack;
  // A wounded enemy falls sooner.
  const double health =
      static_cast<double>(foe->agent->health) / std::max(1, foe->agent->health_max);
  points *= 1.3 - 0.5 * health;
  const bool faster = territory::move_rate(ground_.rules, foe->agent->attributes) >
                      territory::move_rate(ground_.rules, f.agent->attributes);
  if (faster && way > 15) points *= 0.7;
  const int age = view_.tick - foe->agent->seen_tick;
  points *= 1.0 / (1 + age / 40.0);
  points *= 1 - 0.1 * option.slot;
  const double odds = foe->against / (foe->against + 1.0 * foe->beside);
  points *= 0.5 + odds;
  constexpr double strike_ticks = 45;
  return points / (way + strike_ticks + approach_ticks);
}

double Planner::hold_utility(const Friend& f, Cell cell) const {
  if (!f.fighter) return 0;
  const int way = way_ticks(f, cell);
  if (way < 0) return 0;
  const double alarm = std::clamp(picture_.enemy_army / (picture_.army + 1.0), 0.0, 2.0);
  return hold_points * weights_.defend * (0.5 + alarm) / (1 + way / 60.0);
}

double Planner::utility(const Friend& f, const Option& option, const Task* last) const {
  double value = 0;
  switch (option.task.kind) {
    case TaskKind::collect:
      value = collect_utility(f, option);
      break;
    case TaskKind::claim:
      if (taken_[option.task.cell] != 0 && f.agent->cell != option.task.cell) return 0;
      value = claim_utility(f, option.task.cell);
      break;
    case TaskKind::attack:
      value = attack_utility(f, option);
      break;
    default:
      value = hold_utility(f, option.task.cell);
  }
  if (last == nullptr) return value;
  const bool same = last->kind == option.task.kind &&
                    (last->kind == TaskKind::attack ? last->target == option.task.target
                                                    : last->cell == option.task.cell);
  return same ? value * stay_factor : value;
}

void Planner::value_ground() {
  worth_.assign(static_cast<std::size_t>(ground_.cells()), 0);
  for (Cell cell : ground_.open) {
    const bool ours = view_.owner[cell] == view_.team;
    if (ours && view_.control[cell] >= ground_.rules.held_min) continue;
    claimable_.push_back(cell);
    worth_[cell] = claim_worth(cell);
  }
}

void Planner::add_claims(const Friend& f) {
  struct Candidate {
    double value;
    Cell cell;
  };
  std::vector<Candidate> best;
  const double ticks_per_unit = static_cast<double>(ground_.cost_unit) /
                                territory::move_rate(ground_.rules, f.agent->attributes);
  const bool collector = f.agent->role == Role::collector;
  for (Cell cell : claimable_) {
    if (taken_[cell] != 0 && f.agent->cell != cell) continue;
    const int units = f.way[ground_.layout.at(cell)];
    if (units == hex::unreached) continue;
    const bool full = static_cast<int>(best.size()) == claims_per_agent;
    // No agent gains more than this there: most cells are too far to be looked at closely.
    const double most = worth_[cell] * (collector ? collector_claim_factor : 1.0) /
                        (approach_ticks - 1 + units * ticks_per_unit);
    if (full && most <= best.back().value) continue;
    const double value = claim_utility(f, cell);
    if (value <= 0 || (full && value <= best.back().value)) continue;
    const auto place =
        std::find_if(best.begin(), best.end(), [&](const Candidate& c) { return value > c.value; });
    best.insert(place, {value, cell});
    if (static_cast<int>(best.size()) > claims_per_agent) best.pop_back();
  }
  for (const Candidate& c : best)
    option_of({.kind = TaskKind::claim, .cell = c.cell}, 0);
}

std::vector<Duty> Planner::plan() {
  const std::size_t count = picture_.friends.size();
  std::vector<Duty> duties(count);
  std::vector<std::size_t> free;
  taken_.assign(static_cast<std::size_t>(ground_.cells()), 0);
  for (const Foe& foe : picture_.foes) {
    if (foe.agent->seen_tick == view_.tick) taken_[foe.agent->cell] = 1;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Friend& f = picture_.friends[i];
    duties[i].agent = f.agent->id;
    duties[i].at = f.agent->cell;
    if (!forced(f, duties[i].task)) {
      free.push_back(i);
    } else if (duties[i].task.kind == TaskKind::heal) {
      taken_[duties[i].task.cell] = 1;
    }
  }
  add_sites();
  add_foes();
  add_posts();
  value_ground();
  for (std::size_t i : free)
    add_claims(picture_.friends[i]);

  UtilityMatrix matrix(static_cast<int>(free.size()), static_cast<int>(options_.size()));
  for (int row = 0; row < matrix.rows(); ++row) {
    const Friend& f = picture_.friends[free[static_cast<std::size_t>(row)]];
    const Task* last = task_before(before_, f.agent->id);
    for (int column = 0; column < matrix.columns(); ++column) {
      const double value = utility(f, options_[static_cast<std::size_t>(column)], last);
      if (value > 0) matrix.at(row, column) = static_cast<std::int32_t>(value * 256);
    }
  }
  const std::vector<int> chosen = assign(matrix);
  for (std::size_t row = 0; row < free.size(); ++row) {
    if (chosen[row] < 0) continue;
    duties[free[row]].task = options_[static_cast<std::size_t>(chosen[row])].task;
  }
  return duties;
}

}  // namespace

Weights weights_of(const TeamStrategy& strategy) {
  Weights w;
  const auto rank = [&](Priority p) {
    for (std::size_t i = 0; i < strategy.priorities.size(); ++i) {
      if (strategy.priorities[i] == p) return 1.0 / (1.0 + 0.6 * static_cast<double>(i));
    }
    return 0.0;
  };
  for (std::size_t r = 0; r < w.collect.size(); ++r) {
    w.collect[r] = 0.85 + 0.4 * rank(static_cast<Priority>(r));
  }
  w.claim = 0.9 + 0.35 * rank(Priority::expand_territory);
  w.attack = 0.75 + 0.7 * rank(Priority::attack_enemies);
  w.defend = 0.9 + 0.3 * rank(Priority::defend_territory) + 0.3 * rank(Priority::defend_base);
  w.leash = 0.6 + 0.8 * rank(Priority::defend_base) + 0.4 * rank(Priority::defend_territory);
  switch (strategy.stance) {
    case Stance::aggressive:
      w.attack *= 1.3;
      w.caution = 0.92;
      break;
    case Stance::economic:
      for (double& value : w.collect)
        value *= 1.2;
      w.attack *= 0.8;
      break;
    case Stance::defensive:
      w.defend *= 1.25;
      w.attack *= 0.8;
      w.caution = 1.15;
      break;
    default:
      break;
  }
  switch (strategy.focus) {
    case Focus::resources:
      for (double& value : w.collect)
        value *= 1.1;
      break;
    case Focus::territory:
      w.claim *= 1.15;
      break;
    default:
      w.attack *= 1.15;
  }
  return w;
}

std::vector<Duty> assign_duties(const Ground& ground, const Picture& picture,
                                const Weights& weights, const std::vector<Duty>& before) {
  return Planner(ground, picture, weights, before).plan();
}

Order order_for(Team team, const Duty& duty) {
  Order order{.team = team, .agent = duty.agent, .cell = duty.task.cell};
  switch (duty.task.kind) {
    case TaskKind::collect:
      order.kind = OrderKind::collect;
      break;
    case TaskKind::claim:
      order.kind = OrderKind::capture;
      break;
    case TaskKind::attack:
      order.kind = OrderKind::attack;
      order.target = duty.task.target;
      break;
    case TaskKind::hold:
      order.kind = OrderKind::guard;
      break;
    case TaskKind::heal:
    case TaskKind::escape:
      order.kind = OrderKind::move;
      break;
    case TaskKind::none:
      order.kind = OrderKind::idle;
      order.cell = no_cell;
  }
  return order;
}

}  // namespace redoubt::strategy
