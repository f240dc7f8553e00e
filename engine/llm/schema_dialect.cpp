#include "engine/llm/schema_dialect.hpp"

#include <algorithm>
#include <span>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/schema_shape.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {
namespace {

constexpr std::string_view strict_keywords[] = {
    "$defs",
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "definitions",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
};
constexpr std::string_view anthropic_keywords[] = {
    "$defs",   "$ref",        "additionalProperties",
    "allOf",   "anyOf",       "const",
    "default", "definitions", "description",
    "enum",    "format",      "items",
    "pattern", "properties",  "required",
    "title",   "type",
};
constexpr std::string_view gemini_keywords[] = {
    "$anchor",
    "$defs",
    "$id",
    "$ref",
    "additionalProperties",
    "anyOf",
    "description",
    "enum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "prefixItems",
    "properties",
    "propertyOrdering",
    "required",
    "title",
    "type",
};

std::span<const std::string_view> keywords_of(SchemaDialect dialect) {
  switch (dialect) {
    case SchemaDialect::openai_strict:
      return strict_keywords;
    case SchemaDialect::anthropic:
      return anthropic_keywords;
    case SchemaDialect::gemini:
      return gemini_keywords;
    case SchemaDialect::plain:
      break;
  }
  return {};
}

bool has(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_object_schema(const Json& schema) {
  const Json* type = member_of(schema, "type");
  if (type != nullptr && type->is_array()) {
    for (const Json& one : *type) {
      if (text_of(&one) == "object") return true;
    }
  }
  return text_of(type) == "object" || member_of(schema, "properties") != nullptr;
}

bool is_required(const Json& schema, std::string_view name) {
  const Json* required = member_of(schema, "required");
  if (required == nullptr || !required->is_array()) return false;
  for (const Json& one : *required) {
    if (text_of(&one) == name) return true;
  }
  return false;
}

bool takes_null(const Json& schema) {
  const Json* type = member_of(schema, "type");
  if (type != nullptr && type->is_array()) {
    for (const Json& one : *type) {
      if (text_of(&one) == "null") return true;
    }
    return false;
  }
  if (type != nullptr) return text_of(type) == "null";
  for (const char* key : {"anyOf", "oneOf"}) {
    const Json* choices = member_of(schema, key);
    if (choices == nullptr || !choices->is_array()) continue;
    for (const Json& choice : *choices) {
      if (takes_null(choice)) return true;
    }
    return false;
  }
  const Json* values = member_of(schema, "enum");
  if (values == nullptr || !values->is_array()) return false;
  for (const Json& value : *values) {
    if (value.is_null()) return true;
  }
  return false;
}

class Converter {
 public:
  explicit Converter(SchemaDialect dialect) : dialect_(dialect) {}

  void convert(Json& schema);
  bool changed() const { return changed_; }
  bool impossible() const { return impossible_; }

 private:
  void rename(Json& schema, const char* from, const char* to);
  void unfold_all_of(Json& schema);
  void drop_unsupported(Json& schema);
  void close_object(Json& schema);
  void require_all(Json& schema);
  void make_nullable(Json& schema);
  void convert_children(Json& schema);

  SchemaDialect dialect_;
  bool changed_ = false;
  bool impossible_ = false;
};

void Converter::rename(Json& schema, const char* from, const char* to) {
  const auto found = schema.find(from);
  if (found == schema.end() || schema.contains(to)) return;
  Json value = std::move(*found);
  schema.erase(from);
  schema[to] = std::move(value);
  changed_ = true;
}

// Where allOf is not taken its parts become one. A part that is a reference cannot be merged.
void Converter::unfold_all_of(Json& schema) {
  const auto found = schema.find("allOf");
  if (found == schema.end() || dialect_ == SchemaDialect::anthropic) return;
  const Json parts = std::move(*found);
  schema.erase("allOf");
  changed_ = true;
  if (!parts.is_array()) return;
  for (const Json& part : parts) {
    const bool refers = parts.size() > 1 && part.is_object() && part.contains("$ref");
    impossible_ = impossible_ || (refers && dialect_ == SchemaDialect::openai_strict);
    merge_schema(schema, part);
  }
  unfold_all_of(schema);  // of a part's own
}

void Converter::drop_unsupported(Json& schema) {
  const auto keywords = keywords_of(dialect_);
  std::string said;
  for (auto it = schema.begin(); it != schema.end();) {
    if (has(keywords, it.key())) {
      ++it;
      continue;
    }
    const bool tells = it->is_number() || (it->is_boolean() && it->get<bool>());
    if (tells) said += joined({said.empty() ? "" : ", ", it.key(), ": ", dump(*it)});
    it = schema.erase(it);
    changed_ = true;
  }
  if (said.empty()) return;
  const std::string before(text_in(schema, "description"));
  schema["description"] = joined({before, before.empty() ? "" : " ", "(", said, ")"});
}

void Converter::close_object(Json& schema) {
  if (!is_object_schema(schema)) return;
  const auto found = schema.find("additionalProperties");
  const bool closed = found != schema.end() && found->is_boolean() && !found->get<bool>();
  if (closed) return;
  const Json* properties = member_of(schema, "properties");
  const bool named = properties != nullptr && properties->is_object() && !properties->empty();
  if (!named && found != schema.end()) impossible_ = true;  // a map from any key
  if (named && found != schema.end() && found->is_object()) impossible_ = true;
  schema["additionalProperties"] = false;
  changed_ = true;
}

void Converter::make_nullable(Json& schema) {
  if (takes_null(schema)) return;
  changed_ = true;
  const auto type = schema.find("type");
  if (type != schema.end() && !schema.contains("const")) {
    if (type->is_string()) *type = Json::array({*type});
    if (type->is_array()) type->push_back("null");
    const auto values = schema.find("enum");
    if (values != schema.end() && values->is_array()) values->push_back(nullptr);
    return;
  }
  Json choice = std::move(schema);
  schema = Json::object();
  Json& choices = schema["anyOf"] = Json::array();
  choices.push_back(std::move(choice));
  choices.push_back(Json::object());
  choices.back()["type"] = "null";
}

void Converter::require_all(Json& schema) {
  const auto properties = schema.find("properties");
  if (properties == schema.end() || !properties->is_object()) return;
  Json required = Json::array();
  bool all = true;
  for (auto it = properties->begin(); it != properties->end(); ++it) {
    required.push_back(it.key());
    if (is_required(schema, it.key())) continue;
    all = false;
    make_nullable(*it);
  }
  if (all) return;
  schema["required"] = std::move(required);
  changed_ = true;
}

void Converter::convert_children(Json& schema) {
  for (const char* key : {"properties", "$defs", "definitions"}) {
    const auto map = schema.find(key);
    if (map == schema.end() || !map->is_object()) continue;
    for (Json& child : *map)
      convert(child);
  }
  for (const char* key : {"anyOf", "allOf", "prefixItems"}) {
    const auto list = schema.find(key);
    if (list == schema.end() || !list->is_array()) continue;
    for (Json& child : *list)
      convert(child);
  }
  for (const char* key : {"items", "additionalProperties"}) {
    const auto child = schema.find(key);
    if (child != schema.end() && child->is_object()) convert(*child);
  }
}

// The depth is bounded by the parser that read the schema.
void Converter::convert(Json& schema) {
  if (!schema.is_object()) return;
  rename(schema, "oneOf", "anyOf");
  unfold_all_of(schema);
  if (dialect_ == SchemaDialect::gemini && schema.contains("const")) {
    schema["const"] = Json::array({schema["const"]});
    rename(schema, "const", "enum");
  }
  drop_unsupported(schema);
  convert_children(schema);
  if (dialect_ == SchemaDialect::gemini) return;
  close_object(schema);
  if (dialect_ == SchemaDialect::openai_strict) require_all(schema);
}

}  // namespace

Result<std::string> schema_in_dialect(std::string_view text, SchemaDialect dialect) {
  auto parsed = parse_json(text, wire_json_limits);
  if (!parsed.ok()) return std::move(parsed.error());
  Json& schema = parsed.value();
  if (!schema.is_object()) {
    return make_error("bad_schema", {"the schema must be an object"}, {}, {"an object"},
                      {describe(schema)});
  }
  if (dialect == SchemaDialect::plain) return std::string(text);
  const bool inlined = dialect == SchemaDialect::gemini && text.find("\"$ref\"") != text.npos;
  if (inlined) inline_refs(schema);
  Converter converter(dialect);
  converter.convert(schema);
  const bool root_is_object = is_object_schema(schema);
  if (dialect == SchemaDialect::openai_strict && (converter.impossible() || !root_is_object)) {
    return make_error("not_strict", {"the schema cannot be held to strictly"}, {},
                      {"an object at the root, and objects with named properties only"}, {});
  }
  if (dialect == SchemaDialect::anthropic && converter.impossible()) {
    return make_error("not_strict", {"the schema cannot be held to strictly"}, {},
                      {"objects with named properties only"}, {});
  }
  if (!converter.changed() && !inlined) return std::string(text);
  return dump(schema);
}

void drop_nulls(Json& value, const Json& schema) {
  if (value.is_array()) {
    const Json* items = member_of(schema, "items");
    if (items == nullptr) return;
    for (Json& item : value)
      drop_nulls(item, *items);
    return;
  }
  const Json* properties = member_of(schema, "properties");
  if (!value.is_object() || properties == nullptr || !properties->is_object()) return;
  for (auto it = value.begin(); it != value.end();) {
    const auto property = properties->find(it.key());
    const bool known = property != properties->end();
    if (known && it->is_null() && !is_required(schema, it.key()) && !takes_null(*property)) {
      it = value.erase(it);
      continue;
    }
    if (known) drop_nulls(*it, *property);
    ++it;
  }
}

}  // namespace redoubt::llm
