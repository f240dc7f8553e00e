#include "tools/cli/picture/raster.hpp"

#include <algorithm>
#include <cmath>

namespace redoubt::picture {
namespace {

constexpr int rows_per_pixel = 8;
constexpr double pi = 3.14159265358979323846;

std::uint8_t mix(std::uint8_t under, std::uint8_t over, double amount) {
  return static_cast<std::uint8_t>(std::lround(under + (over - under) * amount));
}

}  // namespace

Raster::Raster(int width, int height, Colour background)
    : width_(width),
      height_(height),
      bytes_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3),
      coverage_(static_cast<std::size_t>(width), 0.0F) {
  for (std::size_t i = 0; i < bytes_.size(); i += 3) {
    bytes_[i] = background.red;
    bytes_[i + 1] = background.green;
    bytes_[i + 2] = background.blue;
  }
}

void Raster::fill(const std::vector<Contour>& contours, Colour colour) {
  double top = height_;
  double bottom = 0;
  for (const Contour& contour : contours) {
    for (Point p : contour) {
      top = std::min(top, p.y);
      bottom = std::max(bottom, p.y);
    }
  }
  const int first_row = std::max(0, static_cast<int>(std::floor(top)));
  const int last_row = std::min(height_ - 1, static_cast<int>(std::floor(bottom)));
  for (int row = first_row; row <= last_row; ++row) {
    first_ = width_;
    last_ = -1;
    for (int k = 0; k < rows_per_pixel; ++k) {
      gather(contours, row + (k + 0.5) / rows_per_pixel);
      cover_line();
    }
    blend_row(row, colour);
  }
}

// Where the contours' edges cross the line at height y, from left to right.
void Raster::gather(const std::vector<Contour>& contours, double y) {
  crossings_.clear();
  for (const Contour& contour : contours) {
    for (std::size_t i = 0; i < contour.size(); ++i) {
      const Point a = contour[i];
      const Point b = contour[(i + 1) % contour.size()];
      // Half-open, so that a corner on the line counts once.
      if ((a.y <= y) == (b.y <= y)) continue;
      crossings_.push_back({a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x), a.y < b.y ? 1 : -1});
    }
  }
  std::sort(crossings_.begin(), crossings_.end(),
            [](const Crossing& a, const Crossing& b) { return a.x < b.x; });
}

void Raster::cover_line() {
  int winding = 0;
  for (std::size_t i = 0; i + 1 < crossings_.size(); ++i) {
    winding += crossings_[i].winding;
    if (winding != 0) cover_span(crossings_[i].x, crossings_[i + 1].x);
  }
}

void Raster::cover_span(double from, double to) {
  from = std::clamp(from, 0.0, static_cast<double>(width_));
  to = std::clamp(to, 0.0, static_cast<double>(width_));
  if (to <= from) return;
  const int left = static_cast<int>(from);
  const int right = std::min(width_ - 1, static_cast<int>(to));
  first_ = std::min(first_, left);
  last_ = std::max(last_, right);
  for (int x = left; x <= right; ++x) {
    const double inside = std::min<double>(to, x + 1) - std::max<double>(from, x);
    coverage_[static_cast<std::size_t>(x)] += static_cast<float>(inside / rows_per_pixel);
  }
}

void Raster::blend_row(int row, Colour colour) {
  for (int x = first_; x <= last_; ++x) {
    float& covered = coverage_[static_cast<std::size_t>(x)];
    const double amount = std::min(1.0, static_cast<double>(covered)) * colour.alpha;
    covered = 0;
    std::uint8_t* pixel =
        &bytes_[(static_cast<std::size_t>(row) * static_cast<std::size_t>(width_) +
                 static_cast<std::size_t>(x)) *
                3];
    pixel[0] = mix(pixel[0], colour.red, amount);
    pixel[1] = mix(pixel[1], colour.green, amount);
    pixel[2] = mix(pixel[2], colour.blue, amount);
  }
}

Contour circle_outline(Point middle, double radius) {
  const int corners = std::clamp(static_cast<int>(std::ceil(8 * std::sqrt(radius + 1))), 12, 256);
  Contour out;
  for (int i = 0; i < corners; ++i) {
    const double angle = 2 * pi * i / corners;
    out.push_back({middle.x + radius * std::cos(angle), middle.y + radius * std::sin(angle)});
  }
  return out;
}

std::vector<Contour> stroke_outline(const std::vector<Point>& points, bool closed, double width) {
  std::vector<Contour> out;
  const double half = width / 2;
  const std::size_t segments = closed ? points.size() : points.size() - 1;
  for (std::size_t i = 0; i < segments; ++i) {
    const Point a = points[i];
    const Point b = points[(i + 1) % points.size()];
    const double length = std::hypot(b.x - a.x, b.y - a.y);
    if (length == 0) continue;
    const double nx = -(b.y - a.y) / length * half;
    const double ny = (b.x - a.x) / length * half;
    // Same sense of rotation as the round joins, so that the union has no holes.
    out.push_back(
        {{a.x - nx, a.y - ny}, {b.x - nx, b.y - ny}, {b.x + nx, b.y + ny}, {a.x + nx, a.y + ny}});
  }
  for (Point p : points)
    out.push_back(circle_outline(p, half));
  return out;
}

}  // namespace redoubt::picture
