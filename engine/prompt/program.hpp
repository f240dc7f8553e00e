// A compiled template or expression: flat arrays of nodes (expressions) and steps (statements).
//
// 1. A node's operands come before it, so a program has no cycle; its depth is bounded at
//    compilation, so evaluating it may recurse.
// 2. Steps run in order; only jump, jump_unless, for_begin and for_next go elsewhere, and every
//    backward jump is a for_next, which spends work.
//
// Internal to engine/prompt.
#pragma once

#include "engine/prompt/expression.hpp"
#include "engine/prompt/value.hpp"

namespace redoubt::prompt {

enum class Kind : std::uint8_t {
  constant,     ///< a: constant
  path,         ///< links a..a+count: names, the root first; op 1: a variable; c: read or none
  attribute,    ///< a: node, b: name
  index,        ///< a: node, b: node
  slice,        ///< a: node, links b..b+3: from, to, step or none
  loop_field,   ///< op: LoopField
  list,         ///< links a..a+count: nodes
  dict,         ///< links a..a+2*count: key node, value node
  negate,       ///< a
  logical_not,  ///< a
  logical_and,  ///< a, b
  logical_or,   ///< a, b
  conditional,  ///< a: condition, b: then, c: else or none
  compare,      ///< op: Comparison, a, b
  contains,     ///< op 1: not; a: item, b: container
  arithmetic,   ///< op: the character of the operator ('#' is //), a, b
  concat,       ///< links a..a+count: nodes
  fallback,     ///< a: subject, b: what stands in, c: node or none: also for a false subject
  filter,       ///< op: place in the table, a: subject, links b..b+count: nodes or none
  test,         ///< op: place in the table, a: subject, b: argument or none, c 1: not
  range,        ///< links a..a+count: nodes
};

enum class LoopField : std::uint8_t { index, index0, first, last, length };
enum class Comparison : std::uint8_t { equal, unequal, less, less_equal, greater, greater_equal };

inline constexpr std::uint32_t none = 0xffffffff;

struct Node {
  Kind kind = Kind::constant;
  std::uint8_t op = 0;
  std::uint16_t count = 0;
  std::uint32_t at = 0;  ///< offset in the source
  std::uint32_t a = none;
  std::uint32_t b = none;
  std::uint32_t c = none;
};

enum class Action : std::uint8_t {
  text,         ///< a: offset in the source, b: bytes
  print,        ///< a: node
  set,          ///< a: name, b: node
  jump,         ///< target
  jump_unless,  ///< a: node, target
  for_begin,    ///< a: name, b: second name or none, c: node, target: where an empty list goes
  for_next,     ///< target: the first step of the body
};

struct Step {
  Action action = Action::text;
  std::uint32_t a = none;
  std::uint32_t b = none;
  std::uint32_t c = none;
  std::uint32_t target = none;
};

class Program {
 public:
  std::string source;
  std::vector<Node> nodes;
  std::vector<std::uint32_t> links;
  std::vector<std::string> names;
  std::vector<Json> constants;
  std::vector<Step> steps;
  std::vector<Read> reads;
  std::uint32_t root = none;      ///< an expression's node
  std::size_t variables_max = 0;  ///< how many variables may live at once

  std::vector<std::string> free_names() const;
  /// What it takes in memory. O(program).
  std::uint64_t bytes() const;
};

/// Fills in the error's line and column for an offset.
void locate(std::string_view source, std::size_t at, Error& error);

}  // namespace redoubt::prompt
