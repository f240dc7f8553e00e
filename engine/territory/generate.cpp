// The seeded generator. Everything is drawn once and stamped on all images of a cell, so that the
// map is fair by construction; what a draw makes unplayable is thrown away and drawn again.
//
// Obstacles are mountain ranges (walks that keep their heading and leave passes) and lakes (grown
// blobs); rough ground is foothills beside the obstacles and forests (blobs).
#include <algorithm>
#include <array>

#include "engine/base/message.hpp"
#include "engine/base/rng.hpp"
#include "engine/base/stable_order.hpp"
#include "engine/territory/map_symmetry.hpp"

namespace redoubt::territory {
namespace {

constexpr int side_min = 12;               // cells; below, bases and their surroundings do not fit
constexpr int attempts_max = 48;           // draws of the ground before giving up
constexpr int attempts_per_density = 12;   // after so many the ground gets fewer obstacles
constexpr int strokes_max = 400;           // ranges and blobs a draw
constexpr int clear_radius = 3;            // no obstacle so near to a base
constexpr int smooth_radius = 1;           // no rough ground so near to a base
constexpr int edge_margin = 2;             // between a base and the edge
constexpr int site_spacing = 3;            // between any two sites, steps
constexpr int detour_max_permille = 1350;  // way between two bases against its geometric distance
// How far apart bases lie, of what the rectangle allows: 34 steps on 40x28 with two teams.
constexpr std::array<int, teams_max + 1> base_distance_permille{0, 0, 735, 950, 850};

Error cannot(Pieces what, Pieces path, Pieces expected, Pieces got) {
  const std::string reason = joined(what);
  return make_error("bad_map", {"cannot generate a map: ", reason}, path, expected, got);
}

Result<void> check_option(const char* name, int value, int low, int high) {
  if (value >= low && value <= high) return {};
  const std::string expected = joined({low, " to ", high});
  return cannot({name, " is ", value, ", expected ", expected}, {name}, {expected}, {value});
}

Result<void> check_options(const GenerateOptions& o) {
  struct Bound {
    const char* name;
    int value;
    int low;
    int high;
  };
  const std::array<Bound, 7> bounds{{
      {"width", o.width, side_min, cells_max / side_min},
      {"height", o.height, side_min, cells_max / side_min},
      {"teams", o.teams, 2, teams_max},
      {"obstacle_permille", o.obstacle_permille, 0, 300},
      {"rough_permille", o.rough_permille, 0, 500},
      {"sites_per_team", o.sites_per_team, 0, sites_max / std::clamp(o.teams, 2, teams_max)},
      {"site_base_distance_min", o.site_base_distance_min, 1, 20},
  }};
  for (const Bound& b : bounds) {
    if (Result<void> good = check_option(b.name, b.value, b.low, b.high); !good) return good;
  }
  if (o.width * o.height > cells_max) {
    const std::string got = joined({o.width, "x", o.height});
    return cannot({got, " is more than ", cells_max, " cells"}, {"width"},
                  {"at most ", cells_max, " cells"}, {got});
  }
  return {};
}

/// What the symmetry fixes for a size and a number of teams, before anything is drawn.
struct Frame {
  Map map;  // terrain: obstacle where a cell has no image, else open
  std::vector<Turn> turns;
  int playable = 0;
};

Frame make_frame(const GenerateOptions& options) {
  Frame frame;
  Map& map = frame.map;
  map.width = options.width;
  map.height = options.height;
  switch (options.teams) {
    case 2:
      map.symmetry = Symmetry::point;
      frame.turns = {Turn::half};
      break;
    case 3:
      map.symmetry = Symmetry::rotation3;
      frame.turns = {Turn::third, Turn::two_thirds};
      break;
    default:
      map.symmetry = Symmetry::mirrors4;
      frame.turns = {Turn::half, Turn::left_right, Turn::up_down};
      // Two mirrors need an odd number of rows.
      if (map.height % 2 == 0) --map.height;
      break;
  }
  map.terrain.assign(static_cast<std::size_t>(map.cells()), Terrain::open);
  const hex::Offset middle{(map.width - 1) / 2, (map.height - 1) / 2};
  const int radius = std::min(
      {middle.column, map.width - 1 - middle.column, middle.row, map.height - 1 - middle.row});
  for (int i = 0; i < map.cells(); ++i) {
    const auto cell = static_cast<Cell>(i);
    bool playable = true;
    for (Turn turn : frame.turns)
      playable = playable && turned(map, turn, cell) != no_cell;
    if (map.symmetry == Symmetry::rotation3) {
      playable = playable && hex::distance(map.offset(cell), middle) <= radius;
    }
    if (!playable) map.terrain[cell] = Terrain::obstacle;
    frame.playable += playable ? 1 : 0;
  }
  return frame;
}

class Generator {
 public:
  Generator(const GenerateOptions& options, const Frame& frame, Rng rng)
      : options_(options), frame_(frame), map_(frame.map), rng_(rng) {}

