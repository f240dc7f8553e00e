#include "engine/llm/openapi_schema.hpp"

#include <algorithm>
#include <iterator>

#include "engine/base/ascii.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/json_text.hpp"

namespace redoubt::llm {
namespace {

struct Renamed {
  std::string_view from;
  std::string_view to;
};
// Also as protocol buffers name their fields, which Google's own servers read, too.
constexpr Renamed renamed[] = {
    {"any_of", "anyOf"},
    {"min_items", "minItems"},
    {"max_items", "maxItems"},
    {"min_length", "minLength"},
    {"max_length", "maxLength"},
    {"min_properties", "minProperties"},
    {"max_properties", "maxProperties"},
    {"additional_properties", "additionalProperties"},
    {"property_ordering", "propertyOrdering"},
    {"defs", "$defs"},
    {"ref", "$ref"},
};

constexpr std::string_view own_root = R"("#/defs/)";  // of a `ref`, as JSON

bool is_one(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view keyword_of(std::string_view key) {
  for (const Renamed& one : renamed) {
    if (one.from == key) return one.to;
  }
  return key;
}

/// Of schemas in schemas: what lies deeper goes on as it is. Each is read once a level.
constexpr int depth_max = 24;

void write_schema(std::string_view schema, int depth, JsonWriter& out);

void write_schemas(std::string_view value, int depth, JsonWriter& out) {
  if (value.front() == '[') {
    out.open_array();
    for (const std::string_view each : element_texts(value))
      write_schema(each, depth, out);
    out.close_array();
    return;
  }
  out.open_object();
  for (const MemberText& member : member_texts(value)) {
    out.escaped_key(member.key);
    write_schema(member.value, depth, out);
  }
  out.close_object();
}

// What only null can be beside what the schema says.
void write_list_with_null(std::string_view list, std::string_view null, int depth,
                          JsonWriter& out) {
  const auto elements = element_texts(list);
  const bool has_it = std::find(elements.begin(), elements.end(), null) != elements.end();
  out.open_array();
  for (const std::string_view each : elements)
    write_schema(each, depth, out);
  if (!has_it) out.raw(null);
  out.close_array();
}

void write_type(std::string_view value, bool nullable, JsonWriter& out) {
  const std::string type = ascii_lower(value);
  if (type == R"("type_unspecified")") return;
  if (nullable && type.front() == '"' && type != R"("null")") {
    out.raw("type", joined({"[", type, R"(,"null"])"}));
  } else {
    out.raw("type", type);
  }
}

// A count may be written as a text.
std::string_view count_text(std::string_view value) {
  if (value.size() < 3 || value.front() != '"') return value;
  const std::string_view inside = value.substr(1, value.size() - 2);
  const bool digits =
      std::all_of(inside.begin(), inside.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits && (inside.front() != '0' || inside.size() == 1) ? inside : value;
}

void write_member(const MemberText& member, bool nullable, int depth, JsonWriter& out) {
  const std::string_view key = keyword_of(member.key);
  if (is_one(key, {"nullable", "propertyOrdering", "example"})) return;
  if (key == "format" && member.value == R"("enum")") return;
  if (key == "type") return write_type(member.value, nullable, out);
  if (member.key == "ref" && member.value.substr(0, own_root.size()) == own_root) {
    out.raw(key, joined({R"("#/$defs/)", member.value.substr(own_root.size())}));
    return;
  }
  if (is_one(key, {"minItems", "maxItems", "minLength", "maxLength", "minProperties",
                   "maxProperties"})) {
    out.member(key, count_text(member.value));
  } else if (key == "enum" && nullable) {
    out.key(key);
    write_list_with_null(member.value, "null", depth, out);
  } else if (key == "anyOf" && nullable) {
    out.key(key);
    write_list_with_null(member.value, R"({"type":"null"})", depth, out);
  } else if (is_one(key, {"properties", "$defs", "anyOf", "oneOf", "allOf", "prefixItems"})) {
    out.key(key);
    write_schemas(member.value, depth, out);
  } else if (is_one(key, {"items", "additionalProperties", "not"})) {
    out.key(key);
    write_schema(member.value, depth, out);
  } else {
    out.member(key, member.value);
  }
}

void write_schema(std::string_view schema, int depth, JsonWriter& out) {
  if (schema.front() != '{' || depth == depth_max) return out.raw(schema);
  const bool nullable = member_text(schema, "nullable") == "true";
  out.open_object();
  for (const MemberText& member : member_texts(schema))
    write_member(member, nullable, depth + 1, out);
  out.close_object();
}

}  // namespace

std::string json_schema_of_openapi(std::string_view schema) {
  JsonWriter out;
  write_schema(schema, 0, out);
  return out.take();
}

}  // namespace redoubt::llm
