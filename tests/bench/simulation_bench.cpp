// Bare simulation: ticks a second on 1,024 cells with 32 agents under standing orders, beside what
// the memory alone costs (copying the used part of a world). The same program runs natively and,
// built with the wasm preset, in Node.
//
//   redoubt_simulation_bench [seconds a row [part of a row's name]]       default 1, all rows

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "engine/base/rng.hpp"
#include "engine/territory/step.hpp"

using namespace redoubt;
using namespace redoubt::territory;

namespace {

constexpr int think_interval_ticks = 10;
constexpr int round_ticks = 1200;  // then the match is taken up again from its start

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Board bench_board() {
  Rules rules = default_rules();
  rules.start_agents = {4, 4, 4, 4};  // 16 a team from the first tick
  Result<Map> map = generate({.width = 32, .height = 32, .seed = 7});
  if (!map) std::abort();
  Result<Board> board = Board::make(std::move(map).value(), rules);
  if (!board) std::abort();
  return std::move(board).value();
}

/// Whoever has nothing to do gets something: collectors a site, the others a cell to take.
class Orders {
 public:
  explicit Orders(const Board& board, bool war) : board_(board), war_(war) {
    for (int c = 0; c < board.cells(); ++c) {
      const auto cell = static_cast<Cell>(c);
      if (!board.reachable(cell) || board.base_at(cell) != 0xff) continue;
      const int by_0 = board.distance(cell, board.base(0));
      const int by_1 = board.distance(cell, board.base(1));
      if (by_0 < by_1) cells_[0].push_back(cell);
      if (by_1 < by_0) cells_[1].push_back(cell);
    }
  }

  const std::vector<Order>& think(const World& w) {
    orders_.clear();
    for (std::size_t s = 0; s < 32; ++s) {
      if (w.id[s] == no_agent || w.order[s] != OrderKind::idle) continue;
      orders_.push_back(order_for(w, s));
    }
    return orders_;
  }

 private:
  Order order_for(const World& w, std::size_t s) {
    const int team = slot_team(static_cast<int>(s));
    Order order{.team = static_cast<Team>(team), .agent = w.id[s]};
    if (w.role[s] == Role::collector) {
      order.kind = OrderKind::collect;
      order.cell = site_of(team);
    } else if (war_ && w.role[s] == Role::attacker) {
      order.kind = OrderKind::attack;
      order.cell = cell_of(1 - team);
    } else {
      order.kind = w.role[s] == Role::explorer ? OrderKind::capture : OrderKind::move;
      order.cell = cell_of(team);
    }
    return order;
  }
  Cell cell_of(int half) {
    const auto& cells = cells_[static_cast<std::size_t>(half)];
    return cells[rng_.below(static_cast<std::uint32_t>(cells.size()))];
  }
  Cell site_of(int team) {
    const auto& sites = board_.map().sites;
    for (;;) {
      const Cell cell = sites[rng_.below(static_cast<std::uint32_t>(sites.size()))].cell;
      if (board_.distance(cell, board_.base(team)) < board_.distance(cell, board_.base(1 - team))) {
        return cell;
      }
    }
  }

  const Board& board_;
  bool war_;
  Rng rng_{1};
  std::array<std::vector<Cell>, 2> cells_;
  std::vector<Order> orders_;
};

struct Row {
  const char* what;
  double per_second;
  std::uint64_t check;  // of the work done, so that nothing is optimised away and runs compare
};

void print(const Row& row) {
  std::printf("%-44s %14.0f /s %12.1f ns   %s\n", row.what, row.per_second, 1e9 / row.per_second,
              hex16(row.check).c_str());
}

/// Plays rounds until `seconds` have gone by; the check covers the first round only.
Row play(const Board& board, const char* what, bool war, double seconds) {
  Orders orders(board, war);
  auto begin = std::make_unique<World>(start(board, 1));
  auto world = std::make_unique<World>(*begin);
  std::int64_t ticks = 0;
  std::int64_t agents = 0;
  std::uint64_t check = 0;
  double spent = 0;
  for (int round = 0; round == 0 || spent < seconds; ++round) {
    copy_world(board, *begin, *world);
    if (round == 1) ticks = 0, agents = 0, spent = 0;  // the first one fills the path table
    const double t0 = seconds_now();
    for (int i = 0; i < round_ticks && world->over == 0; ++i) {
      static const std::vector<Order> none;
      const bool thinks = i % think_interval_ticks == 0;
      if (!step(board, *world, thinks ? orders.think(*world) : none).ok()) std::abort();
      ++ticks;
      agents += __builtin_popcountll(world->living);
    }
    spent += seconds_now() - t0;
    if (round == 0) check = state_hash(board, *world);
  }
  std::printf("%-44s %14.1f agents alive on average\n", what,
              static_cast<double>(agents) / static_cast<double>(ticks));
  return {what, static_cast<double>(ticks) / spent, check};
}

template <class F>
Row repeat(const char* what, double seconds, F&& f) {
  std::int64_t count = 0;
  std::uint64_t check = 0;
  double spent = 0;
  for (const double t0 = seconds_now(); spent < seconds; spent = seconds_now() - t0) {
    for (int i = 0; i < 100; ++i)
      check = f();
    count += 100;
  }
  return {what, static_cast<double>(count) / spent, check};
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1.0;
  const std::string wanted = argc > 2 ? argv[2] : "";
  const Board board = bench_board();
  Orders orders(board, true);
  auto world = std::make_unique<World>(start(board, 1));
  auto copy = std::make_unique<World>(*world);
  for (int i = 0; i < 600; ++i) {
    if (!step(board, *world, orders.think(*world)).ok()) std::abort();
  }
  View view;
  observe(board, *world, 0, view);
  const std::string bytes = save(board, *world);

  std::printf("%d cells, block of %zu bytes\n", board.cells(), sizeof(World));
  const auto row = [&](const char* what, auto&& measure) {
    if (std::string(what).find(wanted) != std::string::npos) print(measure(what));
  };
  const auto repeated = [&](const char* what, auto&& f) {
    row(what, [&](const char* name) { return repeat(name, seconds, f); });
  };
  row("tick, 32 agents collecting and claiming",
      [&](const char* name) { return play(board, name, false, seconds); });
  row("tick, the same with attackers at war",
      [&](const char* name) { return play(board, name, true, seconds); });
  repeated("copy_world (the used part of the block)", [&] {
    copy_world(board, *world, *copy);
    return copy->seed + static_cast<std::uint64_t>(copy->tick);
  });
  repeated("memcpy of the whole block", [&] {
    std::memcpy(static_cast<void*>(copy.get()), world.get(), sizeof(World));
    return copy->seed + static_cast<std::uint64_t>(copy->tick);
  });
  repeated("state_hash", [&] { return state_hash(board, *world); });
  repeated("observe, one team", [&] {
    observe(board, *world, 0, view);
    return std::uint64_t{view.own.size()};
  });
  repeated("save", [&] { return std::uint64_t{save(board, *world).size()}; });
  repeated("load", [&] {
    const Result<World> loaded = load(board, bytes);
    return loaded.ok() ? loaded->seed : 0;
  });
  return 0;
}
