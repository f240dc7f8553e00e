#include "engine/territory/tiled_words.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/base/ascii.hpp"
#include "engine/base/json.hpp"
#include "engine/territory/map_import.hpp"

namespace redoubt::territory::tiled {
namespace {

struct Word {
  std::string_view word;
  Terrain terrain;
};
constexpr std::array<Word, 34> words{{
    {"open", Terrain::open},          {"grass", Terrain::open},
    {"plain", Terrain::open},         {"plains", Terrain::open},
    {"ground", Terrain::open},        {"floor", Terrain::open},
    {"road", Terrain::open},          {"path", Terrain::open},
    {"dirt", Terrain::open},          {"bridge", Terrain::open},
    {"rough", Terrain::rough},        {"forest", Terrain::rough},
    {"woods", Terrain::rough},        {"hill", Terrain::rough},
    {"hills", Terrain::rough},        {"swamp", Terrain::rough},
    {"marsh", Terrain::rough},        {"sand", Terrain::rough},
    {"mud", Terrain::rough},          {"ford", Terrain::rough},
    {"obstacle", Terrain::obstacle},  {"obstacles", Terrain::obstacle},
    {"wall", Terrain::obstacle},      {"walls", Terrain::obstacle},
    {"water", Terrain::obstacle},     {"mountain", Terrain::obstacle},
    {"mountains", Terrain::obstacle}, {"lava", Terrain::obstacle},
    {"cliff", Terrain::obstacle},     {"rock", Terrain::obstacle},
    {"void", Terrain::obstacle},      {"blocked", Terrain::obstacle},
    {"collision", Terrain::obstacle}, {"impassable", Terrain::obstacle},
}};
constexpr std::array<std::string_view, 4> blocking_flags{"obstacle", "blocked", "solid",
                                                         "collides"};
constexpr std::array<std::string_view, 5> base_kinds{"base", "bases", "start", "keep",
                                                     "headquarters"};
constexpr std::array<std::string_view, 4> site_kinds{"site", "sites", "resource", "resources"};

template <std::size_t n>
bool one_of(const std::array<std::string_view, n>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string property_text(const Json* properties, std::string_view name) {
  const Json* value = property(properties, name);
  return value != nullptr && value->is_string() ? lower(value->get<std::string>()) : "";
}

int team_of(Fault& fault, const Json& value, const std::string& path) {
  static constexpr std::array<std::string_view, 12> names{
      "red", "blue", "green", "yellow", "team1", "team2", "team3", "team4", "1", "2", "3", "4"};
  if (value.is_number()) {
    const double number = value.get<double>();
    for (int team = 1; team <= teams_max; ++team) {
      if (number == team) return team - 1;
    }
  } else if (value.is_string()) {
    const std::string text = lower(value.get<std::string>());
    const auto found = std::find(names.begin(), names.end(), text);
    if (found != names.end()) return static_cast<int>((found - names.begin()) % teams_max);
  }
  fault.report({path}, {"a team: 1 to 4, red, blue, green or yellow"}, {describe(value)});
  return 0;
}

}  // namespace

std::string lower(std::string text) {
  for (char& c : text) {
    c = ascii_lower(c);
  }
  return text;
}

std::optional<Terrain> terrain_word(std::string_view text) {
  for (const Word& one : words) {
    if (one.word == text) return one.terrain;
  }
  return std::nullopt;
}

void Fault::report(Pieces path, Pieces expected, Pieces got) {
  if (!ok()) return;
  error_ = make_error("bad_map", {}, path, expected, got);
  error_.message = joined({error_.path, ": expected ", error_.expected, ", got ", error_.got});
}

std::string shown(const Json* value) {
  return value == nullptr ? "nothing" : describe(*value);
}

const Json* find(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string text_of(const Json& object, const char* key) {
  const Json* value = find(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

int integer(Fault& fault, const Json& object, const char* key, const std::string& path, int low,
            int high) {
  const Json* value = find(object, key);
  const double number = value != nullptr && value->is_number() ? value->get<double>() : low - 1.0;
  if (number >= low && number <= high && number == std::floor(number)) {
    return static_cast<int>(number);
  }
  fault.report({path, path.empty() ? "" : ".", key}, {"an integer from ", low, " to ", high},
               {shown(value)});
  return low;
}

double pixels(Fault& fault, const Json& object, const char* key, const std::string& path,
              std::string_view unit) {
  const Json* value = find(object, key);
  if (value == nullptr) return 0;
  const double read = value->is_number() ? value->get<double>() : pixels_max * 2;
  if (read >= -pixels_max && read <= pixels_max) return read;
  fault.report({path, ".", key}, {"a number of ", unit}, {describe(*value)});
  return 0;
}

const Json* properties_of(const Json& owner) {
  return find(owner, "properties");
}

const Json* property(const Json* properties, std::string_view name) {
  if (properties == nullptr) return nullptr;
  if (properties->is_object()) return find(*properties, std::string(name).c_str());
  if (!properties->is_array()) return nullptr;
  for (const Json& entry : *properties) {
    if (text_of(entry, "name") == name) return find(entry, "value");
  }
  return nullptr;
}

std::string class_of(const Json& owner) {
  std::string name = text_of(owner, "class");
  return lower(name.empty() ? text_of(owner, "type") : name);
}

std::optional<Terrain> declared_terrain(Fault& fault, const Json* properties,
                                        const std::string& path) {
  const Json* value = property(properties, "terrain");
  if (value == nullptr) return std::nullopt;
  const auto known = terrain_word(property_text(properties, "terrain"));
  if (!known) {
    fault.report({path, ".properties.terrain"}, {"obstacle, rough or open"}, {describe(*value)});
  }
  return known;
}

std::optional<Terrain> terrain_of_named(Fault& fault, const Json& owner, const std::string& path) {
  auto terrain = declared_terrain(fault, properties_of(owner), path);
  if (!terrain) terrain = terrain_word(class_of(owner));
  if (!terrain) terrain = terrain_word(lower(text_of(owner, "name")));
  return terrain;
}

PlaceProperties place_properties(const Json* properties) {
  return {property(properties, "base"), property(properties, "team"),
          property(properties, "resource")};
}

void read_kind(const std::string& kind, Meaning& meaning) {
  if (one_of(base_kinds, kind)) meaning.base = true;
  if (one_of(site_kinds, kind)) meaning.site = true;
  if (const auto resource = resource_named(kind)) {
    meaning.site = true;
    meaning.resource = resource;
  }
  constexpr std::string_view prefix = "base";
  if (kind.size() > prefix.size() && kind.compare(0, prefix.size(), prefix) == 0) {
    const std::size_t digit = kind[prefix.size()] == ' ' ? prefix.size() + 1 : prefix.size();
    if (digit + 1 == kind.size() && kind[digit] >= '1' && kind[digit] <= '0' + teams_max) {
      meaning.base = true;
      meaning.team = kind[digit] - '1';
    }
  }
}

void read_place_properties(Fault& fault, const PlaceProperties& properties, const std::string& path,
                           Meaning& meaning) {
  if (properties.resource != nullptr) {
    const Json& value = *properties.resource;
    meaning.site = !meaning.base;
    if (value.is_string()) meaning.resource = resource_named(lower(value.get<std::string>()));
    if (!value.is_string() || !meaning.resource) {
      fault.report({path, ".properties.resource"}, {"energy, materials or data"},
                   {describe(value)});
    }
  }
  if (properties.base != nullptr && *properties.base != Json(false)) {
    meaning.base = true;
    if (!properties.base->is_boolean()) {
      meaning.team = team_of(fault, *properties.base, path + ".properties.base");
    }
  }
  if (meaning.base && properties.team != nullptr) {
    meaning.team = team_of(fault, *properties.team, path + ".properties.team");
  }
}

Meaning read_tile(Fault& fault, const std::string& kind, const Json* properties,
                  const std::string& path) {
  Meaning meaning;
  meaning.terrain = declared_terrain(fault, properties, path);
  for (std::string_view flag : blocking_flags) {
    const Json* value = property(properties, flag);
    if (!meaning.terrain && value != nullptr && *value == Json(true)) {
      meaning.terrain = Terrain::obstacle;
    }
  }
  if (!meaning.terrain) meaning.terrain = terrain_word(property_text(properties, "type"));
  if (!meaning.terrain) meaning.terrain = terrain_word(kind);
  read_kind(kind, meaning);
  read_place_properties(fault, place_properties(properties), path, meaning);
  return meaning;
}

}  // namespace redoubt::territory::tiled
