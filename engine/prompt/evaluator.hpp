// Evaluates the nodes of a program against a scope.
//
// 1. Every function returns false after a fault, which error() then holds; the first one wins.
// 2. Work is charged before it is done, so nothing large is made and then refused.
//
// Internal to engine/prompt.
#pragma once

#include <optional>

#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/prompt/program.hpp"

namespace redoubt::prompt {

/// A name set or looped over, while a template is rendered.
struct Variable {
  std::uint32_t name = none;
  Value value;
};

/// Where the innermost loop stands.
struct LoopState {
  Value items;
  std::size_t place = 0;
  std::size_t count = 0;
  std::size_t variables = 0;  ///< how many were live before the loop
};

class Evaluator {
 public:
  Evaluator(const Program& program, const Json& scope, const Limits& limits)
      : program_(program), scope_(&scope), limits_(limits) {}
  Evaluator(const Program& program, Lookup& names, const Limits& limits)
      : program_(program), names_(&names), limits_(limits) {}

  /// The node's value, which may be undefined.
  bool evaluate(std::uint32_t node, Value& out);
  /// The node's value; a fault where it is undefined.
  bool need(std::uint32_t node, Value& out);
  bool condition(std::uint32_t node, bool& out);

  /// A fault at an offset of the source.
  bool fail(std::uint32_t at, const char* code, Pieces message, Pieces expected = {},
            Pieces got = {});
  /// "bad_operand": `what` expected `expected`, got the value.
  bool wrong(std::uint32_t at, const char* what, const char* expected, const Json& got);
  bool over_limit(std::uint32_t at, const char* bound, std::size_t limit);

  /// Spends so many units of work.
  bool charge(std::uint32_t at, std::size_t units) {
    work_ += units;
    return work_ <= limits_.work_max || over_limit(at, "work_max", limits_.work_max);
  }
  bool fits_text(std::uint32_t at, std::size_t bytes) {
    return bytes <= limits_.text_bytes_max ||
           over_limit(at, "text_bytes_max", limits_.text_bytes_max);
  }
  bool fits_items(std::uint32_t at, std::size_t items) {
    return items <= limits_.items_max || over_limit(at, "items_max", limits_.items_max);
  }
  /// Takes memory for what is to be made.
  bool make(std::uint32_t at, std::size_t bytes) {
    made_ += bytes;
    return made_ <= limits_.memory_max || over_limit(at, "memory_max", limits_.memory_max);
  }
  /// Spends what a text of so many bytes costs, and checks its length.
  bool charge_text(std::uint32_t at, std::size_t bytes);
  /// Spends what a list of so many elements costs, and checks its length.
  bool charge_items(std::uint32_t at, std::size_t items);
  /// Spends what copying or printing the value costs, and checks its depth.
  bool charge_value(std::uint32_t at, const Json& value);

  /// The value as owned Json; borrowed ones are copied.
  bool take(std::uint32_t at, Value& value, Json& out);
  /// Appends how the value prints.
  bool print(std::uint32_t at, const Json& value, std::string& out);

  /// The member or element, or null where there is none. Borrowed from `of`.
  static const Json* member(const Json& of, std::string_view name);
  /// The value at a dotted path, or null.
  static const Json* at_path(const Json& of, std::string_view path);

  const Limits& limits() const { return limits_; }
  std::size_t work() const { return work_; }
  /// REQUIRES: a function returned false
  Error take_error() { return std::move(*error_); }

  std::vector<Variable> variables;
  std::vector<LoopState> loops;

 private:
  bool path(std::uint32_t at, Value& out);
  bool attribute(std::uint32_t at, Value& out);
  bool index(std::uint32_t at, Value& out);
  bool slice(const Node& node, Value& out);
  bool bound(std::uint32_t node, std::int64_t fallback, std::int64_t& out);
  bool loop_field(const Node& node, Value& out);
  bool list(const Node& node, Value& out);
  bool dict(const Node& node, Value& out);
  bool negate(const Node& node, Value& out);
  bool either(const Node& node, Value& out);
  bool conditional(const Node& node, Value& out);
  bool compare(const Node& node, Value& out);
  bool contains(const Node& node, Value& out);
  bool concat(const Node& node, Value& out);
  bool fallback(const Node& node, Value& out);
  bool filter(const Node& node, Value& out);
  bool test(const Node& node, Value& out);
  bool range(const Node& node, Value& out);
  bool weigh(std::uint32_t at, const Json& value, int depth, std::size_t& units,
             std::size_t& bytes);
  bool undefined(std::uint32_t node);
  const Json* root(const Node& node);

  const Program& program_;
  const Json* scope_ = nullptr;
  Lookup* names_ = nullptr;
  std::optional<Json> whole_;  ///< what names_ has as one object, where that was needed
  const Limits& limits_;
  std::size_t work_ = 0;
  std::size_t made_ = 0;  ///< bytes, by json_weights
  std::optional<Error> error_;
};

}  // namespace redoubt::prompt
