#include <array>
#include <charconv>
#include <cmath>

#include "tools/cli/picture/scene.hpp"

namespace redoubt::picture {
namespace {

/// At most two decimals, no trailing zeros, never "-0".
std::string number(double value) {
  std::array<char, 32> buffer;
  const double rounded = std::round(value * 100) / 100 + 0.0;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), rounded,
                                 std::chars_format::fixed, 2)
                       .ptr;
  std::string text(buffer.data(), end);
  while (text.back() == '0')
    text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string hex(Colour c) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "#";
  for (std::uint8_t part : {c.red, c.green, c.blue}) {
    text += digits[part >> 4];
    text += digits[part & 15];
  }
  return text;
}

std::string paint(const char* name, const std::optional<Colour>& c) {
  if (!c) return std::string(" ") + name + "=\"none\"";
  std::string text = std::string(" ") + name + "=\"" + hex(*c) + "\"";
  if (c->alpha < 1) text += std::string(" ") + name + "-opacity=\"" + number(c->alpha) + "\"";
  return text;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        // XML 1.0 has no way to write the other control characters.
        if (static_cast<unsigned char>(c) >= ' ' || c == '\t' || c == '\n') out += c;
    }
  }
  return out;
}

std::string element(const Shape& shape) {
  std::string out;
  if (shape.kind == Shape::Kind::circle) {
    const Point middle = shape.points.front();
    out = "<circle cx=\"" + number(middle.x) + "\" cy=\"" + number(middle.y) + "\" r=\"" +
          number(shape.radius) + "\"";
  } else {
    out = shape.kind == Shape::Kind::polygon ? "<polygon points=\"" : "<polyline points=\"";
    for (std::size_t i = 0; i < shape.points.size(); ++i) {
      if (i > 0) out += ' ';
      out += number(shape.points[i].x) + "," + number(shape.points[i].y);
    }
    out += '"';
  }
  out += paint("fill", shape.fill);
  if (shape.stroke) {
    out += paint("stroke", shape.stroke) + " stroke-width=\"" + number(shape.stroke_width) + "\"";
  }
  return out + "/>\n";
}

}  // namespace

std::string write_svg(const Scene& scene) {
  const std::string width = number(scene.width);
  const std::string height = number(scene.height);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + width + "\" height=\"" +
                    height + "\" viewBox=\"0 0 " + width + " " + height +
                    "\" role=\"img\" stroke-linejoin=\"round\" stroke-linecap=\"round\">\n";
  out += "<title>" + escaped(scene.title) + "</title>\n";
  out += "<rect width=\"100%\" height=\"100%\" fill=\"" + hex(scene.background) + "\"/>\n";
  for (const Shape& shape : scene.shapes)
    out += element(shape);
  return out + "</svg>\n";
}

}  // namespace redoubt::picture
