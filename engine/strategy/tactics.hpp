// Tactics: which agent does what, now. A utility for every pair of agent and task, then the exact
// assignment, with a bonus for going on with what one is at.
//
// Utilities are gains a tick in points: a unit of a resource that is needed is about 1000 points, a
// claimed cell 2500. So near things win over far ones, and one number compares unlike things.
#pragma once

#include <vector>

#include "engine/strategy/picture.hpp"
#include "engine/strategy/team_strategy.hpp"

namespace redoubt::strategy {

enum class TaskKind : std::uint8_t { none, collect, claim, attack, hold, heal, escape };
constexpr int task_kinds = 7;
constexpr std::array<std::string_view, task_kinds> task_names{"none", "collect", "claim", "attack",
                                                              "hold", "heal",    "escape"};

struct Task {
  TaskKind kind = TaskKind::none;
  Cell cell = no_cell;
  territory::AgentId target = territory::no_agent;  ///< attack
  friend bool operator==(const Task&, const Task&) = default;
};

/// What one agent is about.
struct Duty {
  territory::AgentId agent = territory::no_agent;
  Cell at = no_cell;  ///< where it was when the duty was given
  Task task;
};

/// How much a strategy wants each kind of thing; 1 is usual.
struct Weights {
  std::array<double, territory::resources> collect{1, 1, 1};
  double claim = 1;
  double attack = 1;
  double defend = 1;   ///< attack on intruders
  double caution = 1;  ///< odds asked for before a fight
  double leash = 1;    ///< how much fighters keep to their own ground
};
Weights weights_of(const TeamStrategy& strategy);

/// A duty for each of picture.friends, in their order. `before`: the duties of the last thought.
std::vector<Duty> assign_duties(const Ground& ground, const Picture& picture,
                                const Weights& weights, const std::vector<Duty>& before);

/// The order that carries out a task.
territory::Order order_for(Team team, const Duty& duty);

}  // namespace redoubt::strategy
