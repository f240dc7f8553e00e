#include "engine/workflow/binding.hpp"

#include <utility>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"

namespace redoubt::workflow {
namespace {

enum class NodeKind : std::uint8_t { constant, reference, list, object };

struct Node {
  NodeKind kind = NodeKind::constant;
  Value constant;
  Reference reference;
  std::vector<std::uint32_t> items;
  std::vector<std::string> keys;  ///< of an object's items
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}

// `a.b[0].c` in its parts; empty when the text is anything else.
std::vector<std::string> plain_parts(std::string_view text) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at;
    if (text[at] == '[') {
      while (++end < text.size() && digit(text[end])) {
      }
      if (end == at + 1 || end == text.size() || text[end] != ']' || parts.empty()) return {};
      parts.emplace_back(text.substr(at + 1, end - at - 1));
      at = end + 1;
      continue;
    }
    if (!parts.empty() && text[at++] != '.') return {};
    end = at;
    while (end < text.size() && (letter(text[end]) || (end > at && digit(text[end]))))
      ++end;
    if (end == at) return {};
    parts.emplace_back(text.substr(at, end - at));
    at = end;
  }
  return parts;
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
  if (value->is_object()) {
    const auto found = value->find(part);
    return found == value->end() ? nullptr : &*found;
  }
  if (!value->is_array() || part.size() > 9) return nullptr;
  std::size_t place = 0;
  for (const char c : part) {
    if (!digit(c)) return nullptr;
    place = place * 10 + static_cast<std::size_t>(c - '0');
  }
  return place < value->size() ? &(*value)[place] : nullptr;
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
  bool build(const Node& node, Names& names, Json& out, Error& error) const;
};

Bindings::Bindings() : pool_(std::make_unique<Pool>()) {}
Bindings::~Bindings() = default;
Bindings::Bindings(Bindings&&) noexcept = default;
Bindings& Bindings::operator=(Bindings&&) noexcept = default;

std::uint32_t Bindings::Pool::add_text(std::string_view expression, const std::string& path,
                                       Resolver& resolver, std::vector<Error>& faults) {
  Node node;
  const auto parts = plain_parts(expression);
  if (parts.empty()) {
    faults.push_back(make_error("bad_expression",
                                {"cannot read the expression \"", expression, "\""}, {path},
                                {"a name such as steps.plan.text"}, {expression}));
    return add(std::move(node));
  }
  auto resolved = resolver.resolve(parts);
  if (!resolved) {
    resolved.error().path = path;
    faults.push_back(resolved.error());
    return add(std::move(node));
  }
  node.kind = NodeKind::reference;
  node.reference = std::move(*resolved);
  return add(std::move(node));
}

std::uint32_t Bindings::add_value(const Json& value, const std::string& path, Resolver& resolver,
                                  std::vector<Error>& faults) {
  Node node;
  if (value.is_string()) {
    const std::string& text = *value.get_ptr<const std::string*>();
    std::string_view inside;
    if (single_expression(text, inside)) return pool_->add_text(inside, path, resolver, faults);
    if (has_template(text)) return pool_->add_text(text, path, resolver, faults);
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
    return found && truthy(*found);
  }
  const auto value = evaluate(id, names);
  if (!value) return value.error();
  return truthy(**value);
}

const Json* Bindings::constant(std::uint32_t id) const {
  const Node& node = pool_->nodes[id];
  return node.kind == NodeKind::constant ? node.constant.get() : nullptr;
}

bool truthy(const Json& value) {
  switch (value.type()) {
    case Json::value_t::boolean:
      return *value.get_ptr<const bool*>();
    case Json::value_t::number_integer:
      return *value.get_ptr<const std::int64_t*>() != 0;
    case Json::value_t::number_unsigned:
      return *value.get_ptr<const std::uint64_t*>() != 0;
    case Json::value_t::number_float:
      return *value.get_ptr<const double*>() != 0;
    case Json::value_t::string:
      return !value.get_ptr<const std::string*>()->empty();
    case Json::value_t::object:
    case Json::value_t::array:
      return !value.empty();
    default:
      return false;
  }
}

}  // namespace redoubt::workflow
