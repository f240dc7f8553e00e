// Scene: a picture as a list of flat shapes, drawn in order. What is drawn is decided once, here;
// svg.cpp and png.cpp are two ways to write it down.
//
// Lengths are in pixels, y grows downwards. Strokes are centred on their line and have round joins
// and ends in both back ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.hpp"

namespace redoubt::picture {

struct Colour {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
  double alpha = 1;
};

/// 0xRRGGBB.
constexpr Colour colour(std::uint32_t rgb, double alpha = 1) {
  return {static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8),
          static_cast<std::uint8_t>(rgb), alpha};
}

struct Point {
  double x = 0;
  double y = 0;
};

struct Shape {
  enum class Kind : std::uint8_t { polygon, line, circle };
  Kind kind = Kind::polygon;
  std::vector<Point> points;  ///< polygon: closed; line: open; circle: its middle
  double radius = 0;          ///< circle
  std::optional<Colour> fill;
  std::optional<Colour> stroke;
  double stroke_width = 0;
};

struct Scene {
  double width = 0;
  double height = 0;
  Colour background;
  std::string title;  ///< for screen readers; SVG only
  std::vector<Shape> shapes;
};

std::string write_svg(const Scene& scene);

constexpr double png_side_max = 16384;
constexpr double png_pixels_max = 64e6;
/// Error bad_picture where the scene is larger than the limits above.
Result<std::string> write_png(const Scene& scene);

}  // namespace redoubt::picture
