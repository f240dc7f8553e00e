#include "engine/prompt/expression_parser.hpp"

#include <algorithm>
#include <array>

#include "engine/prompt/filters.hpp"
#include "engine/prompt/predicates.hpp"

namespace redoubt::prompt {
namespace {

// A chain such as a + b + c ... is as deep as it is long.
constexpr std::uint16_t depth_max = 200;

constexpr std::array<std::string_view, 8> reserved{"and", "or", "not",  "in",
                                                   "is",  "if", "else", "elif"};

bool is_reserved(std::string_view name) {
  return std::find(reserved.begin(), reserved.end(), name) != reserved.end();
}

// The n-th of "a,b,c", or "".
std::string_view nth(std::string_view list, std::size_t n) {
  while (n-- > 0) {
    const std::size_t comma = list.find(',');
    if (comma == list.npos) return "";
    list.remove_prefix(comma + 1);
  }
  return list.substr(0, std::min(list.find(','), list.size()));
}

std::size_t count_of(std::string_view list) {
  return list.empty() ? 0 : 1 + static_cast<std::size_t>(std::count(list.begin(), list.end(), ','));
}

}  // namespace

bool Bindings::has(std::string_view name) const {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Counts brackets and prefix operators that are open.
struct ExpressionParser::Depth {
  explicit Depth(ExpressionParser& p) : parser(p) { ++parser.nesting_; }
  ~Depth() { --parser.nesting_; }
  bool ok() {
    if (parser.nesting_ <= nesting_max) return true;
    parser.fail(parser.token_.at, {"nested deeper than ", nesting_max, " levels"});
    return false;
  }
  ExpressionParser& parser;
};

ExpressionParser::ExpressionParser(Program& program, const Bindings& bindings, const char* code,
                                   std::size_t from, bool in_template)
    : program_(program),
      bindings_(bindings),
      code_(code),
      lexer_(program.source, from, in_template),
      first_(program.nodes.size()) {
  advance();
}

std::uint32_t ExpressionParser::fail(std::size_t at, Pieces message, Pieces expected, Pieces got) {
  if (!error_) {
    error_ = make_error(code_, message, {}, expected, got);
    locate(program_.source, at, *error_);
  }
  return none;
}

std::uint32_t ExpressionParser::unexpected(const char* expected) {
  const std::string_view got = token_.kind == TokenKind::end ? "the end" : token_.raw;
  return fail(token_.at, {"expected ", expected, ", got ", got}, {expected}, {got});
}

bool ExpressionParser::advance() {
  token_ = lexer_.next();
  if (token_.kind == TokenKind::bad) fail(token_.at, {"not an expression: ", token_.text});
  return !failed();
}

bool ExpressionParser::eat(const char* symbol) {
  return token_.is(symbol) && advance();
}

bool ExpressionParser::expect(const char* symbol) {
  if (failed()) return false;
  if (!token_.is(symbol)) {
    unexpected(symbol);
    return false;
  }
  return advance();
}

std::uint32_t ExpressionParser::add(const Node& node) {
  if (failed()) return none;
  if (program_.nodes.size() >= nodes_max)
    return fail(node.at, {"more than ", nodes_max, " operations"});
  program_.nodes.push_back(node);
  depths_.push_back(1);
  return static_cast<std::uint32_t>(program_.nodes.size() - 1);
}

std::uint16_t ExpressionParser::depth_of(std::uint32_t node) const {
  return node == none ? std::uint16_t{0} : depths_[node - first_];
}

std::uint32_t ExpressionParser::deeper(const Node& node,
                                       std::initializer_list<std::uint32_t> operands) {
  const std::uint32_t added = add(node);
  if (added == none) return none;
  std::uint16_t depth = 0;
  for (const std::uint32_t operand : operands)
    depth = std::max(depth, depth_of(operand));
  if (depth >= depth_max)
    return fail(node.at, {"more than ", depth_max, " operations, each within the next"});
  depths_.back() = static_cast<std::uint16_t>(depth + 1);
  return added;
}

std::uint32_t ExpressionParser::add_constant(std::uint32_t at, Json value) {
  const std::uint32_t added = add({.kind = Kind::constant, .at = at});
  if (added == none) return none;
  program_.nodes[added].a = static_cast<std::uint32_t>(program_.constants.size());
  program_.constants.push_back(std::move(value));
  return added;
}

std::uint32_t ExpressionParser::add_links(const std::vector<std::uint32_t>& links) {
  const auto first = static_cast<std::uint32_t>(program_.links.size());
  program_.links.insert(program_.links.end(), links.begin(), links.end());
  return first;
}

std::uint32_t ExpressionParser::name_id(std::string_view name) {
  program_.names.emplace_back(name);
  return static_cast<std::uint32_t>(program_.names.size() - 1);
}

std::uint32_t ExpressionParser::expression() {
  Depth depth(*this);
  if (!depth.ok()) return none;
  const std::uint32_t value = logic(true);
  if (failed() || !token_.is_name("if")) return value;
  Node node{.kind = Kind::conditional, .at = token_.at, .b = value};
  advance();
  node.a = logic(true);
  if (!failed() && token_.is_name("else")) {
    advance();
    node.c = expression();
  }
  return deeper(node, {node.a, node.b, node.c});
}

std::uint32_t ExpressionParser::logic(bool is_or) {
  std::uint32_t left = is_or ? logic(false) : negation();
  while (!failed() && token_.is_name(is_or ? "or" : "and")) {
    Node node{.kind = is_or ? Kind::logical_or : Kind::logical_and, .at = token_.at, .a = left};
    advance();
    node.b = is_or ? logic(false) : negation();
    left = deeper(node, {node.a, node.b});
  }
  return left;
}

std::uint32_t ExpressionParser::negation() {
  if (!token_.is_name("not")) return comparison();
  Depth depth(*this);
  if (!depth.ok()) return none;
  Node node{.kind = Kind::logical_not, .at = token_.at};
  advance();
  node.a = negation();
  return deeper(node, {node.a});
}

std::uint32_t ExpressionParser::comparison() {
  const std::uint32_t left = sum();
  if (failed()) return none;
  const std::uint32_t result = comparison_with(left);
  if (failed() || result == left) return result;
  const std::uint32_t again = comparison_with(result);
  if (failed() || again == result) return result;
  return fail(program_.nodes[again].at, {"comparisons do not chain: write a < b and b < c"});
}

// `left` itself where no comparison follows.
std::uint32_t ExpressionParser::comparison_with(std::uint32_t left) {
  constexpr std::array<const char*, 6> signs{"==", "!=", "<", "<=", ">", ">="};
  Node node{.at = token_.at, .a = left};
  for (std::size_t i = 0; i < signs.size(); ++i) {
    if (!token_.is(signs[i])) continue;
    node.kind = Kind::compare;
    node.op = static_cast<std::uint8_t>(i);
    advance();
    node.b = sum();
    return deeper(node, {node.a, node.b});
  }
  if (!token_.is_name("in") && !token_.is_name("not")) return left;
  node.kind = Kind::contains;
  if (token_.is_name("not")) {
    node.op = 1;
    advance();
    if (!token_.is_name("in")) return unexpected("`in` after `not`");
  }
  advance();
  node.b = sum();
  return deeper(node, {node.a, node.b});
}

std::uint32_t ExpressionParser::sum() {
  std::uint32_t left = concatenation();
  while (!failed() && (token_.is("+") || token_.is("-"))) {
    Node node{.kind = Kind::arithmetic,
              .op = static_cast<std::uint8_t>(token_.raw.front()),
              .at = token_.at,
              .a = left};
    advance();
    node.b = concatenation();
    left = deeper(node, {node.a, node.b});
  }
  return left;
}

std::uint32_t ExpressionParser::concatenation() {
  const std::uint32_t first = product();
  if (failed() || !token_.is("~")) return first;
  Node node{.kind = Kind::concat, .at = token_.at};
  std::vector<std::uint32_t> parts{first};
  std::uint32_t deepest = first;
  while (eat("~")) {
    parts.push_back(product());
    if (failed()) return none;
    if (depth_of(parts.back()) > depth_of(deepest)) deepest = parts.back();
  }
  if (parts.size() > UINT16_MAX) return fail(node.at, {"more than 65535 texts put together"});
  node.count = static_cast<std::uint16_t>(parts.size());
  node.a = add_links(parts);
  return deeper(node, {deepest});
}

std::uint32_t ExpressionParser::product() {
  std::uint32_t left = unary();
  while (!failed() && (token_.is("*") || token_.is("/") || token_.is("//") || token_.is("%"))) {
    const char sign = token_.is("//") ? '#' : token_.raw.front();
    Node node{.kind = Kind::arithmetic,
              .op = static_cast<std::uint8_t>(sign),
              .at = token_.at,
              .a = left};
    advance();
    node.b = unary();
    left = deeper(node, {node.a, node.b});
  }
  if (!failed() && token_.is("**"))
    return fail(token_.at, {"there is no operator **; write the product"});
  return left;
}

std::uint32_t ExpressionParser::unary() {
  if (token_.is("-") || token_.is("+")) {
    Depth depth(*this);
    if (!depth.ok()) return none;
    const bool minus = token_.is("-");
    Node node{
        .kind = Kind::negate, .op = minus ? std::uint8_t{1} : std::uint8_t{0}, .at = token_.at};
    advance();
    // A sign binds closer than a filter: -3|abs is 3.
    if (token_.is("-") || token_.is("+")) return unexpected("one sign");
    node.a = postfix(primary());
    return failed() ? none : filtered(deeper(node, {node.a}));
  }
  const std::uint32_t value = postfix(primary());
  return failed() ? none : filtered(value);
}

std::uint32_t ExpressionParser::filtered(std::uint32_t subject) {
  while (!failed()) {
    if (token_.is("|")) {
      advance();
      subject = filter(subject);
    } else if (token_.is_name("is")) {
      advance();
      subject = test(subject);
    } else {
      return subject;
    }
  }
  return none;
}

// "a,b": which parameter the current token begins: a named one, else the next.
bool ExpressionParser::argument_place(const char* parameters, std::string_view of,
                                      std::size_t& place) {
  if (token_.kind != TokenKind::name) return true;
  if (!lexer_.followed_by('=')) return true;
  const std::size_t count = count_of(parameters);
  for (place = 0; place < count && nth(parameters, place) != token_.raw;)
    ++place;
  if (place == count) {
    const std::string_view known = count == 0 ? "none" : parameters;
    fail(token_.at, {of, " has no parameter ", token_.raw, " (it has: ", known, ")"}, {known},
         {token_.raw});
    return false;
  }
  return advance() && advance();
}

// Reads "(...)" where there is one; `out` holds a node or none for each parameter.
bool ExpressionParser::arguments(const char* parameters, std::size_t required, std::string_view of,
                                 std::vector<std::uint32_t>& out) {
  const std::uint32_t at = token_.at;
  const std::size_t count = count_of(parameters);
  out.assign(count, none);
  if (eat("(")) {
    std::size_t place = 0;
    while (!failed() && !token_.is(")")) {
      const std::uint32_t here = token_.at;
      if (!argument_place(parameters, of, place)) return false;
      if (place >= count || out[place] != none) {
        const char* what = place >= count ? " takes fewer arguments" : " was given one twice";
        fail(here, {of, what});
        return false;
      }
      out[place++] = expression();
      if (!token_.is(")") && !expect(",")) return false;
    }
    if (!expect(")")) return false;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (out[i] == none) fail(at, {of, " needs its argument ", nth(parameters, i)});
  }
  return !failed();
}

std::uint32_t ExpressionParser::filter(std::uint32_t subject) {
  if (token_.kind != TokenKind::name) return unexpected("a filter's name");
  const std::string_view name = token_.raw;
  const std::uint32_t at = token_.at;
  advance();
  if (name == "default" || name == "d") return fallback(subject, at);
  const auto all = filters();
  std::size_t place = 0;
  while (place < all.size() && all[place].name != name)
    ++place;
  if (place == all.size())
    return fail(at, {"there is no filter ", name}, {"a filter's name"}, {name});
  std::vector<std::uint32_t> given;
  if (!arguments(all[place].parameters, all[place].required, name, given)) return none;
  Node node{.kind = Kind::filter,
            .op = static_cast<std::uint8_t>(place),
            .count = static_cast<std::uint16_t>(given.size()),
            .at = at,
            .a = subject,
            .b = add_links(given)};
  given.resize(arguments_max, none);
  return deeper(node, {subject, given[0], given[1], given[2]});
}

std::uint32_t ExpressionParser::fallback(std::uint32_t subject, std::uint32_t at) {
  std::vector<std::uint32_t> given;
  if (!arguments("value,boolean", 1, "default", given)) return none;
  ask(subject);
  const Node node{.kind = Kind::fallback, .at = at, .a = subject, .b = given[0], .c = given[1]};
  return deeper(node, {node.a, node.b, node.c});
}

std::uint32_t ExpressionParser::test(std::uint32_t subject) {
  const bool negated = token_.is_name("not") && advance();
  const std::uint32_t at = token_.at;
  const std::string_view name = token_.raw;
  const std::uint32_t place = token_.kind == TokenKind::name ? find_predicate(name) : none;
  if (failed()) return none;
  if (place == none) return fail(at, {"there is no test ", name}, {"a test's name"}, {name});
  advance();
  const Predicate& predicate = predicates()[place];
  Node node{.kind = Kind::test, .op = static_cast<std::uint8_t>(place), .at = at, .a = subject};
  node.c = negated ? 1 : 0;
  if (place == predicate_defined || place == predicate_undefined) ask(subject);
  if (predicate.takes_argument) {
    node.b = postfix(primary());  // also in parentheses
    return deeper(node, {subject, node.b});
  }
  return deeper(node, {subject});
}

// The subject's path is asked for: its absence is no fault.
void ExpressionParser::ask(std::uint32_t subject) {
  if (subject == none) return;
  const Node& node = program_.nodes[subject];
  if (node.kind == Kind::path && node.c != none) program_.reads[node.c].optional = true;
}

std::uint32_t ExpressionParser::postfix(std::uint32_t base) {
  while (!failed()) {
    if (token_.is(".")) {
      advance();
      base = attribute(base);
    } else if (token_.is("[")) {
      base = subscript(base);
    } else if (token_.is("(")) {
      return fail(token_.at, {"values cannot be called; what works on a value is a filter"});
    } else {
      return base;
    }
  }
  return none;
}

std::uint32_t ExpressionParser::attribute(std::uint32_t base) {
  if (token_.kind != TokenKind::name) return unexpected("a member's name");
  const std::string_view name = token_.raw;
  const std::uint32_t at = token_.at;
  const std::uint32_t extended = extend_path(base, name);
  advance();
  if (extended != none) return extended;
  return deeper({.kind = Kind::attribute, .at = at, .a = base, .b = name_id(name)}, {base});
}

// Makes a path one name longer in place; none where `base` is not the newest node and a path.
std::uint32_t ExpressionParser::extend_path(std::uint32_t base, std::string_view name) {
  Node& node = program_.nodes[base];
  if (failed() || node.kind != Kind::path || base + 1 != program_.nodes.size() ||
      node.a + node.count != program_.links.size() || node.count == UINT16_MAX)
    return none;
  program_.links.push_back(name_id(name));
  ++node.count;
  if (node.c != none) program_.reads[node.c].parts.emplace_back(name);
  return base;
}

std::uint32_t ExpressionParser::subscript(std::uint32_t base) {
  Depth depth(*this);
  const std::uint32_t at = token_.at;
  if (!depth.ok() || !expect("[")) return none;
  if (token_.is(":")) return slice(base, none, at);
  if (token_.kind == TokenKind::text) {
    const std::string key(token_.text);
    // a["b"] is a.b: one lookup, and known before it runs.
    if (lexer_.followed_by(']') && key.find('.') == key.npos) {
      const std::uint32_t extended = extend_path(base, key);
      if (extended != none) return advance() && expect("]") ? extended : none;
    }
  }
  const std::uint32_t key = expression();
  if (failed()) return none;
  if (token_.is(":")) return slice(base, key, at);
  if (!expect("]")) return none;
  return deeper({.kind = Kind::index, .at = at, .a = base, .b = key}, {base, key});
}

std::uint32_t ExpressionParser::slice(std::uint32_t base, std::uint32_t from, std::uint32_t at) {
  std::vector<std::uint32_t> bounds{from, none, none};
  for (std::size_t i = 1; i < 3 && eat(":"); ++i) {
    if (!token_.is(":") && !token_.is("]")) bounds[i] = expression();
  }
  if (!expect("]")) return none;
  const Node node{.kind = Kind::slice, .at = at, .a = base, .b = add_links(bounds)};
  return deeper(node, {base, bounds[0], bounds[1], bounds[2]});
}

std::uint32_t ExpressionParser::primary() {
  if (failed()) return none;
  const Token token = token_;
  switch (token.kind) {
    case TokenKind::name:
      return name();
    case TokenKind::integer:
    case TokenKind::real:
      return number();
    case TokenKind::text: {
      const std::uint32_t constant = add_constant(token.at, std::string(token.text));
      advance();
      return constant;
    }
    default:
      break;
  }
  if (token.is("[")) return list();
  if (token.is("{")) return dict();
  if (!token.is("(")) return unexpected("a value");
  advance();
  const std::uint32_t inner = expression();
  if (!failed() && token_.is(","))
    return fail(token_.at, {"there are no tuples; write a list: [a, b]"});
  return expect(")") ? inner : none;
}

std::uint32_t ExpressionParser::name() {
  const Token token = token_;
  const std::string_view name = token.raw;
  if (is_reserved(name)) return unexpected("a value");
  advance();
  if (name == "true" || name == "True") return add_constant(token.at, true);
  if (name == "false" || name == "False") return add_constant(token.at, false);
  if (name == "none" || name == "None" || name == "null") return add_constant(token.at, nullptr);
  if (name == "loop" && bindings_.loops > 0) return loop_field();
  if (name == "range" && token_.is("(")) {
    std::vector<std::uint32_t> given;
    if (!arguments("start,stop,step", 1, "range", given)) return none;
    const Node node{.kind = Kind::range, .count = 3, .at = token.at, .a = add_links(given)};
    return deeper(node, {given[0], given[1], given[2]});
  }
  Node node{.kind = Kind::path, .count = 1, .at = token.at};
  node.a = static_cast<std::uint32_t>(program_.links.size());
  program_.links.push_back(name_id(name));
  if (bindings_.has(name)) {
    node.op = 1;
  } else {
    node.c = static_cast<std::uint32_t>(program_.reads.size());
    program_.reads.push_back({{std::string(name)}, static_cast<int>(token.at), 0, false});
  }
  return add(node);
}

std::uint32_t ExpressionParser::loop_field() {
  constexpr std::array<std::string_view, 5> fields{"index", "index0", "first", "last", "length"};
  if (!expect(".")) return none;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!token_.is_name(fields[i])) continue;
    const Node node{.kind = Kind::loop_field, .op = static_cast<std::uint8_t>(i), .at = token_.at};
    advance();
    return add(node);
  }
  return unexpected("index, index0, first, last or length after `loop.`");
}

