#include "engine/strategy/picture.hpp"

#include <algorithm>
#include <cmath>

namespace redoubt::strategy {
namespace {

using territory::Role;
using territory::View;
using territory::ViewAgent;

constexpr int spread_passes = 10;
constexpr int strength_spread_permille = 850;
constexpr int room_spread_permille = 900;
// A default attacker (23 attack points, 9.5 armour, 122 health) comes out at 100.
constexpr double strength_scale = 100.0 / 54.0;
// The armour is judged against a typical attack.
constexpr double typical_attack_points = 21;
constexpr int base_near_cells = 7;

bool is_fighter(Role role) {
  return role == Role::defender || role == Role::attacker;
}

}  // namespace

int strength_of(const territory::Rules& rules, const ViewAgent& agent) {
  const auto role = static_cast<std::size_t>(agent.role);
  const double attack =
      (rules.attack_base_points + rules.attack_scaled_points * agent.attributes.attack / 1000.0) *
      rules.attack_permille[role] / 1000.0;
  const double armour =
      (rules.armour_base_points + rules.armour_scaled_points * agent.attributes.defense / 1000.0) *
      rules.armour_permille / 1000.0;
  const double taken = std::max(1.0, typical_attack_points - armour) / typical_attack_points *
                       (0.5 + rules.held_damage_permille[role] / 2000.0);
  const double dealt = std::max(1.0, attack - 4);
  const double stands = agent.health / 1000.0 / taken;
  return static_cast<int>(strength_scale * std::sqrt(std::max(0.0, dealt * stands)));
}

PictureMaker::PictureMaker(const Ground& ground, Team team)
    : ground_(ground), team_(team), sources_(ground.layout), scratch_(ground.layout) {}

void PictureMaker::read(const View& view, Picture& out) {
  out.view = &view;
  out.foes.clear();
  out.army = out.enemy_army = out.base_danger = out.base_guard = 0;
  const Cell base = ground_.bases[team_];
  out.friends.resize(view.own.size());
  for (std::size_t i = 0; i < view.own.size(); ++i) {
    Friend& f = out.friends[i];
    f.agent = &view.own[i];
    f.strength = strength_of(ground_.rules, view.own[i]);
    f.fighter = is_fighter(view.own[i].role);
    f.danger = 0;
    if (f.fighter) out.army += f.strength;
    if (ground_.distance(f.agent->cell, base) <= base_near_cells) out.base_guard += f.strength;
  }
  out.base_guard += base_strength;
  for (const ViewAgent& enemy : view.enemies) {
    const int age = view.tick - enemy.seen_tick;
    if (age > memory_ticks_max) continue;
    Foe foe{.agent = &enemy, .armed = is_fighter(enemy.role)};
    foe.strength =
        strength_of(ground_.rules, enemy) * (memory_ticks_max - age / 2) / memory_ticks_max;
    const bool near_base = ground_.distance(enemy.cell, base) <= base_near_cells;
    foe.intruder = near_base || (view.owner[enemy.cell] == team_ &&
                                 view.control[enemy.cell] >= ground_.rules.held_min / 2);
    if (foe.armed) out.enemy_army += foe.strength;
    if (near_base) out.base_danger += foe.strength;
    out.foes.push_back(foe);
  }
  out.under_fire.assign(static_cast<std::size_t>(ground_.cells()), 0);
  for (Cell cell : ground_.open) {
    for (int t = 0; t < ground_.teams; ++t) {
      if (t == team_ || !view.alive[static_cast<std::size_t>(t)]) continue;
      const int d = ground_.distance(cell, ground_.bases[static_cast<std::size_t>(t)]);
      if (d <= ground_.rules.base_range_cells) ++out.under_fire[cell];
    }
  }
  judge_foes(view, out);
}

void PictureMaker::judge_foes(const View& view, Picture& out) const {
  for (Foe& foe : out.foes) {
    for (const Foe& other : out.foes) {
      if (ground_.distance(foe.agent->cell, other.agent->cell) <= fight_reach_cells) {
        foe.beside += other.strength;
      }
    }
    for (int t = 0; t < ground_.teams; ++t) {
      const Cell base = ground_.bases[static_cast<std::size_t>(t)];
      const int d = ground_.distance(foe.agent->cell, base);
      if (d > ground_.rules.base_range_cells + 1 || !view.alive[static_cast<std::size_t>(t)]) {
        continue;
      }
      (t == team_ ? foe.against : foe.beside) += base_strength;
    }
    for (const Friend& f : out.friends) {
      if (!f.fighter && f.strength < 60) continue;
      if (ground_.distance(foe.agent->cell, f.agent->cell) <= help_reach_cells) {
        foe.against += f.strength;
      }
    }
  }
  for (Friend& f : out.friends) {
    for (const Foe& foe : out.foes) {
      const bool strong = foe.armed || foe.strength > 70;
      if (strong && ground_.distance(foe.agent->cell, f.agent->cell) <= fight_reach_cells + 1) {
        f.danger += foe.strength;
      }
    }
    f.danger += base_strength * out.under_fire[f.agent->cell];
  }
}

void PictureMaker::spread(Picture& out) {
  const auto& layout = ground_.layout;
  const View& view = *out.view;
  const auto run = [&](hex::Field<std::int32_t>& field, int permille) {
    if (field.size() != layout.size()) field = hex::Field<std::int32_t>(layout);
    hex::diffuse(layout, ground_.costs, sources_, spread_passes, permille, field, scratch_);
  };
  sources_.fill(0);
  for (const Foe& foe : out.foes)
    sources_[layout.at(foe.agent->cell)] += 10 * foe.strength;
  run(out.threat, strength_spread_permille);
  for (auto& value : sources_.values())
    value = -value;
  for (const Friend& f : out.friends)
    sources_[layout.at(f.agent->cell)] += 10 * f.strength;
  run(out.influence, strength_spread_permille);
  sources_.fill(0);
  for (const auto& site : view.sites)
    sources_[layout.at(site.cell)] = 100 * site.stock;
  run(out.pull, strength_spread_permille);
  sources_.fill(0);
  for (Cell cell : ground_.open) {
    const bool ours = view.owner[cell] == team_ && view.control[cell] >= ground_.rules.held_min;
    sources_[layout.at(cell)] = ours ? 0 : 1000 * (1000 - room_spread_permille) / 1000;
  }
  run(out.room, room_spread_permille);
  if (out.from_base.size() == layout.size()) return;  // the ground does not change
  out.from_base = hex::Field<hex::Distance>(layout);
  out.from_rivals = hex::Field<hex::Distance>(layout);
  std::vector<hex::Source> rivals;
  for (int t = 0; t < ground_.teams; ++t) {
    if (t != team_) rivals.push_back({ground_.bases[static_cast<std::size_t>(t)], 0});
  }
  const std::vector<hex::Source> home{{ground_.bases[team_], 0}};
  flood_.run(layout, ground_.costs, home, out.from_base);
  flood_.run(layout, ground_.costs, rivals, out.from_rivals);
}

void PictureMaker::measure(Picture& out) {
  for (Friend& f : out.friends) {
    if (f.way.size() != ground_.layout.size()) {
      f.way = hex::Field<hex::Distance>(ground_.layout);
    }
    // Whoever is on the way into a cell goes on from there.
    const bool moving = f.agent->next != no_cell;
    const std::vector<hex::Source> from{{moving ? f.agent->next : f.agent->cell, 0}};
    flood_.run(ground_.layout, ground_.costs, from, f.way, way_limit);
  }
}

Situation situation_of(const Ground& ground, const Picture& picture) {
  const View& view = *picture.view;
  Situation s;
  s.own = view.team;
  s.positions_known = true;
  s.win_share_percent =
      ground.rules.territory_share_permille[static_cast<std::size_t>(ground.teams - 2)] / 10.0;
  for (std::size_t t = 0; t < static_cast<std::size_t>(ground.teams); ++t) {
    s.present[t] = view.alive[t] || t == view.team;
    s.sides[t].territory_known = true;
    s.sides[t].share_percent = 100.0 * view.held[t] / std::max(1, ground.reachable_cells);
  }
  Side& us = s.sides[view.team];
  us.store_known = us.agents_known = true;
  double health = 0;
  for (std::size_t r = 0; r < us.store.size(); ++r)
    us.store[r] = view.store[r];
  for (const Friend& f : picture.friends) {
    us.count[static_cast<std::size_t>(f.agent->role)] += 1;
    us.strength += f.strength / 100.0;
    health += static_cast<double>(f.agent->health) / std::max(1, f.agent->health_max);
  }
  if (!picture.friends.empty()) us.health = health / static_cast<double>(picture.friends.size());
  for (const Foe& foe : picture.foes) {
    Side& side = s.sides[foe.agent->team];
    side.agents_known = true;
    side.count[static_cast<std::size_t>(foe.agent->role)] += 1;
    side.strength += foe.strength / 100.0;
    if (foe.intruder && s.threatened_cells.size() < 16)
      s.threatened_cells.push_back(foe.agent->cell);
  }
  for (const auto& site : view.sites) {
    s.on_map[static_cast<std::size_t>(site.type)] += site.stock;
  }
  s.on_map_known = true;
  const double danger = picture.base_danger;
  if (danger > 0) s.base_threat = danger / (danger + 0.75 * picture.base_guard);
  // An opening: fighters near workers who have nobody beside them.
  double open = 0;
  for (const Foe& foe : picture.foes) {
    if (foe.armed || foe.against <= 0) continue;
    open = std::max(open, static_cast<double>(foe.against) / (foe.against + 2.0 * foe.beside));
  }
  s.opening = open;
  return s;
}

}  // namespace redoubt::strategy
