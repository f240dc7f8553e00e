#include "engine/schema/schema.hpp"

#include <cmath>
#include <cstring>
#include <functional>
#include <string_view>

#include "engine/base/canonical_json.hpp"
#include "engine/base/hash64.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/base/stable_order.hpp"
#include "engine/schema/pattern.hpp"

namespace redoubt::data {
extern const std::string_view metaschemas;
}

namespace redoubt::schema {
namespace {

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

constexpr Row rows[] = {{"$ref", Shape::text, false},
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

const Json* member(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}
const std::string& text_of(const Json& value) {
  return *value.get_ptr<const std::string*>();
}

bool is_schema(const Json& value) {
  return value.is_object() || value.is_boolean();
}
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
constexpr const char* shape_names[] = {"any value",
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

// -1, 0 or 1, exactly: an integer is never rounded to a double.
int compare(const Json& a, const Json& b) {
  if (a.is_number_float() && b.is_number_float()) {
    const double x = a.get<double>(), y = b.get<double>();
    return x < y ? -1 : x > y ? 1 : 0;
  }
  if (a.is_number_float()) return -compare(b, a);
  const bool a_negative = !a.is_number_unsigned() && a.get<std::int64_t>() < 0;
  if (b.is_number_float()) {
    const double y = b.get<double>();
    if (y >= 18446744073709551616.0) return -1;
    if (y < -9223372036854775808.0) return 1;
    const double whole = std::floor(y);
    if (a_negative != (whole < 0)) return a_negative ? -1 : 1;
    if (a_negative) {
      const auto x = a.get<std::int64_t>(), w = static_cast<std::int64_t>(whole);
      return x < w ? -1 : x > w ? 1 : y > whole ? -1 : 0;
    }
    const auto x = a.get<std::uint64_t>(), w = static_cast<std::uint64_t>(whole);
    return x < w ? -1 : x > w ? 1 : y > whole ? -1 : 0;
  }
  const bool b_negative = !b.is_number_unsigned() && b.get<std::int64_t>() < 0;
  if (a_negative != b_negative) return a_negative ? -1 : 1;
  const auto x = a.get<std::uint64_t>(), y = b.get<std::uint64_t>();
  return x < y ? -1 : x > y ? 1 : 0;
}

// A number as digits * 10^exponent, from the shortest text that reads back as the same number.
struct Decimal {
  std::uint64_t digits = 0;
  int exponent = 0;
};
Decimal decimal(const Json& number) {
  Decimal result;
  bool fraction = false;
  const std::string text = canonical(number);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') fraction = true;
    if (c == 'e') {
      int power = 0;
      const bool minus = text[i + 1] == '-';
      for (std::size_t k = i + 1; k < text.size(); ++k)
        if (text[k] >= '0' && text[k] <= '9') power = power * 10 + (text[k] - '0');
      result.exponent += minus ? -power : power;
      break;
    }
    if (c < '0' || c > '9') continue;
    result.digits = result.digits * 10 + static_cast<std::uint64_t>(c - '0');
    if (fraction) --result.exponent;
  }
  while (result.digits != 0 && result.digits % 10 == 0) {
    result.digits /= 10;
    ++result.exponent;
  }
  return result;
}
bool is_multiple(const Json& value, const Json& of) {
  __extension__ using Wide = unsigned __int128;
  const Decimal a = decimal(value), b = decimal(of);
  if (a.digits == 0) return true;
  if (b.digits == 0 || a.exponent < b.exponent) return false;
  std::uint64_t rest = a.digits % b.digits;
  for (int i = b.exponent; i < a.exponent && rest != 0; ++i)
    rest = static_cast<std::uint64_t>(Wide(rest) * 10 % b.digits);
  return rest == 0;
}

// RFC 3986, section 5.2, for a reference without its fragment.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = path.find('/', 1);
    const std::string_view part = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view{} : path.substr(end);
    if (part == "/." || part == "/..") {
      if (part == "/..") out.resize(out.rfind('/') == std::string::npos ? 0 : out.rfind('/'));
      if (path.empty()) out += '/';
    } else {
      out += part;
    }
  }
  return out;
}
std::string resolve(const std::string& base, const std::string& reference) {
  if (reference.empty()) return base;
  const std::size_t colon = reference.find(':');
  if (colon != std::string::npos && colon < reference.find_first_of("/?#")) return reference;
  const std::size_t scheme = base.find(':');
  if (scheme == std::string::npos) {
    if (reference[0] == '/') return reference;
    return base.substr(0, base.rfind('/') + 1) + reference;
  }
  if (reference.compare(0, 2, "//") == 0) return base.substr(0, scheme + 1) + reference;
  std::size_t path = scheme + 1;
  if (base.compare(path, 2, "//") == 0) path = std::min(base.find('/', path + 2), base.size());
  if (reference[0] == '/') return base.substr(0, path) + without_dots(reference);
  std::string folder = base.substr(path);
  folder.resize(folder.rfind('/') == std::string::npos ? 0 : folder.rfind('/'));
  return base.substr(0, path) + without_dots(folder + "/" + reference);
}

std::string pointer_token(std::string_view raw) {
  std::string out;
  for (const char c : raw)
    out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

struct Application {
  Keyword keyword;
  const Json* value;
};
struct Node {
  const Json* json = nullptr;
  int resource = 0;
  int target = -1;           ///< of $ref
  int dynamic_target = -1;   ///< of $dynamicRef, when nothing in the scope overrides it
  std::string dynamic_name;  ///< of $dynamicRef, when it names a dynamic anchor
  std::vector<Application> keywords;
};
struct Resource {
  std::string uri;
  const Json* root = nullptr;
  bool validates = true;
  std::map<std::string, int> anchors;
  std::map<std::string, int> dynamic_anchors;
};

// What parts of a compiled schema take in memory on a 64-bit machine, in vectors that may have room
// for twice their items; a node with its entry in the index.
constexpr std::uint64_t node_weight = 288;
constexpr std::uint64_t keyword_weight = 48;
constexpr std::uint64_t pattern_weight = 192;
constexpr std::uint64_t resource_weight = 512;
static_assert(2 * sizeof(Node) + 80 <= node_weight);
static_assert(2 * sizeof(Application) <= keyword_weight);
static_assert(2 * sizeof(Resource) + 96 <= resource_weight);

}  // namespace

struct Schema::Compiled {
  Documents documents;
  std::vector<Node> nodes;
  std::vector<Resource> resources;
  std::map<const Json*, int> index;
  std::map<std::string, int> by_uri;
  std::map<std::string, Pattern> patterns;
};

namespace {

// Read once; every schema that names one looks at the same.
const Json& known_metaschemas() {
  static const Json all = [] {
    Result<Json> read = parse_json(data::metaschemas);
    return read ? std::move(*read) : Json::object();
  }();
  return all;
}

// A key of half a megabyte would be in the path of everything below it.
std::string path_below(const std::string& path, const std::string& token) {
  if (path.size() > path_bytes_max) return path;
  std::string made = path + "/" + token;
  if (made.size() > path_bytes_max) made.resize(path_bytes_max + 1);
  return made;
}

template <class C>
class Builder {
 public:
  Builder(C& out, const Documents& others, Budget& budget)
      : out_(out), others_(others), budget_(budget) {}

