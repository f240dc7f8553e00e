// Board: a checked Map and Rules with everything that can be derived from them once.
//
// 1. Immutable but for the path table, which is filled one destination at a time as it is asked
//    for; its memory is reserved by make(), so that no step allocates.
// 2. Copies share what is immutable and have a path table each: one Board for each thread.
// 3. Ways never lead *through* a base, only to or from one: enemies may not enter it.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/territory/map.hpp"
#include "engine/territory/rules.hpp"

namespace redoubt::territory {

class Board {
 public:
  /// Errors: bad_map, bad_rules.
  static Result<Board> make(Map map, const Rules& rules);

  Board(const Board& other);
  Board& operator=(const Board& other);
  Board(Board&&) noexcept = default;
  Board& operator=(Board&&) noexcept = default;
  ~Board() = default;

  const Map& map() const { return tables_->map; }
  const Rules& rules() const { return tables_->rules; }
  std::uint64_t map_hash() const { return tables_->map_hash; }
  std::uint64_t rules_hash() const { return tables_->rules_hash; }
  int cells() const { return tables_->cells; }
  int teams() const { return tables_->teams; }
  /// Six neighbours by direction, no_cell beyond the edge.
  const std::array<Cell, 6>& neighbours(Cell cell) const { return tables_->neighbours[cell]; }
  bool passable(Cell cell) const { return tables_->enter_cost[cell] > 0; }
  /// Passable cells that can be reached from a base: what shares are counted over.
  int reachable_cells() const { return tables_->reachable_cells; }
  bool reachable(Cell cell) const { return tables_->reachable[cell] != 0; }
  /// The map's sites that can be reached from a base, ascending by cell: those that are played for.
  const std::vector<Site>& reachable_sites() const { return tables_->reachable_sites; }
  /// Progress that entering `cell` takes; 0 for an obstacle.
  int enter_cost(Cell cell) const { return tables_->enter_cost[cell]; }

  /// Walking cost between cells in progress units (rules' move costs), or unreachable.
  int walk_cost(Cell from, Cell to) const {
    const std::uint16_t units = distances_to(to)[from];
    return units == unreachable_units ? unreachable : units * tables_->cost_unit;
  }
  static constexpr int unreachable = 1 << 29;
  /// One entry a cell: walking cost to `to` in units of cost_unit(), or unreachable_units.
  const std::uint16_t* distances_to(Cell to) const {
    if (paths_->filled[to] == 0) fill(to);
    return &paths_->distance[static_cast<std::size_t>(to) * static_cast<std::size_t>(cells())];
  }
  /// One entry a cell: a bit for each direction that a shortest way to `to` may begin with.
  const std::uint8_t* ways_to(Cell to) const {
    if (paths_->filled[to] == 0) fill(to);
    return &paths_->ways[static_cast<std::size_t>(to) * static_cast<std::size_t>(cells())];
  }
  int cost_unit() const { return tables_->cost_unit; }
  static constexpr std::uint16_t unreachable_units = 0xffff;

  /// Geometric distance in cells.
  int distance(Cell a, Cell b) const {
    return hex::distance(hex::Axial{tables_->q[a], tables_->r[a]},
                         hex::Axial{tables_->q[b], tables_->r[b]});
  }
  std::int16_t q(Cell cell) const { return tables_->q[cell]; }
  std::int16_t r(Cell cell) const { return tables_->r[cell]; }
  /// Index into map().sites, or -1.
  int site_at(Cell cell) const { return tables_->site_at[cell]; }
  /// The team whose base lies there, or 0xff.
  std::uint8_t base_at(Cell cell) const { return tables_->base_at[cell]; }
  Cell base(int team) const { return tables_->map.bases[static_cast<std::size_t>(team)]; }
  /// Whether `cell` lies in the range for depositing at, or healing near, the base of `team`.
  bool near_to_deposit(Cell cell, int team) const { return tables_->deposit[cell] >> team & 1; }
  bool near_to_heal(Cell cell, int team) const { return tables_->heal[cell] >> team & 1; }

  /// The image of a cell when team `team`'s place is turned into team 0's: ties
  /// between directions are broken in this frame, so that swapping sides mirrors the game.
  Cell to_frame(std::uint8_t team, Cell cell) const {
    return tables_->frames[team].cells.empty() ? cell : tables_->frames[team].cells[cell];
  }
  /// All six directions in the order of the team's frame.
  const std::array<std::uint8_t, 6>& directions_in_order(int team) const {
    return tables_->frames[static_cast<std::size_t>(team)].order;
  }
  /// The first of a set of directions (a bit each, not empty) in the team's frame.
  int first_direction(int team, std::uint8_t ways) const {
    return tables_->frames[static_cast<std::size_t>(team)].first[ways & 63];
  }
  /// Where agents of `team` may appear, nearest to the base first, ties in the team's frame.
  const std::vector<Cell>& spawn_cells(int team) const {
    return tables_->spawn_cells[static_cast<std::size_t>(team)];
  }
  /// What the cheapest legal agent of each role costs a team without agents.
  const std::array<Amounts, roles>& cheapest() const { return tables_->cheapest; }
  /// Enemies within this distance may strike or go for each other.
  int contact_cells() const { return tables_->contact_cells; }
  /// Held cells that a territory win needs.
  int territory_cells() const { return tables_->territory_cells; }
  /// No agent enters two cells in fewer ticks than this for each.
  int ticks_per_cell_min() const { return tables_->ticks_per_cell_min; }

 private:
  struct Frame {
    std::vector<Cell> cells;                              // empty: the identity
    std::array<std::uint8_t, 6> order{0, 1, 2, 3, 4, 5};  // which direction is turned into each
    std::array<std::uint8_t, 64> first{};
  };
  struct Tables {
    Map map;
    Rules rules{};
    std::uint64_t map_hash = 0;
    std::uint64_t rules_hash = 0;
    int cells = 0;
    int teams = 0;
    int reachable_cells = 0;
    int cost_unit = 1;
    int ticks_per_cell_min = 1;
    int contact_cells = 0;
    int territory_cells = 0;
    std::vector<std::array<Cell, 6>> neighbours;
    std::vector<std::uint8_t> reachable;
    std::vector<Site> reachable_sites;
    std::vector<std::int32_t> enter_cost;
    std::vector<std::uint8_t> enter_units;  // enter_cost / cost_unit
    std::vector<std::int16_t> q;
    std::vector<std::int16_t> r;
    std::vector<std::int16_t> site_at;
    std::vector<std::uint8_t> base_at;
    std::vector<std::uint8_t> deposit;  // a bit a team
    std::vector<std::uint8_t> heal;     // a bit a team
    std::array<Frame, teams_max> frames;
    std::array<std::vector<Cell>, teams_max> spawn_cells;
    std::array<Amounts, roles> cheapest{};
  };
  struct Paths {
    explicit Paths(int cells);
    std::vector<std::uint8_t> filled;
    std::unique_ptr<std::uint16_t[]> distance;  // left unwritten until filled: cells^2 entries
    std::unique_ptr<std::uint8_t[]> ways;
    std::vector<Cell> queue_next;  // scratch of fill(): the bucket queue's links
  };

  explicit Board(std::shared_ptr<const Tables> tables);
  void fill(Cell to) const;

  static void add_cells(Tables& t);
  static void add_reachable(Tables& t);
  static void add_frames(Tables& t);
  static void add_base_ranges(Tables& t);
  static void add_rules(Tables& t);

  std::shared_ptr<const Tables> tables_;
  std::unique_ptr<Paths> paths_;
};

}  // namespace redoubt::territory
