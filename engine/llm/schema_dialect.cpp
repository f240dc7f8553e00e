#include "engine/llm/schema_dialect.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/llm/fit_rules.hpp"
#include "engine/llm/json_text.hpp"
#include "engine/llm/schema_shape.hpp"
#include "engine/llm/wire.hpp"

namespace redoubt::llm {
namespace {

// What a provider takes of JSON Schema. Lists are words divided by '|'.
struct SchemaRules {
  std::string_view keywords;
  std::string_view formats = "";  ///< "" is any
  bool closed = false;            ///< every object names its properties, and takes no others
  bool all_required = false;      ///< what was optional may be null instead
  bool some_required = false;     ///< one property at least of every object
  bool typed = false;             ///< no part without a type
  bool alone_ref = false;         ///< nothing but definitions beside $ref, which names one of them
  bool alone_any_of = false;      ///< nothing beside anyOf
  bool look_around = true;        ///< in patterns
  bool recursion = true;
  std::size_t depth_max = SIZE_MAX;
  std::size_t properties_max = SIZE_MAX;
  std::size_t values_max = SIZE_MAX;       ///< of all enums
  std::size_t words_bytes_max = SIZE_MAX;  ///< of names and values
};

constexpr SchemaRules openai_rules{
    .keywords =
        "$defs|$ref|additionalProperties|anyOf|const|definitions|description|enum|"
        "exclusiveMaximum|exclusiveMinimum|format|items|maxItems|maximum|minItems|minimum|"
        "multipleOf|pattern|properties|required|title|type",
    .formats = "date-time|time|date|duration|email|hostname|ipv4|ipv6|uuid",
    .closed = true,
    .all_required = true,
    .typed = true,
    .alone_ref = true,
    .look_around = false,
    .depth_max = 10,
    .properties_max = 5'000,
    .values_max = 1'000,
    .words_bytes_max = 120'000};

constexpr SchemaRules anthropic_rules{
    .keywords =
        "$defs|$ref|additionalProperties|allOf|anyOf|const|default|definitions|description|"
        "enum|format|items|properties|required|title|type",
    .formats = "date-time|time|date|duration|email|hostname|uri|ipv4|ipv6|uuid",
    .closed = true,
    .alone_ref = true,
    .recursion = false};

constexpr SchemaRules gemini_rules{
    .keywords =
        "$anchor|$defs|$id|$ref|additionalProperties|anyOf|description|enum|format|items|"
        "maxItems|maximum|minItems|minimum|prefixItems|properties|propertyOrdering|"
        "required|title|type",
    .alone_any_of = true};

constexpr SchemaRules cohere_rules{
    .keywords =
        "$defs|$ref|additionalProperties|anyOf|const|default|definitions|description|enum|"
        "format|items|properties|required|title|type",
    .formats = "date-time|uuid|date|time",
    .some_required = true};

const SchemaRules& rules_of(SchemaDialect dialect) {
  switch (dialect) {
    case SchemaDialect::openai_strict:
      return openai_rules;
    case SchemaDialect::anthropic:
      return anthropic_rules;
    case SchemaDialect::cohere:
      return cohere_rules;
    default:
      return gemini_rules;
  }
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

// The names of a schema's `required`, sorted: asked for each of its properties.
class RequiredNames {
 public:
  explicit RequiredNames(const Json& schema) {
    const Json* required = member_of(schema, "required");
    if (required == nullptr || !required->is_array()) return;
    for (const Json& one : *required)
      names_.push_back(text_of(&one));
    std::sort(names_.begin(), names_.end());
  }
  bool has(std::string_view name) const {
    return std::binary_search(names_.begin(), names_.end(), name);
  }

 private:
  std::vector<std::string_view> names_;
};

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

// "#/$defs/Place" or "#".
bool names_definition(std::string_view ref) {
  for (const std::string_view home : {"#/$defs/", "#/definitions/"}) {
    if (ref.substr(0, home.size()) == home) return ref.find('/', home.size()) == ref.npos;
  }
  return ref == "#";
}

class Converter {
 public:
  /// `growth`: how many bytes may be copied.
  Converter(SchemaDialect dialect, std::size_t growth)
      : dialect_(dialect), rules_(rules_of(dialect)), growth_(growth) {}

  void convert(Json& schema, std::size_t depth = 1);
  bool changed() const { return changed_; }
  bool impossible() const { return impossible_; }

 private:
  void rename(Json& schema, const char* from, const char* to);
  void unfold_all_of(Json& schema);
  bool takes(std::string_view keyword, const Json& value) const;
  void drop_unsupported(Json& schema);
  void stand_alone(Json& schema);
  void count(const Json& schema, std::size_t depth);
  void close_object(Json& schema);
  void require_all(Json& schema);
  void require_some(Json& schema);
  void make_nullable(Json& schema);
  void convert_children(Json& schema, std::size_t depth);

  SchemaDialect dialect_;
  const SchemaRules& rules_;
  bool changed_ = false;
  bool impossible_ = false;
  std::size_t properties_ = 0;
  std::size_t values_ = 0;
  std::size_t words_bytes_ = 0;
  std::size_t growth_;
};

void Converter::rename(Json& schema, const char* from, const char* to) {
  const auto found = schema.find(from);
  if (found == schema.end() || schema.contains(to)) return;
  Json value = std::move(*found);
  schema.erase(from);
  schema[to] = std::move(value);
  changed_ = true;
}

bool refers(const Json& part) {
  return part.is_object() && part.contains("$ref");
}

// Where allOf is not taken its parts become one. A part that is a reference cannot be merged.
void Converter::unfold_all_of(Json& schema) {
  const auto found = schema.find("allOf");
  if (found == schema.end() || !found->is_array()) return;
  const bool has_ref = std::any_of(found->begin(), found->end(), refers);
  if (dialect_ == SchemaDialect::anthropic && !has_ref) return;
  const Json parts = std::move(*found);
  schema.erase("allOf");
  changed_ = true;
  impossible_ = impossible_ || (has_ref && parts.size() > 1 && dialect_ != SchemaDialect::gemini);
  for (const Json& part : parts)
    merge_schema(schema, part);
  unfold_all_of(schema);  // of a part's own
}

bool Converter::takes(std::string_view keyword, const Json& value) const {
  if (keyword == "format" && !rules_.formats.empty())
    return is_in_list(text_of(&value), rules_.formats);
  if (keyword == "pattern" && !rules_.look_around &&
      text_of(&value).find("(?") != std::string::npos)
    return false;
  return is_in_list(keyword, rules_.keywords);
}

// What is dropped is told in words, where it is a demand.
void Converter::drop_unsupported(Json& schema) {
  std::string said;
  for (auto it = schema.begin(); it != schema.end();) {
    if (takes(it.key(), *it)) {
      ++it;
      continue;
    }
    const bool tells = it->is_number() || (it->is_boolean() && it->get<bool>()) ||
                       it.key() == "pattern" || it.key() == "format" || it.key() == "not";
    if (tells) said += joined({said.empty() ? "" : ", ", it.key(), ": ", dump(*it)});
    it = schema.erase(it);
    changed_ = true;
  }
  if (said.empty()) return;
  const std::string before(text_in(schema, "description"));
  schema["description"] = joined({before, before.empty() ? "" : " ", "(", said, ")"});
}

// A reference with words beside it becomes one choice of one; what stands beside choices becomes a
// part of each, as long as there may be more of it.
void Converter::stand_alone(Json& schema) {
  if (rules_.alone_ref && schema.contains("$ref")) {
    const bool alone = std::all_of(schema.items().begin(), schema.items().end(), [](const auto& m) {
      return m.key() == "$ref" || m.key() == "$defs" || m.key() == "definitions";
    });
    impossible_ = impossible_ || !names_definition(text_in(schema, "$ref")) ||
                  (!alone && schema.contains("anyOf"));
    if (alone || impossible_) return;
    Json ref = Json::object();
    ref["$ref"] = schema["$ref"];
    schema.erase("$ref");
    schema["anyOf"] = Json::array({std::move(ref)});
    changed_ = true;
  }
  const auto choices = schema.find("anyOf");
  if (!rules_.alone_any_of || choices == schema.end() || !choices->is_array()) return;
  if (schema.size() == 1) return;
  Json beside = schema;
  beside.erase("anyOf");
  const std::size_t copied = growth_ > 0 ? dump(beside).size() * choices->size() : 1;
  const bool may = copied <= growth_;
  growth_ = may ? growth_ - copied : 0;
  if (!may) return;
  for (Json& choice : *choices)
    merge_schema(choice, beside);
  schema = Json{{"anyOf", std::move(*choices)}};
  changed_ = true;
}

void Converter::count(const Json& schema, std::size_t depth) {
  if (const Json* properties = member_of(schema, "properties"); properties != nullptr) {
    properties_ += properties->size();
    for (auto it = properties->begin(); it != properties->end(); ++it)
      words_bytes_ += it.key().size();
  }
  for (const char* key : {"enum", "const"}) {
    const Json* values = member_of(schema, key);
    if (values == nullptr) continue;
    values_ += values->is_array() ? values->size() : 1;
    words_bytes_ += dump(*values).size();
  }
  const bool over = depth > rules_.depth_max || properties_ > rules_.properties_max ||
                    values_ > rules_.values_max || words_bytes_ > rules_.words_bytes_max;
  bool untyped = false;
  if (rules_.typed) {
    untyped = true;
    for (const char* key : {"type", "anyOf", "$ref", "enum", "const"})
      untyped = untyped && !schema.contains(key);
    untyped = untyped || (text_in(schema, "type") == "array" && !schema.contains("items"));
  }
  impossible_ = impossible_ || over || untyped;
}

void Converter::close_object(Json& schema) {
  if (!is_object_schema(schema)) return;
  const auto found = schema.find("additionalProperties");
  const bool closed = found != schema.end() && found->is_boolean() && !found->get<bool>();
  const Json* properties = member_of(schema, "properties");
  const bool named = properties != nullptr && properties->is_object() && !properties->empty();
  // A map from any key, or an object of any shape: closed, it would be empty.
  if (!named && !closed && (found != schema.end() || properties == nullptr)) impossible_ = true;
  if (named && found != schema.end() && found->is_object()) impossible_ = true;
  if (closed) return;
  schema["additionalProperties"] = false;
  changed_ = true;
}

void Converter::require_some(Json& schema) {
  if (!is_object_schema(schema)) return;
  const Json* required = member_of(schema, "required");
  if (required != nullptr && required->is_array() && !required->empty()) return;
  const Json* properties = member_of(schema, "properties");
  Json names = Json::array();
  if (properties != nullptr && properties->is_object()) {
    for (auto it = properties->begin(); it != properties->end(); ++it)
      names.push_back(it.key());
  }
  impossible_ = impossible_ || names.empty();
  schema["required"] = std::move(names);
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
  const RequiredNames before(schema);
  Json required = Json::array();
  bool all = true;
  for (auto it = properties->begin(); it != properties->end(); ++it) {
    required.push_back(it.key());
    if (before.has(it.key())) continue;
    all = false;
    make_nullable(*it);
  }
  if (all) return;
  schema["required"] = std::move(required);
  changed_ = true;
}

void Converter::convert_children(Json& schema, std::size_t depth) {
  for (const char* key : {"properties", "$defs", "definitions"}) {
    const auto map = schema.find(key);
    if (map == schema.end() || !map->is_object()) continue;
    for (Json& child : *map)
      convert(child, depth + 1);
  }
  for (const char* key : {"anyOf", "allOf", "prefixItems"}) {
    const auto list = schema.find(key);
    if (list == schema.end() || !list->is_array()) continue;
    for (Json& child : *list)
      convert(child, depth + 1);
  }
  for (const char* key : {"items", "additionalProperties"}) {
    const auto child = schema.find(key);
    if (child != schema.end() && child->is_object()) convert(*child, depth + 1);
  }
}

// The depth is bounded by the parser that read the schema.
void Converter::convert(Json& schema, std::size_t depth) {
  if (!schema.is_object()) return;
  rename(schema, "oneOf", "anyOf");
  unfold_all_of(schema);
  if (dialect_ == SchemaDialect::gemini && schema.contains("const")) {
    schema["const"] = Json::array({schema["const"]});
    rename(schema, "const", "enum");
  }
  drop_unsupported(schema);
  stand_alone(schema);
  count(schema, depth);
  convert_children(schema, depth);
  if (rules_.closed) close_object(schema);
  if (rules_.all_required) require_all(schema);
  if (rules_.some_required) require_some(schema);
}

void weigh(const Json& schema, StrictWeight& weight) {
  if (!schema.is_structured()) return;
  const Json* type = member_of(schema, "type");
  if (member_of(schema, "anyOf") != nullptr || (type != nullptr && type->is_array()))
    ++weight.unions;
  const Json* properties = member_of(schema, "properties");
  if (properties != nullptr && properties->is_object()) {
    const RequiredNames required(schema);
    for (auto it = properties->begin(); it != properties->end(); ++it)
      weight.optional += required.has(it.key()) ? 0 : 1;
  }
  for (const Json& part : schema)
    weigh(part, weight);
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
  const std::size_t growth = growth_max(text);
  if (inlined) inline_refs(schema, growth);
  const bool endless = !rules_of(dialect).recursion && is_recursive(schema);
  Converter converter(dialect, growth);
  converter.convert(schema);
  // Gemini's form says what it can; the others hold to all of it or to nothing.
  const bool needs_object =
      dialect == SchemaDialect::openai_strict || dialect == SchemaDialect::cohere;
  const bool rootless = needs_object && (!is_object_schema(schema) || schema.contains("anyOf"));
  if (dialect != SchemaDialect::gemini && (converter.impossible() || endless || rootless)) {
    return make_error("not_strict", {"the schema cannot be held to strictly"}, {},
                      {"an object at the root, and objects with named properties only"}, {});
  }
  if (!converter.changed() && !inlined) return std::string(text);
  return dump(schema);
}

bool fits_strictly(std::string_view text, StrictWeight& left) {
  const auto converted = schema_in_dialect(text, SchemaDialect::anthropic);
  if (!converted.ok()) return false;
  const auto schema = parse_json(converted.value(), wire_json_limits);
  StrictWeight weight;
  if (schema.ok()) weigh(schema.value(), weight);
  if (!schema.ok() || weight.optional > left.optional || weight.unions > left.unions) return false;
  left.optional -= weight.optional;
  left.unions -= weight.unions;
  return true;
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
  const RequiredNames required(schema);
  for (auto it = value.begin(); it != value.end();) {
    const auto property = properties->find(it.key());
    const bool known = property != properties->end();
    if (known && it->is_null() && !required.has(it.key()) && !takes_null(*property)) {
      it = value.erase(it);
      continue;
    }
    if (known) drop_nulls(*it, *property);
    ++it;
  }
}

}  // namespace redoubt::llm