  bool run(const Json& document) {
    const Json& root = out_.documents[""] = document;
    walk(root, add_resource("", root), "", 0);
    for (std::size_t i = 0; i < out_.nodes.size() && ok(); ++i)
      link(static_cast<int>(i));
    return ok();
  }
  const Error& error() const { return error_; }

 private:
  bool ok() const { return error_.code.empty(); }
  void fail(const std::string& path, Pieces message, Pieces expected = {}, Pieces got = {}) {
    if (ok()) error_ = make_error("bad_schema", message, {path}, expected, got);
  }

  int add_resource(const std::string& uri, const Json& root) {
    const int made = static_cast<int>(out_.resources.size());
    out_.resources.push_back({uri, &root, true, {}, {}});
    out_.by_uri.emplace(uri, made);
    return made;
  }

  const Json* find_document(const std::string& uri) {
    const auto known = out_.documents.find(uri);
    if (known != out_.documents.end()) return &known->second;
    const auto other = others_.find(uri);
    if (other != others_.end()) return &(out_.documents[uri] = other->second);
    if (uri.compare(0, 32, "https://json-schema.org/draft/20") != 0) return nullptr;
    return member(known_metaschemas(), uri.c_str());
  }

  void read_vocabulary(const std::string& schema_uri, int resource, const std::string& path) {
    const Json* metaschema = find_document(schema_uri);
    const Json* vocabulary = metaschema == nullptr ? nullptr : member(*metaschema, "$vocabulary");
    if (vocabulary == nullptr || !vocabulary->is_object()) return;
    constexpr std::string_view ours = "https://json-schema.org/draft/2020-12/vocab/";
    out_.resources[resource].validates =
        member(*vocabulary, "https://json-schema.org/draft/2020-12/vocab/validation") != nullptr;
    for (const auto& [uri, needed] : vocabulary->items())
      if (needed == true && uri.compare(0, ours.size(), ours) != 0)
        fail(path, {"The metaschema needs the vocabulary \"", uri, "\", which is not known."});
  }