std::uint32_t ExpressionParser::number() {
  const Token token = token_;
  // The grammar of tokens is that of JSON's numbers.
  const Result<Json> value = parse_json(token.raw);
  if (!value || (token.kind == TokenKind::integer && !value->is_number_integer()))
    return fail(token.at, {token.raw, " is too large for a number"});
  advance();
  return add_constant(token.at, *value);
}

std::uint32_t ExpressionParser::list() {
  Node node{.kind = Kind::list, .at = token_.at};
  std::vector<std::uint32_t> items;
  std::uint32_t deepest = none;
  expect("[");
  while (!failed() && !token_.is("]")) {
    items.push_back(expression());
    if (failed()) return none;
    if (depth_of(items.back()) > depth_of(deepest)) deepest = items.back();
    if (!token_.is("]")) expect(",");
  }
  if (!expect("]")) return none;
  if (items.size() > UINT16_MAX) return fail(node.at, {"a list of more than 65535 elements"});
  if (const std::uint32_t known = folded(node.at, items); known != none || failed()) return known;
  node.count = static_cast<std::uint16_t>(items.size());
  node.a = add_links(items);
  return deeper(node, {deepest});
}

// A list of constants is a constant: nothing is copied when it is looked into. Else none.
std::uint32_t ExpressionParser::folded(std::uint32_t at, const std::vector<std::uint32_t>& items) {
  Json all = Json::array();
  for (const std::uint32_t item : items) {
    const Node& node = program_.nodes[item];
    if (node.kind != Kind::constant || program_.constants[node.a].is_structured()) return none;
    all.push_back(program_.constants[node.a]);
  }
  return add_constant(at, std::move(all));
}

