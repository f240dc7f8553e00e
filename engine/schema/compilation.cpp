// Compilation of a schema: a walk over the document makes a node of each subschema, then every
// reference is linked to its node, and what it leads to is walked in turn.
#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/schema/compiled.hpp"
#include "engine/schema/references.hpp"

namespace redoubt::data {
extern const std::string_view metaschemas;
}

namespace redoubt::schema {
namespace {

// What parts of a compiled schema take in memory on a 64-bit machine, in vectors that may have room
// for twice their items; a node with its entry in the index.
constexpr std::uint64_t node_weight = 288;
constexpr std::uint64_t keyword_weight = 48;
constexpr std::uint64_t pattern_weight = 192;
constexpr std::uint64_t resource_weight = 512;
static_assert(2 * sizeof(Node) + 80 <= node_weight);
static_assert(2 * sizeof(Application) <= keyword_weight);
static_assert(2 * sizeof(Resource) + 96 <= resource_weight);

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
    for (std::size_t i = 0; i < std::size(keyword_table) && ok(); ++i)
      if (const Json* value = member(json, keyword_table[i].name))
        keyword(made, static_cast<Keyword>(i), *value, path_below(path, keyword_table[i].name),
                depth);
    return made;
  }

  void keyword(int node, Keyword keyword, const Json& value, const std::string& path, int depth) {
    const Row& row = keyword_table[static_cast<int>(keyword)];
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

}  // namespace redoubt::schema
