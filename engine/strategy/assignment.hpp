// Assignment: who does what, so that the sum of the utilities is greatest.
//
// The Hungarian method with shortest augmenting paths (Jonker and Volgenant, 1987; the dense form
// with potentials): exact, O(rows^2 x columns), and with a fixed order of rows and columns also
// unique in its choice among equals. Utilities are integers, so nothing depends on rounding.
#pragma once

#include <cstdint>
#include <vector>

namespace redoubt::strategy {

constexpr int assignment_rows_max = 64;
constexpr int assignment_columns_max = 512;
/// A pair that must not be formed.
constexpr std::int32_t forbidden = -(1 << 28);

class UtilityMatrix {
 public:
  UtilityMatrix(int rows, int columns, std::int32_t value = forbidden);
  int rows() const { return rows_; }
  int columns() const { return columns_; }
  std::int32_t& at(int row, int column) {
    return values_[static_cast<std::size_t>(row * columns_ + column)];
  }
  std::int32_t at(int row, int column) const {
    return values_[static_cast<std::size_t>(row * columns_ + column)];
  }

 private:
  int rows_;
  int columns_;
  std::vector<std::int32_t> values_;
};

/// A column for each row, or -1 where none is worth more than `without` (what a row gets when it
/// does nothing). No column is given twice. REQUIRES: |utility| < 2^27 unless forbidden.
std::vector<int> assign(const UtilityMatrix& utility, std::int32_t without = 0);

}  // namespace redoubt::strategy