  int walk(const Json& json, int resource, const std::string& path, int depth) {
    const auto known = out_.index.find(&json);
    if (known != out_.index.end()) return known->second;
    if (depth > schema_depth_max)
      fail(path, {"The schema is nested deeper than ", schema_depth_max, " levels."});
    if (budget_.subschemas == 0)
      fail(path, {"The schema has more than ", subschemas_max,
                  " subschemas, with the others of its file."});
    if (!is_schema(json)) fail(path, {"A schema must be an object or a boolean."});
    if (!ok()) return 0;
    --budget_.subschemas;
    const Json* id = member(json, "$id");
    if (id != nullptr && id->is_string()) {
      std::string uri = resolve(out_.resources[resource].uri, text_of(*id));
      if (!uri.empty() && uri.back() == '#') uri.pop_back();
      if (out_.resources[resource].root == &json) {
        out_.resources[resource].uri = uri;
        out_.by_uri.emplace(uri, resource);
      } else {
        resource = add_resource(uri, json);
        out_.resources[resource].validates = true;
      }
    }
    const int made = static_cast<int>(out_.nodes.size());
    out_.nodes.emplace_back();
    out_.nodes[made].json = &json;
    paths_.push_back(path);
    out_.nodes[made].resource = resource;
    out_.index[&json] = made;
    const Json* metaschema = member(json, "$schema");
    if (metaschema != nullptr && metaschema->is_string())
      read_vocabulary(text_of(*metaschema), resource, path);
    for (std::size_t i = 0; i < std::size(rows) && ok(); ++i)
      if (const Json* value = member(json, rows[i].name))
        keyword(made, static_cast<Keyword>(i), *value, path_below(path, rows[i].name), depth);
    return made;
  }

  void keyword(int node, Keyword keyword, const Json& value, const std::string& path, int depth) {
    const Row& row = rows[static_cast<int>(keyword)];
    const int resource = out_.nodes[node].resource;
    if (!has_shape(value, row.shape))
      return fail(path, {"The keyword \"", row.name, "\" has a wrong value."},
                  {shape_names[static_cast<int>(row.shape)]}, {describe(value)});
    if (keyword == Keyword::multiple_of && value.get<double>() <= 0)
      return fail(path, {"\"multipleOf\" must be more than 0."});
    if (keyword == Keyword::dependent_required)
      for (const Json& list : value)
        if (!has_shape(list, Shape::texts))
          return fail(path, {"\"dependentRequired\" must map names to arrays of strings."});
    if (keyword == Keyword::pattern) add_pattern(text_of(value), path);
    if (keyword == Keyword::anchor) out_.resources[resource].anchors[text_of(value)] = node;
    if (keyword == Keyword::dynamic_anchor) {
      out_.resources[resource].anchors[text_of(value)] = node;
      out_.resources[resource].dynamic_anchors[text_of(value)] = node;
    }
    if (row.shape == Shape::schema) walk(value, resource, path, depth + 1);
    if (row.shape == Shape::schemas)
      for (std::size_t i = 0; i < value.size() && ok(); ++i)
        walk(value[i], resource, path_below(path, std::to_string(i)), depth + 1);
    if (row.shape == Shape::schema_map)
      for (auto it = value.begin(); it != value.end() && ok(); ++it) {
        if (keyword == Keyword::pattern_properties) add_pattern(it.key(), path);
        walk(*it, resource, path_below(path, pointer_token(it.key())), depth + 1);
      }
    if (!row.validates || out_.resources[resource].validates)
      out_.nodes[node].keywords.push_back({keyword, &value});
  }

  void add_pattern(const std::string& source, const std::string& path) {
    if (out_.patterns.count(source) != 0) return;
    Result<Pattern> pattern = Pattern::compile(source);
    if (!pattern) return fail(path, {pattern.error().message});
    const std::size_t bytes = pattern->bytes() + source.size();
    if (bytes > budget_.pattern_bytes) {
      budget_.pattern_bytes = 0;
      return fail(path,
                  {"The patterns take more than the allowed ", pattern_bytes_all_max,
                   " bytes together, with those of the other schemas of its file."},
                  {"fewer or simpler patterns, or smaller counts in them"}, {source.substr(0, 60)});
    }
    budget_.pattern_bytes -= bytes;
    out_.patterns.emplace(source, std::move(pattern).value());
  }

