// The one expression language: what stands in a template's {{ }} and {% %}, and what a workflow's
// conditions and inputs are written in. README.md beside this file describes it.
//
// 1. An Expression is immutable and cheap to copy: copies share the compiled program. Evaluating
//    changes nothing, so one Expression may be used by several threads.
// 2. Same text and same scope give the same value on every platform.
// 3. A name that the scope does not have is an Error, unless `default`, `is defined` or
//    `is undefined` asks.
// 4. Errors of compile carry code "bad_expression"; errors of evaluate "undefined_name",
//    "bad_operand" or "over_limit". All carry line and column in the expression's own text.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/prompt/limits.hpp"

namespace redoubt {
using Json = nlohmann::json;
}

namespace redoubt::prompt {

class Program;

/// What a text reads of its scope, for checks before it runs.
struct Read {
  /// The longest fixed path, the root's name first: steps, plan, output for steps.plan.output[i].x.
  /// A key in brackets is a part as it stands, whatever its characters; only its dots end the path.
  std::vector<std::string> parts;
  int line = 0;
  int column = 0;
  /// The text asks somewhere whether this path, or one it begins with, is defined.
  bool optional = false;

  /// The parts with dots between them: how a message names the path.
  std::string path() const;
};

/// Where the names of an evaluation lead, for a caller that does not hold them as one object:
/// nothing is copied for an evaluation to look at it.
class Lookup {
 public:
  virtual ~Lookup() = default;
  /// The value of `reads()[read]`, or null where there is none. It outlives the evaluation.
  virtual const Json* find(std::size_t read) = 0;
  /// An object with all paths read that lead somewhere: for what a message says, and for names that
  /// a template sets on some of its ways only.
  virtual Json whole() = 0;
};

class Expression {
 public:
  static Result<Expression> compile(std::string_view text);

  /// REQUIRES: `scope` is an object (anything else defines no name).
  Result<Json> evaluate(const Json& scope, const Limits& limits = {}) const;
  /// `work`: what it has spent is added, also where it fails.
  Result<Json> evaluate(Lookup& names, const Limits& limits, std::uint64_t& work) const;
  /// The value's truth; spares a condition the copy of its value.
  Result<bool> test(const Json& scope, const Limits& limits = {}) const;

  /// The free root names, sorted, each once.
  std::vector<std::string> names() const;
  /// Every path read, in the order of the text.
  const std::vector<Read>& reads() const;
  /// What the compiled form takes in memory. O(program).
  std::uint64_t bytes() const;
  /// The text it was compiled from.
  std::string_view text() const;
  /// Whether it is a name with dots, as `steps.plan.json.focus`, and nothing else.
  bool is_dotted_name() const;

 private:
  explicit Expression(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

/// false, null, 0, "", [] and {} are not true; everything else is.
bool truthy(const Json& value);

/// How a value prints: a text as it is, all else as canonical JSON (sorted keys, no spaces, whole
/// numbers without a fraction, others in the shortest form that reads back the same). "over_limit"
/// for a text longer than text_bytes_max or a value nested deeper than json_depth_max.
Result<std::string> printed(const Json& value, const Limits& limits = {});

}  // namespace redoubt::prompt
