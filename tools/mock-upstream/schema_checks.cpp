#include "tools/mock-upstream/schema_checks.hpp"

#include <set>

namespace redoubt::mock {
namespace {

class SchemaCheck {
 public:
  SchemaCheck(const Json& root, const SchemaRules& rules, SchemaCount& count)
      : root_(root), rules_(rules), count_(count) {}

  std::string fault(const Json& schema, std::size_t depth = 1) {
    if (!schema.is_object()) return "";
    if (depth > rules_.depth_max) return "schema: too deep";
    for (const auto& [key, value] : schema.items()) {
      if (is_listed(key, rules_.refused)) return "schema: " + key;
    }
    const std::string format = text_in(schema, "format");
    if (!format.empty() && !rules_.formats.empty() && !is_listed(format, rules_.formats))
      return "schema: format " + format;
    if (has(schema, "$ref")) return ref_fault(schema);
    const bool says = has(schema, "type") || has(schema, "anyOf") || has(schema, "allOf") ||
                      has(schema, "enum") || has(schema, "const");
    if (rules_.typed && !says) return "schema: a part without a type";
    count_.unions += has(schema, "anyOf") || in(schema, "type").is_array() ? 1 : 0;
    if (std::string found = object_fault(schema); !found.empty()) return found;
    const bool is_list = text_in(schema, "type") == "array";
    if (rules_.typed && is_list && !has(schema, "items")) return "schema: items without a type";
    return children_fault(schema, depth);
  }

 private:
  std::string ref_fault(const Json& schema) {
    if (rules_.alone_ref) {
      for (const auto& [key, value] : schema.items()) {
        if (!is_one_of(key, {"$ref", "$defs", "definitions"})) return "schema: beside $ref " + key;
      }
    }
    const std::string ref = text_in(schema, "$ref");
    const Json* named = nullptr;
    for (const char* home : {"$defs", "definitions"}) {
      const std::string prefix = std::string("#/") + home + "/";
      if (!starts(ref, {prefix})) continue;
      const Json& all = in(root_, home);
      const auto found = all.find(ref.substr(prefix.size()));
      if (all.is_object() && found != all.end()) named = &*found;
    }
    if (ref == "#") named = &root_;
    if (named == nullptr) return "schema: no such $ref " + ref;
    if (rules_.recursion) return "";
    if (open_.count(ref) != 0) return "schema: recursion";
    open_.insert(ref);
    const SchemaCount before = count_;
    std::string found = fault(*named);
    count_ = before;
    open_.erase(ref);
    return found;
  }

  std::string object_fault(const Json& schema) {
    if (text_in(schema, "type") != "object" && !has(schema, "properties")) return "";
    const Json& properties = in(schema, "properties");
    std::set<std::string> required;
    for (const Json& name : in(schema, "required"))
      required.insert(text_of(name));
    if (rules_.closed && in(schema, "additionalProperties") != Json(false))
      return "schema: additionalProperties";
    if (rules_.some_required && required.empty()) return "schema: an object without required";
    if (rules_.all_required && !properties.is_object()) return "schema: no properties";
    for (const auto& [name, value] : properties.items()) {
      if (++count_.properties > rules_.properties_max) return "schema: too many properties";
      if (required.count(name) != 0) continue;
      ++count_.optional;
      if (rules_.all_required) return "schema: not required: " + name;
    }
    return "";
  }

  std::string children_fault(const Json& schema, std::size_t depth) {
    for (const char* key : {"properties", "$defs", "definitions"}) {
      for (const Json& child : in(schema, key)) {
        if (std::string found = fault(child, depth + 1); !found.empty()) return found;
      }
    }
    for (const char* key : {"anyOf", "allOf", "prefixItems"}) {
      for (const Json& child : in(schema, key)) {
        if (std::string found = fault(child, depth + 1); !found.empty()) return found;
      }
    }
    return fault(in(schema, "items"), depth + 1);
  }

  const Json& root_;
  const SchemaRules& rules_;
  SchemaCount& count_;
  std::set<std::string> open_;
};

}  // namespace

std::string root_fault(const Json& schema) {
  if (text_in(schema, "type") != "object") return "schema: the root is no object";
  for (const char* key : {"allOf", "anyOf", "oneOf", "enum", "not", "$ref"}) {
    if (has(schema, key)) return std::string("schema: the root has ") + key;
  }
  return "";
}

std::string schema_fault(const Json& schema, const SchemaRules& rules, SchemaCount& count) {
  return SchemaCheck(schema, rules, count).fault(schema);
}

std::string schema_fault(const Json& schema, const SchemaRules& rules) {
  SchemaCount count;
  return schema_fault(schema, rules, count);
}

}  // namespace redoubt::mock