  void link(int node) {
    const Json& json = *out_.nodes[node].json;
    if (const Json* ref = member(json, "$ref")) {
      const int target = find(node, text_of(*ref), nullptr);
      out_.nodes[node].target = target;
    }
    if (const Json* ref = member(json, "$dynamicRef")) {
      std::string name;
      const int target = find(node, text_of(*ref), &name);
      out_.nodes[node].dynamic_target = target;
      out_.nodes[node].dynamic_name = name;
    }
  }

  int find(int node, const std::string& reference, std::string* dynamic_name) {
    const std::size_t hash = std::min(reference.find('#'), reference.size());
    const std::string uri =
        resolve(out_.resources[out_.nodes[node].resource].uri, reference.substr(0, hash));
    const std::string fragment = hash < reference.size() ? reference.substr(hash + 1) : "";
    if (out_.by_uri.count(uri) == 0) {
      if (const Json* document = find_document(uri))
        walk(*document, add_resource(uri, *document), uri + "#", 0);
    }
    const auto found = out_.by_uri.find(uri);
    if (!ok()) return 0;
    if (found != out_.by_uri.end()) {
      const Resource& resource = out_.resources[found->second];
      if (fragment.empty() || fragment[0] == '/') {
        const int target = point(found->second, fragment);
        if (target >= 0) return target;
      } else {
        const auto anchor = resource.anchors.find(fragment);
        if (anchor != resource.anchors.end()) {
          if (dynamic_name != nullptr && resource.dynamic_anchors.count(fragment) != 0)
            *dynamic_name = fragment;
          return anchor->second;
        }
      }
    }
    fail(paths_[node] + (dynamic_name == nullptr ? "/$ref" : "/$dynamicRef"),
         {"The reference \"", reference, "\" leads to no schema."}, {"the URI of a schema"},
         {uri, "#", fragment});
    return 0;
  }

  int point(int resource, std::string_view pointer) {
    const Json* place = out_.resources[resource].root;
    std::size_t at = 0;
    while (at < pointer.size()) {
      const std::size_t end = std::min(pointer.find('/', at + 1), pointer.size());
      const std::string token = decode(pointer.substr(at + 1, end - at - 1));
      at = end;
      if (place->is_array()) {
        std::size_t i = 0;
        for (const char c : token)
          i = c < '0' || c > '9' || i > subschemas_max ? subschemas_max + 1 : i * 10 + (c - '0');
        if (token.empty() || i >= place->size()) return -1;
        place = &(*place)[i];
      } else {
        place = member(*place, token.c_str());
        if (place == nullptr) return -1;
      }
      const auto known = out_.index.find(place);
      if (known != out_.index.end()) resource = out_.nodes[known->second].resource;
    }
    return is_schema(*place) ? walk(*place, resource, std::string(pointer), 0) : -1;
  }

  static std::string decode(std::string_view token) {
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
      const auto digit = [&](std::size_t at) {
        const std::size_t d = std::string_view("0123456789abcdefABCDEF").find(token[at]);
        return d == std::string_view::npos ? -1 : static_cast<int>(d < 16 ? d : d - 6);
      };
      if (token[i] == '%' && i + 2 < token.size() && digit(i + 1) >= 0 && digit(i + 2) >= 0) {
        out += static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
        i += 2;
      } else {
        out += token[i];
      }
    }
    std::string plain;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const bool escaped = out[i] == '~' && i + 1 < out.size();
      plain += !escaped ? out[i] : out[++i] == '1' ? '/' : '~';
    }
    return plain;
  }

  C& out_;
  const Documents& others_;
  Budget& budget_;
  std::vector<std::string> paths_;  ///< by node
  Error error_;
};

using Seen = std::vector<char>;  // which members or items of one value a schema has evaluated

template <class C>
class Run {
 public:
  Run(const C& compiled, std::size_t faults_max, std::int64_t most)
      : c_(compiled), faults_max_(faults_max), steps_most_(most) {}

  std::int64_t steps() const { return steps_; }

  std::vector<Fault> run(const Json& instance) {
    Seen seen;
    apply(0, instance, seen);
    if (bound_ != nullptr)
      faults.assign(1, {"", "", joined({"The validation was stopped: it reached ", bound_, "."})});
    return std::move(faults);
  }