  /// One draw; false where it is not playable.
  bool draw(int obstacle_permille) {
    if (!place_bases()) return false;
    raise_obstacles(frame_.playable * obstacle_permille / 1000);
    if (!fill_pockets() || !ways_are_good()) return false;
    spread_rough(frame_.playable * options_.rough_permille / 1000);
    return place_sites();
  }
  Map take() { return std::move(map_); }

 private:
  int pick(int count) { return static_cast<int>(rng_.below(static_cast<std::uint32_t>(count))); }
  bool chance(int permille) { return pick(1000) < permille; }

  int distance(Cell a, Cell b) const { return hex::distance(map_.offset(a), map_.offset(b)); }

  Cell neighbour(Cell cell, int direction) const {
    const hex::Axial at = hex::to_axial(map_.offset(cell));
    const hex::Axial step = hex::axial_steps[static_cast<std::size_t>(direction)];
    return cell_at({at.q + step.q, at.r + step.r});
  }

  Cell cell_at(hex::Axial at) const {
    const hex::Offset place = hex::to_offset(at);
    const bool inside =
        place.column >= 0 && place.column < map_.width && place.row >= 0 && place.row < map_.height;
    return inside ? map_.at(place) : no_cell;
  }

  bool playable(Cell cell) const {
    return cell != no_cell && frame_.map.terrain[cell] != Terrain::obstacle;
  }
  bool passable(Cell cell) const {
    return cell != no_cell && map_.terrain[cell] != Terrain::obstacle;
  }

  /// The cell and its images; shorter than the number of teams where images coincide.
  std::vector<Cell> orbit(Cell cell) const {
    std::vector<Cell> cells{cell};
    for (Turn turn : frame_.turns) {
      const Cell image = turned(map_, turn, cell);
      if (std::find(cells.begin(), cells.end(), image) == cells.end()) cells.push_back(image);
    }
    return cells;
  }

  int nearest_base(Cell cell) const {
    int best = cells_max;
    for (Cell base : map_.bases)
      best = std::min(best, distance(cell, base));
    return best;
  }

  int smallest_gap(const std::vector<Cell>& cells) const {
    int gap = cells_max;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j)
        gap = std::min(gap, distance(cells[i], cells[j]));
    }
    return gap;
  }

  // Every cell within edge_margin lies on the map and may be played on.
  bool room_around(Cell cell) const {
    const hex::Axial at = hex::to_axial(map_.offset(cell));
    for (int q = -edge_margin; q <= edge_margin; ++q) {
      const int low = std::max(-edge_margin, -q - edge_margin);
      const int high = std::min(edge_margin, -q + edge_margin);
      for (int r = low; r <= high; ++r)
        if (!playable(cell_at({at.q + q, at.r + r}))) return false;
    }
    return true;
  }

  bool place_bases() {
    struct Candidate {
      Cell cell;
      int gap;
    };
    std::vector<Candidate> candidates;
    int widest = 0;
    for (int i = 0; i < map_.cells(); ++i) {
      const auto cell = static_cast<Cell>(i);
      if (!playable(cell) || !room_around(cell)) continue;
      const std::vector<Cell> cells = orbit(cell);
      if (static_cast<int>(cells.size()) < options_.teams) continue;
      candidates.push_back({cell, smallest_gap(cells)});
      widest = std::max(widest, candidates.back().gap);
    }
    const int wanted =
        widest * base_distance_permille[static_cast<std::size_t>(options_.teams)] / 1000;
    if (wanted <= 2 * clear_radius) return false;
    std::erase_if(candidates, [&](const Candidate& c) { return std::abs(c.gap - wanted) > 1; });
    if (candidates.empty()) return false;
    const Cell base =
        candidates[static_cast<std::size_t>(pick(static_cast<int>(candidates.size())))].cell;
    map_.bases = orbit(base);
    // Team 0 is the leftmost, so that Red starts where people begin to read.
    const auto left = std::min_element(map_.bases.begin(), map_.bases.end(), [&](Cell a, Cell b) {
      const hex::Offset p = map_.offset(a);
      const hex::Offset q = map_.offset(b);
      return p.column != q.column ? p.column < q.column : p.row < q.row;
    });
    map_.bases = orbit(*left);
    return true;
  }

  void stamp(Cell cell, Terrain terrain) {
    for (Cell image : orbit(cell)) {
      if (map_.terrain[image] == terrain) continue;
      map_.terrain[image] = terrain;
      ++stamped_;
    }
  }

