#include "engine/prompt/evaluator.hpp"

#include <algorithm>

#include "engine/base/canonical_json.hpp"
#include "engine/prompt/filters.hpp"
#include "engine/prompt/operators.hpp"
#include "engine/prompt/predicates.hpp"
#include "engine/prompt/utf8.hpp"

namespace redoubt::prompt {
namespace {

constexpr std::size_t bytes_per_unit = 32;

const std::string& text_of(const Json& value) {
  return *value.get_ptr<const std::string*>();
}

// The value inside `base` under a borrowed or an owned base: moved out where the base goes away.
void step_into(Value& base, const Json& inner, Value& out) {
  if (base.borrowed()) {
    out.borrow(inner);
    return;
  }
  Json taken = std::move(const_cast<Json&>(inner));  // `base` is owned here, and about to go
  out.set(std::move(taken));
}

}  // namespace

bool Evaluator::fail(std::uint32_t at, const char* code, Pieces message, Pieces expected,
                     Pieces got) {
  if (!error_) {
    error_ = make_error(code, message, {}, expected, got);
    locate(program_.source, at, *error_);
  }
  return false;
}

bool Evaluator::wrong(std::uint32_t at, const char* what, const char* expected, const Json& got) {
  // Large values are named by their kind; describing one is to cost little.
  const bool long_text = got.is_string() && text_of(got).size() > 60;
  const std::string shown = long_text ? "a long string" : describe(got);
  return fail(at, "bad_operand", {what, ": expected ", expected, ", got ", shown}, {expected},
              {shown});
}

bool Evaluator::over_limit(std::uint32_t at, const char* bound, std::size_t limit) {
  return fail(at, "over_limit", {"more than ", bound, " = ", limit, " allows"},
              {bound, " ", limit});
}

bool Evaluator::charge_text(std::uint32_t at, std::size_t bytes) {
  return fits_text(at, bytes) && charge(at, bytes / bytes_per_unit) &&
         make(at, json_weights::text + json_weights::bytes(bytes));
}

bool Evaluator::charge_items(std::uint32_t at, std::size_t items) {
  return fits_items(at, items) && charge(at, items) &&
         make(at, json_weights::container + items * json_weights::item);
}

bool Evaluator::charge_value(std::uint32_t at, const Json& value) {
  std::size_t units = 0;
  std::size_t bytes = json_weights::item;
  return weigh(at, value, 0, units, bytes) && charge(at, units) && make(at, bytes);
}

bool Evaluator::weigh(std::uint32_t at, const Json& value, int depth, std::size_t& units,
                      std::size_t& bytes) {
  ++units;
  if (value.is_string()) {
    units += text_of(value).size() / bytes_per_unit;
    bytes += json_weights::text + json_weights::bytes(text_of(value).size());
  }
  if (!value.is_structured()) return true;
  bytes += json_weights::container;
  if (depth >= json_depth_max)
    return over_limit(at, "json_depth_max", static_cast<std::size_t>(json_depth_max));
  for (auto item = value.begin(); item != value.end(); ++item) {
    if (value.is_object()) units += 1 + item.key().size() / bytes_per_unit;
    bytes += value.is_object() ? json_weights::member + json_weights::bytes(item.key().size())
                               : json_weights::item;
    if (!weigh(at, *item, depth + 1, units, bytes)) return false;
    if (units > limits_.work_max) return over_limit(at, "work_max", limits_.work_max);
  }
  return true;
}

bool Evaluator::take(std::uint32_t at, Value& value, Json& out) {
  if (!value.borrowed()) {
    out = std::move(value.own());
    return true;
  }
  if (!charge_value(at, *value)) return false;
  out = *value;
  return true;
}

bool Evaluator::print(std::uint32_t at, const Json& value, std::string& out) {
  if (value.is_string()) {
    if (!charge_text(at, text_of(value).size())) return false;
    out += text_of(value);
    return true;
  }
  if (!charge_value(at, value)) return false;
  const std::size_t before = out.size();
  write_canonical(value, out);
  return charge_text(at, out.size() - before);
}

bool Evaluator::need(std::uint32_t node, Value& out) {
  return evaluate(node, out) && (out.defined() || undefined(out.missing()));
}

bool Evaluator::condition(std::uint32_t node, bool& out) {
  Value value;
  if (!need(node, value)) return false;
  out = truthy(*value);
  return true;
}

bool Evaluator::evaluate(std::uint32_t at, Value& out) {
  const Node& node = program_.nodes[at];
  if (!charge(node.at, 1)) return false;
  switch (node.kind) {
    case Kind::constant:
      out.borrow(program_.constants[node.a]);
      return true;
    case Kind::path:
      return path(at, out);
    case Kind::attribute:
      return attribute(at, out);
    case Kind::index:
      return index(at, out);
    case Kind::slice:
      return slice(node, out);
    case Kind::loop_field:
      return loop_field(node, out);
    case Kind::list:
      return list(node, out);
    case Kind::dict:
      return dict(node, out);
    case Kind::negate:
      return negate(node, out);
    case Kind::logical_not: {
      bool truth = false;
      if (!condition(node.a, truth)) return false;
      out.set(!truth);
      return true;
    }
    case Kind::logical_and:
    case Kind::logical_or:
      return either(node, out);
    case Kind::conditional:
      return conditional(node, out);
    case Kind::compare:
      return compare(node, out);
    case Kind::contains:
      return contains(node, out);
    case Kind::arithmetic: {
      Value a;
      Value b;
      return need(node.a, a) && need(node.b, b) &&
             arithmetic(*this, node.at, static_cast<char>(node.op), *a, *b, out);
    }
    case Kind::concat:
      return concat(node, out);
    case Kind::fallback:
      return fallback(node, out);
    case Kind::filter:
      return filter(node, out);
    case Kind::test:
      return test(node, out);
    case Kind::range:
      return range(node, out);
  }
  return false;
}

const Json* Evaluator::root(const Node& node) {
  const std::string& name = program_.names[program_.links[node.a]];
  if (node.op == 1) {
    for (std::size_t i = variables.size(); i-- > 0;) {
      if (program_.names[variables[i].name] == name) return &*variables[i].value;
    }
  }
  if (names_ && !whole_) whole_ = names_->whole();
  return member(names_ ? *whole_ : *scope_, name);
}

const Json* Evaluator::member(const Json& of, std::string_view name) {
  if (!of.is_object()) return nullptr;
  const auto found = of.find(name);
  return found == of.end() ? nullptr : &*found;
}

const Json* Evaluator::at_path(const Json& of, std::string_view path) {
  const Json* at = &of;
  while (at != nullptr) {
    const std::size_t dot = path.find('.');
    at = member(*at, path.substr(0, dot));
    if (dot == path.npos) break;
    path.remove_prefix(dot + 1);
  }
  return at;
}

bool Evaluator::path(std::uint32_t at, Value& out) {
  const Node& node = program_.nodes[at];
  const bool known = names_ && node.op == 0;
  const Json* value = known ? names_->find(node.c) : root(node);
  for (std::uint32_t i = 1; value != nullptr && !known && i < node.count; ++i)
    value = member(*value, program_.names[program_.links[node.a + i]]);
  if (value == nullptr) {
    out.set_undefined(at);
  } else {
    out.borrow(*value);
  }
  return true;
}

// The fault of a node that found nothing: what is missing, as exactly as the node knows.
bool Evaluator::undefined(std::uint32_t at) {
  const Node& node = program_.nodes[at];
  std::string missing = "this element";
  std::string found;
  if (node.kind == Kind::path) {
    const Json* value = root(node);
    missing = program_.names[program_.links[node.a]];
    for (std::uint32_t i = 1; value != nullptr && i < node.count; ++i) {
      const std::string& name = program_.names[program_.links[node.a + i]];
      if (!value->is_object()) found = missing + " is " + describe(*value);
      value = member(*value, name);
      missing += "." + name;
    }
  } else if (node.kind == Kind::attribute) {
    missing = "." + program_.names[node.b];
  } else if (node.kind == Kind::filter) {
    missing = "the " + std::string(filters()[node.op].name) + " of nothing";
  }
  if (!found.empty()) found = ": " + found;
  fail(node.at, "undefined_name", {missing, " is not defined", found}, {"a defined name"});
  if (error_->path.empty()) error_->path = missing;
  return false;
}

bool Evaluator::attribute(std::uint32_t at, Value& out) {
  const Node& node = program_.nodes[at];
  Value base;
  if (!evaluate(node.a, base)) return false;
  if (!base.defined()) {
    out.set_undefined(base.missing());
    return true;
  }
  const Json* inner = member(*base, program_.names[node.b]);
  if (inner == nullptr) {
    out.set_undefined(at);
  } else {
    step_into(base, *inner, out);
  }
  return true;
}

bool Evaluator::index(std::uint32_t at, Value& out) {
  const Node& node = program_.nodes[at];
  Value base;
  Value key;
  if (!evaluate(node.a, base) || !need(node.b, key)) return false;
  if (!base.defined()) {
    out.set_undefined(base.missing());
    return true;
  }
  const Json* inner = nullptr;
  Number place;
  if (key->is_string()) {
    inner = member(*base, text_of(*key));
  } else if (!number_of(*key, place) || !place.whole) {
    return wrong(node.at, "an index", "a text or an integer", *key);
  } else if (base->is_array()) {
    const auto size = static_cast<std::int64_t>(base->size());
    const std::int64_t from_start = place.integer < 0 ? place.integer + size : place.integer;
    if (from_start >= 0 && from_start < size)
      inner = &(*base)[static_cast<std::size_t>(from_start)];
  } else if (base->is_string()) {
    return wrong(node.at, "an index", "a list (a text has slices: text[0:1])", *base);
  }
  if (inner == nullptr) {
    out.set_undefined(at);
  } else {
    step_into(base, *inner, out);
  }
  return true;
}

bool Evaluator::bound(std::uint32_t node, std::int64_t otherwise, std::int64_t& out) {
  out = otherwise;
  if (node == none) return true;
  Value value;
  Number number;
  if (!need(node, value)) return false;
  if (value->is_null()) return true;
  if (!number_of(*value, number) || !number.whole)
    return wrong(program_.nodes[node].at, "a bound", "an integer", *value);
  out = number.integer;
  return true;
}

namespace {

// Python's meaning of a slice's bound: from the end where negative, clamped to the sequence.
std::int64_t clamped(std::int64_t at, std::int64_t size, bool forward) {
  if (at < 0) at = at < -size ? -1 : at + size;
  if (at < 0) return forward ? 0 : -1;
  return std::min(at, forward ? size : size - 1);
}

}  // namespace

bool Evaluator::slice(const Node& node, Value& out) {
  Value base;
  std::int64_t step = 0;
  if (!need(node.a, base) || !bound(program_.links[node.b + 2], 1, step)) return false;
  if (step == 0 || step < -INT32_MAX || step > INT32_MAX)
    return fail(node.at, "bad_operand", {"a slice's step is an integer of 31 bits and not 0"});
  if (!base->is_array() && !base->is_string())
    return wrong(node.at, "a slice", "a list or a text", *base);
  const bool text = base->is_string();
  const auto size = static_cast<std::int64_t>(text ? utf8_length(text_of(*base)) : base->size());
  if (text && !charge_text(node.at, text_of(*base).size())) return false;
  std::int64_t from = 0;
  std::int64_t to = 0;
  // A bound left out is the end that the step comes from or goes to.
  const std::int64_t first = step > 0 ? 0 : size - 1;
  if (!bound(program_.links[node.b], first, from)) return false;
  from = clamped(from, size, step > 0);
  if (size == 0) from = step > 0 ? 0 : -1;
  const std::int64_t beyond = step > 0 ? size : -size - 1;
  if (!bound(program_.links[node.b + 1], beyond, to)) return false;
  to = clamped(to, size, step > 0);
  if (text) {
    if (step != 1) return fail(node.at, "bad_operand", {"a text's slice has no step"});
    const std::int64_t length = std::max<std::int64_t>(0, to - from);
    out.set(std::string(utf8_part(text_of(*base), static_cast<std::size_t>(from),
                                  static_cast<std::size_t>(length))));
    return true;
  }
  Json part = Json::array();
  for (std::int64_t i = from; step > 0 ? i < to : i > to; i += step) {
    const Json& item = (*base)[static_cast<std::size_t>(i)];
    if (!fits_items(node.at, part.size() + 1) || !charge_value(node.at, item)) return false;
    part.push_back(item);
  }
  out.set(std::move(part));
  return true;
}

bool Evaluator::loop_field(const Node& node, Value& out) {
  const LoopState& loop = loops.back();
  const auto place = static_cast<std::int64_t>(loop.place);
  switch (static_cast<LoopField>(node.op)) {
    case LoopField::index:
      out.set(place + 1);
      break;
    case LoopField::index0:
      out.set(place);
      break;
    case LoopField::first:
      out.set(loop.place == 0);
      break;
    case LoopField::last:
      out.set(loop.place + 1 == loop.count);
      break;
    case LoopField::length:
      out.set(static_cast<std::int64_t>(loop.count));
      break;
  }
  return true;
}

bool Evaluator::list(const Node& node, Value& out) {
  Json items = Json::array();
  if (!charge_items(node.at, node.count)) return false;
  for (std::uint32_t i = 0; i < node.count; ++i) {
    Value item;
    Json owned;
    if (!need(program_.links[node.a + i], item) || !take(node.at, item, owned)) return false;
    items.push_back(std::move(owned));
  }
  out.set(std::move(items));
  return true;
}

bool Evaluator::dict(const Node& node, Value& out) {
  Json members = Json::object();
  if (!charge_items(node.at, node.count)) return false;
  for (std::uint32_t i = 0; i < node.count; ++i) {
    Value key;
    Value value;
    Json owned;
    if (!need(program_.links[node.a + 2 * i], key)) return false;
    if (!key->is_string()) return wrong(node.at, "a dict's key", "a text", *key);
    if (!need(program_.links[node.a + 2 * i + 1], value) || !take(node.at, value, owned))
      return false;
    members[text_of(*key)] = std::move(owned);
  }
  out.set(std::move(members));
  return true;
}

bool Evaluator::negate(const Node& node, Value& out) {
  Value value;
  Number number;
  if (!need(node.a, value)) return false;
  if (!number_of(*value, number))
    return wrong(node.at, node.op == 1 ? "-" : "+", "a number", *value);
  if (node.op == 0) {
    out.set(number.whole ? Json(number.integer) : Json(number.real));
  } else if (!number.whole) {
    out.set(-number.real);
  } else {
    return arithmetic(*this, node.at, '-', 0, *value, out);
  }
  return true;
}

// `and` and `or` give the operand that decided, as in Python.
bool Evaluator::either(const Node& node, Value& out) {
  if (!need(node.a, out)) return false;
  if (truthy(*out) == (node.kind == Kind::logical_or)) return true;
  return need(node.b, out);
}

bool Evaluator::conditional(const Node& node, Value& out) {
  bool truth = false;
  if (!condition(node.a, truth)) return false;
  if (truth || node.c != none) return evaluate(truth ? node.b : node.c, out);
  out.set(std::string());
  return true;
}

bool Evaluator::compare(const Node& node, Value& out) {
  Value a;
  Value b;
  if (!need(node.a, a) || !need(node.b, b)) return false;
  const auto how = static_cast<Comparison>(node.op);
  if (how == Comparison::equal || how == Comparison::unequal) {
    bool same = false;
    if (!equal(*this, node.at, *a, *b, same)) return false;
    out.set(same == (how == Comparison::equal));
    return true;
  }
  int ordered = 0;
  if (!order(*a, *b, ordered)) {
    const bool first = !a->is_number() && !a->is_string();
    return wrong(node.at, "a comparison", "two numbers or two texts", first ? *a : *b);
  }
  const bool holds = how == Comparison::less         ? ordered < 0
                     : how == Comparison::less_equal ? ordered <= 0
                     : how == Comparison::greater    ? ordered > 0
                                                     : ordered >= 0;
  out.set(holds);
  return true;
}

bool Evaluator::contains(const Node& node, Value& out) {
  Value item;
  Value container;
  bool found = false;
  if (!need(node.a, item) || !need(node.b, container) ||
      !prompt::contains(*this, node.at, *item, *container, found))
    return false;
  out.set(found == (node.op == 0));
  return true;
}

bool Evaluator::concat(const Node& node, Value& out) {
  std::string text;
  for (std::uint32_t i = 0; i < node.count; ++i) {
    Value part;
    if (!need(program_.links[node.a + i], part) || !print(node.at, *part, text) ||
        !fits_text(node.at, text.size()))
      return false;
  }
  out.set(std::move(text));
  return true;
}

bool Evaluator::fallback(const Node& node, Value& out) {
  if (!evaluate(node.a, out)) return false;
  bool also_false = false;
  if (node.c != none && !condition(node.c, also_false)) return false;
  if (out.defined() && (!also_false || truthy(*out))) return true;
  return need(node.b, out);
}

bool Evaluator::filter(const Node& node, Value& out) {
  const Filter& filter = filters()[node.op];
  Value subject;
  if (!need(node.a, subject)) return false;
  const auto at = static_cast<std::uint32_t>(&node - program_.nodes.data());
  Call call{*this, at, node.at, filter.name, subject, {}, out};
  for (std::size_t i = 0; i < arguments_max; ++i) {
    call.arguments[i].set_undefined(none);
    const std::uint32_t argument = i < node.count ? program_.links[node.b + i] : none;
    if (argument != none && !need(argument, call.arguments[i])) return false;
  }
  return filter.apply(call);
}

bool Evaluator::test(const Node& node, Value& out) {
  Value subject;
  if (!evaluate(node.a, subject)) return false;
  bool holds = false;
  if (node.op == predicate_defined || node.op == predicate_undefined) {
    holds = subject.defined() == (node.op == predicate_defined);
  } else {
    if (!subject.defined()) return undefined(subject.missing());
    const Predicate& predicate = predicates()[node.op];
    Value argument;
    if (node.b != none && !need(node.b, argument)) return false;
    if (!predicate.holds(*this, node.at, predicate.op, *subject,
                         node.b == none ? nullptr : &*argument, holds))
      return false;
  }
  out.set(holds == (node.c == 0));
  return true;
}

bool Evaluator::range(const Node& node, Value& out) {
  const std::uint32_t* given = &program_.links[node.a];
  std::int64_t start = 0;
  std::int64_t stop = 0;
  std::int64_t step = 1;
  if (!bound(given[0], 0, start) || !bound(given[1], 0, stop) || !bound(given[2], 1, step))
    return false;
  if (given[1] == none) {
    stop = start;
    start = 0;
  }
  constexpr std::int64_t bound_max = INT32_MAX;
  for (const std::int64_t number : {start, stop, step}) {
    if (number < -bound_max || number > bound_max || step == 0)
      return fail(node.at, "bad_operand",
                  {"range takes integers of 31 bits, and a step that is not 0"});
  }
  const std::int64_t span = step > 0 ? stop - start : start - stop;
  const std::int64_t stride = step > 0 ? step : -step;
  const std::int64_t count = span <= 0 ? 0 : (span + stride - 1) / stride;
  if (!charge_items(node.at, static_cast<std::size_t>(count))) return false;
  Json numbers = Json::array();
  for (std::int64_t i = 0; i < count; ++i)
    numbers.push_back(start + i * step);
  out.set(std::move(numbers));
  return true;
}

}  // namespace redoubt::prompt