 private:
  bool fault(Pieces message) {
    if (muted_ == 0 && faults.size() < faults_max_)
      faults.push_back({instance_path_, schema_path_, joined(message)});
    return false;
  }
  bool stopped() const {
    return bound_ != nullptr || (muted_ == 0 && faults.size() >= faults_max_);
  }
  bool spend(std::int64_t amount) {
    steps_ += amount;
    if (steps_ > steps_most_) bound_ = "the most steps allowed";
    return bound_ == nullptr;
  }

  bool at(const Json& schema, const Json& value, Seen& seen, const std::string& schema_token,
          const std::string& instance_token = "") {
    const auto node = c_.index.find(&schema);
    return enter(node->second, value, seen, schema_token, instance_token);
  }
  bool enter(int node, const Json& value, Seen& seen, const std::string& schema_token,
             const std::string& instance_token) {
    const std::size_t s = schema_path_.size(), i = instance_path_.size();
    schema_path_ += schema_token;
    instance_path_ += instance_token;
    const bool good = apply(node, value, seen);
    schema_path_.resize(s);
    instance_path_.resize(i);
    return good;
  }
  bool quietly(const Json& schema, const Json& value, Seen& seen) {
    ++muted_;
    const bool good = at(schema, value, seen, "");
    --muted_;
    return good;
  }
  static void merge(Seen& into, const Seen& from) {
    for (std::size_t i = 0; i < from.size() && i < into.size(); ++i)
      into[i] |= from[i];
  }

  bool apply(int index, const Json& value, Seen& seen) {
    const Node& node = c_.nodes[index];
    // What is kept of each member or item is made anew for every subschema.
    constexpr std::size_t kKeptAStep = 64;
    const std::size_t kept = value.is_structured() ? value.size() / kKeptAStep : 0;
    if (!spend(static_cast<std::int64_t>(1 + node.keywords.size() + kept))) return false;
    if (depth_ >= evaluation_depth_max) {
      bound_ = "the deepest nesting allowed";
      return false;
    }
    if (node.json->is_boolean())
      return node.json->get<bool>() || fault({"The schema allows no value here."});
    ++depth_;
    scope_.push_back(node.resource);
    Seen own(value.is_structured() ? value.size() : 0, 0);
    const bool good = keywords(node, value, own);
    if (good) {
      seen.resize(own.size(), 0);
      merge(seen, own);
    }
    scope_.pop_back();
    --depth_;
    return good;
  }

  bool keywords(const Node& node, const Json& value, Seen& own) {
    Seen local(own.size(), 0);  // what properties, patternProperties and prefixItems reached
    bool good = true;
    for (const Application& a : node.keywords) {
      if (stopped() || (!good && muted_ != 0)) return false;
      const std::size_t length = schema_path_.size();
      schema_path_ += '/';
      schema_path_ += rows[static_cast<int>(a.keyword)].name;
      const bool passed = a.keyword < Keyword::all_of && a.keyword > Keyword::dynamic_ref
                              ? assertion(a.keyword, *a.value, value)
                              : applicator(node, a.keyword, *a.value, value, own, local);
      good = passed && good;
      schema_path_.resize(length);
    }
    return good && bound_ == nullptr;
  }

  bool equal(const Json& a, const Json& b, int depth = 0) {
    if (!spend(1)) return false;
    if (a.is_number() && b.is_number()) return compare(a, b) == 0;
    if (a.type() != b.type()) return false;
    if (!a.is_structured()) return a == b;
    if (depth >= evaluation_depth_max) {
      bound_ = "the deepest nesting allowed";
      return false;
    }
    if (a.size() != b.size()) return false;
    auto y = b.begin();
    for (auto x = a.begin(); x != a.end(); ++x, ++y) {
      if (a.is_object() && x.key() != y.key()) return false;
      if (!equal(*x, *y, depth + 1)) return false;
    }
    return true;
  }

  bool size_is(const char* what, std::size_t size, const Json& limit, bool most) {
    const int order = compare(Json(static_cast<std::uint64_t>(size)), limit);
    if (most ? order <= 0 : order >= 0) return true;
    return fault({"The value has ", size, " ", what, ", but must have at ",
                  most ? "most " : "least ", canonical(limit), "."});
  }
  bool number_is(const Json& value, const Json& limit, const char* relation, bool good) {
    return good || fault({"The number ", canonical(value), " must be ", relation, " ",
                          canonical(limit), "."});
  }

