#include "engine/territory/step.hpp"

#include <algorithm>

#include "engine/territory/phases.hpp"

namespace redoubt::territory {
namespace {

// Rings around the base; where two bases are equally near, the cell is nobody's.
void claim_start_cells(const Board& board, World& w) {
  const Rules& rules = board.rules();
  const int rings = static_cast<int>(rules.start_control.size());
  for (int c = 0; c < board.cells(); ++c) {
    const auto cell = static_cast<Cell>(c);
    if (!board.reachable(cell)) continue;
    int best = rings;
    Team owner = no_team;
    for (int team = 0; team < board.teams(); ++team) {
      const int d = board.distance(board.base(team), cell);
      if (d > best || d >= rings) continue;
      owner = d == best ? no_team : static_cast<Team>(team);
      best = d;
    }
    if (owner == no_team) continue;
    const int control = rules.start_control[static_cast<std::size_t>(best)];
    w.control[cell] = static_cast<std::uint16_t>(control);
    w.owner[cell] = control > 0 ? owner : no_team;
  }
}

void place_start_agents(Tick& t) {
  const Rules& rules = t.board.rules();
  for (int team = 0; team < t.board.teams(); ++team) {
    for (std::size_t r = 0; r < roles; ++r) {
      for (int k = 0; k < rules.start_agents[r]; ++k) {
        const auto& cells = t.board.spawn_cells(team);
        const auto free = std::find_if(cells.begin(), cells.end(), [&](Cell cell) {
          return t.world.occupant[cell] == no_slot;
        });
        if (free == cells.end()) return;
        place_agent(t, team, static_cast<Role>(r), rules.defaults[r], *free);
      }
    }
  }
}

}  // namespace

World start(const Board& board, std::uint64_t seed, const Lots& lots) {
  World w{};
  w.seed = seed;
  w.lots = lots;
  w.winner = no_team;
  w.eliminated_tick.fill(-1);
  w.owner.fill(no_team);
  for (std::size_t s = 0; s < agents_max; ++s)
    clear_slot(w, s);
  for (std::size_t team = 0; team < static_cast<std::size_t>(board.teams()); ++team) {
    for (std::size_t k = 0; k < resources; ++k)
      w.store[team][k] = board.rules().start_store[k];
  }
  for (std::size_t i = 0; i < board.map().sites.size(); ++i) {
    w.stock[i] = static_cast<std::uint8_t>(board.rules().stock_start);
  }
  claim_start_cells(board, w);
  settle(board, w);
  Tick t{.board = board, .world = w, .events = nullptr, .now = 0};
  place_start_agents(t);
  return w;
}

Result<void> step(const Board& board, World& world, std::span<const Order> orders,
                  std::vector<Event>* events) {
  if (world.over != 0) {
    return Error{.code = "match_over",
                 .message = "the match ended at tick " + std::to_string(world.tick)};
  }
  for (const Order& order : orders) {
    if (auto fits = check(board, world, order); !fits) return fits;
  }
  Tick t{.board = board, .world = world, .events = events, .now = world.tick};
  apply_orders(t, orders);
  fight(t);
  move_agents(t);
  capture(t);
  heal(t);
  pay_income(t);
  regrow(t);
  spawn(t);
  judge(t);
  ++world.tick;
  return {};
}

}  // namespace redoubt::territory
