#include "engine/workflow/binding.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/base/stable_order.hpp"
#include "engine/prompt/template.hpp"
#include "engine/workflow/budget.hpp"

namespace redoubt::workflow {
namespace {

enum class NodeKind : std::uint8_t { constant, reference, expression, text, list, object };

// A path that an expression reads, and how it is called there.
struct Scoped {
  Reference reference;
  std::vector<std::string> parts;
};

struct Node {
  NodeKind kind = NodeKind::constant;
  Value constant;
  std::uint64_t constant_bytes = 0;  ///< what a copy of it takes
  Reference reference;
  std::vector<std::uint32_t> items;
  std::vector<std::string> keys;  ///< of an object's items
  std::optional<prompt::Expression> expression;
  std::optional<prompt::Template> text;
  std::vector<Scoped> reads;
  std::vector<std::uint32_t> widest;  ///< those of them that are within no other
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

// Whether the text is one `{{ expression }}`; then its inside.
bool single_expression(std::string_view text, std::string_view& inside) {
  text = trimmed(text);
  if (text.size() < 4 || text.substr(0, 2) != "{{" || text.substr(text.size() - 2) != "}}")
    return false;
  inside = trimmed(text.substr(2, text.size() - 4));
  return inside.find("}}") == std::string_view::npos;
}

bool has_template(std::string_view text) {
  return text.find("{{") != std::string_view::npos || text.find("{%") != std::string_view::npos ||
         text.find("{#") != std::string_view::npos;
}

const Json* member(const Json* value, const std::string& part) {
  if (!value->is_object()) return nullptr;
  const auto found = value->find(part);
  return found == value->end() ? nullptr : &*found;
}

const Json* walk(const Reference& reference, Names& names) {
  const Json* value = names.find(reference);
  for (std::size_t i = 0; value && i < reference.path.size(); ++i)
    value = member(value, reference.path[i]);
  return value;
}

}  // namespace

// What one evaluation goes by, and what comes of it.
struct Building {
  Names& names;
  Cost& cost;
  Error error;

  std::uint64_t left() const {
    return cost.bytes_max > cost.bytes ? cost.bytes_max - cost.bytes : 0;
  }
  // Memory for a part of the value, before it is made.
  bool take(std::uint64_t bytes) {
    if (bytes > left()) error = no_room();
    cost.bytes += bytes;
    return cost.bytes <= cost.bytes_max;
  }
};

/// Units for expressions without names, which are evaluated when a file is loaded, all together.
constexpr std::size_t kConstantsWorkMax = 500'000;

// For an expression that reads nothing.
class NoNames : public prompt::Lookup {
 public:
  const Json* find(std::size_t) override { return nullptr; }
  Json whole() override { return Json::object(); }
};

struct Bindings::Pool {
  std::vector<Node> nodes;
  std::size_t constants_work_left = kConstantsWorkMax;

  std::uint32_t add(Node node) {
    if (node.constant) node.constant_bytes = weight_of(*node.constant);
    nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(nodes.size() - 1);
  }

