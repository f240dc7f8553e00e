#include "engine/workflow/binding.hpp"

#include <optional>
#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/prompt/template.hpp"

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
  Reference reference;
  std::vector<std::uint32_t> items;
  std::vector<std::string> keys;  ///< of an object's items
  std::optional<prompt::Expression> expression;
  std::optional<prompt::Template> text;
  std::vector<Scoped> reads;
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

struct Bindings::Pool {
  std::vector<Node> nodes;

  std::uint32_t add(Node node) {
    nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(nodes.size() - 1);
  }

  std::uint32_t add_text(std::string_view expression, const std::string& path, Resolver& resolver,
                         std::vector<Error>& faults);
  std::uint32_t add_template(std::string_view text, const std::string& path, Resolver& resolver,
                             std::vector<Error>& faults);
  bool build(const Node& node, Names& names, Json& out, Error& error) const;
};

Bindings::Bindings() : pool_(std::make_unique<Pool>()) {}
Bindings::~Bindings() = default;
Bindings::Bindings(Bindings&&) noexcept = default;
Bindings& Bindings::operator=(Bindings&&) noexcept = default;

namespace {

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
  } else if (node.reads.empty()) {
    auto value = compiled->evaluate(Json::object());
    if (value) {
      node.constant = std::make_shared<const Json>(std::move(*value));
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
      node.items.push_back(add_value(*item, joined({path, ".", item.key()}), resolver, faults));
    }
  } else if (value.is_array()) {
    node.kind = NodeKind::list;
    for (std::size_t i = 0; i < value.size(); ++i)
      node.items.push_back(add_value(value[i], joined({path, "[", i, "]"}), resolver, faults));
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
  for (const Scoped& read : node.reads) {
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

template <class T>
bool keep(Result<T> made, Json& out, Error& error) {
  if (!made) {
    error = made.error();
    return false;
  }
  out = std::move(*made);
  return true;
}

}  // namespace

bool Bindings::Pool::build(const Node& node, Names& names, Json& out, Error& error) const {
  switch (node.kind) {
    case NodeKind::constant:
      out = *node.constant;
      return true;
    case NodeKind::reference: {
      const Json* found = walk(node.reference, names);
      out = found ? *found : Json();
      return true;
    }
    case NodeKind::expression:
      return keep(node.expression->evaluate(scope_of(node, names)), out, error);
    case NodeKind::text:
      return keep(node.text->render(scope_of(node, names)), out, error);
    case NodeKind::list:
      out = Json::array();
      for (const std::uint32_t item : node.items) {
        out.push_back(nullptr);
        if (!build(nodes[item], names, out.back(), error)) return false;
      }
      return true;
    case NodeKind::object:
      out = Json::object();
      for (std::size_t i = 0; i < node.items.size(); ++i)
        if (!build(nodes[node.items[i]], names, out[node.keys[i]], error)) return false;
      return true;
  }
  return true;
}

Result<Value> Bindings::evaluate(std::uint32_t id, Names& names) const {
  const Node& node = pool_->nodes[id];
  if (node.kind == NodeKind::constant) return node.constant;
  Json out;
  Error error;
  if (!pool_->build(node, names, out, error)) return error;
  return Value(std::make_shared<const Json>(std::move(out)));
}

Result<bool> Bindings::holds(std::uint32_t id, Names& names) const {
  const Node& node = pool_->nodes[id];
  if (node.kind == NodeKind::reference) {
    const Json* found = walk(node.reference, names);
    return found && prompt::truthy(*found);
  }
  const auto value = evaluate(id, names);
  if (!value) return value.error();
  return prompt::truthy(**value);
}

const Json* Bindings::constant(std::uint32_t id) const {
  const Node& node = pool_->nodes[id];
  return node.kind == NodeKind::constant ? node.constant.get() : nullptr;
}

}  // namespace redoubt::workflow
