#include "engine/strategy/assignment.hpp"

#include <cassert>
#include <cstddef>
#include <limits>

namespace redoubt::strategy {

UtilityMatrix::UtilityMatrix(int rows, int columns, std::int32_t value)
    : rows_(rows),
      columns_(columns),
      values_(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns), value) {
  assert(rows >= 0 && rows <= assignment_rows_max);
  assert(columns >= 0 && columns <= assignment_columns_max);
}

namespace {

constexpr std::int64_t infinite = std::numeric_limits<std::int64_t>::max() / 4;

// Columns beyond the matrix stand for "nothing": one a row, so that every row finds a place.
struct Problem {
  const UtilityMatrix& utility;
  std::int64_t without;
  int columns() const { return utility.columns() + utility.rows(); }
  std::int64_t cost(int row, int column) const {
    if (column >= utility.columns()) return -without;
    return -static_cast<std::int64_t>(utility.at(row, column));
  }
};

// Everything is counted from 1; row 0 and column 0 are the roots of the augmenting path.
struct Solver {
  const Problem& problem;
  std::vector<std::int64_t> row_price;
  std::vector<std::int64_t> column_price;
  std::vector<int> row_of;  // by column
  std::vector<int> before;  // by column: the column before it on the path

  explicit Solver(const Problem& p)
      : problem(p),
        row_price(static_cast<std::size_t>(p.utility.rows()) + 1),
        column_price(static_cast<std::size_t>(p.columns()) + 1),
        row_of(static_cast<std::size_t>(p.columns()) + 1),
        before(static_cast<std::size_t>(p.columns()) + 1) {}

  void add_row(int row) {
    const std::size_t columns = column_price.size();
    row_of[0] = row;
    std::size_t at = 0;
    std::vector<std::int64_t> least(columns, infinite);
    std::vector<char> used(columns, 0);
    do {
      used[at] = 1;
      const int from = row_of[at];
      std::int64_t delta = infinite;
      std::size_t next = 0;
      for (std::size_t j = 1; j < columns; ++j) {
        if (used[j]) continue;
        const std::int64_t reduced = problem.cost(from - 1, static_cast<int>(j) - 1) -
                                     row_price[static_cast<std::size_t>(from)] - column_price[j];
        if (reduced < least[j]) {
          least[j] = reduced;
          before[j] = static_cast<int>(at);
        }
        if (least[j] < delta) {
          delta = least[j];
          next = j;
        }
      }
      for (std::size_t j = 0; j < columns; ++j) {
        if (used[j]) {
          row_price[static_cast<std::size_t>(row_of[j])] += delta;
          column_price[j] -= delta;
        } else {
          least[j] -= delta;
        }
      }
      at = next;
    } while (row_of[at] != 0);
    while (at != 0) {  // turn the path around
      const auto previous = static_cast<std::size_t>(before[at]);
      row_of[at] = row_of[previous];
      at = previous;
    }
  }
};

}  // namespace

std::vector<int> assign(const UtilityMatrix& utility, std::int32_t without) {
  const Problem problem{utility, without};
  Solver solver(problem);
  for (int row = 1; row <= utility.rows(); ++row)
    solver.add_row(row);
  std::vector<int> column_of(static_cast<std::size_t>(utility.rows()), -1);
  for (int column = 1; column <= utility.columns(); ++column) {
    const int row = solver.row_of[static_cast<std::size_t>(column)];
    if (row > 0 && utility.at(row - 1, column - 1) > without) {
      column_of[static_cast<std::size_t>(row - 1)] = column - 1;
    }
  }
  return column_of;
}

}  // namespace redoubt::strategy
