// Fields: one number a cell on padded axial storage, and what spreads over them.
//
// 1. A Layout lays the rectangle out in axial rows with a border of one cell all around, so that
//    the six neighbours of any cell lie at six constant offsets and no loop asks for edges.
// 2. Whatever lies outside the map has cost 0 (blocked) and value 0, and stays so.
// 3. Integers only; the order of the cells is fixed. Same input, same field, everywhere.
// Memory: about (width + height / 2 + 2) x (height + 2) entries a field.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/hex/hex.hpp"

namespace redoubt::hex {

using Distance = std::uint16_t;
constexpr Distance unreached = 0xffff;

class Layout {
 public:
  /// REQUIRES: width and height >= 1, width * height < no_cell.
  Layout(int width, int height);

  int width() const { return width_; }
  int height() const { return height_; }
  /// Entries of a field, the border included.
  std::size_t size() const { return cell_of_.size(); }
  /// The six neighbours of entry i are i + offsets()[direction].
  const std::array<std::ptrdiff_t, directions>& offsets() const { return offsets_; }
  std::size_t at(Cell cell) const { return index_of_[cell]; }
  /// The cell of an entry, no_cell in the border and in the corners that the shear leaves empty.
  Cell cell(std::size_t index) const { return cell_of_[index]; }
  std::size_t cells() const { return index_of_.size(); }

 private:
  int width_;
  int height_;
  std::array<std::ptrdiff_t, directions> offsets_{};
  std::vector<std::uint32_t> index_of_;
  std::vector<Cell> cell_of_;
};

/// A field over a Layout; entries outside the map are 0.
template <class T>
class Field {
 public:
  Field() = default;
  explicit Field(const Layout& layout) : values_(layout.size()) {}
  T& operator[](std::size_t index) { return values_[index]; }
  const T& operator[](std::size_t index) const { return values_[index]; }
  std::size_t size() const { return values_.size(); }
  void fill(T value) { values_.assign(values_.size(), value); }
  std::vector<T>& values() { return values_; }
  const std::vector<T>& values() const { return values_; }

 private:
  std::vector<T> values_;
};

/// What it costs to enter each cell, 1..step_cost_max; 0: nobody can.
constexpr int step_cost_max = 15;
using Costs = Field<std::uint8_t>;

/// A place from which a flood starts, `distance` away already.
struct Source {
  Cell cell = no_cell;
  Distance distance = 0;
};

/// Cheapest way from the nearest source to each cell (sources may lie on blocked cells),
/// `unreached` where there is none within `limit`. Dial's algorithm: O(entries + limit).
class Flood {
 public:
  void run(const Layout& layout, const Costs& costs, std::span<const Source> sources,
           Field<Distance>& out, Distance limit = unreached - 1);

 private:
  std::array<std::vector<std::uint32_t>, step_cost_max + 1> buckets_;
};

/// Spreads `sources` over passable cells: `passes` times every cell takes its source plus
/// spread_permille / 6 of the sum of its neighbours. Values must stay under 2^25 or so.
/// REQUIRES: 0 <= spread_permille < 1000, so that the field stays bounded.
void diffuse(const Layout& layout, const Costs& costs, const Field<std::int32_t>& sources,
             int passes, int spread_permille, Field<std::int32_t>& out,
             Field<std::int32_t>& scratch);

}  // namespace redoubt::hex
