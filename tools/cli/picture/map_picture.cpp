#include "tools/cli/picture/map_picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace redoubt::picture {
namespace {

using territory::Cell;
using territory::Map;
using territory::no_cell;
using territory::Resource;
using territory::Terrain;

constexpr Colour background = colour(0x0B0F14);
constexpr Colour board = colour(0x0F141B);
constexpr Colour open_ground = colour(0x1B242E);
constexpr Colour rough_ground = colour(0x20292C);
constexpr Colour rough_dots = colour(0x748190);
constexpr Colour rock_side = colour(0x262E38);
constexpr Colour beyond = colour(0x131920);
/// Rock by its depth: steps to the next passable cell, from 1.
struct Rock {
  Colour top;
  Colour inner;
  Colour edge;
};
constexpr std::array<Rock, 4> rocks{{
    {colour(0x4B5663), colour(0x3B4550), colour(0x5D6977)},
    {colour(0x3E4854), colour(0x323B45), colour(0x4B5663)},
    {colour(0x2D353F), colour(0x262D36), colour(0x353F4A)},
    {colour(0x1D242C), colour(0x1A2028), colour(0x232B34)},
}};
constexpr Colour dark = colour(0x0B0F14);
constexpr std::array<Colour, 4> team_colours{colour(0xE8503A), colour(0x3B82F6), colour(0xF5DF4D),
                                             colour(0xA4EBDA)};
constexpr std::array<Colour, 3> resource_colours{colour(0xF2C14E), colour(0xC3CCD6),
                                                 colour(0xC58AF9)};
constexpr double sqrt3 = 1.7320508075688772;
constexpr double cell_fill = 0.965;  // of the hexagon, so that the board shows between cells

Colour with_alpha(Colour c, double alpha) {
  c.alpha = alpha;
  return c;
}

class Drawing {
 public:
  Drawing(const Map& map, const territory::Rules& rules, int cell_pixels)
      : map_(map), rules_(rules), step_(cell_pixels), radius_(cell_pixels / sqrt3) {
    margin_ = step_ * 0.75;
    flat_ = map.orientation == territory::Orientation::flat_top;
    const double along = step_ * (map.width + (map.height > 1 ? 0.5 : 0));
    const double across = radius_ * (1.5 * map.height + 0.5);
    scene_.width = std::ceil((flat_ ? across : along) + 2 * margin_);
    scene_.height = std::ceil((flat_ ? along : across) + 2 * margin_);
    scene_.background = background;
    scene_.title = "Map " + map.name;
  }

  Scene take() {
    find_depths();
    find_owners();
    draw_board();
    for (int i = 0; i < map_.cells(); ++i)
      draw_ground(static_cast<Cell>(i));
    for (int i = 0; i < map_.cells(); ++i)
      draw_border(static_cast<Cell>(i));
    // Rocks last of the ground: they stand up over the cells north of them.
    for (int i = 0; i < map_.cells(); ++i)
      draw_rock(drawn_order(i));
    for (const territory::Site& site : map_.sites)
      draw_site(site);
    for (std::size_t team = 0; team < map_.bases.size(); ++team)
      draw_base(team);
    return std::move(scene_);
  }

 private:
  /// Cells from the top of the drawing to its bottom.
  Cell drawn_order(int i) const {
    if (!flat_) return static_cast<Cell>(i);
    return map_.at({i / map_.height, i % map_.height});
  }

  Point turned(double along, double across) const {
    return flat_ ? Point{across, along} : Point{along, across};
  }
  Point middle(Cell cell) const {
    const hex::Offset at = map_.offset(cell);
    return turned(margin_ + step_ * (at.column + 0.5 + 0.5 * (at.row & 1)),
                  margin_ + radius_ * (1 + 1.5 * at.row));
  }
  std::vector<Point> hexagon(Point at, double scale) const {
    const double r = radius_ * scale;
    const double w = step_ / 2 * scale;
    std::vector<Point> out;
    for (auto [along, across] : {std::pair{0.0, -r}, std::pair{w, -r / 2}, std::pair{w, r / 2},
                                 std::pair{0.0, r}, std::pair{-w, r / 2}, std::pair{-w, -r / 2}}) {
      const Point corner = turned(along, across);
      out.push_back({at.x + corner.x, at.y + corner.y});
    }
    return out;
  }

