#include "engine/territory/board.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/base/stable_order.hpp"
#include "engine/territory/map_symmetry.hpp"

namespace redoubt::territory {
namespace {

// A bucket for each possible increment and one for the current distance (Dial's queue).
constexpr std::size_t buckets = move_cost_units_max + 1;

}  // namespace

Board::Paths::Paths(int cells)
    : filled(static_cast<std::size_t>(cells), 0),
      distance(
          new std::uint16_t[static_cast<std::size_t>(cells) * static_cast<std::size_t>(cells)]),
      ways(new std::uint8_t[static_cast<std::size_t>(cells) * static_cast<std::size_t>(cells)]),
      queue_next(static_cast<std::size_t>(cells), no_cell) {}

Board::Board(std::shared_ptr<const Tables> tables)
    : tables_(std::move(tables)), paths_(std::make_unique<Paths>(tables_->cells)) {}

Board::Board(const Board& other) : Board(other.tables_) {}

Board& Board::operator=(const Board& other) {
  if (this != &other) *this = Board(other);
  return *this;
}

Result<Board> Board::make(Map map, const Rules& rules) {
  if (auto fits = check(rules); !fits) return fits.error();
  if (auto fits = check(map); !fits) return fits.error();
  auto tables = std::make_shared<Tables>();
  tables->map_hash = map.hash();
  tables->rules_hash = hash(rules);
  tables->cells = map.cells();
  tables->teams = map.teams();
  tables->map = std::move(map);
  tables->rules = rules;
  add_cells(*tables);
  add_rules(*tables);
  add_reachable(*tables);
  add_frames(*tables);
  add_base_ranges(*tables);
  return Board(std::move(tables));
}

void Board::add_cells(Tables& t) {
  const Map& map = t.map;
  const auto count = static_cast<std::size_t>(t.cells);
  t.site_at.assign(count, -1);
  t.base_at.assign(count, 0xff);
  for (std::size_t i = 0; i < map.sites.size(); ++i) {
    t.site_at[map.sites[i].cell] = static_cast<std::int16_t>(i);
  }
  for (std::size_t i = 0; i < map.bases.size(); ++i) {
    t.base_at[map.bases[i]] = static_cast<std::uint8_t>(i);
  }
  t.cost_unit = std::gcd(t.rules.move_cost_open, t.rules.move_cost_rough);
  for (int c = 0; c < t.cells; ++c) {
    const hex::Axial a = hex::to_axial(map.offset(static_cast<Cell>(c)));
    t.q.push_back(static_cast<std::int16_t>(a.q));
    t.r.push_back(static_cast<std::int16_t>(a.r));
    std::array<Cell, 6> around{};
    for (std::size_t d = 0; d < around.size(); ++d) {
      const hex::Axial step = hex::axial_steps[d];
      const hex::Offset o = hex::to_offset({a.q + step.q, a.r + step.r});
      const bool inside = o.column >= 0 && o.column < map.width && o.row >= 0 && o.row < map.height;
      around[d] = inside ? map.at(o) : no_cell;
    }
    t.neighbours.push_back(around);
    const Terrain terrain = map.terrain[static_cast<std::size_t>(c)];
    t.enter_cost.push_back(terrain == Terrain::open    ? t.rules.move_cost_open
                           : terrain == Terrain::rough ? t.rules.move_cost_rough
                                                       : 0);
    t.enter_units.push_back(static_cast<std::uint8_t>(t.enter_cost.back() / t.cost_unit));
  }
}

void Board::add_rules(Tables& t) {
  const auto least = static_cast<std::int16_t>(t.rules.attribute_min);
  const Attributes cheapest{least, least, least, least, least};
  for (std::size_t r = 0; r < roles; ++r) {
    t.cheapest[r] = cost(t.rules, static_cast<Role>(r), cheapest, 0);
  }
  const int rate_max = t.rules.move_base + t.rules.move_scaled * t.rules.attribute_max / 1000;
  const int cost_min = std::min(t.rules.move_cost_open, t.rules.move_cost_rough);
  t.ticks_per_cell_min = std::max(1, cost_min / rate_max);
  t.contact_cells = std::max(t.rules.range_cells, t.rules.engage_cells);
}

// A team's agents pass its own base but no other; what any team can reach is reachable.
void Board::add_reachable(Tables& t) {
  t.reachable.assign(static_cast<std::size_t>(t.cells), 0);
  for (int team = 0; team < t.teams; ++team) {
    std::vector<std::uint8_t> seen(static_cast<std::size_t>(t.cells), 0);
    std::vector<Cell> open{t.map.bases[static_cast<std::size_t>(team)]};
    seen[open.front()] = 1;
    while (!open.empty()) {
      const Cell at = open.back();
      open.pop_back();
      t.reachable[at] = 1;
      for (Cell n : t.neighbours[at]) {
        if (n == no_cell || seen[n] != 0 || t.enter_cost[n] == 0 || t.base_at[n] != 0xff) continue;
        seen[n] = 1;
        open.push_back(n);
      }
    }
  }
  t.reachable_cells =
      static_cast<int>(std::count(t.reachable.begin(), t.reachable.end(), std::uint8_t{1}));
  for (const Site& site : t.map.sites) {
    if (t.reachable[site.cell] != 0) t.reachable_sites.push_back(site);
  }
  const int share = t.rules.territory_share_permille[static_cast<std::size_t>(t.teams - 2)];
  t.territory_cells = (share * t.reachable_cells + 999) / 1000;
}

void Board::add_frames(Tables& t) {
  for (int team = 0; team < t.teams; ++team) {
    const Turn turn = turn_to_first(t.map, team);
    Frame& frame = t.frames[static_cast<std::size_t>(team)];
    for (int c = 0; turn != Turn::identity && c < t.cells; ++c) {
      frame.cells.push_back(turned(t.map, turn, static_cast<Cell>(c)));
    }
    for (std::uint8_t d = 0; d < 6; ++d) {
      const int image = turned_direction(turn, d);
      frame.order[static_cast<std::size_t>(image)] = d;
    }
    for (std::size_t ways = 1; ways < frame.first.size(); ++ways) {
      const auto first = std::find_if(frame.order.begin(), frame.order.end(),
                                      [&](std::uint8_t d) { return (ways >> d & 1) != 0; });
      frame.first[ways] = *first;
    }
  }
}

void Board::add_base_ranges(Tables& t) {
  t.deposit.assign(static_cast<std::size_t>(t.cells), 0);
  t.heal.assign(static_cast<std::size_t>(t.cells), 0);
  for (int team = 0; team < t.teams; ++team) {
    const auto index = static_cast<std::size_t>(team);
    const Frame& frame = t.frames[index];
    const Cell base = t.map.bases[index];
    struct Place {
      int distance;
      Cell in_frame;
      Cell cell;
    };
    std::vector<Place> places;
    for (int c = 0; c < t.cells; ++c) {
      const auto cell = static_cast<Cell>(c);
      const int d =
          hex::distance(hex::Axial{t.q[cell], t.r[cell]}, hex::Axial{t.q[base], t.r[base]});
      const auto bit = static_cast<std::uint8_t>(1u << team);
      if (d <= t.rules.deposit_range_cells) t.deposit[cell] |= bit;
      if (d <= t.rules.heal_range_cells) t.heal[cell] |= bit;
      const bool free = t.reachable[cell] != 0 && (t.base_at[cell] == 0xff || cell == base);
      if (free && d <= t.rules.spawn_rings_max) {
        places.push_back({d, frame.cells.empty() ? cell : frame.cells[cell], cell});
      }
    }
    // No two places have the same image, so the order is total.
    sort_stable(places, [](const Place& a, const Place& b) {
      return std::pair(a.distance, a.in_frame) < std::pair(b.distance, b.in_frame);
    });
    for (const Place& place : places)
      t.spawn_cells[index].push_back(place.cell);
  }
}

// Reverse Dijkstra with a bucket queue. Entering v costs the same from every side, so cells are
// taken in the order of distance(v) + cost(v): whoever reaches u first gives u its distance, every
// cell is queued once, and whoever reaches u equally cheaply adds a way.
void Board::fill(Cell to) const {
  const Tables& t = *tables_;
  const auto count = static_cast<std::size_t>(t.cells);
  std::uint16_t* distance = &paths_->distance[to * count];
  std::uint8_t* ways = &paths_->ways[to * count];
  std::vector<Cell>& next = paths_->queue_next;
  std::fill_n(distance, count, unreachable_units);
  std::fill_n(ways, count, std::uint8_t{0});
  paths_->filled[to] = 1;
  distance[to] = 0;
  if (t.enter_units[to] == 0) return;

  std::array<Cell, buckets> heads;
  heads.fill(no_cell);
  std::size_t queued = 1;
  next[to] = no_cell;
  heads[t.enter_units[to]] = to;
  for (std::size_t key = t.enter_units[to]; queued > 0; ++key) {
    Cell v = std::exchange(heads[key % buckets], no_cell);
    for (; v != no_cell; v = next[v]) {
      --queued;
      for (std::size_t d = 0; d < 6; ++d) {
        const Cell u = t.neighbours[v][d];
        if (u == no_cell || t.enter_units[u] == 0) continue;
        const auto back = static_cast<std::uint8_t>(1u << hex::opposite(static_cast<int>(d)));
        if (distance[u] == key) ways[u] = static_cast<std::uint8_t>(ways[u] | back);
        if (distance[u] != unreachable_units) continue;
        distance[u] = static_cast<std::uint16_t>(key);
        ways[u] = back;
        if (t.base_at[u] != 0xff) continue;
        const std::size_t bucket = (key + t.enter_units[u]) % buckets;
        next[u] = heads[bucket];
        heads[bucket] = u;
        ++queued;
      }
    }
  }
}

}  // namespace redoubt::territory
