// Our own compact JSON: the stored odd-r grid as it is, so that reading and writing lose nothing.
// A flat-top map's rows are its columns on the screen (see Map::orientation).
#include <array>
#include <nlohmann/json.hpp>

#include "engine/base/canonical_json.hpp"
#include "engine/base/json.hpp"
#include "engine/territory/map_import.hpp"
#include "engine/territory/map_json.hpp"

namespace redoubt::territory {
namespace {

constexpr std::string_view format_name = "redoubt-map";
constexpr int format_version = 1;
constexpr std::size_t name_bytes_max = 200;
constexpr std::array<char, 3> terrain_characters{'.', '~', '#'};

std::string indexed(const char* list, std::size_t i) {
  return std::string(list) + "[" + std::to_string(i) + "]";
}

void read_rows(JsonFields& fields, Map& map) {
  const Json* rows = fields.member("rows");
  if (rows == nullptr) return;
  if (!rows->is_array() || rows->empty() || rows->size() > cells_max) {
    return fields.fault("rows", "1 to " + std::to_string(cells_max) + " texts", describe(*rows));
  }
  map.height = static_cast<int>(rows->size());
  for (std::size_t row = 0; row < rows->size(); ++row) {
    const Json& value = (*rows)[row];
    if (!value.is_string()) {
      return fields.fault(indexed("rows", row), "a text of . ~ and #", describe(value));
    }
    const auto& text = value.get_ref<const std::string&>();
    if (row == 0) map.width = static_cast<int>(std::min<std::size_t>(text.size(), cells_max + 1));
    if (text.empty() || text.size() != static_cast<std::size_t>(map.width) ||
        map.width * map.height > cells_max) {
      return fields.fault(
          indexed("rows", row),
          "rows of equal length, at most " + std::to_string(cells_max) + " cells in all",
          std::to_string(text.size()) + " characters");
    }
    for (std::size_t column = 0; column < text.size(); ++column) {
      std::size_t kind = 0;
      while (kind < terrain_characters.size() && terrain_characters[kind] != text[column])
        ++kind;
      if (kind == terrain_characters.size()) {
        return fields.fault(indexed("rows", row), ". for open, ~ for rough or # for an obstacle",
                            "another character at column " + std::to_string(column));
      }
      map.terrain.push_back(static_cast<Terrain>(kind));
    }
  }
}

/// [column, row, ...] inside the map, or no_cell and a fault.
Cell read_place(JsonFields& fields, const Map& map, const std::string& path, const Json& entry,
                std::size_t size) {
  const bool shaped = entry.is_array() && entry.size() == size && entry[0].is_number_unsigned() &&
                      entry[1].is_number_unsigned();
  const std::string expected = "[column, row" + std::string(size == 3 ? ", resource]" : "]") +
                               " inside the " + std::to_string(map.width) + "x" +
                               std::to_string(map.height) + " map";
  if (!shaped) {
    fields.fault(path, expected, describe(entry));
    return no_cell;
  }
  const auto column = entry[0].get<std::uint64_t>();
  const auto row = entry[1].get<std::uint64_t>();
  if (column >= static_cast<std::uint64_t>(map.width) ||
      row >= static_cast<std::uint64_t>(map.height)) {
    fields.fault(path, expected, canonical(entry));
    return no_cell;
  }
  return map.at({static_cast<int>(column), static_cast<int>(row)});
}

void read_bases(JsonFields& fields, Map& map) {
  const Json* bases = fields.member("bases");
  if (bases == nullptr) return;
  if (!bases->is_array() || bases->size() < 2 || bases->size() > teams_max) {
    return fields.fault("bases", "2 to 4 places", describe(*bases));
  }
  for (std::size_t i = 0; i < bases->size() && fields.ok(); ++i) {
    map.bases.push_back(read_place(fields, map, indexed("bases", i), (*bases)[i], 2));
  }
}

void read_sites(JsonFields& fields, Map& map) {
  const Json* sites = fields.member_or_null("sites");
  if (sites == nullptr) return;
  if (!sites->is_array() || sites->size() > sites_max) {
    return fields.fault("sites", "at most " + std::to_string(sites_max) + " places",
                        describe(*sites));
  }
  for (std::size_t i = 0; i < sites->size(); ++i) {
    const Json& entry = (*sites)[i];
    const Cell cell = read_place(fields, map, indexed("sites", i), entry, 3);
    if (!fields.ok()) return;
    const auto type = entry[2].is_string() ? resource_named(entry[2].get_ref<const std::string&>())
                                           : std::optional<Resource>{};
    if (!type) {
      return fields.fault(indexed("sites", i), "energy, materials or data", describe(entry[2]));
    }
    map.sites.push_back({cell, *type});
  }
}

}  // namespace

Result<Map> read_compact(const Json& document) {
  JsonFields fields(document, "bad_map");
  Map map;
  if (const std::string format = fields.text("format", 40); fields.ok() && format != format_name) {
    fields.fault("format", "\"redoubt-map\"", "\"" + format + "\"");
  }
  fields.integer("version", format_version, format_version);
  map.name = fields.text_or("name", name_bytes_max, "");
  const std::string orientation = fields.text_or("orientation", 40, "pointy_top");
  const std::string symmetry = fields.text_or("symmetry", 40, "none");
  if (orientation == "flat_top") {
    map.orientation = Orientation::flat_top;
  } else if (orientation != "pointy_top") {
    fields.fault("orientation", "pointy_top or flat_top", "\"" + orientation + "\"");
  }
  if (const auto known = symmetry_named(symmetry)) {
    map.symmetry = *known;
  } else {
    fields.fault("symmetry", "none, point, rotation3 or mirrors4", "\"" + symmetry + "\"");
  }
  read_rows(fields, map);
  if (fields.ok()) read_bases(fields, map);
  if (fields.ok()) read_sites(fields, map);
  fields.refuse_unknown();
  if (!fields.ok()) return fields.error();
  if (Result<void> good = check(map); !good) return good.error();
  return map;
}

Result<Map> read_compact(std::string_view text) {
  Result<Json> document = parse_map_json(text);
  if (!document) return document.error();
  return read_compact(*document);
}

std::string write_compact(const Map& map) {
  const auto quoted = [](const Json& value) { return canonical_utf8(value); };
  std::string out = "{\"format\":\"redoubt-map\",\"version\":1,\"name\":" + quoted(map.name);
  out += ",\"orientation\":\"";
  out += map.orientation == Orientation::flat_top ? "flat_top" : "pointy_top";
  out += "\",\"symmetry\":\"" + std::string(symmetry_name(map.symmetry)) + "\",\n\"rows\":[";
  for (int row = 0; row < map.height; ++row) {
    out += row == 0 ? "\n\"" : ",\n\"";
    for (int column = 0; column < map.width; ++column) {
      out += terrain_characters[static_cast<std::size_t>(map.terrain[map.at({column, row})])];
    }
    out += '"';
  }
  out += "],\n\"bases\":[";
  for (std::size_t i = 0; i < map.bases.size(); ++i) {
    const hex::Offset at = map.offset(map.bases[i]);
    out += std::string(i == 0 ? "" : ",") + "[" + std::to_string(at.column) + "," +
           std::to_string(at.row) + "]";
  }
  out += "],\n\"sites\":[";
  for (std::size_t i = 0; i < map.sites.size(); ++i) {
    const hex::Offset at = map.offset(map.sites[i].cell);
    out += std::string(i == 0 ? "" : ",") + "[" + std::to_string(at.column) + "," +
           std::to_string(at.row) + ",\"" + std::string(resource_name(map.sites[i].type)) + "\"]";
  }
  return out + "]}\n";
}

}  // namespace redoubt::territory
