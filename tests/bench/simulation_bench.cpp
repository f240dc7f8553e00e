// Bare simulation: ticks a second on 1,024 cells with 32 agents under standing orders, beside what
// the memory alone costs (copying the used part of a world). The same program runs natively and,
// built with the wasm preset, in Node.
//
//   redoubt_simulation_bench [seconds a row [part of a row's name]]       default 1, all rows

#include <algorithm>
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

/// Times of equal batches of work. The median is what counts: a batch is shorter than a time slice,
/// so that a busy machine spoils few of them.
struct Times {
  std::vector<double> seconds;
  double total = 0;
  void add(double spent) {
    seconds.push_back(spent);
    total += spent;
  }
  double median() {
    const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
    std::nth_element(seconds.begin(), middle, seconds.end());
    return *middle;
  }
};

struct Row {
  const char* what;
  double per_second;  // by the median batch
  double mean_per_second;
  std::uint64_t check;  // of the work done, so that nothing is optimised away and runs compare
};

Row row_of(const char* what, Times& times, int batch, std::uint64_t check) {
  const double mean = times.total / static_cast<double>(times.seconds.size());
  return {what, batch / times.median(), batch / mean, check};
}

void print(const Row& row) {
  std::printf("%-44s %12.0f %10.1f %12.0f   %s\n", row.what, row.per_second, 1e9 / row.per_second,
              row.mean_per_second, hex16(row.check).c_str());
}

/// One batch: a round of a match from its start.
int play_round(const Board& board, World& world, Orders& orders) {
  static const std::vector<Order> none;
  int ticks = 0;
  for (; ticks < round_ticks && world.over == 0; ++ticks) {
    const bool thinks = ticks % think_interval_ticks == 0;
    if (!step(board, world, thinks ? orders.think(world) : none).ok()) std::abort();
  }
  return ticks;
}

/// The first half of the time warms up: caches, the path table, WebAssembly's second compiler.
Row play(const Board& board, const char* what, bool war, double seconds) {
  auto begin = std::make_unique<World>(start(board, 1));
  auto world = std::make_unique<World>(*begin);
  Orders orders(board, war);
  std::uint64_t check = 0;
  Times times;
  const double t0 = seconds_now();
  for (int round = 0; round == 0 || seconds_now() - t0 < 1.5 * seconds; ++round) {
    copy_world(board, *begin, *world);
    const double r0 = seconds_now();
    if (play_round(board, *world, orders) != round_ticks) std::abort();
    const double spent = seconds_now() - r0;
    if (round == 0) check = state_hash(board, *world);
    if (seconds_now() - t0 > 0.5 * seconds) times.add(spent);
  }
  return row_of(what, times, round_ticks, check);
}

template <class F>
Row repeat(const char* what, double seconds, F&& f) {
  constexpr int batch = 50;
  std::uint64_t check = 0;
  Times times;
  for (const double t0 = seconds_now(); seconds_now() - t0 < 1.5 * seconds;) {
    const double r0 = seconds_now();
    for (int i = 0; i < batch; ++i)
      check = f();
    const double spent = seconds_now() - r0;
    if (seconds_now() - t0 > 0.5 * seconds) times.add(spent);
  }
  return row_of(what, times, batch, check);
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
  std::printf("%-44s %12s %10s %12s   %s\n", "", "a second", "ns", "by the mean", "check");
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
