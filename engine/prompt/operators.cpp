#include "engine/prompt/operators.hpp"

#include <cmath>

#include "engine/prompt/text_search.hpp"

namespace redoubt::prompt {
namespace {

constexpr double whole_bound = 9007199254740992.0;  // 2^53

const std::string& text_of(const Json& value) {
  return *value.get_ptr<const std::string*>();
}

double real_of(const Json& value) {
  if (value.is_number_float()) return *value.get_ptr<const double*>();
  if (value.is_number_unsigned())
    return static_cast<double>(*value.get_ptr<const std::uint64_t*>());
  return static_cast<double>(*value.get_ptr<const std::int64_t*>());
}

// How an integer beyond 63 bits stands to others.
bool beyond(const Json& value) {
  return value.is_number_unsigned() && *value.get_ptr<const std::uint64_t*>() > INT64_MAX;
}

std::int64_t integer_of(const Json& value) {
  return value.is_number_unsigned()
             ? static_cast<std::int64_t>(*value.get_ptr<const std::uint64_t*>())
             : *value.get_ptr<const std::int64_t*>();
}

template <class T>
int sign_of(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

bool overflow(Evaluator& run, std::uint32_t at) {
  return run.fail(at, "bad_operand", {"the result is no integer of 64 bits"});
}

bool divide(Evaluator& run, std::uint32_t at, char sign, std::int64_t a, std::int64_t b,
            Value& out) {
  if (a == INT64_MIN && b == -1) {
    if (sign != '%') return overflow(run, at);
    out.set(std::int64_t{0});
    return true;
  }
  std::int64_t quotient = a / b;
  std::int64_t rest = a % b;
  if (sign == '/') {
    out.set(rest == 0 ? Json(quotient) : Json(static_cast<double>(a) / static_cast<double>(b)));
    return true;
  }
  if (rest != 0 && (rest < 0) != (b < 0)) {  // towards minus infinity, as Python
    --quotient;
    rest += b;
  }
  out.set(sign == '%' ? rest : quotient);
  return true;
}

bool integers(Evaluator& run, std::uint32_t at, char sign, std::int64_t a, std::int64_t b,
              Value& out) {
  std::int64_t result = 0;
  bool over = false;
  switch (sign) {
    case '+':
      over = __builtin_add_overflow(a, b, &result);
      break;
    case '-':
      over = __builtin_sub_overflow(a, b, &result);
      break;
    case '*':
      over = __builtin_mul_overflow(a, b, &result);
      break;
    default:
      return divide(run, at, sign, a, b, out);
  }
  if (over) return overflow(run, at);
  out.set(result);
  return true;
}

bool reals(Evaluator& run, std::uint32_t at, char sign, double a, double b, Value& out) {
  double result = 0;
  switch (sign) {
    case '+':
      result = a + b;
      break;
    case '-':
      result = a - b;
      break;
    case '*':
      result = a * b;
      break;
    case '/':
      result = a / b;
      break;
    case '#':
      result = std::floor(a / b);
      break;
    default:
      result = std::fmod(a, b);
      if (result != 0 && (result < 0) != (b < 0)) result += b;
  }
  if (!std::isfinite(result))
    return run.fail(at, "bad_operand", {"the result is no finite number"});
  out.set(result);
  return true;
}

// A text or a list, so many times over.
bool repeat(Evaluator& run, std::uint32_t at, const Json& what, std::int64_t times, Value& out) {
  const std::size_t size = what.is_string() ? text_of(what).size() : what.size();
  const std::size_t count = times > 0 && size > 0 ? static_cast<std::size_t>(times) : 0;
  // The bounds are far below where this product could wrap.
  const std::size_t bound = what.is_string() ? run.limits().text_bytes_max : run.limits().items_max;
  const std::size_t total = count > bound ? bound + 1 : size * count;
  if (what.is_string()) {
    if (!run.charge_text(at, total)) return false;
    std::string text;
    text.reserve(total);
    for (std::size_t i = 0; i < count; ++i)
      text += text_of(what);
    out.set(std::move(text));
    return true;
  }
  if (!run.charge_items(at, total)) return false;
  Json items = Json::array();
  for (std::size_t i = 0; i < count; ++i) {
    if (!run.charge_value(at, what)) return false;
    for (const Json& item : what)
      items.push_back(item);
  }
  out.set(std::move(items));
  return true;
}

bool add(Evaluator& run, std::uint32_t at, const Json& a, const Json& b, Value& out) {
  if (a.is_string()) {
    if (!run.charge_text(at, text_of(a).size() + text_of(b).size())) return false;
    out.set(text_of(a) + text_of(b));
    return true;
  }
  if (!run.charge_items(at, a.size() + b.size()) || !run.charge_value(at, a) ||
      !run.charge_value(at, b))
    return false;
  Json items = a;
  for (const Json& item : b)
    items.push_back(item);
  out.set(std::move(items));
  return true;
}

bool equal_inside(Evaluator& run, std::uint32_t at, const Json& a, const Json& b, int depth,
                  bool& out);

bool equal_items(Evaluator& run, std::uint32_t at, const Json& a, const Json& b, int depth,
                 bool& out) {
  if (depth >= json_depth_max)
    return run.over_limit(at, "json_depth_max", static_cast<std::size_t>(json_depth_max));
  out = a.size() == b.size();
  auto other = b.begin();
  for (auto item = a.begin(); out && item != a.end(); ++item, ++other) {
    if (a.is_object() && item.key() != other.key()) out = false;
    if (out && !equal_inside(run, at, *item, *other, depth + 1, out)) return false;
  }
  return true;
}

bool equal_inside(Evaluator& run, std::uint32_t at, const Json& a, const Json& b, int depth,
                  bool& out) {
  if (!run.charge(at, 1)) return false;
  if (a.is_number() && b.is_number()) {
    out = order_numbers(a, b) == 0;
  } else if (a.type() != b.type()) {
    out = false;
  } else if (a.is_structured()) {
    return equal_items(run, at, a, b, depth, out);
  } else if (a.is_string()) {
    out = text_of(a) == text_of(b);
    return run.charge(at, text_of(a).size() / 256);
  } else {
    out = a.is_null() || *a.get_ptr<const bool*>() == *b.get_ptr<const bool*>();
  }
  return true;
}

const char* name_of(char sign, const char (&single)[2]) {
  return sign == '#' ? "//" : single;
}

}  // namespace

bool number_of(const Json& value, Number& out) {
  if (!value.is_number() || beyond(value)) return false;
  out.whole = !value.is_number_float();
  out.integer = out.whole ? integer_of(value) : 0;
  out.real = real_of(value);
  return true;
}

int order_numbers(const Json& a, const Json& b) {
  if (a.is_number_float() || b.is_number_float()) return sign_of(real_of(a), real_of(b));
  if (beyond(a) && beyond(b))
    return sign_of(*a.get_ptr<const std::uint64_t*>(), *b.get_ptr<const std::uint64_t*>());
  if (beyond(a)) return 1;
  if (beyond(b)) return -1;
  return sign_of(integer_of(a), integer_of(b));
}

bool order(const Json& a, const Json& b, int& out) {
  if (a.is_number() && b.is_number()) {
    out = order_numbers(a, b);
    return true;
  }
  if (!a.is_string() || !b.is_string()) return false;
  out = sign_of(text_of(a).compare(text_of(b)), 0);  // UTF-8 sorts as its code points
  return true;
}

bool equal(Evaluator& run, std::uint32_t at, const Json& a, const Json& b, bool& out) {
  return equal_inside(run, at, a, b, 0, out);
}

bool contains(Evaluator& run, std::uint32_t at, const Json& item, const Json& container,
              bool& out) {
  out = false;
  if (container.is_array()) {
    for (const Json& each : container) {
      if (!equal(run, at, item, each, out)) return false;
      if (out) break;
    }
    return true;
  }
  if (!container.is_string() && !container.is_object())
    return run.wrong(at, "in", "a list, a dict or a text to look in", container);
  if (!item.is_string()) return run.wrong(at, "in", "a text to look for", item);
  if (container.is_object()) {
    out = Evaluator::member(container, text_of(item)) != nullptr;
    return true;
  }
  const std::string& text = text_of(container);
  const std::string& part = text_of(item);
  if (!run.charge(at, (text.size() + part.size()) / 32)) return false;
  out = part.empty() ||
        (part.size() <= text.size() && TextSearch(part).find(text) != std::string_view::npos);
  return true;
}

bool arithmetic(Evaluator& run, std::uint32_t at, char sign, const Json& a, const Json& b,
                Value& out) {
  Number x;
  Number y;
  if (number_of(a, x) && number_of(b, y)) {
    if ((sign == '/' || sign == '#' || sign == '%') && y.real == 0)
      return run.fail(at, "bad_operand", {"division by zero"});
    if (x.whole && y.whole) return integers(run, at, sign, x.integer, y.integer, out);
    return reals(run, at, sign, x.real, y.real, out);
  }
  if (sign == '+' && a.type() == b.type() && (a.is_string() || a.is_array()))
    return add(run, at, a, b, out);
  if (sign == '*' && (a.is_string() || a.is_array()) && number_of(b, y) && y.whole)
    return repeat(run, at, a, y.integer, out);
  const char single[2] = {sign, '\0'};
  const bool first = !a.is_number() || beyond(a);
  const char* const expected =
      sign == '+'   ? "two numbers, two texts or two lists (~ puts any values together)"
      : sign == '*' ? "two numbers, or a text or list and an integer"
                    : "two numbers";
  return run.wrong(at, name_of(sign, single), expected, first ? a : b);
}

Json whole_if_even(double value) {
  if (value > -whole_bound && value < whole_bound && std::floor(value) == value)
    return static_cast<std::int64_t>(value);
  return value;
}

}  // namespace redoubt::prompt