  bool assertion(Keyword keyword, const Json& k, const Json& value) {
    switch (keyword) {
      case Keyword::type: {
        if (k.is_string()) {
          if (has_type(value, text_of(k))) return true;
        } else {
          for (const Json& name : k)
            if (has_type(value, text_of(name))) return true;
        }
        return fault(
            {"The value must be of type ", describe(k), ", but is ", describe(value), "."});
      }
      case Keyword::constant:
        return equal(k, value) || fault({"The value must be ", describe(k), "."});
      case Keyword::enumeration: {
        for (const Json& one : k)
          if (equal(one, value)) return true;
        const std::string allowed = canonical_utf8(k);
        return fault({"The value must be one of ", std::string_view(allowed).substr(0, 400), "."});
      }
      default:
        break;
    }
    if (value.is_number()) return number(keyword, k, value);
    if (value.is_string()) return text(keyword, k, text_of(value));
    if (value.is_array()) return array(keyword, k, value);
    if (value.is_object()) return object(keyword, k, value);
    return true;
  }
  bool number(Keyword keyword, const Json& k, const Json& value) {
    switch (keyword) {
      case Keyword::multiple_of:
        return number_is(value, k, "a multiple of", is_multiple(value, k));
      case Keyword::maximum:
        return number_is(value, k, "at most", compare(value, k) <= 0);
      case Keyword::minimum:
        return number_is(value, k, "at least", compare(value, k) >= 0);
      case Keyword::exclusive_maximum:
        return number_is(value, k, "less than", compare(value, k) < 0);
      case Keyword::exclusive_minimum:
        return number_is(value, k, "more than", compare(value, k) > 0);
      default:
        return true;
    }
  }
  bool text(Keyword keyword, const Json& k, const std::string& value) {
    constexpr std::size_t kBytesAStep = 256;
    if (!spend(static_cast<std::int64_t>(value.size() / kBytesAStep))) return false;
    std::size_t points = 0;
    for (const char c : value)
      points += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
    if (keyword == Keyword::max_length) return size_is("characters", points, k, true);
    if (keyword == Keyword::min_length) return size_is("characters", points, k, false);
    if (keyword != Keyword::pattern) return true;
    return matches(text_of(k), value) ||
           fault({"The string must match the pattern \"", text_of(k), "\"."});
  }
  bool matches(const std::string& source, const std::string& value) {
    // As many states may be open at every character as the pattern has instructions.
    constexpr std::size_t kStatesAStep = 32;
    const Pattern& pattern = c_.patterns.find(source)->second;
    const std::size_t states = value.size() * pattern.instructions();
    return spend(1 + static_cast<std::int64_t>(states / kStatesAStep)) && pattern.found_in(value);
  }
  bool array(Keyword keyword, const Json& k, const Json& value) {
    if (keyword == Keyword::max_items) return size_is("items", value.size(), k, true);
    if (keyword == Keyword::min_items) return size_is("items", value.size(), k, false);
    if (keyword != Keyword::unique_items || k == false) return true;
    return unique(value);
  }
  // What is equal has the same hash; deep inside, things are not looked at any more.
  void add(Hash64& hash, const Json& value, int depth) {
    constexpr int kDepth = 16;
    const double number = value.is_number() && value != 0 ? value.get<double>() : 0.0;
    std::uint64_t bits = 0;
    std::memcpy(&bits, &number, sizeof(bits));
    hash.add(value.is_number() ? 1 : value.is_structured() ? 2 : 3);
    if (value.is_number()) {
      hash.add(bits);
    } else if (value.is_string()) {
      hash.add_bytes(text_of(value));
    } else if (!value.is_structured()) {
      hash.add(value.is_null() ? 2 : value == true ? 1 : 0);
    } else if (spend(1) && depth < kDepth) {
      for (auto it = value.begin(); it != value.end() && bound_ == nullptr; ++it) {
        if (value.is_object()) hash.add_bytes(it.key());
        add(hash, *it, depth + 1);
      }
    }
  }
  // Only items of one hash are compared. What is told is the first item that repeats one before it.
  bool unique(const Json& value) {
    struct Item {
      std::uint64_t hash;
      std::size_t place;
    };
    std::vector<Item> items;
    for (std::size_t i = 0; i < value.size() && spend(1); ++i) {
      Hash64 hash;
      add(hash, value[i], 0);
      items.push_back({hash.value(), i});
    }
    sort_stable(items, [](const Item& a, const Item& b) { return a.hash < b.hash; });
    std::size_t first = value.size(), earlier = 0;
    for (std::size_t i = 1; i < items.size(); ++i) {
      if (items[i].place >= first) continue;
      for (std::size_t j = i; j-- > 0 && items[j].hash == items[i].hash && bound_ == nullptr;) {
        if (!equal(value[items[i].place], value[items[j].place])) continue;
        first = items[i].place;
        earlier = items[j].place;
        break;
      }
    }
    if (bound_ != nullptr || first == value.size()) return bound_ == nullptr;
    return fault({"The items ", earlier, " and ", first, " are equal, but items must be unique."});
  }
  bool all_present(const Json& names, const Json& value) {
    bool good = spend(static_cast<std::int64_t>(names.size()));
    for (const Json& name : names)
      if (value.find(text_of(name)) == value.end())
        good = fault({"The member \"", text_of(name), "\" is missing."});
    return good;
  }
  bool object(Keyword keyword, const Json& k, const Json& value) {
    if (keyword == Keyword::max_properties) return size_is("members", value.size(), k, true);
    if (keyword == Keyword::min_properties) return size_is("members", value.size(), k, false);
    if (keyword == Keyword::required) return all_present(k, value);
    bool good = true;
    if (keyword == Keyword::dependent_required)
      for (auto it = k.begin(); it != k.end(); ++it)
        if (value.contains(it.key())) good = all_present(*it, value) && good;
    return good;
  }