  Cell neighbour(Cell cell, std::size_t direction) const {
    const hex::Axial at = hex::to_axial(map_.offset(cell));
    const hex::Axial step = hex::axial_steps[direction];
    const hex::Offset next = hex::to_offset({at.q + step.q, at.r + step.r});
    const bool inside =
        next.column >= 0 && next.column < map_.width && next.row >= 0 && next.row < map_.height;
    return inside ? map_.at(next) : no_cell;
  }
  bool passable(Cell cell) const {
    return cell != no_cell && map_.terrain[cell] != Terrain::obstacle;
  }

  // Steps from every obstacle to the next passable cell.
  void find_depths() {
    depth_.assign(static_cast<std::size_t>(map_.cells()), -1);
    std::vector<Cell> queue;
    for (int i = 0; i < map_.cells(); ++i) {
      if (!passable(static_cast<Cell>(i))) continue;
      depth_[static_cast<std::size_t>(i)] = 0;
      queue.push_back(static_cast<Cell>(i));
    }
    for (std::size_t head = 0; head < queue.size(); ++head) {
      for (std::size_t d = 0; d < hex::directions; ++d) {
        const Cell next = neighbour(queue[head], d);
        if (next == no_cell || depth_[next] >= 0) continue;
        depth_[next] = depth_[queue[head]] + 1;
        queue.push_back(next);
      }
    }
  }

  void find_owners() {
    owner_.assign(static_cast<std::size_t>(map_.cells()), -1);
    control_.assign(owner_.size(), 0);
    for (int i = 0; i < map_.cells(); ++i) {
      const auto cell = static_cast<Cell>(i);
      if (!passable(cell)) continue;
      for (std::size_t team = 0; team < map_.bases.size(); ++team) {
        const int ring = hex::distance(map_.offset(cell), map_.offset(map_.bases[team]));
        if (ring >= static_cast<int>(rules_.start_control.size())) continue;
        owner_[cell] = static_cast<int>(team);
        control_[cell] = static_cast<double>(rules_.start_control[static_cast<std::size_t>(ring)]) /
                         rules_.control_max;
      }
    }
  }

  void polygon(std::vector<Point> points, Colour fill) {
    scene_.shapes.push_back({.points = std::move(points), .fill = fill});
  }
  void outlined(std::vector<Point> points, std::optional<Colour> fill, Colour stroke,
                double width) {
    scene_.shapes.push_back(
        {.points = std::move(points), .fill = fill, .stroke = stroke, .stroke_width = width});
  }
  void disc(Point at, double radius, std::optional<Colour> fill,
            std::optional<Colour> stroke = std::nullopt, double width = 0) {
    scene_.shapes.push_back({.kind = Shape::Kind::circle,
                             .points = {at},
                             .radius = radius,
                             .fill = fill,
                             .stroke = stroke,
                             .stroke_width = width});
  }

  void draw_board() {
    const double inset = margin_ * 0.35;
    polygon({{inset, inset},
             {scene_.width - inset, inset},
             {scene_.width - inset, scene_.height - inset},
             {inset, scene_.height - inset}},
            board);
  }

  void draw_ground(Cell cell) {
    const Point at = middle(cell);
    if (!passable(cell)) {
      polygon(hexagon(at, cell_fill), depth_[cell] <= 2 ? rock_side : beyond);
      return;
    }
    const bool rough = map_.terrain[cell] == Terrain::rough;
    polygon(hexagon(at, cell_fill), rough ? rough_ground : open_ground);
    if (owner_[cell] >= 0) {
      const Colour team = team_colours[static_cast<std::size_t>(owner_[cell])];
      polygon(hexagon(at, cell_fill), with_alpha(team, 0.10 + 0.30 * control_[cell]));
    }
    if (!rough) return;
    const double r = radius_ * 0.085;
    const double d = radius_ * 0.27;
    disc({at.x, at.y - d}, r, rough_dots);
    disc({at.x - d, at.y + d * 0.72}, r, rough_dots);
    disc({at.x + d, at.y + d * 0.72}, r, rough_dots);
  }

