#include <png.h>

#include <cmath>
#include <cstring>

#include "tools/cli/picture/raster.hpp"

namespace redoubt::picture {
namespace {

void draw(Raster& raster, const Shape& shape) {
  const bool circle = shape.kind == Shape::Kind::circle;
  const std::vector<Point> line =
      circle ? circle_outline(shape.points.front(), shape.radius) : shape.points;
  if (shape.fill) raster.fill({line}, *shape.fill);
  if (shape.stroke && shape.stroke_width > 0) {
    const bool closed = shape.kind != Shape::Kind::line;
    raster.fill(stroke_outline(line, closed, shape.stroke_width), *shape.stroke);
  }
}

Error bad_picture(std::string message, std::string expected, std::string got) {
  return {.code = "bad_picture",
          .message = std::move(message),
          .path = "picture",
          .expected = std::move(expected),
          .got = std::move(got)};
}

}  // namespace

Result<std::string> write_png(const Scene& scene) {
  const double width = std::ceil(scene.width);
  const double height = std::ceil(scene.height);
  const bool fits = width >= 1 && height >= 1 && width <= png_side_max && height <= png_side_max &&
                    width * height <= png_pixels_max;
  if (!fits) {
    const std::string got = std::to_string(static_cast<long>(width)) + "x" +
                            std::to_string(static_cast<long>(height)) + " pixels";
    return bad_picture("the picture is too large: " + got, "at most 64 million pixels", got);
  }
  Raster raster(static_cast<int>(width), static_cast<int>(height), scene.background);
  for (const Shape& shape : scene.shapes)
    draw(raster, shape);

  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(raster.width());
  image.height = static_cast<png_uint_32>(raster.height());
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string out(size, '\0');
  if (png_image_write_to_memory(&image, out.data(), &size, 0, raster.bytes().data(), 0, nullptr) ==
      0) {
    return bad_picture(std::string("PNG: ") + image.message, "a picture that can be written",
                       "an error of libpng");
  }
  out.resize(size);
  return out;
}

}  // namespace redoubt::picture