  bool applicator(const Node& node, Keyword keyword, const Json& k, const Json& value, Seen& own,
                  Seen& local) {
    switch (keyword) {
      case Keyword::ref:
        return enter(node.target, value, own, "", "");
      case Keyword::dynamic_ref:
        return enter(dynamic(node), value, own, "", "");
      case Keyword::negation: {
        Seen ignored;
        return !quietly(k, value, ignored) || fault({"The value must not match this schema."});
      }
      case Keyword::all_of:
      case Keyword::any_of:
      case Keyword::one_of:
        return combine(keyword, k, value, own);
      case Keyword::condition: {
        const bool holds = quietly(k, value, own);
        const Json* branch = member(*node.json, holds ? "then" : "else");
        return branch == nullptr || at(*branch, value, own, holds ? "/then" : "/else");
      }
      default:
        break;
    }
    if (value.is_object()) return members(keyword, k, value, own, local);
    if (value.is_array()) return elements(node, keyword, k, value, own);
    return true;
  }
  int dynamic(const Node& node) const {
    if (!node.dynamic_name.empty())
      for (const int resource : scope_) {
        const auto& anchors = c_.resources[resource].dynamic_anchors;
        const auto found = anchors.find(node.dynamic_name);
        if (found != anchors.end()) return found->second;
      }
    return node.dynamic_target;
  }
  bool combine(Keyword keyword, const Json& k, const Json& value, Seen& own) {
    std::size_t good = 0;
    const bool all = keyword == Keyword::all_of;
    for (std::size_t i = 0; i < k.size() && !stopped(); ++i) {
      Seen one;
      const bool passed =
          all ? at(k[i], value, one, "/" + std::to_string(i)) : quietly(k[i], value, one);
      if (!passed) continue;
      ++good;
      merge(own, one);
    }
    if (all) return good == k.size();
    if (keyword == Keyword::any_of)
      return good > 0 || fault({"The value matches none of the ", k.size(), " schemas."});
    return good == 1 || fault({"The value matches ", good, " of the ", k.size(),
                               " schemas, but must match exactly one."});
  }

  bool members(Keyword keyword, const Json& k, const Json& value, Seen& own, Seen& local) {
    bool good = true;
    std::size_t i = 0;
    Seen ignored;
    if (keyword == Keyword::dependent_schemas) {
      for (auto it = k.begin(); it != k.end(); ++it)
        if (value.contains(it.key()))
          good = at(*it, value, own, "/" + pointer_token(it.key())) && good;
      return good;
    }
    for (auto it = value.begin(); it != value.end() && !stopped(); ++it, ++i) {
      const std::string place = "/" + pointer_token(it.key());
      ignored.clear();
      if (keyword == Keyword::properties) {
        const auto schema = k.find(it.key());
        if (schema == k.end()) continue;
        good = at(*schema, *it, ignored, place, place) && good;
        local[i] = 1;
      } else if (keyword == Keyword::pattern_properties) {
        for (auto schema = k.begin(); schema != k.end(); ++schema) {
          if (!matches(schema.key(), it.key())) continue;
          ignored.clear();
          good = at(*schema, *it, ignored, "/" + pointer_token(schema.key()), place) && good;
          local[i] = 1;
        }
      } else if (keyword == Keyword::property_names) {
        good = at(k, Json(it.key()), ignored, "", place) && good;
        continue;
      } else if (keyword == Keyword::additional_properties) {
        if (local[i] != 0) continue;
        good = at(k, *it, ignored, "", place) && good;
        own[i] = 1;
      } else if (keyword == Keyword::unevaluated_properties) {
        if (own[i] != 0) continue;
        good = at(k, *it, ignored, "", place) && good;
        own[i] = 1;
      } else {
        return true;
      }
      own[i] |= local[i];
    }
    return good;
  }

