#include "engine/hex/field.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <queue>

#include "engine/base/rng.hpp"

using namespace redoubt;
using namespace redoubt::hex;

namespace {

std::vector<Cell> neighbours_of(const Layout& layout, Cell cell) {
  std::vector<Cell> out;
  for (std::ptrdiff_t offset : layout.offsets()) {
    const Cell to = layout.cell(
        static_cast<std::size_t>(static_cast<std::ptrdiff_t>(layout.at(cell)) + offset));
    if (to != no_cell) out.push_back(to);
  }
  return out;
}

Costs random_costs(const Layout& layout, Rng& rng) {
  Costs costs(layout);
  for (std::size_t c = 0; c < layout.cells(); ++c) {
    const auto roll = rng.below(10);
    costs[layout.at(static_cast<Cell>(c))] = static_cast<std::uint8_t>(roll < 2   ? 0
                                                                       : roll < 4 ? 2
                                                                                  : 1);
  }
  return costs;
}

// Bellman-Ford over the plain graph: slow and obviously right.
std::vector<int> slow_distances(const Layout& layout, const Costs& costs,
                                const std::vector<Source>& sources) {
  std::vector<int> best(layout.cells(), 1 << 20);
  for (const Source& s : sources)
    best[s.cell] = std::min<int>(best[s.cell], s.distance);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t c = 0; c < layout.cells(); ++c) {
      for (Cell to : neighbours_of(layout, static_cast<Cell>(c))) {
        const int cost = costs[layout.at(to)];
        if (cost > 0 && best[c] + cost < best[to]) {
          best[to] = best[c] + cost;
          changed = true;
        }
      }
    }
  }
  return best;
}

}  // namespace

TEST_CASE("a layout's constant offsets are the hexagonal neighbours") {
  for (const auto& [width, height] : {std::pair{1, 1}, {7, 5}, {40, 28}, {3, 60}, {64, 64}}) {
    const Layout layout(width, height);
    for (int row = 0; row < height; ++row) {
      for (int column = 0; column < width; ++column) {
        const Cell cell = static_cast<Cell>(row * width + column);
        REQUIRE(layout.cell(layout.at(cell)) == cell);
        const Axial a = to_axial({column, row});
        for (std::size_t d = 0; d < directions; ++d) {
          const Offset to = to_offset({a.q + axial_steps[d].q, a.r + axial_steps[d].r});
          const bool inside = to.column >= 0 && to.column < width && to.row >= 0 && to.row < height;
          const Cell expected = inside ? static_cast<Cell>(to.row * width + to.column) : no_cell;
          const auto index = static_cast<std::ptrdiff_t>(layout.at(cell)) + layout.offsets()[d];
          REQUIRE(index >= 0);
          REQUIRE(static_cast<std::size_t>(index) < layout.size());
          REQUIRE(layout.cell(static_cast<std::size_t>(index)) == expected);
        }
      }
    }
  }
}

TEST_CASE("floods agree with a slow shortest-path search") {
  Rng rng(11);
  Flood flood;
  for (int round = 0; round < 40; ++round) {
    const Layout layout(rng.between(2, 20), rng.between(2, 16));
    const Costs costs = random_costs(layout, rng);
    std::vector<Source> sources;
    const int count = rng.between(1, 4);
    for (int i = 0; i < count; ++i) {
      sources.push_back({static_cast<Cell>(rng.below(static_cast<std::uint32_t>(layout.cells()))),
                         static_cast<Distance>(rng.below(40))});
    }
    Field<Distance> out(layout);
    flood.run(layout, costs, sources, out);
    const auto expected = slow_distances(layout, costs, sources);
    for (std::size_t c = 0; c < layout.cells(); ++c) {
      const int got = out[layout.at(static_cast<Cell>(c))];
      CHECK(got == (expected[c] >= (1 << 20) ? unreached : expected[c]));
    }
  }
}

TEST_CASE("a flood stops at its limit") {
  const Layout layout(30, 1);
  Costs costs(layout);
  for (std::size_t c = 0; c < layout.cells(); ++c)
    costs[layout.at(static_cast<Cell>(c))] = 1;
  Field<Distance> out(layout);
  Flood flood;
  flood.run(layout, costs, std::vector<Source>{{0, 0}}, out, 5);
  CHECK(out[layout.at(5)] == 5);
  CHECK(out[layout.at(6)] == unreached);
}

TEST_CASE("diffusion falls off with distance, stops at walls and is symmetric in sign") {
  const Layout layout(15, 11);
  Costs costs(layout);
  for (std::size_t c = 0; c < layout.cells(); ++c) {
    const bool wall = c % 15 == 9;
    costs[layout.at(static_cast<Cell>(c))] = wall ? 0 : 1;
  }
  Field<std::int32_t> sources(layout), out(layout), scratch(layout), negative(layout);
  const Cell middle = 5 * 15 + 4;
  sources[layout.at(middle)] = 100000;
  diffuse(layout, costs, sources, 30, 840, out, scratch);
  CHECK(out[layout.at(middle)] > out[layout.at(middle + 1)]);
  CHECK(out[layout.at(middle + 1)] > out[layout.at(middle + 2)]);
  CHECK(out[layout.at(middle + 3)] > 0);
  CHECK(out[layout.at(5 * 15 + 9)] == 0);
  CHECK(out[layout.at(5 * 15 + 12)] == 0);
  CHECK(out[layout.at(middle)] < 200000);
  sources[layout.at(middle)] = -100000;
  diffuse(layout, costs, sources, 30, 840, negative, scratch);
  for (std::size_t i = 0; i < out.size(); ++i)
    REQUIRE(negative[i] == -out[i]);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (layout.cell(i) == no_cell) REQUIRE(out[i] == 0);
  }
}