  bool may_block(Cell cell) const { return playable(cell) && nearest_base(cell) > clear_radius; }
  bool may_roughen(Cell cell) const { return passable(cell) && nearest_base(cell) > smooth_radius; }

  void raise_obstacles(int wanted) {
    stamped_ = 0;
    for (int stroke = 0; stroke < strokes_max && stamped_ < wanted; ++stroke) {
      const auto start = static_cast<Cell>(pick(map_.cells()));
      if (!may_block(start)) continue;
      if (chance(650)) {
        draw_range(start, wanted);
      } else {
        const int size = 4 + pick(6);
        draw_blob(start, size, wanted, Terrain::obstacle);
      }
    }
  }

  // A range keeps its heading, bends now and then, is two cells wide in places and has passes.
  void draw_range(Cell at, int wanted) {
    int heading = pick(hex::directions);
    const int length = 6 + pick(8);
    int until_pass = 3 + pick(4);
    for (int i = 0; i < length && stamped_ < wanted && may_block(at); ++i) {
      if (until_pass > 0) {
        stamp(at, Terrain::obstacle);
        const Cell beside = neighbour(at, (heading + 1) % hex::directions);
        if (chance(300) && may_block(beside)) stamp(beside, Terrain::obstacle);
      }
      // Two cells of pass, then rock again.
      until_pass = until_pass <= -1 ? 3 + pick(4) : until_pass - 1;
      if (chance(280)) heading = (heading + (chance(500) ? 1 : 5)) % hex::directions;
      at = neighbour(at, heading);
    }
  }

  void draw_blob(Cell start, int size, int wanted, Terrain terrain) {
    const auto allowed = [&](Cell cell) {
      return terrain == Terrain::obstacle ? may_block(cell) : may_roughen(cell);
    };
    std::vector<Cell> cells{start};
    stamp(start, terrain);
    // Each try picks a random cell of the blob and a random side of it: compact, ragged shapes.
    for (int tries = 0;
         tries < size * 4 && static_cast<int>(cells.size()) < size && stamped_ < wanted; ++tries) {
      const Cell from = cells[static_cast<std::size_t>(pick(static_cast<int>(cells.size())))];
      const Cell next = neighbour(from, pick(hex::directions));
      if (!allowed(next) || map_.terrain[next] == terrain) continue;
      stamp(next, terrain);
      cells.push_back(next);
    }
  }

  /// Steps from `from` to every cell, -1 where there is no way. `barred` cells are not entered.
  std::vector<int> walk(Cell from, const std::vector<std::uint8_t>* barred = nullptr) const {
    std::vector<int> steps(static_cast<std::size_t>(map_.cells()), -1);
    std::vector<Cell> queue{from};
    steps[from] = 0;
    for (std::size_t head = 0; head < queue.size(); ++head) {
      for (int d = 0; d < hex::directions; ++d) {
        const Cell next = neighbour(queue[head], d);
        if (!passable(next) || steps[next] >= 0) continue;
        if (barred != nullptr && (*barred)[next] != 0) continue;
        steps[next] = steps[queue[head]] + 1;
        queue.push_back(next);
      }
    }
    return steps;
  }

