#include "engine/schema/keywords.hpp"

#include <cmath>

namespace redoubt::schema {
namespace {

bool is_whole(const Json& value) {
  if (value.is_number_integer()) return true;
  if (!value.is_number_float()) return false;
  const double number = value.get<double>();
  return std::isfinite(number) && number == std::floor(number);
}
bool all_are(const Json& list, bool (*test)(const Json&)) {
  for (const Json& item : list)
    if (!test(item)) return false;
  return true;
}
bool is_text(const Json& value) {
  return value.is_string();
}

constexpr const char* type_names[] = {"null",   "boolean", "integer", "number",
                                      "string", "array",   "object"};
bool is_type_name(const Json& value) {
  if (!value.is_string()) return false;
  for (const char* name : type_names)
    if (text_of(value) == name) return true;
  return false;
}

}  // namespace

bool is_schema(const Json& value) {
  return value.is_object() || value.is_boolean();
}

bool has_type(const Json& value, const std::string& name) {
  if (name == "integer") return is_whole(value);
  return name == value.type_name();
}

bool has_shape(const Json& value, Shape shape) {
  switch (shape) {
    case Shape::any:
      return true;
    case Shape::text:
      return value.is_string();
    case Shape::number:
      return value.is_number();
    case Shape::count:
      return is_whole(value) && value.get<double>() >= 0;
    case Shape::flag:
      return value.is_boolean();
    case Shape::schema:
      return is_schema(value);
    case Shape::schemas:
      return value.is_array() && all_are(value, is_schema);
    case Shape::schema_map:
      return value.is_object() && all_are(value, is_schema);
    case Shape::object:
      return value.is_object();
    case Shape::array:
      return value.is_array();
    case Shape::types:
      return is_type_name(value) || (value.is_array() && all_are(value, is_type_name));
    case Shape::texts:
      return value.is_array() && all_are(value, is_text);
  }
  return false;
}

}  // namespace redoubt::schema
