#include <algorithm>
#include <array>

#include "engine/base/ascii.hpp"
#include "engine/base/stable_order.hpp"
#include "engine/prompt/filters.hpp"
#include "engine/prompt/operators.hpp"
#include "engine/prompt/predicates.hpp"
#include "engine/prompt/utf8.hpp"

namespace redoubt::prompt {
namespace {

const std::string& text_of(const Json& value) {
  return *value.get_ptr<const std::string*>();
}

// The subject as a list, its elements' visit paid; a dict is the list of its keys.
bool subject_list(Call& call) {
  Value& subject = call.subject;
  if (subject->is_object()) {
    if (!call.run.charge_value(call.at, *subject)) return false;
    Json keys = Json::array();
    for (auto member = subject->begin(); member != subject->end(); ++member)
      keys.push_back(member.key());
    subject.set(std::move(keys));
  }
  if (!subject->is_array()) return call.wrong("a list", *subject);
  return call.run.charge(call.at, subject->size());
}

bool push(Call& call, Json& items, const Json& item) {
  if (!call.run.fits_items(call.at, items.size() + 1) || !call.run.charge_value(call.at, item))
    return false;
  items.push_back(item);
  return true;
}

bool give(Call& call, Json value) {
  call.out.set(std::move(value));
  return true;
}

// One element of the subject leaves it: moved where the subject is a temporary.
bool give_element(Call& call, std::size_t place) {
  const Json& element = (*call.subject)[place];
  if (call.subject.borrowed()) {
    call.out.borrow(element);
    return true;
  }
  return give(call, Json(std::move(call.subject.own()[place])));
}

// What an element is compared, summed or joined by: itself, or what lies at a dotted path in it.
bool key_of(Call& call, const Json& item, std::string_view attribute, const Json*& out) {
  out = attribute.empty() ? &item : Evaluator::at_path(item, attribute);
  if (!call.run.charge(call.at, 1 + attribute.size() / 8)) return false;
  if (out != nullptr) return true;
  return call.run.fail(call.at, "undefined_name", {call.name, ": an element has no ", attribute},
                       {"elements with ", attribute}, {describe(item)});
}

char folded(char c) {
  return ascii_lower(c);
}

// Texts by code points, ASCII letters alike unless the case counts.
int order_folded(const std::string& a, const std::string& b) {
  const std::size_t both = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < both; ++i) {
    const auto x = static_cast<unsigned char>(folded(a[i]));
    const auto y = static_cast<unsigned char>(folded(b[i]));
    if (x != y) return x < y ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

int order_keys(const Json& a, const Json& b, bool case_counts) {
  int ordered = 0;
  if (!case_counts && a.is_string()) return order_folded(text_of(a), text_of(b));
  order(a, b, ordered);
  return ordered;
}

// The keys of all elements, all numbers or all texts.
bool ordered_keys(Call& call, std::string_view attribute, std::vector<const Json*>& keys) {
  for (const Json& item : *call.subject) {
    const Json* key = nullptr;
    if (!key_of(call, item, attribute, key)) return false;
    const bool fits = key->is_number() || key->is_string();
    if (!fits || (!keys.empty() && keys.front()->is_string() != key->is_string()))
      return call.wrong("only numbers or only texts", *key);
    keys.push_back(key);
  }
  return true;
}

bool length(Call& call) {
  const Json& value = *call.subject;
  if (value.is_string()) {
    if (!call.run.charge(call.at, text_of(value).size() / 32)) return false;
    return give(call, static_cast<std::int64_t>(utf8_length(text_of(value))));
  }
  if (!value.is_structured()) return call.wrong("a text, a list or a dict", value);
  return give(call, static_cast<std::int64_t>(value.size()));
}

bool end_of(Call& call, bool last) {
  if (call.subject->is_string()) return call.wrong("a list", *call.subject);
  if (!subject_list(call)) return false;
  const std::size_t size = call.subject->size();
  if (size > 0) return give_element(call, last ? size - 1 : 0);
  call.out.set_undefined(call.node);
  return true;
}

bool first(Call& call) {
  return end_of(call, false);
}

bool last(Call& call) {
  return end_of(call, true);
}

// min and max: the first of equals.
bool extreme(Call& call, int wanted) {
  bool case_counts = false;
  std::string_view attribute;
  std::vector<const Json*> keys;
  if (!subject_list(call) || !flag_argument(call, 0, case_counts) ||
      !text_argument(call, 1, attribute) || !ordered_keys(call, attribute, keys))
    return false;
  if (keys.empty()) {
    call.out.set_undefined(call.node);
    return true;
  }
  std::size_t best = 0;
  for (std::size_t i = 1; i < keys.size(); ++i) {
    if (order_keys(*keys[i], *keys[best], case_counts) == wanted) best = i;
  }
  return give_element(call, best);
}

bool minimum(Call& call) {
  return extreme(call, -1);
}

bool maximum(Call& call) {
  return extreme(call, 1);
}

bool sort(Call& call) {
  bool reverse = false;
  bool case_counts = false;
  std::string_view attribute;
  std::vector<const Json*> keys;
  if (!subject_list(call) || !flag_argument(call, 0, reverse) ||
      !flag_argument(call, 1, case_counts) || !text_argument(call, 2, attribute) ||
      !ordered_keys(call, attribute, keys))
    return false;
  struct Context {
    const std::vector<const Json*>& keys;
    bool reverse;
    bool case_counts;
  };
  const Context context{keys, reverse, case_counts};
  const ComesBefore before = [](const void* c, std::uint32_t a, std::uint32_t b) {
    const Context& by = *static_cast<const Context*>(c);
    const int ordered = order_keys(*by.keys[a], *by.keys[b], by.case_counts);
    return by.reverse ? ordered > 0 : ordered < 0;
  };
  // Some log2(n) comparisons for each element, each of which may read a text.
  if (!call.run.charge(call.at, 16 * keys.size()) || !call.run.charge_value(call.at, *call.subject))
    return false;
  const auto order = stable_order(static_cast<std::uint32_t>(keys.size()), before, &context);
  if (order.empty()) {
    call.out = std::move(call.subject);
    return true;
  }
  Json sorted = Json::array();
  for (const std::uint32_t place : order) {
    if (!push(call, sorted, (*call.subject)[place])) return false;
  }
  return give(call, std::move(sorted));
}

bool unique(Call& call) {
  bool case_counts = false;
  std::string_view attribute;
  if (!subject_list(call) || !flag_argument(call, 0, case_counts) ||
      !text_argument(call, 1, attribute))
    return false;
  Json items = Json::array();
  std::vector<const Json*> keys;
  for (const Json& item : *call.subject) {
    const Json* key = nullptr;
    bool seen = false;
    if (!key_of(call, item, attribute, key)) return false;
    for (std::size_t i = 0; i < keys.size() && !seen; ++i) {
      const bool texts = keys[i]->is_string() && key->is_string();
      if (!call.run.charge(call.at, 1)) return false;
      if (texts && !case_counts) {
        if (!call.run.charge(call.at, text_of(*key).size() / 32)) return false;
        seen = order_folded(text_of(*keys[i]), text_of(*key)) == 0;
      } else if (!equal(call.run, call.at, *keys[i], *key, seen)) {
        return false;
      }
    }
    if (seen) continue;
    keys.push_back(key);
    if (!push(call, items, item)) return false;
  }
  return give(call, std::move(items));
}

bool reverse(Call& call) {
  if (!subject_list(call)) return false;
  Json items = Json::array();
  for (std::size_t i = call.subject->size(); i-- > 0;) {
    if (!push(call, items, (*call.subject)[i])) return false;
  }
  return give(call, std::move(items));
}

// A text's characters, a dict's keys, a list itself.
bool list(Call& call) {
  if (!call.subject->is_string()) {
    if (!subject_list(call)) return false;
    call.out = std::move(call.subject);
    return true;
  }
  std::string_view text = text_of(*call.subject);
  Json items = Json::array();
  while (!text.empty()) {
    const std::size_t size = utf8_offset(text, 1);
    if (!push(call, items, std::string(text.substr(0, size)))) return false;
    text.remove_prefix(size);
  }
  return give(call, std::move(items));
}

bool join(Call& call) {
  std::string_view between;
  std::string_view attribute;
  std::string text;
  if (!subject_list(call) || !text_argument(call, 0, between) || !text_argument(call, 1, attribute))
    return false;
  bool begun = false;
  for (const Json& item : *call.subject) {
    const Json* part = nullptr;
    if (!key_of(call, item, attribute, part)) return false;
    if (begun) text += between;
    begun = true;
    if (!call.run.charge_text(call.at, between.size()) || !call.run.print(call.at, *part, text) ||
        !call.run.fits_text(call.at, text.size()))
      return false;
  }
  return give(call, std::move(text));
}

bool sum(Call& call) {
  std::string_view attribute;
  if (!subject_list(call) || !text_argument(call, 0, attribute)) return false;
  Value total;
  total.set(0);
  if (call.given(1)) total = call.arguments[1];
  for (const Json& item : *call.subject) {
    const Json* number = nullptr;
    Value next;
    if (!key_of(call, item, attribute, number)) return false;
    if (!number->is_number()) return call.wrong("numbers", *number);
    if (!arithmetic(call.run, call.at, '+', *total, *number, next)) return false;
    total = std::move(next);
  }
  call.out = std::move(total);
  return true;
}

// The three views of a dict, by its sorted keys.
bool members(Call& call, bool with_key, bool with_value) {
  const Json& dict = *call.subject;
  if (!dict.is_object()) return call.wrong("a dict", dict);
  Json items = Json::array();
  for (auto member = dict.begin(); member != dict.end(); ++member) {
    Json pair = Json::array();
    if (with_key) pair.push_back(member.key());
    if (with_value) {
      if (!call.run.charge_value(call.at, *member)) return false;
      pair.push_back(*member);
    }
    if (!call.run.charge(call.at, 2 + member.key().size() / 32) ||
        !call.run.fits_items(call.at, items.size() + 1))
      return false;
    items.push_back(with_key && with_value ? std::move(pair) : Json(std::move(pair[0])));
  }
  return give(call, std::move(items));
}

bool items(Call& call) {
  return members(call, true, true);
}

bool keys(Call& call) {
  return members(call, true, false);
}

bool values(Call& call) {
  return members(call, false, true);
}

// One filter without arguments, by name, on each element.
bool map_filter(Call& call, std::string_view name) {
  const auto all = filters();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Filter& f) { return f.name == name; });
  if (found == all.end() || found->required > 0)
    return call.wrong("the name of a filter that needs no argument", *call.arguments[0]);
  Json items = Json::array();
  for (const Json& item : *call.subject) {
    Value subject;
    Value out;
    subject.borrow(item);
    Call each{call.run, call.node, call.at, found->name, subject, {}, out};
    for (Value& argument : each.arguments)
      argument.set_undefined(none);
    if (!found->apply(each)) return false;
    if (!out.defined())
      return call.run.fail(call.at, "undefined_name",
                           {"map: the ", found->name, " of nothing is not defined"});
    if (!push(call, items, *out)) return false;
  }
  return give(call, std::move(items));
}

bool map(Call& call) {
  std::string_view filter;
  std::string_view attribute;
  if (!subject_list(call) || !text_argument(call, 0, filter) || !text_argument(call, 1, attribute))
    return false;
  if (call.given(0) == call.given(1))
    return call.run.fail(call.at, "bad_operand",
                         {"map: give either a filter's name or attribute=\"...\""});
  if (call.given(0)) return map_filter(call, filter);
  Json items = Json::array();
  for (const Json& item : *call.subject) {
    const Json* value = Evaluator::at_path(item, attribute);
    if (value == nullptr && call.given(2)) value = &*call.arguments[2];
    if (value == nullptr && !key_of(call, item, attribute, value)) return false;
    if (!call.run.charge(call.at, 1 + attribute.size() / 8) || !push(call, items, *value))
      return false;
  }
  return give(call, std::move(items));
}

// Whether the test named by argument `place` holds for `value`; null is undefined.
bool holds(Call& call, std::size_t place, const Json* value, bool& out) {
  std::string_view name;
  if (!text_argument(call, place, name)) return false;
  const std::uint32_t found = call.given(place) ? find_predicate(name) : none;
  if (call.given(place) && found == none)
    return call.wrong("a test's name", *call.arguments[place]);
  out = value != nullptr;
  if (found == predicate_defined) return true;
  if (found == predicate_undefined) {
    out = !out;
    return true;
  }
  if (value == nullptr)
    return call.run.fail(call.at, "undefined_name",
                         {call.name, ": an element has no ", text_of(*call.arguments[0])});
  if (found == none) {
    out = truthy(*value);
    return true;
  }
  const Predicate& predicate = predicates()[found];
  if (predicate.takes_argument != call.given(place + 1))
    return call.run.fail(call.at, "bad_operand",
                         {"the test ", name,
                          predicate.takes_argument ? " needs an argument" : " takes no argument"});
  return predicate.holds(call.run, call.at, predicate.op, *value,
                         predicate.takes_argument ? &*call.arguments[place + 1] : nullptr, out);
}

bool chosen(Call& call, bool by_attribute, bool wanted) {
  std::string_view attribute;
  if (!subject_list(call) || (by_attribute && !text_argument(call, 0, attribute))) return false;
  Json items = Json::array();
  for (const Json& item : *call.subject) {
    const Json* value = by_attribute ? Evaluator::at_path(item, attribute) : &item;
    bool truth = false;
    if (!call.run.charge(call.at, 1 + attribute.size() / 8) ||
        !holds(call, by_attribute ? 1 : 0, value, truth))
      return false;
    if (truth == wanted && !push(call, items, item)) return false;
  }
  return give(call, std::move(items));
}

bool select(Call& call) {
  return chosen(call, false, true);
}

bool reject(Call& call) {
  return chosen(call, false, false);
}

bool selectattr(Call& call) {
  return chosen(call, true, true);
}

bool rejectattr(Call& call) {
  return chosen(call, true, false);
}

// `batch`: groups of so many; `slice`: so many groups, the first ones longer by one.
bool grouped(Call& call, bool by_size) {
  std::int64_t number = 1;
  if (!subject_list(call) || !integer_argument(call, 0, 1, INT32_MAX, number)) return false;
  const std::size_t total = call.subject->size();
  const auto given = static_cast<std::size_t>(number);
  const std::size_t count = by_size ? (total + given - 1) / given : given;
  if (!call.run.charge_items(call.at, count)) return false;
  Json groups = Json::array();
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t share = total / given + (i < total % given ? 1 : 0);
    const std::size_t end = by_size ? std::min(total, next + given) : next + share;
    Json group = Json::array();
    for (; next < end; ++next) {
      if (!push(call, group, (*call.subject)[next])) return false;
    }
    const std::size_t full = by_size ? given : total / given + (total % given != 0 ? 1 : 0);
    while (call.given(1) && group.size() < full) {
      if (!push(call, group, *call.arguments[1])) return false;
    }
    groups.push_back(std::move(group));
  }
  return give(call, std::move(groups));
}

