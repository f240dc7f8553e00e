#include "engine/strategy/strategist.hpp"

#include <algorithm>

#include "engine/base/json.hpp"
#include "engine/strategy/bot.hpp"
#include "engine/strategy/playbook.hpp"

namespace redoubt::strategy {

using territory::Order;
using territory::OrderKind;
using territory::Role;
using territory::View;
using territory::ViewAgent;

namespace {

// Work units of each stage: about what they cost in rollout ticks.
constexpr std::array<int, 4> stage_work{10, 20, 60, 110};
// The rival's agents are known for so long after they were seen, as far as its style goes.
constexpr int style_memory_ticks = 600;
constexpr int observe_interval_ticks = 50;

}  // namespace

Strategist::Strategist(const territory::Board& board, Team team)
    : ground_(make_ground(board)), team_(team), maker_(ground_, team) {
  Situation unknown;
  unknown.own = team;
  decision_ = choose_strategy(unknown);
}

ThinkResult Strategist::think(const View& view, int work) {
  int used = 0;
  if (stage_ == Stage::done) stage_ = Stage::read;
  while (stage_ != Stage::done) {
    const int cost = stage_work[static_cast<std::size_t>(stage_)];
    if (used + cost > work) return {.done = false, .work_used = used};
    used += cost;
    switch (stage_) {
      case Stage::read:
        maker_.read(view, picture_);
        stage_ = Stage::spread;
        break;
      case Stage::spread:
        maker_.spread(picture_);
        stage_ = Stage::measure;
        break;
      case Stage::measure:
        maker_.measure(picture_);
        stage_ = Stage::assign;
        break;
      default:
        act(view);
        stage_ = Stage::done;
    }
  }
  return {.done = true, .work_used = used};
}

void Strategist::observe_rival(const View& view) {
  if (view.tick % observe_interval_ticks != 0) return;
  Observation seen{.tick = static_cast<double>(view.tick), .agents = {}};
  std::int32_t held = 0;
  for (std::size_t t = 0; t < static_cast<std::size_t>(ground_.teams); ++t) {
    if (t != team_) held = std::max(held, view.held[t]);
  }
  seen.share_percent = 100.0 * held / std::max(1, ground_.reachable_cells);
  double count = 0;
  for (const ViewAgent& enemy : view.enemies) {
    if (view.tick - enemy.seen_tick > style_memory_ticks) continue;
    seen.agents[static_cast<std::size_t>(enemy.role)] += 1;
    count += 1;
  }
  if (count < 2) seen.agents = {-1, -1, -1, -1};
  for (const Foe& foe : picture_.foes) {
    if (foe.intruder && foe.armed) seen.actions[static_cast<std::size_t>(Style::rush)] += 1;
  }
  opponent_.observe(seen);
}

void Strategist::choose(const View& view) {
  const bool due = strategy_tick_ < 0 || view.tick - strategy_tick_ >= strategy_interval_ticks;
  if (!due) return;
  Situation situation = situation_of(ground_, picture_);
  situation.opponent = opponent_.belief();
  situation.opponent_known = opponent_.observations() > 0;
  const std::optional<Stance> current =
      strategy_tick_ < 0 ? std::nullopt : std::optional(decision_.strategy.stance);
  decision_ = choose_strategy(situation, current);
  strategy_tick_ = view.tick;
}

// All that a snapshot carries changes here, in the last stage: a thought that is cut by a snapshot
// starts over and comes to the same end.
void Strategist::act(const View& view) {
  tick_ = view.tick;
  observe_rival(view);
  choose(view);
  duties_ = assign_duties(ground_, picture_, weights_of(in_force().strategy), duties_);
  orders_.clear();
  for (std::size_t i = 0; i < duties_.size(); ++i) {
    const Order order = order_for(team_, duties_[i]);
    const Order& stands = view.own[i].order;
    const bool same =
        stands.kind == order.kind && stands.cell == order.cell && stands.target == order.target;
    if (!same) orders_.push_back(order);
  }
  build(view);
}

// One from the beginning; then as many as the enemy's known ones, and one more against a rush.
double Strategist::fighters_wanted(const DesignInput& input) const {
  const double rush = input.opponent[static_cast<std::size_t>(Style::rush)];
  const double seen = input.enemy[static_cast<std::size_t>(Role::defender)] * 0.5 +
                      input.enemy[static_cast<std::size_t>(Role::attacker)];
  return std::max(2.0, seen + (rush > 0.4 ? 1 : 0));
}

void Strategist::build(const View& view) {
  // Orders act a little later: a spawn that is ready then may be ordered now.
  constexpr int delay_ticks = 5;
  if (view.tick + delay_ticks < view.spawn_ready_tick) return;
  DesignInput input;
  input.rules = &ground_.rules;
  input.strategy = in_force().strategy;
  input.own_known = true;
  for (std::size_t r = 0; r < input.store.size(); ++r)
    input.store[r] = view.store[r];
  for (const ViewAgent& agent : view.own)
    input.own[static_cast<std::size_t>(agent.role)] += 1;
  for (const ViewAgent& enemy : view.enemies) {
    if (view.tick - enemy.seen_tick > style_memory_ticks) continue;
    input.enemy[static_cast<std::size_t>(enemy.role)] += 1;
    input.enemy_known = true;
  }
  input.opponent = opponent_.belief();
  input.fighters_wanted = fighters_wanted(input);
  const Design design = design_agent(input);
  if (!can_spawn(ground_, view, design.role, design.attributes)) return;
  orders_.push_back({.kind = OrderKind::spawn,
                     .team = team_,
                     .role = design.role,
                     .attributes = design.attributes});
}

Result<void> Strategist::direct(const Json& team_strategy, std::int32_t until_tick) {
  auto read = read_directive(team_strategy);
  if (!read) return read.error();
  directive_ = std::move(*read);
  directive_until_tick_ = until_tick;
  return {};
}

std::unique_ptr<Player> make_strategist(const territory::Board& board, Team team, std::uint64_t) {
  return std::make_unique<Strategist>(board, team);
}

}  // namespace redoubt::strategy
