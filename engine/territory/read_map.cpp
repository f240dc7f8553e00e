#include <nlohmann/json.hpp>

#include "engine/base/json.hpp"
#include "engine/territory/map_json.hpp"

namespace redoubt::territory {
namespace {

// Tiled writes one number a tile and layer and every tile's properties; 4,096 cells in a dozen
// layers stay far below this.
constexpr std::size_t text_bytes_max = 4 << 20;
constexpr int depth_max = 32;
constexpr std::size_t name_bytes_max = 200;

std::string_view without_mark(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  return text.substr(0, 3) == byte_order_mark ? text.substr(3) : text;
}

Error unknown_format(std::string got) {
  Error error{.code = "bad_map", .path = "line 1", .got = std::move(got)};
  error.expected =
      "a map in Redoubt's compact JSON, Tiled's hexagonal JSON or Wesnoth's text format";
  error.message = "this is " + error.got + ", expected " + error.expected;
  error.line = 1;
  error.column = 1;
  return error;
}

Result<Map> read_json(std::string_view text) {
  const Result<Json> document = parse_map_json(text);
  if (!document) return document.error();
  if (!document->is_object()) return unknown_format("JSON, but not an object");
  if (document->contains("format")) return read_compact(*document);
  if (document->contains("layers") || document->contains("tiledversion") ||
      document->contains("orientation")) {
    return read_tiled(*document);
  }
  return unknown_format("a JSON object that is not a map (it has neither format nor layers)");
}

Result<Map> read_any(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return unknown_format("an empty text");
  switch (text[first]) {
    case '{':
    case '[':
      return read_json(text);
    case '<':
      return unknown_format("XML (in Tiled: File > Export As > JSON map file)");
    default:
      return read_wesnoth(text);
  }
}

}  // namespace

Result<Json> parse_map_json(std::string_view text) {
  Result<Json> parsed =
      parse_json(without_mark(text), {.bytes_max = text_bytes_max, .depth_max = depth_max});
  if (!parsed) {
    Error error = parsed.error();
    error.code = "bad_map";
    error.path = "line " + std::to_string(error.line) + ", column " + std::to_string(error.column);
    error.message += " (" + error.path + ")";
    return error;
  }
  return parsed;
}

Result<Map> read_map(std::string_view text, std::string_view name) {
  Result<Map> map = read_any(without_mark(text));
  if (map && map->name.empty()) map->name = std::string(name.substr(0, name_bytes_max));
  return map;
}

}  // namespace redoubt::territory
