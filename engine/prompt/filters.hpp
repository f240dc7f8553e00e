// The table of filters: `value | name(arguments)`.
//
// Internal to engine/prompt.
#pragma once

#include <array>
#include <span>

#include "engine/prompt/evaluator.hpp"

namespace redoubt::prompt {

inline constexpr std::size_t arguments_max = 3;

/// One use of a filter, its operands evaluated. `subject` is defined; an argument that was not
/// given is undefined.
struct Call {
  Evaluator& run;
  std::uint32_t node;
  std::uint32_t at;
  const char* name;
  Value& subject;
  std::array<Value, arguments_max> arguments;
  Value& out;

  bool given(std::size_t place) const { return arguments[place].defined(); }
  bool wrong(const char* expected, const Json& got) const {
    return run.wrong(at, name, expected, got);
  }
};

struct Filter {
  const char* name;
  bool (*apply)(Call&);
  const char* parameters;  ///< names, comma separated, in order; "" for none
  std::size_t required;    ///< how many of them must be given
};

/// Texts' and numbers' first, then lists'; each by name.
std::span<const Filter> filters();
/// The tables they come from: of texts and numbers, and of lists and objects.
std::span<const Filter> text_filters();
std::span<const Filter> list_filters();

// Reading an argument; `fallback` where it was not given.
bool text_argument(Call& call, std::size_t place, std::string_view& out);
bool integer_argument(Call& call, std::size_t place, std::int64_t low, std::int64_t high,
                      std::int64_t& out);
bool flag_argument(Call& call, std::size_t place, bool& out);

}  // namespace redoubt::prompt