  // Ground that nobody can reach becomes rock; so do holes that only one side opens into.
  bool fill_pockets() {
    for (int round = 0; round < 2; ++round) {
      std::vector<Cell> nooks;
      for (int i = 0; i < map_.cells(); ++i) {
        const auto cell = static_cast<Cell>(i);
        if (!passable(cell) || !may_block(cell)) continue;
        int open_sides = 0;
        for (int d = 0; d < hex::directions; ++d)
          open_sides += passable(neighbour(cell, d)) ? 1 : 0;
        if (open_sides <= 1) nooks.push_back(cell);
      }
      for (Cell cell : nooks)
        map_.terrain[cell] = Terrain::obstacle;
    }
    const std::vector<int> steps = walk(map_.bases[0]);
    for (Cell base : map_.bases) {
      if (steps[base] < 0) return false;
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps[i] < 0) map_.terrain[i] = Terrain::obstacle;
    }
    return true;
  }

  // Between any two bases the way is no long detour, and a second way shares none of its cells
  // beyond the bases' surroundings: no single cell decides a match.
  bool ways_are_good() const {
    const Cell home = map_.bases[0];
    const std::vector<int> steps = walk(home);
    for (std::size_t team = 1; team < map_.bases.size(); ++team) {
      const Cell goal = map_.bases[team];
      if (steps[goal] * 1000 > distance(home, goal) * detour_max_permille) return false;
      std::vector<std::uint8_t> barred(steps.size(), 0);
      for (Cell at = goal; at != home;) {
        if (nearest_base(at) >= clear_radius) barred[at] = 1;
        for (int d = 0; d < hex::directions; ++d) {
          const Cell next = neighbour(at, d);
          if (!passable(next) || steps[next] != steps[at] - 1) continue;
          at = next;
          break;
        }
      }
      if (walk(home, &barred)[goal] < 0) return false;
    }
    return true;
  }

  void spread_rough(int wanted) {
    stamped_ = 0;
    for (int stroke = 0; stroke < strokes_max && stamped_ < wanted; ++stroke) {
      const auto start = static_cast<Cell>(pick(map_.cells()));
      if (!may_roughen(start)) continue;
      bool beside_rock = false;
      for (int d = 0; d < hex::directions; ++d) {
        const Cell next = neighbour(start, d);
        beside_rock = beside_rock || (playable(next) && !passable(next));
      }
      // Foothills first; a forest may stand anywhere.
      if (!beside_rock && !chance(350)) continue;
      const int size = beside_rock ? 2 + pick(3) : 4 + pick(5);
      draw_blob(start, size, wanted, Terrain::rough);
    }
  }

  // Sites lie in rings of growing distance from home, the last ones near the border to the others.
  bool place_sites() {
    const int count = options_.sites_per_team;
    if (count == 0) return true;
    const std::vector<int> home = walk(map_.bases[0]);
    int reach = cells_max;
    for (std::size_t team = 1; team < map_.bases.size(); ++team) {
      reach = std::min(reach, home[map_.bases[team]] / 2);
    }
    const int first = options_.site_base_distance_min + 1;
    const int offset = pick(resources);
    for (int i = 0; i < count; ++i) {
      const int wanted = first + std::max(0, reach - first) * i / std::max(1, count - 1);
      const Cell cell = pick_site(home, wanted);
      if (cell == no_cell) return false;
      for (Cell image : orbit(cell)) {
        map_.sites.push_back({image, static_cast<Resource>((i + offset) % resources)});
      }
    }
    sort_stable(map_.sites, [](const Site& a, const Site& b) { return a.cell < b.cell; });
    return true;
  }

  bool site_fits(Cell cell) const {
    if (!passable(cell) || nearest_base(cell) < options_.site_base_distance_min) return false;
    const std::vector<Cell> cells = orbit(cell);
    if (static_cast<int>(cells.size()) < options_.teams) return false;
    if (smallest_gap(cells) < site_spacing) return false;
    return std::all_of(map_.sites.begin(), map_.sites.end(),
                       [&](const Site& site) { return distance(site.cell, cell) >= site_spacing; });
  }

  /// A random cell of the wanted distance, or of the nearest distance that has one.
  Cell pick_site(const std::vector<int>& home, int wanted) {
    std::vector<Cell> best;
    int best_miss = cells_max;
    for (std::size_t i = 0; i < home.size(); ++i) {
      const auto cell = static_cast<Cell>(i);
      // A site belongs to the side that is nearest to it.
      if (home[i] < 0 || distance(cell, map_.bases[0]) > nearest_base(cell)) continue;
      const int miss = std::max(0, std::abs(home[i] - wanted) - 1);
      if (miss > best_miss || !site_fits(cell)) continue;
      if (miss < best_miss) best.clear();
      best_miss = miss;
      best.push_back(cell);
    }
    if (best.empty()) return no_cell;
    return best[static_cast<std::size_t>(pick(static_cast<int>(best.size())))];
  }

  const GenerateOptions& options_;
  const Frame& frame_;
  Map map_;
  Rng rng_;
  int stamped_ = 0;
};

}  // namespace

Result<Map> generate(const GenerateOptions& options) {
  if (Result<void> good = check_options(options); !good) return good.error();
  const Frame frame = make_frame(options);
  const Rng rng(options.seed);
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    Generator generator(options, frame, rng.fork(static_cast<std::uint64_t>(attempt)));
    const int density = attempts_max - attempt / attempts_per_density * attempts_per_density;
    if (!generator.draw(options.obstacle_permille * density / attempts_max)) continue;
    Map map = generator.take();
    // The seed is unsigned: a piece would show the upper half as negative.
    map.name =
        joined({"generated ", map.width, "x", map.height, ", seed ", std::to_string(options.seed)});
    if (Result<void> good = check(map); !good) return good.error();
    return map;
  }
  const std::string size = joined({options.width, "x", options.height});
  return cannot({"no playable ground of ", size, " found in ", attempts_max, " draws"}, {"width"},
                {"a larger map, or fewer sites, obstacles or teams"}, {size});
}

}  // namespace redoubt::territory
