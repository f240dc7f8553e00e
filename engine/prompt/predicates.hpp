// The table of tests: `value is name(argument)`, and what selectattr and rejectattr name.
//
// Internal to engine/prompt.
#pragma once

#include <span>

#include "engine/prompt/evaluator.hpp"

namespace redoubt::prompt {

struct Predicate {
  const char* name;
  /// `argument` is null unless takes_argument; `op` tells the kinds of one function apart.
  bool (*holds)(Evaluator& run, std::uint32_t at, int op, const Json& value, const Json* argument,
                bool& out);
  int op;
  bool takes_argument;
};

/// The first two are `defined` and `undefined`, which the evaluator answers itself.
std::span<const Predicate> predicates();
inline constexpr std::size_t predicate_defined = 0;
inline constexpr std::size_t predicate_undefined = 1;
/// The place in the table, or none.
std::uint32_t find_predicate(std::string_view name);

}  // namespace redoubt::prompt
