#include "engine/prompt/filters.hpp"

#include "engine/prompt/operators.hpp"

namespace redoubt::prompt {

std::span<const Filter> filters() {
  static const std::vector<Filter> all = [] {
    std::vector<Filter> both(text_filters().begin(), text_filters().end());
    both.insert(both.end(), list_filters().begin(), list_filters().end());
    return both;
  }();
  return all;
}

bool text_argument(Call& call, std::size_t place, std::string_view& out) {
  if (!call.given(place)) return true;
  const Json& value = *call.arguments[place];
  if (!value.is_string()) return call.wrong("a text as argument", value);
  out = *value.get_ptr<const std::string*>();
  return true;
}

bool integer_argument(Call& call, std::size_t place, std::int64_t low, std::int64_t high,
                      std::int64_t& out) {
  if (!call.given(place)) return true;
  const Json& value = *call.arguments[place];
  Number number;
  if (number_of(value, number) && number.whole && number.integer >= low && number.integer <= high) {
    out = number.integer;
    return true;
  }
  const std::string expected = joined({"an integer from ", low, " to ", high, " as argument"});
  return call.wrong(expected.c_str(), value);
}

bool flag_argument(Call& call, std::size_t place, bool& out) {
  if (call.given(place)) out = truthy(*call.arguments[place]);
  return true;
}

}  // namespace redoubt::prompt