  std::uint32_t add_text(std::string_view expression, const std::string& path, Resolver& resolver,
                         std::vector<Error>& faults);
  std::uint32_t add_template(std::string_view text, const std::string& path, Resolver& resolver,
                             std::vector<Error>& faults);
  bool build(const Node& node, Building& at, Json& out) const;
};

Bindings::Bindings() : pool_(std::make_unique<Pool>()) {}
Bindings::~Bindings() = default;
Bindings::Bindings(Bindings&&) noexcept = default;
Bindings& Bindings::operator=(Bindings&&) noexcept = default;

namespace {

bool begins_with(const std::vector<std::string>& path, const std::vector<std::string>& start) {
  return path.size() >= start.size() && std::equal(start.begin(), start.end(), path.begin());
}

// In the order of paths, what is within a path follows it.
void find_widest(Node& node) {
  std::vector<std::uint32_t> order(node.reads.size());
  std::iota(order.begin(), order.end(), 0u);
  sort_stable(order, [&](std::uint32_t a, std::uint32_t b) {
    return node.reads[a].parts < node.reads[b].parts;
  });
  for (const std::uint32_t read : order) {
    const auto& parts = node.reads[read].parts;
    if (node.widest.empty() || !begins_with(parts, node.reads[node.widest.back()].parts))
      node.widest.push_back(read);
  }
}

// Finds what each path leads to; false (and faults) where one leads nowhere.
bool resolve_reads(const std::vector<prompt::Read>& reads, const std::string& path,
                   Resolver& resolver, Node& node, std::vector<Error>& faults) {
  bool good = true;
  for (const prompt::Read& read : reads) {
    Scoped scoped;
    scoped.parts = read.parts;
    auto resolved = resolver.resolve(scoped.parts);
    if (!resolved) {
      resolved.error().path = path;
      faults.push_back(std::move(resolved.error()));
      good = false;
      continue;
    }
    scoped.reference = std::move(*resolved);
    node.reads.push_back(std::move(scoped));
  }
  if (good) find_widest(node);
  return good;
}

// A fault of form, at the path of the text that has it.
void refuse(Error error, const std::string& path, std::vector<Error>& faults) {
  error.path = path;
  faults.push_back(std::move(error));
}

}  // namespace

std::uint32_t Bindings::Pool::add_text(std::string_view expression, const std::string& path,
                                       Resolver& resolver, std::vector<Error>& faults) {
  Node node;
  // Stands for a condition that is a fault already: no other fault follows from it.
  node.constant = std::make_shared<const Json>(true);
  auto compiled = prompt::Expression::compile(expression);
  if (!compiled) {
    refuse(compiled.error(), path, faults);
    return add(std::move(node));
  }
  if (!resolve_reads(compiled->reads(), path, resolver, node, faults)) return add(std::move(node));
  if (compiled->is_dotted_name()) {
    node.kind = NodeKind::reference;
    node.reference = node.reads[0].reference;
  } else if (node.reads.empty() && constants_work_left > 0) {
    prompt::Limits limits;
    const std::size_t most =
        std::exchange(limits.work_max, std::min(limits.work_max, constants_work_left));
    NoNames names;
    std::uint64_t work = 0;
    auto value = compiled->evaluate(names, limits, work);
    constants_work_left -=
        static_cast<std::size_t>(std::min<std::uint64_t>(constants_work_left, work));
    if (value) {
      node.constant = std::make_shared<const Json>(std::move(*value));
    } else if (value.error().code == "over_limit" && limits.work_max < most) {
      // The run finds out, and pays for it.
      node.kind = NodeKind::expression;
      node.expression = std::move(*compiled);
    } else {
      refuse(value.error(), path, faults);
    }
  } else {
    node.kind = NodeKind::expression;
    node.expression = std::move(*compiled);
  }
  return add(std::move(node));
}

std::uint32_t Bindings::Pool::add_template(std::string_view text, const std::string& path,
                                           Resolver& resolver, std::vector<Error>& faults) {
  Node node;
  node.constant = std::make_shared<const Json>(nullptr);
  auto compiled = prompt::Template::compile(text);
  if (!compiled) {
    refuse(compiled.error(), path, faults);
  } else if (resolve_reads(compiled->reads(), path, resolver, node, faults)) {
    node.kind = NodeKind::text;
    node.text = std::move(*compiled);
  }
  return add(std::move(node));
}

namespace {

/// What a fault is told of its place.
constexpr std::size_t kPathBytesMax = 512;

// A key of half a megabyte would be in the path of everything below it.
std::string path_below(const std::string& path, Pieces below) {
  if (path.size() > kPathBytesMax) return path;
  std::string made = path + joined(below);
  if (made.size() > kPathBytesMax) made.resize(kPathBytesMax + 1);
  return made;
}

}  // namespace

std::uint32_t Bindings::add_value(const Json& value, const std::string& path, Resolver& resolver,
                                  std::vector<Error>& faults) {
  Node node;
  if (value.is_string()) {
    const std::string& text = *value.get_ptr<const std::string*>();
    std::string_view inside;
    if (single_expression(text, inside)) return pool_->add_text(inside, path, resolver, faults);
    if (has_template(text)) return pool_->add_template(text, path, resolver, faults);
  } else if (value.is_object()) {
    node.kind = NodeKind::object;
    for (auto item = value.begin(); item != value.end(); ++item) {
      node.keys.push_back(item.key());
      node.items.push_back(add_value(*item, path_below(path, {".", item.key()}), resolver, faults));
    }
  } else if (value.is_array()) {
    node.kind = NodeKind::list;
    for (std::size_t i = 0; i < value.size(); ++i)
      node.items.push_back(add_value(value[i], path_below(path, {"[", i, "]"}), resolver, faults));
  }
  bool fixed = true;
  for (const std::uint32_t item : node.items)
    fixed = fixed && pool_->nodes[item].kind == NodeKind::constant;
  if (fixed) {
    node = {};
    node.constant = std::make_shared<const Json>(value);
  }
  return pool_->add(std::move(node));
}

std::uint32_t Bindings::add_expression(const Json& value, const std::string& path,
                                       Resolver& resolver, std::vector<Error>& faults) {
  if (!value.is_string()) return add_constant(std::make_shared<const Json>(value));
  std::string_view text = trimmed(*value.get_ptr<const std::string*>());
  std::string_view inside;
  return pool_->add_text(single_expression(text, inside) ? inside : text, path, resolver, faults);
}

std::uint32_t Bindings::add_constant(Value value) {
  Node node;
  node.constant = std::move(value);
  return pool_->add(std::move(node));
}

namespace {

// The value at its path in the scope; what is shorter and was there already holds it.
void place(Json& scope, const std::vector<std::string>& parts, const Json& value) {
  Json* at = &scope;
  for (const std::string& part : parts) {
    if (at->is_null()) *at = Json::object();
    if (!at->is_object()) return;
    at = &(*at)[part];
  }
  *at = value;
}

Json scope_of(const Node& node, Names& names) {
  Json scope = Json::object();
  for (const std::uint32_t place_of : node.widest) {
    const Scoped& read = node.reads[place_of];
    const Json* root = names.find(read.reference);
    const Json* value = walk(read.reference, names);
    if (value) {
      place(scope, read.parts, *value);
    } else if (!root) {
      // A step that was skipped is null; what is missing within a value is undefined.
      auto parts = read.parts;
      parts.resize(parts.size() - read.reference.path.size());
      place(scope, parts, Json());
    }
  }
  return scope;
}

// The reads of one expression, each looked up once.
class Reads : public prompt::Lookup {
 public:
  Reads(const Node& node, Building& at) : node_(node), at_(at), found_(node.reads.size(), &open_) {}

