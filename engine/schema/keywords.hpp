// The keywords of draft 2020-12: in which order they are applied, what the value of each must be,
// and which of them a metaschema can leave out. Internal to this folder.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/json.hpp"

namespace redoubt::schema {

// In the order in which a schema object's keywords are applied: what reads annotations comes after
// what makes them.
enum class Keyword : std::uint8_t {
  ref,
  dynamic_ref,
  type,
  constant,
  enumeration,
  multiple_of,
  maximum,
  exclusive_maximum,
  minimum,
  exclusive_minimum,
  max_length,
  min_length,
  pattern,
  max_items,
  min_items,
  unique_items,
  max_properties,
  min_properties,
  required,
  dependent_required,
  all_of,
  any_of,
  one_of,
  negation,
  condition,
  then_branch,
  else_branch,
  dependent_schemas,
  properties,
  pattern_properties,
  additional_properties,
  property_names,
  prefix_items,
  items,
  contains,
  min_contains,
  max_contains,
  unevaluated_items,
  unevaluated_properties,
  definitions,
  id,
  anchor,
  dynamic_anchor,
  schema,
  vocabulary,
  content_schema
};

// What a keyword's value must be.
enum class Shape : std::uint8_t {
  any,
  text,
  number,
  count,
  flag,
  schema,
  schemas,
  schema_map,
  object,
  array,
  types,
  texts
};

struct Row {
  const char* name;
  Shape shape;
  bool validates;  ///< belongs to the validation vocabulary, which a metaschema can leave out
};

inline constexpr Row keyword_table[] = {{"$ref", Shape::text, false},
                                        {"$dynamicRef", Shape::text, false},
                                        {"type", Shape::types, true},
                                        {"const", Shape::any, true},
                                        {"enum", Shape::array, true},
                                        {"multipleOf", Shape::number, true},
                                        {"maximum", Shape::number, true},
                                        {"exclusiveMaximum", Shape::number, true},
                                        {"minimum", Shape::number, true},
                                        {"exclusiveMinimum", Shape::number, true},
                                        {"maxLength", Shape::count, true},
                                        {"minLength", Shape::count, true},
                                        {"pattern", Shape::text, true},
                                        {"maxItems", Shape::count, true},
                                        {"minItems", Shape::count, true},
                                        {"uniqueItems", Shape::flag, true},
                                        {"maxProperties", Shape::count, true},
                                        {"minProperties", Shape::count, true},
                                        {"required", Shape::texts, true},
                                        {"dependentRequired", Shape::object, true},
                                        {"allOf", Shape::schemas, false},
                                        {"anyOf", Shape::schemas, false},
                                        {"oneOf", Shape::schemas, false},
                                        {"not", Shape::schema, false},
                                        {"if", Shape::schema, false},
                                        {"then", Shape::schema, false},
                                        {"else", Shape::schema, false},
                                        {"dependentSchemas", Shape::schema_map, false},
                                        {"properties", Shape::schema_map, false},
                                        {"patternProperties", Shape::schema_map, false},
                                        {"additionalProperties", Shape::schema, false},
                                        {"propertyNames", Shape::schema, false},
                                        {"prefixItems", Shape::schemas, false},
                                        {"items", Shape::schema, false},
                                        {"contains", Shape::schema, false},
                                        {"minContains", Shape::count, true},
                                        {"maxContains", Shape::count, true},
                                        {"unevaluatedItems", Shape::schema, false},
                                        {"unevaluatedProperties", Shape::schema, false},
                                        {"$defs", Shape::schema_map, false},
                                        {"$id", Shape::text, false},
                                        {"$anchor", Shape::text, false},
                                        {"$dynamicAnchor", Shape::text, false},
                                        {"$schema", Shape::text, false},
                                        {"$vocabulary", Shape::object, false},
                                        {"contentSchema", Shape::schema, false}};

inline constexpr const char* shape_names[] = {"any value",
                                              "a string",
                                              "a number",
                                              "a whole number from 0",
                                              "true or false",
                                              "a schema",
                                              "an array of schemas",
                                              "an object of schemas",
                                              "an object",
                                              "an array",
                                              "a type's name or an array of them",
                                              "an array of strings"};

inline const Json* member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}
inline const std::string& text_of(const Json& value) {
  return *value.get_ptr<const std::string*>();
}

bool is_schema(const Json& value);
bool has_shape(const Json& value, Shape shape);
/// `name` is a type's: a number without a fraction is an integer too.
bool has_type(const Json& value, const std::string& name);

}  // namespace redoubt::schema
