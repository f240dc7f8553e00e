// observe: what a team sees now, written into its memory of the match.
#include <algorithm>
#include <cstring>

#include "engine/territory/phases.hpp"

namespace redoubt::territory {
namespace {

// Marks every cell within `radius` of `centre`. In odd-r a disc is one run of columns in each row.
void mark_disc(const Map& map, Cell centre, int radius, std::uint8_t* visible) {
  const hex::Offset at = map.offset(centre);
  const int q = hex::to_axial(at).q;
  for (int dr = -radius; dr <= radius; ++dr) {
    const int row = at.row + dr;
    if (row < 0 || row >= map.height) continue;
    // Axial q of the run: from q - radius - min(0, dr) to q + radius - max(0, dr).
    const int shift = (row - (row & 1)) / 2;
    const int low = std::max(0, q - radius - std::min(0, dr) + shift);
    const int high = std::min(map.width - 1, q + radius - std::max(0, dr) + shift);
    if (low > high) continue;
    std::memset(visible + row * map.width + low, 1, static_cast<std::size_t>(high - low + 1));
  }
}

void mark_visible(const Board& board, const World& w, int team, std::uint8_t* visible) {
  const Rules& rules = board.rules();
  const auto cells = static_cast<std::size_t>(board.cells());
  std::memset(visible, 0, cells);
  const std::uint16_t held_min = static_cast<std::uint16_t>(rules.held_min);
  for (std::size_t c = 0; c < cells; ++c) {
    if (w.owner[c] != team || w.control[c] < held_min) continue;
    visible[c] = 1;
    if (rules.vision_held_cells == 0) continue;
    for (Cell n : board.neighbours(static_cast<Cell>(c))) {
      if (n != no_cell) visible[n] = 1;
    }
  }
  mark_disc(board.map(), board.base(team), rules.vision_base_cells, visible);
  each_slot(w.living & team_bits(team), [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    const int radius = rules.vision_cells[static_cast<std::size_t>(w.role[s])];
    mark_disc(board.map(), w.cell[s], radius, visible);
  });
}

bool continues(const Board& board, const World& w, Team team, const View& view) {
  if (view.team != team || view.teams != board.teams() || view.tick > w.tick) return false;
  if (view.owner.size() != static_cast<std::size_t>(board.cells())) return false;
  if (view.map_hash != board.map_hash()) return false;
  return view.sites.size() == board.reachable_sites().size();
}

void begin(const Board& board, Team team, View& view) {
  const auto cells = static_cast<std::size_t>(board.cells());
  view = View{};
  view.team = team;
  view.teams = static_cast<std::uint8_t>(board.teams());
  view.map_hash = board.map_hash();
  view.owner.assign(cells, no_team);
  view.control.assign(cells, 0);
  view.visible.assign(cells, 0);
  view.explored.assign(cells, 0);
  view.own.reserve(agents_per_team_max);
  view.enemies.reserve(agents_max);
  for (const Site& site : board.reachable_sites()) {
    view.sites.push_back({.cell = site.cell,
                          .type = site.type,
                          .stock = static_cast<std::int16_t>(board.rules().stock_start)});
  }
}

void see_cells(const Board& board, const World& w, View& view) {
  const auto cells = static_cast<std::size_t>(board.cells());
  mark_visible(board, w, view.team, view.visible.data());
  for (std::size_t c = 0; c < cells; ++c) {
    const bool seen = view.visible[c] != 0;
    view.owner[c] = seen ? w.owner[c] : view.owner[c];
    view.control[c] = seen ? w.control[c] : view.control[c];
    view.explored[c] = static_cast<std::uint8_t>(view.explored[c] | view.visible[c]);
  }
  for (ViewSite& site : view.sites) {
    if (view.visible[site.cell] == 0) continue;
    site.stock = w.stock[static_cast<std::size_t>(board.site_at(site.cell))];
    site.seen_tick = w.tick;
  }
}

ViewAgent seen_agent(const World& w, std::size_t s) {
  return {.id = w.id[s],
          .team = static_cast<Team>(slot_team(static_cast<int>(s))),
          .role = w.role[s],
          .cell = w.cell[s],
          .seen_tick = w.tick,
          .health = w.health[s],
          .health_max = w.health_max[s],
          .attributes = w.attributes[s]};
}

bool by_id(const ViewAgent& a, const ViewAgent& b) {
  return a.id < b.id;
}

void see_own(const World& w, View& view) {
  view.own.clear();
  each_slot(w.living & team_bits(view.team), [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    ViewAgent agent = seen_agent(w, s);
    agent.next = w.next[s];
    agent.load_type = w.load_type[s];
    agent.load = w.load[s];
    agent.capacity = w.capacity[s];
    agent.order = {.kind = w.order[s],
                   .team = view.team,
                   .agent = w.id[s],
                   .cell = w.order_cell[s],
                   .target = w.order_target[s]};
    view.own.push_back(agent);
  });
  std::sort(view.own.begin(), view.own.end(), by_id);
}

// Who was last seen where one can look now, and is not there, is forgotten: it may be anywhere.
void see_enemies(const World& w, View& view) {
  const auto stale = [&](const ViewAgent& agent) { return view.visible[agent.cell] != 0; };
  view.enemies.erase(std::remove_if(view.enemies.begin(), view.enemies.end(), stale),
                     view.enemies.end());
  each_slot(w.living & ~team_bits(view.team), [&](int slot) {
    const auto s = static_cast<std::size_t>(slot);
    if (view.visible[w.cell[s]] == 0) return;
    const auto known = std::find_if(view.enemies.begin(), view.enemies.end(),
                                    [&](const ViewAgent& agent) { return agent.id == w.id[s]; });
    if (known != view.enemies.end()) {
      *known = seen_agent(w, s);
    } else {
      view.enemies.push_back(seen_agent(w, s));
    }
  });
  std::sort(view.enemies.begin(), view.enemies.end(), by_id);
}

void read_score_board(const Board& board, const World& w, View& view) {
  const std::size_t me = view.team;
  view.tick = w.tick;
  view.store = w.store[me];
  view.income_permille.fill(static_cast<std::int32_t>(std::int64_t{1000} * w.held[me] /
                                                      board.rules().held_cell_ticks_per_unit));
  view.held = w.held;
  view.deposits = w.deposits;
  view.territory_ticks = w.territory_ticks;
  for (std::size_t team = 0; team < teams_max; ++team) {
    view.alive[team] = team < view.teams && w.eliminated_tick[team] < 0;
  }
  view.spawn_ready_tick = w.spawn_ready_tick[me];
  view.outcome = outcome(board, w);
}

}  // namespace

void observe(const Board& board, const World& world, Team team, View& view) {
  if (!continues(board, world, team, view)) begin(board, team, view);
  read_score_board(board, world, view);
  see_cells(board, world, view);
  see_own(world, view);
  see_enemies(world, view);
}

}  // namespace redoubt::territory
