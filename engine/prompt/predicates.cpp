#include "engine/prompt/predicates.hpp"

#include <array>

#include "engine/prompt/operators.hpp"

namespace redoubt::prompt {
namespace {

enum Type : int { null, boolean, number, integer, real, text, list, dict, iterable, yes, no };

bool of_type(Evaluator&, std::uint32_t, int op, const Json& value, const Json*, bool& out) {
  switch (op) {
    case null:
      out = value.is_null();
      break;
    case boolean:
      out = value.is_boolean();
      break;
    case number:
      out = value.is_number();
      break;
    case integer:
      out = value.is_number_integer();
      break;
    case real:
      out = value.is_number_float();
      break;
    case text:
      out = value.is_string();
      break;
    case list:
      out = value.is_array();
      break;
    case dict:
      out = value.is_object();
      break;
    case iterable:
      out = value.is_structured();
      break;
    default:
      out = value.is_boolean() && *value.get_ptr<const bool*>() == (op == yes);
  }
  return true;
}

bool compared(Evaluator& run, std::uint32_t at, int op, const Json& value, const Json* argument,
              bool& out) {
  const auto how = static_cast<Comparison>(op);
  if (how == Comparison::equal || how == Comparison::unequal) {
    if (!equal(run, at, value, *argument, out)) return false;
    out = out == (how == Comparison::equal);
    return true;
  }
  int ordered = 0;
  if (!order(value, *argument, ordered))
    return run.wrong(at, "a comparison", "two numbers or two texts", value);
  out = how == Comparison::less         ? ordered < 0
        : how == Comparison::less_equal ? ordered <= 0
        : how == Comparison::greater    ? ordered > 0
                                        : ordered >= 0;
  return true;
}

bool within(Evaluator& run, std::uint32_t at, int, const Json& value, const Json* argument,
            bool& out) {
  return contains(run, at, value, *argument, out);
}

// even, odd and divisibleby: `op` is the rest by 2, or -1 for the argument's multiple.
bool divided(Evaluator& run, std::uint32_t at, int op, const Json& value, const Json* argument,
             bool& out) {
  Number number_;
  Number by;
  if (!number_of(value, number_) || !number_.whole)
    return run.wrong(at, "this test", "an integer", value);
  if (op >= 0) {
    out = (number_.integer % 2 != 0) == (op == 1);
    return true;
  }
  if (!number_of(*argument, by) || !by.whole || by.integer == 0)
    return run.wrong(at, "divisibleby", "an integer that is not 0", *argument);
  out = by.integer == -1 || number_.integer % by.integer == 0;
  return true;
}

constexpr int op(Comparison how) {
  return static_cast<int>(how);
}

constexpr std::array<Predicate, 32> table{{
    {"defined", of_type, 0, false},
    {"undefined", of_type, 0, false},
    {"none", of_type, null, false},
    {"boolean", of_type, boolean, false},
    {"number", of_type, number, false},
    {"integer", of_type, integer, false},
    {"float", of_type, real, false},
    {"string", of_type, text, false},
    {"sequence", of_type, list, false},
    {"mapping", of_type, dict, false},
    {"iterable", of_type, iterable, false},
    {"true", of_type, yes, false},
    {"false", of_type, no, false},
    {"even", divided, 0, false},
    {"odd", divided, 1, false},
    {"divisibleby", divided, -1, true},
    {"in", within, 0, true},
    {"eq", compared, op(Comparison::equal), true},
    {"equalto", compared, op(Comparison::equal), true},
    {"==", compared, op(Comparison::equal), true},
    {"ne", compared, op(Comparison::unequal), true},
    {"!=", compared, op(Comparison::unequal), true},
    {"lt", compared, op(Comparison::less), true},
    {"lessthan", compared, op(Comparison::less), true},
    {"<", compared, op(Comparison::less), true},
    {"le", compared, op(Comparison::less_equal), true},
    {"<=", compared, op(Comparison::less_equal), true},
    {"gt", compared, op(Comparison::greater), true},
    {"greaterthan", compared, op(Comparison::greater), true},
    {">", compared, op(Comparison::greater), true},
    {"ge", compared, op(Comparison::greater_equal), true},
    {">=", compared, op(Comparison::greater_equal), true},
}};

}  // namespace

std::span<const Predicate> predicates() {
  return table;
}

std::uint32_t find_predicate(std::string_view name) {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (table[i].name == name) return static_cast<std::uint32_t>(i);
  }
  return none;
}

}  // namespace redoubt::prompt