bool batch(Call& call) {
  return grouped(call, true);
}

bool slice(Call& call) {
  return grouped(call, false);
}

constexpr std::array table{
    Filter{"batch", batch, "linecount,fill_with", 1},
    Filter{"count", length, "", 0},
    Filter{"first", first, "", 0},
    Filter{"items", items, "", 0},
    Filter{"join", join, "d,attribute", 0},
    Filter{"keys", keys, "", 0},
    Filter{"last", last, "", 0},
    Filter{"length", length, "", 0},
    Filter{"list", list, "", 0},
    Filter{"map", map, "filter,attribute,default", 0},
    Filter{"max", maximum, "case_sensitive,attribute", 0},
    Filter{"min", minimum, "case_sensitive,attribute", 0},
    Filter{"reject", reject, "test,value", 0},
    Filter{"rejectattr", rejectattr, "attribute,test,value", 1},
    Filter{"reverse", reverse, "", 0},
    Filter{"select", select, "test,value", 0},
    Filter{"selectattr", selectattr, "attribute,test,value", 1},
    Filter{"slice", slice, "slices,fill_with", 1},
    Filter{"sort", sort, "reverse,case_sensitive,attribute", 0},
    Filter{"sum", sum, "attribute,start", 0},
    Filter{"unique", unique, "case_sensitive,attribute", 0},
    Filter{"values", values, "", 0},
};

}  // namespace

std::span<const Filter> list_filters() {
  return table;
}

}  // namespace redoubt::prompt
