#include "engine/strategy/assignment.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "engine/base/rng.hpp"

using namespace redoubt;
using namespace redoubt::strategy;

namespace {

std::int64_t value_of(const UtilityMatrix& utility, const std::vector<int>& columns,
                      std::int32_t without) {
  std::int64_t sum = 0;
  for (int row = 0; row < utility.rows(); ++row) {
    const int column = columns[static_cast<std::size_t>(row)];
    sum += column < 0 ? without : utility.at(row, column);
  }
  return sum;
}

std::int64_t best_by_trying(const UtilityMatrix& utility, std::int32_t without, int row,
                            std::uint32_t taken) {
  if (row == utility.rows()) return 0;
  std::int64_t best = without + best_by_trying(utility, without, row + 1, taken);
  for (int column = 0; column < utility.columns(); ++column) {
    if (taken >> column & 1u) continue;
    best = std::max(best, utility.at(row, column) +
                              best_by_trying(utility, without, row + 1, taken | 1u << column));
  }
  return best;
}

UtilityMatrix random_matrix(Rng& rng, int rows, int columns, int spread) {
  UtilityMatrix utility(rows, columns);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      utility.at(r, c) = rng.below(6) == 0 ? forbidden : rng.between(-spread, 3 * spread);
    }
  }
  return utility;
}

}  // namespace

TEST_CASE("the assignment is as good as the best of all") {
  Rng rng(3);
  for (int round = 0; round < 3000; ++round) {
    const int rows = rng.between(0, 5);
    const int columns = rng.between(0, 6);
    // Small spreads make many equals, large ones few.
    const UtilityMatrix utility = random_matrix(rng, rows, columns, round % 2 == 0 ? 3 : 100000);
    const int without = rng.between(-20, 20);
    const auto columns_of = assign(utility, without);
    REQUIRE(columns_of.size() == static_cast<std::size_t>(rows));
    std::set<int> seen;
    for (int row = 0; row < rows; ++row) {
      const int column = columns_of[static_cast<std::size_t>(row)];
      if (column < 0) continue;
      REQUIRE(column < columns);
      REQUIRE(seen.insert(column).second);
      REQUIRE(utility.at(row, column) != forbidden);
    }
    REQUIRE(value_of(utility, columns_of, without) == best_by_trying(utility, without, 0, 0));
  }
}

TEST_CASE("more rows than columns leave the worst without") {
  UtilityMatrix utility(3, 1);
  utility.at(0, 0) = 5;
  utility.at(1, 0) = 9;
  utility.at(2, 0) = 7;
  CHECK(assign(utility) == std::vector<int>{-1, 0, -1});
}

TEST_CASE("equal choices are made in the order of rows and columns, every time") {
  const UtilityMatrix utility(3, 3, 10);
  const auto first = assign(utility);
  for (int i = 0; i < 10; ++i)
    CHECK(assign(utility) == first);
}

TEST_CASE("the largest matrix is solved") {
  Rng rng(5);
  const UtilityMatrix utility =
      random_matrix(rng, assignment_rows_max, assignment_columns_max, 1000);
  const auto columns = assign(utility);
  std::set<int> seen;
  for (int column : columns) {
    if (column >= 0) CHECK(seen.insert(column).second);
  }
  CHECK(seen.size() == assignment_rows_max);
}