std::uint32_t ExpressionParser::dict() {
  Node node{.kind = Kind::dict, .at = token_.at};
  std::vector<std::uint32_t> parts;
  std::uint32_t deepest = none;
  expect("{");
  while (!failed() && !token_.is("}")) {
    parts.push_back(expression());
    if (!expect(":")) return none;
    parts.push_back(expression());
    if (failed()) return none;
    for (std::size_t i = parts.size() - 2; i < parts.size(); ++i) {
      if (depth_of(parts[i]) > depth_of(deepest)) deepest = parts[i];
    }
    if (!token_.is("}")) expect(",");
  }
  if (!expect("}")) return none;
  if (parts.size() > 2 * std::size_t{UINT16_MAX})
    return fail(node.at, {"a dict of more than 65535 members"});
  node.count = static_cast<std::uint16_t>(parts.size() / 2);
  node.a = add_links(parts);
  return deeper(node, {deepest});
}

// Until then a read's line is its offset: the text is walked once.
void ExpressionParser::place_reads(Program& program) {
  Error place{.line = 1, .column = 1};
  std::size_t at = 0;
  for (Read& read : program.reads) {
    for (const auto offset = static_cast<std::size_t>(read.line); at < offset; ++at) {
      const bool line_ends = program.source[at] == '\n';
      place.line += line_ends ? 1 : 0;
      place.column = line_ends ? 1 : place.column + 1;
    }
    read.line = place.line;
    read.column = place.column;
  }
}

void ExpressionParser::settle_reads(Program& program) {
  place_reads(program);
  std::vector<std::string> asked;
  for (const Read& read : program.reads) {
    if (read.optional) asked.push_back(read.path());
  }
  std::sort(asked.begin(), asked.end());
  asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
  for (Read& read : program.reads) {
    // The path's own beginnings, looked up: as many as it has parts.
    std::string start;
    for (const std::string& part : read.parts) {
      if (read.optional || asked.empty()) break;
      start.append(&part == &read.parts.front() ? "" : ".").append(part);
      read.optional = std::binary_search(asked.begin(), asked.end(), start);
    }
  }
}

}  // namespace redoubt::prompt