  bool elements(const Node& node, Keyword keyword, const Json& k, const Json& value, Seen& own) {
    if (keyword == Keyword::contains) return contains(node, k, value, own);
    const bool prefix = keyword == Keyword::prefix_items;
    const bool rest = keyword == Keyword::items;
    if (!prefix && !rest && keyword != Keyword::unevaluated_items) return true;
    const Json* before = rest ? member(*node.json, "prefixItems") : nullptr;
    const std::size_t end = prefix ? std::min(k.size(), value.size()) : value.size();
    bool good = true;
    for (std::size_t i = before != nullptr ? before->size() : 0; i < end && !stopped(); ++i) {
      if (!prefix && !rest && own[i] != 0) continue;
      const std::string place = "/" + std::to_string(i);
      Seen ignored;
      good = at(prefix ? k[i] : k, value[i], ignored, prefix ? place : "", place) && good;
      own[i] = 1;
    }
    return good;
  }
  bool contains(const Node& node, const Json& k, const Json& value, Seen& own) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < value.size() && bound_ == nullptr; ++i) {
      Seen ignored;
      if (!quietly(k, value[i], ignored)) continue;
      ++count;
      own[i] = 1;
    }
    const bool counted = c_.resources[node.resource].validates;
    const Json* least = counted ? member(*node.json, "minContains") : nullptr;
    const Json* most = counted ? member(*node.json, "maxContains") : nullptr;
    const Json one = 1U;
    return size_is("matching items", count, least != nullptr ? *least : one, false) &&
           (most == nullptr || size_is("matching items", count, *most, true));
  }

  const C& c_;
  std::size_t faults_max_;
  std::int64_t steps_most_;
  std::vector<Fault> faults;
  std::string instance_path_;
  std::string schema_path_;
  std::vector<int> scope_;
  std::int64_t steps_ = 0;
  int depth_ = 0;
  int muted_ = 0;
  const char* bound_ = nullptr;  ///< the bound that was reached
};

}  // namespace

Schema::Schema(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

Result<Schema> Schema::compile(const Json& document, const Documents& others) {
  auto compiled = std::make_shared<Compiled>();
  Budget budget;
  Builder<Compiled> builder(*compiled, others, budget);
  if (!builder.run(document)) return builder.error();
  return Schema(std::move(compiled));
}

Result<Schema> Schema::compile(const Json& document, Budget& budget) {
  auto compiled = std::make_shared<Compiled>();
  const Documents none;
  Builder<Compiled> builder(*compiled, none, budget);
  if (!builder.run(document)) return builder.error();
  for (const auto& [uri, json] : compiled->documents)
    budget.compiled_bytes += weight_of(json);
  for (const auto& [source, pattern] : compiled->patterns)
    budget.compiled_bytes += pattern_weight + source.size() + pattern.bytes();
  for (const Node& node : compiled->nodes)
    budget.compiled_bytes += node_weight + node.keywords.size() * keyword_weight;
  for (const Resource& resource : compiled->resources)
    budget.compiled_bytes +=
        resource_weight + (resource.anchors.size() + resource.dynamic_anchors.size()) * node_weight;
  return Schema(std::move(compiled));
}

std::vector<Fault> Schema::validate(const Json& instance, std::size_t faults_max) const {
  return Run<Compiled>(*compiled_, faults_max, steps_max).run(instance);
}

std::vector<Fault> Schema::validate(const Json& instance, std::size_t faults_max,
                                    std::int64_t steps_max_here, std::uint64_t& steps) const {
  Run<Compiled> run(*compiled_, faults_max, steps_max_here);
  auto faults = run.run(instance);
  steps += static_cast<std::uint64_t>(run.steps());
  return faults;
}

bool Schema::accepts(const Json& instance) const {
  return validate(instance, 1).empty();
}

}  // namespace redoubt::schema