  // A line along the edges to passable cells of other owners, inset into the own cell.
  void draw_border(Cell cell) {
    if (owner_[cell] < 0) return;
    const Point at = middle(cell);
    for (std::size_t d = 0; d < hex::directions; ++d) {
      const Cell next = neighbour(cell, d);
      if (!passable(next) || owner_[next] == owner_[cell]) continue;
      const Point other = middle(next);
      const double ux = (other.x - at.x) / step_;
      const double uy = (other.y - at.y) / step_;
      const double out = step_ / 2 * 0.86;
      const double half = radius_ / 2 * 0.86;
      scene_.shapes.push_back(
          {.kind = Shape::Kind::line,
           .points = {{at.x + ux * out - uy * half, at.y + uy * out + ux * half},
                      {at.x + ux * out + uy * half, at.y + uy * out - ux * half}},
           .stroke = team_colours[static_cast<std::size_t>(owner_[cell])],
           .stroke_width = std::max(1.0, step_ / 18.0)});
    }
  }

  // Rock stands up where it meets open ground and sinks into the dark away from it.
  void draw_rock(Cell cell) {
    const int depth = depth_[cell];
    if (depth < 1 || depth > static_cast<int>(rocks.size())) return;
    const Rock& rock = rocks[static_cast<std::size_t>(depth) - 1];
    const Point at = middle(cell);
    const Point raised{at.x, at.y - radius_ * (depth == 1 ? 0.16 : depth == 2 ? 0.10 : 0)};
    outlined(hexagon(raised, cell_fill * 0.93), rock.top, rock.edge, std::max(0.5, step_ / 40.0));
    polygon(hexagon(raised, cell_fill * 0.62), rock.inner);
  }

  void draw_site(const territory::Site& site) {
    const Point at = middle(site.cell);
    const double s = radius_ * 0.52;
    const double edge = std::max(1.0, radius_ * 0.13);
    const Colour fill = resource_colours[static_cast<std::size_t>(site.type)];
    switch (site.type) {
      case Resource::energy: {
        const std::vector<Point> bolt{
            {at.x + s * 0.30, at.y - s * 1.15}, {at.x - s * 0.72, at.y + s * 0.18},
            {at.x - s * 0.06, at.y + s * 0.18}, {at.x - s * 0.30, at.y + s * 1.15},
            {at.x + s * 0.72, at.y - s * 0.22}, {at.x + s * 0.06, at.y - s * 0.22}};
        outlined(bolt, std::nullopt, dark, edge * 2);
        polygon(bolt, fill);
        break;
      }
      case Resource::materials: {
        const double h = s * 0.78;
        const std::vector<Point> square{
            {at.x - h, at.y - h}, {at.x + h, at.y - h}, {at.x + h, at.y + h}, {at.x - h, at.y + h}};
        outlined(square, std::nullopt, dark, edge * 2);
        polygon(square, fill);
        break;
      }
      case Resource::data:
        disc(at, s * 0.78, std::nullopt, dark, s * 0.42 + edge * 2);
        disc(at, s * 0.78, std::nullopt, fill, s * 0.42);
        break;
    }
  }

  void draw_base(std::size_t team) {
    const Point at = middle(map_.bases[team]);
    const Colour own = team_colours[team];
    outlined(hexagon(at, 1.02), dark, own, radius_ * 0.17);
    const double s = radius_ * 0.36;
    switch (team) {
      case 0:
        polygon({{at.x - s, at.y - s},
                 {at.x + s, at.y - s},
                 {at.x + s, at.y + s},
                 {at.x - s, at.y + s}},
                own);
        break;
      case 1:
        polygon({{at.x, at.y - s * 1.35},
                 {at.x + s * 1.35, at.y},
                 {at.x, at.y + s * 1.35},
                 {at.x - s * 1.35, at.y}},
                own);
        break;
      case 2:
        polygon({{at.x, at.y - s * 1.25},
                 {at.x + s * 1.25, at.y + s * 0.9},
                 {at.x - s * 1.25, at.y + s * 0.9}},
                own);
        break;
      default:
        disc(at, s * 1.1, own);
        break;
    }
  }

  const Map& map_;
  const territory::Rules& rules_;
  double step_;
  double radius_;
  double margin_;
  bool flat_;
  std::vector<int> depth_;
  std::vector<int> owner_;
  std::vector<double> control_;
  Scene scene_;
};

}  // namespace

Scene map_picture(const Map& map, const territory::Rules& rules, int cell_pixels) {
  return Drawing(map, rules, cell_pixels).take();
}

}  // namespace redoubt::picture
