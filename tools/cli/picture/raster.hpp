// Raster: an RGB image and anti-aliased filling of polygons into it.
//
// Coverage is exact along x and sampled on `rows_per_pixel` lines along y. Colours are blended in
// sRGB, as browsers blend SVG.
#pragma once

#include <vector>

#include "tools/cli/picture/scene.hpp"

namespace redoubt::picture {

using Contour = std::vector<Point>;  ///< closed

class Raster {
 public:
  Raster(int width, int height, Colour background);

  /// Fills the union of the contours (winding number not zero).
  void fill(const std::vector<Contour>& contours, Colour colour);

  int width() const { return width_; }
  int height() const { return height_; }
  /// 3 bytes a pixel, row by row.
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  struct Crossing {
    double x;
    int winding;
  };
  void gather(const std::vector<Contour>& contours, double y);
  void cover_line();
  void cover_span(double from, double to);
  void blend_row(int row, Colour colour);

  int width_;
  int height_;
  std::vector<std::uint8_t> bytes_;
  // Of the row being filled: coverage of the pixels from first_ to last_.
  std::vector<float> coverage_;
  std::vector<Crossing> crossings_;
  int first_ = 0;
  int last_ = -1;
};

/// A line of `width` along `points` (closed or open) with round joins and ends.
std::vector<Contour> stroke_outline(const std::vector<Point>& points, bool closed, double width);

/// A circle as a polygon that is off by less than a tenth of a pixel.
Contour circle_outline(Point middle, double radius);

}  // namespace redoubt::picture