  const Json* find(std::size_t read) override {
    if (found_[read] != &open_) return found_[read];
    const Reference& reference = node_.reads[read].reference;
    const Json* value = at_.names.find(reference);
    // A step that was skipped is null; what is missing within a value is undefined.
    if (!value && reference.path.empty()) value = &nothing_;
    for (const std::string& part : reference.path)
      value = value ? member(value, part) : nullptr;
    return found_[read] = value;
  }

  Json whole() override {
    Json scope = scope_of(node_, at_.names);
    at_.cost.work += weight_of(scope) / kBytesAUnit;
    return scope;
  }

 private:
  const Node& node_;
  Building& at_;
  const Json open_;  ///< stands for what was not looked up yet
  const Json nothing_;
  std::vector<const Json*> found_;
};

// What an expression may make: no more than is left, and no more than any expression.
prompt::Limits limits_of(const Building& at) {
  prompt::Limits limits;
  limits.memory_max =
      static_cast<std::size_t>(std::min<std::uint64_t>(limits.memory_max, at.left()));
  return limits;
}

template <class T>
bool keep(Result<T> made, const prompt::Limits& limits, Building& at, Json& out) {
  if (made) {
    out = std::move(*made);
    return at.take(weight_of(out));
  }
  at.error = std::move(made.error());
  const bool is_ours = limits.memory_max < prompt::Limits().memory_max;
  if (is_ours && at.error.code == "over_limit" && at.error.expected.starts_with("memory_max"))
    at.error = no_room();
  return false;
}

bool copy(const Json& value, std::uint64_t bytes, Building& at, Json& out) {
  at.cost.work += bytes / kBytesAUnit;
  if (!at.take(bytes)) return false;
  out = value;
  return true;
}

}  // namespace

bool Bindings::Pool::build(const Node& node, Building& at, Json& out) const {
  ++at.cost.work;
  switch (node.kind) {
    case NodeKind::constant:
      return copy(*node.constant, node.constant_bytes, at, out);
    case NodeKind::reference: {
      const Json* found = walk(node.reference, at.names);
      return !found || copy(*found, weight_of(*found), at, out);
    }
    case NodeKind::expression: {
      Reads reads(node, at);
      const prompt::Limits limits = limits_of(at);
      return keep(node.expression->evaluate(reads, limits, at.cost.work), limits, at, out);
    }
    case NodeKind::text: {
      Reads reads(node, at);
      const prompt::Limits limits = limits_of(at);
      return keep(node.text->render(reads, limits, at.cost.work), limits, at, out);
    }
    case NodeKind::list:
      out = Json::array();
      if (!at.take(json_weights::container + node.items.size() * json_weights::item)) return false;
      for (const std::uint32_t item : node.items) {
        out.push_back(nullptr);
        if (!build(nodes[item], at, out.back())) return false;
      }
      return true;
    case NodeKind::object:
      out = Json::object();
      if (!at.take(json_weights::container)) return false;
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        if (!at.take(json_weights::member + json_weights::bytes(node.keys[i].size()))) return false;
        if (!build(nodes[node.items[i]], at, out[node.keys[i]])) return false;
      }
      return true;
  }
  return true;
}

Result<Value> Bindings::evaluate(std::uint32_t id, Names& names, Cost& cost) const {
  const Node& node = pool_->nodes[id];
  if (node.kind == NodeKind::constant) return node.constant;
  Json out;
  Building at{names, cost, {}};
  if (!pool_->build(node, at, out)) return at.error;
  const bool wraps = node.kind == NodeKind::list || node.kind == NodeKind::object;
  if (wraps && deeper_than(out, kValueDepthMax))
    return make_error("too_deep", {"the value is nested deeper than ", kValueDepthMax, " levels"},
                      {}, {"at most ", kValueDepthMax, " levels"}, {});
  return Value(std::make_shared<const Json>(std::move(out)));
}

Result<bool> Bindings::holds(std::uint32_t id, Names& names, Cost& cost) const {
  const Node& node = pool_->nodes[id];
  if (node.kind == NodeKind::reference) {
    const Json* found = walk(node.reference, names);
    return found && prompt::truthy(*found);
  }
  const auto value = evaluate(id, names, cost);
  if (!value) return value.error();
  return prompt::truthy(**value);
}

const Json* Bindings::constant(std::uint32_t id) const {
  const Node& node = pool_->nodes[id];
  return node.kind == NodeKind::constant ? node.constant.get() : nullptr;
}

namespace {

// Each block has room for twice what stands in it.
constexpr std::uint64_t kRoomFactor = 2;

std::uint64_t texts_bytes(const std::vector<std::string>& texts) {
  std::uint64_t bytes = 0;
  for (const std::string& text : texts)
    bytes += kRoomFactor * sizeof(text) + json_weights::bytes(text.size());
  return bytes;
}

std::uint64_t reference_bytes(const Reference& reference) {
  return json_weights::bytes(reference.name.size()) + texts_bytes(reference.path);
}

}  // namespace

std::uint64_t Bindings::bytes() const {
  std::uint64_t bytes = 0;
  for (const Node& node : pool_->nodes) {
    bytes += kRoomFactor *
                 (sizeof(Node) + (node.items.size() + node.widest.size()) * sizeof(std::uint32_t) +
                  node.reads.size() * sizeof(Scoped)) +
             node.constant_bytes + reference_bytes(node.reference) + texts_bytes(node.keys);
    if (node.constant) bytes += json_weights::container;
    if (node.expression) bytes += node.expression->bytes();
    if (node.text) bytes += node.text->bytes();
    for (const Scoped& read : node.reads)
      bytes += reference_bytes(read.reference) + texts_bytes(read.parts);
  }
  return bytes;
}

}  // namespace redoubt::workflow
