// Thinking: what one thought of each player costs, beside its peer: cloning the world and playing
// 500 ticks, which is what 500 work units of rollout would cost. The slices are what a page
// has to bear between two frames.
//
//   redoubt_think_bench [seconds a row]       default 1

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "engine/strategy/match.hpp"
#include "engine/territory/step.hpp"

using namespace redoubt;
using namespace redoubt::strategy;

namespace {

constexpr int work_units = 500;
constexpr int slice_units = 110;  // the strategist's longest stage
constexpr std::size_t slices_kept_max = 1 << 20;
constexpr int tick_of_the_view = 1500;

// Processor time: steadier than the wall's on a shared machine.
double seconds_now() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// 32 agents on the standard map, well into a match.
Match bench_match() {
  auto map = territory::generate({.width = 40, .height = 28, .seed = 7});
  if (!map.ok()) std::abort();
  territory::Rules rules = territory::default_rules();
  rules.start_store = {600, 600, 600};
  auto match = start_match(
      {.map = *map, .rules = rules, .seed = 1, .players = {"strategist", "strategist"}});
  if (!match.ok() || !play(*match, tick_of_the_view).ok()) std::abort();
  for (territory::Team team = 0; team < 2; ++team) {
    territory::observe(match->board, match->world, team, match->views[team]);
  }
  return std::move(*match);
}

void print(const char* what, double us, double slice_us) {
  std::printf("%-44s %10.1f us", what, us);
  if (slice_us > 0) std::printf("   99 %% of slices within %8.1f us", slice_us);
  std::printf("\n");
}

void bench_player(Match& match, const char* name, double seconds) {
  auto player = make_player(name, match.board, 0, 1);
  if (!player.ok()) std::abort();
  std::int64_t thoughts = 0;
  std::vector<double> slices;
  const double begin = seconds_now();
  double spent = 0;
  while (spent < seconds) {
    for (bool done = false; !done;) {
      const double t0 = seconds_now();
      done = (*player)->think(match.views[0], slice_units).done;
      if (slices.size() < slices_kept_max) slices.push_back(seconds_now() - t0);
    }
    ++thoughts;
    spent = seconds_now() - begin;
  }
  // The longest of all would show the scheduler's whims, not the player's.
  std::sort(slices.begin(), slices.end());
  const double longest = slices[(slices.size() - 1) * 99 / 100];
  print((std::string("think: ") + name).c_str(), 1e6 * spent / static_cast<double>(thoughts),
        1e6 * longest);
}

void bench_rollout(const Match& match, double seconds) {
  auto world = std::make_unique<territory::World>();
  std::int64_t rounds = 0;
  const double begin = seconds_now();
  double spent = 0;
  while (spent < seconds) {
    *world = match.world;
    for (int i = 0; i < work_units && world->over == 0; ++i) {
      if (!territory::step(match.board, *world, {}).ok()) std::abort();
    }
    ++rounds;
    spent = seconds_now() - begin;
  }
  print("peer: clone the world and play 500 ticks", 1e6 * spent / static_cast<double>(rounds), 0);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1;
  Match match = bench_match();
  std::printf("%zu own and %zu enemy agents in view, tick %d\n", match.views[0].own.size(),
              match.views[0].enemies.size(), match.views[0].tick);
  for (std::string_view name : player_names())
    bench_player(match, std::string(name).c_str(), seconds);
  bench_rollout(match, seconds);
  return 0;
}
