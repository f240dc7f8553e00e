// Orders: what may be ordered, and what an order changes.
#include "engine/territory/phases.hpp"

namespace redoubt::territory {
namespace {

Error bad_order(const Order& order, std::string path, std::string expected, std::string got) {
  std::string who = "team " + std::to_string(order.team);
  if (order.agent != no_agent) who += ", agent " + std::to_string(order.agent);
  std::string message = "order of " + who + ": " + path + ": expected " + expected + ", got " + got;
  return {.code = "bad_order",
          .message = std::move(message),
          .path = std::move(path),
          .expected = std::move(expected),
          .got = std::move(got)};
}

Result<void> check_spawn(const Board& board, const Order& order) {
  if (order.agent != no_agent) {
    return bad_order(order, "agent", "none in a spawn order", std::to_string(order.agent));
  }
  if (static_cast<int>(order.role) >= roles) {
    return bad_order(order, "role", "0 to 3", std::to_string(static_cast<int>(order.role)));
  }
  auto fits = check_attributes(board.rules(), order.attributes);
  if (!fits) {
    Error& error = fits.error();
    error.path = "attributes." + error.path;
    error.message = "order of team " + std::to_string(order.team) + ": " + error.path +
                    ": expected " + error.expected + ", got " + error.got;
  }
  return fits;
}

Result<void> check_agent(const World& world, const Order& order) {
  if (order.agent >= world.next_id) {
    return bad_order(order, "agent", "the id of an own agent",
                     order.agent == no_agent ? "none" : "an id that no agent has had");
  }
  const int slot = slot_of(world, order.agent);
  if (slot >= 0 && slot_team(slot) != order.team) {
    return bad_order(order, "agent", "the id of an own agent",
                     "an agent of team " + std::to_string(slot_team(slot)));
  }
  return {};
}

Result<void> check_cell(const Board& board, const Order& order) {
  const Cell cell = order.cell;
  if (cell >= board.cells()) {
    return bad_order(order, "cell", "a cell from 0 to " + std::to_string(board.cells() - 1),
                     cell == no_cell ? "none" : std::to_string(cell));
  }
  if (!board.reachable(cell)) {
    return bad_order(order, "cell", "a cell that can be walked to",
                     name_cell(board.map(), cell) + ", which cannot be reached");
  }
  if (order.kind == OrderKind::collect && board.site_at(cell) < 0) {
    return bad_order(order, "cell", "a resource site", name_cell(board.map(), cell));
  }
  const std::uint8_t base = board.base_at(cell);
  if (order.kind == OrderKind::capture && base != 0xff && base != order.team) {
    return bad_order(order, "cell", "a cell that the team may enter",
                     name_cell(board.map(), cell) + ", the base of team " + std::to_string(base));
  }
  return {};
}

Result<void> check_target(const World& world, const Order& order) {
  if (order.target == no_agent) {
    if (order.cell != no_cell) return {};
    return bad_order(order, "target", "an enemy's id, a cell, or both", "neither");
  }
  if (order.target >= world.next_id) {
    return bad_order(order, "target", "the id of an enemy", "an id that no agent has had");
  }
  const int slot = slot_of(world, order.target);
  if (slot >= 0 && slot_team(slot) == order.team) {
    return bad_order(order, "target", "the id of an enemy", "an agent of its own team");
  }
  return {};
}

bool needs_cell(OrderKind kind) {
  return kind == OrderKind::move || kind == OrderKind::collect || kind == OrderKind::capture ||
         kind == OrderKind::guard;
}

void drop(Tick& t, const Order& order) {
  ++t.world.dropped_orders;
  t.tell({.kind = EventKind::order_dropped,
          .team = order.team,
          .tick = t.now,
          .agent = order.agent,
          .cell = order.cell});
}

void give(Tick& t, std::size_t s, const Order& order) {
  World& w = t.world;
  const bool has_cell = needs_cell(order.kind) || order.kind == OrderKind::attack;
  const Cell cell = has_cell ? order.cell : no_cell;
  const AgentId target = order.kind == OrderKind::attack ? order.target : no_agent;
  const bool same =
      w.order[s] == order.kind && w.order_cell[s] == cell && w.order_target[s] == target;
  if (same) return;
  w.order[s] = order.kind;
  w.order_cell[s] = cell;
  w.order_target[s] = target;
  w.errand[s] = Errand::outbound;
  if (order.kind == OrderKind::collect && w.load[s] > 0) {
    const auto site = static_cast<std::size_t>(t.board.site_at(cell));
    const bool other_type = w.load_type[s] != t.board.map().sites[site].type;
    if (other_type || w.load[s] >= w.capacity[s]) w.errand[s] = Errand::homeward;
  }
  w.nearest[s] = Board::unreachable_units;
  w.detours[s] = 0;
  // A step once begun is finished; whoever stands looks at once.
  if (w.next[s] == no_cell) w.wake_tick[s] = t.now;
}

}  // namespace

Result<void> check(const Board& board, const World& world, const Order& order) {
  if (order.team >= board.teams()) {
    return bad_order(order, "team", "a team from 0 to " + std::to_string(board.teams() - 1),
                     std::to_string(order.team));
  }
  if (order.kind > OrderKind::spawn) {
    return bad_order(order, "kind", "a kind from 0 to 7",
                     std::to_string(static_cast<int>(order.kind)));
  }
  if (order.kind == OrderKind::spawn) return check_spawn(board, order);
  if (auto fits = check_agent(world, order); !fits) return fits;
  const bool may_have_cell = order.kind == OrderKind::attack && order.cell != no_cell;
  if (needs_cell(order.kind) || may_have_cell) {
    if (auto fits = check_cell(board, order); !fits) return fits;
  }
  if (order.kind == OrderKind::attack) return check_target(world, order);
  return {};
}

void apply_orders(Tick& t, std::span<const Order> orders) {
  for (const Order& order : orders) {
    if (order.kind == OrderKind::spawn) {
      // One a tick; spawn() drops what cannot be built now.
      if (t.spawns[order.team] == nullptr) {
        t.spawns[order.team] = &order;
      } else {
        drop(t, order);
      }
      continue;
    }
    const int slot = slot_of(t.world, order.agent);
    if (slot < 0) {
      drop(t, order);
    } else {
      give(t, static_cast<std::size_t>(slot), order);
    }
  }
}

void drop_spawn(Tick& t, int team) {
  drop(t, *t.spawns[static_cast<std::size_t>(team)]);
}

}  // namespace redoubt::territory
